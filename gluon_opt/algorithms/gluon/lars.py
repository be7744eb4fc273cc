"""LARS as `mx.optimizer.LARS` has it: momentum, with a rate for each layer.

    lr' = lr eta |p| / (rescale_grad |gradient| + wd |p| + eps)
    v  <- momentum v - lr' wd p - lr' g
    p  <- p + v
         with g = clip(rescale_grad gradient)

States: v, the velocity with its sign turned and lr inside, starts at 0; without momentum there is
none. eta is 0.001, eps is 0. The norms are of the whole parameter and of the *unclipped* gradient;
where one is 0, lr' = lr. Source: You, Gitman, Ginsburg, "Large batch training of convolutional
networks", 2017.

momentum_correction (on) multiplies momentum by lr / (lr of the step before), because lr is inside
the velocity: Goyal et al., "Accurate, large minibatch SGD", 2017. Quirks, kept: Gluon updates four
parameters at a time, and the correction reaches the first four of a step only; and biases, which
the paper exempts, are scaled like weights. `base_lr` is lr before lr_mult, if that differs. The
norms are summed in another order than in Gluon: the two agree to 1e-6, not in every bit.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import gradient_times, product
from gluon_opt.algorithms.gluon.sgd import velocity

TOGETHER = 4        # parameters that Gluon updates at a time


def lars(params, states, hyperparams):
    get, lr, t = hyperparams.get, hyperparams['lr'], hyperparams['t']
    momentum, eta, eps = get('momentum', 0.0), get('eta', 0.001), get('eps', 0.0)
    wd, rescale_grad, base_lr = get('wd', 0.0), get('rescale_grad', 1.0), get('base_lr', lr)
    if t != get('step'):        # these are the first parameters of a step
        hyperparams.update(step=t, done=0, last_lr=get('this_lr', base_lr), this_lr=base_lr)
    done, last_lr = hyperparams['done'], hyperparams['last_lr']
    for place, (p, v) in enumerate(zip(params, states), start=done):
        layer_lr, now = lr, momentum
        p_norm, g_norm = float(np.linalg.norm(p)), float(np.linalg.norm(p.grad))
        if p_norm > 0 and g_norm > 0:
            layer_lr = lr * eta * p_norm / (rescale_grad * g_norm + wd * p_norm + eps)
        if get('momentum_correction', True) and last_lr != 0 and place < TOGETHER:
            now = momentum * (base_lr / last_lr)
        step = product(layer_lr, wd) * p + gradient_times(layer_lr, p, hyperparams)
        if momentum > 0:
            v[:] = now * v - step
            p[:] += v
        else:
            p[:] -= step
    hyperparams['done'] = done + len(params)
    hyperparams['t'] += 1


form = GluonForm(lars, velocity)
