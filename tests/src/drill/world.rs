//! `cargo drill -- world`: the simulated world, seed after seed, and the bugs that it must catch.

use super::DrillError;
use crate::world::{Deeds, Mutation, Outcome, Plan, Template, TemplateError, run, shrink};
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many runs a planted bug may survive.
const SEEDS_OF_A_BUG: u64 = 200;
/// How many seeds are looked at for those in which a planted bug may show itself.
const SEEDS_LOOKED_AT: u64 = 20_000;
/// In so many runs in which it may show itself every part of a planted bug has to have bent something.
const FIRES_WITHIN: u64 = 60;
/// How often a failing plan is run again to make it smaller.
const SHRINKING: usize = 200;
/// The longest that a run takes, without `--long`; no seed begins later.
const LONGEST: Duration = Duration::from_secs(290);
/// The part of it after which no planted bug is run any more: the rest is for the seeds.
const LONGEST_OF_BUGS: Duration = Duration::from_secs(200);
/// One in so many of the seeds that were asked for has to have been run, however slow the machine.
const FLOOR: u64 = 4;
/// Threads, each with worlds of its own.
const THREADS: u64 = 2;

/// Runs the real decision code of tills, servers, groups and wallets in a simulated world, once for each seed, and
/// holds every rule against what happens. Then plants bugs, one after the other, each of which must be caught.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- world --seeds 1000 --json\n  cargo drill -- world --seed 4711"
)]
pub struct WorldOptions {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Only this one; tells its story, and makes it smaller if it breaks a rule.
    #[arg(long)]
    seed: Option<u64>,
    /// With this bug planted (one of those that are listed at the end of a run).
    #[arg(long)]
    bug: Option<String>,
    /// Plants no bugs.
    #[arg(long)]
    no_bugs: bool,
    /// Ten times as many seeds, and as long as it takes. Without it no seed begins after 290 s; the drill fails if by then
    /// not even a quarter of the seeds was run, or if a bug's turn has not come after 200 s (`mutations_not_run`: nothing is
    /// known of those; `mutations_survived` were looked for and not found).
    #[arg(long)]
    long: bool,
    /// The last line printed is one JSON object.
    #[arg(long)]
    json: bool,
}

/// What all seeds together came to.
#[derive(Debug, Default)]
struct Total {
    seeds: u64,
    violations: u64,
    simulated: Duration,
    deeds: Deeds,
    failing: Vec<u64>,
}

/// What came of all planted bugs.
#[derive(Debug, Default)]
pub struct Bugs {
    /// How many there are.
    pub planted: usize,
    /// Those that were not caught, with what came of them.
    pub missed: Vec<(Mutation, Hunt)>,
}

impl Bugs {
    fn not_run(&self) -> usize {
        self.missed.iter().filter(|(_, hunt)| *hunt == Hunt::OutOfTime).count()
    }

    /// Those that were run, and not caught.
    fn survived(&self) -> usize {
        self.missed.len() - self.not_run()
    }

    fn caught(&self) -> usize {
        self.planted - self.missed.len()
    }
}

/// What came of a planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hunt {
    /// This seed caught it.
    Caught(u64),
    /// It broke its rule in no run.
    Survived,
    /// These parts of it bent nothing: what they look for is not there any more.
    NeverFired(Vec<usize>),
    /// No plan was drawn in which it may show itself.
    NeverDrawn,
    /// There was no time left for it.
    OutOfTime,
}

/// Runs the drill; true if every rule held, enough seeds were run and every bug was caught.
/// # Errors
/// A world cannot be made, or there is no bug of that name.
pub fn drill(options: &WorldOptions) -> Result<bool, DrillError> {
    let bug = options.bug.as_deref().map(named).transpose()?;
    if let Some(seed) = options.seed {
        return Ok(tell(&Template::make()?, seed, bug)?);
    }
    let began = SystemClock.monotonic();
    let passed = || SystemClock.monotonic().saturating_sub(began);
    let asked = if options.long { options.seeds.saturating_mul(10) } else { options.seeds };
    let left_for_bugs = || options.long || passed() < LONGEST_OF_BUGS;
    let hunted = if options.no_bugs || bug.is_some() { Bugs::default() } else { bugs(&left_for_bugs)? };
    let is_time_left = || options.long || passed() < LONGEST;
    let total = all_seeds(options.first, asked, bug, &is_time_left)?;
    for seed in &total.failing {
        eprintln!("seed {seed} breaks a rule: cargo drill -- world --seed {seed}");
    }
    if total.seeds < asked {
        let seeds = total.seeds;
        eprintln!(
            "only {seeds} of {asked} seeds were run in the time that there was; --long takes as long as it takes"
        );
    }
    let floor = if options.long { asked } else { asked.div_ceil(FLOOR) };
    tell_all(&total, &hunted);
    if options.json {
        println!("{}", json_line(&total, &hunted, (asked, floor), passed()));
    }
    Ok(total.holds(floor) && hunted.missed.is_empty())
}

