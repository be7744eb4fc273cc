"""Learning-rate schedules, by hand: functions of the step, and the same for Gluon's Trainers.

    schedule = cosine(base_lr=0.3, max_steps=20, final_lr=0.01, unit='epoch')
    schedule(0), schedule(5), schedule(20)                      # 0.3, 0.2575, 0.01
    scheduler = Scheduler(schedule, updates_per_epoch=len(data_iter))
    trainer = gluon.Trainer(params, 'adam', {'lr_scheduler': scheduler})    # or gluon_opt.Trainer
    with consumed(trainer) as used:
        ...                                                     # train
    show_schedule(schedule, 30, used, updates_per_epoch=len(data_iter))

A schedule is pure: `schedule(t)` depends on t alone, and calling it changes nothing. Steps count
from 0, which is the first update, or the start of the first epoch. Which of the two is said by
`unit`, and has no default: the book plots its schedules over 30 epochs, but its MXNet code hands
them to a Trainer that counts updates, 235 an epoch, so that the cosine is at its end after 20 of
7050. Under a Trainer a schedule over epochs moves on within an epoch: halfway through the third
t is 2.5.

Formulas: Dive into Deep Learning, section "Learning Rate Scheduling", where no other is named.
"""
import functools
import math
import sys
from contextlib import contextmanager
from dataclasses import dataclass

from mxnet.lr_scheduler import LRScheduler

from gluon_opt import GluonOptError
from gluon_opt.algorithms._algorithm import Interval, Whole, check_value

# ---- the schedules ----

def square_root(base_lr, *, unit):
    """base_lr / sqrt(t + 1).

    Args:
        base_lr: the learning rate of step 0.
        unit: 'update' or 'epoch'.

    Returns:
        A `Schedule`.

    Raises:
        GluonOptError: a bad argument; so do the others.
    """
    return _schedule('square_root', unit, base_lr=base_lr)


def _square_root(t, base_lr):
    return base_lr * (t + 1) ** -0.5


def factor(base_lr, factor, floor=0.0, every=1, *, unit):
    """base_lr factor^k, k = floor(t / every), but never below `floor`.

    (The book's class returns base_lr factor^(t + 1): it multiplies before it answers.)

    Args:
        base_lr: the learning rate of step 0.
        factor: in (0, 1].
        floor: the lowest learning rate, at most base_lr.
        every: steps from one cut to the next.
        unit: 'update' or 'epoch'.
    """
    schedule = _schedule('factor', unit, base_lr=base_lr, factor=factor, floor=floor, every=every)
    if floor > base_lr:
        raise GluonOptError(f'factor: floor must be at most base_lr, {base_lr}, got {floor}')
    return schedule


