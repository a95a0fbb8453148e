//! `cargo load -- pay`: the time that the server adds to a payment by code, over the wallet's own answer.
//!
//! The wallets are the simulators, a process of their own. Both are called twice at each rate: by the tills through the
//! server, and directly, with requests like those that the server's adapters send, over connections that are kept open. What
//! lies between the two is ours: TLS, two signatures each way, two durable writes, and the adapters with their connections
//! and with what they sign and check. Payments are for one wallet and the other in turn, both ways, so that both wallets
//! are asked as much; each wallet's figures stand by themselves, and those at the top are the worse wallet's.

mod direct;
mod limits;

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{count, ms, percentile, rounded};
use super::payers::{Payers, TURNS, kind};
use super::phase::{Done, Lines, Record};
use super::sales::Prepared;
use super::shop::Shop;
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use clap::Args;
use direct::Wallets;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::wallet::Wallet;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How many tills there are, and at least how many lines they have.
const LINES: usize = 100;
/// How many are used when the tills get their numbers: no load that any would be refused for.
const STOCKING: usize = 32;
/// The rate that the aims are for.
const AIMED_AT: u32 = 200;
/// Before anything is measured, so many payments a second for so long.
const WARMING_UP: (u32, u64) = (50, 2);

/// What is measured, and for how long. The aims at 200 a second: 2 ms are added in the middle, 10 ms to the slowest percent,
/// and of a wallet that takes 300 ms 99.9 % of the payments are answered within a second. It fails only far over them: if
/// more than 25 ms are added in the middle or 150 ms to the slowest percent, by either wallet; or if fewer than 99 % of the
/// slow wallets' payments are answered within a second (not judged for wallets that take more than 500 ms).
#[derive(Clone, Debug, Args)]
pub struct PayOptions {
    /// Payments a second, one rate after the other.
    #[arg(long, default_value = "1,50,200", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub rates: Vec<u32>,
    /// How long each rate lasts, both ways; a rate under ten, three times as long.
    #[arg(long, default_value_t = 5, value_name = "S")]
    pub seconds: u64,
    /// How long the wallets take in the last part, which is at the last rate.
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub wallet_ms: u64,
}

/// How long payments of each wallet took.
type Times = Vec<(Wallet, Duration)>;

/// Times of one rate, both ways.
struct Both {
    ours: Times,
    direct: Times,
}

impl Both {
    /// What is added to one wallet's payments, and how long that wallet takes.
    fn of(&self, wallet: Wallet) -> Result<Figures, RigError> {
        let own =
            |times: &Times| times.iter().filter(|(of, _)| *of == wallet).map(|(_, took)| *took).collect();
        let (mut ours, mut direct): (Vec<Duration>, Vec<Duration>) = (own(&self.ours), own(&self.direct));
        if ours.is_empty() || direct.is_empty() {
            return Err(wrong(format!("no payment of {wallet} was measured: let it last longer")));
        }
        let mut both = |share| (ms(percentile(&mut ours, share)), ms(percentile(&mut direct, share)));
        let ((p50, wallet_p50), (p99, wallet_p99)) = (both(0.5), both(0.99));
        Ok(Figures {
            added_p50: rounded(p50 - wallet_p50, 3),
            added_p99: rounded(p99 - wallet_p99, 3),
            wallet_p50,
            wallet_p99,
            payments: ours.len(),
        })
    }

    fn report(&self) -> Result<Value, RigError> {
        let each = TURNS.into_iter().map(|wallet| Ok((wallet, self.of(wallet)?)));
        let each = each.collect::<Result<Vec<_>, RigError>>()?;
        let most = |of: fn(&Figures) -> f64| each.iter().map(|(_, f)| of(f)).fold(f64::MIN, f64::max);
        let mut report = json!({
            "added_p50_ms": most(|f| f.added_p50),
            "added_p99_ms": most(|f| f.added_p99),
            "wallet_p50_ms": most(|f| f.wallet_p50),
            "wallet_p99_ms": most(|f| f.wallet_p99),
            "payments": each.iter().map(|(_, f)| f.payments).sum::<usize>(),
        });
        for (wallet, figures) in &each {
            report[wallet.code()] = figures.report();
        }
        Ok(report)
    }
}

struct Figures {
    added_p50: f64,
    added_p99: f64,
    wallet_p50: f64,
    wallet_p99: f64,
    payments: usize,
}

impl Figures {
    fn report(&self) -> Value {
        json!({
            "added_p50_ms": self.added_p50,
            "added_p99_ms": self.added_p99,
            "wallet_p50_ms": self.wallet_p50,
            "wallet_p99_ms": self.wallet_p99,
            "payments": self.payments,
        })
    }
}

