"""Fused rules compute what the rules compute; what cannot be fused is refused, with the line."""
import functools
import gc
import json
import math
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import mxnet as mx
import numpy as onp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import nd, np
from mxnet import np as mnp
from mxnet.numpy import sqrt as root_of
from recipes import RECIPES

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt._mode import nd_mode, np_mode
from gluon_opt.fuse import PARALLEL_FROM, Fused, fuse

SHAPES = [(5, 1), (1,), (2, 3, 4)]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, 3e38, -3e38]


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory):
    """Compiled loops are kept for this module, away from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(autouse=True)
def mode(request):
    with np_mode():
        yield


# ---- rules as readers write them ----

def ema(old, new, beta):
    return beta * old + (1 - beta) * new


def signum(params, states, hyperparams):
    for p, v in zip(params, states):
        v[:] = hyperparams['momentum'] * v + (1 - hyperparams['momentum']) * p.grad
        p[:] -= hyperparams['lr'] * np.sign(v)


def adamax(params, states, hyperparams):
    beta1, beta2, lr, t = (hyperparams[key] for key in ('beta1', 'beta2', 'lr', 't'))
    for p, (v, u) in zip(params, states):
        v[:] = ema(v, p.grad, beta1)
        u[:] = np.maximum(beta2 * u, np.abs(p.grad))
        p[:] -= lr / (1 - beta1 ** t) * v / (u + 1e-8)
    hyperparams['t'] += 1


def amsgrad(params, states, hyperparams):
    beta1, beta2, eps = 0.9, 0.999, 1e-8
    for p, (v, s, s_max) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * p.grad ** 2
        s_max[:] = np.maximum(s_max, s)
        p[:] -= hyperparams['lr'] * v / (np.sqrt(s_max) + eps)


def radam(params, states, hyperparams):
    beta1, beta2, t = 0.9, 0.999, hyperparams['t']
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2 ** t / (1 - beta2 ** t)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        v_hat = v / (1 - beta1 ** t)
        if rho > 4:
            r = math.sqrt((rho - 4) * (rho - 2) * rho_inf
                          / ((rho_inf - 4) * (rho_inf - 2) * rho))
            p[:] -= hyperparams['lr'] * r * v_hat / (np.sqrt(s / (1 - beta2 ** t)) + 1e-8)
        else:
            p[:] -= hyperparams['lr'] * v_hat
    hyperparams['t'] = t + 1


def lamb(params, states, hyperparams):
    beta1, beta2, wd = 0.9, 0.999, hyperparams.get('wd', 0.01)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * p.grad * p.grad
        r = v / (np.sqrt(s) + 1e-6) + wd * p
        p_norm, r_norm = np.linalg.norm(p), np.linalg.norm(r)
        ratio = np.where(p_norm > 0, np.where(r_norm > 0, p_norm / r_norm, 1.0), 1.0)
        p[:] -= hyperparams['lr'] * ratio * r


def lars(params, states, hyperparams):
    for p, v in zip(params, states):
        p_norm, g_norm = float(np.linalg.norm(p)), float(np.linalg.norm(p.grad))
        if p_norm > 0 and g_norm > 0:
            local_lr = 0.02 * p_norm / (g_norm + 1e-4 * p_norm)
        else:
            local_lr = 1.0
        v[:] = 0.9 * v + hyperparams['lr'] * local_lr * (p.grad + 1e-4 * p)
        p[:] -= v


def clipped_by_global_norm(params, states, hyperparams):
    norm = math.sqrt(sum(float((p.grad ** 2).sum()) for p in params))
    scale = 1.0
    if norm > hyperparams['theta']:
        scale = hyperparams['theta'] / norm
    for p in params:
        p[:] -= hyperparams['lr'] * scale * p.grad


def clipped_in_place(params, states, hyperparams):
    """The way of the book's `grad_clipping`, which writes to the gradient."""
    norm = np.sqrt(sum((p.grad * p.grad).sum() for p in params))
    if norm > hyperparams['theta']:
        for p in params:
            p.grad[:] *= hyperparams['theta'] / norm
    for p in params:
        p[:] -= hyperparams['lr'] * p.grad


def clipped_each(params, states, hyperparams):
    for p in params:
        scale = np.minimum(1.0, hyperparams['theta'] / (np.linalg.norm(p.grad) + 1e-12))
        p -= hyperparams['lr'] * scale * p.grad


