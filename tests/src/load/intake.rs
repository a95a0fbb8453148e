//! `cargo load -- intake`: how many orders a second one core takes, signed and durable, and what share of that is the
//! price of what cannot be left out.

use super::cores::Cores;
use super::engine::Engine;
use super::figures::{count, ms, percentile, rounded, us_each};
use super::flame;
use super::line::Answer;
use super::phase::{Done, Lines};
use super::reference::{Reference, Sizes};
use super::sales::Prepared;
use super::shop::Shop;
use super::usage::{Used, peak_mib};
use crate::load::{say, wrong};
use crate::store_rig::RigError;
use clap::Args;
use evertill_shared::protocol::orders::DraftCreated;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is measured, and for how long.
#[derive(Clone, Debug, Args)]
pub struct IntakeOptions {
    /// The database of the order groups.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub engine: Engine,
    /// How many order groups there are.
    #[arg(long, default_value_t = 3)]
    pub groups: u8,
    /// How many tills send at the same time, each on a line of its own.
    #[arg(long, default_value_t = 96)]
    pub tills: usize,
    /// How long each of the two phases lasts.
    #[arg(long, default_value_t = 10, value_name = "S")]
    pub seconds: u64,
    /// Writes where the server's time goes: a flame graph, and its stacks in a text file beside it. Needs `perf`.
    #[arg(long, value_name = "FILE.svg")]
    pub profile: Option<PathBuf>,
}

/// Runs it; the answer is the report.
/// # Errors
/// Something that was acknowledged is not there, or an answer is not the server's.
pub async fn run(options: &IntakeOptions, cores: Cores) -> Result<Value, RigError> {
    let mut shop = Shop::open(options.engine, options.groups, options.tills, cores).await?;
    let mut lines = shop.lines(options.tills).await?;
    let time = Duration::from_secs(options.seconds.max(1));
    let mut tally = Tally::default();

    say("warming up");
    let work = Arc::new(shop.drafts(10_000)?);
    let warm = lines.closed(&work, Duration::from_secs(2)).await?;
    let guess = count(warm.good()) / warm.wall.as_secs_f64().max(0.001);
    tally.add(&shop, &work, &warm)?;

    say(format_args!("about {guess:.0} a second; now as many as it takes, for {} s", time.as_secs()));
    let work = Arc::new(shop.drafts(enough(guess * 1.4, time))?);
    let profile = options.profile.as_ref().map(|_| flame::Recording::start(&shop, time)).transpose()?;
    let full = measure(&shop, &mut lines, &work, Load::AsManyAsItTakes, time).await?;
    if let (Some(recording), Some(file)) = (profile, &options.profile) {
        recording.write(file)?;
    }
    tally.add(&shop, &work, &full.done)?;

    say(format_args!("{:.0} a second; now half as many", full.per_second));
    let work = Arc::new(shop.drafts(enough(full.per_second * 0.6, time))?);
    let half = measure(&shop, &mut lines, &work, Load::PerSecond(full.per_second / 2.0), time).await?;
    tally.add(&shop, &work, &half.done)?;
    let memory = peak_mib(shop.server_pid())?;

    let work = Arc::new(shop.drafts(60_000)?);
    let sizes = sizes(&full.done, &work)?;
    let reference = Reference::take(&shop, &work, sizes).await?;
    shop.rig.stop_server();
    let kept = shop.databases.orders_kept(&shop.rig, options.groups)?;
    if kept != tally.numbers.len() {
        return Err(wrong(format!("{} orders acknowledged, {kept} in the groups", tally.numbers.len())));
    }
    Ok(report(options, cores, &Figures { full, half, memory, kept, sizes, reference }))
}

struct Figures {
    full: Measured,
    half: Measured,
    memory: f64,
    kept: usize,
    sizes: Sizes,
    reference: Reference,
}

