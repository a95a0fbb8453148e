//! When a device is tried again that was lost, or is not there. Pure.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const SLOWEST: Duration = Duration::from_secs(5);
/// A device that stayed for so long is one that works.
pub(crate) const STAYS: Duration = SLOWEST;

/// The pauses between tries, and whether a loss was told: this goes on all day when nothing is plugged in. That a device
/// can be opened resets neither: one that dies as soon as it is opened would be opened, and told of, several times a second.
#[derive(Debug)]
pub(crate) struct Retry {
    pause: Duration,
    told: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self { pause: FIRST, told: false }
    }
}

impl Retry {
    /// Something was really done with the device, or it has stayed for [`STAYS`].
    pub(crate) fn works(&mut self) {
        self.pause = FIRST;
        self.told = false;
    }

    /// Somebody was told that the device is there, so that its loss is to be told.
    pub(crate) fn said_to_be_there(&mut self) {
        self.told = false;
    }

    /// It was lost, or is not there: whether that is to be told, which is so once.
    pub(crate) fn is_news(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// How long to wait before the next try.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(SLOWEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_the_device_works_and_a_loss_is_told_once() {
        let mut retry = Retry::default();
        let pauses: Vec<u128> = (0..7).map(|_| retry.pause().as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!([retry.is_news(), retry.is_news()], [true, false]);
        retry.said_to_be_there();
        assert!(retry.is_news(), "who was told that it is there is told that it is gone");
        assert_eq!(retry.pause(), SLOWEST, "it did nothing yet");
        retry.works();
        assert!(retry.is_news());
        assert_eq!(retry.pause(), FIRST);
    }
}
