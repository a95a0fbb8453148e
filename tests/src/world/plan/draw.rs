//! Drawing a plan from a seed.

use super::{ACTIVE_MS, SELLING, Sale, Scanning, Step, What};
use crate::simulator::wechat::{Behaviour, Endpoint, Fault};
use crate::world::chance::Chance;
use crate::world::disk::DiskFault;
use crate::world::engine::{Condition, Cut};
use crate::world::network::Weather;
use crate::world::template::{GROUPS, SERVERS};
use crate::world::wallet::WalletWeather;

mod failover;
mod parts;
mod second;

pub(super) struct Draw {
    pub chance: Chance,
    pub steps: Vec<Step>,
    pub tills: usize,
    pub moves: bool,
    pub view: bool,
    pub two_wallets: bool,
    pub late: bool,
}

impl Draw {
    pub fn new(mut chance: Chance) -> Self {
        let tills = if chance.once_in(850) { SELLING - 1 } else { SELLING };
        Self { tills, chance, steps: Vec::new(), moves: false, view: false, two_wallets: false, late: false }
    }

    fn at(&mut self, at_ms: u64, what: What) {
        self.steps.push(Step { at_ms, what });
    }

    fn moment(&mut self) -> u64 {
        self.chance.between(1_000, ACTIVE_MS)
    }

    fn till(&mut self) -> usize {
        usize::try_from(self.chance.below(self.tills as u64)).unwrap_or(0)
    }

    fn server(&mut self) -> usize {
        usize::try_from(self.chance.below(SERVERS as u64)).unwrap_or(0)
    }

    fn group(&mut self) -> usize {
        usize::try_from(self.chance.below(u64::from(GROUPS))).unwrap_or(0)
    }

    fn while_ms(&mut self) -> u64 {
        if self.chance.once_in(500) {
            self.chance.between(500, 6_000)
        } else {
            self.chance.between(5_000, 22_000)
        }
    }

    pub fn people(&mut self) {
        for _ in 0..self.chance.between(2, 6) {
            let (at, till) = (self.chance.between(2_000, ACTIVE_MS * 2 / 3), self.till());
            let sale = self.sale();
            self.at(at, What::Sell(till, sale));
        }
        for _ in 0..self.chance.below(3) {
            let at = self.chance.between(ACTIVE_MS / 4, ACTIVE_MS);
            let (nth, percent) = (self.chance.below(8), self.chance.between(20, 130));
            let racers = self.chance.between(1, 4);
            self.at(at, What::Refund { nth, percent, racers });
            if self.chance.once_in(400) {
                let at = at + self.chance.between(100, 6_000);
                self.at(at, What::Rogue { nth: self.steps.len() as u64 });
            }
        }
    }

    fn sale(&mut self) -> Sale {
        let goods = u8::try_from(self.chance.between(1, 3)).unwrap_or(1);
        let cash = self.chance.once_in(250);
        let behaviour = self.behaviour();
        let (twice, impatient) = (self.chance.once_in(300), self.chance.once_in(400));
        let second = self.chance.once_in(500);
        Sale { goods, cash, behaviour, twice, impatient, second, shown: None, part_percent: None }
    }

    fn behaviour(&mut self) -> Behaviour {
        let after_ms = self.chance.between(500, 50_000);
        let ms = self.chance.between(1_000, 40_000);
        let some = [
            Behaviour::PasswordThenPays { after_ms },
            Behaviour::PasswordThenPays { after_ms: after_ms / 8 },
            Behaviour::PasswordThenCancels { after_ms },
            Behaviour::PasswordNever,
            Behaviour::NoFunds,
            Behaviour::Slow { ms },
            Behaviour::ArrivesLate { ms },
            Behaviour::ReplyLost,
            Behaviour::RequestLost,
            Behaviour::SystemErrorThenSuccess { after_ms: ms / 4 },
            Behaviour::SuccessAfterLastQuery,
            Behaviour::ReverseReplyLost,
            Behaviour::BadSignature,
            Behaviour::WrongAmount,
            Behaviour::OtherNumber,
            Behaviour::Garbage,
            Behaviour::ServerError,
        ];
        if self.chance.once_in(550) {
            return Behaviour::Pays;
        }
        self.chance.pick(&some).copied().unwrap_or_default()
    }

