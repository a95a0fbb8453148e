//! `cargo drill -- group`: one of three groups fails while many tills sell, and comes back.

use super::file_fault::FileFault;
use super::ledger::{Ledger, Totals, open_tills};
use super::say;
use crate::rig::place::Place;
use crate::rig::postgres::{self, PostgresGroup, PostgresOptions, Promotion};
use crate::store_rig::{InPostgres, RigError, RigOptions, StoreRig};
use clap::{Args, ValueEnum};
use evertill_shared::order_number::GroupTag;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The group that fails.
const FAILING: u8 = 1;
const GROUPS: u8 = 3;
/// The longest that a customer may stand at the till without word, one time-out of a second included.
const SLOWEST: Duration = Duration::from_millis(1_500);
/// How far away the standbys of a slow PostgreSQL group are, each way: a commit takes at least twice as long.
const FAR: Duration = Duration::from_millis(150);
/// Until the rates are measured, and between the parts of a run.
const SETTLE: Duration = Duration::from_secs(2);
/// After a period a group is tested by one order. Until an engine has its connections or its file back, and an order
/// comes by, a little more.
const NOTICED: Duration = Duration::from_secs(4);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A file for each group.
    Sqlite,
    /// A primary with two standbys for each group, and quorum commits.
    Postgres,
}

/// What befalls the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// PostgreSQL: the primary is killed, and in the end a standby promoted. SQLite: the disk answers each call with an
    /// I/O error.
    Kill,
    /// PostgreSQL: the primary is stopped (SIGSTOP). SQLite: a process that has the file's lock is.
    Freeze,
    /// Takes no writes: PostgreSQL is set so; SQLite's disk says so.
    Readonly,
    /// A commit takes 300 ms: far standbys; another process that writes in bursts of that length.
    Slow,
    /// The disk is full.
    Diskfull,
    /// All connections are taken (PostgreSQL only).
    Connections,
}

/// Three groups under load through a real server, real TLS and many tills; one group fails and comes back.
///
/// A sale is: its number asked for, adopted, and paid: in cash and brought to the server, or (every third) by the code
/// on a customer's phone, through the wallet simulator. Each till asks again as a real till does.
///
/// A sale whose number was given out by the group that then failed waits for that group, as it must: only creation
/// jumps. The till is told so, sets it aside and serves the next customer; the time until it is told counts as the
/// sale's, and if it is not paid in the end, exactly once, it has failed. `set_aside` says how many there were. If a
/// payment surely did not happen (it was taken back, or declined), the customer shows another code: `charged_anew`.
///
/// The fault must have bitten: `bit` is how often the server's own figures say that the group failed or was slow.
///
/// A group is skipped after three failures in a period of four seconds (a minute in a real shop), so that its recovery
/// is seen within the run. It must be noticed within the period.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  cargo drill -- group --engine sqlite --fault kill --json\n  \
    cargo drill -- group --engine postgres --fault freeze --json\n\n\
    Ends well only if failed, double_charges and lost are 0, slowest_ms is at most 1500, the fault was felt at all, and \
    the group was back within its period.")]
