"""Claims of the page on RMSProp."""
import math

import numpy as onp
import pytest
from mxnet import gluon, np

import gluon_opt
from gluon_opt.traces import SURFACES
from ledger import claim

BOWL, START = SURFACES['bowl'].f, SURFACES['bowl'].start
CALL = {'lr': 0.4, 'gamma': 0.9}
DIGITS = 1e-6       # the source prints six digits


def walk(f, x0, hyperparams, steps=20):
    return gluon_opt.trace(gluon_opt.rmsprop, f, x0, hyperparams, steps)


def states(rule, gradients, hyperparams):
    """The state of a rule with one state, after each of the gradients (one coordinate)."""
    x = np.zeros(1, dtype='float64')
    x.attach_grad()
    s, values = np.zeros_like(x), []
    for g in gradients:
        x.grad[:] = g
        rule([x], [s], hyperparams)
        values.append(s.item())
    return onp.array(values)


@claim(r'RMSProp with $\eta = 0.4$ and $\gamma = 0.9$ ends, after 20 steps from $(-5, -2)$ on the '
       r'bowl, at $(-0.010599, 0)$.', source='book, RMSProp; document D')
def end_of_the_walk():
    assert onp.allclose(walk(BOWL, START, CALL)[-1], (-0.010599, 0), atol=DIGITS)


@claim('At the rate 0.4 RMSProp comes closer to the minimum in 20 steps than AdaGrad does.',
       source='documents C and D')
def faster_than_adagrad():
    adagrad = gluon_opt.trace('adagrad', BOWL, START, {'lr': 0.4})[-1]
    assert abs(walk(BOWL, START, CALL)[-1, 0] + 0.0106) < 1e-4
    assert abs(adagrad[0] + 2.3826) < 1e-4


@claim('The objective of that walk is $0.1 x_1^2 + 2 x_2$.', source='document D', verdict='false',
       correction='It is $0.1 x_1^2 + 2 x_2^2$; the square is lost in the text. Taken literally '
       'the objective has no minimum, and $x_2$ is at $-13.4$ after 20 steps.')
def typo_in_the_objective():
    literal = walk(lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2, START, CALL)
    assert abs(literal[-1, 1] + 13.4) < 0.05


@claim(r'The weights $(1 - \gamma) \gamma^i$ of the past squared gradients sum to 1.',
       source='book, RMSProp')
def weights_sum_to_one():
    for gamma in 0.95, 0.9, 0.8, 0.7:
        s = states(gluon_opt.rmsprop, [1] + 300 * [0], {'lr': 0, 'gamma': gamma})
        assert onp.allclose(s[:40], (1 - gamma) * gamma ** onp.arange(40), rtol=1e-12)
        assert math.isclose(s.sum(), 1, abs_tol=1e-6)


@claim(r'An observation has the half-life $\gamma^{-1}$.', source='book, RMSProp', verdict='false',
       correction=r'The half-life is $\ln 2 / (-\ln \gamma)$: 6.58 steps for $\gamma = 0.9$, where '
       r'$\gamma^{-1}$ is 1.11.')
def half_life():
    s = states(gluon_opt.rmsprop, [1] + 10 * [0], {'lr': 0, 'gamma': 0.9})
    assert s[6] > s[0] / 2 > s[7] and s[1] > 0.89 * s[0]
    assert math.isclose(0.9 ** (math.log(2) / -math.log(0.9)), 0.5)
    assert math.isclose(math.log(2) / -math.log(0.9), 6.58, abs_tol=0.005)


@claim(r'$\mathbf{s}_t = (1 - \gamma) (\mathbf{g}_t^2 + \gamma \mathbf{g}_{t-1}^2 + \gamma^2 '
       r'\mathbf{g}_{t-2} + \ldots)$.', source='book, RMSProp', verdict='false',
       correction=r'The last term is $\gamma^2 \mathbf{g}_{t-2}^2$: a square is missing.')
