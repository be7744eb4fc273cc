"""The measured reasons of a gap: the shares are where the algebra puts them."""
import json

import pytest

import gluon_opt
from gluon_opt import GluonOptError, explain
from gluon_opt.cli import main
from gluon_opt.explain import SETTINGS, Setting


def shares(explanation, setting):
    return {row['difference']: row['share'] for row in explanation.rows
            if row['setting'] == setting}


@pytest.fixture
def settings(monkeypatch):
    """Only some settings of an algorithm, to save time."""
    def keep(name, *wanted):
        monkeypatch.setitem(SETTINGS, name, list(wanted))
    return keep


def test_adam_at_a_large_eps_is_the_place_of_eps(settings):
    assert [s.text for s in SETTINGS['adam'][:3]] == [
        f'eps {eps} on both sides' for eps in ('0.001', '1e-06', '1e-08')]
    settings('adam', *SETTINGS['adam'][:1])
    explanation = explain('adam')
    place, one_minus, rounding = shares(explanation, 'eps 0.001 on both sides').values()
    assert place >= 0.95 and 0 < one_minus < 0.01 and abs(rounding) < 0.001
    assert place + one_minus + rounding == pytest.approx(1, abs=1e-12)
    assert explanation.rows[0]['gap'] == pytest.approx(6e-3, rel=0.5)      # as others measured it
    assert 'before the bias correction' in explanation.rows[0]['difference']


def test_momentum_shows_the_cut_of_the_learning_rate():
    explanation = explain('sgd_momentum')
    uncut, cut, last_batch = (s.text for s in SETTINGS['sgd_momentum'])
    inside = 'Gluon keeps lr inside the velocity'
    assert shares(explanation, cut)[inside] > 0.999
    gaps = {row['setting']: row['gap'] for row in explanation.rows[::2]}
    assert gaps[cut] > 1e-3 > 3e-7 > gaps[uncut]        # there it is rounding, with it or without
    divided, *_ = shares(explanation, last_batch).values()
    assert divided > 0.999


@pytest.mark.parametrize('name, words', [('rmsprop', 'eps is 1e-06, in Gluon 1e-08'),
                                         ('adagrad', 'eps is 1e-06, in Gluon 1e-07'),
                                         ('nadam', 'schedule')])
def test_default_values_and_the_schedule(name, words, settings):
    settings(name, Setting('as called'))
    table = shares(explain(name), 'as called')
    share, = (share for difference, share in table.items() if words in difference)
    assert share > 0.95


def test_command_line(capsys, settings):
    settings('sgd', Setting('as called'))
    assert main(['explain', 'sgd']) == 0
    assert 'sgd, as called: gap' in capsys.readouterr().out
    assert main(['explain', 'sgd', '--json']) == 0
    row, = json.loads(capsys.readouterr().out)['rows']
    assert row['difference'] == 'float32 rounding' and row['share'] == 1
    frame = explain('sgd').to_dataframe()
    assert list(frame.columns) == ['algorithm', 'setting', 'difference', 'gap', 'gap_without',
                                   'share']


def test_bad_call():
    with pytest.raises(GluonOptError, match="no algorithm 'adamm'"):
        explain('adamm')
    with pytest.raises(GluonOptError, match='no such file'):
        gluon_opt.explain('sgd', path='/nowhere')