def _factor(t, base_lr, factor, floor, every):
    return max(floor, base_lr * factor ** (t // every))


def multi_factor(base_lr, milestones, factor, *, unit):
    """base_lr factor^k, k = how many of `milestones` are <= t.

    Args:
        base_lr: the learning rate of step 0.
        milestones: when it is cut: a list of whole numbers, increasing, such as [15, 30].
        factor: in (0, 1].
        unit: 'update' or 'epoch'.
    """
    if not isinstance(milestones, (list, tuple)):
        raise GluonOptError(f'multi_factor: milestones must be a list, got {milestones!r}')
    for step in milestones:
        check_value('multi_factor', 'each milestone', step, Whole(1))
    if any(a >= b for a, b in zip(milestones, milestones[1:])):
        raise GluonOptError(f'multi_factor: milestones must increase, got {milestones!r}')
    return _schedule('multi_factor', unit, base_lr=base_lr,
                     milestones=[int(step) for step in milestones], factor=factor)


def _multi_factor(t, base_lr, milestones, factor):
    return base_lr * factor ** sum(step <= t for step in milestones)


def polynomial(base_lr, max_steps, final_lr=0.0, power=2, *, unit):
    """final_lr + (base_lr - final_lr) (1 - t / max_steps)^power; from max_steps on, final_lr.

    As MXNet's PolyScheduler, which an exercise of the book uses.

    Args:
        base_lr: the learning rate of step 0.
        max_steps: steps from there to final_lr.
        final_lr: the learning rate at the end.
        power: above 0; 1 is a straight line.
        unit: 'update' or 'epoch'.
    """
    return _schedule('polynomial', unit, base_lr=base_lr, max_steps=max_steps, final_lr=final_lr,
                     power=power)


def _polynomial(t, base_lr, max_steps, final_lr, power):
    if t >= max_steps:
        return final_lr
    return final_lr + (base_lr - final_lr) * (1 - t / max_steps) ** power


def cosine(base_lr, max_steps, final_lr=0.0, *, unit):
    """final_lr + (base_lr - final_lr) (1 + cos(pi t / max_steps)) / 2; then final_lr.

    Loshchilov and Hutter 2016 (SGDR), without their restarts.

    Args:
        base_lr: the learning rate of step 0.
        max_steps: steps from there to final_lr.
        final_lr: the learning rate at the end.
        unit: 'update' or 'epoch'.
    """
    return _schedule('cosine', unit, base_lr=base_lr, max_steps=max_steps, final_lr=final_lr)


def _cosine(t, base_lr, max_steps, final_lr):
    if t >= max_steps:
        return final_lr
    return final_lr + (base_lr - final_lr) * (1 + math.cos(math.pi * t / max_steps)) / 2


def warmup(schedule, steps, begin_lr=0.0, mode='linear'):
    """A rise to the start of another schedule, which then begins: its step 0 is step `steps`.

        linear:    begin_lr + (schedule(0) - begin_lr) t / steps     for t < steps
        constant:  begin_lr                                          for t < steps
        both:      schedule(t - steps)                               from there on

    Goyal et al. 2017. The book's `CosineScheduler(20, warmup_steps=5, ...)` counts the warm-up
    among the 20: that is `warmup(cosine(max_steps=15, ...), 5)`.

    Args:
        schedule: what follows; its unit is that of the whole.
        steps: length of the warm-up.
        begin_lr: the learning rate of step 0, at most schedule(0). With 0, the book's, the first
            update changes nothing; ftrl and ftml, which divide by it, need more.
        mode: 'linear', or 'constant', which needs a begin_lr above 0.
    """
    if not isinstance(schedule, Schedule):
        raise GluonOptError(f'warmup: schedule must be one such as cosine(...), got {schedule!r}')
    if mode not in ('linear', 'constant'):
        raise GluonOptError(f"warmup: mode must be 'linear' or 'constant', got {mode!r}")
    whole = _schedule('warmup', schedule.unit, schedule=list(schedule.formula), steps=steps,
                      begin_lr=begin_lr, mode=mode)
    if begin_lr > schedule(0):
        raise GluonOptError(f'warmup: begin_lr must be at most {schedule(0)}, where the schedule '
                            f'begins, got {begin_lr}')
    if mode == 'constant' and begin_lr == 0:
        raise GluonOptError("warmup: begin_lr must be above 0 with mode='constant', got 0")
    return whole


def _warmup(t, schedule, steps, begin_lr, mode):
    if t >= steps:
        return _value(schedule, t - steps)
    if mode == 'constant':
        return begin_lr
    return begin_lr + (_value(schedule, 0) - begin_lr) * t / steps


_FORMULAS = {'square_root': _square_root, 'factor': _factor, 'multi_factor': _multi_factor,
             'polynomial': _polynomial, 'cosine': _cosine, 'warmup': _warmup}
_POSITIVE, _FROM_0 = Interval('(', 0, math.inf, ')'), Interval('[', 0, math.inf, ')')
_BOUNDS = {'base_lr': _POSITIVE, 'final_lr': _FROM_0, 'floor': _FROM_0, 'begin_lr': _FROM_0,
           'factor': Interval('(', 0, 1, ']'), 'power': _POSITIVE,
           'every': Whole(1), 'max_steps': Whole(1), 'steps': Whole(1)}


def _schedule(name, unit, **arguments):
    """The schedule, its numbers checked and made Python's own, which any file can hold."""
    if unit not in ('update', 'epoch'):
        raise GluonOptError(f"{name}: unit must be 'update' or 'epoch', got {unit!r}")
    for key, bounds in _BOUNDS.items():
        if key in arguments:
            check_value(name, key, arguments[key], bounds)
            arguments[key] = (int if isinstance(bounds, Whole) else float)(arguments[key])
    return Schedule((name, arguments), unit)


def _value(formula, t):
    name, arguments = formula
    return _FORMULAS[name](t, **arguments)


@dataclass(frozen=True, repr=False)
class Schedule:
    """A learning rate as a function of the step: what `cosine` and the others return.

    Attributes:
        formula: its name and its arguments.
        unit: what a step is, 'update' or 'epoch'.
    """

    formula: tuple
    unit: str

    def __call__(self, t):
        """The learning rate of step t >= 0, whole or not; step 0 is the first.

        Raises:
            GluonOptError: a bad t, or a call by a Trainer: it has another count and, maybe, unit.
        """
        # Most of Gluon's optimizers take any function for a scheduler; this is where they call it.
        if sys._getframe(1).f_globals.get('__name__', '').startswith('mxnet.'):
            raise GluonOptError(f'{self.formula[0]}: a Trainer counts updates, from 1; pass it '
                                'Scheduler(schedule, updates_per_epoch=len(data_iter))')
        check_value(self.formula[0], 't', t, _FROM_0)
        return _value(self.formula, float(t))

    def __repr__(self):
        return _text(self.formula, self.unit)

    @property
    def base_lr(self):
        """What the schedule is a multiple of, or starts from; a warm-up's is of what follows."""
        return _base_lr(self.formula)


def _text(formula, unit):
    """The call that makes a schedule."""
    name, arguments = formula
    texts = [f'{key}={_text(value, unit) if key == "schedule" else repr(value)}'
             for key, value in arguments.items()]
    if name != 'warmup':
        texts.append(f'unit={unit!r}')
    return f'{name}({", ".join(texts)})'


# ---- under a Trainer ----

class Scheduler(LRScheduler):
    """A schedule as Gluon's Trainers, all of MXNet's optimizers and `gluon_opt.Trainer` take it.

    MXNet counts updates from 1 and calls a scheduler with the count: update n is step n - 1 of
    the schedule, (n - 1) / updates_per_epoch of one over epochs. Before the first update, with a
    count of 0, the value is that of step 0. (lbsgd asks before it counts: its first parameter is
    an update behind. adadelta has no learning rate, and never asks.)

    What the Trainer uses is the schedule, whatever other learning rate its optimizer was given or
    has by default: MXNet would put that in the place of the `base_lr` of its own schedulers. To
    scale a schedule, make another. (`load_states` of either Trainer, though, brings back the one
    that the file was saved with.)

    Args:
        schedule: a `Schedule`; it is not changed.
        updates_per_epoch: len(data_iter); only a schedule over epochs needs it.

    Raises:
        GluonOptError: no schedule, or one over epochs without updates_per_epoch.
    """

    # LRScheduler's __init__ would set a base_lr to be overwritten, and a warm-up of its own. All
    # attributes are plain data, so that the files of gluon_opt.Trainer hold the whole schedule.
    def __init__(self, schedule, updates_per_epoch=None):
        if not isinstance(schedule, Schedule):
            raise GluonOptError('Scheduler: schedule must be one such as cosine(...), got '
                                f'{schedule!r}')
        self.formula = list(schedule.formula)
        self.unit = schedule.unit
        self.updates_per_epoch = _updates_per_epoch('Scheduler', schedule, updates_per_epoch)

    def __call__(self, num_update):
        update = max(num_update - 1, 0)
        t = update if self.unit == 'update' else update / self.updates_per_epoch
        return _value(self.formula, t)

    def __repr__(self):
        return (f'Scheduler({_text(self.formula, self.unit)}, '
                f'updates_per_epoch={self.updates_per_epoch})')

    @property
    def base_lr(self):
        """That of the schedule; it cannot be set."""
        return _base_lr(self.formula)


def _updates_per_epoch(owner, schedule, value):
    if value is None and schedule.unit == 'epoch':
        raise GluonOptError(f'{owner}: {schedule.formula[0]} is a schedule over epochs, a Trainer '
                            'counts updates; pass updates_per_epoch=len(data_iter)')
    if value is not None:
        check_value(owner, 'updates_per_epoch', value, Whole(1))
    return value and int(value)


class _BaseLr(float):
    """A base_lr that MXNet leaves alone: it overwrites one that is `!=` the optimizer's rate."""

    def __ne__(self, other):
        return False


def _base_lr(formula):
    name, arguments = formula
    if name == 'warmup':
        return _base_lr(arguments['schedule'])
    return _BaseLr(arguments['base_lr'])


# ---- what a Trainer used ----

@contextmanager
def consumed(trainer):
    """Note which learning rates a Trainer uses, with any schedule or none.

        with consumed(trainer) as used:
            ...                         # train
        used                            # [(0, 0.3), (1, 0.2998), ...]

    Yields:
        A list of pairs (update, learning rate), which grows with each update; update 0 is the
        first of the Trainer's life. There is one pair an update, unless the rate differs among
        parameters (`lr_mult`, or a schedule that changes by being called).

    A distributed kvstore updates elsewhere, and leaves the list empty.
    """
    used, optimizer = [], trainer.optimizer
    optimizer._get_lrs = functools.partial(_note_lrs, type(optimizer)._get_lrs, optimizer, used)
    try:
        yield used
    finally:
        vars(optimizer).pop('_get_lrs', None)


def _note_lrs(get_lrs, optimizer, used, indices):
    """`optimizer._get_lrs(indices)`, noted. MXNet pickles optimizers, so it stands by itself."""
    lrs = get_lrs(optimizer, indices)
    for lr in lrs:
        pair = max(optimizer.num_update - 1, 0), lr
        if used[-1:] != [pair]:
            used.append(pair)
    return lrs


def show_schedule(schedule, steps, used=(), *, updates_per_epoch=None):
    """Draw a schedule, and beside it what a Trainer used; a notebook displays it at once.

    Args:
        schedule: a `Schedule`; the axis is in its unit.
        steps: how many steps to draw.
        used: pairs (update, learning rate), from `consumed`.
        updates_per_epoch: len(data_iter); needed with `used`, for a schedule over epochs.

    Returns:
        The matplotlib Figure.

    Raises:
        GluonOptError: updates to be drawn over epochs without updates_per_epoch.
    """
    check_value('show_schedule', 'steps', steps, _POSITIVE)
    ts = [steps * i / 600 for i in range(601)]
    if used and schedule.unit == 'epoch':
        per_epoch = _updates_per_epoch('show_schedule', schedule, updates_per_epoch)
        used = [(update / per_epoch, lr) for update, lr in used]
    from gluon_opt import plots
    figure = plots.schedule_figure([(t, schedule(t)) for t in ts], used, schedule.unit)
    plots.display(figure)
    return figure
