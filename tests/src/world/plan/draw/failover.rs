//! Groups that fail over, and power that is cut.

use super::Draw;
use crate::world::plan::{ACTIVE_MS, What};

impl Draw {
    /// Some runs: primaries die, and a standby takes over; often one server goes on to speak to the old one for a while.
    pub fn failover(&mut self) {
        if !self.chance.once_in(120) {
            return;
        }
        for _ in 0..self.chance.between(2, 4) {
            let (at, group, server) = (self.chance.between(5_000, ACTIVE_MS), self.group(), self.server());
            let takes_ms = self.chance.between(300, 6_000);
            let for_ms = takes_ms + self.chance.between(1_000, 12_000);
            let still_reached_by = self.chance.once_in(600).then_some(server);
            self.in_doubt_before(at, group);
            self.at(at, What::Failover { group, still_reached_by, takes_ms, for_ms });
        }
        self.people_for_trouble();
    }

    /// Some runs: power is cut.
    pub fn power_cuts(&mut self) {
        if !self.chance.once_in(80) {
            return;
        }
        for _ in 0..self.chance.between(1, 3) {
            let (at, for_ms) = (self.chance.between(5_000, ACTIVE_MS), self.chance.between(500, 8_000));
            let group = self.group();
            self.in_doubt_before(at, group);
            self.at(at, What::PowerCut { for_ms });
        }
        self.people_for_trouble();
    }

    /// What is on its way to the disk or to the standbys at that moment: it may have come there, or not.
    fn in_doubt_before(&mut self, at: u64, group: usize) {
        self.at(at - 2_500, What::Doubt { group, per_mille: 400, for_ms: 2_500 });
    }

    fn people_for_trouble(&mut self) {
        for till in 0..self.tills {
            self.customers(till, 3);
        }
        for nth in 0..3 {
            let (at, percent) = (self.chance.between(ACTIVE_MS / 3, ACTIVE_MS), self.chance.between(20, 100));
            self.at(at, What::Refund { nth: 2 * nth, percent, racers: 2 });
        }
    }
}
