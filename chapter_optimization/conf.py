"""Sphinx settings of the chapter; `make book` builds it in English and in Chinese."""
import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / 'gluon_opt'
sys.path.insert(0, str(HERE))

import ledger.page  # noqa: E402  needs the line above

project = 'gluon_opt: optimization algorithms'
author = 'the gluon_opt authors'
html_title = 'Optimization algorithms'
language = 'en'             # the Chinese site is built with -D language=zh_CN

extensions = ['myst_nb', 'sphinxcontrib.bibtex', 'sphinx_design', 'sphinx_copybutton',
              'sphinx.ext.mathjax']
exclude_patterns = ['_build', 'ledger', 'labconfig']
myst_enable_extensions = ['dollarmath', 'amsmath', 'colon_fence', 'deflist', 'attrs_inline']
myst_heading_anchors = 3
nitpicky = True
numfig = True
math_eqref_format = '({number})'
bibtex_bibfiles = ['refs.bib']
suppress_warnings = ['mystnb.unknown_mime_type']

# A page is executed anew when its cells, the package or the ledger change.
_digest = hashlib.sha1()
for _path in sorted([*PACKAGE.rglob('*.py'), *(HERE / 'ledger').glob('*.py')]):
    _digest.update(_path.read_bytes())
nb_execution_mode = 'cache'
nb_execution_cache_path = str(HERE / f'_build/cache-{_digest.hexdigest()[:12]}')
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 300
nb_output_stderr = 'error'          # a warning on a page fails the build
nb_ipywidgets_js = {}               # else two scripts from other hosts
nb_merge_streams = True

gettext_compact = False             # one catalogue a page
gettext_location = False
locale_dirs = ['locale']

templates_path = ['_templates']
html_theme = 'sphinx_book_theme'
html_theme_options = {
    'navbar_persistent': [],        # else a second search box
    'article_header_end': ['language.html', 'article-header-buttons.html'],
    'show_navbar_depth': 2,
    'use_download_button': False,
    'use_fullscreen_button': False,
}
html_context = {'default_mode': 'auto'}
html_static_path = ['_static']
html_css_files = ['custom.css']
html_favicon = '_static/favicon.svg'
html_copy_source = False
html_show_copyright = False
mathjax_path = 'mathjax/tex-chtml-full.js'


def setup(app):
    app.connect('config-inited', _in_chinese)
    app.connect('builder-inited', _write_ledger)
    app.connect('html-page-context', _plotly_where_needed)
    app.connect('build-finished', _copy_scripts)


def _in_chinese(app, config):
    chinese = config.language.startswith('zh')
    if chinese:
        import jieba  # which splits the text into words for the search
        jieba.setLogLevel('WARNING')
    config.html_title = '优化算法' if chinese else html_title
    config.nb_code_prompt_show = '展开' if chinese else 'Show'
    config.nb_code_prompt_hide = '收起' if chinese else 'Hide'


def _write_ledger(app):
    ledger.page.write(HERE)


def _plotly_where_needed(app, page, template, context, doctree):
    if doctree and any('plotly-graph-div' in node.astext() for node in doctree.findall(_is_raw)):
        app.add_js_file('plotly.min.js', priority=100)


def _is_raw(node):
    return node.tagname == 'raw'


def _copy_scripts(app, failure):
    """MathJax and plotly.js from the packages that carry them: the site asks no other host."""
    if failure or app.builder.format != 'html':
        return
    static = Path(app.outdir) / '_static'
    mathjax = _folder('sphinx-mathjax-offline') / 'static/mathjax'
    fonts = 'output/chtml/fonts/woff-v2'
    (static / 'mathjax').mkdir(exist_ok=True)
    shutil.copy(mathjax / 'tex-chtml-full.js', static / 'mathjax')
    shutil.copytree(mathjax / fonts, static / 'mathjax' / fonts, dirs_exist_ok=True)
    shutil.copy(_folder('plotly') / 'package_data/plotly.min.js', static)


def _folder(package):
    return Path(importlib.util.find_spec(package).origin).parent
