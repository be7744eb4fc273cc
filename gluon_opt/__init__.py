"""The update rules of *Dive into Deep Learning*'s optimization chapter, measured beside Gluon's.

Write a rule once, the way the book writes it, `adam(params, states, hyperparams)`; training,
comparison with Gluon, traces and the rest follow from that function. Public names are loaded on
first use: `import gluon_opt` itself imports neither MXNet nor NumPy, but it prepares the ground
for `import mxnet`, so import it first.
"""
import importlib
import sys
import types

from gluon_opt import _mxnet

_PUBLIC = {
    'algorithms': 'algorithms', 'init_states': 'algorithms', 'gluon_form': 'algorithms',
    'load_airfoil': 'data', 'get_data_ch10': 'data',
    'Record': 'record',
    'register': 'bridge', 'fuse': 'fuse', 'formula': 'fuse', 'schedules': None,
    'Trainer': 'trainer',
    'train_ch10': 'train', 'train_gluon_ch10': 'train',
    'over_seeds': 'seeds',
    'compare': 'compare', 'Comparison': 'compare', 'explain': 'explain',
    'train_2d': 'traces', 'trace': 'traces', 'show_trace_2d': 'plots',
    'show_traces_2d': 'plots', 'animate_2d': 'plots', 'slider_2d': 'plots', 'curves': 'plots',
    'gluonbook': None,
}


class GluonOptError(ValueError):
    """What a user can mend: the message names the owner, the value and the way out."""


class _Package(types.ModuleType):
    """`gluon_opt.compare` is the function even after the module of that name was imported.

    Python sets a submodule as an attribute of its package; where a public name and its module
    are called the same, the public name wins.
    """

    def __setattr__(self, name, value):
        if isinstance(value, types.ModuleType) and _PUBLIC.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name):
    if name == '__version__':
        from importlib.metadata import version
        return version('gluon_opt')
    if name.startswith('_'):
        raise AttributeError(name)
    if name in _PUBLIC:
        module = importlib.import_module(f'{__name__}.{_PUBLIC[name] or name}')
        value = getattr(module, name) if _PUBLIC[name] else module
    else:
        value = importlib.import_module(f'{__name__}.algorithms').by_public_name(name)
        if value is None:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value
    return value


def __dir__():
    from gluon_opt.algorithms import public_names
    return sorted([*globals(), *_PUBLIC, *public_names()])


def _register_all():
    importlib.import_module(f'{__name__}.bridge').register_all()


_mxnet.install(_register_all)
