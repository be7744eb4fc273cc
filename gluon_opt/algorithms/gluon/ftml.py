"""FTML, follow the moving leader, as `mx.optimizer.FTML` has it.

    s  <- beta2 s + (1 - beta2) g^2
    d' =  (1 - beta1^t) / lr (sqrt(s / (1 - beta2^t)) + eps)
    z  <- beta1 z + (1 - beta1) g - (d' - beta1 d) p
    d  <- d'
    p  <- -z / d
         with g = clip(rescale_grad gradient + wd p)

States: d, s and z start at 0; t counts steps from 1. eps (1e-8) is outside the root, after the bias
correction. wd is clipped with the gradient. Source: Zheng, Kwok, "Follow the moving leader in deep
learning", 2017, algorithm 1, with its values beta1 = 0.6 and beta2 = 0.999.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped, float32, one_minus


def ftml(params, states, hyperparams):
    get, lr, t = hyperparams.get, hyperparams['lr'], hyperparams['t']
    beta1, beta2, eps = get('beta1', 0.6), get('beta2', 0.999), get('eps', 1e-8)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient') or None
    correction1 = one_minus(float32(beta1) ** t)
    correction2 = one_minus(float32(beta2) ** t)
    for p, (d, s, z) in zip(params, states):
        g = clipped(rescale_grad * p.grad + wd * p, clip)
        s[:] = beta2 * s + one_minus(beta2) * np.square(g)
        d_new = float32(correction1 / float32(lr)) * (np.sqrt(s / correction2) + eps)
        z[:] = beta1 * z + one_minus(beta1) * g - (d_new - beta1 * d) * p
        d[:] = d_new
        p[:] = -z / d
    hyperparams['t'] += 1


form = GluonForm(ftml, 3, keys={'eps': 'epsilon'})
