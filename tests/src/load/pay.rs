//! `cargo load -- pay`: the time that the server adds to a payment by code, over the wallet's own answer.
//!
//! The wallet is the simulator, a process of its own. It is called twice at each rate: by the tills through the server,
//! and directly, with the same bytes that the server's adapter would send, over connections that are kept open. What
//! lies between the two is ours: TLS, two signatures each way, two durable writes, and the adapter with its connections.

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{count, ms, percentile, rounded};
use super::line::extent;
use super::mix::BusyTills;
use super::phase::{Awake, Done, Lines, Moments, Record};
use super::shop::Shop;
use crate::load::{say, wrong};
use crate::simulator::wechat::{Behaviour, message};
use crate::store_rig::{RigError, WalletControl};
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::orders::PaymentView;
use evertill_shared::secret::SecretText;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many lines the tills have at least.
const LINES: usize = 100;
/// How many are used when the tills get their numbers: no load that any would be refused for.
const STOCKING: usize = 32;
/// So many of a hundred payments have to be answered within a second while the wallet takes its time; more than that time
/// is nobody's fault but the wallet's, so a slower one than [`SLOWEST_WALLET`] is measured and not judged.
const LEAST_IN_1_S_PERCENT: f64 = 99.0;
const SLOWEST_WALLET: Duration = Duration::from_millis(500);
/// The last rate is the one that the aims are for.
const AIMED_AT: &str = "200";

/// What is measured, and for how long. It fails if fewer than 99 % of the last part's payments, those of the slow wallet, are
/// answered within a second (only judged for a wallet that takes 500 ms at most).
#[derive(Clone, Debug, Args)]
pub struct PayOptions {
    /// Payments a second, one rate after the other.
    #[arg(long, default_value = "1,50,200", value_delimiter = ',')]
    pub rates: Vec<u32>,
    /// How long each rate lasts, both ways; the first one, which is slow, three times as long.
    #[arg(long, default_value_t = 5, value_name = "S")]
    pub seconds: u64,
    /// How long the wallet takes in the last part, which is at the last rate.
    #[arg(long, default_value_t = 300, value_name = "MS")]
    pub wallet_ms: u64,
}

/// Times of one rate, both ways.
struct Both {
    ours: Vec<Duration>,
    direct: Vec<Duration>,
}

impl Both {
    fn added(&mut self, share: f64) -> f64 {
        let (ours, direct) = (percentile(&mut self.ours, share), percentile(&mut self.direct, share));
        rounded(ms(ours) - ms(direct), 3)
    }

    fn report(&mut self) -> Value {
        json!({
            "added_p50_ms": self.added(0.5),
            "added_p99_ms": self.added(0.99),
            "wallet_p50_ms": ms(percentile(&mut self.direct, 0.5)),
            "wallet_p99_ms": ms(percentile(&mut self.direct, 0.99)),
            "payments": self.ours.len(),
        })
    }
}

