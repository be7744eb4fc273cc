"""Claims of the page on Adam."""
import math
from types import FunctionType, SimpleNamespace

import numpy as onp
from mxnet import np

import gluon_opt
from gluon_opt.traces import SURFACES
from ledger import claim

BOWL = SURFACES['bowl']
CYCLE = [1010.0] + [-10.0] * 100        # the gradients of Reddi's example


class Number:
    """A parameter, or a state, that is one Python number; for a million steps."""

    __slots__ = 'value', 'grad'

    def __init__(self, value=0.0):
        self.value = value

    def __getitem__(self, _):
        return self.value

    def __setitem__(self, _, value):
        self.value = float(value)

    def __float__(self):
        return self.value

    def __rmul__(self, other):
        return other * self.value

    def __truediv__(self, other):
        return self.value / other

    def __add__(self, other):
        return self.value + other

    def __rsub__(self, other):
        return other - self.value


PLAIN = SimpleNamespace(
    sqrt=math.sqrt, square=lambda x: x * x, sign=lambda x: (x > 0) - (x < 0),
    maximum=lambda a, b: max(float(a), float(b)))


def walk(rule, gradients, hyperparams, x=0.0, box=math.inf):
    """A rule of ours, its own code, on Python numbers; yields x and the states at each step."""
    algorithm = gluon_opt.algorithms()[rule]
    step = FunctionType(algorithm.rule.__code__, {**algorithm.rule.__globals__, 'np': PLAIN})
    x, states = Number(x), tuple(Number() for _ in range(algorithm.states))
    own, hyperparams = states if len(states) > 1 else states[0], dict(hyperparams)
    lr = hyperparams['lr']
    for t, x.grad in enumerate(gradients, 1):
        if callable(lr):
            hyperparams['lr'] = lr(t)
        step([x], [own], hyperparams)
        x.value = min(box, max(-box, x.value))
        yield x.value, states


def drive(rule, gradients, hyperparams):
    """x after each step, from 0, and the states."""
    rows = [(x, *map(float, states)) for x, states in walk(rule, gradients, hyperparams)]
    return onp.array(rows)[:, 0], onp.array(rows)[:, 1:]


def million(rule, steps=10 ** 6, **hyperparams):
    """Reddi's example over a million steps: x at the end, and the average regret.

    A cycle that ends as the one before will be repeated for ever, and need not be run.
    """
    costs, points, last = onp.resize(CYCLE, steps), [0.0], None
    for x, states in walk(rule, costs.tolist(), {'lr': 0.01, **hyperparams}, box=1.0):
        points.append(x)
        if len(points) % 101 == 1:
            now = [x, *map(float, states)]
            if now == last:
                break
            last = now
    points = onp.append(points, onp.resize(points[-101:], steps + 1 - len(points)))
    return points[-1], (costs * (points[:-1] + 1)).mean()


def theorem(rule, size=0.99, steps=3000, **hyperparams):
    """The setting of Reddi's first theorem: the points, and the average regrets."""
    beta2 = 1 / 17
    costs = onp.resize([4.0, -1.0, -1.0], steps)
    hyperparams['lr'] = lambda t: size * math.sqrt(1 - beta2) / math.sqrt(t)
    moves = walk(rule, costs.tolist(), hyperparams, 1.0, 1.0)
    points = onp.array([1.0] + [x for x, _ in moves])
    return points, onp.cumsum(costs * (points[:-1] + 1)) / onp.arange(1, steps + 1)


GRADIENTS = onp.random.RandomState(0).normal(size=50)


# ---- the moments and their bias ----

@claim(r'Written out, the first moment is $v_t = (1 - \beta_1) \sum_{i=1}^t \beta_1^{t-i} g_i$.',
       source='documents A and C')
def first_moment_written_out():
    _, moments = drive('adam', GRADIENTS, {'lr': 0.01, 't': 1})
    for t in (1, 7, 50):
        weights = 0.1 * 0.9 ** onp.arange(t)[::-1]
        assert abs(moments[t - 1, 0] - weights @ GRADIENTS[:t]) < 1e-14


