//! From what rests in the base store to a channel: the settings are the same that the settings file has, with names of
//! secrets where that has paths.

use crate::channel::adapter::{AccountSettings, Opened, Secrets};
use crate::channel::files::Files;
use crate::channel::registered;
use evertill_shared::clock::Clock;
use evertill_shared::wallet::Wallet;
use std::path::PathBuf;
use std::sync::Arc;

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(pub String);

/// An account's settings as they rest in the base store.
///
/// # Errors
/// In words: what is wrong with them.
pub fn read(wallet: Wallet, text: &str) -> Result<Box<dyn AccountSettings>, String> {
    registered::of(wallet).read(text)
}

/// The secrets without which an account cannot be opened.
#[must_use]
pub fn needs(settings: &dyn AccountSettings) -> Vec<SecretName> {
    settings.paths().into_iter().map(|path| SecretName(path.display().to_string())).collect()
}

/// The way to the wallet, and a question that tells whether all fits together.
///
/// # Errors
/// In words: an address or a secret is wrong.
pub(super) fn open(
    settings: &dyn AccountSettings,
    secrets: Secrets,
    clock: &Arc<dyn Clock>,
) -> Result<Opened, String> {
    settings.check().map_err(|problem| problem.to_string())?;
    let held = secrets.into_iter().map(|(name, plain)| (PathBuf::from(name), plain)).collect();
    settings.open(&Files::Held(held), clock)
}
