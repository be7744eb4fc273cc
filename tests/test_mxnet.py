"""MXNet on the Python and NumPy that are installed, with nothing of theirs changed."""
import ast
import builtins
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
import warnings
from importlib import resources
from pathlib import Path

import numpy
import pytest

from gluon_opt import _mxnet

pytestmark = pytest.mark.short


def run(code):
    """What `code` prints in a Python of its own, in which every warning is an error."""
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_gluon_opt_loads_neither_numpy_nor_mxnet():
    run('import sys, gluon_opt\n'
        'assert not {"numpy", "mxnet"} & set(sys.modules), "loaded"')


def test_importing_mxnet_changes_nothing_and_is_silent():
    out = run('''
import sys, warnings, numpy
before, filters = dict(vars(numpy)), list(warnings.filters)
import gluon_opt, mxnet
changed = [name for name in before if vars(numpy).get(name) is not before[name]]
new = set(vars(numpy)) - set(before)
lent = [name for name in new if not vars(numpy)[name].__name__.startswith('numpy.')]
assert not changed and not lent, (changed, lent)   # what NumPy loads late are its own modules
hushed = {entry[2] for entry in warnings.filters if entry not in filters}
assert not hushed & {DeprecationWarning, FutureWarning, SyntaxWarning, UserWarning}, hushed
print(*mxnet.optimizer.Optimizer.opt_registry)
''')
    assert 'yogi' in out.split()        # so our rules were registered after it


def names_mxnet_reads():
    """Every `numpy.name`, and every `numpy.name.name.name`, in the sources of MXNet."""
    import mxnet
    names = set(mxnet.numpy_dispatch_protocol._NUMPY_ARRAY_FUNCTION_LIST)
    for path in Path(mxnet.__file__).parent.rglob('*.py'):
        text = path.read_text(encoding='utf-8')
        if 'import numpy' not in text:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', SyntaxWarning)
            warnings.simplefilter('ignore', DeprecationWarning)
            nodes = list(ast.walk(ast.parse(text)))
        aliases = {alias.asname or alias.name for node in nodes if isinstance(node, ast.Import)
                   for alias in node.names if alias.name == 'numpy'}
        for node in nodes:
            if isinstance(node, ast.Attribute):
                root, *parts = ast.unparse(node).split('.')
                if root in aliases and all(part.isidentifier() for part in parts):
                    names.add('.'.join(parts))
    return names


def quietly_there(name):
    """Whether the NumPy installed has `name`, and says nothing against it."""
    value = numpy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            for part in name.split('.'):
                value = getattr(value, part)
    except (AttributeError, Warning):
        return False
    return True


def test_mxnet_gets_every_name_that_numpy_lacks_and_no_other():
    reads = names_mxnet_reads()
    missing = {name.partition('.')[0] for name in reads if not quietly_there(name)}
    lent = set(_mxnet._numpy(numpy))
    # Some of NumPy's own only warn when they are called; and its own `bool` from 2.0 on is
    # another type than the one that MXNet takes for Python's.
    unlike = {'bool', 'alltrue', 'in1d', 'msort', 'product', 'round_', 'sometrue', 'trapz'}
    assert missing <= lent <= missing | unlike
    assert lent <= {name.partition('.')[0] for name in reads}


def test_what_reads_the_names_works(np_mode):
    import mxnet as mx
    from mxnet import np
    a = np.array([3., 1., 2.])
    a[a > 1] = 0
    assert a.tolist() == [0, 1, 0]
    assert np.full((2,), True).dtype == bool
    assert np.bool is builtins.bool
    assert np.sometrue(np.array([1., 0.])) and not np.alltrue(np.array([1., 0.]))
    assert np.in1d(np.array([[1., 5.]]), np.array([5.])).tolist() == [False, True]
    assert np.msort(np.array([[2., 1.], [1., 3.]])).tolist() == [[1, 1], [2, 3]]
    assert float(np.trapz(np.array([1., 3.]))) == 2
    assert np.pad(np.ones((1, 1)), ((0, 0), (1, 1)), 'constant').tolist() == [[0, 1, 0]]
    assert np.product(np.array([2., 3.])) == 6 and np.round_(np.array([1.4])) == 1
    assert (np.PINF, np.NINF, np.PZERO) == (numpy.inf, -numpy.inf, np.NZERO)
    q, r = np.linalg.qr(np.array([[2., 1.], [1., 3.]]))
    assert numpy.allclose((q @ r).asnumpy(), [[2, 1], [1, 3]])
    with pytest.raises(RuntimeError, match='numpy-financial'):
        np.npv(0.1, [1., 2.])
    assert mx.nd.moveaxis(mx.nd.zeros((2, 3)), 0, 1).shape == (3, 2)
    assert mx.nd.array([1.]).shape == (1,)      # reads scipy.sparse.csr
    importlib.import_module('mxnet.gluon.contrib.estimator')
    importlib.import_module('mxnet.test_utils')


