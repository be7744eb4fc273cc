"""The method of MXNet's own optimizer tests, with the eyes open: every rule in Gluon's form, every
option crossed with every other, random weights, several shapes and dtypes, states included.

MXNet's `compare_optimizer` takes one step from zero states with positive gradients. That cannot see
a wrong momentum, a t that never moves or a wrong beta: at the first step they change nothing, or
nothing but a factor that cancels. Here it is ten steps with gradients of either sign; the last
tests plant such mistakes and see that each is caught, and which of them one step lets through.
"""
import inspect
import itertools

import numpy as onp
import pytest
from gluon_pair import (
    NAMES,
    OWN,
    TO_1E6,
    ByOptimizer,
    ByRule,
    largest_difference,
    options_for,
    shapes_for,
)

from gluon_opt.algorithms.gluon import FORMS

STEPS = 10
SHAPES = [(3, 4, 5), (2, 3), (7,), (4, 1), (1,), (2, 1, 3)]
NO_FLOAT64 = {'adagrad', 'groupadagrad', 'adadelta', 'rmsprop', 'ftrl'}     # there MXNet raises
OPTIONS = [
    {'wd': wd, 'rescale_grad': rescale, **({'clip_gradient': clip} if clip else {})}
    for clip, rescale, wd in itertools.product([None, 0.4, 0.8], [1, 0.14, 0.8], [0, 0.03, 0.07])]


def configurations(name, dtype):
    """Every set of its own values with every set of options; the shapes in turn."""
    # the other dtypes run through the same kernels, so there two values of wd are enough
    options = [o for o in OPTIONS if dtype == 'float32' or o['wd'] != 0.03]
    shapes = itertools.cycle(shapes_for(name, SHAPES))
    for own, common in itertools.product(OWN[name], options):
        if options_for(name, common) == common or not common['wd']:
            yield {'learning_rate': 0.05, **own, **options_for(name, common)}, [next(shapes)]


ALL = [(name, dtype) for name in NAMES if name != 'sgld'
       for dtype in ('float32', 'float64', 'float16')
       if not (dtype == 'float64' and name in NO_FLOAT64)]


def difference(name, hyperparams, shapes, dtype='float32', *, rule=None, steps=STEPS,
               positive=False):
    """The largest of parameters and states, after signed (or positive) steps from random weights.

    In float16 both sides work on a float32 copy, as MXNet's `multi_precision` does.
    """
    rng = onp.random.default_rng(7)
    draw = (lambda shape: rng.uniform(size=shape)) if positive else (
        lambda shape: rng.normal(size=shape))
    points = [draw(shape).astype(dtype) for shape in shapes]
    ours = ByRule(name, points, hyperparams, rule=rule,
                  dtype='float32' if dtype == 'float16' else dtype)
    theirs = ByOptimizer(name, points, hyperparams, dtype)
    for _ in range(steps):
        gradients = [draw(shape).astype(dtype) for shape in shapes]
        ours.step(gradients)
        theirs.step(gradients)
    return max(largest_difference(ours.points, theirs.points),
               largest_difference(ours.state_arrays, theirs.state_arrays))


def allowed(name, dtype='float32'):
    if dtype == 'float64':      # here too the kernels take their numbers as C floats, good to 6e-8
        return 3e-5 if name == 'ftml' else 1e-6         # ftml's states divide by lr: they reach 100
    if dtype == 'float16' and name in ('lamb', 'lars'):
        return 1e-4             # Gluon takes the norms of the float16 arrays, not of their copies
    return 1e-6 if name in TO_1E6 else 0


@pytest.mark.parametrize('name, dtype', ALL)
def test_conforms(name, dtype):
    for hyperparams, shapes in configurations(name, dtype):
        found = difference(name, hyperparams, shapes, dtype)
        assert found <= allowed(name, dtype), (hyperparams, *shapes)


def test_there_are_2000_configurations():
    assert sum(1 for name, dtype in ALL for _ in configurations(name, dtype)) >= 2000


