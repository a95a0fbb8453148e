//! Short runs of the drills: a group that fails and comes back, a server that is killed, wallets of which nothing is certain.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says what broke by panicking"
)]

use evertill_tests::drill::channels::{self, ChannelsOptions};
use evertill_tests::drill::devices::{self, DevicesOptions};
use evertill_tests::drill::group::{self, Engine, Fault, GroupOptions};
use evertill_tests::drill::moving::{self, MoveDrill};
use evertill_tests::drill::servers::{self, ServersOptions};
use serde_json::Value;
use tokio::sync::Mutex;

/// What a sale that meets a fault may take: the drill itself says 1,500 ms, one time-out and some; three times that on
/// machines that are slow. Sales that waited for the group to be found well again would take longer.
const ONE_TIME_OUT_MS: u64 = 4_500;

/// One at a time: each brings its own load.
static TURN: Mutex<()> = Mutex::const_new(());

async fn group_drill(engine: Engine, fault: Fault) -> Value {
    let _turn = TURN.lock().await;
    let options = GroupOptions {
        engine,
        fault,
        tills: 12,
        every_ms: 400,
        seconds: 2,
        long: false,
        logs: None,
        json: true,
    };
    let report = group::run(&options).await.unwrap();
    println!("{report}");
    for zero in ["failed", "double_charges", "lost"] {
        assert_eq!(report[zero], 0, "{report}");
    }
    assert!(report["sales"].as_u64() > Some(100), "{report}");
    assert!(report["slowest_ms"].as_u64() <= Some(ONE_TIME_OUT_MS), "{report}");
    // Not how fast: whether it was noticed at all that the group is back.
    assert!(report["recovered_ms"].is_u64(), "{report}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_a_group_whose_disk_fails_is_opened_anew_when_the_disk_is_back() {
    let report = group_drill(Engine::Sqlite, Fault::Kill).await;
    assert!(report["jumped"].as_u64() > Some(0), "the fault did not bite: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_a_group_that_hangs_stops_no_other() {
    let report = group_drill(Engine::Sqlite, Fault::Freeze).await;
    assert!(report["jumped"].as_u64() > Some(0), "the fault did not bite: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_a_primary_is_killed_and_a_standby_promoted() {
    let report = group_drill(Engine::Postgres, Fault::Kill).await;
    assert!(report["promoted_ms"].is_u64(), "{report}");
    assert!(report["jumped"].as_u64() > Some(0), "the fault did not bite: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_charge_when_a_server_is_killed_under_load_behind_a_balancer() {
    let _turn = TURN.lock().await;
    let options = ServersOptions {
        engine: Engine::Sqlite,
        tills: 12,
        every_ms: 400,
        seconds: 2,
        long: false,
        json: true,
    };
    let report = servers::run(&options).await.unwrap();
    println!("{report}");
    for zero in ["lost", "doubled"] {
        assert_eq!(report[zero], 0, "{report}");
    }
    assert_eq!(report["ok"], true, "{report}");
    for alone in ["killed_per_s", "stopped_per_s"] {
        assert!(report[alone].as_f64() > Some(1.0), "the server that was left did not sell: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_move_past_a_server_that_sleeps_and_one_that_is_killed_are_neither_lost_nor_doubled() {
    let _turn = TURN.lock().await;
    let options = MoveDrill { orders: 20_000, kills: 1, json: true };
    let (report, held) = moving::run(&options).await.unwrap();
    println!("{report}");
    for zero in ["lost", "doubled", "never_settled"] {
        assert_eq!(report[zero], 0, "{report}");
    }
    assert!(
        report["refused_by_fence"].as_u64() > Some(0),
        "the server that slept was never refused: {report}"
    );
    assert!(report["paid_by_code"].as_u64() > Some(10), "hardly anybody paid by code: {report}");
    assert_eq!((&report["wallet_equal"], &report["kills"]), (&true.into(), &1.into()), "{report}");
    assert_eq!(report["numbers_read"], report["numbers_asked"], "{report}");
    assert!(report["numbers_asked"].as_u64() > Some(500), "{report}");
    assert!(held, "{report}");
}

#[test]
fn books_match_wherever_a_bug_is_planted_that_breaks_them_it_is_found() {
    let options = ChannelsOptions { payments: 0, seed: 7, no_bugs: false, long: false, json: true };
    let (report, held) = channels::run(&options).unwrap();
    println!("{report}");
    assert_eq!(report["bugs_found"], report["bugs"], "{report}");
    assert!(held && report["bugs"].as_u64() > Some(8), "{report}");
}

#[test]
fn every_payment_is_settled_whatever_the_wallets_and_the_way_to_them_do() {
    let options = ChannelsOptions { payments: 1_400, seed: 7, no_bugs: true, long: false, json: true };
    let (report, held) = channels::run(&options).unwrap();
    println!("{report}");
    assert!(held, "{report}");
    assert_eq!(report["payments"], 1_400, "{report}");
    for zero in ["books_minus_bills", "books_minus_orders", "findings", "unmatched", "ledger_faults"] {
        assert_eq!(report[zero], 0, "{report}");
    }
    let happened = [
        "late_successes",
        "late_by_bill",
        "killed_between",
        "servers_killed",
        "released",
        "codes_shown",
        "scanned_in_vain",
        "refunds",
        "calls_to_spare_domains",
        "bill_lines",
    ];
    for happened in happened {
        assert!(report[happened].as_u64() > Some(0), "{happened} did not happen: {report}");
    }
}

#[test]
fn no_receipt_is_lost_or_doubled_and_no_scan_wrong_whatever_happens_to_printers_and_lines() {
    let options = DevicesOptions { receipts: 650, scans: 10_000, seed: 3, json: true };
    let (report, held) = devices::run(&options).unwrap();
    println!("{report}");
    for zero in ["receipts_lost", "receipts_doubled", "scans_wrong", "scans_lost"] {
        assert_eq!(report[zero], 0, "{report}");
    }
    assert!(held, "{report}");
    for happened in ["printer_faults", "receipts_unknown", "begun_later", "scans_refused"] {
        assert!(report[happened].as_u64() > Some(100), "{happened} hardly happened: {report}");
    }
    for kind in ["scans_refused_serial", "scans_refused_keyboards", "scans_refused_reports"] {
        assert!(report[kind].as_u64() > Some(20), "{kind}: nothing was disturbed: {report}");
    }
    let (again, _) = devices::run(&options).unwrap();
    for same in ["receipts_unknown", "copies_offered_and_taken", "begun_later", "scans_refused"] {
        assert_eq!(report[same], again[same], "{same} is not decided by the seed");
    }
}
