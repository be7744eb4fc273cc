"""Hand-written rules under Gluon's Trainer: by name, with Gluon's options, through its files."""
import mxnet as mx
import numpy as onp
import pytest
from mxnet import autograd, gluon, nd, np

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode

SHAPES = [(3, 2), (4,), (1, 2, 2)]


def parameters(seed=0, dtype='float32', ctx=None):
    """Gluon Parameters with values and, from `backward`, gradients of our choice."""
    random = onp.random.RandomState(seed)
    made = []
    for i, shape in enumerate(SHAPES):
        p = gluon.Parameter(f'p{i}', shape=shape, dtype=dtype)
        p.initialize(ctx=ctx)
        p.set_data(nd.array(random.normal(size=shape).astype('float32')))
        made.append(p)
    return made


def backward(params, seed):
    """Make the gradients normal numbers from `seed`, on every context."""
    random = onp.random.RandomState(seed)
    wanted = [random.normal(size=p.shape) for p in params]
    with autograd.record():
        losses = [sum((p.data(ctx) * nd.array(g.astype('float32'), ctx=ctx).astype(p.dtype)).sum()
                      for p, g in zip(params, wanted)) for ctx in params[0].list_ctx()]
    autograd.backward(losses)


def trained(name, hyperparams, steps=10, batch_size=2, params=None, **options):
    params = params or parameters()
    trainer = gluon.Trainer(params, name, dict(hyperparams), **options)
    for step in range(steps):
        backward(params, step)
        trainer.step(batch_size)
    return [p.data(p.list_ctx()[0]).asnumpy() for p in params]


def assert_close(a, b, atol=2e-6):
    """Ten float32 steps of numbers about 1, in another order of operations."""
    for x, y in zip(a, b):
        onp.testing.assert_allclose(x, y, atol=atol)


# nd.array(numpy array) asks SciPy for a name that SciPy has moved.
pytestmark = pytest.mark.filterwarnings('ignore:Please use `csr_matrix`:DeprecationWarning')


@pytest.fixture(autouse=True)
def names_of_one_test():
    """What a test registers is forgotten after it."""
    registry = mx.optimizer.Optimizer.opt_registry
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


def test_yogi_is_there_in_either_mode(either_mode):
    batches, _ = gluon_opt.get_data_ch10()
    with np_mode():
        net = gluon.nn.HybridSequential()
        net.add(gluon.nn.Dense(4, activation='relu'), gluon.nn.Dense(1))
        net.initialize()
        net.hybridize()
        trainer = gluon.Trainer(net.collect_params(), 'yogi', {'learning_rate': 0.01})
        losses = []
        for X, y in batches:
            with autograd.record():
                loss = ((net(X).reshape(-1) - y) ** 2).mean()
            loss.backward()
            trainer.step(1)
            losses.append(loss.asnumpy().item())
    assert onp.mean(losses[-20:]) < 0.8 * onp.mean(losses[:20])


@pytest.mark.parametrize('options', [
    {}, {'wd': 0.1}, {'clip_gradient': 0.2}, {'rescale_grad': 0.3},
    {'wd': 0.1, 'clip_gradient': 0.2, 'rescale_grad': 0.3}], ids=str)
def test_gluons_options_mean_what_they_mean_for_sgd(options):
    gluon_opt.register(gluon_opt.sgd, 'ours')
    assert_close(trained('ours', {'learning_rate': 0.1, **options}),
                 trained('sgd', {'learning_rate': 0.1, **options}))


def test_multipliers_and_schedule():
    gluon_opt.register(gluon_opt.sgd, 'ours')
    results = []
    for name in 'ours', 'sgd':
        params = parameters()
        params[0].lr_mult, params[1].wd_mult, params[2].grad_req = 0.5, 0, 'null'
        schedule = mx.lr_scheduler.MultiFactorScheduler([3, 6], 0.1, base_lr=0.2)
        results.append(trained(name, {'lr_scheduler': schedule, 'wd': 0.1}, params=params))
    assert_close(*results)
    assert_close([results[0][2]], [parameters()[2].data().asnumpy()], atol=0)   # frozen