def missing_square():
    s = states(gluon_opt.rmsprop, [3, 0, 0], {'lr': 0, 'gamma': 0.9})[-1]
    assert math.isclose(s, 0.1 * 0.9 ** 2 * 3 ** 2) and s > 2 * 0.1 * 0.9 ** 2 * 3


@claim(r'With $\gamma = 0.9$ the state is an average over about 10 squared gradients.',
       source='book, RMSProp; document D')
def window_of_ten():
    s = states(gluon_opt.rmsprop, [1] + 40 * [0], {'lr': 0, 'gamma': 0.9})
    assert math.isclose(1 / s[0], 10, rel_tol=1e-9)
    assert math.isclose(s[:10].sum(), 1 - math.exp(-1), rel_tol=0.04)


@claim('Unlike those of AdaGrad, the rates of the coordinates no longer only fall.',
       source='document D')
def rates_can_rise():
    gradients = [1.0] * 20 + [0.01] * 60
    s = states(gluon_opt.rmsprop, gradients, {'lr': 0.01, 'gamma': 0.9})
    assert s[-1] < 0.01 * s[19]
    s = states(gluon_opt.adagrad, gradients, {'lr': 0.01})
    assert (onp.diff(s) > 0).all()


@claim("AdaGrad's state grows without bound, about linearly as the walk converges.",
       source='book, RMSProp', verdict='only if',
       correction='The gradients must keep some noise. Without it they vanish, and the state has a '
       'limit.')
def adagrads_state():
    noise = onp.random.RandomState(0).normal(size=1200)
    s = states(gluon_opt.adagrad, noise, {'lr': 0.1})
    assert abs(s[-1] / s[599] - 2) < 0.2
    path = gluon_opt.trace('adagrad', BOWL, START, {'lr': 2}, 200)
    s = states(gluon_opt.adagrad, 0.2 * path[:, 0], {'lr': 2})
    assert math.isclose(s[-1], s[100], rel_tol=1e-12)


@claim(r'$\mathbf{s}_t / t$ would not grow either, but takes very long to forget the start.',
       source='book, RMSProp')
def dividing_by_t():
    gradients = [100.0] * 10 + [1.0] * 300
    mean = states(gluon_opt.adagrad, gradients, {'lr': 0.1})[-1] / len(gradients)
    leaky = states(gluon_opt.rmsprop, gradients, {'lr': 0.1, 'gamma': 0.9})[-1]
    assert mean > 300 and abs(leaky - 1) < 1e-3


@claim('The learning rate has to be scheduled by the user.', source='book, RMSProp')
def does_not_come_to_rest():
    last = walk(BOWL, START, CALL, 300)[-2:]
    assert onp.allclose(abs(last), CALL['lr'] / 2, atol=0.002)      # a cycle
    assert onp.allclose(last[0], -last[1], atol=0.002)

    def scheduled(params, states, hyperparams):
        hyperparams['t'] += 1
        gluon_opt.rmsprop(params, states, {'lr': 0.4 * 0.97 ** hyperparams['t'], 'gamma': 0.9})
    path = gluon_opt.trace(scheduled, BOWL, START, {'t': 0}, 300,
                           states=lambda params: [np.zeros_like(p) for p in params])
    assert abs(path[-1]).max() < 1e-4


@claim('At the rate 0.01 the loss swings late in training.', source='document D')
def loss_swings_late():
    data_iter, _ = gluon_opt.get_data_ch10(batch_size=10)
    runs = gluon_opt.over_seeds('rmsprop', {'lr': 0.01, 'gamma': 0.9}, data_iter, seeds=20)
    late = runs.losses[:, onp.array(runs.epochs) >= 1]
    assert (late.std(axis=1) > 2e-4).all()
    assert (onp.diff(late, axis=1) > 0).any(axis=1).all()


