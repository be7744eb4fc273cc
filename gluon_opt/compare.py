"""Each algorithm by hand and by Gluon: the same start, the same batches, and what comes apart."""
import json
import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import numpy as onp

from gluon_opt import GluonOptError, bridge
from gluon_opt.algorithms import CHAPTER, in_table
from gluon_opt.algorithms._algorithm import choices
from gluon_opt.data import check_seed, check_whole, get_data_ch10, least_squares_loss
from gluon_opt.digits import NETS, cross_entropy, digits, net_at_start
from gluon_opt.fuse import fuse
from gluon_opt.observe import nobody, progress
from gluon_opt.record import Record, csv_text, write_whole
from gluon_opt.train import ByHand, Data, OnNet, by_gluon, gluon_trainer, run, start
from gluon_opt.trainer import Trainer

COLUMNS = ('algorithm', 'gluon_name', 'hyperparams', 'gluon_hyperparams', 'loss', 'gluon_loss',
           'gap', 'gap_step', 'reason', 'sec_per_epoch', 'gluon_sec_per_epoch',
           'fused_sec_per_epoch')
UNEXPLAINED = 'unexplained'
REPEATS = 3         # timed runs of each side, and of the fused rule, in turn


def compare(names=None, *, num_epochs=2, batch_size=10, seed=0, matched=False, path=None,
            model='linear'):
    """Train by hand and by Gluon from the same start on the same batches, and measure the gap.

    Args:
        names: of algorithms, or their rules, or one of these; None is the chapter's, always.
        num_epochs, batch_size, seed: of every run.
        matched: False gives Gluon what the book gives it, and leaves the rest to its defaults.
            True translates every hyperparameter, so that the two are one rule where that is
            possible; the rule by hand is then in Gluon's form where the forms differ in more
            than values, and Gluon's epsilon of adam is renewed each step.
        path: of the airfoil data; see `load_airfoil`.
        model: 'linear', the book's, on the airfoil data; 'mlp' or 'conv', nets on the digits of
            scikit-learn, the hand-written rule run by `gluon_opt.Trainer`.

    Returns:
        A `Comparison`, a row an algorithm.

    Raises:
        GluonOptError: an unknown name, a bad size or seed, or bad data.
    """
    names = CHAPTER if names is None else names
    names = [names] if isinstance(names, str) or callable(names) else names
    algorithms = [in_table(name) for name in names]
    check_seed(seed)
    check_whole('num_epochs', num_epochs, 1)
    if model not in MODELS:
        raise GluonOptError(f'no model {model!r}{choices(model, MODELS)}')
    linear = model == 'linear'
    batches = get_data_ch10(batch_size, path=path)[0] if linear else digits(batch_size)
    if seed is None:            # both sides need the same one
        seed = int(onp.random.randint(2 ** 31))
    settings = {'model': model, 'data': batches.source, 'num_epochs': num_epochs,
                'batch_size': batch_size, 'seed': seed, 'matched': matched}
    comparison = Comparison(settings, least_squares_loss(batches) if linear else None)
    for algorithm in progress(algorithms):
        pair = (Pair if linear else _PairOfNets)(algorithm, batches, settings)
        measured = _measure(pair, num_epochs)
        comparison.runs.append(measured)
        comparison.rows.append(_row(pair, measured))
    return comparison


MODELS = ('linear', *NETS)


