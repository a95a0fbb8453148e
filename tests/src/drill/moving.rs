//! `cargo drill -- move`: a group's orders change their database under load, while one of two servers sleeps through it
//! and wakes with the old map.

mod files;
mod fill;
mod sleeper;
mod tills;

use super::DrillError;
use crate::load::shop::folder;
use crate::scripted_till::ScriptedTill;
use crate::store_rig::{RigOptions, StoreRig, WalletOrder};
use crate::workspace;
use clap::Args;
use evertill_provisioning::client::{ClientConfig, StaffClient};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::groups::{AddGroup, GroupAddress, GroupChange, MovePhase, MoveRow};
use evertill_shared::protocol::staff::TerminalChange;
use fill::{Filled, Years, fill, wrong};
use serde_json::{Value, json};
use sleeper::Sleeper;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tills::{Done, Waiting, change_all, check_numbers, sell_until, wake_and_pay};

/// The group whose orders go, and the one that gets them.
const FROM: u8 = 0;
const TO: u8 = 5;
/// How many orders wait to be paid while they move, at each of the two servers.
const WAITING: usize = 60;
/// How many of them are in the hands of the server that falls asleep.
const IN_ITS_HANDS: usize = 8;
/// How many tills sell meanwhile.
const SELLERS: usize = 3;
const BETWEEN_KILLS: Duration = Duration::from_millis(1_300);
/// Within so long servers have read the map anew.
const HEARD_OF: Duration = Duration::from_millis(2_500);
/// How many old numbers are read at the first server, and at the one that slept, when the move is over; and at that one,
/// and at the first again, when the old database is retired.
const READ: [usize; 4] = [500, 100, 100, 100];
/// How many when the servers have started anew, and the old database is gone from its place.
const READ_ANEW: usize = 300;

/// Moves a million orders from one database to another while tills sell for cash and by codes, and pay orders that are on
/// their way. One of two servers is stopped in the middle of it and wakes when all is over; the other is killed. Then the
/// old database is retired and taken away. Holds every sale against the books, and reads numbers of old receipts.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- move --json\n  cargo drill -- move --orders 50000 --kills 2"
)]
pub struct MoveDrill {
    /// How many orders.
    #[arg(long, default_value_t = 1_000_000)]
    pub orders: usize,
    /// How often the server that is left is killed (kill -9) in the middle of it; each time costs the ten seconds after
    /// which somebody else may go on.
    #[arg(long, default_value_t = 1)]
    pub kills: u32,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// So many times in a row it may not be told how the move goes.
const PATIENCE: u32 = 60;

fn say(what: impl Display) {
    eprintln!("drill: {what}");
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

fn since(began: Duration) -> Duration {
    SystemClock.monotonic().saturating_sub(began)
}

/// The drill: its report, and whether all that it checks held.
/// # Errors
/// See [`drill`].
pub async fn run(options: &MoveDrill) -> Result<(Value, bool), DrillError> {
    let orders = options.orders;
    let started = SystemClock.monotonic();
    let dir = folder()?;
    let mut rig = StoreRig::open(dir.path(), RigOptions { groups: 2, ..RigOptions::default() }).await?;
    let first = rig.scripted_till("Till 1").await?;
    rig.stop_server();
    say(format_args!("filling a group with {orders} orders"));
    let filled = filled(&rig, orders, &first)?;
    let filled_in = since(started);
    say(format_args!("filled in {filled_in:?}; two servers start"));
    rig.start_server()?;
    let sleeper = Sleeper::start(&rig)?;
    let (moved, mut done) = move_under_load(&mut rig, &sleeper, options.kills).await?;
    let checking = SystemClock.monotonic();
    let reader = Reader { till: first, numbers: &filled.numbers, asked: 0, valid: 0 };
    let (reader, fenced) = retire(&rig, sleeper, reader).await?;
    let (read, is_wallet_equal) = without_the_old_database(&mut rig, reader, &done).await?;
    say("comparing the books");
    let books = files::compare(&rig, &filled, &done.paid)?;
    done.never_settled += read.asked - read.valid;
    let lost =
        books.lost + done.never_settled as u64 + books.moved.saturating_sub(books.readable + books.left_out);
    let per_second = u128::from(books.moved) * 1_000 / moved.took.as_millis().max(1);
    let report = json!({
        "moved": books.moved,
        "lost": lost,
        "doubled": books.doubled,
        "orders_per_s": u64::try_from(per_second).unwrap_or(u64::MAX),
        "filled_s": filled_in.as_secs(),
        "moved_s": moved.took.as_secs(),
        "checked_s": since(checking).as_secs(),
        "total_s": since(started).as_secs(),
        "frozen_ms": frozen_ms(&rig),
        "sold_meanwhile": done.paid.len(),
        "paid_by_code": done.by_code.len(),
        "asked_to_wait": done.waited,
        "slowest_ms": u64::try_from(done.slowest.as_millis()).unwrap_or(u64::MAX),
        "refused_by_fence": fenced,
        "readable": books.readable,
        "checksum_equal": books.is_digest_equal,
        "money_equal": books.is_money_equal,
        "wallet_equal": is_wallet_equal,
        "numbers_read": read.valid,
        "numbers_asked": read.asked,
        "kills": options.kills,
        "never_settled": done.never_settled,
        "left_out_drafts": books.left_out,
    });
    let held = lost == 0
        && books.doubled == 0
        && books.moved >= orders as u64
        && books.is_digest_equal
        && books.is_money_equal
        && is_wallet_equal
        && !done.by_code.is_empty()
        && fenced > 0;
    drop(rig);
    dir.close().map_err(wrong)?;
    Ok((report, held))
}

/// A till that reads numbers of old receipts.
struct Reader<'a> {
    till: ScriptedTill,
    numbers: &'a [OrderNumber],
    asked: usize,
    /// Of those the ones that were answered with their order.
    valid: usize,
}

impl Reader<'_> {
    async fn read(&mut self, most: usize) {
        let some = spread(self.numbers, most);
        self.asked += some.len();
        self.valid += check_numbers(&self.till, &some).await;
    }

