"""Schedules: the book's numbers, what Trainers use, and MXNet's traps, which must not bite here."""
import copy
import math
import pickle

import mxnet as mx
import numpy as onp
import pytest
from mxnet import autograd, gluon
from mxnet.optimizer import Optimizer

import gluon_opt
from gluon_opt import GluonOptError
from gluon_opt.schedules import (
    Scheduler,
    consumed,
    cosine,
    factor,
    multi_factor,
    polynomial,
    show_schedule,
    square_root,
    warmup,
)

COSINE = cosine(base_lr=0.3, max_steps=20, final_lr=0.01, unit='epoch')
SCHEDULES = {
    'square_root': square_root(1.0, unit='update'),
    'factor': factor(2.0, 0.9, floor=1e-2, unit='update'),
    'factor every': factor(1.0, 0.5, every=3, unit='epoch'),
    'multi_factor': multi_factor(0.5, [2, 5], 0.5, unit='update'),
    'polynomial': polynomial(0.4, 6, final_lr=0.1, unit='update'),
    'cosine': COSINE,
    'warmup': warmup(COSINE, 2, begin_lr=0.01),
    'constant warmup': warmup(cosine(0.3, 4, unit='update'), 3, begin_lr=0.1, mode='constant'),
}
every_schedule = pytest.mark.parametrize('schedule', SCHEDULES.values(), ids=SCHEDULES)


# ---- the functions ----

@pytest.mark.parametrize('schedule, values', [
    (square_root(1.0, unit='epoch'), {0: 1, 1: 0.7071068, 3: 0.5, 99: 0.1}),
    (factor(2.0, 0.9, floor=1e-2, unit='update'),       # the book's plot ends above its floor
     {0: 2, 1: 1.8, 50: 0.0103076, 51: 0.01, 1000: 0.01}),
    (factor(1.0, 0.5, every=3, unit='epoch'), {2: 1, 2.99: 1, 3: 0.5, 5.5: 0.5, 6: 0.25}),
    (multi_factor(0.5, [15, 30], 0.5, unit='epoch'),
     {0: 0.5, 14.9: 0.5, 15: 0.25, 29.9: 0.25, 30: 0.125, 100: 0.125}),
    (polynomial(0.5, 20, unit='update'), {0: 0.5, 10: 0.125, 19: 0.00125, 20: 0, 30: 0}),
    (polynomial(0.5, 10, final_lr=0.1, power=1, unit='update'), {0: 0.5, 5: 0.3, 10: 0.1, 11: 0.1}),
    (COSINE, {0: 0.3, 5: 0.2575305, 10: 0.155, 15: 0.0524695, 20: 0.01, 30: 0.01}),
    (warmup(cosine(0.3, 15, 0.01, unit='epoch'), 5),    # the book's, 20 steps in all
     {0: 0, 1: 0.06, 2.5: 0.15, 5: 0.3, 12.5: 0.155, 20: 0.01}),
    (warmup(square_root(1.0, unit='update'), 4, begin_lr=0.2), {0: 0.2, 2: 0.6, 4: 1, 7: 0.5}),
    (warmup(square_root(1.0, unit='update'), 4, begin_lr=0.2, mode='constant'),
     {0: 0.2, 3.9: 0.2, 4: 1, 7: 0.5}),
    (warmup(warmup(square_root(1.0, unit='update'), 2, begin_lr=0.5), 5, begin_lr=0.1),
     {0: 0.1, 5: 0.5, 6: 0.75, 7: 1, 10: 0.5}),
])
def test_values(schedule, values):
    assert {t: schedule(t) for t in values} == pytest.approx(values, abs=1e-7)


@every_schedule
def test_calling_changes_nothing(schedule):
    """Whatever was asked before, and in whatever order; MXNet's objects differ (below)."""
    scheduler = Scheduler(schedule, 4)
    before, under = [schedule(t) for t in range(30)], [scheduler(n) for n in range(30)]
    kept = copy.deepcopy(vars(scheduler))
    assert [schedule(t) for t in reversed(range(30))] == before[::-1]
    assert [scheduler(n) for n in reversed(range(30))] == under[::-1] and vars(scheduler) == kept


