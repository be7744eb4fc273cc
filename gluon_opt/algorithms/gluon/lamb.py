"""LAMB as `mx.optimizer.LAMB` has it: Adam, and a step in proportion to the size of the layer.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    u =  v_hat / (sqrt(s_hat) + eps) + wd p
         with v_hat = v / (1 - beta1^t), s_hat = s / (1 - beta2^t), g = clip(rescale_grad gradient)
    p <- p - lr |p| / |u| u

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-6) is
outside the root, after the bias correction, which bias_correction=False leaves out. |p|, the norm
of the whole parameter, is limited by lower_bound and upper_bound if these are given; where |p| or
|u| is 0 the ratio is 1, so a bias that starts at 0 can move. Source: You et al., "Large batch
optimization for deep learning: training BERT in 76 minutes", 2020, algorithm 2. The norms are
summed in another order than in Gluon: the two agree to 1e-6, not in every bit.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped, float32, one_minus


def lamb(params, states, hyperparams):
    get, lr, t = hyperparams.get, hyperparams['lr'], hyperparams['t']
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-6)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient') or None
    lower_bound, upper_bound = get('lower_bound'), get('upper_bound')
    for p, (v, s) in zip(params, states):
        g = clipped(rescale_grad * p.grad, clip)
        v[:] = beta1 * v + one_minus(beta1) * g
        s[:] = beta2 * s + one_minus(beta2) * g * g
        v_hat, s_hat = v, s
        if get('bias_correction', True):
            v_hat = v / one_minus(float32(beta1) ** t)
            s_hat = s / one_minus(float32(beta2) ** t)
        u = v_hat / (np.sqrt(s_hat) + eps) + wd * p
        p_norm, u_norm = float(np.linalg.norm(p)), float(np.linalg.norm(u))
        if lower_bound:
            p_norm = max(p_norm, lower_bound)
        if upper_bound:
            p_norm = min(p_norm, upper_bound)
        ratio = p_norm / u_norm if p_norm > 0 and u_norm > 0 else 1
        p[:] -= lr * ratio * u
    hyperparams['t'] += 1


form = GluonForm(lamb, 2, keys={'eps': 'epsilon'})
