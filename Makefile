# Needs a Python of 3.11 or later, make and a shell; everything else goes into $(VENV).

VENV ?= .venv
PYTHON ?=
SERVER ?= uvicorn
BIND ?= 127.0.0.1
PORT ?= 8000
PYTEST_ARGS ?=
TOX_ARGS ?= --parallel 2 --parallel-no-spinner

BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
SERVERS := gunicorn gunicorn-asgi uvicorn granian granian-wsgi hypercorn
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Compiled modules save each of the many processes of the tests seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test tools checks docs lint translations types migrations openapi matrix dist release
.PHONY: audit-dependencies audit availability benchmark benchmark-asgi benchmark-delivery benchmark-progress django-asgi reading
.PHONY: clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "Variables: PYTHON, VENV=$(VENV); for serve SERVER=$(SERVER) (of $(SERVERS)), BIND=$(BIND), PORT=$(PORT);"
	@echo "for test PYTEST_ARGS. example_project/README.md lists those of the example."

demo: $(STAMPS)/example ## Start the example, upload photograph, PDF, MP3, MP4, 2 GiB and a fraud, show the results
	@$(BIN)/python -m example_project.demo

serve: $(STAMPS)/server-$(SERVER) $(STAMPS)/example ## Serve the example until Ctrl-C (SERVER=, BIND=, PORT=)
	@$(BIN)/python -m example_project.serve --server $(SERVER) --host $(BIND) --port $(PORT)

# Integration tests mostly wait, so that there are more processes than cores. They come first, few at a time, since the
# last ones would be waited for alone.
# Log records stay out of the report: Django's carry their request, which cannot pass between xdist's processes.
test: $(STAMPS)/test $(STAMPS)/clients ## Run the whole suite; reports go to reports/
	@mkdir -p reports
	$(BIN)/python -m pytest -m "" -n 4 --dist load --maxschedchunk 2 --cov --cov-report=term --cov-report=html:reports/coverage \
		--cov-report=xml:reports/coverage.xml --cov-fail-under=100 \
		--json-report --json-report-file=reports/report.json --json-report-omit=log $(PYTEST_ARGS)

# One after the other, since pip does not lock an environment: afterwards ``make -j2 checks`` installs nothing.
tools: ## Install what all targets of the tests and checks need
	@for group in test clients lint types docs matrix dist audit; do \
		$(MAKE) --no-print-directory $(STAMPS)/$$group || exit 1; \
	done

checks: lint types migrations openapi docs dist audit-dependencies django-asgi ## All checks but the tests

docs: $(STAMPS)/docs ## Build the documentation into docs/_build/html
	$(BIN)/python -m sphinx --fail-on-warning --builder html docs docs/_build/html

lint: $(STAMPS)/lint ## Check style, format, the direction of imports, and translations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python .ci/translations.py check

translations: $(STAMPS)/lint ## Add new texts to the catalogues of all languages, and compile these
	$(BIN)/python .ci/translations.py update

types: $(STAMPS)/types $(STAMPS)/test ## Check the types
	$(BIN)/mypy
	$(BIN)/mypy docs/examples/films.py

migrations: $(STAMPS)/test ## Check that the models and their migrations agree
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django makemigrations --check --dry-run

openapi: $(STAMPS)/test ## Check that the description of the API is valid and made without a warning
	@mkdir -p build
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django spectacular --validate --fail-on-warn \
		--generator-class django_largefiles.api.openapi.views.LargeFilesSchemaGenerator --file build/openapi.yaml

matrix: $(STAMPS)/matrix ## Run what versions can change against all those of Python and Django that are installed
	$(BIN)/tox run-parallel $(TOX_ARGS)

