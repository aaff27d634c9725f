//! What a user sees on a real cluster. The tests run inside the cluster's network, with `KUBECONFIG` set and the operator
//! installed; `deploy/cluster/test.sh` sees to that. Each has a namespace of its own.
//!
//! On failure a test prints its namespace: the experiments, the pods, the events and the operator's last words.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod backend_dies;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod chart;
#[cfg(test)]
mod closed_forms;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod independent_failures;
#[cfg(test)]
mod kubectl;
#[cfg(test)]
mod late_packets;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod metastability;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod network_policy;
#[cfg(test)]
mod operator_dies;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod runbook;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod verdicts;
