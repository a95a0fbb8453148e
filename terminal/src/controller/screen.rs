//! What is on screen, from where the till stands. Nothing is decided here.

use super::adjust::{net_minor, taken_off};
use super::enrol::Enrolling;
use super::payment::{Trouble, Watch};
use super::{At, Command, Controller, Fault};
use crate::sync::Line;
use crate::view::{
    AboutPage, AwaitCodePage, CartLine, CashBalance, CashPage, CashRest, DeclineReason, DonePage, EnrolPage,
    EnrolWaiting, FaultPage, Good, Link, MoneyStyle, Page, PaidBy, PaymentPage, PaymentState, Quantity,
    SalePage, Screen, StatusBar, UnknownStep, UnsentSales,
};
use evertill_shared::business_day::local_text;
use evertill_shared::clock::Timestamp;
use evertill_shared::payment;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

impl Controller {
    /// Shows where the till stands; after the passing of time only if something looks different.
    pub(super) fn show(&mut self, always: bool) {
        let screen = self.screen();
        if always || self.shown.as_ref() != Some(&screen) {
            self.shown = Some(screen.clone());
            self.out.push(Command::Show(Box::new(screen)));
        }
    }

    fn screen(&self) -> Screen {
        Screen {
            language: self.language,
            colours: self.colours,
            text_size: self.text_size,
            next_language: self.next_language(),
            money: self.money_style(),
            status: self.status_bar(),
            page: self
                .fault_page()
                .map_or_else(|| self.lock_page(self.approval_page(self.page())), Page::Fault),
            notice: self.notices.shown(self.duty.is_locked()).cloned().map(|notice| self.with_drawer(notice)),
            question: self.question.as_ref().map_or(0, |question| question.number),
            confirm: self.question.as_ref().map(|question| question.shown.clone()),
            training: None,
        }
    }

    fn money_style(&self) -> MoneyStyle {
        let currency = self.currency();
        // On screen the narrow sign; the wide one is for printers.
        let symbol = currency.sign().replace('￥', "¥");
        MoneyStyle { symbol, decimals: u8::try_from(currency.minor_digits()).unwrap_or(2) }
    }

    fn status_bar(&self) -> StatusBar {
        let identity = self.identity.as_ref();
        let sells = self.journal.is_some() && self.faults.is_empty();
        StatusBar {
            store: identity.map_or_else(String::new, |identity| identity.store.name.clone()),
            till: identity.map_or_else(String::new, |identity| identity.name.clone()),
            clock: self.time_of_day(self.now.wall),
            link: match self.sync.line() {
                Line::Connecting => Link::Connecting,
                Line::Up => Link::Online,
                Line::Down => Link::Offline,
            },
            cash_works: sells,
            code_works: sells && self.code_works(),
            unsent: self.unsent(),
            printer: self.printer,
            scanner: self.scanner,
            cashier: self.cashier().filter(|_| !self.duty.is_locked()).map(|cashier| cashier.name),
            refunds_waiting: self.status.as_ref().map_or(0, |status| status.refunds_waiting),
        }
    }

    fn unsent(&self) -> Option<UnsentSales> {
        let journal = self.journal.as_ref()?;
        let (unsent, handed_in) = (journal.unsent().ok()?, journal.handed_in().ok()?);
        Some(UnsentSales {
            count: u32::try_from(unsent.sales).unwrap_or(u32::MAX),
            oldest_seconds: unsent.oldest.map_or(0, |at| self.now.wall.since(at).as_secs()),
            entries: journal.head().sequence.saturating_sub(handed_in),
        })
    }

    /// `14:05` in the store's zone; nothing before the till knows its store.
    pub(super) fn time_of_day(&self, at: Timestamp) -> String {
        let Some(identity) = &self.identity else { return String::new() };
        local_text(at, &identity.store.zone).get(11..16).unwrap_or_default().to_owned()
    }

    fn fault_page(&self) -> Option<FaultPage> {
        let gravest = self.faults.iter().min_by_key(|fault| match fault {
            Fault::Forked => 0,
            Fault::Own(_) => 1,
            Fault::Terminal(_) => 2,
        })?;
        Some(match gravest {
            Fault::Forked => FaultPage::JournalForked,
            Fault::Own(page) => page.clone(),
            Fault::Terminal(TerminalState::Retired) => FaultPage::Retired,
            Fault::Terminal(TerminalState::Pending) => FaultPage::Other { detail: "terminal_pending".into() },
            Fault::Terminal(_) => FaultPage::Blocked,
        })
    }

