//! The server's databases: what it said yes to is there after a power cut, and nothing is twice.

use super::{luck, workbench};
use crate::seller::{Fact, Seller, Told};
use crate::shop::{Shop, seed, shop};
use evertill_shared::id::TerminalId;
use evertill_tests::rig::power_cut::{Files, Luck, Recorder, Recording, Seeded, put, snapshot};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TILLS: u64 = 3;
const CUTS: usize = 120;
const STARTS: usize = 3;

/// What stands in the rebuilt files.
#[derive(Default)]
struct Books {
    orders: BTreeMap<String, String>,
    payments: BTreeMap<(String, i64), String>,
    refunds: BTreeMap<String, String>,
    heads: BTreeMap<i64, i64>,
    /// How often each sale is paid.
    paid: BTreeMap<(i64, i64, i64), u32>,
}

/// Opens a database as a starting server does: the log is replayed, and the whole is checked.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    assert_eq!(found, "ok", "{}", file.display());
    Ok(connection)
}

fn each(
    connection: &Connection,
    sql: &str,
    mut row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        row(found)?;
    }
    Ok(())
}

fn read(data: &Path) -> rusqlite::Result<Books> {
    let mut books = Books::default();
    for tag in 0..3 {
        let group = open(&data.join(format!("groups/{tag:02}.db")))?;
        each(&group, "SELECT number, state, terminal, epoch, sequence FROM orders", |row| {
            let state: String = row.get(1)?;
            if state == "paid" {
                *books.paid.entry((row.get(2)?, row.get(3)?, row.get(4)?)).or_default() += 1;
            }
            books.orders.insert(row.get(0)?, state);
            Ok(())
        })?;
        each(&group, "SELECT number, attempt, state FROM payments", |row| {
            books.payments.insert((row.get(0)?, row.get(1)?), row.get(2)?);
            Ok(())
        })?;
        each(&group, "SELECT id, state FROM refunds", |row| {
            books.refunds.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
    }
    let base = open(&data.join("base.db"))?;
    each(&base, "SELECT terminal, sequence FROM journal_heads", |row| {
        books.heads.insert(row.get(0)?, row.get(1)?);
        Ok(())
    })?;
    Ok(books)
}

impl Books {
    fn hold(&self, terminal: TerminalId, fact: &Fact) -> bool {
        let refund = |id: &evertill_shared::id::RefundId| self.refunds.get(&id.0).map(String::as_str);
        match fact {
            Fact::Draft(number) => self.orders.contains_key(&number.to_string()),
            Fact::Paid(number) => self.orders.get(&number.to_string()).is_some_and(|state| state == "paid"),
            Fact::Charged(number, attempt) => {
                let key = (number.to_string(), i64::from(*attempt));
                self.payments.get(&key).is_some_and(|state| state == "paid")
            }
            Fact::RefundAsked(_, id) => refund(id).is_some(),
            Fact::RefundCarriedOut(_, id, true) => refund(id) == Some("done"),
            Fact::RefundCarriedOut(_, id, false) => refund(id).is_some_and(|state| state != "reserved"),
            Fact::HandedIn(sequence) => {
                let head = self.heads.get(&i64::from(terminal.get())).copied().unwrap_or(0);
                u64::try_from(head).unwrap_or(0) >= *sequence
            }
        }
    }
}

/// What was told and does not stand in the files, or stands there twice.
fn broken(files: &Files, bench: &Path, told: &[(TerminalId, &[Told])], up_to_us: i64) -> Vec<String> {
    put(files, bench).unwrap();
    let books = match read(bench) {
        Ok(books) => books,
        Err(error) => return vec![format!("cannot be opened: {error}")],
    };
    let mut wrong: Vec<String> = books
        .paid
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(sale, _)| format!("twice: {sale:?}"))
        .collect();
    for (terminal, told) in told {
        let before = told.iter().filter(|told| told.at_us <= up_to_us);
        wrong
            .extend(before.filter(|told| !books.hold(*terminal, &told.fact)).map(|told| format!("{told:?}")));
    }
    wrong
}

/// All tills sell at once. With a pause, the server is killed after it, and they give up.
async fn sell(
    shop: &mut Shop,
    sellers: Vec<Seller>,
    gives_up: &Arc<AtomicBool>,
    count: usize,
    kill_after: Option<Duration>,
) -> Vec<Seller> {
    gives_up.store(false, Ordering::Release);
    let tasks: Vec<_> = sellers
        .into_iter()
        .map(|mut seller| {
            tokio::spawn(async move {
                seller.sell(count).await;
                seller
            })
        })
        .collect();
    if let Some(pause) = kill_after {
        tokio::time::sleep(pause).await;
        shop.rig.kill_server();
        gives_up.store(true, Ordering::Release);
    }
    let mut back = Vec::new();
    for task in tasks {
        back.push(task.await.unwrap());
    }
    back
}

fn pid(shop: &Shop) -> u32 {
    shop.rig.server.as_ref().unwrap().id()
}

/// The server's whole life under the recorder: it starts, sells, stops well, starts again and is killed.
async fn recorded(shop: &mut Shop, seed: u64, gives_up: &Arc<AtomicBool>) -> (Vec<Seller>, Recording) {
    let mut sellers = Vec::new();
    for till in 0..TILLS {
        let name = format!("Till {}", till + 1);
        sellers.push(Seller::new(&shop.rig, &name, seed + till, gives_up).await);
    }
    shop.rig.stop_server();
    let data = shop.rig.data_dir();
    let recorder = Recorder::new(&data, &shop.place.log("calls")).unwrap();
    shop.rig.run_server_under(recorder.words());
    shop.rig.start_server().unwrap();
    let first = pid(shop);
    let sellers = sell(shop, sellers, gives_up, 4, None).await;
    shop.rig.stop_server();
    recorder.ended(first).unwrap();
    shop.rig.start_server().unwrap();
    let second = pid(shop);
    let pause = Duration::from_millis(1_500 + Seeded::new(seed).below(1_000));
    let sellers = sell(shop, sellers, gives_up, usize::MAX, Some(pause)).await;
    recorder.ended(second).unwrap();
    shop.rig.run_server_under(Vec::new());
    (sellers, recorder.recording().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lost_the_power_goes_while_tills_sell() {
    let seed = seed();
    let gives_up = Arc::new(AtomicBool::new(false));
    let mut shop = shop("power-cut-server").await;
    let (mut sellers, recording) = recorded(&mut shop, seed, &gives_up).await;
    let facts: usize = sellers.iter().map(|seller| seller.told.len()).sum();
    println!("{facts} acknowledged facts, {} calls, {} syncs", recording.len(), recording.syncs());
    assert!(facts > 60, "hardly anything was sold");

    // The recording is whole: with all its writes, the files are those that are on the disk.
    let data = shop.rig.data_dir();
    let mut random = Seeded::new(seed);
    let mut replay = recording.replay();
    replay.advance(recording.len());
    let (rebuilt, real) =
        (replay.cut(Luck::All, &mut random), snapshot(&data.canonicalize().unwrap()).unwrap());
    assert_eq!(rebuilt.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    for (path, bytes) in real.iter().filter(|(path, _)| !recording.in_flight().contains(*path)) {
        assert!(rebuilt[path] == *bytes, "{} was not recorded whole", path.display());
    }

    // Many cuts, each looked at in the files.
    let bench = workbench(&shop.place);
    let mut kept = Vec::new();
    let mut replay = recording.replay();
    let cuts = recording.cuts(CUTS, &mut random);
    for (index, cut) in cuts.iter().enumerate() {
        replay.advance(*cut);
        let luck = luck(&mut random);
        let files = replay.cut(luck, &mut random);
        let told: Vec<_> = sellers.iter().map(|s| (s.till.enrolled.terminal, s.told.as_slice())).collect();
        let wrong = broken(&files, &bench, &told, replay.at_us());
        assert!(wrong.is_empty(), "seed {seed}, cut {cut} of {}, {luck:?}: {wrong:#?}", recording.len());
        if index % (cuts.len() / STARTS) == cuts.len() / STARTS - 1 {
            kept.push((*cut, files, replay.at_us()));
        }
    }
    println!("{} cuts, and nothing acknowledged is missing", cuts.len());

    // The last moment, with nothing that was not synced: the real server starts, and the tills go on.
    replay.advance(recording.len());
    put(&replay.cut(Luck::Nothing, &mut random), &data).unwrap();
    shop.rig.start_server().unwrap();
    for seller in &sellers {
        let missing = seller.missing_at_the_server(i64::MAX).await;
        assert!(missing.is_empty(), "seed {seed}: {missing:#?}");
    }
    sellers = sell(&mut shop, sellers, &gives_up, 2, None).await;
    shop.books_agree().await;

    // And at some moments before.
    for (cut, files, at_us) in kept {
        shop.rig.kill_server();
        put(&files, &data).unwrap();
        shop.rig.start_server().unwrap();
        for seller in &sellers {
            let missing = seller.missing_at_the_server(at_us).await;
            assert!(missing.is_empty(), "seed {seed}, cut {cut}: {missing:#?}");
        }
    }
}
