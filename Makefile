# Everything here works with Go, git and make alone, but for lint (golangci-lint)
# and race (a C compiler). What is built goes to bin/, what runs lives in var/.

GO      ?= go
AMOUNT  ?= 12.50
CARD    ?=
FUZZTIME ?= 10s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILT   ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.built=$(BUILT)
# no_emoji leaves 4 MB of pictures out of the toolkit; slips and screens have none.
# nethttpomithttp2 leaves 0.5 MB out of the standard library: the servers are on
# loopback without TLS, where nobody speaks HTTP/2.
TAGS     = no_emoji,nethttpomithttp2
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)'
LINT    ?= $(shell command -v golangci-lint || echo $$($(GO) env GOPATH)/bin/golangci-lint)

.DEFAULT_GOAL = build
.PHONY: help build run sale cards test test386 race fuzz e2e vm strangers window lint bench golden arm clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

build: ## build bin/terminal and bin/cloud
	$(BUILD) -o bin/terminal ./cmd/terminal
	$(BUILD) -o bin/cloud ./cmd/cloud

run: build ## start cloud, simulated shop and terminal, with a page to play with
	@scripts/shop run

sale: build ## one sale: AMOUNT=12.50 CARD=pin, and more as ARGS="--json"
	@scripts/shop sale $(AMOUNT) $(if $(CARD),--card $(CARD)) $(ARGS)

cards: build ## list the cards for CARD=, and how a sale with each ends
	@bin/terminal cards

test: ## run the tests; needs nothing else installed
	$(GO) test ./...

test386: ## run the tests as a 32-bit program
	CGO_ENABLED=0 GOARCH=386 $(GO) test ./...

race: ## run the tests under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...

fuzz: ## fuzz each decoder for FUZZTIME=10s
	@GO=$(GO) scripts/fuzz $(FUZZTIME)

e2e: ## run the stories in a real browser; needs chromium
	$(GO) test -count=1 -tags browser ./e2e/browser

vm: ## boot a real kernel under QEMU and tap on its panel; needs qemu-system-x86
	VM_KERNEL=$$(e2e/vm/kernel $(CURDIR)/var/kernel) $(GO) test -count=1 -tags vm -timeout 10m ./e2e/vm

strangers: ## read cards through a true pcscd; needs pcscd and vsmartcard-vpcd
	$(GO) test -count=1 -tags strangers -run Strangers -timeout 5m ./drivers/pcsc

window: ## build bin/terminal-window, with a window; needs gcc, libgl1-mesa-dev, xorg-dev
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=false -tags window,$(TAGS) -ldflags '$(LDFLAGS)' -o bin/terminal-window ./cmd/terminal

lint: ## run golangci-lint
	@command -v "$(LINT)" >/dev/null || { echo "make lint: golangci-lint is missing; CONTRIBUTING.md tells how to install it" >&2; exit 1; }
	$(LINT) run

bench: build ## measure kernel, start, sale, bytes written, memory and size
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./e2e/bench

golden: ## rewrite the golden files; read the diff as code
	@grep -rl 'Bool("update"' --include='*_test.go' . | xargs -n 1 dirname | sort -u | while read -r folder; do \
		$(GO) test "$$folder" -update || exit 1; \
	done
	@git status --short

arm: ## cross-build the terminal for armv7 and arm64, and tell the sizes
	GOOS=linux GOARCH=arm GOARM=7 $(BUILD) -o bin/terminal-armv7 ./cmd/terminal
	GOOS=linux GOARCH=arm64 $(BUILD) -o bin/terminal-arm64 ./cmd/terminal
	@wc -c bin/terminal-armv7 bin/terminal-arm64 | awk '$$2 != "total" { printf "%-20s %5.1f MB\n", $$2, $$1 / 1e6 }'

clean: ## remove bin/; var/ holds keys and books and is yours to remove
	rm -rf bin
