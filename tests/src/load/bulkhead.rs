//! `cargo load -- bulkhead`: what one wallet's customers notice while the other wallet hangs or turns everybody away.
//!
//! Both wallets are simulators in a process of their own. Payments of both come at random moments all the time, as many
//! in each phase. Each wallet is ill in turn: all well, it hangs (requests arrive late, and are charged then, whether or not
//! anybody still listens), all well, it ends every connection. Meanwhile the other one's payments are timed, and held
//! against the same wallet's while all was well. At last everything is settled, and each payment is compared with the
//! wallets' own books.

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{ms, percentile, rounded};
use super::payers::{Asked, Payers, TURNS, kind};
use super::phase::{Done, Lines};
use super::sales::Prepared;
use super::shop::Shop;
use crate::load::{say, wrong};
use crate::store_rig::{RigError, WalletOrder};
use clap::Args;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::wallet::Wallet;
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

/// What is measured, and for how long. The aim: while one wallet hangs or turns everybody away, the slowest percent of the
/// other one's payments takes at most 1.2 times as long as in the same run while both were well. It fails only far over it:
/// if that is more than 3 times as long, and more than 100 ms.
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

    /// As the report names it.
    const fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Hangs => "hangs",
            Self::TurnsAway => "turns_away",
        }
    }
}

/// What a wallet's payments showed in a phase.
#[derive(Default)]
struct Seen {
    /// How long those took that were paid.
    times: Vec<Duration>,
    /// How long those took that heard at once that it cannot be reached.
    refusals: Vec<Duration>,
    /// How many came to each state, as their tills heard first.
    heard: BTreeMap<String, usize>,
}

/// What both wallets' payments showed in a phase.
type Both = BTreeMap<Wallet, Seen>;

/// A phase in which one wallet was ill.
struct Illness {
    ill: Wallet,
    how: Other,
    seen: Both,
}

struct Trial {
    shop: Shop,
    stocking: Lines,
    lines: Lines,
    payers: Payers,
    options: BulkheadOptions,
}

/// The wallet that is not that one.
fn other_than(wallet: Wallet) -> Wallet {
    match wallet {
        Wallet::WeChatPay => Wallet::Alipay,
        Wallet::Alipay => Wallet::WeChatPay,
    }
}

/// Runs it; the answer is the report.
/// # Errors
/// A payment of the well wallet failed or could not be sent, something was not settled, or the books differ.
pub async fn run(options: &BulkheadOptions, cores: Cores) -> Result<Value, RigError> {
    let mut shop = Shop::open(Engine::Sqlite, 3, TILLS, cores).await?;
    for control in [shop.rig.wallet_control(), shop.rig.alipay_control()] {
        control.switch(Other::Well.switches()).await?;
    }
    let (stocking, lines) = (shop.lines(TILLS).await?, shop.lines(LINES).await?);
    let payers = Payers::of(&mut shop);
    let mut trial = Trial { shop, stocking, lines, payers, options: options.clone() };
    say("warming up");
    trial.well().await?;
    let mut calm: BTreeMap<Wallet, Vec<Duration>> = BTreeMap::new();
    let mut illnesses = Vec::new();
    for ill in TURNS {
        for how in [Other::Hangs, Other::TurnsAway] {
            say("both wallets are well");
            for (wallet, seen) in trial.well().await? {
                calm.entry(wallet).or_default().extend(seen.times);
            }
            say(format_args!("{ill} {}", how.word().replace('_', " ")));
            let seen = trial.phase(ill, how).await?;
            illnesses.push(Illness { ill, how, seen });
            trial.settle().await?;
        }
    }
    let checked = trial.check_books().await?;
    report(&calm, &illnesses, options, checked)
}

/// The figures of a phase in which a wallet was ill, beside the other one's while all was well.
struct Disturbed {
    ratio: f64,
    p99: Duration,
    report: Value,
}

