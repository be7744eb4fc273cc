"""The algorithms, one a file, from simple to complex; this is the one table of all.

A rule has the book's shape, `rule(params, states, hyperparams)`, and works in place: `p[:]` is a
parameter, `p.grad` its gradient. The letters are the book's: `v` is the first moment, `s` the
second (other libraries write `m` and `v`).
"""
import importlib
from types import MappingProxyType

from mxnet import nd, np
from mxnet.gluon import Parameter       # `gluon` here is our own folder of that name

from gluon_opt import GluonOptError
from gluon_opt.algorithms._algorithm import Algorithm, did_you_mean, dry_run

CHAPTER = ('sgd', 'sgd_momentum', 'nag', 'adagrad', 'rmsprop', 'adadelta', 'adam', 'nadam', 'yogi')

_TABLE = {name: importlib.import_module(f'{__name__}.{name}').algorithm for name in CHAPTER}
_registered = {}        # what `register` was given: name -> Algorithm


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
    """The `Algorithm` of a rule or a name, ours or registered; None for a function we never met."""
    known = {**_TABLE, **_registered}
    if callable(rule_or_name):
        return next((a for a in known.values() if a.rule is rule_or_name), None)
    if rule_or_name not in known:
        raise GluonOptError(f'no algorithm {rule_or_name!r}{did_you_mean(rule_or_name, known)}; '
                            f'known: {", ".join(known)}')
    return known[rule_or_name]


def gluon_form(name):
    """The rule that MXNet 1.9.1 executes under our `name`, book-shaped.

    It is the book's function itself where the two coincide.
    """
    return find(name).gluon_rule


def init_states(rule_or_name, params, *, states=None):
    """Start values of the states for any list of parameters.

    Args:
        rule_or_name: a book-shaped function, or the name of one in the table.
        params: arrays (`mx.np` or `mx.nd`) or Gluon Parameters.
        states: the number of arrays a parameter needs (each starts as zeros of its shape), or
            a function `params -> states`. Left out, it is looked up: in the table, among the
            registered rules, by running the rule once on arrays of one element.

    Returns:
        A list with one entry a parameter: None, an array, or a tuple of arrays.

    Raises:
        GluonOptError: an unknown name, or a function whose states cannot be found out.
    """
    params = [p.data() if isinstance(p, Parameter) else p for p in params]
    if states is None:
        algorithm = find(rule_or_name)
        states = algorithm.states if algorithm else dry_run(rule_or_name).states
    if callable(states):
        return states(params)
    if not isinstance(states, int) or states < 0:
        raise GluonOptError('states must be the number of arrays a parameter needs, or a function '
                            f'params -> states; got {states!r}')
    return [_zeros(p, states) for p in params]


def _zeros(p, count):
    xp = np if isinstance(p, np.ndarray) else nd
    arrays = tuple(xp.zeros(p.shape, dtype=p.dtype, ctx=p.context) for _ in range(count))
    return arrays[0] if count == 1 else arrays or None