@claim(r'If all gradients are equal to $g$, then $v_t = (1 - \beta_1^t)\, g$.', source='document A')
def first_moment_of_a_constant_gradient():
    _, moments = drive('adam', [3.0] * 20, {'lr': 0.01, 't': 1})
    assert onp.allclose(moments[:, 0], 3 * (1 - 0.9 ** onp.arange(1, 21)), rtol=1e-14)


@claim('With $\\beta_1 = 0.9$ the first moment after one step is $0.1$ times the gradient.',
       source='documents A and C')
def first_moment_after_one_step():
    _, moments = drive('adam', [2.0], {'lr': 0.01, 't': 1})
    assert abs(moments[0, 0] - 0.2) < 1e-15


@claim(r'With $\beta_1 = 0.9$ and equal gradients, $v_{10} = 0.65\, g$.', source='document A')
def first_moment_after_ten_steps():
    _, moments = drive('adam', [1.0] * 10, {'lr': 0.01, 't': 1})
    assert round(moments[-1, 0], 2) == 0.65 and abs(moments[-1, 0] - 0.6513) < 5e-5


@claim(r'After division by $1 - \beta^t$ the weights of all past gradients add up to 1.',
       source='documents A and C')
def corrected_weights_add_up_to_one():
    for beta in (0.9, 0.999):
        for t in (1, 10, 1000):
            weights = (1 - beta) * beta ** onp.arange(t)
            assert abs(weights.sum() / (1 - beta ** t) - 1) < 1e-12
    # so equal gradients give steps of the learning rate
    points, _ = drive('adam', [5.0] * 20, {'lr': 0.01, 't': 1, 'eps': 1e-12})
    assert onp.allclose(onp.diff(points), -0.01, rtol=1e-9)


@claim(r'$\sum_{i=0}^{t} \beta^i = (1 - \beta^t) / (1 - \beta)$.', source='documents B and C',
       verdict='false',
       correction=r'The upper limit is $t - 1$. The bias correction built on it is right.')
def off_by_one_in_the_sum():
    for beta, t in ((0.9, 1), (0.9, 10), (0.999, 100)):
        right_side = (1 - beta ** t) / (1 - beta)
        assert abs(sum(beta ** i for i in range(t)) - right_side) < 1e-9
        assert sum(beta ** i for i in range(t + 1)) - right_side > 0.3


@claim(r'With $\beta_2 = 0.999$ the second moment changes much more slowly than the first with '
       r'$\beta_1 = 0.9$.', source='document B')
def second_moment_is_slow():
    half_lives = [math.log(2) / -math.log(beta) for beta in (0.9, 0.999)]
    assert [round(h, 2) for h in half_lives] == [6.58, 692.8]
    _, moments = drive('adam', [1.0] + [0.0] * 700, {'lr': 0.01, 't': 1})
    below_half = (moments < moments[0] / 2).argmax(axis=0)
    assert below_half.tolist() == [7, 693]


@claim('Starting both moments at 0 biases them towards small values.', source='document B')
def zero_start_biases():
    _, moments = drive('adam', [1.0] * 100, {'lr': 0.01, 't': 1})
    assert (moments < 1).all() and moments[0, 1] < 0.0011 and moments[-1, 1] < 0.1


@claim('Bias correction makes up for a slow start.', source='document B', verdict='only if',
       correction=r'The estimates start slowly, the steps do not: with $\beta_1 = 0.9$ and '
       r'$\beta_2 = 0.999$ both moments are too small, but the root of $s$ by more, and without '
       'the correction the first step is 3.16 learning rates long.')
def start_without_correction():
    for t, first in ((1, 1), (10 ** 6, 0.1 / math.sqrt(0.001))):
        points, _ = drive('adam', [5.0], {'lr': 0.01, 't': t, 'eps': 1e-12})
        assert abs(points[0] / -0.01 - first) < 1e-6


