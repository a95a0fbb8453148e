//! Choosing among accounts by how they answered of late.

use crate::id::AccountId;
use std::collections::VecDeque;
use std::time::Duration;

/// So many of the latest charges count.
const LENGTH: usize = 40;
/// Older ones do not: what an account was like then says nothing any more.
const SPAN: Duration = Duration::from_secs(300);
/// One choice in so many goes to any account, well or not: so that recovery is noticed.
const EXPLORE: u32 = 20;
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

/// Chooses one account: mostly any of those that answer best, now and then any at all. `draw` is a random number.
/// Nothing only if there is nothing to choose from.
#[must_use]
pub fn pick(accounts: &[(AccountId, Window)], now: Duration, draw: u32) -> Option<AccountId> {
    let nth = |from: &[AccountId], draw: u32| {
        let count = u32::try_from(from.len()).ok().filter(|count| *count > 0)?;
        from.get(usize::try_from(draw % count).ok()?).copied()
    };
    let (explores, draw) = (draw.is_multiple_of(EXPLORE), draw / EXPLORE);
    let scores: Vec<(AccountId, u32)> =
        accounts.iter().map(|(id, window)| (*id, window.silence(now))).collect();
    let best = scores.iter().map(|(_, silence)| *silence).min()?;
    let good = scores.iter().filter(|(_, silence)| explores || *silence <= best.saturating_add(ALIKE));
    nth(&good.map(|(id, _)| *id).collect::<Vec<_>>(), draw)
}
