"""The one loop that times: sides in turn, warm-up not counted, engine drained, medians.

Sides take turns (A B C A B C ...) in one process, so that what else the machine does falls on all
of them alike.
"""
import functools
import statistics
import sys
import time

from mxnet import npx

ROUND = 0.02        # seconds of a round, for one side; a single call if it takes longer
WARM_UP = 3         # calls that are not counted: they compile, allocate, fill caches


def in_turn(sides, rounds, warm_up=WARM_UP):
    """Median seconds of a call of each side.

    Args:
        sides: {name: function without arguments}. What a function returns, if it is not None, is
            the seconds to be counted; else its call is timed until MXNet's engine is idle.
        rounds: how many times each side has its turn.
        warm_up: calls before that.
    """
    counts = {name: _calls_in_a_round(side, warm_up) for name, side in sides.items()}
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(_timed(side, counts[name]))
    return {name: statistics.median(each) for name, each in times.items()}


def _calls_in_a_round(side, warm_up):
    seconds = ROUND
    for _ in range(warm_up):
        seconds = _timed(side)
    return max(1, int(ROUND / seconds))


def _timed(side, count=1):
    """Mean seconds of `count` calls."""
    npx.waitall()       # what another side has left is not this one's
    start = time.perf_counter()
    own = [side() for _ in range(count)]
    npx.waitall()
    seconds = time.perf_counter() - start if own[0] is None else sum(own)
    return seconds / count


def or_left_out(package, make):
    """`make()`, which gives sides; none, said so, where their package is not installed."""
    try:
        return make()
    except ModuleNotFoundError as missing:
        if missing.name.partition('.')[0] != package:
            raise
        say(f'{package} is not installed: what needs it is left out')
        return {}


@functools.cache        # once a process is enough
def say(text):
    print(text, file=sys.stderr)


def micro(seconds):
    """Seconds as microseconds, in a table."""
    return f'{seconds * 1e6:,.1f}'


def milli(seconds):
    """Seconds as milliseconds, in a table."""
    return f'{seconds * 1e3:,.1f}'
