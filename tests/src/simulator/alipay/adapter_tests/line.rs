//! Addresses, connections, files: what the line proves about what was sent.

use super::refunds::refund;
use super::*;
use evertill_server::channel::alipay::AlipayError;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn dead_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn when_no_address_can_be_reached_the_payment_was_surely_not_sent() {
    let nowhere = "http://no-such-host.invalid".to_owned();
    let rig = rig_with(Mode::Key, |settings| settings.endpoints = vec![dead_address(), nowhere]).await;
    let outcome = rig.pay(Behaviour::Pays).await;
    assert_eq!(outcome, PayOutcome::Refused(DeclineReason::ChannelUnreachable));
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
    assert!(rig.channel.check().await.unwrap_err().contains("cannot be reached"));
}

#[tokio::test]
async fn the_spare_address_is_used_only_when_the_main_one_cannot_be_reached() {
    let rig = rig_with(Mode::Key, |settings| settings.endpoints.insert(0, dead_address())).await;
    assert!(is_success(&rig.pay(Behaviour::Pays).await));
    // Two addresses that both work: a lost reply must not make a second request.
    let mut twice = settings(&rig.wallet, Mode::Key);
    twice.endpoints.push(twice.endpoints[0].clone());
    let lost = charge_with(rig.wallet.issue_code(Behaviour::RequestLost).unwrap(), 2);
    assert_eq!(channel(&twice).pay(&lost).await, PayOutcome::Unknown);
    assert_eq!(rig.wallet.order(number(2).as_str()).unwrap(), None);
}

/// Takes each connection, reads the request, answers half or nothing, and hangs up; counts.
async fn breaks_off(answer: &'static str) -> (String, Arc<AtomicU32>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 16_384];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://{address}"), count)
}

#[tokio::test]
async fn a_connection_that_closes_in_mid_message_is_unknown_and_the_request_is_not_sent_again() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"alipay_trade_pay_response\":{\"code\":\"10000\"",
        "HTTP/1.1 307 x\r\nlocation: /gateway.do\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 x\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>",
    ] {
        let (address, count) = breaks_off(answer).await;
        let rig = rig_with(Mode::Key, |settings| settings.endpoints = vec![address.clone(), address]).await;
        assert_eq!(rig.pay(Behaviour::Pays).await, PayOutcome::Unknown, "{answer}");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_wallet_that_drops_every_connection_leaves_everything_unknown() {
    let rig = rig().await;
    rig.wallet.switch(|switches| switches.offline = true);
    assert_eq!(rig.pay(Behaviour::Pays).await, PayOutcome::Unknown);
    assert_eq!(rig.query().await, QueryOutcome::Unknown);
    assert_eq!(rig.reverse().await, ReverseOutcome::Unknown);
    assert_eq!(rig.channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Unknown);
    assert_eq!(rig.channel.query_refund(&refund("R1", 1)).await, ChannelRefundOutcome::Unknown);
}

#[tokio::test]
async fn the_check_tells_a_good_app_from_wrong_keys_and_a_dead_line() {
    let rig = rig().await;
    assert_eq!(rig.channel.check().await, Ok(()));
    rig.wallet.next(Endpoint::Query, Fault::BadSignature);
    assert!(rig.channel.check().await.unwrap_err().contains("public key or certificate"));
    rig.wallet.next(Endpoint::Query, Fault::Refuse { err_code: "40006".into() });
    assert!(rig.channel.check().await.unwrap_err().contains("40006"));
    rig.wallet.next(Endpoint::Query, Fault::ServerError);
    assert!(rig.channel.check().await.unwrap_err().contains("502"));
    let mut other = settings(&rig.wallet, Mode::Key);
    other.app_id = "2021000000000000".into();
    assert!(channel(&other).check().await.unwrap_err().contains("isv.invalid-app-id"));
}

#[tokio::test]
async fn a_renewed_certificate_of_the_wallet_must_be_added_before_it_is_believed() {
    let rig = rig().await;
    let mut old = settings(&rig.wallet, Mode::Certificates);
    let certificates = old.certificates.as_mut().unwrap();
    let new = certificates.alipay[0].clone();
    certificates.alipay = vec![certificates.app.clone()];
    assert_eq!(channel(&old).pay(&rig.charge(Behaviour::Pays)).await, PayOutcome::Unknown);
    old.certificates.as_mut().unwrap().alipay.push(new);
    assert!(is_paid(&channel(&old).query(&number(1), cny(1234)).await), "both beside each other");
}

#[tokio::test]
async fn files_that_are_wrong_are_named() {
    let rig = rig().await;
    let folder = rig.folder.path();
    let bad = folder.join("bad.txt");
    std::fs::write(&bad, "hello").unwrap();
    let problem = |mode, change: &dyn Fn(&mut AlipaySettings, &Path)| {
        let mut settings = settings(&rig.wallet, mode);
        change(&mut settings, &bad);
        let error = AlipayChannel::new(&settings, Arc::new(SystemClock)).unwrap_err();
        assert!(matches!(error, AlipayError::Key { .. }) && error.to_string().contains("bad.txt"), "{error}");
    };
    problem(Mode::Key, &|settings, bad| settings.app_private_key = bad.into());
    problem(Mode::Key, &|settings, bad| settings.alipay_public_key = Some(bad.into()));
    problem(Mode::Certificates, &|settings, bad| settings.certificates.as_mut().unwrap().root = bad.into());
    problem(Mode::Certificates, &|settings, bad| settings.certificates.as_mut().unwrap().app = bad.into());
    problem(Mode::Certificates, &|settings, bad| {
        settings.certificates.as_mut().unwrap().alipay.push(bad.into());
    });
    let mut none = settings(&rig.wallet, Mode::Key);
    none.alipay_public_key = None;
    let error = AlipayChannel::new(&none, Arc::new(SystemClock)).unwrap_err();
    assert!(matches!(error, AlipayError::Mode), "{error}");
    let mut missing = settings(&rig.wallet, Mode::Key);
    missing.app_private_key = folder.join("missing.pem");
    let error = AlipayChannel::new(&missing, Arc::new(SystemClock)).unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}
