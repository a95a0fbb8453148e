//! `cargo drill -- move`: a group's orders change their database under load, while one of two servers sleeps through it
//! and wakes with the old map.

mod files;
mod tills;

use super::DrillError;
use crate::load::fill::{Filling, fill};
use crate::load::sales::Seller;
use crate::load::shop::folder;
use crate::process::Process;
use crate::scripted_till::ScriptedTill;
use crate::store_rig::{RigOptions, StoreRig};
use crate::workspace;
use clap::Args;
use evertill_provisioning::client::{ClientConfig, StaffClient};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::TerminalId;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::groups::{AddGroup, GroupAddress, GroupChange, MovePhase, MoveRow};
use evertill_shared::protocol::staff::TerminalChange;
use serde_json::{Value, json};
use std::fmt::Display;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tills::{Done, Waiting, change_all, check_numbers, sell_until, wake_and_pay};

/// The group whose orders go, and the one that gets them.
const FROM: u8 = 0;
const TO: u8 = 5;
/// How many orders wait to be paid while they move, at each of the two servers.
const WAITING: usize = 60;

/// Moves a million orders from one database to another while tills sell, pay orders that are on their way, and one of
/// two servers is stopped in the middle of it and wakes when all is over. Holds every sale against the books.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  cargo drill -- move --json")]
pub struct MoveDrill {
    /// How many orders.
    #[arg(long, default_value_t = 1_000_000)]
    orders: usize,
    /// The last line printed is one JSON object.
    #[arg(long)]
    json: bool,
}

/// So many times in a row it may not be told how the move goes.
const PATIENCE: u32 = 60;

fn say(what: impl Display) {
    eprintln!("drill: {what}");
}

fn wrong(what: impl Display) -> DrillError {
    DrillError::Other(what.to_string())
}

fn tag(number: u8) -> Result<GroupTag, DrillError> {
    GroupTag::try_from(number).map_err(wrong)
}

/// Runs the drill; true if nothing was lost or doubled and all numbers are valid.
/// # Errors
/// The shop does not come up, or does not do what it is asked.
pub fn drill(options: &MoveDrill) -> Result<bool, DrillError> {
    workspace::build_programs().map_err(wrong)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let (report, held) = runtime.map_err(wrong)?.block_on(run(options))?;
    let pretty = serde_json::to_string_pretty(&report).map_err(wrong)?;
    println!("{}", if options.json { report.to_string() } else { pretty });
    Ok(held)
}

async fn run(options: &MoveDrill) -> Result<(Value, bool), DrillError> {
    let dir = folder()?;
    let mut rig = StoreRig::open(dir.path(), RigOptions { groups: 2, ..RigOptions::default() }).await?;
    let mut first = rig.scripted_till("Till 1").await?;
    rig.stop_server();
    say(format_args!("filling a group with {} orders", options.orders));
    let some = filled(&rig, options.orders, &first)?;
    rig.start_server()?;
    let other = OtherServer::start(&rig)?;
    let staff = Arc::new(rig.staff("it").await?);
    say("two servers run; a third group is added");
    let place = GroupAddress::File(format!("groups/{TO:02}.db"));
    staff.add_group(&AddGroup { tag: tag(TO)?, place, reason: "a new disk".into() }).await?;
    let (here, there) = waiting_orders(&rig, &staff, &other).await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut selling = Vec::new();
    for n in 0..3 {
        let till = rig.scripted_till(&format!("Seller {n}")).await?;
        selling.push(tokio::spawn(sell_until(till, Arc::clone(&over))));
    }
    say("the orders are sent off");
    let began = SystemClock.monotonic();
    let change = GroupChange::Move { to: tag(TO)?, reason: "the old disk is small".into() };
    staff.change_group(tag(FROM)?, &change).await?;
    let changing = tokio::spawn(change_all(here, Duration::from_millis(1_500), Arc::clone(&over)));
    let moved = watch(&staff, |last| last.copied * 10 >= last.total * 9 && last.total > 0).await?;
    other.pause(&rig)?;
    say(format_args!("a server sleeps, with {} payments on their way to it", there.orders.len()));
    let paying = tokio::spawn(wake_and_pay(there, Arc::clone(&over)));
    let moved = if moved.phase.is_under_way() { watch(&staff, |_| false).await? } else { moved };
    let took = SystemClock.monotonic().saturating_sub(began);
    if moved.phase != MovePhase::Done {
        return Err(wrong(format!("the move ended {:?}: {:?}", moved.phase, moved.problem)));
    }
    say(format_args!("{} orders moved in {took:?}; the server wakes", moved.copied));
    over.store(true, Ordering::Release);
    other.process.signal(18);
    let mut done = Done::default();
    for task in selling {
        done.add(task.await.map_err(wrong)?);
    }
    done.add(changing.await.map_err(wrong)?);
    done.add(paying.await.map_err(wrong)?);
    say("comparing the books; reading old numbers at both servers");
    let mut valid = check_numbers(&mut first, &some).await;
    let mut via_other = other.client_of(&rig, first)?;
    valid += check_numbers(&mut via_other, &some[..some.len().min(100)]).await;
    let asked = some.len() + some.len().min(100);
    staff.change_group(tag(FROM)?, &GroupChange::Retire { reason: "the disk goes".into() }).await?;
    rig.stop_server();
    drop(other);
    let books = files::compare(&rig, FROM, TO, &done.paid)?;
    let lost = books.lost + done.never_settled + (asked - valid);
    let per_second = u128::from(books.moved) * 1_000 / took.as_millis().max(1);
    let held = lost == 0 && books.doubled == 0 && books.moved >= options.orders as u64;
    let report = json!({
        "moved": books.moved,
        "lost": lost,
        "doubled": books.doubled,
        "orders_per_s": u64::try_from(per_second).unwrap_or(u64::MAX),
        "seconds": took.as_secs(),
        "sold_meanwhile": done.paid.len(),
        "asked_to_wait": done.waited,
        "slowest_ms": u64::try_from(done.slowest.as_millis()).unwrap_or(u64::MAX),
        "numbers_read": valid,
        "numbers_asked": asked,
        "never_settled": done.never_settled,
        "left_out_drafts": books.left_out,
    });
    Ok((report, held))
}

