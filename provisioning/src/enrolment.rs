//! The till's side of coming into use: it registers its own key with a one-time code, shows a code and a
//! fingerprint, and waits until someone has compared the fingerprint and activated it.

use crate::client::{ClientConfig, ClientError, StoreClient};
use crate::keystore::DeviceKey;
use evertill_shared::clock::Clock;
use evertill_shared::protocol::enrol::{ENROL_KEY_ID, Enrol, Enrolled, terminal_key_id};
use evertill_shared::protocol::path;
use evertill_shared::protocol::terminal::TerminalStatus;
use evertill_shared::secret::SecretText;
use evertill_shared::terminal_state::TerminalState;
use std::sync::Arc;
use std::time::Duration;

/// Registers the key. May be repeated with the same code and key: the answer is the same.
///
/// # Errors
/// [`ClientError`]; [`evertill_shared::protocol::error::ErrorCode::EnrolmentRefused`] for a code that is wrong,
/// used up or too old.
pub async fn enrol(
    config: ClientConfig,
    code: &SecretText,
    key: &DeviceKey,
    clock: Arc<dyn Clock>,
) -> Result<Enrolled, ClientError> {
    let store = config.trust.store;
    let client = StoreClient::new(config, signing_key(key, ENROL_KEY_ID.to_owned())?, clock)?;
    let body = Enrol { code: tidy(code), public_key: key.public() };
    let enrolled: Enrolled = client.post(path::ENROL, &body).await?;
    if enrolled.store.id != store {
        return Err(ClientError::BadAnswer(format!("it is store {}, not {store}", enrolled.store.id)));
    }
    Ok(enrolled)
}

/// The client of a till that has registered.
///
/// # Errors
/// [`ClientError::Misconfigured`].
pub fn client_of(
    config: ClientConfig,
    enrolled: &Enrolled,
    key: &DeviceKey,
    clock: Arc<dyn Clock>,
) -> Result<StoreClient, ClientError> {
    let key_id = terminal_key_id(enrolled.terminal, enrolled.epoch);
    StoreClient::new(config, signing_key(key, key_id)?, clock)
}

/// Asks every `every` until the terminal is no longer pending, and returns its status then: active, or whatever
/// IT decided. What each question brought is shown to `seen`; lost connections do not end the waiting.
///
/// # Errors
/// Only what waiting cannot mend: the server refuses the till, or a setting is wrong.
pub async fn wait_until_decided(
    client: &StoreClient,
    every: Duration,
    mut seen: impl FnMut(Result<&TerminalStatus, &ClientError>),
) -> Result<TerminalStatus, ClientError> {
    loop {
        let asked: Result<TerminalStatus, ClientError> = client.get(path::TERMINAL, "").await;
        seen(asked.as_ref());
        match asked {
            Ok(status) if status.state != TerminalState::Pending => return Ok(status),
            Err(error) if is_final(&error) => return Err(error),
            Ok(_) | Err(_) => tokio::time::sleep(every).await,
        }
    }
}

fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::Misconfigured(_) => true,
        ClientError::Api(error) => !error.code.is_later(),
        _ => false,
    }
}

fn signing_key(key: &DeviceKey, key_id: String) -> Result<evertill_shared::signing::SigningKey, ClientError> {
    key.signing_key(key_id).map_err(|e| ClientError::Misconfigured(e.to_string()))
}

/// The code as the server made it, however it was typed: no spaces around it.
fn tidy(code: &SecretText) -> SecretText {
    SecretText::new(code.expose().trim().to_owned())
}