impl Illness {
    fn judge(&self, calm: &BTreeMap<Wallet, Vec<Duration>>) -> Result<Disturbed, RigError> {
        let nothing = || wrong(format!("no payment was measured while {} {}", self.ill, self.how.word()));
        let well = other_than(self.ill);
        let mut times = self.seen.get(&well).map(|seen| seen.times.clone()).unwrap_or_default();
        let mut calm = calm.get(&well).cloned().unwrap_or_default();
        let sick = self.seen.get(&self.ill).ok_or_else(nothing)?;
        if times.is_empty() || calm.is_empty() {
            return Err(nothing());
        }
        let (p99, calm_p99) = (percentile(&mut times, 0.99), percentile(&mut calm, 0.99));
        let ratio = p99.as_secs_f64() / calm_p99.as_secs_f64().max(1e-6);
        let report = json!({
            "ratio": rounded(ratio, 3),
            "undisturbed_p99_ms": ms(calm_p99),
            "p50_ms": ms(percentile(&mut times, 0.5)),
            "p99_ms": ms(p99),
            "payments": times.len(),
            "other_wallet": self.ill.code(),
            "other_wallet_heard": sick.heard,
            "other_wallet_refused_at_once": sick.refusals.len(),
            "refusal_p99_ms": ms(percentile(&mut sick.refusals.clone(), 0.99)),
        });
        let what = format!("while {} {}", self.ill, self.how.word());
        if is_disturbed(p99, ratio) {
            return Err(wrong(format!("{what}, {well} took {ratio:.1} times as long: {p99:?}")));
        }
        if sick.refusals.is_empty() {
            return Err(wrong(format!("{what}, nobody was told at once to pay otherwise")));
        }
        Ok(Disturbed { ratio, p99, report })
    }
}

fn report(
    calm: &BTreeMap<Wallet, Vec<Duration>>,
    illnesses: &[Illness],
    options: &BulkheadOptions,
    checked: Value,
) -> Result<Value, RigError> {
    let mut all: Vec<Duration> = calm.values().flatten().copied().collect();
    let mut report = json!({
        "undisturbed_p50_ms": ms(percentile(&mut all, 0.5)),
        "undisturbed_p99_ms": ms(percentile(&mut all, 0.99)),
        "undisturbed_payments": all.len(),
        "per_second": options.per_second,
        "seconds_each": options.seconds,
        "books": checked,
    });
    let mut worst = 0.0_f64;
    for how in [Other::Hangs, Other::TurnsAway] {
        let judged = illnesses.iter().filter(|illness| illness.how == how);
        let judged = judged.map(|illness| Ok((illness.ill, illness.judge(calm)?)));
        let judged = judged.collect::<Result<Vec<(Wallet, Disturbed)>, RigError>>()?;
        // What stands there by itself is the worse of both; each is beside it, under the wallet that was ill.
        let Some((_, most)) = judged.iter().max_by(|(_, a), (_, b)| a.ratio.total_cmp(&b.ratio)) else {
            return Err(wrong(format!("no wallet {}", how.word())));
        };
        worst = worst.max(most.ratio);
        let mut figures = most.report.clone();
        for (ill, one) in &judged {
            figures[format!("{}_{}", ill.code(), how.word())] = one.report.clone();
        }
        say(format_args!("{}: {:.2} times as long at most, {:?}", how.word(), most.ratio, most.p99));
        report[how.word()] = figures;
    }
    report["ratio"] = json!(rounded(worst, 3));
    Ok(report)
}

/// Whether one wallet's customers notice that the other is ill.
fn is_disturbed(p99: Duration, ratio: f64) -> bool {
    p99 > QUICK && ratio > MOST_RATIO
}

impl Trial {
    /// Payments of both wallets come all the time, and both are well.
    async fn well(&mut self) -> Result<Both, RigError> {
        self.phase(Wallet::WeChatPay, Other::Well).await
    }

