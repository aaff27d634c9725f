# shellcheck shell=bash disable=SC2034 # the variables are for the other files here
# The cluster's addresses. They are the same in every cluster: each has a network of its own.

node_name=$cluster
node_ip=10.200.0.1
pod_subnet=10.244.0.0/24
service_subnet=10.96.0.0/16
apiserver_ip=10.96.0.1 # by convention the first of the services
dns_ip=10.96.0.10      # by convention the tenth
dns_domain=cluster.local
