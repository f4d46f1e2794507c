# `make run` starts the service, `make test` checks everything; both install what they need, including the command
# .venv/bin/charrnn. `make help` lists all targets.

VENV ?= .venv
# The first interpreter that is new enough; PYTHON=... chooses another.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
# The package index for torch alone. Empty: the default index, whose build for Linux includes several GB of CUDA.
# The CPU index URL shown by the "Get started" selector on pytorch.org gives the small build.
export TORCH_INDEX_URL ?=
# Many tests wait for processes that they started: four keep two cores busy (366 s; three take 415 s).
TEST_PROCESSES ?= 4

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Every file is checked against its hash, and nothing is built: that would run unchecked code.
LOCKED := install --require-hashes --only-binary=:all: -r
# The tools that look at the packages have an environment of their own.
TOOLS := $(VENV)/tools

.DEFAULT_GOAL := help
.PHONY: run test mypy kernels pytest faults scale kube lint format bases starter lessons bench laws fuzz generators screenshots lock sbom audit clean help
.DELETE_ON_ERROR:

run: $(VENV)/.ready ## start everything on http://127.0.0.1:8000 (HOST, PORT, DATA_DIR, ... are read from the environment)
	@$(BIN)/charrnn

test: lint ## lint, check types and run the tests
	@$(MAKE) --no-print-directory --jobs=2 mypy pytest

# At once: mypy and the compiler are single processes, and many tests wait for others.
mypy: $(VENV)/.ready-dev
	$(BIN)/mypy

kernels: $(VENV)/.ready-dev
	$(BIN)/python -m tests.kernels

pytest: $(VENV)/.ready-dev kernels
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(TEST_PROCESSES)

# FAULTS_SEED=... repeats a run.
faults: export FAULTS_SEED := $(or $(FAULTS_SEED),$(shell date +%s))
faults: $(VENV)/.ready-dev ## run the long tests of kills and failures, which `make test` leaves out; renews docs/reliability.md
	@echo "FAULTS_SEED=$(FAULTS_SEED)"
	env -u PYTHONDONTWRITEBYTECODE RELIABILITY=docs/reliability.md $(BIN)/python -m pytest -n 3 -m faults

scale: $(VENV)/.ready-dev ## measure a service with thousands of models, jobs and corpora, and put several machines through faults; renews docs/scale.md, docs/scaling.md
	$(BIN)/python -m tests.system.scale docs/scale.md
	$(BIN)/python -m tests.scale.measuring docs/scaling.md
	SCALING=docs/scaling.md $(BIN)/python -m pytest -m scale

KUBE_TOOLS := helm kubectl kubernetes-validate
kube: $(VENV)/.ready-dev ## lint, render and check the Helm chart (deploy/helm; needs helm, kubectl and kubernetes-validate)
	@for tool in $(KUBE_TOOLS); do command -v $$tool >/dev/null || { echo "$$tool is not installed: https://helm.sh/docs/intro/install, https://kubernetes.io/docs/tasks/tools, pip install kubernetes-validate" >&2; exit 1; }; done
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) tests/test_chart.py tests/test_chart_values.py

lint: $(VENV)/.ready-dev ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bases: $(VENV)/.ready-dev ## train anew what small texts continue from (service/bases/; 40 minutes on an otherwise idle machine)
	$(BIN)/python -m benchmarks.shipped prose code

# STARTER_TEXT=... is tiny Shakespeare, 1,115,394 characters.
starter: $(VENV)/.ready-dev ## train the starter model anew (service/starter/; 10 minutes on an otherwise idle machine)
	$(BIN)/python -m benchmarks.shipped starter --minutes 10 --text $(STARTER_TEXT)

lessons: $(VENV)/.ready-dev ## train anew what the page Learn shows samples of (plays, LaTeX, C; minutes; STARTER_TEXT as above)
	$(BIN)/python -m benchmarks.lessons plays latex c --text $(STARTER_TEXT)

bench: $(VENV)/.ready-bench ## benchmark this project and its peers (half an hour on an otherwise idle machine; needs wrk)
	$(BIN)/python -m benchmarks

