//! `cargo load -- overload`: how much useful work is done when two, five and ten times as much is asked for as can be
//! done, and how soon all is well again afterwards.

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{count, ms, percentile, rounded};
use super::mix::{BusyTills, KINDS};
use super::phase::{Done, Lines, Record};
use super::sales::Prepared;
use super::shop::Shop;
use super::usage::{Used, peak_mib};
use super::yardstick::Yardstick;
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many lines are busy when the capacity is measured.
const WORKING: usize = 200;
/// How many are when the tills get what they need for the mix: no load that anything would be refused for.
const STOCKING: usize = 32;
/// How many requests of each kind tell what one costs.
const PRICED: usize = 1_000;
/// The window in which recovery is looked at.
const WINDOW: Duration = Duration::from_millis(250);
/// How long a load has gone on before its useful work is counted. It begins with all tills at once, of which none waits for
/// an answer yet, so more is taken in than in any later second. The times of those who were let in count from the first
/// moment; those of the first rush are told apart besides, as `first_rush_p99_ms`.
const RUSH: Duration = Duration::from_secs(1);
/// No more than so many times the peak is sent in a second, since each till waits for its answers: what is refused is held
/// back. A run in which it is more fails.
const SENDABLE: f64 = 3.0;
/// How long the shop has been busy before anything is measured. In an empty store all new rows go to the same few pages; as
/// soon as each goes to pages of its own, a fifth to a quarter less can be done, loads or no loads.
const BUSY_BEFORE: Duration = Duration::from_secs(60);
/// How long half of the capacity is asked for before and after each load.
const CALM: Duration = Duration::from_secs(10);
/// The door is strict for a second after it had to refuse somebody: tills that get what they need for what follows come
/// after that.
const SETTLES: Duration = Duration::from_millis(1_500);
/// What can be done after a load is at least so much of what could be done before it: a few per cent go because the
/// databases grow.
const LEFT: f64 = 0.8;
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
    /// How many tills there are: each has one line, and asks for nothing more while it waits for an answer. What comes
    /// while all of them wait cannot be sent: `not_sent_all_tills_busy`.
    #[arg(long, default_value_t = 3_400)]
    pub tills: usize,
    /// How long each load lasts, and how long the capacity is measured that it is a share of: the greater of two short
    /// looks is more than can be done for long.
    #[arg(long, default_value_t = 15, value_name = "S")]
    pub seconds: u64,
}

/// Runs it; the answer is the report.
/// # Errors
/// An order that was acknowledged is not there, an answer is not the server's, or much less can be done after a load
/// than before it.
pub async fn run(options: &OverloadOptions, cores: Cores) -> Result<Value, RigError> {
    let mut shop = Shop::open(options.engine, options.groups, WORKING, cores).await?;
    shop.rig.wallet_control().switch(json!({ "code_lifetime_ms": 3_600_000 })).await?;
    let mut stocking = shop.lines(STOCKING).await?;
    let tills = BusyTills::open(&mut shop, &mut stocking).await?;
    let few = shop.lines(WORKING).await?;
    let many = shop.lines(options.tills).await?;
    let time = Duration::from_secs(options.seconds.max(1));
    let costs = Costs::new();
    let yardstick = Yardstick::start(cores.server)?;
    let mut trial = Trial { shop, stocking, few, many, tills, time, costs, yardstick, acknowledged: 0 };

    say("what each kind of request costs");
    trial.price().await?;
    say("a shop in the middle of its day");
    trial.peak_of(BUSY_BEFORE).await?;
    say("what it can do");
    let first = trial.peak().await?;
    say(format_args!("{:.0} a second; first half of that, for what is normal", first.requests));
    let (normal, at_normal) = trial.normal(first.requests / 2.0).await?;
    let (mut levels, mut before) = (Vec::new(), first);
    for times in [2, 5, 10] {
        say(format_args!("{times} times {:.0} a second, then half of it", before.requests));
        let mut level = trial.level(times, before, normal).await?;
        // What can be done is found out before and after each load: the databases grow meanwhile, and machines that are
        // shared with others are not equally quick in every minute.
        let after = trial.peak().await?;
        level.is_share_of(before, after)?;
        levels.push(level);
        before = after;
    }
    let memory = peak_mib(trial.shop.server_pid())?;
    trial.shop.rig.stop_server();
    let kept = trial.shop.databases.orders_kept(&trial.shop.rig, options.groups)?;
    let acknowledged = trial.acknowledged + trial.tills.stocked;
    if kept < acknowledged {
        return Err(wrong(format!("{acknowledged} orders acknowledged, {kept} in the groups")));
    }
    let worst = levels.iter().map(|level| level.p99).max().unwrap_or_default();
    let steady = levels.iter().map(|level| level.steady_p99).max().unwrap_or_default();
    let mut report = json!({
        "p99_ratio": rounded(worst.as_secs_f64() / normal.as_secs_f64().max(1e-6), 2),
        "steady_p99_ratio": rounded(steady.as_secs_f64() / normal.as_secs_f64().max(1e-6), 2),
        "recovery_s": levels.last().and_then(|level| level.recovery_s),
        "peak_per_s": rounded(first.requests, 0),
        "peak_server_core_share": rounded(first.core, 3),
        "check_us_at_peak": rounded(1.0 / first.given, 1),
        "cpu_us_of_each_kind": trial.costs.iter().map(|(kind, us)| ((*kind).to_owned(), json!(rounded(*us, 0))))
            .collect::<Map<_, _>>(),
        "normal_p99_ms": ms(normal),
        "at_normal": at_normal,
        "engine": options.engine.name(),
        "tills": options.tills,
        "orders_acknowledged": acknowledged,
        "orders_kept": kept,
        "server_rss_mb": rounded(memory, 1),
        "server_core": cores.server,
        "tills_core": cores.tills,
    });
    for level in levels {
        report[format!("goodput_{}x", level.times)] = json!(rounded(level.goodput, 3));
        report[format!("at_{}x", level.times)] = Value::Object(level.more);
    }
    Ok(report)
}

