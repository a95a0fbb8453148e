//! Earlier sales of this till: found by number, by a receipt's code, by total, by time; each with its own page.

mod ask;
mod one;
mod picked;
mod query;
mod waiting;

use super::{At, Controller};
use crate::journal_store::{JournalError, SalesWanted, StoredSale};
use crate::secret_code;
use crate::view::{DayStep, Notice, OrderRow, OrderState, OrdersHint, OrdersPage, UserAction};
pub use ask::Asking;
use evertill_shared::business_day::{BusinessDay, business_day_of, local_text, moment_on};
use evertill_shared::clock::Timestamp;
use evertill_shared::journal::{RefundSettled, Settled};
use query::{Named, Query};

/// So many orders are on a page of the list.
const PAGE: u16 = 40;

/// What somebody looks for.
#[derive(Debug, Default)]
pub struct OrdersDesk {
    search: String,
    query: Query,
    /// Another day than today.
    day: Option<BusinessDay>,
    /// Where each page after the first begins.
    turned: Vec<(Timestamp, u64)>,
    /// What was found last, and what it was looked for by.
    found: Option<(LookedFor, Found)>,
    /// Requests that waited in the console and about which it was asked what came of them, and when.
    learning: Vec<(String, std::time::Duration)>,
}

/// All that decides what is on the list's page. As long as none of it changes nothing is looked for again: a page of old
/// orders may lie in as many files of the archive as it has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LookedFor {
    query: Query,
    day: BusinessDay,
    after: Option<(Timestamp, u64)>,
    /// The journal's last entry.
    head: Option<u64>,
}

impl Controller {
    pub(super) fn on_orders_action(&mut self, action: UserAction) {
        if !matches!(self.at, At::Orders) {
            return;
        }
        match action {
            UserAction::SetOrderSearch(text) => self.set_order_search(&text),
            UserAction::SubmitOrderSearch(text) if secret_code::names_any(&text) => self.forget_typed_code(),
            UserAction::SubmitOrderSearch(text) => {
                self.search_orders(&text);
                if let Query::Named(named) = self.orders.query {
                    self.open_named(named, true);
                }
            }
            UserAction::TurnOrders { older } => self.turn_orders(older),
            UserAction::OrdersOf(step) => self.step_day(step),
            UserAction::OpenOrder { id } => self.open_order(id.parse().ok(), true),
            UserAction::Reprint { id } => {
                if let Ok(sale) = id.parse() {
                    self.print_copy(sale);
                }
            }
            _ => {}
        }
    }

    pub(super) fn search_orders(&mut self, text: &str) {
        let query = Query::read(text, self.currency());
        let day = if let Query::Day(day) = query { Some(day) } else { self.orders.day };
        self.orders = OrdersDesk { search: text.to_owned(), query, day, ..OrdersDesk::default() };
    }

    /// The box holds something that nobody may see, and nothing is looked for.
    pub(super) fn hide_order_search(&mut self, shown: &str) {
        self.orders = OrdersDesk { search: shown.to_owned(), ..OrdersDesk::default() };
    }

    fn turn_orders(&mut self, older: bool) {
        if !older {
            self.orders.turned.pop();
            return;
        }
        self.look_for_orders();
        let Some((_, found)) = &self.orders.found else { return };
        if let Some(last) = found.sales.last().filter(|_| found.more) {
            self.orders.turned.push(place(last));
        }
    }

    /// Keeps what is on the list's page, while it is open, what was looked for and what the journal says. Behind the lock
    /// nobody looks.
    pub(super) fn look_for_orders(&mut self) {
        if !matches!(self.at, At::Orders) || self.duty.is_locked() {
            return;
        }
        let wanted = LookedFor {
            query: self.orders.query,
            day: self.orders_day(),
            after: self.orders.turned.last().copied(),
            head: self.journal.as_ref().map(|journal| journal.head().sequence),
        };
        if self.orders.found.as_ref().is_none_or(|(looked_for, _)| *looked_for != wanted) {
            let found = self.orders_found();
            self.orders.found = Some((wanted, found));
        }
    }

    /// Something is known of a sale that no entry says.
    pub(super) fn look_anew(&mut self) {
        self.orders.found = None;
    }

    fn step_day(&mut self, step: DayStep) {
        let day = self.orders_day();
        let found = match step {
            DayStep::Today => None,
            DayStep::Earlier => self.sale_beyond(day, true),
            DayStep::Later => self.sale_beyond(day, false),
        };
        let day = found.map(|at| self.day_of(at)).filter(|day| *day != self.day_of(self.now.wall));
        self.orders = OrdersDesk { day, ..OrdersDesk::default() };
    }

    /// The time of the nearest sale before that day, or after it.
    fn sale_beyond(&self, day: BusinessDay, before: bool) -> Option<Timestamp> {
        let (begin, end) = self.bounds(day);
        let journal = self.journal.as_ref()?;
        let found = if before { journal.nearest_sale(None, begin) } else { journal.nearest_sale(end, None) };
        found.ok().flatten().filter(|at| self.day_of(*at) != day)
    }

