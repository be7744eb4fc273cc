"""Nesterov's accelerated gradient, in the shifted variable.

    v <- momentum v + g
    p <- p - lr (g + momentum v)

States: v, the velocity, starts at 0. Source: Nesterov 1983; Sutskever, Martens, Dahl, Hinton, "On
the importance of initialization and momentum in deep learning", 2013, section 2; the change of
variable is Bengio, Boulanger-Lewandowski, Pascanu, "Advances in optimizing recurrent networks",
2012. There the gradient is taken at the look-ahead point x - lr momentum v; here p *is* that
point, so the gradient at p is the one wanted (`traces.nag_2d` is the look-ahead form).
"""
from gluon_opt.algorithms._algorithm import Algorithm
from gluon_opt.algorithms.sgd_momentum import init_momentum_states


def nag(params, states, hyperparams):
    for p, v in zip(params, states):
        v[:] = hyperparams['momentum'] * v + p.grad
        p[:] -= hyperparams['lr'] * (p.grad + hyperparams['momentum'] * v)


algorithm = Algorithm(
    nag, 1, init_momentum_states, chosen={'lr': 0.005, 'momentum': 0.9},
    gluon='nag', keys={'lr': 'learning_rate', 'momentum': 'momentum'},
    form='Gluon keeps lr inside the velocity',
    bound=6e-7)     # Gluon's kernel subtracts the old velocity from the new: one rounding more
