# What this project is built, tested and shown with. `make` alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Which of the project's own clusters the cluster-* targets mean; each name is another cluster.
export RETRYLAB_CLUSTER ?= dev
# Where clusters, images and everything else outside the repository are kept.
export RETRYLAB_CACHE ?= $(HOME)/.cache/retrylab
# Which kind cluster the kind-* targets mean; each name is another. All map the same ports: only one can be up at a time.
export RETRYLAB_KIND ?= retrylab
# The node's image in kind; empty: kind's own. One that the engine has is not pulled.
export RETRYLAB_KIND_IMAGE ?=
# kube-prometheus-stack in kind: an archive, a folder or a reference for helm; `none` leaves it out.
export RETRYLAB_STACK_CHART ?=
# The same for Jaeger. deploy/kind/settings.sh has the defaults and versions.
export RETRYLAB_JAEGER_CHART ?=
# What helm and the like are built into.
export RETRYLAB_TOOLS = $(RETRYLAB_CACHE)/tools
# The tag that the target `images` gives; tests and demo always use dev.
export TAG ?= dev
# Arguments for the program of test-cluster, such as the name of one test.
ARGS ?=
# Set to 1 to leave the cluster of test-cluster up, to look at.
export KEEP ?=

# Scripts that are run; the files that they source are checked along with them.
SCRIPTS = .ci/run $(shell find deploy -name '*.sh' -perm /u+x)

.PHONY: help
help: ## Lists the targets and the variables
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile
	@printf '\nVariables\n'
	@awk '/^# / {text = substr($$0, 3)} !/^#/ {if (text && $$0 ~ /\?=/) {sub(/^export /, ""); sub(/ *\?= */, "="); \
	  printf "  %-40s %s\n", $$0, text} text = ""}' Makefile

##@ First results

.PHONY: try
try: ## The comparison of retry strategies in one process, with no cluster: ends with a table of results
	cargo run --release --locked --package retrylab-lab -- run deploy/samples/comparison.yaml

##@ Tests

.PHONY: test
test: lint test-unit test-reports test-chart test-rules test-cluster ## Everything: lint and all tests but test-exactness

.PHONY: lint
lint: ## Formatting, clippy, shellcheck and actionlint, with no warning allowed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- --deny warnings
	. deploy/cluster/lib/log.sh; . deploy/cluster/lib/packages.sh; need_packages shellcheck=shellcheck
	shellcheck --external-sources --check-sourced --source-path=SCRIPTDIR $(SCRIPTS)
	deploy/tools/build.sh actionlint
	$(RETRYLAB_TOOLS)/actionlint

.PHONY: test-unit
test-unit: ## The tests that need no cluster
	cargo test --workspace --locked --exclude retrylab-e2e --exclude retrylab-chart

.PHONY: test-reports
test-reports: ## Reports in Chromium: light, dark, on a phone and on paper; the pictures are kept
	. deploy/cluster/lib/log.sh; . deploy/cluster/lib/packages.sh; need_packages chromium=chromium
	cargo test --locked --package retrylab-report --features browser --test browser -- --nocapture

.PHONY: test-chart
test-chart: chart-tools ## The charts: lint, what they render, whatever the values, and Argo CD's health check
	. deploy/cluster/lib/log.sh; . deploy/cluster/lib/packages.sh; need_packages lua5.1=lua5.1
	cargo test --locked --package retrylab-chart

.PHONY: chart-tools
chart-tools:
	deploy/tools/build.sh helm helm-docs kubeconform schemas
	deploy/monitoring/build.sh bundle.yaml

.PHONY: test-rules
test-rules: ## What Prometheus and Grafana are given: rules, dashboards and the names of metrics
	deploy/monitoring/test.sh

.PHONY: test-cluster
test-cluster: ## The tests in a real cluster, which is made for them and removed
	deploy/cluster/test.sh $(ARGS)

.PHONY: test-exactness
test-exactness: ## The load generator's exactness, in a release build on a quiet machine; not part of `test`
	cargo test --release --locked --package retrylab-loadgen --test exactness -- --nocapture --test-threads=1

##@ Products

.PHONY: images
images: ## Builds the container images and their archives
	deploy/images/build.sh

.PHONY: schema
schema: ## Writes docs/report.schema.json anew from the Rust types
	UPDATE=1 cargo test --quiet --locked --package retrylab-report --test schema

.PHONY: chart
chart: chart-tools ## Writes anew what is made from the Rust types and the charts: definition, manifests, READMEs
	UPDATE=1 cargo test --quiet --locked --package retrylab-operator --test generated
	UPDATE=1 cargo test --quiet --locked --package retrylab-chart generated

##@ Clusters

.PHONY: cluster-up
cluster-up: ## Starts the cluster RETRYLAB_CLUSTER: a real one-node Kubernetes that needs no Docker
	deploy/cluster/up.sh

.PHONY: cluster-down
cluster-down: ## Ends it
	deploy/cluster/down.sh

.PHONY: cluster-shell
cluster-shell: ## A shell inside it, with kubectl
	@deploy/cluster/shell.sh

.PHONY: kind-up
kind-up: ## Makes the kind cluster RETRYLAB_KIND, with the ports of kind-config.yaml and the images in it
	deploy/kind/up.sh

.PHONY: kind-demo
kind-demo: ## From nothing to results in it: kube-prometheus-stack, Jaeger, the operator and a comparison
	@deploy/kind/demo.sh

.PHONY: kind-down
kind-down: ## Removes it
	deploy/kind/down.sh

.PHONY: demo
demo: ## From nothing to results: a cluster, the operator and a comparison of retry strategies
	@deploy/demo/up.sh

.PHONY: demo-down
demo-down: ## Removes all that the demo made
	@deploy/demo/down.sh

.PHONY: clean
clean: ## Removes what was compiled, but no cluster and nothing in RETRYLAB_CACHE
	cargo clean
