"""A Comparison as a table for the terminal and as one HTML page that needs no other file."""
from html import escape

EXPLANATION = (
    'Each algorithm is trained twice from the same start on the same batches: by the hand-written '
    "rule, and by Gluon's Trainer. The gap is the largest absolute difference of any parameter "
    'over the run; it counts from the first step at which it exceeds 4 ulps (float32 roundings) '
    'of the largest parameter.')


def text(value):
    """A value of a row as one short text: a dict as `lr=0.01 eps=1e-06`."""
    if isinstance(value, dict):
        return ' '.join(f'{key}={number:g}' for key, number in value.items())
    return '' if value is None else str(value)


def _cells(row):
    """The cells of a row, as lists of lines; of two numbers the upper is by hand."""
    return [
        [row['algorithm'], *_lines(row['hyperparams'])],
        [row['gluon_name'], *_lines(row['gluon_hyperparams'])],
        [_number(row['loss'], '.6f'), _number(row['gluon_loss'], '.6f')],
        [_number(row['gap'], '.1e')],
        [text(row['gap_step']) or '-'],
        [row['reason']],
        [_number(row[key], '.3f')
         for key in ('sec_per_epoch', 'gluon_sec_per_epoch', 'fused_sec_per_epoch')],
    ]


_HEADINGS = [
    ['by hand'], ['Gluon'], ['loss'], ['gap'], ['from', 'step'], ['why'], ['sec/', 'epoch']]
_NUMERIC = {2, 3, 4, 6}


def _lines(hyperparams):
    return [text({key: value}) for key, value in hyperparams.items()]


def _number(value, form):
    return '-' if value is None else format(value, form)


def _caption(comparison):
    """How to read the numbers."""
    caption = 'From top to bottom: by hand, by Gluon, and for the time by hand and fused.'
    if comparison.optimum is not None:
        caption += f'\nLeast squares, below which no run can end: {comparison.optimum:.6f}.'
    return caption


def table(comparison):
    """A rich Table, at most 100 columns wide."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    rich_table = Table(title=comparison.title, box=SIMPLE_HEAD, show_lines=True, padding=(0, 1),
                       caption=_caption(comparison))
    for i, heading in enumerate(_HEADINGS):
        rich_table.add_column('\n'.join(heading), justify='right' if i in _NUMERIC else 'left',
                              no_wrap=heading != ['why'])
    for row in comparison.rows:
        rich_table.add_row(*('\n'.join(cell) for cell in _cells(row)), end_section=True)
    return rich_table


_PAGE = '''<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 16px/1.5 system-ui, sans-serif; }}
  body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
  .wide {{ overflow-x: auto; }}
  table {{ border-collapse: collapse; }}
  th, td {{ padding: .4rem .8rem; text-align: left; vertical-align: top; }}
  tr {{ border-bottom: 1px solid #8886; }}
  td.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
  figure {{ margin: 2rem 0; background: white; }}
  svg {{ width: 100%; height: auto; }}
</style>
<h1>By hand and by Gluon</h1>
<p>{title}. {explanation}</p>
<div class="wide"><table>
<thead><tr>{headings}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
<p>{caption}</p>
<figure>{svg}</figure>
</html>
'''


def page(comparison, svg):
    """The HTML text of a page with the table and the figure."""
    def lines(cell):
        return '<br>'.join(escape(line) for line in cell)

    rows = ('<tr>' + ''.join(f'<td{" class=number" * (i in _NUMERIC)}>{lines(cell)}</td>'
                             for i, cell in enumerate(_cells(row))) + '</tr>'
            for row in comparison.rows)
    return _PAGE.format(
        title=escape(comparison.title), explanation=escape(EXPLANATION),
        headings=''.join(f'<th>{lines(heading)}</th>' for heading in _HEADINGS),
        rows='\n'.join(rows), caption=_caption(comparison), svg=svg[svg.index('<svg'):])
