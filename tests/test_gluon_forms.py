"""Every rule in Gluon's form beside `gluon.Trainer`, and Gluon's quirks one by one."""
import inspect

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
from gluon_opt import bridge
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