    /// Payments of both wallets come all the time, and one of them is like that.
    async fn phase(&mut self, ill: Wallet, how: Other) -> Result<Both, RigError> {
        let (rate, time) = (f64::from(self.options.per_second), Duration::from_secs(self.options.seconds));
        let count = usize::try_from(u64::from(self.options.per_second) * self.options.seconds * 21 / 20);
        let work = self.payers.payments(&self.shop, &mut self.stocking, count.unwrap_or(1_000)).await?;
        let work = Arc::new(work);
        let control = match ill {
            Wallet::WeChatPay => self.shop.rig.wallet_control(),
            Wallet::Alipay => self.shop.rig.alipay_control(),
        };
        control.switch(how.switches()).await?;
        let done = self.lines.open_loop(&work, &[(rate, time)]).await?;
        control.switch(Other::Well.switches()).await?;
        look(&work, &done, (how != Other::Well).then_some(ill))
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

/// What came of a phase. Every payment must have been sent, and every one of a wallet that is not ill been paid.
fn look(work: &[Prepared], done: &Done, ill: Option<Wallet>) -> Result<Both, RigError> {
    if !done.not_sent.is_empty() {
        return Err(wrong(format!("{} payments found every line busy", done.not_sent.len())));
    }
    let mut both = Both::new();
    for record in &done.records {
        let kind_of = work.get(record.index).map_or("", |request| request.kind);
        let wallet = TURNS.into_iter().find(|wallet| kind(*wallet) == kind_of);
        let wallet = wallet.ok_or_else(|| wrong("a payment of no wallet"))?;
        let answer = record.answer.as_ref().ok_or_else(|| wrong("a till's line broke"))?;
        let view: Option<PaymentView> = serde_json::from_slice(answer.body()).ok();
        let state = view.as_ref().map(|view| view.state);
        if Some(wallet) != ill && state != Some(PaymentState::Paid) {
            let said = String::from_utf8_lossy(answer.body()).into_owned();
            return Err(wrong(format!(
                "a payment of {wallet}, which is well, failed: {} {said}",
                answer.status
            )));
        }
        let seen = both.entry(wallet).or_default();
        if state == Some(PaymentState::Paid) {
            seen.times.push(record.took);
        }
        if view.is_some_and(|view| view.reason == Some(DeclineReason::ChannelUnreachable)) {
            seen.refusals.push(record.took);
        }
        let word = state.map_or_else(|| answer.status.to_string(), |state| state.as_str().to_owned());
        *seen.heard.entry(word).or_default() += 1;
    }
    Ok(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm(ms: u64) -> BTreeMap<Wallet, Vec<Duration>> {
        TURNS.into_iter().map(|wallet| (wallet, vec![Duration::from_millis(ms); 100])).collect()
    }

    /// Each wallet is ill in each way; meanwhile the other one takes that long.
    fn illnesses(others: [u64; 2]) -> Vec<Illness> {
        let of = |(ill, ms): (Wallet, u64), how| {
            let (times, refusals) = (vec![Duration::from_millis(ms); 100], vec![Duration::from_millis(5)]);
            let well = Seen { times, ..Seen::default() };
            let sick = Seen { refusals, ..Seen::default() };
            Illness { ill, how, seen: Both::from([(other_than(ill), well), (ill, sick)]) }
        };
        let each = TURNS.into_iter().zip(others);
        each.flat_map(|one| [Other::Hangs, Other::TurnsAway].map(|how| of(one, how))).collect()
    }

    fn told(calm_ms: u64, others: [u64; 2]) -> Result<Value, RigError> {
        let options = BulkheadOptions { per_second: 1, seconds: 10 };
        report(&calm(calm_ms), &illnesses(others), &options, Value::Null)
    }

    #[test]
    fn isolation_a_well_wallet_that_becomes_slow_makes_the_run_fail_whichever_is_ill() {
        assert!(told(40, [130, 40]).is_err());
        assert!(told(40, [40, 130]).is_err());
        assert!(told(40, [110, 110]).is_ok());
        assert!(told(10, [90, 10]).is_ok());
    }

    #[test]
    fn isolation_the_report_says_the_worse_of_both() {
        let said = told(40, [80, 60]).unwrap();
        assert_eq!((&said["ratio"], &said["hangs"]["ratio"]), (&json!(2.0), &json!(2.0)));
        assert_eq!(said["turns_away"]["alipay_turns_away"]["ratio"], json!(1.5));
        assert_eq!(said["hangs"]["other_wallet"], "wechat_pay");
    }

    #[test]
    fn isolation_a_phase_in_which_nothing_was_measured_makes_the_run_fail() {
        let options = BulkheadOptions { per_second: 1, seconds: 10 };
        let mut none = illnesses([40, 40]);
        none[0].seen.clear();
        assert!(report(&calm(40), &none, &options, Value::Null).is_err());
        assert!(report(&calm(40), &[], &options, Value::Null).is_err());
        let mut untold = illnesses([40, 40]);
        untold[3].seen.get_mut(&Wallet::Alipay).unwrap().refusals.clear();
        assert!(report(&calm(40), &untold, &options, Value::Null).is_err(), "nobody was told at once");
    }
}
