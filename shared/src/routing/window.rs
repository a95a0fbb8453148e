//! Choosing among accounts by how they answered of late.

use crate::id::{AccountId, ChannelNumber};
use ring::digest::{SHA256, digest};
use std::collections::VecDeque;
use std::time::Duration;

/// So many of the latest charges count.
const LENGTH: usize = 40;
/// Older ones do not: what an account was like then says nothing any more.
const SPAN: Duration = Duration::from_secs(300);
/// One choice in so many goes to any account, well or not: so that recovery is noticed.
const EXPLORE: u64 = 20;
/// Accounts whose scores differ by no more than this many thousandths are as good as each other.
const ALIKE: u32 = 150;

/// How an account answered of late. A customer who was declined was answered: only silence weighs.
#[derive(Clone, Debug, Default)]
pub struct Window(VecDeque<(Duration, bool)>);

impl Window {
    /// Another charge has ended: whether the wallet said definitely what became of it. `now` is a clock that is never
    /// set.
    pub fn record(&mut self, now: Duration, answered: bool) {
        self.0.push_back((now, answered));
        while self.0.len() > LENGTH {
            self.0.pop_front();
        }
    }

    /// How much of the latest was silence, in thousandths. Two answered charges are taken as given, so that nobody
    /// is judged by a single one; and who was not asked of late is not judged at all.
    #[must_use]
    pub fn silence(&self, now: Duration) -> u32 {
        let fresh = self.0.iter().filter(|(at, _)| now.saturating_sub(*at) <= SPAN);
        let (mut all, mut silent) = (2_u32, 0_u32);
        for (_, answered) in fresh {
            all += 1;
            silent += u32::from(!answered);
        }
        silent * 1_000 / all
    }
}

/// Chooses one account: mostly one of those that answer best, now and then any at all. Nothing only if there is nothing to
/// choose from.
///
/// Who it is follows from the number that the wallet would see, and from who stands to choose: the same attempt asked
/// for again, by another server or for another draft of the sale, goes to the same account, where its number counts once.
/// Only if that account itself has left the choice in between (disabled, unreachable, silent) another one is chosen.
#[must_use]
pub fn pick(accounts: &[(AccountId, Window)], now: Duration, number: &ChannelNumber) -> Option<AccountId> {
    let scores: Vec<(AccountId, u32)> =
        accounts.iter().map(|(id, window)| (*id, window.silence(now))).collect();
    let best = scores.iter().map(|(_, silence)| *silence).min()?;
    let explores = weight(number, None).is_multiple_of(EXPLORE);
    let good = scores.iter().filter(|(_, silence)| explores || *silence <= best.saturating_add(ALIKE));
    good.map(|(id, _)| *id).max_by_key(|id| (weight(number, Some(*id)), *id))
}

/// What a number weighs at an account: as good as drawn, and the same for everybody.
fn weight(number: &ChannelNumber, at: Option<AccountId>) -> u64 {
    let at = at.map_or_else(|| "explores".to_owned(), |id| id.to_string());
    let hash = digest(&SHA256, format!("{number} {at}").as_bytes());
    hash.as_ref().iter().take(8).fold(0, |weight, byte| (weight << 8) | u64::from(*byte))
}
