"""The older edition of the book, `import gluon_opt.gluonbook as gb`: `mx.nd` arrays, ch7 names.

Its data has four features and all 1503 rows, so its losses, 0.2577 at best, are not to be
compared with those of the later edition, 0.2417 at best.
"""
import numpy as onp
from mxnet import np

from gluon_opt.data import Batches, load_airfoil
from gluon_opt.plots import show_trace_2d
from gluon_opt.traces import walk_2d
from gluon_opt.train import ByHand, Data, by_gluon, report, run, start

__all__ = ['get_data_ch7', 'train_ch7', 'train_gluon_ch7', 'train_2d', 'show_trace_2d']

_FORMAT = 'loss: {:f}, {:f} sec per epoch'
_EVERY = 100        # examples from one measurement to the next


def get_data_ch7():
    """The airfoil data of the 2018 edition: nd arrays of shapes (1503, 4) and (1503,)."""
    airfoil = load_airfoil('ch7')
    return tuple(np.array(a, dtype='float32').as_nd_ndarray()
                 for a in (airfoil.features, airfoil.labels))


def train_ch7(trainer_fn, states, hyperparams, features, labels, batch_size=10, num_epochs=2, *,
              seed=None):
    """Train the book's linear model with a hand-written rule; see `train_ch10`.

    The rule gets nd arrays, as its states are, and np arrays if its states are np arrays.

    Returns:
        A `Record`, which unpacks as (times, losses).

    Raises:
        GluonOptError: as `train_ch10`.
    """
    data = _data(features, labels, batch_size, seed)
    model = ByHand(trainer_fn, states, hyperparams, start(data.feature_dim, seed), nd_arrays=True)
    return report(run(model, data, num_epochs, every=_EVERY), _FORMAT)


def train_gluon_ch7(trainer_name, trainer_hyperparams, features, labels, batch_size=10,
                    num_epochs=2, *, seed=None):
    """Train the same model by `gluon.Trainer`; see `train_gluon_ch10`.

    As in that edition, the Trainer divides every gradient by `batch_size`, the last one too: 1503
    rows leave 3 for the last batch of 10, where `train_ch7` takes the mean over the 3.

    Returns:
        A `Record`, which unpacks as (times, losses).

    Raises:
        GluonOptError: as `train_gluon_ch10`.
    """
    data = _data(features, labels, batch_size, seed)
    model = by_gluon(trainer_name, trainer_hyperparams, start(data.feature_dim, seed),
                     batch_size=batch_size)
    return report(run(model, data, num_epochs, every=_EVERY), _FORMAT)


def _data(features, labels, batch_size, seed):
    arrays = (onp.asarray(a.asnumpy() if hasattr(a, 'asnumpy') else a) for a in (features, labels))
    return Data(Batches(*arrays, batch_size), seed)


def train_2d(trainer):
    """The walk of that edition: 20 steps from (-5, -2), printed in its form; see `train_2d`."""
    results = walk_2d(trainer, 20, None)
    print('epoch {}, x1 {:f}, x2 {:f}'.format(20, *map(float, results[-1])))
    return results