impl Total {
    /// Whether no rule was broken in at least so many seeds: none proves nothing. Nor does a world in which something that
    /// its people want was never done.
    fn holds(&self, floor: u64) -> bool {
        self.violations == 0 && self.seeds >= floor.max(1) && self.never().next().is_none()
    }

    /// What was never done.
    fn never(&self) -> impl Iterator<Item = &'static str> {
        self.deeds.named().into_iter().filter(|(_, times)| *times == 0).map(|(name, _)| name)
    }

    /// Hundredths of the hours that were simulated.
    fn hours(&self) -> u64 {
        self.simulated.as_secs() / 36
    }
}

/// For people.
fn tell_all(total: &Total, hunted: &Bugs) {
    for (bug, hunt) in &hunted.missed {
        match hunt {
            Hunt::OutOfTime => eprintln!("the bug {} was not run: there was no time left", bug.name()),
            hunt => eprintln!("the bug {} was not caught: {hunt:?}", bug.name()),
        }
    }
    for name in total.never() {
        eprintln!("in all seeds together nothing was {name}: they prove nothing about that");
    }
    let done: Vec<String> =
        total.deeds.named().iter().map(|(name, times)| format!("{times} {name}")).collect();
    println!(
        "{} seeds, {} broke a rule; {}.{:02} hours simulated; {}; {} of {} planted bugs caught, {} survived, {} not run",
        total.seeds,
        total.violations,
        total.hours() / 100,
        total.hours() % 100,
        done.join(", "),
        hunted.caught(),
        hunted.planted,
        hunted.survived(),
        hunted.not_run()
    );
}

/// By hand: figures with two digits after the point, without floating point on the way.
fn json_line(total: &Total, hunted: &Bugs, (asked, floor): (u64, u64), wall: Duration) -> String {
    let deeds: String =
        total.deeds.named().iter().map(|(name, times)| format!("\"{name}\":{times},")).collect();
    format!(
        "{{\"seeds\":{},\"seeds_asked\":{asked},\"seeds_at_least\":{floor},\"violations\":{},\
         \"simulated_hours\":{}.{:02},{deeds}\"mutations\":{},\"mutations_caught\":{},\"mutations_survived\":{},\
         \"mutations_not_run\":{},\"wall_s\":{}.{}}}",
        total.seeds,
        total.violations,
        total.hours() / 100,
        total.hours() % 100,
        hunted.planted,
        hunted.caught(),
        hunted.survived(),
        hunted.not_run(),
        wall.as_secs(),
        wall.subsec_millis() / 100
    )
}

fn named(name: &str) -> Result<Mutation, TemplateError> {
    let found = Mutation::ALL.iter().find(|mutation| mutation.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<String> = Mutation::ALL.iter().map(|mutation| mutation.name()).collect();
        TemplateError::Other(format!("there is no bug {name}; there are {}", names.join(", ")))
    })
}

/// Tells the story of one seed, and of the smallest plan that fails the same way.
fn tell(template: &Template, seed: u64, bug: Option<Mutation>) -> Result<bool, TemplateError> {
    let plan = Plan::of(seed);
    let outcome = run(template, &plan, bug, true)?;
    let Some(first) = outcome.violations.first().cloned() else {
        print_story(&plan, &outcome);
        println!("seed {seed} breaks no rule");
        return Ok(true);
    };
    let same = |plan: &Plan| {
        run(template, plan, bug, false)
            .is_ok_and(|outcome| outcome.violations.first().is_some_and(|found| found.rule == first.rule))
    };
    let small = shrink(&plan, SHRINKING, same);
    let outcome = run(template, &small, bug, true)?;
    print_story(&small, &outcome);
    println!(
        "{} of {} steps are left of seed {seed}; it breaks {}",
        small.steps.len(),
        plan.steps.len(),
        first.rule
    );
    for violation in &outcome.violations {
        println!("{}: {}", violation.rule, violation.how);
    }
    Ok(false)
}

