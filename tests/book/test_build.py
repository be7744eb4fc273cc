"""The build refuses a page that complains, and executes pages anew when the package changes."""
import os
import runpy
import shutil
import subprocess
import sys

import pytest
from places import CHAPTER


@pytest.fixture
def copy(tmp_path):
    """The project's chapter and package without pages, catalogues and what was built."""
    shutil.copytree(CHAPTER, tmp_path / 'chapter_optimization',
                    ignore=shutil.ignore_patterns('_build', 'locale', '*.md', '*.json'))
    shutil.copytree(CHAPTER.parent / 'gluon_opt', tmp_path / 'gluon_opt')
    rows = tmp_path / 'chapter_optimization/ledger'
    for path in rows.glob('*.py'):
        if path.stem not in ('__init__', 'page'):
            path.unlink()
    chapter = tmp_path / 'chapter_optimization'
    (chapter / 'index.md').write_text('# A page\n\n```{toctree}\n:hidden:\npage\nclaims\n```\n')
    return chapter


def build(chapter, cell):
    header = (CHAPTER / 'adam.md').read_text(encoding='utf-8').split('---')[1]
    (chapter / 'page.md').write_text(
        f'---{header}---\n\n# Page\n\n```{{code-cell}} ipython3\n{cell}\n```\n')
    environment = {**os.environ, 'PYTHONPATH': str(chapter.parent)}
    return subprocess.run([sys.executable, '-m', 'sphinx', '-W', '--keep-going', '-q', '.', 'out'],
                          cwd=chapter, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize('cell, message', [
    ('1 / 0', 'ZeroDivisionError'),
    ('import sys\nprint("a complaint", file=sys.stderr)', 'stderr'),
    ('import warnings\nwarnings.warn("beware")', 'stderr'),
])
def test_a_cell_that_complains_fails_the_build(copy, cell, message):
    done = build(copy, cell)
    assert done.returncode != 0
    assert message in done.stderr


def test_a_cell_that_is_quiet_is_built(copy):
    done = build(copy, 'print("all is", "well")')
    assert (done.returncode, done.stderr) == (0, '')
    assert 'all is well' in (copy / 'out/page.html').read_text(encoding='utf-8')


def cache(chapter):
    path = runpy.run_path(str(chapter / 'conf.py'))['nb_execution_cache_path']
    return path.rpartition('cache-')[2]


def test_the_cache_is_renewed_with_the_package(copy):
    before = cache(copy)
    assert cache(copy) == before
    rule = copy.parent / 'gluon_opt/algorithms/adam.py'
    rule.write_text(rule.read_text().replace('p[:] -= ', 'p[:] += '))
    assert cache(copy) != before