@claim('A different start and a different update would make the correction unnecessary.',
       source='document B, text and exercise 2')
def decays_that_need_no_correction():
    _, moments = drive('adam', GRADIENTS, {'lr': 0.01, 't': 1})
    for column, beta, values in ((0, 0.9, GRADIENTS), (1, 0.999, GRADIENTS ** 2)):
        mean = 12345.0      # whatever it starts from
        for t, g in enumerate(values, 1):
            b = beta * (1 - beta ** (t - 1)) / (1 - beta ** t)
            mean = b * mean + (1 - b) * g
            assert abs(mean - moments[t - 1, column] / (1 - beta ** t)) < 1e-12


# ---- the update ----

@claim(r'Adam divides by $\sqrt{\hat s_t + \epsilon}$.', source='document A, formula',
       verdict='false',
       correction=r'The code beside it, like document B, divides by $\sqrt{\hat s_t} + \epsilon$. '
       r'With a gradient of $10^{-3}$ and $\epsilon = 10^{-6}$ the first steps are 0.71 and 0.999 '
       'learning rates.')
def eps_stands_outside_the_root():
    g, eps = 1e-3, 1e-6
    points, _ = drive('adam', [g], {'lr': 1.0, 't': 1, 'eps': eps})
    assert abs(-points[0] - g / (g + eps)) < 1e-9 and round(g / (g + eps), 3) == 0.999
    assert round(g / math.sqrt(g ** 2 + eps), 2) == 0.71


@claim(r'$\epsilon$ outside the root works slightly better than inside.', source='document B',
       verdict='only if',
       correction=r'Only if gradients are about as small as $\sqrt{\epsilon}$. On the airfoil data '
       'no difference can be seen in the loss.')
def eps_outside_is_better():
    def inside(params, states, hyperparams):
        for p, (v, s) in zip(params, states):
            v[:] = 0.9 * v + 0.1 * p.grad
            s[:] = 0.999 * s + 0.001 * np.square(p.grad)
            t = hyperparams['t']
            s_hat = s / (1 - 0.999 ** t)
            p[:] -= hyperparams['lr'] * v / (1 - 0.9 ** t) / np.sqrt(s_hat + 1e-6)
        hyperparams['t'] += 1

    data_iter, _ = gluon_opt.get_data_ch10()
    runs = [gluon_opt.over_seeds(rule, {'lr': 0.01, 't': 1}, data_iter, 1, seeds=20)
            for rule in (gluon_opt.adam, inside)]
    assert abs(runs[0].final - runs[1].final).max() < 1e-4 < runs[0].final.std()
    for f, better in ((lambda x: x ** 2, False), (lambda x: 1e-6 * x ** 2, True)):
        ends = [gluon_opt.trace(rule, f, (1.0,), {'lr': 0.01, 't': 1}, 50)
                for rule in (gluon_opt.adam, inside)]
        assert (abs(ends[0][-1, 0]) < abs(ends[1][-1, 0]) - 0.1) == better


@claim(r'$\epsilon = 10^{-6}$ is a good compromise between stability and fidelity.',
       source='document B')
def eps_is_a_good_compromise():
    data_iter, _ = gluon_opt.get_data_ch10()
    losses = [gluon_opt.over_seeds('adam', {'lr': 0.01, 'eps': eps}, data_iter, 1, seeds=10).final
              for eps in (1e-6, 1e-8)]
    assert abs(losses[0] - losses[1]).max() < 1e-6
    points, _ = drive('adam', [0.0] * 5, {'lr': 0.01, 't': 1, 'eps': 1e-6})
    assert (points == 0).all()              # and no 0 / 0


@claim('The learning rate sets the length of a step; the scale of the gradient does not matter.',
       source='document B')
