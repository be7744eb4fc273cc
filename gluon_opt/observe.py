"""How a run is watched: a live curve in a notebook, a progress bar in a terminal, else nothing.

An observer is a context manager whose value is called with the Record after each measurement.
Its time is not the run's: the loop stops its clock first.
"""
import sys
from contextlib import contextmanager, nullcontext


def observer(num_epochs):
    """The observer that suits where the program runs."""
    if 'IPython' in sys.modules:        # no notebook without it, and no need for matplotlib
        from gluon_opt import plots
        if plots.in_notebook():
            return plots.live_curve(num_epochs)
    if sys.stderr.isatty():
        return _progress_bar(num_epochs)
    return nobody(num_epochs)


def nobody(num_epochs):
    """The observer that does nothing."""
    return nullcontext(lambda record: None)


def progress(items):
    """The items one by one, with a progress bar in a terminal."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track
    return track(items, description='', console=Console(stderr=True), transient=True)


@contextmanager
def _progress_bar(num_epochs):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn('{task.description}'), BarColumn(), TextColumn('{task.fields[loss]}')
    with Progress(*columns, console=Console(stderr=True), transient=True,
                  auto_refresh=False) as progress:      # no thread beside the one being timed
        task = progress.add_task('training', total=num_epochs, loss='')

        def show(record):
            progress.update(task, description=record.label, completed=record.epochs[-1],
                            loss=f'loss {record.loss:.3f}')
            progress.refresh()

        yield show
