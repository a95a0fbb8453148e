//! Who is believed: unsigned, altered, stale, replayed, unknown, pending, blocked and retired are each refused.

use super::{is_paid, settled, shop};
use evertill_provisioning::client::StaffClient;
use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{AcceptOrder, AskRefund, TerminalChange};
use evertill_shared::secret::SecretText;
use evertill_shared::terminal_state::TerminalState;
use evertill_tests::raw_request::{RawClient, Tamper};
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::workspace;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_forgery_has_its_own_refusal() {
    let shop = shop().await;
    let till = shop.rig.scripted_till("Till").await.unwrap();
    let raw = RawClient::new(&shop.rig).unwrap();
    let key = till.device.signing_key(till.client.key_id()).unwrap();
    for (tamper, expected) in [
        (Tamper::Nothing, None),
        (Tamper::NoSignature, Some(ErrorCode::SignatureMissing)),
        (Tamper::OtherBody, Some(ErrorCode::SignatureInvalid)),
        (Tamper::OtherPath, Some(ErrorCode::SignatureInvalid)),
        (Tamper::OtherQuery, Some(ErrorCode::SignatureInvalid)),
        (Tamper::MinutesOld(10), Some(ErrorCode::SignatureStale)),
        (Tamper::MinutesOld(-10), Some(ErrorCode::SignatureStale)),
    ] {
        let code = raw.terminal_status(&key, tamper).await.unwrap();
        assert_eq!(code, expected, "{tamper:?}");
    }
    let stranger = DeviceKey::generate().unwrap();
    let unknown = stranger.signing_key("T0999:1").unwrap();
    let code = raw.terminal_status(&unknown, Tamper::Nothing).await.unwrap();
    assert_eq!(code, Some(ErrorCode::TerminalUnknown));
    let posing = stranger.signing_key(till.client.key_id()).unwrap();
    let code = raw.terminal_status(&posing, Tamper::Nothing).await.unwrap();
    assert_eq!(code, Some(ErrorCode::SignatureInvalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_both_ways_a_replay_has_no_second_effect() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let raw = RawClient::new(&shop.rig).unwrap();
    let key = till.device.signing_key(till.client.key_id()).unwrap();
    let order = till.sell_and_choose(100).await.unwrap();
    let answers = raw.adoption_sent_times(&key, &order, 5).await.unwrap();
    assert_eq!(answers[0], None, "the first is taken");
    assert!(answers[1..].iter().all(|code| *code == Some(ErrorCode::Replayed)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_till_may_only_ask_about_itself() {
    let shop = shop().await;
    let mut till = shop.rig.pending_till("Till").await.unwrap();
    till.status().await.unwrap();
    let sale = till.sell(100).unwrap();
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalPending));
    let wrong = shop.rig.activate(till.enrolled.terminal, "0000 0000 0000 0000 0000 0000 0000 0000").await;
    assert!(wrong.is_err(), "activated without comparing the fingerprint");
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalPending));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_enrolment_code_is_refused_and_five_times_locks() {
    let shop = shop().await;
    let right = shop.rig.enrolment_code("Till").await.unwrap();
    let mut codes = Vec::new();
    for _ in 0..6 {
        // The first digits name the terminal that the code is for; the rest is guessed.
        let terminal = right.expose().get(..4).unwrap();
        let wrong = SecretText::new(format!("{terminal}-AAAA-AAAA"));
        let refused = ScriptedTill::enrol(shop.rig.client_config(), &wrong).await.err().unwrap();
        codes.push(refused.code());
    }
    assert_eq!(codes[0], Some(ErrorCode::EnrolmentRefused));
    assert_eq!(codes[3], Some(ErrorCode::EnrolmentRefused), "{codes:?}");
    assert_eq!(codes[4], Some(ErrorCode::EnrolmentLocked), "{codes:?}");
    let even_right = ScriptedTill::enrol(shop.rig.client_config(), &right).await.err().unwrap();
    assert_eq!(even_right.code(), Some(ErrorCode::EnrolmentLocked));
}

#[tokio::test(flavor = "multi_thread")]
async fn block_means_block_but_what_was_sold_may_still_be_handed_in() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let open = till.sell_and_choose(800).await.unwrap();
    let offline = till.sell(100).unwrap();
    let cash = till.take_cash(&offline).unwrap();
    let draft = till.draft(&offline).await.unwrap();
    let chosen = till.choose(&offline, draft.number).unwrap();
    let in_flight = till.sell_and_choose(900).await.unwrap();
    let slow = wallet.code(Behaviour::PasswordThenPays { after_ms: 2500 }).await.unwrap();
    assert_eq!(till.pay(&in_flight, 1, &slow).await.unwrap().state, PaymentState::Waiting);

    shop.rig.block(till.enrolled.terminal).await.unwrap();
    let sale = till.sell(100).unwrap();
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalBlocked));
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let refused = till.pay(&open, 1, &code).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::TerminalBlocked));
    assert_eq!(till.refunds().await.unwrap_err().code(), Some(ErrorCode::TerminalBlocked));

    let view = till.complete(&chosen, cash).await.unwrap();
    assert!(view.quarantined, "{view:?}");
    assert!(till.hand_in(0).await.unwrap().quarantined);

    shop.rig.unblock(till.enrolled.terminal).await.unwrap();
    assert!(is_paid(&settled(&till, &in_flight, 1).await), "what was in flight is finished by the server");
}

