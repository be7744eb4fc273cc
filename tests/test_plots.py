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
