//! A charge that is ready and was not sent.

use super::testing::merchant;
use super::*;
use crate::channel::line::{Posting, Request};
use evertill_shared::clock::SystemClock;
use evertill_shared::id::{Interface, SaleKey, StoreId, TerminalId};
use evertill_shared::secret::AuthCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A wallet that never answers, and counts what it is asked.
#[derive(Default)]
struct Hangs(AtomicUsize);

impl Wire for Hangs {
    fn send(&self, _: Request) -> Posting {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn intent_first_a_charge_that_is_ready_leaves_when_it_is_polled_and_not_before() {
    let wallet = Arc::new(Hangs::default());
    let wire = Arc::clone(&wallet) as Arc<dyn Wire>;
    let limit = Duration::from_millis(50);
    let channel = AlipayChannel {
        merchant: merchant(),
        line: Line::new(&["https://a".to_owned()], Arc::clone(&wire), Arc::new(SystemClock)).unwrap(),
        wire,
        is_plain: false,
        pay_limit: limit,
        call_limit: limit,
        clock: Arc::new(SystemClock),
        mismatches: Mismatches::default(),
    };
    let key = SaleKey { terminal: TerminalId::try_from(7).unwrap(), epoch: 1, sequence: 1 };
    let charge = Charge {
        number: ChannelNumber::new(StoreId::try_from(1).unwrap(), key, 1),
        amount: Amount { minor: 1_000, currency: Currency::CNY },
        interface: Interface::NOT_KNOWN,
        auth_code: AuthCode::new("280000000000000001".into()),
        description: "a shop".into(),
        device: "7".into(),
    };
    let ready = channel.pay(&charge);
    tokio::time::sleep(limit).await;
    assert_eq!(wallet.0.load(Ordering::Relaxed), 0, "it left before anybody polled it");
    drop(ready);
    assert_eq!(wallet.0.load(Ordering::Relaxed), 0, "it left when it was given up");
    assert_eq!(channel.pay(&charge).await, PayOutcome::Unknown);
    assert_eq!(wallet.0.load(Ordering::Relaxed), 1);
}
