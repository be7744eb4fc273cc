"""The book's two loops, by hand and by Gluon; both thin over one private loop."""
import math
import time

import numpy as onp
from mxnet import autograd, engine, gluon, nd, np, npx
from mxnet.util import is_np_array

from gluon_opt import GluonOptError, bridge
from gluon_opt._mode import nd_mode, np_mode
from gluon_opt.algorithms import find
from gluon_opt.algorithms._algorithm import flat
from gluon_opt.data import Batches, check_seed, check_whole
from gluon_opt.observe import observer
from gluon_opt.record import Record


def train_ch10(trainer_fn, states, hyperparams, data_iter, feature_dim, num_epochs=2, *,
               seed=None):
    """Train the book's linear model with a hand-written rule.

    Prints "loss: 0.243, 0.041 sec/epoch"; draws the loss curve in a notebook.

    Args:
        trainer_fn: a book-shaped function `(params, states, hyperparams)`, ours or the reader's.
        states: what `init_adam_states(feature_dim)` and its like return; None for sgd. The run
            works on a copy.
        hyperparams: dict of hyperparameters; the run works on a copy.
        data_iter: a re-iterable of (X, y) with `len`; see `get_data_ch10`.
        feature_dim: columns of X.
        num_epochs: passes over the data.
        seed: of the start and, with our batches, of their order; None draws both from the
            generators that `mx.random.seed` and `numpy.random.seed` set.

    Returns:
        A `Record`, which unpacks as (times, losses).

    Raises:
        GluonOptError: a bad hyperparameter or state, or a loss that is no longer finite; then
            its `record` holds the run so far and its `step` tells when.
    """
    data = Data(data_iter, seed)
    if data.feature_dim != feature_dim:
        raise GluonOptError(f'feature_dim is {feature_dim!r}, but X has {data.feature_dim} columns')
    model = ByHand(trainer_fn, states, hyperparams, start(feature_dim, seed))
    return report(run(model, data, num_epochs), CH10_FORMAT)


def train_gluon_ch10(tr_name, hyperparams, data_iter, num_epochs=2, *, seed=None, kvstore=None):
    """Train the same model by `gluon.Trainer`, which gets the name and the hyperparameters.

    Args:
        tr_name: a name Gluon knows, or one of ours that it lacks, such as 'yogi'.
        hyperparams: with Gluon's names ('learning_rate', ...).
        data_iter, num_epochs, seed: as in `train_ch10`.
        kvstore: for `gluon.Trainer`; None is its default.

    Returns:
        A `Record`, which unpacks as (times, losses).

    Raises:
        GluonOptError: an unknown name or hyperparameter, or a loss that is no longer finite.
    """
    data = Data(data_iter, seed)
    model = by_gluon(tr_name, hyperparams, start(data.feature_dim, seed), kvstore=kvstore)
    return report(run(model, data, num_epochs), CH10_FORMAT)


CH10_FORMAT = 'loss: {:.3f}, {:.3f} sec/epoch'
BUNDLE = 50                     # operations


class Data:
    """The batches a run iterates over, and all examples at once to evaluate on."""

    def __init__(self, data_iter, seed):
        check_seed(seed)
        if isinstance(data_iter, Batches):
            self.batches = data_iter if seed is None else data_iter.with_seed(seed)
            X, y = data_iter.features, data_iter.labels
        else:
            self.batches = data_iter
            X, y = _all_examples(data_iter)
        self.X, self.y = np.array(X), np.array(y)
        self.size, self.feature_dim = X.shape
        self.source = getattr(data_iter, 'source', None)


def _all_examples(data_iter):
    try:
        len(data_iter)
        pairs = [(X.asnumpy(), y.asnumpy().reshape(-1)) for X, y in data_iter]
        features, labels = map(onp.concatenate, zip(*pairs))
    except (TypeError, ValueError, AttributeError) as failure:
        raise GluonOptError('data_iter must be a re-iterable of (X, y) arrays with len(), such as '
                            f'get_data_ch10 returns; got {type(data_iter).__name__} '
                            f'({failure})') from failure
    if features.ndim != 2:
        raise GluonOptError(f'data_iter: X must have two axes, got shape {features.shape}')
    return features, labels