pub struct GroupOptions {
    /// The database of the order groups.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub engine: Engine,
    /// What befalls one of them.
    #[arg(long, value_enum, default_value = "kill")]
    pub fault: Fault,
    /// How many tills sell.
    #[arg(long, default_value_t = 30)]
    pub tills: u32,
    /// From one sale of a till to its next.
    #[arg(long, default_value_t = 600, value_name = "MS")]
    pub every_ms: u64,
    /// How long the fault lasts, and how long the rates before and after it are measured.
    #[arg(long, default_value_t = 10, value_name = "S")]
    pub seconds: u64,
    /// Four times as long.
    #[arg(long)]
    pub long: bool,
    /// Copies the programs' logs into this folder before all is removed.
    #[arg(long, value_name = "FOLDER")]
    pub logs: Option<PathBuf>,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// The group that fails.
enum Failing {
    File(Box<FileFault>),
    Postgres(Arc<Mutex<PostgresGroup>>),
}

/// What is there for a run. Dropped in this order.
struct Scene {
    rig: StoreRig,
    failing: Failing,
    _others: Vec<PostgresGroup>,
    _place: Place,
}

/// When what happened, since the start.
#[derive(Default)]
struct Times {
    measured: Duration,
    failed: Duration,
    healed: Duration,
    recovered: Option<Duration>,
    /// When its orders were sold again.
    back: Duration,
    ended: Duration,
    /// How often the server found the group failing or slow meanwhile: jumps away from it, probes in vain, unknown ends.
    bit: u64,
    promoted: Option<Promotion>,
}

/// Runs the drill; true if all held.
/// # Errors
/// Something that the drill needs does not work here.
pub fn drill(options: &GroupOptions) -> Result<bool, RigError> {
    let report = super::on_all_cores(run(options))?;
    super::print(&report, options.json);
    Ok(report["ok"] == true)
}

/// Runs it; the answer is the report.
/// # Errors
/// As [`drill`].
pub async fn run(options: &GroupOptions) -> Result<Value, RigError> {
    let mut scene = Scene::open(options).await?;
    let tag = GroupTag::try_from(FAILING).map_err(|error| RigError::Unexpected(error.to_string()))?;
    let ledger = Arc::new(Ledger::new(Some(tag)));
    say(format_args!("{} tills are enrolled, and sell", options.tills));
    let every = Duration::from_millis(options.every_ms.max(1));
    let tills = open_tills(&scene.rig, scene.rig.client_config(), options.tills, every, &ledger).await?;
    let seconds = options.seconds.max(1) * if options.long { 4 } else { 1 };
    let times = scene.story(options.fault, Duration::from_secs(seconds), &ledger).await?;
    ledger.close(tills).await?;
    let totals = ledger.totals(&scene.rig).await?;
    if let Some(folder) = &options.logs {
        scene.copy_logs(folder)?;
    }
    Ok(report(options, &ledger, &times, &totals, scene.period()))
}

impl Scene {
    async fn open(options: &GroupOptions) -> Result<Self, RigError> {
        let place = Place::new("drill", "root").map_err(failed)?;
        let shop = place.dir().join("shop");
        if options.engine == Engine::Sqlite {
            say("building the programs, opening the shop");
            let mut rig =
                StoreRig::open(&shop, RigOptions { figures: true, ..RigOptions::default() }).await?;
            let fault = FileFault::prepare(&mut rig, &place, FAILING, options.fault)?;
            return Ok(Self {
                rig,
                failing: Failing::File(Box::new(fault)),
                _others: Vec::new(),
                _place: place,
            });
        }
        say("starting three groups, each a primary and two standbys");
        let mut groups = start_groups(options.fault).await?;
        let names = (0..GROUPS).zip(&groups).map(|(tag, group)| (tag, group.conninfo())).collect();
        let postgres =
            InPostgres { groups: names, require_synchronous: Some(1), lanes: 2, ..InPostgres::default() };
        say("building the programs, opening the shop");
        let rig =
            StoreRig::open(&shop, RigOptions { postgres, figures: true, ..RigOptions::default() }).await?;
        let failing = Failing::Postgres(Arc::new(Mutex::new(groups.remove(usize::from(FAILING)))));
        Ok(Self { rig, failing, _others: groups, _place: place })
    }

    fn copy_logs(&self, folder: &Path) -> Result<(), RigError> {
        let copy = || {
            std::fs::create_dir_all(folder)?;
            for log in std::fs::read_dir(self.rig.dir().join("logs"))?.flatten() {
                std::fs::copy(log.path(), folder.join(log.file_name()))?;
            }
            Ok(())
        };
        copy().map_err(|error| RigError::File { path: folder.into(), error })
    }

    fn period(&self) -> Duration {
        Duration::from_millis(RigOptions::default().period_ms + 500)
    }

    async fn story(&mut self, fault: Fault, time: Duration, ledger: &Arc<Ledger>) -> Result<Times, RigError> {
        tokio::time::sleep(SETTLE).await;
        let mut times = Times { measured: ledger.now(), ..Times::default() };
        tokio::time::sleep(time).await;
        times.failed = ledger.now();
        say(format_args!("the group {FAILING:02} fails: {fault:?}"));
        let troubles = self.troubles().await?;
        self.inflict(fault).await?;
        tokio::time::sleep(time).await;
        times.bit = self.troubles().await?.saturating_sub(troubles);
        say(format_args!("it comes back; the server met its failure {} times", times.bit));
        times.healed = ledger.now();
        times.promoted = self.heal(fault).await?;
        let back = ledger.now();
        times.recovered = self.until_back(ledger, back).await.map(|at| at.saturating_sub(back));
        times.back = ledger.now();
        tokio::time::sleep(time).await;
        times.ended = ledger.now();
        times.healed = times.healed.min(back);
        if let (None, Failing::Postgres(_)) = (&times.promoted, &self.failing) {
            say("its primary is killed and a standby promoted, under the same load");
            times.promoted = self.promote().await?;
            self.until_back(ledger, ledger.now()).await;
        }
        say(format_args!("noticed after {:?}", times.back.saturating_sub(back)));
        Ok(times)
    }

    /// How often the server has met a failure or slowness of the group so far, as it tells itself.
    async fn troubles(&self) -> Result<u64, RigError> {
        let figures = self.rig.figures().await?;
        let group = format!("group=\"{FAILING:02}\"");
        let counted = |line: &&str| {
            line.contains(&group)
                && (line.starts_with("evertill_jumps_total{")
                    || line.starts_with("evertill_unknowns_total{")
                    || (line.starts_with("evertill_probes_total{") && !line.contains("outcome=\"done\"")))
        };
        let values =
            figures.lines().filter(counted).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(values.sum())
    }

