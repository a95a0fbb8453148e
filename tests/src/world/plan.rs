//! What will happen: drawn from the seed up front, a list of steps of which any may be left out.

use super::chance::Chance;
use super::disk::DiskFault;
use super::engine::Condition;
use super::network::Weather;
use super::template::{GROUPS, SERVERS};
use super::wallet::WalletWeather;
use crate::simulator::wechat::{Behaviour, Endpoint, Fault};
use std::fmt;

/// How many tills sell at most. The one after them is the rogue's.
pub const SELLING: usize = 3;
/// When no new step begins any more, in milliseconds.
pub const ACTIVE_MS: u64 = 45_000;
/// The millisecond at which everything is healed at the latest.
pub const HEALED_MS: u64 = 60_000;

/// Of so many runs with a merchant view one is run again with a view that shows nonsense.
const BLIND_EVERY: u64 = 3;

/// A customer who comes to a till.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are called what they are")]
pub struct Sale {
    pub goods: u8,
    pub cash: bool,
    pub behaviour: Behaviour,
    pub twice: bool,
    pub impatient: bool,
    /// With the second wallet, where there is one.
    pub second: bool,
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
    /// The way to a wallet gets bad for a while.
    WalletWeather { wallet: usize, weather: WalletWeather, for_ms: u64 },
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
    /// IT drains a group: it gives out no numbers any more.
    Drain { tag: usize },
    /// IT has a group's orders moved into the database of another.
    MoveOrders { tag: usize, to: usize },
    /// A server goes by the map that it has for a while.
    StaleMap { server: usize, for_ms: u64 },
    /// The merchant view's database fails for a while.
    View { condition: Condition, for_ms: u64 },
    /// Some commits of the view's database end without an answer for a while.
    ViewDoubt { per_mille: u64, for_ms: u64 },
    /// Somebody looks at the list of sales at a server.
    Look { server: usize },
}

impl What {
    /// How long it lasts.
    fn lasts_ms(&self) -> u64 {
        match self {
            Self::Block { for_ms, .. }
            | Self::Weather(_, for_ms)
            | Self::WalletWeather { for_ms, .. }
            | Self::Cut { for_ms, .. }
            | Self::TillOff { for_ms, .. }
            | Self::ServerOff { for_ms, .. }
            | Self::Group { for_ms, .. }
            | Self::Doubt { for_ms, .. }
            | Self::Base { for_ms, .. }
            | Self::Disk { for_ms, .. }
            | Self::StaleMap { for_ms, .. }
            | Self::View { for_ms, .. }
            | Self::ViewDoubt { for_ms, .. } => *for_ms,
            _ => 0,
        }
    }
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
    /// How many tills sell.
    pub tills: usize,
    /// Whether servers follow the map of the groups and work on moves.
    pub moves: bool,
    /// Whether there is a merchant view.
    pub view: bool,
    /// Whether there is a second wallet.
    pub two_wallets: bool,
    /// The steps, in order of time.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw::new(Chance::new(seed, "plan"));
        draw.people();
        draw.theme();
        let kinds = draw.chance.between(0, 5);
        for _ in 0..kinds {
            draw.trouble();
        }
        let late = draw.late || draw.chance.once_in(100);
        let before_midnight_ms = if late { draw.chance.between(10_000, 40_000) } else { 0 };
        let Draw { mut steps, tills, moves, view, two_wallets, .. } = draw;
        steps.sort_by_key(|step| step.at_ms);
        Self { seed, before_midnight_ms, tills, moves, view, two_wallets, steps }
    }

    /// Whether it is lived through again with a merchant view that shows nonsense.
    #[must_use]
    pub fn is_run_blind(&self) -> bool {
        self.view && self.seed.is_multiple_of(BLIND_EVERY)
    }

    /// The millisecond at which everything is healed.
    #[must_use]
    pub fn healed_ms(&self) -> u64 {
        let ends = self.steps.iter().map(|step| step.at_ms + step.what.lasts_ms());
        // A cashier may wait for a number for a while: who is served late is served in bad times too.
        ends.max().unwrap_or(0).saturating_add(5_000).min(HEALED_MS)
    }
}

struct Draw {
    chance: Chance,
    steps: Vec<Step>,
    tills: usize,
    moves: bool,
    view: bool,
    two_wallets: bool,
    late: bool,
}

impl Draw {
    fn new(mut chance: Chance) -> Self {
        let tills = if chance.once_in(600) { SELLING - 1 } else { SELLING };
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
        let (twice, impatient) = (self.chance.once_in(300), self.chance.once_in(400));
        Sale { goods, cash, behaviour, twice, impatient, second: self.chance.once_in(500) }
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
        for _ in 0..self.chance.below(4) {
            let (at, server) = (self.moment(), self.server());
            self.at(at, What::Look { server });
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
