"""Claims of the page on the older edition: of documents A and D."""
import contextlib
import io
import math

import numpy as onp
from mxnet import nd, np

import gluon_opt
import gluon_opt.gluonbook as gb
from gluon_opt.data import Batches, load_airfoil
from ledger import claim


def quietly(loop, *arguments, **options):
    """The Record of a run, without its print."""
    with contextlib.redirect_stdout(io.StringIO()):
        return loop(*arguments, **options)


def nd_states():
    return [(nd.zeros(shape), nd.zeros(shape)) for shape in ((4, 1), (1,))]


def adam(params, states, hyperparams, inside=False):
    """Document A's, with eps where the code has it, or where the formula has it."""
    hp, beta1, beta2, eps = hyperparams, 0.9, 0.999, 1e-6
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * p.grad.square()
        v_hat, s_hat = v / (1 - beta1 ** hp['t']), s / (1 - beta2 ** hp['t'])
        root = (s_hat + eps).sqrt() if inside else s_hat.sqrt() + eps
        p[:] -= hp['lr'] * v_hat / root
    hp['t'] += 1


def rmsprop_2d(x1, x2, s1, s2, eta=0.4, gamma=0.9):
    """Document D's."""
    g1, g2, eps = 0.2 * x1, 4 * x2, 1e-6
    s1 = gamma * s1 + (1 - gamma) * g1 ** 2
    s2 = gamma * s2 + (1 - gamma) * g2 ** 2
    x1 -= eta / math.sqrt(s1 + eps) * g1
    x2 -= eta / math.sqrt(s2 + eps) * g2
    return x1, x2, s1, s2


@claim('The function of document A computes the formula above it, $\\eta \\, '
       '\\mathbf{v}^\\prime_t / \\sqrt{\\mathbf{s}^\\prime_t + \\epsilon}$.',
       source='document A', verdict='false',
       correction='It adds $\\epsilon$ outside the root, and is the function of the later book; '
                  'on the airfoil data the difference is too small to be seen.')
def place_of_eps():
    features, labels = gb.get_data_ch7()
    runs = [quietly(gb.train_ch7, rule, start, {'lr': 0.01, 't': 1}, features, labels, seed=0,
                    num_epochs=1)
            for rule, start in ((adam, nd_states()),
                                (lambda *a: adam(*a, inside=True), nd_states()),
                                (gluon_opt.adam, gluon_opt.init_adam_states(4)))]
    outside, inside, ours = (onp.array(run.losses) for run in runs)
    assert abs(outside - ours).max() < 1e-7 and abs(outside - inside).max() < 1e-5
    # where the gradient is of the size of eps, the place shows
    path = gluon_opt.trace('adam', lambda x: 2e-6 * x, (0,), {'lr': 0.1}, 1)
    assert onp.isclose(-path[1, 0], 0.1 * 2e-6 / (2e-6 + 1e-6), rtol=1e-6)
    assert not onp.isclose(-path[1, 0], 0.1 * 2e-6 / (4e-12 + 1e-6) ** 0.5, rtol=0.5)


@claim('The time step is passed in `hyperparams` and goes up by one in a call.',
       source='document A')
def time_step():
    for rule, xp in ((adam, nd), (gluon_opt.adam, np)):
        params = [xp.zeros((4, 1)), xp.zeros(1)]
        for p in params:
            p.attach_grad()
        hyperparams = {'lr': 0.01, 't': 1}
        for _ in range(3):
            rule(params, gluon_opt.init_states(rule, params, states=2), hyperparams)
        assert hyperparams['t'] == 4


@claim('Adam is RMSProp with a leaky mean of the gradients in addition.',
       source='document A', verdict='only if',
       correction='And with bias correction: without the mean ($\\beta_1 = 0$) Adam is RMSProp '
                  'once the correction has worn off, and not before.')
def adam_without_a_first_moment():
    def walk(name, **hyperparams):
        return gluon_opt.trace(name, lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2, (-5, -2),
                               {'lr': 0.1, 'eps': 1e-14, **hyperparams})
    rmsprop = walk('rmsprop', gamma=0.9)
    late, early = (walk('adam', beta1=0.0, beta2=0.9, t=t) for t in (10000, 1))
    assert abs(late - rmsprop).max() < 1e-6 and abs(early - rmsprop).max() > 0.1


@claim('The walk is one on $0.1 x_1^2 + 2 x_2$.',
       source='document D', verdict='false',
       correction='The square of $x_2$ is missing: the code walks on $0.1 x_1^2 + 2 x_2^2$. The '
                  'printed function has no minimum, and $x_2$ would run to $-13.4$ in 20 steps.')
def missing_square():
    def walk(f):
        return gluon_opt.trace('rmsprop', f, (-5, -2), {'lr': 0.4, 'gamma': 0.9})
    literal = walk(lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2)
    meant = walk(lambda x1, x2: 0.1 * x1 ** 2 + 2 * x2 ** 2)
    x1, x2, s1, s2 = -5, -2, 0, 0
    for _ in range(20):
        x1, x2, s1, s2 = rmsprop_2d(x1, x2, s1, s2)
    assert abs(literal[-1, 1] - -13.4) < 0.05
    assert onp.allclose(meant[-1], (x1, x2), atol=1e-9) and abs(x1 - -0.010599) < 5e-7


@claim('With learning rate 0.01 the loss of RMSProp swings in the later part of the run.',
       source='document D')
def late_swings():
    airfoil = load_airfoil('ch7')
    batches = Batches(airfoil.features, airfoil.labels, 10)
    runs = gluon_opt.over_seeds('rmsprop', {'lr': 0.01, 'gamma': 0.9}, batches, seeds=20)
    last_epoch = runs.losses[:, 8:]
    assert ((onp.diff(last_epoch) > 0).any(axis=1)).mean() > 0.9
    assert last_epoch.std(axis=1).min() > 1e-5


@claim('`train_gluon_ch7` with `gamma1` is the run of `train_ch7` with `gamma`.',
       source='document D', verdict='only if',
       correction='With the same $\\epsilon$, start and batches, and if the last batch is a '
                  'whole one: with 1503 rows the loop by hand takes the mean over the last 3, '
                  'and the Trainer divides their sum by 10.')
def the_last_batch():
    features, labels = gb.get_data_ch7()

    def gap(rows):
        X, y = features[:rows], labels[:rows]
        hand = quietly(gb.train_ch7, gluon_opt.rmsprop, gluon_opt.init_rmsprop_states(4),
                       {'lr': 0.01, 'gamma': 0.9}, X, y, seed=0)
        gluon = quietly(gb.train_gluon_ch7, 'rmsprop',
                        {'learning_rate': 0.01, 'gamma1': 0.9, 'epsilon': 1e-6}, X, y, seed=0)
        return abs(onp.array(hand.losses) - onp.array(gluon.losses)).max()
    assert gap(1500) < 1e-6 and gap(1503) > 1e-5