@every_schedule
def test_written_out_and_pickled(schedule):
    assert eval(repr(schedule)) == schedule
    scheduler = Scheduler(schedule, 4)
    for same in eval(repr(scheduler)), pickle.loads(pickle.dumps(scheduler)):
        assert vars(same) == vars(scheduler)


def test_step_0_is_the_first_update():
    """MXNet calls with the count of updates, the present one included; 0 if none was made."""
    schedule = polynomial(1.0, 10, unit='update')
    scheduler = Scheduler(schedule)
    assert [scheduler(n) for n in range(13)] == [schedule(0), *(schedule(t) for t in range(12))]


def test_epochs_become_updates():
    """At the start of each epoch the rate is the plotted one, and in between it moves on."""
    scheduler = Scheduler(COSINE, updates_per_epoch=235)
    assert [scheduler(1 + 235 * t) for t in range(25)] == [COSINE(t) for t in range(25)]
    assert COSINE(3) < scheduler(1 + 235 * 2 + 100) == COSINE(2 + 100 / 235) < COSINE(2)
    steps = Scheduler(multi_factor(0.5, [15, 30], 0.5, unit='epoch'), 235)
    assert [steps(n) for n in (15 * 235, 15 * 235 + 1)] == [0.5, 0.25]


def test_a_count_of_epochs_is_exact():
    """No cut comes an update late or early by rounding."""
    for per_epoch in 1, 3, 7, 10, 49, 235:
        for schedule, cuts in ((factor(1.0, 0.5, every=3, unit='epoch'), [3, 6, 9, 12]),
                               (warmup(multi_factor(1.0, [3, 6, 9], 0.5, unit='epoch'), 1),
                                [4, 7, 10])):
            scheduler = Scheduler(schedule, per_epoch)
            for i, cut in enumerate(cuts):
                assert scheduler(cut * per_epoch) == 0.5 ** i
                assert scheduler(cut * per_epoch + 1) == 0.5 ** (i + 1)


def test_numbers_of_numpy_are_numbers():
    schedule = multi_factor(onp.float32(0.5), (onp.int64(1), 2), 1, unit='update')
    assert schedule == multi_factor(0.5, [1, 2], 1.0, unit='update')
    assert type(schedule(onp.int64(3))) is float


CALLS = {
    'unit': (lambda: cosine(0.3, 20, unit='epochs'),
             "cosine: unit must be 'update' or 'epoch', got 'epochs'"),
    'base_lr': (lambda: square_root(0, unit='update'),
                r'square_root: base_lr must be in \(0, inf\), got 0'),
    'nan': (lambda: square_root(math.nan, unit='update'), 'base_lr must be in'),
    'text': (lambda: square_root('0.1', unit='update'), "base_lr must be a number, got '0.1'"),
    'final_lr': (lambda: cosine(0.3, 20, -1, unit='update'), r'cosine: final_lr must be in \[0'),
    'max_steps': (lambda: polynomial(0.3, 2.5, unit='epoch'), 'polynomial: max_steps must be in'),
    'power': (lambda: polynomial(0.3, 2, power=0, unit='epoch'), 'polynomial: power must be in'),
    'factor': (lambda: factor(1.0, 1.1, unit='update'), r'factor: factor must be in \(0, 1\], got'),
    'every': (lambda: factor(1.0, 0.5, every=0, unit='update'), 'factor: every must be in'),
    'floor': (lambda: factor(0.1, 0.5, 0.2, unit='update'), 'floor must be at most base_lr, 0.1'),
    'milestones': (lambda: multi_factor(1.0, 15, 0.5, unit='update'), 'must be a list, got 15'),
    'milestone': (lambda: multi_factor(1.0, [1.5], 0.5, unit='update'), 'each milestone must be'),
    'order': (lambda: multi_factor(1.0, [3, 3], 0.5, unit='update'), r'must increase, got \[3, 3'),
    'wrapped': (lambda: warmup(lambda t: 0.1, 5), r'warmup: schedule must be one such as cosine'),
    'mode': (lambda: warmup(COSINE, 5, mode='cubic'), "'linear' or 'constant', got 'cubic'"),
    'steps': (lambda: warmup(COSINE, 0), 'warmup: steps must be in'),
    'begin_lr': (lambda: warmup(COSINE, 5, begin_lr=0.4), 'begin_lr must be at most 0.3'),
    'constant 0': (lambda: warmup(COSINE, 5, mode='constant'), 'begin_lr must be above 0'),
    't': (lambda: COSINE(-1), r'cosine: t must be in \[0, inf\), got -1'),
    'no schedule': (lambda: Scheduler(math.sqrt), 'Scheduler: schedule must be one such as'),
    'epochs': (lambda: Scheduler(COSINE), r'cosine is a schedule over epochs.*updates_per_epoch='),
    'fraction': (lambda: Scheduler(COSINE, 2.5), 'updates_per_epoch must be in'),
    'drawn': (lambda: show_schedule(COSINE, 30, [(0, 0.3)]), 'show_schedule: cosine is a schedule'),
}


