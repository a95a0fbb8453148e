//! When to probe a group before creating in it.
//!
//! A database that went read-only, or that waits for its standbys, answers questions as if nothing were wrong:
//! so the probe writes, into a row of this server's own. A group that hangs is then found before an order is
//! half created there. A group that has just written something needs no probe.

use std::time::Duration;

/// A write that was answered so short a time ago proves that the group writes.
pub(crate) const PROVED_FOR: Duration = Duration::from_millis(500);

/// Whether to probe before creating.
pub(crate) fn is_needed(proved_at: Option<Duration>, now: Duration, healthy: bool) -> bool {
    !healthy || proved_at.is_none_or(|then| now.saturating_sub(then) > PROVED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_has_just_written_is_not_probed_and_a_doubtful_one_always_is() {
        let at = Duration::from_secs;
        assert!(is_needed(None, at(9), true));
        assert!(!is_needed(Some(at(9)), at(9), true));
        assert!(is_needed(Some(at(8)), at(9), true));
        assert!(is_needed(Some(at(9)), at(9), false));
    }
}
