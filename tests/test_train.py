"""The loops: what they promise of records, seeds, the caller's objects, and bad input."""
import re

import mxnet as mx
import numpy as onp
import pytest
from mxnet import np

import gluon_opt
from gluon_opt import GluonOptError, train

BEST, START = 0.2416880, 0.493259       # least squares; the loss with all weights 0


@pytest.fixture(scope='module')
def batches():
    return gluon_opt.get_data_ch10(10)[0]


def train_adam(batches, seed=0, **options):
    return gluon_opt.train_ch10(gluon_opt.adam, gluon_opt.init_adam_states(5),
                                {'lr': 0.01, 't': 1}, batches, 5, seed=seed, **options)


# ---- what a run returns ----

def test_hand_and_gluon_print_and_return(batches, either_mode, capsys):
    hand = train_adam(batches)
    gluon = gluon_opt.train_gluon_ch10('adam', {'learning_rate': 0.01}, batches, seed=0)
    for line, record in zip(capsys.readouterr().out.splitlines()[-2:], (hand, gluon)):
        assert re.fullmatch(r'loss: 0\.\d{3}, \d+\.\d{3} sec/epoch', line)
        assert line == f'loss: {record.loss:.3f}, {record.sec_per_epoch:.3f} sec/epoch'
        times, losses = record
        assert len(times) == len(losses) == 16
        assert times == sorted(times) and times[0] == 0
        assert BEST < losses[-1] < 0.25 < losses[0]
    assert hand.losses[0] == gluon.losses[0]
    assert abs(hand.loss - gluon.loss) < 1e-6       # eps differs; far less than a gap of form


@pytest.mark.parametrize('batch_size', [1, 7, 10, 1500])
def test_measured_as_200_examples_are_crossed(batch_size):
    batches, _ = gluon_opt.get_data_ch10(batch_size)
    record = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.01}, batches, 5, num_epochs=1,
                                  seed=0)
    ends = onp.cumsum([len(y) for _, y in batches])
    crossed = [0] + [n for before, n in zip([0, *ends], ends) if n // 200 > before // 200]
    assert record.examples == crossed
    assert record.epochs == [n / 1500 for n in crossed]


def test_little_data_is_measured_at_the_end(real_data):
    batches, _ = gluon_opt.get_data_ch10(10, n=50, path=real_data)
    record = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.05}, batches, 5, seed=0)
    assert record.examples == [0, 100] and record.losses[1] < record.losses[0]


def test_seconds_are_the_training_alone(batches):
    def slow_observer(num_epochs):
        from contextlib import nullcontext
        return nullcontext(lambda record: __import__('time').sleep(0.05))

    data = train.Data(batches, 0)
    model = train.ByHand(gluon_opt.sgd, None, {'lr': 0.05}, train.start(5, 0))
    record = train.run(model, data, 1, every=20, observer=slow_observer)
    assert len(record.losses) == 76 and record.seconds < 76 * 0.05
    assert record.seconds == pytest.approx(record.times[-1], abs=0.05)


# ---- seeds, and the caller's objects ----

def test_same_seed_same_run(batches):
    mx.random.seed(1), onp.random.seed(1)
    first = train_adam(batches, seed=7)
    mx.random.seed(2), onp.random.seed(2)
    assert train_adam(batches, seed=7).losses == first.losses
    assert train_adam(batches, seed=8).losses != first.losses


def test_without_a_seed_the_global_generators_decide(batches):
    runs = []
    for seed in 1, 1, 2:
        mx.random.seed(seed), onp.random.seed(seed)
        runs.append(train_adam(batches, seed=None).losses)
    assert runs[0] == runs[1] != runs[2]


def test_callers_dict_and_states_stay(batches):
    hyperparams, states = {'lr': 0.01, 't': 1}, gluon_opt.init_adam_states(5)
    runs = [gluon_opt.train_ch10(gluon_opt.adam, states, hyperparams, batches, 5, num_epochs=1,
                                 seed=0).losses for _ in range(2)]
    assert hyperparams == {'lr': 0.01, 't': 1}
    assert all(abs(array).sum().asnumpy().item() == 0 for pair in states for array in pair)
    assert runs[0] == runs[1]


def test_gluons_dict_stays(batches):
    hyperparams = {'learning_rate': 0.05}
    gluon_opt.train_gluon_ch10('sgd', hyperparams, batches, num_epochs=1, seed=0)
    assert hyperparams == {'learning_rate': 0.05}


def test_no_global_switch_is_left_changed(batches, either_mode):
    before = mx.npx.is_np_array(), mx.npx.is_np_shape()
    train_adam(batches, num_epochs=1)
    with pytest.raises(GluonOptError):
        gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 1e3}, batches, 5, num_epochs=1, seed=0)
    assert (mx.npx.is_np_array(), mx.npx.is_np_shape()) == before


# ---- whose rules, whose batches ----

def test_readers_function(batches, either_mode):
    def halving(params, states, hyperparams):       # any keys, any states
        for p, state in zip(params, states):
            state['steps'] += 1
            p[:] -= hyperparams['rate'] / hyperparams['warmth'] * p.grad

    states = [{'steps': 0}, {'steps': 0}]
    record = gluon_opt.train_ch10(halving, states, {'rate': 0.1, 'warmth': 2}, batches, 5, seed=0)
    sgd = gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.05}, batches, 5, seed=0)
    assert record.losses == sgd.losses


