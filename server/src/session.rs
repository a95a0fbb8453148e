//! Logging in: passwords, sessions, and who is asking.

use crate::app::App;
use crate::base_store::{BaseError, LoginCheck, NewPassword, OpenSession, StaffRecord};
use crate::failure::Failure;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use evertill_shared::cashier::check_pin;
use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{ChangePassword, LogIn, Role, Session, StaffRow};
use evertill_shared::secret::SecretText;
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// The console's cookie. `__Host-`: only this very host over TLS can have set it.
pub const SESSION_COOKIE: &str = "__Host-evertill-session";
/// The shortest password that is taken, in characters.
pub const SHORTEST_PASSWORD: usize = 8;
/// The longest, in bytes: nobody shall make the server hash a book.
const LONGEST_PASSWORD: usize = 1_000;

/// Each hash takes 19 MiB and a core for a while: two at a time.
static HASHING: Semaphore = Semaphore::const_new(2);
/// Checked in place of the hash of somebody who does not exist, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let hash = Argon2::default().hash_password(b"nobody has this password");
    hash.map(|hash| hash.to_string()).unwrap_or_default()
});

fn not_allowed(message: &str) -> Failure {
    Failure::new(ErrorCode::NotAllowed, message)
}

async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let busy = || Failure::new(ErrorCode::Overloaded, "the server is busy: try again in a moment");
    let _place = HASHING.acquire().await.map_err(|_| busy())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| busy())
}

/// The argon2id hash of a new password, PHC string.
///
/// # Errors
/// `bad_request` for a password that is too short or too long.
pub async fn hash_password(password: &SecretText) -> Result<String, Failure> {
    let length = password.expose().chars().count();
    if length < SHORTEST_PASSWORD || password.expose().len() > LONGEST_PASSWORD {
        return Err(Failure::bad_request(format!(
            "the password must have at least {SHORTEST_PASSWORD} characters: choose a longer one"
        )));
    }
    hashed(password.clone()).await
}

/// The argon2id hash of a PIN for the tills, PHC string.
///
/// # Errors
/// `bad_request` for one that is no PIN or that is guessed first of all.
pub async fn hash_pin(pin: &SecretText) -> Result<String, Failure> {
    check_pin(pin.expose()).map_err(|error| Failure::bad_request(error.to_string()))?;
    hashed(pin.clone()).await
}

async fn hashed(secret: SecretText) -> Result<String, Failure> {
    let hash =
        hashing(move || Argon2::default().hash_password(secret.expose().as_bytes()).map(|h| h.to_string()));
    hash.await?.map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        Failure::new(ErrorCode::Internal, "the password could not be stored: try again; tell IT if it stays")
    })
}

async fn is_right(password: SecretText, record: Option<StaffRecord>) -> Result<Option<StaffRecord>, Failure> {
    hashing(move || {
        let hash = record.as_ref().map_or(NOBODY.as_str(), |record| record.password_hash.as_str());
        let parsed = PasswordHash::new(hash).ok()?;
        let given = password.expose().as_bytes();
        Argon2::default().verify_password(given, &parsed).ok().and(record)
    })
    .await
}

/// Whether this PIN is the one with that verifier (argon2id, PHC string).
///
/// # Errors
/// `overloaded`.
pub async fn is_pin(pin: SecretText, verifier: SecretText) -> Result<bool, Failure> {
    hashing(move || {
        let Ok(parsed) = PasswordHash::new(verifier.expose()) else { return false };
        Argon2::default().verify_password(pin.expose().as_bytes(), &parsed).is_ok()
    })
    .await
}

fn wait(until: Timestamp, now: Timestamp) -> Failure {
    let seconds = until.since(now).as_secs() + 1;
    let text = format!("too many wrong passwords: wait {seconds} seconds, then try again");
    Failure::new(ErrorCode::Overloaded, text)
}