    /// Troubles that belong together, and the people who run into them; some runs have none.
    pub fn theme(&mut self) {
        let (till, at) = (self.till(), self.chance.between(1_000, 10_000));
        let all = ACTIVE_MS - at;
        match self.chance.below(18) {
            0 => {
                let swapped = self.chance.between(200, 600);
                self.at(at, What::Weather(Weather { swapped, ..Weather::default() }, all));
                self.customers(till, 4);
            }
            1 => {
                self.customers(till, 4);
                let copied = self.chance.between(5_000, 18_000);
                let later = copied + self.chance.between(12_000, 26_000);
                self.at(copied, What::Copy { till });
                self.at(later, What::PutBack { till });
            }
            2 => {
                for _ in 0..6 {
                    let (at, group) = (self.moment(), self.group());
                    let for_ms = self.chance.between(3_000, 12_000);
                    self.at(at, What::Group { group, condition: Condition::Dead, for_ms });
                }
                self.customers(till, 4);
            }
            3 => {
                for group in 0..usize::from(GROUPS) {
                    let at = self.moment() / 2;
                    if self.chance.once_in(500) {
                        self.at(at, What::Group { group, condition: Condition::NoStandbys, for_ms: 15_000 });
                    } else {
                        self.at(at, What::Doubt { group, per_mille: 400, for_ms: all });
                    }
                }
                self.customers(till, 3);
            }
            4 => {
                self.customers(till, 2);
                for nth in 0..3 {
                    let at = self.chance.between(ACTIVE_MS / 2, ACTIVE_MS);
                    let percent = self.chance.between(40, 100);
                    self.at(at, What::Refund { nth, percent, racers: 4 });
                }
            }
            5 | 9 | 10 => {
                // Bad, or as good as silent.
                let silent = self.chance.once_in(500);
                let (lost, unheard) =
                    if silent { (500, 980) } else { (self.chance.below(400), self.chance.below(700)) };
                let weather = WalletWeather { lost, unheard, ..WalletWeather::default() };
                self.at(at, What::WalletWeather { wallet: 0, weather, for_ms: all });
                self.customers(till, 3);
            }
            6 => {
                let at = self.chance.between(8_000, 30_000);
                self.customers(till, 4);
                self.at(at, What::Block { till, for_ms: 25_000 });
            }
            7 => {
                self.customers(till, 3);
                for _ in 0..3 {
                    let (at, for_ms) = (self.moment(), self.chance.between(500, 8_000));
                    self.at(at, What::TillOff { till, for_ms });
                }
            }
            8 => {
                for _ in 0..4 {
                    let (at, server) = (self.moment(), self.server());
                    let for_ms = self.chance.between(500, 8_000);
                    self.at(at, What::ServerOff { server, for_ms });
                }
                self.customers(till, 3);
            }
            11 | 12 => self.moving(till),
            13 => self.looking(till),
            14 | 15 => self.isolated(till, at),
            16 => self.late_refunds(till),
            _ => {}
        }
    }