def learning_rate_sets_the_step():
    hyperparams = {'lr': 0.1, 'eps': 1e-12}
    path = gluon_opt.trace('adam', BOWL.f, BOWL.start, hyperparams, 30)
    scaled = gluon_opt.trace('adam', lambda x1, x2: 1000 * BOWL.f(x1, x2), BOWL.start,
                             hyperparams, 30)
    assert abs(path - scaled).max() < 1e-9
    for lr in (0.1, 0.4):
        path = gluon_opt.trace('adam', BOWL.f, BOWL.start, {'lr': lr}, 1)
        assert abs(path[1] - path[0] - lr).max() < 1e-6


@claim('Adam is RMSProp with a leaky average of the gradient in addition, and bias correction.',
       source='documents A and C')
def adam_without_average_is_rmsprop():
    adam, _ = drive('adam', GRADIENTS, {'lr': 0.01, 'beta1': 0.0, 't': 10 ** 6, 'eps': 1e-12})
    rmsprop, _ = drive('rmsprop', GRADIENTS, {'lr': 0.01, 'gamma': 0.999, 'eps': 1e-18})
    assert abs(adam - rmsprop).max() < 1e-9


@claim("Adam's first moment is that of momentum, rewritten as an average, and its second that of "
       'RMSProp.', source='document C')
def moments_of_momentum_and_rmsprop():
    _, adam = drive('adam', GRADIENTS, {'lr': 0.01, 't': 1})
    _, momentum = drive('sgd_momentum', GRADIENTS, {'lr': 0.01, 'momentum': 0.9})
    _, rmsprop = drive('rmsprop', GRADIENTS, {'lr': 0.01, 'gamma': 0.999})
    assert abs(adam[:, 0] - 0.1 * momentum[:, 0]).max() < 1e-12
    assert abs(adam[:, 1] - rmsprop[:, 0]).max() < 1e-15


@claim('Nadam is Nesterov and Adam.', source='document C')
def nadam_holds_nesterov():
    nag = gluon_opt.trace('nag', BOWL.f, BOWL.start, {'lr': 0.05, 'momentum': 0.9}, 30)
    nadam = gluon_opt.trace('nadam', BOWL.f, BOWL.start,
                            {'lr': 0.5e8, 'eps': 1e8, 't': 10 ** 6}, 30)
    assert abs(nag - nadam).max() < 1e-7


@claim('Gluon has this Nadam.', source='document C', verdict='false',
       correction="Gluon's has Dozat's schedule: its first step is 1.06 learning rates long, that "
       'of the plain form 1.9.')
def nadam_in_gluon():
    first = {}
    for form, rule in (('plain', gluon_opt.nadam), ('Gluon', gluon_opt.gluon_form('nadam'))):
        path = gluon_opt.trace(rule, BOWL.f, BOWL.start, {'lr': 0.1, 't': 1, 'eps': 1e-9}, 1)
        first[form] = (path[1] - path[0])[0] / 0.1
    assert abs(first['plain'] - 1.9) < 1e-6 and round(first['Gluon'], 2) == 1.06


@claim("Gluon's `adam` does the same as the function written by hand.",
       source='documents A and B', verdict='only if',
       correction=r'To a few millionths in the run of the book, and only because $\epsilon$ is '
       r'small: with $10^{-3}$ on both sides the parameters come apart by more than a thousandth.')
def gluon_does_the_same():
    row = gluon_opt.compare('adam', num_epochs=1).rows[0]
    assert 0 < row['gap'] < 1e-5
    gaps = []
    for eps in (1e-6, 1e-3):
        by_hand, by_gluon = (
            gluon_opt.trace(rule, BOWL.f, BOWL.start, {'lr': 0.01, 't': 1, 'eps': eps}, 50)
            for rule in (gluon_opt.adam, gluon_opt.gluon_form('adam')))
        gaps.append(abs(by_hand - by_gluon).max())
    assert gaps[0] < 1e-5 and gaps[1] > 1e-3


@claim('At a learning rate of 0.1 the loss is noisier than at 0.01.', source='document A, outputs')
def larger_rate_is_noisier():
    data_iter, _ = gluon_opt.get_data_ch10()
    runs = [gluon_opt.over_seeds('adam', {'lr': lr}, data_iter, 1, seeds=30)
            for lr in (0.01, 0.1)]
    spread = [run.final.std() for run in runs]
    wobble = [onp.diff(run.losses[:, 5:]).std() for run in runs]
    assert spread[1] > 4 * spread[0] and wobble[1] > 4 * wobble[0]
    assert runs[1].final.mean() > runs[0].final.mean()


