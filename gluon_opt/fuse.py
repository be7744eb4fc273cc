"""fuse: a book-shaped function as one compiled loop over memory. formula: its LaTeX.

Both run the function once on stand-ins, which note what is computed (`_tracing`). `fuse` writes it
down as a loop over the elements and compiles that (`_emit`); `formula` writes it down as LaTeX.
"""
import ctypes
import functools
import os
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as onp
from mxnet import nd, np
from mxnet.base import _LIB, check_call

from gluon_opt import GluonOptError
from gluon_opt._emit import Step, compiled
from gluon_opt._standins import COMPARISONS, REDUCTIONS, Element, Number
from gluon_opt._tracing import Signature, trace

PARALLEL_FROM = 10**6       # elements; below, handing work to threads costs more than it saves
KEPT_CALLS = 8              # sets of arrays that a fused function remembers
KEPT_TRACES = 16            # outcomes of branches that it remembers


def fuse(rule, *, fallback=False):
    """Make one loop over memory of a book-shaped function.

    The result computes what the rule computes, operation by operation in the same precision; only
    powers such as `x ** 2` may differ in the last digit. It waits until MXNet's pending operations
    are finished and works on the arrays' memory, so these must be dense, on the CPU, and float32
    or float64; a call with other arrays runs the rule itself and says so, once.

    Args:
        rule: a function `(params, states, hyperparams)`, ours or the reader's.
        fallback: run the rule itself, saying so once, where it cannot be fused.

    Returns:
        A function with the same arguments and effect. Its `source` is the generated code,
        `__wrapped__` the rule.

    Raises:
        GluonOptError: the rule does what a loop cannot do: branches on the values of arrays, calls
            an unknown function, has side effects... The message has the line and the reason.
            What depends on the arguments is found out, and raised, when it is called.
    """
    return rule if isinstance(rule, Fused) else Fused(rule, fallback)


class Fused:
    """A rule that runs as a compiled loop; see `fuse`."""

    def __init__(self, rule, fallback=False):
        if not isinstance(rule, types.FunctionType):
            raise GluonOptError('fuse takes a Python function (params, states, hyperparams), got '
                                f'{rule!r}')
        functools.update_wrapper(self, rule)
        self._fallback = fallback
        self._said = set()
        self._calls = {}            # identities of the arrays -> _Call
        self._steps = {}            # Signature -> [Step], for different outcomes of branches
        self._latest = None
        try:
            self._latest = Step(typical_trace(rule))
        except GluonOptError as refusal:
            # A branch on a made-up hyperparameter may have led there; then a call decides.
            if refusal.certain and not fallback:
                raise

    @property
    def source(self):
        """The generated code: the loops, and the step that calls them.

        It is that of the last call with new shapes or branches; before, that for one parameter.
        """
        if self._latest is None:
            raise GluonOptError(f'{self.__name__}: the loop is not known before the first call')
        loops = dict.fromkeys(loop.source for _, loop in self._latest.calls)
        return '\n\n'.join([*loops, self._latest.source])

    def __repr__(self):
        return f'fuse({self.__name__})'

    def __call__(self, params, states, hyperparams):
        params = [*params]
        arrays = params + [p.grad for p in params]
        tree = _tree(states, arrays)
        check_call(_LIB.MXNDArrayWaitAll())
        pointers = _pointers(arrays)
        key = tree, *map(id, params), *map(id, arrays[2 * len(params):])
        call = self._calls.get(key)
        if call is None or call.pointers != pointers:
            call = self._remember(key, _Call(tree, len(params), arrays, pointers), arrays)
        for i, (step, run) in enumerate(call.steps):
            if _unchanged(step.trace.outside) and run(hyperparams) is None:
                if i:
                    call.steps.insert(0, call.steps.pop(i))
                return
        self._first_call(call, params, states, hyperparams)

    # -- what happens once for new arrays, or for a new outcome of a branch --

    def _remember(self, key, call, arrays):
        while len(self._calls) >= KEPT_CALLS:
            self._calls.pop(next(iter(self._calls)), None)

        def forget(_):
            self._calls.pop(key, None)

        for i, array in enumerate(arrays):
            if not call.count <= i < 2 * call.count:        # a gradient is a new object each time
                call.owners.append(_reference(array, forget))
        self._calls[key] = call
        return call

    def _first_call(self, call, params, states, hyperparams):
        """Run a call for which no step is bound yet: find one or trace one, or run the rule."""
        if call.unsuited:
            self._say(call.unsuited)
        else:
            try:
                if self._find(call, hyperparams) or self._trace(call, hyperparams):
                    return
                self._say('its branches do not come out the same twice')
            except _Overlap:
                self._say('some of its arrays share memory')
            except GluonOptError as refusal:
                if not self._fallback:
                    raise
                self._say(str(refusal))
        self.__wrapped__(params, states, hyperparams)

    def _find(self, call, hyperparams):
        """Run a step that was traced for other arrays of the same shapes, if one fits."""
        tried = [step for step, _ in call.steps]
        for step in self._steps.get(call.signature, []):
            if step not in tried and _unchanged(step.trace.outside):
                if call.bind(step)(hyperparams) is None:
                    return True
        return False

    def _trace(self, call, hyperparams):
        """Trace until the branches come out as traced, which only those on arrays may not."""
        decided = ()
        for _ in range(KEPT_TRACES):
            step = Step(trace(self.__wrapped__, call.signature, hyperparams, decided=decided))
            steps = self._steps.setdefault(call.signature, [])
            steps.insert(0, step)
            del steps[KEPT_TRACES:]
            self._latest = step
            place = call.bind(step)(hyperparams)
            if place is None:
                return True
            outcomes = [outcome for _, outcome in step.trace.guards[:place + 1]]
            decided = [*outcomes[:-1], not outcomes[-1]] if outcomes else ()
        return False

    def _say(self, reason):
        if reason not in self._said:
            self._said.add(reason)
            print(f'{self.__name__}: not fused, running the rule itself ({reason})')


