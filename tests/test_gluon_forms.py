"""Every rule in Gluon's form beside `gluon.Trainer`, and Gluon's quirks one by one."""
import inspect
import math

import mxnet as mx
import numpy as onp
import pytest
from gluon_pair import (
    NAMES,
    OWN,
    TO_1E6,
    ByRule,
    ByTrainer,
    largest_difference,
    learning_rate,
    options_for,
    shapes_for,
)
from mxnet import np, npx
from mxnet.lr_scheduler import MultiFactorScheduler

import gluon_opt
from gluon_opt import GluonOptError, bridge
from gluon_opt.algorithms.gluon import FORMS

SHAPES = [(3, 2), (4,), (2, 1, 3)]
MULTIPLIERS = [(1, 1), (2, 0.5), (0.5, 0)]
STEPS = 300

OPTIONS = {
    'plain': {},
    'all but a clip': {'wd': 0.03, 'rescale_grad': 0.7, 'mult': True, 'schedule': True},
    'everything': {'wd': 0.03, 'clip_gradient': 0.5, 'rescale_grad': 0.7, 'mult': True,
                   'schedule': True},
}
# test_conformance.py crosses all options with all values, for ten steps.
LONG_RUNS = [(name, i, which) for name in NAMES if name != 'sgld' for i in range(len(OWN[name]))
             for which in (('plain', 'everything') if i == 0 else ('all but a clip',))]


@pytest.fixture(autouse=True)
def np_arrays():
    npx.set_np()
    yield
    npx.reset_np()


def pair(name, hyperparams, points, multipliers=None):
    """Both sides; a schedule must not be shared, for both count with it."""
    hyperparams = dict(hyperparams)
    make_schedule = hyperparams.pop('schedule', lambda: {})
    return (ByRule(name, points, {**hyperparams, **make_schedule()}, multipliers),
            ByTrainer(name, points, {**hyperparams, **make_schedule()}, multipliers))


def signed(rng, shapes):
    """Gradients of either sign and of sizes from 1e-3 to 10."""
    return [(rng.normal(size=s) * 10 ** rng.uniform(-3, 1, s)).astype('float32') for s in shapes]


def normal(rng, shapes):
    return [rng.normal(size=s).astype('float32') for s in shapes]


# --- the table ------------------------------------------------------------------------------

