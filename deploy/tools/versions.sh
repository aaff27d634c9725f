# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the tools that are built from their Go modules, and where they are kept. The one place that pins them.

helm_version=v4.3.1
kubeconform_version=v0.8.0
helm_docs_version=v1.14.2
jaeger_version=v1.76.0 # of the module; the program says 2.13.0
actionlint_version=v1.7.12
# Releases alone have these, in .github/workflows/release.yaml.
cosign_version=v2.6.1
cargo_cyclonedx_version=0.5.9

tools=$cache/tools
schemas=$tools/schemas # of Kubernetes' own kinds, for kubeconform