def test_numbers_of_numpy_reach_the_library(np_mode):
    import mxnet as mx
    from mxnet import np
    a = np.zeros((2, 3))
    a[numpy.int64(1)] = 7                   # NumPy 2 writes np.int64(1) for this number
    a[0, numpy.int32(2)] = 5
    assert a.tolist() == [[0, 0, 5], [7, 7, 7]]
    ones = mx.nd.ones((2, 3))
    assert mx.nd.sum(ones, axis=(numpy.int64(1),)).asnumpy().tolist() == [3, 3]
    assert mx.sym.sum(mx.sym.var('x'), axis=(numpy.int64(0),)).eval(x=ones)[0].shape == (3,)


def test_other_warnings_are_not_silenced():
    from mxnet import gluon
    with pytest.warns(DeprecationWarning, match='ours'):
        warnings.warn('ours', DeprecationWarning, stacklevel=1)
    weight = gluon.Parameter('weight', shape=(1,))
    weight.initialize()
    with pytest.warns(UserWarning, match='already initialized'):
        weight.initialize()


def test_tools_find_the_modules_of_mxnet_as_ever():
    import mxnet as mx
    assert 'class SGD' in inspect.getsource(mx.optimizer.SGD)
    assert importlib.util.find_spec('mxnet.gluon').origin == mx.gluon.__file__
    assert b'Apache' in pkgutil.get_data('mxnet', '__init__.py')
    assert (resources.files('mxnet') / 'optimizer').is_dir()
    assert importlib.reload(mx.lr_scheduler).FactorScheduler(1)(1)
    assert pickle.loads(pickle.dumps(mx.nd.ones((1,)))).shape == (1,)


@pytest.fixture
def no_finder(monkeypatch):
    others = [f for f in sys.meta_path if type(f).__module__ != _mxnet.__name__]
    monkeypatch.setattr(sys, 'meta_path', others)


def test_the_call_comes_once_when_mxnet_is_there_already(no_finder):
    import mxnet  # noqa: F401
    calls = []
    _mxnet.install(lambda: calls.append(1))
    _mxnet.install(lambda: calls.append(2))
    assert calls == [1]


@pytest.mark.parametrize('system, machine, version, way_out', [
    ('linux', 'x86_64', (3, 11), 'pip install mxnet==1.9.1'),
    ('linux', 'x86_64', (3, 13), 'pip install --no-deps mxnet==1.9.1 d2l==1.0.3'),
    ('win32', 'AMD64', (3, 12), 'WSL'),
    ('darwin', 'arm64', (3, 12), 'container'),
])
def test_a_missing_mxnet_is_one_sentence(monkeypatch, system, machine, version, way_out):
    finder = _mxnet._Finder(None)
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.setattr(sys, 'platform', system)
    monkeypatch.setattr(sys, 'version_info', version)
    monkeypatch.setattr('platform.machine', lambda: machine)
    with pytest.raises(ModuleNotFoundError) as caught:
        finder.find_spec('mxnet')
    assert way_out in str(caught.value) and '\n' not in str(caught.value)
    assert caught.value.name == 'mxnet'


def test_the_books_package_runs_here(np_mode, capsys):
    import matplotlib
    matplotlib.use('agg')
    from d2l import mxnet as d2l

    import gluon_opt
    d2l.set_figsize()
    data_iter, feature_dim = gluon_opt.get_data_ch10(100)
    states = gluon_opt.init_adam_states(feature_dim)
    d2l.train_ch11(gluon_opt.adam, states, {'lr': 0.05, 't': 1}, data_iter, feature_dim, 1)
    assert 'sec/epoch' in capsys.readouterr().out
    path = d2l.train_2d(lambda x1, x2, s1, s2: (x1 / 2, x2 / 2, s1, s2))
    d2l.show_trace_2d(lambda x1, x2: x1 ** 2 + x2 ** 2, path)
    d2l.plt.close('all')


@pytest.fixture
def np_mode():
    from mxnet import npx
    npx.set_np()
    yield
    npx.reset_np()
