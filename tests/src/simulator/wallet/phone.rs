//! The phones of simulated customers, as a web page: for training, and for a person with a real scanner. A phone shows its
//! payment code as barcode and QR code, new each minute and good once; asks before it pays, if its customer is one who is
//! asked; and scans what a till shows.

mod view;
mod words;

use super::behaviour::Behaviour;
use super::book::{Book, Order, TradeState};
use super::counter::Counter;
use super::http::{Request, Response};
use super::shown::{Scanned, ShownCode};
use super::store::StoreError;
use crate::simulator::alipay::message::{Fields, read_form};
use evertill_shared::clock::Timestamp;
use evertill_shared::wallet::Wallet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use words::Words;

/// So much before its end a code is no longer on the phone, in milliseconds: who scans it last must still be in time.
const SPARE_MS: u64 = 5_000;
/// So many of the codes that tills show are offered for scanning.
const OFFERED: usize = 4;

/// One phone for each wallet.
pub struct Phones(Vec<Phone>);

/// A phone, in whosever hands.
struct Phone {
    counter: Arc<Counter>,
    held: Mutex<Held>,
}

struct Held {
    customer: Customer,
    looks_at: Look,
}

/// Who holds the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Customer {
    /// Pays at once.
    Pays,
    /// Is asked, and presses a button.
    IsAsked,
    /// Has no money.
    IsPoor,
}

impl Customer {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Pays, "pays"), (Self::IsAsked, "is_asked"), (Self::IsPoor, "is_poor")];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(customer, _)| *customer)
    }

    fn behaviour(self) -> Behaviour {
        match self {
            Self::Pays => Behaviour::Pays,
            Self::IsAsked => Behaviour::PasswordNever,
            Self::IsPoor => Behaviour::NoFunds,
        }
    }
}

/// What is on the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing yet.
    Nothing,
    /// A payment code.
    Code(String),
    /// An order.
    Order(String),
    /// What was scanned is not good.
    NoGood,
}

/// What a person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Screen {
    Code(String),
    /// An order, and whether its customer is asked just now.
    Order(Box<Order>),
    NoGood,
}

impl Screen {
    /// Changes when the person sees something else.
    fn mark(&self) -> String {
        match self {
            Self::Code(digits) => format!("code {digits}"),
            Self::Order(order) => format!("order {} {:?}", order.number, order.state),
            Self::NoGood => "no good".to_owned(),
        }
    }
}

impl Phone {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wallet(&self) -> Wallet {
        self.counter.wallet()
    }

    /// What is on it now, and who holds it. A code that is over makes place for the next.
    fn screen(&self) -> Result<(Screen, Customer), StoreError> {
        let mut held = self.held();
        let looks_at = held.looks_at.clone();
        let seen = self.counter.decide(|book, switches, now| {
            seen(book, &looks_at, switches.code_lifetime_ms.saturating_sub(SPARE_MS), now)
        })?;
        let screen = match seen {
            Some(screen) => screen,
            None => {
                let digits = self.counter.issue_code(held.customer.behaviour())?;
                held.looks_at = Look::Code(digits.clone());
                Screen::Code(digits)
            }
        };
        Ok((screen, held.customer))
    }

    /// What tills show just now and nobody has paid, the newest first.
    fn offered(&self) -> Result<Vec<ShownCode>, StoreError> {
        self.counter.decide(|book, _, now| {
            let is_open = |code: &&ShownCode| {
                let order = book.orders.get(&code.number);
                let waits = order.is_none_or(|order| order.state == TradeState::UserPaying);
                let is_last = book.shown_last.get(&code.number) == Some(&code.content);
                waits && is_last && !code.closed && now < code.until
            };
            let mut open: Vec<ShownCode> = book.shown.values().filter(is_open).cloned().collect();
            open.sort_by(|a, b| (b.until, &b.number).cmp(&(a.until, &a.number)));
            open.truncate(OFFERED);
            open
        })
    }

