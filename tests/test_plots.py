"""Figures show what the record holds, cost what they may, and leave matplotlib alone."""
import sys
import time

import matplotlib
import numpy as onp
import pytest

import gluon_opt
from gluon_opt import plots
from gluon_opt.record import Record


def record(losses, source=None):
    made = Record(size=1500, num_epochs=2, label='adam', source=source)
    for i, loss in enumerate(losses):
        made.add(200 * i, 0.1 * i, loss)
    return made


def test_loss_curve():
    axes, = plots.loss_curve(record([0.5, 0.3, 0.25])).axes
    line, = axes.lines
    onp.testing.assert_allclose(line.get_xdata(), [0, 200 / 1500, 400 / 1500])
    onp.testing.assert_allclose(line.get_ydata(), [0.5, 0.3, 0.25])
    assert axes.get_xlim() == (0, 2) and axes.get_ylim()[1] > 0.5       # the first point is seen
    assert (axes.get_xlabel(), axes.get_ylabel()) == ('epoch', 'loss')


def test_run_that_ran_away_leaves_the_frame():
    axes, = plots.loss_curve(record([0.5, 1e20, onp.inf, onp.nan])).axes
    assert 0.9 < axes.get_ylim()[1] < 2


def test_twin_is_named():
    assert 'twin' in plots.svg(plots.loss_curve(record([0.5, 0.3], 'twin')))
    assert 'twin' not in plots.svg(plots.loss_curve(record([0.5, 0.3], 'file')))


def test_trace_as_in_the_source():
    figure = gluon_opt.show_trace_2d(lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2,
                                     [(-5, -2), (-3, -1), (-1, 0)])
    axes, = figure.axes
    assert axes.get_xlim() == (-5.5, 1) and axes.get_ylim() == (-3, 1)
    assert axes.lines[0].get_color() == '#ff7f0e' and axes.lines[0].get_marker() == 'o'
    contours = axes.collections
    assert matplotlib.colors.to_hex(contours[0].get_edgecolor()[0]) == '#1f77b4'
    assert (axes.get_xlabel(), axes.get_ylabel()) == ('x1', 'x2')
    assert tuple(figure.get_size_inches()) == (3.5, 2.5)


def test_trace_that_leaves_the_window_and_mxnets_functions():
    from mxnet import np
    path = gluon_opt.trace('sgd', lambda x1, x2: np.cos(x1) + x2 ** 2, (1, 4), {'lr': 0.4})
    axes, = gluon_opt.show_trace_2d(lambda x1, x2: np.cos(x1) + x2 ** 2, path).axes
    assert axes.get_ylim()[1] > 4 and axes.get_xlim()[1] > path[:, 0].max()


def test_same_figure_same_text():
    texts = {plots.svg(plots.loss_curve(record([0.5, 0.3]))) for _ in range(2)}
    assert len(texts) == 1


def test_nothing_of_matplotlibs_is_changed():
    before = dict(matplotlib.rcParams)
    gluon_opt.show_trace_2d(lambda x1, x2: x1 + x2, [(0, 0), (1, 1)])
    plots.png(plots.loss_curve(record([0.5, 0.3])))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize('cost', [0.01, 0.2])
def test_live_curve_keeps_to_its_share(cost, monkeypatch):
    """Whatever a figure costs: one at the end, and before it a tenth of the training at most."""
    drawn = []

    def slow_display(figure, handle):
        drawn.append(time.perf_counter())
        time.sleep(cost)
        return 'handle'

    monkeypatch.setattr(plots, 'display', slow_display)
    growing, training = record([]), 0.0
    with plots.live_curve(2) as observe:
        for i in range(40):
            time.sleep(0.05)
            training += 0.05
            growing.add(200 * i, training, 0.5)
            observe(growing)
        before_the_end = len(drawn)
    assert len(drawn) == before_the_end + 1
    first_guess = 0.05          # of the cost: the first figure may break the rule by what it missed
    assert before_the_end * cost <= 0.1 * training + max(0, cost - first_guess)
    assert all(b - a > 0.25 for a, b in zip(drawn[:-1], drawn[1:-1]))


def test_plots_needs_no_pyplot():
    import subprocess
    code = ('import sys, gluon_opt.plots\n'
            'gluon_opt.show_trace_2d(lambda a, b: a + b, [(0, 0), (1, 1)])\n'
            'assert "matplotlib.pyplot" not in sys.modules and "mxnet" not in sys.modules')
    subprocess.run([sys.executable, '-c', code], check=True)


