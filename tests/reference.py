"""Every algorithm once more, from the papers: plain float64 NumPy, slow and obvious on purpose.

Nothing is imported from the package, and nothing is written the way it writes it: a moment or a
velocity is not carried from step to step but summed afresh over all gradients since the start,
and 1 - beta^t is the sum of the weights that a moment gave away so far.

A step is a function `(past, hp) -> displacement, states after it`. It looks at one parameter.
`hp['t']` is the number of the first step of that past, so a past may begin in mid-run.
"""
from typing import NamedTuple

import numpy as np


class Past(NamedTuple):
    """What one parameter has seen since the start, oldest first."""

    start: tuple            # its states before the first of these steps
    g: list                 # its gradients; the last one is the new one
    moved: list             # the displacements made so far, one fewer than gradients
    place: int = 0          # it is parameter number `place` (from 0) ...
    among: int = 1          # ... of so many; only Gluon's nadam asks
    points: list = []       # where it has been, the newest last; only weight decay asks


def run(step, points, starts, gradient, hp, steps):
    """Take `steps` steps with a list of parameters.

    `gradient(k, points)` gives the gradients of step k = 0, 1, 2... Returns the list of points
    (before the first step, after each) and the states after the last.
    """
    points = [np.array(x, dtype='float64') for x in points]
    starts = [tuple(np.array(s, dtype='float64') for s in start) for start in starts]
    pasts = [Past(start, [], [], place, len(points), []) for place, start in enumerate(starts)]
    path, states = [points], starts
    for k in range(steps):
        for past, x, g in zip(pasts, points, gradient(k, points)):
            past.g.append(np.asarray(g, dtype='float64'))
            past.points.append(x)
        taken = [step(past, hp) for past in pasts]
        for past, (displacement, _) in zip(pasts, taken):
            past.moved.append(displacement)
        points = [x + displacement for x, (displacement, _) in zip(points, taken)]
        states = [state for _, state in taken]
        path.append(points)
    return path, states


def discounted(decay, start, terms):
    """decay^k start + sum over i = 1..k of decay^(k-i) terms_i."""
    k = len(terms)
    weights = [decay ** (k - i) for i in range(1, k + 1)]
    return decay ** k * start + np.tensordot(weights, np.array(terms), axes=1)


def average(decay, start, terms):
    """The same with weights that, the start's included, sum to 1."""
    return decay ** len(terms) * start + (1 - decay) * discounted(decay, 0, terms)


def weights_so_far(beta, t):
    """What the weights of t terms sum to; the same as 1 - beta^t."""
    return (1 - beta) * sum(beta ** i for i in range(t))


def squares(terms):
    return np.array(terms) ** 2


def now(past, hp):
    """The number of the newest step."""
    return hp['t'] + len(past.g) - 1


def sgd(past, hp):
    return -hp['lr'] * past.g[-1], ()


def sgd_momentum(past, hp):
    v = discounted(hp['momentum'], past.start[0], past.g)
    return -hp['lr'] * v, (v,)


def nag(past, hp):
    """In the shifted variable. What it must equal is `nag_look_ahead`, Nesterov's own."""
    v = discounted(hp['momentum'], past.start[0], past.g)
    return -hp['lr'] * past.g[-1] - hp['lr'] * hp['momentum'] * v, (v,)


def nag_look_ahead(x, v, gradient, hp, steps):
    """Sutskever et al. 2013: the gradient is taken where the velocity alone would lead.

    Returns the points x and the look-ahead points, both before the first step and after each.
    """
    points, ahead = [], []
    for k in range(steps + 1):
        points.append(x)
        ahead.append(x - hp['lr'] * hp['momentum'] * v)
        v = hp['momentum'] * v + gradient(k, ahead[-1])
        x = x - hp['lr'] * v
    return points, ahead


def adagrad(past, hp):
    s = past.start[0] + sum(squares(past.g))
    return -hp['lr'] / np.sqrt(s + hp['eps']) * past.g[-1], (s,)


