"""Seconds per epoch of the book's run: d2l's own loops beside ours."""
import io
import re
from contextlib import redirect_stdout

from mxnet import np

from gluon_opt.algorithms import algorithms, init_states
from gluon_opt.bench._sides import in_turn, milli, or_left_out
from gluon_opt.data import get_data_ch10
from gluon_opt.fuse import fuse
from gluon_opt.train import train_ch10, train_gluon_ch10

TITLE = 'seconds per epoch of adam on the airfoil data, batch size 10, as each loop prints them'
EPOCHS, BATCH_SIZE, LR = 2, 10, 0.01        # the book's
# Which loop of d2l's does the same as one of ours.
PAIRS = {'by hand': 'train_ch11', 'fused': 'train_ch11', 'Gluon': 'train_concise_ch11'}


def measure(quick):
    """Seconds per epoch of each side."""
    def printed(run):
        def side():
            text = io.StringIO()
            with redirect_stdout(text):
                run()
            return float(re.search(r'([\d.]+) sec/epoch', text.getvalue())[1])
        return side

    return rows(in_turn({name: printed(run) for name, run in sides().items()},
                        rounds=1 if quick else 7, warm_up=0 if quick else 1))


def rows(seconds):
    """A row for each of our loops, with d2l's beside it where it was measured."""
    return [{'ours': ours, 'seconds': seconds[ours],
             **({"d2l's": d2ls, "d2l's seconds": seconds[d2ls],
                 'ratio': seconds[d2ls] / seconds[ours]} if d2ls in seconds else {})}
            for ours, d2ls in PAIRS.items()]


def sides():
    """The runs, functions that return nothing: ours, and d2l's where it is installed."""
    adam = algorithms()['adam']
    fused = fuse(adam.rule)
    data_iter, feature_dim = get_data_ch10(BATCH_SIZE)

    def by_hand(train, rule, data_iter):
        shapes = [np.zeros((feature_dim, 1)), np.zeros(1)]
        train(rule, init_states('adam', shapes), {'lr': LR, 't': 1}, data_iter, feature_dim, EPOCHS)

    def by_gluon(train, data_iter):
        train('adam', {'learning_rate': LR}, data_iter, EPOCHS)

    def d2ls():
        from d2l import mxnet as d2l
        # What its get_data_ch11 makes of the file, which it would download.
        loader = d2l.load_array((data_iter.features.astype('float32'),
                                 data_iter.labels.astype('float32')), BATCH_SIZE)

        def closing(run):
            def side():
                run()
                d2l.plt.close('all')        # it makes a figure a run, and never closes one
            return side

        return {'train_ch11': closing(lambda: by_hand(d2l.train_ch11, adam.rule, loader)),
                'train_concise_ch11': closing(lambda: by_gluon(d2l.train_concise_ch11, loader))}

    return {'by hand': lambda: by_hand(train_ch10, adam.rule, data_iter),
            'fused': lambda: by_hand(train_ch10, fused, data_iter),
            'Gluon': lambda: by_gluon(train_gluon_ch10, data_iter),
            **or_left_out('d2l', d2ls)}


def table(rows):
    lines = [['ours', 'ms', "d2l's", 'ms', "d2l's/ours"]]
    for row in rows:
        beside = [row["d2l's"], milli(row["d2l's seconds"]), f'{row["ratio"]:.2f}'] \
            if 'ratio' in row else ['-'] * 3
        lines.append([row['ours'], milli(row['seconds']), *beside])
    return lines
