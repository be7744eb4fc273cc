# The Pythons that have a tested set in constraints/, newest first.
VERSIONS := $(shell ls constraints | sed -n 's/^python\(3\.[0-9]*\)\.txt$$/\1/p' | sort -t. -k2nr)

# pyenv's shims refuse to start a Python that is not switched on, so its folders come first.
PYENV := $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.*/bin)
export PATH := $(shell printf '%s:' $(PYENV))$(PATH)
ask = $(shell PATH='$(PATH)'; $(1) 2>/dev/null; true)
FOUND := $(call ask,for v in $(VERSIONS); do python$$v -c pass && echo $$v; done)

VENV ?= .venv
# Without PYTHON=..., an environment once made keeps its Python; a new one gets the newest.
INSTALLED := $(patsubst $(VENV)/installed-%,%,$(wildcard $(VENV)/installed-*))
PYTHON ?= $(addprefix python,$(or $(INSTALLED),$(firstword $(FOUND))))
VERSION := $(call ask,$(or $(PYTHON),false) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
STAMP := $(VENV)/installed-$(VERSION)
BOOK_STAMP := $(VENV)/book-installed-$(VERSION)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.PHONY: help venv run test lint matrix book notebooks lab test-book translations constraints clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "Choose a Python with PYTHON=python3.x; tested: $(VERSIONS); found here: $(FOUND)"

venv: $(STAMP)  ## Install the tested set into .venv

run: $(STAMP)  ## Train every algorithm beside Gluon's; table here, figures and report in out/
	$(VENV)/bin/gluon-opt compare --out out

test: $(STAMP)  ## Run the tests (ARGS="-k adam -x" is passed to pytest)
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(STAMP)  ## Check the code's form
	$(VENV)/bin/ruff check .

matrix:  ## Run the tests on every Python found, each in a .venv-3.x of its own
	@for v in $(FOUND); do \
	  if [ $$v = "$(VERSION)" ]; then venv=$(VENV); else venv=.venv-$$v; fi; \
	  echo "--- Python $$v"; start=$$(date +%s); \
	  if $(MAKE) --no-print-directory test VENV=$$venv PYTHON=python$$v; then result=passed; \
	  else result=FAILED; failed=1; fi; \
	  numpy=$$($$venv/bin/python -c 'import numpy; print(numpy.__version__)'); \
	  table="$$table$$v\t$$numpy\t$$result\t$$(($$(date +%s) - start)) s\n"; \
	done; printf "\nPython\tNumPy\ttests\ttime\n$$table"; exit $${failed:-0}

# Pages are executed in their own folder.
ifdef GLUON_OPT_DATA
export GLUON_OPT_DATA := $(abspath $(GLUON_OPT_DATA))
endif
SPHINX = cd chapter_optimization && $(abspath $(VENV))/bin/python -m sphinx -W --keep-going -q
SITE := chapter_optimization/_build/site

book: $(BOOK_STAMP)  ## Build the chapter as a site, English and Chinese
	$(SPHINX) -d _build/doctrees/en . _build/site/en
	$(SPHINX) -D language=zh_CN -d _build/doctrees/zh . _build/site/zh
	cp chapter_optimization/root.html $(SITE)/index.html
	@echo "Open $(SITE)/index.html"

notebooks: $(STAMP)  ## Write the chapter's pages as notebooks, into notebooks/
	$(VENV)/bin/python chapter_optimization/notebooks.py notebooks

lab: $(BOOK_STAMP) notebooks  ## Open the notebooks in JupyterLab
	$(VENV)/bin/jupyter lab notebooks

test-book: book  ## Try the site in a browser (needs Debian's chromium and chromium-driver)
	$(VENV)/bin/python -m pytest tests/book $(ARGS)

translations: $(BOOK_STAMP)  ## Bring the Chinese catalogues up to date with the English pages
	$(SPHINX) -b gettext -d _build/doctrees/gettext . _build/gettext
	cd chapter_optimization && $(abspath $(VENV))/bin/sphinx-intl update -p _build/gettext -l zh_CN -w 0

constraints:  ## Resolve constraints/ anew (needs uv)
	@for v in $(VERSIONS); do \
	  uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --python-version $$v --extra test --extra dev setup.py \
	    --output-file constraints/python$$v.txt || exit; \
	done
	@for v in $(filter-out 3.9 3.10,$(VERSIONS)); do \
	  uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --python-version $$v --extra test --extra dev --extra book \
	    --constraint constraints/python$$v.txt setup.py \
	    --output-file constraints/book-python$$v.txt || exit; \
	done

clean:  ## Remove everything that make made
	rm -rf .venv .venv-* build dist out notebooks chapter_optimization/_build *.egg-info .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The sets are complete, so pip has nothing to resolve (its older releases search for minutes).
$(STAMP): constraints/python$(VERSION).txt setup.py
	@echo "Installing gluon_opt for Python $(VERSION) into $(VENV) (once, about a minute)"
	@rm -f $(VENV)/installed-*
	@test -x $(VENV)/bin/python$(VERSION) || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --no-deps --requirement constraints/python$(VERSION).txt \
	  --requirement constraints/no-deps.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Sphinx 8.2 starts with Python 3.11.
$(BOOK_STAMP): $(STAMP) constraints/book-python$(VERSION).txt
	@echo "Installing what the book is made with (once, about half a minute)"
	@$(PIP) install --no-deps --requirement constraints/book-python$(VERSION).txt
	@touch $@

constraints/book-python$(VERSION).txt:
	@echo "The book is made with Python 3.11 or newer: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2
	@exit 1

constraints/python$(VERSION).txt:
	@echo "$(if $(VERSION),Python $(VERSION) has no tested set in constraints/:,No Python found:)" \
	  "install one of Python $(VERSIONS), or name yours: make PYTHON=/path/to/python3.x" >&2
	@exit 1
