"""Peak memory of an update, each side in a fresh process."""
import json
import os
import resource
import subprocess
import sys

from mxnet import npx

from gluon_opt.algorithms import algorithms
from gluon_opt.bench._sides import or_left_out, say
from gluon_opt.bench.update import an_update, mxnets_adam, pytorchs_adam
from gluon_opt.fuse import fuse

TITLE = 'peak memory of updates by adam, beyond the parameters, gradients and states'
ARRAYS = 4 * 4      # bytes a parameter: itself, its gradient, two states


def measure(quick):
    """Bytes beyond the arrays of each side, measured in a process of its own."""
    if not os.access('/proc/self/clear_refs', os.W_OK):
        say('memory: the peak can be measured on Linux only')
        return []
    size = 10**6 if quick else 10**8
    sides = ['book', 'fused', 'mxnet', *or_left_out('torch', _has_torch)]
    rows = []
    for side in sides:
        done = subprocess.run([sys.executable, '-m', 'gluon_opt.bench.memory', side, str(size)],
                              check=True, stdout=subprocess.PIPE, text=True)
        beyond = json.loads(done.stdout)
        rows.append({'side': side, 'size': size, 'bytes': beyond,
                     'share of the arrays': beyond / (ARRAYS * size)})
    return rows


def _has_torch():
    import torch
    return {'torch': torch}


def _beyond(side, size):
    """Bytes that the peak of three updates is above the arrays and what the process took anyway.

    One update of another size comes first: compiled code and libraries are no part of what a
    parameter costs.
    """
    adam = algorithms()['adam']
    fused = fuse(adam.rule)
    make = {'book': lambda n: an_update(adam, adam.rule, n),
            'fused': lambda n: an_update(adam, fused, n), 'mxnet': mxnets_adam,
            'torch': pytorchs_adam}[side]
    make(10**5)()
    npx.waitall()
    before = _resident()
    update = make(size)
    update()        # by then MXNet has freed what making the arrays took
    npx.waitall()
    _forget_the_peak()
    for _ in range(3):
        update()
    npx.waitall()
    return max(0, _peak() - before - ARRAYS * size)


# Making the arrays takes more than keeping them, so that the peak has to be counted anew.

def _resident():
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _forget_the_peak():
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')


def _peak():
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM'))


def table(rows):
    return [['side', 'parameters', 'beyond (MB)', 'bytes a parameter', 'share of the arrays'],
            *([row['side'], f'{row["size"]:,}', f'{row["bytes"] / 1e6:,.1f}',
               f'{row["bytes"] / row["size"]:.2f}',
               f'{row["share of the arrays"]:.2%}'] for row in rows)]


if __name__ == '__main__':
    from gluon_opt._mode import np_mode
    with np_mode():
        print(json.dumps(_beyond(sys.argv[1], int(sys.argv[2]))))
