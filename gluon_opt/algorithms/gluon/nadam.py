"""Nadam as `mx.optimizer.Nadam` has it, with a momentum schedule.

    mu_t       = beta1 (1 - 0.5 0.96^(t schedule_decay))
    m_schedule <- m_schedule mu_t
    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    v_bar = (1 - mu_t) g / (1 - m_schedule) + mu_{t+1} v / (1 - m_schedule mu_{t+1})
    p <- p - lr v_bar / (sqrt(s / (1 - beta2^t)) + eps)

States: v and s start at 0; t counts steps from 1; m_schedule starts at 1. eps (1e-8) is outside
the root, after the bias correction. Source: Dozat, "Incorporating Nesterov momentum into Adam",
2016, algorithm 2 and its schedule. A quirk of Gluon's, kept: one m_schedule serves all
parameters and is multiplied once for each, so the order and the number of parameters matter (the
paper has one product a step).
"""
from mxnet import np


def nadam(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    t, decay = hyperparams['t'], get('schedule_decay', 0.004)
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
    m_schedule = get('m_schedule', 1.0)
    for p, (v, s) in zip(params, states):
        m_schedule = m_schedule * mu
        m_schedule_next = m_schedule * mu_next
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * p.grad * p.grad
        v_bar = ((1 - mu) * (p.grad / (1 - m_schedule))
                 + mu_next * (v / (1 - m_schedule_next)))
        p[:] -= hyperparams['lr'] * v_bar / (np.sqrt(s / (1 - beta2 ** t)) + eps)
    hyperparams['m_schedule'] = m_schedule
    hyperparams['t'] += 1
