"""A rule in Gluon's form beside Gluon itself: the same start, options and gradients for both."""
import itertools

import mxnet as mx
import numpy as onp
from mxnet import gluon, np
from recipes import unpacked

import gluon_opt
from gluon_opt import bridge
from gluon_opt.algorithms.gluon import FORMS

NAMES = [name for name in FORMS if name != 'ccsgd']     # the alias is sgd, the very object
TO_1E6 = {'lamb', 'lars', 'groupadagrad'}               # their sums run in another order

# Hyperparameters of each rule's own, by Gluon's names; `{}` is its defaults. What a value must
# show decides how large it is: an eps of 0.01 shows in the wrong place, one of 1e-8 does not.
OWN = {
    'sgd': [{}, {'momentum': 0.9}],
    'nag': [{}, {'momentum': 0.9}],
    'signum': [{}, {'momentum': 0.0}, {'momentum': 0.7, 'wd_lh': 0.01}],
    'sgld': [{}],
    'dcasgd': [{}, {'lamda': 0.5}],
    'adagrad': [{}, {'eps': 0.01}],
    'groupadagrad': [{}, {'eps': 0.01}],
    'rmsprop': [{}, {'gamma1': 0.7, 'epsilon': 0.01, 'clip_weights': 0.5}, {'centered': True},
                {'centered': True, 'gamma1': 0.95, 'gamma2': 0.7, 'epsilon': 0.01,
                 'clip_weights': 0.5}],
    'adadelta': [{}, {'rho': 0.7, 'epsilon': 0.001}],
    'adam': [{}, {'beta1': 0.7, 'beta2': 0.95, 'epsilon': 0.01}],
    'adamax': [{}, {'beta1': 0.7, 'beta2': 0.95}],
    'nadam': [{}, {'beta1': 0.7, 'beta2': 0.95, 'epsilon': 0.01, 'schedule_decay': 0.3}],
    'ftrl': [{}, {'lamda1': 0.1, 'beta': 0.5}],
    'ftml': [{}, {'beta1': 0.8, 'beta2': 0.95, 'epsilon': 0.01}],
    'lamb': [{}, {'beta1': 0.7, 'beta2': 0.95, 'epsilon': 0.01, 'lower_bound': 1.5},
             {'upper_bound': 0.5}, {'bias_correction': False}],
    'lars': [{}, {'momentum': 0.9, 'eta': 0.1},
             {'momentum': 0.9, 'eta': 0.1, 'eps': 0.1, 'momentum_correction': False}],
    'lbsgd': [{}, {'momentum': 0.9}],
}


def shapes_for(name, shapes):
    return [s for s in shapes if len(s) == 2] if name == 'groupadagrad' else shapes


def options_for(name, options):
    """The options that Gluon lets this rule have."""
    return {k: v for k, v in options.items() if (name, k) != ('groupadagrad', 'wd')}


def learning_rate(name, hyperparams):
    default = bridge.gluon_defaults(name)['learning_rate']
    return hyperparams.get('learning_rate', 0.01 if default is None else default)