# --- planted mistakes -----------------------------------------------------------------------

HALVED_MOMENTUM = 'a halved momentum'
STUCK_T = 'a t that stays 1'
WRONG_BETA2 = 'a wrong beta2'
LR_TEN_TIMES = 'an lr ten times off'
EPS_OUTSIDE = 'eps on the wrong side of the root'

MISTAKES = [
    *((HALVED_MOMENTUM, name, 'momentum * v', 'momentum / 2 * v')
      for name in ('sgd', 'nag', 'signum', 'lbsgd')),
    (HALVED_MOMENTUM, 'lars', 'now * v', 'now / 2 * v'),
    (HALVED_MOMENTUM, 'rmsprop', 'gamma2 * delta', 'gamma2 / 2 * delta'),
    *((STUCK_T, name, ", hyperparams['t']\n", ', 1\n')
      for name in ('adam', 'adamax', 'ftml', 'lamb')),
    (STUCK_T, 'nadam', "hyperparams['t'], get", '1, get'),
    *((WRONG_BETA2, name, "get('beta2', 0.999)", "0.99 * get('beta2', 0.999)")
      for name in ('adam', 'adamax', 'nadam', 'ftml', 'lamb')),
    *((LR_TEN_TIMES, name, "hyperparams['lr']", "10 * hyperparams['lr']")
      for name in NAMES if name not in ('sgld', 'adadelta')),
    (EPS_OUTSIDE, 'adagrad', 'np.sqrt(s + eps)', '(np.sqrt(s) + eps)'),
    (EPS_OUTSIDE, 'groupadagrad', 'np.sqrt(s + eps)', '(np.sqrt(s) + eps)'),
    (EPS_OUTSIDE, 'rmsprop', 'np.sqrt(s + eps)', '(np.sqrt(s) + eps)'),
    (EPS_OUTSIDE, 'adadelta', 'np.sqrt(s + eps)', '(np.sqrt(s) + eps)'),
    (EPS_OUTSIDE, 'adam', '(np.sqrt(s) + eps)', 'np.sqrt(s + eps)'),
    (EPS_OUTSIDE, 'nadam', '(np.sqrt(s / (1 - beta2 ** t)) + eps)',
     'np.sqrt(s / (1 - beta2 ** t) + eps)'),
    (EPS_OUTSIDE, 'ftml', '(np.sqrt(s / correction2) + eps)', 'np.sqrt(s / correction2 + eps)'),
    (EPS_OUTSIDE, 'lamb', '(np.sqrt(s_hat) + eps)', 'np.sqrt(s_hat + eps)'),
]


def with_mistake(name, right, wrong):
    """The rule with one place of its text changed."""
    rule = FORMS[name].rule
    text = inspect.getsource(rule)
    assert right in text
    namespace = dict(vars(inspect.getmodule(rule)))
    exec(text.replace(right, wrong), namespace)
    return namespace[name]


def caught(name, rule, **how):
    """Whether any set of values of the rule's own shows the mistake, beyond what is allowed."""
    shapes = shapes_for(name, SHAPES)[:2]
    options = options_for(name, {'wd': 0.03, 'rescale_grad': 0.8})
    return any(difference(name, {'learning_rate': 0.05, **own, **options}, shapes, rule=rule, **how)
               > allowed(name) for own in OWN[name])


@pytest.mark.parametrize('mistake, name, right, wrong', MISTAKES,
                         ids=[f'{mistake} in {name}' for mistake, name, _, _ in MISTAKES])
def test_a_planted_mistake_is_caught(mistake, name, right, wrong):
    rule = with_mistake(name, right, wrong)
    assert caught(name, rule)
    assert not caught(name, with_mistake(name, right, right))       # it was the mistake
    if mistake in (HALVED_MOMENTUM, STUCK_T):
        assert not caught(name, rule, steps=1, positive=True)       # MXNet's own method is blind
