"""The algorithms, one a file, from simple to complex; this is the one table of all.

A rule has the book's shape, `rule(params, states, hyperparams)`, and works in place: `p[:]` is a
parameter, `p.grad` its gradient. The letters are the book's: `v` is the first moment, `s` the
second (other libraries write `m` and `v`).
"""
import importlib
import inspect
from collections.abc import Iterable
from types import MappingProxyType

from mxnet import nd
from mxnet.gluon import Parameter  # `gluon` here is our own folder of that name

from gluon_opt import GluonOptError
from gluon_opt.algorithms._algorithm import choices, dry_run, zeros
from gluon_opt.algorithms.gluon import FORMS

CHAPTER = ('sgd', 'sgd_momentum', 'nag', 'adagrad', 'rmsprop', 'adadelta', 'adam', 'nadam', 'yogi')

MORE = ('adamw', 'amsgrad', 'radam', 'adabelief', 'lion', 'adan')

_TABLE = {name.rpartition('.')[2]: importlib.import_module(f'{__name__}.{name}').algorithm
          for name in (*CHAPTER, *(f'more.{name}' for name in MORE))}
_registered = {}        # name -> (rule, states), what `register` was given


def algorithms():
    """The table: an ordered, read-only mapping from a rule's name to its `Algorithm`."""
    return MappingProxyType(_TABLE)


def public_names():
    """The rules and the functions that make their states, by the names they are called by."""
    return {function.__name__: function for algorithm in _TABLE.values()
            for function in (algorithm.rule, algorithm.init_states) if function}


def by_public_name(name):
    return public_names().get(name)


def find(rule_or_name):
    """The `Algorithm` of a rule or a name; None for a function that is not in the table."""
    if callable(rule_or_name):
        original = inspect.unwrap(rule_or_name)         # of a fused rule
        return next((a for a in _TABLE.values() if a.rule is original), None)
    if not isinstance(rule_or_name, str) or rule_or_name not in _TABLE:
        raise GluonOptError(f'no algorithm {rule_or_name!r}{choices(rule_or_name, _TABLE)}')
    return _TABLE[rule_or_name]


def in_table(rule_or_name):
    """The `Algorithm` of a rule or a name; what is not in the table raises."""
    algorithm = find(rule_or_name)
    if algorithm is None:
        raise GluonOptError(f'{rule_or_name!r} is not in the table of algorithms; it has '
                            f'{", ".join(_TABLE)}')
    return algorithm


def remember(name, rule, states):
    """Note the states of a registered rule, for `init_states`."""
    _registered[name] = rule, states


def _known_states(rule_or_name):
    for name, (rule, states) in _registered.items():
        if rule_or_name in (name, rule):
            return states
    algorithm = find(rule_or_name)
    return algorithm.states if algorithm else dry_run(rule_or_name).states


def gluon_form(name):
    """The rule that MXNet 1.9.1 executes under a name of Gluon's, or of ours, book-shaped.

    With the same gradients it gives the numbers of `gluon.Trainer` (see `algorithms.gluon`). No
    rule of the book's does in all that Gluon has: there is always wd, if nothing else. So it is the
    same function as `algorithms()[name].rule` only where Gluon has none but ours.

    Raises:
        GluonOptError: a name that neither has.
    """
    if isinstance(name, str) and name in FORMS:
        return FORMS[name].rule
    algorithm = in_table(name)
    return FORMS[algorithm.gluon].rule if algorithm.gluon else algorithm.rule


def init_states(rule_or_name, params, *, states=None):
    """Start values of the states for any list of parameters.

    Args:
        rule_or_name: a book-shaped function, or the name of one in the table.
        params: a list of arrays (`mx.np` or `mx.nd`) or of Gluon Parameters, or a ParameterDict.
        states: the number of arrays a parameter needs (each starts as zeros of its shape), or
            a function `params -> states`. Left out, it is looked up: in the table, among the
            registered rules, by running the rule once on arrays of one element.

    Returns:
        A list with one entry a parameter: None, an array, or a tuple of arrays.

    Raises:
        GluonOptError: an unknown name, params of another kind, or a function whose states cannot
            be found out.
    """
    params = _as_arrays(params)
    if states is None:
        states = _known_states(rule_or_name)
    if callable(states):
        return states(params)
    if not isinstance(states, int) or isinstance(states, bool) or states < 0:
        raise GluonOptError('states must be the number of arrays a parameter needs, or a function '
                            f'params -> states; got {states!r}')
    return [zeros(p, states) for p in params]


def _as_arrays(params):
    params = params.values() if hasattr(params, 'values') else params
    arrays = [] if isinstance(params, nd.NDArray) or not isinstance(params, Iterable) else [
        p.data() if isinstance(p, Parameter) else p for p in params]
    if not arrays or not all(isinstance(p, nd.NDArray) for p in arrays):
        raise GluonOptError('params must be a list of MXNet arrays or of Gluon Parameters, '
                            f'got {params!r:.60}')
    return arrays
