"""AdamW: Adam with weight decay beside the step, not inside the gradient.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    p <- p - lr (v_hat / (sqrt(s_hat) + eps) + wd p)
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t)

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-8) is
outside the root, after the bias correction. wd is 0.01. Source: Loshchilov, Hutter, "Decoupled
weight decay regularization", 2019, algorithm 2. There the decay is not multiplied by the constant
alpha but by the schedule eta alone; lr here is their eta alpha, so wd is their lambda / alpha, as
in most libraries. Gluon has no such optimizer: the wd of its adam goes through both moments.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.adam import init_adam_states


def adamw(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        v_bias_corr = v / (1 - beta1 ** hyperparams['t'])
        s_bias_corr = s / (1 - beta2 ** hyperparams['t'])
        step = v_bias_corr / (np.sqrt(s_bias_corr) + eps)
        p[:] -= hyperparams['lr'] * (step + get('wd', 0.01) * p)
    hyperparams['t'] += 1


algorithm = Algorithm(
    adamw, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'eps', 'wd': 'wd'})
