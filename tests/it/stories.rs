//! One day in the shop, against real processes: a store server, a wallet simulator, and tills that sign what
//! they send. Each story looks at the wallet's own books in the end, not at ours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    clippy::duplicate_mod,
    reason = "a test that fails must stop; stories are told on two engines"
)]

#[path = "stories/alipay.rs"]
mod alipay;
#[path = "stories/audit.rs"]
mod audit;
#[path = "stories/demo.rs"]
mod demo;
#[path = "stories/money.rs"]
mod money;
#[path = "stories/on_postgres.rs"]
mod on_postgres;
#[path = "stories/pictures.rs"]
mod pictures;
#[path = "stories/refunds.rs"]
mod refunds;
#[path = "stories/shown.rs"]
mod shown;
#[path = "stories/shown_wechat.rs"]
mod shown_wechat;
#[path = "stories/split.rs"]
mod split;
#[path = "stories/trust.rs"]
mod trust;

use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::orders::PaymentView;
use evertill_tests::rig::postgres::PostgresNode;
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::store_rig::{RigOptions, StoreRig, WalletOrder};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A shop in a folder that goes away with it.
pub struct Shop {
    pub rig: StoreRig,
    _dir: TempDir,
    _node: Option<Arc<PostgresNode>>,
}

pub async fn shop() -> Shop {
    shop_with(RigOptions::default()).await
}

pub async fn shop_with(options: RigOptions) -> Shop {
    let dir = TempDir::new().unwrap();
    let rig = StoreRig::open(dir.path(), options).await.unwrap();
    Shop { rig, _dir: dir, _node: None }
}

/// Asks, as a till does, until the attempt is settled.
pub async fn settled(till: &ScriptedTill, order: &AdoptedSale, attempt: u8) -> PaymentView {
    let mut last = None;
    for _ in 0..400 {
        match till.payment(order.number, attempt).await {
            Ok(view) if view.state.is_final() => return view,
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never settled: {last:?}");
}

/// What the wallet itself holds of a sale, over all attempts: charged minus given back.
pub fn net(orders: &[WalletOrder], order: &AdoptedSale) -> i64 {
    let sequence = format!("{:012}", order.sale.key.sequence);
    let terminal = format!("{:04}", order.sale.key.terminal.get());
    // Exactly where they stand in a channel number: 2 with attempt 001 after it looks like 20.
    let mine =
        |o: &&WalletOrder| o.number[7..].starts_with(&terminal) && o.number[16..].starts_with(&sequence);
    orders.iter().filter(mine).map(WalletOrder::net_minor).sum()
}

pub fn is_paid(view: &PaymentView) -> bool {
    view.state == PaymentState::Paid
}
