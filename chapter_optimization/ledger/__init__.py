"""The claims ledger: what the book and the sources say, each with a test and a verdict.

One module a page. A row is a test function under `@claim(...)`; `tests/test_chapter.py` runs
them all, and `ledger.page` makes the page from them.
"""
import importlib
import inspect
from pathlib import Path
from typing import Callable, NamedTuple

import gluon_opt  # noqa: F401  prepares the import of MXNet in the modules of rows

VERDICTS = 'true', 'only if', 'false'


class Claim(NamedTuple):
    """One row of the ledger.

    Attributes:
        page: where in the chapter it belongs: the name of the page.
        statement: what is said, as MyST text.
        source: who says it.
        verdict: 'true', 'only if' or 'false'.
        correction: what is right instead, or under which condition; '' for what is true.
        test: a function that raises AssertionError if the verdict is not right.
    """

    page: str
    statement: str
    source: str
    verdict: str
    correction: str
    test: Callable

    @property
    def name(self):
        return f'{self.page}: {self.test.__name__}'

    @property
    def code(self):
        """The test's source without the decorator."""
        lines = inspect.getsource(self.test).splitlines(keepends=True)
        start = next(i for i, line in enumerate(lines) if line.startswith('def '))
        return ''.join(lines[start:])


_claims = []


def claim(statement, source, verdict='true', correction=''):
    """Make a test function a row of the ledger."""
    if verdict not in VERDICTS or (verdict == 'true') != (correction == ''):
        raise ValueError(f'{statement!r}: verdict {verdict!r}, correction {correction!r}')

    def add(test):
        page = test.__module__.rpartition('.')[2].replace('_', '-')
        _claims.append(Claim(page, statement, source, verdict, correction, test))
        return test
    return add


def claims():
    """All rows, by page in the order of the chapter's contents."""
    for path in sorted(Path(__file__).parent.glob('*.py')):
        if path.stem not in ('__init__', 'page'):
            importlib.import_module(f'ledger.{path.stem}')
    order = contents()
    return sorted(_claims, key=lambda row: order.index(row.page))


def contents():
    """The names of the pages, in the order of the index."""
    text = (Path(__file__).parents[1] / 'index.md').read_text(encoding='utf-8')
    return [line for block in text.split('```{toctree}')[1:]
            for line in block.partition('```')[0].split()
            if not line.startswith(':')]
