"""Write a trace down as Python: loops over memory, and the step that calls them.

A `Loop` passes once over the elements of a parameter, its gradient and its states; numba compiles
it. What the rule computes once a call, the step computes in plain Python and hands to the loops as
arguments. All that a loop reads is the memory before the call, and all writing is left to the
last loop of each parameter, so a step that meets an unforeseen branch can stop and nothing has
happened yet.
"""
import builtins
import functools
import hashlib
import itertools
import keyword
import math
import os
import sys
import tempfile
import types
from pathlib import Path

import numpy as onp

from gluon_opt import GluonOptError
from gluon_opt._standins import BINARY, REDUCTIONS, Element, Number

_PRECEDENCE = {**dict.fromkeys(BINARY, 4), '|': 5, '&': 7, '+': 9, '-': 9, **dict.fromkeys(
    ['*', '/', '//', '%'], 10), 'neg': 11, '~': 11, '**': 12}
_ATOM = 99

# Operations that are not Python's or the math module's, as MXNet computes them: in the loop, where
# numba compiles them, and in the step.
_HELPERS = {
    'square': 'def square(x):\n    return x * x\n',
    'cube': 'def cube(x):                 # rounded once, like x ** 3\n'
            '    return real(float64(x) * x * x)\n',
    'sign': 'def sign(x):                 # 0 for nan, as in MXNet\n'
            '    return real(x > 0) - real(x < 0)\n',
    'maximum': 'def maximum(a, b):\n    return a if a > b or a != a else b\n',
    'minimum': 'def minimum(a, b):\n    return a if a < b or a != a else b\n',
    'clip': 'def clip(x, low, high):\n    return high if x > high else low if x < low else x\n',
    'where': 'def where(condition, a, b):\n    return a if condition else b\n',
    # x ** 0.5 differs from sqrt(x) in -0 and -inf
    'root': 'def root(x):\n    return real(inf) if x == -inf else abs(sqrt(x))\n',
    # MXNet's sum and norm, rounding included: the norm loses digits, but so it does in the book's
    # form, and the branch that a rule takes may hang on the last of them
    'add': 'def add(total, lost, x):\n'
           '    x = x - lost\n'
           '    return total + x, (total + x - total) - x\n',
    'add_square': 'def add_square(total, scale, x):\n'
                  '    x = abs(x)\n'
                  '    if scale < x:\n'
                  '        ratio = scale / x\n'
                  '        return real(1) + total * ratio * ratio, x\n'
                  '    if x == 0:\n'
                  '        return total, scale\n'
                  '    ratio = x / scale\n'
                  '    return total + ratio * ratio, scale\n',
}
_NEEDS = {'root': ['inf', 'sqrt']}
_NUMPY = {'floor', 'ceil', 'cbrt', 'log2'}      # in numba, math's give whole numbers or lack
_MATH = {'sqrt', 'exp', 'log', 'log10', 'log1p', 'expm1', 'sin', 'cos', 'tan', 'sinh', 'cosh',
         'tanh', 'isnan', 'isinf', 'isfinite', 'inf', 'nan'}
_RESERVED = {*_HELPERS, *_NUMPY, *_MATH, *keyword.kwlist, 'i', 'real', 'njit', 'float32', 'float64',
             'range', 'abs'}
_RESERVED_IN_STEP = {*_RESERVED, *dir(builtins), 'math', 'hyperparams', 'differs'}


class _Names:
    """Gives out names, none twice."""

    def __init__(self, reserved):
        self.taken = set(reserved)

    def unique(self, wish):
        name = wish
        for i in itertools.count(2):
            if name not in self.taken:
                self.taken.add(name)
                return name
            name = f'{wish}_{i}'

    def numbered(self, letter):
        return self.unique(next(f'{letter}{i}' for i in itertools.count(1)
                                if f'{letter}{i}' not in self.taken))


def _write(op, operands):
    """An expression and its precedence, of operands that are such pairs themselves."""
    mine = _PRECEDENCE.get(op, _ATOM)
    if op in ('neg', '~'):
        text, precedence = operands[0]
        symbol = '-' if op == 'neg' else 'not ' if op == '~' else op
        if op == '~':
            return f'({symbol}{text})', _ATOM
        return symbol + (text if precedence > mine else f'({text})'), mine
    if mine is _ATOM:
        return f'{op}({", ".join(text for text, _ in operands)})', _ATOM
    (left, left_is), (right, right_is) = operands
    strict = op == '**' or mine == 4            # a ** b ** c and a < b < c mean something else
    left = f'({left})' if left_is < mine or strict and left_is == mine else left
    right = f'({right})' if right_is <= mine else right
    return f'{left} {op} {right}', mine


