"""Yogi: Adam with a second moment that cannot jump.

    v <- beta1 v + (1 - beta1) g
    s <- s + (1 - beta2) sign(g^2 - s) g^2
    p <- p - lr v_hat / (sqrt(s_hat) + eps)
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t)

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-3) is
outside the root, after the bias correction. Source: Zaheer, Reddi, Sachan, Kale, Kumar, "Adaptive
methods for nonconvex optimization", 2018, algorithm 2, which starts s from the squared gradient
of a first large batch and has no bias correction of s; the book, section "Adam", starts from 0
and corrects. Gluon has no such optimizer.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.adam import init_adam_states


def yogi(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-3)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = s + (1 - beta2) * np.sign(np.square(p.grad) - s) * np.square(p.grad)
        v_bias_corr = v / (1 - beta1 ** hyperparams['t'])
        s_bias_corr = s / (1 - beta2 ** hyperparams['t'])
        p[:] -= hyperparams['lr'] * v_bias_corr / (np.sqrt(s_bias_corr) + eps)
    hyperparams['t'] += 1


algorithm = Algorithm(
    yogi, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'eps'})
