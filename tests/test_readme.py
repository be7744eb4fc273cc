"""Both READMEs: their code runs, their figures are those of a run, and they agree."""
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import gluon_opt
from gluon_opt import cli
from gluon_opt.bridge import gluon_defaults

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = ((ROOT / name).read_text('utf-8') for name in ('README.md', 'README.zh.md'))
NUMBER = r'(?<![A-Za-z0-9_.])\d+(?:\.\d+)*(?:e[+-]?\d+)?'


def blocks(text, language=r'\w+'):
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)


def table(text, corner):
    """The rows of the table whose first heading matches `corner`, as lists of cells."""
    rows = re.search(rf'^\| {corner} \|.*\n\|[-|]+\n((?:\|.*\n)+)', text, re.M)[1]
    return [[cell.strip() for cell in row.strip('|').split('|')] for row in rows.splitlines()]


def test_both_have_the_same_code_and_outputs():
    assert blocks(ENGLISH) == blocks(CHINESE)


def test_both_have_the_same_figures_in_their_tables():
    def figures(text):
        return [sorted(re.findall(NUMBER, line)) for line in text.splitlines()
                if line.startswith('|')]

    assert figures(ENGLISH) == figures(CHINESE)


@pytest.mark.parametrize('text', [ENGLISH, CHINESE], ids=['English', 'Chinese'])
def test_what_they_link_to_is_there(text):
    links = [link for link in re.findall(r'\]\(([^)]*)\)', text) if '://' not in link]
    assert all((ROOT / link).is_file() for link in links)
    pictures = [ROOT / link for link in links if link.startswith('docs/')]
    assert pictures and all(picture.stat().st_size < 200_000 for picture in pictures)


def python_blocks():
    """(the lines for those without gluon_opt, all others)."""
    alone = [block for block in blocks(ENGLISH, 'python') if 'gluon_opt' not in block]
    return alone, [block for block in blocks(ENGLISH, 'python') if block not in alone]


def test_the_code_runs_and_prints_what_they_say(capsys):
    from mxnet import npx
    names, others = {}, python_blocks()[1]
    try:
        for block in others:
            exec(block, names)
    finally:
        npx.reset_np()
    printed = capsys.readouterr().out
    latex, = blocks(ENGLISH, 'latex')
    assert latex in printed
    path = re.search(r'^\[.*\]$', printed, re.M)[0]
    assert f'`{path}`' in ENGLISH
    if 'twin' not in printed:
        losses = re.findall(r'loss: 0\.\d{3}', printed)
        said = re.findall(r'`(loss: 0\.\d{3})`', ENGLISH)
        assert losses[:len(said)] == said and re.findall(r'`(loss: 0\.\d{3})`', CHINESE) == said


@pytest.mark.short
def test_the_lines_for_those_without_gluon_opt_are_enough():
    lines, = python_blocks()[0]
    use = '''
from mxnet import autograd, gluon, np, npx
npx.set_np()
net = gluon.nn.Dense(1)
net.initialize()
trainer = gluon.Trainer(net.collect_params(), 'adam', {'learning_rate': 0.01})
with autograd.record():
    loss = (net(np.ones((2, 3))) ** 2).mean()
loss.backward()
trainer.step(1)
a = np.array([3., 1., 2.])
a[a > 1] = 0
a[numpy.int64(1)] = 7
assert a.tolist() == [0, 7, 0]
assert np.pad(np.ones((1, 1)), ((0, 0), (1, 1)), 'constant').tolist() == [[0, 1, 0]]
'''
    subprocess.run([sys.executable, '-W', 'ignore', '-c', lines + use], check=True)


def test_the_commands_are_those_of_the_command_line():
    commands = [row[0].strip('`') for row in table(ENGLISH, 'Command')]
    parsed = {cli._parser().parse_args(shlex.split(command)[1:]).command
              for command in commands if not command.endswith('--version')}
    assert {function.__name__ for function in parsed} == {'_list', '_compare', '_explain', '_trace',
                                                        '_bench'}


def test_the_sets_are_those_of_constraints():
    for pythons, *versions in table(ENGLISH, 'Python'):
        for python in pythons.split(', '):
            pins = (ROOT / f'constraints/python{python}.txt').read_text()
            assert versions == [re.search(rf'^{package}==(.*)$', pins, re.M)[1]
                                for package in ('numpy', 'matplotlib')]


def test_names_and_eps_of_book_and_gluon():
    rows = {row[0].strip('`'): row for row in table(ENGLISH, 'By hand')}
    assert list(rows) == list(gluon_opt.algorithms())[:len(rows)]
    for name, (_, gluon_name, names, eps, gluon_eps, *_) in rows.items():
        algorithm = gluon_opt.algorithms()[name]
        assert gluon_name.strip('`') == (algorithm.gluon or 'none')
        pairs = re.findall(r'`(\w+)`: `(\w+)`', names)
        assert pairs == list(algorithm.keys.items())
        if eps != 'none':
            assert float(eps.partition(',')[0]) == algorithm.defaults['eps']
        if gluon_eps != 'none':
            default = gluon_defaults(algorithm.gluon)[algorithm.keys['eps']]
            assert float(gluon_eps.partition(',')[0]) == default


@pytest.mark.parametrize('name', ['rmsprop', 'adam', 'nadam'])
def test_the_gaps_are_those_of_a_run(name, real_data):
    from gluon_opt.compare import Pair, measure_gaps
    row, = (row for row in table(ENGLISH, 'By hand') if row[0] == f'`{name}`')
    batches, _ = gluon_opt.get_data_ch10(10, path=real_data)
    for cell, matched in zip(row[-2:], (False, True)):
        pair = Pair(gluon_opt.algorithms()[name], batches, {'matched': matched, 'seed': 0})
        gaps, _ = measure_gaps(pair, 2)
        # Another build of MXNet rounds in other places.
        assert max(gaps) == pytest.approx(float(cell), rel=0.2, abs=3e-7)
