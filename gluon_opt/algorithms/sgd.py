"""Minibatch stochastic gradient descent.

    p <- p - lr g

States: none. Source: the book, section "Minibatch Stochastic Gradient Descent". The book's own
function divides by the batch size; here, as in its later sections, the loss is already a mean.
"""
from gluon_opt.algorithms._algorithm import Algorithm


def sgd(params, states, hyperparams):
    for p in params:
        p[:] -= hyperparams['lr'] * p.grad


algorithm = Algorithm(sgd, chosen={'lr': 0.05}, gluon='sgd', keys={'lr': 'learning_rate'})
