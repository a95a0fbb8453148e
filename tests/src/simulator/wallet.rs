//! What simulated wallets have in common: customers with codes, the books, faults, the control interface, and the
//! little HTTP under them. What each wallet says on the wire, and its rules, are in its own folder.

mod behaviour;
pub(in crate::simulator) mod bill;
mod book;
mod control;
mod counter;
mod files;
pub mod http;
mod notifier;
pub mod page;
mod phone;
mod shown;
mod store;

pub use behaviour::{Behaviour, Domain, Endpoint, Fault, Partner, Switches};
pub use bill::BillFault;
pub use book::{Order, Refund, RefundEnd, TradeState};
pub use counter::Counter;
pub use files::KitError;
pub use notifier::Told;
pub use phone::Phones;
pub use shown::{Scanned, ShownCode};
pub use store::StoreError;

pub(super) use behaviour::Customer;
pub(super) use book::{Book, Code};
pub(super) use files::{named, random_hex, read, write};
pub(super) use notifier::{Teller, tell_for_ever, told_now};
pub(super) use store::Store;

use evertill_shared::clock::Timestamp;
use evertill_shared::wallet::Wallet;
use http::Response;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A listener, and where it is.
/// # Errors
/// The address is taken.
pub(super) async fn bind(
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), (SocketAddr, std::io::Error)> {
    let listener = TcpListener::bind(address).await.map_err(|error| (address, error))?;
    let bound = listener.local_addr().map_err(|error| (address, error))?;
    Ok((listener, bound))
}

/// Serves the control interface until it is aborted.
pub(super) async fn listen_control(listener: TcpListener, counter: Arc<Counter>) {
    let phones = Arc::new(Phones::new(vec![Arc::clone(&counter)]));
    http::listen(listener, move |stream| {
        let (counter, phones) = (Arc::clone(&counter), Arc::clone(&phones));
        async move {
            let answer = |request| std::future::ready(control::answer(&counter, &phones, &request));
            let _ = http::converse(stream, answer).await;
        }
    })
    .await;
}

/// Serves the phones of all these wallets, and nothing else, until it is aborted.
/// # Errors
/// The address is taken.
pub async fn serve_phones(
    address: SocketAddr,
    counters: Vec<Arc<Counter>>,
) -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let (listener, at) = bind(address).await.map_err(|(_, error)| error)?;
    let phones = Arc::new(Phones::new(counters));
    let task = tokio::spawn(http::listen(listener, move |stream| {
        let phones = Arc::clone(&phones);
        async move {
            let answer = |request| std::future::ready(phones.answer(&request).unwrap_or_else(no_such_call));
            let _ = http::converse(stream, answer).await;
        }
    }));
    Ok((at, task))
}

/// What a call says that is not in the wallet's interface.
pub(super) fn no_such_call() -> Response {
    Response::Reply { status: 404, content_type: "text/plain", body: b"no such call".to_vec() }
}

/// The wallet's own number for the order that is its `serial`th.
fn transaction_number(wallet: Wallet, now: Timestamp, serial: usize) -> String {
    match wallet {
        Wallet::WeChatPay => format!("42000{}{serial:09}", china_time(now, "%Y%m%d%H%M%S")),
        Wallet::Alipay => format!("{}22001{serial:010}", china_time(now, "%Y%m%d%H%M%S")),
    }
}

/// A point in time as both wallets write it: China's clock, whatever the machine's zone.
pub(crate) fn china_time(at: Timestamp, format: &str) -> String {
    let shifted = at.plus(Duration::from_secs(8 * 60 * 60));
    shifted.to_jiff().map_or_else(String::new, |time| time.strftime(format).to_string())
}
