"""How the time grows with the parameters and with the examples."""
import numpy as onp
from mxnet import np

from gluon_opt.algorithms import algorithms, init_states
from gluon_opt.bench._sides import in_turn, micro
from gluon_opt.bench.update import addition, an_update
from gluon_opt.data import Batches
from gluon_opt.fuse import fuse
from gluon_opt.train import ByHand, Data, run, start

TITLE = 'adam fused: one update by the number of parameters, one epoch by that of examples'


def measure(quick):
    """Seconds by size, of an update, of an in-place `a += b`, and of an epoch."""
    adam = algorithms()['adam']
    fused = fuse(adam.rule)
    sizes = [10**3, 10**4] if quick else [10**5, 10**6, 10**7, 10**8]
    examples = [150, 1500] if quick else [1500, 15_000, 150_000, 1_500_000]
    rounds = 1 if quick else 7
    rows = []
    for what, side in (('update', lambda n: an_update(adam, fused, n)), ('a += b', addition)):
        rows += _rows(what, in_turn({n: side(n) for n in sizes}, rounds))
    return rows + _rows('epoch', in_turn({n: an_epoch(fused, n) for n in examples},
                                         rounds=1 if quick else 3, warm_up=1))


def _rows(what, seconds):
    befores = [None, *seconds.values()]
    return [{'what': what, 'size': size, 'seconds': each, 'ratio': before and each / before}
            for before, (size, each) in zip(befores, seconds.items())]


def an_epoch(rule, size):
    """One epoch on `size` made-up examples, batch size 10; gives the loop's own seconds."""
    random = onp.random.RandomState(0)
    features = random.normal(size=(size, 5))
    data = Data(Batches(features, features.sum(axis=1), 10, seed=0), 0)

    def side():
        first = start(5, 0)
        states = init_states('adam', [np.array(p) for p in first])
        model = ByHand(rule, states, {'lr': 0.01, 't': 1}, first)
        return run(model, data, 1, every=size).seconds
    return side


def table(rows):
    return [['what', 'parameters or examples', 'us', 'times the line before'],
            *([row['what'], f'{row["size"]:,}', micro(row['seconds']),
               f'{row["ratio"]:.2f}' if row['ratio'] else ''] for row in rows)]
