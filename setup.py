"""Package metadata. The tested, pinned set of each Python is in constraints/."""

import platform
import sys
from pathlib import Path

from setuptools import find_packages, setup

OLDEST_PYTHON = (3, 9)

# pip reads python_requires only after it has tried the dependencies, which end in a
# long traceback; this comes first.
if sys.version_info < OLDEST_PYTHON:
    sys.exit('gluon_opt needs Python 3.9 or newer (tested: 3.9 to 3.13); this is Python '
             + platform.python_version())
if sys.platform == 'win32' or (sys.platform, platform.machine()) == ('darwin', 'arm64'):
    sys.exit('MXNet 1.9.1 has no wheel for this platform; use gluon_opt on Linux: in WSL '
             '(Windows), or in a container (docker run -it python:3.13).')

setup(
    name='gluon_opt',
    version='0.1.0',
    description="The optimizers of Dive into Deep Learning, hand-written, "
                "beside Gluon's Trainer",
    long_description=Path(__file__).with_name('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    packages=find_packages(include=['gluon_opt', 'gluon_opt.*']),
    python_requires='>=3.9',
    install_requires=[
        # The metadata of both forbid what newer Pythons have: mxnet asks for NumPy 1, which has
        # no wheel from Python 3.13 on, and d2l for NumPy 1.23.5, which has none from 3.12 on.
        # Both work there all the same (gluon_opt/_mxnet.py), installed with
        # `pip install --no-deps mxnet==1.9.1 d2l==1.0.3`.
        'mxnet==1.9.1; python_version < "3.13"',
        'd2l==1.0.3; python_version < "3.12"',
        # d2l pins matplotlib 3.7.2, which imports a function that IPython 9.16 removed.
        'ipython<9.16; python_version < "3.12"',
        'ipython; python_version >= "3.12"',
        'graphviz<0.9',     # this and requests: what mxnet itself needs
        'matplotlib',
        'numba>=0.60',
        'numpy>=1.23.5',
        'packaging',
        'pandas',
        'pooch>=1.8',
        'requests>=2.20',
        'rich>=13',
    ],
    extras_require={
        # ipykernel 7.3 prints a remark about its connection each time a kernel starts.
        'test': ['pytest', 'pytest-timeout', 'pytest-xdist', 'hypothesis', 'scikit-learn',
                 'nbclient', 'nbformat', 'ipykernel<7.3', 'jupytext', 'plotly>=6'],
        # The chapter as a site and in Jupyter; the tested sets are constraints/book-python3.*.txt.
        # Sphinx 9.0 ships no Chinese stemmer to the browser, so that search stops working.
        'book': ['sphinx>=8.1,<9; python_version >= "3.11"', 'myst-nb>=1.3', 'sphinx-book-theme',
                 'sphinxcontrib-bibtex>=2.6', 'sphinx-copybutton', 'sphinx-design',
                 'sphinx-mathjax-offline==0.0.2', 'sphinx-intl', 'polib', 'jieba', 'selenium',
                 'jupyterlab', 'jupyterlab-myst', 'ipywidgets'],
        'dev': ['ruff', 'setuptools>=70.1'],
    },
    entry_points={'console_scripts': ['gluon-opt = gluon_opt.cli:main']},
    classifiers=[
        'Operating System :: MacOS',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Education',
    ],
)