    /// The same till at another server.
    fn at(self, config: ClientConfig) -> Result<Self, DrillError> {
        Ok(Self { till: self.till.at(config)?, ..self })
    }
}

/// Reads at both servers, has the old database retired, and reads on. Then the server that slept ends. Gives how many
/// writes were refused because they were for the old database, too.
async fn retire<'a>(
    rig: &StoreRig,
    sleeper: Sleeper,
    mut reader: Reader<'a>,
) -> Result<(Reader<'a>, u64), DrillError> {
    say("reading old numbers at both servers");
    reader.read(READ[0]).await;
    reader = reader.at(sleeper.config(rig))?;
    reader.read(READ[1]).await;
    let fenced = sleeper.fenced()?;
    say("the old database is retired; reading on");
    let change = GroupChange::Retire { reason: "the disk goes".into() };
    rig.staff("it").await?.change_group(tag(FROM)?, &change).await?;
    tokio::time::sleep(HEARD_OF).await;
    reader.read(READ[2]).await;
    reader = reader.at(rig.client_config())?;
    reader.read(READ[3]).await;
    Ok((reader, fenced))
}

/// Starts the server anew with the old database gone from its place, and reads on. Then no server runs, and the database
/// is back where it was, to be looked at. Gives whether the wallet's books are ours, too.
async fn without_the_old_database<'a>(
    rig: &mut StoreRig,
    mut reader: Reader<'a>,
    done: &Done,
) -> Result<(Reader<'a>, bool), DrillError> {
    rig.stop_server();
    say("the old database is taken away, and the server started anew");
    let away = files::take_away(&rig.group_file(FROM))?;
    rig.start_server()?;
    reader.read(READ_ANEW).await;
    let is_wallet_equal = is_wallet_equal(rig, done).await?;
    rig.stop_server();
    away.bring_back()?;
    Ok((reader, is_wallet_equal))
}

/// Whether the wallet has each payment that tills were told of once, and no other.
async fn is_wallet_equal(rig: &StoreRig, done: &Done) -> Result<bool, DrillError> {
    let orders = rig.wallet_control().orders().await?;
    let mut charged: Vec<i64> = orders.iter().map(WalletOrder::net_minor).filter(|net| *net != 0).collect();
    let mut told: Vec<i64> = done.by_code.iter().map(|(_, total)| *total).collect();
    charged.sort_unstable();
    told.sort_unstable();
    Ok(charged == told)
}

/// A move that is done.
struct Moved {
    took: Duration,
}

