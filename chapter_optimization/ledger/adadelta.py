"""Claims of the page on Adadelta."""
import math

import numpy as onp
import pytest
from mxnet import np

import gluon_opt
from gluon_opt.traces import SURFACES
from ledger import claim

BOWL, START = SURFACES['bowl'].f, SURFACES['bowl'].start


def walk(curvatures, x0, hyperparams, steps):
    """The path of adadelta on a quadratic with these second derivatives."""
    x = np.array(onp.array(x0, 'float64'), dtype='float64')
    curvatures = np.array(onp.array(curvatures, 'float64'), dtype='float64')
    x.attach_grad()
    states, path = gluon_opt.init_states('adadelta', [x]), [x.asnumpy()]
    for _ in range(steps):
        x.grad[:] = curvatures * x
        gluon_opt.adadelta([x], states, hyperparams)
        path.append(x.asnumpy())
    return onp.array(path)


@claim(r'$\rho = 0.9$ is a half-life of 10 steps.', source='book, Adadelta', verdict='false',
       correction=r'10 is the window $1 / (1 - \rho)$. The half-life is $\ln 2 / (-\ln \rho)$, '
       '6.58 steps.')
def half_life():
    assert math.isclose(math.log(2) / -math.log(0.9), 6.58, abs_tol=0.005)
    # The weight that the state gives to a gradient of that age.
    x = np.array([0.0], dtype='float64')
    x.attach_grad()
    s, delta = states = np.zeros_like(x), np.zeros_like(x)
    weights = []
    for g in [1.0] + 10 * [0.0]:
        x.grad[:] = g
        gluon_opt.adadelta([x], [states], {'rho': 0.9})
        weights.append(s.item())
    assert weights[6] > weights[0] / 2 > weights[7] and weights[10] < 0.35 * weights[0]


@claim('Adadelta has no learning rate; only the decay has to be given.',
       source='book, Adadelta; document C', verdict='only if',
       correction=r'The default of $\epsilon$ must fit the problem. Its root takes the place of '
       r'the learning rate at the start: on the bowl $f < 0.1$ takes 812 steps at $10^{-6}$, 352 '
       r'at $10^{-5}$ and 21 at $10^{-2}$.')
def eps_is_a_learning_rate():
    eps = np.array([[1e-6], [1e-5], [1e-2]], dtype='float64')
    path = walk((0.2, 4), [START] * 3, {'rho': 0.9, 'eps': eps}, 900)
    f = BOWL(path[:, :, 0], path[:, :, 1])
    assert (f < 0.1).argmax(axis=0).tolist() == [812, 352, 21]


@claim(r'$\epsilon$ is there for numerical stability.', source='book, Adadelta; document C',
       verdict='only if', correction=r'It also sets the first step, $\sqrt{\epsilon / (1 - \rho)}$ '
       r'in every coordinate whatever the gradient; with $\epsilon = 0$ Adadelta never moves.')
def first_step():
    for rho, eps in [(0.9, 1e-5), (0.5, 1e-5), (0.9, 1e-3)]:
        first = walk((0.2, 4), START, {'rho': rho, 'eps': eps}, 1)[1]
        assert onp.allclose(first - START, math.sqrt(eps / (1 - rho)), rtol=0.01)
    assert (walk((0.2, 4), START, {'rho': 0.9, 'eps': 0}, 20) == START).all()


@claim(r'Leaving $\epsilon$ aside, Adadelta is RMSProp with the root of $\Delta\mathbf{x}$ in the '
       r'place of $\eta$.', source='document C')
def root_of_delta_replaces_the_rate():
    g, s0, delta0 = 0.7, 0.3, 0.04
    moved = []
    for rule, states, hyperparams in [
            (gluon_opt.adadelta, (s0, delta0), {'rho': 0.9, 'eps': 0}),
            (gluon_opt.rmsprop, s0, {'gamma': 0.9, 'lr': math.sqrt(delta0), 'eps': 0})]:
        x = np.array([1.0], dtype='float64')
        x.attach_grad()
        x.grad[:] = g
        state = np.array([states], dtype='float64').reshape(-1, 1)
        rule([x], [tuple(state) if len(state) > 1 else state[0]], hyperparams)
        moved.append(x.item())
    assert math.isclose(*moved, rel_tol=1e-12) and moved[0] < 1


@claim('Adadelta needs two states for each parameter, leaky averages of the squared gradients and '
       'of the squared steps.', source='book, Adadelta')