/// What one load came to.
struct Level {
    times: u32,
    /// Useful work in a second: each request counts by what one of its kind costs the server, since the kinds that are
    /// refused first are not the dearest.
    done: Rate,
    /// The same as a share of the peak, each held against what the core gave meanwhile.
    goodput: f64,
    /// Of all that was done, and of what was done once the first rush was over.
    p99: Duration,
    steady_p99: Duration,
    recovery_s: Option<f64>,
    more: Map<String, Value>,
}

impl Level {
    /// Its peak is the greater of what could be done before and after: what a load has spoilt must not make its share
    /// greater. After a load nearly as much can be done as before.
    fn is_share_of(&mut self, before: Rate, after: Rate) -> Result<(), RigError> {
        let share = |what: fn(&Rate) -> f64| what(&self.done) / what(&before).max(what(&after)).max(1e-6);
        self.goodput = share(Rate::work_by_yardstick);
        self.more.insert("goodput_by_the_clock".into(), json!(rounded(share(|rate| rate.work), 3)));
        self.more
            .insert("requests_share_by_the_clock".into(), json!(rounded(share(|rate| rate.requests), 3)));
        let peaks = [before.requests, after.requests].map(|peak| rounded(peak, 0));
        self.more.insert("peaks_per_s".into(), json!(peaks));
        let checks = [before.given, self.done.given, after.given].map(|given| rounded(1.0 / given, 1));
        self.more.insert("check_us_before_meanwhile_after".into(), json!(checks));
        if after.work_by_yardstick() < before.work_by_yardstick() * LEFT {
            let [before, after] = peaks;
            let what = format!("{} times as much as can be done did harm: {before} a second", self.times);
            return Err(wrong(format!(
                "{what} before it, {after} after it; a check of a signature took {checks:?} us"
            )));
        }
        Ok(())
    }
}

/// What a request of each kind costs the server, in microseconds of its processor.
type Costs = BTreeMap<&'static str, f64>;

/// What was done in a second.
#[derive(Clone, Copy)]
struct Rate {
    requests: f64,
    /// Each by its cost: microseconds of work.
    work: f64,
    /// The share of a core that the server used for it.
    core: f64,
    /// What the core gave meanwhile: see [`Yardstick::given`].
    given: f64,
}

impl Rate {
    /// The work that was done while the core could have checked one signature.
    fn work_by_yardstick(&self) -> f64 {
        self.work / self.given
    }
}

/// A shop and its tills.
struct Trial {
    shop: Shop,
    stocking: Lines,
    few: Lines,
    many: Lines,
    tills: BusyTills,
    time: Duration,
    costs: Costs,
    yardstick: Yardstick,
    acknowledged: usize,
}

impl Trial {
    /// Finds what a request of each kind costs, when nothing else is asked for.
    async fn price(&mut self) -> Result<(), RigError> {
        for kind in KINDS {
            let work = self.tills.of_kind(&self.shop, &mut self.stocking, kind, PRICED).await?;
            let work = Arc::new(work);
            let meter = self.shop.meter()?;
            let done = self.stocking.closed(&work, Duration::from_secs(20)).await?;
            let used = meter.read()?;
            self.check(&work, &done)?;
            self.costs.insert(kind.0, super::figures::us_each(used.process, done.good()));
        }
        Ok(())
    }

