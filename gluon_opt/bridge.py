"""To and from `mx.optimizer`: hyperparameters translated, hand-written rules under Gluon's Trainer.

This is the only file that knows `mx.optimizer`.
"""
import ctypes
import inspect
import re
import sys

import numpy as onp
from mxnet import nd, np
from mxnet.base import _LIB, NDArrayHandle, check_call
from mxnet.optimizer import Optimizer

from gluon_opt import GluonOptError
from gluon_opt._mode import nd_mode, np_mode
from gluon_opt.algorithms import algorithms, find, init_states, remember
from gluon_opt.algorithms._algorithm import (
    BOUNDS,
    check_dict,
    check_keys,
    check_value,
    choices,
    dry_run,
)
from gluon_opt.algorithms.gluon import FORMS

# ---- hyperparameters ----

def to_gluon(algorithm, hyperparams):
    """Our hyperparameters under Gluon's names; those Gluon does not have are left out."""
    return {algorithm.keys[key]: value for key, value in hyperparams.items()
            if key in algorithm.keys}


def renew(trainer, algorithm, hyperparams):
    """Give Gluon's optimizer those of our hyperparameters whose translation depends on the step."""
    for key, value in algorithm.each_step.items():
        setattr(trainer.optimizer, key, value(hyperparams))


def gluon_defaults(name):
    """The hyperparameters that Gluon's optimizer `name` takes, with its defaults."""
    defaults = {}
    for cls in _find_class(name).__mro__[:-1]:
        parameters = inspect.signature(cls.__init__).parameters.values()
        for key, default in [*dict.fromkeys(vars(cls).get('required', ())).items(),
                             *vars(cls).get('defaults', {}).items(),
                             *((p.name, p.default) for p in parameters)]:
            if default is not inspect.Parameter.empty:
                defaults.setdefault(key, default)
    for internal in 'sym', 'param_dict', 'param_idx2name':
        del defaults[internal]
    return defaults


def check_gluon(name, hyperparams):
    """Raise unless Gluon's Trainer takes this name and these hyperparameters."""
    owner = f"gluon's {name}"
    known = gluon_defaults(name)
    translations = [item for a in algorithms().values() if a.gluon == name
                    for item in a.keys.items()]
    check_keys(owner, hyperparams, known, {'lr': 'learning_rate', **dict(translations)})
    for ours, theirs in translations:
        if theirs in hyperparams:
            check_value(owner, theirs, hyperparams[theirs], BOUNDS[ours])


def _find_class(name):
    names = Optimizer.opt_registry
    if not isinstance(name, str) or name.lower() not in names:
        raise GluonOptError(f'Gluon has no optimizer {name!r}'
                            f'{choices(name, sorted(set(names) - {"test"}))}')
    return names[name.lower()]


# ---- rules ----

def register(rule, name=None, *, states=None, defaults=None):
    """Make a book-shaped function an optimizer of Gluon's: `gluon.Trainer(params, name, {...})`.

    The rule is called once a step, with all parameters that share learning rate, step count and
    dtype. It sees `clip(rescale_grad * g) + wd * w` as the gradient, Gluon's learning rate as
    'lr' and Gluon's own count of steps as 't'; its other hyperparameters stay from step to step.
    Where Gluon updates on a kvstore it hands the parameters over one by one.

    Args:
        rule: a function `(params, states, hyperparams)`.
        name: what the Trainer calls it, in any case; left out, the rule's own name.
        states: as for `init_states`.
        defaults: hyperparameters that a Trainer need not pass; 'lr' stands for learning_rate.

    Returns:
        The rule, so that `register` serves as a decorator.

    Raises:
        GluonOptError: a name of MXNet's own, or states that cannot be found out.
    """
    name = name or rule.__name__
    taken = Optimizer.opt_registry.get(name.lower())
    if taken and not issubclass(taken, _HandWritten):
        raise GluonOptError(f"{name!r} is the name of an optimizer of MXNet's own; choose another")
    cls = optimizer_class(rule, name, states, defaults)
    setattr(sys.modules[__name__], cls.__name__, cls)      # pickle finds a class by its name
    Optimizer.opt_registry[name.lower()] = cls
    remember(name, rule, cls.states)
    return rule