class Pair:
    """The two sides of a comparison; each call makes a model, or the data, at the start."""

    slack = 1       # times the algorithm's bound on the gap of a matched pair

    def __init__(self, algorithm, batches, settings):
        self.algorithm, self.batches, self.settings = algorithm, batches, settings
        self.matched, self.seed = settings['matched'], settings['seed']
        self.hyperparams = algorithm.check(algorithm.chosen)
        self.gluon_name = algorithm.gluon or algorithm.name
        self.gluon_hyperparams = bridge.to_gluon(
            algorithm, self.hyperparams if self.matched else algorithm.chosen)
        self.rule = algorithm.rule
        if self.matched and not algorithm.each_step:
            self.rule = algorithm.matched_rule
        self.renewed = self.matched     # Gluon's values whose translation depends on the step
        self.divisor = None             # of the gradient in Gluon's Trainer; None: the batch's size

    def data(self):
        return Data(self.batches, self.seed)

    def by_hand(self, fused=False):
        feature_dim, make_states = self.batches.features.shape[1], self.algorithm.init_states
        rule = fuse(self.rule) if fused else self.rule
        rule = rule if self.rule is self.algorithm.rule else _in_gluons_order(rule)
        states = make_states(feature_dim) if make_states else None
        return ByHand(rule, states, self.hyperparams, start(feature_dim, self.seed))

    def by_gluon(self):
        model = self.gluon_side()
        if self.renewed:
            model.before_step = lambda t: bridge.renew(model.trainer, self.algorithm,
                                                       {**self.hyperparams, 't': t})
        return model

    def gluon_side(self):
        feature_dim = self.batches.features.shape[1]
        return by_gluon(self.gluon_name, self.gluon_hyperparams, start(feature_dim, self.seed),
                        batch_size=self.divisor)

    def between_steps(self, done, hand, gluon):
        """Called after each step with the number of steps done."""


class _PairOfNets(Pair):
    """The same for a net: Gluon's Trainer beside ours."""

    slack = 10      # parameters above 1, and a rounding of the input may switch a unit on or off

    def by_hand(self, fused=False):
        net = net_at_start(self.settings['model'], self.seed)
        trainer = Trainer(net.collect_params(), self.rule, self.hyperparams, fused=fused)
        return OnNet(self.algorithm.name, net, trainer, cross_entropy())

    def gluon_side(self):
        net = net_at_start(self.settings['model'], self.seed)
        trainer = gluon_trainer(net, self.gluon_name, self.gluon_hyperparams)
        return OnNet(f'gluon {self.gluon_name}', net, trainer, cross_entropy())


def _in_gluons_order(rule):
    """The rule with the parameters as Gluon's Trainer sorts them, by name: bias, weight."""
    def in_order(params, states, hyperparams):
        rule(params[::-1], states[::-1], hyperparams)
    in_order.__name__ = rule.__name__
    return in_order


@dataclass
class Measured:
    """Both runs of a pair.

    Attributes:
        hand, gluon: Records; the last of the timed runs, or as far as one got that diverged.
        gaps: the largest absolute difference of any parameter, after each step.
        gap_step: the first step at which it exceeds 4 ulps of the largest parameter, or None.
        steps: steps the run was to have.
        seconds: (by hand, by Gluon, fused), per epoch, the medians of `REPEATS` runs in turn.
        failure: why it stopped early, or ''.
    """

    hand: Record
    gluon: Record
    gaps: list
    gap_step: int
    steps: int
    seconds: tuple
    failure: str = ''


def _measure(pair, num_epochs):
    steps = num_epochs * len(pair.batches)
    gaps, gap_step = measure_gaps(pair, num_epochs)
    seconds, records, failures = ([], [], []), [None] * 3, {}
    _compile(pair)
    for _ in range(REPEATS):
        for side, model in enumerate((pair.by_hand(), pair.by_gluon(), pair.by_hand(fused=True))):
            try:
                records[side] = run(model, pair.data(), num_epochs, observer=nobody)
                seconds[side].append(records[side].sec_per_epoch)
            except GluonOptError as failure:
                records[side] = failure.record
                failures[side] = str(failure)
    medians = tuple(statistics.median(times) if times else None for times in seconds)
    return Measured(*records[:2], gaps, gap_step, steps, medians, '; '.join(failures.values()))


def _compile(pair):
    """Take one fused step, so that compiling it is not timed."""
    model = pair.by_hand(fused=True)
    X, y = next(iter(pair.batches))
    with model.mode():
        model.step(X, y)


def measure_gaps(pair, num_epochs):
    """Both models in step, on the same batches: the gap after each, and where it begins."""
    hand, gluon, data = pair.by_hand(), pair.by_gluon(), pair.data()
    gaps, gap_step = [], None
    with hand.mode(), onp.errstate(all='ignore'):       # a run may diverge
        for _ in range(num_epochs):
            for X, y in data.batches:
                hand.step(X, y)
                gluon.step(X, y)
                a, b = hand.weights(), gluon.weights()
                gap, largest = abs(a - b).max(), abs(a).max()
                if not onp.isfinite(gap):
                    return gaps, gap_step
                gaps.append(float(gap))
                if gap_step is None and gap > 4 * onp.spacing(largest):
                    gap_step = len(gaps)
                pair.between_steps(len(gaps), hand, gluon)
    return gaps, gap_step


