//! A shop with something in its books.

use super::browser::Browser;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::Policy;
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::store_rig::{RigOptions, StoreRig};

/// A shop, a till in it, and the runtime that drives them.
pub struct Shop {
    pub runtime: tokio::runtime::Runtime,
    pub rig: StoreRig,
    pub till: ScriptedTill,
    _folder: tempfile::TempDir,
}

impl Shop {
    /// A new shop with one till. Payments that are not known stay so while a test looks at them.
    pub fn open() -> Self {
        Self::with(Policy { give_up_after_ms: 60_000, query_every_ms: 1_000, ..RigOptions::default().policy })
    }

    /// A new shop with one till, that asks wallets like this.
    pub fn with(policy: Policy) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = RigOptions { policy, ..RigOptions::default() };
        let (rig, till) = runtime.block_on(async {
            let rig = StoreRig::open(folder.path(), options).await.unwrap();
            let till = rig.scripted_till("Till 1, front").await.unwrap();
            (rig, till)
        });
        Self { runtime, rig, till, _folder: folder }
    }

    /// A cash sale, all the way to the server.
    pub fn cash(&mut self, minor: i64) -> OrderNumber {
        self.runtime.block_on(self.till.sell_for_cash(minor)).unwrap().number
    }

    /// A browser at this shop.
    pub fn browser(&self) -> Browser {
        Browser::open(&self.rig.server_url())
    }
}
