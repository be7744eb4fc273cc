"""The command line: what it prints, what it writes, what it returns."""
import json
import subprocess
import sys

import pytest

import gluon_opt
from gluon_opt.bench import NAMES
from gluon_opt.cli import _parser, main


@pytest.fixture(autouse=True)
def one_repeat(monkeypatch):
    monkeypatch.setattr(sys.modules[gluon_opt.compare.__module__], 'REPEATS', 1)


def run(capsys, *arguments):
    try:
        status = main(arguments)
    except SystemExit as stop:      # argparse ends the program itself
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize('arguments', [['--help'], ['compare', '--help'], ['--version']])
def test_answers_at_once_because_nothing_heavy_is_imported(arguments):
    code = ('import sys; from gluon_opt.cli import main\n'
            f'try: main({arguments})\n'
            'except SystemExit as stop: assert stop.code == 0\n'
            'heavy = {"mxnet", "numpy", "matplotlib", "pandas", "rich", "numba"}\n'
            'print(heavy & set(sys.modules))')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == 'set()'


def test_version_names_what_it_runs_on(capsys):
    status, out, _ = run(capsys, '--version')
    assert status == 0
    for name in 'gluon_opt', 'Python 3.', 'NumPy', 'MXNet 1.9.1', 'numba':
        assert name in out


def test_list(capsys):
    status, out, _ = run(capsys, 'list')
    assert status == 0 and max(map(len, out.splitlines())) <= 100
    for name in gluon_opt.algorithms():
        assert name in out
    status, out, _ = run(capsys, 'list', '--json')
    rows = {row['algorithm']: row for row in json.loads(out)}
    assert rows['adam']['hyperparams']['beta1'] == {'default': 0.9, 'bounds': '[0, 1)'}
    assert rows['yogi']['gluon_name'] is None and rows['adadelta']['states'] == 2


def test_compare(capsys, tmp_path):
    status, out, _ = run(capsys, 'compare', 'sgd', 'adam', '--epochs', '1', '--out', str(tmp_path))
    table = out[:out.index(str(tmp_path))]
    assert status == 0 and max(map(len, table.splitlines())) <= 100
    for part in 'adam', 'learning_rate=0.01', 'float32 rounding', 'Least squares', '0.2416':
        assert part in out
    assert len(list(tmp_path.iterdir())) == 5


def test_json_is_all_that_stands_on_standard_output(capsys, monkeypatch):
    monkeypatch.delenv('GLUON_OPT_DATA', raising=False)     # so that the twin is announced
    status, out, err = run(capsys, 'compare', 'sgd', '--epochs', '1', '--json')
    assert status == 0 and 'offline twin' in err
    assert json.loads(out)['rows'][0]['algorithm'] == 'sgd'


def test_status_1_for_divergence(capsys, monkeypatch):
    monkeypatch.setitem(gluon_opt.algorithms()['sgd'].__dict__, 'chosen', {'lr': 1e3})
    status, out, err = run(capsys, 'compare', 'sgd', 'adagrad', '--epochs', '1')
    assert status == 1 and 'no longer' in out and 'sgd' in err and 'adagrad' not in err


def test_status_1_for_a_gap_without_reason(capsys, monkeypatch):
    monkeypatch.setitem(gluon_opt.algorithms()['sgd'].__dict__, 'bound', 0.0)
    status, out, err = run(capsys, 'compare', 'sgd', '--epochs', '1')
    assert status == 1 and 'unexplained' in out and 'sgd' in err


def test_trace(capsys, tmp_path):
    status, out, _ = run(capsys, 'trace', 'rmsprop', '--set', 'lr=0.4', '--start=-5,-2',
                         '--out', str(tmp_path))
    assert status == 0 and out.startswith('rmsprop on bowl, step 20: x1 -0.010599, x2 0.000000')
    assert len(list(tmp_path.iterdir())) == 3
    status, out, _ = run(capsys, 'trace', 'adam', '--on', 'beale', '--steps', '3', '--json')
    assert len(json.loads(out)['path']) == 4


@pytest.mark.parametrize('name', NAMES)
def test_bench(name, capsys, tmp_path):
    status, out, err = run(capsys, 'bench', name, '--quick', '--json', '--out', str(tmp_path))
    measured = json.loads(out)
    assert status == 0 and list(measured['benchmarks']) == [name] and f'{name}: ' in err
    assert measured['versions']['mxnet'] == '1.9.1' and measured['quick']
    assert (tmp_path / 'bench.json').read_text() == out.rstrip('\n')
    assert '\n| ---' in (tmp_path / 'bench.md').read_text()


def test_help_lists_the_benchmarks(capsys):
    with pytest.raises(SystemExit):
        _parser().parse_args(['bench', '--help'])
    assert ', '.join(NAMES) in ' '.join(capsys.readouterr().out.split())


def test_bench_prints_ratios(capsys):
    status, out, _ = run(capsys, 'bench', 'update', '--quick')
    assert status == 0 and max(map(len, out.splitlines())) <= 100
    for part in 'update: one update', 'book/fused', 'limit', '1,000':
        assert part in out


@pytest.mark.parametrize('arguments, message', [
    ([], 'required'), (['paint'], 'invalid choice'),
    (['compare', '--epochs', 'two'], 'invalid int'),
    (['compare', 'adamm'], "no algorithm 'adamm'; did you mean 'adam'"),
    (['compare', '--epochs', '0'], 'num_epochs must be'),
    (['bench', 'updat'], "no benchmark 'updat'; did you mean 'update'"),
    (['compare', '--data', '/nowhere'], 'no such file'),
    (['trace', 'adam', '--set', 'lr'], 'not KEY=NUMBER'),
    (['trace', 'adam', '--set', 'lr=-1'], 'adam: lr must be in (0, inf), got -1'),
    (['trace', 'adam', '--on', 'bol'], "no function 'bol'; did you mean 'bowl'"),
    (['trace', 'adam', '--start', 'here'], 'invalid'),
])
def test_status_2_and_one_line_for_bad_usage(arguments, message, capsys):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and message in err and 'Traceback' not in err and out == ''
    assert len([line for line in err.splitlines() if line.startswith('gluon-opt')]) == 1


def test_folder_that_cannot_be_made(capsys, tmp_path):
    (tmp_path / 'file').write_text('')
    status, _, err = run(capsys, 'trace', 'adam', '--out', str(tmp_path / 'file' / 'out'))
    assert status == 1 and 'Traceback' not in err and 'file' in err


def test_without_mxnet_one_line_says_what_to_install():
    code = ('import sys\n'
            'sys.modules["mxnet"] = None\n'     # as Python marks a module that cannot be imported
            'from gluon_opt.cli import main\n'
            'sys.exit(main(["list"]))')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert 'mxnet' in done.stderr
