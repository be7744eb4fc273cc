"""The benchmarks: how they time, what they leave out. What they measure is no test's business."""
import pytest

import gluon_opt  # noqa: F401 - prepares the import of MXNet
from gluon_opt.bench import _sides, epoch, growth, memory, update


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when it is told to."""
    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(_sides, 'time', clock)
    return clock


def side_taking(clock, turns, name, seconds):
    """A side that takes these seconds, call by call, and writes down its turn."""
    following = iter(seconds)

    def side():
        turns.append(name)
        clock.now += next(following)
    return side


def test_sides_take_turns_and_the_median_of_the_rounds_counts(clock):
    turns = []
    sides = {'a': side_taking(clock, turns, 'a', [9, 1, 2, 30]),
             'b': side_taking(clock, turns, 'b', [9, 5, 4, 6])}
    assert _sides.in_turn(sides, rounds=3, warm_up=1) == pytest.approx({'a': 2, 'b': 5})
    assert turns == ['a', 'b'] + ['a', 'b'] * 3


def test_short_calls_are_repeated_within_a_round(clock):
    turns = []
    side = side_taking(clock, turns, 'a', [_sides.ROUND / 4] * 9)
    assert _sides.in_turn({'a': side}, rounds=2, warm_up=1) == {
        'a': pytest.approx(_sides.ROUND / 4)}
    assert len(turns) == 1 + 2 * 4


def test_a_side_that_gives_its_own_seconds_is_not_timed(clock):
    def side():
        clock.now += 100
        return 0.5
    assert _sides.in_turn({'a': side}, rounds=3) == {'a': 0.5}


def test_the_engine_is_drained_before_the_clock_stops(clock, monkeypatch):
    monkeypatch.setattr(_sides.npx, 'waitall', lambda: setattr(clock, 'now', clock.now + 1))
    assert _sides.in_turn({'a': lambda: None}, rounds=1, warm_up=0) == {'a': 1}


def test_what_is_not_installed_is_left_out_and_said(capsys):
    def missing():
        import no_such_package.part  # noqa: F401
    _sides.say.cache_clear()
    assert _sides.or_left_out('no_such_package', missing) == {}
    assert 'no_such_package is not installed' in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError):
        _sides.or_left_out('another', missing)


def test_tables_give_ratios():
    row = {'rule': 'adam', 'size': 1000, 'limit': 0.9e-6,
           'seconds': {'book': 8e-6, 'fused': 1e-6, 'torch': 2e-6}}
    assert update.table([row])[1] == ['adam', '1,000', '8.0', '1.0', '2.0', '8.00', '2.00', '90%']
    row = {'by hand': 0.2, 'fused': 0.04, 'Gluon': 0.05, 'train_ch11': 0.3}
    assert epoch.table([row])[1:] == [['by hand', '200.0', 'train_ch11', '300.0', '1.50'],
                                      ['fused', '40.0', 'train_ch11', '300.0', '7.50'],
                                      ['Gluon', '50.0', 'train_concise_ch11', '-', '-']]
    rows = [{'what': 'update', 'size': 10, 'seconds': 1e-6},
            {'what': 'update', 'size': 100, 'seconds': 8e-6},
            {'what': 'epoch', 'size': 10, 'seconds': 1e-3}]
    assert [line[-1] for line in growth.table(rows)[1:]] == ['', '8.00', '']
    row = {'side': 'book', 'size': 10**6, 'beyond': 4 * 10**6}
    assert memory.table([row])[1] == ['book', '1,000,000', '4.0', '4.00', '25.00%']