def start(feature_dim, seed):
    """Start values (w, b), float32 NumPy arrays of shapes (feature_dim, 1) and (1,).

    w is normal with deviation 0.01, b is 0; the same for both loops.
    """
    if seed is None:
        w = np.random.normal(scale=0.01, size=(feature_dim, 1)).asnumpy()
    else:
        w = onp.random.RandomState(seed).normal(scale=0.01, size=(feature_dim, 1))
    return w.astype('float32'), onp.zeros(1, 'float32')


class ByHand:
    """The linear model as the book writes it, updated by a book-shaped function.

    Parameters are nd arrays when the states are, so that nd methods work in the rule.
    """

    def __init__(self, rule, states, hyperparams, start, *, nd_arrays=False):
        if not callable(rule):
            raise GluonOptError('trainer_fn must be a function (params, states, hyperparams), '
                                f'got {rule!r}')
        algorithm = find(rule)
        self.name = getattr(rule, '__name__', type(rule).__name__)
        self.hyperparams = dict(algorithm.check(hyperparams) if algorithm else hyperparams)
        arrays = list(flat(states))
        nd_arrays = not isinstance(arrays[0], np.ndarray) if arrays else nd_arrays
        self.mode = nd_mode if nd_arrays else np_mode
        self.rule = rule
        with self.mode():
            self.w, self.b = (self.convert(np.array(p)) for p in start)
            if algorithm:
                _check_states(self.name, algorithm, states, [self.w, self.b])
            self.states = _copy(states)
            self.w.attach_grad()
            self.b.attach_grad()
            self.loss_of = _LinearLoss()
            # one operation forward, one backward, with their memory kept from step to step
            self.loss_of.hybridize(static_alloc=True)

    def convert(self, array):
        """An array of the kind that this model computes with."""
        return array.as_nd_ndarray() if self.mode is nd_mode else array.as_np_ndarray()

    def loss(self, X, y):
        return self.loss_of(X, y, self.w, self.b)

    def step(self, X, y):
        with autograd.record():
            loss = self.loss(X, y)
        loss.backward()
        self.rule([self.w, self.b], self.states, self.hyperparams)
        return loss

    def weights(self):
        """w and b as one float32 NumPy vector."""
        return onp.append(self.w.asnumpy(), self.b.asnumpy())


class _LinearLoss(gluon.HybridBlock):
    """The mean loss under the linear model, of np or of nd arrays."""

    def hybrid_forward(self, F, X, y, w, b):
        if is_np_array():
            y_hat = F.np.dot(X, w) + b
        else:
            y_hat = F.broadcast_add(F.dot(X, w), b.reshape((1, 1)))
        return ((y_hat - y.reshape((-1, 1))) ** 2 / 2).mean()


class _NetLoss(gluon.HybridBlock):
    """The loss of each example under a net."""

    def __init__(self, net, loss_of):
        super().__init__()
        self.net, self.loss_of = net, loss_of

    def hybrid_forward(self, F, X, y):
        return self.loss_of(self.net(X), y)


class OnNet:
    """A Gluon net updated by a Trainer, Gluon's or ours.

    Args:
        name: what is running, for messages.
        net: the net; its parameters have their start values.
        trainer: of its parameters.
        loss_of: a function of (y_hat, y) that returns the loss of each example.
        batch_size: by which the Trainer divides the gradient; left out, the examples in the batch.
        before_step: called with the number of each step, from 1, before the update.
    """

    mode = staticmethod(np_mode)

    def __init__(self, name, net, trainer, loss_of, *, batch_size=None, before_step=None):
        self.name, self.net, self.trainer = name, net, trainer
        self.loss = _NetLoss(net, loss_of)
        self.loss.hybridize(static_alloc=True)
        self.batch_size, self.before_step = batch_size, before_step
        self.t = 0

    def convert(self, array):
        return array.as_np_ndarray()

    def step(self, X, y):
        with autograd.record():
            loss = self.loss(X, y)
        loss.backward()
        self.t += 1
        if self.before_step:
            self.before_step(self.t)
        self.trainer.step(self.batch_size or len(y))
        return loss

    def weights(self):
        """All parameters as one float32 NumPy vector; of a linear net in the order of `ByHand`."""
        return onp.concatenate([p.data().asnumpy().ravel()
                                for p in self.net.collect_params().values()])


