//! The language of Evertill, and nothing else: money, order numbers, the life cycles of orders, payments and
//! refunds as pure state machines, the journal's chain, message signatures, and the wire types.
//!
//! Nothing here opens a file or a socket, reads a clock (but for [`clock::SystemClock`], the only one there
//! is) or draws a random number: time and randomness are parameters. That is what lets the same rules run in
//! the till, in the server and in a simulated world.

pub mod business_day;
pub mod cashier;
pub mod clock;
pub mod emvco;
pub mod id;
pub mod journal;
pub mod ledger;
pub mod money;
pub mod order;
pub mod order_number;
pub mod paper;
pub mod payment;
pub mod protocol;
pub mod random;
pub mod receipt;
pub mod reconciliation;
pub mod refund;
pub mod rights;
pub mod routing;
pub mod secret;
pub mod shift;
pub mod signing;
pub mod staff_card;
pub mod terminal_state;
pub mod wallet;
