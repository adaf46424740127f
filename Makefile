# Two sets of flags only, since another one recompiles everything: static for
# what is built and shipped, cgo with the race detector for what is tested (and
# linted, since the linter reads what the compiler has made). SQLite, which is
# translated from C, spends most of a test on checks of pointers otherwise.
SHIP := CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath"
TEST := CGO_ENABLED=1 GOFLAGS="$(GOFLAGS) -race -gcflags=modernc.org/...=-d=checkptr=0"

LINT_VERSION := v2.13.2
LINT         := bin/golangci-lint-$(LINT_VERSION)
UI_SOURCES   := $(shell find ui/src ui/public ui/schema.mjs query/api/openapi.json ui/index.html ui/vite.config.ts ui/tsconfig.json ui/package-lock.json -type f)

PROPERTIES   := $(sort $(dir $(shell grep -rl --include='*_test.go' --exclude-dir=node_modules pgregory.net/rapid .)))

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## run everything embedded, buy something and track it; ONCE=1 ends when it is delivered
ifdef ONCE
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && bin/waybill demo --once --data "$$data"
else
	@bin/waybill demo
endif

.PHONY: build
build: ui ## build bin/waybill, one static binary
	$(SHIP) go build -ldflags='-s -w' -o bin/waybill ./cmd/waybill

.PHONY: ui
ui: ui/dist/index.html ## build the web page into ui/dist

ui/node_modules/.package-lock.json: ui/package-lock.json
	npm --prefix ui ci --no-audit --no-fund
	@touch $@

ui/dist/index.html: ui/node_modules/.package-lock.json $(UI_SOURCES)
	npm --prefix ui run build
	@touch $@

.PHONY: test
test: tools ui servers-up ## run every test, with real Kafka, real Elasticsearch and a real browser
	npm --prefix ui test
	$(TEST) go test ./...
	$(MAKE) --no-print-directory e2e

.PHONY: e2e
e2e: ui ## run the browser tests against a real demo
	$(TEST) go build -o bin/waybill-race ./cmd/waybill
	$(TEST) go build -o bin/ship ./journey/journeytest/ship
	WAYBILL_BIN=$(CURDIR)/bin/waybill-race SHIP_BIN=$(CURDIR)/bin/ship npm --prefix ui run e2e

.PHONY: torture
torture: tools ui servers-up ## run the fault and property tests at full size
	TORTURE=1 $(TEST) go test -count=1 -timeout=6h ./...
	$(TEST) go test -count=1 -timeout=6h $(PROPERTIES) -rapid.checks=10000

.PHONY: bench
bench: ## measure against peers; ONLY=instrument|collector|embedded|journey|query|gateway|ui|cli|alerts
	@$(SHIP) go run ./bench $(ONLY)

.PHONY: lint
lint: $(LINT) ui/node_modules/.package-lock.json ## check style, in Go and TypeScript
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "run make fmt:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(TEST) $(LINT) run --allow-parallel-runners
	npm --prefix ui run check

$(LINT):
	GOBIN=$(CURDIR)/bin $(SHIP) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@

.PHONY: fmt
fmt: ## format Go
	gofmt -w $$(git ls-files '*.go')

.PHONY: tools
tools: ## install what tests need: JDK, Maven, Chromium, schemathesis
	@infra/testservers/install java chromium schemathesis

.PHONY: servers-up
servers-up: ## start real Kafka and Elasticsearch for tests
	@infra/testservers/up

.PHONY: servers-down
servers-down: ## stop them
	@infra/testservers/down
