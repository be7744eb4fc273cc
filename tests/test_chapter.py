"""The chapter: its pages run, its rules are the package's, and its claims hold."""
import ast
import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import jupytext
import nbclient
import pytest

import gluon_opt
from gluon_opt.algorithms import CHAPTER

CHAPTER_FOLDER = Path(__file__).parents[1] / 'chapter_optimization'
sys.path.insert(0, str(CHAPTER_FOLDER))

import ledger  # noqa: E402  both stand in the chapter's folder
import ledger.page  # noqa: E402
import notebooks  # noqa: E402

PAGES = [page for page in sorted(CHAPTER_FOLDER.glob('*.md')) if notebooks.is_notebook(page)]
CLAIMS = ledger.claims()


# What tornado and its kin say about event loops is theirs.
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_page_runs_without_a_word_of_complaint(page):
    notebook = notebooks.notebook(page)
    nbclient.NotebookClient(notebook, timeout=200, kernel_name='python3',
                            resources={'metadata': {'path': CHAPTER_FOLDER}}).execute()
    complaints = [output.text for cell in notebook.cells if cell.cell_type == 'code'
                  for output in cell.outputs if output.get('name') == 'stderr']
    assert complaints == []


def functions(page):
    """The functions of the cells marked `#@save`, as (name, syntax tree)."""
    for cell in jupytext.read(page).cells:
        if cell.cell_type == 'code' and cell.source.startswith('#@save'):
            for node in ast.parse(cell.source).body:
                assert isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom))
                if isinstance(node, ast.FunctionDef):
                    yield node.name, node


SAVED = [(page, name, tree) for page in PAGES for name, tree in functions(page)]


@pytest.mark.parametrize('page, name, tree', SAVED, ids=[f'{p.stem} {n}' for p, n, _ in SAVED])
def test_a_saved_cell_repeats_the_package(page, name, tree):
    source = textwrap.dedent(inspect.getsource(getattr(gluon_opt, name)))
    assert ast.dump(tree) == ast.dump(ast.parse(source).body[0])


def test_every_rule_of_the_chapter_is_shown():
    shown = {name for _, name, _ in SAVED}
    states = {gluon_opt.algorithms()[name].init_states for name in CHAPTER} - {None}
    assert {*CHAPTER, *(function.__name__ for function in states)} <= shown


@pytest.mark.parametrize('claim', CLAIMS, ids=[claim.name for claim in CLAIMS])
def test_claim(claim):
    claim.test()


def test_the_ledger_is_as_large_as_promised():
    assert len(CLAIMS) >= 60
    assert len({claim.statement for claim in CLAIMS}) == len(CLAIMS)
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.verdict for claim in CLAIMS} == set(ledger.VERDICTS)


@pytest.mark.parametrize('claim', CLAIMS, ids=[claim.name for claim in CLAIMS])
def test_a_claim_can_fail(claim):
    """The test of a row asserts something, about what the package or a computation gives."""
    assert re.search(r'^ +assert |pytest\.raises', claim.code, re.M)


def test_the_ledger_is_read_without_data(tmp_path):
    """The site's settings read it: no row may look for the data before it is tested."""
    (tmp_path / 'airfoil_self_noise.dat').write_text('damaged')
    subprocess.run([sys.executable, '-c', 'import ledger; ledger.claims()'], check=True,
                   cwd=CHAPTER_FOLDER, env={**os.environ, 'GLUON_OPT_DATA': str(tmp_path)})


def test_the_page_of_the_ledger_holds_every_row():
    text = ledger.page.text()
    assert all(claim.statement in text and claim.code in text for claim in CLAIMS)


def test_make_notebooks(tmp_path, capsys):
    notebooks.main(tmp_path)
    written = sorted(path.stem for path in tmp_path.glob('*.ipynb'))
    assert written == [page.stem for page in PAGES]
    assert capsys.readouterr().out.count('\n') == len(PAGES)
    for path in tmp_path.glob('*.ipynb'):
        first = jupytext.read(path).cells[0]
        assert first.source == '%matplotlib inline'
