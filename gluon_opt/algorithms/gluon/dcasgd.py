"""SGD with compensation for delay as `mx.optimizer.DCASGD` has it.

    d <- -lr (g + wd p + lamda g^2 (p - previous))
    previous <- p
    p <- p + d
         with g = clip(rescale_grad gradient)

States: previous, which starts as a copy of p. Source: Zheng et al., "Asynchronous stochastic
gradient descent with delay compensation", 2017: there the gradient was taken at an older p, and
lamda (0.04) g^2 stands in for the Hessian. In one process nothing is late: Gluon takes the p of one
step ago, and the term is only a damping. momentum is refused, because it raises in MXNet 1.9.1.
"""
from gluon_opt import GluonOptError
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def dcasgd(params, states, hyperparams):
    get, lr, lamda = hyperparams.get, hyperparams['lr'], hyperparams.get('lamda', 0.04)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    for p, previous in zip(params, states):
        g = clipped(rescale_grad * p.grad, clip)
        d = -lr * (g + wd * p + lamda * g * g * (p - previous))
        previous[:] = p
        p[:] += d


def previous_weights(hyperparams):
    if hyperparams.get('momentum'):
        raise GluonOptError('dcasgd: momentum fails in MXNet 1.9.1; leave it at 0')
    return lambda params: [p.copy() for p in params]


form = GluonForm(dcasgd, previous_weights)