    fn work_of<'r>(&self, work: &[Prepared], records: impl Iterator<Item = &'r Record>) -> f64 {
        let cost = |record: &Record| work.get(record.index).and_then(|request| self.costs.get(request.kind));
        records.filter_map(cost).sum()
    }

    /// Requests of the mix, with all that they need.
    async fn mixed(&mut self, requests: usize) -> Result<Arc<Vec<Prepared>>, RigError> {
        tokio::time::sleep(SETTLES).await;
        self.tills.stock_for(&self.shop, &mut self.stocking, requests).await?;
        Ok(Arc::new(self.tills.prepare(&self.shop, requests)?))
    }

    /// How much it does in a second when each till asks as soon as it has its answer.
    async fn peak(&mut self) -> Result<Rate, RigError> {
        self.peak_of(self.time).await
    }

    async fn peak_of(&mut self, time: Duration) -> Result<Rate, RigError> {
        let work = self.mixed(8_000).await?;
        let warm = self.few.closed(&work, Duration::from_secs(2)).await?;
        let work = self.mixed(requests(rate(&warm) * 1.3, time)).await?;
        let (meter, mark) = (self.shop.meter()?, self.yardstick.mark());
        let done = self.few.closed(&work, time).await?;
        let used = meter.read()?;
        let given = self.yardstick.given(mark, used, done.wall)?;
        self.check(&work, &done)?;
        let good = done.records.iter().filter(|record| record.is_good());
        let wall = done.wall.as_secs_f64().max(0.001);
        let work = self.work_of(&work, good) / wall;
        Ok(Rate { requests: rate(&done), work, core: used.process.as_secs_f64() / wall, given })
    }

    /// The time that 99 of 100 requests stay under, and what became of each kind.
    async fn normal(&mut self, per_second: f64) -> Result<(Duration, Map<String, Value>), RigError> {
        // The server has closed lines that nobody used for a while. Each till asks once or twice before anything counts, so that
        // no till opens its line anew in a time that is then called normal.
        let opened = Duration::from_secs_f64(1.5 * count(self.many.len()) / per_second.max(1.0));
        let work = self.mixed(requests(per_second, opened + CALM)).await?;
        let all = self.many.open_loop(&work, &[(per_second, opened + CALM)]).await?;
        self.check(&work, &all)?;
        let (_, done) = all.split(opened);
        Ok((percentile(&mut done.times(), 0.99), told(&work, &done, CALM)))
    }

    /// So many times as much as it can do, and at once half of what it can.
    async fn level(&mut self, times: u32, peak: Rate, normal: Duration) -> Result<Level, RigError> {
        let time = self.time;
        let (offered, half) = (peak.requests * f64::from(times), peak.requests / 2.0);
        let calm_time = CALM;
        let loaded = RUSH + time;
        // Most of what is due finds every till busy and is never sent: so much need not be made.
        let sendable = offered.min(peak.requests * SENDABLE);
        let work = self.mixed(requests(sendable, loaded) + requests(half, calm_time)).await?;
        let meter = self.shop.meter()?;
        let steps = [(offered, loaded), (half, calm_time)];
        let in_window = used_between(&self.shop, &self.yardstick, RUSH, time);
        let (all, in_window) = tokio::join!(self.many.open_loop(&work, &steps), in_window);
        let (all, used, (in_window, given)) = (all?, meter.read()?, in_window?);
        if all.records.len() >= work.len() {
            return Err(wrong("the tills sent more than was made for them: nothing was left for the end"));
        }
        self.check(&work, &all)?;
        let (rush, rest) = all.split(RUSH);
        let (done, calm) = rest.split(time);
        // What came in time counts; what was answered after the load was over does not.
        let in_time = || done.records.iter().filter(|r| r.is_good() && r.due + r.took <= time);
        let steady_p99 = percentile(&mut done.times(), 0.99);
        let rush_p99 = percentile(&mut rush.times(), 0.99);
        let p99 = percentile(&mut [rush.times(), done.times()].concat(), 0.99);
        let recovery_s = recovered(&calm, normal, calm_time);
        let mut more = told(&work, &done, time);
        more.insert("p99_ms".into(), json!(ms(p99)));
        more.insert("steady_p99_ms".into(), json!(ms(steady_p99)));
        more.insert("first_rush_p99_ms".into(), json!(ms(rush_p99)));
        more.insert("recovery_s".into(), json!(recovery_s));
        let core = in_window.process.as_secs_f64() / time.as_secs_f64();
        more.insert("server_core_share".into(), json!(rounded(core, 3)));
        more.insert("server_cpu_s_with_recovery".into(), json!(rounded(used.process.as_secs_f64(), 2)));
        let work = self.work_of(&work, in_time()) / time.as_secs_f64();
        let requests = count(in_time().count()) / time.as_secs_f64();
        let done = Rate { requests, work, core, given };
        more.insert("offered_per_s".into(), json!(rounded(offered, 0)));
        Ok(Level { times, done, goodput: 0.0, p99, steady_p99, recovery_s, more })
    }

    /// Counts the orders that were acknowledged, and looks at the signatures of some of the answers.
    fn check(&mut self, work: &[Prepared], done: &Done) -> Result<(), RigError> {
        for (at, record) in done.records.iter().enumerate() {
            let (Some(request), Some(answer)) = (work.get(record.index), &record.answer) else { continue };
            if record.is_good() {
                self.acknowledged += usize::from(request.kind == "new_order");
                if at % CHECKED == 0 {
                    request.verify(answer, self.shop.server_key())?;
                }
            }
        }
        Ok(())
    }
}