def path_of(name, steps=30):
    from gluon_opt.traces import SURFACES
    bowl = SURFACES['bowl']
    return gluon_opt.trace(name, bowl.f, bowl.start, {'lr': 0.4}, steps)


def BOWL(x1, x2):
    return 0.1 * x1 ** 2 + 2 * x2 ** 2

PATHS = {name: path_of(name) for name in ('sgd', 'adam', 'yogi')}


def colour(line):
    return matplotlib.colors.to_hex(line.get_color()), line.get_linestyle()


def test_a_rule_has_one_colour_in_every_figure():
    figure = gluon_opt.show_traces_2d(BOWL, PATHS, minima=[(0, 0)])
    paths = {line.get_label(): line for line in figure.axes[0].lines}
    lines = gluon_opt.curves([0, 1], {'yogi': [1, 2], 'mine': [0, 1]}, 'step', 'x').axes[0].lines
    assert colour(lines[0]) == colour(paths['yogi']) == plots.RULES['yogi']
    assert colour(lines[1]) not in plots.RULES.values()
    onp.testing.assert_allclose(onp.array(paths['adam'].get_data()).T, PATHS['adam'])


# Vienot, Brettel, Mollon 1999: linear RGB as seen without long, or without middle cones.
NO_LONG = [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]
NO_MIDDLE = [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]


@pytest.mark.parametrize('eye', [onp.eye(3), NO_LONG, NO_MIDDLE], ids=['all', 'no L', 'no M'])
def test_colours_of_lines_alike_can_be_told_apart(eye):
    """At least 0.1 in OKLab, five times what can just be seen, unless the dashes differ."""
    def seen(hexadecimal):
        rgb = onp.array(matplotlib.colors.to_rgb(hexadecimal))
        linear = onp.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        linear = onp.clip(onp.array(eye) @ linear, 0, 1)
        cones = onp.cbrt(onp.array([[0.4122214708, 0.5363325363, 0.0514459929],
                                    [0.2119034982, 0.6806995451, 0.1073969566],
                                    [0.0883024619, 0.2817188376, 0.6299787005]]) @ linear)
        return onp.array([[0.2104542553, 0.7936177850, -0.0040720468],
                          [1.9779984951, -2.4285922050, 0.4505937099],
                          [0.0259040371, 0.7827717662, -0.8086757660]]) @ cones

    rules = list(plots.RULES.items())
    for i, (name, (shade, dashes)) in enumerate(rules):
        for other, (other_shade, other_dashes) in rules[:i]:
            if dashes == other_dashes:
                assert onp.linalg.norm(seen(shade) - seen(other_shade)) > 0.1, (name, other)


@pytest.mark.parametrize('kind, format', [('png', 'PNG'), ('gif', 'GIF')])
def test_animation_moves_from_the_start_to_the_end(tmp_path, kind, format):
    from PIL import Image
    file = tmp_path / f'race.{kind}'
    shown = gluon_opt.animate_2d(BOWL, PATHS, file, minima=[(0, 0)])
    assert file.read_bytes() == shown.data and len(shown.data) < 300_000
    pictures = []
    with Image.open(file) as film:
        assert film.format == format and film.n_frames == 31
        for i in range(film.n_frames):
            film.seek(i)
            pictures.append(onp.asarray(film.convert('RGB')).astype(int))

    def drawn(picture):
        return (abs(picture - pictures[0]).max(axis=2) > 100).sum()
    assert 0 < drawn(pictures[10]) < drawn(pictures[-1])        # a path grows, and stays


def test_animation_of_another_kind_is_refused(tmp_path):
    with pytest.raises(gluon_opt.GluonOptError, match=r'out must end in \.png or \.gif, got .*mp4'):
        gluon_opt.animate_2d(BOWL, PATHS, tmp_path / 'race.mp4')
    assert not list(tmp_path.iterdir())


def test_slider_shows_one_path_at_a_time():
    slider = gluon_opt.slider_2d(BOWL, {0.1: path_of('sgd'), 0.4: path_of('adam')}, 'lr')
    contours, first, second = slider.figure.data
    assert contours.type == 'contour' and (first.visible, second.visible) == (True, False)
    steps = slider.figure.layout.sliders[0].steps
    assert [step.label for step in steps] == ['0.1', '0.4']
    assert [list(step.args[0]['visible']) for step in steps] == [[True, True, False],
                                                                 [True, False, True]]
    onp.testing.assert_allclose(onp.column_stack([second.x, second.y]), path_of('adam'), atol=1e-5)
    bundle = slider._repr_mimebundle_()
    assert 'plotly-graph-div' in bundle['text/html'] and len(bundle['text/html']) < 100_000
    assert 'cdn' not in bundle['text/html']