def _tree(states, arrays):
    """The structure of the states, with places in `arrays`, to which their arrays are added."""
    if isinstance(states, nd.NDArray):
        arrays.append(states)
        return len(arrays) - 1
    if states is None:
        return None
    if isinstance(states, (tuple, list)):
        return tuple([_tree(each, arrays) for each in states])
    raise GluonOptError('states must be arrays, None, or tuples or lists of them; got '
                        f'{states!r}')


def _pointers(arrays):
    """Where the memory of each array is; it can move, so this is asked at every call."""
    get, found = _LIB.MXNDArrayGetData, []
    pointer = ctypes.c_void_p()         # not shared: another thread may run during the call
    pointer_to = ctypes.byref(pointer)
    for array in arrays:
        if array is None:
            found.append(None)
        else:
            check_call(get(array.handle, pointer_to))
            found.append(pointer.value)
    return found


def _reference(array, forget):
    """What tells us when an array is gone; nd arrays cannot tell and are kept instead."""
    try:
        return weakref.ref(array, forget)
    except TypeError:
        return array


def _unchanged(outside):
    """Whether the globals and closures that a trace read are still the same objects."""
    for namespace, name, value in outside:
        if name is None:
            if namespace.cell_contents is not value:
                return False
        elif namespace.get(name) is not value:
            return False
    return True


# ---- the arrays of a call ----

class _Overlap(Exception):
    pass


class _Call:
    """One set of arrays, and the steps bound to their memory.

    Attributes:
        count: how many parameters there are.
        pointers: to the memory of parameters, gradients and states, in this order.
        unsuited: why the arrays cannot be handed to a loop, or None.
        signature: what a trace needs to know of the arrays.
        steps: pairs of a Step and the function of the hyperparameters that it is for this memory.
    """

    def __init__(self, tree, count, arrays, pointers):
        self.count, self.pointers = count, pointers
        self.owners, self.steps = [], []
        kinds = {'np' if isinstance(a, np.ndarray) else 'nd' for a in arrays if a is not None}
        self.unsuited = _why_unsuited(arrays, kinds)
        if self.unsuited is None:
            specs = tuple(a if a is None else (a.shape, onp.dtype(a.dtype).name) for a in arrays)
            self.signature = Signature(*kinds or {'np'}, count, specs, tree)
            self.views = [a if a is None else _view(pointer, a.size, spec[1])
                          for a, pointer, spec in zip(arrays, pointers, specs)]

    def bind(self, step):
        """The step as a function of the hyperparameters alone."""
        self._check_overlaps({leaf.index for leaf in step.trace.leaves
                              if leaf.value is not leaf.load})
        namespace = dict(step.namespace)
        for name, loop in step.calls:
            views = [self.views[leaf.index] for leaf in loop.leaves]
            kernel = compiled(loop)
            split = loop.stores and views[0].size >= PARALLEL_FROM
            namespace[name] = _in_threads(kernel, views) if split else functools.partial(
                kernel, *views)
        run = types.FunctionType(step.code, namespace)
        if step.sums_up:                # NumPy's scalars, unlike arrays of MXNet's, warn of nan
            run = onp.errstate(all='ignore')(run)
        self.steps.insert(0, (step, run))
        del self.steps[KEPT_TRACES:]
        return run

    def _check_overlaps(self, written):
        spans = sorted((view.ctypes.data, view.nbytes, index)
                       for index, view in enumerate(self.views) if view is not None)
        for (start, size, first), (following, _, second) in zip(spans, spans[1:]):
            if following < start + size and {first, second} & written:
                raise _Overlap


