"""Records and paths -> figures. Nothing here trains, and no state of matplotlib's is touched."""
import io
import os
import sys
import time
from contextlib import contextmanager

import matplotlib
import numpy as onp
from matplotlib.figure import Figure

from gluon_opt import GluonOptError
from gluon_opt.record import write_whole

BLUE, ORANGE, GREY = '#1f77b4', '#ff7f0e', '#7f7f7f'
SIZE = 3.5, 2.5                 # inches, the book's
SHARE = 0.1                     # of the training time, at most, goes into drawing it live
GAP_FLOOR = 1e-9                # gaps below, exact zeros too, are drawn here
PAUSE = 0.25                    # seconds, at least, from one live figure to the next
FRAMES = 60                     # of an animation, at most

# One colour for a rule everywhere. Ten colours cannot all be told apart by every eye, so rules of
# one family share a tone and differ in their dashes.
RULES = {'gd': ('#000000', ':'), 'sgd': ('#000000', '-'),
         'sgd_momentum': ('#0072b2', '-'), 'nag': ('#0072b2', '--'),
         'adagrad': ('#009e73', '-'),
         'rmsprop': ('#e69f00', '-'), 'adadelta': ('#e69f00', '--'),
         'adam': ('#a50026', '-'), 'nadam': ('#a50026', '--'), 'amsgrad': ('#a50026', ':'),
         'adamw': ('#a50026', '-.'),
         'yogi': ('#d98cc0', '-')}
OTHERS = [BLUE, ORANGE, '#009e73', '#cc79a7', '#000000', '#56b4e9', '#8c6d31', GREY]


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


def loss_band(runs):
    """The run of seed 0 over the 5-95 % band of all seeds of a `SeedRuns`, and least squares."""
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    colour, _ = RULES.get(runs.label, (BLUE, '-'))
    low, high = runs.band()
    axes.fill_between(runs.epochs, low, high, color=colour, alpha=0.25, linewidth=0,
                      label=f'5-95 % of {len(runs.losses)} seeds')
    axes.plot(runs.epochs, runs.record.losses, color=colour, label='seed 0')
    axes.axhline(runs.optimum, color=GREY, linestyle=':', label='least squares')
    axes.set(xlabel='epoch', ylabel='loss', xlim=(0, runs.record.num_epochs))
    axes.set_ylim(*_limits(runs.record.losses, lowest=runs.optimum))
    axes.legend(title='offline twin' if runs.record.source == 'twin' else None)
    axes.grid(alpha=0.3)
    return figure


def curves(x, ys, xlabel, ylabel, **settings):
    """Draw lines over a common x, one a name; a notebook displays the figure at once.

    Args:
        x: the common positions.
        ys: name -> values. The name of a rule has that rule's colour.
        xlabel, ylabel: of the axes.
        settings: for matplotlib's `Axes.set`, such as `yscale='log'` or `ylim=(0, 1)`.

    Returns:
        The matplotlib Figure.
    """
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    for (name, y), style in zip(ys.items(), _styles(ys)):
        axes.plot(x, y, label=name, **style)
    axes.set(xlabel=xlabel, ylabel=ylabel, **settings)
    if len(ys) > 1 or any(ys):
        axes.legend()
    axes.grid(alpha=0.3)
    display(figure)
    return figure