def clipped_by_value(params, states, hyperparams):
    for p in params:
        p[:] -= hyperparams['lr'] * np.clip(p.grad, -hyperparams['theta'], hyperparams['theta'])


def centred(params, states, hyperparams):
    for p, v in zip(params, states):
        g = p.grad - p.grad.mean()
        v *= hyperparams['momentum']
        v += g / (np.max(np.abs(g)) + 1e-8)
        p -= hyperparams['lr'] * v


def looks_ahead_at_p(params, states, hyperparams):
    for p, (v, slow) in zip(params, states):
        before = v.copy()
        v[:] = 0.9 * v - hyperparams['lr'] * p.grad
        p[:] += -0.9 * before + 1.9 * v
        slow[:] += 0.5 * (p - slow)             # p after it was written
        p[:] = slow


def rprop(params, states, hyperparams):
    for p, (size, last) in zip(params, states):
        agree = last * p.grad
        size[:] = np.where(agree > 0, np.minimum(size * 1.2, 50.0),
                           np.where(agree < 0, np.maximum(size * 0.5, 1e-6), size))
        g = (agree >= 0) * p.grad
        p[:] -= np.sign(g) * size
        last[:] = g


def schedules_itself(params, states, hyperparams):
    lr = max(hyperparams['lr'], 0.001) * min(1.0, hyperparams['t'] / 5)
    if hyperparams['t'] % 3 == 0:
        lr = lr / 2
    for p in params:
        p[:] -= lr * p.grad
    hyperparams['lr'] *= float(hyperparams['t'] > 0) - 0.01
    hyperparams['t'] += 1
    hyperparams['last'] = abs(lr)


def power_and_log(params, states, hyperparams):
    for p, s in zip(params, states):
        s[:] = np.power(np.abs(p.grad), 1.5) + np.exp(-np.abs(s)) + s ** 0.5
        step = np.log(1 + s) * np.sign(p.grad) + np.tanh(p) * 1e-3
        p[:] -= hyperparams['lr'] * step


def with_zeros(params, states, hyperparams):
    for p, s in zip(params, states):
        total = np.zeros_like(p)
        for power in (1, 2, 3):
            total += p.grad ** power / power
        s[:] = np.full_like(s, 0.25) + np.ones_like(s) * total
        p[:] -= hyperparams['lr'] * s


def nested(params, states, hyperparams):
    lr, (beta1, beta2), decay = (hyperparams['lr'], hyperparams['betas'], hyperparams.get('decay'))

    def moment(old, new, beta=beta1):
        return old * beta + new * (1 - beta)

    for i, p in enumerate(params):
        v, s = states[i]
        if decay is not None:
            p[:] *= 1 - lr * decay
        v[:] = moment(v, p.grad)
        s[:] = moment(s, mnp.square(p.grad), beta=beta2)
        p[...] = p - lr * v / (root_of(s) + 1e-8)


def nd_methods(params, states, hyperparams):
    for p, (v, s) in zip(params, states):
        v[:] = 0.9 * v + 0.1 * p.grad
        s[:] = 0.99 * s + 0.01 * p.grad.square()
        p[:] -= hyperparams['lr'] * v.sign() * v.abs() / (s.sqrt() + 1e-6)


def nd_functions(params, states, hyperparams):
    norm = sum(nd.sum(nd.square(p.grad)).asscalar() for p in params) ** 0.5
    theta = hyperparams['theta']
    for p, v in zip(params, states):
        g = p.grad * min(theta / norm, 1)
        v[:] = nd.where(g > 0, nd.maximum(v, g), nd.elemwise_add(v, g).clip(-1, 1))
        v[:] += (g < 0) * 0.5
        p[:] = nd.broadcast_sub(p, hyperparams['lr'] * v / (g.norm() + v.max() + g.mean()))


def made_by_closure(eta, numbers=(0.5, 2)):
    from mxnet import np as xp
    scale, (half, two) = onp.float32(0.3), numbers

    def closes_over(params, states, hyperparams):
        for p, v in zip(params, states):
            v[:] = scale * v + half * xp.square(p.grad) * two
            p[:] -= eta * v
    return closes_over


def with_conditions(params, states, hyperparams):
    late = hyperparams['t'] > 2
    for p, v in zip(params, states):
        rising, large = p.grad > 0, np.abs(p.grad) > np.mean(np.abs(p.grad))
        v[:] = np.where(rising & ~large | rising * large, v, -v) + late * p.grad
        v[:] = np.where(np.isnan(v), 0, v) + large.astype('float32') / (1 + np.linalg.norm(v))
        p[:] -= np.where(np.linalg.norm(p) > 1, hyperparams['lr'], -0.0) * v
    hyperparams['t'] += 1