@claim(r'With $\gamma = 0$ RMSProp is sign descent.', source='document D, exercises')
def gamma_zero():
    steps = onp.diff(walk(BOWL, START, {'lr': 0.4, 'gamma': 0})[:, 0])
    assert onp.allclose(abs(steps), 0.4, rtol=1e-3) and steps[0] > 0 > steps[-1] * steps[-2]


@claim(r'With $\gamma = 1$ the state stays 0 and RMSProp is gradient descent with the rate '
       r'$\eta / \sqrt{\epsilon}$.', source='document D, exercises; book, RMSProp, exercises')
def gamma_one():
    one = walk(BOWL, START, {'lr': 1e-4, 'gamma': 1, 'eps': 1e-6})
    assert onp.allclose(one, gluon_opt.trace('sgd', BOWL, START, {'lr': 0.1}), atol=1e-12)
    assert not states(gluon_opt.rmsprop, [1, 2, 3], {'lr': 0.1, 'gamma': 1}).any()
    data_iter, feature_dim = gluon_opt.get_data_ch10(batch_size=10)
    with pytest.raises(gluon_opt.GluonOptError, match='no longer finite'):
        gluon_opt.train_ch10(gluon_opt.rmsprop, gluon_opt.init_rmsprop_states(feature_dim),
                             {'lr': 0.01, 'gamma': 1}, data_iter, feature_dim, seed=0)


@claim('On the turned bowl the convergence suffers.', source='book, RMSProp, exercises')
def turned_bowl():
    def turned(x1, x2):
        return 0.05 * (x1 + x2) ** 2 + (x1 - x2) ** 2
    start = -7 / math.sqrt(2), -3 / math.sqrt(2)
    end, bowl_end = walk(turned, start, CALL)[-1], walk(BOWL, START, CALL)[-1]
    assert turned(*end) > 1000 * BOWL(*bowl_end)


@claim(r'In Gluon the rule is called `rmsprop` and $\gamma$ is called `gamma1`.',
       source='document D')
def name_in_gluon():
    p = gluon.Parameter('p', shape=(1,))
    p.initialize()
    assert gluon.Trainer([p], 'rmsprop', {'gamma1': 0.5})._optimizer.gamma1 == 0.5
    with pytest.raises(TypeError, match='gamma'):
        gluon.Trainer([p], 'rmsprop', {'gamma': 0.5})


@claim('Adaptive rules can fit all training examples and be wrong on new ones where gradient '
       'descent is right.', source='Wilson et al. 2017')
def marginal_value():
    random = onp.random.RandomState(0)
    n = 100
    y = onp.where(random.rand(n) < 0.6, 1, -1).astype('float32')
    X = onp.zeros((n, 3 + 5 * n), 'float32')
    X[:, 0], X[:, 1:3] = y, 1
    for i in range(n):
        X[i, 3 + 5 * i:3 + 5 * i + (1 if y[i] > 0 else 5)] = 1
    assert (X @ onp.sign(X.T @ y) == 4 * y).all()       # why: all weights of one size solve it
    for rule, hyperparams, right in [
            (gluon_opt.sgd, {'lr': 0.8}, True),
            (gluon_opt.sgd_momentum, {'lr': 0.4, 'momentum': 0.9}, True),
            (gluon_opt.adagrad, {'lr': 0.1}, False),
            (gluon_opt.rmsprop, {'lr': 0.01, 'gamma': 0.9}, False),
            (gluon_opt.adam, {'lr': 0.01, 't': 1}, False)]:
        A, b, w = np.array(X), np.array(y), np.zeros(X.shape[1])
        w.attach_grad()
        states = gluon_opt.init_states(rule, [w])
        for _ in range(300):
            w.grad[:] = np.dot(np.dot(A, w) - b, A) / n
            rule([w], states, hyperparams)
        w = w.asnumpy()
        assert (onp.sign(X @ w) == y).all()
        assert w[0] + w[1] + w[2] > 0 and (-w[0] + w[1] + w[2] < 0) == right