def _styles(names):
    """Colour and dashes of each name: a rule's own, for others one after another."""
    others = iter(OTHERS * (len(names) // len(OTHERS) + 1))
    return [dict(zip(('color', 'linestyle'), RULES[name] if name in RULES else (next(others), '-')))
            for name in names]


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
    points = _points(results)
    figure = Shown(figsize=SIZE)
    axes = figure.add_subplot()
    axes.plot(*points.T, '-o', color=ORANGE)
    _draw_contours(axes, f, _window(points), colors=BLUE)
    axes.set(xlabel='x1', ylabel='x2')
    display(figure)
    return figure


def show_traces_2d(f, paths, *, window=None, minima=()):
    """Draw several paths on the contours of f(x1, x2); a notebook displays them at once.

    Args:
        f: a function of x1 and x2 that takes arrays.
        paths: name -> points. The name of a rule has that rule's colour.
        window: ((low, high), (low, high)) of x1 and x2; left out, one around all paths.
        minima: points to mark with a star.

    Returns:
        The matplotlib Figure.
    """
    figure, axes = _contour_figure(f, paths, window, minima)
    for (name, path), style in zip(paths.items(), _styles(paths)):
        points = _points(path)
        axes.plot(*points.T, label=name, **style)
        axes.plot(*points[-1], 'o', color=style['color'], markersize=4)
    figure.legend(fontsize='small', loc='outside right upper', frameon=False)
    display(figure)
    return figure


def animate_2d(f, paths, out=None, *, window=None, minima=(), seconds=6):
    """Several paths on the contours of f(x1, x2), as they go; a notebook shows the animation.

    Args:
        f, paths, window, minima: as for `show_traces_2d`.
        out: a file to write, .png (APNG) or .gif; left out, none is written.
        seconds: how long the walk takes. The last picture stays for as long as ten.

    Returns:
        An IPython Image of the APNG (of the GIF, if `out` is one).

    Raises:
        GluonOptError: `out` is of another kind.
    """
    from IPython.display import Image

    kind = os.path.splitext(out)[1].lstrip('.') if out else 'png'
    if kind not in ('png', 'gif'):
        raise GluonOptError(f'out must end in .png or .gif, got {str(out)!r}')
    figure, axes = _contour_figure(f, paths, window, minima)
    paths = {name: _points(path) for name, path in paths.items()}
    lines = [axes.plot([], [], label=name, **style)[0]
             for name, style in zip(paths, _styles(paths))]
    heads = [axes.plot([], [], 'o', color=line.get_color(), markersize=5)[0] for line in lines]
    figure.legend(fontsize='small', loc='outside right upper', frameon=False)
    last = max(map(len, paths.values())) - 1
    steps = onp.unique(onp.linspace(0, last, min(FRAMES, last + 1)).astype(int))

    def draw(step):
        for line, head, path in zip(lines, heads, paths.values()):
            line.set_data(*path[:step + 1].T)
            head.set_data(*path[min(step, len(path) - 1)][:, None])

    content = _film(figure, draw, steps, seconds, kind)
    if out:
        write_whole(out, content)
    return Image(content, format=kind)


def _film(figure, draw, steps, seconds, kind):
    """The frames as the bytes of an APNG or a GIF; the last one stays for a third of the time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_layout_engine('none')        # it has done its work; once a frame is too slow
    frames = []
    for step in reversed(steps):            # the last frame has all colours: its palette serves all
        draw(step)
        canvas.draw()
        frame = Image.fromarray(onp.asarray(canvas.buffer_rgba())).convert('RGB')
        frames.append(frame.quantize(256, palette=frames[0] if frames else None,
                                     dither=Image.Dither.NONE))
    frames.reverse()
    duration = 1000 * seconds / len(frames)
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], loop=0,
                   duration=[duration] * (len(frames) - 1) + [1000 * seconds / 3])
    return file.getvalue()


def slider_2d(f, paths, parameter, *, window=None):
    """Paths on the contours of f(x1, x2), one at a time, chosen by a slider (needs Plotly).

    Args:
        f: a function of x1 and x2 that takes arrays.
        paths: value of the parameter -> points.
        parameter: its name.
        window: as for `show_traces_2d`.

    Returns:
        A `Slider`, which JupyterLab and the chapter's pages show.
    """
    import plotly.graph_objects as go

    paths = {value: _points(path) for value, path in paths.items()}
    window = window or _window(onp.concatenate(list(paths.values())))
    x1, x2 = (onp.linspace(*limits, 60) for limits in window)
    figure = go.Figure(go.Contour(
        x=x1.round(4), y=x2.round(4), z=_on_grid(f, *onp.meshgrid(x1, x2)).astype('float32'),
        contours_coloring='lines', showscale=False, hoverinfo='skip',
        colorscale=[[0, BLUE], [1, BLUE]]))
    for i, path in enumerate(paths.values()):
        figure.add_scatter(x=path[:, 0].round(5), y=path[:, 1].round(5), mode='lines+markers',
                           line_color=ORANGE, visible=i == 0)
    steps = [dict(label=f'{value:g}', method='update',
                  args=[{'visible': [True, *(j == i for j in range(len(paths)))]}])
             for i, value in enumerate(paths)]
    figure.update_layout(
        sliders=[dict(steps=steps, currentvalue_prefix=f'{parameter}: ')], showlegend=False,
        xaxis=dict(title='x1', range=window[0]), yaxis=dict(title='x2', range=window[1]),
        height=420, margin=dict(l=50, r=20, t=20, b=20), template='plotly_white')
    return Slider(figure)


class Slider:
    """A Plotly figure that carries no copy of plotly.js: JupyterLab has one, and so has the site.

    Attributes:
        figure: the `plotly.graph_objects.Figure`.
    """

    def __init__(self, figure):
        self.figure = figure

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {'application/vnd.plotly.v1+json': self.figure.to_plotly_json(),
                'text/html': self.figure.to_html(include_plotlyjs=False, full_html=False,
                                                 config={'responsive': True})}


def _contour_figure(f, paths, window, minima):
    """A figure with the contours of f, one for each twelfth of the window's area."""
    window = window or _window(onp.concatenate([_points(path) for path in paths.values()]))
    figure = Shown(figsize=(5.2, 3), layout='constrained')
    axes = figure.add_subplot()
    _draw_contours(axes, f, window, quantiles=12, colors='#9ecae1', linewidths=0.7)
    if len(minima):
        axes.plot(*_points(minima).T, '*', color='black', markersize=9, zorder=3)
    axes.set(xlabel='x1', ylabel='x2', xlim=window[0], ylim=window[1])
    return figure, axes


def _points(path):
    return onp.array([[float(x) for x in point] for point in path])


def _draw_contours(axes, f, window, *, quantiles=None, **style):
    grid = onp.meshgrid(*(onp.linspace(*limits, 100) for limits in window))
    values = onp.asarray(_on_grid(f, *grid))
    levels = quantiles and onp.unique(
        onp.quantile(values, (onp.arange(quantiles) + 0.5) / quantiles))
    axes.contour(*grid, values, levels=levels, **style)


def _window(points):
    """The book's window where the path stays inside; else one around the path."""
    points = points[onp.isfinite(points).all(axis=1)]       # a path may run away
    window, ends = ((-5.5, 1), (-3, 1)), list(zip(points.min(axis=0), points.max(axis=0)))
    if all(low <= first and last <= high for (first, last), (low, high) in zip(ends, window)):
        return window
    margins = [max(0.15 * (last - first), 0.5) for first, last in ends]
    return [(first - margin, last + margin) for (first, last), margin in zip(ends, margins)]


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
