"""Signum, and signSGD, as `mx.optimizer.Signum` has them: only the sign of the step counts.

    v <- momentum v - (1 - momentum) wd p - (1 - momentum) g
    p <- (1 - lr wd_lh) p + lr sign(v)
         with g = clip(rescale_grad gradient)

States: v, the first moment with its sign turned, starts at 0. With momentum = 0 there is none, and
p <- (1 - lr wd) p - lr sign(gradient): wd is then decoupled from the gradient. Source: Bernstein,
Wang, Azizzadenesheli, Anandkumar, "signSGD: compressed optimisation for non-convex problems",
2018, algorithms 1 and 3; wd inside the moment is Gluon's, wd_lh is the decoupled decay of
Loshchilov and Hutter. Default momentum is 0.9.
"""
from mxnet import np

from gluon_opt import GluonOptError
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import gradient_times, one_minus, product


def signum(params, states, hyperparams):
    get, lr = hyperparams.get, hyperparams['lr']
    momentum, wd, wd_lh = get('momentum', 0.9), get('wd', 0.0), get('wd_lh', 0.0)
    rest = one_minus(momentum)
    for p, v in zip(params, states):
        if momentum > 0:
            v[:] = momentum * v - product(rest, wd) * p - gradient_times(rest, p, hyperparams)
            p[:] = one_minus(product(lr, wd_lh)) * p + lr * np.sign(v)
        else:
            p[:] = one_minus(product(lr, wd)) * p - lr * np.sign(p.grad)


def velocity(hyperparams):
    momentum = hyperparams.get('momentum', 0.9)
    if not momentum and hyperparams.get('wd_lh'):
        raise GluonOptError('signum: without momentum Gluon takes no wd_lh; wd does the same there')
    return int(momentum != 0)


form = GluonForm(signum, velocity)
