//! A shop whose group 0 is in PostgreSQL, and whose groups 1 and 2 are files.

use evertill_provisioning::client::ClientError;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{OrderView, PaymentView};
use evertill_tests::books;
use evertill_tests::rig::postgres::{PostgresGroup, PostgresOptions};
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::store_rig::{InPostgres, RigOptions, StoreRig, WalletOrder};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// Far longer than anything takes that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The server ends first, then its folder goes.
pub struct Shop {
    pub rig: StoreRig,
    pub dir: TempDir,
}

pub async fn shop(options: RigOptions) -> Shop {
    let dir = TempDir::new().unwrap();
    let rig = StoreRig::open(dir.path(), options).await.unwrap();
    Shop { rig, dir }
}

/// A group of three servers, and a shop with it.
pub async fn shop_on_a_group(name: &str) -> (Shop, PostgresGroup) {
    let group = PostgresGroup::start(name, PostgresOptions::default()).unwrap();
    let postgres = InPostgres { lanes: 2, ..InPostgres::one_group(0, group.conninfo()) };
    let shop = shop(RigOptions { postgres, period_ms: 2_000, ..RigOptions::default() }).await;
    (shop, group)
}

impl Shop {
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("logs/server.log")).unwrap_or_default()
    }

    pub async fn code(&self) -> String {
        self.rig.wallet_control().code(Behaviour::Pays).await.unwrap()
    }

    /// Sells until a sale's number comes from that group.
    pub async fn sale_in(&self, till: &mut ScriptedTill, tag: u8, minor: i64) -> AdoptedSale {
        for _ in 0..300 {
            match till.sell_and_choose(minor).await {
                Ok(order) if order.number.tag().get() == tag => return order,
                Ok(_) => {}
                Err(error) => println!("no number yet: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("group {tag} gives out no numbers; the server says:\n{}", self.log());
    }

    /// A sale that is paid by a customer's code, wherever its order is.
    pub async fn paid(&self, till: &mut ScriptedTill, minor: i64) -> AdoptedSale {
        let order = till.sell_and_choose(minor).await.unwrap();
        let view = till.pay(&order, 1, &self.code().await).await.unwrap();
        assert_eq!(view.state, PaymentState::Paid);
        order
    }

    /// What the wallet holds of a sale, over all attempts: charged minus given back; none if it never heard of it.
    pub async fn net(&self, order: &AdoptedSale) -> Option<i64> {
        let orders = self.rig.wallet_control().orders().await.unwrap();
        let sequence = format!("{:012}", order.sale.key.sequence);
        let terminal = format!("{:04}", order.sale.key.terminal.get());
        // Exactly where they stand in a channel number: 2 with attempt 001 after it looks like 20.
        let mine =
            |o: &&WalletOrder| o.number[7..].starts_with(&terminal) && o.number[16..].starts_with(&sequence);
        let mut mine = orders.iter().filter(mine).map(WalletOrder::net_minor).peekable();
        mine.peek()?;
        Some(mine.sum())
    }

    /// No sale stands in our books twice.
    pub fn nothing_is_doubled(&self) {
        let booked = books::paid_orders(&self.rig).unwrap();
        assert_eq!(books::doubled(&booked), [], "sales that are in the books twice");
    }
}

/// An order as the server has it. Asked for again while its group cannot be reached, as a till does: those who read in a
/// database turn to the new primary a moment after those who write, or before them.
pub async fn seen_at_last(till: &ScriptedTill, number: OrderNumber) -> OrderView {
    let mut last = None;
    for _ in 0..100 {
        match till.order(number).await {
            Ok(order) => return order,
            Err(ClientError::Api(error)) if error.code == ErrorCode::GroupUnavailable => last = Some(error),
            Err(error) => panic!("{number}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{number} cannot be read: {last:?}");
}

/// Sends the same intent with the same code again until the server says where it stands, as a till does.
pub async fn charged_at_last(
    till: &ScriptedTill,
    order: &AdoptedSale,
    requested: &evertill_shared::journal::SignedEntry,
    code: &str,
) -> PaymentView {
    let mut last = None;
    for _ in 0..300 {
        match till.charge(order, requested, code).await {
            Ok(view) if view.state.is_final() => return view,
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never settled: {last:?}");
}
