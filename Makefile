# make         one static binary, ./taskmaster
# make help    what else there is

GO       ?= go
PREFIX   ?= /usr/local
DESTDIR  ?=
SYSCONFDIR ?= /etc
INIT     ?= systemd
FUZZTIME ?= 10s
STRESS   ?= 5m
OUTPUT   ?= 1GB
RACEFLAGS ?=
UPGRADES ?= 200
KILLS    ?= 100
ORPHANS  ?= 5000
SYSTEMS  ?= scripts image arm64 openrc systemd
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Nothing but `make race` needs a C compiler.
export CGO_ENABLED = 0

# Where the service manager looks, and for what.
ifeq ($(INIT),openrc)
INITFILE = openrc
INITPATH = $(SYSCONFDIR)/init.d/taskmaster
INITMODE = 755
GATEWAYUNIT =
else
INITFILE = service
INITPATH = $(PREFIX)/lib/systemd/system/taskmaster.service
INITMODE = 644
GATEWAYUNIT = $(PREFIX)/lib/systemd/system/taskmaster-gateway.service
endif

# What a unit says of where things are, and where they are.
IN_UNITS = s|/usr/local/bin/|$(PREFIX)/bin/|;s|/etc/taskmaster/|$(SYSCONFDIR)/taskmaster/|

BINARY  = $(CURDIR)/taskmaster
# The commit is in the binary where git can tell it; a source archive builds all the same.
VCS     = $(if $(shell git rev-parse HEAD 2>/dev/null),auto,false)
MODULES = golang.org/x/sys gopkg.in/yaml.v3 github.com/mattn/go-isatty

# The linters run by version, so that go.mod keeps its three modules.
GOFUMPT     = $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -checks all,-ST1003
ERRCHECK    = $(GO) run github.com/kisielk/errcheck@v1.30.0

# The gateway is a module of its own, so that the daemon keeps its three.
IN_GATEWAY = cd gateway && GOFLAGS=-mod=readonly

.PHONY: all build gateway test lint race fuzz bench stress scale stack systems picture demo install install-gateway deb release clean help

all: build ## the same as build

