"""What is known of an algorithm beside its rule, and what its hyperparameters may be."""
import difflib
import inspect
import itertools
import math
import numbers
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Callable, NamedTuple, Optional

from mxnet import nd, np

from gluon_opt import GluonOptError
from gluon_opt._mode import nd_mode, np_mode


class Interval(NamedTuple):
    """Allowed values of a hyperparameter; a bracket means that the end itself is allowed."""

    left: str
    low: float
    high: float
    right: str

    def __contains__(self, x):
        return (self.low < x < self.high or self.left == '[' and x == self.low
                or self.right == ']' and x == self.high)

    def __str__(self):
        return f'{self.left}{self.low:g}, {self.high:g}{self.right}'


class Whole(NamedTuple):
    """Whole numbers from `low`."""

    low: int

    def __contains__(self, x):
        return isinstance(x, numbers.Integral) and x >= self.low

    def __str__(self):
        return f'{{{self.low}, {self.low + 1}, ...}}'


_DECAY = Interval('[', 0, 1, ')')
BOUNDS = {                                  # a name means one thing in the whole project
    'lr': Interval('(', 0, math.inf, ')'),
    'momentum': _DECAY,
    'gamma': Interval('[', 0, 1, ']'),      # an exercise of the book sets it to 0 and to 1
    'rho': _DECAY,
    'beta1': _DECAY,
    'beta2': _DECAY,
    'beta3': _DECAY,
    'schedule_decay': Interval('[', 0, math.inf, ')'),
    'eps': Interval('(', 0, math.inf, ')'),
    'wd': Interval('[', 0, math.inf, ')'),
    't': Whole(1),
}


def choices(name, known, instead=None):
    """The end of a message about an unknown name: a guess at what was meant, and what is known."""
    close = [instead] if instead else difflib.get_close_matches(str(name), list(known), n=1)
    guess = f'did you mean {close[0]!r}? ' if close else ''
    return f'; {guess}known: {", ".join(known)}'


