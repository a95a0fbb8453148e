//! Old entries go into the archive while nobody needs the till: nobody has touched it for a while, nothing is in hand, and
//! nothing is under way.

use super::{At, Controller};
use crate::journal_store::JournalError;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
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
            && self.question.is_none()
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

    /// A sale that the server has not taken in keeps itself and all after it out of the archive. The screen says how old the
    /// oldest is, and whom to call; why the server refuses it stands in the log.
    fn say_what_holds(&mut self, said_before: Timestamp) {
        let Some(journal) = &self.journal else { return };
        match journal.queue() {
            Ok(queue) => {
                let oldest = queue.iter().filter_map(|sale| journal.sale(sale.sequence).ok().flatten());
                if let Some(held) = oldest.map(|sale| sale.record).find(|sale| sale.sale.at < said_before) {
                    tracing::error!(
                        entry = held.sequence,
                        "a cash sale that the server has not taken in for long keeps all entries after it out of the archive: call IT"
                    );
                }
            }
            Err(error) => self.journal_failed(error),
        }
    }
}
