"""The Chinese catalogues are complete: every sentence of the English pages, nothing else."""
import re
import subprocess
import sys

import polib
import pytest
from places import CHAPTER

CATALOGUES = CHAPTER / 'locale/zh_CN/LC_MESSAGES'


@pytest.fixture(scope='session')
def english(tmp_path_factory):
    """The sentences of each page, as Sphinx takes them out."""
    folder = tmp_path_factory.mktemp('gettext')
    subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-b', 'gettext', '-d',
                    folder / 'doctrees', '.', folder / 'pot'], cwd=CHAPTER, check=True)
    return {path.stem: {entry.msgid for entry in polib.pofile(str(path))}
            for path in (folder / 'pot').glob('*.pot') if path.stem != 'sphinx'}


def is_equation(text):
    """Display equations are the same in both languages; their entries stay empty."""
    return '\\' in text and not re.search(r'`|\$|\]\(', text)


def test_every_sentence_is_translated(english):
    missing, surplus = [], []
    for page, sentences in english.items():
        catalogue = {entry.msgid: entry for entry in polib.pofile(str(CATALOGUES / f'{page}.po'))
                     if not entry.obsolete}
        missing += [(page, text) for text in sentences if not is_equation(text)
                    and (text not in catalogue or not catalogue[text].msgstr)]
        surplus += [(page, text) for text in catalogue if text not in sentences]
    assert missing == [] and surplus == []


@pytest.mark.parametrize('path', sorted(CATALOGUES.glob('*.po')), ids=lambda path: path.stem)
def test_a_translation_keeps_code_and_references(path):
    def kept(text):
        text = re.sub(r'\{bdg-\w+\}`[^`]+`', '', text)     # verdicts are words
        return sorted(re.findall(r'\{[\w:]+\}`[^`]+`|`[^`]+`|\]\([^)]+\)', text))

    for entry in polib.pofile(str(path)):
        assert not entry.fuzzy
        if entry.msgstr:
            assert set(kept(entry.msgid)) == set(kept(entry.msgstr)), entry.msgid


def test_chinese_pages_are_chinese(english):
    for page in english:
        entries = [entry for entry in polib.pofile(str(CATALOGUES / f'{page}.po'))
                   if len(re.findall('[A-Za-z]{3,}', re.sub(r'`[^`]*`|\$[^$]*\$', '', entry.msgid)))
                   > 6]
        assert entries
        for entry in entries:
            if entry.msgstr:
                assert re.search('[\u4e00-\u9fff]', entry.msgstr), entry.msgid
