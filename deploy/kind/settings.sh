# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: what runs in kind, in which versions, and where it comes from. The one place that pins them.
#
#   RETRYLAB_KIND         name of the cluster; each name is another one. Default: retrylab. All map the same ports of this
#                         machine (kind-config.yaml), so a second can't start while the first is up
#   RETRYLAB_KIND_IMAGE   the node's image, if not kind's own; one that the engine has already is not pulled
#   RETRYLAB_STACK_CHART  kube-prometheus-stack: an archive, a folder or a reference that helm takes, or `none` to leave it out
#   RETRYLAB_STACK_ARGS   more arguments for its `helm upgrade`, such as another registry for its images
#   RETRYLAB_JAEGER_CHART, RETRYLAB_JAEGER_ARGS   the same for Jaeger
#   RETRYLAB_BINARIES     a folder with the project's static binaries; without it the engine compiles them, in an image of Rust
# With a node's image that is there, `none` twice, binaries and a Helm 4, nothing here needs the internet.

kind_version=v0.33 # what these scripts are written for; another one is only said

kind_name=${RETRYLAB_KIND:-retrylab}
[[ $kind_name =~ ^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$ ]] ||
  fail "RETRYLAB_KIND is '$kind_name'; it must be 1 to 30 of a-z, 0-9 and '-', and not begin or end with '-'"
kind_arguments=(--config "$root/kind-config.yaml")
[ -z "${RETRYLAB_KIND_IMAGE:-}" ] || kind_arguments+=(--image "$RETRYLAB_KIND_IMAGE")

stack_chart=(kube-prometheus-stack --repo https://prometheus-community.github.io/helm-charts --version 93.6.0)
[ -z "${RETRYLAB_STACK_CHART:-}" ] || stack_chart=("$RETRYLAB_STACK_CHART")
jaeger_chart=(jaeger --repo https://jaegertracing.github.io/helm-charts --version 4.4.8)
[ -z "${RETRYLAB_JAEGER_CHART:-}" ] || jaeger_chart=("$RETRYLAB_JAEGER_CHART")
read -ra stack_args <<< "${RETRYLAB_STACK_ARGS:-}"
read -ra jaeger_args <<< "${RETRYLAB_JAEGER_ARGS:-}"

# Kept for each cluster, and removed with it. Never the user's kubeconfig: nothing here must change what their kubectl talks to,
# nor be pointed at another cluster.
kind_folder=$cache/kind/$kind_name
export KUBECONFIG=$kind_folder/kubeconfig
# Says that the cluster of this name was made here. One without it is somebody else's.
kind_marker=$kind_folder/made
