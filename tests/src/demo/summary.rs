//! What happened in a headless run, in numbers. The keys are an interface: they stay.

use serde::Serialize;
use std::collections::BTreeMap;

/// `summary.json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Sales that ended paid.
    pub sales: u32,
    /// Of these: through a wallet.
    pub paid_by_code: u32,
    /// Of these: in cash.
    pub paid_in_cash: u32,
    /// Attempts that the wallet surely refused.
    pub declined: u32,
    /// Payments that were unknown and came to a sure end.
    pub unknown_resolved: u32,
    /// Sales made without a line.
    pub offline_sales: u32,
    /// How many of them the server has, each once.
    pub offline_arrived: u32,
    /// Orders that another group took because one did not answer.
    pub orders_jumped: u64,
    /// Refunds carried out.
    pub refunds_done: u32,
    /// Refunds refused, by reason.
    pub refunds_refused: BTreeMap<String, u32>,
    /// Requests refused, by reason.
    pub requests_refused: BTreeMap<String, u32>,
    /// Receipts that came out of the printer.
    pub receipts_printed: u32,
    /// How often the drawer opened.
    pub drawer_openings: u32,
    /// Pictures taken of the screens.
    pub pictures: u32,
    /// What the wallet's own books say that customers were charged, after refunds.
    pub wallet_net_minor: i64,
    /// What our own books say of the same.
    pub books_net_minor: i64,
    /// Sales that the wallet charged more than once.
    pub double_charges: u32,
    /// The most memory that each program held, in KiB.
    pub peak_memory_kib: BTreeMap<String, u64>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Wall time of everything, in milliseconds.
    pub wall_ms: u64,
    /// Whether every step did what it should.
    pub ok: bool,
}

/// One step of the script.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub name: String,
    /// How long it took, in milliseconds.
    pub wall_ms: u64,
    /// What was wrong, if anything.
    pub error: Option<String>,
}

impl Summary {
    /// Counts one refusal.
    pub fn refused(counts: &mut BTreeMap<String, u32>, reason: impl Into<String>) {
        *counts.entry(reason.into()).or_default() += 1;
    }
}
