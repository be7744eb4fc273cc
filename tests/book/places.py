from pathlib import Path

CHAPTER = Path(__file__).parents[2] / 'chapter_optimization'
SITE = CHAPTER / '_build/site'
SCREENSHOTS = CHAPTER / '_build/screenshots'
