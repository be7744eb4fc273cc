"""The benchmarks: how they time, what they leave out. What they measure is no test's business."""
import pytest

import gluon_opt
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


def test_ratios_and_their_tables():
    adam = gluon_opt.algorithms()['adam']
    row = update.measure_rule(adam, 6, 1, {'torch': lambda: None})
    seconds = row['seconds']
    assert row['ratios'] == {f'{side}/fused': seconds[side] / seconds['fused']
                             for side in ('book', 'torch')}
    row.update(seconds={'book': 8e-6, 'fused': 1e-6}, ratios={'book/fused': 8.0})
    row['share of the limit'] = 0.9
    assert update.table([row])[1] == ['adam', '6', '8.0', '1.0', '8.00', '90%']


def test_d2ls_loops_stand_beside_ours():
    seconds = {'by hand': 0.2, 'fused': 0.04, 'Gluon': 0.05, 'train_ch11': 0.3}
    assert epoch.table(epoch.rows(seconds))[1:] == [
        ['by hand', '200.0', 'train_ch11', '300.0', '1.50'],
        ['fused', '40.0', 'train_ch11', '300.0', '7.50'],
        ['Gluon', '50.0', '-', '-', '-']]


def test_growth_is_measured_from_size_to_size():
    rows = growth._rows('update', {10: 1e-6, 100: 8e-6})
    assert [row['ratio'] for row in rows] == [None, pytest.approx(8)]
    assert [line[-1] for line in growth.table(rows)[1:]] == ['', '8.00']


def test_memory_is_that_of_a_process():
    """A book-form update makes arrays of the size of the parameter; a fused one makes none."""
    rows = {row['side']: row for row in memory.measure(quick=True)}
    if not rows:
        pytest.skip('needs /proc/self/clear_refs')
    array = 4 * rows['book']['size']
    assert rows['fused']['bytes'] < array <= rows['book']['bytes']