def test_every_name_of_gluons_has_a_rule():
    theirs = {name for name, cls in mx.optimizer.Optimizer.opt_registry.items()
              if cls.__module__.startswith('mxnet.')}
    assert set(FORMS) == theirs - {'test'}              # a stub of its own tests
    assert FORMS['ccsgd'] is FORMS['sgd']
    assert set(OWN) == set(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_gluon_form_returns_the_rule(name):
    rule = gluon_opt.gluon_form(name)
    assert rule is FORMS[name].rule and rule.__name__ == name
    assert rule.__module__ == f'gluon_opt.algorithms.gluon.{name}'
    gluons_class = mx.optimizer.Optimizer.opt_registry[name].__name__
    assert f'.{gluons_class}` has' in inspect.getmodule(rule).__doc__.replace('\n', ' ')


# what a Trainer does, not a rule; 't' and 'm_schedule' and the like are the rule's own notes
OF_THE_TRAINER = {'learning_rate', 'lr_scheduler', 'begin_num_update', 'multi_precision',
                  'lazy_update'}
OF_LBSGDS_WARM_UP = {'warmup_strategy', 'warmup_epochs', 'batch_scale', 'updates_per_epoch',
                     'begin_epoch', 'num_epochs'}


class Asked(dict):
    """Hyperparameters that note what they are asked for, and with which default."""

    def get(self, key, default=None):
        vars(self).setdefault('defaults', {})[key] = default
        return super().get(key, default)


@pytest.mark.parametrize('name', NAMES)
def test_it_reads_all_of_gluons_hyperparameters_and_has_its_defaults(name):
    form = FORMS[name]
    theirs = form.ours({key: value for key, value in bridge.gluon_defaults(name).items()
                        if key not in OF_THE_TRAINER | OF_LBSGDS_WARM_UP})
    if name in ('dcasgd', 'groupadagrad'):
        del theirs[{'dcasgd': 'momentum', 'groupadagrad': 'wd'}[name]]      # refused
    p = np.ones((1, 1))
    p.attach_grad()
    asked = Asked(lr=0.01, t=1)
    form.rule([p], gluon_opt.init_states(form.rule, [p], states=form.states_for({})), asked)
    assert {key: asked.defaults[key] for key in theirs} == theirs


# --- bit for bit ----------------------------------------------------------------------------

@pytest.mark.parametrize('name, own, which', LONG_RUNS,
                         ids=lambda x: x if isinstance(x, str) else f'values {x}')
def test_300_steps_as_gluon_takes_them(name, own, which):
    rng = onp.random.default_rng(7)
    shapes, options = shapes_for(name, SHAPES), options_for(name, OPTIONS[which])
    hyperparams = {**OWN[name][own], **options}
    lr = learning_rate(name, hyperparams)
    multipliers = MULTIPLIERS[:len(shapes)] if hyperparams.pop('mult', False) else None
    if hyperparams.pop('schedule', False):
        hyperparams.update(learning_rate=lr, schedule=lambda: {
            'lr_scheduler': MultiFactorScheduler([3, 100, 150], 0.4, base_lr=lr)})
    ours, theirs = pair(name, hyperparams, normal(rng, shapes), multipliers)
    before, worst = ours.points, 0.0
    for step in range(STEPS):
        gradients = signed(rng, shapes)
        ours.step(gradients, batch_size=2)
        theirs.step(gradients, batch_size=2)
        if step % 50 in (0, 1, 49):         # to look waits for both
            worst = max(worst, largest_difference(ours.points, theirs.points),
                        largest_difference(ours.state_arrays, theirs.state_arrays))
    assert worst <= (1e-6 if name in TO_1E6 else 0)
    assert largest_difference(ours.points, before) > 1e-4       # they went somewhere


@pytest.mark.parametrize('name', [name for name in NAMES if name != 'sgld'])
@pytest.mark.parametrize('multipliers', [None, [(1, 1), (2, 1)] * 3], ids=['equal', 'in turn'])
def test_six_parameters(name, multipliers):
    """Gluon hands some rules four parameters at a time; a Trainer, one by one or all together."""
    rng = onp.random.default_rng(7)
    shapes = [(3, 2), (4, 1), (1, 2), (5, 1), (2, 3), (2, 2)]
    hyperparams = {**OWN[name][min(1, len(OWN[name]) - 1)], 'learning_rate': 0.01}
    ours, theirs = pair(name, {**hyperparams, 'schedule': lambda: {
        'lr_scheduler': MultiFactorScheduler([2, 4], 0.1, base_lr=0.01)}},
        normal(rng, shapes), multipliers)
    for _ in range(6):
        gradients = signed(rng, shapes)
        ours.step(gradients)
        theirs.step(gradients)
    worst = largest_difference(ours.points, theirs.points)
    assert worst <= (1e-6 if name in TO_1E6 else 0)


@pytest.mark.parametrize('name', NAMES)
def test_a_caller_in_either_mode(name):
    """The rules work on np arrays whatever `npx.set_np()` says."""
    rng = onp.random.default_rng(7)
    points, gradients = normal(rng, [(3, 2), (4, 1)]), signed(rng, [(3, 2), (4, 1)])
    results = []
    for switch in npx.reset_np, npx.set_np:
        switch()
        mx.random.seed(7)
        model = ByRule(name, points, OWN[name][-1])
        for _ in range(3):
            model.step(gradients)
        results.append(model.points)
    assert largest_difference(*results) == 0


# --- noise ----------------------------------------------------------------------------------

def test_sgld_draws_what_gluon_draws():
    rng = onp.random.default_rng(7)
    hyperparams = {'learning_rate': 0.01, 'wd': 0.03, 'clip_gradient': 0.5}
    ours, theirs = pair('sgld', hyperparams, normal(rng, SHAPES), MULTIPLIERS)
    for step in range(20):
        gradients = signed(rng, SHAPES)
        for side in ours, theirs:
            mx.random.seed(step)
            side.step(gradients, batch_size=2)
    assert largest_difference(ours.points, theirs.points) == 0


def test_noise_of_sgld_is_normal_with_variance_lr():
    lr, n = 0.04, 100_000
    model = ByRule('sgld', [onp.zeros(n)], {'learning_rate': lr})
    mx.random.seed(7)
    model.step([onp.full(n, 0.5)])
    noise = (model.points[0] + lr / 2 * 0.5) / math.sqrt(lr)
    # the mean of n draws is good to 1 / sqrt(n), their variance to sqrt(2 / n); 4 deviations
    assert abs(noise.mean()) < 4 / math.sqrt(n)
    assert abs(noise.var() - 1) < 4 * math.sqrt(2 / n)
    inside = [(abs(noise) < k).mean() for k in (1, 2, 3)]
    assert inside == pytest.approx([0.6827, 0.9545, 0.9973], abs=4 * 0.5 / math.sqrt(n))


def test_sgld_samples_the_posterior():
    """Of a normal mean with precision 4, by 4000 chains at once."""
    model = ByRule('sgld', [onp.zeros(4000)], {'learning_rate': 0.02})
    mx.random.seed(7)
    for _ in range(150):
        model.step([4 * (model.points[0] - 1)])
    # the variance that a step leaves as it is: s = (1 - 2 lr)^2 s + lr, a little above 1 / 4
    assert model.points[0].mean() == pytest.approx(1, abs=0.04)
    assert model.points[0].var() == pytest.approx(0.02 / (1 - 0.96 ** 2), rel=0.1)


# --- quirks, each as its file tells it ------------------------------------------------------

def stepped(name, hyperparams, points, gradients, **options):
    """The points of both sides after the gradients, which must be the same."""
    ours, theirs = pair(name, hyperparams, [onp.float32(x) for x in points])
    for g in gradients:
        ours.step([onp.float32(x) for x in g], **options)
        theirs.step([onp.float32(x) for x in g], **options)
    assert largest_difference(ours.points, theirs.points) == 0
    return ours.points


def test_nag_decays_its_velocity_by_the_new_weight():
    hyperparams = {'learning_rate': 0.1, 'momentum': 0.9, 'wd': 0.01}
    rng = onp.random.default_rng(7)
    gradients = [[rng.normal(size=4)] for _ in range(100)]
    start = rng.normal(size=4)
    quirk, = stepped('nag', hyperparams, [start], gradients)
    p, v = start, 0
    for g, in gradients:
        g = g + 0.01 * p
        v = 0.9 * v + g
        p = p - 0.1 * (g + 0.9 * v)
    assert 1e-3 < abs(quirk - p).max() < 0.1
    plain, = stepped('nag', {**hyperparams, 'wd': 0.0}, [start], gradients)
    p, v = start, 0
    for g, in gradients:
        v = 0.9 * v + g
        p = p - 0.1 * (g + 0.9 * v)
    assert abs(plain - p).max() < 1e-4


def test_adam_adds_eps_before_the_bias_correction():
    (x,), = stepped('adam', {'learning_rate': 1.0, 'epsilon': 0.01}, [[0.0]], [[[1.0]]])
    assert x == pytest.approx(-1 / (1 + 0.01 / math.sqrt(0.001)), rel=1e-4)


def test_nadam_has_one_schedule_for_all_parameters():
    start, g = [[0.0], [0.0]], [[[1.0], [1.0]]]
    (first,), (second,) = stepped('nadam', {'learning_rate': 0.01}, start, g)
    assert abs(first - second) > 1e-4
    hyperparams = {'lr': 0.01, 't': 1}
    p = np.zeros(1)
    p.attach_grad()
    p.grad[:] = 1
    gluon_opt.gluon_form('nadam')([p], [(np.zeros(1), np.zeros(1))], hyperparams)
    assert hyperparams['m_schedule'] == pytest.approx(0.45, rel=1e-3) and hyperparams['t'] == 2


def test_adamax_is_nan_where_no_gradient_ever_was():
    (x, y), = stepped('adamax', {}, [[1.0, 2.0]], [[[0.0, 1.0]]])
    assert math.isnan(x) and y == pytest.approx(1.998)


def test_adadelta_ignores_lr_and_rewrites_the_gradient():
    start, gradients = [[1.0, 2.0]], [[[4.0, 8.0]]] * 3
    few = stepped('adadelta', {'learning_rate': 1e-9}, start, gradients)
    many = stepped('adadelta', {'learning_rate': 1e9}, start, gradients)
    assert largest_difference(few, many) == 0
    decayed, = stepped('adadelta', {'wd': 0.1}, start, [[[0.0, 0.0]]])
    assert decayed == pytest.approx([0.9, 1.8])             # by wd, not by lr wd
    ours, theirs = pair('adadelta', {}, [onp.float32([1, 2])])
    for side in ours, theirs:
        side.step([onp.float32([4, 8])], batch_size=4)
    assert ours.params[0].grad.asnumpy().tolist() == [1, 2]
    assert theirs.params[0].grad().asnumpy().tolist() == [1, 2]


def test_ftrl_forgets_fresh_weights():
    (x, y), = stepped('ftrl', {}, [[1.0, 1.0]], [[[0.0, 0.2]]])
    assert x == 0 and y != 0


def test_centered_rmsprop_becomes_nan_where_large_gradients_hardly_change():
    g = 10 ** onp.random.default_rng(7).uniform(-3, 4, 2000)
    points, = stepped('rmsprop', {'centered': True}, [onp.zeros(2000)], [[g]] * 300)
    assert 0 < onp.isnan(points).sum() < 1000


KERNELS = ['sgd', 'nag', 'signum', 'ftml', 'adam', 'rmsprop', 'ftrl', 'lbsgd']
IN_PYTHON = ['adagrad', 'adadelta', 'nadam', 'dcasgd']


@pytest.mark.parametrize('name', KERNELS + IN_PYTHON)
def test_a_clip_of_0_is_none_for_the_kernels_only(name):
    start, gradients = [[1.0, -2.0]], [[[0.5, -1.0]]]
    unclipped = stepped(name, {'learning_rate': 0.1}, start, gradients)
    zero = stepped(name, {'learning_rate': 0.1, 'clip_gradient': 0.0}, start, gradients)
    assert (largest_difference(zero, unclipped) == 0) == (name in KERNELS)
    if name in IN_PYTHON:
        assert largest_difference(zero, [onp.float32(start[0])]) == 0


def test_lars_corrects_the_momentum_of_four_parameters():
    lr = {'schedule': lambda: {'lr_scheduler': MultiFactorScheduler([1], 0.1, base_lr=1.0)}}
    ours, theirs = pair('lars', {'learning_rate': 1.0, 'momentum': 0.9, **lr},
                        [onp.ones(1, 'float32')] * 6)
    for _ in range(2):
        for side in ours, theirs:
            side.step([onp.ones(1, 'float32')] * 6)
    moved = [x.item() for x in ours.points]
    assert moved[:4] == [moved[0]] * 4 and moved[4:] == [moved[4]] * 2 and moved[0] > moved[4]
    assert largest_difference(ours.points, theirs.points) < 1e-6


def test_lbsgd_asks_its_schedule_too_early_for_the_first_parameter():
    lr = {'schedule': lambda: {'lr_scheduler': lambda n: 10.0 ** -n}}
    moved = [x.item() for x in stepped('lbsgd', lr, [[0.0]] * 3, [[[1.0]] * 3])]
    assert moved == pytest.approx([-1, -0.1, -0.1])


@pytest.mark.parametrize('name, hyperparams, message', [
    ('dcasgd', {'momentum': 0.9}, 'dcasgd: momentum fails in MXNet 1.9.1; leave it at 0'),
    ('groupadagrad', {'wd': 0.1}, 'groupadagrad: Gluon takes no wd here; leave it at 0'),
    ('signum', {'momentum': 0, 'wd_lh': 0.1}, 'signum: without momentum Gluon takes no wd_lh'),
    ('lbsgd', {'batch_scale': 2}, 'lbsgd: only batch_scale=1'),
    ('lbsgd', {'warmup_strategy': 'lars'}, 'lbsgd: only batch_scale=1'),
], ids=lambda x: x if isinstance(x, str) and ':' not in x else '')
def test_what_fails_in_gluon_is_refused(name, hyperparams, message):
    with pytest.raises(GluonOptError, match=message):
        FORMS[name].states_for(hyperparams)


def test_groupadagrad_needs_rows_and_columns():
    with pytest.raises(GluonOptError, match=r'must have two axes.*got one of shape \(3,\)'):
        gluon_opt.init_states(None, [np.ones(3)], states=FORMS['groupadagrad'].states_for({}))


def test_start_values_of_states():
    p = np.array([1.0, 2.0])
    previous, = gluon_opt.init_states(None, [p], states=FORMS['dcasgd'].states_for({}))
    assert previous is not p and previous.asnumpy().tolist() == [1, 2]
    rows, = gluon_opt.init_states(None, [np.ones((3, 2))],
                                  states=FORMS['groupadagrad'].states_for({}))
    assert rows.shape == (3, 1) and not rows.asnumpy().any()