def rmsprop(past, hp):
    s = average(hp['gamma'], past.start[0], squares(past.g))
    return -hp['lr'] / np.sqrt(s + hp['eps']) * past.g[-1], (s,)


def adadelta(past, hp):
    """Zeiler 2012, algorithm 1: the ratio of two root mean squares."""
    s_start, delta_start = past.start
    s = average(hp['rho'], s_start, squares(past.g))
    delta = delta_start
    if past.moved:
        delta = average(hp['rho'], delta_start, squares(past.moved))
    displacement = -np.sqrt((delta + hp['eps']) / (s + hp['eps'])) * past.g[-1]
    return displacement, (s, average(hp['rho'], delta_start, squares([*past.moved, displacement])))


def adam(past, hp):
    """Kingma, Ba 2015, algorithm 1."""
    v = average(hp['beta1'], past.start[0], past.g)
    s = average(hp['beta2'], past.start[1], squares(past.g))
    v_hat = v / weights_so_far(hp['beta1'], now(past, hp))
    s_hat = s / weights_so_far(hp['beta2'], now(past, hp))
    return -hp['lr'] * v_hat / (np.sqrt(s_hat) + hp['eps']), (v, s)


def nadam(past, hp):
    """Dozat 2016 with a constant beta1."""
    v = average(hp['beta1'], past.start[0], past.g)
    s = average(hp['beta2'], past.start[1], squares(past.g))
    given = weights_so_far(hp['beta1'], now(past, hp))
    s_hat = s / weights_so_far(hp['beta2'], now(past, hp))
    look_ahead = hp['beta1'] * (v / given) + (1 - hp['beta1']) * (past.g[-1] / given)
    return -hp['lr'] * look_ahead / (np.sqrt(s_hat) + hp['eps']), (v, s)


def nadam_with_schedule(past, hp):
    """Dozat 2016 with his schedule of beta1, as Gluon has it.

    Gluon keeps one product of the beta1's for all parameters and multiplies it once for each, so
    it holds every beta1 of an earlier step `among` times, and the newest `place + 1` times.
    """
    def beta1(i):
        return hp['beta1'] * (1 - 0.5 * 0.96 ** (i * hp['schedule_decay']))

    t = now(past, hp)
    factors = [beta1(i) for i in range(hp['t'], t) for _ in range(past.among)]
    factors += [beta1(t)] * (past.place + 1)
    product = hp['m_schedule'] * np.prod(factors)
    v = average(hp['beta1'], past.start[0], past.g)
    s = average(hp['beta2'], past.start[1], squares(past.g))
    s_hat = s / weights_so_far(hp['beta2'], t)
    new_part = (1 - beta1(t)) / (1 - product) * past.g[-1]
    old_part = beta1(t + 1) / (1 - product * beta1(t + 1)) * v
    return -hp['lr'] * (new_part + old_part) / (np.sqrt(s_hat) + hp['eps']), (v, s)


def yogi(past, hp):
    """Zaheer et al. 2018, algorithm 2, with the book's bias correction.

    Its second moment is no sum: it goes up or down by (1 - beta2) g^2, towards g^2.
    """
    v = average(hp['beta1'], past.start[0], past.g)
    s = past.start[1]
    for g2 in squares(past.g):
        s = s + (1 - hp['beta2']) * g2 * (s < g2) - (1 - hp['beta2']) * g2 * (s > g2)
    v_hat = v / weights_so_far(hp['beta1'], now(past, hp))
    s_hat = s / weights_so_far(hp['beta2'], now(past, hp))
    return -hp['lr'] * v_hat / (np.sqrt(s_hat) + hp['eps']), (v, s)


def adamw(past, hp):
    """Loshchilov, Hutter 2019, algorithm 2: what adam does, and beside it the decay."""
    displacement, states = adam(past, hp)
    return displacement - hp['lr'] * hp['wd'] * past.points[-1], states


