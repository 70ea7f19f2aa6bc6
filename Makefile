# Each environment is remade when pyproject.toml changes. PYTHON names the interpreter: make test PYTHON=python3.12
PYTHON ?= python3
RUN_ENV := .venv
TEST_ENV := .venv-test
# The oldest Python we support; its tests run the runtime without training.
OLD_PYTHON ?= $(shell scripts/find-python 3.8)
OLD_ENV := .venv-3.8
HOME_ASSISTANT_PYTHON ?= $(shell scripts/find-python 3.13)
# Processes that share the tests out. With many more than there are cores the tests that wait for programs may run out of patience.
WORKERS ?= 2
# A Debian for Arm, kept for the next time.
ARM_ROOT := $(CURDIR)/.aarch64
# A board to switch on in emulation, kept likewise.
BOARD := $(CURDIR)/.board
# ONNX Runtime reports to its maker unless this is set before it is loaded.
export ORT_DISABLE_TELEMETRY := 1
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: help run check test test-3.8 test-mediapipe test-homeassistant test-mlserver test-s3 test-resolve test-aarch64 test-board test-image fuzz mutants soak lint docs lock benchmark release wheel clean

help:  ## show this list
	@grep -hE '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

run: $(RUN_ENV)/.ready  ## watch camera 0, or the demo where there is none; 20 s and a clip where there is no display
	@scripts/first-run $(RUN_ENV)/bin

check: lint  ## for every save: lint, and the tests that take under a minute together
	$(TEST_ENV)/bin/python -m pytest -n $(WORKERS) --quick

test: $(TEST_ENV)/.ready  ## run all tests (in WORKERS=2 processes)
	$(TEST_ENV)/bin/python -m pytest -n $(WORKERS)

test-3.8: $(OLD_ENV)/.ready  ## run the tests of the runtime on Python 3.8
	$(OLD_ENV)/bin/python -m pytest -n $(WORKERS) --ignore tests/training --ignore tests/zoo

test-mediapipe: .venv-mediapipe/.ready  ## compare with the real mediapipe package (a download of a gigabyte)
	.venv-mediapipe/bin/python -m pytest tests/detect

test-homeassistant: $(TEST_ENV)/.ready .venv-homeassistant/.ready  ## hold what Home Assistant is told to its own schema
	mkdir -p build && $(TEST_ENV)/bin/python tests/sinks/check_home_assistant.py > build/discovery.json
	.venv-homeassistant/bin/python tests/sinks/check_home_assistant.py build/discovery.json

test-mlserver: $(TEST_ENV)/.ready .venv-mlserver/.ready  ## let MLServer, a server of the KServe protocol, classify for boards
	MLSERVER=$(CURDIR)/.venv-mlserver/bin/mlserver $(TEST_ENV)/bin/python -m pytest tests/classify/test_mlserver.py

test-s3: .venv-s3/.ready  ## analyse recordings in S3, as moto's server has it, on a Ray cluster of two machines
	.venv-s3/bin/python -m pytest tests/recordings/cluster/test_s3.py

test-resolve: $(TEST_ENV)/.ready  ## ask the package index whether every flavour installs on boards and PCs
	$(TEST_ENV)/bin/python $(PIP) 'uv>=0.5,<1'
	FER_EDGE_RESOLVE=1 $(TEST_ENV)/bin/python -m pytest tests/resolve

test-aarch64: $(TEST_ENV)/.ready  ## run the program on an emulated 64-bit Arm processor (root only; fetches half a gigabyte)
	PYTHON=$(TEST_ENV)/bin/python scripts/make-aarch64-root $(ARM_ROOT)
	AARCH64_ROOT=$(ARM_ROOT) $(TEST_ENV)/bin/python -m pytest -rP tests/aarch64

test-board: $(TEST_ENV)/.ready  ## install the service on an emulated board with a camera, and break it in many ways (root only)
	PYTHON=$(TEST_ENV)/bin/python scripts/make-board $(BOARD)
	BOARD_FOLDER=$(BOARD) $(TEST_ENV)/bin/python -m pytest -rP tests/e2e_board

test-image: $(TEST_ENV)/.ready  ## build the container image for a PC and run it (IMAGE_ENGINE=docker or buildah)
	IMAGE_ENGINE=$(or $(IMAGE_ENGINE),docker) $(TEST_ENV)/bin/python -m pytest tests/deploy/test_container_images.py

fuzz: $(TEST_ENV)/.ready  ## feed the program damaged and hostile input for some minutes
	FER_EDGE_FUZZ=long nice $(TEST_ENV)/bin/python -m pytest tests/fuzz --hypothesis-show-statistics