/// Runs it; the answer is the report.
/// # Errors
/// A payment was not taken, an answer is not the server's, or a figure is over its limit.
pub async fn run(options: &PayOptions, cores: Cores) -> Result<Value, RigError> {
    let mut trial = Trial::open(cores).await?;
    trial.switch(&json!({ "code_lifetime_ms": 3_600_000 })).await?;
    say("warming up");
    trial.measure(WARMING_UP).await?;
    let (mut rates, mut aimed) = (Map::new(), Value::Null);
    for rate in &options.rates {
        let seconds = if *rate < 10 { 3 * options.seconds } else { options.seconds };
        say(format_args!("{rate} payments a second for {seconds} s, through the server and directly"));
        let report = trial.measure((*rate, seconds)).await?.report()?;
        // The last one counts if none is the one that the aims are for.
        if *rate == AIMED_AT || !rates.contains_key(&AIMED_AT.to_string()) {
            aimed = report.clone();
        }
        rates.insert(rate.to_string(), report);
    }
    let last = options.rates.last().copied().unwrap_or(AIMED_AT);
    let slow = Duration::from_millis(options.wallet_ms);
    say(format_args!("{last} payments a second, the wallets take {} ms", options.wallet_ms));
    trial.switch(&json!({ "always": { "pay": { "slow": { "ms": options.wallet_ms } } } })).await?;
    // While the wallets take their time, so many more wait at once.
    trial.lines = trial.shop.lines(3 * LINES).await?;
    let times = trial.through_the_server((last, options.seconds)).await?;
    let mut times: Vec<Duration> = times.into_iter().map(|(_, took)| took).collect();
    let in_time = times.iter().filter(|time| **time < Duration::from_secs(1)).count();
    let report = json!({
        "added_p50_ms": aimed["added_p50_ms"],
        "added_p99_ms": aimed["added_p99_ms"],
        "p999_ms": ms(percentile(&mut times, 0.999)),
        "in_1_s_percent": rounded(100.0 * count(in_time) / count(times.len().max(1)), 2),
        "wallet_ms": ms(slow),
        "rates": rates,
    });
    limits::hold(&report, slow)?;
    Ok(report)
}

struct Trial {
    shop: Shop,
    wallets: Wallets,
    stocking: Lines,
    lines: Lines,
    payers: Payers,
}

impl Trial {
    async fn open(cores: Cores) -> Result<Self, RigError> {
        let mut shop = Shop::open(Engine::Sqlite, 3, LINES, cores).await?;
        let (stocking, lines) = (shop.lines(STOCKING).await?, shop.lines(LINES).await?);
        let (payers, wallets) = (Payers::of(&mut shop), Wallets::of(&shop.rig)?);
        Ok(Self { shop, wallets, stocking, lines, payers })
    }

    /// Turns switches of both wallets.
    async fn switch(&self, switches: &Value) -> Result<(), RigError> {
        self.shop.rig.wallet_control().switch(switches.clone()).await?;
        self.shop.rig.alipay_control().switch(switches.clone()).await
    }

    async fn measure(&mut self, (rate, seconds): (u32, u64)) -> Result<Both, RigError> {
        let ours = self.through_the_server((rate, seconds)).await?;
        Ok(Both { ours, direct: self.wallets.charge(rate, seconds).await? })
    }

    /// Has tills charge codes at that rate; gives how long each took. All must have been paid.
    async fn through_the_server(&mut self, (rate, seconds): (u32, u64)) -> Result<Times, RigError> {
        // Moments that come at random may come closer together than on average.
        let requests = usize::try_from(u64::from(rate) * seconds * 11 / 10).map_err(wrong)? + 20;
        let work = Arc::new(self.payers.payments(&self.shop, &mut self.stocking, requests).await?);
        let steps = [(f64::from(rate), Duration::from_secs(seconds))];
        paid(&work, &self.lines.open_loop(&work, &steps).await?)
    }
}

/// How long each payment took.
fn paid(work: &[Prepared], done: &Done) -> Result<Times, RigError> {
    let is_paid = |body: &[u8]| {
        serde_json::from_slice::<PaymentView>(body).is_ok_and(|view| view.state == PaymentState::Paid)
    };
    let body =
        |record: &Record| record.answer.as_ref().map_or_else(Vec::new, |answer| answer.body().to_vec());
    let failed: Vec<Vec<u8>> = done.records.iter().map(body).filter(|body| !is_paid(body)).collect();
    if let Some(first) = failed.first() {
        let (failed, all) = (failed.len(), done.records.len());
        let said = String::from_utf8_lossy(first);
        return Err(wrong(format!("{failed} of {all} payments were not taken, the first: {said}")));
    }
    if !done.not_sent.is_empty() {
        return Err(wrong(format!("{} payments found every till busy", done.not_sent.len())));
    }
    let wallet_of = |record: &Record| {
        let asked = work.get(record.index).map(|request| request.kind);
        TURNS.into_iter().find(|wallet| asked == Some(kind(*wallet)))
    };
    let time = |record: &Record| Some((wallet_of(record)?, record.took));
    done.records.iter().map(time).collect::<Option<_>>().ok_or_else(|| wrong("a payment of no wallet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_that_was_not_taken_or_not_sent_makes_the_run_fail() {
        let broken = Record { index: 0, due: Duration::ZERO, took: Duration::ZERO, answer: None };
        assert!(paid(&[], &Done { records: vec![broken], ..Done::default() }).is_err());
        assert!(paid(&[], &Done { not_sent: vec![Duration::ZERO], ..Done::default() }).is_err());
        assert!(paid(&[], &Done::default()).is_ok());
    }

    #[test]
    fn the_figures_at_the_top_are_the_worse_wallets() {
        let took = |wechat, alipay| {
            let times = [(Wallet::WeChatPay, wechat), (Wallet::Alipay, alipay)];
            times.map(|(wallet, ms)| (wallet, Duration::from_millis(ms))).to_vec()
        };
        let report = Both { ours: took(7, 16), direct: took(5, 2) }.report().unwrap();
        assert_eq!((&report["added_p50_ms"], &report["added_p99_ms"]), (&json!(14.0), &json!(14.0)));
        assert_eq!((&report["wechat_pay"]["added_p50_ms"], &report["payments"]), (&json!(2.0), &json!(2)));
        let none = Both { ours: took(1, 1), direct: vec![(Wallet::Alipay, Duration::ZERO)] };
        assert!(none.report().is_err(), "a wallet that was never called directly has no figures");
    }
}