# ---- loops ----

class Loop:
    """One pass over the elements of arrays of one size.

    Attributes:
        name: of the generated function.
        leaves: the arrays it takes.
        arguments: the Numbers, and the Elements equal for all indices, that it takes after them.
        lines: the Elements that get a line each, in this order.
        called: id of an Element or argument -> its name.
        source: the module that numba compiles; it is given `njit`.
    """

    def __init__(self, name, dtype, stores=(), reductions=()):
        self.dtype, self.stores, self.reductions = dtype, stores, reductions
        self.arguments, self.leaves = [], []
        self._functions = set()
        self._elements = self._collect()
        names = _Names(_RESERVED)
        self.name = names.unique(name)
        self._name_all(names)
        self.source = self._source()

    def _collect(self):
        """The Elements to compute, each after its operands; notes arrays and arguments."""
        found, arguments, leaves = {}, {}, {}

        def argument(value):
            value = _uniform(value)
            if isinstance(value, Number) or isinstance(value, Element) and value.leaf is None:
                arguments.setdefault(id(value), value)

        def visit(value):
            value = _uniform(value)
            if isinstance(value, Element) and value.leaf and id(value) not in found:
                found[id(value)] = value
                if value.op == 'load':
                    leaves[value.leaf.index] = value.leaf
                for arg in value.args:
                    visit(arg)

        for leaf, value in self.stores:
            leaves[leaf.index] = leaf
            visit(value)
        for reduction in self.reductions:
            visit(reduction.args[0])
        elements = sorted(found.values(), key=lambda element: element.serial)
        for element in elements:
            for arg in element.args:
                argument(arg)
        for value in [v for _, v in self.stores] + [r.args[0] for r in self.reductions]:
            argument(value)
        self.arguments = list(arguments.values())
        self.leaves = [leaves[index] for index in sorted(leaves)]
        return elements

    def _name_all(self, names):
        """Choose which Elements get a line, and what everything is called."""
        uses = {}
        for element in self._elements:
            for arg in element.args:
                uses[id(arg)] = uses.get(id(arg), 0) + 1
        stored = {id(value) for _, value in self.stores}
        lines = [e for e in self._elements if e.op == 'load' or e.name or id(e) in stored
                 or uses.get(id(e), 0) > 1]
        is_line = {id(e) for e in lines}
        last = dict.fromkeys(stored, math.inf)          # the last line that reads each of them

        def read(value, place):
            for arg in value.args:
                if isinstance(arg, Element) and arg.leaf:
                    if id(arg) in is_line:
                        last[id(arg)] = max(last.get(id(arg), 0), place)
                    else:
                        read(arg, place)

        for place, element in enumerate(lines):
            read(element, place)
        for reduction in self.reductions:
            read(reduction, math.inf)

        self.called, holder = {}, {}
        arrays = [(names.unique(_capital(leaf.name)), leaf) for leaf in self.leaves]
        self._arrays = {leaf.index: name for name, leaf in arrays}
        for argument in self.arguments:
            self.called[id(argument)] = (names.unique(argument.name) if argument.name
                                          else names.numbered('c'))
        for place, element in enumerate(lines):
            wish = element.leaf.name if element.op == 'load' else element.name
            before = holder.get(wish)
            if before and last.get(id(before), 0) <= place and before.dtype == element.dtype:
                self.called[id(element)] = self.called[id(before)]
            else:
                self.called[id(element)] = names.unique(wish) if wish else names.numbered('a')
            holder[wish] = element
        self.lines = [e for e in lines if e.op != 'load']
        self._totals = [names.unique(r.name or f'{r.op}_of_{_word(self, r.args[0])}')
                        for r in self.reductions]
        self._rests = [names.unique(f'rest_of_{total}') for total in self._totals]

    def _text(self, value):
        """An expression for an operand, and its precedence."""
        value = _uniform(value)
        if id(value) in self.called:
            return self.called[id(value)], _ATOM
        if isinstance(value, Element):
            return self._compute(value)
        literal = f'{float(value)!r}'
        self._functions.update({'inf', 'nan'} & {literal.lstrip('-')})
        return f'real({literal})', _ATOM

    def _compute(self, element):
        operands = [self._text(arg) for arg in element.args]
        op = element.op
        if op == 'cast':
            op = 'real'
        if op == 'square' and operands[0][1] is _ATOM and '(' not in operands[0][0]:
            op, operands = '*', operands * 2
        if op in _HELPERS or op in _MATH or op in _NUMPY:
            self._functions.add(op)
        return _write(op, operands)

    def _source(self):
        arrays = [self._arrays[leaf.index] for leaf in self.leaves]
        numbers = [self.called[id(argument)] for argument in self.arguments]
        body = []
        loads = [leaf for leaf in self.leaves if id(leaf.load) in self.called]
        if loads:
            body.append(', '.join(self.called[id(leaf.load)] for leaf in loads) + ' = '
                        + ', '.join(f'{self._arrays[leaf.index]}[i]' for leaf in loads))
        for element in self.lines:
            body.append(f'{self.called[id(element)]} = {self._compute(element)[0]}')
        before, after = [], []
        for total, rest, reduction in zip(self._totals, self._rests, self.reductions):
            self._reduce(total, rest, reduction, arrays[0], before, body, after)
        if self.stores:
            body.append(', '.join(f'{self._arrays[leaf.index]}[i]' for leaf, _ in self.stores)
                        + ' = ' + ', '.join(self._text(value)[0] for _, value in self.stores))
        for start in range(0, len(numbers), 4):
            some = numbers[start:start + 4]
            before.insert(start // 4, f'{", ".join(some)} = '
                                      + ', '.join(f'real({number})' for number in some))
        lines = [f'@njit((real[::1],) * {len(arrays)} + (float64,) * {len(numbers)})',
                 f'def {self.name}({", ".join(arrays + numbers)}):',
                 *(f'    {line}' for line in before),
                 f'    for i in range({arrays[0]}.size):',
                 *(f'        {line}' for line in body)]
        if after:
            lines.append(f'    return {", ".join(after)},')
        return _header(self.dtype, self._functions) + '\n'.join(map(_wrapped, lines)) + '\n'

    def _reduce(self, total, rest, reduction, array, before, body, after):
        op, x = reduction.op, self._text(reduction.args[0])[0]
        if op in ('max', 'min'):
            self._functions.update([f'{op}imum', 'inf'])
            before.append(f'{total} = real({"-" if op == "max" else ""}inf)')
            body.append(f'{total} = {op}imum({total}, {x})')
            after.append(total)
            return
        adder = 'add_square' if op == 'norm' else 'add'
        self._functions.add(adder)
        before.append(f'{total} = {rest} = real(0)')
        body.append(f'{total}, {rest} = {adder}({total}, {rest}, {x})')
        if op == 'norm':
            self._functions.add('sqrt')
            after.append(f'{rest} * sqrt({total})')
        else:
            after.append(total if op == 'sum' else f'float64({total}) * (1 / {array}.size)')


