"""Why a rule by hand and Gluon's come apart, measured: one difference turned off at a time."""
from dataclasses import dataclass
from typing import NamedTuple

from gluon_opt import bridge
from gluon_opt.algorithms import gluon_form, in_table
from gluon_opt.compare import Pair, measure_gaps
from gluon_opt.data import get_data_ch10

COLUMNS = ('algorithm', 'setting', 'difference', 'gap', 'gap_without', 'share')
NUM_EPOCHS = 2
ROUNDING = 'float32 rounding'


class Setting(NamedTuple):
    """What both sides are told.

    Attributes:
        text: in words.
        hyperparams: on both sides, beside the algorithm's own; None leaves Gluon's defaults.
        cut_after: steps after which lr falls to a tenth.
        batch_size: of the batches.
        divisor: Gluon's Trainer divides every gradient by it; None: by the size of the batch.
    """

    text: str
    hyperparams: dict = None
    cut_after: int = None
    batch_size: int = 10
    divisor: int = None


AS_CALLED = Setting('as the book calls both')
LR_CUT = Setting('lr to a tenth after 150 steps', {}, cut_after=150)
LAST_BATCH = Setting('batch size 7, the last has 2; Gluon divides by 7', {}, batch_size=7,
                     divisor=7)
SETTINGS = {
    'adam': [*(Setting(f'eps {eps:g} on both sides', {'eps': eps}) for eps in (1e-3, 1e-6, 1e-8)),
             LAST_BATCH],
    'sgd_momentum': [AS_CALLED, LR_CUT, LAST_BATCH],
    'nag': [AS_CALLED, LR_CUT, LAST_BATCH],
}


class _Variant(Pair):
    """A pair in a setting, some of its differences turned off."""

    def __init__(self, algorithm, batches, seed, setting, off):
        super().__init__(algorithm, batches, {'matched': False, 'seed': seed})
        self.setting = setting
        self.hyperparams = {**self.hyperparams, **(setting.hyperparams or {})}
        if setting.hyperparams is not None or _values in off:
            self.gluon_hyperparams = bridge.to_gluon(algorithm, self.hyperparams)
        self.renewed = _each_step in off and _form not in off       # one translation, not two
        if _form in off:
            self.rule = gluon_form(algorithm.name)
        self.divisor = None if _divisor in off else setting.divisor

    def by_hand(self, fused=True):
        """Compiled: many runs are measured, and the numbers are the same."""
        return super().by_hand(fused)

    def between_steps(self, done, hand, gluon):
        if done == self.setting.cut_after:
            hand.hyperparams['lr'] /= 10
            gluon.trainer.set_learning_rate(hand.hyperparams['lr'])


# What can be turned off, in this order; each answers with words where the difference is there.

def _divisor(algorithm, setting):
    return setting.divisor and 'the last batch is divided by the size of a whole one'


def _values(algorithm, setting):
    if setting.hyperparams is not None or algorithm.gluon is None:
        return None
    defaults = bridge.gluon_defaults(algorithm.gluon)
    return ', '.join(f'{key} is {algorithm.defaults[key]:g}, in Gluon {defaults[name]:g}'
                     for key, name in algorithm.keys.items()
                     if key not in algorithm.chosen and algorithm.defaults[key] != defaults[name])


def _each_step(algorithm, setting):
    return algorithm.difference if algorithm.each_step else None


def _form(algorithm, setting):
    return algorithm.form


def explain(name, *, seed=0, path=None):
    """Measure how much of the gap to Gluon each difference accounts for.

    For each setting the gap is measured with all differences, and again as one after the other is
    turned off; the share of a difference is what the gap loses by it, over the whole gap. Runs are
    those of `compare`: 2 epochs of the book's linear model.

    Args:
        name: of an algorithm of ours, or its rule.
        seed: of the start and the batches.
        path: of the data; see `load_airfoil`.

    Returns:
        An `Explanation`.

    Raises:
        GluonOptError: an unknown name, or bad data.
    """
    algorithm = in_table(name)
    name = algorithm.name
    rows = []
    for setting in SETTINGS.get(name, [AS_CALLED, LAST_BATCH]):
        batches, _ = get_data_ch10(setting.batch_size, path=path)
        rows += _explain_setting(algorithm, batches, seed, setting)
    return Explanation(rows, batches.source)


def _explain_setting(algorithm, batches, seed, setting):
    def largest_gap(off):
        gaps, _ = measure_gaps(_Variant(algorithm, batches, seed, setting, off), NUM_EPOCHS)
        return max(gaps)

    whole = gap = largest_gap(())
    off, rows = [], []
    for difference in (_divisor, _values, _each_step, _form):
        words = difference(algorithm, setting)
        if words:
            off.append(difference)
            without = largest_gap(off)
            rows.append((words, gap, without))
            gap = without
    rows.append((ROUNDING, gap, 0.0))
    return [dict(zip(COLUMNS, (algorithm.name, setting.text, words, gap, without,
                               (gap - without) / whole if whole else 0.0)))
            for words, gap, without in rows]


@dataclass
class Explanation:
    """What `explain` measured.

    Attributes:
        rows: dicts with the keys `COLUMNS`: gap is the largest difference of any parameter before
            the difference of the row is turned off, gap_without after, share what part of the
            whole gap that is.
        source: of the data: 'file', 'download' or 'twin'.
    """

    rows: list
    source: str

    def to_dataframe(self):
        """The rows as a pandas DataFrame."""
        import pandas
        return pandas.DataFrame(self.rows, columns=COLUMNS)

    def __str__(self):
        lines = [] if self.source != 'twin' else ['on the offline twin']
        for i, row in enumerate(self.rows):
            if i == 0 or row['setting'] != self.rows[i - 1]['setting']:
                lines.append(f'{row["algorithm"]}, {row["setting"]}: gap {row["gap"]:.1e}')
            percent = round(100 * row['share'], 2) + 0.0        # no -0.00
            lines.append(f'  {percent:7.2f} %  {row["difference"]}')
        return '\n'.join(lines)
