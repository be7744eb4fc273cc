"""AdaGrad with one rate a row as `mx.optimizer.contrib.GroupAdaGrad` has it.

    s <- s + mean over the row of g^2
    p <- p - lr g / sqrt(s + eps)
         with g = clip(rescale_grad gradient)

States: s, one number a row, starts at 0. eps (1e-5) is inside the root. Made for embeddings, where
a row is a word: parameters must have two axes, and wd is refused, as in Gluon. Here the mean is
MXNet's plain one, in Gluon's form it is summed with compensation, so the two agree to 1e-6, not in
every bit.
"""
from mxnet import np

from gluon_opt import GluonOptError
from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def groupadagrad(params, states, hyperparams):
    get, lr, eps = hyperparams.get, hyperparams['lr'], hyperparams.get('eps', 1e-5)
    rescale_grad, clip = get('rescale_grad', 1.0), get('clip_gradient')
    for p, s in zip(params, states):
        g = clipped(rescale_grad * p.grad, clip)
        s[:] += np.mean(np.square(g), axis=1, keepdims=True)
        p[:] -= lr * g / np.sqrt(s + eps)


def sums_of_rows(hyperparams):
    if hyperparams.get('wd'):
        raise GluonOptError('groupadagrad: Gluon takes no wd here; leave it at 0')
    return _zero_for_each_row


def _zero_for_each_row(params):
    for p in params:
        if p.ndim != 2:
            raise GluonOptError('groupadagrad: parameters must have two axes, rows and columns; '
                                f'got one of shape {p.shape}')
    return [np.zeros((len(p), 1), dtype=p.dtype, ctx=p.ctx) for p in params]


form = GluonForm(groupadagrad, sums_of_rows)
