# Aliases of the npm scripts; `make` lists them. All logic is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help demo dev test check bench build hooks

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the photo pipeline once on the embedded store (ARGS="my.jpg --out DIR" for your own)
	@npm run --silent demo -- $(ARGS)

dev: ## the same, left running: job service, workers, URLs to open
	@npm run --silent dev -- $(ARGS)

test: ## everything: format, lint, types, import rules, all suites, on services of its own
	@npm test --silent

check: ## the quick part of it, under a minute, no services
	@npm run --silent check

bench: ## measure against the floor, BullMQ and Celery (ARGS="--json FILE")
	@npm run --silent bench -- $(ARGS)

build: ## install what the lock says and compile all packages
	@npm run --silent build

hooks: ## format and lint what you commit, in this checkout
	@git config core.hooksPath .githooks
