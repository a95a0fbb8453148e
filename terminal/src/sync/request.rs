//! What a till asks the server, and what came of it.

use evertill_shared::id::{Attempt, RefundId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::catalogue::{Catalogue, Place};
use evertill_shared::protocol::countersign::{Countersign, Countersigned};
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::orders::{
    AdoptOrder, CreateDraft, DraftCreated, OrderView, PaymentView, ShowCode, StartPayment, TakeBack,
};
use evertill_shared::protocol::pictures::{Picture, Pictures};
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::protocol::refunds::{AskRefundAtTill, CarryOutRefund, RefundAnswer, RefundInbox};
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::refund::Refund;
use std::time::Duration;

/// A question. Sales are named by the sequence of their entry.
#[derive(Clone, Debug)]
pub enum Request {
    /// How do I stand?
    Heartbeat,
    /// Goods newer than this version.
    Catalogue {
        /// The version that the till has.
        since: u64,
        /// Its name, or that of the version that the part belongs to; nothing for a server that names none.
        of: Option<String>,
        /// Which part of what is newer; nothing to ask for everything at once.
        at: Option<Place>,
    },
    /// Who may log in, if the list is newer than this version.
    Staff {
        /// The version that the till has.
        since: u64,
    },
    /// How the shop wants its receipts to look.
    ReceiptTemplate,
    /// Which goods have pictures.
    Pictures,
    /// One of them.
    Picture {
        /// What it is known by.
        name: String,
    },
    /// A number for a sale.
    Draft {
        /// The sale.
        sale: u64,
        /// What is sent.
        body: Box<CreateDraft>,
    },
    /// This sale has taken that number, and is paid in cash.
    Adopt {
        /// The sale.
        sale: u64,
        /// The number.
        number: OrderNumber,
        /// What is sent.
        body: Box<AdoptOrder>,
    },
    /// Charge a payment code.
    Pay {
        /// The sale.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// The order.
        number: OrderNumber,
        /// What is sent.
        body: Box<StartPayment>,
    },
    /// A code to show.
    ShowCode {
        /// The sale.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// The order.
        number: OrderNumber,
        /// What is sent.
        body: Box<ShowCode>,
    },
    /// How does this attempt stand?
    AskPayment {
        /// The sale.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// The order.
        number: OrderNumber,
    },
    /// Take this attempt back.
    TakeBack {
        /// The sale.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// The order.
        number: OrderNumber,
        /// What is sent.
        body: Box<TakeBack>,
    },
    /// The journal, as far as the server does not have it.
    HandIn {
        /// What is sent.
        body: HandIn,
    },
    /// A word on the days that are over.
    Countersign {
        /// What is sent.
        body: Box<Countersign>,
    },
    /// Which refunds wait for me?
    Refunds,
    /// May this refund be carried out? With the PIN of who approves it.
    AskRefund {
        /// Of which order.
        number: OrderNumber,
        /// The request's own id.
        request: String,
        /// What is sent.
        body: Box<AskRefundAtTill>,
    },
    /// What came of this refund, which waited for a manager in the console?
    AskWaiting {
        /// Of which order.
        number: OrderNumber,
        /// The request's own id.
        request: String,
        /// What is sent.
        body: Box<AskRefundAtTill>,
    },
    /// This refund is carried out.
    CarryOutRefund {
        /// Which.
        refund: RefundId,
        /// Of which order.
        number: OrderNumber,
        /// What is sent.
        body: Box<CarryOutRefund>,
    },
}

/// Which question about a payment was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentQuestion {
    /// The charge itself, or the request for a code to show.
    Pay,
    /// How it stands.
    Ask,
    /// Taking it back.
    TakeBack,
}

