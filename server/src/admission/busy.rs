//! Who is in. Pure: time is a parameter.
//!
//! A request that has been in for a quarter of a second waits for something that hangs: a group that is slow or dead, most
//! often. It costs the server next to nothing meanwhile, and if it went on holding its place, the place would be missing
//! to those whose group is well (rule *isolation*). So it steps aside: it does not count any more. That has a bound,
//! lest everything be let in when all hangs.

use std::time::Duration;

/// After this long a request steps aside.
pub const HANGS: Duration = Duration::from_millis(250);
/// The most of each class that stand aside without being counted.
pub const MOST_ASIDE: usize = 256;
/// Requests are remembered by the slice of time in which they came in.
const SLICE: Duration = Duration::from_millis(50);
/// So many slices make up [`HANGS`].
const SLICES: usize = 5;
const _: () = assert!(SLICE.as_millis() * SLICES as u128 == HANGS.as_millis());

/// The requests of one class that have a place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Busy {
    /// Those that came in lately; the first slice is that of `first`.
    slices: [usize; SLICES + 1],
    first: u64,
    /// Those that came in before.
    aside: usize,
}

impl Busy {
    /// One more comes in.
    pub fn enter(&mut self, now: Duration) {
        self.pass(now);
        *self.held(slice(now)) += 1;
    }

    /// One goes that came in at that time.
    pub fn leave(&mut self, entered: Duration, now: Duration) {
        self.pass(now);
        let held = self.held(slice(entered));
        *held = held.saturating_sub(1);
    }

    /// Time has passed.
    pub fn pass(&mut self, now: Duration) {
        let oldest = slice(now).saturating_sub(SLICES as u64);
        if oldest >= self.first + self.slices.len() as u64 {
            self.aside += self.slices.iter().sum::<usize>();
            self.slices = [0; SLICES + 1];
            self.first = oldest;
        }
        while self.first < oldest {
            self.aside += self.slices[0];
            self.slices.rotate_left(1);
            self.slices[SLICES] = 0;
            self.first += 1;
        }
    }

    /// How many count.
    #[must_use]
    pub fn counting(&self) -> usize {
        self.slices.iter().sum::<usize>() + self.aside.saturating_sub(MOST_ASIDE)
    }

    /// All that are in.
    #[must_use]
    pub fn all(&self) -> usize {
        self.slices.iter().sum::<usize>() + self.aside
    }

    /// Where those of a slice are counted: the same for whoever comes and whoever goes, also if the time that they were
    /// given is older than what another has been given meanwhile.
    fn held(&mut self, slice: u64) -> &mut usize {
        match self.place(slice) {
            Some(at) => &mut self.slices[at],
            None => &mut self.aside,
        }
    }

    /// Where those of a slice are counted, if not aside.
    fn place(&self, slice: u64) -> Option<usize> {
        let at = usize::try_from(slice.checked_sub(self.first)?).ok()?;
        (at < self.slices.len()).then_some(at)
    }
}

fn slice(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / SLICE.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_hangs_steps_aside_and_is_still_in() {
        let mut busy = Busy::default();
        busy.enter(ms(1_000));
        busy.enter(ms(1_100));
        busy.pass(ms(1_240));
        assert_eq!((busy.counting(), busy.all()), (2, 2));
        busy.pass(ms(1_310));
        assert_eq!((busy.counting(), busy.all()), (1, 2));
        busy.leave(ms(1_000), ms(1_320));
        assert_eq!((busy.counting(), busy.all()), (1, 1));
        busy.leave(ms(1_100), ms(9_000));
        assert_eq!((busy.counting(), busy.all()), (0, 0));
    }

    #[test]
    fn a_place_is_given_back_also_if_its_time_was_read_long_before_it_was_taken() {
        let mut busy = Busy::default();
        busy.pass(ms(2_000));
        busy.enter(ms(1_000));
        assert_eq!(busy.all(), 1);
        busy.leave(ms(1_000), ms(2_010));
        assert_eq!(busy.all(), 0);
    }

    #[test]
    fn only_so_many_step_aside() {
        let mut busy = Busy::default();
        (0..MOST_ASIDE + 7).for_each(|_| busy.enter(ms(1)));
        busy.pass(ms(10_000));
        assert_eq!(busy.counting(), 7);
    }

    proptest! {
        /// Whoever comes and goes whenever: all are counted once, those that came in lately always count, and those that
        /// hang do not, up to the bound.
        #[test]
        fn nobody_is_counted_twice_or_forgotten(steps in prop::collection::vec((0_u64..400, any::<bool>()), 1..200)) {
            let (mut busy, mut within, mut now) = (Busy::default(), Vec::new(), ms(0));
            for (wait, enters) in steps {
                now += ms(wait);
                if enters || within.is_empty() {
                    busy.enter(now);
                    within.push(now);
                } else {
                    let entered: Duration = within.remove(usize::try_from(wait).unwrap() % within.len());
                    busy.leave(entered, now);
                }
                let fresh = within.iter().filter(|at| now - **at < HANGS).count();
                let hanging = within.iter().filter(|at| now - **at > HANGS + SLICE).count();
                prop_assert_eq!(busy.all(), within.len());
                prop_assert!(busy.counting() >= fresh && busy.counting() <= within.len() - hanging);
            }
        }
    }
}
