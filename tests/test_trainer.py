"""gluon_opt.Trainer: Gluon's habits for a hand-written rule, and files that hold all of a run."""
import mxnet as mx
import numpy as onp
import pytest
from mxnet import autograd, gluon, np

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode

HYPERPARAMS = {name: dict(a.chosen) for name, a in gluon_opt.algorithms().items()}
ROWS = onp.random.RandomState(0).normal(size=(40, 3)).astype('float32')
LABELS = (ROWS @ [1, -2, 3] + 0.5 * ROWS[:, 0] ** 2).astype('float32')


@np_mode()
def network(ctx=None):
    """A net with fixed start values."""
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Dense(4, in_units=3, activation='tanh'), gluon.nn.Dense(1, in_units=4))
    net.initialize(ctx=ctx)
    random = onp.random.RandomState(1)
    for p in net.collect_params().values():
        p.set_data(np.array(random.normal(size=p.shape).astype('float32')))
    return net


@np_mode()
def train(net, trainer, steps):
    for i in steps:
        rows = slice(10 * (i % 4), 10 * (i % 4) + 10)
        losses = []
        with autograd.record():
            for ctx in net[0].weight.list_ctx():
                X, y = np.array(ROWS[rows], ctx=ctx), np.array(LABELS[rows], ctx=ctx)
                losses.append(((net(X).reshape(-1) - y) ** 2).sum())
        autograd.backward(losses)
        trainer.step(10 * len(losses))


@np_mode()      # Gluon's own optimizers refuse np arrays if they were made in nd mode
def gluons_trainer(net, name, hyperparams):
    return gluon.Trainer(net.collect_params(), name, hyperparams)


def weights(net):
    with np_mode():
        return [p.data(p.list_ctx()[0]).asnumpy() for p in net.collect_params().values()]


def largest_gap(a, b):
    return max(abs(x - y).max() for x, y in zip(a, b))


# ---- habits ----

@pytest.mark.parametrize('name, gluon_name, hyperparams, theirs', [
    ('sgd', 'sgd', {'lr': 0.05}, {'learning_rate': 0.05}),
    ('sgd_momentum', 'sgd', {'lr': 0.02, 'momentum': 0.9, 'wd': 0.1},
     {'learning_rate': 0.02, 'momentum': 0.9, 'wd': 0.1}),
    ('rmsprop', 'rmsprop', {'lr': 0.01, 'gamma': 0.9, 'eps': 1e-8},
     {'learning_rate': 0.01, 'gamma1': 0.9}),
    ('yogi', 'yogi', {'lr': 0.01, 'clip_gradient': 0.1},
     {'learning_rate': 0.01, 'clip_gradient': 0.1}),
])
def test_as_gluons_own(name, gluon_name, hyperparams, theirs, either_mode):
    given, one, other = dict(hyperparams), network(), network()
    train(one, gluon_opt.Trainer(one.collect_params(), name, hyperparams), range(30))
    train(other, gluons_trainer(other, gluon_name, theirs), range(30))
    assert largest_gap(weights(one), weights(other)) < 3e-6     # 30 float32 steps on numbers ~ 1
    assert largest_gap(weights(one), weights(network())) > 0.05 and hyperparams == given


def test_readers_rule_and_hybridized_net():
    def rule(params, states, hyperparams):
        for p, v in zip(params, states):
            v[:] = hyperparams['drag'] * v + p.grad
            p[:] -= hyperparams['speed'] * v

    one, other = network(), network()
    one.hybridize()
    train(one, gluon_opt.Trainer(one.collect_params(), rule, {'drag': 0.9, 'speed': 0.01}),
          range(20))
    train(other, gluon_opt.Trainer(other.collect_params(), 'sgd_momentum',
                                   {'lr': 0.01, 'momentum': 0.9}), range(20))
    assert largest_gap(weights(one), weights(other)) < 3e-6


def test_learning_rate_and_schedule():
    net = network()
    trainer = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr': 0.1})
    assert trainer.learning_rate == 0.1
    trainer.set_learning_rate(0.2)
    assert trainer.learning_rate == 0.2 and isinstance(trainer, gluon.Trainer)
    schedule = mx.lr_scheduler.FactorScheduler(2, 0.5, base_lr=0.4)
    trainer = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr_scheduler': schedule})
    train(net, trainer, range(4))
    assert trainer.learning_rate == 0.2         # halved once in 4 updates: Gluon counts from 1


