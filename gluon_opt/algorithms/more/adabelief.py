"""AdaBelief: Adam with the gradient's deviation from its mean in place of its square.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) (g - v)^2 + eps
    p <- p - lr v_hat / (sqrt(s_hat) + eps)
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t)

States: v, the first moment, and s, the second central moment, start at 0; t counts steps from 1.
eps (1e-8) is in two places: added to s in each step, where it piles up to eps / (1 - beta2), and
outside the root, after the bias correction. Source: Zhuang et al., "AdaBelief optimizer: adapting
stepsizes by the belief in observed gradients", 2020, algorithm 2 (its code has eps 1e-16). Gluon
has no such optimizer.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.adam import init_adam_states


def adabelief(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad - v) + eps
        v_bias_corr = v / (1 - beta1 ** hyperparams['t'])
        s_bias_corr = s / (1 - beta2 ** hyperparams['t'])
        p[:] -= hyperparams['lr'] * v_bias_corr / (np.sqrt(s_bias_corr) + eps)
    hyperparams['t'] += 1


algorithm = Algorithm(
    adabelief, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'eps'})