laws: $(VENV)/.ready-dev ## try many more examples of what hypothesis tests, other ones each time (an hour; EXAMPLES=20: twenty times as many)
	env EXAMPLES=$(or $(EXAMPLES),20) $(BIN)/python -m pytest -n $(TEST_PROCESSES) -m hypothesis

fuzz: $(VENV)/.ready-fuzz ## fuzz checkpoints, kernels, corpora, tokens, bodies, headers, the document (minutes; FUZZ="--seed 1 uploads")
	$(BIN)/python -m tests.fuzz $(FUZZ)

generators: $(VENV)/.ready-generators ## generate clients of the API with two code generators, and use them (needs Java)
	PYTHONPATH=. $(BIN)/python tests/system/generators.py

screenshots: $(VENV)/.ready-dev ## retake the screenshots of the pages (takes minutes; needs Chromium)
	SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/browser

# In this order: a file keeps to the versions of those before it. Versions change where a *.in says so, or with UPGRADE=1.
LOCKS := service torch dev fuzz generators bench audit
COMPILE := $(abspath $(TOOLS))/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--only-binary=:all: --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
lock: $(TOOLS)/.ready ## renew requirements/*.txt from requirements/*.in; torch-cpu.txt only with TORCH_INDEX_URL
	cd requirements && for name in $(LOCKS); do $(COMPILE) $$name.in -o $$name.txt || exit; done
	$(if $(TORCH_INDEX_URL),cd requirements && $(COMPILE) --no-deps --index-url $(TORCH_INDEX_URL) torch-cpu.in -o torch-cpu.txt)

# In an environment that contains nothing else.
sbom: $(TOOLS)/.ready ## list the service's packages with their licences: build/sbom.json (CycloneDX), build/licences.md
	rm -rf build/sbom && $(BIN)/python -m venv build/sbom
	requirements/install.sh $(abspath build/sbom/bin/python)
	build/sbom/bin/python -m pip --quiet install --no-deps --no-build-isolation . && rm -rf build/lib build/bdist.*
	build/sbom/bin/python -m pip --quiet uninstall --yes pip
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-file build/sbom.json build/sbom/bin/python
	$(TOOLS)/bin/pip-licenses --python build/sbom/bin/python --with-urls --format markdown --output-file build/licences.md
	rm -rf build/sbom

audit: $(TOOLS)/.ready ## look for risky code (bandit) and for known vulnerabilities of the packages (pip-audit; asks an index, and fails for a package that it does not know)
	$(TOOLS)/bin/bandit --quiet --configfile pyproject.toml --recursive charrnn console durable model_store service
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes $(foreach name,$(LOCKS),--requirement requirements/$(name).txt)

clean: ## remove everything installed and cached; keeps the data directory
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(VENV)/.ready: requirements/service.txt requirements/torch.txt requirements/torch-cpu.txt pyproject.toml | $(VENV)/.created
	@echo "Installing the dependencies into $(VENV) (once; takes minutes) ..."
	@requirements/install.sh $(abspath $(BIN)/python)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: requirements/dev.txt $(VENV)/.ready
$(VENV)/.ready-bench: requirements/bench.txt $(VENV)/.ready-dev
$(VENV)/.ready-fuzz: requirements/fuzz.txt $(VENV)/.ready-dev
$(VENV)/.ready-generators: requirements/generators.txt $(VENV)/.ready-dev
$(VENV)/.ready-dev $(VENV)/.ready-bench $(VENV)/.ready-fuzz $(VENV)/.ready-generators:
	@$(PIP) $(LOCKED) $<
	@touch $@

$(TOOLS)/.ready: requirements/audit.txt | $(VENV)/.created
	@$(BIN)/python -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check --quiet $(LOCKED) $<
	@touch $@

# Everything is rebuilt when the interpreter of the virtual environment is gone.
ifneq ($(shell $(BIN)/python -c '' 2>/dev/null && echo works),works)
.PHONY: $(VENV)/.created $(VENV)/.ready $(VENV)/.ready-dev
endif
$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found; install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is not" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks its venv module; install it (Debian, Ubuntu: the package python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
