"""Stand-ins for arrays, hyperparameters and what else a rule's names may mean.

An `Array` answers `+`, `[:]=` and so on with another stand-in, whose `Element` remembers how one
element of it is computed. A `Number` does the same for what is computed once a call. The tracer,
which makes them, does their arithmetic.
"""
import builtins
import itertools
import math
import numbers
import operator

import numpy as onp

BINARY = {
    '+': operator.add, '-': operator.sub, '*': operator.mul, '/': operator.truediv,
    '//': operator.floordiv, '%': operator.mod, '**': operator.pow,
    '<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge,
    '==': operator.eq, '!=': operator.ne,
}
COMPARISONS = {'<', '<=', '>', '>=', '==', '!='}
LOGICAL = {'&', '|', '~'}
REDUCTIONS = {'sum', 'mean', 'max', 'min', 'norm'}

# What MXNet calls the operations on elements -> what they are called here.
OPERATIONS = {
    **{name: name for name in (
        'sqrt', 'cbrt', 'square', 'abs', 'sign', 'exp', 'log', 'log2', 'log10', 'log1p', 'expm1',
        'sin', 'cos', 'tan', 'sinh', 'cosh', 'tanh', 'floor', 'ceil', 'maximum', 'minimum',
        'where', 'clip', 'zeros_like', 'ones_like', 'full_like', 'copy', 'reciprocal', 'rsqrt',
        'isnan', 'isinf', 'isfinite', 'zeros', 'ones', 'full', 'astype', *REDUCTIONS)},
    **dict.fromkeys(['add', 'broadcast_add', 'broadcast_plus', 'elemwise_add'], '+'),
    **dict.fromkeys(['subtract', 'broadcast_sub', 'broadcast_minus', 'elemwise_sub'], '-'),
    **dict.fromkeys(['multiply', 'broadcast_mul', 'elemwise_mul'], '*'),
    **dict.fromkeys(['divide', 'true_divide', 'broadcast_div', 'elemwise_div'], '/'),
    **dict.fromkeys(['power', 'broadcast_power'], '**'),
    **dict.fromkeys(['greater', 'broadcast_greater'], '>'),
    **dict.fromkeys(['greater_equal', 'broadcast_greater_equal'], '>='),
    **dict.fromkeys(['less', 'lesser', 'broadcast_lesser'], '<'),
    **dict.fromkeys(['less_equal', 'lesser_equal', 'broadcast_lesser_equal'], '<='),
    **dict.fromkeys(['equal', 'broadcast_equal'], '=='),
    **dict.fromkeys(['not_equal', 'broadcast_not_equal'], '!='),
    'logical_and': '&', 'logical_or': '|', 'logical_not': '~',
    'absolute': 'abs', 'fabs': 'abs', 'negative': 'neg', 'amax': 'max', 'amin': 'min',
    'broadcast_maximum': 'maximum', 'broadcast_minimum': 'minimum',
}


class Untraceable(BaseException):
    """The reason why a rule cannot be traced; no Exception, because a rule may catch those."""


class Element:
    """How one element of an array is computed: an operation on Elements, Numbers and constants.

    Attributes:
        op: 'load', 'const', 'cast' (of a comparison to 0 and 1), a reduction, or an operation.
        args: its operands; for 'load', nothing.
        shape, dtype: of the array whose element this is.
        leaf: an array in memory that runs along with this one, None if all elements are equal.
        name: what the rule calls it.
    """

    count = itertools.count()

    def __init__(self, op, args, shape, dtype, leaf=None, name=None):
        self.op, self.args, self.shape, self.dtype, self.name = op, args, shape, dtype, name
        self.leaf = leaf
        self.serial = next(Element.count)


class Leaf:
    """An array in memory: a parameter, its gradient or a state; `index` is its place in a call."""

    def __init__(self, index, role, shape, dtype):
        self.index, self.role, self.shape, self.dtype = index, role, shape, dtype
        self.load = Element('load', (), shape, dtype, self)
        self.value = self.load          # what the rule has assigned to it
        self._group = self

    @property
    def name(self):
        return self.load.name or self.role

    @property
    def group(self):
        """The first of the arrays that run in one loop with this one."""
        while self._group is not self._group._group:
            self._group = self._group._group
        return self._group

    def join(self, other):
        first, second = sorted((self.group, other.group), key=lambda leaf: leaf.index)
        second._group = first