/// The totals of today as the console shows them to that person, once they are as expected. They are copies, and come
/// a moment after the sale.
async fn totals(shop: &super::Shop, manager: &StaffClient, expected: impl Fn(&str) -> bool) -> String {
    let mut shown = String::new();
    for _ in 0..100 {
        shown = totals_now(shop, manager).await;
        if expected(&shown) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    shown
}

async fn totals_now(shop: &super::Shop, manager: &StaffClient) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = shop.rig.trust().root_certificates.iter();
    let roots = roots.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
    let browser = reqwest::Client::builder().tls_certs_only(roots).build().unwrap();
    let cookie = format!("__Host-evertill-session={}", manager.session().token.expose());
    let request = browser.get(format!("{}/console/orders", shop.rig.server_url())).header("cookie", cookie);
    let page = request.send().await.unwrap().text().await.unwrap();
    let start = page.find("class=\"totals\"").unwrap();
    page[start..start + page[start..].find("</section>").unwrap()].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_blocked_till_sold_counts_once_a_manager_accepts_it() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    till.sell_for_cash(100).await.unwrap();
    let order = till.sell_and_choose(2_300).await.unwrap();
    let cash = till.take_cash(&order.sale).unwrap();
    shop.rig.block(till.enrolled.terminal).await.unwrap();
    assert!(till.complete(&order, cash.clone()).await.unwrap().quarantined);
    let (manager, it) = (shop.rig.staff("li").await.unwrap(), shop.rig.staff("it").await.unwrap());
    let is_before = |text: &str| text.contains("￥1.00") && text.contains("blocked terminals: 1");
    let before = totals(&shop, &manager, is_before).await;
    assert!(is_before(&before), "{before}");
    let amount = Amount::new(2_300, Currency::CNY);
    let refund = AskRefund { request: "brought-back".into(), amount, reason: "sour".into() };
    let early = manager.ask_refund(&order.number, &refund).await.unwrap_err();
    assert_eq!(early.code(), Some(ErrorCode::WrongState));

    let accept = |reason: &str| AcceptOrder { reason: reason.into() };
    let refused = it.accept_order(&order.number, &accept("I say so")).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotAllowed));
    let accepted = manager.accept_order(&order.number, &accept("the drawer holds it")).await.unwrap();
    assert_eq!((accepted.total, accepted.terminal_state), (amount, Some(TerminalState::Blocked)));
    let again = manager.accept_order(&order.number, &accept("once more")).await.unwrap();
    assert_eq!(again, accepted, "the second is told of the first");
    // The till, which may not know that it arrived, sends the sale once more.
    assert!(!till.complete(&order, cash).await.unwrap().quarantined);
    let is_after = |text: &str| text.contains("￥24.00") && !text.contains("blocked terminals");
    let after = totals(&shop, &manager, is_after).await;
    assert!(is_after(&after), "{after}");
    manager.ask_refund(&order.number, &refund).await.unwrap();

    let retire = TerminalChange::Retire { reason: "worn out".into() };
    it.change_terminal(till.enrolled.terminal, &retire).await.unwrap();
    assert_eq!(till.hand_in(0).await.unwrap_err().code(), Some(ErrorCode::TerminalRetired));
}

/// Runs `evertill-admin` as that person; gives whether it went well, and what it printed for programs.
fn admin(shop: &super::Shop, login: &str, arguments: &[&str]) -> (bool, serde_json::Value) {
    let file = shop.rig.dir().join(format!("password-of-{login}"));
    if !file.exists() {
        std::fs::write(&file, format!("{login}-evertill\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let trust = shop.rig.store_dir().join("trust.json");
    let mut command = workspace::command(workspace::program("evertill-admin"));
    command.args(arguments).args(["--json", "--login", login, "--server", &shop.rig.server_url()]);
    let output = command.arg("--trust").arg(trust).arg("--password-file").arg(file).output().unwrap();
    (output.status.success(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_retiring_and_leaving_by_command() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let order = till.sell_and_choose(2_300).await.unwrap();
    let cash = till.take_cash(&order.sale).unwrap();
    shop.rig.block(till.enrolled.terminal).await.unwrap();
    assert!(till.complete(&order, cash.clone()).await.unwrap().quarantined);
    let grouped = order.number.grouped();
    let accept = ["order", "accept", &grouped, "--reason", "the drawer holds it"];
    let (done, said) = admin(&shop, "it", &accept);
    assert!(!done && said["error"].as_str().unwrap().contains("only the role manager may"), "{said}");
    let (done, said) = admin(&shop, "li", &accept);
    assert!(done && said["accepted_by"] == "Li Na" && said["terminal_state"] == "blocked", "{said}");
    assert!(!till.complete(&order, cash).await.unwrap().quarantined);

    let entries = till.hand_in(0).await.unwrap().head.sequence;
    let (done, said) = admin(&shop, "it", &["terminal", "retire", "T0001", "--reason", "worn out"]);
    assert!(done && said["state"] == "retired" && said["journal_sequence"] == entries, "{said}");
    assert_eq!(till.hand_in(0).await.unwrap_err().code(), Some(ErrorCode::TerminalRetired));

    let (done, said) = admin(&shop, "it", &["staff", "leave", "li", "--reason", "moved away"]);
    assert!(done && said["login"] == "li" && said["left_at"].is_string(), "{said}");
    let (done, said) = admin(&shop, "li", &accept);
    assert!(!done && said["error"].as_str().unwrap().contains("password"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_an_old_disk_image_is_found_when_it_hands_in() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    till.sell_for_cash(100).await.unwrap();
    till.sell_for_cash(200).await.unwrap();
    assert_eq!(till.hand_in(0).await.unwrap().head, till.head());
    till.put_back_to(4);
    till.sell(999).unwrap();
    till.sell(999).unwrap();
    let refused = till.hand_in(0).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::ChainBroken), "{refused:?}");
}
