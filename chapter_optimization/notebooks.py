"""Write the pages as notebooks: `python chapter_optimization/notebooks.py FOLDER`."""
import sys
from pathlib import Path

import jupytext
import nbformat

PAGES = Path(__file__).parent


def notebook(page):
    """A page as a notebook of nbformat, without the marks that only the site understands."""
    notebook = jupytext.read(page)
    notebook.cells.insert(0, nbformat.v4.new_code_cell('%matplotlib inline'))
    return notebook


def is_notebook(page):
    return page.read_text(encoding='utf-8').startswith('---\njupytext:')


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for page in sorted(PAGES.glob('*.md')):
        if is_notebook(page):
            path = folder / f'{page.stem}.ipynb'
            nbformat.write(notebook(page), path)
            print(path)


if __name__ == '__main__':
    main(*sys.argv[1:])