fn report(options: &IntakeOptions, cores: Cores, figures: &Figures) -> Value {
    let Figures { full, half, memory, kept, sizes, reference } = figures;
    let mut full_times = full.done.times();
    let mut half_times = half.done.times();
    json!({
        "orders_per_s": rounded(full.per_second, 0),
        "reference_per_s": rounded(reference.per_second(), 0),
        "ratio": rounded(full.per_second / reference.per_second(), 3),
        "p50_ms": ms(percentile(&mut half_times, 0.50)),
        "p99_ms": ms(percentile(&mut half_times, 0.99)),
        "server_cpu_us_per_order": rounded(us_each(full.used.process, full.done.good()), 1),
        "server_rss_mb": rounded(*memory, 1),
        "engine": options.engine.name(),
        "groups": options.groups,
        "tills": options.tills,
        "parts": reference.parts(),
        "sizes": { "signed": sizes.signed, "answer": sizes.answer, "row": sizes.row },
        "full_load": {
            "seconds": rounded(full.done.wall.as_secs_f64(), 2),
            "orders": full.done.good(),
            "p50_ms": ms(percentile(&mut full_times, 0.50)),
            "p99_ms": ms(percentile(&mut full_times, 0.99)),
            "server_share_of_core": full.share_of_core(full.used.process),
            "others_share_of_core": full.share_of_core(full.used.others),
        },
        "half_load": {
            "sent_per_s": rounded(half.per_second, 0),
            "orders": half.done.good(),
            "not_sent": half.done.not_sent.len(),
            "server_share_of_core": half.share_of_core(half.used.process),
        },
        "orders_kept": kept,
        "not_let_in": full.not_let_in + half.not_let_in,
        "server_core": cores.server,
        "tills_core": cores.tills,
    })
}

/// How many requests are enough for so long.
fn enough(per_second: f64, time: Duration) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let most = (per_second * time.as_secs_f64()) as usize;
    most.clamp(1_000, 400_000)
}

enum Load {
    AsManyAsItTakes,
    PerSecond(f64),
}

struct Measured {
    done: Done,
    /// Requests that the door refused: on a machine with busy neighbours, the server holds back.
    not_let_in: usize,
    used: Used,
    per_second: f64,
}

impl Measured {
    fn share_of_core(&self, time: Duration) -> f64 {
        rounded(time.as_secs_f64() / self.done.wall.as_secs_f64().max(0.001), 3)
    }
}

async fn measure(
    shop: &Shop,
    lines: &mut Lines,
    work: &Arc<Vec<Prepared>>,
    load: Load,
    time: Duration,
) -> Result<Measured, RigError> {
    let meter = shop.meter()?;
    let done = match load {
        Load::AsManyAsItTakes => lines.closed(work, time).await?,
        Load::PerSecond(rate) => lines.open_loop(work, &[(rate, time)]).await?,
    };
    let used = meter.read()?;
    let per_second = count(done.good()) / done.wall.as_secs_f64().max(0.001);
    let not_let_in =
        done.records.iter().filter(|record| record.answer.as_ref().is_some_and(is_refusal)).count();
    Ok(Measured { done, not_let_in, used, per_second })
}

/// Surely nothing was done: the server had too much to do.
fn is_refusal(answer: &Answer) -> bool {
    answer.status == 503
}

/// Every order that was acknowledged, each by an answer that the server signed for that very request.
#[derive(Default)]
struct Tally {
    numbers: HashSet<String>,
}

impl Tally {
    fn add(&mut self, shop: &Shop, work: &[Prepared], done: &Done) -> Result<(), RigError> {
        say(format_args!("checking the signatures of {} answers", done.records.len()));
        for record in &done.records {
            let request = work.get(record.index).ok_or_else(|| wrong("an answer to nothing"))?;
            let answer = record.answer.as_ref().ok_or_else(|| wrong("a line broke"))?;
            request.verify(answer, shop.server_key())?;
            if is_refusal(answer) {
                continue;
            }
            if answer.status != 200 {
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                return Err(wrong(format!("an order was answered {}: {text}", answer.status)));
            }
            let draft: DraftCreated = serde_json::from_slice(answer.body()).map_err(wrong)?;
            if !self.numbers.insert(draft.number.as_str().to_owned()) {
                return Err(wrong(format!("{} was given twice", draft.number)));
            }
        }
        Ok(())
    }
}

fn sizes(done: &Done, work: &[Prepared]) -> Result<Sizes, RigError> {
    let first = work.first().ok_or_else(|| wrong("nothing was sent"))?;
    let answer = done.records.iter().filter(|record| record.is_good()).find_map(|r| r.answer.as_ref());
    let answer = answer.ok_or_else(|| wrong("nothing was answered"))?.size();
    let body = first.bytes().len() - first.head_size();
    // A row holds what the body does, and some columns beside it.
    Ok(Sizes { signed: first.head_size(), answer, row: body + 100 })
}