@pytest.mark.parametrize('call, message', CALLS.values(), ids=CALLS)
def test_bad_call(call, message):
    with pytest.raises(GluonOptError, match=message):
        call()


def test_the_unit_has_no_default():
    with pytest.raises(TypeError, match="'unit'"):
        cosine(0.3, 20)


# ---- under a Trainer ----

GLUONS = [name for name in sorted(Optimizer.opt_registry) if name not in ('test', 'adadelta')
          and Optimizer.opt_registry[name].__module__.startswith('mxnet.')]


def parameters(count=6):
    params = []
    for i in range(count):
        params.append(gluon.Parameter(f'p{i}', shape=(2, 3)))
        params[-1].initialize(mx.init.One())
    return params


def step(trainer, params, times=1, gradient=1.0):
    for _ in range(times):
        with autograd.record():
            loss = sum((p.data() * gradient).sum() for p in params)
        loss.backward()
        trainer.step(1)


def used_by(trainer, params, times):
    with consumed(trainer) as used:
        step(trainer, params, times)
    return used


def asked(schedule, times, per_epoch=4):
    return [(n, schedule(n if schedule.unit == 'update' else n / per_epoch)) for n in range(times)]


@pytest.mark.parametrize('name', GLUONS)
def test_every_optimizer_of_gluons_uses_the_schedule_asked_for(name, capsys):
    """Also those whose own learning rate MXNet puts in the place of base_lr, and says so."""
    for hyperparams in {}, {'learning_rate': 0.123}:
        schedule = warmup(COSINE, 1, begin_lr=0.01)
        params = parameters()
        trainer = gluon.Trainer(params, name, {'lr_scheduler': Scheduler(schedule, 4),
                                               **hyperparams})
        assert trainer.learning_rate == 0.01 and not capsys.readouterr().out
        assert used_by(trainer, params, 10) == asked(schedule, 10)


@pytest.mark.parametrize('name', [*gluon_opt.algorithms(), 'with lr'])
def test_our_trainer_uses_the_schedule_asked_for(name):
    hyperparams = {'lr_scheduler': Scheduler(SCHEDULES['warmup'], 4)}
    if name == 'with lr':
        name, hyperparams['lr'] = 'sgd', 0.5
    for key, value in gluon_opt.algorithms()[name].chosen.items():
        if key != 'lr':
            hyperparams[key] = value
    params = parameters(2)
    if name == 'adadelta':                      # has no learning rate
        with pytest.raises(GluonOptError, match='adadelta'):
            gluon_opt.Trainer(params, name, hyperparams)
    else:
        trainer = gluon_opt.Trainer(params, name, hyperparams)
        assert used_by(trainer, params, 10) == asked(SCHEDULES['warmup'], 10)


@pytest.mark.parametrize('name', [name for name in GLUONS if name != 'sgld'])   # it is random
def test_gluons_form_uses_it_as_gluon_does(name):
    used, weights = [], []
    for make in (lambda *args: gluon_opt.Trainer(*args, form='gluon')), gluon.Trainer:
        params = parameters()
        trainer = make(params, name, {'lr_scheduler': Scheduler(SCHEDULES['warmup'], 4)})
        used.append(used_by(trainer, params, 10))
        weights.append(onp.stack([p.data().asnumpy() for p in params]))
    assert used == [asked(SCHEDULES['warmup'], 10)] * 2
    assert weights[0] == pytest.approx(weights[1], abs=1e-6)


