"""Records and paths -> figures. Nothing here trains, and no state of matplotlib's is touched."""
import io
import sys
import time
from contextlib import contextmanager

import matplotlib
import numpy as onp
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = '#1f77b4', '#ff7f0e', '#7f7f7f'
SIZE = 3.5, 2.5                 # inches, the book's
SHARE = 0.1                     # of the training time, at most, goes into drawing it live
GAP_FLOOR = 1e-9                # gaps below, exact zeros too, are drawn here
PAUSE = 0.25                    # seconds, at least, from one live figure to the next


class Shown(Figure):
    """A figure that a notebook has displayed when it was made, and does not display again."""

    def _ipython_display_(self):
        pass


def svg(figure):
    """The figure as the text of an SVG file: the same figure gives the same text."""
    return _rendered(figure, 'svg', metadata={'Date': None}).decode()


def png(figure):
    """The figure as the bytes of a PNG file."""
    return _rendered(figure, 'png', dpi=150)


def _rendered(figure, format, **options):
    file = io.BytesIO()
    with matplotlib.rc_context({'svg.hashsalt': 'gluon_opt', 'svg.fonttype': 'none'}):
        figure.savefig(file, format=format, bbox_inches='tight', **options)
    return file.getvalue()


def in_notebook():
    """Whether we run in a Jupyter kernel, which can display figures."""
    ipython = sys.modules.get('IPython')
    shell = ipython and ipython.get_ipython()
    return hasattr(shell, 'kernel')


def display(figure, handle=None):
    """Show a figure in a notebook, or in place of the one behind `handle`; elsewhere nothing."""
    if not in_notebook():
        return None
    from IPython.display import display as show
    bundle = {'image/svg+xml': svg(figure), 'text/plain': repr(figure)}
    if handle:
        handle.update(bundle, raw=True)
        return handle
    return show(bundle, raw=True, display_id=True)


@contextmanager
def live_curve(num_epochs):
    """An observer that draws the loss as the run goes on, and leaves one finished figure."""
    records, handle = [], None
    spent, last, cost = 0.0, 0.0, 0.05      # a first guess at what a figure costs

    def draw():
        nonlocal handle, spent, last, cost
        start = time.perf_counter()
        handle = display(loss_curve(records[-1]), handle)
        last = time.perf_counter()
        cost = last - start
        spent += cost

    def show(record):
        records.append(record)
        affordable = spent + cost <= SHARE * record.times[-1]
        if affordable and time.perf_counter() - last > PAUSE:
            draw()

    try:
        yield show
    finally:
        if records:
            draw()


def loss_curve(record):
    """The loss of a Record against epochs."""
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    axes.plot(record.epochs, record.losses, color=BLUE)
    axes.set(xlabel='epoch', ylabel='loss', xlim=(0, record.num_epochs))
    axes.set_ylim(*_limits(record.losses))
    axes.grid()
    if record.source == 'twin':
        axes.set_title('offline twin', fontsize='small')
    return figure


def _limits(losses, lowest=onp.inf):
    """Limits that show the whole curve, but let one that runs away leave the frame."""
    finite = [loss for loss in losses if onp.isfinite(loss)] or [1]
    low, high = min(*finite, lowest, finite[0]), min(max(finite), 2 * finite[0])
    margin = 0.05 * (high - low) or 0.05
    return low - margin, high + margin


def show_trace_2d(f, results):
    """Draw a path on the contours of f(x1, x2); a notebook displays it at once.

    Args:
        f: a function of x1 and x2 that takes arrays.
        results: the points, as `train_2d` or `trace` return them.

    Returns:
        The matplotlib Figure.
    """
    x1, x2 = onp.array([[float(x) for x in point] for point in results]).T
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    axes.plot(x1, x2, '-o', color=ORANGE)
    grid = onp.meshgrid(*(onp.linspace(*limits, 100) for limits in _window(x1, x2)))
    axes.contour(*grid, _on_grid(f, *grid), colors=BLUE)
    axes.set(xlabel='x1', ylabel='x2')
    display(figure)
    return figure


def _window(x1, x2):
    """The book's window where the path stays inside; else one around the path."""
    window = (-5.5, 1), (-3, 1)
    if all(low <= x.min() and x.max() <= high for x, (low, high) in zip((x1, x2), window)):
        return window
    margins = (max(0.15 * (x.max() - x.min()), 0.5) for x in (x1, x2))
    return [(x.min() - margin, x.max() + margin) for x, margin in zip((x1, x2), margins)]


def _on_grid(f, x1, x2):
    """f on NumPy arrays, also when it is written with `mx.np` functions, which refuse them."""
    try:
        return f(x1, x2)
    except TypeError:
        from mxnet import np
        return f(np.array(x1), np.array(x2)).asnumpy()


def comparison_figure(comparison):
    """Losses by hand and by Gluon, and the gap between them below, for each algorithm."""
    columns = min(3, len(comparison.rows))
    lines = -(-len(comparison.rows) // columns)
    figure = Shown(figsize=(1 + 3.2 * columns, 0.6 + 3.4 * lines), layout='constrained')
    grid = figure.add_gridspec(2 * lines, columns, height_ratios=[2, 1] * lines)
    for i, (row, run) in enumerate(zip(comparison.rows, comparison.runs)):
        line, column = divmod(i, columns)
        upper = figure.add_subplot(grid[2 * line, column])
        lower = figure.add_subplot(grid[2 * line + 1, column], sharex=upper)
        _draw_losses(upper, run, comparison.optimum)
        _draw_gap(lower, run)
        upper.set_title(row['algorithm'], loc='left', fontweight='bold')
        upper.tick_params(labelbottom=False)
        if column == 0:
            upper.set_ylabel('loss')
            lower.set_ylabel('gap')
        if line == lines - 1 or i + columns >= len(comparison.rows):
            lower.set_xlabel('epoch')
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc='outside lower center', ncols=3,
                  frameon=False)
    figure.suptitle(comparison.title, fontsize='medium')
    return figure


def _draw_losses(axes, run, optimum):
    for record, label, style in ((run.hand, 'by hand', dict(color=BLUE, linewidth=3, alpha=0.5)),
                                 (run.gluon, 'Gluon', dict(color=ORANGE, linestyle='--'))):
        axes.plot(record.epochs, record.losses, label=label, **style)
    losses = run.hand.losses + run.gluon.losses
    if optimum is not None:
        axes.axhline(optimum, color=GREY, linestyle=':', label='least squares')
    axes.set_ylim(*_limits(losses, lowest=min(losses) if optimum is None else optimum))
    axes.grid(alpha=0.3)


def _draw_gap(axes, run):
    epochs = onp.arange(1, len(run.gaps) + 1) * run.hand.num_epochs / run.steps
    axes.semilogy(epochs, onp.maximum(run.gaps, GAP_FLOOR), color='black', linewidth=1)
    axes.set(ylim=(GAP_FLOOR / 2, 1), xlim=(0, run.hand.num_epochs))
    axes.set_yticks([1e-8, 1e-4, 1])
    axes.grid(alpha=0.3)


def schedule_figure(asked, used, unit):
    """A learning rate as a function of the step, and as it was used: pairs (step, rate)."""
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    axes.plot(*zip(*asked), color=BLUE, linewidth=3, alpha=0.5, label='schedule')
    if used:
        axes.plot(*zip(*used), color=ORANGE, linestyle='--', label='used')
        axes.legend()
    axes.set(xlabel=unit, ylabel='learning rate')
    axes.grid()
    return figure