def test_rule_with_nd_methods_gets_nd_arrays(batches, either_mode):
    def rmsprop(params, states, hyperparams):
        for p, s in zip(params, states):
            s[:] = 0.9 * s + 0.1 * p.grad.square()
            p[:] -= 0.01 * p.grad / (s + 1e-6).sqrt()

    states = mx.nd.zeros((5, 1)), mx.nd.zeros((1,))
    record = gluon_opt.train_ch10(rmsprop, states, {}, batches, 5, seed=0)
    ours = gluon_opt.train_ch10(gluon_opt.rmsprop, gluon_opt.init_rmsprop_states(5),
                                {'lr': 0.01, 'gamma': 0.9}, batches, 5, seed=0)
    assert record.loss == pytest.approx(ours.loss, abs=1e-6)    # 1 - 0.9 is not 0.1


def test_books_own_loader(batches, either_mode):
    dataset = mx.gluon.data.ArrayDataset(batches.features, batches.labels)
    loader = mx.gluon.data.DataLoader(dataset, 10, shuffle=True)
    for record in (gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 0.05}, loader, 5, seed=0),
                   gluon_opt.train_gluon_ch10('sgd', {'learning_rate': 0.05}, loader, seed=0)):
        assert record.examples[-1] == 3000 and BEST < record.loss < 0.26
        assert record.source is None


def test_gluon_runs_our_yogi(batches, either_mode):
    gluon = gluon_opt.train_gluon_ch10('yogi', {'learning_rate': 0.01}, batches, seed=0)
    hand = gluon_opt.train_ch10(gluon_opt.yogi, gluon_opt.init_adam_states(5),
                                {'lr': 0.01, 't': 1}, batches, 5, seed=0)
    onp.testing.assert_allclose(hand.losses, gluon.losses, rtol=1e-6)   # float32 sums


def test_kvstore_is_handed_on(batches):
    record = gluon_opt.train_gluon_ch10('sgd', {'learning_rate': 0.05}, batches, seed=0,
                                        kvstore=mx.kv.create('local'))
    assert record.losses == gluon_opt.train_gluon_ch10('sgd', {'learning_rate': 0.05}, batches,
                                                       seed=0).losses


# ---- what goes wrong ----

@pytest.mark.parametrize('by_gluon', [False, True])
def test_divergence_stops_at_its_step(by_gluon, batches):
    with pytest.raises(GluonOptError) as stop:
        if by_gluon:
            gluon_opt.train_gluon_ch10('sgd', {'learning_rate': 1e3}, batches, seed=0)
        else:
            gluon_opt.train_ch10(gluon_opt.sgd, None, {'lr': 1e3}, batches, 5, seed=0)
    step = stop.value.step
    assert f'no longer finite at step {step} ' in str(stop.value)

    # By hand, without the loop: the batch losses are finite before that step.
    data, model = train.Data(batches, 0), train.ByHand(gluon_opt.sgd, None, {'lr': 1e3},
                                                       train.start(5, 0))
    with model.mode():
        losses = [model.step(X, y).asnumpy().item() for X, y in data.batches][:step]
    assert onp.isfinite(losses[:-1]).all() and not onp.isfinite(losses[-1])
    record = stop.value.record
    assert record.losses[0] == pytest.approx(0.5, abs=0.02) and not onp.isfinite(record.loss)


BAD_CALLS = {
    'value': (dict(hyperparams={'lr': -1, 't': 1}), r'adam: lr must be in \(0, inf\), got -1'),
    'name': (dict(hyperparams={'lr': 1, 'beta_1': 0.5}), "'beta_1'; did you mean 'beta1'"),
    'missing': (dict(hyperparams={'t': 1}), "adam: missing hyperparameter 'lr'"),
    'no dict': (dict(hyperparams=0.1), 'adam: hyperparams must be a dict, got 0.1'),
    'states': (dict(states=None), r'adam: states must have the shapes .* init_adam_states'),
    'fewer states': (dict(states=(np.zeros((5, 1)), np.zeros(1))), 'adam: states must have'),
    'feature_dim': (dict(feature_dim=4), 'feature_dim is 4, but X has 5 columns'),
    'data': (dict(data_iter=[1, 2]), 'data_iter must be a re-iterable of'),
    'generator': (dict(data_iter=iter([])), 'data_iter must be a re-iterable of'),
    'empty': (dict(data_iter=[]), 'data_iter must be a re-iterable of'),
    'epochs': (dict(num_epochs=0), 'num_epochs must be a whole number from 1 on, got 0'),
    'seed': (dict(seed='a'), "seed must be a whole number from 0 to 4294967295, got 'a'"),
    'function': (dict(trainer_fn='adam'), "trainer_fn must be a function .* got 'adam'"),
}


@pytest.mark.parametrize('change, message', BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_call_by_hand(change, message, batches, capsys):
    call = dict(trainer_fn=gluon_opt.adam, states=gluon_opt.init_adam_states(5),
                hyperparams={'lr': 0.01, 't': 1}, data_iter=batches, feature_dim=5)
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.train_ch10(**{**call, **change})
    assert capsys.readouterr().out == ''


BAD_GLUON_CALLS = {
    'name': ('adamm', {}, "Gluon has no optimizer 'adamm'; did you mean 'adam'"),
    'no name': (None, {}, 'Gluon has no optimizer None'),
    'our key': ('rmsprop', {'gamma': 0.9}, "'gamma'; did you mean 'gamma1'"),
    'our lr': ('signum', {'lr': 0.9}, "'lr'; did you mean 'learning_rate'"),
    'value': ('adam', {'beta1': 2}, r"gluon's adam: beta1 must be in \[0, 1\), got 2"),
    'no number': ('adam', {'learning_rate': '0.1'}, "learning_rate must be a number, got '0.1'"),
}


@pytest.mark.parametrize('name, hyperparams, message', BAD_GLUON_CALLS.values(),
                         ids=BAD_GLUON_CALLS)
def test_bad_call_by_gluon(name, hyperparams, message, batches):
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.train_gluon_ch10(name, hyperparams, batches)