def imports_inside(params, states, hyperparams):
    import math as m

    from mxnet import np as inner
    rate = hyperparams['lr'] / m.sqrt(hyperparams['t'])
    for p in params:
        p[:] -= rate * inner.abs(p.grad) ** 0.5 * inner.sign(p.grad)
    hyperparams.update(t=hyperparams['t'] + 1)


ADAM = {'lr': 0.01, 't': 1}
READERS = {     # rule -> (states, hyperparameters, kind of arrays, whether bit for bit)
    signum: (1, {'lr': 0.1, 'momentum': 0.9}, 'np', True),
    adamax: (2, {**ADAM, 'beta1': 0.9, 'beta2': 0.999}, 'np', True),
    amsgrad: (3, {'lr': 0.01}, 'np', False),
    radam: (2, ADAM, 'np', True),
    lamb: (2, {'lr': 0.01}, 'np', True),
    lars: (1, {'lr': 0.1}, 'np', True),
    clipped_by_global_norm: (0, {'lr': 0.1, 'theta': 5.0}, 'np', False),
    clipped_in_place: (0, {'lr': 0.1, 'theta': 5.0}, 'np', True),
    clipped_each: (0, {'lr': 0.1, 'theta': 1}, 'np', True),
    clipped_by_value: (0, {'lr': 0.1, 'theta': 0.5}, 'np', True),
    centred: (1, {'lr': 0.1, 'momentum': 0.5}, 'np', True),
    looks_ahead_at_p: (2, {'lr': 0.1}, 'np', True),
    rprop: (2, {}, 'np', True),
    schedules_itself: (0, {'lr': 0.1, 't': 1}, 'np', True),
    power_and_log: (1, {'lr': 0.01}, 'np', False),
    with_zeros: (1, {'lr': 0.01}, 'np', False),
    nested: (2, {'lr': 0.01, 'betas': (0.9, 0.99)}, 'np', True),
    nd_methods: (2, {'lr': 0.01}, 'nd', True),
    nd_functions: (1, {'lr': 0.01, 'theta': 2.0}, 'nd', False),
    made_by_closure(0.05): (1, {}, 'np', True),
    with_conditions: (1, {'lr': 0.1, 't': 1}, 'np', True),
    imports_inside: (0, {'lr': 0.1, 't': 3}, 'np', False),
}
every_reader = pytest.mark.parametrize('rule', READERS, ids=lambda rule: rule.__name__)


# ---- the two forms side by side ----

class Run:
    """Parameters and states in mid-run, the same for the same seed."""

    def __init__(self, states, hyperparams, kind='np', dtype='float32', shapes=SHAPES, seed=0,
                 special=False):
        self.rng = onp.random.RandomState(seed)
        self.kind, self.dtype, self.special = kind, dtype, special
        self.hyperparams = dict(hyperparams)
        self.params = [self.array(self.rng.normal(size=shape)) for shape in shapes]
        self.states = []
        for shape in shapes:
            arrays = tuple(self.array(onp.abs(self.rng.normal(size=shape)))
                           for _ in range(states))
            self.states.append(arrays[0] if states == 1 else arrays or None)
        for p in self.params:
            p.attach_grad()

    def array(self, values):
        values = values.astype(self.dtype)
        if self.special:
            flat = values.reshape(-1)
            flat[::3] = self.rng.choice(SPECIAL, size=flat[::3].size)
        array = np.array(values, dtype=self.dtype)
        return array if self.kind == 'np' else array.as_nd_ndarray()

    def new_gradients(self):
        for p in self.params:
            p.grad[:] = self.array(self.rng.normal(size=p.shape) * 2)

    @property
    def arrays(self):
        flat = [*self.params, *(p.grad for p in self.params)]
        for state in self.states:
            flat += [] if state is None else state if isinstance(state, tuple) else [state]
        return flat

    def values(self):
        return [array.asnumpy() for array in self.arrays]

    def step(self, rule):
        with (np_mode if self.kind == 'np' else nd_mode)():
            rule(self.params, self.states, self.hyperparams)


