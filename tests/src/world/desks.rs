//! The wallets' desks, each with books of its own: the first is WeChat Pay's, the second Alipay's, where there is one.

use super::wallet::VERSION_3;
use crate::simulator::wallet::{Counter, Order, Scanned, ShownCode, StoreError, Told, http};
use crate::simulator::wechat::Behaviour;
use crate::simulator::{alipay, wechat};
use evertill_shared::wallet::{self, Wallet};

/// Status, headers and body of an answer; nothing if the connection ends without one.
pub type Served = Option<(u16, Vec<(String, String)>, Vec<u8>)>;

/// The desks.
pub struct Desks {
    wechat: wechat::InProcess,
    alipay: Option<alipay::InProcess>,
}

impl Desks {
    pub fn new(wechat: wechat::InProcess, alipay: Option<alipay::InProcess>) -> Self {
        Self { wechat, alipay }
    }

    fn second(&self) -> Option<&Counter> {
        self.alipay.as_deref()
    }

    /// Every desk.
    pub fn all(&self) -> impl Iterator<Item = &Counter> {
        std::iter::once(&*self.wechat).chain(self.second())
    }

    /// That wallet's desk; the first one's if there is no second.
    pub fn of(&self, wallet: usize) -> &Counter {
        self.second().filter(|_| wallet > 0).unwrap_or(&self.wechat)
    }

    /// What all of them have in their books.
    pub fn orders(&self) -> Vec<Order> {
        self.all().flat_map(|desk| desk.orders().unwrap_or_default()).collect()
    }

    /// The codes by which somebody could pay now.
    pub fn payable(&self) -> Vec<ShownCode> {
        self.all().flat_map(|desk| desk.payable().unwrap_or_default()).collect()
    }

    /// A customer shows a code of whichever wallet it is of.
    pub fn show_code(&self, digits: &str, behaviour: Behaviour) -> Result<(), StoreError> {
        let is_second = wallet::detect(digits) == Some(Wallet::Alipay);
        self.of(usize::from(is_second)).show_code(digits, behaviour)
    }

    /// A customer scans what a till shows, or has shown.
    pub fn scan(&self, content: &str, behaviour: Behaviour) -> Result<Scanned, StoreError> {
        let is_second = content.contains("alipay");
        self.of(usize::from(is_second)).scan(content, behaviour)
    }

    /// What merchants are to be told now: each once, and never again.
    pub fn told(&self) -> Vec<(Wallet, Told)> {
        let first = self.wechat.tells().into_iter().map(|told| (Wallet::WeChatPay, told));
        let second = self.alipay.as_ref().map(alipay::InProcess::tells).unwrap_or_default();
        first.chain(second.into_iter().map(|told| (Wallet::Alipay, told))).collect()
    }

    /// Answers one call.
    pub async fn serve(&self, (wallet, secure): (usize, bool), call: &http::Request) -> Served {
        let plain = |(status, body)| (status, Vec::new(), body);
        match &self.alipay {
            Some(alipay) if wallet > 0 => {
                let target = format!("{}?{}", call.path, call.query);
                alipay.serve(&target, &call.body).await.map(plain)
            }
            _ if call.path.starts_with(VERSION_3) => self.wechat.serve_v3(call).await,
            _ => self.wechat.serve(&call.path, secure, &call.body).await.map(plain),
        }
    }
}
