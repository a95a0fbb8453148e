//! Whether a wallet is worth a customer's wait. Pure: time is a parameter.
//!
//! A charge that finds no answer costs a customer half a minute of doubt, so after enough of them the next customers
//! hear at once that this wallet cannot be reached, and pay otherwise: surely nothing was sent. After a pause one charge
//! tries, alone; what becomes of it decides for the others. So recovery is noticed without anybody doing anything.

use std::collections::VecDeque;
use std::time::Duration;

/// The last outcomes that count, and for how long they do.
const WINDOW: usize = 20;
const REMEMBERED: Duration = Duration::from_secs(60);
/// So many charges without an answer, and at least half of those that count, are too many.
const TOO_MANY: usize = 5;
/// The pause before the first trial; it doubles after each that fails, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// No charge before `until`.
    Open {
        until: Duration,
        pause: Duration,
    },
    /// One charge tries since then.
    Trial {
        since: Duration,
        pause: Duration,
    },
}

/// What a charge may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Go, as all others.
    Usual,
    /// Go, alone.
    Trial,
    /// Not now.
    Refused,
}

/// The breaker of one wallet.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    /// Since when it is not closed.
    opened: Option<Duration>,
    outcomes: VecDeque<(Duration, bool)>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, opened: None, outcomes: VecDeque::new() }
    }
}

impl Breaker {
    /// Whether a charge may go. A trial that nobody reports on for `patience` is given to another.
    pub fn turn(&mut self, now: Duration, patience: Duration) -> Turn {
        if self.refuses(now, patience) {
            return Turn::Refused;
        }
        match self.state {
            State::Closed => Turn::Usual,
            State::Open { pause, .. } | State::Trial { pause, .. } => {
                self.state = State::Trial { since: now, pause };
                Turn::Trial
            }
        }
    }

