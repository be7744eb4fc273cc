"""RMSProp as `mx.optimizer.RMSProp` has it, plain or centered.

    s <- (1 - gamma) g^2 + gamma s
    p <- p - lr g / sqrt(s + eps)
         with g = clip(rescale_grad gradient + wd p)

and centered, with the square of the mean taken off and a momentum gamma2:

    v     <- (1 - gamma) g + gamma v
    delta <- gamma2 delta - lr g / sqrt(s - v^2 + eps)
    p     <- p + delta

States: s, and if centered v and delta, start at 0. eps (1e-8; the book has 1e-6) is inside the
root. wd is clipped with the gradient. clip_weights, if given, limits p at the end. Source:
Tieleman, Hinton, lecture 6.5, 2012; Graves, "Generating sequences with recurrent neural networks",
2013, equations 38 to 45 (there 0.95, 0.9 and eps 1e-4). A quirk, kept: s - v^2 can round to less
than -eps, and the root of that is nan; large gradients that hardly change do it.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped, one_minus


def rmsprop(params, states, hyperparams):
    get, lr = hyperparams.get, hyperparams['lr']
    gamma, gamma2, eps = get('gamma', 0.9), get('gamma2', 0.9), get('eps', 1e-8)
    wd, rescale_grad = get('wd', 0.0), get('rescale_grad', 1.0)
    clip, clip_weights = get('clip_gradient') or None, get('clip_weights') or None
    for p, state in zip(params, states):
        g = clipped(rescale_grad * p.grad + wd * p, clip)
        if get('centered', False):
            s, v, delta = state
            s[:] = one_minus(gamma) * g * g + gamma * s
            v[:] = one_minus(gamma) * g + gamma * v
            delta[:] = gamma2 * delta - lr * g / np.sqrt(s - v * v + eps)
            p[:] = clipped(p + delta, clip_weights)
        else:
            s = state
            s[:] = one_minus(gamma) * (g * g) + gamma * s
            p[:] = clipped(p - lr * (g / np.sqrt(s + eps)), clip_weights)


def moments(hyperparams):
    return 3 if hyperparams.get('centered') else 1


form = GluonForm(rmsprop, moments, keys={'gamma': 'gamma1', 'eps': 'epsilon'})
