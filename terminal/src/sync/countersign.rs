//! Which entry the server is to countersign: the last one of the days that are over.

use super::Request;
use crate::journal_store::{Journal, JournalError};
use evertill_shared::business_day::moment_on;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::SignedEntry;
use evertill_shared::protocol::countersign::Countersign;
use evertill_shared::protocol::terminal::TerminalStatus;

fn at_of(entry: &SignedEntry) -> Result<Timestamp, JournalError> {
    let entry = entry.read_unverified().map_err(|error| JournalError::Unreadable(error.to_string()))?;
    Ok(entry.at)
}

/// The request for it, once the server has all entries of those days; nothing while there is no such entry, or the server
/// countersigns nothing.
///
/// Entries follow one another in time but for a clock that was set. Then it is one of the places where a day ends by that
/// clock: the server looks at the day itself, and a later word covers what this one does not.
/// # Errors
/// The journal cannot be read.
pub fn countersign_of(
    journal: &dyn Journal,
    status: &TerminalStatus,
) -> Result<Option<Request>, JournalError> {
    let store = &status.store;
    let day = moment_on(status.business_day, store.cut_off_minutes, &store.zone, store.cut_off_minutes);
    let Some(begin) = day.filter(|_| status.countersigns) else { return Ok(None) };
    let (mut before, mut since) = (journal.countersigned_to()?, journal.head().sequence + 1);
    let first = before;
    while since - before > 1 {
        let middle = before + (since - before) / 2;
        if at_of(&journal.entry(middle)?)? < begin {
            before = middle;
        } else {
            since = middle;
        }
    }
    if before == first || before > journal.handed_in()? {
        return Ok(None);
    }
    let body = Box::new(Countersign { last: journal.entry(before)? });
    Ok(Some(Request::Countersign { body }))
}
