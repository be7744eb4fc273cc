"""Claims of the page on learning-rate schedules."""
import contextlib
import io
import math

import numpy as onp
import pytest
from mxnet import autograd, gluon, lr_scheduler, nd, np

import gluon_opt
from gluon_opt import schedules
from gluon_opt._mode import np_mode
from gluon_opt.digits import cross_entropy, digits, net_at_start
from ledger import claim

BOOK = 'book, Learning rate scheduling'


class _ByCall:
    """A rate that is multiplied at each call, whatever it is called with."""

    def __init__(self, base_lr, factor, floor):
        self.base_lr, self.factor, self.floor = base_lr, factor, floor

    def __call__(self, num_update):
        self.base_lr = max(self.floor, self.factor * self.base_lr)
        return self.base_lr


def _trainer(arrays, name, scheduler, **options):
    """A Trainer of some arrays of one element, and a function that takes a step."""
    params = [gluon.Parameter(f'p{i}', shape=(1,)) for i in range(arrays)]
    for p in params:
        p.initialize()
        p.set_data(nd.array([1.0]))
    with contextlib.redirect_stdout(io.StringIO()):     # MXNet prints what it overwrites
        trainer = gluon.Trainer(params, name, {'lr_scheduler': scheduler, **options})

    def step():
        with autograd.record():
            loss = sum(p.data().sum() for p in params)
        loss.backward()
        trainer.step(1)
    return trainer, step


def _rates(arrays, name, scheduler, steps=1):
    trainer, step = _trainer(arrays, name, scheduler)
    with schedules.consumed(trainer) as used:
        for _ in range(steps):
            step()
    return [lr for _, lr in used]


@claim(r'A scheduler that is plotted over 30 epochs and then given to a Trainer is followed over '
       r'these 30 epochs.', source=BOOK, verdict='false',
       correction='The Trainer calls it with the count of updates, 235 in an epoch of the book. '
       'What is plotted as 30 epochs is over after 30 updates of 7050.')
def counted_in_updates():
    asked = []
    _rates(1, 'sgd', lambda t: asked.append(t) or 0.1, steps=4)
    assert asked == [1, 2, 3, 4]
    assert math.ceil(60000 / 256) == 235 and 30 * 235 == 7050


@claim('The first update of a training takes the value of the scheduler at $t = 0$.',
       source='book, Learning rate scheduling (its plots)', verdict='false',
       correction='MXNet counts before it asks: the first update takes the value at 1. '
       '`gluon_opt.schedules.Scheduler` takes the one back.')
def first_update_is_number_one():
    schedule = schedules.square_root(1.0, unit='update')
    assert _rates(1, 'sgd', lambda t: (t + 1) ** -0.5) == [pytest.approx(2 ** -0.5)]
    assert _rates(1, 'sgd', schedules.Scheduler(schedule)) == [1.0]


@claim(r'The square-root scheduler sets the rate to $\eta_0 (t + 1)^{-1/2}$.', source=BOOK)
def square_root():
    schedule = schedules.square_root(1.0, unit='epoch')
    assert [schedule(t) for t in (0, 3, 99)] == pytest.approx([1, 0.5, 0.1])


@claim('With the square-root schedule the training works better than with a constant rate of 0.3, '
       'and there is less overfitting.', source=BOOK, verdict='only if',
       correction='If the training is long enough for the rate to matter more than the distance to '
       'go. In the executed PyTorch run of the book the test accuracy rises from 0.877 to 0.886 '
       'while that on the training set falls from 0.944 to 0.900. On the digits, with the '
       'schedule counted in updates as in the MXNet edition, the constant rate does better on '
       'both.')
def square_root_against_constant():
    constant = _accuracies({'learning_rate': 0.3})
    falling = _accuracies({'lr_scheduler': lambda t: (t + 1) ** -0.5})
    assert (constant > falling + 0.005).all()


