//! The way to the wallet, and the wallet at its end: the real adapter's bytes go to the real simulator's desk. What
//! arrives there is held against the rules before it is served.

use super::chance::Chance;
use super::check::Checker;
use super::desks::Desks;
use super::life::{Flight, Life};
use super::story::Story;
use crate::simulator::wallet::http;
use evertill_server::channel::line::{Exchange, Method, Posting, Reply, Request, Wire};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many wallets there are at most.
pub const WALLETS: usize = 2;

/// Paths of the wallet's version 3 begin so.
pub const VERSION_3: &str = "/v3/";

/// How the way to a wallet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalletWeather {
    /// Requests in a thousand that do not arrive.
    pub lost: u64,
    /// Replies in a thousand that do not arrive.
    pub unheard: u64,
    /// Requests in a thousand that arrive twice.
    pub twice: u64,
    /// The longest that one is under way, in milliseconds.
    pub slow_ms: u64,
    /// Nobody can connect.
    pub cut: bool,
}

/// The wallet and the way there, as all servers share them.
pub struct WalletSide {
    pub desks: Desks,
    /// On the way to each wallet.
    weather: Mutex<[WalletWeather; WALLETS]>,
    chance: Mutex<Chance>,
    under_way: Arc<AtomicU64>,
    checker: Arc<Checker>,
    story: Story,
}

impl WalletSide {
    pub fn new(desks: Desks, chance: Chance, checker: Arc<Checker>, story: Story) -> Arc<Self> {
        let (weather, under_way) = (Mutex::default(), Arc::default());
        Arc::new(Self { desks, weather, chance: Mutex::new(chance), under_way, checker, story })
    }

    pub fn set_weather(&self, wallet: usize, weather: WalletWeather) {
        self.checker.wallet_is_well(wallet, weather == WalletWeather::default());
        if let Some(there) = lock(&self.weather).get_mut(wallet) {
            *there = weather;
        }
    }

    /// What is on its way to the wallet, or being served there.
    pub fn is_quiet(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }

    fn weather(&self, wallet: usize) -> WalletWeather {
        lock(&self.weather).get(wallet).copied().unwrap_or_default()
    }

    async fn serve(self: Arc<Self>, call: Arc<http::Request>, of: (usize, bool)) -> Exchange {
        self.checker.arrives(&call, (of.0, &self.desks), &self.story);
        let Some((status, headers, body)) = self.desks.serve(of, &call).await else {
            return Exchange::NoAnswer("the connection was closed".into());
        };
        self.checker.after_wallet(&self.desks);
        Exchange::Answered(Reply { status, headers, body })
    }

    async fn send(
        self: Arc<Self>,
        life: Life,
        (wallet, secure): (usize, bool),
        request: Request,
    ) -> Exchange {
        let is_get = request.method == Method::Get;
        let call = Arc::new(http::Request::from(request));
        let weather = self.weather(wallet);
        if is_get && !call.path.starts_with(VERSION_3) {
            return Self::race(life, weather).await;
        }
        let dice = self.dice(weather);
        life.or_never().await;
        tokio::time::sleep(Duration::from_millis(dice.way)).await;
        if weather.cut {
            return Exchange::NotSent("no route to the wallet".into());
        }
        if dice.lost {
            self.story.tell(format!("a request to the wallet is lost: {}", call.path));
            return std::future::pending().await;
        }
        // Whoever gives up waiting does not stop what is under way.
        let flight = Flight::begin(&self.under_way);
        let serving = Arc::clone(&self).serve(Arc::clone(&call), (wallet, secure));
        let served = tokio::spawn(async move {
            let _flight = flight;
            serving.await
        });
        if dice.twice {
            let again = Arc::clone(&self);
            let flight = Flight::begin(&self.under_way);
            tokio::spawn(async move {
                let _flight = flight;
                tokio::time::sleep(Duration::from_millis(dice.later)).await;
                again.serve(call, (wallet, secure)).await;
            });
        }
        let exchange = served.await.unwrap_or_else(|error| Exchange::NoAnswer(error.to_string()));
        tokio::time::sleep(Duration::from_millis(dice.back)).await;
        life.or_never().await;
        if dice.unheard {
            return std::future::pending().await;
        }
        exchange
    }

    /// An address is raced. That draws nothing: the story of what matters is the same without it.
    async fn race(life: Life, weather: WalletWeather) -> Exchange {
        life.or_never().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        life.or_never().await;
        match weather.cut {
            true => Exchange::NotSent("no route to the wallet".into()),
            false => Exchange::Answered(Reply { status: 404, headers: Vec::new(), body: Vec::new() }),
        }
    }

    fn dice(&self, weather: WalletWeather) -> Dice {
        let mut chance = lock(&self.chance);
        Dice {
            way: chance.between(5, 40 + weather.slow_ms),
            back: chance.between(5, 40 + weather.slow_ms),
            later: chance.between(1, 20_000),
            lost: chance.once_in(weather.lost),
            unheard: chance.once_in(weather.unheard),
            twice: chance.once_in(weather.twice),
        }
    }
}

struct Dice {
    way: u64,
    back: u64,
    later: u64,
    lost: bool,
    unheard: bool,
    twice: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One server process's wire to the wallet.
pub struct WalletWire {
    pub side: Arc<WalletSide>,
    pub life: Life,
    /// Which wallet.
    pub wallet: usize,
    /// Whether it carries the merchant's certificate.
    pub secure: bool,
}

impl Wire for WalletWire {
    fn send(&self, request: Request) -> Posting {
        Box::pin(Arc::clone(&self.side).send(self.life.clone(), (self.wallet, self.secure), request))
    }
}
