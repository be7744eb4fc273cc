"""The built site, served on this machine, and a browser that notes what it asks for."""
import functools
import http.server
import json
import shutil
import threading

import pytest
from places import SCREENSHOTS, SITE

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
         '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--hide-scrollbars']


@pytest.fixture(scope='session')
def site():
    if not (SITE / 'index.html').exists():
        pytest.fail(f'no site in {SITE}: run make test-book, which builds it first')
    return SITE


@pytest.fixture(scope='session')
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.fixture(scope='session')
def driver(tmp_path_factory):
    chromium, chromedriver = map(shutil.which, ('chromium', 'chromedriver'))
    if not (chromium and chromedriver):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}']:
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser(driver):
    driver.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
    return Browser(driver)


class Browser:
    """What the tests ask of a page."""

    def __init__(self, driver):
        self.driver = driver
        self.errors(), self.requests()      # those of the page before are not ours

    def open(self, address, width=1280):
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': 900, 'deviceScaleFactor': 1, 'mobile': width < 600})
        self.driver.get(address)
        self.wait()

    def wait(self):
        """Until the formulas are set and all pictures, lazy ones too, are there."""
        self.driver.set_script_timeout(60)
        self.driver.execute_async_script('''
            const done = arguments[0];
            document.querySelectorAll('img').forEach(img => img.loading = 'eager');
            const pictures = [...document.images].map(img => img.decode().catch(() => null));
            const math = window.MathJax?.startup?.promise ?? Promise.resolve();
            Promise.all([math, ...pictures]).then(() => requestAnimationFrame(() => done()));
        ''')

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element('css selector', selector)

    def errors(self):
        return [entry['message'] for entry in self.driver.get_log('browser')
                if entry['level'] == 'SEVERE']

    def requests(self):
        """Addresses asked for since the last call."""
        events = [json.loads(entry['message'])['message']
                  for entry in self.driver.get_log('performance')]
        return [event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent']

    def keep(self, name):
        """A picture of the whole page among the artefacts."""
        import base64
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        size = self.run('const d = document.documentElement; return [d.clientWidth, '
                        'Math.min(d.scrollHeight, 16000)]')
        shot = self.driver.execute_cdp_cmd('Page.captureScreenshot', {
            'captureBeyondViewport': True,
            'clip': {'x': 0, 'y': 0, 'width': size[0], 'height': size[1], 'scale': 1}})
        (SCREENSHOTS / f'{name}.png').write_bytes(base64.b64decode(shot['data']))
