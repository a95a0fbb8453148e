//! `cargo load -- overload`: how much useful work is done when two, five and ten times as much is asked for as can be
//! done, and how soon all is well again afterwards.

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{count, ms, percentile, rounded};
use super::mix::BusyTills;
use super::phase::{Done, Lines};
use super::sales::Prepared;
use super::shop::Shop;
use super::usage::{Meter, peak_mib};
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many lines are busy when the capacity is measured.
const WORKING: usize = 200;
/// The window in which recovery is looked at.
const WINDOW: Duration = Duration::from_millis(250);
/// One answer of so many is checked for the server's signature.
const CHECKED: usize = 20;

/// What is measured, and for how long.
#[derive(Clone, Debug, Args)]
pub struct OverloadOptions {
    /// The database of the order groups.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub engine: Engine,
    /// How many order groups there are.
    #[arg(long, default_value_t = 3)]
    pub groups: u8,
    /// How many tills there are: each has one line, and asks for nothing more while it waits for an answer.
    #[arg(long, default_value_t = 1_000)]
    pub tills: usize,
    /// How long each load lasts.
    #[arg(long, default_value_t = 5, value_name = "S")]
    pub seconds: u64,
}

/// Runs it; the answer is the report.
/// # Errors
/// An order that was acknowledged is not there, or an answer is not the server's.
pub async fn run(options: &OverloadOptions, cores: Cores) -> Result<Value, RigError> {
    let time = Duration::from_secs(options.seconds.max(1));
    let mut shop = Shop::open(options.engine, options.groups, WORKING, cores).await?;
    shop.rig.wallet_control().switch(json!({ "code_lifetime_ms": 3_600_000 })).await?;
    let mut few = shop.lines(WORKING).await?;
    let mut tills = BusyTills::open(&mut shop, &mut few).await?;
    let mut tally = Tally::default();

    say("what it can do");
    let work = mixed(&shop, &mut tills, &mut few, 8_000).await?;
    let warm = few.closed(&work, Duration::from_secs(2)).await?;
    let work = mixed(&shop, &mut tills, &mut few, requests(rate(&warm, warm.wall) * 1.3, time)).await?;
    let peak_done = few.closed(&work, time).await?;
    let peak = rate(&peak_done, peak_done.wall);
    tally.check(&shop, &work, &peak_done)?;

    say(format_args!("{peak:.0} a second; first half of that, for what is normal"));
    let mut many = shop.lines(options.tills).await?;
    let half = peak / 2.0;
    let work = mixed(&shop, &mut tills, &mut few, requests(half, time)).await?;
    let normal_done = many.open_loop(&work, half, time).await?;
    let normal = percentile(&mut normal_done.times(), 0.99);
    tally.check(&shop, &work, &normal_done)?;

    let mut levels = Map::new();
    let mut goodput = Vec::new();
    let mut worst = Duration::ZERO;
    let mut recovery = None;
    for times in [2_u32, 5, 10] {
        say(format_args!("{times} times as much as it can do"));
        let offered = peak * f64::from(times);
        let work = mixed(&shop, &mut tills, &mut few, requests(offered, time)).await?;
        let after = mixed(&shop, &mut tills, &mut few, requests(half, time * 2)).await?;
        let meter = Meter::start(shop.server_pid(), cores.server);
        let done = many.open_loop(&work, offered, time).await?;
        let used = meter.read();
        // What came in time counts; what was answered after all had given up asking does not.
        let in_time = done.records.iter().filter(|r| r.is_good() && r.due + r.took <= time).count();
        let share = count(in_time) / time.as_secs_f64() / peak;
        let p99 = percentile(&mut done.times(), 0.99);
        worst = worst.max(p99);
        goodput.push((times, share));
        let mut level = level(&work, &done, time);
        level.insert("p99_ms".into(), json!(ms(p99)));
        level.insert("server_cpu_s".into(), json!(rounded(used.process.as_secs_f64(), 2)));
        levels.insert(format!("{times}x"), Value::Object(level));
        let calm = many.open_loop(&after, half, time * 2).await?;
        if times == 10 {
            recovery = recovered(&calm, normal, time * 2);
        }
        tally.check(&shop, &work, &done)?;
        tally.check(&shop, &after, &calm)?;
    }
    let memory = peak_mib(shop.server_pid());
    shop.rig.stop_server();
    let kept = options.engine.orders_kept(&shop.rig, options.groups)?;
    if kept < tally.acknowledged {
        return Err(wrong(format!("{} orders acknowledged, {kept} in the groups", tally.acknowledged)));
    }
    let mut report = json!({
        "p99_ratio": rounded(worst.as_secs_f64() / normal.as_secs_f64().max(1e-6), 2),
        "recovery_s": recovery,
        "peak_per_s": rounded(peak, 0),
        "normal_p99_ms": ms(normal),
        "levels": levels,
        "engine": options.engine.name(),
        "tills": options.tills,
        "orders_acknowledged": tally.acknowledged,
        "orders_kept": kept,
        "server_rss_mb": rounded(memory, 1),
        "server_core": cores.server,
        "tills_core": cores.tills,
    });
    for (times, share) in goodput {
        report[format!("goodput_{times}x")] = json!(rounded(share, 3));
    }
    Ok(report)
}

