//! What the charts render, whatever the values: no cluster is needed. `make test-chart` builds the tools and runs this.
//! `UPDATE=1` writes what is generated and committed anew.

#[cfg(test)]
mod access;
#[cfg(test)]
mod artifact_hub;
#[cfg(test)]
mod combinations;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod gitops;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod leaves;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod values;
