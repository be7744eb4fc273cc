"""A non-linear case that needs no network: scikit-learn's digits, and two nets to tell them apart.

1797 pictures of 8 x 8 pixels, real handwriting (Alpaydin, Kaynak 1998; UCI Machine Learning
Repository; CC BY 4.0), which the package scikit-learn contains.
"""
import numpy as onp
from mxnet import gluon, np
from mxnet.gluon import nn

from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode
from gluon_opt.data import Batches


def digits(batch_size, *, seed=None):
    """Minibatches of the digits: X of shape (batch_size, 64) in [0, 1], y the digit."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise GluonOptError('the digits come with scikit-learn; run: '
                            'pip install scikit-learn') from None
    pixels, labels = load_digits(return_X_y=True)
    return Batches(pixels / 16, labels, batch_size, seed=seed, source='scikit-learn')


def mlp():
    """One hidden layer of 32 units: 2,410 parameters in 4 arrays."""
    net = nn.HybridSequential()
    net.add(nn.Dense(32, activation='relu', in_units=64), nn.Dense(10, in_units=32))
    return net


def conv():
    """A convolution of 8 channels, pooling, a linear layer: 810 parameters in 4 arrays."""
    net = nn.HybridSequential()
    net.add(nn.HybridLambda(lambda F, x: F.np.reshape(x, (-1, 1, 8, 8))),
            nn.Conv2D(8, 3, activation='relu', in_channels=1), nn.MaxPool2D(2), nn.Flatten(),
            nn.Dense(10, in_units=8 * 3 * 3))
    return net


NETS = {'mlp': mlp, 'conv': conv}


@np_mode()
def net_at_start(name, seed):
    """The net, its weights normal with deviation sqrt(2 / fan-in), its biases 0."""
    net = NETS[name]()
    net.initialize()
    random = onp.random.RandomState(seed)
    for p in net.collect_params().values():
        fan_in = onp.prod(p.shape[1:])
        values = random.normal(scale=(2 / fan_in) ** 0.5, size=p.shape) * (len(p.shape) > 1)
        p.set_data(np.array(values.astype('float32')))
    net.hybridize()
    return net


def cross_entropy():
    """The loss of each example."""
    return gluon.loss.SoftmaxCrossEntropyLoss()
