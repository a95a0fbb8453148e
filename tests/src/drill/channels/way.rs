//! The way to the wallets: real bytes to the real desks, and what happens to them on the way.

use crate::simulator::wallet::http;
use crate::simulator::wallet::{Counter, Told};
use crate::simulator::{alipay, wechat};
use crate::world::chance::Chance;
use crate::world::life::Life;
use evertill_server::channel::line::{Exchange, Posting, Reply, Request, Wire};
use evertill_shared::wallet::Wallet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Requests in a thousand that do not arrive.
const LOST: u64 = 20;
/// Replies in a thousand that do not arrive.
const UNHEARD: u64 = 30;
/// Requests in a thousand that arrive a second time, up to twenty seconds later.
const TWICE: u64 = 15;
/// Calls in a thousand that find no connection.
const NO_CONNECTION: u64 = 10;
/// Notifications in a thousand that do not arrive, and that arrive twice.
const UNTOLD: u64 = 100;
const TOLD_TWICE: u64 = 100;

/// The domains that are called when the first one does not answer.
pub const SPARE: [&str; 2] = ["wechat-backup", "alipay-backup"];

/// Both wallets, and the way there.
pub struct Way {
    pub wechat: wechat::InProcess,
    pub alipay: alipay::InProcess,
    chance: Mutex<Chance>,
    /// How often a server was dead by the time that the wallet had charged for it.
    pub killed_between: AtomicU64,
    /// How many calls a wallet's spare domain answered.
    pub to_spare_domains: AtomicU64,
    /// The domain that leads nowhere now.
    dead: Mutex<Option<&'static str>>,
}

/// What is drawn for one call.
struct Dice {
    there: u64,
    back: u64,
    later: u64,
    lost: bool,
    unheard: bool,
    twice: bool,
    no_connection: bool,
}

impl Way {
    pub fn new(wechat: wechat::InProcess, alipay: alipay::InProcess, chance: Chance) -> Self {
        Self {
            wechat,
            alipay,
            chance: Mutex::new(chance),
            killed_between: AtomicU64::new(0),
            to_spare_domains: AtomicU64::new(0),
            dead: Mutex::default(),
        }
    }

    /// From now on no connection to that domain comes about; the others lead to the same books.
    pub fn is_dead(&self, host: Option<&'static str>) {
        *self.dead.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }

    fn leads_nowhere(&self, host: &str) -> bool {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|dead| dead == host)
    }

    fn dice(&self) -> Dice {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        Dice {
            there: chance.between(10, 150),
            back: chance.between(10, 400),
            later: chance.between(1, 20_000),
            lost: chance.once_in(LOST),
            unheard: chance.once_in(UNHEARD),
            twice: chance.once_in(TWICE),
            no_connection: chance.once_in(NO_CONNECTION),
        }
    }

    fn counter(&self, wallet: Which) -> &Counter {
        match wallet {
            Which::Wechat { .. } => &self.wechat,
            Which::Alipay => &self.alipay,
        }
    }

    fn has_charged(&self, wallet: Which, number: &str) -> bool {
        let order = self.counter(wallet).order(number).ok().flatten();
        order.is_some_and(|order| order.charged_minor > 0)
    }

    async fn serve(&self, wallet: Which, call: &http::Request) -> Exchange {
        let plain = |(status, body)| (status, Vec::new(), body);
        let served = match wallet {
            Which::Wechat { .. } if call.path.starts_with("/v3/") => self.wechat.serve_v3(call).await,
            Which::Wechat { secure } => self.wechat.serve(&call.path, secure, &call.body).await.map(plain),
            Which::Alipay => {
                let target = format!("{}?{}", call.path, call.query);
                self.alipay.serve(&target, &call.body).await.map(plain)
            }
        };
        match served {
            Some((status, headers, body)) => Exchange::Answered(Reply { status, headers, body }),
            None => Exchange::NoAnswer("the connection was closed".into()),
        }
    }

    /// What both wallets tell by themselves now, and how long each is under way. Some of it is lost, some comes twice.
    pub fn told(&self) -> Vec<(Wallet, Duration, Told)> {
        let told = [(Wallet::WeChatPay, self.wechat.tells()), (Wallet::Alipay, self.alipay.tells())];
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let mut under_way = Vec::new();
        for (wallet, told) in
            told.into_iter().flat_map(|(wallet, told)| told.into_iter().map(move |told| (wallet, told)))
        {
            let copies = match (chance.once_in(UNTOLD), chance.once_in(TOLD_TWICE)) {
                (true, _) => 0,
                (_, true) => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let longest = if chance.once_in(200) { 60_000 } else { 500 };
                let way = Duration::from_millis(chance.between(20, longest));
                under_way.push((wallet, way, told.clone()));
            }
        }
        under_way
    }

    async fn send(self: Arc<Self>, life: Life, wallet: Which, request: Request) -> Exchange {
        let dice = self.dice();
        life.or_never().await;
        tokio::time::sleep(Duration::from_millis(dice.there)).await;
        let call = Arc::new(http::Request::from(request));
        let host = call.headers.get("host").map_or("", String::as_str);
        if dice.no_connection || self.leads_nowhere(host) {
            return Exchange::NotSent("no route to the wallet".into());
        }
        if dice.lost {
            return std::future::pending().await;
        }
        // Whether it is there at all is asked, too, of the front page: that is no call.
        let is_spare = SPARE.contains(&host) && call.path != "/";
        self.to_spare_domains.fetch_add(u64::from(is_spare), Ordering::Relaxed);
        // Whoever gives up waiting does not stop what is under way.
        let (way, again, copy) = (Arc::clone(&self), Arc::clone(&self), Arc::clone(&call));
        if dice.twice {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(dice.later)).await;
                again.serve(wallet, &copy).await;
            });
        }
        let paid_for = to_be_paid(wallet, &call);
        let served = tokio::spawn(async move { way.serve(wallet, &call).await });
        let exchange = served.await.unwrap_or_else(|error| Exchange::NoAnswer(error.to_string()));
        tokio::time::sleep(Duration::from_millis(dice.back)).await;
        if !life.lives() && paid_for.is_some_and(|number| self.has_charged(wallet, &number)) {
            self.killed_between.fetch_add(1, Ordering::Relaxed);
        }
        life.or_never().await;
        if dice.unheard {
            return std::future::pending().await;
        }
        exchange
    }
}

