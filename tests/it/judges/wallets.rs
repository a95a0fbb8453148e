//! The server's adapters against wallets whose signatures are made, and who check ours, by libraries that we did not write:
//! `wechatpy` for version 2 of WeChat Pay, `wechatpayv3` for version 3, and npm's `alipay-sdk`. What those wallets make, the
//! library's own client has taken before it is sent; so an adapter that refuses it is wrong, and one that takes what the
//! library refuses is, too.

use super::alipay::library;
use super::scripts;
use super::wechat_v3::python;
use evertill_server::channel::alipay::{AlipayChannel, AlipaySettings};
use evertill_server::channel::wechat::{WechatChannel, WechatSettings};
use evertill_server::channel::{
    Channel, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownOrder,
};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::id::{ChannelNumber, RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::{PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::secret::AuthCode;
use evertill_tests::rig::packages::NODE;
use evertill_tests::simulator::{alipay, wechat};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A wallet of a library's, while it runs.
struct Wallet {
    process: Child,
    plain: u64,
    secure: u64,
}

impl Wallet {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: Value = serde_json::from_str(&line).expect("the judge did not start");
        let port = |name: &str| ports[name].as_u64().unwrap_or_default();
        Self { plain: port("plain"), secure: port("secure"), process }
    }

    async fn tell(&self, path: &str, body: Value) -> String {
        let url = format!("http://127.0.0.1:{}{path}", self.plain);
        let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }
}

impl Drop for Wallet {
    fn drop(&mut self) {
        // Its input ends with it; a killed one leaves nothing either.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn number(sequence: u64) -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

/// A payment by a code that ends so.
fn charge(code: &str, sequence: u64) -> Charge {
    Charge {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        number: number(sequence),
        amount: cny(1234),
        auth_code: AuthCode::new(code.into()),
        description: "Corner Store 店 <&> \"q\" ]]>".into(),
        device: "T0001".into(),
    }
}

fn shown(sequence: u64) -> ShownOrder {
    ShownOrder {
        number: number(sequence),
        amount: cny(1234),
        description: "Corner Store 店 <&> \"q\"".into(),
        device: "T0001".into(),
        until: SystemClock.now().plus(Duration::from_secs(90)),
    }
}

fn refund(name: &str, sequence: u64) -> ChannelRefund {
    ChannelRefund {
        interface: evertill_shared::id::Interface::NOT_KNOWN,
        refund: RefundId(name.into()),
        number: number(sequence),
        paid: cny(1234),
        amount: cny(234),
        reason: "cold 凉 & <late>".into(),
    }
}

fn is_success(outcome: &PayOutcome) -> bool {
    matches!(outcome, PayOutcome::ConfirmedSuccess { .. })
}

fn is_paid(outcome: &QueryOutcome) -> bool {
    matches!(outcome, QueryOutcome::Paid { .. })
}

/// WeChat Pay by both libraries, and the section of the configuration that leads there.
struct WeChatPay {
    wallet: Wallet,
    section: Value,
    _folder: TempDir,
}

impl WeChatPay {
    /// The kit is the simulator's; the wallet is not.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let simulator =
            wechat::Simulator::start(folder.path(), wechat::SimulatorConfig::default()).await.unwrap();
        let (kit, at) = simulator.kit();
        let text = |path: &Path| std::fs::read_to_string(at.join(path)).unwrap();
        let rig = json!({
            "app_id": kit.app_id,
            "merchant_id": kit.merchant_id,
            "serial": kit.client_serial,
            "api_key": text(&kit.api_key_file).trim(),
            "api_v3_key": text(&kit.api_v3_key_file).trim(),
            "private_key_text": text(&kit.client_key),
            "public_key": text(&kit.public_key),
            "public_key_id": kit.public_key_id,
            "own_key": include_str!("../../data/wechat/public.key.pem"),
            "other_key": include_str!("../../data/wechat/next.key.pem"),
            "root": at.join(&kit.ca_certificate),
            "server_certificate": at.join("wallet_server.pem"),
            "server_key": at.join("wallet_server_key.pem"),
        });
        let mut section = simulator.server_section();
        section["v3"] = simulator.v3_section(true, "http://127.0.0.1:1/notify");
        let started = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(python());
            command.arg(scripts().join("wechat_wallet.py")).arg(rig.to_string());
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            Wallet::start(command)
        });
        let wallet = started.await.unwrap();
        section["endpoints"] = json!([format!("http://127.0.0.1:{}", wallet.plain)]);
        section["secure_endpoints"] = json!([format!("https://127.0.0.1:{}", wallet.secure)]);
        Self { wallet, section, _folder: folder }
    }

    fn channel(&self, change: impl FnOnce(&mut Value)) -> WechatChannel {
        let mut section = self.section.clone();
        change(&mut section);
        let settings: WechatSettings = serde_json::from_value(section).unwrap();
        WechatChannel::new(&settings, Arc::new(SystemClock)).unwrap()
    }
}

