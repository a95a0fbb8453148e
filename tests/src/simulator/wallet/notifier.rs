//! Telling the merchant that a shown code was paid, or that a refund has arrived: over and over until it is thanked, at the
//! pace of that wallet, by the simulator's clock, which can be turned. After a restart all of it is told once more.

use super::behaviour::{Endpoint, Fault};
use super::book::{News, Order, Refund};
use super::counter::Counter;
use super::http::in_small_letters;
use super::store::StoreError;
use evertill_shared::clock::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked what is to be told.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A merchant who has not answered after this has not answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a wallet words what it tells.
pub(in crate::simulator) trait Teller: Send + Sync + 'static {
    /// The pauses after the first try, in seconds.
    fn ladder(&self) -> &'static [u64];
    /// Headers and body: about the order, or about a refund of it.
    fn worded(&self, order: &Order, refund: Option<&Refund>, now: Timestamp, fault: Option<&Fault>) -> Told;
    /// Whether the merchant has taken it in.
    fn is_thanks(&self, status: u16, body: &[u8]) -> bool;
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Notice {
    number: String,
    refund: Option<String>,
    url: String,
    tries: usize,
    due: Timestamp,
}

/// What a merchant is told: headers and body.
pub type Told = (Vec<(String, String)>, Vec<u8>);

/// What is to be told now, each once: nobody tells again what is not taken.
pub(in crate::simulator) fn told_now(counter: &Counter, teller: &impl Teller) -> Vec<Told> {
    let due = counter.due_notices();
    let told = due.iter().filter_map(|notice| worded(counter, teller, notice));
    told.map(|((headers, body), _)| (in_small_letters(headers), body)).collect()
}

/// What is told, with what goes wrong with it; nothing if it is lost before it is sent.
fn worded(counter: &Counter, teller: &impl Teller, notice: &Notice) -> Option<(Told, Option<Fault>)> {
    let order = counter.order(&notice.number).ok().flatten()?;
    let fault = counter.fault_of_switch(Endpoint::Notify);
    if fault == Some(Fault::RequestLost) {
        return None;
    }
    let refund = order.refunds.iter().find(|refund| Some(&refund.number) == notice.refund.as_ref());
    Some((teller.worded(&order, refund, notice.due, fault.as_ref()), fault))
}

/// Tells until it is aborted.
pub(in crate::simulator) async fn tell_for_ever(
    counter: Arc<Counter>,
    teller: impl Teller,
    http: reqwest::Client,
) {
    let teller = Arc::new(teller);
    loop {
        for notice in counter.due_notices() {
            let (counter, teller, http) = (Arc::clone(&counter), Arc::clone(&teller), http.clone());
            tokio::spawn(async move { tell(&counter, &*teller, &http, notice).await });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn tell(counter: &Counter, teller: &impl Teller, http: &reqwest::Client, notice: Notice) {
    let copies = counter.inside().switches.notification_copies;
    let mut thanked = false;
    for _ in 0..copies {
        thanked |= tell_once(counter, teller, http, &notice).await;
    }
    if thanked || notice.tries >= teller.ladder().len() {
        return;
    }
    let pause = Duration::from_secs(teller.ladder()[notice.tries]);
    counter.tell_again(Notice { tries: notice.tries + 1, due: notice.due.plus(pause), ..notice });
}

async fn tell_once(counter: &Counter, teller: &impl Teller, http: &reqwest::Client, notice: &Notice) -> bool {
    let Some(((headers, body), fault)) = worded(counter, teller, notice) else { return false };
    let mut request = http.post(&notice.url).timeout(PATIENCE).body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let Ok(answer) = request.send().await else { return false };
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap_or_default();
    tracing::info!(number = notice.number, status, tries = notice.tries, "the merchant was told");
    fault != Some(Fault::ReplyLost) && teller.is_thanks(status, &body)
}

impl Counter {
    /// What is to be told now. Each is told by whoever takes it.
    fn due_notices(&self) -> Vec<Notice> {
        let switches = self.inside().switches.clone();
        if switches.notifications_off || switches.offline {
            return Vec::new();
        }
        let fresh = self.decide(|book, _, now| (book.news(now), now));
        let Ok((fresh, now)) = fresh else { return Vec::new() };
        let mut inside = self.inside();
        let after = Duration::from_millis(switches.notification_delay_ms);
        let due = now.plus(after);
        let new = |News { number, refund, url }| Notice { number, refund, url, tries: 0, due };
        inside.notices.extend(fresh.into_iter().map(new));
        let (mut due, later): (Vec<Notice>, _) =
            std::mem::take(&mut inside.notices).into_iter().partition(|notice| notice.due <= now);
        inside.notices = later;
        due.sort_by_key(|notice| notice.due);
        if switches.notifications_last_first {
            due.reverse();
        }
        due
    }

    /// Tells of a refund there, as if the merchant had asked for it with the refund.
    /// # Errors
    /// The books cannot be written.
    pub fn tell_of_refund(&self, refund: &str, url: &str) -> Result<(), StoreError> {
        self.decide(|book, _, _| book.tell_of_refund(refund, Some(url.to_owned())))
    }

    fn tell_again(&self, notice: Notice) {
        self.inside().notices.push(notice);
    }

    /// When the next notification is due, if one is.
    #[must_use]
    pub fn next_notification(&self) -> Option<Timestamp> {
        self.inside().notices.iter().map(|notice| notice.due).min()
    }
}
