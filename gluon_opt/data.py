"""The airfoil data: find, check, standardise, batch; and an offline twin where it cannot be had.

Airfoil Self-Noise (Brooks, Pope, Marcolini 1989; UCI Machine Learning Repository; CC BY 4.0):
1503 rows; frequency, angle of attack, chord length, free-stream velocity, displacement thickness,
and the sound level in dB, which is the label.
"""
import functools
import hashlib
import math
import numbers
import os
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as onp
from mxnet import np

from gluon_opt import GluonOptError

FILE_NAME = 'airfoil_self_noise.dat'
SHA1 = '76e5be1548fd8222e5074cf0faae75edff8cf93f'
URL = 'http://d2l-data.s3-accelerate.amazonaws.com/' + FILE_NAME    # the book's address
PATIENCE = 3                                                        # seconds, to connect or read


class Airfoil(NamedTuple):
    """Standardised float64 NumPy arrays, and where they come from.

    Attributes:
        features: (n, d).
        labels: (n,).
        source: 'file', 'download' or 'twin'.
    """

    features: onp.ndarray
    labels: onp.ndarray
    source: str


class _Edition(NamedTuple):
    """Which rows and columns an edition of the book uses, and their first and second moments.

    The moments are those of the standardised data: means, and the lower triangle of the
    covariance by rows, the label last.
    """

    rows: int
    columns: list
    means: list
    covariances: list


_EDITIONS = {
    'ch10': _Edition(1500, [0, 1, 2, 3, 4, 5], [
        -0.0014047929101988939, -0.0029808860442912797, 0.000747479080679715,
        0.001446689667067548, -0.006345545011489464, 0.005556150171647614,
    ], [
        1.0008327594244866,
        -0.27540801654306674, 0.9975482735138372,
        -0.0031418834402813377, -0.5047615829338271, 1.0017200787870153,
        0.13494934037859976, 0.06103760518442233, 0.003252435523497676, 1.0009514515925864,
        -0.2350335702953117, 0.7454239835932002, -0.2189077915382018, 0.0006172360244943024,
        0.9818267633120767,
        -0.3874952340651213, -0.1481220568990013, -0.23871454150608692, 0.12132595581745617,
        -0.2956311879857507, 0.9864870730493434,
    ]),
    'ch7': _Edition(1503, [0, 1, 2, 3, 5], [0, 0, 0, 0, 0], [
        1,
        -0.2727645361526051, 1,
        -0.003660638872361072, -0.5048681497642213, 1,
        0.13366383072398094, 0.05875956511763473, 0.0037866287673930803, 1,
        -0.39071141170821333, -0.15610752934415567, -0.23616151236420724, 0.12510280076198418, 1,
    ]),
}


def load_airfoil(edition='ch10', *, path=None, offline=None):
    """The data set of an edition of the book, as float64 NumPy arrays.

    Columns are standardised over all 1503 rows. 'ch10' keeps the first 1500 rows and all five
    features; 'ch7' is what the 2018 edition used, all rows and the first four features.

    The file is looked for at `path`, in the folder that the environment variable GLUON_OPT_DATA
    names, in the user's cache, and at the book's download address. Where it cannot be had, the
    offline twin takes its place, and a printed line says so: Gaussian samples with the same first
    and second moments, so that least squares on all rows has the same loss for any weights.

    Args:
        edition: 'ch10' or 'ch7'.
        path: the file, or its folder; then nothing else is tried.
        offline: True never downloads, False never uses the twin, None does either.

    Returns:
        Airfoil(features, labels, source).

    Raises:
        GluonOptError: no file at `path`, a file with other contents, no way to get the file.
    """
    if edition not in _EDITIONS:
        raise GluonOptError(f'edition must be one of {", ".join(_EDITIONS)}, got {edition!r}')
    table, source = _find(edition, path, offline)
    rows = table[:_EDITIONS[edition].rows]
    return Airfoil(rows[:, :-1], rows[:, -1], source)


def get_data_ch10(batch_size=10, n=1500, *, path=None, seed=None):
    """The book's minibatches of the airfoil data.

    Args:
        batch_size: examples in a batch; the last one may be smaller.
        n: how many rows, from the first.
        path: the file or its folder; see `load_airfoil`.
        seed: of the order of the batches; None draws it from NumPy's global generator.

    Returns:
        (data_iter, feature_dim): a `Batches` of (X, y) of shapes (batch_size, 5), (batch_size,),
        and the number 5.

    Raises:
        GluonOptError: as `load_airfoil`; a size that is not a whole number from 1 to the rows.
    """
    table, source = _find('ch10', path, None)
    if source == 'twin' and n != len(table):
        raise GluonOptError(f'n must be {len(table)} for the offline twin, got {n!r}: only all of '
                            'its rows together have the moments of the real data; for another n '
                            f'set GLUON_OPT_DATA to the folder of {FILE_NAME}')
    check_whole('n', n, 1, len(table))
    rows = table[:n]
    return Batches(rows[:, :-1], rows[:, -1], batch_size, seed=seed, source=source), 5


