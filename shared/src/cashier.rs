//! Who serves at a till: the name on the sale, the rules of PINs, and what wrong ones cost.
//!
//! A PIN says who of the staff stands at the till, so that sales, receipts and totals carry the right name. At the server
//! it authorises one thing, and only together with the till's signature: a manager's approval of a refund that the till
//! asks for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The person who served, as the till wrote it into its journal: a fact about the sale, with the name as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cashier {
    /// The name that the person logs in with: theirs for ever, also after they left.
    pub login: String,
    /// The name that others see.
    pub name: String,
}

impl Cashier {
    /// The most characters of a login and of a name.
    pub const LONGEST: usize = 60;

    /// The same with nothing in it that could spoil a list or a receipt. What a till signed is taken as it is; this is
    /// for what is made from it.
    #[must_use]
    pub fn tidy(&self) -> Self {
        let tidy = |text: &str| {
            let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
            clean.take(Self::LONGEST).collect::<String>().trim().to_owned()
        };
        Self { login: tidy(&self.login), name: tidy(&self.name) }
    }
}

/// Why a PIN is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Too few or too many digits, or something that is no digit.
    #[error("a PIN has {min} to {max} digits and nothing else", min = PIN_DIGITS.0, max = PIN_DIGITS.1)]
    NotDigits,
    /// One digit again and again, or digits in a row: what everybody tries first.
    #[error("this PIN is guessed first of all: not one digit again and again, and not digits in a row")]
    TooSimple,
}

/// The fewest and the most digits of a PIN.
pub const PIN_DIGITS: (usize, usize) = (4, 8);

/// Whether this may be somebody's PIN.
///
/// # Errors
/// [`PinError`].
pub fn check_pin(pin: &str) -> Result<(), PinError> {
    let bytes = pin.as_bytes();
    if !(PIN_DIGITS.0..=PIN_DIGITS.1).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(PinError::NotDigits);
    }
    let steps = |step: i16| bytes.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step);
    if [0, 1, -1].into_iter().any(steps) { Err(PinError::TooSimple) } else { Ok(()) }
}

/// So many wrong PINs of one person are free.
const FREE: u32 = 5;
/// How long one has to wait after that; doubles each time, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// How long the next try has to wait after so many wrong ones.
#[must_use]
pub fn wait_after(wrong: u32) -> Duration {
    if wrong < FREE {
        return Duration::ZERO;
    }
    LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow((wrong - FREE).min(10)))
}

/// How many more wrong ones are free.
#[must_use]
pub fn tries_left(wrong: u32) -> u32 {
    FREE.saturating_sub(wrong)
}

/// Wrong PINs, by person: one who is guessed at does not keep the others from their work. Times are since the
/// program began; the counts outlast it, so that switching the till off and on gives no new tries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrongPins {
    people: BTreeMap<String, (u32, Duration)>,
}

impl WrongPins {
    /// What was counted before the program began: whoever had to wait has to wait again.
    #[must_use]
    pub fn resume(counts: &BTreeMap<String, u32>, now: Duration) -> Self {
        let person = |(login, wrong): (&String, &u32)| (login.clone(), (*wrong, now + wait_after(*wrong)));
        Self { people: counts.iter().map(person).collect() }
    }

    /// Takes in counts that were kept elsewhere meanwhile: whose count has changed waits by it from now on, everybody else goes
    /// on as before.
    pub fn learn(&mut self, counts: &BTreeMap<String, u32>, now: Duration) {
        self.people.retain(|login, _| counts.contains_key(login));
        for (login, count) in counts {
            if self.people.get(login).is_none_or(|(known, _)| known != count) {
                self.people.insert(login.clone(), (*count, now + wait_after(*count)));
            }
        }
    }

