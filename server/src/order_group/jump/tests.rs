use super::super::health::HealthLimits;
use super::super::testing::{ManualClock, Till, tag};
use super::*;
use evertill_shared::clock::SystemClock;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU8, Ordering};

/// How a group behaves during one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Works,
    SaysNo,
    Hangs,
    HasTooMuch,
    RefusesTheSale,
}

/// A group that only says what it was told to, and writes down that it was asked.
struct Scripted {
    tag: GroupTag,
    mood: Mutex<Mood>,
    asked: AtomicU8,
}

impl Scripted {
    fn answer<T: Send + 'static>(&self, value: T) -> Reply<T> {
        let mood = *self.mood.lock().unwrap();
        Box::pin(async move {
            match mood {
                Mood::Works => Ok(value),
                Mood::SaysNo => Err(GroupError::Unavailable("locked".into())),
                Mood::Hangs => std::future::pending().await,
                Mood::HasTooMuch => Err(GroupError::Overloaded),
                Mood::RefusesTheSale => Err(super::super::Refusal::Conflict("the content").into()),
            }
        })
    }
}

impl Drafts for Scripted {
    fn tag(&self) -> GroupTag {
        self.tag
    }
    fn probe(&self, _server: String, _at: Timestamp) -> Reply<()> {
        // Only creating refuses: a probe knows of no sale.
        if *self.mood.lock().unwrap() == Mood::RefusesTheSale {
            return Box::pin(async { Ok(()) });
        }
        let reply = self.answer(());
        if *self.mood.lock().unwrap() != Mood::Works {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
        reply
    }
    fn create_draft(&self, draft: NewDraft) -> Reply<Created> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let number = OrderNumber::new(draft.at, draft.random[0], self.tag).unwrap();
        self.answer(Created { number, business_day: draft.business_day })
    }
}

const CALL: Duration = Duration::from_millis(4);
const PERIOD: Duration = Duration::from_secs(60);

/// What the reference model believes of a group.
#[derive(Clone, Copy, Debug)]
enum Model {
    /// In use, with so many failures since the window began, which ends then.
    In { failures: u32, window_ends: Duration },
    /// Left out until then.
    Out { until: Duration, failed_at: Duration },
}

impl Model {
    fn failed(self, now: Duration) -> Self {
        let out = |until| Self::Out { until, failed_at: now };
        match self {
            Self::In { window_ends, .. } if now >= window_ends => {
                Self::In { failures: 1, window_ends: now + PERIOD }
            }
            Self::In { failures, window_ends } if failures + 1 < 3 => {
                Self::In { failures: failures + 1, window_ends }
            }
            Self::In { window_ends, .. } => out(window_ends),
            Self::Out { .. } => out(now + PERIOD),
        }
    }

    fn worked(self, now: Duration) -> Self {
        match self {
            Self::In { .. } => self,
            Self::Out { .. } => Self::In { failures: 0, window_ends: now + PERIOD },
        }
    }
}

struct World {
    clock: Arc<ManualClock>,
    groups: Vec<Arc<Scripted>>,
    candidates: Vec<Candidate>,
    models: Vec<Model>,
}

impl World {
    fn new(count: u8) -> Self {
        let clock = ManualClock::new();
        let limits = HealthLimits {
            failures_per_period: 3,
            period: PERIOD,
            jitter: Duration::ZERO,
            test_timeout: CALL * 2,
            last_resort_after: Duration::from_secs(1),
        };
        let group = |n| Scripted { tag: tag(n), mood: Mutex::new(Mood::Works), asked: AtomicU8::new(0) };
        let groups: Vec<Arc<Scripted>> = (0..count).map(|n| Arc::new(group(n))).collect();
        let candidate = |group: &Arc<Scripted>| Candidate {
            group: Arc::clone(group) as Arc<dyn Drafts>,
            watch: Arc::new(Watch::new(group.tag, limits, clock.monotonic(), 0)),
        };
        let candidates = groups.iter().map(candidate).collect();
        let models = vec![Model::In { failures: 0, window_ends: PERIOD }; usize::from(count)];
        Self { clock, groups, candidates, models }
    }

