//! Nothing: the tests of the charts are in `tests/chart`.
