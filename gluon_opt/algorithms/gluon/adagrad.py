"""AdaGrad as `mx.optimizer.AdaGrad` has it.

    s <- s + g^2
    p <- p - lr (g / sqrt(s + eps) + wd p)
         with g = clip(rescale_grad gradient)

States: s, the sum of squared gradients, starts at 0. eps (1e-7; the book has 1e-6) is inside the
root. wd is outside the quotient, decoupled from s, and not clipped.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def adagrad(params, states, hyperparams):
    get, lr, eps = hyperparams.get, hyperparams['lr'], hyperparams.get('eps', 1e-7)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    for p, s in zip(params, states):
        g = clipped(rescale_grad * p.grad, clip)
        s[:] += np.square(g)
        p[:] -= lr * (g / np.sqrt(s + eps) + wd * p)


form = GluonForm(adagrad, 1)
