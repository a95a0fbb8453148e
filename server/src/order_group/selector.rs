//! Which groups to try for a new order, and in which sequence: pure.

use super::health::Standing;

/// One try: which group (its place in the list), and whether only because nothing better is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// The group's place in the list that was given.
    pub index: usize,
    /// No group is healthy: this one has had a rest and may be back.
    pub last_resort: bool,
}

/// The sequence of groups to try. A group whose test is due comes first, so that recovery does not wait for
/// luck; then the healthy ones, shuffled by `random`; the skipped ones only if there is nothing else.
#[must_use]
pub fn sequence(standings: &[Standing], random: u64) -> Vec<Try> {
    let pick = |wanted: fn(&Standing) -> bool| -> Vec<usize> {
        let found = standings.iter().enumerate().filter(|(_, standing)| wanted(standing));
        found.map(|(index, _)| index).collect()
    };
    let mut random = random;
    let mut tests = pick(|s| *s == Standing::TestDue);
    shuffle(&mut tests, &mut random);
    // One test a request: a customer waits for at most one dead group that was known to be doubtful.
    let mut order: Vec<usize> = tests.iter().copied().take(1).collect();
    let mut healthy = pick(|s| *s == Standing::Healthy);
    shuffle(&mut healthy, &mut random);
    let any_healthy = !healthy.is_empty();
    order.extend(healthy);
    if any_healthy {
        return order.into_iter().map(|index| Try { index, last_resort: false }).collect();
    }
    order.extend(tests.into_iter().skip(1));
    let mut rested = pick(|s| *s == Standing::Skipped { last_resort: true });
    shuffle(&mut rested, &mut random);
    let last = rested.into_iter().map(|index| Try { index, last_resort: true });
    order.into_iter().map(|index| Try { index, last_resort: false }).chain(last).collect()
}

fn shuffle(items: &mut [usize], random: &mut u64) {
    for i in (1..items.len()).rev() {
        let bound = u64::try_from(i).unwrap_or(u64::MAX).saturating_add(1);
        let j = usize::try_from(next(random) % bound).unwrap_or(0);
        items.swap(i, j);
    }
}

/// SplitMix64: spreads one random number over many.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            Just(Standing::Healthy),
            Just(Standing::TestDue),
            Just(Standing::Skipped { last_resort: true }),
            Just(Standing::Skipped { last_resort: false }),
        ]
    }

    proptest! {
        #[test]
        fn each_group_is_tried_once_at_most_and_the_skipped_ones_only_when_nothing_is_healthy(
            standings in prop::collection::vec(standing(), 0..8), random: u64,
        ) {
            let tries = sequence(&standings, random);
            let mut seen: Vec<usize> = tries.iter().map(|t| t.index).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), tries.len());
            let healthy = standings.iter().filter(|s| **s == Standing::Healthy).count();
            let tests = tries.iter().filter(|t| standings[t.index] == Standing::TestDue).count();
            prop_assert_eq!(tries.iter().filter(|t| standings[t.index] == Standing::Healthy).count(), healthy);
            for t in &tries {
                let skipped = matches!(standings[t.index], Standing::Skipped { .. });
                prop_assert_eq!(t.last_resort, skipped);
                prop_assert!(!skipped || healthy == 0);
                let tired = Standing::Skipped { last_resort: false };
                prop_assert_ne!(standings[t.index], tired);
            }
            prop_assert!(healthy == 0 || tests <= 1);
        }
    }

    #[test]
    fn new_orders_spread_evenly_over_healthy_groups() {
        let standings = [Standing::Healthy; 4];
        let mut first = [0_u32; 4];
        for random in 0..8_000 {
            first[sequence(&standings, random)[0].index] += 1;
        }
        assert!(first.iter().all(|n| (1_800..2_200).contains(n)), "{first:?}");
    }
}
