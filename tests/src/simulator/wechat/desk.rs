//! The wallet's desk: bytes in, bytes out. Checks signatures for real, asks the rules, signs, and misbehaves.

use super::behaviour::{Behaviour, Endpoint, Fault, Switches};
use super::book::{Book, Code, Order};
use super::http::Response;
use super::message::{self, Fields};
use super::rules::{self, Refusal, pairs};
use super::store::{Store, StoreError};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::secret::SecretText;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const XML: &str = "text/xml; charset=utf-8";

/// Everything that is behind one lock.
pub(super) struct Inside {
    pub book: Book,
    pub switches: Switches,
    pub store: Store,
    /// How far the simulator's clock is turned.
    pub turned_ms: i64,
    noise: u64,
}

/// The merchant as the wallet knows it, and the wallet's books.
pub(super) struct Desk {
    pub app_id: String,
    pub merchant_id: String,
    pub api_key: SecretText,
    pub clock: Arc<dyn Clock>,
    inside: Mutex<Inside>,
}

impl Desk {
    /// A desk over the books in `store`.
    /// # Errors
    /// The books cannot be read.
    pub fn new(
        (app_id, merchant_id, api_key): (String, String, SecretText),
        store: Store,
        switches: Switches,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let (book, turned_ms) = (store.load()?, store.setting("turned_ms")?.unwrap_or(0));
        let inside = Mutex::new(Inside { book, switches, store, turned_ms, noise: seed | 1 });
        Ok(Self { app_id, merchant_id, api_key, clock, inside })
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, inside: &Inside) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(inside.turned_ms))
    }

    /// Shows a new payment code on somebody's phone.
    pub fn issue_code(&self, behaviour: Behaviour, balance_minor: Option<i64>) -> Result<String, StoreError> {
        let mut inside = self.inside();
        let mut digits = new_digits(inside.next_noise());
        while inside.book.codes.contains_key(&digits) {
            digits = new_digits(inside.next_noise());
        }
        let issued_at = self.now(&inside);
        let code = Code { digits: digits.clone(), behaviour, balance_minor, issued_at, used_by: None };
        inside.book.changed_codes.insert(digits.clone());
        inside.book.codes.insert(digits.clone(), code);
        inside.save()?;
        Ok(digits)
    }

    /// Shows this payment code on somebody's phone.
    pub fn show_code(&self, digits: String, behaviour: Behaviour) -> Result<(), StoreError> {
        let mut inside = self.inside();
        let issued_at = self.now(&inside);
        let code = Code { digits: digits.clone(), behaviour, balance_minor: None, issued_at, used_by: None };
        inside.book.changed_codes.insert(digits.clone());
        inside.book.codes.insert(digits, code);
        inside.save()
    }

    /// The truth, as of now.
    pub fn orders(&self) -> Result<Vec<Order>, StoreError> {
        let mut inside = self.inside();
        let now = self.now(&inside);
        let Inside { book, switches, .. } = &mut *inside;
        book.advance(now, switches);
        inside.save()?;
        Ok(inside.book.orders.values().cloned().collect())
    }

    /// Turns the simulator's clock forward; answers what it shows then.
    pub fn turn_clock(&self, by_ms: i64) -> Result<Timestamp, StoreError> {
        let mut inside = self.inside();
        inside.turned_ms = inside.turned_ms.saturating_add(by_ms);
        inside.store.set("turned_ms", &inside.turned_ms)?;
        Ok(self.now(&inside))
    }

    /// Answers one call.
    pub async fn serve(&self, endpoint: Endpoint, body: &[u8], negative_test: Option<&str>) -> Response {
        let Some(fields) = message::read(body) else { return not_taken("XML格式错误") };
        if let Err(why) = self.authentic(&fields) {
            tracing::warn!(?endpoint, why, "a request was not taken");
            return not_taken(why);
        }
        let negative_test = negative_test.and_then(Behaviour::from_header);
        let fault = self.fault_of(endpoint, &fields, negative_test);
        match fault {
            Some(Fault::RequestLost) => return Response::HangUp,
            Some(Fault::ArrivesLate { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
            _ => {}
        }
        let answer = match &fault {
            Some(Fault::Refuse { err_code }) => rules::refuse(err_code, "模拟的错误"),
            _ => self.answer(endpoint, &fields, negative_test),
        };
        if let Some(Fault::Slow { ms }) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        self.respond(&fields, answer, fault.as_ref())
    }

    fn authentic(&self, fields: &Fields) -> Result<(), &'static str> {
        let is = |name: &str, value: &str| fields.get(name).is_some_and(|v| v == value);
        if !is("appid", &self.app_id) {
            return Err("appid不存在");
        }
        if !is("mch_id", &self.merchant_id) {
            return Err("商户号mch_id与appid不匹配");
        }
        let sign_type = fields.get("sign_type").map(String::as_str);
        match message::signature(fields, sign_type, &self.api_key) {
            Some(signature) if is("sign", &signature) => Ok(()),
            _ => Err("SIGNERROR 签名错误，请检查后再试"),
        }
    }

    /// What goes wrong with this call: by the code or the order, by the header, or by a switch.
    fn fault_of(&self, endpoint: Endpoint, fields: &Fields, header: Option<Behaviour>) -> Option<Fault> {
        let mut inside = self.inside();
        let by_switch = inside.switches.take_fault(endpoint);
        if by_switch.is_some() {
            return by_switch;
        }
        if let Some(behaviour) = header {
            return behaviour.fault(endpoint, 0);
        }
        let order = fields.get("out_trade_no").and_then(|number| inside.book.orders.get(number));
        match (endpoint, order) {
            // A repeated pay call is answered with its plain error.
            (Endpoint::Pay, Some(_)) => None,
            (Endpoint::Pay, None) => {
                let code = fields.get("auth_code").and_then(|digits| inside.book.codes.get(digits));
                code.and_then(|code| code.behaviour.fault(endpoint, 0))
            }
            (Endpoint::Reverse, Some(order)) => order.behaviour.fault(endpoint, order.reversals),
            (_, order) => order.and_then(|order| order.behaviour.fault(endpoint, order.queries)),
        }
    }

    fn answer(
        &self,
        endpoint: Endpoint,
        fields: &Fields,
        negative_test: Option<Behaviour>,
    ) -> Result<Fields, Refusal> {
        let mut inside = self.inside();
        let now = self.now(&inside);
        let Inside { book, switches, .. } = &mut *inside;
        book.advance(now, switches);
        let request = rules::Request { endpoint, fields, now, negative_test };
        let answer = request.answer(book, switches);
        if let Err(error) = inside.save() {
            // Whatever was decided is not on disk: like the real one, it may or may not have happened.
            tracing::error!(%error, "the books could not be saved");
            return rules::refuse("SYSTEMERROR", "系统错误");
        }
        answer
    }

    fn respond(&self, asked: &Fields, answer: Result<Fields, Refusal>, fault: Option<&Fault>) -> Response {
        let mut reply = match answer {
            Ok(fields) => {
                let mut reply = pairs(&[("result_code", "SUCCESS")]);
                reply.extend(fields);
                reply
            }
            Err(refusal) => refused(&refusal),
        };
        if matches!(fault, Some(Fault::SystemError)) {
            reply =
                refused(&Refusal { code: "SYSTEMERROR".into(), text: "系统超时".into(), recall: true });
        }
        reply.extend(pairs(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "OK"),
            ("appid", &self.app_id),
            ("mch_id", &self.merchant_id),
        ]));
        self.inside().add_noise(&mut reply);
        reply.retain(|_, value| !value.is_empty());
        tamper(&mut reply, fault);
        let wrong_key = SecretText::new("0".repeat(32));
        let key = if fault == Some(&Fault::BadSignature) { &wrong_key } else { &self.api_key };
        if fault != Some(&Fault::Unsigned) {
            let sign_type = asked.get("sign_type").map(String::as_str);
            reply.insert("sign".into(), message::signature(&reply, sign_type, key).unwrap_or_default());
        }
        match fault {
            Some(Fault::ReplyLost) => Response::HangUp,
            Some(Fault::Garbage) => Response::ok(XML, b"\x00<html>\xff busy".as_slice()),
            Some(Fault::ServerError) => {
                Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() }
            }
            _ => Response::ok(XML, message::write(&reply)),
        }
    }
}

