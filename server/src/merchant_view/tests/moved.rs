//! The view while orders change their database.

use super::super::Differences;
use super::shop::{Shop, tags};
use crate::base_store::BaseStore;
use crate::homes::Atlas;
use crate::moving::Mover;
use crate::order_group::Place;
use crate::order_group::testing::{store, tag};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::groups::MovePhase;
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const HASH: &str = "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

/// A base store that knows the shop's groups, which the shop follows from here on.
async fn base(shop: &Shop) -> BaseStore {
    let folder = shop.rig.folder.path();
    let (login, name) = ("ivy".to_owned(), "Ivy".to_owned());
    let ivy = BootstrapStaff { login, name, role: Role::It, password_hash: HASH.into() };
    let content = Bootstrap { store: store(), staff: vec![ivy] };
    let bootstrap = folder.join("bootstrap.json");
    std::fs::write(&bootstrap, serde_json::to_string(&content).unwrap()).unwrap();
    let clock = Arc::clone(&shop.rig.clock) as Arc<dyn Clock>;
    let base = BaseStore::open(&folder.join("base.db"), &bootstrap, clock).await.unwrap();
    base.expected_group(tag(0)).await.unwrap();
    // Where they are is known to the groups already; here they only need to be known by name.
    let own: BTreeMap<_, _> =
        tags().into_iter().map(|tag| (tag, Place::Sqlite(folder.join(format!("{tag}.db"))))).collect();
    let atlas = Atlas::new(base.clone(), own, folder.to_owned(), "server-1".into());
    atlas.introduce().await.unwrap();
    shop.rig.groups.follow(Arc::new(atlas)).await.unwrap();
    base
}

pub async fn a_view_that_was_fed_through_a_move_is_what_a_rebuilt_one_is(shop: Shop) {
    let base = base(&shop).await;
    let (mut seed, mut numbers) = (5, Vec::new());
    for _ in 0..60 {
        shop.anything(&mut seed, &mut numbers).await;
    }
    let feeders = shop.view.spawn_feeders(shop.rig.groups.clone());
    let (over, shop) = (Arc::new(AtomicBool::new(false)), Arc::new(shop));
    let selling = {
        let (over, shop) = (Arc::clone(&over), Arc::clone(&shop));
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let minor = 100 + i64::try_from(seed % 900).unwrap();
                seed += 1;
                // While the last changes are copied an order is told to wait, as its till would be.
                let sale = shop.rig.till.sale(minor);
                drop(shop.rig.groups.create_draft(sale, "request").await);
                for number in &numbers {
                    drop(shop.rig.groups.reserve_refund(shop.ask(*number, 1, seed)).await);
                }
            }
        })
    };
    let mover =
        Mover::new(base.clone(), shop.rig.groups.clone(), Arc::clone(&shop.rig.clock) as Arc<dyn Clock>);
    // There, on, and back.
    for to in [1, 2, 0] {
        base.begin_move(tag(0), tag(to), "ivy".into(), "why not".into()).await.unwrap();
        for _ in 0..200 {
            mover.work_on(tag(0)).await;
            if base.moves().await.unwrap()[0].phase == MovePhase::Done {
                break;
            }
        }
        let moved = base.moves().await.unwrap().remove(0);
        assert_eq!((moved.phase, moved.problem), (MovePhase::Done, None), "to {to}");
        shop.rig.groups.read_map().await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    selling.await.unwrap();
    drop(feeders);
    // What was left behind in the databases that served it for a while is nobody's: it is not waited for.
    for home in &shop.homes[1..] {
        Shop::tamper(home, "DELETE FROM outbox WHERE number LIKE '%00'").await;
    }
    shop.settle().await;
    shop.check().await;
    let rebuilt = shop.view.rebuild(&shop.rig.groups, |_| {}).await.unwrap();
    assert_eq!(rebuilt.differences, Differences::default());
    shop.check().await;
}
