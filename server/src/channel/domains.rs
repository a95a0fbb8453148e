//! Which of a wallet's addresses is called first, and when they are raced again. Pure: time is a parameter.
//!
//! All addresses lead to the same books, so what matters is only which one answers, and how soon. A race asks each of
//! them something harmless; whichever answers first is called first from then on, unless the one before it answers
//! nearly as soon. Failures are counted between races as the wallets' own libraries do, so that one that fails often
//! comes last even before a race has shown it. Races and repeated questions are paid for out of a budget that calls
//! fill: a dead wallet is not asked more than a living one.

use std::time::Duration;

/// So many connects that timed out, or names that were not found, are forgiven.
const FORGIVEN: u32 = 2;
/// Other failures to connect weigh less: a refusal is told at once.
const OTHERS_FOR_ONE: u32 = 4;
/// A name that is not found weighs more: it will not be found soon.
const WEIGHT_OF_NAMES: u32 = 5;
/// Successes in a row that clear the counts.
const CLEARING: u32 = 2;
/// After so long with an address that is not the first in the list, or with one that is ill, all are raced again.
const RACE_ANEW: Duration = Duration::from_secs(180);
/// Races are no closer together than this.
const BETWEEN_RACES: Duration = Duration::from_secs(1);
/// The address before stays if it answers no later than twice the winner's time and this.
const NEARLY: Duration = Duration::from_millis(20);
/// After a connection that broke in the middle, what moves money goes over new connections for so long.
const CAREFUL: Duration = Duration::from_secs(300);
/// A race of which nothing is heard any more is over after so long.
const FORGOTTEN: Duration = Duration::from_secs(15);
/// What a race or a repeated question costs, in tenths; each call brings one tenth for each of them, as does each
/// second.
const COST: u64 = 10;
/// The most that is saved up.
const SAVED: u64 = 100;

/// Why no connection could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It took too long.
    TimeOut,
    /// The name was not found.
    Name,
    /// It was refused, or TLS did not come about.
    Other,
}

/// What a call or a race showed of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// An answer, whatever it says, after so long.
    Answered(Duration),
    /// No connection.
    Unreachable(Trouble),
    /// No answer in time, or only one of whoever stands before it; or none over a connection kept for long.
    Silent,
    /// A connection that was new, or had served a moment ago, broke before the answer was whole.
    Broken,
}

#[derive(Clone, Copy, Debug, Default)]
struct Domain {
    time_outs: u32,
    names: u32,
    others: u32,
    good_in_a_row: u32,
    delay: Option<Duration>,
    careful_until: Duration,
}

impl Domain {
    fn is_healthy(&self) -> bool {
        let others = self.others / OTHERS_FOR_ONE;
        self.time_outs <= FORGIVEN && self.names <= FORGIVEN && others <= FORGIVEN
    }

    fn score(&self) -> u32 {
        self.time_outs + WEIGHT_OF_NAMES * self.names + self.others / OTHERS_FOR_ONE
    }

    fn note(&mut self, sign: Sign, now: Duration) {
        let count = match sign {
            Sign::Answered(_) => {
                self.good_in_a_row += 1;
                if self.good_in_a_row >= CLEARING {
                    (self.time_outs, self.names, self.others) = (0, 0, 0);
                }
                return;
            }
            Sign::Unreachable(Trouble::TimeOut) => &mut self.time_outs,
            Sign::Unreachable(Trouble::Name) => &mut self.names,
            Sign::Unreachable(Trouble::Other) | Sign::Silent => &mut self.others,
            Sign::Broken => {
                self.careful_until = now + CAREFUL;
                &mut self.others
            }
        };
        *count = count.saturating_add(1);
        self.good_in_a_row = 0;
    }
}

/// What may be spent beyond the calls themselves.
#[derive(Clone, Copy, Debug)]
struct Budget {
    tenths: u64,
    filled_at: Duration,
}

impl Budget {
    fn call(&mut self, now: Duration) {
        self.fill(now);
        self.tenths = (self.tenths + 1).min(SAVED);
    }

    fn pay(&mut self, now: Duration) -> bool {
        self.fill(now);
        let left = self.tenths.checked_sub(COST);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }

    fn fill(&mut self, now: Duration) {
        let seconds = now.saturating_sub(self.filled_at).as_secs();
        self.filled_at += Duration::from_secs(seconds);
        self.tenths = self.tenths.saturating_add(seconds).min(SAVED);
    }
}

/// A race under way.
#[derive(Clone, Copy, Debug)]
struct Race {
    /// Who was called first before it.
    before: usize,
    /// The first answer.
    winner: Option<Duration>,
    /// How many have not come in.
    running: usize,
}

/// How an address stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it fails no more than is forgiven.
    pub is_healthy: bool,
    /// Whether it is called first.
    pub is_first: bool,
    /// How soon it answered something harmless in the last race; none if it did not.
    pub delay: Option<Duration>,
}

