//! A person with the runbook: runs blocks as Runme does, each by a bash of its own with `-e` and `pipefail` in the repository's
//! root, in the environment that the ones before it have left.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use super::{document::Block, output};
use crate::harness::{Lab, kubectl, run_in};

/// Files of its own, among them a kubeconfig whose namespace is the lab's.
pub struct Session {
    folder: PathBuf,
}

/// Around each block: what was exported before, and what is exported after.
const FRAME: &str =
    "set -e -o pipefail; source \"$1/environment\"; source \"$1/block\"; export -p > \"$1/environment\"";

impl Session {
    /// In the namespace of a lab, with a `helm`.
    pub async fn new(lab: &Lab) -> Self {
        let session = Self { folder: std::env::temp_dir().join(format!("retrylab-runbook-{}", lab.namespace)) };
        fs::create_dir_all(session.folder.join("bin")).unwrap();
        let config = session.folder.join("kubeconfig");
        fs::write(&config, kubectl(&["config", "view", "--raw", "--flatten"]).await).unwrap();
        let config = config.to_str().unwrap();
        kubectl(&["--kubeconfig", config, "config", "set-context", "--current", "--namespace", &lab.namespace]).await;
        let tools = std::env::var("RETRYLAB_TOOLS").expect("RETRYLAB_TOOLS must have helm");
        let environment =
            format!("export KUBECONFIG='{config}' PATH='{}/bin:{tools}':$PATH\n", session.folder.display());
        fs::write(session.folder.join("environment"), environment).unwrap();
        session
    }

    /// Puts a program before all others of its name.
    pub fn put_program(&self, name: &str, script: &str) {
        let program = self.folder.join("bin").join(name);
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a block and holds its output against what the runbook shows.
    pub async fn run(&self, block: &Block) {
        let begun = Instant::now();
        fs::write(self.folder.join("block"), &block.script).unwrap();
        let arguments = ["-c", FRAME, "bash", self.folder.to_str().unwrap()];
        let printed =
            run_in(&root(), "bash", &arguments, "").await.unwrap_or_else(|said| panic!("{}: {said}", block.name));
        println!("{} took {:.1} s:\n{printed}", block.name, begun.elapsed().as_secs_f64());
        output::check(&block.output, &printed).unwrap_or_else(|told| panic!("{}:\n{told}", block.name));
    }
}

/// Blocking, since it also happens while a test panics: then the port-forwards are still there.
impl Drop for Session {
    fn drop(&mut self) {
        let end = "source \"$1/environment\"; kill $CLIENT_FORWARD $BACKEND_FORWARD";
        Command::new("bash").args(["-c", end, "bash"]).arg(&self.folder).stderr(Stdio::null()).status().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The repository's.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