/// An 18-digit code of WeChat Pay's that ends so; each is another.
fn wechat_code(sequence: u64, end: u8) -> String {
    format!("13{sequence:015}{end}")
}

#[tokio::test(flavor = "multi_thread")]
async fn our_adapter_takes_what_wechatpy_signs_for_version_2_and_nothing_else() {
    let rig = WeChatPay::start().await;
    for (way, base) in [("MD5", 10), ("HMAC-SHA256", 20)] {
        let channel = rig.channel(|section| {
            section["sign_type"] = json!(way);
            section["v3"] = Value::Null;
        });
        assert_eq!(channel.check().await, Ok(()), "{way}");
        let paid = channel.pay(&charge(&wechat_code(base, 0), base)).await;
        assert!(is_success(&paid), "{way}: {paid:?}");
        assert!(is_paid(&channel.query(&number(base), cny(1234)).await), "{way}");
        assert_eq!(channel.query(&number(base), cny(1235)).await, QueryOutcome::Unknown, "{way}");
        assert_eq!(channel.query(&number(base + 9), cny(1234)).await, QueryOutcome::NoSuchOrder, "{way}");
        let name = format!("R{base}");
        assert_eq!(
            channel.query_refund(&refund(&name, base)).await,
            ChannelRefundOutcome::NoSuchRefund,
            "{way}"
        );
        assert_eq!(channel.refund(&refund(&name, base)).await, ChannelRefundOutcome::Done, "{way}");
        assert_eq!(channel.reverse(&number(base)).await, ReverseOutcome::Reversed, "{way}");
        assert_eq!(channel.query(&number(base), cny(1234)).await, QueryOutcome::Reversed, "{way}");
        assert_eq!(channel.reverse(&number(base + 9)).await, ReverseOutcome::NoSuchOrder, "{way}");
        let waits = channel.pay(&charge(&wechat_code(base + 1, 4), base + 1)).await;
        assert_eq!(waits, PayOutcome::Waiting, "{way}");
        // By another key, changed on its way, or signed the other way than is set here.
        for (end, fault) in [(1, "other key"), (2, "altered"), (3, "other kind")] {
            let sequence = base + 2 + u64::from(end);
            let said = channel.pay(&charge(&wechat_code(sequence, end), sequence)).await;
            assert_eq!(said, PayOutcome::Unknown, "{way}: {fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_adapter_takes_what_wechatpayv3_signs_and_seals_and_nothing_else() {
    let rig = WeChatPay::start().await;
    let channel = rig.channel(|_| ());
    assert_eq!(channel.check().await, Ok(()));
    let codes = channel.shown().unwrap();
    let made = codes.create(&shown(1)).await;
    assert!(matches!(&made, ShownOutcome::Code { .. }), "{made:?}");
    assert_eq!(channel.query(&number(1), cny(1234)).await, QueryOutcome::NotPaid);
    let told = |fault: &'static str| {
        let asked = json!({ "number": number(1).as_str(), "fault": fault });
        let said = rig.wallet.tell("/told", asked);
        async move {
            let said: Value = serde_json::from_str(&said.await).unwrap();
            let headers: Vec<(String, String)> = serde_json::from_value(said["headers"].clone()).unwrap();
            codes.notification(&headers, said["body"].as_str().unwrap().as_bytes())
        }
    };
    let notified = told("").await.unwrap();
    assert_eq!((&notified.number, notified.amount), (&number(1), cny(1234)));
    for fault in ["other_key", "altered", "old"] {
        assert_eq!(told(fault).await, Err(NotificationError::NotAuthentic), "{fault}");
    }
    assert!(matches!(told("other_seal").await, Err(NotificationError::Unreadable(_))));
    let paid = channel.query(&number(1), cny(1234)).await;
    assert_eq!(paid, QueryOutcome::Paid { transaction: notified.transaction });
    for fault in ["other_key", "altered", "old"] {
        rig.wallet.tell("/fault", json!({ "number": number(1).as_str(), "fault": fault })).await;
        assert_eq!(channel.query(&number(1), cny(1234)).await, QueryOutcome::Unknown, "{fault}");
    }
    // It was shown, so it goes back by version 3, too.
    assert_eq!(channel.query_refund(&refund("R1", 1)).await, ChannelRefundOutcome::NoSuchRefund);
    assert_eq!(channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Done);
    codes.create(&shown(2)).await;
    assert_eq!(codes.close(&number(2)).await, ReverseOutcome::Reversed);
    assert_eq!(channel.query(&number(2), cny(1234)).await, QueryOutcome::Reversed);
    assert_eq!(channel.query(&number(3), cny(1234)).await, QueryOutcome::NoSuchOrder);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_adapter_takes_what_alipay_sdk_signs_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let simulator =
        alipay::Simulator::start(folder.path(), alipay::SimulatorConfig::default()).await.unwrap();
    let (kit, at) = simulator.kit();
    let text = |path: &Path| std::fs::read_to_string(at.join(path)).unwrap();
    let rig = json!({
        "app_id": kit.app_id,
        "seller": alipay::SELLER,
        "private_key": text(&kit.app_private_key),
        "public_key": text(&kit.alipay_public_key).trim(),
        "own_key": include_str!("../../data/alipay/wallet.key.pem"),
        "other_key": include_str!("../../data/alipay/root.key.pem"),
    });
    let started = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(NODE);
        command.arg(scripts().join("alipay_wallet.cjs")).arg(rig.to_string());
        command.env("NODE_PATH", library()).env("TZ", "Asia/Shanghai");
        Wallet::start(command)
    });
    let wallet = started.await.unwrap();
    let mut section = simulator.server_section(alipay::Mode::Key);
    section["endpoints"] = json!([format!("http://127.0.0.1:{}", wallet.plain)]);
    section["notify_url"] = json!("http://127.0.0.1:1/notify?a=1&b=茶");
    let settings: AlipaySettings = serde_json::from_value(section).unwrap();
    let channel = AlipayChannel::new(&settings, Arc::new(SystemClock)).unwrap();
    assert_eq!(channel.check().await, Ok(()));

    let code = |sequence: u64, end: u8| format!("28{sequence:015}{end}");
    let paid = channel.pay(&charge(&code(1, 0), 1)).await;
    assert!(is_success(&paid), "{paid:?}");
    assert!(is_paid(&channel.query(&number(1), cny(1234)).await));
    assert_eq!(channel.query(&number(1), cny(1235)).await, QueryOutcome::Unknown);
    assert_eq!(channel.query(&number(9), cny(1234)).await, QueryOutcome::NoSuchOrder);
    assert_eq!(channel.query_refund(&refund("R1", 1)).await, ChannelRefundOutcome::NoSuchRefund);
    assert_eq!(channel.refund(&refund("R1", 1)).await, ChannelRefundOutcome::Done);
    assert_eq!(channel.pay(&charge(&code(2, 4), 2)).await, PayOutcome::Waiting);
    assert_eq!(channel.reverse(&number(2)).await, ReverseOutcome::Reversed);
    for (end, fault) in [(1, "other key"), (2, "altered")] {
        let sequence = 2 + u64::from(end);
        let said = channel.pay(&charge(&code(sequence, end), sequence)).await;
        assert_eq!(said, PayOutcome::Unknown, "{fault}");
    }

    let codes = channel.shown().unwrap();
    let made = codes.create(&shown(6)).await;
    assert!(matches!(&made, ShownOutcome::Code { .. }), "{made:?}");
    let told = |fault: &'static str| {
        let said = wallet.tell("/told", json!({ "number": number(6).as_str(), "fault": fault }));
        async move { codes.notification(&[], said.await.as_bytes()) }
    };
    let notified: Notified = told("").await.unwrap();
    assert_eq!((&notified.number, notified.amount), (&number(6), cny(1234)));
    assert_eq!(
        channel.query(&number(6), cny(1234)).await,
        QueryOutcome::Paid { transaction: notified.transaction }
    );
    for fault in ["other_key", "altered"] {
        assert_eq!(told(fault).await, Err(NotificationError::NotAuthentic), "{fault}");
    }
}