/// The number of the payment, if that is what the request asks for.
fn to_be_paid(wallet: Which, call: &http::Request) -> Option<String> {
    match wallet {
        Which::Wechat { .. } if call.path.contains("micropay") => {
            wechat::message::read(&call.body)?.remove("out_trade_no")
        }
        Which::Alipay if call.query.split('&').any(|pair| pair == "method=alipay.trade.pay") => {
            let form = alipay::message::read_form(std::str::from_utf8(&call.body).ok()?)?;
            let content: serde_json::Value = serde_json::from_str(form.get("biz_content")?).ok()?;
            content["out_trade_no"].as_str().map(str::to_owned)
        }
        Which::Wechat { .. } | Which::Alipay => None,
    }
}

/// Which wallet a wire goes to.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// WeChat Pay, with or without the merchant's certificate.
    Wechat { secure: bool },
    /// Alipay.
    Alipay,
}

/// One server process's wire to a wallet.
pub struct Line {
    pub way: Arc<Way>,
    pub life: Life,
    pub which: Which,
}

impl Wire for Line {
    fn send(&self, request: Request) -> Posting {
        Box::pin(Arc::clone(&self.way).send(self.life.clone(), self.which, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_asks_for_a_payment_is_told_from_what_asks_about_one() {
        let call = |path: &str, query: &str, body: &str| http::Request {
            method: "POST".into(),
            path: path.into(),
            query: query.into(),
            headers: BTreeMap::new(),
            body: body.into(),
        };
        let wechat = Which::Wechat { secure: false };
        let xml = "<xml><out_trade_no>E1</out_trade_no></xml>";
        assert_eq!(to_be_paid(wechat, &call("/pay/micropay", "", xml)).as_deref(), Some("E1"));
        assert_eq!(to_be_paid(wechat, &call("/pay/orderquery", "", xml)), None);
        let form = "biz_content=%7B%22out_trade_no%22%3A%22E2%22%7D";
        let ask = |method: &str| call("/gateway.do", &format!("app_id=1&method={method}"), form);
        assert_eq!(to_be_paid(Which::Alipay, &ask("alipay.trade.pay")).as_deref(), Some("E2"));
        for other in ["alipay.trade.query", "alipay.trade.precreate"] {
            assert_eq!(to_be_paid(Which::Alipay, &ask(other)), None);
        }
    }
}