    fn page(&self) -> Page {
        match &self.at {
            At::Starting => Page::Starting,
            At::Enrol(enrolling) => Page::Enrol(self.enrol_page(enrolling)),
            At::Sale => Page::Sale(self.sale_page()),
            At::AwaitCode { held: None } => Page::AwaitCode(self.await_page()),
            At::AwaitCode { held: Some(held) } => {
                let state =
                    if held.is_to_show() { PaymentState::PreparingCode } else { PaymentState::Sending };
                Page::Payment(self.payment_page(Some(held.wallet), state))
            }
            At::Cash { given_minor } => Page::Cash(self.cash_page(*given_minor)),
            At::Payment { sale } => self.watched_page(*sale),
            At::Ended { wallet, state } => Page::Payment(self.payment_page(*wallet, state.clone())),
            At::Done { sale } => self.done_page(*sale).map_or(Page::Starting, Page::Done),
            At::Adjust { target } => Page::Adjust(self.adjust_page(*target)),
            At::Serial(asking) => Page::Serial(self.serial_page(asking)),
            At::Held => Page::Held(self.held_page()),
            At::Refunds => Page::Refunds(self.refunds_page()),
            At::Orders => Page::Orders(self.orders_page()),
            At::Order { sale, .. } => {
                self.order_page(*sale).map_or(Page::Starting, |page| Page::Order(Box::new(page)))
            }
            At::AskRefund(asking) => Page::AskRefund(Box::new(self.ask_refund_page(asking))),
            At::About => Page::About(self.about_page()),
            At::Day { test } => Page::Day(self.day_page(*test)),
            At::Scanners => Page::Scanners(self.scanners_page()),
            At::Drawer => Page::Drawer,
            At::Shift => Page::Shift(self.shift_page()),
            At::DrawerAmount(typed) => Page::DrawerAmount(Self::amount_page(typed)),
            At::Count { sheet, .. } => Page::Count(Self::count_page(sheet)),
            At::Report { .. } => {
                self.report_page().map_or_else(|| Page::Shift(self.shift_page()), Page::Report)
            }
        }
    }

    fn enrol_page(&self, enrolling: &Enrolling) -> EnrolPage {
        match (enrolling, &self.identity) {
            (Enrolling::Waiting { server_answers }, Some(identity)) => EnrolPage::Waiting(EnrolWaiting {
                server: identity.servers.first().cloned().unwrap_or_default(),
                registration_code: identity.registration_code.clone(),
                fingerprint: self.fingerprint.clone(),
                qr: format!("{} {}", identity.registration_code, self.fingerprint),
                server_answers: *server_answers,
            }),
            (Enrolling::Form(form), _) => EnrolPage::Form(form.clone()),
            (Enrolling::Waiting { .. }, None) => EnrolPage::Form(crate::view::EnrolForm {
                server: String::new(),
                busy: false,
                failure: None,
                scanned: None,
            }),
        }
    }

    fn sale_page(&self) -> SalePage {
        let lines = self.cart.lines().iter().map(|named| CartLine {
            line: named.name,
            name: named.line.name.clone(),
            quantity: Quantity::Pieces(named.line.quantity),
            unit_price_minor: named.line.unit_price.minor,
            total_minor: net_minor(&named.line),
            was_minor: named.line.price_change.as_ref().map(|change| change.was.minor),
            discount: named.line.discount.as_ref().map(taken_off),
            note: named.line.note.clone().unwrap_or_default(),
            serial: named.line.serial.clone(),
        });
        SalePage {
            lines: lines.collect(),
            total_minor: self.cart.total_minor(),
            tax_minor: self.cart.tax_minor(),
            discount: self.cart.discount().map(taken_off),
            note: self.cart.note().unwrap_or_default().to_owned(),
            lines_voided: self.cart.lines_voided(),
            held: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
            item_count: self.cart.item_count(),
            search: self.search.clone(),
            matches: self.found.goods.iter().map(good).collect(),
            favourites: self.goods.favourites().map(|product| self.tile(product)).collect(),
        }
    }

    fn tile(&self, product: &Product) -> Good {
        let picture = self.options.pictures.shown(&product.id).map(str::to_owned);
        Good { picture, ..good(product) }
    }