/// The addresses of one line.
#[derive(Clone, Debug)]
pub struct Domains {
    each: Vec<Domain>,
    preferred: usize,
    race: Option<Race>,
    raced_at: Option<Duration>,
    is_wanted: bool,
    races: Budget,
    repeats: Budget,
}

impl Domains {
    /// So many addresses, the main one first. Nothing is known of them.
    #[must_use]
    pub fn new(count: usize, now: Duration) -> Self {
        let saved = Budget { tenths: SAVED, filled_at: now };
        Self {
            each: vec![Domain::default(); count],
            preferred: 0,
            race: None,
            raced_at: None,
            is_wanted: true,
            races: saved,
            repeats: saved,
        }
    }

    /// In which order they are called.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.each.len()).collect();
        order.sort_by_key(|at| {
            let ill = self.each.get(*at).filter(|domain| !domain.is_healthy());
            (ill.map(Domain::score), *at != self.preferred, *at)
        });
        order
    }

    /// A call begins: it earns a part of a repetition.
    pub fn call(&mut self, now: Duration) {
        self.races.call(now);
        self.repeats.call(now);
    }

    /// Takes the price of a repeated question, if it can be paid.
    pub fn may_repeat(&mut self, now: Duration) -> bool {
        self.repeats.pay(now)
    }

    /// What came of a call, or of an address's part in a race, but for the race itself.
    pub fn note(&mut self, at: usize, sign: Sign, now: Duration) {
        if let Some(domain) = self.each.get_mut(at) {
            domain.note(sign, now);
        }
        self.is_wanted |= !matches!(sign, Sign::Answered(_));
    }

    /// Whether what moves money may go over a connection that served before.
    #[must_use]
    pub fn may_reuse(&self, at: usize, now: Duration) -> bool {
        self.each.get(at).is_some_and(|domain| now >= domain.careful_until)
    }

    /// Whether a race is to begin now; it has begun then.
    pub fn begin_race(&mut self, now: Duration) -> bool {
        let since = self.raced_at.map(|at| now.saturating_sub(at));
        let is_settled = self.preferred == 0 && self.each.iter().all(Domain::is_healthy);
        let is_due = match since {
            None => true,
            Some(since) if since < BETWEEN_RACES => false,
            Some(since) => self.is_wanted || (!is_settled && since >= RACE_ANEW),
        };
        let is_running = self.race.is_some() && since.is_some_and(|since| since < FORGOTTEN);
        if self.each.len() < 2 || is_running || !is_due || !self.races.pay(now) {
            return false;
        }
        self.race = Some(Race { before: self.preferred, winner: None, running: self.each.len() });
        (self.raced_at, self.is_wanted) = (Some(now), false);
        true
    }

    /// What came of an address's part in the race.
    pub fn raced(&mut self, at: usize, sign: Sign, now: Duration) {
        let Some(race) = &mut self.race else { return };
        race.running = race.running.saturating_sub(1);
        let answered = if let Sign::Answered(took) = sign { Some(took) } else { None };
        if let Some(took) = answered {
            let is_better = match race.winner {
                None => true,
                Some(best) => at == race.before && took <= best * 2 + NEARLY,
            };
            race.winner = Some(race.winner.unwrap_or(took));
            if is_better {
                self.preferred = at;
            }
        }
        if race.running == 0 {
            self.race = None;
        }
        if let Some(domain) = self.each.get_mut(at) {
            domain.note(sign, now);
            domain.delay = answered;
        }
    }

    /// How an address stands.
    #[must_use]
    pub fn standing(&self, at: usize) -> Standing {
        let domain = self.each.get(at).copied().unwrap_or_default();
        Standing {
            is_healthy: domain.is_healthy(),
            is_first: self.order().first() == Some(&at),
            delay: domain.delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: usize = 0;
    const SPARE: usize = 1;
    const REFUSED: Sign = Sign::Unreachable(Trouble::Other);
    const TIMED_OUT: Sign = Sign::Unreachable(Trouble::TimeOut);
    const NOT_FOUND: Sign = Sign::Unreachable(Trouble::Name);

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn after(ms: u64) -> Sign {
        Sign::Answered(Duration::from_millis(ms))
    }

    fn raced(domains: &mut Domains, now: Duration, came: &[(usize, Sign)]) {
        assert!(domains.begin_race(now));
        assert!(!domains.begin_race(now), "one race at a time");
        came.iter().for_each(|(at, sign)| domains.raced(*at, *sign, now));
    }

    fn two() -> Domains {
        Domains::new(2, s(0))
    }

    #[test]
    fn whichever_answers_first_is_called_first_unless_the_one_before_is_nearly_as_quick() {
        let mut domains = two();
        assert_eq!(domains.order(), [MAIN, SPARE], "as the list says until more is known");
        raced(&mut domains, s(0), &[(SPARE, after(10)), (MAIN, after(41))]);
        assert_eq!(domains.order(), [SPARE, MAIN]);
        raced(&mut domains, s(200), &[(MAIN, after(10)), (SPARE, after(39))]);
        assert_eq!(domains.order(), [SPARE, MAIN], "nearly as quick: it stays");
        raced(&mut domains, s(400), &[(MAIN, after(10)), (SPARE, REFUSED)]);
        assert_eq!(domains.order(), [MAIN, SPARE]);
        assert_eq!(domains.standing(SPARE).delay, None);
        assert_eq!(domains.standing(MAIN).delay, Some(Duration::from_millis(10)));
    }

    #[test]
    fn the_first_answer_counts_at_once_however_long_the_other_hangs() {
        let mut domains = two();
        raced(&mut domains, s(0), &[(SPARE, after(30))]);
        assert_eq!(domains.order(), [SPARE, MAIN]);
        domains.raced(MAIN, TIMED_OUT, s(3));
        assert_eq!(domains.order(), [SPARE, MAIN]);
    }

    #[test]
    fn trouble_asks_for_a_race_and_quiet_does_not() {
        let mut domains = two();
        raced(&mut domains, s(0), &[(MAIN, after(10)), (SPARE, after(12))]);
        domains.note(MAIN, after(80), s(1));
        assert!(!domains.begin_race(s(100_000)), "all is well with the main one");
        for (second, sign) in [(100_001, Sign::Silent), (100_003, REFUSED), (100_005, Sign::Broken)] {
            domains.note(MAIN, sign, s(second));
            raced(&mut domains, s(second), &[(MAIN, after(10)), (SPARE, after(12))]);
            assert!(!domains.begin_race(s(second + 1)));
        }
    }

    #[test]
    fn nobody_stays_with_the_spare_one_for_longer_than_three_minutes_without_looking() {
        let mut domains = two();
        raced(&mut domains, s(0), &[(SPARE, after(5)), (MAIN, REFUSED)]);
        assert!(!domains.begin_race(s(179)));
        raced(&mut domains, s(180), &[(MAIN, after(5)), (SPARE, after(90))]);
        assert_eq!(domains.order(), [MAIN, SPARE]);
    }

    #[test]
    fn one_that_fails_too_often_comes_last_before_any_race_and_two_successes_clear_it() {
        for (sign, forgiven) in [(TIMED_OUT, 2), (NOT_FOUND, 2), (REFUSED, 11), (Sign::Silent, 11)] {
            let mut domains = two();
            (0..forgiven).for_each(|_| domains.note(MAIN, sign, s(1)));
            assert_eq!(domains.order(), [MAIN, SPARE], "{sign:?}");
            domains.note(MAIN, sign, s(1));
            assert_eq!(domains.order(), [SPARE, MAIN], "{sign:?}");
            domains.note(MAIN, after(10), s(2));
            assert!(!domains.standing(MAIN).is_healthy);
            domains.note(MAIN, after(10), s(2));
            assert_eq!(domains.order(), [MAIN, SPARE], "{sign:?}");
        }
    }

    #[test]
    fn of_two_that_are_ill_the_less_ill_one_is_called_first() {
        let mut domains = two();
        (0..3).for_each(|_| domains.note(MAIN, NOT_FOUND, s(1)));
        (0..3).for_each(|_| domains.note(SPARE, TIMED_OUT, s(1)));
        assert_eq!(domains.order(), [SPARE, MAIN]);
    }

    #[test]
    fn a_dead_wallet_is_raced_and_asked_again_no_more_than_the_budget_allows() {
        let mut domains = two();
        let (mut races, mut repeats) = (0, 0);
        for call in 0..10_000 {
            let now = Duration::from_millis(call);
            domains.call(now);
            domains.note(MAIN, REFUSED, now);
            repeats += u32::from(domains.may_repeat(now));
            if domains.begin_race(now) {
                races += 1;
                [MAIN, SPARE].iter().for_each(|at| domains.raced(*at, REFUSED, now));
            }
        }
        assert!((5..=10).contains(&races), "{races} in ten seconds");
        assert!((900..=1_020).contains(&repeats), "a tenth of the calls: {repeats}");
        // A shop that sells once a minute races each time.
        for minute in 1..10 {
            let now = s(100 + 60 * minute);
            domains.call(now);
            domains.note(MAIN, REFUSED, now);
            raced(&mut domains, now, &[(MAIN, REFUSED), (SPARE, REFUSED)]);
        }
    }

    #[test]
    fn after_a_connection_broke_money_goes_over_new_ones_for_a_while() {
        let mut domains = two();
        assert!(domains.may_reuse(MAIN, s(0)));
        domains.note(MAIN, Sign::Broken, s(10));
        assert!(!domains.may_reuse(MAIN, s(309)) && domains.may_reuse(SPARE, s(10)));
        domains.note(MAIN, after(5), s(20));
        assert!(!domains.may_reuse(MAIN, s(309)), "an answer over a new one proves nothing of old ones");
        assert!(domains.may_reuse(MAIN, s(310)));
    }

    #[test]
    fn one_address_alone_is_never_raced() {
        let mut domains = Domains::new(1, s(0));
        domains.note(MAIN, REFUSED, s(1));
        assert!(!domains.begin_race(s(2)));
        assert_eq!(domains.order(), [MAIN]);
    }
}
