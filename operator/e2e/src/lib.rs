//! Nothing: this package is its tests, `tests/cluster`, which `make test-cluster` runs in a cluster of their own.