def _why_unsuited(arrays, kinds):
    if len(kinds) > 1:
        return 'it was given both np and nd arrays'
    for array in arrays:
        if array is None:
            continue
        if array.stype != 'default' or array.ctx.device_type != 'cpu':
            return f'an array is {array.stype} on {array.ctx}'
        if onp.dtype(array.dtype).name not in ('float32', 'float64'):
            return f'an array is {onp.dtype(array.dtype).name}'
        if array.size == 0:
            return 'an array is empty'
    return None


@functools.lru_cache(maxsize=1024)      # making one takes longer than a small update
def _view(pointer, size, dtype):
    """The memory at `pointer` as a flat NumPy array; whoever uses it keeps the memory alive."""
    nbytes = size * onp.dtype(dtype).itemsize
    return onp.frombuffer((ctypes.c_char * nbytes).from_address(pointer), dtype)


def _in_threads(kernel, views):
    """`kernel` on these arrays, each thread with a part of them."""
    size, parts = views[0].size, _cores()
    # whole cache lines, so that no two threads write to the same
    length = -(-size // parts // 64) * 64
    chunks = [[view[start:start + length] for view in views] for start in range(0, size, length)]

    def run(*numbers):
        others = [_pool().submit(kernel, *chunk, *numbers) for chunk in chunks[1:]]
        kernel(*chunks[0], *numbers)
        for other in others:
            other.result()
    return run


def _cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:              # macOS
        return os.cpu_count()


@functools.cache
def _pool():
    return ThreadPoolExecutor(max(1, _cores() - 1), thread_name_prefix='gluon_opt.fuse')


os.register_at_fork(after_in_child=_pool.cache_clear)       # a child has none of the threads


# ---- a trace without arguments ----

# Values that take the branches of a run well under way.
_TYPICAL = {'t': 1000, 'lr': 0.01, 'beta1': 0.9, 'beta2': 0.999, 'betas': (0.9, 0.999),
            'eps': 1e-8}


class _Typical(dict):
    """Hyperparameters in which every key can be read."""

    def __missing__(self, key):
        return _TYPICAL.get(key, 0.5)

    def get(self, key, default=None):
        return _TYPICAL.get(key, default)


@functools.lru_cache(maxsize=64)
def typical_trace(rule):
    """The trace of `rule` for one parameter, with made-up hyperparameters and 0 to 4 states.

    Raises:
        GluonOptError: it cannot be traced with any number of states; `certain` tells whether that
            can be seen without arguments.
    """
    refusals = []
    for kind in 'np', 'nd':
        shape = (7, 3)
        for count in range(5):
            states = tuple(range(2, 2 + count))
            signature = Signature(kind, 1, ((shape, 'float32'),) * (2 + count),
                                  (states[0] if count == 1 else states or None,))
            try:
                return trace(rule, signature, _Typical(), invented=True)
            except GluonOptError as refusal:
                refusals.append(refusal)
            except Exception as failure:        # the rule's own, for this number of states
                refusals.append(GluonOptError(f'{rule.__name__}: {failure}'))
                refusals[-1].certain, refusals[-1].progress = False, 0
    # With the right number of states it came further than with the others.
    raise max(refusals, key=lambda refusal: (refusal.certain, refusal.progress))


# ---- formula ----

def formula(rule):
    """The update in the book's letters, as LaTeX read off the code.

    Parameters are x, gradients g, `lr` is eta; `=` names a value, an arrow changes one in place.
    Where the rule has branches it is the one taken by typical hyperparameters, which it says.

    Args:
        rule: a book-shaped function, fused or not.

    Returns:
        A `Formula`: a string that notebooks display as mathematics.

    Raises:
        GluonOptError: the rule cannot be traced; see `fuse`.
    """
    rule = rule.__wrapped__ if isinstance(rule, Fused) else rule
    return Formula(_Writer(Step(typical_trace(rule))))


class Formula(str):
    """LaTeX that a notebook displays."""

    def __new__(cls, writer):
        lines = [f'{left} &{sign} {right}' for left, sign, right in writer.lines]
        if writer.conditions:
            lines.append(rf'&\text{{if }} {" , ".join(writer.conditions)}')
        body = ' \\\\\n'.join(lines)
        return super().__new__(cls, f'\\begin{{aligned}}\n{body}\n\\end{{aligned}}')

    def _repr_latex_(self):
        return f'$$\n{self}\n$$'


_LETTERS = {'lr': r'\eta', 'momentum': r'\beta', 'eps': r'\epsilon', 'wd': r'\lambda'}
_GREEK = set('alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau '
             'phi chi psi omega'.split())
_RELATIONS = {'<': '<', '<=': r'\le', '>': '>', '>=': r'\ge', '==': '=', '!=': r'\ne'}
_OPPOSITES = {'<': '>=', '>=': '<', '>': '<=', '<=': '>', '==': '!=', '!=': '=='}
_FENCES = {'abs': (r'\left|', r'\right|'), 'norm': (r'\left\|', r'\right\|'), 'cast': '[]',
           'floor': (r'\lfloor ', r' \rfloor'), 'ceil': (r'\lceil ', r' \rceil')}
_NAMES = {'maximum': r'\max', 'minimum': r'\min', 'max': r'\max', 'min': r'\min', 'exp': r'\exp',
          'log': r'\log', 'tanh': r'\tanh', 'sin': r'\sin', 'cos': r'\cos'}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)        # how tightly the parts of an expression hold


