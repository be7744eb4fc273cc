"""Nesterov's accelerated gradient as `mx.optimizer.NAG` has it, with its error.

    v <- momentum v
    p' = p - v + (momentum + 1) (v - lr (g + wd p))
    v <- v - lr (g + wd p')
    p <- p'
         with g = clip(rescale_grad gradient)

States: v, the velocity with its sign turned and lr inside, starts at 0; without momentum there is
none, and p <- (1 - lr wd) p - lr g. A quirk, kept: the new p, not the old, decays the velocity,
because MXNet's kernel has already overwritten it (since 1.6, gone in 2.0). So with wd the rule is
not Nesterov's: after 100 steps 7e-4 away at wd = 1e-4, and 4e-2 at wd = 1e-2. Without wd it is the
book's `nag`, but for lr inside the velocity.
"""
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped, float32, gradient_times, one_minus, product
from gluon_opt.algorithms.gluon.sgd import velocity


def nag(params, states, hyperparams):
    get, lr = hyperparams.get, hyperparams['lr']
    momentum, wd, rescale_grad = get('momentum', 0.0), get('wd', 0.0), get('rescale_grad', 1.0)
    clip = get('clip_gradient') or None
    for p, v in zip(params, states):
        if momentum > 0:
            g = clipped(rescale_grad * p.grad, clip)
            v[:] = momentum * v
            p[:] = p - v + float32(float32(momentum) + 1) * (v - lr * (g + wd * p))
            v[:] -= lr * (g + wd * p)
        else:
            p[:] = one_minus(product(lr, wd)) * p - gradient_times(lr, p, hyperparams)


form = GluonForm(nag, velocity)