async fn move_under_load(
    rig: &mut StoreRig,
    sleeper: &Sleeper,
    kills: u32,
) -> Result<(Moved, Done), DrillError> {
    let staff = Arc::new(rig.staff("it").await?);
    say("a third group is added");
    let place = GroupAddress::File(format!("groups/{TO:02}.db"));
    staff.add_group(&AddGroup { tag: tag(TO)?, place, reason: "a new disk".into() }).await?;
    let mut done = Done::default();
    let (here, there) = waiting_orders(rig, &staff, sleeper, &mut done).await?;
    let over = Arc::new(AtomicBool::new(false));
    let mut working = tokio::task::JoinSet::new();
    for n in 0..SELLERS {
        let till = rig.scripted_till(&format!("Seller {n}")).await?;
        working.spawn(sell_until(till, rig.wallet_control(), Arc::clone(&over)));
    }
    say("the orders are sent off");
    let began = SystemClock.monotonic();
    let change = GroupChange::Move { to: tag(TO)?, reason: "the old disk is small".into() };
    staff.change_group(tag(FROM)?, &change).await?;
    working.spawn(change_all(here, Duration::from_millis(1_500), Arc::clone(&over)));
    watch(&staff, |last| last.copied * 10 >= last.total && last.total > 0).await?;
    let there = Arc::new(there);
    let in_its_hands = wake_and_pay(Arc::clone(&there), 0..IN_ITS_HANDS, Arc::clone(&over));
    sleeper.fall_asleep(rig, async { working.spawn(in_its_hands) }).await?;
    working.spawn(wake_and_pay(there, IN_ITS_HANDS..WAITING, Arc::clone(&over)));
    say("the second server sleeps, with payments in its hands and more on their way to it");
    for kill in 1..=kills {
        tokio::time::sleep(BETWEEN_KILLS).await;
        say(format_args!("the server that is left is killed ({kill} of {kills}) and started again"));
        rig.kill_server();
        rig.start_server()?;
    }
    let last = watch(&staff, |_| false).await?;
    let took = since(began);
    if last.phase != MovePhase::Done {
        return Err(wrong(format!("the move ended {:?}: {:?}", last.phase, last.problem)));
    }
    say(format_args!("{} orders moved in {took:?}; the second server wakes", last.copied));
    over.store(true, Ordering::Release);
    sleeper.wake();
    while let Some(one) = working.join_next().await {
        done.add(one.map_err(wrong)?);
    }
    Ok((Moved { took }, done))
}

/// The sales of some years, a fiftieth of them this till's.
fn filled(rig: &StoreRig, orders: usize, till: &ScriptedTill) -> Result<Filled, DrillError> {
    let store = &till.enrolled.store;
    let years = Years {
        store: store.id,
        zone: &store.zone,
        tag: tag(FROM)?,
        until: SystemClock.now(),
        till: (till.enrolled.terminal, &till.device),
    };
    fill(&rig.group_file(FROM), orders, &years)
}

/// So many of them, from all of time.
fn spread(numbers: &[OrderNumber], most: usize) -> Vec<OrderNumber> {
    numbers.iter().step_by((numbers.len() / most).max(1)).copied().collect()
}

/// How long nobody could write about the orders that moved, as the server that moved them says.
fn frozen_ms(rig: &StoreRig) -> Option<u64> {
    let logs = ["server.log", "server-2.log"].map(|name| rig.dir().join("logs").join(name));
    let texts = logs.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    let found = texts.filter_map(|text| {
        let (_, after) = text.rsplit_once("frozen_ms")?;
        let digits: String =
            after.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    found.max()
}

/// Orders with the tag that is about to move, chosen and not paid: some to be paid through each server.
async fn waiting_orders(
    rig: &StoreRig,
    staff: &StaffClient,
    sleeper: &Sleeper,
    done: &mut Done,
) -> Result<(Waiting, Waiting), DrillError> {
    let here = rig.scripted_till("Patient 1").await?;
    let code = staff.enrolment_code("Patient 2").await?.code;
    let there = ScriptedTill::enrol(sleeper.config(rig), &code).await?;
    let change = TerminalChange::Activate { fingerprint: there.device.fingerprint() };
    staff.change_terminal(there.enrolled.terminal, &change).await?;
    let (wallet, from) = (rig.wallet_control(), tag(FROM)?);
    let here = Waiting::of(here, wallet.clone(), (from, WAITING, true), done).await?;
    Ok((here, Waiting::of(there, wallet, (from, WAITING, false), done).await?))
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
