"""The benchmarks: each takes its sides in turn, in one run, and gives medians and ratios.

Each module here is one of them: `TITLE`, `measure(quick)`, and `table(rows)`. What the figures
mean, and the last ones, are in benchmarks/README.md of the repository.
"""
import importlib
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode
from gluon_opt.algorithms._algorithm import choices

NAMES = 'update', 'rules', 'epoch', 'live', 'growth', 'memory'


def bench(names=None, *, quick=False):
    """Run benchmarks, one after the other.

    Args:
        names: of `NAMES`; None runs all.
        quick: small sizes and few rounds, to see that it works; the figures mean little.

    Returns:
        A `Results`.

    Raises:
        GluonOptError: an unknown name.
    """
    names = list(names or NAMES)
    for name in names:
        if name not in NAMES:
            raise GluonOptError(f'no benchmark {name!r}{choices(name, NAMES)}')
    about = _about()
    results = {}
    for name in names:
        benchmark = importlib.import_module(f'gluon_opt.bench.{name}')
        print(f'{name}: {benchmark.TITLE}', file=sys.stderr, flush=True)
        with np_mode():
            results[name] = benchmark.measure(quick)
    return Results({**about, 'quick': quick}, results)


class Results:
    """What was measured: `about` (machine, versions, date, load) and the rows of each benchmark."""

    def __init__(self, about, rows):
        self.about, self.rows = about, rows

    def tables(self):
        """(title, table) of each benchmark; a table is a list of lines of cells, its head first."""
        for name, rows in self.rows.items():
            benchmark = importlib.import_module(f'gluon_opt.bench.{name}')
            yield f'{name}: {benchmark.TITLE}', benchmark.table(rows)

    def to_json(self):
        """Everything as JSON, times in seconds."""
        return json.dumps({**self.about, 'benchmarks': self.rows}, indent=1)

    def to_markdown(self):
        """What was measured on, and all tables."""
        about = self.about
        packages = ', '.join(f'{name} {number}' for name, number in about['versions'].items())
        parts = [f'{about["date"]}; {about["processor"]}, {about["cores"]} cores; load '
                 f'{about["load"]} at the start; {packages}']
        for title, (head, *lines) in self.tables():
            table = [head, ['---', *['---:'] * (len(head) - 1)], *lines]
            parts += [f'### {title}', '\n'.join(f'| {" | ".join(line)} |' for line in table)]
        return '\n\n'.join(parts) + '\n'


def _about():
    return {'date': time.strftime('%Y-%m-%d %H:%M'), 'processor': _processor(),
            'cores': os.cpu_count(), 'load': round(os.getloadavg()[0], 2),
            'versions': {'Python': platform.python_version(),
                         **{name: _version(name) for name in ('gluon_opt', 'numpy', 'mxnet',
                                                              'numba', 'd2l', 'torch')}}}


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return 'not installed'


def _processor():
    try:
        with open('/proc/cpuinfo') as file:
            return next(line.partition(':')[2].strip() for line in file if 'model name' in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