    /// A group's orders change their home while sales and refunds go on, and a server does not hear of it.
    fn moving(&mut self, till: usize) {
        self.moves = true;
        let tag = self.group();
        let groups = usize::from(GROUPS);
        let to = (tag + 1 + usize::try_from(self.chance.below(u64::from(GROUPS) - 1)).unwrap_or(0)) % groups;
        let begins = self.chance.between(12_000, 25_000);
        if self.chance.once_in(400) {
            self.at(begins - 6_000, What::Drain { tag });
        }
        let server = self.server();
        let stale = self.chance.below(3_000);
        let for_ms = self.chance.between(8_000, 40_000);
        self.at(begins - stale, What::StaleMap { server, for_ms });
        self.at(begins, What::MoveOrders { tag, to });
        if self.chance.once_in(300) {
            let at = begins + self.chance.between(100, 3_000);
            self.at(at, What::ServerOff { server: server ^ 1, for_ms: 4_000 });
        }
        if self.chance.once_in(200) {
            let at = begins + self.chance.between(8_000, 20_000);
            self.at(at, What::MoveOrders { tag, to: tag });
        }
        self.customers(till, 4);
        self.customers((till + 1) % self.tills, 3);
        for nth in 0..4 {
            let at = self.chance.between(begins, ACTIVE_MS);
            let (percent, racers) = (self.chance.between(20, 60), self.chance.between(1, 2));
            self.at(at, What::Refund { nth, percent, racers });
        }
    }

    /// People look at the lists of a view whose database is not well.
    fn looking(&mut self, till: usize) {
        self.view = true;
        self.customers(till, 3);
        for nth in 0..2 {
            let at = self.chance.between(ACTIVE_MS / 3, ACTIVE_MS);
            let percent = self.chance.between(20, 60);
            self.at(at, What::Refund { nth, percent, racers: 1 });
        }
        let at = self.moment() / 2;
        let per_mille = self.chance.between(100, 500);
        self.at(at, What::ViewDoubt { per_mille, for_ms: 25_000 });
        if self.chance.once_in(300) {
            let (at, condition) = (self.moment() / 2, self.condition());
            self.at(at, What::View { condition, for_ms: 15_000 });
        }
        if self.chance.once_in(500) {
            let (at, server) = (self.moment(), self.server());
            self.at(at, What::ServerOff { server, for_ms: 5_000 });
        }
    }

    /// One wallet or one group is as good as dead, and people go on paying through the others.
    fn isolated(&mut self, till: usize, at: u64) {
        self.two_wallets = self.chance.once_in(600);
        let all = ACTIVE_MS - at;
        if self.two_wallets {
            let weather = WalletWeather { lost: 600, slow_ms: 9_000, ..WalletWeather::default() };
            self.at(at, What::WalletWeather { wallet: 0, weather, for_ms: all });
        } else {
            let group = self.group();
            let condition = self.chance.pick(&[Condition::Frozen, Condition::Slow(3_000)]);
            let condition = condition.copied().unwrap_or(Condition::Frozen);
            self.at(at, What::Group { group, condition, for_ms: all });
        }
        for other in 0..self.tills {
            for second in [true, false] {
                let at = 2_000 + self.chance.below(ACTIVE_MS * 2 / 3);
                let sale = Sale { cash: false, second, behaviour: Behaviour::Pays, ..self.sale() };
                self.at(at, What::Sell((till + other) % self.tills, sale));
            }
        }
    }

    /// What was sold before the end of the day is brought back after it.
    fn late_refunds(&mut self, till: usize) {
        self.late = true;
        for nth in 0..3 {
            let sale = Sale { cash: nth == 0, behaviour: Behaviour::Pays, ..self.sale() };
            self.at(2_000 + 3_000 * nth, What::Sell((till + usize::from(nth == 1)) % self.tills, sale));
            let at = self.chance.between(ACTIVE_MS / 2, ACTIVE_MS);
            self.at(at, What::Refund { nth, percent: 50, racers: 2 });
        }
    }

    /// Some runs: customers whose wallets take money after they have said that they will not.
    pub fn second_facts(&mut self) -> bool {
        let so = self.chance.once_in(60);
        for nth in 0..if so { 3 } else { 0 } {
            let after_ms = self.chance.between(500, 15_000);
            let behaviour = match nth {
                1 => Behaviour::SuccessAfterDecline { after_ms },
                _ => Behaviour::SuccessAfterReversal { after_ms },
            };
            let sale = Sale { cash: false, impatient: true, behaviour, ..self.sale() };
            let till = self.till();
            self.at(2_000 + 4_000 * nth, What::Sell(till, sale));
        }
        if so && self.chance.once_in(600) {
            for group in 0..usize::from(GROUPS) {
                self.at(1_000, What::Forget { group });
            }
        }
        so
    }

