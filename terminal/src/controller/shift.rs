//! The drawer's page: shifts, money in and out without a sale, the blind count and the reports.
//!
//! Nothing here waits for the server or for a payment whose end is not known: a shift ends all the same, and says so.

use super::approval::Approved;
use super::count::Sheet;
use super::drawer::OpenedFor;
use super::question::Yes;
use super::{At, Controller};
use crate::print::receipt_of_shift;
use crate::view::{
    AmountPurpose, Confirm, CountPage, DrawerAmountPage, OpenShift, ReportPage, ShiftPage, UserAction,
    report_lines,
};
use evertill_shared::business_day::local_text;
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{Body, CashReason, DrawerReason};
use evertill_shared::rights::Right;
use evertill_shared::shift::{Pending, Shift, Tally};

/// An amount that is typed for the drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    pub purpose: AmountPurpose,
    pub minor: i64,
    pub reason: Option<CashReason>,
}

impl Typed {
    fn ready(&self) -> bool {
        match self.purpose {
            // A drawer may begin empty.
            AmountPurpose::Float => self.minor >= 0,
            AmountPurpose::PayIn | AmountPurpose::PayOut => self.minor > 0 && self.reason.is_some(),
        }
    }
}

impl Controller {
    pub(super) fn on_shift_action(&mut self, action: UserAction) {
        use UserAction as A;
        match (action, &mut self.at) {
            (A::ChooseNoSale, At::Shift) => self.at = At::Drawer,
            (A::NoSale { reason }, _) => self.no_sale(reason),
            (A::DrawerAmount(purpose), At::Shift) => self.begin_amount(purpose),
            (A::AmountTyped { minor }, At::DrawerAmount(typed)) => typed.minor = minor.max(0),
            (A::ChooseCashReason(reason), At::DrawerAmount(typed)) => typed.reason = Some(reason),
            (A::AmountConfirm, At::DrawerAmount(typed)) => {
                let typed = *typed;
                self.confirm_amount(typed);
            }
            (A::EndShift, At::Shift) => self.of_open_shift(Right::CloseShift, Approved::Count),
            (A::CountChoose { value_minor }, At::Count { sheet, .. }) => sheet.choose(value_minor),
            (A::CountKey(key), At::Count { sheet, .. }) => sheet.press(&key),
            (A::CountConfirm, At::Count { sheet, .. }) => {
                let shown = Confirm::EndShift { counted_minor: sheet.total_minor() };
                self.ask(shown, Yes::EndShift);
            }
            (A::ReadShift, At::Shift) => self.of_open_shift(Right::ReadShift, Approved::ReadShift),
            (A::LastShift, At::Shift) => self.show_last_shift(),
            (A::PrintReport, At::Report { .. }) => self.print_report(),
            _ => {}
        }
    }

    fn of_open_shift(&mut self, right: Right, what: Approved) {
        if self.open_shift().is_some() {
            self.with_right(right, what);
        }
    }

    pub(super) fn open_shift(&self) -> Option<Shift> {
        self.journal.as_ref()?.last_shift().ok().flatten().filter(Shift::is_open)
    }

    /// Whether the store sells only in shifts, and none is open. It refuses a new sale, never one that is under way.
    pub(super) fn needs_shift(&self) -> bool {
        self.options.demand_shifts && self.open_shift().is_none()
    }

    fn begin_amount(&mut self, purpose: AmountPurpose) {
        let is_open = self.open_shift().is_some();
        if is_open != (purpose == AmountPurpose::Float) {
            self.at = At::DrawerAmount(Typed { purpose, minor: 0, reason: None });
        }
    }

    fn confirm_amount(&mut self, typed: Typed) {
        if !typed.ready() {
            return;
        }
        let right = match typed.purpose {
            AmountPurpose::Float => Right::OpenShift,
            AmountPurpose::PayIn | AmountPurpose::PayOut => Right::PayInOut,
        };
        self.with_right(right, Approved::MoveCash(typed));
    }

    /// Into the journal, then one kick for it. The page is another after that, so a second touch finds nothing to do.
    pub(super) fn move_cash(&mut self, typed: Typed, approved_by: Option<Cashier>) {
        if !matches!(self.at, At::DrawerAmount(_)) || !typed.ready() {
            return;
        }
        let (amount, cashier) = (self.money(typed.minor), self.cashier());
        let reason = typed.reason.unwrap_or(CashReason::Other);
        let body = match typed.purpose {
            AmountPurpose::Float => Body::ShiftOpened { float: amount, cashier, approved_by },
            AmountPurpose::PayIn => Body::CashPaidIn { amount, reason, cashier, approved_by },
            AmountPurpose::PayOut => Body::CashPaidOut { amount, reason, cashier, approved_by },
        };
        if self.write(&body).is_some() {
            self.at = At::Shift;
            self.open_drawer(OpenedFor::Other);
        }
    }

    /// The drawer opens to be counted, and the page asks for what is in it, not for what should be.
    pub(super) fn begin_count(&mut self, approved_by: Option<Cashier>) {
        if !matches!(self.at, At::Shift) || self.open_shift().is_none() {
            return;
        }
        let (reason, cashier) = (DrawerReason::Count, self.cashier());
        let body = Body::DrawerOpened { reason, cashier, approved_by: approved_by.clone() };
        if self.write(&body).is_some() {
            self.at = At::Count { sheet: Sheet::of(self.currency()), approved_by };
            self.open_drawer(OpenedFor::Other);
        }
    }

