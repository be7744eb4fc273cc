"""Adadelta: the size of past steps takes the place of the learning rate.

    s     <- rho s + (1 - rho) g^2
    g'    <- sqrt(delta + eps) / sqrt(s + eps) g
    p     <- p - g'
    delta <- rho delta + (1 - rho) g'^2

States: s, the second moment of the gradient, and delta, that of the step; both start at 0. eps
(1e-5) is inside both roots and decides how fast the rule starts. Source: Zeiler, "ADADELTA: an
adaptive learning rate method", 2012, algorithm 1 (there rho 0.95, eps 1e-6); the book, section
"Adadelta".
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_adadelta_states(feature_dim):
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    delta_w, delta_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return (s_w, delta_w), (s_b, delta_b)


def adadelta(params, states, hyperparams):
    rho, eps = hyperparams.get('rho', 0.9), hyperparams.get('eps', 1e-5)
    for p, (s, delta) in zip(params, states):
        s[:] = rho * s + (1 - rho) * np.square(p.grad)
        g = np.sqrt(delta + eps) / np.sqrt(s + eps) * p.grad
        p[:] -= g
        delta[:] = rho * delta + (1 - rho) * g * g


algorithm = Algorithm(
    adadelta, 2, init_adadelta_states, chosen={'rho': 0.9},
    gluon='adadelta', keys={'rho': 'rho', 'eps': 'epsilon'})
