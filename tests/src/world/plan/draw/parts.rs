//! Customers who pay in parts.

use super::Draw;
use crate::world::plan::{ACTIVE_MS, Sale, Scanning, What};

impl Draw {
    /// Some runs: customers who pay a part in cash and the rest with a phone, which fails as often as others' payments do;
    /// and who bring some of it back.
    pub fn in_parts(&mut self, shows: bool) -> bool {
        let so = self.chance.once_in(150);
        for nth in 0..if so { 6 } else { 0 } {
            let percent = u8::try_from(self.chance.between(5, 95)).unwrap_or(50);
            let after_ms = self.chance.between(200, 20_000);
            let shown = (shows && self.chance.once_in(400)).then_some(Scanning { after_ms: Some(after_ms) });
            let sale = Sale { cash: false, shown, part_percent: Some(percent), ..self.sale() };
            let (at, till) = (2_000 + 6_000 * nth + self.chance.below(4_000), self.till());
            self.at(at, What::Sell(till, sale));
        }
        for nth in 0..if so { 4 } else { 0 } {
            let at = self.chance.between(ACTIVE_MS / 3, ACTIVE_MS);
            let (percent, racers) = (self.chance.between(20, 130), self.chance.between(1, 3));
            self.at(at, What::Refund { nth: 2 * nth, percent, racers });
        }
        so
    }
}