class _Writer:
    """Writes the loop of one parameter, and what it needs, as lines (left, sign, right)."""

    def __init__(self, step):
        self.lines, self.conditions = [], []
        self._symbols = {id(leaf.load): _vector({'p': 'x', 'g': 'g'}.get(leaf.role, leaf.name))
                         for leaf in step.trace.leaves}
        for number, outcome in step.trace.guards:
            test = number.args[0] if number.op == 'item' else number
            if test.op in COMPARISONS:
                relation = test.op if outcome else _OPPOSITES[test.op]
                left, right = (self._write(arg)[0] for arg in test.args)
                self.conditions.append(f'{left} {_RELATIONS[relation]} {right}')
        for _, loop in step.calls:
            if loop.stores:
                self._write_loop(loop)

    def _write_loop(self, loop):
        memory = {leaf.name: self._symbols[id(leaf.load)] for leaf in loop.leaves}
        written = {leaf.name for leaf, _ in loop.stores}
        done = set()
        for element in loop.lines:
            right = self._write(element)[0]
            name = loop.called[id(element)]
            if name in written:
                self._line(element, memory[name], r'\leftarrow', right)
                done.add((name, id(element)))
                continue
            self._line(element, self._new(_vector(name)), '=', right)
        for leaf, value in loop.stores:
            if (leaf.name, id(value)) not in done:
                self.lines.append((memory[leaf.name], r'\leftarrow', self._write(value)[0]))

    def _new(self, symbol):
        while symbol in self._symbols.values():
            symbol += "'"
        return symbol

    def _line(self, value, left, sign, right):
        self._symbols[id(value)] = left
        self.lines.append((left, sign, right))

    def _write(self, value):
        """An expression, and how tightly it holds together."""
        if id(value) in self._symbols:
            return self._symbols[id(value)], _ATOM
        if not isinstance(value, (Element, Number)):
            return _literal(value)
        if value.op in ('input', 'const') and isinstance(value, Number):
            if not value.name:
                return _literal(value.value)
            self._symbols[id(value)] = _letter(value.name)
            return self._symbols[id(value)], _ATOM
        if value.op in ('const', 'item') or value.op == 'call' and value.args[0] in (float, int):
            return self._write(value.args[-1])
        if value.name and (isinstance(value, Number) or not value.leaf):
            if value.op not in REDUCTIONS:
                right = self._expression(value)[0]
                self._line(value, self._new(_letter(value.name)), '=', right)
                return self._symbols[id(value)], _ATOM
        return self._expression(value)

    def _expression(self, value):
        op, args = value.op, value.args
        if op == 'call':
            op, args = args[0].__name__, args[1:]
        parts = [self._write(arg) for arg in args]
        texts = [text for text, _ in parts]
        if op == '+' and texts[0] == '0':       # what sum() starts from
            return parts[1]
        if op in ('+', '-'):
            right = texts[1] if op == '+' or parts[1][1] > _SUM else f'({texts[1]})'
            return f'{texts[0]} {op} {right}', _SUM
        if op == 'neg':
            return f'-{_held(parts[0], _PRODUCT)}', _SUM
        if op == '*':
            left, right = (_held(part, _PRODUCT) for part in parts)
            vectors = all(isinstance(arg, Element) and arg.leaf for arg in args)
            sign = r' \odot ' if vectors else r' \cdot ' if right[0].isdigit() else ' '
            return f'{left}{sign}{right}', _PRODUCT
        if op == '/':
            return rf'\frac{{{texts[0]}}}{{{texts[1]}}}', _PRODUCT
        if op == '%':
            return rf'{_held(parts[0], _PRODUCT)} \bmod {_held(parts[1], _ATOM)}', _PRODUCT
        if op in ('sqrt', 'root'):
            return rf'\sqrt{{{texts[0]}}}', _ATOM
        if op in ('square', 'cube', '**'):
            exponent = {'square': '2', 'cube': '3'}.get(op) or texts[1]
            return f'{_held(parts[0], _ATOM)}^{{{exponent}}}', _POWER
        if op in _RELATIONS:
            return f'{texts[0]} {_RELATIONS[op]} {texts[1]}', _SUM
        if op in _FENCES:
            left, right = _FENCES[op]
            return f'{left}{texts[0]}{right}', _ATOM
        if op == 'where':
            return (rf'\begin{{cases}} {texts[1]} & {texts[0]} \\ {texts[2]} & '
                    r'\text{otherwise} \end{cases}'), _ATOM
        return f'{_NAMES.get(op, _upright(op))}({", ".join(texts)})', _ATOM


