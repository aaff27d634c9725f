//! The network that a pod sees, from inside of it.

use k8s_openapi::api::core::v1::Pod;

use super::run_script;

/// Runs a command in the network of a pod, with the node's programs; gives what it printed.
pub async fn in_network_of(pod: &Pod, command: &str) -> String {
    let uid = pod.metadata.uid.as_ref().unwrap();
    // The process of a pod is found by its cgroup, which has the pod's uid in its name.
    let script = format!(
        "cgroup=$(grep -l '{uid}' /proc/[0-9]*/cgroup 2> /dev/null | head -n 1 || true)
         nsenter --net=\"${{cgroup%/cgroup}}/ns/net\" {command}"
    );
    run_script(&script).await
}