    /// Whether a charge would be refused now; see [`Breaker::turn`]. Takes no turn.
    #[must_use]
    pub fn refuses(&self, now: Duration, patience: Duration) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until, .. } => now < until,
            State::Trial { since, .. } => now < since + patience,
        }
    }

    /// What became of a charge that began then: whether the wallet said anything definite. `spread` lengthens a pause
    /// a little, so that servers do not all try at once.
    pub fn outcome(&mut self, began: Duration, is_answered: bool, now: Duration, spread: Duration) {
        match (self.state, is_answered) {
            (State::Closed, _) => self.count(is_answered, now, spread),
            // Whatever it was: the wallet answers.
            (_, true) => *self = Self::default(),
            (State::Trial { since, pause }, false) if began >= since => {
                let pause = (pause * 2).min(LONGEST_PAUSE);
                self.state = State::Open { until: now + pause + spread, pause };
            }
            // It began before the wallet was given up, and says nothing new.
            (State::Open { .. } | State::Trial { .. }, false) => {}
        }
    }

    /// The charge that was to try was never sent, for a reason that says nothing of the wallet: another may try.
    pub fn not_sent(&mut self, now: Duration) {
        if let State::Trial { pause, .. } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }

    /// The wallet has answered a question: no reason to wait long before the next trial.
    pub fn heard(&mut self, now: Duration) {
        if let State::Open { until, .. } = self.state {
            self.state = State::Open { until: until.min(now + FIRST_PAUSE), pause: FIRST_PAUSE };
        }
    }

    /// Whether charges are refused, all or all but one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// For how long it has been so.
    #[must_use]
    pub fn open_for(&self, now: Duration) -> Option<Duration> {
        self.opened.map(|opened| now.saturating_sub(opened))
    }

    fn count(&mut self, is_answered: bool, now: Duration, spread: Duration) {
        self.outcomes.push_back((now, is_answered));
        while self.outcomes.len() > WINDOW
            || self.outcomes.front().is_some_and(|(at, _)| now.saturating_sub(*at) > REMEMBERED)
        {
            self.outcomes.pop_front();
        }
        let bad = self.outcomes.iter().filter(|(_, is_answered)| !is_answered).count();
        if bad >= TOO_MANY && bad * 2 >= self.outcomes.len() {
            self.outcomes.clear();
            self.opened = Some(now);
            self.state = State::Open { until: now + FIRST_PAUSE + spread, pause: FIRST_PAUSE };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const NONE: Duration = Duration::ZERO;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        (0..TOO_MANY).for_each(|_| breaker.outcome(s(0), false, s(8), NONE));
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn a_few_charges_without_an_answer_are_forgiven_and_many_are_not() {
        let mut breaker = Breaker::default();
        for _ in 1..TOO_MANY {
            breaker.outcome(s(0), false, s(8), NONE);
            assert_eq!(breaker.turn(s(8), PATIENCE), Turn::Usual);
        }
        breaker.outcome(s(0), false, s(8), NONE);
        assert_eq!(breaker.turn(s(8), PATIENCE), Turn::Refused);
    }

    #[test]
    fn while_most_are_answered_charges_go_on() {
        let mut breaker = Breaker::default();
        for second in 0..1_000 {
            breaker.outcome(s(second), second % 5 > 1, s(second), NONE);
        }
        assert_eq!(breaker.turn(s(1_000), PATIENCE), Turn::Usual, "two of five");
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut breaker = Breaker::default();
        for minute in 0..100 {
            breaker.outcome(s(minute * 20), false, s(minute * 20), NONE);
        }
        assert!(!breaker.is_open(), "one in twenty seconds, four in a minute");
    }

    #[test]
    fn one_charge_tries_after_the_pause_and_decides_for_the_others() {
        let mut breaker = opened();
        assert_eq!(breaker.turn(s(9), PATIENCE), Turn::Refused);
        assert_eq!(breaker.turn(s(10), PATIENCE), Turn::Trial);
        assert_eq!(breaker.turn(s(10), PATIENCE), Turn::Refused, "alone");
        breaker.outcome(s(10), true, s(11), NONE);
        assert_eq!(breaker.open_for(s(11)), None);
        assert_eq!(breaker.turn(s(11), PATIENCE), Turn::Usual);
        breaker.outcome(s(11), false, s(12), NONE);
        assert_eq!(breaker.turn(s(12), PATIENCE), Turn::Usual, "it begins anew");
    }

    #[test]
    fn pauses_double_up_to_half_a_minute_and_are_spread() {
        let mut breaker = opened();
        let mut now = s(10);
        for pause in [4, 8, 16, 30, 30] {
            assert_eq!(breaker.turn(now, PATIENCE), Turn::Trial);
            breaker.outcome(now, false, now, s(1));
            assert_eq!(breaker.turn(now + s(pause), PATIENCE), Turn::Refused, "{pause}");
            now += s(pause + 1);
        }
    }

    #[test]
    fn a_trial_that_nobody_reports_on_is_given_to_another() {
        let mut breaker = opened();
        assert_eq!(breaker.turn(s(10), PATIENCE), Turn::Trial);
        assert_eq!(breaker.turn(s(19), PATIENCE), Turn::Refused);
        assert_eq!(breaker.turn(s(20), PATIENCE), Turn::Trial);
    }

    #[test]
    fn a_trial_that_was_never_sent_is_another_ones() {
        let mut breaker = opened();
        assert_eq!(breaker.turn(s(10), PATIENCE), Turn::Trial);
        breaker.not_sent(s(11));
        assert!(breaker.is_open(), "nothing was learnt");
        assert_eq!(breaker.open_for(s(30)), Some(s(22)), "since the charge that was one too many");
        assert_eq!(breaker.turn(s(11), PATIENCE), Turn::Trial);
        let mut closed = Breaker::default();
        closed.not_sent(s(1));
        assert_eq!(closed.turn(s(1), PATIENCE), Turn::Usual);
    }

    #[test]
    fn what_began_before_says_nothing_bad_of_the_trial_and_any_answer_is_good_news() {
        let mut breaker = opened();
        assert_eq!(breaker.turn(s(10), PATIENCE), Turn::Trial);
        breaker.outcome(s(3), false, s(11), NONE);
        assert_eq!(breaker.turn(s(11), PATIENCE), Turn::Refused, "the trial still runs");
        breaker.outcome(s(4), true, s(12), NONE);
        assert_eq!(breaker.turn(s(12), PATIENCE), Turn::Usual);
    }

    #[test]
    fn an_answered_question_brings_the_trial_nearer() {
        let mut breaker = opened();
        for at in [10, 14, 22, 38] {
            assert_eq!(breaker.turn(s(at), PATIENCE), Turn::Trial);
            breaker.outcome(s(at), false, s(at), NONE);
        }
        breaker.heard(s(40));
        assert_eq!(breaker.turn(s(41), PATIENCE), Turn::Refused);
        assert_eq!(breaker.turn(s(42), PATIENCE), Turn::Trial);
    }
}
