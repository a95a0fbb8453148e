//! What the tills of a drill were told, and when; held against the books in the end.
#![allow(clippy::float_arithmetic, reason = "figures for people; no money is counted here")]

use super::cashier::{Cashier, TOTAL};
use super::say;
use crate::books;
use crate::store_rig::{RigError, StoreRig};
use evertill_provisioning::client::{ClientConfig, ClientError};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::SaleKey;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// How a sale was told to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Paid.
    Paid,
    /// "Do not charge again": it waits for its group.
    SetAside,
}

/// One sale as its till saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub key: SaleKey,
    pub number: OrderNumber,
    /// When its number was asked for, since the start.
    pub begun: Duration,
    /// From then until the customer was told.
    pub took: Duration,
    pub end: End,
    /// Groups that were tried in vain.
    pub jumps: u8,
}

impl Told {
    fn at(&self) -> Duration {
        self.begun + self.took
    }
}

/// Sales that were set aside and have ended since: how long that took from their beginning.
type Settled = BTreeMap<SaleKey, Duration>;

/// See the module.
pub(crate) struct Ledger {
    start: Duration,
    closed: AtomicBool,
    failing: Option<GroupTag>,
    told: Mutex<Vec<Told>>,
    settled: Mutex<Settled>,
    failed: Mutex<BTreeSet<SaleKey>>,
    unknowns: AtomicU64,
    again: AtomicU64,
    anew: AtomicU64,
    longest: Mutex<(Duration, Vec<String>)>,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// An empty one. Orders of the group that is about to fail may be set aside, and no others.
    pub(crate) fn new(failing: Option<GroupTag>) -> Self {
        Self {
            start: SystemClock.monotonic(),
            closed: AtomicBool::new(false),
            failing,
            told: Mutex::default(),
            settled: Mutex::default(),
            failed: Mutex::default(),
            unknowns: AtomicU64::new(0),
            again: AtomicU64::new(0),
            anew: AtomicU64::new(0),
            longest: Mutex::default(),
        }
    }

