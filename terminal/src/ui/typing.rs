//! Whether fingers type into the window, or a scanner that poses as a keyboard and that nobody has set up.
//!
//! One that is set up is read at its device, where the times are the kernel's (`evertill_hardware::scanner`): what it says
//! never comes here. What does come here is judged by the same gap. Its digits must be no amount, and its Enter no consent.

use evertill_hardware::scanner::wedge::USUAL_GAP;
use std::time::Duration;

/// So many characters, each after no longer than the usual gap of a scanner, are nobody's fingers.
const FEWEST: u32 = 3;

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typist {
    /// A person, as far as anybody knows.
    Person,
    /// A scanner, as this very key shows.
    MachineBegins,
    /// A scanner, still.
    Machine,
}

/// What was typed last.
#[derive(Debug, Default)]
pub struct Typing {
    last: Option<Duration>,
    quick: u32,
}

impl Typing {
    /// One more key was pressed, at `now` by a clock that never goes back. A key that is `held` down repeats as fast as a
    /// scanner types, and says nothing.
    pub fn hear(&mut self, text: &str, held: bool, now: Duration) -> Typist {
        if held {
            return Typist::Person;
        }
        let follows = self.last.is_some_and(|last| now.saturating_sub(last) <= USUAL_GAP);
        self.last = Some(now);
        if !follows {
            self.quick = 0;
        }
        if is_character(text) {
            self.quick = self.quick.saturating_add(1);
            return match self.quick {
                ..FEWEST => Typist::Person,
                FEWEST => Typist::MachineBegins,
                _ => Typist::Machine,
            };
        }
        // What ends a scan comes as fast as the scan; after it something new begins.
        let ends = std::mem::take(&mut self.quick) >= FEWEST;
        if ends { Typist::Machine } else { Typist::Person }
    }
}

/// Something that is written, not a key that does something: those are control characters, or of a private area.
fn is_character(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && !('\u{e000}'..='\u{f8ff}').contains(&c)) && !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[(&str, u64)]) -> Vec<Typist> {
        let (mut typing, mut now) = (Typing::default(), Duration::from_secs(7));
        let mut hear = |(text, gap): &(&str, u64)| {
            now += Duration::from_millis(*gap);
            typing.hear(text, false, now)
        };
        keys.iter().map(&mut hear).collect()
    }

    #[test]
    fn fingers_type_and_confirm() {
        let all = typed(&[("2", 500), ("0", 90), ("0", 70), (".", 60), ("5", 40), ("\n", 36)]);
        assert_eq!(all, [Typist::Person; 6]);
    }

    #[test]
    fn a_scanner_is_told_by_its_third_character_and_its_enter_is_its_own() {
        let all = typed(&[("6", 500), ("9", 2), ("0", 2), ("1", 2), ("\n", 2), ("\n", 300), ("5", 100)]);
        use Typist::{Machine, MachineBegins, Person};
        assert_eq!(all, [Person, Person, MachineBegins, Machine, Machine, Person, Person]);
    }

    #[test]
    fn two_quick_fingers_and_enter_are_no_scanner() {
        assert_eq!(typed(&[("5", 500), ("0", 20), ("\n", 20)]), [Typist::Person; 3]);
    }

    #[test]
    fn a_key_that_is_held_down_and_keys_that_write_nothing_are_no_scanner() {
        let mut typing = Typing::default();
        let at = |ms| Duration::from_millis(ms);
        for ms in (0..300).step_by(30) {
            assert_eq!(typing.hear("0", true, at(ms)), Typist::Person);
        }
        let tab = "\u{9}";
        assert_eq!(typed(&[(tab, 1), (tab, 1), ("\u{f701}", 1), (tab, 1), ("\n", 1)]), [Typist::Person; 5]);
    }
}
