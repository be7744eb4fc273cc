"""Lion: the sign of a momentum, and no second moment.

    p <- p - lr (sign(beta1 v + (1 - beta1) g) + wd p)
    v <- beta2 v + (1 - beta2) g

States: v, the first moment, starts at 0. It forgets more slowly (beta2 = 0.99) than the mean whose
sign is taken (beta1 = 0.9), so p is updated before v. There is no eps. Every coordinate moves by
lr, so lr is to be 3 to 10 times smaller than Adam's, and wd (0, as in its code) larger by as much.
Source: Chen et al., "Symbolic discovery of optimization algorithms", 2023, program 1. Gluon has no
such optimizer; its signum takes the sign of v itself.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.sgd_momentum import init_momentum_states


def lion(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, wd = get('beta1', 0.9), get('beta2', 0.99), get('wd', 0.0)
    for p, v in zip(params, states):
        direction = np.sign(beta1 * v + (1 - beta1) * p.grad)
        p[:] -= hyperparams['lr'] * (direction + wd * p)
        v[:] = beta2 * v + (1 - beta2) * p.grad


algorithm = Algorithm(
    lion, 1, init_momentum_states, chosen={'lr': 0.002},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'wd': 'wd'})
