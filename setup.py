"""Package metadata. The tested, pinned set of each Python is in constraints/."""

import platform
import sys

from setuptools import find_packages, setup

SUPPORTED = 'Python 3.9, 3.10 or 3.11'

# pip reads python_requires only after it has tried the dependencies, which end in a
# long traceback; this comes first.
if not (3, 9) <= sys.version_info[:2] <= (3, 11):
    sys.exit(f'gluon_opt needs {SUPPORTED}; this is Python {platform.python_version()}.')
if sys.platform == 'win32' or (sys.platform, platform.machine()) == ('darwin', 'arm64'):
    sys.exit('MXNet 1.9.1 has no wheel for this platform; use gluon_opt on Linux: in WSL '
             '(Windows), or in a container (docker run -it python:3.11).')

setup(
    name='gluon_opt',
    version='0.1.0',
    description="The optimizers of Dive into Deep Learning, hand-written, "
                "beside Gluon's Trainer",
    license='MIT',
    packages=find_packages(include=['gluon_opt', 'gluon_opt.*']),
    python_requires='>=3.9,<3.12',
    install_requires=[
        'mxnet==1.9.1',
        'd2l==1.0.3',
        'matplotlib',
        'numpy>=1.23.5',
        'pandas',
        'pooch>=1.8',
        'rich>=13',
        'numba>=0.60',
        # d2l pins matplotlib 3.7.2, which imports a function that IPython 9.16 removed.
        'ipython<9.16',
    ],
    extras_require={
        # ipykernel 7.3 prints a remark about its connection each time a kernel starts.
        'test': ['pytest', 'pytest-timeout', 'hypothesis', 'scikit-learn',
                 'nbclient', 'nbformat', 'ipykernel<7.3'],
        'dev': ['ruff', 'setuptools>=70.1'],
    },
    entry_points={'console_scripts': ['gluon-opt = gluon_opt.cli:main']},
    classifiers=[
        'Operating System :: MacOS',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Topic :: Education',
    ],
)
