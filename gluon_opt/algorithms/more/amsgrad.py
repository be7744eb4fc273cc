"""AMSGrad: Adam with a second moment that never falls.

    v     <- beta1 v + (1 - beta1) g
    s     <- beta2 s + (1 - beta2) g^2
    s_max <- max(s_max, s)
    p     <- p - lr v / (sqrt(s_max) + eps)

States: v and s, the first and second moment, and s_max, the largest second moment so far, start at
0. eps (1e-8) is outside the root; the paper has none. Source: Reddi, Kale, Kumar, "On the
convergence of Adam and beyond", 2018, algorithm 2, without the projection. As there, nothing is
corrected for bias, so the first steps are longer than Adam's; other libraries do correct, some
before the maximum and some after. Gluon has no such optimizer.
"""
from mxnet import np

from gluon_opt.algorithms._algorithm import Algorithm


def init_amsgrad_states(feature_dim):
    v_w, v_b = np.zeros((feature_dim, 1)), np.zeros(1)
    s_w, s_b = np.zeros((feature_dim, 1)), np.zeros(1)
    s_max_w, s_max_b = np.zeros((feature_dim, 1)), np.zeros(1)
    return (v_w, s_w, s_max_w), (v_b, s_b, s_max_b)


def amsgrad(params, states, hyperparams):
    get = hyperparams.get
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    for p, (v, s, s_max) in zip(params, states):
        v[:] = beta1 * v + (1 - beta1) * p.grad
        s[:] = beta2 * s + (1 - beta2) * np.square(p.grad)
        s_max[:] = np.maximum(s_max, s)
        p[:] -= hyperparams['lr'] * v / (np.sqrt(s_max) + eps)


algorithm = Algorithm(
    amsgrad, 3, init_amsgrad_states, chosen={'lr': 0.01},
    keys={'lr': 'learning_rate', 'beta1': 'beta1', 'beta2': 'beta2', 'eps': 'eps'})