    fn await_page(&self) -> AwaitCodePage {
        let status = self.status.as_ref();
        let wallets = status.map(|status| status.wallets.as_slice()).unwrap_or_default();
        let shows = status.map(|status| status.shows.as_slice()).unwrap_or_default();
        AwaitCodePage {
            total_minor: self.cart.total_minor(),
            part_minor: self.part_minor(),
            wallets: wallets.to_vec(),
            shows: shows.to_vec(),
            drawer: self.drawer_of_part(),
        }
    }

    fn cash_page(&self, given_minor: i64) -> CashPage {
        let (part_minor, total) = (self.part_minor(), self.due_minor());
        let (rest, digits) = (self.rest_of(given_minor), self.currency().minor_digits());
        let mut quick_amounts_minor = quick_amounts(total, digits);
        if rest != CashRest::NotNow && part_minor == 0 {
            quick_amounts_minor.extend(part_amounts(total, digits));
        }
        CashPage {
            total_minor: self.cart.total_minor(),
            part_minor,
            given_minor,
            balance: if given_minor >= total {
                CashBalance::Change { minor: given_minor - total }
            } else {
                CashBalance::Missing { minor: total - given_minor }
            },
            quick_amounts_minor,
            rest,
            drawer: self.drawer_of_part(),
        }
    }

    fn payment_page(&self, wallet: Option<Wallet>, state: PaymentState) -> PaymentPage {
        let stored = self.frozen.and_then(|sale| self.journal.as_ref()?.sale(sale).ok().flatten());
        PaymentPage {
            total_minor: self.cart.total_minor(),
            part_minor: self.part_minor(),
            wallet,
            order_number: stored.and_then(|stored| stored.record.number()).map(|number| number.to_string()),
            state,
        }
    }

    fn watched_page(&self, sale: u64) -> Page {
        let Some(watch) = self.watches.iter().find(|watch| watch.sale == sale) else { return Page::Starting };
        let part_minor = self.part_of(sale);
        Page::Payment(PaymentPage {
            total_minor: watch.total_minor + part_minor,
            part_minor,
            wallet: Some(watch.wallet),
            order_number: Some(watch.number.to_string()),
            state: watch_state(watch, self.now.monotonic),
        })
    }

    fn done_page(&self, sale: u64) -> Option<DonePage> {
        let record = self.journal.as_ref()?.sale(sale).ok()??.record;
        let identity = self.identity.as_ref()?;
        let paid_by = match (&record.cash, record.paid_attempt()) {
            (Some(cash), _) => {
                PaidBy::Cash { given_minor: cash.given.minor, change_minor: cash.change.minor }
            }
            (None, attempt) => {
                let wallet = attempt?.wallet;
                match record.part {
                    Some(part) => PaidBy::Split {
                        cash_minor: part.amount.minor,
                        wallet,
                        wallet_minor: record.rest().minor,
                    },
                    None => PaidBy::Wallet(wallet),
                }
            }
        };
        Some(DonePage {
            total_minor: record.sale.total.minor,
            paid_by,
            order_number: record.number().map(|number| number.to_string()),
            sale_number: identity.sale_key(sale).to_string(),
            receipt: self.receipt_state(sale),
            drawer: self.drawer_of(sale),
        })
    }

    fn about_page(&self) -> AboutPage {
        AboutPage {
            version: self.options.version.clone(),
            server: self.identity.as_ref().and_then(|i| i.servers.first().cloned()).unwrap_or_default(),
            fingerprint: self.fingerprint.clone(),
            may_end: self.options.kiosk,
        }
    }
}

fn watch_state(watch: &Watch, now: Duration) -> PaymentState {
    if let Some(showing) = showing_code(watch, now) {
        return showing;
    }
    let Some(since) = watch.in_doubt_since(now) else {
        let waiting = watch.view.as_ref().filter(|(view, _)| view.state == payment::PaymentState::Waiting);
        return waiting.map_or(PaymentState::Sending, |(view, at)| PaymentState::CustomerConfirming {
            since_seconds: view
                .server_time
                .since(view.since)
                .saturating_add(now.saturating_sub(*at))
                .as_secs(),
        });
    };
    let step = match watch.trouble {
        Some(Trouble::NoServer) => UnknownStep::NoServer,
        Some(Trouble::NoGroup) => UnknownStep::WaitingForGroup,
        None if watch.is_shown() && (watch.taking_back || watch.code_over_since(now).is_some()) => {
            UnknownStep::ClosingCode
        }
        None if watch.taking_back => UnknownStep::TakingBack,
        None => UnknownStep::AskingWallet,
    };
    // By the server's clock, and what has passed here since it spoke: the till's own clock may be wrong.
    let closing = step == UnknownStep::ClosingCode;
    let left = watch.view.as_ref().map(|(view, at)| {
        let until = match &view.shown {
            Some(shown) if closing => shown.over_at,
            _ => view.deadline,
        };
        until.since(view.server_time).saturating_sub(now.saturating_sub(*at)).as_secs()
    });
    PaymentState::Unknown {
        step,
        since_seconds: now.saturating_sub(since).as_secs(),
        deadline_seconds: left.filter(|_| closing || step == UnknownStep::AskingWallet),
        can_set_aside: true,
    }
}

