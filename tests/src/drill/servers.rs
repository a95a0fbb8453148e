//! `cargo drill -- servers`: two servers behind HAProxy, one of which is killed under load, and the other stopped.

use super::group::Engine;
use super::ledger::{Ledger, Totals, open_tills};
use super::say;
use crate::rig::Failure;
use crate::rig::haproxy::{Backend, Check, Haproxy};
use crate::rig::place::Place;
use crate::rig::postgres::{PostgresNode, PostgresOptions};
use crate::store_rig::{InPostgres, RigError, RigOptions, StoreRig};
use clap::Args;
use evertill_provisioning::client::{ClientConfig, Timeouts};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const GROUPS: u8 = 3;
/// How long a server that is told to stop serves on: longer than HAProxy takes to see that it is not ready.
const DRAIN_MS: u64 = 1_500;
const PATIENCE: Duration = Duration::from_secs(20);
/// From one part to the next.
const SETTLE: Duration = Duration::from_secs(2);

/// Two servers on the same base store and groups, behind HAProxy, which passes TLS through and asks each one's
/// `/health/ready`; many tills that know no other address. One server is killed (kill -9), later it is started again, and
/// then the other one is told to stop.
///
/// With `--engine sqlite` both share the files on this machine; with `--engine postgres` base store and groups are
/// PostgreSQL databases, and nothing is on the servers' own disks.
///
/// No sale may fail, no customer be charged twice, and nothing that a till was told be missing: `lost` counts sales that
/// failed or are not in the books. And since there is always a server that is well, no customer may stand there for as long as
/// a till waits for one answer: `slowest_ms` is less than 10000.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- servers --json\n  cargo drill -- servers --engine postgres --json"
)]
pub struct ServersOptions {
    /// Where the base store and the order groups are.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub engine: Engine,
    /// How many tills sell.
    #[arg(long, default_value_t = 30)]
    pub tills: u32,
    /// From one sale of a till to its next.
    #[arg(long, default_value_t = 600, value_name = "MS")]
    pub every_ms: u64,
    /// How long each part lasts: both servers, one, both again, the other one, both.
    #[arg(long, default_value_t = 8, value_name = "S")]
    pub seconds: u64,
    /// Four times as long.
    #[arg(long)]
    pub long: bool,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the drill; true if all held.
/// # Errors
/// Something that the drill needs does not work here.
pub fn drill(options: &ServersOptions) -> Result<bool, RigError> {
    let report = super::on_all_cores(run(options))?;
    super::print(&report, options.json);
    Ok(report["ok"] == true)
}

/// The servers, and what leads to them. Dropped in this order.
struct Scene {
    haproxy: Haproxy,
    rig: StoreRig,
    _node: Option<PostgresNode>,
    _place: Place,
}

/// When each part began, since the start.
struct Parts {
    both: Duration,
    killed: Duration,
    again: Duration,
    stopped: Duration,
    ended: Duration,
}

/// Runs it; the answer is the report.
/// # Errors
/// As [`drill`].
pub async fn run(options: &ServersOptions) -> Result<Value, RigError> {
    let mut scene = Scene::open(options.engine).await?;
    let ledger = Arc::new(Ledger::new(None));
    let every = Duration::from_millis(options.every_ms.max(1));
    let address = format!("https://{}", scene.haproxy.address());
    let config = ClientConfig::new(vec![address], scene.rig.trust().clone());
    let tills = open_tills(&scene.rig, config, options.tills, every, &ledger).await?;
    say(format_args!("{} tills sell through HAProxy", options.tills));
    let seconds = options.seconds.max(1) * if options.long { 4 } else { 1 };
    let parts = scene.story(Duration::from_secs(seconds), &ledger).await?;
    ledger.close(tills).await?;
    let totals = ledger.totals(&scene.rig).await?;
    Ok(report(options, &ledger, &parts, &totals))
}

impl Scene {
    async fn open(engine: Engine) -> Result<Self, RigError> {
        let place = Place::new("servers", "root").map_err(failed)?;
        let mut options = RigOptions { drain_ms: DRAIN_MS, groups: GROUPS, ..RigOptions::default() };
        let mut node = None;
        if engine == Engine::Postgres {
            say("starting PostgreSQL");
            let settings = PostgresOptions { max_connections: 120, ..PostgresOptions::default() };
            let started = tokio::task::block_in_place(|| PostgresNode::start_alone("servers", settings));
            let started = started.map_err(failed)?;
            options.postgres = InPostgres::all(&started, "shop", GROUPS).map_err(failed)?;
            node = Some(started);
        }
        say("building the programs, opening the shop with two servers");
        let mut rig = StoreRig::open(&place.dir().join("shop"), options).await?;
        rig.add_server()?;
        let root = rig.trust().root_certificates.first().cloned().unwrap_or_default();
        let check = Check::Https { path: "/health/ready".into(), root };
        let addresses = rig.server_addresses();
        let backends: Vec<Backend> =
            ["one", "two"].iter().zip(addresses).map(|(name, at)| Backend::at(name, at)).collect();
        let haproxy = tokio::task::block_in_place(|| Haproxy::start(check, &backends)).map_err(failed)?;
        let scene = Self { haproxy, rig, _node: node, _place: place };
        scene.up(&["one", "two"])?;
        Ok(scene)
    }

    fn up(&self, names: &[&str]) -> Result<(), RigError> {
        tokio::task::block_in_place(|| self.haproxy.wait_for(names, PATIENCE)).map_err(failed)
    }

    async fn story(&mut self, time: Duration, ledger: &Ledger) -> Result<Parts, RigError> {
        tokio::time::sleep(SETTLE).await;
        let both = ledger.now();
        tokio::time::sleep(time).await;
        say("one server is killed");
        let killed = ledger.now();
        tokio::task::block_in_place(|| self.rig.kill_server());
        tokio::time::sleep(time).await;
        say("it is started again");
        let again = ledger.now();
        tokio::task::block_in_place(|| self.rig.start_server())?;
        self.up(&["one", "two"])?;
        tokio::time::sleep(time).await;
        say("the other is told to stop");
        let stopped = ledger.now();
        tokio::task::block_in_place(|| self.rig.stop_further(0, PATIENCE));
        self.up(&["one"])?;
        tokio::time::sleep(time).await;
        tokio::task::block_in_place(|| self.rig.start_further(0))?;
        self.up(&["one", "two"])?;
        tokio::time::sleep(SETTLE).await;
        Ok(Parts { both, killed, again, stopped, ended: ledger.now() })
    }
}

fn failed(failure: Failure) -> RigError {
    RigError::Unexpected(failure.to_string())
}

fn report(options: &ServersOptions, ledger: &Ledger, parts: &Parts, totals: &Totals) -> Value {
    let lost = totals.failed + totals.lost;
    json!({
        "ok": lost == 0 && totals.doubled == 0 && totals.slowest < Timeouts::default().answer,
        "lost": lost,
        "doubled": totals.doubled,
        "slowest_ms": u64::try_from(totals.slowest.as_millis()).unwrap_or(u64::MAX),
        "both_per_s": ledger.per_second(parts.both, parts.killed),
        "killed_per_s": ledger.per_second(parts.killed, parts.again),
        "both_again_per_s": ledger.per_second(parts.again, parts.stopped),
        "stopped_per_s": ledger.per_second(parts.stopped, parts.ended),
        "sales": totals.sales,
        "jumped": totals.jumped,
        "unknowns": totals.unknowns,
        "asked_again": totals.asked_again,
        "engine": format!("{:?}", options.engine).to_lowercase(),
        "tills": options.tills,
    })
}