def amsgrad(past, hp):
    """Reddi, Kale, Kumar 2018, algorithm 2: the largest second moment, which is no sum."""
    v = average(hp['beta1'], past.start[0], past.g)
    _, s, s_max = past.start
    for g2 in squares(past.g):
        s = hp['beta2'] * s + (1 - hp['beta2']) * g2
        s_max = np.where(s > s_max, s, s_max)
    return -hp['lr'] * v / (np.sqrt(s_max) + hp['eps']), (v, s, s_max)


def radam(past, hp):
    """Liu et al. 2020, algorithm 2; rho is what section 3.3 defines it by.

    That is the length of the plain moving average whose terms are, on average, as old as those of
    the exponential one: (rho + 1) / 2 is the mean age, counted from 1.
    """
    t = now(past, hp)
    given = weights_so_far(hp['beta2'], t)
    weights = [(1 - hp['beta2']) * hp['beta2'] ** i / given for i in range(t)]
    rho = 2 * sum(age * weight for age, weight in enumerate(weights, start=1)) - 1
    rho_inf = 2 / (1 - hp['beta2']) - 1
    v = average(hp['beta1'], past.start[0], past.g)
    s = average(hp['beta2'], past.start[1], squares(past.g))
    step = v / weights_so_far(hp['beta1'], t)
    if rho > 4:
        rectification = (rho - 4) / (rho_inf - 4) * (rho - 2) / (rho_inf - 2) * rho_inf / rho
        step = step * np.sqrt(rectification) / (np.sqrt(s / given) + hp['eps'])
    return -hp['lr'] * step, (v, s)


def adabelief(past, hp):
    """Zhuang et al. 2020, algorithm 2, with eps in both places."""
    v, deviations = past.start[0], []
    for g in past.g:
        v = hp['beta1'] * v + (1 - hp['beta1']) * g
        deviations.append(g - v)
    added = hp['eps'] * sum(hp['beta2'] ** i for i in range(len(past.g)))
    s = average(hp['beta2'], past.start[1], squares(deviations)) + added
    v_hat = v / weights_so_far(hp['beta1'], now(past, hp))
    s_hat = s / weights_so_far(hp['beta2'], now(past, hp))
    return -hp['lr'] * v_hat / (np.sqrt(s_hat) + hp['eps']), (v, s)


def lion(past, hp):
    """Chen et al. 2023, program 1: the momentum is the one of the step before."""
    momentum = average(hp['beta2'], past.start[0], past.g[:-1])
    direction = np.sign(hp['beta1'] * momentum + (1 - hp['beta1']) * past.g[-1])
    displacement = -hp['lr'] * direction - hp['lr'] * hp['wd'] * past.points[-1]
    return displacement, (average(hp['beta2'], past.start[0], past.g),)


def adan(past, hp):
    """Xie et al. 2022, algorithm 1, with the bias correction of its code; our beta is its 1 - beta.

    In the first step of all there is no gradient before.
    """
    v_start, d_start, s_start, g_before = past.start
    before = [past.g[0] if hp['t'] == 1 else g_before, *past.g[:-1]]
    differences = [g - old for g, old in zip(past.g, before)]
    ahead = [g + hp['beta2'] * d for g, d in zip(past.g, differences)]
    moments = [average(hp['beta1'], v_start, past.g), average(hp['beta2'], d_start, differences),
               average(hp['beta3'], s_start, squares(ahead))]
    v_hat, d_hat, s_hat = (moment / weights_so_far(hp[beta], now(past, hp))
                           for moment, beta in zip(moments, ['beta1', 'beta2', 'beta3']))
    rate = hp['lr'] / (np.sqrt(s_hat) + hp['eps'])
    x = past.points[-1]
    new = (x - rate * (v_hat + hp['beta2'] * d_hat)) / (1 + hp['lr'] * hp['wd'])
    return new - x, (*moments, past.g[-1])
