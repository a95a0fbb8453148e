//! The client for people: IT's tool and tests. A session instead of a signature; TLS says who the server is.

use super::endpoint::Outgoing;
use super::tls::Time;
use super::transport::Transport;
use super::{ClientConfig, ClientError, Method, decode, encode};
use evertill_shared::clock::Clock;
use evertill_shared::id::TerminalId;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::groups::{self, AddGroup, GroupChange, GroupRow};
use evertill_shared::protocol::staff::{
    AcceptOrder, AcceptedOrder, AskRefund, CardSet, ChangePassword, EnrolmentCode, LogIn, NewEnrolmentCode,
    NewStaff, PersonLeft, Session, SetCard, SetPicture, SetPin, StaffRow, TerminalChange, TerminalRow, path,
};
use evertill_shared::protocol::{MAX_BODY_BYTES, MAX_CATALOGUE_BYTES};
use evertill_shared::refund::Refund;
use evertill_shared::secret::SecretText;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::sync::Arc;
use std::time::Duration;

/// A person's open session with the store's server.
pub struct StaffClient {
    transport: Transport,
    session: Session,
}

impl StaffClient {
    /// Opens a session.
    ///
    /// # Errors
    /// [`ClientError`]; [`evertill_shared::protocol::error::ErrorCode::NotAllowed`] for a wrong password.
    pub async fn log_in(
        config: ClientConfig,
        clock: Arc<dyn Clock>,
        login: &str,
        password: &SecretText,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(config, Arc::new(Time::new(clock)))?;
        let body = LogIn { login: login.to_owned(), password: password.clone() };
        let session: Session = send(&transport, None, Method::Post, path::SESSIONS, Some(&body)).await?;
        Ok(Self { transport, session })
    }

    /// Who is logged in, and until when.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Asks anything of the staff API.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn call<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Req>,
    ) -> Result<Resp, ClientError> {
        send(&self.transport, Some(&self.session.token), method, path, body).await
    }

    /// All staff.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn staff(&self) -> Result<Vec<StaffRow>, ClientError> {
        self.call::<(), _>(Method::Get, path::STAFF, None).await
    }

    /// Adds a person.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_staff(&self, person: &NewStaff) -> Result<(), ClientError> {
        self.call::<_, IgnoredAny>(Method::Post, path::STAFF, Some(person)).await.map(drop)
    }

    /// Somebody left: they cannot log in any more, and their sessions have ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn person_left(&self, left: &PersonLeft) -> Result<StaffRow, ClientError> {
        self.call(Method::Post, path::STAFF_LEFT, Some(left)).await
    }

    /// Gives a person a PIN for the tills, or takes it away.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_pin(&self, asked: &SetPin) -> Result<StaffRow, ClientError> {
        self.call(Method::Post, path::STAFF_PIN, Some(asked)).await
    }

    /// Makes a new card for a person, or takes theirs away. Asked again, it makes another.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_card(&self, asked: &SetCard) -> Result<CardSet, ClientError> {
        self.call(Method::Post, path::STAFF_CARD, Some(asked)).await
    }

    /// Changes the password of whoever is logged in here. Their other sessions end.
    ///
    /// # Errors
    /// [`ClientError`]; [`evertill_shared::protocol::error::ErrorCode::NotAllowed`] for a wrong old password.
    pub async fn change_password(&self, change: &ChangePassword) -> Result<(), ClientError> {
        self.call::<_, IgnoredAny>(Method::Post, path::PASSWORD, Some(change)).await.map(drop)
    }

    /// A one-time code for a till that will be called `name`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn enrolment_code(&self, name: &str) -> Result<EnrolmentCode, ClientError> {
        let body = NewEnrolmentCode { name: name.to_owned() };
        self.call(Method::Post, path::ENROLMENT_CODES, Some(&body)).await
    }

    /// All terminals.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn terminals(&self) -> Result<Vec<TerminalRow>, ClientError> {
        self.call::<(), _>(Method::Get, path::TERMINALS, None).await
    }

    /// Activates, blocks, unblocks or retires a terminal.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_terminal(
        &self,
        terminal: TerminalId,
        change: &TerminalChange,
    ) -> Result<(), ClientError> {
        let path = path::TERMINAL.replace("{terminal}", &terminal.to_string());
        self.call::<_, IgnoredAny>(Method::Post, &path, Some(change)).await.map(drop)
    }

    /// All order groups.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn groups(&self) -> Result<Vec<GroupRow>, ClientError> {
        self.call::<(), _>(Method::Get, groups::path::GROUPS, None).await
    }

    /// Adds an order group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_group(&self, new: &AddGroup) -> Result<GroupRow, ClientError> {
        self.call(Method::Post, groups::path::GROUPS, Some(new)).await
    }

    /// Drains, moves, puts back or retires an order group.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn change_group(&self, tag: GroupTag, change: &GroupChange) -> Result<GroupRow, ClientError> {
        let path = groups::path::GROUP.replace("{tag}", &tag.get().to_string());
        self.call(Method::Post, &path, Some(change)).await
    }

    /// Replaces the catalogue.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_catalogue(&self, products: &[Product]) -> Result<(), ClientError> {
        self.call::<_, IgnoredAny>(Method::Put, path::CATALOGUE, Some(products)).await.map(drop)
    }

    /// Gives goods a picture, or takes theirs away.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_picture(&self, asked: &SetPicture) -> Result<(), ClientError> {
        self.call::<_, IgnoredAny>(Method::Put, path::PICTURES, Some(asked)).await.map(drop)
    }

    /// Accepts into the books an order that a blocked till handed in. Asked again, it tells who accepted it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn accept_order(
        &self,
        number: &OrderNumber,
        accept: &AcceptOrder,
    ) -> Result<AcceptedOrder, ClientError> {
        let path = path::ACCEPT_ORDER.replace("{number}", &number.to_string());
        self.call(Method::Post, &path, Some(accept)).await
    }

    /// Asks for a refund.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask_refund(&self, number: &OrderNumber, ask: &AskRefund) -> Result<Refund, ClientError> {
        let path = path::REFUNDS.replace("{number}", &number.to_string());
        self.call(Method::Post, &path, Some(ask)).await
    }
}

impl std::fmt::Debug for StaffClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StaffClient({:?})", self.session.name)
    }
}

/// How long a server may take to compare a whole catalogue with the one before and to store what differs.
const CATALOGUE_WAIT: Duration = Duration::from_secs(120);
const CATALOGUE: &str = path::CATALOGUE;

async fn send<Req: Serialize + ?Sized, Resp: DeserializeOwned>(
    transport: &Transport,
    token: Option<&SecretText>,
    method: Method,
    path: &str,
    body: Option<&Req>,
) -> Result<Resp, ClientError> {
    let (most, wait) = if (method, path) == (Method::Put, CATALOGUE) {
        (MAX_CATALOGUE_BYTES, CATALOGUE_WAIT)
    } else {
        (MAX_BODY_BYTES, transport.timeouts().answer)
    };
    let body = encode(body, most)?;
    let mut moved = false;
    loop {
        let at = transport.pick().await?;
        let mut request = Outgoing::new(transport.endpoint(at), method, path, "", body.clone())?;
        if let Some(token) = token {
            request.header("authorization", &format!("Bearer {}", token.expose()))?;
        }
        match transport.send(at, request, wait).await {
            // Surely not sent: once more, to the server that answers first now.
            Err(ClientError::Unreachable(_)) if !moved => moved = true,
            other => return decode(&other?),
        }
    }
}
