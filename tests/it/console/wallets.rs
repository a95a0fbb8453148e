//! Accounts at the wallets: imported from the settings, changed in the console, and what that means for sales.

use super::browser::Browser;
use super::forgeries::{Forger, token};
use super::pictures::Photographer;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::orders::PaymentView;
use evertill_tests::process::wait_until;
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::{RigOptions, StoreRig};
use evertill_tests::workspace;
use reqwest::StatusCode;
use std::process::{Command, Output};
use std::time::Duration;

/// Runs `evertill-server accounts …` for this shop.
fn accounts(rig: &StoreRig, words: &[&str]) -> Output {
    let mut command = Command::new(workspace::program("evertill-server"));
    command.arg("accounts").args(words).current_dir(rig.store_dir().join("server")).output().unwrap()
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// A shop whose server has the key for secrets that its store was made with.
async fn shop(folder: &std::path::Path) -> StoreRig {
    let mut rig = StoreRig::open(folder, RigOptions::default()).await.unwrap();
    name_keys(&mut rig, "account_keys = [\"accounts.key\"]");
    rig
}

/// Writes the line into the settings, in the place of the one that was there, and starts the server again.
fn name_keys(rig: &mut StoreRig, line: &str) {
    let file = rig.store_dir().join("server/server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rest: Vec<&str> = text.lines().filter(|line| !line.starts_with("account_keys")).collect();
    std::fs::write(&file, format!("{line}\n{}\n", rest.join("\n"))).unwrap();
    rig.stop_server();
    rig.start_server().unwrap();
}

async fn sell(rig: &StoreRig, till: &mut ScriptedTill, minor: i64) -> (OrderNumber, PaymentView) {
    let order = till.sell_and_choose(minor).await.unwrap();
    let code = rig.wallet_control().code(Behaviour::Pays).await.unwrap();
    till.pay(&order, 1, &code).await.unwrap();
    for _ in 0..100 {
        let view = till.payment(order.number, 1).await.unwrap();
        if view.state.is_final() {
            return (order.number, view);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} was not settled in five seconds", order.number);
}

/// The account that stands in the order's only attempt.
fn account_of(rig: &StoreRig, number: OrderNumber) -> u32 {
    let file = rig.group_file(number.tag().get());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let group = rusqlite::Connection::open_with_flags(file, flags).unwrap();
    let find = "SELECT account FROM payments WHERE number = ?1";
    group.query_row(find, [number.as_str()], |row| row.get(0)).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn imported_accounts_take_the_sales_their_secrets_rest_sealed_and_are_sealed_anew_under_another_key() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    runtime.block_on(async {
        let mut rig = shop(folder.path()).await;
        let mut till = rig.scripted_till("Till 1, front").await.unwrap();
        let (before, view) = sell(&rig, &mut till, 1_250).await;
        assert_eq!((view.state, account_of(&rig, before)), (PaymentState::Paid, 0));
        let import = || accounts(&rig, &["import", "--config", "server.toml"]);
        let text = said(&import());
        assert!(text.contains("account 1, enabled") && text.contains("account 2, enabled"), "{text}");
        let again = said(&import());
        assert_eq!(again.matches("there is an account already").count(), 2, "{again}");
        // The server that runs hears of it by itself.
        let mut number = before;
        for minor in 0..40 {
            number = sell(&rig, &mut till, 2_000 + minor).await.0;
            if account_of(&rig, number) != 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_ne!(account_of(&rig, number), 0);
        // Without the sections the accounts carry on, for what was paid before, too.
        let file = rig.store_dir().join("server/server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut settings: toml::Table = text.parse().unwrap();
        let papers = settings["wechat"]["client_key"].as_str().unwrap().to_owned();
        settings.remove("wechat");
        settings.remove("alipay");
        std::fs::write(&file, settings.to_string()).unwrap();
        rig.stop_server();
        rig.start_server().unwrap();
        let (_, view) = sell(&rig, &mut till, 990).await;
        assert_eq!(view.state, PaymentState::Paid);
        let manager = rig.staff("li").await.unwrap();
        let ask = evertill_shared::protocol::staff::AskRefund {
            request: "accounts-1".into(),
            amount: evertill_shared::money::Amount::new(250, evertill_shared::money::Currency::CNY),
            reason: "Wrong size".into(),
        };
        let refund = manager.ask_refund(&before, &ask).await.unwrap();
        let done = till.carry_out(before, &refund.id, refund.amount).await.unwrap();
        assert_eq!(done.state, evertill_shared::refund::RefundState::Done);
        // Nothing of the merchant's key is readable in the database, whatever key sealed it.
        let key = std::fs::read_to_string(file.parent().unwrap().join(papers)).unwrap();
        let line = key.lines().nth(3).unwrap().to_owned();
        let is_readable = |rig: &StoreRig| {
            ["base.db", "base.db-wal"].iter().any(|name| {
                let bytes = std::fs::read(rig.data_dir().join(name)).unwrap_or_default();
                bytes.windows(line.len()).any(|part| part == line.as_bytes())
            })
        };
        assert!(!is_readable(&rig));
        said(&accounts(&rig, &["make-key", "--out", "new.key"]));
        name_keys(&mut rig, "account_keys = [\"new.key\", \"accounts.key\"]");
        let text = said(&accounts(&rig, &["reseal", "--config", "server.toml"]));
        assert!(!text.starts_with("0 "), "{text}");
        name_keys(&mut rig, "account_keys = [\"new.key\"]");
        assert_eq!(sell(&rig, &mut till, 880).await.1.state, PaymentState::Paid);
        assert!(!is_readable(&rig));
        // With the old key alone nothing opens, and it is said which key is missing.
        let text = std::fs::read_to_string(&file).unwrap().replace("new.key", "accounts.key");
        std::fs::write(&file, text).unwrap();
        let refused = accounts(&rig, &["reseal", "--config", "server.toml"]);
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && words.contains("account_keys"), "{words}");
    });
}

#[test]
fn it_changes_accounts_and_routing_in_the_console_and_running_servers_go_by_it() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let (rig, mut till) = runtime.block_on(async {
        let rig = shop(folder.path()).await;
        said(&accounts(&rig, &["import", "--config", "server.toml"]));
        let till = rig.scripted_till("Till 1, front").await.unwrap();
        (rig, till)
    });
    let page = Browser::open(&rig.server_url());
    page.log_in("it");
    page.go("/console/wallets");
    page.expect_count("#accounts .card", 2);
    assert!(
        wait_until(Duration::from_secs(20), || {
            page.go("/console/wallets");
            page.text("#accounts").matches("The wallet answers").count() == 2
        }),
        "{}",
        page.text("#accounts")
    );
    let wechat = match page.text("#account-1 h2").contains("WeChat") {
        true => 1,
        false => 2,
    };
    // Large sales are taken by nobody.
    page.write("#rule-form [name=priority]", "1");
    page.write("#rule-form [name=lowest]", "50.00");
    page.press("#add-rule");
    page.expect("The routing is saved.");
    page.write("#rule-form [name=priority]", "2");
    page.write("#rule-form [name=accounts]", &wechat.to_string());
    page.press("#add-rule");
    page.expect_count("#rules tbody tr", 2);
    // Changed in its place, at once: in between nobody rules.
    page.go("/console/wallets?rule=1#rule-form");
    page.expect("Change rule 1");
    page.press("#add-rule");
    page.expect("The routing is saved.");
    page.expect_count("#rules tbody tr", 2);
    let (small, large) =
        runtime.block_on(async { (sell(&rig, &mut till, 4_999).await, sell(&rig, &mut till, 5_000).await) });
    assert_eq!((small.1.state, account_of(&rig, small.0)), (PaymentState::Paid, wechat));
    assert_eq!((large.1.state, large.1.reason), (PaymentState::Declined, Some(DeclineReason::OutsideLimits)));
    page.go(&format!("/console/orders/{}", small.0));
    page.expect(&format!("WeChat Pay {wechat}"));
    page.go("/console/wallets");
    page.write(&format!("#account-{wechat} [name=reason]"), "Contract ended");
    page.press(&format!("#account-{wechat} button.danger"));
    page.expect("is saved");
    let refused = runtime.block_on(sell(&rig, &mut till, 4_000));
    assert_eq!(refused.1.reason, Some(DeclineReason::NoAccount), "a disabled account takes nothing new");
    page.write(&format!("#account-{wechat} [name=reason]"), "Not needed any more");
    page.press(&format!("#account-{wechat} [formaction]"));
    page.expect("It can be deleted after that");
    for language in ["en", "zh"] {
        page.go(&format!("/console/language?to={language}&back=/console/wallets"));
        let eye = Photographer { page: &page, language };
        eye.visit("wallets", "/console/wallets");
        eye.visit("wallet-change", &format!("/console/wallets/{wechat}"));
        eye.visit("wallet-new-wechat", "/console/wallets/new/wechat_pay");
        eye.visit("wallet-new-alipay", "/console/wallets/new/alipay");
        eye.visit("audit-accounts", "/console/audit");
    }
    page.go("/console/language?to=en&back=/console/wallets");
    page.go(&format!("/console/wallets/{wechat}"));
    page.write("[name=name]", "Front counter");
    page.write("[name=api_key]", "0123456789abcdef0123456789abcdef");
    page.press("#save-account");
    page.expect("is saved");
    page.expect_in(&format!("#account-{wechat}"), "Front counter");
    page.go("/console/wallets/new/alipay");
    page.write("[name=name]", "Second");
    page.write("[name=merchant]", "2021000000000099");
    page.write("[name=app_private_key]", "no key at all");
    page.write("[name=wallet_public_key]", "nor this");
    page.press("#save-account");
    page.expect("Not saved");
    assert_eq!(page.complaints(), Vec::<String>::new());
    runtime.block_on(no_other_role_and_no_secret(&rig, wechat));
}

/// Managers see nothing of it; IT sees no secret; a form that is sent twice is done once.
async fn no_other_role_and_no_secret(rig: &StoreRig, wechat: u32) {
    let change = format!("/console/wallets/{wechat}");
    let mut manager = Forger::new(rig);
    manager.log_in("li").await;
    for path in ["/console/wallets", &change, "/console/wallets/new/alipay"] {
        assert_eq!(manager.get(path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let (_, _, orders) = manager.get("/console/orders").await;
    assert!(!orders.contains("/console/wallets"));
    let form = [("csrf", token(&orders)), ("reason", "because"), ("priority", "7"), ("wallet", "alipay")];
    for path in [format!("{change}/enable"), change.clone(), "/console/wallets/rules".into()] {
        assert_eq!(manager.post(&path, &form).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let mut it = Forger::new(rig);
    it.log_in("it").await;
    let (_, _, page) = it.get(&change).await;
    assert!(page.contains("Set on") && !page.contains("0123456789abcdef0123456789abcdef"), "{page}");
    assert!(!page.contains("PRIVATE KEY") && !page.contains("BEGIN CERTIFICATE"));
    let csrf = token(&page).to_owned();
    let stranger = [("csrf", "00"), ("reason", "because")];
    assert_eq!(it.post(&format!("{change}/enable"), &stranger).await.0, StatusCode::FORBIDDEN);
    let field = |name: &str| {
        let named = page.find(&format!("name=\"{name}\"")).unwrap();
        let start = named + page[named..].find("value=\"").unwrap() + "value=\"".len();
        page[start..].split('"').next().unwrap().to_owned()
    };
    let (request, seen, app) = (field("request"), field("seen"), field("app_id"));
    let twice = [
        ("csrf", csrf.as_str()),
        ("request", &request),
        ("seen", &seen),
        ("name", "Once"),
        ("app_id", &app),
        ("scanned", "on"),
    ];
    for _ in 0..2 {
        let (status, to, page) = it.post(&change, &twice).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{to} {page}");
    }
    let (_, _, trail) = it.get("/console/audit").await;
    assert_eq!(trail.matches("Changed an account at a wallet").count(), 2, "one by the page, one by hand");
    assert!(!trail.contains("0123456789abcdef0123456789abcdef"));
}
