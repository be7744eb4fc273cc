"""Momentum, also called the heavy ball.

    v <- momentum v + g
    p <- p - lr v

States: v, the velocity, starts at 0. Source: Polyak, "Some methods of speeding up the convergence
of iteration methods", 1964; the book, section "Momentum". Gluon keeps lr inside the velocity
(v <- momentum v - lr g; p <- p + v): the same while lr is constant, another rule when it changes.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_momentum_states(feature_dim):
    v_w, v_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return v_w, v_b


def sgd_momentum(params, states, hyperparams):
    for p, v in zip(params, states):
        v[:] = hyperparams['momentum'] * v + p.grad
        p[:] -= hyperparams['lr'] * v


algorithm = Algorithm(
    sgd_momentum, 1, init_momentum_states, chosen={'lr': 0.005, 'momentum': 0.9},
    gluon='sgd', keys={'lr': 'learning_rate', 'momentum': 'momentum'},
    form='Gluon keeps lr inside the velocity')