def test_stale_gradients_are_refused_and_null_is_left():
    net = network()
    net[0].bias.grad_req = 'null'
    bias = net[0].bias.data().asnumpy()
    trainer = gluon_opt.Trainer(net.collect_params(), 'sgd', {'lr': 0.1})
    train(net, trainer, [0])
    assert (net[0].bias.data().asnumpy() == bias).all()
    with pytest.raises(UserWarning, match='has not been updated by backward'):
        trainer.step(1)


def test_two_contexts_are_one_rule_call():
    contexts = [mx.cpu(0), mx.cpu(1)]
    one, two = network(), network(contexts)
    train(one, gluon_opt.Trainer(one.collect_params(), 'adam', {'lr': 0.01}), range(10))
    train(two, gluon_opt.Trainer(two.collect_params(), 'adam', {'lr': 0.01}), range(10))
    assert largest_gap(weights(one), weights(two)) < 3e-6


@pytest.mark.parametrize('rule, hyperparams, message', [
    ('adamm', {}, "no algorithm 'adamm'"),
    ('adam', {'learning_rate': 0.1}, "adam: unknown hyperparameter 'learning_rate'"),
    ('adam', {'lr': -0.1}, r'adam: lr must be in \(0, inf\)'),
    ('adam', {}, "adam: missing hyperparameter 'lr'"),
    ('adam', 0.1, 'adam: hyperparams must be a dict'),
])
def test_bad_call(rule, hyperparams, message):
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.Trainer(network().collect_params(), rule, hyperparams)


def test_sparse_parameters_are_refused():
    dense = gluon.Parameter('w', shape=(3, 2))
    sparse = gluon.Parameter('v', shape=(3, 2), grad_stype='row_sparse')
    dense.initialize(), sparse.initialize()
    with pytest.raises(GluonOptError, match='adam: sparse parameters are not supported: v'):
        gluon_opt.Trainer([dense, sparse], 'adam', {'lr': 0.1})


# ---- Gluon's form ----

IN_GLUONS_FORM = {
    'sgd': {'momentum': 0.9, 'wd': 0.01, 'learning_rate': 0.05}, 'nag': {'momentum': 0.9},
    'signum': {'wd_lh': 0.1}, 'dcasgd': {}, 'adagrad': {'wd': 0.1}, 'rmsprop': {'centered': True},
    'adadelta': {'wd': 0.01}, 'adam': {'wd': 0.1, 'clip_gradient': 0.1}, 'adamax': {}, 'nadam': {},
    'ftrl': {'lamda1': 0.001}, 'ftml': {}, 'lamb': {}, 'lars': {'momentum': 0.9}, 'lbsgd': {}}


@pytest.mark.parametrize('name, hyperparams', IN_GLUONS_FORM.items(), ids=IN_GLUONS_FORM)
def test_gluons_form_is_gluons_trainer(name, hyperparams, either_mode):
    def schedule():
        return {'lr_scheduler': mx.lr_scheduler.MultiFactorScheduler([4, 8], 0.3, base_lr=0.05)}

    one, other = network(), network()
    for net in one, other:
        net[0].weight.lr_mult, net[0].bias.wd_mult = 0.5, 0
    train(one, gluon_opt.Trainer(one.collect_params(), name, {**hyperparams, **schedule()},
                                 form='gluon'), range(12))
    train(other, gluons_trainer(other, name, {**hyperparams, **schedule()}), range(12))
    # To the bit, but for the rules whose norms are summed in another order.
    assert largest_gap(weights(one), weights(other)) <= (1e-6 if name in ('lamb', 'lars') else 0)
    assert largest_gap(weights(one), weights(network())) > 1e-3


@pytest.mark.parametrize('name', ['adam', 'nadam', 'sgd'])
def test_gluons_form_fused_is_gluons_trainer(name):
    one, other = network(), network()
    train(one, gluon_opt.Trainer(one.collect_params(), name, {'wd': 0.1}, form='gluon',
                                 fused=True), range(12))
    train(other, gluons_trainer(other, name, {'wd': 0.1}), range(12))
    assert largest_gap(weights(one), weights(other)) == 0