@np_mode()
def _accuracies(options, epochs=15, batch_size=256):
    """On the training and on the test pictures: means over three nets."""
    pictures = digits(batch_size)
    order = onp.random.RandomState(0).permutation(len(pictures.features))
    rows = order[:1347], order[1347:]
    found = []
    for seed in range(3):
        net, loss_of = net_at_start('mlp', seed), cross_entropy()
        trainer = gluon.Trainer(net.collect_params(), 'sgd', dict(options))
        random = onp.random.RandomState(seed)
        for _ in range(epochs):
            shuffled = random.permutation(rows[0])
            for i in range(0, len(shuffled), batch_size):
                batch = shuffled[i:i + batch_size]
                with autograd.record():
                    loss = loss_of(net(np.array(pictures.features[batch])),
                                   np.array(pictures.labels[batch]))
                loss.backward()
                trainer.step(len(batch))
        found.append([(net(np.array(pictures.features[i])).asnumpy().argmax(axis=1)
                       == pictures.labels[i]).mean() for i in rows])
    return onp.mean(found, axis=0)


@claim(r'The factor scheduler computes $\eta_{t+1} = \max(\eta_{\min}, \alpha \eta_t)$ from one '
       'update to the next.', source=BOOK, verdict='only if',
       correction='If it is called exactly once an update. The class of the book ignores the count '
       'that it is given and decays at each call, and Gluon calls it once for every parameter '
       'array (`sgd` once for every four).')
def factor_decays_at_each_call():
    assert _rates(6, 'nag', _ByCall(1.0, 0.5, 0)) == [0.5 ** i for i in range(1, 7)]
    assert _rates(4, 'sgd', _ByCall(1.0, 0.5, 0)) == [0.5]
    assert _rates(6, 'sgd', _ByCall(1.0, 0.5, 0)) == [0.5, 0.25]
    ours = schedules.Scheduler(schedules.factor(1.0, 0.5, unit='update'))
    assert _rates(6, 'nag', ours, steps=2) == [1.0, 0.5]


@claim('Printing `trainer.learning_rate` shows the rate and changes nothing.',
       source='book, Learning rate scheduling (it prints it)', verdict='only if',
       correction='If the scheduler is a function of the count alone. Reading the property calls '
       'the scheduler, and the factor scheduler of the book then halves, or multiplies by 0.9, '
       'once more.')
def reading_is_a_call():
    trainer, _ = _trainer(1, 'sgd', _ByCall(1.0, 0.5, 0))
    assert [trainer.learning_rate for _ in range(3)] == [0.5, 0.25, 0.125]
    ours = schedules.Scheduler(schedules.factor(1.0, 0.5, unit='update'))
    trainer, _ = _trainer(1, 'sgd', ours)
    assert [trainer.learning_rate for _ in range(3)] == [1.0] * 3


@claim('The plot of the factor scheduler (2.0, factor 0.9, floor 0.01, 50 steps) shows how the '
       'floor stops the decay.', source=BOOK, verdict='false',
       correction='The 50 steps end at 0.0103, above the floor; step 51 would reach it. They also '
       'begin at 1.8, since the class multiplies before it answers.')
def floor_is_not_reached():
    scheduler = _ByCall(2.0, 0.9, 1e-2)
    rates = [scheduler(t) for t in range(50)]
    assert rates[0] == 1.8 and round(rates[-1], 4) == 0.0103
    assert scheduler(50) == 0.01
    ours = schedules.factor(2.0, 0.9, floor=1e-2, unit='epoch')
    assert ours(50) > 0.01 == ours(51)


@claim('The training with the piecewise constant schedule begins at its base rate of 0.5.',
       source=BOOK, verdict='false',
       correction="MXNet's object changes when it is called, and the book plots it first. The "
       'training begins at 0.25 and goes on at 0.125 from update 31.')
def plotting_uses_the_object_up():
    scheduler = lr_scheduler.MultiFactorScheduler(step=[15, 30], factor=0.5, base_lr=0.5)
    plotted = [scheduler(t) for t in range(30)]
    assert plotted[0] == 0.5 and plotted[-1] == 0.25
    rates = _rates(1, 'sgd', scheduler, steps=32)
    assert set(rates[:30]) == {0.25} and set(rates[30:]) == {0.125}
    assert schedules.multi_factor(0.5, [15, 30], 0.5, unit='epoch')(14) == 0.5