fn print_story(plan: &Plan, outcome: &Outcome) {
    println!("the plan:");
    for step in &plan.steps {
        println!("  {step}");
    }
    println!("the story (seconds):");
    for line in &outcome.story {
        println!("{line}");
    }
    println!("its hash: {:016x}", outcome.hash);
}

/// Runs all seeds, on two threads.
fn all_seeds(
    first: u64,
    seeds: u64,
    bug: Option<Mutation>,
    is_time_left: &(impl Fn() -> bool + Sync),
) -> Result<Total, TemplateError> {
    let next = AtomicU64::new(first);
    let total = Mutex::new(Total::default());
    let work = || -> Result<(), TemplateError> {
        let template = Template::make()?;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds || !is_time_left() {
                return Ok(());
            }
            let outcome = run(&template, &Plan::of(seed), bug, false)?;
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.seeds += 1;
            total.simulated += outcome.simulated;
            total.deeds.add(&outcome.deeds);
            if let Some(violation) = outcome.violations.first() {
                total.violations += 1;
                total.failing.push(seed);
                eprintln!("seed {seed}: {}: {}", violation.rule, violation.how);
            }
            let done = seed - first + 1;
            if done.is_multiple_of(500) {
                eprintln!("{done} of {seeds} seeds");
            }
        }
    };
    on_all_threads(&work)?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn on_all_threads(work: &(impl Fn() -> Result<(), TemplateError> + Sync)) -> Result<(), TemplateError> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| TemplateError::Other("a world broke down: a bug of its own".into()))??;
        }
        Ok(())
    })
}

/// Plants every bug, one after the other.
/// # Errors
/// A world cannot be made.
pub fn bugs(is_time_left: &(impl Fn() -> bool + Sync)) -> Result<Bugs, TemplateError> {
    let next = AtomicU64::new(0);
    let missed = Mutex::new(Vec::new());
    let work = || -> Result<(), TemplateError> {
        let template = Template::make()?;
        loop {
            let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            let Some(bug) = Mutation::ALL.get(place).copied() else { return Ok(()) };
            let plans = (1..=SEEDS_LOOKED_AT).map(Plan::of).filter(|plan| bug.may_show_in(plan));
            match hunt(&template, bug, plans, is_time_left)? {
                Hunt::Caught(seed) => eprintln!("{}: caught by seed {seed} ({})", bug.name(), bug.breaks()),
                hunt => missed.lock().unwrap_or_else(PoisonError::into_inner).push((bug, hunt)),
            }
        }
    };
    on_all_threads(&work)?;
    let missed = missed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Bugs { planted: Mutation::ALL.len(), missed })
}

/// Lives plans through in which something happens that a planted bug is about, until it has broken the rule that it is
/// there for and each of its parts has bent something. When time is short, one that was caught is not run any more for
/// the sake of parts that have bent nothing yet.
fn hunt(
    template: &Template,
    bug: Mutation,
    plans: impl Iterator<Item = Plan>,
    is_time_left: &impl Fn() -> bool,
) -> Result<Hunt, TemplateError> {
    Mutation::begin_anew();
    let (mut lived, mut caught) = (0, None);
    for plan in plans {
        if let Some(hunt) = verdict(caught, bug.never_fired(), lived, is_time_left()) {
            return Ok(hunt);
        }
        let outcome = run(template, &plan, Some(bug), false)?;
        lived += 1;
        if outcome.violations.iter().any(|violation| violation.rule == bug.breaks()) {
            caught = caught.or(Some(plan.seed));
        }
    }
    let idle = bug.never_fired();
    Ok(match verdict(caught, idle.clone(), lived, true) {
        Some(hunt) => hunt,
        None if lived == 0 => Hunt::NeverDrawn,
        None if idle.is_empty() => Hunt::Survived,
        None => Hunt::NeverFired(idle),
    })
}