/// Requests of the mix, with all that they need.
async fn mixed(
    shop: &Shop,
    tills: &mut BusyTills,
    lines: &mut Lines,
    requests: usize,
) -> Result<Arc<Vec<Prepared>>, RigError> {
    tills.stock_for(shop, lines, requests).await?;
    Ok(Arc::new(tills.prepare(shop, requests)?))
}

#[derive(Default)]
struct Tally {
    acknowledged: usize,
}

impl Tally {
    /// Counts the orders that were acknowledged, and looks at the signatures of some of the answers.
    fn check(&mut self, shop: &Shop, work: &[Prepared], done: &Done) -> Result<(), RigError> {
        for (at, record) in done.records.iter().enumerate() {
            let Some(request) = work.get(record.index) else { continue };
            let Some(answer) = &record.answer else { continue };
            self.acknowledged += usize::from(record.is_good() && request.kind == "new_order");
            if at % CHECKED == 0 && record.is_good() {
                request.verify(answer, shop.server_key())?;
            }
        }
        Ok(())
    }
}

fn rate(done: &Done, wall: Duration) -> f64 {
    count(done.good()) / wall.as_secs_f64().max(0.001)
}

/// How many requests a load asks for, with some to spare: arrivals come at random.
fn requests(per_second: f64, time: Duration) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let most = (per_second * time.as_secs_f64() * 1.05) as usize;
    most.clamp(1_000, 600_000)
}

/// What became of each kind of request.
fn level(work: &[Prepared], done: &Done, time: Duration) -> Map<String, Value> {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for record in &done.records {
        let kind = work.get(record.index).map_or("", |request| request.kind);
        let counted = kinds.entry(kind).or_default();
        counted.0 += 1;
        counted.1 += usize::from(record.is_good());
        if !record.is_good() {
            let word = record.answer.as_ref().map_or("broken line".into(), |a| a.status.to_string());
            *refused.entry(word).or_default() += 1;
        }
    }
    let done_share = |(kind, (sent, good)): (&&str, &(usize, usize))| {
        ((*kind).to_owned(), json!({ "sent": sent, "done": good }))
    };
    let mut refusals: Vec<Duration> =
        done.records.iter().filter(|record| !record.is_good()).map(|record| record.took).collect();
    let mut level = Map::new();
    level.insert("sent_per_s".into(), json!(rounded(count(done.records.len()) / time.as_secs_f64(), 0)));
    level.insert("not_sent_all_tills_busy".into(), json!(done.not_sent));
    level.insert("p50_ms".into(), json!(ms(percentile(&mut done.times(), 0.5))));
    level.insert("refusal_p50_ms".into(), json!(ms(percentile(&mut refusals, 0.5))));
    level.insert("refused".into(), json!(refused));
    level.insert("kinds".into(), kinds.iter().map(done_share).collect());
    level
}

/// After how many seconds a whole second came in which nothing was refused and nearly all was as quick as it normally
/// is; none, if that did not happen.
fn recovered(calm: &Done, normal: Duration, time: Duration) -> Option<f64> {
    let windows = usize::try_from(time.as_millis() / WINDOW.as_millis()).unwrap_or(0);
    let mut good_in_a_row = 0;
    for window in 0..windows {
        let from = WINDOW * u32::try_from(window).unwrap_or(0);
        let inside: Vec<_> = calm.records.iter().filter(|r| r.due >= from && r.due < from + WINDOW).collect();
        let mut times: Vec<Duration> = inside.iter().map(|record| record.took).collect();
        let fine = inside.iter().all(|record| record.is_good()) && percentile(&mut times, 0.99) <= normal * 2;
        good_in_a_row = if fine { good_in_a_row + 1 } else { 0 };
        if good_in_a_row == 4 {
            return Some(rounded((from + WINDOW).saturating_sub(WINDOW * 4).as_secs_f64(), 2));
        }
    }
    None
}