    /// The time since the start.
    pub(crate) fn now(&self) -> Duration {
        SystemClock.monotonic().saturating_sub(self.start)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn is_failing(&self, tag: GroupTag) -> bool {
        self.failing == Some(tag)
    }

    pub(crate) fn tell(&self, told: Told) {
        lock(&self.told).push(told);
    }

    pub(crate) fn settled(&self, key: SaleKey, begun: Duration) {
        lock(&self.settled).insert(key, self.now().saturating_sub(begun));
    }

    pub(crate) fn failed(&self, key: SaleKey, why: impl std::fmt::Display) {
        say(format_args!("the sale {key} failed: {why}"));
        lock(&self.failed).insert(key);
    }

    /// What a sale went through while its customer waited; that of the slowest is kept.
    pub(crate) fn told_at_length(&self, took: Duration, story: Vec<String>) {
        let mut longest = lock(&self.longest);
        if took > longest.0 {
            *longest = (took, story);
        }
    }

    /// What the slowest sale went through.
    pub(crate) fn slowest_story(&self) -> Vec<String> {
        lock(&self.longest).1.clone()
    }

    /// Counts a payment that surely did not happen and is asked for again with another code.
    pub(crate) fn charges_anew(&self) {
        self.anew.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer that was none.
    pub(crate) fn heard(&self, error: &ClientError) {
        self.again.fetch_add(1, Ordering::Relaxed);
        if error.outcome_unknown() {
            self.unknowns.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The first sale that began after a moment and has its number from the failing group.
    pub(crate) fn first_in_failing(&self, after: Duration) -> Option<Duration> {
        let told = lock(&self.told);
        let there = told.iter().filter(|t| t.begun >= after && self.is_failing(t.number.tag()));
        there.filter(|t| t.end == End::Paid).map(Told::at).min()
    }

    /// Sales whose customers could go, a second.
    pub(crate) fn per_second(&self, from: Duration, until: Duration) -> f64 {
        let told = lock(&self.told);
        let inside = told.iter().filter(|t| t.end == End::Paid && t.at() >= from && t.at() < until).count();
        let seconds = until.saturating_sub(from).as_secs_f64().max(0.001);
        (f64::from(u32::try_from(inside).unwrap_or(u32::MAX)) / seconds * 10.0).round() / 10.0
    }

    /// Takes no new sales, and waits until those that are set aside have ended.
    pub(crate) async fn close(&self, mut tills: JoinSet<Result<(), RigError>>) -> Result<(), RigError> {
        self.closed.store(true, Ordering::Release);
        while let Some(ended) = tills.join_next().await {
            ended.map_err(|error| RigError::Unexpected(error.to_string()))??;
        }
        for _ in 0..800 {
            if self.open() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn set_aside(&self) -> usize {
        lock(&self.told).iter().filter(|told| told.end == End::SetAside).count()
    }

    /// Sales that were set aside and of which no end is known.
    fn open(&self) -> usize {
        let (told, settled, failed) = (lock(&self.told), lock(&self.settled), lock(&self.failed));
        let aside = told.iter().filter(|told| told.end == End::SetAside);
        aside.filter(|told| !settled.contains_key(&told.key) && !failed.contains(&told.key)).count()
    }

    /// Holds what the tills were told against our books and the wallet's.
    pub(crate) async fn totals(&self, rig: &StoreRig) -> Result<Totals, RigError> {
        let booked = books::paid_orders(rig)?;
        let mut charged: BTreeMap<(u16, u64), i64> = BTreeMap::new();
        for order in rig.wallet_control().orders().await? {
            let part = |range: std::ops::Range<usize>| order.number.get(range).unwrap_or_default().to_owned();
            let odd = || RigError::Unexpected(format!("the wallet knows the number {:?}", order.number));
            let terminal = part(7..11).parse().map_err(|_| odd())?;
            let sequence = part(16..28).parse().map_err(|_| odd())?;
            *charged.entry((terminal, sequence)).or_default() += order.net_minor();
        }
        let over = charged.values().filter(|net| **net > TOTAL).count();
        let told = lock(&self.told).clone();
        let settled = lock(&self.settled).clone();
        let in_books: BTreeSet<&str> = booked.iter().map(|order| order.number.as_str()).collect();
        let is_over = |told: &&Told| told.end == End::Paid || settled.contains_key(&told.key);
        let lost =
            told.iter().filter(is_over).filter(|t| !in_books.contains(t.number.to_string().as_str())).count();
        let jumped = told.iter().filter(|told| told.jumps > 0).count();
        let failed = lock(&self.failed).len();
        let failed = failed + self.open();
        Ok(Totals {
            sales: told.len(),
            failed,
            doubled: books::doubled(&booked).len().max(over),
            lost,
            slowest: told.iter().map(|told| told.took).max().unwrap_or_default(),
            jumped,
            set_aside: self.set_aside(),
            set_aside_longest: settled.values().copied().max().unwrap_or_default(),
            unknowns: self.unknowns.load(Ordering::Relaxed),
            asked_again: self.again.load(Ordering::Relaxed),
            charged_anew: self.anew.load(Ordering::Relaxed),
        })
    }
}

/// What a drill came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub sales: usize,
    /// Refused, never ended, or given up.
    pub failed: usize,
    /// Sales that were charged or stand in the books more than once.
    pub doubled: usize,
    /// Sales that a till was told are paid, and that are not in the books.
    pub lost: usize,
    /// The longest that a customer stood at the till without word.
    pub slowest: Duration,
    pub jumped: usize,
    pub set_aside: usize,
    pub set_aside_longest: Duration,
    pub unknowns: u64,
    pub asked_again: u64,
    /// Payments that surely did not happen, and were asked for again with another code.
    pub charged_anew: u64,
}

/// Enrols and activates tills, and lets them sell at an even pace, one after the other within it.
pub(crate) async fn open_tills(
    rig: &StoreRig,
    config: ClientConfig,
    count: u32,
    every: Duration,
    ledger: &Arc<Ledger>,
) -> Result<JoinSet<Result<(), RigError>>, RigError> {
    let mut tills = Vec::new();
    let staff = rig.staff("it").await?;
    for number in 0..count {
        let code = staff.enrolment_code(&format!("Till {number}")).await?.code;
        let till = crate::scripted_till::ScriptedTill::enrol(config.clone(), &code).await?;
        let change = evertill_shared::protocol::staff::TerminalChange::Activate {
            fingerprint: till.device.fingerprint(),
        };
        staff.change_terminal(till.enrolled.terminal, &change).await?;
        tills.push(till);
    }
    let mut selling = JoinSet::new();
    for (till, number) in tills.into_iter().zip(0..) {
        let (wallet, ledger) = (rig.wallet_control(), Arc::clone(ledger));
        let client = till.client.clone();
        let till = Arc::new(Mutex::new(till));
        let cashier = Cashier { till, client, wallet, ledger, every, by_code: 3, turn: u64::from(number) };
        selling.spawn(cashier.sell_on(every * number / count.max(1)));
    }
    Ok(selling)
}
