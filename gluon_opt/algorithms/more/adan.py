"""Adan: Nesterov's momentum in Adam, estimated from differences of gradients.

    v <- beta1 v + (1 - beta1) g
    d <- beta2 d + (1 - beta2) (g - g_old)
    s <- beta3 s + (1 - beta3) (g + beta2 (g - g_old))^2
    p <- (p - lr (v_hat + beta2 d_hat) / (sqrt(s_hat) + eps)) / (1 + lr wd)
    g_old <- g
         with v_hat = v / (1 - beta1^t), d_hat = d / (1 - beta2^t), s_hat = s / (1 - beta3^t)

States: v, the first moment, d, that of the differences, s, the second moment, and g_old, the last
gradient, start at 0; t counts steps from 1. In the first step there is no last gradient and the
difference is 0. eps (1e-8) is outside the root, after the bias correction. wd (0) is decoupled.
Source: Xie et al., "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models",
2022, algorithm 1. There beta stands for our 1 - beta (0.02, 0.08 and 0.01); the bias correction is
that of its code. Gluon has no such optimizer.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_adan_states(feature_dim):
    v_w, v_b = np.zeros((feature_dim, 1)), np.zeros(1)
    d_w, d_b = np.zeros((feature_dim, 1)), np.zeros(1)
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    g_old_w, g_old_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return (v_w, d_w, s_w, g_old_w), (v_b, d_b, s_b, g_old_b)


def adan(params, states, hyperparams):
    get, lr, t = hyperparams.get, hyperparams['lr'], hyperparams['t']
    beta1, beta2, beta3 = get('beta1', 0.98), get('beta2', 0.92), get('beta3', 0.99)
    eps, wd = get('eps', 1e-8), get('wd', 0.0)
    for p, (v, d, s, g_old) in zip(params, states):
        difference = p.grad - g_old if t > 1 else np.zeros_like(p)
        v[:] = beta1 * v + (1 - beta1) * p.grad
        d[:] = beta2 * d + (1 - beta2) * difference
        s[:] = beta3 * s + (1 - beta3) * np.square(p.grad + beta2 * difference)
        v_bias_corr, d_bias_corr = v / (1 - beta1 ** t), d / (1 - beta2 ** t)
        s_bias_corr = s / (1 - beta3 ** t)
        step = lr * (v_bias_corr + beta2 * d_bias_corr) / (np.sqrt(s_bias_corr) + eps)
        p[:] = (p - step) / (1 + lr * wd)
        g_old[:] = p.grad
    hyperparams['t'] += 1


algorithm = Algorithm(
    adan, 4, init_adan_states, chosen={'lr': 0.01, 't': 1},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'beta3': 'beta3',
          'eps': 'eps', 'wd': 'wd'})
