"""The one table of algorithms, the one table of problems, and what is needed to run them.

To add an algorithm, add its step to `reference.py` and its row here: `test_rules.py` then holds
the rule against the reference, in mid-run and over hundreds of steps, and lets it converge.
"""
from dataclasses import dataclass, field
from typing import Callable, NamedTuple

import numpy as onp
import reference
from mxnet import np

import gluon_opt


class Problem(NamedTuple):
    function: Callable
    gradient: Callable
    start: tuple
    minimum: tuple
    source: str


PROBLEMS = {
    'bowl': Problem(
        lambda x, y: 0.1 * x ** 2 + 2 * y ** 2, lambda x, y: (0.2 * x, 4 * y),
        (-5, -2), (0, 0), 'the book, section "Momentum"'),
    'booth': Problem(
        lambda x, y: (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2,
        lambda x, y: (10 * x + 8 * y - 34, 8 * x + 10 * y - 38),
        (0, 0), (1, 3), 'Jamil, Yang, "A literature survey of benchmark functions", 2013'),
    'rosenbrock': Problem(
        lambda x, y: (1 - x) ** 2 + 100 * (y - x ** 2) ** 2,
        lambda x, y: (2 * (x - 1) - 400 * x * (y - x ** 2), 200 * (y - x ** 2)),
        (-1.2, 1), (1, 1), 'Rosenbrock, "An automatic method for finding the greatest or least '
                           'value of a function", 1960'),
}


@dataclass(frozen=True)
class Recipe:
    """How one rule is tested.

    Attributes:
        name: its name in the table of the package.
        step: its step in `reference.py`.
        chosen: the hyperparameters a caller passes, with the book's values.
        constants: those the rule fills in, with the book's values.
        other: a second complete set, far from the first, so that nothing is hidden by a small
            value (an eps of 1e-6 in the wrong place hardly shows, one of 0.03 does).
        states: a letter or word per array of state; those that are sums of squares, positive,
            are called s and delta.
        converges: problem -> (hyperparameters, steps); after that many steps every coordinate is
            within 0.01 of the minimum. Found by trying; the steps are 1.2 to 2 times what it takes.
        form: 'book', or 'gluon' for the form that Gluon executes.
        nd: it needs no function of NumPy's, so it takes the older `mx.nd` arrays too.
    """

    name: str
    step: Callable
    chosen: dict
    other: dict
    converges: dict
    constants: dict = field(default_factory=dict)
    states: tuple = ()
    form: str = 'book'
    nd: bool = False

    @property
    def id(self):
        return self.name if self.form == 'book' else f'{self.name}-{self.form}'

    @property
    def rule(self):
        if self.form == 'gluon':
            return gluon_opt.gluon_form(self.name)
        return gluon_opt.algorithms()[self.name].rule

    @property
    def defaults(self):
        return {**self.chosen, **self.constants}

    def random_states(self, rng, shape):
        """States as in mid-run: velocities of either sign, sums of squares above 0."""
        return tuple(rng.uniform(0.1, 2, shape) if letter in ('s', 'delta')
                     else rng.normal(size=shape) for letter in self.states)


RECIPES = [
    Recipe(
        'sgd', reference.sgd, {'lr': 0.05}, {'lr': 0.3}, nd=True,
        converges={'bowl': ({'lr': 0.2}, 200), 'booth': ({'lr': 0.1}, 50)}),
    Recipe(
        'sgd_momentum', reference.sgd_momentum, {'lr': 0.005, 'momentum': 0.9},
        {'lr': 0.05, 'momentum': 0.5}, states=('v',), nd=True,
        converges={'bowl': ({'lr': 0.2, 'momentum': 0.5}, 100),
                   'booth': ({'lr': 0.05, 'momentum': 0.5}, 30),
                   'rosenbrock': ({'lr': 0.002, 'momentum': 0.9}, 800)}),
    Recipe(
        'nag', reference.nag, {'lr': 0.005, 'momentum': 0.9}, {'lr': 0.05, 'momentum': 0.5},
        states=('v',), nd=True,
        converges={'bowl': ({'lr': 0.2, 'momentum': 0.5}, 100),
                   'booth': ({'lr': 0.05, 'momentum': 0.5}, 30)}),
    Recipe(
        'adagrad', reference.adagrad, {'lr': 0.1}, {'lr': 0.4, 'eps': 0.03},
        constants={'eps': 1e-6}, states=('s',),
        converges={'bowl': ({'lr': 1}, 100), 'booth': ({'lr': 1}, 150)}),
    Recipe(
        'rmsprop', reference.rmsprop, {'lr': 0.01, 'gamma': 0.9},
        {'lr': 0.03, 'gamma': 0.7, 'eps': 0.03}, constants={'eps': 1e-6}, states=('s',),
        # it ends in a jump of lr / 2 to either side of the minimum, so lr must be small
        converges={'bowl': ({'lr': 0.01, 'gamma': 0.9}, 650),
                   'booth': ({'lr': 0.01, 'gamma': 0.9}, 450)}),
    Recipe(
        'adadelta', reference.adadelta, {'rho': 0.9}, {'rho': 0.7, 'eps': 0.003},
        constants={'eps': 1e-5}, states=('s', 'delta'),
        # at a minimum s dies out and the steps grow again: it comes near, it does not stay
        converges={'bowl': ({'rho': 0.99, 'eps': 0.001}, 300),
                   'booth': ({'rho': 0.99, 'eps': 0.01}, 200)}),
    Recipe(
        'adam', reference.adam, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-6}, states=('v', 's'),
        converges={'bowl': ({'lr': 0.5, 't': 1}, 150), 'booth': ({'lr': 0.5, 't': 1}, 150)}),
    Recipe(
        'nadam', reference.nadam, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-6}, states=('v', 's'),
        converges={'bowl': ({'lr': 0.5, 't': 1}, 150), 'booth': ({'lr': 0.5, 't': 1}, 150)}),
    Recipe(
        'nadam', reference.nadam_with_schedule, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 't': 1, 'schedule_decay': 0.3,
         'm_schedule': 0.2},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'schedule_decay': 0.004,
                   'm_schedule': 1.0},
        states=('v', 's'), form='gluon',
        converges={'bowl': ({'lr': 0.2, 't': 1}, 150), 'booth': ({'lr': 0.2, 't': 1}, 150)}),
    Recipe(
        'yogi', reference.yogi, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.1, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-3}, states=('v', 's'),
        converges={'bowl': ({'lr': 0.5, 't': 1}, 150), 'booth': ({'lr': 0.5, 't': 1}, 150),
                   'rosenbrock': ({'lr': 0.5, 't': 1}, 800)}),
    Recipe(
        'adamw', reference.adamw, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 'wd': 0.3, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8, 'wd': 0.01}, states=('v', 's'),
        # with wd it ends where the decay and the step are equal, not at the minimum
        converges={'bowl': ({'lr': 0.5, 'wd': 0, 't': 1}, 150),
                   'booth': ({'lr': 0.5, 'wd': 0, 't': 1}, 150)}),
    Recipe(
        'amsgrad', reference.amsgrad, {'lr': 0.01},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, states=('v', 's', 's_max'),
        converges={'bowl': ({'lr': 0.1}, 150), 'booth': ({'lr': 0.1}, 150)}),
    Recipe(
        'radam', reference.radam, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, states=('v', 's'),
        converges={'bowl': ({'lr': 0.5, 't': 1}, 200), 'booth': ({'lr': 0.1, 't': 1}, 450)}),
    Recipe(
        'adabelief', reference.adabelief, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.95, 'eps': 0.03, 't': 1},
        constants={'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}, states=('v', 's'),
        converges={'bowl': ({'lr': 0.2, 't': 1}, 150), 'booth': ({'lr': 0.2, 't': 1}, 150)}),
    Recipe(
        'lion', reference.lion, {'lr': 0.002}, {'lr': 0.03, 'beta1': 0.7, 'beta2': 0.4, 'wd': 0.3},
        constants={'beta1': 0.9, 'beta2': 0.99, 'wd': 0.0}, states=('v',),
        # steps of lr in each coordinate, so lr must be small and the way is long
        converges={'bowl': ({'lr': 0.005}, 1500), 'booth': ({'lr': 0.005}, 1250)}),
    Recipe(
        'adan', reference.adan, {'lr': 0.01, 't': 1},
        {'lr': 0.03, 'beta1': 0.9, 'beta2': 0.7, 'beta3': 0.95, 'eps': 0.03, 'wd': 0.3, 't': 1},
        constants={'beta1': 0.98, 'beta2': 0.92, 'beta3': 0.99, 'eps': 1e-8, 'wd': 0.0},
        states=('v', 'd', 's', 'g_old'),
        converges={'bowl': ({'lr': 0.5, 't': 1}, 350), 'booth': ({'lr': 0.5, 't': 1}, 400)}),
]


