//! A cashier: sees the screen, and touches it, sometimes twice and sometimes too early.

use super::chance::Chance;
use super::plan::Sale;
use crate::simulator::wechat::Behaviour;
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_terminal::controller::Input;
use evertill_terminal::view::{
    AdjustPage, AwaitCodePage, HeldPage, Page, PaymentState, RefundState, SalePage, Screen, TypedOff,
    UserAction as Act, Wallet,
};
use std::collections::VecDeque;
use std::time::Duration;

mod parts;

/// After so long of waiting for a code or for the line a cashier takes cash.
const PATIENCE: Duration = Duration::from_secs(20);

/// For so long a customer is away who fetches something, if nobody else is served meanwhile.
const FETCHES: Duration = Duration::from_secs(15);

/// An impatient cashier waits so long for a customer to scan.
const WAITS_FOR_A_SCAN: Duration = Duration::from_secs(6);

/// What a cashier does next.
pub enum Doing {
    Nothing,
    Touch(Act),
    /// A customer shows this code, and it is scanned.
    Scan(String, Behaviour),
}

/// One cashier.
pub struct Cashier {
    waiting: VecDeque<Sale>,
    serving: Option<Sale>,
    /// Since when the same thing is waited for.
    since: Duration,
    scanned: bool,
    /// Goods in the cart so far.
    put_in: u8,
    two_wallets: bool,
    chance: Chance,
    /// Of what customers want besides: drawn from its own stream.
    wishes: Chance,
    wish: Wish,
    /// Who fetches something, while others are served.
    away: Option<Away>,
    /// How many have been away: each held sale has a name of its own.
    fetched: u32,
}

/// A customer who fetches something. The sale is held under a name, and outlives the till's program as it should.
#[derive(Debug)]
struct Away {
    sale: Sale,
    name: String,
    /// When they are back, if nobody else is served before that.
    back: Duration,
    /// Somebody else was served.
    others: bool,
}

/// What a customer wants besides goods.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Nothing,
    /// Something taken off the whole sale.
    Discount,
    /// To fetch something: the sale is held, others are served, and it is taken in hand again.
    Fetch,
    /// It was held under this name, if the till could.
    Holding(String),
    /// They are back: the sale of this name is to be taken in hand.
    Back(String),
}

/// How codes of the two wallets begin.
pub const PREFIXES: [&str; 2] = ["13", "28"];

impl Cashier {
    pub fn new(chance: Chance, wishes: Chance, two_wallets: bool) -> Self {
        Self {
            wishes,
            wish: Wish::Nothing,
            away: None,
            fetched: 0,
            two_wallets,
            waiting: VecDeque::new(),
            serving: None,
            since: Duration::ZERO,
            scanned: false,
            put_in: 0,
            chance,
        }
    }

    /// A customer comes.
    pub fn serve(&mut self, sale: Sale) {
        self.waiting.push_back(sale);
    }

    /// The shop closes: whoever has not been served yet goes home, and whoever is away comes back.
    pub fn closes(&mut self) {
        self.waiting.clear();
        if let Some(away) = &mut self.away {
            away.back = Duration::ZERO;
        }
    }