class ByRule:
    """The rule, called as a Trainer would: in Gluon's order, equal lr and wd together."""

    def __init__(self, name, points, hyperparams, multipliers=None, rule=None, dtype='float32'):
        self.form = FORMS[name]
        self.rule = rule or self.form.rule
        hyperparams = {'learning_rate': learning_rate(name, hyperparams), 'wd': 0.0,
                       'rescale_grad': 1.0, **hyperparams}
        self.schedule = hyperparams.pop('lr_scheduler', None)
        self.hyperparams = self.form.ours(hyperparams)
        self.lr, self.wd, self.rescale_grad = (
            self.hyperparams[key] for key in ('lr', 'wd', 'rescale_grad'))
        self.multipliers = multipliers or [(1, 1)] * len(points)
        self.params = [np.array(x, dtype=dtype) for x in points]
        for p in self.params:
            p.attach_grad()
        self.states = gluon_opt.init_states(self.rule, self.params,
                                            states=self.form.states_for(self.hyperparams))
        self.t = 0

    def step(self, gradients, batch_size=1):
        self.t += 1
        self.hyperparams['rescale_grad'] = self.rescale_grad / batch_size
        for p, g in zip(self.params, gradients):
            p.grad[:] = g
        calls = [self._lr_and_wd(i) for i in range(len(self.params))]
        for (base_lr, lr, wd), places in itertools.groupby(range(len(calls)), calls.__getitem__):
            places = list(places)
            self.hyperparams.update(lr=lr, wd=wd, base_lr=base_lr, t=self.t)
            self.rule([self.params[i] for i in places], [self.states[i] for i in places],
                      self.hyperparams)

    def _lr_and_wd(self, place):
        early = self.form.early_lr and place == 0
        base_lr = self.schedule(self.t - early) if self.schedule else self.lr
        lr_mult, wd_mult = self.multipliers[place]
        return base_lr, base_lr * lr_mult, self.wd * wd_mult

    @property
    def points(self):
        return [p.asnumpy() for p in self.params]

    @property
    def state_arrays(self):
        return [s.asnumpy() for state in self.states for s in unpacked(state)]


class ByTrainer:
    """`gluon.Trainer` with the same."""

    def __init__(self, name, points, hyperparams, multipliers=None):
        self.params = []
        for x, (lr_mult, wd_mult) in zip(points, multipliers or [(1, 1)] * len(points)):
            p = gluon.Parameter(f'p{len(self.params)}', shape=x.shape, lr_mult=lr_mult,
                                wd_mult=wd_mult)
            p.initialize()
            p.set_data(mx.nd.array(x) if not mx.util.is_np_array() else np.array(x))
            self.params.append(p)
        self.trainer = gluon.Trainer(self.params, name, dict(hyperparams))

    def step(self, gradients, batch_size=1):
        for p, g in zip(self.params, gradients):
            p.grad()[:] = g
            p.data()._fresh_grad = True         # as after a backward pass
        self.trainer.step(batch_size)

    @property
    def points(self):
        return [p.data().asnumpy() for p in self.params]

    @property
    def state_arrays(self):
        states = self.trainer._updaters[0].states
        return flat([states[i] for i in range(len(self.params))])


def flat(states):
    """The arrays of MXNet's states; None where it keeps none."""
    if states is None:
        return []
    if isinstance(states, (list, tuple)):
        return [array for state in states for array in flat(state)]
    return [states.asnumpy()]


def largest_difference(ours, theirs):
    """Of two lists of arrays; 0 if they are equal bit for bit, a nan being equal to a nan."""
    assert [a.shape for a in ours] == [a.shape for a in theirs]
    if all(onp.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs)):
        return 0.0
    return max(float(abs(a.astype('float64') - b).max()) for a, b in zip(ours, theirs))


class ByOptimizer:
    """An optimizer of MXNet's own, without a Trainer, on `mx.nd` arrays of any dtype.

    Of float16 it keeps a float32 copy; `points` are that copy.
    """

    def __init__(self, name, points, hyperparams, dtype='float32'):
        self.name, self.half = name, dtype == 'float16'
        optimizer = mx.optimizer.create(name, multi_precision=self.half, **hyperparams)
        self.updater = mx.optimizer.get_updater(optimizer)
        self.weights = [mx.nd.array(x, dtype=dtype) for x in points]
        self.dtype = dtype

    def step(self, gradients):
        gradients = [mx.nd.array(g, dtype=self.dtype) for g in gradients]
        self.updater(list(range(len(self.weights))), gradients, self.weights)

    def _states_and_copies(self):
        states = [self.updater.states[i] for i in range(len(self.weights))]
        if not self.half:
            return states, self.weights
        order = slice(None) if self.name in ('sgd', 'nag', 'lars') else slice(None, None, -1)
        return list(zip(*(state[order] for state in states)))

    @property
    def points(self):
        return [w.asnumpy() for w in self._states_and_copies()[1]]

    @property
    def state_arrays(self):
        return flat(list(self._states_and_copies()[0]))
