"""The package installs what it says, and says so where it cannot."""
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETS = sorted((ROOT / 'constraints').glob('python3.*.txt'))


def pins(path):
    return dict(line.split('==') for line in path.read_text().split('\n')
                if line and not line.startswith('#'))


@pytest.mark.parametrize('path', SETS, ids=lambda path: path.stem)
def test_a_set_is_nothing_but_exact_versions(path):
    lines = path.read_text().splitlines()
    assert all(re.fullmatch(r'[a-z0-9._-]+==[0-9][0-9a-z.]*', line) for line in lines)
    assert {'numpy', 'numba', 'matplotlib', 'pytest', 'setuptools'} <= pins(path).keys()


@pytest.mark.parametrize('path', sorted((ROOT / 'constraints').glob('book-*.txt')),
                         ids=lambda path: path.stem)
def test_the_set_of_the_book_only_adds(path):
    own = pins(path.with_name(path.name.replace('book-', '')))
    assert own.items() <= pins(path).items() and 'sphinx' in pins(path)


@pytest.mark.short
def test_what_is_installed_is_the_tested_set():
    if not list(Path(sys.prefix).glob('installed-*')):
        pytest.skip('this environment is not one that make made')
    own = ROOT / f'constraints/python3.{sys.version_info[1]}.txt'
    wanted = {**pins(ROOT / 'constraints/no-deps.txt'), **pins(own)}
    found = {}
    for package in wanted:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    assert found == wanted


def test_mxnet_and_d2l_are_required_where_their_metadata_allow_it():
    markers = {line.partition('==')[0]: line.partition(';')[2].replace("'", '"').strip()
               for line in requires('gluon_opt') if line.startswith(('mxnet', 'd2l'))}
    assert markers == {'mxnet': 'python_version < "3.13"', 'd2l': 'python_version < "3.12"'}


@pytest.mark.parametrize('pretend, sentence', [
    ('sys.version_info = (3, 8, 18)', 'gluon_opt needs Python 3.9 or newer'),
    ('sys.platform = "win32"', 'use gluon_opt on Linux: in WSL'),
    ('sys.platform = "darwin"; platform.machine = lambda: "arm64"', 'container'),
])
def test_where_it_cannot_work_setup_says_one_sentence(pretend, sentence):
    code = f'import platform, runpy, sys, setuptools; {pretend}; runpy.run_path("setup.py")'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert sentence in done.stderr and done.stderr.count('\n') == 1


@pytest.mark.parametrize('python, sentence', [
    ('no-such-python', 'No Python found: install one of Python 3.'),
    ('./python-of-tomorrow', 'Python 3.99 has no tested set in constraints/: install one of'),
])
def test_make_names_the_pythons_to_install(tmp_path, python, sentence):
    for name in ('Makefile', 'setup.py', 'constraints'):
        (tmp_path / name).symlink_to(ROOT / name)
    tomorrow = tmp_path / 'python-of-tomorrow'
    tomorrow.write_text('#!/bin/sh\necho 3.99\n')
    tomorrow.chmod(0o755)
    done = subprocess.run(['make', f'PYTHON={python}', 'test'], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert sentence in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / '.venv').exists()


def test_make_help_names_every_target():
    done = subprocess.run(['make', 'help'], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.search(r'^\.PHONY: help (.*)$', (ROOT / 'Makefile').read_text(), re.M)[1].split()
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert set(targets) <= set(listed)
