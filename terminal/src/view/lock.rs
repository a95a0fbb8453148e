//! The locked till, and approvals: who is there, or who answers for something, and their PIN.

use super::{DonePage, PaymentPage};
use evertill_shared::rights::Right;

/// The till waits for somebody to say who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPage {
    /// Who may log in, by login.
    pub people: Vec<LockPerson>,
    /// The login of the person whose PIN is typed.
    pub chosen: Option<String>,
    /// How it stands with the PIN.
    pub state: LockState,
    /// Somebody has a card, which logs in as well.
    pub cards: bool,
    /// What goes on, or waits, meanwhile: the lock never hides what is about money.
    pub under_way: Option<UnderWay>,
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPerson {
    /// Names the person in actions.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// What they are in the store.
    pub role: StaffRole,
}

/// What somebody is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffRole {
    /// Sells.
    Cashier,
    /// Sells, refunds, closes the day.
    Manager,
    /// Looks after the tills.
    It,
}

/// How it stands with the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Somebody has to be chosen first.
    ChoosePerson,
    /// The PIN can be typed.
    EnterPin,
    /// This person has a card and no PIN.
    CardOnly,
    /// Nobody has a PIN that approves this: a manager's one-time code does, by scan.
    CodeOnly,
    /// It is being checked.
    Checking,
    /// What was typed has too few digits. It was no try.
    NotAPin,
    /// It was wrong.
    Wrong {
        /// Tries before one has to wait.
        tries_left: u32,
    },
    /// It was wrong too often: no try before the time is over.
    Wait {
        /// How long.
        seconds: u64,
    },
}

/// What goes on under the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnderWay {
    /// A sale waits, with its goods.
    Sale {
        /// Items in the sale.
        item_count: u32,
        /// Its total in minor units.
        total_minor: i64,
    },
    /// A payment, and where it stands.
    Payment(PaymentPage),
    /// A sale was paid; the change may still have to be given.
    Paid(DonePage),
}

/// Somebody who holds a right is asked to approve something, by their PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalPage {
    /// What needs approval.
    pub right: Right,
    /// The money that is at stake, in minor units, if it is about an amount.
    pub amount_minor: Option<i64>,
    /// Who may approve it, by login.
    pub people: Vec<LockPerson>,
    /// The login of the person whose PIN is typed.
    pub chosen: Option<String>,
    /// How it stands with the PIN.
    pub state: LockState,
}