def test_the_weights_move_by_it():
    """Not only asked for: w -= lr g with g = 1, by name, by rule, and registered."""
    schedule = SCHEDULES['warmup']
    gluon_opt.register(gluon_opt.sgd, 'sgd_by_hand')
    for make in (lambda params, **hp: gluon.Trainer(params, 'sgd', hp),
                 lambda params, **hp: gluon.Trainer(params, 'sgd_by_hand', hp),
                 lambda params, **hp: gluon_opt.Trainer(params, 'sgd', hp)):
        params = parameters(2)
        trainer = make(params, lr_scheduler=Scheduler(schedule, 3))
        for update in range(12):
            before = params[0].data().asnumpy()
            step(trainer, params)
            moved = before - params[0].data().asnumpy()
            assert moved == pytest.approx(schedule(update / 3), abs=2e-7)


def test_lbsgds_first_parameter_is_an_update_behind():
    """MXNet's: it asks for the rate before it counts the update."""
    params = parameters(2)
    trainer = gluon.Trainer(params, 'lbsgd', {'lr_scheduler': Scheduler(SCHEDULES['factor'])})
    step(trainer, params, 2, gradient=0.1)
    first, second = (1 - p.data().asnumpy() for p in params)
    assert first == pytest.approx(0.1 * (2 + 2)) and second == pytest.approx(0.1 * (2 + 1.8))


def test_adadelta_uses_no_learning_rate():
    params = parameters()
    scheduler = Scheduler(SCHEDULES['cosine'], 4)
    assert used_by(gluon.Trainer(params, 'adadelta', {'lr_scheduler': scheduler}), params, 3) == []


def test_reading_and_plotting_during_a_run():
    """The rate read, the schedule drawn, any count asked for in between: the run is the same."""
    def run(disturb):
        params, schedule = parameters(), SCHEDULES['factor']
        scheduler = Scheduler(schedule)
        trainer = gluon.Trainer(params, 'adam', {'lr_scheduler': scheduler})
        for _ in range(10):
            if disturb:
                assert trainer.learning_rate and [scheduler(n) for n in (40, 7, 0)]
                show_schedule(schedule, 50)
            step(trainer, params)
        return params[0].data().asnumpy()

    assert (run(True) == run(False)).all()


@pytest.mark.parametrize('name, ours', [('sgd', True), ('sgd', False), ('adam', False)])
def test_a_schedule_itself_is_refused(name, ours, capsys):
    """It would be called with the count of updates, from 1: silently the wrong rate."""
    params = parameters()
    make = gluon_opt.Trainer if ours else gluon.Trainer
    trainer = make(params, name, {'lr_scheduler': COSINE})
    with pytest.raises(GluonOptError, match=r'counts updates, from 1; pass it Scheduler\(schedule'):
        step(trainer, params)
    assert (params[0].data().asnumpy() == 1).all()


def test_the_base_cannot_be_overwritten():
    scheduler = Scheduler(warmup(COSINE, 5), 4)
    assert scheduler.base_lr == 0.3 == COSINE.base_lr
    with pytest.raises(AttributeError):
        scheduler.base_lr = 0.1
    trainer = gluon.Trainer(parameters(), 'adam', {'lr_scheduler': scheduler})
    with pytest.raises(UserWarning):            # Gluon's own: a schedule is there
        trainer.set_learning_rate(0.1)


def test_two_trainers_share_one_scheduler():
    scheduler, params, others = Scheduler(SCHEDULES['factor']), parameters(), parameters()
    one = gluon.Trainer(params, 'adam', {'lr_scheduler': scheduler})
    two = gluon.Trainer(others, 'rmsprop', {'lr_scheduler': scheduler})
    used = used_by(one, params, 5)
    assert used_by(two, others, 5) == used == asked(SCHEDULES['factor'], 5)


@pytest.mark.parametrize('make, schedule', [
    *((gluon_opt.Trainer, schedule) for schedule in SCHEDULES.values()),
    (gluon.Trainer, SCHEDULES['warmup'])], ids=[*SCHEDULES, "gluon's own"])