@claim('The learning rate has to be reduced as we converge.', source='document B, exercise 3')
def noise_floor():
    random, rates = onp.random.RandomState(0), onp.array([0.1, 0.01])
    p = np.zeros((2, 1000), dtype='float64')
    p.attach_grad()
    states = gluon_opt.init_states('adam', [p])
    hyperparams = {'lr': np.array(rates[:, None], dtype='float64'), 't': 1}
    for _ in range(700):
        p.grad[:] = p + np.array(random.normal(size=p.shape), dtype='float64')
        gluon_opt.adam([p], states, hyperparams)
    assert onp.allclose(p.asnumpy().std(axis=1), onp.sqrt(rates / 2), rtol=0.1)


# ---- Yogi ----

@claim(r"Adam's update of $s$ is $s_t = s_{t-1} + (1 - \beta_2)(g_t^2 - s_{t-1})$.",
       source='document B')
def rewritten_second_moment():
    _, moments = drive('adam', GRADIENTS, {'lr': 0.01, 't': 1})
    s = moments[:, 1]
    assert onp.allclose(s[1:], s[:-1] + 0.001 * (GRADIENTS[1:] ** 2 - s[:-1]), rtol=1e-12)


@claim("The size of Yogi's change of $s$ does not depend on how far $s$ is from $g^2$.",
       source='document B')
def yogi_changes_by_the_same():
    gradients = [100.0, 0.5, 0.5, 20.0, 0.5]
    _, moments = drive('yogi', gradients, {'lr': 0.01, 't': 1})
    changes = onp.diff(moments[:, 1], prepend=0)
    assert onp.allclose(abs(changes), 0.001 * onp.square(gradients), rtol=1e-9)
    assert onp.sign(changes).tolist() == [1, -1, -1, 1, -1]


@claim("Yogi's first step from $s = 0$ is that of Adam.", source='document B')
def first_step_of_yogi():
    for g in (3.0, -1e-3):
        steps = [drive(rule, [g], {'lr': 0.01, 't': 1, 'eps': 1e-3})[0]
                 for rule in ('adam', 'yogi')]
        assert steps[0] == steps[1]


@claim(r'$s$ can forget past values too quickly when $g^2$ varies much or is mostly small.',
       source='document B')
def memory_after_a_burst():
    burst = [100.0] + [0.01] * 5000
    kept = {}
    for rule in ('adam', 'yogi'):
        _, moments = drive(rule, burst, {'lr': 0.01, 't': 1})
        kept[rule] = moments[-1, 1] / moments[0, 1]
    assert kept['adam'] < 0.01 and kept['yogi'] > 0.9999


@claim('Adam fails to converge when $s_t$ blows up.', source='document B', verdict='false',
       correction="In Reddi's examples it is the other way round: $s_t$ falls between the rare "
       'large gradients, they are forgotten, and the many small ones get longer steps.')
def it_is_the_forgetting():
    points, moments = drive('adam', CYCLE * 8, {'lr': 0.01, 't': 1, 'beta2': 0.99})
    cycle = moments[-101:, 1]
    assert cycle.argmax() == 0 and cycle[-1] < 0.4 * cycle[0]       # it falls in each cycle,
    assert points[-1] > points[-102]                                # and x goes the wrong way;
    points, moments = drive('amsgrad', CYCLE * 8, {'lr': 0.01, 'beta2': 0.99})
    assert (onp.diff(moments[:, 2]) >= 0).all()                     # what never falls is larger,
    assert points[-1] < points[-102]                                # and goes the right way


@claim('Without the larger first batch for the start of $s$, Yogi still converges well.',
       source='document B')