    /// Does what was pressed.
    fn press(&self, button: &str, form: &Fields) -> Result<bool, StoreError> {
        let mut held = self.held();
        match button {
            "customer" => {
                let named = form.get("customer").and_then(|name| Customer::named(name));
                let Some(customer) = named else { return Ok(false) };
                *held = Held { customer, looks_at: Look::Nothing };
            }
            "scan" => {
                let content = form.get("content").map_or("", |content| content.trim());
                let number =
                    self.counter.decide(|book, _, _| book.shown.get(content).map(|c| c.number.clone()))?;
                let scanned = self.counter.scan(content, held.customer.behaviour())?;
                held.looks_at = match (scanned, number) {
                    (Scanned::Paid | Scanned::Waiting, Some(number)) => Look::Order(number),
                    _ => Look::NoGood,
                };
            }
            "confirm" | "cancel" => {
                let Some(number) = form.get("number") else { return Ok(false) };
                self.counter.decide(|book, _, now| answered(book, number, button == "confirm", now))?;
                held.looks_at = Look::Order(number.clone());
            }
            "next" => held.looks_at = Look::Nothing,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What somebody sees who looks at that; nothing if it is time for another code.
fn seen(book: &Book, looks_at: &Look, fresh_ms: u64, now: Timestamp) -> Option<Screen> {
    let order = |number: &str| book.orders.get(number).cloned().map(|order| Screen::Order(Box::new(order)));
    match looks_at {
        Look::Nothing => None,
        Look::NoGood => Some(Screen::NoGood),
        Look::Order(number) => order(number),
        Look::Code(digits) => {
            let code = book.codes.get(digits)?;
            match &code.used_by {
                Some(number) => order(number),
                None if now.since(code.issued_at) < Duration::from_millis(fresh_ms) => {
                    Some(Screen::Code(digits.clone()))
                }
                None => None,
            }
        }
    }
}

/// The customer pays what they are asked for, or does not. A code that a till shows can be scanned again after that.
fn answered(book: &mut Book, number: &str, pays: bool, now: Timestamp) {
    let is_shown = book.shown_of(number).is_some();
    let Some(order) = book.order_mut(number).filter(|order| order.state == TradeState::UserPaying) else {
        return;
    };
    match (pays, is_shown) {
        (true, _) => order.charge(now),
        (false, false) => order.end(TradeState::PayError, now),
        (false, true) => {}
    }
}

impl Phones {
    /// Phones of the customers of these wallets, each showing a code from its first visit on.
    #[must_use]
    pub fn new(counters: Vec<Arc<Counter>>) -> Self {
        let held = || Mutex::new(Held { customer: Customer::Pays, looks_at: Look::Nothing });
        Self(counters.into_iter().map(|counter| Phone { counter, held: held() }).collect())
    }

    /// Answers a request for a phone; `None` if it is for something else.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Option<Response> {
        let button = request.path.strip_prefix("/phone/");
        let answered = match (request.method.as_str(), request.path.as_str(), button) {
            ("GET", "/", _) => self.page(request, &read_form(&request.query).unwrap_or_default()),
            ("GET", "/phone/state", _) => self.state(&read_form(&request.query).unwrap_or_default()),
            ("POST", _, Some(button)) => {
                let body = std::str::from_utf8(&request.body).ok().and_then(read_form);
                self.pressed(button, &body.unwrap_or_default())
            }
            _ => return None,
        };
        Some(answered.unwrap_or_else(|error| plain(500, &error.to_string())))
    }

    fn of(&self, form: &Fields) -> Option<&Phone> {
        let wanted = form.get("wallet").map(String::as_str);
        self.0.iter().find(|phone| Some(phone.wallet().code()) == wanted).or(self.0.first())
    }

    fn page(&self, request: &Request, form: &Fields) -> Result<Response, StoreError> {
        let Some(phone) = self.of(form) else { return Ok(plain(404, "there is no wallet")) };
        let liked = request.headers.get("accept-language").map_or("", String::as_str);
        let words = Words::of(form.get("lang").map_or(liked, String::as_str));
        let (screen, customer) = phone.screen()?;
        let sight = view::Sight {
            wallet: phone.wallet(),
            wallets: self.0.iter().map(Phone::wallet).collect(),
            customer,
            offered: phone.offered()?,
            mark: phone.mark()?,
            screen,
        };
        Ok(Response::ok("text/html; charset=utf-8", view::page(&sight, words)))
    }

    fn state(&self, form: &Fields) -> Result<Response, StoreError> {
        let Some(phone) = self.of(form) else { return Ok(plain(404, "there is no wallet")) };
        Ok(Response::ok("text/plain; charset=utf-8", phone.mark()?))
    }

    fn pressed(&self, button: &str, form: &Fields) -> Result<Response, StoreError> {
        let Some(phone) = self.of(form) else { return Ok(plain(404, "there is no wallet")) };
        if !phone.press(button, form)? {
            return Ok(plain(400, "no such button"));
        }
        let words = Words::of(form.get("lang").map_or("", String::as_str));
        let to = format!("/?wallet={}&lang={}", phone.wallet().code(), words.language);
        let headers = vec![("location".to_owned(), to), ("content-type".to_owned(), "text/plain".to_owned())];
        Ok(Response::Whole { status: 303, headers, body: Vec::new() })
    }
}

impl Phone {
    /// Changes when its page does.
    fn mark(&self) -> Result<String, StoreError> {
        let (screen, _) = self.screen()?;
        let offered: Vec<String> = self.offered()?.into_iter().map(|code| code.content).collect();
        Ok(format!("{} {}", screen.mark(), offered.join(" ")))
    }
}

fn plain(status: u16, text: &str) -> Response {
    Response::Reply { status, content_type: "text/plain; charset=utf-8", body: text.as_bytes().to_vec() }
}

#[cfg(test)]
mod tests;
