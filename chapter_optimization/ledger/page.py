"""Make the page of the ledger, `claims.md`, from its rows."""
from pathlib import Path

from ledger import claims, contents

HEAD = """\
# The claims ledger

Every row is a sentence of the book's chapter or of the sources that can be true or false. Below
each stands the test that decides; `make test` runs them all. **True** means as it stands, **only
if** that a condition is missing, **false** that the sentence says something that does not hold.
"""

BADGES = {'true': '{bdg-success}`true`', 'only if': '{bdg-warning}`only if`',
          'false': '{bdg-danger}`false`'}


def text():
    """The page as MyST Markdown."""
    rows = claims()
    parts = [HEAD]
    for page in contents():
        own = [row for row in rows if row.page == page]
        if own:
            parts.append(f'## [](./{page}.md)\n')
            parts.extend(map(_row, own))
    return '\n'.join(parts)


def _row(row):
    correction = f'\n{row.correction}\n' if row.correction else ''
    return (f'{BADGES[row.verdict]} {row.statement} ({row.source})\n{correction}\n'
            f':::{{dropdown}} Test\n```python\n{row.code}```\n:::\n')


def write(folder):
    """Write the page; untouched if nothing changed, so that Sphinx need not read it again."""
    path = Path(folder) / 'claims.md'
    if not path.exists() or path.read_text(encoding='utf-8') != text():
        path.write_text(text(), encoding='utf-8')
