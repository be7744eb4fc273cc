"""The command line, `gluon-opt`: parse, call, print."""
import argparse
import json
import sys
from contextlib import nullcontext, redirect_stdout
from importlib.metadata import PackageNotFoundError, version

from gluon_opt import GluonOptError


def main(argv=None):
    """Run a command; returns the exit status: 0, 1 (a run failed), 2 (bad usage)."""
    arguments = _parser().parse_args(argv)
    # With --json standard output holds JSON and nothing else.
    aside = redirect_stdout(sys.stderr) if arguments.json else nullcontext()
    try:
        with aside:
            show = arguments.command(arguments)
        return show()
    except GluonOptError as error:
        print(f'gluon-opt: {error}', file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name != 'mxnet':
            raise
        print(f'gluon-opt: {error}', file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except OSError as error:        # a folder that cannot be written, say
        print(f'gluon-opt: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog='gluon-opt',
        description="Dive into Deep Learning's optimizers, measured beside Gluon's.")
    parser.add_argument('--version', action=_Versions, nargs=0,
                        help='the versions of this package and of what it runs on')
    commands = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')

    def add(function, help):
        command = commands.add_parser(function.__name__.lstrip('_'), help=help, description=help)
        command.set_defaults(command=function)
        command.add_argument('--json', action='store_true', help='print JSON')
        return command

    add(_list, 'the algorithms: Gluon name, hyperparameters with defaults and bounds, states')

    command = add(_compare, 'train by hand and by Gluon from the same start, and measure the gap')
    command.add_argument('names', nargs='*', metavar='NAME',
                         help="default: the chapter's algorithms")
    command.add_argument('--epochs', type=int, default=2, metavar='N', help='default: 2')
    command.add_argument('--batch-size', type=int, default=10, metavar='N', help='default: 10')
    command.add_argument('--seed', type=int, default=0, metavar='N', help='default: 0')
    command.add_argument('--matched', action='store_true',
                         help='translate all hyperparameters, so that both sides are one rule')
    command.add_argument('--model', default='linear', metavar='NAME',
                         help='linear (default), or mlp or conv on the digits')
    command.add_argument('--data', metavar='PATH', help='airfoil_self_noise.dat, or its folder')
    command.add_argument('--out', metavar='DIR', help='write CSV, JSON, SVG, PNG and HTML there')

    command = add(_explain, "measure how much of an algorithm's gap each difference accounts for")
    command.add_argument('name', metavar='NAME', help='the algorithm')
    command.add_argument('--seed', type=int, default=0, metavar='N', help='default: 0')
    command.add_argument('--data', metavar='PATH', help='airfoil_self_noise.dat, or its folder')

    command = add(_trace, 'walk on a function of two variables')
    command.add_argument('name', metavar='NAME', help='the algorithm')
    command.add_argument('--on', default='bowl', metavar='FUNCTION',
                         help='bowl (default), rosenbrock, beale, himmelblau, rastrigin, saddle')
    command.add_argument('--set', action='append', default=[], metavar='KEY=NUMBER', type=_pair,
                         help='a hyperparameter, as in --set lr=0.4; may be repeated')
    command.add_argument('--start', type=_point, metavar='X1,X2',
                         help="default: the function's own start; write --start=-5,-2")
    command.add_argument('--steps', type=int, default=20, metavar='N', help='default: 20')
    command.add_argument('--out', metavar='DIR', help='write the path and its picture there')

    command = add(_bench, 'measure speed and memory beside d2l, MXNet and PyTorch')
    command.add_argument('names', nargs='*', metavar='NAME',
                         help='update, rules, epoch, live, growth, memory; default: all')
    command.add_argument('--quick', action='store_true',
                         help='small sizes, few rounds: to see that it works')
    command.add_argument('--out', metavar='DIR', help='write JSON and Markdown there')
    return parser


class _Versions(argparse.Action):
    def __call__(self, parser, *_):
        def of(package):
            try:
                return version(package)
            except PackageNotFoundError:
                return 'not installed'

        python = '.'.join(map(str, sys.version_info[:3]))
        names = {'NumPy': 'numpy', 'MXNet': 'mxnet', 'numba': 'numba'}
        print(f'gluon_opt {of("gluon_opt")}, Python {python}',
              *(f'{name} {of(package)}' for name, package in names.items()), sep=', ')
        parser.exit()


def _pair(text):
    key, equals, number = text.partition('=')
    if not equals:
        raise argparse.ArgumentTypeError(f'{text!r} is not KEY=NUMBER')
    return key, int(number) if number.isdigit() else float(number)


def _point(text):
    x1, x2 = map(float, text.split(','))
    return x1, x2


# ---- commands: each does its work and returns a function that prints and gives the status ----

def _list(arguments):
    from gluon_opt.algorithms import algorithms
    from gluon_opt.algorithms._algorithm import BOUNDS

    rows = [{'algorithm': name, 'gluon_name': a.gluon, 'states': a.states,
             'hyperparams': {key: {'default': value, 'bounds': str(BOUNDS[key])}
                             for key, value in a.defaults.items()}}
            for name, a in algorithms().items()]

    def show():
        if arguments.json:
            print(json.dumps(rows, indent=1))
            return 0
        from rich.table import Table
        table = Table('algorithm', 'in Gluon', 'hyperparameter', 'default', 'bounds', 'states')
        for row in rows:
            keys = row['hyperparams']
            table.add_row(row['algorithm'], row['gluon_name'] or '-', '\n'.join(keys),
                          '\n'.join(f'{key["default"]:g}' for key in keys.values()),
                          '\n'.join(key['bounds'] for key in keys.values()), str(row['states']),
                          end_section=True)
        _print(table)
        return 0
    return show


def _compare(arguments):
    from gluon_opt.compare import compare

    comparison = compare(arguments.names or None, num_epochs=arguments.epochs,
                         batch_size=arguments.batch_size, seed=arguments.seed,
                         matched=arguments.matched, path=arguments.data,
                         model=arguments.model)
    paths = comparison.save(arguments.out) if arguments.out else []

    def show():
        if arguments.json:
            print(comparison.to_json())
        else:
            from gluon_opt.report import table
            _print(table(comparison))
            for path in paths:
                print(path)
        if comparison.failed:
            print(f'gluon-opt: diverged, or a gap without a known cause: '
                  f'{", ".join(comparison.failed)}', file=sys.stderr)
        return 1 if comparison.failed else 0
    return show


def _explain(arguments):
    from gluon_opt.explain import explain

    explanation = explain(arguments.name, seed=arguments.seed, path=arguments.data)

    def show():
        if arguments.json:
            print(json.dumps({'data': explanation.source, 'rows': explanation.rows}, indent=1))
        else:
            print(explanation)
        return 0
    return show


def _trace(arguments):
    from gluon_opt import GluonOptError
    from gluon_opt.algorithms import find
    from gluon_opt.algorithms._algorithm import choices
    from gluon_opt.traces import SURFACES, trace

    if arguments.on not in SURFACES:
        raise GluonOptError(f'no function {arguments.on!r}{choices(arguments.on, SURFACES)}')
    surface = SURFACES[arguments.on]
    hyperparams = {**find(arguments.name).chosen, **dict(arguments.set)}
    start = arguments.start or surface.start
    path = trace(arguments.name, surface.f, start, hyperparams, arguments.steps)
    files = _save_trace(arguments, surface, path) if arguments.out else []

    def show():
        x1, x2 = path[-1]
        if arguments.json:
            print(json.dumps({'algorithm': arguments.name, 'function': arguments.on,
                              'hyperparams': hyperparams, 'path': path.tolist()}, indent=1))
        else:
            print(f'{arguments.name} on {arguments.on}, step {arguments.steps}: '
                  f'x1 {x1:f}, x2 {x2:f}, f {float(surface.f(x1, x2)):g}')
            for file in files:
                print(file)
        return 0
    return show


def _bench(arguments):
    from pathlib import Path

    from gluon_opt.bench import bench
    from gluon_opt.record import write_whole

    results = bench(arguments.names, quick=arguments.quick)
    files = []
    if arguments.out:
        for kind, text in (('json', results.to_json()), ('md', results.to_markdown())):
            files.append(Path(arguments.out) / f'bench.{kind}')
            write_whole(files[-1], text)

    def show():
        if arguments.json:
            print(results.to_json())
            return 0
        from rich.table import Table
        for title, (head, *lines) in results.tables():
            table = Table(*head, title=title, title_justify='left')
            for line in lines:
                table.add_row(*line)
            _print(table)
        for file in files:
            print(file)
        return 0
    return show


def _save_trace(arguments, surface, path):
    from pathlib import Path

    from gluon_opt import plots
    from gluon_opt.record import csv_text, write_whole

    figure = plots.show_trace_2d(surface.f, path)
    contents = {'csv': csv_text(['x1', 'x2'], path.tolist()),
                'svg': plots.svg(figure), 'png': plots.png(figure)}
    files = [Path(arguments.out) / f'trace-{arguments.name}-{arguments.on}.{kind}'
             for kind in contents]
    for file, content in zip(files, contents.values()):
        write_whole(file, content)
    return files


def _print(table):
    from rich.console import Console
    Console(width=100, highlight=False).print(table)