def compare(rule, fused, states, hyperparams, steps=20, exactly=False, **options):
    """Run both forms, from the same values at every step."""
    book, fast = (Run(states, hyperparams, **options) for _ in range(2))
    for step in range(steps):
        book.new_gradients()
        fast.new_gradients()
        for a, b in zip(book.arrays, fast.arrays):
            b[:] = a
        before = book.values()
        book.step(rule)
        fast.step(fused)
        assert fast.hyperparams == book.hyperparams
        assert list(fast.hyperparams) == list(book.hyperparams)
        for old, expected, actual in zip(before, book.values(), fast.values()):
            if exactly:
                onp.testing.assert_array_equal(actual, expected, f'step {step}')
            else:
                assert_within_two_roundings(actual, expected, old, step)
    return fast


def assert_within_two_roundings(actual, expected, old, step):
    unequal = ~((actual == expected) | onp.isnan(actual) & onp.isnan(expected))
    size = onp.maximum(onp.abs(old), onp.abs(expected))[unequal]
    difference = onp.abs(actual - expected)[unequal]
    assert (difference <= 2 * onp.spacing(size.astype('float32'))).all(), (
        f'step {step}: {actual[unequal]} instead of {expected[unequal]}')


@functools.cache
def fused_form(rule):
    return fuse(rule)


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize('recipe', RECIPES, ids=lambda recipe: recipe.id)
def test_our_rules(recipe, dtype):
    compare(recipe.rule, fused_form(recipe.rule), len(recipe.states),
            {**recipe.chosen, **({'t': 10} if 't' in recipe.chosen else {})}, dtype=dtype,
            exactly=dtype == 'float32')


@every_reader
def test_readers_rules(rule):
    states, hyperparams, kind, exactly = READERS[rule]
    compare(rule, fused_form(rule), states, hyperparams, kind=kind, exactly=exactly)


@pytest.mark.parametrize('rule', [amsgrad, lamb, clipped_by_global_norm, looks_ahead_at_p,
                                  power_and_log], ids=lambda rule: rule.__name__)
def test_float64(rule):
    states, hyperparams, kind, _ = READERS[rule]
    compare(rule, fused_form(rule), states, hyperparams, kind=kind, dtype='float64', steps=5)


@pytest.mark.filterwarnings('ignore:invalid value')     # NumPy, in the assertion
@pytest.mark.parametrize('rule', [*READERS, *(recipe.rule for recipe in RECIPES)],
                         ids=lambda rule: rule.__name__)
def test_nan_and_infinity(rule):
    """Bit for bit even where a sum or a power is not: they round, but neither hides a nan."""
    if rule in READERS:
        states, hyperparams, kind, exactly = READERS[rule]
    else:
        recipe = next(recipe for recipe in RECIPES if recipe.rule is rule)
        states, hyperparams, kind, exactly = len(recipe.states), recipe.other, 'np', True
    compare(rule, fused_form(rule), states, hyperparams, kind=kind, exactly=exactly, steps=4,
            special=True)


def test_many_steps_drift_nowhere():
    """Without copying back: 100 steps of adam end on the same bits."""
    rule = gluon_opt.algorithms()['adam'].rule
    book, fast = (Run(2, ADAM) for _ in range(2))
    for _ in range(100):
        book.new_gradients()
        fast.new_gradients()
        book.step(rule)
        fast.step(fused_form(rule))
    for expected, actual in zip(book.values(), fast.values()):
        onp.testing.assert_array_equal(actual, expected)
    assert fast.hyperparams == book.hyperparams == {**ADAM, 't': 101}


def test_threads_compute_the_same():
    rule = gluon_opt.algorithms()['adam'].rule
    compare(rule, fused_form(rule), 2, ADAM, shapes=[(PARALLEL_FROM + 5,), (3,)], steps=2,
            exactly=True)


