# SPDX-License-Identifier: Apache-2.0
#
# The front door. Building is meson's work; this installs what is missing, and names what there is to do.
# Everything but `all` wants root. `make help` lists the targets.

BUILD     ?= build
PYTHON    ?= /usr/bin/python3
PYTEST     = PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -p no:cacheprovider
DESTDIR   ?=
# seconds for each fuzz target
FUZZ_TIME ?= 15

.PHONY: all deps deps-test demo check unit sanitize fuzz checks scenario oracle docs bench soak install clean help FORCE
.DELETE_ON_ERROR:

all: deps                     ## build build/reeve, one static binary
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_OPTIONS)
	ninja -C $(BUILD)

deps:                         ## install what building needs (only if something is missing)
	@tests/checks/install-packages build

deps-test:
	@tests/checks/install-packages build test

demo: all                     ## boot Apache, MariaDB, PostgreSQL, Redis, RabbitMQ, sshd in one unprivileged container
	@demo/run

check: deps-test all          ## everything that must hold; ends with `N passed, N failed`
	@tests/checks/run-all

unit: all                     ## unit tests
	meson test -C $(BUILD) --print-errorlogs

sanitize: deps-test           ## unit tests under ASan and UBSan
	@tests/checks/sanitize

fuzz: deps-test               ## each fuzz target for FUZZ_TIME seconds, from its corpus
	@FUZZ_TIME=$(FUZZ_TIME) tests/checks/fuzz

checks: all                   ## the includes' floors, and no NSS in the binary
	@tests/checks/floors && tests/checks/no-nss $(BUILD)/reeve

scenario: deps-test all       ## containers under reeve; pick some with ARGS='-k NAME'
	$(PYTEST) -q tests/scenario $(ARGS)

oracle: deps-test             ## ask real systemd whether the scenarios' expectations are true
	$(PYTEST) -q tests/scenario --manager=systemd $(ARGS)

bench: deps-test all          ## start-up, memory, restarts, big transactions beside systemd, runit, s6 and supervisor
	@tests/checks/install-packages bench
	@bench/run && bench/one && bench/jobs && bench/storm && bench/load && bench/journal && bench/journalctl

soak: deps-test all           ## what takes hours: long fuzzing, a thousand restarts
	@tests/checks/soak

docs: all                     ## what is generated of docs/: directives.md
	$(BUILD)/reeve directives --markdown > docs/directives.md

install: all                  ## into DESTDIR
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:                        ## remove the builds (cached root file systems stay in REEVE_CACHE)
	rm -rf $(BUILD) build-asan build-fuzz

help:                         ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile
