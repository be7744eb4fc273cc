"""The code cells of the source documents run unchanged, but for their import lines.

The documents are no part of the project: the tests look for them in the folder that the
environment variable GLUON_OPT_SOURCES names, and in ../shared/source.
"""
import os
import re
from pathlib import Path

import pytest
from mxnet import npx

FOLDER = Path(os.environ.get('GLUON_OPT_SOURCES',
                             Path(__file__).parents[2] / 'shared' / 'source'))
IMPORTS = {r'^import d2l$': 'import gluon_opt as d2l',
           r'^import gluonbook as gb$': 'import gluon_opt.gluonbook as gb',
           r'^%matplotlib inline$': ''}

# How far above least squares a run may end: the mean of 40 seeds (0.2596, 0.2889, 0.2599, 0.2436)
# and 5 of their deviations (0.0012, 0.0233, 0.0016, 0.0012), measured on the real data.
SCATTER = {'ch7 adam 0.01': 0.008, 'ch7 adam 0.1': 0.15, 'ch7 rmsprop 0.01': 0.011,
           'ch10 adam 0.01': 0.008}

CH10 = r'loss: (0\.\d{3}), \d+\.\d{3} sec/epoch'
CH7 = r'loss: (0\.\d{6}), \d+\.\d{6} sec per epoch'


def run(document, set_np, capsys):
    """Execute the cells of a document; returns what they print, by lines."""
    path = FOLDER / document
    if not path.is_file():
        pytest.skip(f'needs {document} in {FOLDER}')
    cells = re.findall(r'^```\{\.python \.input.*?\}\n(.*?)^```', path.read_text(), re.M | re.S)
    names = {}
    if set_np:
        npx.set_np()
    try:
        for cell in cells:
            for old, new in IMPORTS.items():
                cell = re.sub(old, new, cell, flags=re.M)
            exec(cell, names)
    finally:
        npx.reset_np()
    return [line for line in capsys.readouterr().out.splitlines() if 'twin' not in line]


def losses(lines, pattern):
    return [float(re.fullmatch(pattern, line).group(1)) for line in lines]


@pytest.mark.parametrize('set_np', [False, True])
def test_chapter_7_adam(set_np, capsys):
    small, large, gluon = losses(run('zh-ch7-adam.md', set_np, capsys), CH7)
    assert 0.257713 < small < 0.2577 + SCATTER['ch7 adam 0.01']
    assert 0.257713 < large < 0.2577 + SCATTER['ch7 adam 0.1']
    assert 0.257713 < gluon < 0.2577 + SCATTER['ch7 adam 0.01']


@pytest.mark.parametrize('set_np', [False, True])
def test_chapter_7_rmsprop(set_np, capsys):
    first, *rest = run('zh-ch7-rmsprop.md', set_np, capsys)
    assert first == 'epoch 20, x1 -0.010599, x2 0.000000'
    hand, gluon = losses(rest, CH7)
    assert 0.257713 < hand < 0.2577 + SCATTER['ch7 rmsprop 0.01']
    assert 0.257713 < gluon < 0.2577 + SCATTER['ch7 rmsprop 0.01']


@pytest.mark.parametrize('set_np', [False, True])
def test_chapter_10_adam_and_yogi(set_np, capsys):
    adam, gluon, yogi = losses(run('en-ch10-adam-yogi.md', set_np, capsys), CH10)
    for loss in adam, gluon, yogi:
        assert 0.2415 < loss < 0.2417 + SCATTER['ch10 adam 0.01']      # printed with 3 digits