def array(values, kind=np.ndarray, dtype='float32'):
    """An array of either kind, `mx.np.ndarray` or `mx.nd.NDArray`."""
    a = np.array(values, dtype=dtype)
    return a if kind is np.ndarray else a.as_nd_ndarray()


def packed(states):
    """The states of a parameter as a rule gets them: None, an array, or a tuple of arrays."""
    return states[0] if len(states) == 1 else tuple(states) or None


def unpacked(states):
    """The states of a parameter as a tuple, whatever their number."""
    return () if states is None else states if isinstance(states, tuple) else (states,)


class Model:
    """Parameters, their states and hyperparameters, as a loop holds them, and one rule."""

    def __init__(self, rule, points, states, hyperparams, kind=np.ndarray, dtype='float32'):
        self.rule = rule
        self.params = [array(x, kind, dtype) for x in points]
        for p in self.params:
            p.attach_grad()
        self.states = [packed([array(s, kind, dtype) for s in arrays]) for arrays in states]
        self.hyperparams = dict(hyperparams)

    def step(self, gradients):
        for p, g in zip(self.params, gradients):
            p.grad[:] = onp.asarray(g, dtype=p.dtype)
        self.rule(self.params, self.states, self.hyperparams)

    @property
    def points(self):
        return [p.asnumpy() for p in self.params]

    @property
    def state_arrays(self):
        return [s.asnumpy() for states in self.states for s in unpacked(states)]
