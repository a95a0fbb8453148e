//! What is done at the till that is measured, and by which clock.

use crate::load::wrong;
use crate::process::wait_until;
use crate::store_rig::RigError;
use crate::window_till::{Running, StepError, WindowTill};
use evertill_shared::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::time::Duration;

/// So often is the till asked for its time; the quickest answer counts.
const ASKED: usize = 50;

/// A frame, by our own clock.
pub(super) struct Frame {
    pub at_ms: f64,
    pub labels: Vec<String>,
}

/// Our own clock, in milliseconds.
pub(super) fn now_ms() -> f64 {
    SystemClock.monotonic().as_secs_f64() * 1e3
}

/// By how much the other program's clock is ahead of ours, and how wrong that may be: half of the quickest answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub ms: f64,
    pub error_ms: f64,
}

impl Ahead {
    /// Asks the program.
    pub(super) fn of(mut ask: impl FnMut(&Value) -> Result<Value, StepError>) -> Result<Self, RigError> {
        let mut best = Self { ms: 0.0, error_ms: f64::INFINITY };
        for _ in 0..ASKED {
            let before = now_ms();
            let answer = ask(&json!({ "cmd": "now" }))?;
            let after = now_ms();
            let theirs = answer["at_ms"].as_f64().ok_or_else(|| wrong("the till does not tell its time"))?;
            let error_ms = (after - before) / 2.0;
            if error_ms < best.error_ms {
                best = Self { ms: theirs - before - error_ms, error_ms };
            }
        }
        Ok(best)
    }

    /// Frames as the program told of them, by our clock.
    pub(super) fn frames(self, told: &Value) -> Vec<Frame> {
        let frame = |frame: &Value| {
            let labels = frame["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
            let labels = labels.iter().filter_map(|label| label.as_str().map(str::to_owned)).collect();
            Some(Frame { at_ms: frame["at_ms"].as_f64()? - self.ms, labels })
        };
        told.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(frame).collect()
    }
}

/// From the start of a program to its first frame that has this label.
pub(super) fn start_until(
    label: &str,
    start: impl FnOnce() -> Result<Running, StepError>,
) -> Result<(f64, Running), RigError> {
    let began = now_ms();
    let mut running = start()?;
    let took = first_frame(label, began, |command| running.command(command))?;
    Ok((took, running))
}

/// From `began` to the first frame that has this label.
pub(super) fn first_frame(
    label: &str,
    began: f64,
    mut ask: impl FnMut(&Value) -> Result<Value, StepError>,
) -> Result<f64, RigError> {
    ask(&json!({ "cmd": "follow", "labels": [label] }))?;
    ask(&json!({ "cmd": "wait", "label": label, "timeout_ms": 30_000 }))?;
    let told = ask(&json!({ "cmd": "followed" }))?;
    let ahead = Ahead::of(ask)?;
    let frames = ahead.frames(&told);
    let first = frames.iter().find(|frame| !frame.labels.is_empty());
    first.map(|frame| frame.at_ms - began).ok_or_else(|| wrong(format!("no frame shows “{label}”")))
}

/// Touches a button of a page that does not scroll: the finger need not rest.
pub(super) fn touch(till: &mut WindowTill, label: &str) -> Result<(), RigError> {
    let mut last = Ok(());
    let pressed = wait_until(Duration::from_secs(10), || {
        last = till.command(&json!({ "cmd": "tap", "label": label, "hold_ms": 0 })).map(drop);
        last.is_ok()
    });
    if pressed { Ok(()) } else { Ok(last?) }
}

/// How many items these labels say that there are.
pub(super) fn items(labels: &[String]) -> Option<usize> {
    let count = |label: &String| {
        let (number, word) = label.split_once(' ')?;
        matches!(word, "item" | "items").then(|| number.parse().ok())?
    };
    labels.iter().find_map(count)
}

/// A sale of these goods for cash, up to the page that says that it is paid.
pub(super) fn sell(till: &mut WindowTill, codes: &[String]) -> Result<(), RigError> {
    for code in codes {
        till.scan(code)?;
    }
    let items = if codes.len() == 1 { "1 item".to_owned() } else { format!("{} items", codes.len()) };
    till.wait(&items)?;
    pay_cash(till)
}

/// Takes cash for what is in the sale.
pub(super) fn pay_cash(till: &mut WindowTill) -> Result<(), RigError> {
    touch(till, "Cash")?;
    till.wait("Confirm cash")?;
    let exact = till.labels()?.into_iter().find(|label| label.starts_with("Given ") && label.contains('¥'));
    touch(till, &exact.ok_or_else(|| wrong("the till offers no amount to tap"))?)?;
    touch(till, "Confirm cash")?;
    Ok(till.wait("Paid")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(all: &[&str]) -> Vec<String> {
        all.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn the_count_is_read_from_its_own_label_only() {
        assert_eq!(items(&labels(&["Sewing items 12", "12 items"])), Some(12));
        assert_eq!(items(&labels(&["1 item"])), Some(1));
        assert_eq!(items(&labels(&["12 items of tea"])), None);
    }

    #[test]
    fn what_the_other_program_tells_is_moved_to_our_clock() {
        let ahead = Ahead { ms: 100.0, error_ms: 0.1 };
        let frames = ahead.frames(&json!([{ "at_ms": 150.0, "labels": ["1 item"] }, { "labels": [] }]));
        assert_eq!(frames.len(), 1);
        assert!((frames[0].at_ms - 50.0).abs() < 1e-9);
    }
}
