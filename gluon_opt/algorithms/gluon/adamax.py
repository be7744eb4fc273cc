"""AdaMax as `mx.optimizer.Adamax` has it: Adam with the largest gradient in place of the root.

    v <- beta1 v + (1 - beta1) g
    s <- max(beta2 s, |g|)
    p <- p - lr / (1 - beta1^t) v / s
         with g = clip(rescale_grad gradient + wd p)

States: v and s start at 0; t counts steps from 1. There is no eps, as in the paper, and so a quirk,
kept: a coordinate whose gradient has been exactly 0 since the start becomes 0 / 0, nan; a net with
an input that is always 0 has such. wd is clipped with the gradient. Source: Kingma, Ba, "Adam: a
method for stochastic optimization", 2015, algorithm 2, whose lr is 0.002.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def adamax(params, states, hyperparams):
    get, t = hyperparams.get, hyperparams['t']
    beta1, beta2 = get('beta1', 0.9), get('beta2', 0.999)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient')
    lr = hyperparams['lr'] / (1 - beta1 ** t)
    for p, (v, s) in zip(params, states):
        g = clipped(rescale_grad * p.grad + wd * p, clip)
        v[:] = beta1 * v + (1 - beta1) * g
        s[:] = np.maximum(beta2 * s, np.abs(g))
        p[:] -= lr * v / s
    hyperparams['t'] += 1


form = GluonForm(adamax, 2)
