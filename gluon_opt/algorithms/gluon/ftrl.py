"""FTRL-Proximal as `mx.optimizer.Ftrl` has it: sparse weights for linear models.

    z <- z + g - (sqrt(s + g^2) - sqrt(s)) p / lr
    s <- s + g^2
    p <- (sign(z) lamda1 - z) / ((beta + sqrt(s)) / lr + wd) where |z| > lamda1, else 0
         with g = clip(rescale_grad gradient)

States: z, which stands for the sum of all gradients, and s, the sum of their squares; both start at
0. wd is the paper's lambda_2 (L2), lamda1 (0.01, and spelled so) its lambda_1 (L1), beta (1) its
beta, lr its alpha. p is computed from z and s alone, and there is the quirk, kept: a start value of
p is forgotten in the first step, and every coordinate with |z| <= lamda1 becomes 0. The weights of
a fresh net do, nearly all of them; with them every gradient of a hidden layer, and it stays so. The
rule is meant for models that may start from 0, as in its source: McMahan et al., "Ad click
prediction: a view from the trenches", 2013, algorithm 1.
"""
from mxnet import np

from gluon_opt.algorithms.gluon._form import GluonForm
from gluon_opt.algorithms.gluon._kernel import clipped


def ftrl(params, states, hyperparams):
    get, lr = hyperparams.get, hyperparams['lr']
    lamda1, beta = get('lamda1', 0.01), get('beta', 1)
    wd, rescale_grad, clip = get('wd', 0.0), get('rescale_grad', 1.0), get('clip_gradient') or None
    for p, (z, s) in zip(params, states):
        g = clipped(rescale_grad * p.grad, clip)
        z[:] += g - (np.sqrt(s + g * g) - np.sqrt(s)) * p / lr
        s[:] += g * g
        p[:] = ((np.sign(z) * lamda1 - z) / ((beta + np.sqrt(s)) / lr + wd)
                * (np.abs(z) > lamda1))


form = GluonForm(ftrl, 2)
