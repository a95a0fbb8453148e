//! How often, and for how long, the wallet's certificates are fetched.

use super::testing::*;
use super::*;
use crate::channel::line::{Posting, Request, Wire};
use evertill_shared::clock::{SystemClock, Timestamp};
use ring::rand::SystemRandom;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A wallet that never answers, and counts what it is asked.
#[derive(Default)]
struct Hangs(AtomicUsize);

impl Wire for Hangs {
    fn send(&self, _: Request) -> Posting {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }
}

/// A clock that goes on when it is told to.
struct Told(AtomicU64);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        NOW
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Rig {
    v3: WechatV3,
    wallet: Arc<Hangs>,
    clock: Arc<Told>,
}

fn rig(trust: Trust) -> Rig {
    let (wallet, clock) = (Arc::new(Hangs::default()), Arc::new(Told(AtomicU64::new(60_000))));
    let wire = Arc::clone(&wallet) as Arc<dyn Wire>;
    let line = Line::new(&["https://a".to_owned()], wire, Arc::new(SystemClock)).unwrap();
    let v3 = WechatV3(Arc::new(Inside {
        merchant: merchant(),
        key: api_key(),
        public_key_id: None,
        codepay: false,
        trust: RwLock::new(Arc::new(trust)),
        fetched: Mutex::new(None),
        mismatches: Arc::default(),
        line: Arc::new(line),
        random: Arc::new(SystemRandom::new()),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        pay_limit: Duration::from_millis(100),
        call_limit: Duration::from_millis(100),
    }));
    Rig { v3, wallet, clock }
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn whoever_waits_for_certificates_waits_no_longer_than_its_own_limit() {
    let rig = rig(Trust::default());
    let slow = rig.v3.clone();
    let slow = tokio::spawn(async move { slow.0.fetch_certificates(Duration::from_secs(600)).await });
    while rig.wallet.0.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let limited = tokio::time::timeout(Duration::from_secs(20), rig.v3.0.fetch_certificates(SHORT)).await;
    assert!(limited.is_ok(), "it waited for the one before it");
    slow.abort();
}

#[tokio::test]
async fn certificates_are_not_fetched_at_every_beat_even_while_none_is_known() {
    for (trust, every) in [(Trust::default(), 2_000), (trust(), 30_000)] {
        let rig = rig(trust);
        let asked = || rig.wallet.0.load(Ordering::Relaxed);
        for _ in 0..5 {
            rig.v3.0.fetch_certificates(SHORT).await;
        }
        assert_eq!(asked(), 1);
        rig.clock.0.fetch_add(every - 1, Ordering::Relaxed);
        rig.v3.0.fetch_certificates(SHORT).await;
        assert_eq!(asked(), 1);
        rig.clock.0.fetch_add(1, Ordering::Relaxed);
        rig.v3.0.fetch_certificates(SHORT).await;
        assert_eq!(asked(), 2, "and then they are");
    }
}

#[tokio::test]
async fn forged_notifications_make_one_fetch_and_no_heap_of_tasks() {
    let rig = rig(trust());
    let forged = headers(NEXT, "5A0199", b"{}", NOW);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..50 {
        assert!(rig.v3.notification(&forged, b"{}").is_err());
        tokio::task::yield_now().await;
    }
    // One that fetches, and what the line starts for it.
    assert!(tasks() <= before + 5, "{} tasks", tasks());
    assert!(rig.wallet.0.load(Ordering::Relaxed) <= 3);
}
