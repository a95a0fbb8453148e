//! The stories of money once more, in a shop whose base store and groups are all in PostgreSQL.

use super::Shop;
use evertill_shared::payment::Policy;
use evertill_tests::rig::postgres::{PostgresNode, PostgresOptions};
use evertill_tests::store_rig::{InPostgres, RigOptions, StoreRig};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

pub use super::{is_paid, net, settled};

#[path = "money.rs"]
mod money;
#[path = "refunds.rs"]
mod refunds;

/// One server for all shops that are open; the last one to close ends it.
fn node() -> Arc<PostgresNode> {
    static NODE: Mutex<Weak<PostgresNode>> = Mutex::new(Weak::new());
    let mut shared = NODE.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let options = PostgresOptions { max_connections: 120, ..PostgresOptions::default() };
        let node = Arc::new(PostgresNode::start_alone("stories", options).unwrap());
        *shared = Arc::downgrade(&node);
        node
    })
}

pub async fn shop() -> Shop {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let node = node();
    let name = format!("shop{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Sooner than in the shop on files: it is the databases that are another here, not the wallet.
    let policy = Policy {
        give_up_after_ms: 3_000,
        reverse_not_before_ms: 1_000,
        no_order_after_ms: 4_500,
        ..RigOptions::default().policy
    };
    let postgres = InPostgres::all(&node, &name, 3).unwrap();
    let dir = TempDir::new().unwrap();
    let options = RigOptions { postgres, policy, ..RigOptions::default() };
    let rig = StoreRig::open(dir.path(), options).await.unwrap();
    assert!(
        !rig.data_dir().join("base.db").exists() && !rig.group_file(0).exists(),
        "something is in a file"
    );
    Shop { rig, _dir: dir, _node: Some(node) }
}