    /// The counts, to be kept.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u32> {
        self.people.iter().map(|(login, (wrong, _))| (login.clone(), *wrong)).collect()
    }

    /// How long this person still has to wait; zero if they may try.
    #[must_use]
    pub fn wait(&self, login: &str, now: Duration) -> Duration {
        self.people.get(login).map_or(Duration::ZERO, |(_, until)| until.saturating_sub(now))
    }

    /// How many wrong tries are left before waiting begins.
    #[must_use]
    pub fn left(&self, login: &str) -> u32 {
        tries_left(self.people.get(login).map_or(0, |(wrong, _)| *wrong))
    }

    /// One more wrong PIN.
    pub fn wrong(&mut self, login: &str, now: Duration) {
        let (wrong, until) = self.people.entry(login.to_owned()).or_default();
        *wrong = wrong.saturating_add(1);
        *until = now + wait_after(*wrong);
    }

    /// The right one: what was wrong before is forgotten. True if there was something.
    pub fn right(&mut self, login: &str) -> bool {
        self.people.remove(login).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pin_is_four_to_eight_digits_and_not_the_first_guess() {
        for good in ["4711", "0815", "19283746", "1212", "8642", "1123"] {
            assert_eq!(check_pin(good), Ok(()), "{good}");
        }
        for bad in ["", "471", "471147114", "47 11", "４７１１", "47a1", "-471"] {
            assert_eq!(check_pin(bad), Err(PinError::NotDigits), "{bad}");
        }
        for simple in ["0000", "99999999", "1234", "2345678", "9876", "3210"] {
            assert_eq!(check_pin(simple), Err(PinError::TooSimple), "{simple}");
        }
    }

    #[test]
    fn five_wrong_pins_are_free_and_each_further_one_costs_twice_as_much() {
        let (mut pins, mut now) = (WrongPins::default(), Duration::from_secs(100));
        for left in [4, 3, 2, 1] {
            pins.wrong("mei", now);
            assert_eq!((pins.left("mei"), pins.wait("mei", now)), (left, Duration::ZERO));
        }
        for seconds in [10, 20, 40, 80, 160, 320, 600, 600] {
            pins.wrong("mei", now);
            let wait = Duration::from_secs(seconds);
            assert_eq!((pins.left("mei"), pins.wait("mei", now)), (0, wait));
            assert_eq!(pins.wait("bo", now), Duration::ZERO, "nobody else waits");
            now += wait;
            assert_eq!(pins.wait("mei", now), Duration::ZERO);
        }
        let (later, counts) = (now, BTreeMap::from([("mei".to_owned(), 12), ("bo".to_owned(), 5)]));
        pins.wrong("mei", later);
        pins.learn(
            &BTreeMap::from([("mei".to_owned(), 13), ("bo".to_owned(), 5)]),
            later + Duration::from_secs(590),
        );
        let left = pins.wait("mei", later + Duration::from_secs(590));
        assert_eq!(left, Duration::from_secs(10), "nobody waits anew because somebody else was wrong");
        assert_eq!(pins.wait("bo", later + Duration::from_secs(590)), Duration::from_secs(10));
        pins.learn(&counts, later);
        assert_eq!(pins.counts(), counts);
        assert!(pins.right("mei") && !pins.right("mei"));
        assert_eq!(pins.left("mei"), 5);
    }

    #[test]
    fn switching_the_till_off_and_on_gives_no_new_tries() {
        let mut pins = WrongPins::default();
        (0..7).for_each(|_| pins.wrong("mei", Duration::ZERO));
        let again = WrongPins::resume(&pins.counts(), Duration::from_secs(3));
        assert_eq!(again.wait("mei", Duration::from_secs(3)), Duration::from_secs(40));
        assert_eq!(again.counts(), pins.counts());
    }

    #[test]
    fn what_is_made_of_a_name_has_no_line_ends_and_fits() {
        let odd = Cashier { login: " mei\n".into(), name: format!("Mei\u{1b}[2J{}", "x".repeat(200)) };
        let tidy = odd.tidy();
        assert_eq!(tidy.login, "mei");
        assert!(tidy.name.chars().count() <= Cashier::LONGEST && !tidy.name.contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn waiting_never_gets_shorter(a in 0_u32..100, b in 0_u32..100) {
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(wait_after(less) <= wait_after(more) && wait_after(more) <= LONGEST_WAIT);
        }
    }
}
