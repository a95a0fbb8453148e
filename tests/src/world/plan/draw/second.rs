//! Customers of the second wallet.

use super::Draw;
use crate::simulator::wechat::{Behaviour, Endpoint, Fault};
use crate::world::plan::{ACTIVE_MS, Sale, Scanning, What};
use crate::world::wallet::WalletWeather;

impl Draw {
    /// Some runs: the second wallet, which is cancelled and not reversed and knows no trade before a code is scanned; its
    /// customers do what customers do, some requests come late, and it errs as it does.
    pub fn second_wallet(&mut self) {
        if !self.chance.once_in(120) {
            return;
        }
        self.two_wallets = true;
        for nth in 0..6 {
            let (ms, after_ms) = (self.chance.between(8_000, 40_000), self.chance.between(200, 20_000));
            let behaviour = match nth {
                0 | 1 => Behaviour::ArrivesLate { ms },
                2 => Behaviour::Unavailable,
                _ => self.behaviour(),
            };
            let impatient = nth < 2 || self.chance.once_in(400);
            let shown = self.chance.once_in(250).then_some(Scanning { after_ms: Some(after_ms) });
            let sale = Sale { cash: false, second: true, behaviour, impatient, shown, ..self.sale() };
            let (at, till) = (2_000 + 6_000 * nth + self.chance.below(4_000), self.till());
            self.at(at, What::Sell(till, sale));
        }
        for nth in 0..2 {
            let (at, percent) = (self.chance.between(ACTIVE_MS / 3, ACTIVE_MS), self.chance.between(20, 100));
            self.at(at, What::Refund { nth: 3 * nth, percent, racers: 2 });
        }
        self.second_errs();
    }

    fn second_errs(&mut self) {
        let (at, for_ms) = (self.moment(), self.while_ms());
        if self.chance.once_in(400) {
            let weather = self.wallet_weather();
            self.at(at, What::WalletWeather { wallet: 1, weather, for_ms });
        } else if self.chance.once_in(300) {
            let weather = WalletWeather { unheard: 700, ..WalletWeather::default() };
            self.at(at, What::WalletWeather { wallet: 1, weather, for_ms });
        }
        if self.chance.once_in(500) {
            let times = u32::try_from(self.chance.between(1, 4)).unwrap_or(1);
            self.at(at, What::Recall { wallet: 1, times });
        }
        let endpoints = [
            Endpoint::Pay,
            Endpoint::Query,
            Endpoint::Reverse,
            Endpoint::Refund,
            Endpoint::RefundQuery,
            Endpoint::Create,
            Endpoint::Close,
        ];
        let faults = [
            Fault::ReplyLost,
            Fault::SystemError,
            Fault::Unavailable,
            Fault::BadSignature,
            Fault::Altered,
            Fault::WrongAmount,
            Fault::OtherNumber,
            Fault::Garbage,
        ];
        for _ in 0..self.chance.below(5) {
            let at = self.moment();
            let endpoint = self.chance.pick(&endpoints).copied().unwrap_or(Endpoint::Query);
            let fault = self.chance.pick(&faults).cloned().unwrap_or(Fault::Unavailable);
            self.at(at, What::Wallet { wallet: 1, endpoint, fault });
        }
    }
}
