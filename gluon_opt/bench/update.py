"""One update of all parameters by adam."""
import numba
import numpy as onp
from mxnet import nd, np, npx

from gluon_opt.algorithms import algorithms, init_states
from gluon_opt.bench._sides import in_turn, micro, or_left_out
from gluon_opt.fuse import PARALLEL_FROM, _in_threads, fuse

TITLE = "one update by adam: book form, fused, MXNet's operator, PyTorch's fused Adam"


def measure(quick):
    """Seconds of one update by every side, and the memory limit, for each size."""
    adam = algorithms()['adam']
    rows = []
    for size in [6, 1000] if quick else [6, 1000, 100_000, 10_000_000]:
        others = {'mxnet': mxnets_adam(size)}
        others.update(or_left_out('torch', lambda size=size: {'torch': pytorchs_adam(size)}))
        rows.append(measure_rule(adam, size, 3 if quick else 15, others))
    return rows


def measure_rule(algorithm, size, rounds, others=None):
    """The row of one rule: itself in book form, fused, the others, and the limit.

    The limit is the time that reading and writing the rule's arrays once takes, at the rate that
    an in-place `a += b` of the same size reaches in the same run, with the same threads.
    """
    sides = {'book': an_update(algorithm, algorithm.rule, size),
             'fused': an_update(algorithm, fuse(algorithm.rule), size),
             **(others or {}), 'a += b': addition(size)}
    seconds = in_turn(sides, rounds)
    # The parameter and the states are read and written, the gradient is read; `a += b` moves 3.
    limit = seconds.pop('a += b') * (3 + 2 * algorithm.states) / 3
    fused = seconds['fused']
    return {'rule': algorithm.name, 'size': size, 'seconds': seconds, 'limit': limit,
            'ratios': {f'{side}/fused': each / fused for side, each in seconds.items()
                       if side != 'fused'},
            'share of the limit': limit / fused}


def an_update(algorithm, rule, size):
    """One step of a book-shaped rule on one parameter, as a function."""
    p = np.random.normal(size=size)
    p.attach_grad()
    np.random.normal(size=size, out=p.grad)      # MXNet would keep the memory of a copy
    states = init_states(algorithm.rule, [p])
    hyperparams = algorithm.check(algorithm.chosen)

    def update():
        rule([p], states, hyperparams)
        npx.waitall()
    return update


def mxnets_adam(size):
    """A direct call of the operator, without Trainer and without its bias correction."""
    w, g = nd.random.normal(shape=size), nd.random.normal(shape=size)
    mean, var = nd.zeros_like(w), nd.zeros_like(w)

    def update():
        nd.adam_update(w, g, mean, var, lr=0.01, out=w)
        npx.waitall()
    return update


def pytorchs_adam(size):
    import torch
    p = torch.randn(size, requires_grad=True)
    p.grad = torch.randn(size)
    optimizer = torch.optim.Adam([p], lr=0.01, fused=True)
    optimizer.step()        # makes the states
    return optimizer.step


def addition(size):
    a, b = onp.ones((2, size), 'float32')

    @numba.njit((numba.float32[::1],) * 2, nogil=True)
    def add(a, b):
        for i in range(a.size):
            a[i] += b[i]

    return _in_threads(add, [a, b]) if size >= PARALLEL_FROM else lambda: add(a, b)


def table(rows):
    sides, ratios = list(rows[0]['seconds']), list(rows[0]['ratios'])
    head = ['rule', 'parameters', *(f'{side} (us)' for side in sides), *ratios,
            'share of the limit']
    return [head, *([row['rule'], f'{row["size"]:,}', *(micro(row['seconds'][s]) for s in sides),
                     *(f'{row["ratios"][r]:.2f}' for r in ratios),
                     f'{row["share of the limit"]:.0%}'] for row in rows)]