def test_default_learning_rate_does_not_overwrite_the_schedule():
    """Gluon's own adam does that: its default of 0.001 becomes the schedule's base_lr."""
    gluon_opt.register(gluon_opt.adam, 'ours', defaults={'lr': 0.5})
    schedule = mx.lr_scheduler.FactorScheduler(1000, base_lr=0.25)
    trainer = gluon.Trainer(parameters(), 'ours', {'lr_scheduler': schedule})
    assert trainer.learning_rate == 0.25
    assert gluon.Trainer(parameters(), 'ours', {}).learning_rate == 0.5


def test_called_once_a_step_with_all_parameters():
    calls = []

    def clipped(params, states, hyperparams):
        calls.append((len(params), hyperparams['t']))
        norm = sum(float(np.square(p.grad).sum()) for p in params) ** 0.5
        for p in params:
            p[:] -= hyperparams['lr'] * min(1, 1 / norm) * p.grad

    gluon_opt.register(clipped)
    calls.clear()                       # of the dry run
    params = parameters()
    before = [p.data().asnumpy() for p in params]
    trainer = gluon.Trainer(params, 'clipped', {'learning_rate': 1})
    for step in 1, 2:
        backward(params, step)
        trainer.step(1)
        moved = onp.sqrt(sum(((p.data().asnumpy() - b) ** 2).sum()
                             for p, b in zip(params, before)))
        assert moved == pytest.approx(1, rel=1e-5)      # the norm of the whole step
        before = [p.data().asnumpy() for p in params]
    assert calls == [(3, 1), (3, 2)]


def test_t_is_gluons_own_count_and_hyperparameters_stay():
    seen = []

    def counting(params, states, hyperparams):
        hyperparams['product'] = hyperparams.get('product', 1.0) * 0.5
        seen.append((hyperparams['t'], hyperparams['product']))
        hyperparams['t'] += 1

    gluon_opt.register(counting)
    seen.clear()
    trained('counting', {'begin_num_update': 5}, steps=3)
    assert seen == [(6, 0.5), (7, 0.25), (8, 0.125)]


def test_readers_rule_with_nd_methods():
    def old_style(params, states, hyperparams):
        for p, s in zip(params, states):
            s[:] += p.grad.square()
            p[:] -= hyperparams['lr'] * p.grad / (s + hyperparams['eps']).sqrt()

    gluon_opt.register(old_style, 'Old Style')
    assert_close(trained('old style', {'learning_rate': 0.1, 'eps': 1e-6}),
                 trained('adagrad', {'learning_rate': 0.1, 'eps': 1e-6}))


def test_states_from_a_function():
    def from_one(params, states, hyperparams):
        for p, s in zip(params, states):
            s[:] += np.square(p.grad)
            p[:] -= 0.1 * p.grad / np.sqrt(s)

    gluon_opt.register(from_one, states=lambda params: [np.ones_like(p) for p in params])
    params = parameters()
    w, = (p.data().asnumpy() for p in params[:1])
    after = trained('from_one', {}, steps=1, batch_size=1, params=params)[0]
    g = onp.random.RandomState(0).normal(size=SHAPES[0])
    onp.testing.assert_allclose(after, w - 0.1 * g / onp.sqrt(1 + g ** 2), rtol=1e-5)   # float32
    arrays = [p.data().as_np_ndarray() for p in params]
    assert len(gluon_opt.init_states('from_one', arrays)) == 3


@pytest.mark.parametrize('on_kvstore', [False, True])
def test_two_contexts(on_kvstore):
    contexts = [mx.cpu(0), mx.cpu(1)]
    two = trained('yogi', {'learning_rate': 0.1}, batch_size=4, params=parameters(ctx=contexts),
                  kvstore='device', update_on_kvstore=on_kvstore)
    assert_close(two, trained('yogi', {'learning_rate': 0.1}, batch_size=2))


