//! What tills, servers and the IT tool say to each other: JSON over TLS 1.3, every request and response
//! signed (see [`crate::signing`]). One file per conversation. Paths are in [`path`].

pub mod catalogue;
pub mod countersign;
pub mod enrol;
pub mod error;
pub mod groups;
#[cfg(test)]
mod newer;
pub mod orders;
pub mod pictures;
pub mod receipts;
pub mod refunds;
pub mod staff;
pub mod store;
pub mod terminal;
pub mod till_staff;

/// The paths of the till's API; `{…}` is filled in by the caller.
pub mod path {
    /// Register a till. Signed by the key that is being registered.
    pub const ENROL: &str = "/v1/enrol";
    /// The till's own state, the server's time, the journal head that the server knows.
    pub const TERMINAL: &str = "/v1/terminal";
    /// Goods, prices, taxes.
    pub const CATALOGUE: &str = "/v1/catalogue";
    /// Who may log in at the till.
    pub const TILL_STAFF: &str = "/v1/staff";
    /// How the shop wants its receipts to look: `GET` → [`super::receipts::ShopTemplate`].
    pub const RECEIPT_TEMPLATE: &str = "/v1/receipt-template";
    /// Which goods have pictures: `GET` → [`super::pictures::Pictures`].
    pub const PICTURES: &str = "/v1/pictures";
    /// One of them, by its name: `GET` → [`super::pictures::Picture`].
    pub const PICTURE: &str = "/v1/pictures/{name}";
    /// Create a draft of an order: the only request that jumps.
    pub const DRAFTS: &str = "/v1/drafts";
    /// An order: `GET`.
    pub const ORDER: &str = "/v1/orders/{number}";
    /// Choose the number for the sale; with cash, also complete it.
    pub const ADOPT: &str = "/v1/orders/{number}/adopt";
    /// Charge a payment code.
    pub const PAYMENTS: &str = "/v1/orders/{number}/payments";
    /// Ask for a code to show.
    pub const SHOWN: &str = "/v1/orders/{number}/shown";
    /// Where a wallet tells that something was paid. Unsigned by us: the wallet's own signature counts.
    pub const NOTIFICATIONS: &str = "/v1/notifications/{wallet}";
    /// One attempt: `GET`.
    pub const PAYMENT: &str = "/v1/orders/{number}/payments/{attempt}";
    /// Take an attempt back instead of waiting on.
    pub const TAKE_BACK: &str = "/v1/orders/{number}/payments/{attempt}/take-back";
    /// Refunds that wait for this till: `GET`.
    pub const REFUNDS: &str = "/v1/refunds";
    /// Carry a refund out (`POST`), or see where it stands (`GET`).
    pub const REFUND: &str = "/v1/orders/{number}/refunds/{refund}";
    /// Ask for a refund of an order of this till, approved there by PIN: `POST`
    /// [`super::refunds::AskRefundAtTill`] → [`super::refunds::RefundAnswer`].
    pub const ASK_REFUND: &str = "/v1/orders/{number}/refunds";
    /// Hand in journal entries, in order.
    pub const JOURNAL: &str = "/v1/journal";
    /// Ask for the server's word on a business day that is over: `POST` [`super::countersign::Countersign`] →
    /// [`super::countersign::Countersigned`].
    pub const COUNTERSIGN: &str = "/v1/journal/countersigned";
    /// Is the process up? Unsigned.
    pub const HEALTH_LIVE: &str = "/health/live";
    /// Can it take orders? Unsigned.
    pub const HEALTH_READY: &str = "/health/ready";
}

/// Header names beyond those of RFC 9421 and RFC 9530 (`signature-input`, `signature`, `content-digest`).
pub mod header {
    /// A fresh id per request, covered by the signature: a replay is known by it.
    pub const REQUEST_ID: &str = "evertill-request-id";
}

/// How old or how far ahead a request's signature may be, in seconds.
pub const SIGNATURE_WINDOW_S: u64 = 120;

/// The largest request body that a server reads, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// The largest catalogue that a server reads, in bytes.
pub const MAX_CATALOGUE_BYTES: usize = 64 << 20;
