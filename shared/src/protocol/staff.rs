//! Staff, their roles, and what IT and managers ask of the server. These requests are not signed by a till:
//! they carry a session, opened with a name and a password over TLS.

use crate::business_day::BusinessDay;
use crate::clock::Timestamp;
use crate::id::TerminalId;
use crate::money::Amount;
use crate::order::line::ProductId;
use crate::order_number::OrderNumber;
use crate::protocol::pictures::Picture;
use crate::protocol::store::StoreInfo;
use crate::refund::Refund;
use crate::secret::SecretText;
use crate::signing::VerifyingKey;
use crate::terminal_state::TerminalState;
use serde::{Deserialize, Serialize};

/// Paths of the staff API. A session travels as `Authorization: Bearer …` or as the console's cookie.
pub mod path {
    /// `POST` [`super::LogIn`] → [`super::Session`].
    pub const SESSIONS: &str = "/staff/v1/sessions";
    /// `GET` the staff, `POST` [`super::NewStaff`].
    pub const STAFF: &str = "/staff/v1/staff";
    /// `POST` [`super::NewEnrolmentCode`] → [`super::EnrolmentCode`].
    pub const ENROLMENT_CODES: &str = "/staff/v1/enrolment-codes";
    /// `GET` → `Vec<`[`super::TerminalRow`]`>`.
    pub const TERMINALS: &str = "/staff/v1/terminals";
    /// `POST` [`super::TerminalChange`].
    pub const TERMINAL: &str = "/staff/v1/terminals/{terminal}";
    /// `POST` [`super::AskRefund`] → [`crate::refund::Refund`].
    pub const REFUNDS: &str = "/staff/v1/orders/{number}/refunds";
    /// `POST` [`super::AcceptOrder`] → [`super::AcceptedOrder`].
    pub const ACCEPT_ORDER: &str = "/staff/v1/orders/{number}/accept";
    /// `POST` [`super::PersonLeft`] → [`super::StaffRow`].
    pub const STAFF_LEFT: &str = "/staff/v1/staff/left";
    /// `POST` [`super::SetPin`] → [`super::StaffRow`].
    pub const STAFF_PIN: &str = "/staff/v1/staff/pin";
    /// `POST` [`super::SetCard`] → [`super::CardSet`].
    pub const STAFF_CARD: &str = "/staff/v1/staff/card";
    /// `POST` [`super::ChangePassword`] → [`super::StaffRow`]: one's own.
    pub const PASSWORD: &str = "/staff/v1/password";
    /// `PUT` `Vec<`[`crate::protocol::catalogue::Product`]`>`: replaces the catalogue.
    pub const CATALOGUE: &str = "/staff/v1/catalogue";
    /// `PUT` [`super::SetPicture`] → [`crate::protocol::pictures::Pictures`].
    pub const PICTURES: &str = "/staff/v1/pictures";
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sells.
    Cashier,
    /// Sells, refunds, closes the day.
    Manager,
    /// Enrols, activates, blocks and retires terminals, looks after the staff.
    It,
}

impl Role {
    /// The word in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
            Self::It => "it",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Cashier, Self::Manager, Self::It].into_iter().find(|role| role.as_str() == word)
    }

    /// May ask for refunds.
    #[must_use]
    pub fn may_refund(self) -> bool {
        self == Self::Manager
    }

    /// May accept into the books what a blocked till handed in.
    #[must_use]
    pub fn may_accept(self) -> bool {
        self == Self::Manager
    }

    /// May change the catalogue.
    #[must_use]
    pub fn may_edit_catalogue(self) -> bool {
        matches!(self, Self::Manager | Self::It)
    }

    /// May enrol, activate, block, unblock and retire terminals, add staff, and say who left.
    #[must_use]
    pub fn may_administer(self) -> bool {
        self == Self::It
    }
}

/// The file from which a store's first server starts: the store and its first people. Passwords are argon2id
/// hashes in PHC form, never plain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// The store.
    pub store: StoreInfo,
    /// Its first staff: a manager and someone of IT at least.
    pub staff: Vec<BootstrapStaff>,
}

/// One of the first staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootstrapStaff {
    /// The name to log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// argon2id, PHC string.
    pub password_hash: String,
}

/// Gives goods a picture, or takes theirs away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPicture {
    /// The goods' id.
    pub product: ProductId,
    /// The picture; nothing to take it away.
    pub picture: Option<Picture>,
}

