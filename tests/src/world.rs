//! The simulated world: the real decision code of tills, servers, order groups and the wallet adapter under one
//! seed. A virtual clock, a network that loses, delays, repeats and splits, servers that do not see the same databases,
//! processes that crash at any await, disks and databases that fail within what they promise, groups that fail over,
//! wallets of two kinds that answer late, and people who press twice.
//!
//! A [`Plan`] is drawn from the seed up front: who does what when, and what fails when. [`run`] lives it through and
//! holds every rule of the system against what happened; it tells the story in order. The same plan tells the same
//! story, so a failing seed replays exactly, and [`shrink`] leaves out of it whatever the failure does not need.
//!
//! What is held against each rule, when, and the planted bugs ([`Mutation`]) that prove it: each must be caught by the
//! assertion of its own rule. "At the wallet" is before a request is served there; "each step" is after every step of the
//! plan and every two seconds besides; "at rest" is when everything is healed and nothing is under way any more.
//!
//! | rule | what is asserted, and when | planted bugs |
//! |---|---|---|
//! | *one-charge* | a sale has one adopted order at most (each step); what its customer is charged, all attempts together and with what the drawer holds of it, is its total at most (after each call of the wallet); while a code that somebody has seen on a till can be paid, its sale is not paid otherwise, and with the cash that was taken before it comes to the total (every half second) | `SkipsAdoption`, `LeavesCodesOpen`, `TakesNotKnownForClosed`, `ForgetsThePart`, `ChargesTheRestInFull` |
//! | *nothing-lost* | a till that starts has all entries that were acknowledged (each start); what was paid at a till is paid in the group that speaks for its number, refunds that were promised are there, and no cash of a sale that came to nothing is left in a drawer (at rest) | `DiskLies`, `TrustsACommitCutOff`, `PromotesAStandbyThatLags`, `WritesToAnOldPrimary`, `ServersDiskLies` |
//! | *known-or-unknown* | no cashier is shown a payment that no attempt brought (each step); what tills wrote down as the end of an attempt is what the wallet has, and every attempt and refund has an end, however long a wallet was silent; what is paid has brought all of its total, in cash and by wallets (at rest) | `TrustsATimeOut`, `NeverReverses`, `StopsAsking` |
//! | *intent-first* | the group that speaks for the order holds the attempt (at the wallet) | `ForgetsTheIntent` |
//! | *only-creation-jumps* | every order stands in the group that its number names (each step) | `JumpsWithPayments` |
//! | *channel-number* | the number is made from sale and attempt, a till has written it down, and earlier attempts are over (at the wallet) | `NumberNotFromTheSale`, `TriesAgainUnderANewNumber` |
//! | *never-over* | refunds held and done are no more than was paid, in the groups (each step) and at the wallet (after each call), and those in cash no more than was taken in cash (each step) | `ReservesWithoutTheGuard`, `DecidesByAReplica`, `RefundsPartsInCash` |
//! | *same-till-same-day* | the till that sold has signed the refund (at the wallet); the day of the sale is the day of the request (each step); nothing sold before midnight is promised after it (each answer to a manager) | `RefundsFromAnyTill`, `ForgetsTheCutOff` |
//! | *signed-both-ways* | a number that a till chooses is one that a server gave for this very sale, whatever older answers are played to it (each entry of a journal) | `BelievesAnyAnswer` |
//! | *chain* | no two hashes count for one place of a journal, and a till whose disk was put back to before what the servers have stands still (at rest) | `ForgetsTheChain` |
//! | *block-means-block* | what a blocked till hands in a second after the answer to the block, six while the base store is in trouble, is given no number, no charge and no refund by any server, whoever plays it again (each answer); no such charge and no such refund reaches the wallet (at the wallet) | `OrdersDespiteABlock`, `ChargesDespiteABlock`, `RefundsDespiteABlock` |
//! | *isolation* | a server answers what concerns only a group and a wallet that are well within 400 ms of virtual time; a new order loses a second for each group that is ill (each answer) | `SharesALane` (groups), `SharesAWallet` |
//! | *fenced-homes* | no tag is served by two databases; orders that have left a database do not change there (each step); moves come to their end (at rest) | `AcceptsAStaleMap` |
//! | *copies-agree* | the merchant view shows each order as its group has it, and made anew it is the same (at rest) | `CountsACopyTwice`, `MissesNewerCopies` |
//! | *no-guess-from-copies* | with a view that shows nonsense the story is the same to the last line | `DecidesByTheView`, and `DecidesByAReplica` by *never-over* |
//! | *books-match* | what the groups book is what the wallet has; what a wallet took after its attempt had ended was found, whatever had been forgotten, and went back (at rest) | `RenumbersRefunds`, `BelievesNoSuchOrder`, `TrustsAReversalUnheard`, `NeverAsksAfterTheEnd`, `NeverScans` |

mod atlas;
mod cashier;
pub(crate) mod chance;
mod check;
mod copies;
mod desks;
mod disk;
pub(crate) mod engine;
mod forgets;
mod homes;
mod isolation;
pub(crate) mod life;
mod model;
pub(crate) mod mutation;
mod network;
mod people;
mod plan;
mod run;
mod server;
mod shrink;
pub(crate) mod story;
pub(crate) mod template;
mod till;
pub(crate) mod time;
mod wallet;

pub use model::Deeds;
pub use mutation::Mutation;
pub use plan::{Plan, Step, What};
pub use run::{Outcome, Violation, run};
pub use shrink::shrink;
pub use template::{Template, TemplateError};

#[cfg(test)]
mod tests;
