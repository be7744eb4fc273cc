"""Nadam: Adam with Nesterov's momentum, in its plain form.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    p <- p - lr (beta1 v_hat + (1 - beta1) g / (1 - beta1^t)) / (sqrt(s_hat) + eps)
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t)

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-6) is
outside the root, after the bias correction. Source: Dozat, "Incorporating Nesterov momentum into
Adam", 2016, with beta1 held constant, the form of the survey. Gluon lets beta1 follow Dozat's
schedule: `gluon.nadam`.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.adam import init_adam_states
from gluon_opt.algorithms.gluon.nadam import nadam as nadam_with_schedule


def nadam(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-6)
    for p, (v, s) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        v_bias_corr = (beta1 * v + (1 - beta1) * p.grad) / (1 - beta1 ** hyperparams['t'])
        s_bias_corr = s / (1 - beta2 ** hyperparams['t'])
        p[:] -= hyperparams['lr'] * v_bias_corr / (np.sqrt(s_bias_corr) + eps)
    hyperparams['t'] += 1


algorithm = Algorithm(
    nadam, 2, init_adam_states, chosen={'lr': 0.01, 't': 1},
    gluon='nadam', matched_rule=nadam_with_schedule,
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'epsilon'},
    difference="Gluon's beta1 follows a schedule, shared by all parameters",
    form="Gluon's beta1 follows a schedule, shared by all parameters",
    bound=6e-7)     # a longer chain of roundings than the others'