def yogi_without_its_start():
    data_iter, _ = gluon_opt.get_data_ch10()
    adam, yogi = (gluon_opt.over_seeds(rule, {'lr': 0.01}, data_iter, 1, seeds=30)
                  for rule in ('adam', 'yogi'))
    assert abs(yogi.final.mean() - adam.final.mean()) < adam.final.std()


# ---- where Adam does not converge ----

@claim("In Reddi's online example Adam ends at $+1$, the worst point: after a million steps it is "
       'there, with an average regret of 0.498.', source='Reddi, Kale, Kumar 2018; document B')
def adam_in_the_online_example():
    end, regret = million('adam', beta2=0.99, t=1)
    assert end > 0.99 and abs(regret - 0.4976) < 1e-3


@claim('RMSProp fails in the same way, with an average regret of 0.545.',
       source='Reddi, Kale, Kumar 2018')
def rmsprop_in_the_online_example():
    end, regret = million('rmsprop', gamma=0.99)
    assert end > 0.99 and abs(regret - 0.5452) < 1e-3


@claim('AMSGrad goes to $-1$ in that example.', source='Reddi, Kale, Kumar 2018',
       verdict='only if',
       correction='To within 0.06: with a constant learning rate it swings between $-1$ and '
       '$-0.945$, and its average regret stays at 0.336. It goes to 0 with a learning rate that '
       'falls.')
