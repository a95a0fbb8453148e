//! A shop in a place of its own, which goes with all that runs in it and is mounted there.

use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::orders::PaymentView;
use evertill_tests::books;
use evertill_tests::rig::place::Place;
use evertill_tests::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_tests::store_rig::{RigOptions, StoreRig};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The seed of all that is random here: `EVERTILL_SEED`, or always the same.
pub fn seed() -> u64 {
    let seed = std::env::var("EVERTILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    println!("seed {seed} (EVERTILL_SEED)");
    seed
}

/// A folder of its own, whose processes and mounts end with it, also those of a killed earlier run.
pub fn place(name: &str) -> Place {
    Place::new(name, "root").unwrap()
}

/// The programs end before the place goes.
pub struct Shop {
    pub rig: StoreRig,
    pub place: Place,
}

pub async fn shop(name: &str) -> Shop {
    shop_with(name, |_| RigOptions::default()).await
}

pub async fn shop_with(name: &str, options: impl FnOnce(&Place) -> RigOptions) -> Shop {
    let place = place(name);
    let options = options(&place);
    let rig = StoreRig::open(&place.dir().join("shop"), options).await.unwrap();
    Shop { rig, place }
}

impl Shop {
    /// The server's settings.
    pub fn server_toml(&self) -> PathBuf {
        self.rig.store_dir().join("server/server.toml")
    }

    /// Our books and the wallet's hold the same, and no sale is in ours twice: gives the net of each sale by
    /// wallet, under the sale's part of the wallet's number.
    pub async fn books_agree(&self) -> usize {
        let booked = books::paid_orders(&self.rig).unwrap();
        assert_eq!(books::doubled(&booked), [], "sales that are in the books twice");
        let mut ours: BTreeMap<(u16, i64), i64> = BTreeMap::new();
        for order in booked.iter().filter(|order| order.by_wallet) {
            *ours.entry((order.terminal, order.sale.1)).or_default() +=
                order.paid_minor - order.refunded_minor;
        }
        let mut theirs: BTreeMap<(u16, i64), i64> = BTreeMap::new();
        for order in self.rig.wallet_control().orders().await.unwrap() {
            let sale = (order.number[7..11].parse().unwrap(), order.number[16..28].parse().unwrap());
            *theirs.entry(sale).or_default() += order.net_minor();
        }
        ours.retain(|_, net| *net != 0);
        theirs.retain(|_, net| *net != 0);
        assert_eq!(theirs, ours, "the wallet's books and ours differ");
        booked.len()
    }
}

/// Asks, as a till does, until the attempt is settled.
pub async fn settled(till: &ScriptedTill, number: OrderNumber, attempt: u8) -> PaymentView {
    let mut last = None;
    for _ in 0..400 {
        match till.payment(number, attempt).await {
            Ok(view) if view.state.is_final() => return view,
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never settled: {last:?}");
}

pub fn is_paid(view: &PaymentView) -> bool {
    view.state == PaymentState::Paid
}

/// Whether the order is paid, by a till's own question.
pub async fn order_is_paid(till: &ScriptedTill, order: &AdoptedSale) -> bool {
    till.order(order.number).await.is_ok_and(|view| view.state == evertill_shared::order::OrderState::Paid)
}
