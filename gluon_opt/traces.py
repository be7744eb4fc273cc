"""Two-dimensional functions to walk on, and the walks: any rule, in any number of states."""
from typing import Callable, NamedTuple

import numpy as onp
from mxnet import autograd, np

from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode
from gluon_opt.algorithms import find, init_states
from gluon_opt.data import check_whole


class Surface(NamedTuple):
    """A function of x1 and x2, its minima (none for a saddle), and where a walk starts."""

    f: Callable
    minima: list
    start: tuple
    source: str


SURFACES = {
    'bowl': Surface(
        lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2,
        [(0, 0)], (-5, -2), 'the book, section "Momentum"'),
    'rosenbrock': Surface(
        lambda x1, x2: (1 - x1) ** 2 + 100 * (x2 - x1 ** 2) ** 2,
        [(1, 1)], (-1.2, 1), 'Rosenbrock 1960'),
    'beale': Surface(
        lambda x1, x2: ((1.5 - x1 + x1 * x2) ** 2 + (2.25 - x1 + x1 * x2 ** 2) ** 2
                        + (2.625 - x1 + x1 * x2 ** 3) ** 2),
        [(3, 0.5)], (1, 1.5), 'Beale 1958'),
    'himmelblau': Surface(
        lambda x1, x2: (x1 ** 2 + x2 - 11) ** 2 + (x1 + x2 ** 2 - 7) ** 2,
        [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)],
        (0, 0), 'Himmelblau 1972'),
    'rastrigin': Surface(
        lambda x1, x2: (20 + x1 ** 2 - 10 * np.cos(2 * onp.pi * x1)
                        + x2 ** 2 - 10 * np.cos(2 * onp.pi * x2)),
        [(0, 0)], (-2, 3.5), 'Rastrigin 1974'),
    'saddle': Surface(
        lambda x1, x2: x1 ** 2 - x2 ** 2,
        [], (-1, 0.001), "the survey's second animation"),
}


def train_2d(trainer, steps=20, f_grad=None):
    """The book's walk from (-5, -2), with two scalars of state; prints where it ends.

    Args:
        trainer: a function `(x1, x2, s1, s2)` that returns their next values; with `f_grad`,
            which it is given as a fifth argument.
        steps: how many.
        f_grad: the gradient, `(x1, x2) -> (g1, g2)`.

    Returns:
        The list of points (x1, x2), the start first.
    """
    results = walk_2d(trainer, steps, f_grad)
    print('epoch {}, x1: {:f}, x2: {:f}'.format(steps, *map(float, results[-1])))
    return results


def walk_2d(trainer, steps, f_grad):
    """The points of `train_2d`, without the print."""
    check_whole('steps', steps, 1)
    x1, x2, s1, s2 = -5, -2, 0, 0
    results = [(x1, x2)]
    for _ in range(steps):
        x1, x2, s1, s2 = trainer(x1, x2, s1, s2, *([f_grad] if f_grad else []))
        results.append((x1, x2))
    return results


def nag_2d(lr, momentum):
    """Nesterov's method in its look-ahead form, for `train_2d(nag_2d(0.3, 0.5), f_grad=f_grad)`.

        v <- momentum v + f'(x - lr momentum v)
        x <- x - lr v

    With p = x - lr momentum v it is the rule `nag`. Source: Nesterov 1983; Sutskever, Martens,
    Dahl, Hinton 2013, equations 3 and 4 (their velocity is -lr v).
    """
    def trainer(x1, x2, v1, v2, f_grad):
        g1, g2 = f_grad(x1 - lr * momentum * v1, x2 - lr * momentum * v2)
        v1 = momentum * v1 + g1
        v2 = momentum * v2 + g2
        return x1 - lr * v1, x2 - lr * v2, v1, v2
    return trainer


@np_mode()
def trace(rule, f, x0, hyperparams, steps=20, *, states=None):
    """The path of any rule on a function of scalars, by autograd, in float64.

    Args:
        rule: a book-shaped function, or the name of one of ours.
        f: a function such as `lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2`.
        x0: the start.
        hyperparams: dict; the walk works on a copy.
        steps: how many.
        states: as for `init_states`.

    Returns:
        A NumPy array of shape (steps + 1, 2): the points, x0 first.

    Raises:
        GluonOptError: a bad hyperparameter, states that cannot be found out, a bad start.
    """
    check_whole('steps', steps, 1)
    algorithm = find(rule)
    rule = algorithm.rule if isinstance(rule, str) else rule
    hyperparams = dict(algorithm.check(hyperparams) if algorithm else hyperparams)
    try:
        x = np.array(onp.array(x0, 'float64'), dtype='float64')
        f(*x)
    except (TypeError, ValueError) as failure:
        raise GluonOptError(f'x0 must be a start for f, such as (-5, -2); got {x0!r} '
                            f'({failure})') from failure
    x.attach_grad()
    states = init_states(rule, [x], states=states)
    path = [x.asnumpy()]
    for _ in range(steps):
        with autograd.record():
            y = f(*x)
        y.backward()
        rule([x], states, hyperparams)
        path.append(x.asnumpy())
    return onp.array(path)
