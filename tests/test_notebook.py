"""In a notebook: one clean figure a run, nothing else, and no window in a terminal."""
import subprocess
import sys

import pytest

CELLS = [
    'import gluon_opt as d2l\n'
    'data_iter, feature_dim = d2l.get_data_ch10()',
    "d2l.train_ch10(d2l.adam, d2l.init_adam_states(feature_dim), {'lr': 0.01, 't': 1},\n"
    "               data_iter, feature_dim, num_epochs=4)",
    "d2l.train_gluon_ch10('adam', {'learning_rate': 0.01}, data_iter);",
    "for lr in 0.1, 1e3:\n"
    "    try:\n"
    "        d2l.train_ch10(d2l.sgd, None, {'lr': lr}, data_iter, feature_dim)\n"
    "    except d2l.GluonOptError as error:\n"
    "        print(error)",
    'f_2d = lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2\n'
    "d2l.show_trace_2d(f_2d, d2l.trace('rmsprop', f_2d, (-5, -2), {'lr': 0.4, 'gamma': 0.9}))",
    "comparison = d2l.compare('sgd', num_epochs=1)\n"
    "comparison.plot()",
]


# What tornado and its kin say about event loops is theirs.
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_cells_leave_one_figure_each(tmp_path):
    nbclient = pytest.importorskip('nbclient')
    nbformat = pytest.importorskip('nbformat')
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, resources={'metadata': {'path': tmp_path}},
                            kernel_name='python3').execute()

    def figures(cell):
        return [output.data['image/svg+xml'] for output in cell.outputs
                if output.output_type in ('display_data', 'execute_result')]

    def printed(cell):
        assert all(output.get('name') != 'stderr' for output in cell.outputs)
        return ''.join(output.text for output in cell.outputs if output.output_type == 'stream')

    counts = [len(figures(cell)) for cell in notebook.cells]
    assert counts == [0, 1, 1, 2, 1, 1]
    for cell, text in zip(notebook.cells[1:4], ('loss: 0.24', 'loss: 0.24', 'no longer finite')):
        assert text in printed(cell)
    assert '252pt' not in figures(notebook.cells[1])[0]     # its margins are cut
    assert 'epoch' in figures(notebook.cells[1])[0] and 'x1' in figures(notebook.cells[4])[0]


def test_script_draws_nothing_and_is_quiet(tmp_path):
    code = '\n'.join(CELLS[:2])
    done = subprocess.run([sys.executable, '-W', 'default::DeprecationWarning', '-c', code],
                          capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == ''
    assert done.stdout.splitlines()[-1].startswith('loss: 0.2')
