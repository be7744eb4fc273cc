"""Gluon Trainer's habits for a hand-written rule on any Gluon net."""
import io
import json
import zipfile
import zlib

import numpy as onp
from mxnet import gluon, npx

from gluon_opt import GluonOptError, bridge
from gluon_opt.algorithms._algorithm import flat
from gluon_opt.record import write_whole


class Trainer(gluon.Trainer):
    """Updates the parameters of a net by a book-shaped function.

    It is a `gluon.Trainer`: `step(batch_size)`, `allreduce_grads` and `update`, `learning_rate`,
    `set_learning_rate`, stale gradients, `grad_req='null'`, `lr_mult` and `wd_mult` of the
    parameters and several contexts are Gluon's. A rule in the book's form sees all parameters at
    once, and `clip(g / batch_size) + wd * w` as their gradients.

    Args:
        params: `net.collect_params()`, or a list of Parameters.
        rule_or_name: a book-shaped function, or the name of one of ours.
        hyperparams: with the book's names ('lr', 'beta1', ...), and those that every optimizer of
            Gluon's takes: 'wd', 'clip_gradient', 'lr_scheduler' (then 'lr' may be left out),
            'multi_precision'. The dict is not changed.
        form: 'book', or 'gluon': then `rule_or_name` is a name that Gluon has, `hyperparams` are
            what `gluon.Trainer` takes, and the result is Gluon's, quirks and all, by our
            hand-written rule (see `gluon_form`).
        kvstore: as for `gluon.Trainer`; None is its default.
        fused: run the rule as one compiled loop, see `fuse`.
        states: as for `init_states`.

    Raises:
        GluonOptError: a bad name or hyperparameter, sparse parameters.
    """

    def __init__(self, params, rule_or_name, hyperparams, *, form='book', kvstore=None,
                 fused=False, states=None):
        if form == 'gluon':
            optimizer = bridge.optimizer_in_gluons_form(rule_or_name, hyperparams or {}, fused)
        elif form == 'book':
            optimizer = bridge.optimizer(rule_or_name, hyperparams, states, fused)
        else:
            raise GluonOptError(f"form must be 'book' or 'gluon', got {form!r}")
        # On a kvstore the rule would get the parameters one by one.
        distributed = 'dist' in getattr(kvstore, 'type', kvstore or '')
        super().__init__(params, optimizer, kvstore=kvstore or 'device',
                         update_on_kvstore=None if distributed else False)
        if self._contains_sparse_weight or self._contains_sparse_grad:
            names = [p.name for p in self._params if 'default' != p._stype or
                     'default' != p._grad_stype]
            raise GluonOptError(f'{optimizer.name}: sparse parameters are not supported: '
                                f'{", ".join(names)}; use gluon.Trainer, or dense ones')

    # ---- states on file ----

    def save_states(self, fname):
        """Write states, step counts, learning rate, schedule and hyperparameters to a file.

        The parameters are not in it: `net.save_parameters` saves those, as with Gluon. The file is
        a NumPy archive without pickled objects, written whole or not at all.

        Raises:
            GluonOptError: a distributed kvstore, which keeps the states to itself.
        """
        optimizer, updater = self._ready()
        arrays = {f'{index}.{i}': array.asnumpy() for index, state in updater.states.items()
                  for i, array in enumerate(flat(state))}
        schedule = optimizer.lr_scheduler
        header = {
            'format': _FORMAT, 'rule': optimizer.name, 'hyperparams': optimizer.hyperparams,
            'learning_rate': None if schedule else optimizer.lr,
            'schedule': schedule and {'class': type(schedule).__name__, 'values': _plain(schedule)},
            'counts': sorted(optimizer._index_update_count.items()),
            'num_update': optimizer.num_update,
            'shapes': {str(i): list(p.shape) for i, p in enumerate(self._params)}}
        text = json.dumps(header, default=float)
        file = io.BytesIO()
        onp.savez(file, header=onp.frombuffer(text.encode(), 'uint8'), **arrays)
        write_whole(fname, file.getvalue())

    def load_states(self, fname):
        """Go on from a file of `save_states`: the same steps, to the bit.

        The parameters, the rule and the class of the schedule must be those of the file. If it
        cannot be read the Trainer is as before.

        Raises:
            GluonOptError: a damaged file, or one of another rule, schedule or net.
            OSError: no such file.
        """
        optimizer, _ = self._ready()
        header, arrays = _read(fname)
        self._check_fit(fname, header)
        states = [{index: self._state(fname, self._params[index], index, context, arrays)
                   for index, _ in header['counts']} for context in self._contexts]
        for updater, context, its_states in zip(self._updaters, self._contexts, states):
            updater.states = its_states
            updater.states_synced = dict.fromkeys(its_states, True)
            optimizer._all_index_update_counts[context.device_id] = dict(header['counts'])
        optimizer._set_current_context(self._contexts[0].device_id)
        optimizer.num_update = header['num_update']
        optimizer.hyperparams = header['hyperparams']
        if header['schedule']:
            vars(optimizer.lr_scheduler).update(header['schedule']['values'])
        else:
            optimizer.lr = header['learning_rate']

    def _ready(self):
        """The optimizer and the first updater, once the kvstore is there."""
        if not self._kv_initialized:
            self._init_kvstore()
        if self._update_on_kvstore:
            raise GluonOptError(f'{self._optimizer.name}: the states are in the kvstore '
                                f'{self._kvstore.type}, which does not give them out')
        npx.waitall()
        return self._optimizer, self._updaters[0]

    def _check_fit(self, fname, header):
        schedule = self._optimizer.lr_scheduler
        here = {'rule': self._optimizer.name,
                'schedule': type(schedule).__name__ if schedule else None,
                'shapes': {str(i): list(p.shape) for i, p in enumerate(self._params)}}
        there = {**header, 'schedule': header['schedule'] and header['schedule']['class']}
        for what, value in here.items():
            if there[what] != value:
                raise GluonOptError(f'{fname}: {what} is {there[what]!r} there, {value!r} here')

    def _state(self, fname, param, index, context, arrays):
        """The state of one parameter, filled from the file."""
        weight = param.data(context).as_nd_ndarray()
        state = self._optimizer.create_state_multi_precision(index, weight)
        for i, array in enumerate(flat(state)):
            saved = arrays.get(f'{index}.{i}')
            if saved is None or saved.shape != array.shape or saved.dtype != array.dtype:
                raise GluonOptError(f'{fname}: the state of {param.name} does not '
                                    f'fit: {array.shape} {onp.dtype(array.dtype)} is needed')
            array[:] = saved
        return state


_FORMAT = 'gluon_opt trainer states 1'


def _plain(schedule):
    """What a schedule holds that a file can hold too."""
    return {key: value for key, value in vars(schedule).items()
            if isinstance(value, (bool, int, float, str, list, type(None)))}


def _read(fname):
    """The header and the arrays of a file, read whole and checked before anything is changed."""
    try:
        with open(fname, 'rb') as file, onp.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        header = json.loads(arrays.pop('header').tobytes())
        if header['format'] == _FORMAT:
            return header, arrays
    except (ValueError, EOFError, KeyError, TypeError, AttributeError,
            zipfile.BadZipFile, zlib.error) as failure:
        raise GluonOptError(f'{fname}: not a file of Trainer.save_states, or damaged '
                            f'({failure})') from failure
    raise GluonOptError(f"{fname}: a file of another version, {header['format']!r}")
