//! `cargo load -- bulkhead`: what one wallet's customers notice while the other wallet hangs or turns everybody away.
//!
//! Both wallets are simulators in a process of their own. Payments of both come at random moments all the time, as many
//! in each phase: all well, one wallet hangs (requests arrive late, and are charged then, whether or not anybody still
//! listens), all well, one wallet ends every connection. At last everything is settled, and each payment is compared
//! with the wallets' own books.

mod payer;

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{ms, percentile, rounded};
use super::phase::{Done, Lines};
use super::sales::Prepared;
use super::shop::Shop;
use crate::load::{say, wrong};
use crate::store_rig::{RigError, WalletOrder};
use clap::Args;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::wallet::Wallet;
use payer::{Asked, Payers, kind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Tills of the shop, and lines that get them what they need.
const TILLS: usize = 40;
/// Lines on which payments wait: more than may hang.
const LINES: usize = 400;
/// How long requests to a wallet that hangs are under way: longer than anybody waits (eight seconds), and not longer
/// than the shop's policy takes for possible (nine).
const HANGS_MS: u64 = 8_400;
/// So many times longer than undisturbed the well wallet's slowest percent may take, and what is within so much is quick
/// enough whatever it was before.
const MOST_RATIO: f64 = 3.0;
const QUICK: Duration = Duration::from_millis(100);
/// The longest that settling everything may take.
const SETTLED_WITHIN: u32 = 90;

/// What is measured, and for how long. It fails if the slowest percent of the well wallet's payments takes more than three
/// times as long, and more than 100 ms, while the other wallet hangs or turns everybody away.
#[derive(Clone, Debug, Args)]
pub struct BulkheadOptions {
    /// Payments a second, half of them for each wallet.
    #[arg(long, default_value_t = 120)]
    pub per_second: u32,
    /// How long each phase lasts: 10 at least, so that the first who wait in vain have given up before it ends.
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(10..))]
    pub seconds: u64,
}

/// How the other wallet is in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Well,
    Hangs,
    TurnsAway,
}

impl Other {
    /// The simulator's switches for it.
    fn switches(self) -> Value {
        let late = json!({ "arrives_late": { "ms": HANGS_MS } });
        let hours = json!({ "reset": true, "code_lifetime_ms": 3_600_000 });
        let mut switches = hours;
        match self {
            Self::Well => {}
            Self::Hangs => switches["always"] = json!({ "pay": late, "query": late, "reverse": late }),
            Self::TurnsAway => switches["offline"] = json!(true),
        }
        switches
    }
}

/// What a phase showed.
#[derive(Default)]
struct Seen {
    /// The undisturbed wallet's times.
    times: Vec<Duration>,
    /// The other one's: those who heard at once that it cannot be reached.
    refusals: Vec<Duration>,
    /// How many payments of the other one came to each state, as its till heard first.
    heard: BTreeMap<String, usize>,
}

struct Trial {
    shop: Shop,
    stocking: Lines,
    lines: Lines,
    payers: Payers,
    options: BulkheadOptions,
}

/// Runs it; the answer is the report.
/// # Errors
/// A payment of the well wallet failed or could not be sent, something was not settled, or the books differ.
pub async fn run(options: &BulkheadOptions, cores: Cores) -> Result<Value, RigError> {
    let mut shop = Shop::open(Engine::Sqlite, 3, TILLS, cores).await?;
    shop.rig.alipay_control().switch(Other::Well.switches()).await?;
    let (stocking, lines) = (shop.lines(TILLS).await?, shop.lines(LINES).await?);
    let payers = Payers::of(&mut shop);
    let mut trial = Trial { shop, stocking, lines, payers, options: options.clone() };
    say("warming up");
    trial.phase(Other::Well).await?;
    let mut calm = Seen::default();
    let mut disturbed = Vec::new();
    for (other, word) in [(Other::Hangs, "hangs"), (Other::TurnsAway, "turns_away")] {
        say("both wallets are well");
        let well = trial.phase(Other::Well).await?;
        calm.times.extend(well.times);
        say(format_args!("WeChat Pay {}", word.replace('_', " ")));
        let seen = trial.phase(other).await?;
        disturbed.push((word, seen));
        trial.settle().await?;
    }
    let checked = trial.check_books().await?;
    report(&calm, &disturbed, options, checked)
}

fn report(
    calm: &Seen,
    disturbed: &[(&str, Seen)],
    options: &BulkheadOptions,
    checked: Value,
) -> Result<Value, RigError> {
    let p99 = |times: &[Duration]| percentile(&mut times.to_vec(), 0.99);
    let undisturbed = p99(&calm.times);
    let ratio_of = |seen: &Seen| p99(&seen.times).as_secs_f64() / undisturbed.as_secs_f64().max(1e-6);
    let worst = disturbed.iter().map(|(_, seen)| ratio_of(seen)).fold(0.0, f64::max);
    let mut report = json!({
        "ratio": rounded(worst, 3),
        "undisturbed_p50_ms": ms(percentile(&mut calm.times.clone(), 0.5)),
        "undisturbed_p99_ms": ms(undisturbed),
        "undisturbed_payments": calm.times.len(),
        "per_second": options.per_second,
        "seconds_each": options.seconds,
        "books": checked,
    });
    for (word, seen) in disturbed {
        report[*word] = json!({
            "ratio": rounded(ratio_of(seen), 3),
            "p50_ms": ms(percentile(&mut seen.times.clone(), 0.5)),
            "p99_ms": ms(p99(&seen.times)),
            "payments": seen.times.len(),
            "other_wallet_heard": seen.heard,
            "other_wallet_refused_at_once": seen.refusals.len(),
            "refusal_p99_ms": ms(p99(&seen.refusals)),
        });
        let (slow, ratio) = (p99(&seen.times), ratio_of(seen));
        if is_disturbed(slow, ratio) {
            let what =
                format!("while the other wallet {word}, payments took {ratio:.1} times as long: {slow:?}");
            return Err(wrong(what));
        }
        if seen.refusals.is_empty() {
            return Err(wrong(format!("while the wallet {word}, nobody was told at once to pay otherwise")));
        }
    }
    Ok(report)
}