def test_called_from_several_threads():
    """Each with arrays of its own."""
    rule = gluon_opt.algorithms()['adam'].rule
    expected, runs = Run(2, ADAM), [Run(2, ADAM) for _ in range(4)]
    for run in [expected, *runs]:
        run.new_gradients()
    for _ in range(50):
        expected.step(rule)
    threads = [threading.Thread(target=lambda run=run: [run.step(fused_form(rule))
                                                        for _ in range(50)]) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        for a, b in zip(run.values(), expected.values()):
            onp.testing.assert_array_equal(a, b)


# ---- hyperparameters and branches ----

def test_numbers_never_compile_again(monkeypatch):
    """Nor does a branch that was taken before."""
    fused = fuse(radam)
    run = Run(2, ADAM)
    for _ in range(8):                  # both branches: rho exceeds 4 at the sixth step
        run.new_gradients()
        run.step(fused)
    module = sys.modules['gluon_opt.fuse']      # its name in the package is the function's
    monkeypatch.setattr(module, 'compiled', None)
    for lr, t in (0.5, 9), (0.25, 10), (0.1, 100000), (0.1, 1), (0.1, 7):
        run.hyperparams.update(lr=lr, t=t)
        run.step(fused)


def test_hyperparameters_may_change_type_and_appear():
    def rule(params, states, hyperparams):
        lr, decay = hyperparams['lr'], hyperparams.get('decay')
        for p in params:
            if decay is not None:
                p[:] *= 1 - lr * decay
            if 'clip' in hyperparams:
                p[:] -= lr * np.clip(p.grad, -hyperparams['clip'], hyperparams['clip'])
            elif hyperparams.get('sign', False):
                p[:] -= lr * np.sign(p.grad)
            else:
                p[:] -= lr * p.grad

    fused = fuse(rule)
    for hyperparams in ({'lr': 0.5}, {'lr': 1}, {'lr': onp.float32(0.1)}, {'lr': onp.float64(0.1)},
                        {'lr': 0.1, 'decay': 0.1}, {'lr': 0.1, 'clip': 1}, {'lr': 0.5},
                        {'lr': 0.1, 'sign': True}, {'lr': 0.1, 'sign': False}, {'lr': True}):
        compare(rule, fused, 0, hyperparams, steps=2, exactly=True)


def test_errors_of_the_rule_stay_its_own():
    run = Run(2, {'lr': 0.1, 'beta1': 0.9, 'beta2': 0.9})
    before = run.values()
    with pytest.raises(KeyError, match='^.t.$'):
        run.step(fused_form(adamax))
    run.hyperparams['t'] = 0
    with pytest.raises(ZeroDivisionError):
        run.step(fused_form(adamax))
    for a, b in zip(run.values(), before):
        onp.testing.assert_array_equal(a, b)


rate, helper = 0.5, ema


def uses_globals(params, states, hyperparams):
    for p, v in zip(params, states):
        v[:] = helper(v, p.grad, 0.9)
        p[:] -= rate * v


def test_globals_are_read_anew_and_left_alone(monkeypatch):
    fused = fuse(uses_globals)
    names, code = dict(globals()), uses_globals.__code__
    compare(uses_globals, fused, 1, {}, steps=2, exactly=True)
    assert all(globals()[name] is value for name, value in names.items())
    assert uses_globals.__code__ is code and uses_globals.__globals__ is globals()
    monkeypatch.setitem(globals(), 'rate', 0.25)
    compare(uses_globals, fused, 1, {}, steps=2, exactly=True)
    monkeypatch.setitem(globals(), 'helper', lambda old, new, beta: old + new)
    compare(uses_globals, fused, 1, {}, steps=2, exactly=True)


def test_closures_are_read_anew():
    eta = 0.5

    def rule(params, states, hyperparams):
        for p in params:
            p[:] -= eta * p.grad

    fused = fuse(rule)
    compare(rule, fused, 0, {}, steps=2, exactly=True)
    eta = 0.25
    compare(rule, fused, 0, {}, steps=2, exactly=True)


def test_branches_on_a_norm_come_out_both_ways():
    fused = fuse(clipped_by_global_norm)
    for theta in 1e3, 1e-3, 1e3, 1e-3:
        compare(clipped_by_global_norm, fused, 0, {'lr': 0.1, 'theta': theta}, steps=2)


# ---- what cannot be fused ----

outer, counter, elsewhere = [], 0, onp.ones(3)


def branches_on_values(p, hyperparams):
    if p.grad > 0:
        p[:] -= p.grad


def branches_on_all(p, hyperparams):
    if (p > 0).all():
        p[:] -= p.grad


def draws_noise(p, hyperparams):
    p[:] += np.random.normal(size=p.shape)


def indexes(p, hyperparams):
    p[0] -= p.grad[0]


def masks(p, hyperparams):
    p[p.grad > 0] = 0


def prints(p, hyperparams):
    print(p)


def keeps_a_list(p, hyperparams):
    outer.append(hyperparams['lr'])


def counts(p, hyperparams):
    global counter
    counter += 1


def multiplies_matrices(p, hyperparams):
    p[:] -= np.dot(p, p.grad)


def sums_an_axis(p, hyperparams):
    p[:] -= p.grad.mean(axis=0)


def makes_a_float(p, hyperparams):
    p[:] -= float(p.grad) * p


def goes_through_numpy(p, hyperparams):
    p[:] -= np.array(p.grad.asnumpy())


def transposes(p, hyperparams):
    p[:] -= p.grad.T


def cumulates_in_try(p, hyperparams):
    try:
        p[:] -= np.cumsum(p.grad)
    except Exception:
        p[:] -= p.grad


def uses_an_outer_array(p, hyperparams):
    p[:] -= elsewhere * p.grad


def uses_mxnets_optimizer(p, hyperparams):
    nd.sgd_update(p, p.grad, lr=0.1, out=p)


def pauses_autograd(p, hyperparams):
    with mx.autograd.pause():
        p[:] -= p.grad


def attaches_a_gradient(p, hyperparams):
    p.attach_grad()


def halves(p, hyperparams):
    p[:] = p.astype('float16')


def keeps_an_array(p, hyperparams):
    hyperparams['last'] = p.grad


def doubles_a_comparison(p, hyperparams):
    p[:] -= (p.grad > 0) * 0.5


REFUSED = {
    branches_on_values: 'branches on the values', branches_on_all: '.all of an array',
    draws_noise: 'mxnet.numpy.random.normal', indexes: r'more than \[:\]', masks: r'than \[:\]',
    prints: r'print\(\)', keeps_a_list: 'outer, a list', counts: 'assigns to counter',
    multiplies_matrices: 'mxnet.numpy.dot', sums_an_axis: 'anything but the whole array',
    makes_a_float: 'a Python number of an array', goes_through_numpy: '.asnumpy',
    transposes: r'\.T of', cumulates_in_try: 'cumsum', uses_an_outer_array: 'elsewhere, a ndarray',
    uses_mxnets_optimizer: 'sgd_update', pauses_autograd: 'autograd.pause',
    attaches_a_gradient: '.attach_grad', halves: 'casts float32 to float16',
    keeps_an_array: 'keeps an array', doubles_a_comparison: 'in whole numbers',
}


@pytest.mark.parametrize('part', REFUSED, ids=lambda part: part.__name__)
def test_refused_with_line_and_reason(part):
    def rule(params, states, hyperparams):
        for p in params:
            part(p, hyperparams)

    run = Run(0, {'lr': 0.1})
    before = run.values()
    with pytest.raises(GluonOptError, match=REFUSED[part]) as error:
        run.step(fuse(rule))
    line = int(str(error.value).split('line ')[1].split()[0])
    first = part.__code__.co_firstlineno
    assert first < line <= first + 4
    assert f'`{Path(__file__).read_text().splitlines()[line - 1].strip()}`' in str(error.value)
    for a, b in zip(run.values(), before):
        onp.testing.assert_array_equal(a, b)


def test_refused_without_a_source_file():
    """As typed in a console: there is a line number, but no line."""
    world = {'np': np}
    exec('def typed(params, states, hyperparams):\n    for p in params:\n'
         '        p[:] -= np.cumsum(p.grad)\n', world)
    with pytest.raises(GluonOptError, match=r'^typed: cannot be fused, line 3: .*cumsum'):
        fuse(world['typed'])


def test_on_request_it_runs_unfused(capsys):
    def rule(params, states, hyperparams):
        for p in params:
            p[:] -= np.cumsum(p.grad).reshape(p.shape)

    fused = fuse(rule, fallback=True)
    compare(rule, fused, 0, {}, exactly=True, steps=3)
    out = capsys.readouterr().out
    assert out.count('not fused') == 1 and 'cumsum' in out and out.startswith('rule: ')


def test_only_functions():
    with pytest.raises(GluonOptError, match="got 'adam'"):
        fuse('adam')


def test_what_a_made_up_value_leads_to_is_no_refusal():
    """`fuse` has no hyperparameters yet; this branch is refused only when it is taken."""
    def rule(params, states, hyperparams):
        if hyperparams['verbose']:
            print(hyperparams)
        for p in params:
            p[:] -= p.grad

    fused = fuse(rule)
    compare(rule, fused, 0, {'verbose': 0}, exactly=True, steps=2)
    with pytest.raises(GluonOptError, match='print'):
        Run(0, {'verbose': 1}).step(fused)


# ---- memory ----

def test_pending_operations_finish_first():
    fused = fused_form(gluon_opt.algorithms()['sgd'].rule)
    p = np.ones((500, 500))
    p.attach_grad()
    for _ in range(20):
        big = np.ones((500, 500))
        for _ in range(5):
            big = np.dot(big, big) / 500
        p.grad[:] = big                 # still being computed when the rule is called
        before = p * 1.0                # still to be read
        fused([p], None, {'lr': 0.1})
        onp.testing.assert_allclose(before.asnumpy() - p.asnumpy(), 0.1, rtol=1e-4)


@pytest.mark.parametrize('kind', ['np', 'nd'])
def test_arrays_may_be_exchanged(kind):
    rule = nd_methods if kind == 'nd' else amsgrad
    fused = fused_form(rule)
    states = READERS[rule][0]
    for seed in range(12):              # more than it remembers; ids and memory are used again
        compare(rule, fused, states, {'lr': 0.1}, kind=kind, steps=1, seed=seed,
                shapes=[(seed % 3 + 1, 2)])
        gc.collect()


def test_memory_may_move():
    p = np.ones(4)
    fused = fused_form(gluon_opt.algorithms()['sgd'].rule)
    for _ in range(3):
        p.attach_grad()                 # a new gradient, elsewhere
        p.grad[:] = 1
        fused([p], [None], {'lr': 0.5})
    assert p.tolist() == [-0.5] * 4


def test_arrays_are_not_kept_alive():
    run = Run(2, ADAM)
    run.step(fused_form(gluon_opt.algorithms()['adam'].rule))
    gone = [weakref.ref(array) for array in run.params]
    del run
    gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)


