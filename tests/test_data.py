"""The airfoil data: where it is found, what is refused, and what the twin has in common with it."""
import hashlib
import http.server
import threading
import time

import numpy as onp
import pytest
from mxnet import npx

import gluon_opt
from gluon_opt import GluonOptError, data


def full_loss(airfoil, w):
    """Mean squared loss / 2 on all rows; the last weight is the bias."""
    errors = airfoil.features @ w[:-1] + w[-1] - airfoil.labels
    return (errors ** 2 / 2).mean()


def twin(edition, monkeypatch):
    monkeypatch.delenv('GLUON_OPT_DATA', raising=False)
    airfoil = gluon_opt.load_airfoil(edition, offline=True)
    assert airfoil.source == 'twin'
    return airfoil


# ---- the twin ----

@pytest.mark.parametrize('edition', ['ch10', 'ch7'])
def test_twin_has_the_loss_of_the_real_data(edition, real_data, monkeypatch):
    real = gluon_opt.load_airfoil(edition, path=real_data)
    fake = twin(edition, monkeypatch)
    assert fake.features.shape == real.features.shape
    for w in onp.random.RandomState(1).normal(scale=3, size=(100, real.features.shape[1] + 1)):
        assert abs(full_loss(real, w) - full_loss(fake, w)) < 1e-9


@pytest.mark.parametrize('edition, least', [('ch10', 0.2416880), ('ch7', 0.257713)])
def test_twin_has_the_known_minimum(edition, least, monkeypatch):
    airfoil = twin(edition, monkeypatch)
    X = onp.column_stack([airfoil.features, onp.ones(len(airfoil.labels))])
    w = onp.linalg.lstsq(X, airfoil.labels, rcond=None)[0]
    assert full_loss(airfoil, w) == pytest.approx(least, abs=5e-7)      # the digits given
    if edition == 'ch10':
        assert onp.linalg.cond(X.T @ X) == pytest.approx(12.08, abs=0.005)


