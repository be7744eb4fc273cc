"""Adadelta as `mx.optimizer.AdaDelta` has it.

    s     <- rho s + (1 - rho) g^2
    g'    <- sqrt(delta + eps) / sqrt(s + eps) g
    delta <- rho delta + (1 - rho) g'^2
    p     <- p - (g' + wd p)
         with g = clip(rescale_grad gradient)

States: s, the second moment of the gradient, and delta, that of the step; both start at 0. eps
(1e-5) is inside both roots. Quirks, kept: lr is not used at all, so no schedule and no lr_mult has
an effect; wd is not multiplied by it either, so each step takes the share wd of p; and the gradient
itself is multiplied by rescale_grad in place, which no other rule does.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def adadelta(params, states, hyperparams):
    get, rho, eps = hyperparams.get, hyperparams.get('rho', 0.9), hyperparams.get('eps', 1e-5)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    for p, (s, delta) in zip(params, states):
        p.grad[:] *= rescale_grad
        g = clipped(p.grad, clip)
        s[:] = rho * s + (1 - rho) * g * g
        step = np.sqrt(delta + eps) / np.sqrt(s + eps) * g
        delta[:] = rho * delta + (1 - rho) * step * step
        p[:] -= step + wd * p


form = GluonForm(adadelta, 2, keys={'eps': 'epsilon'})
