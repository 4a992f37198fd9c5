# What can be done here. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Engines and tools are installed into .tools, from the package registries, at these versions.
DYNOXIDE_PACKAGE := @dynoxide/$(shell uname -s | tr A-Z a-z | sed s/darwin/macos/)-$(shell uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')
DYNOXIDE_VERSION := 1.2.1
ENGINE := .tools/engine-$(DYNOXIDE_VERSION)
FRONTEND := .tools/nhsuk/installed-$(shell cksum < tools/nhsuk/package-lock.json | cut -d' ' -f1)
NHSUK := functions/internal/nhsui/assets/built/nhsuk.css
COMPILED := functions/scans/cache/made-$(shell cksum < go.sum | cut -d' ' -f1)
BROWSER := .tools/browser/installed-$(shell cksum < tools/browser/package-lock.json | cut -d' ' -f1)
SCHEMATHESIS := .tools/schemathesis/installed-$(shell cksum < tools/schemathesis.txt | cut -d' ' -f1)
SAM := .tools/sam-$(shell cksum < tools/requirements.txt | cut -d' ' -f1)
RUNNER := .tools/runner
GO_TOOL := go tool -modfile=tools/go.mod

.PHONY: help run test sim check bench fuzz fmt sam clean

help: ## list what can be done
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(ENGINE) $(NHSUK) $(COMPILED) ## start everything here; PORT=3000 moves it, Ctrl-C ends it
	@CGO_ENABLED=0 go -C infra/local build -trimpath -ldflags='-s -w' -o ../../$(RUNNER) .
	@exec $(RUNNER)

test: $(ENGINE) $(NHSUK) $(COMPILED) $(BROWSER) $(SCHEMATHESIS) ## the whole test suite, on real engines
	@echo 'go test ./...  (race detector, shuffled)'
	@go test -race -shuffle=on -count=1 -timeout 45m -skip 'Browser|Schemathesis|Planted|Naive' ./...
	@go test -race -count=1 -v -run '^Test(ComponentsEqualTheirFixtures|AssetsStaySmall)$$' ./functions/internal/nhsui
	@go test -count=1 -timeout 30m -v -run 'Planted|Naive' ./functions/internal/sim
	@go test -race -count=1 -timeout 60m -v -run 'Browser|Schemathesis' ./functions/internal/e2e
	@cd infra/local && go test -race -shuffle=on -count=1 ./...

sim: ## a minute of simulated histories (FOR=1h); KEEP=1 goes on behind the last kept run
	@go test -count=1 -timeout 0 -v -run '^TestHistoriesEndWell$$' ./functions/internal/sim -sim.for=$${FOR:-1m} $${KEEP:+-sim.state=../../../docs/reliability.json}

check: $(SAM) ## format, vet, lint, template and schema checks
	@unformatted=$$($(GO_TOOL) gofumpt -l functions infra); test -z "$$unformatted" || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	@go vet ./... && cd infra/local && go vet ./...
	@$(GO_TOOL) staticcheck ./...
	@cd infra/local && go tool -modfile=../../tools/go.mod staticcheck ./...
	@go mod tidy -diff && go mod verify >/dev/null && cd infra/local && go mod tidy -diff
	@SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam validate --region eu-west-2
	@SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam validate --lint --region eu-west-2
	@$(SAM)/bin/cfn-lint --non-zero-exit-code warning template.yaml && echo 'cfn-lint: clean'
	@$(SAM)/bin/openapi-spec-validator infra/openapi.yaml
	@$(MAKE) --no-print-directory sam

bench: $(ENGINE) $(NHSUK) ## measure what docs/performance.md says
	@go test -run '^$$' -bench . -benchmem ./functions/internal/optout ./functions/internal/directory ./functions/internal/extract ./functions/internal/job ./functions/internal/door/patient ./functions/internal/door/practice ./functions/internal/nhsui ./functions/internal/scan
	@go test -run '^$$' -bench . -benchtime 1x ./functions/internal/e2e

fuzz: ## five minutes for each fuzz target (FUZZTIME=5m)
	@grep -rlE '^func Fuzz' --include=*_test.go functions | while read -r file; do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z]+).*/\1/p' $$file); do \
	    echo "$$target ($$(dirname $$file))"; go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-5m} | tail -3; \
	  done; done

fmt: ## format the code
	@$(GO_TOOL) gofumpt -w functions infra

sam: $(SAM) $(NHSUK) $(COMPILED) ## build what is deployed, into .aws-sam
	@CGO_ENABLED=0 GOFLAGS='-tags=lambda.norpc -trimpath "-ldflags=-s -w"' SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam build

clean: ## forget all local state (forms, mails, builds); tools and what make built of the design system stay
	@rm -rf .local .aws-sam

$(COMPILED):
	@rm -rf $(filter-out %README.md,$(wildcard functions/scans/cache/*))
	@go run ./functions/internal/scan/warm functions/scans/cache && touch $@

$(ENGINE):
	@if [ -n "$${DYNOXIDE:-}$${DYNAMODB_ENDPOINT:-}" ]; then echo 'using the DynamoDB engine that the environment names'; \
	elif npm install --silent --prefix .tools --no-save --no-package-lock --no-audit --no-fund $(DYNOXIDE_PACKAGE)@$(DYNOXIDE_VERSION); then touch $@; \
	else echo 'NO ENGINE: $(DYNOXIDE_PACKAGE) cannot be installed. Tests on a real engine and on the real stack ARE SKIPPED.'; \
	echo 'Set DYNOXIDE to an engine, or DYNAMODB_ENDPOINT to a running one, to run them.'; test "$${NO_SKIP:-}" != 1; fi

$(FRONTEND): tools/nhsuk/package.json tools/nhsuk/package-lock.json
	@mkdir -p $(@D) && cp tools/nhsuk/package.json tools/nhsuk/package-lock.json $(@D)
	@if npm ci --silent --ignore-scripts --no-audit --no-fund --prefix $(@D); then touch $@; \
	else echo 'NO NHS DESIGN SYSTEM: nhsuk-frontend cannot be installed. That our components are its IS NOT TESTED.'; test "$${NO_SKIP:-}" != 1; fi

$(NHSUK): $(FRONTEND) $(wildcard tools/nhsuk/*.mjs tools/nhsuk/*.scss tools/nhsuk/*.css)
	@if test -e $< && cp tools/nhsuk/*.mjs tools/nhsuk/*.scss tools/nhsuk/*.css $(<D) && node $(<D)/build.mjs $(@D); then :; \
	else rm -rf $(@D); echo 'NO NHS STYLES: they cannot be built. Pages wear OUR PLAIN STYLESHEET and have no scripts.'; test "$${NO_SKIP:-}" != 1; fi

$(BROWSER): tools/browser/package.json tools/browser/package-lock.json
	@mkdir -p $(@D) && cp tools/browser/package.json tools/browser/package-lock.json $(@D)
	@if npm ci --silent --ignore-scripts --no-audit --no-fund --prefix $(@D); then touch $@; \
	else echo 'NOTHING DRIVES A BROWSER: playwright-core cannot be installed. The pages ARE NOT WALKED.'; test "$${NO_SKIP:-}" != 1; fi

$(SCHEMATHESIS): tools/schemathesis.txt
	@if python3 -m venv --clear $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check -r $<; then touch $@; \
	else echo 'NO SCHEMATHESIS: it cannot be installed. That the API keeps its contract IS NOT TESTED from outside.'; test "$${NO_SKIP:-}" != 1; fi

$(SAM): tools/requirements.txt
	@rm -rf $@ && python3 -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check -r tools/requirements.txt