# The wheel is built from the sdist, not from this folder.
dist: $(STAMPS)/dist ## Build sdist and wheel, check both, and use the wheel in an empty environment
	$(BIN)/python .ci/check_release.py
	rm -rf dist build/empty
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m venv --clear build/empty
	build/empty/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo dist/*.whl)[libmagic,video]"
	cd build && empty/bin/python -I ../tests/wheel.py

# Takes minutes: the demo installs what it needs into an environment of its own. By its name, make does not run for
# --dry-run, without which the folder does not exist.
release: $(STAMPS)/dist ## Check that a release can be made: version, date, sdist, wheel, and the demo from the sdist
	$(BIN)/python .ci/check_release.py --final
	$(MAKE) --no-print-directory dist
	rm -rf build/sdist
	mkdir -p build/sdist
	tar -xzf dist/*.tar.gz -C build/sdist --strip-components 1
	cd build/sdist && make demo VENV=.venv
	@echo "dist/ can be released. CONTRIBUTING.md tells what is left to do."

django-asgi: $(STAMPS)/test ## Run Django's own tests of ASGI with our handler
	@mkdir -p build/django
	$(BIN)/python .ci/django_asgi_tests.py build/django

audit-dependencies: $(STAMPS)/audit ## Ask pip-audit for known holes in the dependencies
	$(BIN)/python .ci/audit_dependencies.py

audit: $(STAMPS)/example ## Measure our upload handler beside Django's
	$(BIN)/python -m benchmarks.audit

availability: $(STAMPS)/test ## Measure other requests while slow clients send and read, over PostgreSQL
	@$(BIN)/python -m benchmarks.availability

benchmark-progress: $(STAMPS)/test ## Measure a thousand streams of events, over PostgreSQL
	@$(BIN)/python -m benchmarks.progress

benchmark-delivery: $(STAMPS)/test ## Measure downloads beside nginx and Django's FileResponse
	@$(BIN)/python -m benchmarks.delivery

benchmark-asgi: $(STAMPS)/test ## Measure uploads under ASGI beside a bare application and Django's own handler
	@$(BIN)/python -m benchmarks.asgi

benchmark: $(STAMPS)/example $(STAMPS)/tus-server ## Measure resumable uploads beside @tus/server and a bare loop
	$(BIN)/python -m benchmarks.resumable

reading: $(STAMPS)/example ## Measure the worker's read pass beside a bare loop of SHA-256
	$(BIN)/python -m benchmarks.reading

clean: ## Remove what was built and cached, but neither $(VENV) nor the example's data
	rm -rf build dist reports docs/_build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
	rm -rf .import_linter_cache
	find src tests benchmarks example_project -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove these too
	rm -rf $(VENV) example_project/var tests/integration/clients/node_modules benchmarks/tus_server/node_modules

# A name on the path need not be a Python that runs (pyenv's shims), nor one that can make environments (Debian's,
# without python3-venv).
$(STAMPS)/venv:
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		for candidate in $(CANDIDATES); do \
			if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				found=$$candidate; break; \
			fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No Python of 3.11 or later with venv and ensurepip among: $(CANDIDATES)." >&2; \
			echo "Install one (on Debian and Ubuntu also python3-venv), or name yours: make PYTHON=/path/to/python" >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$found"; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@$(INSTALL) --upgrade 'pip>=25.1'
	@mkdir -p $(STAMPS)
	@touch $@

# Dependency groups of pyproject.toml, each installed with the project itself and all its extras.
$(STAMPS)/example $(STAMPS)/test $(STAMPS)/lint $(STAMPS)/types $(STAMPS)/docs $(STAMPS)/matrix $(STAMPS)/dist \
		$(STAMPS)/audit: \
		$(STAMPS)/venv pyproject.toml
	@echo "Installing what '$(@F)' needs into $(VENV)"
	@$(INSTALL) --editable '.[drf,libmagic,openapi,s3,video]' --group $(@F)
	@touch $@

$(STAMPS)/tus-server: benchmarks/tus_server/package-lock.json | $(STAMPS)/venv
	npm ci --prefix $(<D) --no-audit --no-fund --loglevel=error
	@touch $@

# Upload clients written in JavaScript. Without them the tests that use them are skipped.
$(STAMPS)/clients: tests/integration/clients/package-lock.json | $(STAMPS)/venv
	@if ! command -v npm >/dev/null; then \
		echo "npm is not installed: the suite goes without upload clients in JavaScript"; \
	elif npm ci --prefix $(<D) --no-audit --no-fund --loglevel=error; then \
		touch $@; \
	else \
		echo "npm ci failed: the suite goes without upload clients in JavaScript"; \
	fi

$(STAMPS)/server-gunicorn $(STAMPS)/server-gunicorn-asgi: $(STAMPS)/example
	@touch $@

$(STAMPS)/server-uvicorn: $(STAMPS)/example
	@$(INSTALL) 'uvicorn[standard]>=0.35'
	@touch $@

$(STAMPS)/server-granian $(STAMPS)/server-granian-wsgi: $(STAMPS)/example
	@$(INSTALL) 'granian>=2.5'
	@touch $@

$(STAMPS)/server-hypercorn: $(STAMPS)/example
	@$(INSTALL) 'hypercorn>=0.18'
	@touch $@

$(STAMPS)/server-%:
	@echo "SERVER must be one of $(SERVERS), not '$*'." >&2; exit 1
