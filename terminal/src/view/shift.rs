//! The drawer and the shift: money in and out without a sale, the blind count, and the report.

use super::{ReceiptState, Wallet};
use evertill_shared::journal::CashReason;
use evertill_shared::shift::{Tally, Totals};

/// The drawer's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShiftPage {
    /// The shift that is open.
    pub open: Option<OpenShift>,
    /// A shift has ended here before: its report can be looked at.
    pub has_last: bool,
    /// The store sells only in an open shift.
    pub demanded: bool,
}

/// The shift that is open. What the drawer should hold is not here: it is counted blind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenShift {
    /// When it was opened, `2026-11-20 09:00`.
    pub since: String,
    /// Who opened it.
    pub by: Option<String>,
}

/// An amount that is typed for the drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawerAmountPage {
    /// What for.
    pub purpose: AmountPurpose,
    /// What was typed so far, in minor units.
    pub minor: i64,
    /// The reason that was chosen; a float needs none.
    pub reason: Option<CashReason>,
    /// All that is needed is there.
    pub ready: bool,
}

/// What an amount is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountPurpose {
    /// The float of a shift that begins.
    Float,
    /// Money that is put into the drawer.
    PayIn,
    /// Money that is taken out of it.
    PayOut,
}

/// The blind count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountPage {
    /// Notes and coins, the largest first.
    pub rows: Vec<CountRow>,
    /// The value whose pieces are typed, in minor units.
    pub chosen_minor: i64,
    /// What was counted so far.
    pub total_minor: i64,
}

/// Notes or coins of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRow {
    /// The value of one, in minor units.
    pub value_minor: i64,
    /// How many were counted.
    pub pieces: u32,
    /// What they come to.
    pub sum_minor: i64,
}

/// What happened in a shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPage {
    /// The shift has ended: it is its Z report. Otherwise an X report of the shift so far.
    pub ended: bool,
    /// When it was opened, `2026-11-20 09:00`.
    pub since: String,
    /// Who opened it.
    pub by: Option<String>,
    /// The sums.
    pub lines: Vec<ReportLine>,
    /// What was counted less what should have been there; nothing before it ended.
    pub over_minor: Option<i64>,
    /// Sales that the server has not confirmed.
    pub unsent: u32,
    /// Payments and refunds whose end is not known.
    pub unknown: u32,
    /// What they come to, in minor units.
    pub unknown_minor: i64,
    /// The report on paper.
    pub paper: ReceiptState,
}

/// One sum of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportLine {
    /// Of what.
    pub of: ReportSum,
    /// How often, where that says something.
    pub count: Option<u32>,
    /// How much, in minor units, where there is an amount.
    pub minor: Option<i64>,
}

/// What a sum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportSum {
    /// What was in the drawer at the beginning.
    Float,
    /// Sales in cash.
    CashSales,
    /// Sales through a wallet.
    WalletSales(Wallet),
    /// All sales.
    AllSales,
    /// The tax in them.
    Tax,
    /// Refunds from the drawer.
    CashRefunds,
    /// Refunds to a wallet.
    WalletRefunds(Wallet),
    /// Refunds of sales that this till does not know any more.
    OtherRefunds,
    /// Cash parts of sales that went back to the customers.
    PartsBack,
    /// Money put into the drawer.
    PaidIn,
    /// Money taken out.
    PaidOut,
    /// Sales given up before they were paid.
    Voids,
    /// The drawer was opened without a sale.
    NoSales,
    /// Amounts of another currency, in none of the sums.
    Foreign,
    /// What the drawer should hold.
    Expected,
    /// What was counted.
    Counted,
}

/// The sums of a report in the order in which they are read, on screen and on paper: sales, what went back, the drawer.
#[must_use]
pub fn report_lines(totals: &Totals, counted_minor: Option<i64>) -> Vec<ReportLine> {
    let tally = |of, tally: Tally| ReportLine { of, count: Some(tally.count), minor: Some(tally.minor) };
    let amount = |of, minor| ReportLine { of, count: None, minor: Some(minor) };
    let number = |of, count| ReportLine { of, count: Some(count), minor: None };
    let mut lines = vec![tally(ReportSum::CashSales, totals.cash_sales)];
    let sold = totals.wallet_sales.iter();
    lines.extend(sold.map(|(wallet, sum)| tally(ReportSum::WalletSales(*wallet), *sum)));
    lines.push(tally(ReportSum::AllSales, totals.sales()));
    lines.push(amount(ReportSum::Tax, totals.tax_minor));
    lines.push(tally(ReportSum::CashRefunds, totals.cash_refunds));
    let back = totals.wallet_refunds.iter();
    lines.extend(back.map(|(wallet, sum)| tally(ReportSum::WalletRefunds(*wallet), *sum)));
    if totals.other_refunds.count > 0 {
        lines.push(tally(ReportSum::OtherRefunds, totals.other_refunds));
    }
    if totals.parts_back.count > 0 {
        lines.push(tally(ReportSum::PartsBack, totals.parts_back));
    }
    lines.push(tally(ReportSum::Voids, totals.voids));
    lines.push(number(ReportSum::NoSales, totals.no_sales));
    if totals.foreign > 0 {
        lines.push(number(ReportSum::Foreign, totals.foreign));
    }
    lines.push(amount(ReportSum::Float, totals.float_minor));
    lines.push(tally(ReportSum::PaidIn, totals.paid_in));
    lines.push(tally(ReportSum::PaidOut, totals.paid_out));
    lines.push(amount(ReportSum::Expected, totals.expected().minor));
    lines.extend(counted_minor.map(|minor| amount(ReportSum::Counted, minor)));
    lines
}
