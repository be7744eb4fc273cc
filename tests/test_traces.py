"""Walks in two dimensions end where the book says, whatever rule walks."""
import math

import numpy as onp
import pytest

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt.traces import SURFACES, nag_2d

BOWL = SURFACES['bowl'].f


def f_grad(x1, x2):
    return 0.2 * x1, 4 * x2


def rmsprop_2d(x1, x2, s1, s2):
    g1, g2, eps = 0.2 * x1, 4 * x2, 1e-6
    s1 = 0.9 * s1 + 0.1 * g1 ** 2
    s2 = 0.9 * s2 + 0.1 * g2 ** 2
    x1 -= 0.4 / math.sqrt(s1 + eps) * g1
    x2 -= 0.4 / math.sqrt(s2 + eps) * g2
    return x1, x2, s1, s2


def gd_2d(x1, x2, s1, s2, f_grad):
    g1, g2 = f_grad(x1, x2)
    return x1 - 0.4 * g1, x2 - 0.4 * g2, 0, 0


def test_train_2d_prints_and_returns(capsys):
    results = gluon_opt.train_2d(rmsprop_2d)
    assert capsys.readouterr().out == 'epoch 20, x1: -0.010599, x2: 0.000000\n'
    assert results[0] == (-5, -2) and len(results) == 21
    gluon_opt.train_2d(gd_2d, steps=20, f_grad=f_grad)
    assert capsys.readouterr().out == 'epoch 20, x1: -0.943467, x2: -0.000073\n'


def test_older_edition_prints_its_own_way(capsys):
    gluon_opt.gluonbook.train_2d(rmsprop_2d)
    assert capsys.readouterr().out == 'epoch 20, x1 -0.010599, x2 0.000000\n'


@pytest.mark.parametrize('name, hyperparams, x1, x2', [     # the book's printed results
    ('sgd', {'lr': 0.4}, -0.943467, -0.000073),
    ('sgd', {'lr': 0.6}, -0.387814, -1673.365109),
    ('sgd_momentum', {'lr': 0.6, 'momentum': 0.5}, 0.007188, 0.002553),
    ('sgd_momentum', {'lr': 0.6, 'momentum': 0.25}, -0.126340, -0.186632),
    ('sgd_momentum', {'lr': 0.4, 'momentum': 0.5}, -0.062843, 0.001202),
    ('adagrad', {'lr': 0.4}, -2.382563, -0.158591),
    ('adagrad', {'lr': 2}, -0.002295, -0.000000),
    ('rmsprop', {'lr': 0.4, 'gamma': 0.9}, -0.010599, 0.000000),
])
def test_rules_walk_as_in_the_book(name, hyperparams, x1, x2, either_mode):
    path = gluon_opt.trace(name, BOWL, (-5, -2), hyperparams)
    assert path.shape == (21, 2) and tuple(path[0]) == (-5, -2) and path.dtype == 'float64'
    assert abs(path[-1] - (x1, x2)).max() < 5.1e-7      # half a unit of the last digit printed


def test_look_ahead_is_nag_after_a_change_of_variable():
    lr, momentum = 0.3, 0.5
    looking_ahead = gluon_opt.train_2d(nag_2d(lr, momentum), f_grad=f_grad)
    shifted = gluon_opt.trace('nag', BOWL, (-5, -2), {'lr': lr, 'momentum': momentum})
    x = onp.array(looking_ahead, 'float64')
    # v is what moved x: x_t = x_{t-1} - lr v_t; the rule walks on p = x - lr momentum v.
    v = onp.vstack([[0, 0], (x[:-1] - x[1:]) / lr])
    onp.testing.assert_allclose(shifted, x - lr * momentum * v, atol=1e-13)   # float64 roundings


@pytest.mark.parametrize('name', list(gluon_opt.algorithms()))
def test_every_rule_walks_without_touching_the_callers_dict(name):
    chosen = gluon_opt.algorithms()[name].chosen
    hyperparams = dict(chosen)
    path = gluon_opt.trace(getattr(gluon_opt, name), BOWL, (-5, -2), hyperparams, steps=3)
    assert hyperparams == chosen
    assert BOWL(*path[-1]) < BOWL(*path[0])


def test_reader_with_three_states():
    def rule(params, states, hyperparams):
        for p, (a, b, c) in zip(params, states):
            a[:], b[:], c[:] = p.grad, a + p.grad, c + 1
            p[:] -= hyperparams['step'] * a

    path = gluon_opt.trace(rule, BOWL, (-5, -2), {'step': 0.4})
    assert abs(path[-1] - (-0.943467, -0.000073)).max() < 5.1e-7


@pytest.mark.parametrize('name', ['bowl', 'rosenbrock', 'beale', 'himmelblau', 'rastrigin'])
def test_surfaces_have_their_minima(name):
    surface = SURFACES[name]
    for minimum in surface.minima:
        there = float(surface.f(*map(onp.float64, minimum)))
        assert abs(there) < 1e-9        # six digits of the minimum, squared, times a curvature
        path = gluon_opt.trace('sgd', surface.f, minimum, {'lr': 1e-4}, steps=1)
        assert abs(path[1] - path[0]).max() < 1e-7      # the gradient vanishes


@pytest.mark.parametrize('call, message', [
    (dict(x0=(1, 2, 3)), 'x0 must be a start for f'),
    (dict(x0='here'), 'x0 must be a start for f'),
    (dict(steps=0), 'steps must be a whole number from 1'),
    (dict(rule='adamm'), "no algorithm 'adamm'"),
    (dict(hyperparams={'lr': 0}), r'adam: lr must be in \(0, inf\), got 0')])
def test_bad_call(call, message):
    good = dict(rule='adam', f=BOWL, x0=(-5, -2), hyperparams={'lr': 0.1})
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.trace(**{**good, **call})
