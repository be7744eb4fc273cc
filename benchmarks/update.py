"""One update of all parameters: book form, fused, MXNet's operator, PyTorch, and the memory limit.

    python benchmarks/update.py [--rule adam] [--sizes 6 1000 100000 10000000] [--json FILE]

All sides take turns (A B C A B C ...) in one process and the median of the rounds counts, so what
else the machine does falls on all alike. Each turn ends with the engine drained; the first ones are
not counted. PyTorch takes part where it is installed, MXNet's operator where the rule is adam.

The limit is the time that reading and writing the rule's arrays once takes, at the rate that an
in-place `a += b` of the same size reaches, with the same threads.
"""
import argparse
import json
import os
import platform
import statistics
import time

import numba
import numpy as onp
from mxnet import nd, np, npx

import gluon_opt  # isort: split - prepares the import of MXNet
from gluon_opt.fuse import PARALLEL_FROM, _in_threads, fuse

ROUNDS, SECONDS = 15, 0.02      # of a round, for one side; a single update if it takes longer


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--rule', default='adam', choices=gluon_opt.algorithms())
    parser.add_argument('--sizes', type=int, nargs='+', default=[6, 1000, 100_000, 10_000_000])
    parser.add_argument('--json', metavar='FILE', help='write the figures there too')
    arguments = parser.parse_args()
    npx.set_np()
    algorithm = gluon_opt.algorithms()[arguments.rule]
    rows = [measure(algorithm, size) for size in arguments.sizes]
    print(table(arguments.rule, rows))
    if arguments.json:
        with open(arguments.json, 'w') as file:
            json.dump({'rule': arguments.rule, 'cores': os.cpu_count(),
                       'python': platform.python_version(), 'rows': rows}, file, indent=1)


def measure(algorithm, size):
    """Seconds of one update of `size` parameters, for every side."""
    sides = {'book': in_book_form(algorithm, algorithm.rule, size),
             'fused': in_book_form(algorithm, fuse(algorithm.rule), size)}
    if algorithm.name == 'adam':
        sides['mxnet'] = mxnets_adam(size)
        sides.update(pytorchs_adam(size))
    sides['a += b'] = addition(size)
    counts = {name: warmed_up(side) for name, side in sides.items()}
    times = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            times[name].append(timed(side, counts[name]))
    row = {'size': size, **{name: statistics.median(each) for name, each in times.items()}}
    # p and the states are read and written, g is read; `a += b` moves 3 numbers
    row['limit'] = row.pop('a += b') * (3 + 2 * algorithm.states) / 3
    return row


def timed(side, count):
    start = time.perf_counter()
    for _ in range(count):
        side()
    return (time.perf_counter() - start) / count


def warmed_up(side):
    """How many updates make a round."""
    for _ in range(3):
        seconds = timed(side, 1)
    return max(1, int(SECONDS / seconds))


def in_book_form(algorithm, rule, size):
    p = np.random.normal(size=size)
    p.attach_grad()
    p.grad[:] = np.random.normal(size=size)
    states = gluon_opt.init_states(algorithm.rule, [p])
    hyperparams = algorithm.check(algorithm.chosen)

    def update():
        rule([p], states, hyperparams)
        npx.waitall()
    return update


def mxnets_adam(size):
    w, g = nd.random.normal(shape=size), nd.random.normal(shape=size)
    mean, var = nd.zeros_like(w), nd.zeros_like(w)

    def update():
        nd.adam_update(w, g, mean, var, lr=0.01, out=w)
        npx.waitall()
    return update


def pytorchs_adam(size):
    try:
        import torch
    except ImportError:
        return {}
    p = torch.randn(size, requires_grad=True)
    p.grad = torch.randn(size)
    return {'torch': torch.optim.Adam([p], lr=0.01, fused=True).step}


def addition(size):
    a, b = onp.ones((2, size), 'float32')

    @numba.njit((numba.float32[::1],) * 2, nogil=True)
    def add(a, b):
        for i in range(a.size):
            a[i] += b[i]

    return _in_threads(add, [a, b]) if size >= PARALLEL_FROM else lambda: add(a, b)


def table(rule, rows):
    names = [name for name in rows[0] if name not in ('size', 'limit')]
    head = ['parameters', *(f'{name} (us)' for name in names), *(
        f'{name}/fused' for name in names if name != 'fused'), 'share of the limit']
    lines = [head]
    for row in rows:
        lines.append([f'{row["size"]:,}', *(f'{row[name] * 1e6:,.1f}' for name in names),
                      *(f'{row[name] / row["fused"]:.2f}' for name in names if name != 'fused'),
                      f'{row["limit"] / row["fused"]:.0%}'])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return f'{rule}: one update\n' + '\n'.join(
        '  '.join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


if __name__ == '__main__':
    main()