    pub(super) fn day_of(&self, at: Timestamp) -> BusinessDay {
        self.identity.as_ref().map_or_else(
            || business_day_of(at, &evertill_shared::business_day::StoreZone::china(), 0),
            |identity| business_day_of(at, &identity.store.zone, identity.store.cut_off_minutes),
        )
    }

    fn orders_day(&self) -> BusinessDay {
        self.orders.day.unwrap_or_else(|| self.day_of(self.now.wall))
    }

    /// The first moment of a day, and the first after it.
    fn bounds(&self, day: BusinessDay) -> (Option<Timestamp>, Option<Timestamp>) {
        let begin = |day| self.moment(day, None);
        (begin(day), begin(day.next()))
    }

    /// The moment at which the wall clock shows so many minutes on that business day; without minutes, its beginning.
    fn moment(&self, day: BusinessDay, minutes: Option<u16>) -> Option<Timestamp> {
        let store = &self.identity.as_ref()?.store;
        let minutes = minutes.unwrap_or(store.cut_off_minutes);
        moment_on(day, minutes, &store.zone, store.cut_off_minutes)
    }

    /// What is on the list's page, and whether there is more.
    fn orders_found(&self) -> Found {
        let Some(journal) = &self.journal else { return Found::default() };
        let day = self.orders_day();
        let (from, until) = self.bounds(day);
        let of_day = SalesWanted { from, until, limit: PAGE + 1, ..SalesWanted::default() };
        let wanted = match self.orders.query {
            Query::Named(named) => return Found::from(self.sale_named(named).map(Vec::from_iter)),
            Query::Amount(minor) => {
                SalesWanted { total_minor: Some(minor), from: None, until: None, ..of_day }
            }
            Query::Time(minutes) => {
                let end = self.moment(day, Some(minutes)).map(|at| Timestamp(at.0.saturating_add(60_000)));
                SalesWanted { until: end.or(until), ..of_day }
            }
            Query::MoreDigits(_) | Query::TooManyDigits(_) | Query::Mistyped | Query::NotUnderstood => {
                return Found::default();
            }
            Query::Nothing | Query::Day(_) | Query::Unfinished => of_day,
        };
        let wanted = SalesWanted { after: self.orders.turned.last().copied(), ..wanted };
        Found::from(journal.find_sales(&wanted))
    }

    fn sale_named(&self, named: Named) -> Result<Option<StoredSale>, JournalError> {
        let (Some(journal), Some(identity)) = (&self.journal, &self.identity) else { return Ok(None) };
        match named {
            Named::Order(number) => journal.sale_of_order(number),
            Named::Sale(key) if key == identity.sale_key(key.sequence) => journal.sale(key.sequence),
            Named::Sale(_) => Ok(None),
        }
    }

    pub(super) fn orders_page(&self) -> OrdersPage {
        let found = self.orders.found.as_ref().map(|(_, found)| found.clone());
        let Found { sales: found, more: has_older, archive_missing } = found.unwrap_or_default();
        let day = self.orders_day();
        let desk = &self.orders;
        let several_days = matches!(desk.query, Query::Amount(_) | Query::Named(_));
        OrdersPage {
            orders: found.into_iter().map(|sale| self.order_row(sale, several_days)).collect(),
            search: desk.search.clone(),
            hint: hint(desk.query),
            day: day.to_string(),
            is_today: day == self.day_of(self.now.wall),
            has_newer: !desk.turned.is_empty(),
            has_older,
            has_earlier_day: self.sale_beyond(day, true).is_some(),
            has_later_day: self.sale_beyond(day, false).is_some(),
            archive_missing,
        }
    }

    fn order_row(&self, stored: StoredSale, with_day: bool) -> OrderRow {
        let record = &stored.record;
        let time = self.local_minute(record.sale.at);
        OrderRow {
            id: record.sequence.to_string(),
            number: self.name_of(&stored),
            // The day in front, without the year.
            time: time.get(if with_day { 5 } else { 11 }..).unwrap_or_default().to_owned(),
            total_minor: record.sale.total.minor,
            state: self.order_state(&stored),
            can_reprint: record.is_paid() && self.options.has_printer,
        }
    }

    /// The order's number; the sale's own name while it has none.
    fn name_of(&self, stored: &StoredSale) -> String {
        let own = || self.identity.as_ref().map(|i| i.sale_key(stored.record.sequence).to_string());
        stored.record.number().map(|number| number.to_string()).or_else(own).unwrap_or_default()
    }

    /// `2026-11-20 14:03` by the store's wall clock.
    fn local_minute(&self, at: Timestamp) -> String {
        let text = self.identity.as_ref().map(|identity| local_text(at, &identity.store.zone));
        text.and_then(|text| text.get(..16).map(str::to_owned)).unwrap_or_default()
    }

    fn order_state(&self, stored: &StoredSale) -> OrderState {
        let refunded = stored.record.number().filter(|_| stored.record.is_paid()).map_or(0, |number| {
            let refunds = self.journal.as_ref().and_then(|journal| journal.refunds_of(number).ok());
            let done = refunds.into_iter().flatten().filter(|r| r.outcome == Some(RefundSettled::Done));
            done.map(|refund| refund.amount.minor).sum()
        });
        state_of(stored, refunded)
    }