/// What the server used from `after` on, for so long, and what its core gave.
async fn used_between(
    shop: &Shop,
    yardstick: &Yardstick,
    after: Duration,
    time: Duration,
) -> Result<(Used, f64), RigError> {
    tokio::time::sleep(after).await;
    let (meter, mark) = (shop.meter()?, yardstick.mark());
    tokio::time::sleep(time).await;
    let used = meter.read()?;
    Ok((used, yardstick.given(mark, used, time)?))
}

fn rate(done: &Done) -> f64 {
    count(done.good()) / done.wall.as_secs_f64().max(0.001)
}

/// How many requests a load asks for, with some to spare: arrivals come at random.
fn requests(per_second: f64, time: Duration) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let most = (per_second * time.as_secs_f64() * 1.05) as usize;
    most.clamp(1_000, 600_000)
}

/// What became of each kind of request.
fn told(work: &[Prepared], done: &Done, time: Duration) -> Map<String, Value> {
    let mut kinds: BTreeMap<&str, (usize, Vec<Duration>)> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for record in &done.records {
        let kind = work.get(record.index).map_or("", |request| request.kind);
        let counted = kinds.entry(kind).or_default();
        counted.0 += 1;
        if record.is_good() {
            counted.1.push(record.took);
        } else {
            let word = record.answer.as_ref().map_or("broken line".into(), |a| a.status.to_string());
            *refused.entry(word).or_default() += 1;
        }
    }
    let done_share = |(kind, (sent, good)): (&&str, &mut (usize, Vec<Duration>))| {
        let (p50, p99) = (percentile(good, 0.5), percentile(good, 0.99));
        let told = json!({ "sent": *sent, "done": good.len(), "p50_ms": ms(p50), "p99_ms": ms(p99) });
        ((*kind).to_owned(), told)
    };
    let mut refusals: Vec<Duration> =
        done.records.iter().filter(|record| !record.is_good()).map(|record| record.took).collect();
    let mut more = Map::new();
    more.insert("sent_per_s".into(), json!(rounded(count(done.records.len()) / time.as_secs_f64(), 0)));
    more.insert("not_sent_all_tills_busy".into(), json!(done.not_sent.len()));
    more.insert("p50_ms".into(), json!(ms(percentile(&mut done.times(), 0.5))));
    more.insert("refusal_p50_ms".into(), json!(ms(percentile(&mut refusals, 0.5))));
    more.insert("refused".into(), json!(refused));
    more.insert("kinds".into(), kinds.iter_mut().map(done_share).collect());
    more
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

#[cfg(test)]
mod tests {
    use super::*;

    fn can_do(requests: f64) -> Rate {
        Rate { requests, work: requests * 100.0, core: 1.0, given: 1.0 }
    }

    fn level() -> Level {
        let (p99, more) = (Duration::ZERO, Map::new());
        Level { times: 10, done: can_do(90.0), goodput: 0.0, p99, steady_p99: p99, recovery_s: None, more }
    }

    #[test]
    fn a_load_is_held_against_the_greater_peak_and_must_not_do_harm() {
        for (before, after) in [(100.0, 90.0), (90.0, 100.0)] {
            let mut level = level();
            level.is_share_of(can_do(before), can_do(after)).unwrap();
            assert!((level.goodput - 0.9).abs() < 1e-9, "{}", level.goodput);
        }
        assert!(level().is_share_of(can_do(100.0), can_do(79.0)).is_err());
    }

    #[test]
    fn a_core_that_became_slower_is_no_harm_done_and_no_excuse() {
        let slower = |rate: Rate| Rate { given: 0.7, ..rate };
        level().is_share_of(can_do(100.0), slower(can_do(70.0))).unwrap();
        let mut on_slower = Level { done: slower(can_do(63.0)), ..level() };
        on_slower.is_share_of(can_do(100.0), slower(can_do(70.0))).unwrap();
        assert!((on_slower.goodput - 0.9).abs() < 1e-9, "{}", on_slower.goodput);
        assert!(level().is_share_of(slower(can_do(100.0)), can_do(100.0)).is_err());
    }
}
