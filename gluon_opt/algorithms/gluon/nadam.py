"""Nadam as `mx.optimizer.Nadam` has it: Adam with Nesterov's momentum, on a schedule.

    mu_t       = beta1 (1 - 0.5 0.96^(t schedule_decay))
    m_schedule <- m_schedule mu_t
    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    v_bar = (1 - mu_t) g / (1 - m_schedule) + mu_{t+1} v / (1 - m_schedule mu_{t+1})
    p <- p - lr v_bar / (sqrt(s / (1 - beta2^t)) + eps)
         with g = clip(rescale_grad gradient + wd p)

States: v and s start at 0; t counts steps from 1; m_schedule starts at 1. eps (1e-8) is outside
the root, after the bias correction. wd is clipped with the gradient. Source: Dozat, "Incorporating
Nesterov momentum into Adam", 2016, algorithm 2 and its schedule. A quirk of Gluon's, kept: one
m_schedule serves all parameters and is multiplied once for each, so the order and the number of
parameters matter (the paper has one product a step).
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def nadam(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    t, decay = hyperparams['t'], get('schedule_decay', 0.004)
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
    m_schedule = get('m_schedule', 1.0)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    for p, (v, s) in zip(params, states):
        g = clipped(rescale_grad * p.grad + wd * p, clip)
        m_schedule = m_schedule * mu
        m_schedule_next = m_schedule * mu_next
        v[:] = beta1 * v + (1 - beta1) * g
        s[:] = beta2 * s + (1 - beta2) * g * g
        v_bar = (1 - mu) * (g / (1 - m_schedule)) + mu_next * (v / (1 - m_schedule_next))
        p[:] -= hyperparams['lr'] * v_bar / (np.sqrt(s / (1 - beta2 ** t)) + eps)
    hyperparams['m_schedule'] = m_schedule
    hyperparams['t'] += 1


form = GluonForm(nadam, 2, keys={'eps': 'epsilon'})