@pytest.mark.short
def test_fused_is_the_rule(either_mode):
    one, other = network(), network()
    train(one, gluon_opt.Trainer(one.collect_params(), 'yogi', {'lr': 0.01}, fused=True), range(12))
    train(other, gluon_opt.Trainer(other.collect_params(), 'yogi', {'lr': 0.01}), range(12))
    assert largest_gap(weights(one), weights(other)) == 0


def test_gluons_form_goes_on_from_a_file(tmp_path):
    whole, net = network(), network()
    train(whole, gluons_trainer(whole, 'nadam', {}), range(8))
    for steps in range(4), range(4, 8):
        trainer = gluon_opt.Trainer(net.collect_params(), 'nadam', {}, form='gluon')
        if steps.start:
            trainer.load_states(tmp_path / 'states')
        train(net, trainer, steps)
        trainer.save_states(tmp_path / 'states')
    assert largest_gap(weights(whole), weights(net)) == 0


@pytest.mark.parametrize('name, hyperparams, message', [
    ('adam', {'lr': 0.1}, "gluon's adam: unknown .* 'lr'; did you mean 'learning_rate'"),
    ('yogi', {}, "'yogi' is ours, Gluon has no form of it"),
    ('adamm', {}, "Gluon has no optimizer 'adamm'"),
    ('dcasgd', {'momentum': 0.9}, 'dcasgd: momentum fails in MXNet'),
    ('lbsgd', {'batch_scale': 2}, 'lbsgd: only batch_scale=1')])
def test_bad_call_in_gluons_form(name, hyperparams, message):
    with pytest.raises(GluonOptError, match=message):
        gluon_opt.Trainer(network().collect_params(), name, hyperparams, form='gluon')


def test_unknown_form():
    with pytest.raises(GluonOptError, match="form must be 'book' or 'gluon', got 'mine'"):
        gluon_opt.Trainer(network().collect_params(), 'adam', {'lr': 0.1}, form='mine')


# ---- files ----

def with_product(params, states, hyperparams):
    """A rule that keeps a number between steps, as Gluon's nadam does."""
    hyperparams['product'] = hyperparams.get('product', 1.0) * 0.9
    for p in params:
        p[:] -= hyperparams['lr'] * (1 - hyperparams['product']) * p.grad


RESUMED = {**{name: (name, hp) for name, hp in HYPERPARAMS.items()},
           'schedule': ('adam', None), 'number kept': (with_product, {'lr': 0.1})}


@pytest.mark.parametrize('rule, hyperparams', RESUMED.values(), ids=RESUMED)
def test_going_on_from_a_file_is_the_uninterrupted_run(rule, hyperparams, tmp_path):
    def trainer(net):
        schedule = mx.lr_scheduler.FactorScheduler(3, 0.5, base_lr=0.1)
        return gluon_opt.Trainer(net.collect_params(), rule,
                                 hyperparams or {'lr_scheduler': schedule, 'wd': 0.01})

    whole = network()
    train(whole, trainer(whole), range(14))

    first = network()
    stopped = trainer(first)
    train(first, stopped, range(7))
    stopped.save_states(tmp_path / 'states')
    with np_mode():
        first.save_parameters(str(tmp_path / 'parameters'))

    fresh = network()
    with np_mode():
        fresh.load_parameters(str(tmp_path / 'parameters'))
    resumed = trainer(fresh)
    resumed.load_states(tmp_path / 'states')
    train(fresh, resumed, range(7, 14))
    assert largest_gap(weights(whole), weights(fresh)) == 0
    assert resumed.learning_rate == trainer_rate(whole, resumed)


