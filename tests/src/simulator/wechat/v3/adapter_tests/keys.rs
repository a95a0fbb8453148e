//! Keys: rotation, the change from certificates to a public key, wrong ones, and what the wallet itself turns away.

use super::*;
use std::path::Path;

#[tokio::test]
async fn a_new_certificate_is_fetched_when_it_is_first_seen() {
    let rig = rig(CERTIFICATES).await;
    rig.sold(1).await;
    let both = vec![SignsBy::Certificate, SignsBy::NextCertificate];
    rig.wallet
        .switch(|switches| (switches.certificates, switches.signs_by) = (both, SignsBy::NextCertificate));
    rig.turn(31_000); // they are not fetched at every word
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }), "by the next one");
    rig.wallet.switch(|switches| switches.signs_by = SignsBy::Certificate);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }), "the old one is live, too");
    rig.wallet.switch(|switches| switches.certificates = vec![SignsBy::NextCertificate]);
    rig.wallet.switch(|switches| switches.signs_by = SignsBy::PublicKey);
    rig.turn(31_000);
    assert_eq!(rig.query(1).await, QueryOutcome::Unknown, "a public key that nobody told us of");
    rig.wallet.switch(|switches| switches.signs_by = SignsBy::NextCertificate);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
}

#[tokio::test]
async fn with_a_public_key_the_wallet_is_asked_to_use_it_and_its_certificates_still_count() {
    let rig = rig(PUBLIC).await;
    rig.wallet.switch(|switches| switches.signs_by = SignsBy::Certificate);
    rig.sold(1).await;
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }));
    // What the merchant is told may be signed either way while it changes.
    let (headers, body) = rig.ear.heard(1).await.remove(0);
    assert!(rig.shown().notification(&headers, &body).is_err(), "by a certificate that is not known yet");
    for _ in 0..200 {
        if rig.shown().notification(&headers, &body).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the certificate was never fetched");
}

fn overwrite(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_wrong_api_key_opens_no_certificate_so_nothing_is_known() {
    let rig = rig_with(CERTIFICATES, |settings| {
        let path = settings.v3.as_ref().unwrap().api_v3_key_file.clone();
        overwrite(&path, &"a".repeat(32));
    })
    .await;
    assert_eq!(rig.shown().create(&rig.order(1)).await, ShownOutcome::Unknown);
    assert_eq!(rig.query(1).await, QueryOutcome::Unknown);
    let why = rig.channel.check().await.unwrap_err();
    assert!(why.contains("version 3") && why.contains("API v3 key"), "{why}");
}

#[tokio::test]
async fn a_wrong_public_key_and_a_wrong_clock_prove_nothing() {
    let rig = rig(PUBLIC).await;
    rig.sold(1).await;
    for minutes in [-6, 6] {
        rig.clock.0.store(minutes * 60_000, Ordering::SeqCst);
        assert_eq!(rig.query(1).await, QueryOutcome::Unknown, "our clock is {minutes} minutes off");
    }
    rig.clock.0.store(4 * 60_000, Ordering::SeqCst);
    assert!(matches!(rig.query(1).await, QueryOutcome::Paid { .. }), "four minutes are borne");
    let wrong = rig_with(PUBLIC, |settings| {
        let v3 = settings.v3.as_mut().unwrap();
        v3.public_key_id = Some("PUB_KEY_ID_OTHER".into());
    })
    .await;
    assert!(wrong.channel.check().await.is_ok(), "the wallet falls back on its certificate");
    let renamed = rig_with(PUBLIC, |settings| {
        let v3 = settings.v3.as_ref().unwrap();
        let other = include_str!("../../../../../data/wechat/next.key.pem");
        let pair = super::super::papers::pair(other).unwrap();
        overwrite(v3.public_key.as_ref().unwrap(), &pair.public_key_pem());
    })
    .await;
    assert_eq!(renamed.query(1).await, QueryOutcome::Unknown, "another key under its name");
}

#[tokio::test]
async fn files_that_are_not_what_they_must_be_are_named_at_the_start() {
    let rig = rig(PUBLIC).await;
    let start = |change: &dyn Fn(&mut WechatSettings)| {
        let mut settings = settings(&rig.wallet, &rig.ear, PUBLIC);
        change(&mut settings);
        let opened = WechatChannel::new(&settings, Arc::new(SystemClock));
        opened.map(drop).unwrap_err().to_string()
    };
    let noise = rig.folder.path().join("noise");
    overwrite(&noise, "noise");
    let missing = rig.folder.path().join("missing");
    let why = start(&|settings| settings.v3.as_mut().unwrap().api_v3_key_file = noise.clone());
    assert!(why.contains("noise") && why.contains("32 letters"), "{why}");
    let why = start(&|settings| settings.v3.as_mut().unwrap().api_v3_key_file = missing.clone());
    assert!(why.contains("missing") && why.contains("[wechat.v3]"), "{why}");
    let why = start(&|settings| settings.v3.as_mut().unwrap().public_key = Some(noise.clone()));
    assert!(why.contains("noise") && why.contains("public key"), "{why}");
}

/// A request as anybody could make it.
async fn ask(
    rig: &Rig,
    method: reqwest::Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, serde_json::Value) {
    let http = http::client(&[]).unwrap();
    let url = format!("http://{}{path}", rig.wallet.addresses().open);
    let mut request = http.request(method, url).header("accept", "*/*").header("user-agent", "test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn the_wallet_turns_away_what_is_not_signed_by_the_merchant() {
    let rig = rig(PUBLIC).await;
    let path = "/v3/certificates?algorithm_type=RSA";
    let (status, said) = ask(&rig, reqwest::Method::GET, path, &[]).await;
    assert_eq!(
        (status, &said["code"], &said["message"]),
        (401, &"SIGN_ERROR".into(), &"Authorization不合法".into())
    );
    let kit = rig.wallet.kit().0;
    let seconds = SystemClock.now().unix_seconds();
    let header = |merchant: &str, serial: &str, seconds: i64| {
        format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{merchant}\",nonce_str=\"n\",timestamp=\"{seconds}\",\
             serial_no=\"{serial}\",signature=\"AAAA\""
        )
    };
    for (merchant, serial, seconds) in [
        (kit.merchant_id.as_str(), kit.client_serial.as_str(), seconds),
        ("1900000110", kit.client_serial.as_str(), seconds),
        (kit.merchant_id.as_str(), "00", seconds),
        (kit.merchant_id.as_str(), kit.client_serial.as_str(), seconds - 301),
    ] {
        let header = header(merchant, serial, seconds);
        let asked = ask(&rig, reqwest::Method::GET, path, &[("authorization", &header)]).await;
        assert_eq!((asked.0, &asked.1["code"]), (401, &"SIGN_ERROR".into()), "{header}");
    }
}
