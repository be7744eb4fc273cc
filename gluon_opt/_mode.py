"""MXNet's array modes: code here works the same whatever the reader's `npx.set_np()` says."""
from contextlib import contextmanager

from mxnet.util import np_array, np_shape


@contextmanager
def np_mode():
    """NumPy arrays and shapes, as `npx.set_np()` gives, inside the block or function only."""
    with np_shape(True), np_array(True):        # this order: the other raises on leaving
        yield


@contextmanager
def nd_mode():
    """The older `mx.nd` arrays and shapes, inside the block or function only."""
    with np_array(False), np_shape(False):      # this order, for the same reason
        yield