    /// A receipt's code was scanned, or typed as a whole: true if it was one, and has been dealt with.
    pub(super) fn scan_order(&mut self, text: &str, is_goods: bool) -> bool {
        let Some(named) = Named::scanned(text) else { return false };
        // One in a file of the archive that is missing is this till's too.
        let here = !matches!(self.sale_named(named), Ok(None));
        let goods = is_goods || self.goods.by_barcode(text).is_some() || self.weighed(text).is_some();
        // What stands in this till's own books is meant; other digits may mean goods that look like a number.
        if !here && goods {
            return false;
        }
        match self.at {
            At::Sale
            | At::Done { .. }
            | At::Held
            | At::Refunds
            | At::About
            | At::Day { .. }
            | At::Drawer
            | At::Shift
            | At::Report { .. } => {
                self.open_named(named, false);
            }
            At::Orders | At::Order { .. } => self.open_named(named, true),
            At::AwaitCode { held: None } => self.tell(Notice::OrderCodeAtTender),
            At::AwaitCode { held: Some(_) } | At::Payment { .. } | At::Cash { .. } | At::Ended { .. } => {
                self.tell(Notice::SaleUnderWay);
            }
            At::Serial(_) => self.tell(Notice::NotASerial),
            At::Adjust { .. } | At::AskRefund(_) | At::DrawerAmount(_) | At::Count { .. } => {
                self.tell(Notice::ScanNotUsed);
            }
            // There a scan is only looked at.
            At::Scanners | At::Starting | At::Enrol(_) => {}
        }
        true
    }

    fn open_named(&mut self, named: Named, from_list: bool) {
        match self.sale_named(named) {
            Ok(Some(found)) => self.open_order(Some(found.record.sequence), from_list),
            Err(error) => self.journal_failed(error),
            Ok(None) => {
                let number = match named {
                    Named::Order(number) => number.to_string(),
                    Named::Sale(key) => key.to_string(),
                };
                self.tell(Notice::OrderNotHere { number });
            }
        }
    }

    fn open_order(&mut self, sale: Option<u64>, from_list: bool) {
        let Some(sale) = sale else { return };
        if matches!(self.read(|journal| journal.sale(sale)), Some(Some(_))) {
            self.notices.over();
            self.at = At::Order { sale, from_list };
        }
    }
}

/// What is on the list's page.
#[derive(Clone, Debug, Default)]
struct Found {
    sales: Vec<StoredSale>,
    /// There is more behind it.
    more: bool,
    /// They are in this file of the archive, which cannot be read.
    archive_missing: Option<String>,
}

impl From<Result<Vec<StoredSale>, JournalError>> for Found {
    fn from(found: Result<Vec<StoredSale>, JournalError>) -> Self {
        match found {
            Ok(mut sales) => {
                let more = sales.len() > usize::from(PAGE);
                sales.truncate(usize::from(PAGE));
                Self { sales, more, archive_missing: None }
            }
            Err(error) => {
                tracing::error!(%error, "earlier sales cannot be read");
                let archive_missing = match error {
                    JournalError::Archive { file, .. } => Some(file),
                    _ => None,
                };
                Self { archive_missing, ..Self::default() }
            }
        }
    }
}

/// Where a sale stands in the list.
fn place(stored: &StoredSale) -> (Timestamp, u64) {
    (stored.record.sale.at, stored.record.sequence)
}

fn hint(query: Query) -> OrdersHint {
    let count = |digits: usize| u32::try_from(digits).unwrap_or(u32::MAX);
    match query {
        Query::Nothing | Query::Day(_) | Query::Unfinished => OrdersHint::Day,
        Query::Time(_) => OrdersHint::Time,
        Query::Named(_) => OrdersHint::Named,
        Query::Amount(minor) => OrdersHint::Amount { minor },
        Query::MoreDigits(digits) => OrdersHint::MoreDigits { have: count(digits) },
        Query::TooManyDigits(digits) => OrdersHint::TooManyDigits { have: count(digits) },
        Query::Mistyped => OrdersHint::Mistyped,
        Query::NotUnderstood => OrdersHint::NotUnderstood,
    }
}

fn state_of(stored: &StoredSale, refunded_minor: i64) -> OrderState {
    let record = &stored.record;
    if stored.quarantined {
        return OrderState::Quarantined;
    }
    if record.is_paid() {
        return match refunded_minor {
            0 if record.cash.is_some() && !stored.confirmed => OrderState::PaidUnsent,
            0 => OrderState::Paid,
            part if part < record.sale.total.minor => OrderState::PartlyRefunded,
            _ => OrderState::Refunded,
        };
    }
    if record.unsettled().is_some() {
        return OrderState::Unknown;
    }
    match record.attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
        Some(Settled::Reversed) => OrderState::Reversed,
        Some(Settled::Declined { .. }) => OrderState::NotPaid,
        _ if record.voided => OrderState::NotPaid,
        _ => OrderState::Open,
    }
}
