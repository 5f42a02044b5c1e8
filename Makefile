# make avatar: set up .venv, then make the demo actor's avatar and all that is made of it.
# make test:   set up .venv, then run the tests.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
ACTOR ?= actor
CORES ?= all
# named one by one, so that a deleted one is made again with all that follows
FILES = $(shell $(BIN)/python -c "from understudy.stages import FILES; print(*FILES)")
BIN := .venv/bin

# Snakemake, Numba and Matplotlib keep caches in the user's home; without one that can be written they are kept here.
CACHE := $(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"; mkdir -p "$$cache" 2>/dev/null && test -w "$$cache" && echo there)
ifneq ($(CACHE),there)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif

.PHONY: avatar all test lint lock audit in-place

avatar: in-place .venv/.ready
	$(BIN)/snakemake --cores $(CORES) $(addprefix results/$(ACTOR)/,$(FILES))

all: in-place .venv/.ready
	$(BIN)/snakemake --cores $(CORES)

test: in-place .venv/.ready-dev
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

lint: in-place .venv/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	MYPYPATH=scripts $(BIN)/mypy
	$(BIN)/snakemake --lint

# What lies in .venv/bin names the folder that .venv was made in.
in-place:
	@made=$$(sed -n 's|^command = .* -m venv [^/]*||p' .venv/pyvenv.cfg 2>/dev/null); test -z "$$made" || test "$$made" -ef .venv || \
	{ echo "error: .venv was made in $$made and does not work here; move the checkout back, or move .venv away and run make again" >&2; exit 1; }

# Only what locks/ lists comes in, each file by its hash; what builds the checkout is in build.lock, so nothing is fetched to build with.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps
# PyTorch's own builds (2.13.0+cpu, +cu126, ...) need none of CUDA's packages or have brought theirs.
NEEDS_CUDA := from importlib.metadata import version; raise SystemExit("+" in version("torch"))

# A torch that is there already, in .venv or in a folder of wheels that pip is told of, goes before that of the package index.
.venv/.ready: locks/build.lock locks/torch.lock locks/cuda.lock locks/run.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 to 3.13 here (NumPy 2.4 needs 3.11, and immutables, which Snakemake needs, has no build for 3.14); install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@case "$(CURDIR)" in *:*) echo "error: Python makes no .venv in a folder with a colon in its path; rename it" >&2; exit 1;; esac
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) lacks venv or ensurepip; install them (Debian, Ubuntu: apt install python3-venv), or name another Python: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes -r locks/build.lock
	$(INSTALL) --require-hashes --no-index -r locks/torch.lock 2> /dev/null || $(INSTALL) --require-hashes -r locks/torch.lock
	! $(BIN)/python -c '$(NEEDS_CUDA)' || $(INSTALL) --require-hashes -r locks/cuda.lock
	$(INSTALL) --require-hashes --no-build-isolation -r locks/run.lock
	$(INSTALL) --no-build-isolation --editable .
	touch $@

.venv/.ready-dev: .venv/.ready locks/slurm.lock locks/dev.lock
	$(INSTALL) --require-hashes -r locks/slurm.lock -r locks/dev.lock
	touch $@

# Both ask the package index: the one which packages there are, the other which of them have known holes.
lock: .venv/.ready-dev
	$(BIN)/python locks/make_locks.py $(if $(UPGRADE),--upgrade $(filter-out all,$(UPGRADE)))
	$(MAKE) .venv/.ready-dev
	$(BIN)/python locks/list_licences.py

audit: .venv/.ready-dev
	$(BIN)/python locks/audit.py
