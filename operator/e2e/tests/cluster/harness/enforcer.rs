//! Whoever makes the node obey network policies: by itself, this cluster lets everything through.

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
};

/// One that enforces for as long as this lives. Afterwards the node is as before; only for tests that are alone.
pub struct Enforcer(Child);

impl Enforcer {
    /// Begins. When the first policy is in force is to be seen by what it denies.
    pub fn start() -> Self {
        let tools = env::var("RETRYLAB_TOOLS").expect("RETRYLAB_TOOLS must have the enforcer");
        let mut command = Command::new(Path::new(&tools).join("enforcer"));
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

/// Blocking, since it also happens while a test panics.
impl Drop for Enforcer {
    fn drop(&mut self) {
        let told = Command::new("kill").arg(self.0.id().to_string()).status();
        println!("the enforcer was told to end ({told:?}): {:?}", self.0.wait());
    }
}