class Batches:
    """Minibatches (X, y) of a data set, in a new order each time they are iterated over.

    X and y are `mx.np` arrays of float32. `len` is the number of batches. It serves our loops and
    the book's own.
    """

    def __init__(self, features, labels, batch_size, *, seed=None, source=None):
        check_whole('batch_size', batch_size, 1, len(features))
        check_seed(seed)
        self.features = onp.asarray(features, 'float32')
        self.labels = onp.asarray(labels, 'float32')
        self.batch_size = batch_size
        self.source = source
        self._random = onp.random if seed is None else onp.random.RandomState(seed)

    def with_seed(self, seed):
        """The same batches, in the order that belongs to `seed`."""
        return Batches(self.features, self.labels, self.batch_size, seed=seed, source=self.source)

    def __len__(self):
        return math.ceil(len(self.features) / self.batch_size)

    def __iter__(self):
        order = self._random.permutation(len(self.features))
        X, y = np.array(self.features[order]), np.array(self.labels[order])
        for start in range(0, len(order), self.batch_size):
            yield X[start:start + self.batch_size], y[start:start + self.batch_size]


def least_squares_loss(batches):
    """The least loss that weights and a bias can have on all the data, in float64."""
    X = onp.column_stack([batches.features, onp.ones(len(batches.features))]).astype('float64')
    weights = onp.linalg.lstsq(X, batches.labels, rcond=None)[0]
    return float(((X @ weights - batches.labels) ** 2 / 2).mean())


def check_whole(name, value, low, high=math.inf):
    """Raise unless `value` is a whole number from `low` to `high`."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (whole and low <= value <= high):
        limit = f'to {high}' if high < math.inf else 'on'
        raise GluonOptError(f'{name} must be a whole number from {low} {limit}, got {value!r}')


def check_seed(seed):
    if seed is not None:
        check_whole('seed', seed, 0, 2 ** 32 - 1)


def _find(edition, path, offline):
    """All standardised rows of an edition, and their source."""
    if path is not None:
        return _read(edition, _in_folder(Path(path), must_exist=True)), 'file'
    folder = os.environ.get('GLUON_OPT_DATA')
    file = folder and _in_folder(Path(folder))
    if file:
        return _read(edition, file), 'file'
    cache = _cache_folder()
    file = _in_folder(cache)
    if file:
        return _read(edition, file), 'download'
    why_not = 'not downloading' if offline else _download(cache)
    if why_not is None:
        return _read(edition, cache / FILE_NAME), 'download'
    if offline is False:
        raise GluonOptError(f'{FILE_NAME} cannot be had ({why_not}); set GLUON_OPT_DATA to its '
                            'folder, pass path=, or let the offline twin take its place')
    _announce_twin(why_not)
    return _twin(edition), 'twin'


def _in_folder(path, must_exist=False):
    file = path / FILE_NAME if path.is_dir() else path
    if file.is_file():
        return file
    if must_exist:
        raise GluonOptError(f'{file}: no such file; path must be {FILE_NAME} or its folder')
    return None


def _cache_folder():
    import pooch
    return Path(pooch.os_cache('gluon_opt'))


@functools.cache      # a machine without network is asked only once
def _download(folder) -> Optional[str]:
    """Fetch the file into `folder`, whole or not at all; None, or why it could not be done."""
    import pooch
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel('WARNING')      # the twin is announced; that it was tried need not be
    try:
        pooch.retrieve(URL, f'sha1:{SHA1}', fname=FILE_NAME, path=folder,
                       downloader=pooch.HTTPDownloader(timeout=PATIENCE))
    except (OSError, ValueError) as failure:    # no network, no such page; another hash
        return f'download failed: {type(failure).__name__}'
    finally:
        logger.setLevel(level)
    return None


@functools.cache      # once a process is enough
def _announce_twin(why):
    print(f'airfoil data: {why}; using the offline twin (same loss on all rows)')


def _read(edition, file):
    contents = file.read_bytes()
    found = hashlib.sha1(contents).hexdigest()
    if found != SHA1:
        raise GluonOptError(f'{file}: not the airfoil data, or damaged: SHA-1 is {found}, expected '
                            f'{SHA1}; delete it, or put the right {FILE_NAME} there')
    return _standardise(onp.loadtxt(contents.decode().splitlines()))[:, _EDITIONS[edition].columns]


def _standardise(table):
    # In float64: the book does this in float32, which moves the loss by 6e-5.
    return (table - table.mean(axis=0)) / table.std(axis=0)


def _twin(edition):
    """Gaussian samples whose first and second moments are exactly those of the edition."""
    rows, _, means, covariances = _EDITIONS[edition]
    lower = onp.zeros((len(means), len(means)))
    lower[onp.tril_indices(len(means))] = covariances
    covariance = lower + lower.T - onp.diag(lower.diagonal())
    z = onp.random.RandomState(0).normal(size=(rows, len(means)))
    z -= z.mean(axis=0)
    white = onp.linalg.solve(onp.linalg.cholesky(z.T @ z / rows), z.T)
    return onp.array(means) + (onp.linalg.cholesky(covariance) @ white).T