def check_value(owner, key, value, bounds):
    """Raise unless `value` is a number inside `bounds` (None: any finite number)."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number:
        raise GluonOptError(f'{owner}: {key} must be a number, got {value!r}')
    if bounds is None:
        if not math.isfinite(value):
            raise GluonOptError(f'{owner}: {key} must be finite, got {value!r}')
    elif value not in bounds:
        raise GluonOptError(f'{owner}: {key} must be in {bounds}, got {value!r}')


def check_dict(owner, hyperparams):
    if not hasattr(hyperparams, 'keys'):
        raise GluonOptError(f'{owner}: hyperparams must be a dict, got {hyperparams!r}')


def check_keys(owner, hyperparams, known, synonyms=MappingProxyType({})):
    check_dict(owner, hyperparams)
    for key in hyperparams:
        if key not in known:
            raise GluonOptError(f'{owner}: unknown hyperparameter {key!r}'
                                f'{choices(key, known, synonyms.get(key))}')


@dataclass(frozen=True)
class Algorithm:
    """A rule and what goes with it. Everything but the first line has an answer for most rules.

    Attributes:
        rule: the update in the book's form.
        states: arrays of state a parameter needs, all starting as zeros.
        init_states: the book's function from the number of features to the states, or None.
        chosen: the hyperparameters the book passes, with the values the comparison uses.
        gluon: the name under which MXNet 1.9.1 has it, or None.
        keys: our hyperparameter names -> those of the Trainer, where it has them.
        matched_rule: the rule by hand of a matched comparison: the book's own, or Gluon's form
            where no translation of values makes the two one rule (`gluon_form` is always Gluon's).
        each_step: Gluon's keys whose value, translated, depends on the step: name -> function of
            all our hyperparameters. Only a matched comparison uses them.
        difference: how Gluon's form differs from the book's, in words; '' if only values do.
        form: what Gluon's form adds to that once the values are translated, in words; '' if that
            is only the order of operations.
        rest: what keeps the two from agreeing to `bound` or better when matched, in words.
        bound: the largest gap of a parameter, over 300 steps of the book's run, when matched.
    """

    rule: Callable
    states: int = 0
    init_states: Optional[Callable] = None
    chosen: dict = field(default_factory=dict)
    gluon: Optional[str] = None
    keys: dict = field(default_factory=dict)
    matched_rule: Callable = None
    each_step: dict = field(default_factory=dict)
    difference: str = ''
    form: str = ''
    rest: str = 'float32 rounding'
    bound: float = 3e-7

    def __post_init__(self):
        if self.matched_rule is None:
            object.__setattr__(self, 'matched_rule', self.rule)
        object.__setattr__(self, 'chosen', MappingProxyType(dict(self.chosen)))

    @property
    def name(self):
        return self.rule.__name__

    @cached_property
    def defaults(self):
        """Every hyperparameter with its default: the chosen ones, and the rule's own constants."""
        read = {**dry_run(self.rule, self.states).optional, **self.chosen}
        return {key: read[key] for key in sorted(read, key=list(BOUNDS).index)}

    def check(self, hyperparams):
        """The hyperparameters as a new, complete dict: what is missing has the rule's default.

        Raises:
            GluonOptError: an unknown or missing name, or a value outside `BOUNDS`.
        """
        check_keys(self.name, hyperparams, self.defaults)
        for key in self.chosen:
            if key not in hyperparams and key != 't':
                raise GluonOptError(f'{self.name}: missing hyperparameter {key!r}; '
                                    f'the book takes {self.chosen[key]:g}')
        complete = {**self.defaults, **hyperparams}
        for key, value in complete.items():
            check_value(self.name, key, value, BOUNDS[key])
        return complete


class _Probe(dict):
    """Hyperparameters that have every key, and note which were asked for."""

    def __init__(self, given):
        super().__init__(given)
        self.required, self.optional = [], {}

    def __getitem__(self, key):
        if key not in self.optional and key not in self.required:
            self.required.append(key)
        return self.setdefault(key, 1 if key == 't' else 0.5)

    def get(self, key, default=None):
        if key not in self.required:
            self.optional.setdefault(key, default)
        return super().get(key, default)


class DryRun(NamedTuple):
    """What one step on arrays of one element tells of a rule.

    Attributes:
        states: arrays of state a parameter.
        xp: 'np' or 'nd', the kind of arrays it works on.
        required: the hyperparameters it reads by `hyperparams[key]`.
        optional: those it reads by `hyperparams.get(key, default)`, with the defaults.
    """

    states: int
    xp: str
    required: list
    optional: dict


def dry_run(rule, states=None, given=MappingProxyType({})):
    """Run `rule` once on arrays of one element, to learn which states and keys it uses.

    Args:
        rule: a book-shaped function.
        states: as for `init_states`; left out, 0 to 4 arrays a parameter are tried.
        given: hyperparameters that it needs to run; others get a number that suits most.

    Raises:
        GluonOptError: it fails on all that was tried.
    """
    failures, rule = {}, inspect.unwrap(rule)       # a fused rule would be compiled for nothing
    counts = range(5) if states is None else [states]
    for count, (xp, mode) in itertools.product(counts, [('np', np_mode), ('nd', nd_mode)]):
        with mode():
            p = (np if xp == 'np' else nd).full((1,), 0.5)
            p.attach_grad()
            p.grad[:] = 0.5
            probe = _Probe(given)
            try:
                rule([p], count([p]) if callable(count) else [zeros(p, count)], probe)
            except Exception as failure:        # a reader's function may raise anything
                failures[xp] = failure
            else:
                return DryRun(count, xp, probe.required, probe.optional)
    name = getattr(rule, '__name__', repr(rule))
    raise GluonOptError(f'{name}: cannot find out its states by a dry run ({failures["np"]}); '
                        'pass states=, the number of arrays a parameter needs, or a function '
                        'params -> states')


def zeros(p, count):
    """The states of parameter `p` as zeros: None, one array, or a tuple of arrays."""
    xp = np if isinstance(p, np.ndarray) else nd
    arrays = tuple(xp.zeros_like(p) for _ in range(count))
    return arrays[0] if count == 1 else arrays or None


def flat(states):
    """All arrays in the states of a parameter, or of several, however they are nested."""
    if isinstance(states, nd.NDArray):
        yield states
    elif isinstance(states, (list, tuple)):
        for state in states:
            yield from flat(state)
