//! The wallets that this server speaks to: a line each.

use super::adapter::Adapter;
use crate::order_group::Policies;
use evertill_shared::wallet::Wallet;

/// That wallet's adapter.
#[must_use]
pub fn of(wallet: Wallet) -> &'static dyn Adapter {
    match wallet {
        Wallet::WeChatPay => &super::wechat::Adapter,
        Wallet::Alipay => &super::alipay::Adapter,
    }
}

impl Default for Policies {
    /// What each wallet advises.
    fn default() -> Self {
        Self::new(|wallet| of(wallet).timing())
    }
}

#[cfg(test)]
mod tests;