def _uniform(value):
    """What fills an array of equal elements: a number, or an Element computed in the step."""
    while isinstance(value, Element) and value.op == 'const':
        value = value.args[0]
    return value


def _capital(name):
    """The name of an array whose elements are called `name`."""
    return name.upper() if name.upper() != name else f'{name}_'


def _word(loop, element):
    return loop.called.get(id(element), 'sum' if element.op in ('+', '-') else 'value')


def _wrapped(line, width=98):
    """A long line of code, broken after commas where these are inside brackets."""
    statement = line.lstrip()
    if statement.startswith('return') or '= ' in line and not statement.startswith(('def', '@')):
        return line
    indent = ' ' * (len(line) - len(line.lstrip()) + 8)
    out = []
    while len(line) > width and ', ' in line[len(indent):width]:
        cut = line.rindex(', ', 0, width) + 1
        out.append(line[:cut])
        line = indent + line[cut + 1:]
    return '\n'.join([*out, line])


def _header(dtype, functions):
    functions = {*functions, *itertools.chain(*(_NEEDS.get(f, ()) for f in functions))}
    lines = []
    for module, names in ('math', _MATH), ('numpy', _NUMPY):
        if functions & names:
            lines.append(f'from {module} import {", ".join(sorted(functions & names))}')
    lines += [f'from numba import {dtype} as real, float64', '']
    for name in sorted(functions & set(_HELPERS)):
        lines += ['', f'@njit\n{_HELPERS[name]}']
    return '\n'.join(lines) + '\n\n'


# ---- the step ----

