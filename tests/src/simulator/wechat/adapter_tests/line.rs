//! Addresses, connections, certificates: what the line proves about what was sent.

use super::refunds::refund;
use super::*;
use crate::simulator::wallet::Domain;
use std::net::TcpListener;
use std::path::Path;

fn dead_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn when_no_address_can_be_reached_the_payment_was_surely_not_sent() {
    let nowhere = "http://no-such-host.invalid".to_owned();
    let rig = rig_with(|settings| settings.endpoints = vec![dead_address(), nowhere]).await;
    let outcome = rig.pay(Behaviour::Pays).await;
    assert_eq!(outcome, PayOutcome::Refused(DeclineReason::ChannelUnreachable));
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
}

#[tokio::test]
async fn the_backup_address_is_used_only_when_the_main_one_cannot_be_reached() {
    let rig = rig_with(|settings| settings.endpoints.insert(0, dead_address())).await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    // Two addresses that both work: a lost reply must not make a second request.
    let mut twice = settings(&rig.wallet);
    twice.endpoints.push(twice.endpoints[0].clone());
    let lost = charge_with(rig.wallet.issue_code(Behaviour::RequestLost).unwrap(), 2);
    assert_eq!(channel(&twice).pay(&lost).await, PayOutcome::Unknown);
    assert_eq!(rig.wallet.order(number(2).as_str()).unwrap(), None);
}

#[tokio::test]
async fn an_address_that_takes_the_call_but_never_shakes_hands_was_surely_not_paid() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://127.0.0.1:{}", silent.local_addr().unwrap().port());
    let rig = rig_with(|settings| settings.endpoints = vec![address]).await;
    let outcome = rig.pay(Behaviour::Pays).await;
    assert_eq!(outcome, PayOutcome::Refused(DeclineReason::ChannelUnreachable));
}

#[tokio::test]
async fn a_wallet_that_drops_every_connection_leaves_everything_unknown() {
    let rig = rig().await;
    rig.wallet.switch(|switches| switches.offline = true);
    assert_eq!(rig.pay(Behaviour::Pays).await, PayOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
    assert_eq!(rig.reverse().await, ReverseOutcome::Unknown);
    assert_eq!(rig.channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Unknown);
}

#[tokio::test]
async fn while_one_of_its_domains_is_dead_the_other_takes_payments_and_takes_them_back() {
    let rig = rig().await;
    let mut both: WechatSettings = serde_json::from_value(rig.wallet.server_section_with_spare()).unwrap();
    (both.pay_timeout_ms, both.call_timeout_ms, both.connect_timeout_ms) = (LIMIT_MS, LIMIT_MS, 400);
    for (sequence, dead) in [(1, Domain::Main), (2, Domain::Spare)] {
        rig.wallet.switch(|switches| switches.dead_domains = [dead].into());
        let channel = channel(&both);
        assert_eq!(channel.check().await, Ok(()), "the other is there: {dead:?}");
        assert_eq!(channel.query(&number(sequence), cny(1234)).await, QueryOutcome::NoSuchOrder);
        tokio::time::sleep(Duration::from_millis(100)).await; // a race runs in tasks of its own
        let code = rig.wallet.issue_code(Behaviour::Pays).unwrap();
        assert!(is_success(&channel.pay(&charge_with(code, sequence)).await), "{dead:?}");
        assert_eq!(channel.reverse(&number(sequence)).await, ReverseOutcome::Reversed, "{dead:?}");
    }
    // Both are one wallet: what went through one is known at the other, and off is off at both.
    rig.wallet.switch(|switches| (switches.dead_domains.clear(), switches.offline = true).1);
    assert_eq!(channel(&both).query(&number(1), cny(1234)).await, QueryOutcome::Unknown);
}

/// A client certificate with the right name from another root.
fn forge_client_certificate(folder: &Path, settings: &mut WechatSettings) {
    let forged = rcgen::generate_simple_self_signed(["1900000109".to_owned()]).unwrap();
    (settings.client_certificate, settings.client_key) = (folder.join("f.pem"), folder.join("f.key"));
    std::fs::write(&settings.client_certificate, forged.cert.pem()).unwrap();
    std::fs::write(&settings.client_key, forged.signing_key.serialize_pem()).unwrap();
}

#[tokio::test]
async fn without_the_merchants_certificate_no_reversal_reaches_the_wallet() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    let mut settings = settings(&rig.wallet);
    forge_client_certificate(rig.folder.path(), &mut settings);
    let forged = channel(&settings);
    let found = forged.check().await.unwrap_err();
    assert!(
        found.contains("the merchant's certificate"),
        "found at the start, and not with the first reversal: {found}"
    );
    assert_eq!(forged.reverse(&number(1)).await, ReverseOutcome::Unknown);
    let root = std::fs::read(rig.folder.path().join("ca.pem")).unwrap();
    let bare = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()])
        .build()
        .unwrap();
    let address = format!("{}/secapi/pay/reverse", settings.secure_endpoints[0]);
    assert!(bare.post(address).body("<xml/>").send().await.is_err(), "it dies with the connection");
    assert_eq!(rig.wallet.order(number(1).as_str()).unwrap().unwrap().state, TradeState::Success);
}

