"""One run from many seeds at once: what of a loss is the rule, and what is the draw."""
import numpy as onp
from mxnet import np

from gluon_opt import GluonOptError
from gluon_opt._mode import np_mode
from gluon_opt.algorithms import find, init_states
from gluon_opt.data import Batches, check_whole, least_squares_loss
from gluon_opt.observe import nobody
from gluon_opt.train import ByHand, Data, run, start

EVERY = 200     # examples from one measurement to the next, as in the loops
ROUNDING = 1e-4     # relative, in a loss: float32 over some hundred steps, in another order


class SeedRuns:
    """The losses of one rule from many seeds.

    Attributes:
        label: what ran.
        epochs: of each measurement.
        losses: NumPy array (seeds, measurements); the row of seed i is what
            `train_ch10(..., seed=i)` records, to float32 rounding.
        weights: NumPy array (seeds, features + 1), w and b of each seed at the end.
        record: the Record of seed 0, trained alone.
        optimum: the least-squares loss, below which no run can go.
    """

    def __init__(self, record, losses, weights, optimum):
        self.label, self.epochs, self.record = record.label, record.epochs, record
        self.losses, self.weights, self.optimum = losses, weights, optimum

    @property
    def final(self):
        """The loss of each seed at the end."""
        return self.losses[:, -1]

    def band(self, low=5, high=95):
        """Two percentiles over the seeds at each measurement."""
        return onp.percentile(self.losses, [low, high], axis=0)

    def plot(self):
        """The run of seed 0, the 5-95 % band over the seeds, and the least-squares loss."""
        from gluon_opt import plots
        figure = plots.loss_band(self)
        plots.display(figure)
        return figure

    def __repr__(self):
        low, high = self.band()[:, -1]
        return (f'<SeedRuns {self.label}: {len(self.losses)} seeds, loss {self.final.mean():.4f}, '
                f'5-95 % {low:.4f} to {high:.4f}, least squares {self.optimum:.4f}>')


@np_mode()
def over_seeds(rule, hyperparams, data_iter, num_epochs=2, *, seeds=200, states=None):
    """Train the book's linear model from the seeds 0, 1, ..., all in one run.

    The parameters of all seeds are stacked along a first axis and the rule is called once a step,
    so that 200 seeds take little longer than one. That is only right for a rule that treats each
    element by itself; seed 0 is therefore trained alone too, and has to agree.

    Args:
        rule: a book-shaped function, or the name of one of ours.
        hyperparams: dict of hyperparameters; the run works on a copy.
        data_iter: a `Batches`, as `get_data_ch10` returns.
        num_epochs: passes over the data.
        seeds: how many.
        states: as for `init_states`.

    Returns:
        A `SeedRuns`.

    Raises:
        GluonOptError: data that cannot be re-seeded, a bad hyperparameter, a run that diverges, or
            a rule that mixes elements (clipping by norm, lamb, lars).
    """
    check_whole('seeds', seeds, 1)
    check_whole('num_epochs', num_epochs, 1)
    if not isinstance(data_iter, Batches):
        raise GluonOptError('data_iter must be what get_data_ch10 returns, which can be re-seeded; '
                            f'got {type(data_iter).__name__}')
    algorithm = find(rule)
    rule = algorithm.rule if isinstance(rule, str) else rule
    hyperparams = dict(algorithm.check(hyperparams) if algorithm else hyperparams)

    feature_dim = data_iter.features.shape[1]
    first = start(feature_dim, 0)
    alone = ByHand(rule, init_states(rule, [np.array(p) for p in first], states=states),
                   hyperparams, first)
    record = run(alone, Data(data_iter, 0), num_epochs, every=EVERY, observer=nobody)

    params = [np.array(onp.stack(ps)) for ps in zip(*(start(feature_dim, i)
                                                      for i in range(seeds)))]
    for p in params:
        p.attach_grad()
    losses = _train(rule, params, init_states(rule, params, states=states), hyperparams,
                    data_iter, seeds, num_epochs)
    if not onp.allclose(losses[0], record.losses, rtol=ROUNDING):
        raise GluonOptError(f'{record.label}: seed 0 among the others ends at {losses[0, -1]:.6f}, '
                            f'alone at {record.loss:.6f}: the rule mixes elements of a parameter, '
                            'so each seed has to be trained by itself (train_ch10(..., seed=i))')
    w, b = (p.asnumpy().reshape(seeds, -1) for p in params)
    return SeedRuns(record, losses, onp.hstack([w, b]), least_squares_loss(data_iter))


def _train(rule, params, states, hyperparams, data_iter, seeds, num_epochs):
    """The losses, (seeds, measurements), while `params` (seeds, ...) are trained in place.

    The gradient of least squares is written out: autograd on so many small products is slower.
    """
    X, y, size = data_iter.features, data_iter.labels, data_iter.batch_size
    w, b = params
    losses = [_losses(X, y, w, b)]
    randoms = [onp.random.RandomState(i) for i in range(seeds)]
    examples = 0
    for _ in range(num_epochs):
        order = onp.stack([random.permutation(len(X)) for random in randoms])
        for first in range(0, len(X), size):
            rows = order[:, first:first + size]
            X_batch = X[rows]
            error = onp.einsum('sij,sj->si', X_batch, w.asnumpy()[:, :, 0]) + b.asnumpy() - y[rows]
            error /= rows.shape[1]
            w.grad[:] = onp.einsum('sij,si->sj', X_batch, error)[:, :, None]
            b.grad[:] = error.sum(axis=1, keepdims=True)
            rule(params, states, hyperparams)
            crossed = (examples + rows.shape[1]) // EVERY > examples // EVERY
            examples += rows.shape[1]
            if crossed:
                losses.append(_losses(X, y, w, b))
    if len(losses) == 1:
        losses.append(_losses(X, y, w, b))
    return onp.array(losses).T


def _losses(X, y, w, b):
    y_hat = X @ w.asnumpy()[:, :, 0].T + b.asnumpy()[:, 0]
    return ((y_hat - y[:, None]) ** 2 / 2).mean(axis=0, dtype='float64')