def test_going_on_from_a_file(make, schedule, tmp_path):
    """The file holds the schedule, whole: a fresh Trainer's own may be an equal one, or another."""
    def trainer(params, schedule):
        return make(params, 'adam', {'lr_scheduler': Scheduler(schedule, 4)})

    whole = parameters(2)
    step(trainer(whole, schedule), whole, 12)
    for at_hand in eval(repr(schedule)), square_root(7.0, unit='update'):
        first, rest = parameters(2), parameters(2)
        stopped = trainer(first, schedule)
        step(stopped, first, 5)
        stopped.save_states(str(tmp_path / 'states'))
        for p, q in zip(first, rest):
            q.set_data(p.data())
        resumed = trainer(rest, at_hand)
        resumed.load_states(str(tmp_path / 'states'))
        with consumed(resumed) as used:
            step(resumed, rest, 7)
        assert used == asked(schedule, 12)[5:]
        for p, q in zip(whole, rest):
            assert (p.data().asnumpy() == q.data().asnumpy()).all()


# ---- what a Trainer used ----

def test_consumed_without_a_schedule_and_with_multipliers():
    params = parameters(2)
    trainer = gluon_opt.Trainer(params, 'adam', {'lr': 0.1})
    with consumed(trainer) as used:
        step(trainer, params)
        assert used == [(0, 0.1)]
        trainer.set_learning_rate(0.25)
        params[1].lr_mult = 2
        step(trainer, params)
    step(trainer, params)                       # after the block nothing is noted
    assert used == [(0, 0.1), (1, 0.25), (1, 0.5)] and '_get_lrs' not in vars(trainer.optimizer)


@pytest.mark.parametrize('make', [gluon.Trainer, gluon_opt.Trainer])
def test_states_are_saved_while_noting(make, tmp_path):
    params = parameters()
    trainer = make(params, 'adam', {'lr_scheduler': Scheduler(SCHEDULES['factor'])})
    with consumed(trainer) as used:
        step(trainer, params, 2)
        trainer.save_states(str(tmp_path / 'states'))
        step(trainer, params, 2)
    assert used == asked(SCHEDULES['factor'], 4)


def test_two_contexts_use_it_once_an_update():
    contexts = [mx.cpu(0), mx.cpu(1)]
    p = gluon.Parameter('p', shape=(2, 3))
    p.initialize(mx.init.One(), ctx=contexts)
    trainer = gluon.Trainer([p], 'adam', {'lr_scheduler': Scheduler(SCHEDULES['factor'])})
    with consumed(trainer) as used:
        for _ in range(5):
            with autograd.record():
                losses = [p.data(ctx).sum() for ctx in contexts]
            autograd.backward(losses)
            trainer.step(1)
    assert used == asked(SCHEDULES['factor'], 5)


def test_figure():
    used = [(n, COSINE(n / 4)) for n in range(80)]
    figure = show_schedule(COSINE, 30, used, updates_per_epoch=4)
    axes, = figure.axes
    drawn, points = axes.lines
    assert drawn.get_xydata()[[0, 200, 600]] == pytest.approx(
        onp.array([[0, 0.3], [10, 0.155], [30, 0.01]]))
    assert points.get_xydata()[[0, 40]] == pytest.approx(onp.array([[0, 0.3], [10, 0.155]]))
    assert axes.get_xlabel() == 'epoch' and axes.get_legend()
    alone, = show_schedule(SCHEDULES['factor'], 50).axes
    assert alone.get_xlabel() == 'update' and len(alone.lines) == 1


# ---- MXNet's own: why the above is tested ----

class BookFactor:
    """The book's FactorScheduler: it counts its calls."""

    def __init__(self, factor=1, stop_factor_lr=1e-7, base_lr=0.1):
        self.factor, self.stop_factor_lr, self.base_lr = factor, stop_factor_lr, base_lr

    def __call__(self, num_update):
        self.base_lr = max(self.stop_factor_lr, self.base_lr * self.factor)
        return self.base_lr


class BookSquareRoot:
    """The book's SquareRootScheduler: it has no base_lr."""

    def __init__(self, lr=0.1):
        self.lr = lr

    def __call__(self, num_update):
        return self.lr * pow(num_update + 1.0, -0.5)


def test_the_books_classes_are_our_functions_of_the_step():
    book, ours = BookFactor(0.9, 1e-2, 2.0), SCHEDULES['factor']
    assert [book(t) for t in range(50)] == pytest.approx([ours(t + 1) for t in range(50)])
    assert book(50) == ours(51) == 0.01
    assert [BookSquareRoot(1.0)(t) for t in range(9)] == [SCHEDULES['square_root'](t)
                                                          for t in range(9)]