def test_float16_with_a_float32_copy():
    hyperparams = {'learning_rate': 0.1, 'multi_precision': True}
    half = trained('yogi', hyperparams, params=parameters(dtype='float16'))
    full = trained('yogi', hyperparams)
    assert half[0].dtype == 'float16'
    assert_close(half, full, atol=5e-3)         # float16 start values, gradients and results


def test_states_through_gluons_own_files(tmp_path):
    gluon_opt.register(gluon_opt.yogi, 'my_yogi')
    whole = trained('my_yogi', {'learning_rate': 0.1}, steps=10)
    params = parameters()
    for steps in range(0, 5), range(5, 10):
        trainer = gluon.Trainer(params, 'my_yogi', {'learning_rate': 0.1})
        if steps.start:
            trainer.load_states(str(tmp_path / 'states'))
        for step in steps:
            backward(params, step)
            trainer.step(2)
        trainer.save_states(str(tmp_path / 'states'))
    assert_close([p.data().asnumpy() for p in params], whole, atol=0)


def test_the_gradient_is_left_alone():
    params = parameters()
    trainer = gluon.Trainer(params, 'yogi', {'learning_rate': 0.1, 'wd': 0.1})
    backward(params, 0)
    before = params[0].grad().asnumpy()
    trainer.step(4)
    onp.testing.assert_array_equal(params[0].grad().asnumpy(), before)


def test_register_is_a_decorator_and_may_be_run_twice():
    for rate in 1, 2:
        @gluon_opt.register
        def cell(params, states, hyperparams, rate=rate):
            for p in params:
                p[:] -= rate * p.grad

    assert_close(trained('cell', {}), trained('sgd', {'learning_rate': 2}))


def test_bad_registration():
    with pytest.raises(GluonOptError, match="'Adam' is the name of an optimizer of MXNet's own"):
        gluon_opt.register(gluon_opt.adam, 'Adam')

    def broken(params, states, hyperparams):
        raise RuntimeError('half a thought')

    with pytest.raises(GluonOptError, match='broken: .*half a thought.* pass states='):
        gluon_opt.register(broken)
    with pytest.raises(GluonOptError, match='adam: .*pass states='):
        gluon_opt.register(gluon_opt.adam, 'ours', states=1)


@pytest.mark.parametrize('hyperparams, message', [
    ({'lr': 0.1}, "yogi: unknown hyperparameter 'lr'; did you mean 'learning_rate'"),
    ({'beta_1': 0.1}, "did you mean 'beta1'"),
    ({'momentum': 0.9}, "yogi: unknown hyperparameter 'momentum'"),
])
def test_unknown_key(hyperparams, message):
    with pytest.raises(GluonOptError, match=message):
        gluon.Trainer(parameters(), 'yogi', hyperparams)


def test_required_key_by_name():
    gluon_opt.register(gluon_opt.rmsprop, 'ours')
    batches, _ = gluon_opt.get_data_ch10()
    ours, theirs = (gluon_opt.train_gluon_ch10(name, {'learning_rate': 0.01, key: 0.9, eps: 1e-6},
                                               batches, num_epochs=1, seed=0)
                    for name, key, eps in [('ours', 'gamma', 'eps'),
                                           ('rmsprop', 'gamma1', 'epsilon')])
    assert abs(ours.loss - theirs.loss) < 1e-6          # float32 sums


def test_missing_key():
    gluon_opt.register(gluon_opt.rmsprop, 'ours')
    with pytest.raises(GluonOptError, match="ours: missing hyperparameter 'gamma'"):
        gluon.Trainer(parameters(), 'ours', {'learning_rate': 0.1})
    with pytest.raises(GluonOptError, match="ours: missing hyperparameter 'learning_rate'"):
        gluon.Trainer(parameters(), 'ours', {'gamma': 0.1})