    /// The count was confirmed. What should have been there is taken from the journal at this moment.
    pub(super) fn end_shift(&mut self) {
        let At::Count { sheet, approved_by } = &self.at else { return };
        let (counted, approved_by) = (sheet.counted(), approved_by.clone());
        let Some(Some(shift)) = self.read(|journal| journal.last_shift()) else { return };
        let pending = self.pending();
        let mut closing = shift.closing(counted, pending);
        (closing.cashier, closing.approved_by) = (self.cashier(), approved_by);
        if self.write(&Body::ShiftClosed(Box::new(closing))).is_some() {
            self.at = At::Report { ended: true };
            self.print_report();
        }
    }

    /// A count that somebody else began is nobody's; and what the drawer should hold is not for whoever comes next.
    pub(super) fn drop_count(&mut self) {
        if matches!(self.at, At::Count { .. } | At::DrawerAmount(_) | At::Report { ended: false }) {
            self.at = At::Shift;
        }
    }

    fn pending(&mut self) -> Pending {
        let unsent = self.read(|journal| journal.unsent()).map_or(0, |unsent| unsent.sales);
        let sales = self.read(|journal| journal.open_sales()).unwrap_or_default();
        let refunds = self.read(|journal| journal.open_refunds()).unwrap_or_default();
        let sales = sales.iter().filter(|sale| sale.unsettled().is_some()).map(|sale| sale.sale.total.minor);
        let unknown = sales.chain(refunds.iter().map(|refund| refund.amount.minor));
        let unknown = unknown.fold(Tally::default(), |sum, minor| Tally {
            count: sum.count.saturating_add(1),
            minor: sum.minor.saturating_add(minor),
        });
        Pending { unsent: u32::try_from(unsent).unwrap_or(u32::MAX), unknown }
    }

    pub(super) fn read_shift(&mut self) {
        if matches!(self.at, At::Shift) && self.open_shift().is_some() {
            self.at = At::Report { ended: false };
        }
    }

    fn show_last_shift(&mut self) {
        if self.last_closed_shift().is_some() {
            self.at = At::Report { ended: true };
        }
    }

    fn last_closed_shift(&self) -> Option<Shift> {
        self.journal.as_ref()?.last_closed_shift().ok().flatten()
    }

    /// The shift whose report is on screen: the newest that has ended, or the one that is open.
    fn reported(&self) -> Option<Shift> {
        let At::Report { ended } = self.at else { return None };
        if ended { self.last_closed_shift() } else { self.open_shift() }
    }

    /// Prints the report. Of an end there is one print, and then copies; a shift that is open is another each time.
    fn print_report(&mut self) {
        let Some(shift) = self.reported() else { return };
        let about = about(&shift);
        if !self.options.has_printer || self.is_printing(&about) {
            return;
        }
        let pending = shift.closed.as_ref().map(|closed| closed.closing.pending);
        let pending = pending.unwrap_or_else(|| self.pending());
        let Some(identity) = &self.identity else { return };
        let receipt = receipt_of_shift(identity, &shift, pending, self.cashier(), self.now.wall);
        let Some(last) = self.read(|journal| journal.last_print_job(&about)) else { return };
        match last {
            Some(job) if !shift.is_open() => self.print_again(&about, job),
            _ => self.print(&about, receipt),
        }
    }

    pub(super) fn shift_page(&self) -> ShiftPage {
        ShiftPage {
            has_last: self.last_closed_shift().is_some(),
            open: self.open_shift().map(|shift| OpenShift {
                since: self.minute(shift.at),
                by: shift.cashier.map(|cashier| cashier.tidy().name),
            }),
            demanded: self.options.demand_shifts,
        }
    }

    pub(super) fn amount_page(typed: &Typed) -> DrawerAmountPage {
        let Typed { purpose, minor, reason } = *typed;
        DrawerAmountPage { purpose, minor, reason, ready: typed.ready() }
    }

    pub(super) fn count_page(sheet: &Sheet) -> CountPage {
        CountPage { rows: sheet.rows(), chosen_minor: sheet.chosen(), total_minor: sheet.total_minor() }
    }

    pub(super) fn report_page(&self) -> Option<ReportPage> {
        let shift = self.reported()?;
        let pending = shift.closed.as_ref().map_or_else(|| self.pending_shown(), |c| c.closing.pending);
        let ended = !shift.is_open();
        let counted = shift.closed.as_ref().map(|closed| closed.closing.counted().minor);
        Some(ReportPage {
            ended,
            since: self.minute(shift.at),
            by: shift.cashier.as_ref().map(|cashier| cashier.tidy().name),
            lines: report_lines(&shift.totals, counted),
            over_minor: shift.closed.as_ref().map(|closed| closed.closing.over_minor()),
            unsent: pending.unsent,
            unknown: pending.unknown.count,
            unknown_minor: pending.unknown.minor,
            paper: self.job_state(&about(&shift)),
        })
    }

    /// What is not settled now, for the screen: what cannot be read stops no report.
    fn pending_shown(&self) -> Pending {
        let unsent = self.journal.as_ref().and_then(|journal| journal.queue().ok()).map_or(0, |q| q.len());
        let unknown = self.watches.iter().fold(Tally::default(), |sum, watch| Tally {
            count: sum.count.saturating_add(1),
            minor: sum.minor.saturating_add(watch.total_minor),
        });
        Pending { unsent: u32::try_from(unsent).unwrap_or(u32::MAX), unknown }
    }

    fn minute(&self, at: Timestamp) -> String {
        let Some(identity) = &self.identity else { return String::new() };
        local_text(at, &identity.store.zone).get(..16).unwrap_or_default().to_owned()
    }
}

fn about(shift: &Shift) -> String {
    let kind = if shift.is_open() { "x" } else { "z" };
    format!("{kind}:{}", shift.opened)
}
