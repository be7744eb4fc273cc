"""Imports MXNet 1.9.1 on today's Python and NumPy; the only file that knows how.

MXNet's last release reads names that NumPy, SciPy and Python have since removed. So each of its
modules gets an `import` of its own, which hands it copies of those packages in which the names
exist. The packages themselves are never touched: everybody else sees what is installed.
"""
import builtins
import functools
import platform
import re
import sys
import warnings
from importlib.machinery import PathFinder
from types import ModuleType, SimpleNamespace


def install(after_import):
    """Prepare `import mxnet`; call `after_import()` once MXNet has been imported.

    The call comes at once if MXNet is there already. Installing a second time does nothing.
    """
    if any(type(finder).__module__ == __name__ for finder in sys.meta_path):
        return
    finder = _Finder(after_import)
    sys.meta_path.insert(0, finder)
    if 'mxnet.optimizer' in sys.modules:
        finder.announce()


def how_to_install():
    """What a user whose Python has no MXNet should do, in one sentence."""
    if sys.platform == 'win32' or (sys.platform, platform.machine()) == ('darwin', 'arm64'):
        return ('MXNet 1.9.1 has no wheel for this platform; use gluon_opt on Linux: in WSL '
                '(Windows), or in a container (docker run -it python:3.13).')
    if sys.version_info >= (3, 13):
        # Its metadata ask for NumPy 1, which has no wheel for these Pythons.
        return 'MXNet is not installed; run: pip install --no-deps mxnet==1.9.1 d2l==1.0.3'
    return 'MXNet is not installed; run: pip install mxnet==1.9.1'


class _Finder:
    """Finds the modules of MXNet where they are, and gives them their own `import`.

    It stands before the modules of gluon_opt too, only to know when the outermost import ends:
    one of them may be the first to import MXNet, and what is to be done then needs them whole.
    """

    def __init__(self, after_import):
        self.after_import = after_import
        self.depth = 0

    def find_spec(self, name, path=None, target=None):
        package = name.partition('.')[0]
        if package not in ('mxnet', 'gluon_opt'):
            return None
        # Other finders may share one loader among all modules; this one makes a loader for each.
        spec = PathFinder.find_spec(name, path, target)
        if spec is None and name == 'mxnet':
            raise ModuleNotFoundError(how_to_install(), name='mxnet')
        if spec is not None and spec.loader is not None:
            # The loader stays what it is, so inspect, pkgutil and importlib.resources find in
            # it what they look for; only this one call is replaced.
            execute = _execute if package == 'mxnet' else type(spec.loader).exec_module
            spec.loader.exec_module = functools.partial(self.watch, execute, spec.loader)
        return spec

    def watch(self, execute, loader, module):
        self.depth += 1
        try:
            execute(loader, module)
        finally:
            self.depth -= 1
        if self.depth == 0 and 'mxnet.optimizer' in sys.modules:
            self.announce()

    def announce(self):
        after_import, self.after_import = self.after_import, None
        if after_import:
            after_import()


def _execute(loader, module):
    """Execute a module of MXNet."""
    with warnings.catch_warnings():
        # Some of its strings hold "\d", which Python remarks on when it compiles them.
        warnings.filterwarnings('ignore', r'.*invalid escape sequence')
        code = loader.get_code(module.__name__)
    vars(module)['__builtins__'] = {**vars(builtins), '__import__': _import}
    if module.__name__ in ('mxnet._ctypes.ndarray', 'mxnet._ctypes.symbol'):
        vars(module)['str'] = _str
    exec(code, vars(module))
    if module.__name__ == 'mxnet.numpy.multiarray':
        convert = module._as_mx_np_array
        # What numpy.linalg gives are named tuples since NumPy 1.25, which it cannot rebuild.
        module._as_mx_np_array = lambda value, ctx=None: convert(
            tuple(value) if isinstance(value, tuple) else value, ctx)


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """What an `import` statement inside MXNet does."""
    if name == 'distutils.version':     # warns in Python 3.10 and 3.11, gone in 3.12
        from packaging.version import Version
        return SimpleNamespace(LooseVersion=Version, StrictVersion=Version)
    module = builtins.__import__(name, globals, locals, fromlist, level)
    return _changed_copy(module) if module.__name__ in _CHANGES else module


@functools.cache
def _changed_copy(module):
    copy = ModuleType(module.__name__, module.__doc__)
    vars(copy).update(vars(module), **_CHANGES[module.__name__](module))
    return copy


def _numpy(numpy):
    """The names that MXNet reads, with the place where it does."""
    names = {
        # Gone in NumPy 1.24; those before it warn at each use.
        'bool': bool,   # numpy/utils.py; at run time in numpy/multiarray.py, ndarray/numpy/_op.py
        'int': int,     # test_utils.py
        # Gone in 1.20; passed on by numpy/fallback.py.
        **{name: _not_in_numpy(name) for name in ('mirr', 'npv', 'pmt', 'ppmt', 'pv', 'rate')},
    }
    version = tuple(map(int, numpy.__version__.split('.')[:2]))
    if version >= (1, 24):
        # Deprecated in 1.24 and 1.25, gone in 2.0.
        names.update({
            # numpy/fallback.py
            'alltrue': numpy.all,
            'msort': lambda a: numpy.sort(a, axis=0),
            # numpy_dispatch_protocol.py
            'product': numpy.prod,
            'round_': numpy.round,
            'sometrue': numpy.any,
        })
    if version >= (2, 0):
        names.update({
            # numpy/utils.py
            'PZERO': 0.0,
            'NZERO': -0.0,
            'PINF': numpy.inf,
            'NINF': -numpy.inf,
            'NAN': numpy.nan,
            'NaN': numpy.nan,
            # gluon/contrib/estimator/event_handler.py
            'Inf': numpy.inf,
            # numpy/fallback.py; deprecated in 2.0, gone in 2.4
            'in1d': lambda a, *args, **kwargs: numpy.isin(numpy.ravel(a), *args, **kwargs),
            'trapz': numpy.trapezoid,
            # ndarray/numpy/_op.py and symbol/numpy/_symbol.py: pad
            'compat': SimpleNamespace(basestring=str),
            # ndarray/ndarray.py: moveaxis reads core.numeric.normalize_axis_tuple
            'core': SimpleNamespace(numeric=numpy.lib.array_utils),
        })
    return names


def _not_in_numpy(name):
    def stub(*args, **kwargs):
        raise RuntimeError(f'{name} is not in NumPy since 1.20; the package numpy-financial has it')
    return stub


def _scipy(scipy):
    """ndarray/utils.py reads scipy.sparse.csr, deprecated in SciPy 1.8, at each nd.array()."""
    sparse = ModuleType('scipy.sparse')
    vars(sparse).update(vars(scipy.sparse), csr=scipy.sparse)
    return {'sparse': sparse}


def _warnings(warnings):
    """MXNet's remarks on its own old names; its own code still calls them."""
    def warn(message, category=None, stacklevel=1, **kwargs):
        if category is None or not issubclass(category, DeprecationWarning):
            warnings.warn(message, category, stacklevel + 1, **kwargs)

    # numpy/multiarray.py switches every warning on, for good, at bool(empty array).
    return {'warn': warn, 'simplefilter': lambda *args: None}


_CHANGES = {'numpy': _numpy, 'scipy': _scipy, 'warnings': _warnings}


def _str(value):
    """How MXNet's library is told a value; NumPy 2 writes (np.int64(1),) for the tuple (1,)."""
    text = str(value)
    return re.sub(r'np\.\w+\(([^()]*)\)', r'\1', text) if isinstance(value, (tuple, list)) else text
