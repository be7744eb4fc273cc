"""Stochastic gradient descent as `mx.optimizer.SGD` has it, with momentum or without.

    v <- momentum v - lr wd p - lr g
    p <- p + v
         with g = clip(rescale_grad gradient)

States: v, the velocity with its sign turned and lr inside, starts at 0; without momentum there is
none, and p <- p - (lr wd p + lr g). The book's rule keeps lr outside the velocity: the same while
lr is constant, another rule when it changes. wd is not clipped.
"""
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import gradient_times, product


def sgd(params, states, hyperparams):
    lr, momentum = hyperparams['lr'], hyperparams.get('momentum', 0.0)
    lr_wd = product(lr, hyperparams.get('wd', 0.0))
    for p, v in zip(params, states):
        if momentum > 0:
            v[:] = momentum * v - lr_wd * p - gradient_times(lr, p, hyperparams)
            p[:] += v
        else:
            p[:] -= lr_wd * p + gradient_times(lr, p, hyperparams)


def velocity(hyperparams):
    """One array a parameter, if there is momentum at all."""
    return int(hyperparams.get('momentum', 0.0) != 0)


form = GluonForm(sgd, velocity)
