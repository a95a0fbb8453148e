//! What each frame says, and when it was drawn: for whoever measures how long a person waits to see something.

use super::elements::elements_shown;
use super::platform::Surface;
use evertill_shared::clock::{Clock, SystemClock};
use serde::Serialize;
use std::cell::RefCell;

/// A frame that says something else than the one before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Frame {
    /// When its last pixel was in memory.
    pub at_ms: f64,
    /// What it says of what is followed.
    pub labels: Vec<String>,
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Milliseconds by this process's own clock.
#[allow(clippy::float_arithmetic, reason = "a figure for people, not money")]
pub(super) fn now_ms() -> f64 {
    SystemClock.monotonic().as_secs_f64() * 1e3
}

/// Writes down after each frame what its labels say that contain one of these. The time is taken before the
/// window's tree is walked: looking does not make a frame late, only the next one.
pub(super) fn follow(surface: &Surface, wanted: Vec<String>) {
    FRAMES.with(|frames| frames.borrow_mut().clear());
    let look = move || {
        let at_ms = now_ms();
        FRAMES.with(|frames| note(&mut frames.borrow_mut(), at_ms, said(&wanted)));
    };
    surface.tick();
    look();
    surface.after_each_frame(look);
}

/// What was written down since [`follow`].
pub(super) fn followed(surface: &Surface) -> Vec<Frame> {
    surface.leave_frames_alone();
    FRAMES.with(|frames| std::mem::take(&mut *frames.borrow_mut()))
}

fn said(wanted: &[String]) -> Vec<String> {
    let is_wanted = |label: &String| wanted.iter().any(|part| label.contains(part.as_str()));
    let all = elements_shown();
    all.unwrap_or_default().into_iter().filter(|e| e.enabled).map(|e| e.label).filter(is_wanted).collect()
}

fn note(frames: &mut Vec<Frame>, at_ms: f64, labels: Vec<String>) {
    if frames.last().is_none_or(|last| last.labels != labels) {
        frames.push(Frame { at_ms, labels });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_that_say_something_new_are_kept() {
        let mut frames = Vec::new();
        for (at_ms, label) in [(1.0, "1 item"), (2.0, "1 item"), (3.0, "2 items")] {
            note(&mut frames, at_ms, vec![label.to_owned()]);
        }
        let kept: Vec<_> = frames.iter().map(|frame| frame.at_ms).collect();
        assert_eq!(kept, [1.0, 3.0]);
    }
}