@claim('The piecewise constant scheduler changes the rate when $t$ reaches a milestone.',
       source=BOOK, verdict='false',
       correction="MXNet's compares with `>`: it changes one update after the milestone, at 16 "
       'and 31. `gluon_opt.schedules.multi_factor` changes at the milestone itself.')
def one_after_the_milestone():
    def changes(schedule):
        rates = [schedule(t) for t in range(40)]
        return [t for t in range(1, 40) if rates[t] != rates[t - 1]]
    assert changes(lr_scheduler.MultiFactorScheduler([15, 30], 0.5, 0.5)) == [16, 31]
    assert changes(schedules.multi_factor(0.5, [15, 30], 0.5, unit='update')) == [15, 30]


@claim(r'The cosine schedule with $T = 20$ falls from 0.3 to 0.01; at 0, 5, 10, 15 and 20 it is '
       '0.3, 0.2575, 0.155, 0.0525 and 0.01, and from there on it stays.', source=BOOK)
def cosine_values():
    theirs = lr_scheduler.CosineScheduler(max_update=20, base_lr=0.3, final_lr=0.01)
    ours = schedules.cosine(0.3, 20, 0.01, unit='epoch')
    for t, value in ((0, 0.3), (5, 0.2575), (10, 0.155), (15, 0.0525), (20, 0.01), (29, 0.01)):
        assert round(ours(t), 4) == value
        assert abs(ours(t) - theirs(t)) < 1e-12


@claim('The training with the cosine schedule shows that such a schedule need not bring an '
       'improvement.', source=BOOK, verdict='false',
       correction='In the MXNet edition it shows nothing about a cosine: the rate is at its end, '
       '0.01, after 20 of 7050 updates, so that this is a training with a constant rate of 0.01.')
def cosine_is_over_after_20_updates():
    scheduler = lr_scheduler.CosineScheduler(max_update=20, base_lr=0.5, final_lr=0.01)
    rates = _rates(1, 'sgd', scheduler, steps=100)
    assert rates[18] > 0.01 and set(rates[19:]) == {0.01}       # 19 is update 20


@claim('`CosineScheduler(20, warmup_steps=5)` rises to its base rate in five steps and reaches its '
       'final rate at step 20.', source=BOOK)
def warm_up_is_among_the_20():
    theirs = lr_scheduler.CosineScheduler(20, warmup_steps=5, base_lr=0.3, final_lr=0.01)
    ours = schedules.warmup(schedules.cosine(0.3, 15, 0.01, unit='epoch'), 5)
    for t in range(30):
        assert abs(ours(t) - theirs(t)) < 1e-12
    assert ours(0) == 0 and ours(5) == 0.3 and ours(12.5) == pytest.approx(0.155)
    assert ours(19) > 0.01 == ours(20)


@claim('With the warm-up the net converges better in the first five epochs.', source=BOOK,
       verdict='only if', correction='If it would have been in danger without. Where it is not, '
       'smaller rates mean less progress: on the digits the net with warm-up is behind after '
       'five epochs.')
def warm_up_is_slower_where_nothing_is_in_danger():
    cosine = schedules.cosine(0.3, 15, 0.01, unit='epoch')
    with_warm_up = schedules.Scheduler(schedules.warmup(cosine, 5), 6)
    without = schedules.Scheduler(schedules.cosine(0.3, 20, 0.01, unit='epoch'), 6)
    assert (_accuracies({'lr_scheduler': with_warm_up}, epochs=5)
            < _accuracies({'lr_scheduler': without}, epochs=5) - 0.05).all()


@claim('A large learning rate in the beginning can make a training diverge that a warm-up saves.',
       source=BOOK)
def warm_up_prevents_divergence():
    # f'(x) is 8 far from the minimum and falls to 1 near it once the second weight has shrunk:
    # loss = (1 + a^2) x^2 / 2 + a^2 / 2 from a = 2, x = 3, where the curvature is above 2 / lr.
    def end(lr_of):
        a, x = 2.0, 3.0
        for t in range(100):
            da, dx = a * x * x + a, (1 + a * a) * x
            a, x = a - lr_of(t) * da, x - lr_of(t) * dx
            if abs(x) > 1e6:
                return math.inf
        return abs(x)
    warm = schedules.warmup(schedules.multi_factor(0.9, [1000], 1.0, unit='update'), 40)
    assert end(lambda t: 0.9) == math.inf and end(warm) < 1e-3


