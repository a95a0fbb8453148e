//! Old entries go into the archive while nobody needs the till: nobody has touched it for a while, nothing is in hand, and
//! nothing is under way.

use super::question::Question;
use super::{At, Controller};
use crate::journal_store::JournalError;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::money::Amount;
use evertill_shared::protocol::countersign::Countersigned;
use std::time::Duration;

/// Nobody has touched the till for so long.
const QUIET: Duration = Duration::from_secs(600);
/// About so many entries at a time: whoever comes back in that moment waits for no more than these.
const AT_A_TIME: u64 = 5_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// On which day all was moved that might be.
#[derive(Debug, Default)]
pub struct Keeping {
    done_on: Option<BusinessDay>,
}

/// A sale that keeps itself and all after it out of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The server has not taken it in.
    Unsent { entry: u64 },
    /// It came to nothing, and cash of it is in the drawer.
    CashLeft { entry: u64, cash: Amount },
}

impl Controller {
    /// A server's word on a day that is over. The client has verified that it is one.
    pub(super) fn on_countersigned(&mut self, signed: &Countersigned) {
        let Some(journal) = &mut self.journal else { return };
        match journal.keep_countersigned(signed) {
            Ok(true) => {}
            Ok(false) => tracing::error!("the server countersigned another journal than this till's"),
            Err(error) => self.journal_failed(error),
        }
    }

    fn is_quiet(&self) -> bool {
        // Shops close with the last sale on the screen, or with the end of the shift.
        let at_rest = self.at_rest() || matches!(self.at, At::Done { .. });
        let nothing_in_hand = self.cart.is_empty() && self.frozen.is_none() && self.watches.is_empty();
        let since = self.now.monotonic.saturating_sub(self.duty.last_touch());
        at_rest
            && nothing_in_hand
            && self.printing.is_empty()
            && self.question.as_ref().is_none_or(Question::may_stand_for_days)
            && self.approval.is_none()
            && self.faults.is_empty()
            && since >= QUIET
    }

    /// Moves the next part, if it is time for that.
    pub(super) fn run_keeping(&mut self) {
        let days = i64::from(self.options.archive_after_days);
        let Some(status) = self.status.as_ref().filter(|_| days > 0 && self.is_quiet()) else { return };
        let (today, now) = (status.business_day, status.server_time);
        let Some(journal) = self.journal.as_mut().filter(|_| self.keeping.done_on != Some(today)) else {
            return;
        };
        let said_before = Timestamp(now.0.saturating_sub(days.saturating_mul(DAY_MS)));
        match journal.archive(said_before, AT_A_TIME) {
            Ok(moved) => {
                if moved.entries > 0 {
                    tracing::info!(moved.entries, moved.more, "entries went into the archive");
                }
                if !moved.more {
                    self.keeping.done_on = Some(today);
                    self.say_what_holds(said_before);
                }
            }
            Err(error @ (JournalError::Archive { .. } | JournalError::DiskFull)) => {
                tracing::error!(%error, "nothing goes into the archive today");
                self.keeping.done_on = Some(today);
            }
            Err(error) => self.journal_failed(error),
        }
    }

    /// Says what keeps itself and all after it out of the archive.
    fn say_what_holds(&mut self, said_before: Timestamp) {
        match self.what_holds(said_before) {
            Some(Ok(Holds::Unsent { entry })) => tracing::error!(
                entry,
                "a cash sale that the server has not taken in for long keeps all entries after it out of the archive: call IT"
            ),
            Some(Ok(Holds::CashLeft { entry, cash })) => tracing::error!(
                entry,
                %cash,
                "a sale that was not paid keeps all entries after it out of the archive, because a part of it is in the drawer \
                 in cash: the till asks about it between two sales. Give it back, or say that nobody came for it"
            ),
            Some(Err(error)) => self.journal_failed(error),
            None => {}
        }
    }

    /// The oldest sale from before that time which nobody has ended. The screen says how old the oldest unsent one is, and
    /// whom to call; why the server refuses it stands in the log.
    pub(super) fn what_holds(&self, said_before: Timestamp) -> Option<Result<Holds, JournalError>> {
        let journal = self.journal.as_ref()?;
        let (queue, open) = match (journal.queue(), journal.open_sales()) {
            (Ok(queue), Ok(open)) => (queue, open),
            (Err(error), _) | (_, Err(error)) => return Some(Err(error)),
        };
        let unsent = queue.iter().filter_map(|sale| journal.sale(sale.sequence).ok().flatten());
        let unsent = unsent.map(|sale| sale.record).find(|record| record.sale.at < said_before);
        let left = open.iter().filter(|record| record.sale.at < said_before);
        let left =
            left.filter_map(|record| Some((record.sequence, record.part?.amount))).min_by_key(|left| left.0);
        match (unsent.map(|record| record.sequence), left) {
            (Some(entry), Some((first, cash))) if first < entry => {
                Some(Ok(Holds::CashLeft { entry: first, cash }))
            }
            (Some(entry), _) => Some(Ok(Holds::Unsent { entry })),
            (None, left) => left.map(|(entry, cash)| Ok(Holds::CashLeft { entry, cash })),
        }
    }
}