/// Runs it; the answer is the report.
/// # Errors
/// A payment was not taken, or an answer is not the server's.
pub async fn run(options: &PayOptions, cores: Cores) -> Result<Value, RigError> {
    let mut shop = Shop::open(Engine::Sqlite, 3, LINES, cores).await?;
    let control = shop.rig.wallet_control();
    control.switch(json!({ "code_lifetime_ms": 3_600_000 })).await?;
    let mut stocking = shop.lines(STOCKING).await?;
    let mut tills = BusyTills::open(&mut shop, &mut stocking).await?;
    let mut lines = shop.lines(LINES).await?;
    let wallet = Wallet::of(shop.rig.wechat_section())?;
    let mut rates = BTreeMap::new();
    for rate in &options.rates {
        let seconds = if *rate < 10 { 3 * options.seconds } else { options.seconds };
        say(format_args!("{rate} payments a second for {seconds} s, through the server and directly"));
        let ours =
            through_the_server(&shop, (&mut stocking, &mut lines), &mut tills, (*rate, seconds)).await?;
        let direct = wallet.directly(&control, *rate, seconds).await?;
        rates.insert(rate.to_string(), Both { ours, direct });
    }
    let last = options.rates.last().copied().unwrap_or(1);
    let slow = Duration::from_millis(options.wallet_ms);
    say(format_args!("{last} payments a second, the wallet takes {} ms", options.wallet_ms));
    control.switch(json!({ "always": { "pay": { "slow": { "ms": options.wallet_ms } } } })).await?;
    // While the wallet takes its time, so many more wait at once.
    lines = shop.lines(3 * LINES).await?;
    let mut times =
        through_the_server(&shop, (&mut stocking, &mut lines), &mut tills, (last, options.seconds)).await?;
    let in_time = times.iter().filter(|time| **time < Duration::from_secs(1)).count();
    let in_1_s_percent = rounded(100.0 * count(in_time) / count(times.len().max(1)), 2);
    in_time_enough(in_1_s_percent, slow)?;
    let aimed_at = if rates.contains_key(AIMED_AT) { AIMED_AT.to_owned() } else { last.to_string() };
    let aimed = rates.get_mut(&aimed_at).ok_or_else(|| wrong("no rate was measured"))?;
    let (added_p50_ms, added_p99_ms) = (aimed.added(0.5), aimed.added(0.99));
    Ok(json!({
        "added_p50_ms": added_p50_ms,
        "added_p99_ms": added_p99_ms,
        "p999_ms": ms(percentile(&mut times, 0.999)),
        "in_1_s_percent": in_1_s_percent,
        "wallet_ms": ms(slow),
        "rates": rates.iter_mut().map(|(rate, both)| (rate.clone(), both.report())).collect::<BTreeMap<_, _>>(),
    }))
}

/// Fails if too few customers had their answer within a second, of a wallet that takes so long.
fn in_time_enough(percent: f64, wallet: Duration) -> Result<(), RigError> {
    if percent >= LEAST_IN_1_S_PERCENT || wallet > SLOWEST_WALLET {
        return Ok(());
    }
    Err(wrong(format!("only {percent} % were answered within a second; {LEAST_IN_1_S_PERCENT} % have to be")))
}

/// Has tills charge codes at that rate; gives how long each took. All must have been paid.
async fn through_the_server(
    shop: &Shop,
    (stocking, lines): (&mut Lines, &mut Lines),
    tills: &mut BusyTills,
    (rate, seconds): (u32, u64),
) -> Result<Vec<Duration>, RigError> {
    let requests = usize::try_from(u64::from(rate) * seconds).map_err(wrong)? + 20;
    let work = Arc::new(tills.of_kind(shop, stocking, ("payment", 1, 1), requests).await?);
    let steps = [(f64::from(rate), Duration::from_secs(seconds))];
    paid(&lines.open_loop(&work, &steps).await?)
}

/// How long each payment took.
fn paid(done: &Done) -> Result<Vec<Duration>, RigError> {
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
    Ok(done.records.iter().map(|record| record.took).collect())
}

/// The wallet, called as the server's adapter calls it.
struct Wallet {
    address: String,
    app_id: String,
    merchant_id: String,
    api_key: SecretText,
}