/// The code on screen, as long as the server's last word lets somebody pay by it; or that it is on its way.
fn showing_code(watch: &Watch, now: Duration) -> Option<PaymentState> {
    if watch.taking_back || !watch.is_shown() {
        return None;
    }
    let server_answers = watch.trouble.is_none();
    let Some((view, at)) = &watch.view else { return server_answers.then_some(PaymentState::PreparingCode) };
    let shown = view.shown.as_ref()?;
    let left = shown.until.since(view.server_time).saturating_sub(now.saturating_sub(*at));
    match &shown.content {
        Some(code) if !left.is_zero() => Some(PaymentState::ShowingCode {
            code: code.clone(),
            remaining_seconds: left.as_secs(),
            server_answers,
        }),
        None if server_answers && !left.is_zero() => Some(PaymentState::PreparingCode),
        Some(_) | None => None,
    }
}

fn good(product: &Product) -> Good {
    Good {
        id: product.id.clone(),
        name: product.name.clone(),
        code: product.barcodes.first().unwrap_or(&product.id).clone(),
        price_minor: product.price.minor,
        picture: None,
    }
}

pub fn decline_reason(reason: payment::DeclineReason) -> DeclineReason {
    use payment::DeclineReason as R;
    match reason {
        R::CodeExpired => DeclineReason::CodeExpired,
        R::NotEnoughFunds => DeclineReason::InsufficientFunds,
        R::CardNotAccepted => DeclineReason::AccountRefused,
        R::PaymentFailed => DeclineReason::CustomerDeclined,
        R::LimitOrRisk => DeclineReason::LimitExceeded,
        R::Configuration | R::NoAccount => DeclineReason::MerchantAccount,
        R::OutsideLimits => DeclineReason::OutsideLimits,
        R::ChannelUnreachable => DeclineReason::WalletUnavailable,
    }
}

/// The exact total, then what people hand over: the next round amounts. Six at most.
fn quick_amounts(total: i64, digits: u32) -> Vec<i64> {
    let unit = 10_i64.saturating_pow(digits);
    let mut amounts = vec![total];
    for step in [1, 5, 10, 20, 50, 100, 500, 1000] {
        let step = unit.saturating_mul(step);
        let rounded = total.saturating_add(step - 1) / step * step;
        if rounded > total && !amounts.contains(&rounded) && amounts.len() < 6 {
            amounts.push(rounded);
        }
    }
    amounts
}

/// Notes that are less than the total, as a part of it. Three at most.
fn part_amounts(total: i64, digits: u32) -> Vec<i64> {
    let unit = 10_i64.saturating_pow(digits);
    let notes = [100, 50, 20, 10, 5, 1].into_iter().map(|note| unit.saturating_mul(note));
    notes.filter(|note| *note < total).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::{part_amounts, quick_amounts};

    #[test]
    fn part_amounts_are_notes_below_the_total() {
        assert_eq!(part_amounts(8_000, 2), [5_000, 2_000, 1_000]);
        assert_eq!(part_amounts(5_000, 2), [2_000, 1_000, 500]);
        assert_eq!(part_amounts(100, 2), Vec::<i64>::new());
        assert_eq!(part_amounts(130, 0), [100, 50, 20]);
    }

    #[test]
    fn quick_amounts_begin_with_the_exact_total_and_grow() {
        assert_eq!(quick_amounts(1_250, 2), [1_250, 1_300, 1_500, 2_000, 5_000, 10_000]);
        assert_eq!(quick_amounts(10_000, 2), [10_000, 50_000, 100_000]);
        assert_eq!(quick_amounts(130, 0), [130, 140, 150, 200, 500, 1_000]);
    }
}