/// Opens a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogIn {
    /// The name to log in with.
    pub login: String,
    /// The password.
    pub password: SecretText,
}

/// An open session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// To be sent with each request.
    pub token: SecretText,
    /// Who it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Adds a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewStaff {
    /// The name to log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The first password, at least 8 characters.
    pub password: SecretText,
}

/// A person, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRow {
    /// The name to log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they left: from then on they cannot log in. The name stays theirs, for the audit trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// They have a PIN and may log in at tills.
    #[serde(default)]
    pub has_pin: bool,
    /// They have a card and may log in at tills with it.
    #[serde(default)]
    pub has_card: bool,
}

/// Somebody left: they cannot log in any more, and their sessions end. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLeft {
    /// The name that they logged in with.
    pub login: String,
    /// Why.
    pub reason: String,
}

/// Gives a person a PIN for the tills, or takes it away. Tills learn of it within seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetPin {
    /// The name that they log in with.
    pub login: String,
    /// 4 to 8 digits (see [`crate::cashier::check_pin`]); nothing takes the PIN away.
    pub pin: Option<SecretText>,
}

/// Makes a new card for a person, or takes theirs away. The one that they had counts no more from then on. Tills learn of it
/// within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetCard {
    /// The name that they log in with.
    pub login: String,
    /// Take the card away; otherwise a new one is made.
    #[serde(default)]
    pub remove: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSet {
    /// Whose card.
    pub person: StaffRow,
    /// The new card's code, to be printed: this once, since nobody keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecretText>,
}

/// Changes the password of whoever asks. Their other sessions end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The password until now.
    pub old: SecretText,
    /// The new one, at least 8 characters.
    pub new: SecretText,
}

/// Asks for a one-time code that lets one till register.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewEnrolmentCode {
    /// What the till will be called, for example `Till 1, front`.
    pub name: String,
}

/// The code: shown once, good for 15 minutes and five tries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrolmentCode {
    /// To be typed at the till.
    pub code: SecretText,
    /// Which terminal it makes.
    pub terminal: TerminalId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A terminal, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalRow {
    /// Which.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// Where it stands; `None` while its enrolment code has not been used.
    pub state: Option<TerminalState>,
    /// The code that the till shows, to find it by.
    pub registration_code: Option<String>,
    /// Its key.
    pub public_key: Option<VerifyingKey>,
    /// The key's fingerprint, as the till shows it.
    pub fingerprint: Option<String>,
    /// When it last asked for anything.
    pub last_seen: Option<Timestamp>,
    /// The last journal entry that the server has.
    pub journal_sequence: u64,
}

/// Changes a terminal's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum TerminalChange {
    /// After comparing the fingerprint on the till's screen, which must be given here.
    Activate {
        /// The fingerprint that the person read from the till.
        fingerprint: String,
    },
    /// Stolen, or suspected.
    Block {
        /// Why.
        reason: String,
    },
    /// Found again.
    Unblock {
        /// Why.
        reason: String,
    },
    /// Out of use for good. What it has not handed in by then is not taken any more.
    Retire {
        /// Why.
        reason: String,
    },
}

/// Asks for a refund of an order of today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRefund {
    /// Made by whoever asks, so that pressing twice asks once. 8 to 40 letters, digits or `-`.
    pub request: String,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: String,
}

/// Accepts an order that a blocked till handed in: from then on it counts as a sale. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptOrder {
    /// Why it is believed.
    pub reason: String,
}

/// An order that was accepted out of quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedOrder {
    /// Its number.
    pub number: OrderNumber,
    /// How much.
    pub total: Amount,
    /// On which day it counts.
    pub business_day: BusinessDay,
    /// Which till sold.
    pub terminal: TerminalId,
    /// Where that till stands now.
    pub terminal_state: Option<TerminalState>,
    /// Who accepted it: the name that others see.
    pub accepted_by: String,
    /// Why, in that person's words.
    pub reason: String,
    /// When, by the server's clock.
    pub accepted_at: Timestamp,
}

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    /// Its number.
    pub number: OrderNumber,
    /// Which till sold.
    pub terminal: TerminalId,
    /// On which day.
    pub business_day: BusinessDay,
    /// How much.
    pub total: Amount,
    /// Its refunds.
    pub refunds: Vec<Refund>,
}