@np_mode()
def by_gluon(name, hyperparams, start, *, batch_size=None, kvstore=None):
    """The linear model as a Gluon net, updated by Gluon's Trainer."""
    net = gluon.nn.Dense(1, in_units=len(start[0]))
    net.initialize()
    net.weight.set_data(np.array(start[0].T))
    net.bias.set_data(np.array(start[1]))
    trainer = gluon_trainer(net, name, hyperparams, kvstore)
    return OnNet(f'gluon {name}', net, trainer, gluon.loss.L2Loss(), batch_size=batch_size)


@np_mode()
def gluon_trainer(net, name, hyperparams, kvstore=None):
    """Gluon's Trainer for a net, after a look at the name and the hyperparameters."""
    bridge.check_gluon(name, hyperparams)
    stores = {} if kvstore is None else {'kvstore': kvstore}
    return gluon.Trainer(net.collect_params(), name, dict(hyperparams), **stores)


def _copy(states):
    if isinstance(states, (list, tuple)):
        return type(states)(_copy(state) for state in states)
    return states.copy() if isinstance(states, nd.NDArray) else states


def _check_states(name, algorithm, states, params):
    """Raise unless the states of a rule of ours have the numbers and shapes that it needs."""
    if not algorithm.states:
        return
    wanted = [(p.shape,) * algorithm.states for p in params]
    try:
        found = [tuple(a.shape for a in flat(state)) for state in states]
    except TypeError:
        found = states
    if found != wanted:
        raise GluonOptError(f'{name}: states must have the shapes {wanted}, got {found}; '
                            f'{algorithm.init_states.__name__}(feature_dim) makes them')


def run(model, data, num_epochs, *, every=200, observer=observer):
    """Train, and measure the loss before the first step and as each `every` examples go by."""
    check_whole('num_epochs', num_epochs, 1)
    record = Record(data.size, num_epochs, model.name, data.source)
    examples = step = 0
    batch_losses = {}       # by step, since the last measurement
    # Many small operations: handed to MXNet's engine in bundles they cost less.
    with model.mode(), engine.bulk(BUNDLE), observer(num_epochs) as observe:
        X, y = model.convert(data.X), model.convert(data.y)

        def measure():
            loss = model.loss(X, y).mean().asnumpy().item()
            record.add(examples, record.seconds, loss)
            observe(record)
            if not math.isfinite(loss):
                raise _diverged(model, record, batch_losses, step)
            batch_losses.clear()

        measure()
        npx.waitall()
        clock = time.perf_counter()
        for _ in range(num_epochs):
            for X_batch, y_batch in data.batches:
                step += 1
                batch_losses[step] = model.step(model.convert(X_batch), model.convert(y_batch))
                crossed = (examples + len(y_batch)) // every > examples // every
                examples += len(y_batch)
                if crossed:
                    npx.waitall()
                    record.seconds += time.perf_counter() - clock
                    measure()
                    clock = time.perf_counter()
        npx.waitall()
        record.seconds += time.perf_counter() - clock
        if len(record.losses) == 1:         # less data than `every` examples
            measure()
    return record


def _diverged(model, record, batch_losses, step):
    step = next((s for s, loss in batch_losses.items() if not onp.isfinite(loss.asnumpy()).all()),
                step)
    error = GluonOptError(f'{model.name}: the loss is no longer finite at step {step} '
                          f'(epoch {record.epochs[-1]:.2f}); a smaller learning rate may help')
    error.record, error.step = record, step
    return error


def report(record, text):
    print(text.format(record.loss, record.sec_per_epoch))
    return record
