//! What every handler has at hand.

use crate::accounts::Accounts;
use crate::base_store::BaseStore;
use crate::door::Door;
use crate::merchant_view::MerchantView;
use crate::order_centre::OrderCentre;
use crate::order_group::GroupSet;
use evertill_shared::clock::Clock;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::TerminalState;
use std::ops::Deref;
use std::sync::Arc;

/// The server's parts. Cheap to clone, as each layer in front of a handler does; keeps nothing of its own that another
/// server would miss.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Stores, terminals, staff, catalogue, sessions: small and read often.
    pub base: BaseStore,
    /// The accounts at the wallets, and who of them is asked.
    pub accounts: Accounts,
    /// The order groups and the jump.
    pub groups: GroupSet,
    /// Copies of all orders, for lists and totals; nothing that decides about money.
    pub view: MerchantView,
    /// Owns every payment and refund that is not settled.
    pub centre: OrderCentre,
    /// What stands in front of the handlers: this server's key, requests seen a moment ago, counts.
    pub door: Arc<Door>,
}

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The till that signed the request, as the signature check found it. Handlers take it as an argument.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Which till.
    pub terminal: TerminalId,
    /// Under which of its keys.
    pub epoch: KeyEpoch,
    /// That key: entries inside the request must be signed by it too.
    pub key: VerifyingKey,
    /// Where the till stands now. Handlers that move money ask `require_money()`.
    pub state: TerminalState,
    /// The request's own id, in front of it the till's: unique within the transaction that handles it, so that
    /// a replay has no effect.
    pub request_id: String,
}
