"""Imports go one way only, as DESIGN has it, and importing the package imports nothing heavy."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gluon_opt

PACKAGE = Path(gluon_opt.__file__).parent

# Each layer may import from those before it, and within itself from the names that stand earlier.
LAYERS = [
    ['_mxnet', '_mode'],
    ['record', 'data', 'plots', 'observe'],
    ['algorithms'],
    ['_standins', '_tracing', '_emit', 'fuse', 'bridge'],
    ['trainer', 'train', 'traces'],
    ['report', 'digits', 'compare', 'explain', 'schedules', 'gluonbook', 'seeds'],
    ['sweep', 'distributed', 'bench'],
    ['cli'], ['__main__'],
]
RANK = {name: (i, j) for i, layer in enumerate(LAYERS) for j, name in enumerate(layer)}


def modules():
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        yield parts[0], path


def imported(path):
    """Names of our modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == 'gluon_opt':
            yield from (alias.name for alias in node.names if alias.name in RANK)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('gluon_opt.'):
            yield node.module.split('.')[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split('.')[1] for alias in node.names
                        if alias.name.startswith('gluon_opt.'))


@pytest.mark.parametrize('name, path', [m for m in modules() if m[0] != '__init__'],
                         ids=lambda x: str(getattr(x, 'name', x)))
def test_imports_go_one_way(name, path):
    for other in set(imported(path)) - {name}:
        assert RANK[other] < RANK[name], f'{name} imports {other}'


def test_the_loop_and_the_plots_do_not_know_each_other():
    assert not set(imported(PACKAGE / 'plots.py')) - {'record'}
    for name in 'train', 'record':
        assert 'matplotlib' not in (PACKAGE / f'{name}.py').read_text()


def test_only_two_files_know_mxnets_optimizers():
    """The bridge; and what imports MXNet, to know when they are there."""
    knowing = {path.name for _, path in modules() if 'mxnet.optimizer' in path.read_text()
               or 'mx.optimizer' in strip_docstrings(path)}
    assert knowing == {'bridge.py', '_mxnet.py'}


def strip_docstrings(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ''
    return ast.unparse(tree)


@pytest.mark.parametrize('first', ['gluon_opt', 'gluon_opt.compare', 'gluon_opt.algorithms.adam'])
def test_public_functions_stay_functions(first):
    """`compare` is also the name of a module, `algorithms` that of a folder."""
    code = (f'import {first}, gluon_opt, mxnet\n'
            'from gluon_opt import compare\n'
            'import gluon_opt.compare, gluon_opt.algorithms.yogi\n'
            'assert gluon_opt.compare is compare and callable(compare)\n'
            'assert list(gluon_opt.algorithms())[0] == "sgd"\n'
            'assert callable(gluon_opt.yogi) and callable(gluon_opt.init_adam_states)\n'
            'assert "yogi" in mxnet.optimizer.Optimizer.opt_registry\n')
    subprocess.run([sys.executable, '-W', 'error', '-c', code], check=True)


def test_every_public_name_is_there_and_documented():
    assert {'adam', 'train_ch10', 'compare', 'gluonbook', 'init_states'} <= set(dir(gluon_opt))
    for name in gluon_opt._PUBLIC:
        assert getattr(gluon_opt, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'adamm'"):
        getattr(gluon_opt, 'adamm')  # noqa: B009 - looked up as a reader's slip would be