def test_the_same_array_twice(capsys):
    def rule(params, states, hyperparams):
        for p, (v, s) in zip(params, states):
            v[:] = 0.5 * v + p.grad
            s[:] = 0.5 * s + v
            p[:] -= s

    for change in (lambda run: setattr(run, 'states', [(v, v) for v, _ in run.states]),
                   lambda run: setattr(run, 'params', [run.params[0]] * 3),
                   lambda run: setattr(run, 'states', [(p, s) for p, (_, s) in
                                                       zip(run.params, run.states)])):
        book, fast = (Run(2, {}, shapes=[(4,)] * 3) for _ in range(2))
        for run in book, fast:
            change(run)
            run.new_gradients()
        fused = fuse(rule)
        for _ in range(2):
            book.step(rule)
            fast.step(fused)
        for a, b in zip(book.values(), fast.values()):
            onp.testing.assert_array_equal(a, b)
        assert capsys.readouterr().out.count('share memory') == 1


@pytest.mark.parametrize('kind, make', {
    'float16': lambda: np.ones(3, dtype='float16'),
    'row_sparse': lambda: mx.nd.ones((3, 1)).tostype('row_sparse'),
    'empty': lambda: np.ones((0, 3)),
}.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_other_arrays_take_the_book_form(kind, make, capsys):
    def rule(params, states, hyperparams):
        for p in params:
            p[:] = p * 2

    fused, p = fuse(rule), make()
    with (nd_mode if kind == 'row_sparse' else np_mode)():
        fused([p], None, {})
        fused([p], None, {})
    assert (p.asnumpy() == 4).all()
    assert capsys.readouterr().out.count('not fused') == 1


def test_mixed_dtypes_are_refused():
    run = Run(2, ADAM)
    run.states[0] = tuple(s.astype('float64') for s in run.states[0])
    with pytest.raises(GluonOptError, match='mixes float32 and float64|assigns a float64'):
        run.step(fused_form(gluon_opt.algorithms()['adam'].rule))


def test_gradients_are_only_read():
    run = Run(2, ADAM)
    run.new_gradients()
    before = [p.grad.asnumpy() for p in run.params]
    run.step(fused_form(gluon_opt.algorithms()['adam'].rule))
    for p, g in zip(run.params, before):
        onp.testing.assert_array_equal(p.grad.asnumpy(), g)


# ---- the generated code and the cache ----

def test_source_has_the_books_names():
    source = fuse(gluon_opt.algorithms()['adam'].rule).source
    for line in ('v = beta1 * v + c1 * g', 's = beta2 * s + c2 * (g * g)',
                 'p = p - lr * v_bias_corr / (sqrt(s_bias_corr) + eps)', 'c1 = 1 - beta1'):
        assert f'    {line}\n' in source
    assert max(map(len, source.splitlines())) <= 100


def test_a_fused_function_is_book_shaped():
    rule = gluon_opt.algorithms()['adam'].rule
    fused = fuse(rule)
    assert fused.__name__ == 'adam' and fused.__wrapped__ is rule
    assert fuse(fused) is fused and isinstance(fused, Fused)


PROGRAM = """
import json, sys, time
import gluon_opt
from mxnet import np, npx
npx.set_np()
import numba
from gluon_opt.fuse import fuse
p, s = np.ones(3), (np.zeros(3), np.zeros(3))
p.attach_grad()
start = time.perf_counter()
fuse(gluon_opt.algorithms()['yogi'].rule)([p], [s], {'lr': 0.1, 't': 1})
seconds = time.perf_counter() - start
loop, = (module.yogi for name, module in sys.modules.items() if name.startswith('gluon_opt.fused.'))
print(json.dumps([seconds, p.tolist(), not loop.stats.cache_hits]))
"""


def run_program(cache):
    environment = {**os.environ, 'XDG_CACHE_HOME': str(cache), 'PYTHONPATH': os.pathsep.join(
        [str(Path(gluon_opt.__file__).parents[1]), os.environ.get('PYTHONPATH', '')])}
    return subprocess.Popen([sys.executable, '-c', PROGRAM], env=environment, text=True,
                            stdout=subprocess.PIPE)


def test_compiled_code_is_cached(tmp_path):
    """Also when two processes compile at the same time, and when a file is damaged."""
    first = [run_program(tmp_path) for _ in range(2)]
    results = [json.loads(process.communicate()[0]) for process in first]
    second = json.loads(run_program(tmp_path).communicate()[0])
    assert [p for _, p, _ in results] == [second[1]] * 2
    assert not second[2]                # nothing was compiled
    for file in tmp_path.rglob('*.nbc'):
        file.write_bytes(b'damaged')
    third = json.loads(run_program(tmp_path).communicate()[0])
    assert third[1] == second[1] and third[2]


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / 'gluon_opt').write_text('a file, where a folder should be')
    _, p, compiled = json.loads(run_program(tmp_path).communicate()[0])
    assert compiled and len(p) == 3