impl Inside {
    /// Writes down what has changed.
    pub fn save(&mut self) -> Result<(), StoreError> {
        self.store.save(&mut self.book)
    }

    fn next_noise(&mut self) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise
    }

    /// A nonce, and now and then a field that no documentation knows: the wallet reserves that right.
    fn add_noise(&mut self, reply: &mut Fields) {
        self.next_noise();
        reply.insert("nonce_str".into(), format!("{:016x}", self.noise));
        if self.switches.extra_fields && self.noise.is_multiple_of(3) {
            reply.insert(format!("zz_new_field_{}", self.noise % 10), "新字段".into());
        }
    }
}

fn not_taken(why: &str) -> Response {
    Response::ok(XML, message::write(&pairs(&[("return_code", "FAIL"), ("return_msg", why)])))
}

fn refused(refusal: &Refusal) -> Fields {
    pairs(&[
        ("result_code", "FAIL"),
        ("err_code", &refusal.code),
        ("err_code_des", &refusal.text),
        ("recall", if refusal.recall { "Y" } else { "" }),
    ])
}

/// Makes the reply be about something else.
fn tamper(reply: &mut Fields, fault: Option<&Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for (name, value) in reply.iter_mut().filter(|(name, _)| name.contains("_fee")) {
                if let Ok(minor) = value.parse::<i64>() {
                    tracing::debug!(name, "amount made wrong");
                    *value = (minor + 1).to_string();
                }
            }
        }
        Some(Fault::OtherNumber) => {
            reply.insert("out_trade_no".into(), "E0000000000000000000000000000001".into());
        }
        Some(Fault::OtherMerchant) => {
            reply.insert("mch_id".into(), "1900000999".into());
        }
        _ => {}
    }
}

/// 18 digits that begin with 10 to 15: from the system's randomness, and from `noise` should there be none.
fn new_digits(noise: u64) -> String {
    let mut random = [0; 8];
    let _ = SystemRandom::new().fill(&mut random);
    let number = u64::from_le_bytes(random) ^ noise;
    format!("1{}{:016}", number % 6, (number / 6) % 10_000_000_000_000_000)
}
