"""Many seeds in one run give what each seed gives by itself."""
import numpy as onp
import pytest
from mxnet import np, npx

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt.algorithms import CHAPTER

BATCHES, FEATURES = gluon_opt.get_data_ch10()


def chosen(name):
    algorithm = gluon_opt.algorithms()[name]
    states = algorithm.init_states
    return algorithm.rule, states(FEATURES) if states else None, dict(algorithm.chosen)


@pytest.mark.parametrize('name', CHAPTER)
def test_each_row_is_the_run_of_its_seed(name, either_mode):
    runs = gluon_opt.over_seeds(name, chosen(name)[2], BATCHES, num_epochs=1, seeds=4)
    record = gluon_opt.train_ch10(*chosen(name), BATCHES, FEATURES, num_epochs=1, seed=3)
    # float32, and 150 steps that sum in another order
    onp.testing.assert_allclose(runs.losses[3], record.losses, rtol=2e-6)
    assert runs.epochs == record.epochs and runs.losses.shape == (4, 8)
    onp.testing.assert_allclose(runs.record.losses, runs.losses[0], rtol=2e-6)


def test_batches_that_do_not_divide_the_data():
    batches, _ = gluon_opt.get_data_ch10(batch_size=700)
    runs = gluon_opt.over_seeds('sgd', {'lr': 0.05}, batches, seeds=2)
    record = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.05}, batches, FEATURES, seed=1)
    onp.testing.assert_allclose(runs.losses[1], record.losses, rtol=2e-6)
    w, b = runs.weights[1, :-1], runs.weights[1, -1]
    loss = ((batches.features @ w + b - batches.labels) ** 2 / 2).mean()
    assert loss == pytest.approx(record.loss, rel=2e-6)


def test_what_is_said_of_the_seeds():
    runs = gluon_opt.over_seeds('adam', {'lr': 0.01}, BATCHES, seeds=50)
    low, high = runs.band()
    inside = (low[-1] <= runs.final) & (runs.final <= high[-1])
    assert inside.sum() == 44               # 90 % of 50, and the percentiles lie between runs
    assert 0 < runs.final.min() - runs.optimum < 0.01
    assert repr(runs).startswith('<SeedRuns adam: 50 seeds, loss 0.24')
    axes, = runs.plot().axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        '5-95 % of 50 seeds', 'seed 0', 'least squares']
    onp.testing.assert_allclose(axes.lines[0].get_ydata(), runs.record.losses)
    assert axes.lines[1].get_ydata()[0] == pytest.approx(0.2416880, abs=5e-7)


def test_a_readers_rule_and_its_dict():
    def heavy(params, states, hyperparams):
        for p, v in zip(params, states):
            v[:] = hyperparams['decay'] * v + p.grad
            p[:] -= hyperparams['lr'] * v
        hyperparams['lr'] *= 0.99

    hyperparams = {'decay': 0.5, 'lr': 0.02}
    first = gluon_opt.over_seeds(heavy, hyperparams, BATCHES, seeds=2)
    assert hyperparams == {'decay': 0.5, 'lr': 0.02}
    second = gluon_opt.over_seeds(gluon_opt.fuse(heavy), hyperparams, BATCHES, seeds=2, states=1)
    onp.testing.assert_allclose(first.losses, second.losses, rtol=2e-6)


def by_norm(params, states, hyperparams):
    norm = np.sqrt(sum(np.square(p.grad).sum() for p in params))
    for p in params:
        p[:] -= hyperparams['lr'] * p.grad / norm


def test_a_rule_that_mixes_elements_is_refused():
    with pytest.raises(GluonOptError, match='by_norm: seed 0 among the others .* mixes elements'):
        gluon_opt.over_seeds(by_norm, {'lr': 0.01}, BATCHES, num_epochs=1, seeds=3)


@pytest.mark.parametrize('change, message', [
    ({'seeds': 0}, 'seeds must be a whole number from 1'),
    ({'num_epochs': 1.5}, 'num_epochs must be a whole number from 1'),
    ({'hyperparams': {'lr': -1}}, r'adam: lr must be in \(0, inf\), got -1'),
    ({'hyperparams': {'lr': 1e30}}, 'adam: the loss is no longer finite at step'),
    ({'data_iter': [1, 2]}, 'data_iter must be what get_data_ch10 returns'),
    ({'rule': 'yogy'}, "did you mean 'yogi'"),
])
def test_bad_input(change, message):
    arguments = {'rule': 'adam', 'hyperparams': {'lr': 0.01}, 'data_iter': BATCHES, **change}
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.over_seeds(**arguments)
    assert not npx.is_np_array()            # the mode is the reader's again