def test_many_sums_in_one_loop():
    """Their names fill more than a line of the generated code."""
    def rule(params, states, hyperparams):
        for p, s in zip(params, states):
            mean_of_the_gradient, mean_of_the_state = p.grad.mean(), s.mean()
            mean_of_the_product, mean_of_the_sum = (p.grad * s).mean(), (p + s).mean()
            s[:] += mean_of_the_gradient * mean_of_the_state
            p[:] -= mean_of_the_product * mean_of_the_sum * p.grad

    compare(rule, fuse(rule), 1, {}, shapes=[(3, 2), (2,)], steps=2, exactly=True)


# ---- rules nobody wrote ----

@st.composite
def expressions(draw, depth=3):
    """Source of an expression of p, g, v, s and numbers that stays finite for moderate ones."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(['p', 'p.grad', 'v', 's', 'lr', '0.3', 'p', 'v', 'p.grad']))
    x, y = (draw(expressions(depth=depth - 1)) for _ in range(2))
    return draw(st.sampled_from([
        f'({x} + {y})', f'({x} - {y})', f'({x} * {y})', f'({x} / (1 + np.abs({y} + 0 * p)))',
        f'np.sqrt(np.abs({x} + 0 * v))', f'np.sign({x} + 0 * p)', f'np.maximum({x} + 0 * p, {y})',
        f'np.where({x} + 0 * p > {y}, {y} + 0 * p, {x} + 0 * s)', f'(-{x})',
        f'np.clip({x} + 0 * s, -1, lr)', f'np.tanh({x} + 0 * s)', f'({x}).mean()'
        if x not in ('lr', '0.3') and '+ 0' in x else f'({x} * p).sum()',
    ]))


@settings(max_examples=6, deadline=None)
@given(first=expressions(), second=expressions(), third=expressions())
def test_random_rules(first, second, third):
    world = {'np': np}
    exec('def random(params, states, hyperparams):\n'
         "    lr = hyperparams['lr']\n"
         '    for p, (v, s) in zip(params, states):\n'
         f'        v[:] = {first}\n        s[:] += {second}\n        p[:] -= {third}\n', world)
    compare(world['random'], fuse(world['random']), 2, {'lr': 0.5}, shapes=[(3, 2), (2,)], steps=2,
            exactly=True)