/// What came of a [`Request`].
#[expect(clippy::large_enum_variant, reason = "one at a time comes in; the large one is the most frequent")]
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Request::Heartbeat`].
    Heartbeat(Result<TerminalStatus, NetError>),
    /// To [`Request::Catalogue`].
    Catalogue(Result<Catalogue, NetError>),
    /// To [`Request::Staff`].
    Staff(Result<TillStaff, NetError>),
    /// To [`Request::ReceiptTemplate`].
    ReceiptTemplate(Result<ShopTemplate, NetError>),
    /// To [`Request::Pictures`].
    Pictures(Result<Pictures, NetError>),
    /// To [`Request::Picture`].
    Picture {
        /// What it is known by.
        name: String,
        /// What came.
        result: Result<Picture, NetError>,
    },
    /// To [`Request::Draft`].
    Draft {
        /// The sale.
        sale: u64,
        /// What came.
        result: Result<DraftCreated, NetError>,
    },
    /// To [`Request::Adopt`].
    Adopt {
        /// The sale.
        sale: u64,
        /// What came.
        result: Result<Box<OrderView>, NetError>,
    },
    /// To [`Request::Pay`], [`Request::ShowCode`], [`Request::AskPayment`] and [`Request::TakeBack`].
    Payment {
        /// The sale.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// Which question.
        question: PaymentQuestion,
        /// What came.
        result: Result<PaymentView, NetError>,
    },
    /// To [`Request::HandIn`].
    HandIn(Result<HandedIn, NetError>),
    /// To [`Request::Countersign`].
    Countersign(Result<Countersigned, NetError>),
    /// To [`Request::Refunds`].
    Refunds(Result<RefundInbox, NetError>),
    /// To [`Request::AskRefund`].
    AskRefund {
        /// Of which order.
        number: OrderNumber,
        /// The request's own id.
        request: String,
        /// What came.
        result: Result<RefundAnswer, NetError>,
    },
    /// To [`Request::AskWaiting`].
    Waiting {
        /// Of which order.
        number: OrderNumber,
        /// The request's own id.
        request: String,
        /// What came.
        result: Result<RefundAnswer, NetError>,
    },
    /// To [`Request::CarryOutRefund`].
    CarryOutRefund {
        /// Which.
        refund: RefundId,
        /// What came.
        result: Result<Refund, NetError>,
    },
}

impl Answer {
    /// What went wrong, if something did.
    #[must_use]
    pub fn error(&self) -> Option<&NetError> {
        match self {
            Self::Heartbeat(result) => result.as_ref().err(),
            Self::Catalogue(result) => result.as_ref().err(),
            Self::Staff(result) => result.as_ref().err(),
            Self::ReceiptTemplate(result) => result.as_ref().err(),
            Self::Pictures(result) => result.as_ref().err(),
            Self::Picture { result, .. } => result.as_ref().err(),
            Self::Draft { result, .. } => result.as_ref().err(),
            Self::Adopt { result, .. } => result.as_ref().err(),
            Self::Payment { result, .. } => result.as_ref().err(),
            Self::HandIn(result) => result.as_ref().err(),
            Self::Countersign(result) => result.as_ref().err(),
            Self::Refunds(result) => result.as_ref().err(),
            Self::AskRefund { result, .. } | Self::Waiting { result, .. } => result.as_ref().err(),
            Self::CarryOutRefund { result, .. } => result.as_ref().err(),
        }
    }
}

/// Why there is no answer to work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// It surely never left: nobody heard of it.
    #[error("no server could be reached: {0}")]
    NotSent(String),
    /// No answer came: it may have arrived, or not.
    #[error("no answer came: {0}")]
    NoAnswer(String),
    /// An answer came that is not the store's server's, or not to this request.
    #[error("the answer cannot be trusted: {0}")]
    Untrusted(String),
    /// The server's authentic refusal.
    #[error(transparent)]
    Refused(ApiError),
}

impl NetError {
    /// The server's code, if it was the server that refused.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }

    /// After what time the server asks to be asked again, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(error) => error.retry_after_ms.map(Duration::from_millis),
            _ => None,
        }
    }

    /// Whether no server was heard.
    #[must_use]
    pub fn is_no_answer(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}