def _held(part, tightness):
    text, held = part
    return text if held >= tightness else f'({text})'


def _literal(value):
    mantissa, _, exponent = f'{value:.12g}'.partition('e')
    if exponent:
        power = f'10^{{{int(exponent)}}}'
        return (power if mantissa == '1' else rf'{mantissa} \cdot {power}'), _PRODUCT
    return mantissa, _SUM if mantissa.startswith('-') else _ATOM


def _upright(name):
    return rf'\operatorname{{{name}}}'.replace('_', r'\_')


def _letter(name, bold=False):
    """The symbol of a name such as beta1, v_hat, v_bias_corr, s_max or lr."""
    if name in _LETTERS:
        return _LETTERS[name]
    stem, _, rest = name.partition('_')
    letter = stem.rstrip('0123456789')
    index = stem[len(letter):]
    if letter in _GREEK or letter in _LETTERS:
        symbol = _LETTERS.get(letter, f'\\{letter}')
        symbol = rf'\boldsymbol{{{symbol}}}' if bold else symbol
    elif len(letter) == 1:
        symbol = rf'\mathbf{{{letter}}}' if bold else letter
    else:
        symbol = rf'\mathbf{{{letter}}}' if bold else rf'\mathrm{{{letter}}}'
    symbol += f'_{{{index}}}' if len(index) > 1 else f'_{index}' if index else ''
    if rest in ('hat', 'bias_corr', 'corr', 'corrected'):
        return rf'\hat{{{symbol}}}'
    if rest.isdigit():                  # the second, third... value under one name
        return symbol + "'" * (int(rest) - 1)
    return symbol + (rf'_{{\mathrm{{{rest}}}}}'.replace('_', r'\_').replace(r'\_', '_', 1)
                     if rest else '')


def _vector(name):
    return _letter(name, bold=True)