build: ## one static binary, ./taskmaster
	$(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w -X main.version=$(VERSION)' -o $(BINARY) .

gateway: ## the HTTP gateway, ./taskmaster-gateway
	$(IN_GATEWAY) $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w -X main.version=$(VERSION)' -o $(BINARY)-gateway .

test: build gateway ## vet, every unit test, and tests/ against the fresh binary
	$(GO) vet ./...
	TASKMASTER_BINARY=$(BINARY) $(GO) test -count=1 ./...
	$(IN_GATEWAY) $(GO) vet ./...
	$(IN_GATEWAY) TASKMASTER_BINARY=$(BINARY) GATEWAY_BINARY=$(BINARY)-gateway $(GO) test -count=1 ./...

lint: ## gofumpt, vet, staticcheck, errcheck, the list of modules, what the daemon links
	@out=$$($(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$out" ]; then echo "not as gofumpt writes it:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(ERRCHECK) ./...
	$(IN_GATEWAY) $(GO) vet ./...
	$(IN_GATEWAY) $(STATICCHECK) ./...
	$(IN_GATEWAY) $(ERRCHECK) ./...
	@extra=$$($(GO) list -m -f '{{if not .Main}}{{.Path}}{{end}}' all | grep -vxF $(MODULES:%=-e %) -e gopkg.in/check.v1 -e ''); \
	if [ -n "$$extra" ]; then echo "go.mod has more than its three modules:" $$extra; exit 1; fi
	@extra=$$($(GO) list -deps . | grep -xE 'net|net/http|os/exec|os/user|text/template'); \
	if [ -n "$$extra" ]; then echo "the daemon links what it should not:" $$extra; exit 1; fi

race: ## every test under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -count=1 $(RACEFLAGS) ./...
	$(IN_GATEWAY) CGO_ENABLED=1 $(GO) test -race -short -count=1 ./...

fuzz: ## every fuzz target for FUZZTIME (10s)
	@GO=$(GO) sh tests/fuzz.sh $(FUZZTIME)

bench: build ## benchmarks of the rooms, and start-up, memory and restart of the binary
	TASKMASTER_BINARY=$(BINARY) $(GO) test -run='^$$' -bench=. -benchmem ./...

stress: build ## random commands, kills and reloads for STRESS (5m), against /proc; OUTPUT (1GB) of output, byte by byte; UPGRADES (200), KILLS (100) of the daemon, ORPHANS (5000)
	TASKMASTER_BINARY=$(BINARY) STRESS=$(STRESS) OUTPUT_BYTES=$(OUTPUT) UPGRADES=$(UPGRADES) KILLS=$(KILLS) ORPHANS=$(ORPHANS) $(GO) test -count=1 -timeout=0 -v \
		-run='^(TestStress|TestOutputIsByteExact|TestUpgradesUnderLoad|TestKilledDaemonLosesNothing|TestStormOfOrphans)$$' ./tests

scale: build ## 1 to 10,000 programs: start, storm, status, reload, stop, memory; a table, and docs/scale.svg
	TASKMASTER_BINARY=$(BINARY) SCALE=$(CURDIR)/docs/scale.svg $(GO) test -count=1 -timeout=0 -v -run="^TestScale$$" ./tests

stack: build ## examples/stack.yaml at work: Redis, a migration, an API and nginx (apt-get installs what is missing)
	@sh tests/packages.sh redis-server=redis-server redis-cli=redis-tools nginx=nginx-light python3=python3 systemd-notify=systemd
	TASKMASTER_BINARY=$(BINARY) STACK=1 $(GO) test -count=1 -v -run='^(TestStack|TestNotifyClients)' ./tests

systems: ## the image, arm64, OpenRC, systemd: each for real, SYSTEMS names fewer (root; apt-get installs emulators and the like)
	@for name in $(SYSTEMS); do echo "=== $$name"; GO=$(GO) sh tests/systems/$$name.sh || exit 1; done

picture: build ## docs/shell.svg, drawn from a session with the README's first configuration (needs python3)
	TASKMASTER_BINARY=$(BINARY) PICTURE=$(CURDIR)/docs/shell.svg $(GO) test -count=1 -v -run='^TestPicture$$' ./tests

demo: build ## about 20 seconds of it at work
	@TASKMASTER=$(BINARY) sh examples/demo.sh

# The gateway comes with its unit where it has been built.
install: ## binary, manual, completions and unit into PREFIX (/usr/local), below DESTDIR; INIT=openrc for that in place of systemd
	@test -x $(BINARY) || $(MAKE) build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/taskmaster
	install -D -m 644 packaging/man/taskmaster.1 $(DESTDIR)$(PREFIX)/share/man/man1/taskmaster.1
	install -D -m 644 packaging/man/taskmaster.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/taskmaster.yaml.5
	install -D -m 644 cli/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/taskmaster
	install -D -m 644 cli/completion.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_taskmaster
	install -D -m 644 cli/completion.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/taskmaster.fish
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/taskmaster/conf.d
	@test -e $(DESTDIR)$(SYSCONFDIR)/taskmaster/taskmaster.yaml || \
		install -m 644 packaging/taskmaster.yaml $(DESTDIR)$(SYSCONFDIR)/taskmaster/taskmaster.yaml
	install -D -m $(INITMODE) packaging/taskmaster.$(INITFILE) $(DESTDIR)$(INITPATH)
	sed -i '$(IN_UNITS)' $(DESTDIR)$(INITPATH)
	@if test -x $(BINARY)-gateway; then $(MAKE) -s install-gateway; fi

install-gateway:
	install -D -m 755 $(BINARY)-gateway $(DESTDIR)$(PREFIX)/bin/taskmaster-gateway
ifneq ($(GATEWAYUNIT),)
	install -D -m 644 packaging/taskmaster-gateway.service $(DESTDIR)$(GATEWAYUNIT)
	sed -i '$(IN_UNITS)' $(DESTDIR)$(GATEWAYUNIT)
endif

deb: build ## a Debian package, dist/taskmaster.deb, with the version of the tag
	@mkdir -p dist
	sh packaging/debian/build.sh $(VERSION) $$(dpkg --print-architecture) $(BINARY) dist/taskmaster.deb

release: ## reproducible static binaries and packages for amd64 and arm64, with checksums, in dist/
	GO=$(GO) sh packaging/release.sh $(VERSION) dist

clean: ## removes what make has made
	rm -f $(BINARY)
	rm -rf dist $(BINARY)-gateway

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-8s %s\n' "$$name" "$$what"; \
	done