@claim('A scheduler decides the learning rate with its `base_lr`.',
       source='MXNet, `lr_scheduler`', verdict='only if',
       correction='If the optimizer has no default rate of its own in the way. `adam`, `rmsprop`, '
       '`nadam`, `adamax`, `signum` and `lamb` put theirs in the place of `base_lr`; `sgd`, `nag` '
       'and `adagrad` do not.')
def base_lr_is_overwritten():
    def first(name):
        return _rates(1, name, lr_scheduler.FactorScheduler(1000, base_lr=0.5))[0]
    assert [first(name) for name in ('sgd', 'nag', 'adagrad')] == [0.5] * 3
    assert [first(name) for name in ('adam', 'rmsprop', 'nadam')] == [0.001] * 3
    ours = schedules.Scheduler(schedules.factor(0.5, 1.0, unit='update'))
    assert _rates(1, 'adam', ours) == [0.5]


@claim('It is easy to write a scheduler of one\'s own: a class with a rate and a `__call__`.',
       source=BOOK, verdict='only if',
       correction='If it is for `sgd`, `nag` or `adagrad`. Adam and the others that set `base_lr` '
       'refuse an object without that attribute.')
def a_scheduler_needs_base_lr_for_adam():
    class SquareRoot:
        lr = 1.0

        def __call__(self, num_update):
            return self.lr * (num_update + 1) ** -0.5
    assert len(_rates(1, 'sgd', SquareRoot())) == 1
    with pytest.raises(AttributeError, match='base_lr'):
        _rates(1, 'adam', SquareRoot())


@claim('The learning rate can be set at any time with `set_learning_rate`.', source=BOOK,
       verdict='only if', correction='If there is no scheduler: with one, Gluon raises a '
       '`UserWarning` as an exception.')
def set_learning_rate_without_a_scheduler():
    trainer, _ = _trainer(1, 'sgd', None)
    trainer.set_learning_rate(0.1)
    assert trainer.learning_rate == 0.1
    trainer, _ = _trainer(1, 'sgd', lr_scheduler.FactorScheduler(10, base_lr=0.5))
    with pytest.raises(UserWarning):
        trainer.set_learning_rate(0.1)


@claim('Cutting the rate once the parameters have reached a stationary distribution reduces their '
       'inherent variance.', source=BOOK)
def a_cut_reduces_the_variance():
    # x^2 / 2 with noise 1 on the gradient: the stationary variance is lr / (2 - lr)
    random = onp.random.RandomState(0)
    x = np.zeros(20000)
    x.attach_grad()
    schedule = schedules.multi_factor(0.5, [20], 0.5, unit='update')
    variances = {}
    for t in range(60):
        x.grad[:] = x + np.array(random.normal(size=20000), dtype='float32')
        gluon_opt.sgd([x], None, {'lr': schedule(t)})
        variances[t] = float(x.asnumpy().var())
    for t, lr in ((19, 0.5), (59, 0.25)):
        assert abs(variances[t] / (lr / (2 - lr)) - 1) < 0.05


@claim('Stochastic gradient Langevin dynamics samples from the posterior.',
       source='book, Learning rate scheduling, exercise', verdict='only if',
       correction='If the rate is small and the gradient is that of the sum of all losses. '
       '`trainer.step(batch_size)` gives the gradient of the mean, and with it the samples of $N$ '
       r'measurements spread $\sqrt{N}$ times too far.')
def langevin():
    import mxnet as mx
    N, lr, sgld = 100, 0.002, gluon_opt.gluon_form('sgld')
    mx.random.seed(0)

    def deviation(factor, lr):
        x = np.zeros(20000)
        x.attach_grad()
        for _ in range(80):
            x.grad[:] = factor * x
            sgld([x], [None], {'lr': lr})
        return float(x.asnumpy().std())
    exact = 1 / math.sqrt(N * (1 - lr * N / 4))
    assert abs(deviation(N, lr) / exact - 1) < 0.03 and abs(exact / 0.1 - 1) < 0.03
    assert abs(deviation(1, lr * N) / (exact * math.sqrt(N)) - 1) < 0.03
