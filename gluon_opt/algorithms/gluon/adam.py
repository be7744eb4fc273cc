"""Adam as `mx.optimizer.Adam` has it: the paper's reordered form.

    v <- beta1 v + (1 - beta1) g
    s <- beta2 s + (1 - beta2) g^2
    p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) v / (sqrt(s) + eps)
         with g = clip(rescale_grad gradient + wd p)

States: v and s, the first and second moment, start at 0; t counts steps from 1. eps (1e-8; the book
has 1e-6) is added to the root of the *uncorrected* s, where the paper has another letter,
epsilon-hat, for it. It counts as eps / sqrt(1 - beta2^t) in the book's form: 32 times as much in
the first step. wd is clipped with the gradient and goes into both moments (it is L2, not `adamw`).
Source: Kingma, Ba, "Adam: a method for stochastic optimization", 2015, end of section 2.
"""
import math

from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped, one_minus


def adam(params, states, hyperparams):
    get, t = hyperparams.get, hyperparams['t']
    beta1, beta2, eps = get('beta1', 0.9), get('beta2', 0.999), get('eps', 1e-8)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient') or None
    lr = hyperparams['lr'] * (math.sqrt(1 - beta2 ** t) / (1 - beta1 ** t))
    for p, (v, s) in zip(params, states):
        g = clipped(rescale_grad * p.grad + wd * p, clip)
        v[:] = beta1 * v + one_minus(beta1) * g
        s[:] = beta2 * s + one_minus(beta2) * g * g
        p[:] -= lr * v / (np.sqrt(s) + eps)
    hyperparams['t'] += 1


form = GluonForm(adam, 2, keys={'eps': 'epsilon'})