class Step:
    """What happens once a call: numbers, the loops that sum up, branches, the loops that write.

    Attributes:
        calls: (name in the step, Loop) of every call of a loop.
        source: of the function `step(hyperparams)`. It returns None, or, before anything was
            written, the place of the branch whose outcome is not the traced one.
        namespace: what the step needs beside the loops.
        code: the compiled function.
    """

    def __init__(self, trace):
        self.trace = trace
        self.calls, self._lines, self._called = [], [], {}
        self._names = _Names(_RESERVED_IN_STEP)
        self.namespace = {'math': math, 'differs': _differs, **_python_helpers()}
        self.sums_up = False
        self._write_lines()
        self.source = 'def step(hyperparams):\n' + '\n'.join(
            f'    {line}' for line in self._lines or ['pass']) + '\n'
        module = compile(self.source, f'<step of {trace.name}>', 'exec')
        self.code = next(c for c in module.co_consts if isinstance(c, types.CodeType))

    def _write_lines(self):
        trace = self.trace
        for source, value in trace.fixed.items():
            name = self._bind('fixed', value)
            self._lines.append(f'if differs({source}, {name}): return -1')
        stores = {}
        for leaf in trace.leaves:
            if leaf.value is not leaf.load:
                stores.setdefault(leaf.group.index, []).append((leaf, leaf.value))
        self._reductions = self._group_reductions(stores)
        for place, (number, outcome) in enumerate(trace.guards):
            condition = self._number(number)
            self._lines.append(f'if {f"not ({condition})" if outcome else condition}: '
                               f'return {place}')
        loops = [Loop(_identifier(trace.name), group[0][0].dtype, stores=group)
                 for group in stores.values()]
        arguments = [self._arguments(loop) for loop in loops]
        values = {key: self._number(value) if isinstance(value, Number) else repr(value)
                  for key, value in trace.writes.items()}
        for loop, args in zip(loops, arguments):
            self._lines.append(f'{self._call(loop)}({args})')
        for key, value in values.items():
            self._lines.append(f'hyperparams[{key!r}] = {value}')

    def _call(self, loop):
        name = self._names.unique(loop.name)
        self.calls.append((name, loop))
        return name

    def _arguments(self, loop):
        return ', '.join(self._value(argument) for argument in loop.arguments)

    def _value(self, value):
        if isinstance(value, Number):
            return self._number(value)
        return self._uniform(value)

    def _bind(self, wish, value):
        """A name for an object that the step needs."""
        for name, bound in self.namespace.items():
            if bound is value:
                return name
        name = self._names.unique(wish)
        self.namespace[name] = value
        return name

    def _assign(self, node, text):
        name = self._names.unique(node.name) if node.name else self._names.numbered('c')
        self._called[id(node)] = name
        self._lines.append(f'{name} = {text}')
        return name

    # -- numbers --

    def _number(self, number):
        """The name of a Number, computed by now."""
        if id(number) in self._called:
            return self._called[id(number)]
        if number.op == 'input':
            name = self._assign(number, number.args[0])
            kind = type(number.value)
            self.namespace[kind.__name__] = kind
            self._lines.append(f'if type({name}) is not {kind.__name__}: return -1')
            return name
        if number.op == 'const':
            return self._assign(number, self._literal(number.value))
        if number.op == 'item':
            element = number.args[0]
            text = self._uniform(element)
            if self.trace.kind == 'np' and element.dtype != 'bool':
                return self._assign(number, f'float({text})')
            self._called[id(number)] = text
            return text
        return self._assign(number, self._expression(number)[0])

    def _expression(self, number):
        if number.op == 'call':
            function, *args = number.args
            module, name = getattr(function, '__module__', None), function.__name__
            if module == 'math':
                name = f'math.{name}'
            elif module != 'builtins':
                name = self._bind(f'{name}_', function)
            return _write(name, [self._operand(arg) for arg in args])
        return _write(number.op, [self._operand(arg) for arg in number.args])

    def _operand(self, arg):
        """A simple unnamed expression stands where it is used; the rest has a line of its own."""
        if not isinstance(arg, Number):
            text = self._literal(arg)
            return text, 0 if text.startswith('-') else _ATOM
        if arg.name is None and arg.op not in ('input', 'item', 'call') \
                and id(arg) not in self._called:
            return self._expression(arg) if arg.op != 'const' else (self._literal(arg.value), 0)
        return self._number(arg), _ATOM

    def _literal(self, value):
        if type(value) in (int, bool) or type(value) is float and math.isfinite(value):
            return repr(value)
        return self._bind('constant', value)

    # -- numbers computed from arrays, in the precision of the arrays --

    def _uniform(self, element):
        if id(element) in self._called:
            return self._called[id(element)]
        if element.op in REDUCTIONS:
            self._sum_up(element)
            return self._called[id(element)]
        if element.op == 'const':
            return self._assign(element, self._typed(element.args[0], element.dtype)[0])
        dtype = next((arg.dtype for arg in element.args if isinstance(arg, Element)
                      and arg.dtype != 'bool'), element.dtype)
        operands = [self._typed(arg, dtype) for arg in element.args]
        op = element.dtype if element.op == 'cast' else element.op
        return self._assign(element, _write(op, operands)[0])

    def _typed(self, arg, dtype):
        if isinstance(arg, Element):
            return self._uniform(arg), _ATOM
        text = self._number(arg) if isinstance(arg, Number) else self._literal(arg)
        return f'{dtype}({text})', _ATOM

    def _group_reductions(self, stores):
        """Reductions -> those that one loop computes: same arrays, equally deep."""
        depths, groups = {}, {}

        def depth(value):
            if not isinstance(value, (Element, Number)):
                return 0
            if id(value) not in depths:
                inner = max(map(depth, value.args), default=0)
                if isinstance(value, Element) and value.op in REDUCTIONS:
                    inner += 1
                    leaf = value.args[0].leaf.group
                    groups.setdefault((leaf.index, inner), []).append(value)
                depths[id(value)] = inner
            return depths[id(value)]

        for value in [*(number for number, _ in self.trace.guards), *self.trace.writes.values(),
                      *(value for group in stores.values() for _, value in group)]:
            depth(value)
        self.sums_up = bool(groups)
        return {id(value): group for group in groups.values() for value in group}

    def _sum_up(self, reduction):
        group = self._reductions[id(reduction)]
        loop = Loop(f'{_identifier(self.trace.name)}_{group[0].op}', group[0].dtype,
                    reductions=group)
        args = self._arguments(loop)
        names = []
        for each in group:
            name = self._names.unique(each.name) if each.name else self._names.numbered('c')
            self._called[id(each)] = name
            names.append(name)
        self._lines.append(f'{", ".join(names)}, = map({group[0].dtype}, '
                           f'{self._call(loop)}({args}))')


