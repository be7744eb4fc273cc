"""Run a book-shaped function on stand-ins, and write down what it does.

The function that runs is a copy: its names for MXNet's modules, its helper functions and Python's
`float` or `min` mean stand-ins too, while the reader's function and module are left alone. Whatever
has no stand-in raises `Untraceable`.
"""
import builtins
import dis
import functools
import linecache
import math
import numbers
import operator
import sys
import types
from typing import NamedTuple

import numpy as onp
from mxnet import nd, np

from gluon_opt import GluonOptError
from gluon_opt._standins import (
    BINARY,
    COMPARISONS,
    LOGICAL,
    OPERATIONS,
    REDUCTIONS,
    Array,
    Element,
    Function,
    Hyperparams,
    Leaf,
    Module,
    Number,
    Outsider,
    Untraceable,
    describe,
)

_LIBRARIES = ('mxnet', 'numpy', 'math')         # their functions are known or refused, not entered
_AS_THEY_ARE = ('_operator', 'itertools', 'functools', '_functools')    # they work on stand-ins
_SAFE_BUILTINS = {
    'all', 'any', 'bool', 'dict', 'divmod', 'enumerate', 'filter', 'getattr', 'iter', 'len', 'list',
    'map', 'next', 'range', 'reversed', 'round', 'set', 'slice', 'sorted', 'sum', 'tuple', 'zip',
    'abs', 'pow', 'object', '__debug__', 'NotImplemented', 'Ellipsis', 'None', 'True', 'False'}
_NAMED_ARGUMENTS = {'clip': ('a_min', 'a_max'), 'full_like': ('fill_value',), 'astype': ('dtype',)}
_MOST_BRANCHES = 100                            # on arrays, in one call


class Trace:
    """What a rule does, for arrays of given shapes and one outcome of each branch.

    Attributes:
        name, kind: of the rule and of its arrays.
        leaves: every Leaf; those with a new `value` are written.
        guards: [Number, outcome] of every branch taken; the trace holds for these alone.
        fixed: expressions of `hyperparams`, and the values for which alone the trace holds.
        writes: new values of hyperparameters.
        outside: (namespace, key, value) of the globals and closures that the rule read.
    """

    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.leaves, self.guards, self.fixed, self.writes, self.outside = [], [], {}, {}, []


class Signature(NamedTuple):
    """What a trace depends on beside the hyperparameters.

    Attributes:
        kind: 'np' or 'nd', the kind of all arrays.
        params: how many parameters there are.
        arrays: (shape, dtype) of the parameters, then of their gradients (None: it has none),
            then of the states.
        states: the states, with the place in `arrays` instead of each array.
    """

    kind: str
    params: int
    arrays: tuple
    states: object


def trace(rule, signature, hyperparams, *, decided=(), invented=False):
    """Trace one call of `rule`.

    Args:
        rule: a book-shaped Python function.
        signature: a `Signature`.
        hyperparams: the dict of the call; it is read, not changed.
        decided: outcomes of the first branches, for those that depend on arrays.
        invented: whether the hyperparameters are made up.

    Returns:
        A `Trace`.

    Raises:
        GluonOptError: the rule does what cannot be traced; the message has line and reason. It
            is `certain` if no made-up hyperparameter has led there, and `progress` tells how far
            the trace came.
    """
    tracer = _Tracer(rule, signature, decided, invented)
    try:
        result = tracer.copy(rule)(*tracer.arguments(hyperparams))
        if result is not None:
            raise Untraceable('the rule returns a value')
    except (Untraceable, TypeError, AttributeError) as failure:
        refusal = GluonOptError(_message(rule, failure))
        refusal.certain = isinstance(failure, Untraceable) and not tracer.assumed
        refusal.progress = len(tracer.numbers) + tracer.operations
        raise refusal from None
    return tracer.trace


def _message(rule, failure):
    where = f'{rule.__name__}: cannot be fused'
    place = failure.args[1:] or _place(failure.__traceback__)
    if place:
        file, line = place
        code = linecache.getline(file, line).strip()
        where += f', line {line}' + (f' `{code}`' if code else '')
    return f'{where}: {failure.args[0]}'


def _place(traceback):
    """File and line of the innermost frame that runs a copy of the reader's code."""
    place = None
    while traceback:
        if _IS_COPY in traceback.tb_frame.f_globals:
            place = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return place


_IS_COPY = '__gluon_opt_copy__'         # a global that the copies of the reader's functions have