    /// Whether nobody is being served or waits.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.serving.is_none() && self.away.is_none()
    }

    /// The till went off: whoever is at it is forgotten, and the till remembers.
    pub fn till_went_off(&mut self) {
        self.serving = None;
        self.scanned = false;
        self.wish = Wish::Nothing;
    }

    /// How long after the code is shown the customer scans it, and what they do then; nothing if they do not.
    pub fn customer_scans(&self) -> Option<(u64, Behaviour)> {
        let sale = self.serving.as_ref()?;
        Some((sale.shown?.after_ms?, sale.behaviour))
    }

    /// How long until the next touch.
    pub fn pause(&mut self) -> Duration {
        Duration::from_millis(self.chance.between(150, 1_500))
    }

    /// Whether a touch is made twice.
    pub fn presses_twice(&mut self) -> bool {
        let often = if self.serving.as_ref().is_some_and(|sale| sale.twice) { 400 } else { 50 };
        self.chance.once_in(often)
    }

    /// What to do at this screen.
    pub fn looks_at(&mut self, screen: &Screen, now: Duration) -> Doing {
        if let Some(question) = &screen.confirm {
            return Doing::Touch(self.at_question(question, screen.question));
        }
        match &screen.page {
            Page::Sale(page) => self.at_sale(page, screen, now),
            Page::Adjust(page) => Doing::Touch(self.at_adjust(page)),
            Page::Held(page) => Doing::Touch(self.at_held(page)),
            Page::AwaitCode(page) => self.at_code(page, now),
            Page::Cash(page) => self.at_cash(page, now),
            Page::Payment(page) => self.at_payment(&page.state, now),
            Page::Done(_) => {
                self.serving = None;
                self.waits_anew(now);
                Doing::Touch(Act::NextSale)
            }
            Page::Refunds(page) => {
                let next = page.items.iter().find(|item| item.state == RefundState::Waiting);
                match next {
                    Some(item) => Doing::Touch(Act::CarryOutRefund { id: item.id.clone() }),
                    None if now < self.since + Duration::from_secs(4) => Doing::Nothing,
                    None => {
                        self.waits_anew(now);
                        Doing::Touch(Act::Back)
                    }
                }
            }
            Page::Fault(_) => Doing::Touch(Act::RetryFault),
            Page::Orders(_)
            | Page::Order(_)
            | Page::AskRefund(_)
            | Page::Serial(_)
            | Page::About(_)
            | Page::Day(_)
            | Page::Scanners(_)
            | Page::Approval(_)
            | Page::Drawer
            | Page::Shift(_)
            | Page::DrawerAmount(_)
            | Page::Count(_)
            | Page::Report(_) => Doing::Touch(Act::Back),
            Page::Starting | Page::Enrol(_) | Page::Lock(_) => Doing::Nothing,
        }
    }

    fn waits_anew(&mut self, now: Duration) {
        self.since = now;
        self.scanned = false;
        self.put_in = 0;
    }

    fn at_sale(&mut self, page: &SalePage, screen: &Screen, now: Duration) -> Doing {
        if self.serving.is_none() {
            if !page.lines.is_empty() {
                return Doing::Touch(Act::VoidSale);
            }
            self.next_customer(now);
            if self.serving.is_none() && page.held > u32::from(self.away.is_some()) {
                // Nobody came back for it: it is taken in hand, to be voided.
                return Doing::Touch(Act::OpenHeld);
            }
            if self.serving.is_none() {
                let refunds = screen.status.refunds_waiting > 0;
                return if refunds { Doing::Touch(Act::OpenRefunds) } else { Doing::Nothing };
            }
        }
        if let Wish::Holding(name) = &mut self.wish {
            let name = std::mem::take(name);
            self.wish = Wish::Nothing;
            // A till that could not hold it has it in hand still.
            if page.lines.is_empty() {
                return self.goes_away(name, now);
            }
        }
        let Some(sale) = &self.serving else { return Doing::Nothing };
        if matches!(self.wish, Wish::Back(_)) && page.lines.is_empty() && page.held > 0 {
            return Doing::Touch(Act::OpenHeld);
        }
        if self.put_in < sale.goods || page.lines.is_empty() {
            self.put_in += 1;
            let of =
                page.favourites.get(usize::from(sale.goods + self.put_in) % page.favourites.len().max(1));
            return of.map_or(Doing::Nothing, |good| Doing::Touch(Act::AddProduct { id: good.id.clone() }));
        }
        match self.wish {
            Wish::Discount => return Doing::Touch(Act::OpenWhole),
            Wish::Fetch => return Doing::Touch(Act::OpenHeld),
            Wish::Nothing | Wish::Holding(_) | Wish::Back(_) => {}
        }
        if sale.cash || sale.part_percent.is_some() || now >= self.since + PATIENCE {
            return Doing::Touch(Act::TenderCash);
        }
        if screen.status.code_works { Doing::Touch(Act::TenderCode) } else { Doing::Nothing }
    }

    /// Whoever comes next: somebody who was away, or whose turn it is, with what they want besides.
    fn next_customer(&mut self, now: Duration) {
        self.waits_anew(now);
        self.wish = Wish::Nothing;
        let is_back = |away: &mut Away| away.others || now >= away.back;
        if let Some(away) = self.away.take_if(is_back) {
            // They have brought one more.
            self.put_in = away.sale.goods.saturating_sub(1);
            (self.serving, self.wish) = (Some(away.sale), Wish::Back(away.name));
            return;
        }
        self.serving = self.waiting.pop_front();
        if self.serving.is_none() {
            return;
        }
        if let Some(away) = &mut self.away {
            away.others = true;
        }
        self.wish = match self.wishes.below(8) {
            0 | 1 => Wish::Discount,
            2 | 3 if self.away.is_none() => Wish::Fetch,
            _ => Wish::Nothing,
        };
    }

    /// The sale in hand is held under this name: whoever it is of goes away.
    fn goes_away(&mut self, name: String, now: Duration) -> Doing {
        let others = false;
        self.away = self.serving.take().map(|sale| Away { sale, name, back: now + FETCHES, others });
        Doing::Nothing
    }

    /// Something is taken off, once, by amount or by per cent.
    fn at_adjust(&mut self, page: &AdjustPage) -> Act {
        if std::mem::replace(&mut self.wish, Wish::Nothing) != Wish::Discount {
            return Act::Back;
        }
        let off = match self.wishes.below(2) {
            0 => TypedOff::Points(u16::try_from(self.wishes.between(1, 9_000)).unwrap_or(500)),
            _ => TypedOff::Minor(page.before_minor / i64::try_from(self.wishes.between(2, 9)).unwrap_or(2)),
        };
        Act::TakeOff { off, reason: Reason::usual(ReasonKind::Regular) }
    }

    fn at_held(&mut self, page: &HeldPage) -> Act {
        let wish = std::mem::replace(&mut self.wish, Wish::Nothing);
        if wish == Wish::Fetch && page.item_count > 0 {
            self.fetched += 1;
            let name = format!("customer {}", self.fetched);
            self.wish = Wish::Holding(name.clone());
            return Act::Hold { name };
        }
        let recalled = match &wish {
            Wish::Back(name) => page.rows.iter().find(|row| row.name == *name),
            // Nobody comes back for it; what is of somebody who is away stays.
            _ => page.rows.iter().find(|row| self.away.as_ref().is_none_or(|away| away.name != row.name)),
        };
        match recalled {
            Some(held) if page.item_count == 0 => Act::Recall { id: held.id },
            _ => Act::Back,
        }
    }

    fn at_code(&mut self, page: &AwaitCodePage, now: Duration) -> Doing {
        if !self.scanned {
            self.scanned = true;
            self.since = now;
            let is_shown = self.serving.as_ref().is_some_and(|sale| sale.shown.is_some());
            let second = self.two_wallets && self.serving.as_ref().is_some_and(|sale| sale.second);
            let wallet = if second { Wallet::Alipay } else { Wallet::WeChatPay };
            if is_shown && page.shows.contains(&wallet) {
                return Doing::Touch(Act::ShowCode { wallet });
            }
            let behaviour = self.serving.as_ref().map_or(Behaviour::Pays, |sale| sale.behaviour);
            let digits = format!("{:016}", self.chance.below(10_000_000_000_000_000));
            let digits = format!("{}{digits}", PREFIXES[usize::from(second)]);
            return Doing::Scan(digits, behaviour);
        }
        if now >= self.since + PATIENCE {
            self.since = now;
            if let Some(sale) = &mut self.serving {
                sale.cash = true;
            }
            return Doing::Touch(Act::Back);
        }
        Doing::Nothing
    }

    fn at_payment(&mut self, state: &PaymentState, now: Duration) -> Doing {
        let impatient = self.serving.as_ref().is_some_and(|sale| sale.impatient);
        match state {
            PaymentState::Declined(_) | PaymentState::Reversed => {
                self.scanned = false;
                self.since = now;
                Doing::Touch(match (&mut self.serving, self.chance.below(4)) {
                    (None, _) | (_, 0) => {
                        self.serving = None;
                        Act::Back
                    }
                    (Some(sale), 1) => {
                        sale.cash = true;
                        Act::TenderCash
                    }
                    // The part in cash goes back, and all of it is to be paid with the phone.
                    (Some(sale), 2) if sale.part_percent.is_some() => {
                        (sale.behaviour, sale.shown, sale.part_percent) = (Behaviour::Pays, None, None);
                        Act::TenderCash
                    }
                    (Some(sale), _) => {
                        (sale.behaviour, sale.shown) = (Behaviour::Pays, None);
                        Act::TenderCode
                    }
                })
            }
            PaymentState::ShowingCode { .. } if impatient && now >= self.since + WAITS_FOR_A_SCAN => {
                Doing::Touch(Act::TakeBack)
            }
            PaymentState::Unknown { can_set_aside, since_seconds, .. } if impatient && *since_seconds > 3 => {
                if self.chance.once_in(300) {
                    return Doing::Touch(Act::TakeBack);
                }
                if *can_set_aside && self.chance.once_in(300) {
                    self.serving = None;
                    return Doing::Touch(Act::SetAside);
                }
                Doing::Nothing
            }
            _ => Doing::Nothing,
        }
    }
}

/// The touch as the till gets it.
pub fn touch(act: Act) -> Input {
    Input::Action(act)
}
