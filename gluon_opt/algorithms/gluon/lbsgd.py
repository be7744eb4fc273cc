"""Large-batch SGD as `mx.optimizer.LBSGD` has it at its defaults: plain SGD.

    v <- momentum v - lr wd p - lr g
    p <- p + v
         with g = clip(rescale_grad gradient)

States: v, the velocity with its sign turned and lr inside, starts at 0; without momentum there is
none, and p <- (1 - lr wd) p - lr g. With batch_scale = 1 every warm-up strategy but 'lars' comes
down to this. batch_scale, which loses the first gradient in MXNet 1.9.1, and 'lars', whose formula
is not that of LARS, are refused. A quirk, kept: Gluon reads lr *before* it counts the step, so
under a schedule the first parameter is always one step behind the others.
"""
from gluon_opt import GluonOptError
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import gradient_times, one_minus, product
from gluon_opt.algorithms.gluon.sgd import velocity


def lbsgd(params, states, hyperparams):
    lr, momentum = hyperparams['lr'], hyperparams.get('momentum', 0.0)
    lr_wd = product(lr, hyperparams.get('wd', 0.0))
    for p, v in zip(params, states):
        if momentum > 0:
            v[:] = momentum * v - lr_wd * p - gradient_times(lr, p, hyperparams)
            p[:] += v
        else:
            p[:] = one_minus(lr_wd) * p - gradient_times(lr, p, hyperparams)


def velocity_at_defaults(hyperparams):
    if hyperparams.get('batch_scale', 1) != 1 or hyperparams.get('warmup_strategy') == 'lars':
        raise GluonOptError("lbsgd: only batch_scale=1, without the strategy 'lars', is written "
                            'by hand; gluon.Trainer has the rest')
    return velocity(hyperparams)


form = GluonForm(lbsgd, velocity_at_defaults, early_lr=True)
