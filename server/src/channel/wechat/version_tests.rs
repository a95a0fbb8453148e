//! An attempt stays with the version of the interface that it was made by, whatever is set up since.

use super::*;
use crate::channel::line::{Posting, Request};
use evertill_shared::clock::SystemClock;
use evertill_shared::id::{RefundId, SaleKey, StoreId, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::secret::{AuthCode, SecretText};
use std::sync::Mutex;

/// A wallet that notes what it is called for, and never answers.
#[derive(Default)]
struct Listens(Mutex<Vec<String>>);

impl Wire for Listens {
    fn send(&self, request: Request) -> Posting {
        self.0.lock().unwrap().push(request.url);
        Box::pin(std::future::pending())
    }
}

struct Rig {
    channel: WechatChannel,
    wallet: Arc<Listens>,
}

/// With version 3 set up, and for customers' codes as well, or not.
fn rig(v3: Option<bool>) -> Rig {
    let wallet = Arc::new(Listens::default());
    let line = |address: &str| {
        let wire = Arc::clone(&wallet) as Arc<dyn Wire>;
        Line::new(&[address.to_owned()], wire, Arc::new(SystemClock)).unwrap()
    };
    let open = Arc::new(line("https://open"));
    let channel = WechatChannel {
        merchant: Merchant {
            app_id: "wx0000000000000001".into(),
            merchant_id: "1900000001".into(),
            shop: None,
            api_key: SecretText::new("0123456789abcdef0123456789abcdef".into()),
            sign_type: SignType::HmacSha256,
            client_ip: "127.0.0.1".into(),
        },
        v3: v3.map(|codepay| v3::testing::over(Arc::clone(&open), codepay)),
        open,
        secure: line("https://secure"),
        mismatches: Arc::default(),
        random: Arc::new(SystemRandom::new()),
        pay_limit: Duration::from_millis(50),
        call_limit: Duration::from_millis(50),
        clock: Arc::new(SystemClock),
    };
    Rig { channel, wallet }
}

impl Rig {
    /// What was called since it was asked last, without what stands for the wallet's certificates.
    fn called(&self) -> Vec<String> {
        let called = std::mem::take(&mut *self.wallet.0.lock().unwrap());
        called.into_iter().filter(|url| !url.ends_with("/v3/certificates")).collect()
    }
}

fn number() -> ChannelNumber {
    let sale = SaleKey { terminal: TerminalId::try_from(1).unwrap(), epoch: 1, sequence: 42 };
    ChannelNumber::new(StoreId::try_from(1).unwrap(), sale, 1)
}

fn refund(interface: Interface) -> ChannelRefund {
    let amount = Amount::new(1234, Currency::CNY);
    ChannelRefund {
        refund: RefundId("R1".into()),
        number: number(),
        paid: amount,
        amount,
        interface,
        reason: "broken".into(),
    }
}

fn charge(interface: Interface) -> Charge {
    Charge {
        number: number(),
        amount: Amount::new(1234, Currency::CNY),
        interface,
        auth_code: AuthCode::new("134567890123456789".into()),
        description: "Corner Store".into(),
        device: "T0001".into(),
    }
}

const OLD: Interface = Interface::NOT_KNOWN;
const SETUPS: [Option<bool>; 3] = [None, Some(false), Some(true)];

fn all_of_version(called: &[String], version_3: bool) -> bool {
    !called.is_empty() && called.iter().all(|url| url.contains("/v3/") == version_3)
}

#[tokio::test]
async fn an_attempt_is_taken_back_by_the_version_that_made_it_and_an_old_one_by_todays() {
    for v3 in SETUPS {
        let rig = rig(v3);
        for (made_by, is_v3) in [
            (OLD, v3 == Some(true)),
            (VERSION_2, false),
            // Where version 3 is not set up any more there is nothing but version 2.
            (VERSION_3, v3.is_some()),
        ] {
            rig.channel.reverse_made_by(&number(), made_by).await;
            let called = rig.called();
            assert!(all_of_version(&called, is_v3), "{v3:?} {made_by:?}: {called:?}");
            assert!(
                called.iter().all(|url| url.ends_with("/reverse") || url.contains("/reverse?")),
                "{called:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_refund_goes_the_way_that_the_payment_came_and_is_asked_about_there() {
    for v3 in SETUPS {
        let rig = rig(v3);
        for (made_by, is_v3) in [(VERSION_2, false), (VERSION_3, v3.is_some())] {
            rig.channel.refund(&refund(made_by)).await;
            let called = rig.called();
            assert!(all_of_version(&called, is_v3), "{v3:?} {made_by:?}: {called:?}");
            assert!(called.iter().any(|url| url.contains("/refund")), "it is sent: {called:?}");
            rig.channel.query_refund(&refund(made_by)).await;
            let called = rig.called();
            assert!(all_of_version(&called, is_v3), "{v3:?} {made_by:?}: {called:?}");
        }
    }
    // Of an old one the wallet is asked first how it was made; as long as it does not say, nothing is sent.
    let rig = rig(Some(false));
    assert_eq!(rig.channel.refund(&refund(OLD)).await, ChannelRefundOutcome::Unknown);
    let called = rig.called();
    assert!(!called.is_empty() && called.iter().all(|url| !url.contains("/refund")), "{called:?}");
}

#[tokio::test]
async fn a_code_is_charged_by_the_version_that_stands_in_the_intent() {
    for (v3, todays) in SETUPS.into_iter().zip([VERSION_2, VERSION_2, VERSION_3]) {
        let rig = rig(v3);
        assert_eq!(rig.channel.interface(), todays, "{v3:?}");
        for made_by in [VERSION_2, todays] {
            assert_eq!(rig.channel.pay(&charge(made_by)).await, PayOutcome::Unknown);
            let called = rig.called();
            let path = if made_by == VERSION_3 { "/v3/pay/transactions/codepay" } else { "/pay/micropay" };
            assert!(called.len() == 1 && called[0].ends_with(path), "{v3:?} {made_by:?}: {called:?}");
        }
    }
}
