"""RAdam: Adam that waits until its second moment can be trusted.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    p <- p - lr r v_hat / (sqrt(s_hat) + eps)    where rho_t > 4
    p <- p - lr v_hat                            before
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t),
         rho_inf = 2 / (1 - beta2) - 1, rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t),
         r^2 = (rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t)

States: v and s, the first and second moment, start at 0; t counts steps from 1. rho_t is the number
of gradients that s is an average of; with beta2 = 0.999 it exceeds 4 from the fifth step on. eps
(1e-8) is outside the root, after the bias correction; the paper has none. Source: Liu et al., "On
the variance of the adaptive learning rate and beyond", 2020, algorithm 2; other libraries wait
until rho_t > 5. Gluon has no such optimizer.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.adam import init_adam_states


def radam(params, states, hyperparams):
    get, t = hyperparams.get, hyperparams['t']
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2 ** t / (1 - beta2 ** t)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        v_bias_corr = v / (1 - beta1 ** t)
        if rho > 4:
            s_bias_corr = s / (1 - beta2 ** t)
            r = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
            p[:] -= hyperparams['lr'] * r * v_bias_corr / (np.sqrt(s_bias_corr) + eps)
        else:
            p[:] -= hyperparams['lr'] * v_bias_corr
    hyperparams['t'] += 1


algorithm = Algorithm(
    radam, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'eps'})
