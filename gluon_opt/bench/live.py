"""Wall clock of the runs of `epoch`, with the live figure, in a notebook's kernel."""
import json
import tempfile
from pathlib import Path

from gluon_opt._mode import np_mode
from gluon_opt.bench import epoch
from gluon_opt.bench._sides import in_turn, or_left_out

TITLE = f'wall clock of {epoch.EPOCHS} epochs in a notebook, with the live figure'


def measure(quick):
    """Seconds of a run of each side, taken in a kernel; no row where there is none."""
    return or_left_out('nbclient', lambda: _in_a_kernel(quick)) or []


def _in_a_kernel(quick):
    import nbclient
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'rows.json')
        code = ('from gluon_opt.bench import live\n'
                f'live.in_this_kernel({quick!r}, {str(file)!r})')
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbclient.NotebookClient(notebook, timeout=600, kernel_name='python3').execute()
        return json.loads(file.read_text())


def in_this_kernel(quick, file):
    """Measure in the kernel that this runs in, and write the rows as JSON."""
    with np_mode():
        seconds = in_turn(epoch.sides(), rounds=1 if quick else 5, warm_up=0 if quick else 1)
    Path(file).write_text(json.dumps(epoch.rows(seconds)))


def table(rows):
    return epoch.table(rows)
