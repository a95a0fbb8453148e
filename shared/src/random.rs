//! Chance. Nothing here draws any; whoever needs it is handed a [`Random`], as it is handed a
//! [`Clock`](crate::clock::Clock): the system's, or one that a seed gives.

use ring::rand::SecureRandom;

/// There is no randomness to be had. Nothing can be made safely then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers: restart the machine and try again")]
pub struct NoRandomness;

/// Where chance comes from. Anything that a library calls a secure source is one.
pub trait Random: Send + Sync + 'static {
    /// Fills all of `bytes`.
    /// # Errors
    /// There is none: `bytes` are worth nothing then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

impl<T: SecureRandom + Send + Sync + 'static> Random for T {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        SecureRandom::fill(self, bytes).map_err(|_| NoRandomness)
    }
}

/// An array of random bytes.
/// # Errors
/// There is no randomness.
pub fn draw<const N: usize>(random: &dyn Random) -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}
