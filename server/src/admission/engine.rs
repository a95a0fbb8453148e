//! How the order groups are, as far as letting new orders in is concerned.

/// How many of the order groups take new orders in good time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Those that are neither skipped nor slow.
    pub usable: usize,
    /// All of them; 0 while nothing is known, which limits nothing.
    pub groups: usize,
}

impl Engine {
    /// Most groups are slow or skipped: new orders are not worth waiting for a place.
    #[must_use]
    pub fn is_poor(self) -> bool {
        self.usable * 2 < self.groups
    }

    /// Its share of so many places. As long as most groups are well they can take all of them.
    #[must_use]
    pub fn share_of(self, places: usize) -> usize {
        if self.is_poor() { places * self.usable / self.groups } else { places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_group_of_three_limits_nothing_and_two_leave_a_third() {
        let engine = |usable| Engine { usable, groups: 3 };
        assert_eq!([3, 2, 1, 0].map(|usable| engine(usable).share_of(90)), [90, 90, 30, 0]);
        assert_eq!(Engine::default().share_of(90), 90);
        assert!(engine(1).is_poor() && !engine(2).is_poor() && !Engine::default().is_poor());
    }
}