class _Tracer:
    """Makes the stand-ins of one trace and does their arithmetic."""

    def __init__(self, rule, signature, decided, invented):
        self.rule, self.signature = rule, signature
        self.kind = signature.kind
        self.array_class = np.ndarray if self.kind == 'np' else nd.NDArray
        self.decided, self.invented = decided, invented
        self.trace = Trace(rule.__name__, self.kind)
        self.numbers, self.stand_ins, self.outcomes = {}, {}, {}
        self.operations = 0
        self.assumed = False            # whether a made-up hyperparameter decided a branch

    def arguments(self, hyperparams):
        count = self.signature.params
        roles = ['p'] * count + ['g'] * count
        roles += ['state'] * (len(self.signature.arrays) - len(roles))
        arrays = []
        for index, (role, array) in enumerate(zip(roles, self.signature.arrays)):
            if array is None:
                arrays.append(None)
                continue
            leaf = Leaf(index, role, *array)
            self.trace.leaves.append(leaf)
            arrays.append(Array(self, None, leaf))
        self.gradients = dict(enumerate(arrays[count:2 * count]))

        def states(tree):
            if isinstance(tree, tuple):
                return tuple(map(states, tree))
            return None if tree is None else arrays[tree]

        return tuple(arrays[:count]), states(self.signature.states), Hyperparams(self, hyperparams)

    # -- names --

    def name_locals(self):
        """Call every stand-in what the rule calls it; a helper function's names come second."""
        frame, frames = sys._getframe(1), []
        while frame:
            if _IS_COPY in frame.f_globals:
                frames.insert(0, frame)
            frame = frame.f_back
        for depth, frame in enumerate(frames):
            for name, value in frame.f_locals.items():
                named = value.element if isinstance(value, Array) else value
                if not isinstance(named, (Element, Number)) or named.name is not None:
                    continue
                argument = depth and isinstance(named, Element) and named.op == 'load'
                if name.isidentifier() and not argument:    # '.0' is what a generator goes through
                    named.name = name

    # -- numbers --

    def number(self, op, *args):
        self.name_locals()
        values = [arg.value if isinstance(arg, Number) else arg for arg in args]
        from_arrays = any(isinstance(arg, Number) and arg.from_arrays for arg in args)
        if from_arrays:
            value = math.nan
        elif op == 'call':
            value = values[0](*values[1:])
        else:
            value = operator.neg(values[0]) if op == 'neg' else BINARY[op](*values)
        if not isinstance(value, (numbers.Real, onp.bool_)):
            raise Untraceable(f'computes {describe(value)} from hyperparameters')
        return self._once(op, args, value, from_arrays=from_arrays)

    def _once(self, op, args, value, **attributes):
        """The Number for this expression, the same one each time."""
        key = (op, *((type(arg), repr(arg) if isinstance(arg, (str, numbers.Number)) else id(arg))
                     for arg in args))
        if key not in self.numbers:
            self.numbers[key] = Number(self, op, args, value, **attributes)
        return self.numbers[key]

    def call(self, function, *args):
        """A function of numbers; an mx.np array with one element counts as its value."""
        if self.kind == 'np':
            args = [self.item(arg) if isinstance(arg, Array) else arg for arg in args]
        for arg in args:
            if not isinstance(arg, (Number, numbers.Number)):
                raise Untraceable(f'calls {function.__name__} of {describe(arg)}')
        if any(isinstance(arg, Number) for arg in args):
            return self.number('call', function, *args)
        return function(*args)

    def item(self, array):
        element = array.element
        if element.leaf or array.size != 1:
            raise Untraceable('makes a Python number of an array')
        return self._once('item', (element,), math.nan, from_arrays=True)

    def decide(self, number):
        """The outcome of a branch on `number`, which the trace holds for."""
        if id(number) not in self.outcomes:
            place = len(self.trace.guards)
            outcome = bool(number.value)
            if number.from_arrays:      # a guess, which the first call will correct
                outcome = self.decided[place] if place < len(self.decided) else self.invented
                if place >= _MOST_BRANCHES:
                    raise Untraceable('loops until an array has certain values')
            self.trace.guards.append((number, outcome))
            self.assumed |= self.invented
            self.outcomes[id(number)] = outcome
        return self.outcomes[id(number)]

    def known_value(self, number):
        """The value itself, where Python needs one; the trace then holds for this value alone."""
        if not isinstance(number, Number):
            return number
        if number.from_arrays:
            raise Untraceable('needs the value of an array while tracing')
        if number.op != 'const':
            self.decide(self.number('==', number, number.value))
        return number.value

    def read(self, source, value, key):
        """A stand-in for what `source`, an expression of `hyperparams`, gives."""
        if isinstance(value, (bool, str, type(None))):
            self.fix(source, value)
            return value
        if isinstance(value, (tuple, list)):
            self.fix(f'type({source})', type(value))
            self.fix(f'len({source})', len(value))
            return tuple(self.read(f'{source}[{i}]', each, None)
                         for i, each in enumerate(value))
        if isinstance(value, (int, float, onp.number)):
            name = key if isinstance(key, str) and key.isidentifier() else None
            return self._once('input', (source,), value, name=name)
        raise Untraceable(f'reads {describe(value)} from {source}')

    def fix(self, source, value):
        self.trace.fixed[source] = value
        self.assumed |= self.invented

    # -- arrays --

    def apply(self, op, *args, out=None, **options):
        """The array that MXNet's operation gives for these arguments."""
        self.name_locals()
        self.operations += 1
        result = self._result(op, *args, **options)
        if out is not None:
            out.assign(result)
        return result if out is None else out

    def _result(self, op, *args, **options):
        if op in REDUCTIONS:
            allowed = {'axis': (None,), 'keepdims': (False,), 'ord': (None, 2)}
            if len(args) > 1 or any(value not in allowed.get(option, ())
                                    for option, value in options.items()):
                raise Untraceable(f'{op} of anything but the whole array')
            return self._reduce(op, args[0].element)
        for option in _NAMED_ARGUMENTS.get(op, ()):
            if option in options:
                args += options.pop(option),
        if options:
            raise Untraceable(f'{op} with the option {", ".join(options)}')
        array = next(arg for arg in args if isinstance(arg, Array))
        if op == 'astype':
            return self._cast(array.element, *args[1:])
        if op in ('zeros_like', 'ones_like', 'full_like'):
            value = {'zeros_like': 0, 'ones_like': 1}.get(op, args[-1])
            return Array(self, Element('const', (value,), array.shape, array.element.dtype))
        if op == '**' and isinstance(args[1], (int, float)) and args[1] in (1, 2, 3, 0.5):
            op, args = {1: 'copy', 2: 'square', 3: 'cube', 0.5: 'root'}[args[1]], args[:1]
        if op == 'copy':
            return Array(self, array.element)
        if op == 'reciprocal':
            op, args = '/', (1, array)
        if op == 'rsqrt':
            op, args = '/', (1, self.apply('sqrt', array))
        return Array(self, self._elementwise(op, args))

    def _elementwise(self, op, args):
        elements = [arg.element for arg in args if isinstance(arg, Array)]
        args = [arg.element if isinstance(arg, Array) else arg for arg in args]
        for arg in args:
            if not isinstance(arg, (Element, Number, numbers.Real)):
                raise Untraceable(f'computes {op} of {describe(arg)}')
        shape = onp.broadcast_shapes(*(e.shape for e in elements))
        leaf = None
        for e in elements:
            if e.leaf:
                if e.shape != shape:
                    raise Untraceable(f'broadcasts an array of shape {e.shape} to {shape}')
                if leaf:
                    leaf.join(e.leaf)
                leaf = e.leaf
        floats = {e.dtype for e in elements} - {'bool'}
        if len(floats) > 1:
            raise Untraceable(f'mixes {" and ".join(sorted(floats))} arrays')
        if op == '*' and not floats and len(elements) == 2:
            op = '&'                    # as in MXNet, and no whole number either
        if op == 'where':
            args[0] = self._truth(args[0])
            if isinstance(args[1], Element) is isinstance(args[2], Element) is False:
                floats = {'float32'}
        elif op in LOGICAL:
            if self.kind == 'nd' or floats:
                raise Untraceable(f'computes {op} of arrays other than comparisons')
        if op not in LOGICAL:
            if not floats:
                raise Untraceable('computes with a comparison and a number, '
                                  'which MXNet does in whole numbers')
            args = [Element('cast', (arg,), arg.shape, *floats, arg.leaf)
                    if isinstance(arg, Element) and arg.dtype == 'bool'
                    and not (op == 'where' and arg is args[0]) else arg for arg in args]
        if op in COMPARISONS or op in LOGICAL or op in ('isnan', 'isinf', 'isfinite'):
            result = Element(op, args, shape, 'bool', leaf)
            if self.kind == 'np':
                return result
            return Element('cast', (result,), shape, *floats, leaf)     # nd has no bool
        return Element(op, args, shape, *floats, leaf)

    @staticmethod
    def _truth(condition):
        if condition.dtype == 'bool':
            return condition
        if condition.op == 'cast':
            return condition.args[0]
        return Element('!=', (condition, 0), condition.shape, 'bool', condition.leaf)

    def _cast(self, element, dtype):
        dtype = _dtype_name(dtype)
        if element.dtype == 'bool' and dtype in ('float32', 'float64'):
            element = Element('cast', (element,), element.shape, dtype, element.leaf)
        if element.dtype != dtype:
            raise Untraceable(f'casts {element.dtype} to {dtype}')
        return Array(self, element)

    def _reduce(self, op, element):
        if element.dtype == 'bool':
            raise Untraceable(f'{op} of a comparison')
        shape = () if self.kind == 'np' else (1,)
        if element.leaf is None:
            raise Untraceable(f'{op} of an array whose elements are all the same')
        return Array(self, Element(op, (element,), shape, element.dtype))

    def fitting(self, value, target):
        """The Element that an array with the element `target` gets by assigning `value`."""
        if not isinstance(value, (Array, Number, numbers.Real)):
            raise Untraceable(f'assigns {describe(value)} to an array')
        if not isinstance(value, Array):
            return Element('const', (value,), target.shape, target.dtype)
        element = value.element
        if element.dtype != target.dtype:
            raise Untraceable(f'assigns a {element.dtype} array to one of {target.dtype}')
        if element.shape != target.shape:
            if element.leaf or onp.broadcast_shapes(element.shape, target.shape) != target.shape:
                raise Untraceable(f'assigns an array of shape {element.shape} to one of shape '
                                  f'{target.shape}')
            element = Element('const', (element,), target.shape, target.dtype)
        return element

    # -- the copy of the rule, and what its names mean --

    def copy(self, function):
        """A copy of a Python function, for which all names from outside mean stand-ins."""
        code = function.__code__
        self._check_stores(function)
        world = {_IS_COPY: True, '__name__': function.__module__,
                 '__builtins__': self._builtins()}
        for name in _global_names(code):
            if name in function.__globals__:
                world[name] = self.outside(function.__globals__, name)
        cells = []
        for name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:          # not assigned yet
                cells.append(types.CellType())
                continue
            self.trace.outside.append((cell, None, value))
            cells.append(types.CellType(self.stand_in(value, name)))
        defaults = function.__defaults__ and tuple(
            self.stand_in(value, 'a default value') for value in function.__defaults__)
        copy = types.FunctionType(code, world, function.__name__, defaults, tuple(cells))
        copy.__kwdefaults__ = function.__kwdefaults__ and {
            name: self.stand_in(value, name) for name, value in function.__kwdefaults__.items()}
        return copy

    def outside(self, namespace, name):
        value = namespace[name]
        self.trace.outside.append((namespace, name, value))
        return self.stand_in(value, name)

    def stand_in(self, value, name):
        """What `value`, which the rule finds under `name`, is in the copy."""
        if id(value) in self.stand_ins:
            return self.stand_ins[id(value)]
        result = self._stand_in(value, name)
        self.stand_ins[id(value)] = result
        return result

    def _stand_in(self, value, name):
        if value is None or isinstance(value, (bool, str, bytes)):
            return value
        if isinstance(value, (int, float, onp.number)):
            return self._once('const', (value, name), value, name=name)
        if isinstance(value, tuple):
            return tuple(self.stand_in(each, f'{name}{i + 1}') for i, each in enumerate(value))
        if isinstance(value, types.ModuleType):
            return Module(self, value)
        package = _package(value)
        if value is onp.float32 or value is onp.float64:        # called on a number, it rounds it
            return Function(self, value, lambda number: self.call(value, number))
        if isinstance(value, type):
            known = issubclass(value, (BaseException, tuple)) or package in ('mxnet', 'numpy')
            return value if known else Outsider(f'the class {name}')
        if package in _AS_THEY_ARE:
            return value
        if callable(value) and (package in _LIBRARIES or _known_operations().get(id(value))):
            return self.library(value)
        if isinstance(value, types.FunctionType):
            return Function(self, value, lambda *args, **options:
                            self.copy_once(value)(*args, **options))
        return Outsider(f'{name}, {describe(value)} from outside its arguments')

    @functools.cache      # noqa: B019 - a tracer lives as long as one trace
    def copy_once(self, function):
        return self.copy(function)

    def library(self, function):
        op, kind = _known_operations().get(id(function), (None, None))
        name = f'{getattr(function, "__module__", _package(function))}.{function.__name__}'
        is_math = _package(function) == 'math'

        def call(*args, **options):
            if op and any(isinstance(arg, Array) for arg in (*args, *options.values())):
                if kind != self.kind:
                    raise TypeError(f'calls {name} of an mx.{self.kind} array')
                return self.apply(op, *args, **options)
            if op in ('zeros', 'ones', 'full'):
                return self._filled(op, *args, **options)
            if options or not (op or is_math):
                raise Untraceable(f'calls {name}, which is not known to work element by element')
            return self.call(function, *args)

        return Function(self, function, call)

    def _filled(self, op, shape, *value, **options):
        dtype = _dtype_name(options.pop('dtype', None) or 'float32')
        options.pop('ctx', None)
        value = value or tuple(options.pop(k) for k in ('fill_value', 'val') if k in options)
        value = value or (0 if op == 'zeros' else 1,)
        if options:
            raise Untraceable(f'{op} with the option {", ".join(options)}')
        shape = shape if isinstance(shape, tuple) else (shape,)
        return Array(self, Element('const', value[:1], shape, dtype))

    def attribute(self, module, name):
        package = module.__name__.split('.')[0]
        if package not in _LIBRARIES + _AS_THEY_ARE:
            getattr(module, name)           # raises what the reader would see
            return self.outside(vars(module), name)
        value = getattr(module, name)
        if isinstance(value, (int, float)) or package in _AS_THEY_ARE:
            return value
        return self.stand_in(value, f'{module.__name__}.{name}')

    def _builtins(self):
        world = {name: Outsider(f'{name}(), whose effect a loop over memory cannot have')
                 for name in dir(builtins)}
        world.update({name: value for name, value in vars(builtins).items()
                      if name in _SAFE_BUILTINS
                      or isinstance(value, type) and issubclass(value, BaseException)})
        for function in float, int:
            world[function.__name__] = Function(self, function, functools.partial(
                self._convert, function))
        for function in max, min:
            world[function.__name__] = Function(self, function, functools.partial(
                self._extreme, function))
        world['isinstance'] = self._isinstance
        world['__import__'] = lambda *args: self.stand_in(builtins.__import__(*args), args[0])
        return world

    def _convert(self, function, *args):
        if function is float and len(args) == 1 and isinstance(args[0], Array):
            if self.kind == 'nd':
                raise TypeError('float() takes no mx.nd array')
            return self.item(args[0])
        if any(isinstance(arg, (Array, Number)) for arg in args):
            return self.call(function, *args)
        return function(*args)

    def _extreme(self, function, *args, **options):
        if options or len(args) == 1 or any(isinstance(arg, Array) for arg in args):
            return function(*args, **options)       # by comparing, and so by branches
        return self.call(function, *args)

    def _isinstance(self, value, classes):
        classes = classes if isinstance(classes, tuple) else (classes,)
        classes = tuple(c.function if isinstance(c, Function) else c for c in classes)
        if isinstance(value, Array):
            return issubclass(self.array_class, classes)
        if isinstance(value, Number):
            if value.from_arrays:
                raise Untraceable('asks for the type of a number computed from arrays')
            return isinstance(value.value, classes)     # the types of all inputs are guarded
        if isinstance(value, Hyperparams):
            return issubclass(dict, classes)
        return isinstance(value, classes)

    def _check_stores(self, function):
        """Refuse a function that assigns outside itself, which its copy would not do."""
        for code in _codes(function.__code__):
            starts, line = dict(dis.findlinestarts(code)), code.co_firstlineno
            for instruction in dis.get_instructions(code):
                line = starts.get(instruction.offset) or line
                op, name = instruction.opname, instruction.argval
                if (op in ('STORE_GLOBAL', 'DELETE_GLOBAL', 'STORE_ATTR', 'DELETE_ATTR')
                        or op == 'STORE_DEREF' and name in function.__code__.co_freevars):
                    raise Untraceable(f'assigns to {name}, outside its arguments',
                                      code.co_filename, line)


def _dtype_name(dtype):
    """The name of a dtype; NumPy's classes may come as stand-ins."""
    return onp.dtype(getattr(dtype, 'function', dtype)).name


def _package(value):
    """The package that an object comes from."""
    # MXNet's generated functions lack a true __module__, and NumPy's have none
    module = getattr(value, '__globals__', {}).get('__name__') or getattr(value, '__module__', None)
    return (module or type(value).__module__).split('.')[0]


def _codes(code):
    """A code object and those of the functions defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _global_names(code):
    return {instruction.argval for each in _codes(code)
            for instruction in dis.get_instructions(each)
            if instruction.opname in ('LOAD_GLOBAL', 'LOAD_NAME')}


@functools.cache
def _known_operations():
    """id of a function of MXNet's or NumPy's -> (the operation, the kind of arrays it takes)."""
    known = {}
    for module, kind in (nd, 'nd'), (onp, 'np'), (onp.linalg, 'np'), (np, 'np'), (np.linalg, 'np'):
        for name, op in OPERATIONS.items():
            if hasattr(module, name):
                known[id(getattr(module, name))] = op, kind
    return known