/// Whether one wallet's customers notice that the other is ill.
fn is_disturbed(p99: Duration, ratio: f64) -> bool {
    p99 > QUICK && ratio > MOST_RATIO
}

impl Trial {
    /// Payments of both wallets come all the time, and WeChat Pay is like that.
    async fn phase(&mut self, other: Other) -> Result<Seen, RigError> {
        let (rate, time) = (f64::from(self.options.per_second), Duration::from_secs(self.options.seconds));
        let count = usize::try_from(u64::from(self.options.per_second) * self.options.seconds * 21 / 20);
        let work = self.payers.payments(&self.shop, &mut self.stocking, count.unwrap_or(1_000)).await?;
        let work = Arc::new(work);
        self.shop.rig.wallet_control().switch(other.switches()).await?;
        let done = self.lines.open_loop(&work, &[(rate, time)]).await?;
        self.shop.rig.wallet_control().switch(Other::Well.switches()).await?;
        look(&work, &done)
    }

    /// Waits until nothing is open any more.
    async fn settle(&mut self) -> Result<(), RigError> {
        let is_open = |(_, view): &(Asked, Option<PaymentView>)| {
            view.as_ref().is_some_and(|view| !view.state.is_final())
        };
        for _ in 0..SETTLED_WITHIN {
            let told = self.payers.standing(&mut self.stocking).await?;
            let open = told.iter().filter(|one| is_open(one)).count();
            if open == 0 {
                return Ok(());
            }
            say(format_args!("{open} payments are not settled yet"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(wrong("some payments were not settled"))
    }

    /// Holds each payment against the wallets' own books.
    async fn check_books(&mut self) -> Result<Value, RigError> {
        let mut books: BTreeMap<String, WalletOrder> = BTreeMap::new();
        for wallet in [self.shop.rig.wallet_control(), self.shop.rig.alipay_control()] {
            books.extend(wallet.orders().await?.into_iter().map(|order| (order.number.clone(), order)));
        }
        let told = self.payers.standing(&mut self.stocking).await?;
        let (mut paid, mut taken_back, mut never_sent, mut twice, mut lost) =
            (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        for (asked, view) in &told {
            let order = books.remove(asked.channel_number.as_str());
            let (charged, net) =
                order.as_ref().map_or((0, 0), |order| (order.charged_minor, order.net_minor()));
            let is_paid = view.as_ref().is_some_and(|view| view.state == PaymentState::Paid);
            paid += u64::from(is_paid);
            taken_back += u64::from(!is_paid && charged > 0);
            never_sent += u64::from(order.is_none());
            twice += u64::from(charged > asked.minor);
            let differs = net != if is_paid { asked.minor } else { 0 };
            lost += u64::from(differs);
            if differs {
                let state = view.as_ref().map(|view| view.state);
                say(format_args!("{}: {state:?} here, charged {charged}, net {net}", asked.channel_number));
            }
        }
        if twice + lost > 0 || !books.is_empty() {
            let unknown = books.len();
            let what = format!(
                "{twice} charged twice, {lost} differ from the wallet's books, {unknown} are unknown to us"
            );
            return Err(wrong(what));
        }
        Ok(json!({ "payments": told.len(), "paid": paid, "charged_and_taken_back": taken_back,
            "never_reached_a_wallet": never_sent, "charged_twice": twice, "differ": lost }))
    }
}

/// What came of a phase. Every payment must have been sent, and every one of the well wallet been paid.
fn look(work: &[Prepared], done: &Done) -> Result<Seen, RigError> {
    if !done.not_sent.is_empty() {
        return Err(wrong(format!("{} payments found every line busy", done.not_sent.len())));
    }
    let mut seen = Seen::default();
    for record in &done.records {
        let kind_of = work.get(record.index).map_or("", |request| request.kind);
        let answer = record.answer.as_ref().ok_or_else(|| wrong("a till's line broke"))?;
        let view: Option<PaymentView> = serde_json::from_slice(answer.body()).ok();
        let state = view.as_ref().map(|view| view.state);
        if kind_of == kind(Wallet::Alipay) {
            if state != Some(PaymentState::Paid) {
                let said = String::from_utf8_lossy(answer.body()).into_owned();
                return Err(wrong(format!("a payment of the well wallet failed: {} {said}", answer.status)));
            }
            seen.times.push(record.took);
            continue;
        }
        if view.is_some_and(|view| view.reason == Some(DeclineReason::ChannelUnreachable)) {
            seen.refusals.push(record.took);
        }
        let word = state.map_or_else(|| answer.status.to_string(), |state| state.as_str().to_owned());
        *seen.heard.entry(word).or_default() += 1;
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ms: u64) -> Seen {
        let (times, refusals) = (vec![Duration::from_millis(ms); 100], vec![Duration::from_millis(5)]);
        Seen { times, refusals, heard: BTreeMap::new() }
    }

    #[test]
    fn isolation_a_well_wallet_that_becomes_slow_makes_the_run_fail() {
        let options = BulkheadOptions { per_second: 1, seconds: 10 };
        let of = |calm, ill| report(&seen(calm), &[("hangs", seen(ill))], &options, Value::Null);
        assert!(of(40, 130).is_err());
        assert!(of(40, 110).is_ok());
        assert!(of(10, 90).is_ok());
    }
}
