//! Changing a line or the whole sale, and the sales that are held.

use evertill_shared::order::discount::Reason;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustTarget {
    /// The line of this name: [`CartLine::line`](super::CartLine::line).
    Line(u32),
    /// The whole sale.
    Whole,
}

/// A line, or the whole sale, and what can be changed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustPage {
    /// Which.
    pub target: AdjustTarget,
    /// The name of the goods; empty for the whole sale.
    pub name: String,
    /// Pieces of them, or in all.
    pub quantity: u32,
    /// The price of one in minor units; none for the whole sale.
    pub unit_price_minor: Option<i64>,
    /// What one cost before, if the price was overridden.
    pub was_minor: Option<i64>,
    /// What is taken off now.
    pub discount: Option<TakenOff>,
    /// What it costs before that, in minor units.
    pub before_minor: i64,
    /// What it costs after that, in minor units.
    pub total_minor: i64,
    /// What is noted; may be empty.
    pub note: String,
}

/// A discount that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOff {
    /// How much, in minor units.
    pub amount_minor: i64,
    /// The share that it was given as, `10%`.
    pub percent: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// The sales that are held, and the one in hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldPage {
    /// Items in hand; with none there is nothing to hold.
    pub item_count: u32,
    /// What they cost, in minor units.
    pub total_minor: i64,
    /// Newest first.
    pub rows: Vec<HeldRow>,
}

/// A held sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Names it in actions.
    pub id: u64,
    /// The name that it was given, or its number.
    pub name: String,
    /// Since when, `14:05`.
    pub time: String,
    /// Items in it.
    pub item_count: u32,
    /// What they cost, in minor units.
    pub total_minor: i64,
    /// What is in it, as far as there is room.
    pub goods: String,
}
