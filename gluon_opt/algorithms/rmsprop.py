"""RMSProp: AdaGrad with a leaky average in place of the sum.

    s <- gamma s + (1 - gamma) g^2
    p <- p - lr g / sqrt(s + eps)

States: s, the second moment, starts at 0. eps (1e-6) is inside the root. Source: Tieleman,
Hinton, lecture 6.5 of "Neural networks for machine learning", 2012, which has no eps; the book,
section "RMSProp". gamma = 0 gives the sign of the gradient, gamma = 1 a constant rate
lr / sqrt(eps).
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_rmsprop_states(feature_dim):
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return s_w, s_b


def rmsprop(params, states, hyperparams):
    gamma, eps = hyperparams['gamma'], hyperparams.get('eps', 1e-6)
    for p, s in zip(params, states):
        s[:] = gamma * s + (1 - gamma) * np.square(p.grad)
        p[:] -= hyperparams['lr'] * p.grad / np.sqrt(s + eps)


algorithm = Algorithm(
    rmsprop, 1, init_rmsprop_states, chosen={'lr': 0.01, 'gamma': 0.9},
    gluon='rmsprop', keys={'lr': 'learning_rate', 'gamma': 'gamma1', 'eps': 'epsilon'})
