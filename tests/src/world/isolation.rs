//! Rule *isolation*, exact in virtual time: what is asked about an order in a database that is well, through a wallet
//! that is well, is answered at once, however slow or dead the others are. A new order loses one time-out at most for
//! each group that is not well.

use super::cashier::PREFIXES;
use super::check::Checker;
use super::wallet::WALLETS;
use crate::simulator::wechat::Behaviour;
use evertill_provisioning::client::{Answer, Sent};
use evertill_shared::journal::Body;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{ShowCode, StartPayment};
use evertill_shared::protocol::path;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Within so long a server answers what concerns only what is well: some ways to the databases, and one to the wallet.
const AT_ONCE: Duration = Duration::from_millis(400);
/// The longest that a group is waited for before a new order goes elsewhere.
const TIME_OUT: Duration = Duration::from_secs(1);
/// For so long after a trouble its consequences may still be felt: what was asked then is asked again.
const AFTERMATH: Duration = Duration::from_secs(12);

/// How the wallets are, and what each customer will do.
pub struct Wallets {
    well_since: Mutex<[Option<Instant>; WALLETS]>,
    customers: Mutex<BTreeMap<String, Behaviour>>,
    /// Since when no call of the desk goes wrong by itself; nothing if the next may.
    desk_is_right_since: Mutex<Option<Instant>>,
}

impl Wallets {
    pub fn new(now: Instant) -> Self {
        let well_since = Mutex::new([Some(now); WALLETS]);
        Self { well_since, customers: Mutex::default(), desk_is_right_since: Mutex::new(Some(now)) }
    }
}

impl Checker {
    /// A wallet, and the way there, are well from here on, or not.
    pub fn wallet_is_well(&self, wallet: usize, well: bool) {
        let mut all = self.wallets.well_since.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = all.get_mut(wallet) {
            *since = well.then(|| since.unwrap_or_else(Instant::now));
        }
    }

    /// Calls of a desk go wrong from here on, or not.
    pub fn desk_errs(&self, errs: bool) {
        let mut since = self.wallets.desk_is_right_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = (!errs).then(Instant::now);
    }

    /// A customer shows this code.
    pub fn customer(&self, digits: &str, behaviour: Behaviour) {
        let mut customers = self.wallets.customers.lock().unwrap_or_else(PoisonError::into_inner);
        customers.insert(digits.to_owned(), behaviour);
    }

    fn is_wallet_well(&self, wallet: Option<usize>, then: Instant) -> bool {
        let all = self.wallets.well_since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = wallet.and_then(|wallet| all.get(wallet).copied().flatten());
        let desk = *self.wallets.desk_is_right_since.lock().unwrap_or_else(PoisonError::into_inner);
        [since, desk].iter().all(|since| since.is_some_and(|since| since <= then))
    }

    fn pays(&self, code: &str) -> bool {
        let customers = self.wallets.customers.lock().unwrap_or_else(PoisonError::into_inner);
        customers.get(code) == Some(&Behaviour::Pays)
    }

    /// A server answered what it began to serve then.
    pub fn in_time(&self, sent: &Sent, answer: &Answer, began: Instant) {
        let took = began.elapsed();
        if took <= AT_ONCE || self.is_moving() {
            return;
        }
        let then = began.checked_sub(AFTERMATH).unwrap_or(began).max(self.start);
        if self.base().is_none_or(|base| !base.is_well_since(then)) {
            return;
        }
        let Some(limit) = self.limit(sent, then) else { return };
        if took > limit {
            let (method, path) = (sent.method, sent.url.path());
            let how = format!(
                "{method} {path} took {} ms ({}), and all that it is about was well",
                took.as_millis(),
                answer.status
            );
            self.model().breaks("isolation", how);
        }
    }

    /// How long it may take; nothing for what may wait for others.
    fn limit(&self, sent: &Sent, then: Instant) -> Option<Duration> {
        let well = |group: usize| self.groups().get(group).is_some_and(|group| group.is_well_since(then));
        if sent.url.path() == path::DRAFTS {
            let ill = (0..self.groups().len()).filter(|group| !well(*group)).count();
            let healthy = ill < self.groups().len();
            return healthy.then(|| AT_ONCE + TIME_OUT * u32::try_from(ill).unwrap_or(0));
        }
        let mut parts = sent.url.path().strip_prefix("/v1/orders/")?.split('/');
        let number: OrderNumber = parts.next()?.parse().ok()?;
        if !well(usize::from(number.tag().get())) {
            return None;
        }
        match (sent.method, parts.next(), parts.next()) {
            ("POST", Some("payments"), None) => {
                let start: StartPayment = serde_json::from_slice(&sent.body).ok()?;
                let code = start.auth_code.expose();
                let wallet = PREFIXES.iter().position(|prefix| code.starts_with(prefix));
                (self.is_wallet_well(wallet, then) && self.pays(code)).then_some(AT_ONCE)
            }
            ("POST", Some("shown"), None) => {
                self.is_wallet_well(wallet_of_code(&sent.body), then).then_some(AT_ONCE)
            }
            ("POST", Some("refunds"), _) => None, // the wallet may take its time
            _ => Some(AT_ONCE),
        }
    }
}

/// The wallet of which a till asks for a code to show.
fn wallet_of_code(asked: &[u8]) -> Option<usize> {
    let show: ShowCode = serde_json::from_slice(asked).ok()?;
    match show.requested.read_unverified().ok()?.body {
        Body::PaymentRequested { wallet, .. } | Body::RestRequested { wallet, .. } => {
            Some(usize::from(wallet == Wallet::Alipay))
        }
        _ => None,
    }
}