    /// Some runs: customers who scan what the till shows, soon, late, or never; and the wallet errs now and then.
    pub fn shown_codes(&mut self) -> bool {
        let so = self.chance.once_in(120);
        for nth in 0..if so { 6 } else { 0 } {
            let latest = if self.chance.once_in(400) { 60_000 } else { 8_000 };
            let after_ms = self.chance.between(200, latest);
            let shown = Scanning { after_ms: (!self.chance.once_in(150)).then_some(after_ms) };
            let after_ms = self.chance.between(500, 20_000);
            let some = [
                Behaviour::Pays,
                Behaviour::Pays,
                Behaviour::PasswordThenPays { after_ms },
                Behaviour::PasswordNever,
                Behaviour::SuccessAfterLastQuery,
            ];
            let behaviour = self.chance.pick(&some).copied().unwrap_or_default();
            let impatient = self.chance.once_in(500);
            let sale = Sale { cash: false, second: false, behaviour, impatient, ..self.sale() };
            let (at, till) = (2_000 + 6_000 * nth + self.chance.below(4_000), self.till());
            self.at(at, What::Sell(till, Sale { shown: Some(shown), ..sale }));
            if self.chance.once_in(300) {
                let endpoints = [Endpoint::Create, Endpoint::Close, Endpoint::Query];
                let endpoint = self.chance.pick(&endpoints).copied().unwrap_or(Endpoint::Close);
                let faults = [Fault::RequestLost, Fault::ReplyLost, Fault::SystemError, Fault::BadSignature];
                let fault = self.chance.pick(&faults).cloned().unwrap_or(Fault::ReplyLost);
                self.at(at, What::Wallet { wallet: 0, endpoint, fault });
            }
        }
        so
    }

    /// Some runs: one server sees a group, or the base store, that the other does not, and often the other way round.
    pub fn apart(&mut self) {
        if !self.chance.once_in(150) {
            return;
        }
        for _ in 0..self.chance.between(1, 4) {
            let (at, server, for_ms) = (self.moment(), self.server(), self.while_ms());
            let group = self.group();
            let group = (!self.chance.once_in(200)).then_some(group);
            let cut = if self.chance.once_in(600) { Cut::Silent } else { Cut::Refused };
            self.at(at, What::Apart { server, group, cut, for_ms });
            if self.chance.once_in(500) {
                let (at, group) = (at + self.chance.below(3_000), Some(self.group()));
                self.at(at, What::Apart { server: server ^ 1, group, cut, for_ms });
            }
        }
        let till = self.till();
        self.customers(till, 3);
        for nth in 0..2 {
            let (at, percent) = (self.chance.between(ACTIVE_MS / 3, ACTIVE_MS), self.chance.between(40, 100));
            // Through both servers at once.
            self.at(at, What::Refund { nth, percent, racers: 4 });
        }
    }

    /// Customers with phones come to a till, one after the other.
    fn customers(&mut self, till: usize, many: u64) {
        for nth in 0..many {
            let at = 2_000 + nth * ACTIVE_MS / (many + 1) + self.chance.below(8_000);
            let sale = Sale { cash: false, ..self.sale() };
            self.at(at, What::Sell(till, sale));
        }
    }

