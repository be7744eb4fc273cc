"""What many of MXNet's optimizers do in the same way: numbers as C floats, and clipping.

Most rules here are compiled kernels in MXNet. A kernel gets its numbers as C floats, and what it
computes from them alone is float32 too: of 1 - 0.999 that leaves 0.00099998713. Python computes in
float64; a sum, product or quotient of two float32 numbers taken there and then rounded is exactly
what C has. The rules that MXNet writes in Python need none of this.
"""
import numpy as onp
from mxnet import np


def float32(x):
    """The number that a C float holds, as a Python float."""
    return float(onp.float32(x))


def one_minus(x):
    return float32(1 - float32(x))


def product(x, y):
    return float32(float32(x) * float32(y))


def clipped(g, bound):
    """g within [-bound, bound]; all of g if the bound is None.

    MXNet's Python rules take a bound of 0 for what it says; its kernels take it for none, which
    the rules here write as `hyperparams.get('clip_gradient') or None`.
    """
    return g if bound is None else np.clip(g, -bound, bound)


def gradient_times(x, p, hyperparams):
    """x clip(rescale_grad g), in the order of the kernels that have no wd in the gradient.

    Without clip_gradient they multiply the two numbers first.
    """
    rescale_grad, bound = hyperparams.get('rescale_grad', 1.0), hyperparams.get('clip_gradient')
    if bound:
        return x * clipped(rescale_grad * p.grad, bound)
    return product(x, rescale_grad) * p.grad