def _refuse(reason):
    def refuse(self, *args, **kwargs):
        raise Untraceable(reason if isinstance(reason, str) else reason(self))
    return refuse


class Number:
    """Stands in for what is computed once a call.

    Attributes:
        op: 'input' (read by the expression in `args`), 'const', 'call' of the function in
            `args[0]`, 'item' (the value of an array with one element), or an operator.
        value: in the call that is traced; nan if it depends on arrays.
    """

    __array_ufunc__ = None              # a NumPy scalar leaves its operators to us

    def __init__(self, tracer, op, args, value, name=None, from_arrays=False):
        self.tracer, self.op, self.args, self.value = tracer, op, args, value
        self.name, self.from_arrays = name, from_arrays

    def __bool__(self):
        return self.tracer.decide(self)

    def _known(self):
        return self.tracer.known_value(self)

    __index__ = __int__ = __float__ = __hash__ = None       # set below, from _known
    __neg__ = lambda self: self.tracer.number('neg', self)                          # noqa: E731
    __pos__ = lambda self: self                                                     # noqa: E731
    __abs__ = lambda self: self.tracer.call(abs, self)                              # noqa: E731
    __round__ = lambda self, *digits: self.tracer.call(round, self, *digits)        # noqa: E731
    item = lambda self: self                                                        # noqa: E731


class Array:
    """Stands in for an MXNet array; like one, it can be assigned to in place."""

    __array_ufunc__ = None

    def __init__(self, tracer, element, leaf=None):
        self._tracer, self._element, self._leaf = tracer, element, leaf

    @property
    def element(self):
        return self._leaf.value if self._leaf else self._element

    def assign(self, value):
        element = self._tracer.fitting(value, self.element)
        if self._leaf:
            if element.leaf:
                self._leaf.join(element.leaf)
            if element.op != 'load' and element.name is None:
                element.name = self._leaf.name
            self._leaf.value = element
        else:
            self._element = element

    shape = property(lambda self: self.element.shape)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    dtype = property(lambda self: onp.dtype(self.element.dtype).type)

    @property
    def grad(self):
        if self._leaf is None or self._leaf.index not in self._tracer.gradients:
            return None
        return self._tracer.gradients[self._leaf.index]

    def __getitem__(self, key):
        if key is Ellipsis or isinstance(key, slice) and key == slice(None):
            return self                 # a view of the same memory, as in MXNet
        raise Untraceable('indexes an array by more than [:]')

    def __setitem__(self, key, value):
        self[key].assign(value)

    def __len__(self):
        return self.shape[0]

    def __bool__(self):
        if self.size != 1 or self.element.leaf:
            raise Untraceable('branches on the values of an array')
        return bool(self._tracer.item(self))

    def __neg__(self):
        return self._tracer.apply('neg', self)

    def __abs__(self):
        return self._tracer.apply('abs', self)

    def __invert__(self):
        return self._tracer.apply('~', self)

    def __getattr__(self, name):
        tracer = self._tracer
        if not hasattr(tracer.array_class, name):
            raise AttributeError(f'an array of mx.{tracer.kind} has no attribute {name!r}')
        if name in ('item', 'asscalar'):
            return lambda: tracer.item(self)
        if name in OPERATIONS:
            return lambda *args, **options: tracer.apply(OPERATIONS[name], self, *args, **options)
        raise Untraceable(f'uses .{name} of an array')

    __iter__ = _refuse('iterates over the elements of an array')
    __float__ = __int__ = __index__ = _refuse('makes a Python number of an array')
    __array__ = _refuse('hands an array to a function that is not known')
    __matmul__ = __rmatmul__ = _refuse('multiplies matrices')
    __hash__ = object.__hash__


class Outsider:
    """Stands in for what is not known, and says so when it is used."""

    def __init__(self, what):
        self.what = what


class Module:
    """Stands in for a module under whatever name the rule has it."""

    def __init__(self, tracer, module):
        self._tracer, self._module = tracer, module

    def __getattr__(self, name):
        return self._tracer.attribute(self._module, name)


