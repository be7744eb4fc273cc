"""The site in a real browser: in both languages and widths, with nothing from other hosts."""
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
from places import CHAPTER

sys.path.insert(0, str(CHAPTER))
import ledger  # noqa: E402  stands in the chapter's folder

PAGES = ['index', *ledger.contents()]
LANGUAGES = 'en', 'zh'


@pytest.mark.parametrize('width', [1280, 390])
@pytest.mark.parametrize('page', PAGES)
@pytest.mark.parametrize('language', LANGUAGES)
def test_page(browser, address, language, page, width):
    browser.open(f'{address}/{language}/{page}.html', width)
    browser.keep(f'{language}-{page}-{width}')
    found = browser.run('''
        const wide = [...document.querySelectorAll('.math')];
        return {
            math: wide.length,
            set: wide.filter(node => node.querySelector('mjx-container')).length,
            wrong: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
            broken: [...document.images].filter(img => !img.naturalWidth).map(img => img.src),
            width: document.documentElement.scrollWidth,
            titles: [...document.querySelectorAll('h1')].map(node => node.innerText.trim()),
        }''')
    assert found['set'] == found['math'] and found['wrong'] == 0
    assert found['broken'] == []
    assert found['width'] <= width, 'the page scrolls sideways'
    assert found['titles'] and all(found['titles'])
    assert browser.errors() == []
    outside = [url for url in browser.requests() if url.startswith(('http:', 'https:'))
               and not url.startswith(address)]
    assert outside == []


@pytest.mark.parametrize('page', ['adam', 'momentum'])
def test_site_opens_from_a_folder(browser, site, page):
    browser.open((site / f'en/{page}.html').as_uri())
    assert browser.run("return document.querySelectorAll('mjx-container').length") > 10
    assert browser.errors() == []
    assert [url for url in browser.requests() if url.startswith('http')] == []


def test_the_front_door_leads_on(browser, address):
    browser.open(f'{address}/index.html')
    assert browser.driver.current_url == f'{address}/en/index.html'      # chromium's language


def test_language_switch(browser, address):
    browser.open(f'{address}/en/adam.html')
    browser.find('a.language-switch').click()
    browser.wait()
    assert browser.driver.current_url == f'{address}/zh/adam.html'
    assert browser.run('return document.documentElement.lang').startswith('zh')
    browser.find('a.language-switch').click()
    assert browser.driver.current_url == f'{address}/en/adam.html'


@pytest.mark.parametrize('language, word, page', [
    ('en', 'bias correction', 'adam.html'), ('en', 'warmup', 'lr-scheduler.html'),
    ('zh', '偏差修正', 'adam.html'), ('zh', '动量法', 'momentum.html'),
    ('zh', '随机梯度下降', 'sgd.html')])
def test_search_finds(browser, address, language, word, page):
    from selenium.webdriver.support.wait import WebDriverWait
    browser.open(f'{address}/{language}/search.html?q={word}')
    WebDriverWait(browser.driver, 20).until(lambda _: browser.run(
        "return document.querySelectorAll('#search-results li a').length") > 0)
    links = browser.run("return [...document.querySelectorAll('#search-results li a')]"
                        ".map(a => a.getAttribute('href'))")
    assert any(page in link for link in links)
    assert browser.errors() == []


def test_slider_moves_the_path(browser, address):
    browser.open(f'{address}/en/momentum.html')
    shown = ("return document.querySelector('.js-plotly-plot').data.slice(1)"
             ".findIndex(trace => trace.visible === true)")
    assert browser.run(shown) == 0
    rail = browser.find('.js-plotly-plot .slider-rail-touch-rect')
    browser.run('arguments[0].scrollIntoView({block: "center"})', rail)
    from selenium.webdriver import ActionChains
    ActionChains(browser.driver).move_to_element(rail).click().perform()
    browser.run('return new Promise(done => setTimeout(done, 500))')
    moved = browser.run(shown)
    assert moved > 0
    browser.keep('slider')


def test_dark_mode(browser, address):
    browser.open(f'{address}/en/adam.html')
    light = browser.run('return getComputedStyle(document.body).backgroundColor')
    browser.run("document.documentElement.dataset.theme = 'dark'")
    dark = browser.run('return getComputedStyle(document.body).backgroundColor')
    assert light != dark
    # Figures have dark ink: they need a light ground.
    grounds = browser.run('''return [...document.querySelectorAll('.cell_output img')].map(
        img => getComputedStyle(img).backgroundColor)''')
    assert grounds
    assert all(sum(map(int, ground[4:-1].split(',')[:3])) > 600 for ground in grounds)
    layers = browser.run("""return [...document.querySelectorAll('.js-plotly-plot .main-svg')].map(
        layer => getComputedStyle(layer).backgroundColor)""")
    assert layers[-1] == 'rgba(0, 0, 0, 0)', 'the top layer of a slider hides what is below'
    browser.keep('dark')


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.hrefs, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get('id'))
        if tag == 'a' and attributes.get('href'):
            self.hrefs.append(attributes['href'])


@pytest.mark.parametrize('language', LANGUAGES)
def test_links_lead_somewhere(site, language):
    pages = {path.resolve(): Links(path.read_text(encoding='utf-8'))
             for code in LANGUAGES for path in (site / code).glob('*.html')}
    broken = []
    for path, page in pages.items():
        if path.parent.name != language:
            continue
        for href in page.hrefs:
            target, anchor = urldefrag(unquote(href))
            if target.startswith(('http:', 'https:', 'mailto:')):
                continue
            file = (path.parent / target).resolve() if target else path
            ids = pages[file].ids if file in pages else None
            if not file.exists() or anchor and ids is not None and anchor not in ids:
                broken.append((path.name, href))
    assert broken == []