def _differs(value, traced):
    return type(value) is not type(traced) or value != traced


def _identifier(name):
    return name if name.isidentifier() else 'rule'


@functools.cache
def _python_helpers():
    """The operations for NumPy's scalars."""
    names = {name: getattr(onp, name) for name in (*_NUMPY, *_MATH)}
    names.update(real=onp.float32, float32=onp.float32, float64=onp.float64)
    for text in _HELPERS.values():
        exec(text, names)
    return names


# ---- compiling ----

def compiled(loop):
    """The machine code of a loop, from the user's cache if it was compiled before."""
    return _compiled(loop.source, loop.name)


@functools.cache
def _compiled(source, name):
    import numba  # half a second, so only when it is needed

    digest = hashlib.sha256(f'{numba.__version__}\n{source}'.encode()).hexdigest()[:16]
    file = _cache_file(f'{name}_{digest}.py', source)
    module = types.ModuleType(f'gluon_opt.fused.{name}_{digest}')
    sys.modules[module.__name__] = module       # numba's cache refers to it by its name
    for place in [file, None] if file else [None]:
        module.njit = functools.partial(numba.njit, nogil=True, error_model='numpy',
                                        cache=place is not None)
        try:
            exec(compile(source, str(place or module.__name__), 'exec'), vars(module))
            break
        except Exception as failure:    # at first, whatever a damaged file in the cache leads to
            if place is None:
                reason = str(failure).strip().splitlines()[-1]
                raise GluonOptError(f'{name}: numba cannot compile it ({reason})') from failure
    return getattr(module, name)


def _cache_file(name, source):
    """A file that holds `source`, beside which numba keeps the machine code; None if it cannot."""
    import pooch

    file = Path(pooch.os_cache('gluon_opt')) / 'fused' / name
    try:
        if not file.exists():           # numba takes a newer file for a changed one
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile('w', dir=file.parent, delete=False) as new:
                new.write(source)
            os.replace(new.name, file)
        with tempfile.TemporaryFile(dir=file.parent):
            return file
    except OSError:
        return None