    async fn create(&self, random: u64) -> Result<(Created, u8), GroupError> {
        let till = Till::new(1);
        let draft = NewDraft {
            sale: Arc::new(till.sale(100)),
            at: self.clock.now(),
            business_day: "2026-11-20".parse().unwrap(),
            server: "s".into(),
            random: [7; 8],
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let jumping = Jumping { clock: &clock, call: CALL, random, request: "request" };
        let result = jumping.create(&self.candidates, &draft).await;
        // What hangs has had its time too, and has been counted.
        if self.groups.iter().any(|group| *group.mood.lock().unwrap() == Mood::Hangs) {
            tokio::time::sleep(CALL * 2).await;
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
        result
    }

    /// One request, checked against the model.
    async fn step(&mut self, wait: Duration, moods: &[Mood], random: u64) -> Result<(), TestCaseError> {
        self.clock.advance(wait);
        let now = self.clock.monotonic();
        for (group, mood) in self.groups.iter().zip(moods) {
            *group.mood.lock().unwrap() = *mood;
            group.asked.store(0, Ordering::SeqCst);
        }
        let result = self.create(random).await;
        let moods: Vec<Mood> = self.groups.iter().map(|g| *g.mood.lock().unwrap()).collect();
        let asked: Vec<bool> = self.groups.iter().map(|g| g.asked.load(Ordering::SeqCst) > 0).collect();
        for group in &self.groups {
            prop_assert!(group.asked.load(Ordering::SeqCst) <= 1, "a group was asked twice");
        }
        self.check_result(&result, &moods, &asked)?;
        let anyone_in = self.models.iter().any(|m| matches!(m, Model::In { .. }));
        for (index, model) in self.models.iter_mut().enumerate() {
            if let Model::Out { until, failed_at } = *model {
                let may = now >= until || (!anyone_in && now - failed_at >= Duration::from_secs(1));
                prop_assert!(may || !asked[index], "a group that is left out was asked");
            } else {
                // Of two that hang each may have taken a whole limit: then there is no time left for others.
                let is_late =
                    moods.iter().zip(&asked).filter(|(m, a)| **a && **m == Mood::Hangs).count() >= 2;
                prop_assert!(
                    asked[index] || result.is_ok() || is_refusal(&result) || is_late,
                    "a good group was passed by"
                );
            }
            if asked[index] {
                *model = match moods[index] {
                    Mood::Works | Mood::RefusesTheSale => model.worked(now),
                    Mood::SaysNo | Mood::Hangs => model.failed(now),
                    Mood::HasTooMuch => *model,
                };
            }
        }
        Ok(())
    }

    fn check_result(
        &self,
        result: &Result<(Created, u8), GroupError>,
        moods: &[Mood],
        asked: &[bool],
    ) -> Result<(), TestCaseError> {
        let failing = |mood: Mood| matches!(mood, Mood::SaysNo | Mood::Hangs | Mood::HasTooMuch);
        let in_vain = moods.iter().zip(asked).filter(|(mood, asked)| **asked && failing(**mood)).count();
        let answered = moods.iter().zip(asked).filter(|(mood, asked)| **asked && !failing(**mood)).count();
        match result {
            Ok((created, jumps)) => {
                prop_assert_eq!(usize::from(*jumps), in_vain);
                prop_assert_eq!(answered, 1, "created in more than one group");
                let home = usize::from(created.number.tag().get());
                prop_assert_eq!(moods[home], Mood::Works, "the number names a group that did not create it");
            }
            Err(GroupError::Refused(_)) => prop_assert_eq!(answered, 1, "a refusal is not asked elsewhere"),
            Err(GroupError::Overloaded) => prop_assert!(answered == 0 && in_vain > 0),
            Err(error) => {
                prop_assert_eq!(error, &GroupError::NoGroupAvailable);
                prop_assert_eq!(answered, 0);
            }
        }
        Ok(())
    }
}

fn is_refusal(result: &Result<(Created, u8), GroupError>) -> bool {
    matches!(result, Err(GroupError::Refused(_)))
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        5 => Just(Mood::Works),
        4 => Just(Mood::SaysNo),
        1 => Just(Mood::Hangs),
        1 => Just(Mood::HasTooMuch),
        1 => Just(Mood::RefusesTheSale),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any moods of the groups, any pauses: creation does what the reference model allows, and no more.
    #[test]
    fn creation_follows_the_reference_model(
        count in 1_u8..5,
        steps in prop::collection::vec(
            (prop_oneof![0_u64..50, 0_u64..30_000], prop::collection::vec(mood(), 5), any::<u64>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(count);
            for (wait, moods, random) in steps {
                world.step(Duration::from_millis(wait), &moods, random).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[tokio::test]
async fn a_group_that_has_just_written_is_not_probed_again() {
    let world = World::new(1);
    world.create(1).await.unwrap();
    *world.groups[0].mood.lock().unwrap() = Mood::RefusesTheSale; // its probe would say yes
    assert!(is_refusal(&world.create(2).await));
    let health = world.candidates[0].watch.report("open".into(), world.clock.monotonic());
    assert!(health.is_healthy(), "a refusal is a healthy answer");
}

#[tokio::test]
async fn isolation_a_group_that_hangs_is_left_by_each_order_that_meets_it_and_met_by_few() {
    let world = World::new(3);
    for random in 0..64 {
        world.create(random).await.unwrap();
    }
    let hung = world.groups[1].tag;
    *world.groups[1].mood.lock().unwrap() = Mood::Hangs;
    let mut met = 0;
    for random in 100..200 {
        let (created, jumps) = world.create(random).await.unwrap();
        assert!(created.number.tag() != hung);
        met += jumps;
        let (again, jumps) = world.create(random).await.unwrap();
        assert!(again.number.tag() != hung && jumps == 0, "while one waits in vain the next goes elsewhere");
        world.clock.advance(CALL);
    }
    assert_eq!(met, 3, "after three failures it is skipped");
}

#[tokio::test]
async fn an_order_waits_for_a_slow_group_to_the_end_if_no_other_is_better() {
    let world = World::new(2);
    *world.groups[0].mood.lock().unwrap() = Mood::Hangs;
    *world.groups[1].mood.lock().unwrap() = Mood::Hangs;
    assert_eq!(world.create(1).await, Err(GroupError::NoGroupAvailable));
    let failures =
        |n: usize| world.candidates[n].watch.report("open".into(), world.clock.monotonic()).failures;
    assert_eq!((failures(0), failures(1)), (1, 1));
}

/// A number, and how long it took where a group has a tenth of a second.
async fn timed(world: &World, random: u64) -> (Result<(Created, u8), GroupError>, Duration) {
    let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
    let jumping = Jumping { clock: &clock, call: Duration::from_millis(100), random, request: "request" };
    let draft = NewDraft {
        sale: Arc::new(Till::new(1).sale(100)),
        at: world.clock.now(),
        business_day: "2026-11-20".parse().unwrap(),
        server: "s".into(),
        random: [7; 8],
    };
    let began = clock.monotonic();
    let result = jumping.create(&world.candidates, &draft).await;
    (result, clock.monotonic().saturating_sub(began))
}

#[tokio::test]
async fn isolation_when_all_groups_hang_at_once_each_order_is_told_so_soon() {
    for groups in [3, 8, 20] {
        let world = World::new(groups);
        world.groups.iter().for_each(|group| *group.mood.lock().unwrap() = Mood::Hangs);
        // Also those who find them all slow, and none skipped yet.
        for random in 0..3 {
            let (result, took) = timed(&world, random).await;
            assert_eq!(result, Err(GroupError::NoGroupAvailable));
            assert!(took < Duration::from_millis(300), "{groups} groups, order {random}: {took:?}");
        }
    }
}

#[tokio::test]
async fn of_many_groups_the_only_one_that_works_is_found_in_time() {
    let world = World::new(10);
    world.groups.iter().skip(1).for_each(|group| *group.mood.lock().unwrap() = Mood::Hangs);
    for random in 0..2 {
        let (result, took) = timed(&world, random).await;
        assert_eq!(result.unwrap().0.number.tag(), tag(0), "{took:?}");
    }
}

#[tokio::test]
async fn what_a_group_does_after_the_end_counts_for_its_health() {
    let world = World::new(12);
    world.groups.iter().for_each(|group| *group.mood.lock().unwrap() = Mood::Hangs);
    for random in 0..2 {
        assert!(timed(&world, random).await.0.is_err());
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    let failures =
        |n: usize| world.candidates[n].watch.report("open".into(), world.clock.monotonic()).failures;
    for (n, group) in world.groups.iter().enumerate() {
        assert_eq!(failures(n), u32::from(group.asked.load(Ordering::SeqCst)), "of group {n}");
    }
}

#[tokio::test]
async fn what_was_decided_can_be_seen() {
    let world = World::new(2);
    *world.groups[0].mood.lock().unwrap() = Mood::SaysNo;
    for random in 0..64 {
        world.create(random).await.unwrap();
    }
    let report = |n: usize| world.candidates[n].watch.report("open".into(), world.clock.monotonic());
    let (dead, alive) = (report(0), report(1));
    assert_eq!((dead.standing, dead.failures, dead.jumps_away, dead.orders_created), ("skipped", 3, 3, 0));
    assert!(dead.last_error.unwrap().contains("locked"));
    assert_eq!((alive.standing, alive.orders_created), ("healthy", 64));
}