def register_all():
    """Register the rules of the table that Gluon lacks, under their own names."""
    for algorithm in algorithms().values():
        if algorithm.gluon is None:
            register(algorithm.rule, states=algorithm.states, defaults=algorithm.chosen)


def optimizer_class(rule, name, states=None, defaults=None):
    """An optimizer of Gluon's that calls `rule`; the arguments are those of `register`."""
    defaults = defaults or {}
    dry = dry_run(rule, states, defaults)
    defaults = {**dry.optional, **defaults}
    return type('_HandWritten_' + re.sub(r'\W', '_', name.lower()), (_HandWritten,), {
        '__module__': __name__, 'rule': staticmethod(rule), 'name': name, 'xp': dry.xp,
        'states': staticmethod(states) if callable(states) else dry.states,
        'defaults': {key: value for key, value in defaults.items() if key not in ('lr', 't')},
        'default_lr': defaults.get('lr'), 'needs_lr': 'lr' in dry.required,
        'required': [key for key in dry.required if key not in (*defaults, 'lr', 't')]})


class _HandWritten(Optimizer):
    """An optimizer of Gluon's that calls a book-shaped function: see `optimizer_class`."""

    def __init__(self, learning_rate=None, **hyperparams):
        own = {**dict.fromkeys(self.required), **self.defaults}
        general = {key: hyperparams.pop(key) for key in list(hyperparams) if key not in own}
        unknown = [key for key in general if key not in _GENERAL]
        check_keys(self.name, dict.fromkeys(unknown), ['learning_rate', *own],
                   {'lr': 'learning_rate'})
        if learning_rate is None and general.get('lr_scheduler') is None:
            learning_rate = self.default_lr
            if learning_rate is None and self.needs_lr:
                raise GluonOptError(f"{self.name}: missing hyperparameter 'learning_rate'")
        for key in self.required:
            if key not in hyperparams:
                raise GluonOptError(f'{self.name}: missing hyperparameter {key!r}')
        super().__init__(learning_rate=learning_rate, **general)
        self.hyperparams = {**own, **hyperparams}
        self.allow_np_array = True              # whatever npx.set_np() says
        self.aggregate_num = sys.maxsize        # so that MXNet hands all parameters over together

    def create_state(self, index, weight):
        mode, _ = _KINDS[self.xp]
        with mode():
            return init_states(self.rule, [_view(self.xp, weight)], states=self.states)[0]

    def update(self, index, weight, grad, state):
        self._step([index], [weight], [grad], [state])

    def update_multi_precision(self, index, weight, grad, state):
        if not isinstance(index, (list, tuple)):
            index, weight, grad, state = [index], [weight], [grad], [state]
        if not (self.multi_precision and weight[0].dtype == onp.float16):
            self._step(index, weight, grad, state)
            return
        copies, state = zip(*state)             # a float32 copy of each weight comes first
        self._step(index, copies, [g.astype('float32') for g in grad], state)
        for w, copy in zip(weight, copies):
            nd.cast(copy, dtype=w.dtype, out=w)

    def _step(self, indices, weights, grads, states):
        self._update_count(list(indices))
        together = {}
        for i, lr, wd, weight, grad, state in zip(
                indices, self._get_lrs(indices), self._get_wds(indices), weights, grads, states):
            param = _view(self.xp, weight, self._gradient(weight, grad, wd))
            group = together.setdefault((lr, self._index_update_count[i]), ([], []))
            group[0].append(param)
            group[1].append(state)
        mode, _ = _KINDS[self.xp]
        with mode():
            for (lr, t), (params, param_states) in together.items():
                self.hyperparams.update(lr=lr, t=t)
                self.rule(params, param_states, self.hyperparams)

    def _gradient(self, weight, grad, wd):
        grad = grad * self.rescale_grad
        if self.clip_gradient is not None:
            grad = nd.clip(grad, -self.clip_gradient, self.clip_gradient)
        return grad + wd * weight if wd else grad


# What every optimizer of Gluon's takes, beside what is its own.
_GENERAL = set(inspect.signature(Optimizer.__init__).parameters)
_SHARED = ('wd', 'clip_gradient', 'lr_scheduler', 'rescale_grad', 'multi_precision')


