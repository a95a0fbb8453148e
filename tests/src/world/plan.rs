//! What will happen: drawn from the seed up front, a list of steps of which any may be left out.

use super::chance::Chance;
use super::disk::DiskFault;
use super::engine::Condition;
use super::network::Weather;
use super::template::{GROUPS, SERVERS};
use super::wallet::WalletWeather;
use crate::simulator::wechat::{Behaviour, Endpoint, Fault};
use std::fmt;

/// How many tills sell. The one after them is the rogue's.
pub const SELLING: usize = 3;
/// When no new step begins any more, in milliseconds.
pub const ACTIVE_MS: u64 = 80_000;
/// The millisecond at which everything is healed.
pub const HEALED_MS: u64 = 100_000;

/// A customer who comes to a till.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are called what they are")]
pub struct Sale {
    pub goods: u8,
    pub cash: bool,
    pub behaviour: Behaviour,
    pub twice: bool,
    pub impatient: bool,
}

/// What happens.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are called what they are; `for_ms` is how long it lasts")]
pub enum What {
    /// A customer comes to a till.
    Sell(usize, Sale),
    /// A manager asks for a refund of one of the orders paid so far; others ask for the same at once.
    Refund { nth: u64, percent: u64, racers: u64 },
    /// The rogue tries to carry out a refund that waits for another till.
    Rogue { nth: u64 },
    /// IT blocks a till, and lifts the block after a while.
    Block { till: usize, for_ms: u64 },
    /// The network gets bad for a while.
    Weather(Weather, u64),
    /// The way to the wallet gets bad for a while.
    WalletWeather(WalletWeather, u64),
    /// A till and a server do not reach each other for a while.
    Cut { till: usize, server: usize, for_ms: u64 },
    /// A till loses power for a while.
    TillOff { till: usize, for_ms: u64 },
    /// A server is killed, and started again after a while.
    ServerOff { server: usize, for_ms: u64 },
    /// A group fails for a while.
    Group { group: usize, condition: Condition, for_ms: u64 },
    /// Some commits of a group end without an answer for a while.
    Doubt { group: usize, per_mille: u64, for_ms: u64 },
    /// The base store fails for a while.
    Base { condition: Condition, for_ms: u64 },
    /// The next call of the wallet goes wrong.
    Wallet { endpoint: Endpoint, fault: Fault },
    /// A till's clock is set.
    TillClock { till: usize, by_ms: i64 },
    /// A server's clock is set.
    ServerClock { server: usize, by_ms: i64 },
    /// A till's disk fails for a while.
    Disk { till: usize, fault: DiskFault, for_ms: u64 },
    /// A copy of a till's disk is made.
    Copy { till: usize },
    /// A till's disk is put back to the copy.
    PutBack { till: usize },
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, in virtual milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: What,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  {:?}", self.at_ms, self.what)
    }
}

/// All of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From which all other chance is drawn.
    pub seed: u64,
    /// How many milliseconds before the end of the store's day it begins, or 0 for any other time.
    pub before_midnight_ms: u64,
    /// The steps, in order of time.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw { chance: Chance::new(seed, "plan"), steps: Vec::new() };
        draw.people();
        draw.theme();
        let kinds = draw.chance.between(0, 5);
        for _ in 0..kinds {
            draw.trouble();
        }
        let mut steps = draw.steps;
        steps.sort_by_key(|step| step.at_ms);
        let late = draw.chance.once_in(150);
        let before_midnight_ms = if late { draw.chance.between(10_000, 70_000) } else { 0 };
        Self { seed, before_midnight_ms, steps }
    }
}

struct Draw {
    chance: Chance,
    steps: Vec<Step>,
}

impl Draw {
    fn at(&mut self, at_ms: u64, what: What) {
        self.steps.push(Step { at_ms, what });
    }

    fn moment(&mut self) -> u64 {
        self.chance.between(1_000, ACTIVE_MS)
    }

    fn till(&mut self) -> usize {
        usize::try_from(self.chance.below(SELLING as u64)).unwrap_or(0)
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
            self.chance.between(5_000, 30_000)
        }
    }

    fn people(&mut self) {
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
        Sale { goods, cash, behaviour, twice: self.chance.once_in(300), impatient: self.chance.once_in(400) }
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
    fn theme(&mut self) {
        let (till, at) = (self.till(), self.chance.between(1_000, 10_000));
        let all = ACTIVE_MS - at;
        match self.chance.below(12) {
            0 => {
                let swapped = self.chance.between(200, 600);
                self.at(at, What::Weather(Weather { swapped, ..Weather::default() }, all));
                self.customers(till, 4);
            }
            1 => {
                self.customers(till, 4);
                let copied = self.chance.between(5_000, 30_000);
                let later = copied + self.chance.between(15_000, 40_000);
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
                self.at(at, What::WalletWeather(weather, all));
                self.customers(till, 3);
            }
            6 => {
                let at = self.chance.between(10_000, 40_000);
                self.customers(till, 4);
                self.at(at, What::Block { till, for_ms: 40_000 });
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
            _ => {}
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
    fn trouble(&mut self) {
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
                self.at(at, What::WalletWeather(weather, for_ms));
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
            self.at(at, What::Wallet { endpoint, fault });
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