def test_twin_is_announced_once(monkeypatch, capsys):
    twin('ch10', monkeypatch)
    twin('ch10', monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and 'offline twin' in lines[0]


def test_twin_has_all_rows_or_none(monkeypatch):
    twin('ch10', monkeypatch)
    with pytest.raises(GluonOptError, match='n must be 1500 for the offline twin.*GLUON_OPT_DATA'):
        gluon_opt.get_data_ch10(n=600)


# ---- the file ----

def test_real_data_is_standardised_over_all_rows(real_data):
    airfoil = gluon_opt.load_airfoil('ch7', path=real_data)
    table = onp.column_stack([airfoil.features, airfoil.labels])
    assert table.shape == (1503, 5) and table.dtype == 'float64'
    assert abs(table.mean(axis=0)).max() < 1e-12        # float64 roundings of 1503 rows
    assert abs(table.std(axis=0) - 1).max() < 1e-12
    later = gluon_opt.load_airfoil(path=real_data / data.FILE_NAME)
    assert later.features.shape == (1500, 5) and later.source == 'file'
    onp.testing.assert_array_equal(later.features[:, :4], airfoil.features[:1500])


def test_n_of_the_real_data(real_data):
    batches, feature_dim = gluon_opt.get_data_ch10(10, n=25, path=real_data)
    assert feature_dim == 5 and len(batches.features) == 25 and len(batches) == 3
    with pytest.raises(GluonOptError, match='n must be a whole number from 1 to 1503, got 1504'):
        gluon_opt.get_data_ch10(n=1504, path=real_data)


@pytest.fixture
def small_file(tmp_path, monkeypatch):
    """A file of 1503 made-up rows that passes for the data."""
    rows = onp.random.RandomState(0).normal(size=(1503, 6))
    file = tmp_path / 'elsewhere' / data.FILE_NAME
    file.parent.mkdir()
    onp.savetxt(file, rows, delimiter='\t')
    monkeypatch.setattr(data, 'SHA1', hashlib.sha1(file.read_bytes()).hexdigest())
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.delenv('GLUON_OPT_DATA', raising=False)
    return file


def cache_folder(tmp_path):
    return tmp_path / 'cache' / 'gluon_opt'


def test_looked_for_in_order(small_file, tmp_path, monkeypatch):
    assert gluon_opt.load_airfoil().source == 'twin'
    cache_folder(tmp_path).mkdir(parents=True, exist_ok=True)
    (cache_folder(tmp_path) / data.FILE_NAME).write_bytes(small_file.read_bytes())
    assert gluon_opt.load_airfoil().source == 'download'
    monkeypatch.setenv('GLUON_OPT_DATA', str(small_file.parent))
    assert gluon_opt.load_airfoil().source == 'file'
    with pytest.raises(GluonOptError, match='no such file'):
        gluon_opt.load_airfoil(path=tmp_path / 'nowhere')


@pytest.mark.parametrize('damage', [lambda b: b[:1000], lambda b: b'<html>404</html>',
                                    lambda b: b''], ids=['truncated', 'error page', 'empty'])
@pytest.mark.parametrize('where', ['path', 'environment', 'cache'])
def test_damaged_file(damage, where, small_file, tmp_path, monkeypatch):
    small_file.write_bytes(damage(small_file.read_bytes()))
    path = None
    if where == 'path':
        path = small_file
    elif where == 'environment':
        monkeypatch.setenv('GLUON_OPT_DATA', str(small_file.parent))
    else:
        cache_folder(tmp_path).mkdir(parents=True, exist_ok=True)
        small_file = small_file.rename(cache_folder(tmp_path) / data.FILE_NAME)
    with pytest.raises(GluonOptError) as error:
        gluon_opt.load_airfoil(path=path)
    found = hashlib.sha1(small_file.read_bytes()).hexdigest()
    for part in str(small_file), found, data.SHA1, 'delete it':
        assert part in str(error.value)


@pytest.fixture
def server(monkeypatch):
    """A server at the download address; `answer` is what it sends, None for nothing at all."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if Handler.answer is None:
                gone.wait(10)
                return
            status, length, body = Handler.answer
            self.send_response(status)
            self.send_header('Content-Length', str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    asked, gone = [], threading.Event()
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        monkeypatch.setattr(data, 'URL', f'http://127.0.0.1:{listening.server_port}/data')
        Handler.asked = asked
        yield Handler
        gone.set()
        listening.shutdown()


def test_download_is_kept(small_file, server, tmp_path):
    body = small_file.read_bytes()
    server.answer = 200, len(body), body
    assert gluon_opt.load_airfoil().source == 'download'
    data._download.cache_clear()
    assert gluon_opt.load_airfoil(offline=True).source == 'download'    # from the cache
    assert len(server.asked) == 1


@pytest.mark.parametrize('fault', ['404', 'truncated', 'other contents', 'silence'])
def test_download_fails(fault, small_file, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, 'PATIENCE', 0.5)
    body = small_file.read_bytes()
    server.answer = {'404': (404, 9, b'not found'), 'truncated': (200, len(body), body[:5000]),
                     'other contents': (200, 4, b'oops'), 'silence': None}[fault]
    started = time.monotonic()
    assert gluon_opt.load_airfoil().source == 'twin'
    assert 'download failed' in capsys.readouterr().out
    assert time.monotonic() - started < 5       # a few seconds' patience; 0.5 here
    assert list(cache_folder(tmp_path).iterdir()) == []
    with pytest.raises(GluonOptError, match='cannot be had .download failed.*GLUON_OPT_DATA'):
        gluon_opt.load_airfoil(offline=False)
    assert len(server.asked) == 1               # and asks only once a process


def test_offline_true_never_downloads(small_file, server):
    server.answer = 404, 0, b''
    assert gluon_opt.load_airfoil(offline=True).source == 'twin'
    assert server.asked == []


def test_unknown_edition():
    with pytest.raises(GluonOptError, match="edition must be one of ch10, ch7, got 'ch11'"):
        gluon_opt.load_airfoil('ch11')


# ---- batches ----

@pytest.mark.parametrize('batch_size, count, last', [(1, 1500, 1), (7, 215, 2), (10, 150, 10),
                                                     (1500, 1, 1500)])
def test_batches_cover_the_data_once(batch_size, count, last, either_mode):
    batches, _ = gluon_opt.get_data_ch10(batch_size, seed=0)
    pairs = list(batches)
    assert len(batches) == len(pairs) == count
    assert pairs[0][0].shape == (min(batch_size, 1500), 5) and pairs[-1][1].shape == (last,)
    rows = onp.concatenate([onp.column_stack([X.asnumpy(), y.asnumpy()]) for X, y in pairs])
    whole = onp.column_stack([batches.features, batches.labels])
    assert rows.dtype == 'float32' and not (rows == whole).all()        # shuffled
    onp.testing.assert_array_equal(onp.sort(rows, axis=0), onp.sort(whole, axis=0))


def order(batches):
    return [y[0].asnumpy().item() for _, y in batches]


def test_seed_fixes_the_order():
    first, again, other = (gluon_opt.get_data_ch10(seed=s)[0] for s in (3, 3, 4))
    epochs = [order(first) for _ in range(2)]
    assert epochs == [order(again) for _ in range(2)]
    assert epochs[0] != epochs[1] and epochs[0] != order(other)
    assert order(first.with_seed(3)) == epochs[0]


def test_without_a_seed_numpys_own_decides():
    batches, _ = gluon_opt.get_data_ch10()
    onp.random.seed(5)
    once = order(batches)
    onp.random.seed(5)
    assert order(batches) == once and order(batches) != once


@pytest.mark.parametrize('size', [0, -1, 1501, 2.5, '10', None, True])
def test_bad_batch_size(size):
    with pytest.raises(GluonOptError, match='batch_size must be a whole number from 1 to 1500'):
        gluon_opt.get_data_ch10(size)


@pytest.mark.parametrize('seed', [-1, 2 ** 32, 1.5, '0'])
def test_bad_seed(seed):
    with pytest.raises(GluonOptError, match='seed must be a whole number'):
        gluon_opt.get_data_ch10(seed=seed)


# The book's matplotlib, 3.7.2, asks IPython for it.
@pytest.mark.filterwarnings('ignore:backend2gui is deprecated:DeprecationWarning')
def test_batches_serve_the_books_own_loop(capsys):
    d2l = pytest.importorskip('d2l.mxnet')
    npx.set_np()
    try:
        batches, feature_dim = gluon_opt.get_data_ch10(seed=0)
        states = gluon_opt.init_adam_states(feature_dim)
        _, losses = d2l.train_ch11(gluon_opt.adam, states, {'lr': 0.01, 't': 1}, batches,
                                   feature_dim)
    finally:
        npx.reset_np()
        d2l.plt.close('all')
    assert 'loss: 0.2' in capsys.readouterr().out
    assert 0.2416 < losses[-1] < 0.26       # least squares; a first-epoch loss