def _row(pair, measured):
    algorithm = pair.algorithm
    gap = max(measured.gaps, default=None)
    values = (algorithm.name, algorithm.gluon or f'{algorithm.name} (ours)',
              {key: value for key, value in pair.hyperparams.items() if key != 't'},
              pair.gluon_hyperparams, measured.hand.loss, measured.gluon.loss,
              gap, measured.gap_step, measured.failure or _reason(pair, gap), *measured.seconds)
    return dict(zip(COLUMNS, values))


def _reason(pair, gap):
    """Why the two come apart, in words; `UNEXPLAINED` above the bound and with no known cause."""
    algorithm = pair.algorithm
    causes = [] if pair.matched else _differences(pair)
    if not causes and gap > pair.slack * algorithm.bound:
        return UNEXPLAINED
    if algorithm.gluon is None:
        return "Gluon has no such rule: ours, run by Gluon's Trainer"
    return '; '.join(causes) or algorithm.rest


def _differences(pair):
    """What differs between the book's call and Gluon's: values first, then the form."""
    algorithm = pair.algorithm
    theirs = {**bridge.gluon_defaults(pair.gluon_name), **pair.gluon_hyperparams}
    values = [f'{key} is {pair.hyperparams[key]:g}, in Gluon {theirs[name]:g}'
              for key, name in algorithm.keys.items() if pair.hyperparams[key] != theirs[name]]
    return values + [algorithm.difference] * bool(algorithm.difference)


@dataclass
class Comparison:
    """What `compare` measured.

    Attributes:
        settings: of the runs.
        optimum: the least-squares loss, below which no run of the linear model can go; else None.
        rows: dicts with the keys `COLUMNS`, one an algorithm.
        runs: `Measured`, beside the rows.
    """

    settings: dict
    optimum: float
    rows: list = field(default_factory=list)
    runs: list = field(default_factory=list)

    @property
    def title(self):
        s = self.settings
        data = {'twin': 'the offline twin of the airfoil data',
                'scikit-learn': f'digits, {s["model"]}'}.get(s['data'], 'airfoil data')
        return (f'{"Matched: " if s["matched"] else ""}{data}, '
                f'{s["num_epochs"]} epoch{"s" * (s["num_epochs"] > 1)}, '
                f'batch size {s["batch_size"]}, seed {s["seed"]}')

    @property
    def failed(self):
        """The algorithms that diverged, or whose gap is above its bound with no known cause."""
        return [row['algorithm'] for row, measured in zip(self.rows, self.runs)
                if measured.failure or row['reason'] == UNEXPLAINED]

    def to_dataframe(self):
        """The rows as a pandas DataFrame."""
        import pandas
        return pandas.DataFrame(self.rows, columns=COLUMNS)

    def plot(self):
        """Draw the losses of both sides and the gap between them; a notebook displays it at once.

        Returns:
            The matplotlib Figure.
        """
        from gluon_opt import plots
        figure = plots.comparison_figure(self)
        plots.display(figure)
        return figure

    def to_json(self):
        """The settings, the rows and all gaps as JSON text; a number that is not finite is null."""
        rows = [{key: None if isinstance(value, float) and not math.isfinite(value) else value
                 for key, value in row.items()} for row in self.rows]
        return json.dumps({'settings': self.settings, 'least_squares_loss': self.optimum,
                           'rows': rows, 'gaps': [run.gaps for run in self.runs]}, indent=1)

    def save(self, folder):
        """Write comparison.csv, .json, .svg, .png and .html to a folder; returns their paths.

        The page needs no other file. Each file is written whole or not at all.
        """
        from gluon_opt import plots, report
        figure = plots.comparison_figure(self)
        files = {'csv': csv_text(COLUMNS, (map(report.text, row.values()) for row in self.rows)),
                 'json': self.to_json(), 'svg': plots.svg(figure), 'png': plots.png(figure),
                 'html': report.page(self, plots.svg(figure))}
        paths = [Path(folder) / f'comparison.{kind}' for kind in files]
        for path, contents in zip(paths, files.values()):
            write_whole(path, contents)
        return paths
