# Housecall. `make samples` and `make test` work on a fresh Debian machine that has Rust, make and its package registries.

# Every system package that is needed, in one place: by the build, the program and the sample generator ...
PACKAGES = \
	build-essential pkg-config cmake clang libclang-dev \
	libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev \
	fonts-inter fonts-noto-core fonts-motoya-l-cedar \
	ffmpeg flite python3 python3-numpy python3-cairo
# ... and by the tests alone: half a gigabyte, most of it a browser.
TEST_PACKAGES = strace python3-pip chromium chromium-driver
# A real Slurm, which `make test` tries only where it is installed.
CLUSTER_PACKAGES = slurm-wlm munge

# For the tests our own code is compiled quickly: the encoders, Whisper and every other dependency take nearly all of the
# time and stay as the program has them, so neither `make samples` nor `make test` compiles them anew after the other.
QUICK = --config profile.release.package.housecall.opt-level=1 --config profile.release.package.housecall.debug=false

# What the random tests start from: the same in every run, so that what passes here passes elsewhere.
SEED = 20261122

# How often `make torture` kills, starves and feeds garbage, and where its chance begins: another place each day.
TIMES = 200
CHANCE = $(shell date +%Y%m%d)

# What tries to break the promises.
TORTURES = torture-kill torture-faults torture-watch torture-garbage

HOUSECALL = target/release/housecall
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What tests of the page let look for barriers: axe-core, which is not ours to copy (MPL-2.0), as one version of a Python
# package has it. Other files of the package are not used.
AXE = target/axe/axe.min.js

.PHONY: picture samples test test-page test-cluster screenshots torture $(TORTURES) fuzz memcheck matrix bench encoders setup build remake-samples lint

# The main job on the sample clips.
samples: build
	$(HOUSECALL) run samples/clips --practice samples/practice.toml --out cuts --offline
	@echo "cuts:   $(CURDIR)/cuts"
	@echo "report: $(CURDIR)/cuts/report.html"

# What is needed beyond PACKAGES: nothing for who only wants cuts.
test test-page screenshots $(TORTURES): FURTHER = $(TEST_PACKAGES)
test-cluster: FURTHER = $(CLUSTER_PACKAGES)

# Programs of tests that mostly wait: for a watched folder, a browser, Slurm's daemons. They run beside those that work.
PROGRAMS = $(patsubst tests/%.rs,%,$(patsubst %/main.rs,%.rs,$(wildcard tests/*.rs tests/*/main.rs)))
WAITING = cluster review watch
BESIDE = target/tests-that-wait.txt

test: export PROPTEST_RNG_SEED = $(SEED)
test: setup $(AXE)
	cargo test --release $(QUICK) --tests --no-run
	@cargo test --release $(QUICK) --no-fail-fast $(WAITING:%=--test %) -- --show-output > $(BESIDE) 2>&1 & beside=$$!; \
	cargo test --release $(QUICK) --lib --bins $(patsubst %,--test %,$(filter-out $(WAITING),$(PROGRAMS))) -- --show-output; \
	ended=$$?; wait $$beside || ended=$$?; cat $(BESIDE); exit $$ended

# The page in a real browser, with what takes long clips or many, and how quickly it answers: leave the computer alone
# meanwhile.
test-page: setup $(AXE)
	HOUSECALL_PAGE=all cargo test --release $(QUICK) --test review -- --show-output --test-threads=1

# On a real Slurm of two nodes, which the tests start on this computer and stop again: nodes die, disks fill, arrays are
# cancelled. Minutes.
test-cluster: setup
	HOUSECALL_CLUSTER=all cargo test --release $(QUICK) --test cluster -- --show-output --test-threads=1

# The pictures of the page in README.md.
screenshots: setup
	HOUSECALL_SCREENSHOTS=$(CURDIR)/docs/pictures cargo test --release $(QUICK) --test review pictures_of_the_page -- --show-output