    /// One kind of trouble, or several that belong together.
    pub fn trouble(&mut self) {
        let (at, till, server, for_ms) = (self.moment(), self.till(), self.server(), self.while_ms());
        match self.chance.below(17) {
            0 | 1 => {
                let condition = self.condition();
                let group = self.group();
                self.at(at, What::Group { group, condition, for_ms });
            }
            2 | 3 => {
                let (group, per_mille) = (self.group(), self.chance.between(100, 600));
                self.at(at, What::Doubt { group, per_mille, for_ms });
            }
            4 => {
                let condition = self.condition();
                self.at(at, What::Base { condition, for_ms: for_ms / 2 });
            }
            5 | 6 => {
                let weather = self.weather();
                self.at(at, What::Weather(weather, for_ms));
            }
            7 => {
                let weather = self.wallet_weather();
                self.at(at, What::WalletWeather { wallet: 0, weather, for_ms });
            }
            8 => {
                self.at(at, What::Cut { till, server, for_ms });
                if self.chance.once_in(400) {
                    self.at(at, What::Cut { till, server: server ^ 1, for_ms });
                }
            }
            9 => self.at(at, What::TillOff { till, for_ms }),
            10 => {
                self.at(at, What::ServerOff { server, for_ms });
                if self.chance.once_in(200) {
                    self.at(at + for_ms / 2, What::ServerOff { server: server ^ 1, for_ms });
                }
            }
            11 => self.at(at, What::Block { till, for_ms }),
            12 | 13 => self.wallet_fault(at),
            14 => self.clock(at, till, server),
            15 => {
                let faults = [DiskFault::Full, DiskFault::FailsBefore, DiskFault::FailsAfter];
                let fault = self.chance.pick(&faults).copied().unwrap_or(DiskFault::Full);
                self.at(at, What::Disk { till, fault, for_ms });
            }
            _ => {
                let later = at + self.chance.between(5_000, 40_000);
                self.at(at, What::Copy { till });
                self.at(later, What::PutBack { till });
            }
        }
    }

    fn condition(&mut self) -> Condition {
        let slow = self.chance.between(200, 3_000);
        let some = [
            Condition::Dead,
            Condition::Frozen,
            Condition::ReadOnly,
            Condition::Full,
            Condition::NoStandbys,
            Condition::Slow(slow),
        ];
        self.chance.pick(&some).copied().unwrap_or(Condition::Dead)
    }

    fn weather(&mut self) -> Weather {
        let mut often = |most| if self.chance.once_in(500) { self.chance.below(most) } else { 0 };
        Weather {
            lost: often(400),
            unheard: often(400),
            twice: often(500),
            swapped: often(500),
            slow_ms: often(6_000),
        }
    }

    fn wallet_weather(&mut self) -> WalletWeather {
        let mut often = |most| if self.chance.once_in(500) { self.chance.below(most) } else { 0 };
        WalletWeather {
            lost: often(500),
            unheard: often(500),
            twice: often(500),
            slow_ms: often(9_000),
            cut: often(2) == 1,
        }
    }

    fn wallet_fault(&mut self, at: u64) {
        let endpoints =
            [Endpoint::Pay, Endpoint::Query, Endpoint::Reverse, Endpoint::Refund, Endpoint::RefundQuery];
        let ms = self.chance.between(500, 30_000);
        let faults = [
            Fault::RequestLost,
            Fault::ReplyLost,
            Fault::Slow { ms },
            Fault::ArrivesLate { ms },
            Fault::SystemError,
            Fault::BadSignature,
            Fault::Unsigned,
            Fault::WrongAmount,
            Fault::OtherNumber,
            Fault::Garbage,
            Fault::ServerError,
        ];
        for _ in 0..self.chance.between(1, 4) {
            let endpoint = self.chance.pick(&endpoints).copied().unwrap_or(Endpoint::Pay);
            let fault = self.chance.pick(&faults).cloned().unwrap_or(Fault::ReplyLost);
            self.at(at, What::Wallet { wallet: 0, endpoint, fault });
        }
    }

    fn clock(&mut self, at: u64, till: usize, server: usize) {
        let steps = [-86_400_000, -3_600_000, -100_000, -2_000, 2_000, 100_000, 3_600_000, 86_400_000];
        let by_ms = self.chance.pick(&steps).copied().unwrap_or(0);
        if self.chance.once_in(700) {
            self.at(at, What::TillClock { till, by_ms });
        } else {
            // A server's clock that is a day off would be another day: that is for its operators to see.
            self.at(at, What::ServerClock { server, by_ms: by_ms.clamp(-30_000, 30_000) });
        }
    }
}
