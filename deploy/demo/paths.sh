# shellcheck shell=bash disable=SC2034 # the variables are for the scripts that source this
# Sourced: the demo's cluster and the files that it keeps.

demo=$cache/demo
# Never the user's kubeconfig: the demo must not change what their kubectl talks to, nor be pointed at another cluster.
export KUBECONFIG=$demo/kubeconfig
export TAG=dev # the one that the chart names, and so deploy/operator
export RETRYLAB_CLUSTER=demo # in the project's own kind of cluster
kind_cluster=retrylab-demo   # in kind
# Says that the demo made its cluster, and with what: `kind` or `own`. A cluster without it is somebody else's.
marker=$demo/made-with
