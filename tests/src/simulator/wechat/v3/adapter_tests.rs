//! The server's adapter against version 3 of this wallet, over real sockets.

use crate::simulator::wallet::http;
use crate::simulator::wechat::{
    Behaviour, Counter, Endpoint, Fault, SignsBy, Simulator, SimulatorConfig, TradeState,
};
use evertill_server::channel::wechat::{WechatChannel, WechatSettings};
use evertill_server::channel::{
    Channel, ChannelRefund, ChannelRefundOutcome, Charge, ShownCodes, ShownOrder,
};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::{ChannelNumber, RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::secret::AuthCode;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

mod bills;
mod codes;
mod keys;
mod partner;
mod refunds;
mod telling;

const LIMIT_MS: u64 = 2_000;

/// A clock that the test turns.
#[derive(Default)]
struct Turned(AtomicI64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        let turned = u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(0);
        SystemClock.monotonic() + Duration::from_millis(turned)
    }
}

/// What the merchant was told: headers and body.
type Told = (Vec<(String, String)>, Vec<u8>);

/// Where the merchant is told: keeps everything, and answers with what is set.
struct Ear {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
    answers: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let (told, answers) = (Arc::<Mutex<Vec<Told>>>::default(), Arc::new(AtomicU16::new(204)));
        let (heard, says) = (Arc::clone(&told), Arc::clone(&answers));
        let task = tokio::spawn(http::listen(listener, move |stream| {
            let (heard, says) = (Arc::clone(&heard), Arc::clone(&says));
            async move {
                let _ = http::converse(stream, |request| {
                    heard.lock().unwrap().push((request.headers.into_iter().collect(), request.body));
                    let status = says.load(Ordering::SeqCst);
                    std::future::ready(http::Response::Whole {
                        status,
                        headers: Vec::new(),
                        body: Vec::new(),
                    })
                })
                .await;
            }
        }));
        Self { url, told, answers, task }
    }

    /// Waits until so much was told in all.
    async fn heard(&self, count: usize) -> Vec<Told> {
        for _ in 0..500 {
            let told = self.told.lock().unwrap().clone();
            if told.len() >= count {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("told only {} times", self.told.lock().unwrap().len());
    }
}

struct Rig {
    channel: WechatChannel,
    wallet: Simulator,
    clock: Arc<Turned>,
    ear: Ear,
    folder: TempDir,
}

#[derive(Clone, Copy, Default)]
struct How {
    by_public_key: bool,
    codepay: bool,
}

const PUBLIC: How = How { by_public_key: true, codepay: false };
const CERTIFICATES: How = How { by_public_key: false, codepay: false };
const CODES: How = How { by_public_key: true, codepay: true };

fn settings(wallet: &Simulator, ear: &Ear, how: How) -> WechatSettings {
    let mut section = wallet.server_section();
    section["v3"] = wallet.v3_section(how.by_public_key, &ear.url);
    section["v3"]["codepay"] = how.codepay.into();
    let mut settings: WechatSettings = serde_json::from_value(section).unwrap();
    (settings.pay_timeout_ms, settings.call_timeout_ms, settings.connect_timeout_ms) =
        (LIMIT_MS, LIMIT_MS, 400);
    settings
}

async fn rig(how: How) -> Rig {
    rig_with(how, |_| ()).await
}

async fn rig_with(how: How, change: impl FnOnce(&mut WechatSettings)) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let (ear, clock) = (Ear::new().await, Arc::new(Turned::default()));
    let mut settings = settings(&wallet, &ear, how);
    change(&mut settings);
    let channel = WechatChannel::new(&settings, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    Rig { channel, wallet, clock, ear, folder }
}

fn number(sequence: u64) -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

impl Rig {
    fn shown(&self) -> &dyn ShownCodes {
        self.channel.shown().unwrap()
    }

    fn order(&self, sequence: u64) -> ShownOrder {
        ShownOrder {
            number: number(sequence),
            amount: cny(1234),
            description: "Corner Store 店".into(),
            device: "T0001".into(),
            until: self.clock.now().plus(Duration::from_secs(90)),
        }
    }

    /// A code for that sale.
    async fn code(&self, sequence: u64) -> String {
        match self.shown().create(&self.order(sequence)).await {
            ShownOutcome::Code { content, .. } => content,
            other => panic!("no code: {other:?}"),
        }
    }

    /// A sale whose code was scanned and paid.
    async fn sold(&self, sequence: u64) {
        let code = self.code(sequence).await;
        self.wallet.scan(&code, Behaviour::Pays).unwrap();
    }

    async fn query(&self, sequence: u64) -> QueryOutcome {
        self.channel.query(&number(sequence), cny(1234)).await
    }

    fn charge(&self, behaviour: Behaviour, sequence: u64) -> Charge {
        Charge {
            interface: evertill_shared::id::Interface::NOT_KNOWN,
            number: number(sequence),
            amount: cny(1234),
            auth_code: AuthCode::new(self.wallet.issue_code(behaviour).unwrap()),
            description: "Corner Store 店".into(),
            device: "T0001".into(),
        }
    }

    /// Turns both clocks.
    fn turn(&self, by_ms: i64) {
        self.clock.0.fetch_add(by_ms, Ordering::SeqCst);
        self.wallet.turn_clock(by_ms).unwrap();
    }

    /// What the customer is out of pocket for a sale, as the wallet knows.
    fn net(&self, sequence: u64) -> i64 {
        self.wallet.order(number(sequence).as_str()).unwrap().map_or(0, |order| order.net_minor())
    }
}

/// All that may be wrong with an answer so that it proves nothing.
const USELESS: [Fault; 15] = [
    Fault::BadSignature,
    Fault::Unsigned,
    Fault::Altered,
    Fault::SignTest,
    Fault::OldTime,
    Fault::OtherSerial,
    Fault::MissingHeader,
    Fault::Garbage,
    Fault::ServerError,
    Fault::ReplyLost,
    Fault::SystemError,
    Fault::Unavailable,
    Fault::WrongAmount,
    Fault::OtherNumber,
    Fault::OtherMerchant,
];

fn refuse(word: &str) -> Fault {
    Fault::Refuse { err_code: word.into() }
}

/// The next call to that endpoint goes wrong like this, and its repetition at the next address too.
fn spoil(wallet: &Counter, endpoint: Endpoint, fault: &Fault) {
    wallet.switch(|switches| {
        switches.next.clear();
        switches.always.clear();
        switches.always.insert(endpoint, fault.clone());
    });
}

fn heal(wallet: &Counter) {
    wallet.switch(|switches| switches.always.clear());
}