@pytest.mark.parametrize('name, rate', [
    ('sgd', 0.5), ('nag', 0.5), ('adagrad', 0.5), ('ftrl', 0.5),
    ('adam', 0.001), ('rmsprop', 0.001), ('adamax', 0.002), ('nadam', 0.001), ('lamb', 0.001),
    ('signum', 0.01)])
def test_mxnet_overwrites_base_lr(name, rate, capsys):
    scheduler = mx.lr_scheduler.FactorScheduler(1000, base_lr=0.5)
    assert gluon.Trainer(parameters(), name, {'lr_scheduler': scheduler}).learning_rate == rate
    assert ('has been overwritten' in capsys.readouterr().out) == (rate != 0.5)


def test_mxnet_overwrites_base_lr_of_some_schedules_only(capsys):
    cosine = mx.lr_scheduler.CosineScheduler(1000, base_lr=0.5)
    trainer = gluon.Trainer(parameters(), 'adam', {'lr_scheduler': cosine})
    assert trainer.learning_rate == 0.5 and 'has been overwritten' in capsys.readouterr().out
    factor = mx.lr_scheduler.FactorScheduler(1000, base_lr=0.5)
    trainer = gluon.Trainer(parameters(), 'ftrl', {'lr_scheduler': factor, 'learning_rate': 0.3})
    assert trainer.learning_rate == 0.5         # here even a rate that was passed is ignored


@pytest.mark.parametrize('name, count, rate', [('adam', 6, 0.5 ** 6), ('sgd', 6, 0.25),
                                               ('sgd', 4, 0.5)])
def test_mxnet_calls_once_a_parameter(name, count, rate):
    """Or once for every four: a schedule that counts its calls decays too fast."""
    params = parameters(count)
    trainer = gluon.Trainer(params, name, {'lr_scheduler': BookFactor(0.5, base_lr=1.0),
                                           'learning_rate': 1.0})
    used = used_by(trainer, params, 1)
    assert used[-1] == (0, rate)
    assert trainer.learning_rate == rate / 2    # and to read it is a call


def test_mxnets_schedules_are_changed_by_plotting():
    book = mx.lr_scheduler.MultiFactorScheduler(step=[15, 30], factor=0.5, base_lr=0.5)
    assert [book(t) for t in range(30)][-1] == 0.25
    params = parameters()
    trainer = gluon.Trainer(params, 'sgd', {'lr_scheduler': book})
    assert used_by(trainer, params, 2) == [(0, 0.25), (1, 0.25)]        # never 0.5


def test_mxnet_counts_from_1():
    book = mx.lr_scheduler.MultiFactorScheduler(step=[3, 6], factor=0.5, base_lr=1.0)
    ours = Scheduler(multi_factor(1.0, [3, 6], 0.5, unit='update'))
    assert [book(n) for n in range(9)] == [1, 1, 1, 1, .5, .5, .5, .25, .25]
    assert [ours(n) for n in range(9)] == [1, 1, 1, 1, .5, .5, .5, .25, .25]
    book = mx.lr_scheduler.CosineScheduler(20, base_lr=0.3, final_lr=0.01)
    assert book(1) < 0.3 == Scheduler(COSINE, 1)(1)     # the first update has its step 1


def test_books_square_root_fails_with_adam():
    gluon.Trainer(parameters(), 'sgd', {'lr_scheduler': BookSquareRoot()})
    with pytest.raises(AttributeError, match='base_lr'):
        gluon.Trainer(parameters(), 'adam', {'lr_scheduler': BookSquareRoot()})


def test_books_cosine_is_over_in_the_first_epoch():
    """Plotted over 30 epochs, used over 30 x 235 updates; ours has the plotted rates."""
    book = mx.lr_scheduler.CosineScheduler(20, base_lr=0.3, final_lr=0.01)
    ours = Scheduler(COSINE, 235)
    assert [book(n) for n in range(1, 236)][20:] == [0.01] * 215
    assert ours(235) > 0.298 and ours(10 * 235 + 1) == 0.155


def test_mxnets_cosine_past_its_end_depends_on_what_was_asked_before():
    """Fresh, as in a run that is continued, it starts over with base_lr."""
    book = mx.lr_scheduler.CosineScheduler(20, base_lr=0.3, final_lr=0.01)
    assert [book(21), book(20), book(21)] == [0.3, 0.01, 0.01]
    assert Scheduler(COSINE, 1)(22) == 0.01
