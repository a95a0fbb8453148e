//! `evertill-server audit`: what it ends with, and what it names.

use super::{settled, shop};
use evertill_provisioning::client::StaffClient;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::Body;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::PaymentState;
use evertill_shared::secret::SecretText;
use evertill_shared::shift::{Counted, Fact, Pending, Shift};
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::StoreRig;
use evertill_tests::workspace;
use rusqlite::Connection;
use std::process::{Command, Output};
use std::sync::Arc;

fn run(rig: &StoreRig, words: &[&str]) -> Output {
    let mut command = Command::new(workspace::program("evertill-server"));
    let folder = rig.store_dir().join("server");
    command.args(words).args(["--config", "server.toml"]).current_dir(folder).output().unwrap()
}

pub(super) fn audit(rig: &StoreRig) -> Output {
    run(rig, &["audit"])
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn an_audit_ends_well_over_true_books_and_names_the_order_whose_books_are_not() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till 1").await.unwrap();
    let order = till.sell_and_choose(1_250).await.unwrap();
    let code = shop.rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    till.pay(&order, 1, &code).await.unwrap();
    assert_eq!(settled(&till, &order, 1).await.state, PaymentState::Paid);
    let well = audit(&shop.rig);
    assert!(well.status.success(), "beside a server that runs: {}", said(&well));
    assert!(said(&well).contains("debits 1250, credits 1250"), "{}", said(&well));
    shop.rig.stop_server();
    let books = Connection::open(shop.rig.group_file(order.number.tag().get())).unwrap();
    let change = |statement: &str| assert_eq!(books.execute(statement, [order.number.as_str()]).unwrap(), 1);
    // An entry that does not balance, and one that does and says what did not happen.
    for (spoil, mend) in [
        (
            "UPDATE ledger SET debit_minor = debit_minor + 1 WHERE number = ?1 AND debit_minor > 0",
            "UPDATE ledger SET debit_minor = debit_minor - 1 WHERE number = ?1 AND debit_minor > 0",
        ),
        (
            "UPDATE ledger SET account = 'drawer' WHERE number = ?1 AND debit_minor > 0",
            "UPDATE ledger SET account = 'receivable:wechat_pay' WHERE number = ?1 AND debit_minor > 0",
        ),
    ] {
        change(spoil);
        let ill = audit(&shop.rig);
        assert_eq!(ill.status.code(), Some(1), "{spoil}: {}", said(&ill));
        assert!(said(&ill).contains(order.number.as_str()), "it names the order: {}", said(&ill));
        change(mend);
        assert!(audit(&shop.rig).status.success());
    }
    // What cannot be read is no good end either.
    let folder = shop.rig.store_dir().join("server");
    let mut command = Command::new(workspace::program("evertill-server"));
    let nowhere = command.args(["audit", "--config", "nowhere.toml"]).current_dir(folder).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1), "{}", said(&nowhere));
}

#[tokio::test]
async fn drawers_are_proved_by_the_shifts_and_shifts_from_before_are_told_from_the_journals() {
    let mut shop = shop().await;
    let mut till = shop.rig.scripted_till("Till 1").await.unwrap();
    let yuan = |minor| Amount::new(minor, Currency::CNY);
    till.write(Body::ShiftOpened { float: yuan(20_000), cashier: None, approved_by: None }).unwrap();
    let opened = till.head().sequence;
    let mut shift = Shift::open(opened, SystemClock.now(), yuan(20_000), None).unwrap();
    for minor in [1_250, 4_560] {
        till.sell_for_cash(minor).await.unwrap();
        shift.take(&Fact::Sold { wallet: None, amount: yuan(minor), tax: yuan(0) });
    }
    let counted = vec![Counted { value_minor: 10, pieces: 2_580 }];
    till.write(Body::ShiftClosed(Box::new(shift.closing(counted, Pending::default())))).unwrap();
    till.write(Body::ShiftOpened { float: yuan(9_000), cashier: None, approved_by: None }).unwrap();
    till.hand_in(0).await.unwrap();
    let well = said(&audit(&shop.rig));
    for part in
        ["2 shifts, 0 faults, in the drawer 9000 CNY", "drawers, over_short: debits 10, credits 0 CNY"]
    {
        assert!(well.contains(part), "{part}: {well}");
    }
    shop.rig.stop_server();
    let base = Connection::open(shop.rig.store_dir().join("server/data/base.db")).unwrap();
    let change = |statement: &str| base.execute(statement, []).unwrap();
    change(
        "UPDATE drawer_ledger SET credit_minor = credit_minor + 1 WHERE what = 'sale' AND credit_minor > 0",
    );
    let ill = audit(&shop.rig);
    assert_eq!(ill.status.code(), Some(1), "{}", said(&ill));
    assert!(said(&ill).contains(&format!("T0001, key 1, shift {opened}")), "{}", said(&ill));
    // As if the tills had handed it all in to servers from before there was a book of shifts.
    change("DELETE FROM drawer_ledger");
    change("DELETE FROM shifts");
    for told in [2, 0] {
        let again = run(&shop.rig, &["shifts", "rebuild"]);
        assert!(again.status.success(), "{}", said(&again));
        assert!(said(&again).contains(&format!(" entries, {told} shifts told anew")), "{}", said(&again));
        let proved = audit(&shop.rig);
        assert!(proved.status.success() && said(&proved).contains("2 shifts, 0 faults"), "{}", said(&proved));
    }
}

#[tokio::test]
async fn a_store_of_which_nobody_can_log_in_as_it_gets_a_person_of_it_on_its_server() {
    let shop = shop().await;
    let password = shop.rig.dir().join("password.txt");
    let add = |login: &str, words: &str| {
        std::fs::write(&password, words).unwrap();
        let file = password.to_str().unwrap();
        run(&shop.rig, &["staff", "add-it", "--login", login, "--name", "Zhao Yan", "--password-file", file])
    };
    let short = add("yan", "short\n");
    assert_eq!(short.status.code(), Some(1), "{}", said(&short));
    assert!(said(&short).contains("at least"), "{}", said(&short));
    let added = add("yan", "a-password-for-yan\nand a second line that is none of it\n");
    assert!(added.status.success(), "beside a server that runs: {}", said(&added));
    let again = add("yan", "another-password\n");
    assert_eq!(again.status.code(), Some(1), "nobody's password is changed by it: {}", said(&again));
    let base = Connection::open(shop.rig.base_file()).unwrap();
    let one = |statement: &str| base.query_row(statement, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(one("SELECT role FROM staff WHERE login = 'yan'"), "it");
    let trail = one("SELECT text FROM audit WHERE text LIKE '%yan%'");
    assert!(trail.contains("server"), "it stands in the audit trail: {trail}");
    let words = SecretText::new("a-password-for-yan".into());
    StaffClient::log_in(shop.rig.client_config(), Arc::new(SystemClock), "yan", &words).await.unwrap();
}