/// A million sales of the last years, a fiftieth of them this till's.
fn filled(rig: &StoreRig, orders: usize, till: &ScriptedTill) -> Result<Vec<OrderNumber>, DrillError> {
    let seller = TerminalId::try_from(900).map_err(wrong)?;
    let sold = Seller::without_server(seller, till.store())?.sell()?;
    let zone = till.enrolled.store.zone.clone();
    let filling =
        Filling { sold: &sold, tag: tag(FROM)?, a_day: 2_000, until: SystemClock.now(), zone: &zone };
    fill(&rig.group_file(FROM), orders, &filling)?;
    files::numbers_of(rig, FROM, till.enrolled.terminal)
}

/// Orders with the tag that is about to move, chosen and not paid: some to be paid through each server.
async fn waiting_orders(
    rig: &StoreRig,
    staff: &StaffClient,
    other: &OtherServer,
) -> Result<(Waiting, Waiting), DrillError> {
    let here = rig.scripted_till("Patient 1").await?;
    let code = staff.enrolment_code("Patient 2").await?.code;
    let there = ScriptedTill::enrol(other.config(rig), &code).await?;
    let change = TerminalChange::Activate { fingerprint: there.device.fingerprint() };
    staff.change_terminal(there.enrolled.terminal, &change).await?;
    Ok((Waiting::of(here, tag(FROM)?, WAITING).await?, Waiting::of(there, tag(FROM)?, WAITING).await?))
}

/// Tells how the move goes, until it is over or `enough`.
async fn watch(staff: &StaffClient, enough: impl Fn(&MoveRow) -> bool) -> Result<MoveRow, DrillError> {
    let (mut told, mut unanswered) = (0, 0);
    loop {
        let groups = match staff.groups().await {
            Ok(groups) => groups,
            // Looking on is the first thing that a busy server refuses.
            Err(_) if unanswered < PATIENCE => {
                unanswered += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        unanswered = 0;
        let last = groups.into_iter().find(|group| group.tag.get() == FROM).and_then(|group| group.last_move);
        let last = last.ok_or_else(|| wrong("the server knows of no move"))?;
        if told == 0 {
            let problem = last.problem.as_deref().unwrap_or("");
            say(format_args!("{}: {} of {} {problem}", last.phase.as_str(), last.copied, last.total));
        }
        told = (told + 1) % 20;
        if !last.phase.is_under_way() || enough(&last) {
            return Ok(last);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A second server of the store, over the same files.
struct OtherServer {
    process: Process,
    url: String,
}

impl OtherServer {
    fn start(rig: &StoreRig) -> Result<Self, DrillError> {
        let folder = rig.store_dir().join("server");
        let text = std::fs::read_to_string(folder.join("server.toml")).map_err(wrong)?;
        let mut settings: toml::Table = text.parse().map_err(wrong)?;
        settings.insert("listen".into(), "127.0.0.1:0".into());
        let file = folder.join("server-2.toml");
        std::fs::write(&file, settings.to_string()).map_err(wrong)?;
        let mut command = Command::new(workspace::program("evertill-server"));
        command.arg("--config").arg(file).current_dir(rig.dir());
        let mut process = Process::spawn("second server", &mut command, &rig.dir().join("logs/server-2.log"))
            .map_err(wrong)?;
        let ready = process.ready_line().map_err(wrong)?;
        let listen = ready["listen"].as_str().ok_or_else(|| wrong("the second server does not listen"))?;
        Ok(Self { process, url: format!("https://{listen}") })
    }

    fn config(&self, rig: &StoreRig) -> ClientConfig {
        ClientConfig::new(vec![self.url.clone()], rig.trust().clone())
    }

    /// The same till, asking this server.
    fn client_of(&self, rig: &StoreRig, till: ScriptedTill) -> Result<ScriptedTill, DrillError> {
        Ok(till.at(self.config(rig))?)
    }

    /// Stops it where it stands; not while it holds a file's only place to write, or nobody could.
    fn pause(&self, rig: &StoreRig) -> Result<(), DrillError> {
        let files =
            [rig.data_dir().join("base.db"), rig.group_file(0), rig.group_file(1), rig.group_file(TO)];
        for _ in 0..200 {
            self.process.signal(19);
            std::thread::sleep(Duration::from_millis(50));
            if files.iter().all(|file| files::can_be_written(file)) {
                return Ok(());
            }
            self.process.signal(18);
            std::thread::sleep(Duration::from_millis(37));
        }
        Err(wrong("the second server could not be stopped between two writes"))
    }
}