impl Wallet {
    fn of(section: &Value) -> Result<Self, RigError> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong("the wallet's kit"));
        let address = text(&section["endpoints"][0])?.trim_start_matches("http://").to_owned();
        let key = std::fs::read_to_string(text(&section["api_key_file"])?).map_err(wrong)?;
        Ok(Self {
            address,
            app_id: text(&section["app_id"])?,
            merchant_id: text(&section["merchant_id"])?,
            api_key: SecretText::new(key.trim().to_owned()),
        })
    }

    /// A whole request to charge that code.
    fn request(&self, code: &str, number: &str) -> Vec<u8> {
        let mut fields: message::Fields = [
            ("appid", self.app_id.as_str()),
            ("mch_id", &self.merchant_id),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
            ("sign_type", "HMAC-SHA256"),
            ("body", "Corner Store"),
            ("out_trade_no", number),
            ("total_fee", "1250"),
            ("spbill_create_ip", "127.0.0.1"),
            ("device_info", "T0001"),
            ("auth_code", code),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let sign = message::signature(&fields, Some("HMAC-SHA256"), &self.api_key).unwrap_or_default();
        fields.insert("sign".into(), sign);
        let body = message::write(&fields);
        let head = format!(
            "POST /pay/micropay HTTP/1.1\r\nhost: {}\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    /// Charges codes at that rate, each on a connection that is open already; gives how long each took.
    async fn directly(
        &self,
        control: &WalletControl,
        rate: u32,
        seconds: u64,
    ) -> Result<Vec<Duration>, RigError> {
        let mut requests = Vec::new();
        for nth in 0..usize::try_from(u64::from(rate) * seconds).map_err(wrong)? {
            let code = control.code(Behaviour::Pays).await?;
            requests.push(self.request(&code, &format!("D{rate:06}{nth:09}")));
        }
        let (mut moments, mut due, mut calls) = (Moments::new(), Duration::ZERO, JoinSet::new());
        let mut idle = Vec::new();
        for _ in 0..LINES {
            idle.push(TcpStream::connect(&self.address).await.map_err(wrong)?);
        }
        let _awake = Awake::new();
        let start = SystemClock.monotonic();
        let mut times = Vec::new();
        for request in requests {
            due += moments.gap(f64::from(rate));
            loop {
                while let Some(done) = calls.try_join_next() {
                    let (line, took): (TcpStream, Duration) = done.map_err(wrong)??;
                    idle.push(line);
                    times.push(took);
                }
                let now = SystemClock.monotonic().saturating_sub(start);
                if now >= due && !idle.is_empty() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let Some(line) = idle.pop() else { continue };
            calls.spawn(charge(line, request, start + due));
        }
        while let Some(done) = calls.join_next().await {
            times.push(done.map_err(wrong)??.1);
        }
        Ok(times)
    }
}

/// One call, from the moment that it was due to the end of its answer, which must say that it is paid.
async fn charge(
    mut line: TcpStream,
    request: Vec<u8>,
    due: Duration,
) -> Result<(TcpStream, Duration), RigError> {
    line.write_all(&request).await.map_err(wrong)?;
    let mut read = Vec::with_capacity(4096);
    loop {
        if line.read_buf(&mut read).await.map_err(wrong)? == 0 {
            return Err(wrong("the wallet closed a connection"));
        }
        if let Some((head, length)) = extent(&read).map_err(wrong)?
            && read.len() >= length
        {
            let took = SystemClock.monotonic().saturating_sub(due);
            let body = read.get(head..length).unwrap_or_default();
            let fields = message::read(body).ok_or_else(|| wrong("no answer of the wallet"))?;
            if fields.get("result_code").map(String::as_str) != Some("SUCCESS") {
                return Err(wrong(format!("the wallet did not pay: {:?}", fields.get("err_code"))));
            }
            return Ok((line, took));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_answers_within_a_second_make_the_run_fail() {
        let usual = Duration::from_millis(300);
        assert!(in_time_enough(98.9, usual).is_err());
        assert!(in_time_enough(99.0, usual).is_ok());
        assert!(in_time_enough(0.0, Duration::from_secs(2)).is_ok(), "a wallet that takes longer than that");
    }

    #[test]
    fn a_payment_that_was_not_taken_or_not_sent_makes_the_run_fail() {
        let broken = Record { index: 0, due: Duration::ZERO, took: Duration::ZERO, answer: None };
        assert!(paid(&Done { records: vec![broken], ..Done::default() }).is_err());
        assert!(paid(&Done { not_sent: vec![Duration::ZERO], ..Done::default() }).is_err());
        assert!(paid(&Done::default()).is_ok());
    }
}