/// What came of a bug after so many runs, with these parts of it idle so far; nothing if it is to be run on.
fn verdict(caught: Option<u64>, idle: Vec<usize>, lived: u64, is_time_left: bool) -> Option<Hunt> {
    match caught {
        Some(seed) if idle.is_empty() || !is_time_left => Some(Hunt::Caught(seed)),
        None if !is_time_left => Some(Hunt::OutOfTime),
        _ if lived >= FIRES_WITHIN && !idle.is_empty() => Some(Hunt::NeverFired(idle)),
        None if lived >= SEEDS_OF_A_BUG => Some(Hunt::Survived),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: Deeds = Deeds {
        paid: 1,
        discounted: 1,
        paid_in_parts: 1,
        parts_ended: 1,
        held: 1,
        recalled: 1,
        recalled_after_others: 1,
        refunded: 1,
    };

    #[test]
    fn a_run_of_no_seed_or_too_few_fails() {
        let total = |seeds, violations| Total { seeds, violations, deeds: EVERYTHING, ..Total::default() };
        assert!(!total(0, 0).holds(0));
        assert!(!total(249, 0).holds(250));
        assert!(!total(250, 1).holds(250));
        assert!(total(250, 0).holds(250));
    }

    #[test]
    fn a_run_in_which_something_was_never_done_proves_nothing() {
        let idle: [fn(&mut Deeds); 8] = [
            |deeds| deeds.paid = 0,
            |deeds| deeds.discounted = 0,
            |deeds| deeds.paid_in_parts = 0,
            |deeds| deeds.parts_ended = 0,
            |deeds| deeds.held = 0,
            |deeds| deeds.recalled = 0,
            |deeds| deeds.recalled_after_others = 0,
            |deeds| deeds.refunded = 0,
        ];
        for never in idle {
            let mut total = Total { seeds: 1, deeds: EVERYTHING, ..Total::default() };
            assert!(total.holds(1));
            never(&mut total.deeds);
            assert!(!total.holds(1), "{:?}", total.deeds);
        }
    }

    #[test]
    fn bugs_that_were_not_run_are_told_apart_from_those_that_survived() {
        let missed = vec![
            (Mutation::SharesALane, Hunt::OutOfTime),
            (Mutation::NeverScans, Hunt::Survived),
            (Mutation::DiskLies, Hunt::NeverFired(vec![0])),
        ];
        let hunted = Bugs { planted: 5, missed };
        let said: serde_json::Value =
            serde_json::from_str(&json_line(&Total::default(), &hunted, (4, 1), Duration::ZERO)).unwrap();
        let figures = ["mutations", "mutations_caught", "mutations_survived", "mutations_not_run", "paid"]
            .map(|key| said[key].as_u64());
        assert_eq!(figures, [Some(5), Some(2), Some(2), Some(1), Some(0)]);
    }

    #[test]
    fn a_bug_that_was_caught_is_not_run_on_for_its_idle_parts_when_time_is_short() {
        assert_eq!(verdict(Some(7), vec![2], 3, true), None);
        assert_eq!(verdict(Some(7), vec![2], 3, false), Some(Hunt::Caught(7)));
        assert_eq!(verdict(Some(7), vec![2], FIRES_WITHIN, true), Some(Hunt::NeverFired(vec![2])));
        assert_eq!(verdict(None, vec![], 3, false), Some(Hunt::OutOfTime));
        assert_eq!(verdict(None, vec![], SEEDS_OF_A_BUG, true), Some(Hunt::Survived));
    }

    #[test]
    fn a_bug_that_bends_nothing_is_never_drawn_or_out_of_time_is_told_apart_from_one_that_survives() {
        let template = Template::make().unwrap();
        let hunted = |plans: Vec<Plan>, time: bool| {
            hunt(&template, Mutation::AcceptsAStaleMap, plans.into_iter(), &|| time).unwrap()
        };
        let without_a_move = || (1..).map(Plan::of).find(|plan| !plan.moves).into_iter().collect();
        assert_eq!(hunted(without_a_move(), true), Hunt::NeverFired(vec![0, 1]));
        assert_eq!(hunted(Vec::new(), true), Hunt::NeverDrawn);
        assert_eq!(hunted(without_a_move(), false), Hunt::OutOfTime);
    }
}