def trainer_rate(_, resumed):
    """The rate after 14 updates, by its definition."""
    schedule = resumed.optimizer.lr_scheduler
    return 0.1 * 0.5 ** (13 // 3) if schedule else resumed.optimizer.lr


def test_changed_rate_is_in_the_file(tmp_path):
    net = network()
    trainer = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr': 0.1})
    trainer.set_learning_rate(0.03)
    train(net, trainer, range(2))
    trainer.save_states(tmp_path / 'states')
    other = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr': 0.1})
    other.load_states(tmp_path / 'states')
    assert other.learning_rate == 0.03


def test_two_contexts_go_on(tmp_path):
    contexts = [mx.cpu(0), mx.cpu(1)]
    whole, fresh = network(contexts), network(contexts)
    train(whole, gluon_opt.Trainer(whole.collect_params(), 'adam', {'lr': 0.01}), range(8))
    trainer = gluon_opt.Trainer(fresh.collect_params(), 'adam', {'lr': 0.01})
    train(fresh, trainer, range(4))
    trainer.save_states(tmp_path / 'states')
    trainer = gluon_opt.Trainer(fresh.collect_params(), 'adam', {'lr': 0.01})
    trainer.load_states(tmp_path / 'states')
    train(fresh, trainer, range(4, 8))
    assert largest_gap(weights(whole), weights(fresh)) == 0


@pytest.fixture
def saved(tmp_path):
    """A trainer after three steps, its net, and its file."""
    net = network()
    trainer = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr': 0.1})
    train(net, trainer, range(3))
    trainer.save_states(tmp_path / 'states')
    return net, trainer, tmp_path / 'states'


def flipped(contents):
    """One bit wrong in the middle of an array."""
    middle = len(contents) // 2
    return contents[:middle] + bytes([contents[middle] ^ 1]) + contents[middle + 1:]


@pytest.mark.parametrize('damage', [lambda b: b[:len(b) // 2], lambda b: b[:-10], lambda b: b'',
                                    lambda b: b'text', flipped],
                         ids=['half', 'end cut', 'empty', 'text', 'one bit'])
def test_damaged_file_leaves_the_trainer(damage, saved):
    net, trainer, file = saved
    same = network()
    control = gluon_opt.Trainer(same.collect_params(), 'adam', {'lr': 0.1})
    train(same, control, range(3))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(GluonOptError, match='states: .*damaged'):
        trainer.load_states(file)
    train(net, trainer, range(3, 6))
    train(same, control, range(3, 6))
    assert largest_gap(weights(net), weights(same)) == 0


def test_file_of_another_run(saved, tmp_path):
    net, _, file = saved
    yogi = gluon_opt.Trainer(net.collect_params(), 'yogi', {'lr': 0.1})
    with pytest.raises(GluonOptError, match="rule is 'adam' there, 'yogi' here"):
        yogi.load_states(file)
    other = gluon.nn.Dense(2, in_units=2)
    other.initialize()
    small = gluon_opt.Trainer(other.collect_params(), 'adam', {'lr': 0.1})
    with pytest.raises(GluonOptError, match='shapes is'):
        small.load_states(file)
    schedule = mx.lr_scheduler.FactorScheduler(3, 0.5)
    scheduled = gluon_opt.Trainer(net.collect_params(), 'adam', {'lr_scheduler': schedule})
    with pytest.raises(GluonOptError, match="schedule is None there, 'FactorScheduler' here"):
        scheduled.load_states(file)


def test_a_trainer_of_ours_leaves_the_registered_class_to_gluons(tmp_path):
    """Gluon's file is a pickle, which finds the class by its name."""
    net = network()
    theirs = gluons_trainer(net, 'yogi', {})
    gluon_opt.Trainer(net.collect_params(), 'yogi', {'lr': 0.1})
    train(net, theirs, [0])
    theirs.save_states(str(tmp_path / 'states'))
    theirs.load_states(str(tmp_path / 'states'))
    assert theirs.optimizer.num_update == 1


def test_pickles_are_not_loaded(saved, tmp_path):
    """Gluon's own file is a pickle."""
    net, trainer, _ = saved
    theirs = gluons_trainer(net, 'adam', {})
    train(net, theirs, [0])
    theirs.save_states(str(tmp_path / 'pickled'))
    with pytest.raises(GluonOptError, match='pickled: .*damaged'):
        trainer.load_states(tmp_path / 'pickled')
    with pytest.raises(FileNotFoundError):
        trainer.load_states(tmp_path / 'nothing')