def amsgrad_in_the_online_example():
    end, regret = million('amsgrad', beta2=0.99)
    assert -0.95 < end < -0.94 and abs(regret - 0.3357) < 1e-3
    _, regrets = theorem('amsgrad', beta1=0.0, beta2=1 / 17, eps=1e-12)
    assert regrets[-1] < 0.03 and regrets[-1] < regrets[len(regrets) // 2] < regrets[300]


@claim('Where Adam fails, Yogi does not.', source='document B, text and exercise 4',
       verdict='only if',
       correction='It needs patience: in the online example it is at $-0.98$ after a million steps '
       'at the learning rate of 0.01.')
def yogi_in_the_online_example():
    end, regret = million('yogi', beta2=0.99, t=1)
    assert -0.99 < end < -0.97 and abs(regret - 0.0922) < 1e-3


@claim("AdaGrad does not fail in Reddi's online example.", source='Reddi, Kale, Kumar 2018',
       verdict='only if',
       correction='It goes the right way, but it needs far more steps or a larger learning rate: '
       'at 0.01 it is at $-0.02$ after a million steps.')
def adagrad_in_the_online_example():
    end, regret = million('adagrad', eps=1e-6)
    assert -0.021 < end < -0.018 and abs(regret - 0.0987) < 1e-3
    end, _ = million('adagrad', steps=10 ** 5, lr=1.0)
    assert end < -0.5


@claim('For some convex problems the average regret of Adam does not go to 0, even if its '
       r'learning rate falls as $1/\sqrt{t}$.', source='Reddi, Kale, Kumar 2018, theorem 1')
def first_theorem():
    for size in (0.99, 0.1):
        points, regrets = theorem('rmsprop', size, gamma=1 / 17, eps=1e-12)
        assert (points[::3] == 1).all() and regrets.min() > 4 / 3
    points, _ = theorem('adam', beta1=0.0, beta2=1 / 17, eps=1e-12, t=10 ** 6)
    assert (points[::3] == 1).all()         # the same: no average, and no correction


@claim("In the setting of that theorem Yogi's average regret goes to 0.",
       source='document B, exercise 4')
def yogi_in_the_first_theorem():
    points, regrets = theorem('yogi', steps=30000, beta1=0.0, beta2=1 / 17, eps=1e-12, t=10 ** 6)
    assert points[-1] < -0.99 and regrets[-1] < 0.02 < regrets[2999]


@claim('Larger minibatches help against this failure.', source='document B')
def larger_batches_help():
    for size, low, high in ((1, 0.9, 1), (10, -1, -0.7), (101, -1, -0.99)):
        batches = onp.resize(CYCLE, (101, size)).mean(axis=1)
        *_, (x, _) = walk('adam', onp.resize(batches, 40400).tolist(),
                          {'lr': 0.01, 'beta2': 0.99, 't': 1}, box=1.0)
        assert low <= x <= high


@claim('The second moment that AMSGrad divides by never falls.', source='Reddi, Kale, Kumar 2018')
def amsgrad_never_forgets():
    _, moments = drive('amsgrad', GRADIENTS, {'lr': 0.01})
    s, s_max = moments[:, 1], moments[:, 2]
    assert (s_max == onp.maximum.accumulate(s)).all()


# ---- other claims of papers ----

@claim(r'No step of Adam is longer than $\eta\,(1 - \beta_1)/\sqrt{1 - \beta_2}$, if that exceeds '
       r'$\eta$.', source='Kingma, Ba 2015, section 2.1', verdict='only if',
       correction='Only for a single gradient after a long silence. If it stays, the longest step '
       r'is more than twice that; the bound is larger by $1/\sqrt{1 - \beta_1^2/\beta_2}$: 7.27 '
       'learning rates instead of 3.16.')
def longest_step():
    hyperparams = {'lr': 1.0, 't': 10 ** 6, 'eps': 1e-30}      # the silence
    bound = (1 - 0.9) / math.sqrt(1 - 0.999)
    true_bound = bound / math.sqrt(1 - 0.9 ** 2 / 0.999)
    longest = {}
    for name, gradients in {'once': [1.0] + [0.0] * 30, 'on': [1.0] * 30,
                            'growing': (0.999 / 0.9) ** onp.arange(200)}.items():
        points, _ = drive('adam', gradients, hyperparams)
        longest[name] = abs(onp.diff(points, prepend=0)).max()
    assert abs(longest['once'] - bound) < 1e-9 and longest['on'] > 2 * bound
    assert abs(longest['growing'] - true_bound) < 1e-6 and round(true_bound, 2) == 7.27


@claim(r'Adam contains momentum: with $\epsilon$ and the learning rate going to infinity together '
       'it becomes it.', source='Choi et al. 2019')
def adam_contains_momentum():
    momentum = gluon_opt.trace('sgd_momentum', BOWL.f, BOWL.start,
                               {'lr': 0.05, 'momentum': 0.9}, 30)
    distances = []
    for eps in (1e2, 1e4, 1e6):
        adam = gluon_opt.trace('adam', BOWL.f, BOWL.start,
                               {'lr': 0.5 * eps, 'eps': eps, 't': 10 ** 6}, 30)
        distances.append(abs(adam - momentum).max())
    assert distances[-1] < 1e-5
    assert onp.allclose(onp.divide(distances[:-1], distances[1:]), 100, rtol=0.1)


@claim('Weight decay and a penalty on the square of the parameters are the same.',
       source='Loshchilov, Hutter 2019', verdict='only if',
       correction='For gradient descent they are, for Adam they are not.')
def weight_decay_is_not_a_penalty():
    def f(x1, x2):
        return 0.1 * (x1 - 2) ** 2 + 2 * (x2 - 1) ** 2

    def penalised(x1, x2):
        return f(x1, x2) + 0.05 * (x1 ** 2 + x2 ** 2)

    def decay(params, states, hyperparams):
        before = [p.copy() for p in params]
        gluon_opt.sgd(params, states, hyperparams)
        for p, old in zip(params, before):
            p[:] -= hyperparams['lr'] * 0.1 * old

    paths = [gluon_opt.trace(rule, g, BOWL.start, {'lr': 0.1}, 100)
             for rule, g in (('sgd', penalised), (decay, f))]
    assert abs(paths[0] - paths[1]).max() < 1e-12
    paths = [gluon_opt.trace(rule, g, BOWL.start, {'lr': 0.1, 'eps': 1e-6, **wd}, 100)
             for rule, g, wd in (('adam', penalised, {}), ('adamw', f, {'wd': 0.1}))]
    assert abs(paths[0] - paths[1]).max() > 0.5