def optimizer(rule_or_name, hyperparams, states=None, fused=False):
    """An optimizer of Gluon's for one of our rules or a reader's.

    Args:
        rule_or_name, states: as for `init_states`.
        hyperparams: with the book's names, and `_SHARED` with Gluon's meaning.
        fused: run the rule as one compiled loop, see `fuse`.

    Raises:
        GluonOptError: a bad name, hyperparameter or number of states.
    """
    algorithm = find(rule_or_name)
    rule = algorithm.rule if isinstance(rule_or_name, str) else rule_or_name
    name = getattr(rule, '__name__', type(rule).__name__)
    rule = _fused(rule) if fused else rule
    check_dict(name, hyperparams)
    known = algorithm.defaults if algorithm else ()
    shared = {key: hyperparams[key] for key in _SHARED if key in hyperparams and key not in known}
    own = {key: value for key, value in hyperparams.items() if key not in shared}
    if algorithm:
        if 'lr_scheduler' in shared and 'lr' not in known:
            raise GluonOptError(f"{name}: has no learning rate; leave 'lr_scheduler' out")
        # A schedule stands for the learning rate.
        algorithm.check({'lr': 1.0, **own} if 'lr_scheduler' in shared else own)
        states = algorithm.states if states is None else states
    cls = optimizer_class(rule, name, states, own)
    return cls(begin_num_update=own.get('t', 1) - 1, **shared)


class _InGluonsForm(_HandWritten):
    """Gluon's optimizer `name` as Gluon makes it, but updating by our rule in Gluon's form."""

    xp = 'np'

    def __init__(self, name, hyperparams, fused):
        self.form = FORMS[name.lower()]
        ours = self.form.ours({k: v for k, v in hyperparams.items() if k not in _GENERAL})
        self.states = self.form.states_for(ours)
        vars(self).update(vars(Optimizer.create_optimizer(name, **hyperparams)))
        self.name, self.allow_np_array = name.lower(), True
        self.rule = _fused(self.form.rule) if fused else self.form.rule
        self.hyperparams = {**ours, 'clip_gradient': self.clip_gradient}

    def _step(self, indices, weights, grads, states):
        if not self.form.early_lr:
            self._update_count(list(indices))
        lrs = self._get_lrs(indices)
        if self.form.early_lr:
            self._update_count(list(indices))
        if self.name == 'lars':         # the one rule that compares the rates of two steps
            self.hyperparams['base_lr'] = self.learning_rate
        with np_mode():
            for i, lr, wd, weight, grad, state in zip(
                    indices, lrs, self._get_wds(indices), weights, grads, states):
                self.hyperparams.update(lr=lr, wd=wd, t=self._index_update_count[i],
                                        rescale_grad=self.rescale_grad)
                self.rule([_view('np', weight, grad)], [state], self.hyperparams)


def optimizer_in_gluons_form(name, hyperparams, fused=False):
    """An optimizer for exactly what `gluon.Trainer` takes, that updates by our rule.

    Raises:
        GluonOptError: a bad name or hyperparameter, or one that is not written by hand.
    """
    check_gluon(name, hyperparams)
    if name.lower() not in FORMS:
        raise GluonOptError(f'{name!r} is ours, Gluon has no form of it; leave out form=')
    return _InGluonsForm(name, hyperparams, fused)


def _fused(rule):
    from gluon_opt.fuse import fuse
    return fuse(rule)


class _Parameter:
    """What a rule takes for a parameter: the array itself, and the gradient it is to see."""

    grad = None


class _NpParameter(_Parameter, np.ndarray):
    pass


class _NdParameter(_Parameter, nd.NDArray):
    pass


_KINDS = {'np': (np_mode, _NpParameter), 'nd': (nd_mode, _NdParameter)}


def _view(xp, array, grad=None):
    """A second handle on the memory of `array`, with a gradient of our own beside it."""
    handle = NDArrayHandle()
    check_call(_LIB.MXShallowCopyNDArray(array.handle, ctypes.byref(handle)))
    view = _KINDS[xp][1](handle)
    if grad is not None:
        view.grad = grad.as_np_ndarray() if xp == 'np' else grad
    return view
