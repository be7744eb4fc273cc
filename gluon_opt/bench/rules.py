"""One update by every other rule of the table."""
from gluon_opt.algorithms import algorithms
from gluon_opt.bench.update import measure_rule, table

TITLE = 'one update by every other rule: book form and fused'

__all__ = ['TITLE', 'measure', 'table']


def measure(quick):
    """A row as of `update` for each rule but adam."""
    size, rounds = (1000, 3) if quick else (10_000_000, 7)
    return [measure_rule(algorithm, size, rounds)
            for name, algorithm in algorithms().items() if name != 'adam']
