//! Sales of a test's till, entry by entry.
#![allow(dead_code, reason = "each test program uses its part")]

use crate::rig::{Came, Server, Store, Till};
use evertill_shared::clock::Clock;
use evertill_shared::id::ChannelNumber;
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::orders::{AdoptOrder, CreateDraft, DraftCreated};
use evertill_shared::protocol::path;
use evertill_shared::wallet::Wallet;

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub async fn shop() -> (Store, Server, Till, Till) {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let (mut one, mut two) = (server.active_till(&it, 1).await, server.active_till(&it, 2).await);
    one.write(0);
    two.write(0);
    (store, server, one, two)
}

pub fn write(server: &Server, till: &mut Till, body: Body) -> SignedEntry {
    let Head { terminal, epoch, sequence, hash } = till.head;
    let at = server.clock.now();
    let entry = Entry { terminal, epoch, sequence: sequence + 1, previous: hash, at, body };
    let signed = SignedEntry::sign(&entry, &till.key).unwrap();
    till.head = Head { sequence: sequence + 1, hash: signed.hash(), ..till.head };
    signed
}

/// A sale with a number that the till has chosen.
pub struct Sold {
    pub number: OrderNumber,
    pub sequence: u64,
    pub sale: SignedEntry,
    pub adopted: SignedEntry,
}

/// The till's entry of a sale.
pub fn sale(server: &Server, till: &mut Till, minor: i64) -> SignedEntry {
    let line = Line::new("tea".into(), "Tea".into(), 1, cny(minor), TaxRate(1300)).unwrap();
    let store = 7_u32.try_into().unwrap();
    let sale = Sale::new(store, server.clock.now(), Currency::CNY, vec![line]).unwrap();
    write(server, till, Body::Sale(sale))
}

pub async fn sell(server: &Server, till: &mut Till, minor: i64) -> Sold {
    let sale = sale(server, till, minor);
    let sequence = till.head.sequence;
    let request = CreateDraft { sale: sale.clone() };
    let draft: DraftCreated = server.ask(&till.key, "POST", path::DRAFTS, Some(&request)).await.json();
    let adopted = write(server, till, Body::Adopted { sale: sequence, number: draft.number });
    Sold { number: draft.number, sequence, sale, adopted }
}

pub fn at(path: &str, number: OrderNumber) -> String {
    path.replace("{number}", number.as_str())
}

pub async fn adopt(server: &Server, till: &mut Till, sold: &Sold, cash: Option<i64>) -> Came {
    let cash = cash.map(|minor| {
        let body = Body::CashTaken { sale: sold.sequence, given: cny(minor), change: cny(0) };
        write(server, till, body)
    });
    let (sale, adopted) = (sold.sale.clone(), sold.adopted.clone());
    let request = AdoptOrder { sale, adopted, cash, cash_part: None };
    server.ask(&till.key, "POST", &at(path::ADOPT, sold.number), Some(&request)).await
}

pub fn requested(server: &Server, till: &mut Till, sold: &Sold, minor: i64) -> SignedEntry {
    let sale = evertill_shared::id::SaleKey { terminal: till.terminal, epoch: 1, sequence: sold.sequence };
    let body = Body::PaymentRequested {
        sale: sold.sequence,
        number: sold.number,
        attempt: 1,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(7_u32.try_into().unwrap(), sale, 1),
        amount: cny(minor),
    };
    write(server, till, body)
}
