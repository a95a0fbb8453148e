//! Dividing an amount among parts, so that the pieces add up to it exactly.

/// Divides `amount` among parts in proportion to their sizes, by largest remainder: the pieces add up to it, and none
/// is larger than its part. Which of several equal claims gets a unit that is left over is decided by the key, so that
/// the order of the parts decides nothing.
///
/// `amount` is at least 0 and at most the sum of the sizes, and no size is less than 0; of anything else the pieces are
/// all 0, which the caller's check of the sum then finds.
pub(super) fn apportion<K: Ord>(amount: i64, parts: &[(i64, K)]) -> Vec<i64> {
    let sum: i128 = parts.iter().map(|(size, _)| i128::from(*size)).sum();
    let whole = i128::from(amount);
    if sum <= 0 || !(0..=sum).contains(&whole) || parts.iter().any(|(size, _)| *size < 0) {
        return vec![0; parts.len()];
    }
    // A piece is at most its part, so it fits again.
    let piece = |size: i64| i64::try_from(whole * i128::from(size) / sum).unwrap_or(0);
    let rest = |size: i64| whole * i128::from(size) % sum;
    let mut pieces: Vec<i64> = parts.iter().map(|(size, _)| piece(*size)).collect();
    let given: i64 = pieces.iter().sum();
    let mut claims: Vec<usize> = (0..parts.len()).filter(|index| rest(parts[*index].0) > 0).collect();
    claims.sort_by(|a, b| {
        let ((size_a, key_a), (size_b, key_b)) = (&parts[*a], &parts[*b]);
        let by_rest = rest(*size_b).cmp(&rest(*size_a));
        by_rest.then_with(|| size_b.cmp(size_a)).then_with(|| key_a.cmp(key_b))
    });
    let left = usize::try_from(amount - given).unwrap_or(0);
    for index in claims.into_iter().take(left) {
        pieces[index] += 1;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(amount: i64, sizes: &[i64]) -> Vec<i64> {
        let parts: Vec<(i64, usize)> = sizes.iter().copied().zip(0..).collect();
        apportion(amount, &parts)
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_claim() {
        assert_eq!(of(100, &[333, 333, 334]), [33, 33, 34]);
        assert_eq!(of(10, &[1, 1, 1]), [0, 0, 0], "more than there is");
        assert_eq!(of(2, &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(of(3, &[1, 0, 2]), [1, 0, 2]);
        assert_eq!(of(0, &[5, 7]), [0, 0]);
        assert_eq!(of(1, &[0, 0]), [0, 0]);
        assert_eq!(of(1, &[]), Vec::<i64>::new());
        assert_eq!(of(i64::MAX, &[i64::MAX - 1, 1]), [i64::MAX - 1, 1]);
    }

    proptest! {
        #[test]
        fn pieces_add_up_and_none_is_larger_than_its_part(
            sizes in prop::collection::vec(prop_oneof![0_i64..50, 0_i64..1_000_000_000_000], 1..40),
            share in 0.0_f64..=1.0,
        ) {
            let sum: i64 = sizes.iter().sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_arithmetic, reason = "any amount will do")]
            let amount = ((sum as f64 * share) as i64).min(sum);
            let pieces = of(amount, &sizes);
            prop_assert_eq!(pieces.iter().sum::<i64>(), amount);
            for (piece, size) in pieces.iter().zip(&sizes) {
                prop_assert!((0..=*size).contains(piece));
                // Never further than a unit from the exact share.
                let exact = i128::from(amount) * i128::from(*size) / i128::from(sum.max(1));
                prop_assert!((i128::from(*piece) - exact).abs() <= 1);
            }
        }
    }
}
