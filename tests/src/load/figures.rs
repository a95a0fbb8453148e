//! Figures from many measured times.

use std::time::Duration;

/// The value below which this share of all lies; zero of none.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> Duration {
    if times.is_empty() {
        return Duration::ZERO;
    }
    times.sort_unstable();
    let last = times.len() - 1;
    let at = (share * f64::from(u32::try_from(last).unwrap_or(u32::MAX))).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let at = at as usize;
    times.get(at.min(last)).copied().unwrap_or_default()
}

/// In milliseconds, to three digits after the point.
pub(crate) fn ms(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 3)
}

/// In microseconds, to one digit after the point.
pub(crate) fn us(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6, 1)
}

/// A figure for people: no more digits than it is worth.
pub(crate) fn rounded(figure: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (figure * scale).round() / scale
}

/// A count, for arithmetic with rates.
pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Microseconds of `all` for each of `n`.
pub(crate) fn us_each(all: Duration, n: usize) -> f64 {
    if n == 0 { 0.0 } else { all.as_secs_f64() * 1e6 / count(n) }
}
