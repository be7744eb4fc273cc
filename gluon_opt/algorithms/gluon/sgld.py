"""Stochastic gradient Langevin dynamics as `mx.optimizer.SGLD` has it.

    p <- p - lr / 2 (g + wd p) + noise
         with noise ~ N(0, lr) in each coordinate, g = clip(rescale_grad gradient)

States: none. It samples from the posterior if g is the gradient of the *sum* of all losses, minus
the log of the prior; `Trainer.step(batch_size)` gives the mean instead, so through a Trainer the
noise is too strong by as many times as there are examples. The noise comes from the generator that
Gluon draws from, in the same order: with one seed the two agree in every bit. Source: Welling, Teh,
"Bayesian learning via stochastic gradient Langevin dynamics", 2011.
"""
import math

from mxnet import nd

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def sgld(params, states, hyperparams):
    get, lr = hyperparams.get, hyperparams['lr']
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    for p in params:
        g = clipped(rescale_grad * p.grad, clip)
        p[:] += -lr / 2 * (g + wd * p)
        noise = nd.random.normal(0, math.sqrt(lr), p.shape, dtype=p.dtype, ctx=p.ctx)
        p[:] += noise.as_np_ndarray()


form = GluonForm(sgld)
