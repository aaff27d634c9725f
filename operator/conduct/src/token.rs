//! The token that opens `/admin` of an experiment's pods.

use rand::{TryRng, rngs::SysRng};

/// A new token: 256 bits of the operating system's randomness.
///
/// # Errors
/// When the operating system gives none.
pub fn new_token() -> Result<String, rand::rngs::SysError> {
    let random = || SysRng.try_next_u64();
    Ok(format!("{:016x}{:016x}{:016x}{:016x}", random()?, random()?, random()?, random()?))
}