class Function:
    """Stands in for a function of a library, or for one of the reader's, copied when called."""

    def __init__(self, tracer, function, call):
        self.tracer, self.function, self.call = tracer, function, call

    def __call__(self, *args, **options):
        return self.call(*args, **options)

    def __get__(self, *_):              # a function inside a class is of no use to a rule
        raise Untraceable('calls a method')


class Hyperparams:
    """Stands in for the dict of hyperparameters; the dict itself is not written."""

    def __init__(self, tracer, values):
        self._tracer, self._values = tracer, values

    def __getitem__(self, key):
        key = self._tracer.known_value(key)
        if key in self._tracer.trace.writes:
            return self._tracer.trace.writes[key]
        return self._tracer.read(f'hyperparams[{key!r}]', self._values[key], key)

    def get(self, key, default=None):
        key, trace = self._tracer.known_value(key), self._tracer.trace
        if key in trace.writes:
            return trace.writes[key]
        if default is not None and not isinstance(default, (bool, int, float, str)):
            return self[key] if key in self else default
        return self._tracer.read(f'hyperparams.get({key!r}, {default!r})',
                                 self._values.get(key, default), key)

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args, **values):
        for key, value in dict(*args, **values).items():
            self[key] = value

    def __contains__(self, key):
        present = key in self._tracer.trace.writes or key in self._values
        if key not in self._tracer.trace.writes:
            self._tracer.fix(f'{key!r} in hyperparams', present)
        return present

    def __setitem__(self, key, value):
        if not isinstance(value, (Number, bool, int, float, str, type(None), onp.number)):
            raise Untraceable(f'keeps {describe(value)} in hyperparams[{key!r}]')
        self._tracer.trace.writes[self._tracer.known_value(key)] = value

    def keys(self):
        if self._tracer.trace.writes:
            raise Untraceable('goes through hyperparams after changing them')
        keys = tuple(self._values)
        self._tracer.fix('tuple(hyperparams)', keys)
        return keys

    def items(self):
        return [(key, self[key]) for key in self.keys()]

    def values(self):
        return [self[key] for key in self.keys()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __getattr__(self, name):
        raise Untraceable(f'uses hyperparams.{name}')


def describe(value):
    if isinstance(value, Array):
        return 'an array'
    if isinstance(value, Outsider):
        return value.what
    return f'a {type(value).__name__}'


def _add_operators():
    names = {'+': 'add', '-': 'sub', '*': 'mul', '/': 'truediv', '//': 'floordiv', '%': 'mod',
             '**': 'pow', '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge', '==': 'eq', '!=': 'ne',
             '&': 'and', '|': 'or'}

    def method(op, swap=False, in_place=False):
        def number(self, other, *_):
            if not isinstance(other, (Number, numbers.Number)):
                return NotImplemented
            return self.tracer.number(op, *((other, self) if swap else (self, other)))

        def array(self, other, *_):
            if not isinstance(other, (Array, Number, numbers.Number)):
                raise Untraceable(f'combines an array with {describe(other)}')
            result = self._tracer.apply(op, *((other, self) if swap else (self, other)))
            if in_place:
                self.assign(result)
            return self if in_place else result
        return number, array

    for op, name in names.items():
        forms = {f'__{name}__': {}}
        if op not in COMPARISONS:
            forms.update({f'__r{name}__': {'swap': True}, f'__i{name}__': {'in_place': True}})
        for form, options in forms.items():
            number, array = method(op, **options)
            setattr(Array, form, array)
            if op in BINARY and 'in_place' not in options:
                setattr(Number, form, number)
            setattr(Outsider, form, _refuse(lambda self: f'uses {self.what}'))
    for name in 'index', 'int', 'float', 'hash', 'str', 'repr', 'format':
        convert = getattr(operator, name, None) or getattr(builtins, name)
        setattr(Number, f'__{name}__',
                lambda self, *args, convert=convert: convert(self._known(), *args))
    Number.__getattr__ = _refuse('uses a method of a number')
    for name in 'call', 'getattr', 'getitem', 'setitem', 'iter', 'len', 'bool', 'contains', 'enter':
        setattr(Outsider, f'__{name}__', _refuse(lambda self: f'uses {self.what}'))


_add_operators()