mutants: $(TEST_ENV)/.ready  ## plant faults in a copy and see whether the tests notice (ONLY=words, REPORT=FILE)
	nice $(TEST_ENV)/bin/python scripts/plant_faults.py $(if $(ONLY),--only '$(ONLY)') $(if $(REPORT),--report '$(REPORT)')

soak: $(TEST_ENV)/.ready  ## run the program for MINUTES (2) and see whether memory, descriptors and threads stay flat
	$(TEST_ENV)/bin/fer-edge soak --minutes $(or $(MINUTES),2)

lint: $(TEST_ENV)/.ready  ## style, types, and the direction of imports
	$(TEST_ENV)/bin/ruff format --check .
	$(TEST_ENV)/bin/ruff check .
	$(TEST_ENV)/bin/mypy
	$(TEST_ENV)/bin/lint-imports

docs: .venv-docs/.ready  ## make docs/ and the reference a site in build/site; end where a link leads nowhere
	.venv-docs/bin/python scripts/build_site.py

benchmark: $(RUN_ENV)/.ready  ## measure this machine at one, three and eight faces
	$(RUN_ENV)/bin/python benchmarks/pipeline_speed.py

lock: $(TEST_ENV)/.ready  ## choose anew, with their hashes, the packages of images and setup scripts
	$(TEST_ENV)/bin/python $(PIP) 'uv>=0.5,<1'
	$(TEST_ENV)/bin/python scripts/lock_requirements.py

release: .venv-release/.ready  ## build what is committed into dist/: wheel, sdist, bills of materials, sums; ask for vulnerabilities
	.venv-release/bin/python scripts/release.py

wheel:  ## build the wheel into dist/
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

$(RUN_ENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(RUN_ENV)
	$(RUN_ENV)/bin/python $(PIP) --upgrade pip
	$(RUN_ENV)/bin/python $(PIP) --editable '.[cpu]'
	@touch $@

$(TEST_ENV)/.ready: pyproject.toml requirements/test.txt
	$(PYTHON) -m venv $(TEST_ENV)
	$(TEST_ENV)/bin/python $(PIP) --upgrade pip
	$(TEST_ENV)/bin/python $(PIP) --requirement requirements/test.txt --editable '.[cpu,train,web]'
	@touch $@

$(OLD_ENV)/.ready: pyproject.toml requirements/test-3.8.txt
	@test -n "$(OLD_PYTHON)" || { echo "no Python 3.8 on this machine"; exit 1; }
	$(OLD_PYTHON) -m venv $(OLD_ENV)
	$(OLD_ENV)/bin/python $(PIP) --upgrade pip
	$(OLD_ENV)/bin/python $(PIP) --requirement requirements/test-3.8.txt --editable '.[cpu,web]'
	@touch $@

.venv-mediapipe/.ready: pyproject.toml requirements/test-3.8.txt
	$(PYTHON) -m venv .venv-mediapipe
	.venv-mediapipe/bin/python $(PIP) --upgrade pip
	.venv-mediapipe/bin/python $(PIP) --requirement requirements/test-3.8.txt --editable '.[mediapipe,web]'
	@touch $@

.venv-homeassistant/.ready:
	@test -n "$(HOME_ASSISTANT_PYTHON)" || { echo "no Python 3.13 on this machine, which Home Assistant wants"; exit 1; }
	$(HOME_ASSISTANT_PYTHON) -m venv .venv-homeassistant
	.venv-homeassistant/bin/python $(PIP) 'homeassistant>=2025.4' 'paho-mqtt>=2,<3'
	@touch $@

.venv-mlserver/.ready:
	$(PYTHON) -m venv .venv-mlserver
	.venv-mlserver/bin/python $(PIP) 'mlserver>=1.7,<2' 'onnxruntime>=1.17,<2'
	@touch $@

.venv-s3/.ready: pyproject.toml requirements/test-3.8.txt
	$(PYTHON) -m venv .venv-s3
	.venv-s3/bin/python $(PIP) --requirement requirements/test-3.8.txt --editable '.[headless,media,cluster]' s3fs 'moto[server]>=5,<6'
	@touch $@

.venv-docs/.ready: requirements/docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python $(PIP) --requirement requirements/docs.txt
	@touch $@

.venv-release/.ready: requirements/lock/release.txt
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python $(PIP) --require-hashes --only-binary :all: --requirement requirements/lock/release.txt
	@touch $@

clean:  ## remove the environments and everything that was built
	rm -rf .venv .venv-* .aarch64* .board dist build out .mypy_cache .ruff_cache .pytest_cache .hypothesis