# The registry's own client takes it only if it has the checksum in that file.
$(AXE): tests/review/axe.txt | setup
	rm -rf target/axe
	python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes -r $< -d target/axe
	python3 -m zipfile -e target/axe/*.whl target/axe
	cp target/axe/axe_playwright_python/axe.min.js $@

# The long forms of what tries to break the promises, hours in all: `make torture TIMES=20` for less. Each also runs alone,
# as `make torture-kill CHANCE=20261122` does to repeat one. It prints the seed and how long each took, and goes on to the
# next where one fails.
torture: setup
	@began=$$(date +%s); broken=""; \
	for part in $(TORTURES) fuzz; do \
		start=$$(date +%s); \
		$(MAKE) --no-print-directory $$part || broken="$$broken $$part"; \
		echo "$$part took $$(($$(date +%s) - $$start)) s"; \
	done; \
	echo "HOUSECALL_TORTURE=$(TIMES) HOUSECALL_SEED=$(CHANCE) took $$(($$(date +%s) - $$began)) s in all"; \
	test -z "$$broken" || { echo "failed:$$broken"; exit 1; }

# So many clips are made garbage of; so long a watch is watched itself.
torture-garbage: TIMES = 2000
torture-watch: export HOUSECALL_SOAK_MINUTES = 60
$(TORTURES): torture-%: setup
	HOUSECALL_TORTURE=$(TIMES) HOUSECALL_SEED=$(CHANCE) PROPTEST_RNG_SEED=$(CHANCE) \
		cargo test --release $(QUICK) --test $(if $(filter kill faults,$*),torture $*::,$*) -- --show-output

# How long each parser is fuzzed, in seconds.
SECONDS = 600
FUZZED = container questions clip_toml practice_toml subtitles transcript captions

# The parsers of our own against bytes that nobody would write (`cargo install cargo-fuzz`; a stable compiler will do). No
# sanitizer: these rooms hold no unsafe code. What is found stays in fuzz/found and fuzz/artifacts; what is worth keeping
# goes into fuzz/corpus, which `make test` runs. What is laid out with real fonts is kept short: a long text takes a tenth
# of a second.
fuzz: setup
	@cargo fuzz --version >/dev/null 2>&1 || { echo "make fuzz needs cargo-fuzz: cargo install cargo-fuzz"; exit 1; }
	cd fuzz && cargo fuzz build -s none
	cd fuzz && for target in $(FUZZED); do \
		mkdir -p found/$$target; \
		case $$target in captions|subtitles|transcript) longest=512;; *) longest=4096;; esac; \
		cargo fuzz run -s none $$target found/$$target corpus/$$target -- -dict=dictionaries/$$target.dict -seed=$(SEED) \
			-max_total_time=$(SECONDS) -timeout=60 -rss_limit_mb=1024 -max_len=$$longest -print_final_stats=1 || exit 1; \
	done

# Our own unsafe code and what calls the libraries, with every access to memory looked at (`apt-get install valgrind`); two
# minutes. tests/valgrind.supp says what is not ours.
MEMCHECK = valgrind --error-exitcode=9 --num-callers=40 --suppressions=tests/valgrind.supp
memcheck: setup
	@valgrind --version >/dev/null 2>&1 || { echo "make memcheck needs valgrind: apt-get install valgrind"; exit 1; }
	cargo test --release $(QUICK) --config 'target."cfg(unix)".runner = "$(MEMCHECK)"' --lib media:: -- --test-threads=1

# All of the footage matrix, and a page with source and cut side by side; an hour without speech, and words timed in all
# conditions; a hundred clips that did not change.
matrix: setup
	rm -rf target/matrix
	HOUSECALL_MATRIX=all HOUSECALL_MATRIX_PAGE=$(CURDIR)/target/matrix cargo test --release --test matrix --test words -- --show-output
	HOUSECALL_MATRIX=all cargo test --release --test end_to_end never_again:: -- --show-output
	cat docs/matrix.head.html $$(find target/matrix -name '*.fragment' | sort) > target/matrix/index.html
	@echo "page: $(CURDIR)/target/matrix/index.html"

# Housecall beside what people write with ffmpeg, on clips like those of phones; leave the computer alone meanwhile.
bench: build
	cargo bench --bench contenders -- --json docs/bench.json --picture docs/bench.svg

# What encoder settings cost and what of their quality survives a platform: the table in docs/encoding.md. Half an hour.
encoders: setup
	cargo bench --bench encoders

build: setup
	cargo build --release

# Installs what is missing, and nothing when nothing is.
setup:
	@missing=""; for p in $(PACKAGES) $(FURTHER); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

lint:
	cargo fmt --check
	cargo clippy --release --all-targets -- -D warnings
	cargo check --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --lib

# Speaks and draws the sample clips anew.
remake-samples: setup
	python3 samples/make_samples.py

# The picture in README.md, from the cuts that `make samples` leaves.
picture:
	docs/make_picture.sh
