//! Commands, run as a user runs them.

use std::{path::Path, process::Stdio};

use tokio::{io::AsyncWriteExt, process::Command};

/// Runs `kubectl` and gives what it printed; fails if it fails.
pub async fn kubectl(arguments: &[&str]) -> String {
    kubectl_with_input(arguments, "").await
}

/// The same, with something on its standard input.
pub async fn kubectl_with_input(arguments: &[&str], input: &str) -> String {
    run("kubectl", arguments, input).await.unwrap_or_else(|said| panic!("kubectl {}: {said}", arguments.join(" ")))
}

/// Runs `kubectl` and gives what it printed, or what it complained about.
pub async fn try_kubectl(arguments: &[&str]) -> Result<String, String> {
    run("kubectl", arguments, "").await
}

/// Runs a shell script and gives what it printed; fails if any of its commands fails.
pub async fn run_script(script: &str) -> String {
    run("bash", &["-euo", "pipefail", "-c", script], "").await.unwrap_or_else(|said| panic!("{script}\n{said}"))
}

/// Runs a program and gives what it printed, or what it complained about.
pub async fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    run_in(Path::new("."), program, arguments, input).await
}

/// The same, in a folder.
pub async fn run_in(folder: &Path, program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {program}: {e}"));
    // One that ends without reading has nothing to say about its input.
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.ok();
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }
}
