//! What will happen: drawn from the seed up front, a list of steps of which any may be left out.

use super::chance::Chance;
use super::disk::DiskFault;
use super::engine::{Condition, Cut};
use super::network::Weather;
use super::wallet::WalletWeather;
use crate::simulator::wechat::{Behaviour, Endpoint, Fault};
use std::fmt;

mod draw;
use draw::Draw;

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
    /// Scans the code that the till shows, where tills show codes.
    pub shown: Option<Scanning>,
    /// Gives so many hundredths of the total in cash first, and pays the rest with a phone.
    pub part_percent: Option<u8>,
}

/// When a customer scans a shown code: at any time, whatever the till shows by then, or not at all.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the field is called what it is")]
pub struct Scanning {
    pub after_ms: Option<u64>,
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
    /// A server does not reach a group, or the base store, for a while; others do.
    Apart { server: usize, group: Option<usize>, cut: Cut, for_ms: u64 },
    /// A till loses power for a while.
    TillOff { till: usize, for_ms: u64 },
    /// A server is killed, and started again after a while.
    ServerOff { server: usize, for_ms: u64 },
    /// A group fails for a while.
    Group { group: usize, condition: Condition, for_ms: u64 },
    /// A group's primary dies, and after a while a standby is primary; a server may still reach the old one for longer.
    Failover { group: usize, still_reached_by: Option<usize>, takes_ms: u64, for_ms: u64 },
    /// The power of the servers' machine is cut for a while, and of all databases with it.
    PowerCut { for_ms: u64 },
    /// Some commits of a group end without an answer for a while.
    Doubt { group: usize, per_mille: u64, for_ms: u64 },
    /// The base store fails for a while.
    Base { condition: Condition, for_ms: u64 },
    /// The next call of a wallet goes wrong.
    Wallet { wallet: usize, endpoint: Endpoint, fault: Fault },
    /// So many of the wallet's next reversals do nothing, and ask to be called again.
    Recall { wallet: usize, times: u32 },
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
    /// The next money that should go back by itself is not written down: an older server would have left it so.
    Forget { group: usize },
}

impl What {
    /// How long it lasts.
    fn lasts_ms(&self) -> u64 {
        match self {
            Self::Block { for_ms, .. }
            | Self::Weather(_, for_ms)
            | Self::WalletWeather { for_ms, .. }
            | Self::Cut { for_ms, .. }
            | Self::Apart { for_ms, .. }
            | Self::TillOff { for_ms, .. }
            | Self::ServerOff { for_ms, .. }
            | Self::Group { for_ms, .. }
            | Self::Failover { for_ms, .. }
            | Self::PowerCut { for_ms }
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
    /// Whether a wallet takes money after it has said that it will not: then the run waits until it is found.
    pub second_facts: bool,
    /// Whether tills show codes of the first wallet.
    pub shows: bool,
    /// Whether customers pay in parts: some of it in cash, the rest with a phone.
    pub splits: bool,
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
        let second_facts = draw.second_facts();
        let shows = draw.shown_codes();
        draw.apart();
        let splits = draw.in_parts(shows);
        draw.second_wallet();
        draw.failover();
        draw.power_cuts();
        let Draw { mut steps, tills, moves, view, two_wallets, .. } = draw;
        steps.sort_by_key(|step| step.at_ms);
        Self { seed, before_midnight_ms, tills, moves, view, two_wallets, second_facts, shows, splits, steps }
    }

    /// Whether it is lived through again with a merchant view that shows nonsense.
    #[must_use]
    pub fn is_run_blind(&self) -> bool {
        self.view && self.seed.is_multiple_of(BLIND_EVERY)
    }

    /// Whether managers ask for refunds while a till is blocked, or shortly before.
    #[must_use]
    pub fn asks_a_blocked_till_for_refunds(&self) -> bool {
        let blocks = self.steps.iter().filter_map(|step| match step.what {
            What::Block { for_ms, .. } => Some(step.at_ms.saturating_sub(2_000)..step.at_ms + for_ms),
            _ => None,
        });
        let asked = |step: &Step| matches!(step.what, What::Refund { .. }).then_some(step.at_ms);
        let asked: Vec<u64> = self.steps.iter().filter_map(asked).collect();
        blocks.into_iter().any(|block| asked.iter().any(|at| block.contains(at)))
    }

    /// The millisecond at which everything is healed.
    #[must_use]
    pub fn healed_ms(&self) -> u64 {
        let ends = self.steps.iter().map(|step| step.at_ms + step.what.lasts_ms());
        // A cashier may wait for a number for a while: who is served late is served in bad times too.
        ends.max().unwrap_or(0).saturating_add(5_000).min(HEALED_MS)
    }
}
