"""Imports MXNet 1.9.1 on today's NumPy; the only file that knows how.

MXNet's last release reads names that NumPy has since removed. Each of its modules that says
`import numpy` is therefore handed a copy of NumPy's namespace in which those names exist. NumPy
itself is never touched, so everybody else sees the NumPy that is installed, and its warnings.
"""
import builtins
import functools
import sys
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


class _Finder:
    """Finds the modules of MXNet where they are, and gives them their own `import`."""

    def __init__(self, after_import):
        self.after_import = after_import

    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] != 'mxnet':
            return None
        specs = (finder.find_spec(name, path, target)
                 for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec is None and name == 'mxnet':
            raise ModuleNotFoundError(HOW_TO_INSTALL, name='mxnet')
        if spec is not None and spec.loader is not None:
            # The loader stays what it is, so inspect, pkgutil and importlib.resources find in
            # it what they look for; only this one call is surrounded.
            self._surround(spec.loader)
        return spec

    def _surround(self, loader):
        execute = loader.exec_module

        def exec_module(module):
            vars(module)['__builtins__'] = {**vars(builtins), '__import__': _import}
            execute(module)
            if module.__name__ == 'mxnet':
                self.announce()

        loader.exec_module = exec_module

    def announce(self):
        after_import, self.after_import = self.after_import, None
        if after_import:
            after_import()


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """What an `import` statement inside MXNet does."""
    if name == 'distutils.version':   # deprecated in Python 3.10, gone in 3.12
        from packaging.version import Version
        return SimpleNamespace(LooseVersion=Version, StrictVersion=Version)
    module = builtins.__import__(name, globals, locals, fromlist, level)
    return _numpy_for_mxnet() if module is sys.modules.get('numpy') else module


@functools.lru_cache(maxsize=None)
def _numpy_for_mxnet():
    import numpy
    copy = ModuleType('numpy', numpy.__doc__)
    vars(copy).update(vars(numpy))
    vars(copy).update(bool=bool)
    for name in 'mirr npv pmt ppmt pv rate'.split():
        setattr(copy, name, _gone(name))
    return copy


def _gone(name):
    def stub(*args, **kwargs):
        raise RuntimeError(f'{name}: removed in NumPy 1.20; the package numpy-financial has it')
    return stub


HOW_TO_INSTALL = 'MXNet is not installed: pip install mxnet==1.9.1'
