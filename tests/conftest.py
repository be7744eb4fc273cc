import os
from pathlib import Path

import pytest
from hypothesis import settings

import gluon_opt  # noqa: F401  prepares the import of MXNet, here and in the test modules

# They need the built site: `make test-book` runs them.
collect_ignore = ['book']

# The same examples at every run: what is red here is red for everybody.
settings.register_profile('seeded', derandomize=True)
settings.load_profile('seeded')


@pytest.fixture(scope='session', autouse=True)
def empty_cache(tmp_path_factory):
    """No test depends on what earlier runs left in the user's cache, or writes there."""
    os.environ['XDG_CACHE_HOME'] = str(tmp_path_factory.mktemp('cache'))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Tests see the file of GLUON_OPT_DATA or the twin; those of the download serve it locally."""
    from gluon_opt import data
    monkeypatch.setattr(data, 'URL', 'http://127.0.0.1:9/' + data.FILE_NAME)
    yield
    data._download.cache_clear()
    data._announce_twin.cache_clear()


@pytest.fixture(params=['nd mode', 'np mode'])
def either_mode(request):
    """The test runs twice: as MXNet starts, and after `npx.set_np()`."""
    from mxnet import npx
    if request.param == 'np mode':
        npx.set_np()
    yield
    npx.reset_np()


@pytest.fixture(scope='session')
def real_data():
    """The folder of the real data; tests that need it are skipped without."""
    folder = os.environ.get('GLUON_OPT_DATA')
    if not folder or not (Path(folder) / 'airfoil_self_noise.dat').is_file():
        pytest.skip('needs the real data: set GLUON_OPT_DATA to its folder')
    return Path(folder)
