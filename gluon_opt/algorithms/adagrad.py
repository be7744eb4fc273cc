"""AdaGrad: a learning rate for each coordinate, which only falls.

    s <- s + g^2
    p <- p - lr g / sqrt(s + eps)

States: s, the sum of squared gradients, starts at 0. eps (1e-6) is inside the root. Source:
Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
optimization", 2011, where a constant is added outside the root; the book, section "Adagrad".
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_adagrad_states(feature_dim):
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return s_w, s_b


def adagrad(params, states, hyperparams):
    eps = hyperparams.get('eps', 1e-6)
    for p, s in zip(params, states):
        s[:] += np.square(p.grad)
        p[:] -= hyperparams['lr'] * p.grad / np.sqrt(s + eps)


algorithm = Algorithm(
    adagrad, 1, init_adagrad_states, chosen={'lr': 0.1},
    gluon='adagrad', keys={'lr': 'learning_rate', 'eps': 'eps'})