/// Opens a session for whoever gives the right name and password.
///
/// # Errors
/// `not_allowed` if they are not right; `overloaded` after too many wrong ones, with how long to wait.
pub async fn log_in(app: &App, asked: &LogIn) -> Result<Session, Failure> {
    let wrong = || not_allowed("the name or the password is wrong");
    if asked.password.expose().len() > LONGEST_PASSWORD {
        return Err(wrong());
    }
    let login = asked.login.trim();
    let record = match app.base.login_check(login).await? {
        LoginCheck::Wait(until) => return Err(wait(until, app.clock.now())),
        LoginCheck::Try(record) => record,
    };
    // What is not somebody's name is not logged: people type their password into the wrong box.
    let known = if record.is_some() { login } else { "(nobody of that name)" };
    let Some(person) = is_right(asked.password.clone(), record).await? else {
        tracing::warn!(login = known, "a wrong name or password");
        return Err(match app.base.login_failed(login).await? {
            Some(until) => wait(until, app.clock.now()),
            None => wrong(),
        });
    };
    let (token, expires_at) = match app.base.open_session(&person).await {
        Err(BaseError::PasswordMoved) => return Err(wrong()),
        opened => opened?,
    };
    tracing::info!(login = person.row.login, "logged in");
    Ok(Session { token, name: person.row.name, role: person.row.role, expires_at })
}

/// Changes the password of whoever has this session; their other sessions end. The old one must be right: an open
/// page that was left alone is not the person. Guessing at it is counted like guessing when logging in.
///
/// # Errors
/// `not_allowed` if the old one is wrong, `overloaded` after too many wrong ones, `bad_request` for a new one that is
/// too short.
pub async fn change_password(
    app: &App,
    who: &OpenSession,
    token: &SecretText,
    asked: &ChangePassword,
) -> Result<StaffRow, Failure> {
    let wrong = || not_allowed("the old password is wrong: nothing was changed");
    let record = match app.base.login_check(&who.login).await? {
        LoginCheck::Wait(until) => return Err(wait(until, app.clock.now())),
        LoginCheck::Try(record) => record,
    };
    let right = if asked.old.expose().len() > LONGEST_PASSWORD {
        None
    } else {
        is_right(asked.old.clone(), record).await?
    };
    let Some(person) = right else {
        tracing::warn!(login = who.login, "a wrong old password");
        return Err(match app.base.login_failed(&who.login).await? {
            Some(until) => wait(until, app.clock.now()),
            None => wrong(),
        });
    };
    let new_hash = hash_password(&asked.new).await?;
    let row = app.base.change_password(NewPassword { person, new_hash, kept: token.clone() }).await?;
    tracing::info!(login = row.login, "changed the password");
    Ok(row)
}

/// The token of the request's own session.
#[derive(Clone, Debug)]
pub struct Token(pub SecretText);

impl FromRequestParts<App> for Token {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Failure> {
        token_of(parts).map(Self).ok_or_else(|| not_allowed("log in first"))
    }
}

/// Somebody who is logged in: handlers of the staff's API take it as an argument.
#[derive(Clone, Debug)]
pub struct Person(pub OpenSession);

impl Person {
    /// Refuses unless the role allows it; `what` completes "Only … may …".
    ///
    /// # Errors
    /// `not_allowed`, naming who may.
    pub fn require(&self, may: impl Fn(Role) -> bool, what: &str) -> Result<(), Failure> {
        if may(self.0.role) {
            return Ok(());
        }
        let roles = [Role::Cashier, Role::Manager, Role::It].into_iter().filter(|role| may(*role));
        let roles: Vec<&str> = roles.map(Role::as_str).collect();
        Err(not_allowed(&format!("only the role {} may {what}: ask such a person", roles.join(" or "))))
    }
}

/// The token, from `Authorization: Bearer` or from the console's cookie. A cookie counts only on requests that
/// our own pages make: browsers send it along with others' too.
fn token_of(parts: &Parts) -> Option<SecretText> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = header.and_then(|text| text.strip_prefix("Bearer ")) {
        return Some(SecretText::new(token.trim().to_owned()));
    }
    if parts.headers.get("sec-fetch-site").is_none_or(|site| site != "same-origin") {
        return None;
    }
    let lines = parts.headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == SESSION_COOKIE).then(|| SecretText::new(value.to_owned())))
}

impl FromRequestParts<App> for Person {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let log_in = || not_allowed("log in first");
        let token = token_of(parts).ok_or_else(log_in)?;
        let session = app.base.session(&token).await?;
        session.map(Self).ok_or_else(|| not_allowed("the session has ended: log in again"))
    }
}