#[tokio::test]
async fn a_wallet_with_a_certificate_of_another_root_is_not_spoken_to() {
    let (rig, other) = (rig().await, rig().await);
    let mut settings = settings(&rig.wallet);
    settings.ca_certificate = Some(other.folder.path().join("ca.pem"));
    settings.endpoints = settings.secure_endpoints.clone();
    let charge = rig.charge(Behaviour::Pays);
    let outcome = channel(&settings).pay(&charge).await;
    assert_eq!(outcome, PayOutcome::Refused(DeclineReason::ChannelUnreachable));
    assert_eq!(rig.wallet.orders().unwrap(), []);
}

#[tokio::test]
async fn the_check_tells_a_good_account_from_a_wrong_key_and_a_dead_line() {
    let rig = rig().await;
    assert_eq!(rig.channel.check().await, Ok(()));
    rig.wallet.next(Endpoint::Query, Fault::BadSignature);
    assert!(rig.channel.check().await.unwrap_err().contains("API key"));
    rig.wallet.next(Endpoint::Query, Fault::ServerError);
    assert!(rig.channel.check().await.unwrap_err().contains("502"));
    let dead = rig_with(|settings| settings.endpoints = vec![dead_address()]).await;
    assert!(dead.channel.check().await.unwrap_err().contains("cannot be reached"));
    let spare = rig_with(|settings| settings.secure_endpoints.insert(0, dead_address())).await;
    assert_eq!(spare.channel.check().await, Ok(()), "its spare address is enough");
    let secure = spare.channel.domains().into_iter().filter(|domain| domain.line == "secure");
    assert_eq!(secure.map(|domain| domain.is_first).collect::<Vec<_>>(), [false, true], "raced at the start");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    // A page that sends callers elsewhere, as a captive portal does: it is no answer of the wallet.
    let portal = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = rig().await;
    let (address, target) = (portal.local_addr().unwrap(), rig.wallet.addresses().open);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = portal.accept().await.unwrap();
        let mut buffer = [0; 8192];
        let _ = stream.read(&mut buffer).await.unwrap();
        let head =
            format!("HTTP/1.1 307 x\r\nlocation: http://{target}/pay/micropay\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    });
    let mut through = settings(&rig.wallet);
    through.endpoints = vec![format!("http://{address}")];
    assert_eq!(channel(&through).pay(&rig.charge(Behaviour::Pays)).await, PayOutcome::Unknown);
    assert_eq!(rig.wallet.orders().unwrap(), []);
}

#[tokio::test]
async fn a_mismatch_is_its_own_outcome_apart_from_garbage_and_forgeries() {
    let rig = rig().await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    let so_far = || rig.channel.mismatches().unwrap().so_far();
    for fault in [Fault::Garbage, Fault::BadSignature, Fault::Unsigned, Fault::Altered, Fault::ServerError] {
        rig.wallet.next(Endpoint::Query, fault);
        assert_eq!(rig.query().await, QueryOutcome::Unknown);
    }
    assert_eq!(so_far(), (0, None));
    for (nth, fault) in (1..).zip([Fault::WrongAmount, Fault::OtherNumber]) {
        rig.wallet.next(Endpoint::Query, fault);
        assert_eq!(rig.query().await, QueryOutcome::Unknown, "and nothing else is believed");
        let (count, last) = so_far();
        let last = last.unwrap();
        assert_eq!((count, last.payment, last.call.as_str()), (nth, number(1), "query"), "{}", last.field);
    }
    assert!(is_paid(&rig.query().await));
}
