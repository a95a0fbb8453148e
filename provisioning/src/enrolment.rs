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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::test_server::{Reply, Request, TestServer, TestStore, plan};
    use evertill_shared::clock::SystemClock;
    use evertill_shared::protocol::error::{ApiError, ErrorCode};
    use serde_json::json;
    use std::sync::Mutex;

    fn enrolled(store: u32) -> Enrolled {
        Enrolled {
            terminal: 3.try_into().unwrap(),
            name: "Till 3".into(),
            epoch: 1,
            registration_code: "K7Q2".into(),
            state: TerminalState::Pending,
            store: plan(store).info,
        }
    }

    fn config(server: &TestServer, store: &TestStore) -> ClientConfig {
        ClientConfig::new(vec![server.url.clone()], store.trust.clone())
    }

    fn status(state: TerminalState) -> Reply {
        let body = json!({
            "terminal": 3, "name": "Till 3", "epoch": 1, "state": state, "store": plan(1).info,
            "server_time": 1, "business_day": "2026-11-20",
            "journal_head": evertill_shared::journal::Head::start(3.try_into().unwrap(), 1),
            "catalogue_version": 0, "refunds_waiting": 0, "wallets": [],
        });
        Reply::Signed(200, body.to_string())
    }

    async fn enrol_at(
        server: &TestServer,
        store: &TestStore,
        key: &DeviceKey,
    ) -> Result<Enrolled, ClientError> {
        let code = SecretText::new(" 4711-0815\n".into());
        enrol(config(server, store), &code, key, Arc::new(SystemClock)).await
    }

    #[tokio::test]
    async fn a_till_proves_that_it_holds_the_key_it_registers() {
        let store = TestStore::new();
        let answer = serde_json::to_string(&enrolled(1)).unwrap();
        let server = TestServer::start(&store, move |_| Reply::Signed(200, answer.clone())).await;
        let key = DeviceKey::generate().unwrap();
        assert_eq!(enrol_at(&server, &store, &key).await.unwrap(), enrolled(1));
        let request = &server.requests()[0];
        request.verify(&key.public(), SystemClock.now());
        assert!(request.header("signature-input").contains("keyid=\"enrol\""));
        let body: Enrol = serde_json::from_slice(&request.body).unwrap();
        assert_eq!((body.public_key, body.code.expose()), (key.public(), "4711-0815"));
    }

    #[tokio::test]
    async fn registering_with_another_store_is_refused() {
        let store = TestStore::new();
        let answer = serde_json::to_string(&enrolled(2)).unwrap();
        let server = TestServer::start(&store, move |_| Reply::Signed(200, answer.clone())).await;
        let result = enrol_at(&server, &store, &DeviceKey::generate().unwrap()).await;
        assert!(matches!(result, Err(ClientError::BadAnswer(_))), "{result:?}");
    }

    #[tokio::test]
    async fn waiting_outlasts_a_broken_line_and_ends_when_it_is_decided() {
        let store = TestStore::new();
        let script = Mutex::new(vec![TerminalState::Active, TerminalState::Pending, TerminalState::Pending]);
        let cut_first = Mutex::new(true);
        let answer = move |_: &Request| match std::mem::take(&mut *cut_first.lock().unwrap()) {
            true => Reply::Cut,
            false => status(script.lock().unwrap().pop().unwrap()),
        };
        let server = TestServer::start(&store, answer).await;
        let key = DeviceKey::generate().unwrap();
        let client = client_of(config(&server, &store), &enrolled(1), &key, Arc::new(SystemClock)).unwrap();
        assert_eq!(client.key_id(), "T0003:1");
        let mut seen = Vec::new();
        let end =
            wait_until_decided(&client, Duration::from_millis(5), |s| seen.push(s.is_ok())).await.unwrap();
        assert_eq!(end.state, TerminalState::Active);
        assert_eq!(seen, [false, true, true, true]);
    }

    #[tokio::test]
    async fn waiting_ends_when_the_server_does_not_know_the_till() {
        let store = TestStore::new();
        let server = TestServer::start(&store, |_| {
            let code = ErrorCode::TerminalUnknown;
            let error = ApiError {
                code,
                message: "who?".into(),
                server_time: SystemClock.now(),
                retry_after_ms: None,
            };
            Reply::Signed(code.http_status(), serde_json::to_string(&error).unwrap())
        })
        .await;
        let key = DeviceKey::generate().unwrap();
        let client = client_of(config(&server, &store), &enrolled(1), &key, Arc::new(SystemClock)).unwrap();
        let end = wait_until_decided(&client, Duration::from_millis(5), |_| ()).await;
        assert_eq!(end.unwrap_err().code(), Some(ErrorCode::TerminalUnknown));
    }
}
