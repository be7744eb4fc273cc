"""Adam: momentum and a second moment, both with bias correction.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    p <- p - lr v_hat / (sqrt(s_hat) + eps)
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t)

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-6, the
paper has 1e-8) is added outside the root, after the bias correction. Source: Kingma, Ba, "Adam: a
method for stochastic optimization", 2015, algorithm 1; the book, section "Adam".

Gluon executes the paper's reordered form, lr sqrt(1 - beta2^t) / (1 - beta1^t) v / (sqrt(s) +
eps), so its eps counts as eps / sqrt(1 - beta2^t): 32 times as much in the first step.
"""
import math

from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_adam_states(feature_dim):
    v_w, v_b = np.zeros((feature_dim, 1)), np.zeros(1)
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return (v_w, s_w), (v_b, s_b)


def adam(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-6)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        v_bias_corr = v / (1 - beta1 ** hyperparams['t'])
        s_bias_corr = s / (1 - beta2 ** hyperparams['t'])
        p[:] -= hyperparams['lr'] * v_bias_corr / (np.sqrt(s_bias_corr) + eps)
    hyperparams['t'] += 1


algorithm = Algorithm(
    adam, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    gluon='adam',
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'epsilon'},
    each_step={'epsilon': lambda hp: hp['eps'] * math.sqrt(1 - hp['beta2'] ** hp['t'])},
    difference='Gluon adds eps before the bias correction, the book after it',
    form='Gluon rounds 1 - beta2 to float32', rest='Gluon rounds 1 - beta2 to float32',
    bound=5e-6)