def two_states():
    x = np.array([1.0, 2.0], dtype='float64')
    x.attach_grad()
    x.grad[:] = np.array([0.5, -3], dtype='float64')
    states = gluon_opt.init_states('adadelta', [x])
    before = x.asnumpy()
    gluon_opt.adadelta([x], states, {'rho': 0.8})
    (s, delta), = states
    assert onp.allclose(s.asnumpy(), 0.2 * x.grad.asnumpy() ** 2)
    assert onp.allclose(delta.asnumpy(), 0.2 * (x.asnumpy() - before) ** 2)


@claim(r'$\rho = 0.9$ works quite well.', source='book, Adadelta')
def the_default_works():
    data_iter, _ = gluon_opt.get_data_ch10(batch_size=10)
    runs = gluon_opt.over_seeds('adadelta', {'rho': 0.9}, data_iter, seeds=20)
    assert runs.final.max() < 1.05 * runs.optimum


@claim('Compared with AdaGrad it adapts the rate less to the coordinates.',
       source='book, Adadelta', verdict='false',
       correction='Near the minimum, on features in units of 0.1, 1 and 10, the rates of both are '
       'inversely proportional to the unit.')
def adaptive_to_the_coordinates():
    units = onp.array([0.1, 1, 10])

    def exponent(rule, hyperparams):
        random = onp.random.RandomState(0)
        w = np.array(onp.tile(1 / units, (50, 1)), dtype='float64')        # 50 runs, a row each
        w.attach_grad()
        states = gluon_opt.init_states(rule, [w])
        for _ in range(300):
            X, before = random.normal(size=(50, 10, 3)) * units, w.asnumpy()
            error = onp.einsum('kij,kj->ki', X, before - 1 / units) + random.normal(size=(50, 10))
            g = onp.einsum('kij,ki->kj', X, error) / 10
            w.grad[:] = np.array(g, dtype='float64')
            rule([w], states, hyperparams)
        rates = onp.median((before - w.asnumpy()) / g, axis=0)
        return onp.polyfit(onp.log(units), onp.log(rates), 1)[0]

    assert abs(exponent(gluon_opt.adadelta, {'rho': 0.9}) + 1) < 0.1
    assert abs(exponent(gluon_opt.adagrad, {'lr': 0.1}) + 1) < 0.1


@claim(r"The rule can be written without $\mathbf{g}'$.", source='book, Adadelta, exercises')
def without_the_rescaled_gradient():
    def without(params, states, hyperparams):
        rho, eps = hyperparams['rho'], 1e-5
        for p, (s, delta) in zip(params, states):
            s[:] = rho * s + (1 - rho) * np.square(p.grad)
            p[:] -= np.sqrt((delta + eps) / (s + eps)) * p.grad
            delta[:] = rho * delta + (1 - rho) * (delta + eps) / (s + eps) * np.square(p.grad)

    def two(params):
        return [(np.zeros_like(p), np.zeros_like(p)) for p in params]
    path = gluon_opt.trace(without, BOWL, START, {'rho': 0.9}, 100, states=two)
    assert onp.allclose(path, gluon_opt.trace('adadelta', BOWL, START, {'rho': 0.9}, 100),
                        rtol=0, atol=1e-12)


@claim('There are problems that break Adadelta.', source='book, Adadelta, exercises')
def problems_that_break_it():
    starts = [START, (-500, -200), START, (-2, -2)]
    curvatures = onp.array([(0.2, 4), (0.2, 4), (2e-4, 4e-3), (1.9, 2.1)])
    path = walk(curvatures, starts, {'rho': 0.9}, 1500)
    f = (curvatures / 2 * path ** 2).sum(axis=2)
    left = f[400] / f[0]
    assert left[0] < 0.01
    assert left[1] > 0.9        # the way is long
    assert left[2] > 0.2        # the gradients are small
    still, moving = abs(path[:, 3]).T       # a curvature below 2, and one above
    assert still[-1] < 1e-11 and moving[-1] > 1.1 * moving[1000] > 1e-3


@claim("Gluon's `adadelta` is the same rule, and it ignores the learning rate.",
       source='MXNet 1.9.1')
def gluon_ignores_the_learning_rate():
    data_iter, feature_dim = gluon_opt.get_data_ch10(batch_size=100)
    losses = [gluon_opt.train_gluon_ch10('adadelta', {'rho': 0.9, 'learning_rate': lr}, data_iter,
                                         num_epochs=1, seed=0).losses for lr in (0.1, 1e9)]
    ours = gluon_opt.train_ch10(gluon_opt.adadelta, gluon_opt.init_adadelta_states(feature_dim),
                                {'rho': 0.9}, data_iter, feature_dim, num_epochs=1, seed=0)
    assert losses[0] == losses[1] == pytest.approx(ours.losses, rel=1e-6)