    /// When the first sale with a number of the failing group was paid that began after `since`.
    async fn until_back(&self, ledger: &Ledger, since: Duration) -> Option<Duration> {
        while ledger.now() < since + self.period() * 4 {
            if let Some(at) = ledger.first_in_failing(since) {
                return Some(at);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    async fn inflict(&mut self, fault: Fault) -> Result<(), RigError> {
        let server = self.rig.server.as_ref().map_or(0, |server| server.id());
        match &mut self.failing {
            Failing::File(file) => tokio::task::block_in_place(|| file.inflict(fault, server)),
            Failing::Postgres(group) => with(group, move |group| group.inflict(in_postgres(fault))).await,
        }
    }

    async fn heal(&mut self, fault: Fault) -> Result<Option<Promotion>, RigError> {
        match &mut self.failing {
            Failing::File(file) => tokio::task::block_in_place(|| file.heal()).map(|()| None),
            Failing::Postgres(_) if fault == Fault::Kill => self.promote().await,
            Failing::Postgres(group) => with(group, PostgresGroup::heal).await.map(|()| None),
        }
    }

    async fn promote(&mut self) -> Result<Option<Promotion>, RigError> {
        let Failing::Postgres(group) = &self.failing else { return Ok(None) };
        with(group, |group| {
            let promotion = group.promote_furthest()?;
            group.wait_for_standbys(1)?;
            Ok(promotion)
        })
        .await
        .map(Some)
    }
}

fn in_postgres(fault: Fault) -> postgres::Fault {
    match fault {
        Fault::Kill => postgres::Fault::Kill,
        Fault::Freeze => postgres::Fault::Freeze,
        Fault::Readonly => postgres::Fault::ReadOnly,
        Fault::Slow => postgres::Fault::Slow(FAR),
        Fault::Diskfull => postgres::Fault::DiskFull,
        Fault::Connections => postgres::Fault::NoConnections,
    }
}

fn failed(failure: crate::rig::Failure) -> RigError {
    RigError::Unexpected(failure.to_string())
}

/// Three groups; the one that is to have no room has small disks.
async fn start_groups(fault: Fault) -> Result<Vec<PostgresGroup>, RigError> {
    let started = (0..GROUPS).map(|tag| {
        let small = (tag == FAILING && fault == Fault::Diskfull).then_some(256);
        let options = PostgresOptions { small_disk_mib: small, ..PostgresOptions::default() };
        tokio::task::spawn_blocking(move || PostgresGroup::start(&format!("drill-{tag}"), options))
    });
    let mut groups = Vec::new();
    for group in started.collect::<Vec<_>>() {
        groups.push(group.await.map_err(|error| RigError::Unexpected(error.to_string()))?.map_err(failed)?);
    }
    Ok(groups)
}

async fn with<T: Send + 'static>(
    group: &Arc<Mutex<PostgresGroup>>,
    work: impl FnOnce(&mut PostgresGroup) -> Result<T, crate::rig::Failure> + Send + 'static,
) -> Result<T, RigError> {
    let group = Arc::clone(group);
    let done =
        tokio::task::spawn_blocking(move || work(&mut group.lock().unwrap_or_else(PoisonError::into_inner)));
    done.await.map_err(|error| RigError::Unexpected(error.to_string()))?.map_err(failed)
}

fn report(
    options: &GroupOptions,
    ledger: &Ledger,
    times: &Times,
    totals: &Totals,
    period: Duration,
) -> Value {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let in_time = times.recovered.is_some_and(|took| took <= period + NOTICED);
    let is_whole = totals.failed == 0 && totals.doubled == 0 && totals.lost == 0;
    let ok = is_whole && totals.slowest <= SLOWEST && in_time && times.bit > 0;
    json!({
        "ok": ok,
        "failed": totals.failed,
        "double_charges": totals.doubled,
        "lost": totals.lost,
        "slowest_ms": ms(totals.slowest),
        "before_per_s": ledger.per_second(times.measured, times.failed),
        "during_per_s": ledger.per_second(times.failed, times.healed),
        "after_per_s": ledger.per_second(times.back, times.ended),
        "recovered_ms": times.recovered.map(ms),
        "promoted_ms": times.promoted.as_ref().map(|promotion| ms(promotion.took)),
        "bit": times.bit,
        "jumped": totals.jumped,
        "unknowns": totals.unknowns,
        "asked_again": totals.asked_again,
        "charged_anew": totals.charged_anew,
        "set_aside": totals.set_aside,
        "set_aside_longest_ms": ms(totals.set_aside_longest),
        "sales": totals.sales,
        "slowest": ledger.slowest_story(),
        "engine": format!("{:?}", options.engine).to_lowercase(),
        "fault": format!("{:?}", options.fault).to_lowercase(),
        "tills": options.tills,
        "period_ms": RigOptions::default().period_ms,
    })
}
