//! The measurements.

use super::desk::{Ahead, Frame, first_frame, items, now_ms, start_until};
use super::{goods, median, rounded};
use crate::load::usage::Memory;
use crate::load::wrong;
use crate::process::wait_until;
use crate::store_rig::RigError;
use crate::window_till::{Running, WindowTill};
use crate::workspace;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The pause after a scan that is measured alone: everything that it sets going has ended.
const PAUSE: Duration = Duration::from_millis(200);
/// The pause between two keys of somebody who types fast.
const KEY_PAUSE: Duration = Duration::from_millis(70);
/// Ten a second.
const BURST_PAUSE_MS: f64 = 100.0;
/// So many different goods in a burst.
const TROLLEY: usize = 100;
/// How the list of matches is called, before the text that it is for.
const MATCHES: &str = "Matches for ";
/// How long the last of many scans may take to be seen before it counts as lost.
const LAST: Duration = Duration::from_secs(5);

/// What any window costs.
pub(super) struct Bare {
    pub start_ms: f64,
    pub memory_mb: f64,
}

/// Starts a window with one line of text so many times.
pub(super) fn bare(dir: &Path, starts: usize) -> Result<Bare, RigError> {
    let (mut times, mut memory_mb) = (Vec::new(), 0.0);
    for _ in 0..starts {
        let mut command = Command::new(workspace::program("evertill-till-headless"));
        command.arg("--bare");
        let log = dir.join("logs/bare.log");
        let (took, running) = start_until("Ready", || Running::start(&mut command, &log))?;
        times.push(took);
        memory_mb = rounded(Memory::of(running.process.id())?.resident, 1);
    }
    Ok(Bare { start_ms: median(&mut times), memory_mb })
}

/// Switches the till off and on so many times; milliseconds from each start to the first frame that can be used.
pub(super) fn starts(till: &mut WindowTill, usable: &str, starts: usize) -> Result<Vec<f64>, RigError> {
    let mut times = Vec::new();
    for _ in 0..starts {
        till.power_cut();
        let began = now_ms();
        till.power_on()?;
        times.push(first_frame(usable, began, |command| till.command(command))?);
    }
    Ok(times)
}

/// Scans, and how long each took to be seen.
pub(super) struct Scans {
    pub times: Vec<Duration>,
    pub scanned: usize,
    pub lost: usize,
}

/// Scans codes one by one, each when all is quiet.
pub(super) fn alone(till: &mut WindowTill, ahead: Ahead, scans: usize) -> Result<Scans, RigError> {
    scan_all(till, ahead, scans, 0, |_, _| PAUSE)
}

/// Scans ten codes a second, whatever the till does meanwhile.
pub(super) fn burst(till: &mut WindowTill, ahead: Ahead, seconds: u32) -> Result<Scans, RigError> {
    let scans = usize::try_from(seconds).unwrap_or(0) * 10;
    scan_all(till, ahead, scans, TROLLEY, |began, n| {
        let due = began + BURST_PAUSE_MS * f64::from(u32::try_from(n + 1).unwrap_or(u32::MAX));
        Duration::from_secs_f64((due - now_ms()).max(0.0) / 1e3)
    })
}

/// Scans `scans` codes from the goods' beginning, `different` at most (0: all different), into an empty sale; `pause` says
/// how long to wait after the n-th, counted from a beginning.
fn scan_all(
    till: &mut WindowTill,
    ahead: Ahead,
    scans: usize,
    different: usize,
    pause: impl Fn(f64, usize) -> Duration,
) -> Result<Scans, RigError> {
    // What the sale holds already is not counted, but is on the frames.
    let before = present(till)?;
    till.command(&json!({ "cmd": "follow", "labels": [" item"] }))?;
    let (began, mut sent) = (now_ms(), Vec::new());
    for n in 0..scans {
        let which = if different == 0 { n } else { n % different };
        // Before the first byte leaves: whoever is put aside between the two waits as the customer does.
        sent.push(now_ms());
        till.scan(&goods::code(100 + which))?;
        std::thread::sleep(pause(began, n));
    }
    wait_until(LAST, || present(till).is_ok_and(|shown| shown >= before + scans));
    let frames = ahead.frames(&till.command(&json!({ "cmd": "followed" }))?);
    seen(&sent, &frames, before)
}

/// How many items are in the sale that is on the screen.
fn present(till: &mut WindowTill) -> Result<usize, RigError> {
    Ok(items(&till.labels()?).unwrap_or(0))
}

/// For each scan the first frame that counts it.
/// # Errors
/// A frame counts a scan before it was made: the clocks, or the count, are not what they are taken for.
fn seen(sent: &[f64], frames: &[Frame], before: usize) -> Result<Scans, RigError> {
    let first =
        |n: usize| frames.iter().find(|frame| items(&frame.labels).is_some_and(|shown| shown > before + n));
    let took = |(n, at): (usize, &f64)| {
        let ms = first(n)?.at_ms - at;
        let early = |_| wrong(format!("scan {n} was on the screen {:.3} ms before it was made", -ms));
        Some(Duration::try_from_secs_f64(ms / 1e3).map_err(early))
    };
    let times: Vec<Duration> = sent.iter().enumerate().filter_map(took).collect::<Result<_, _>>()?;
    Ok(Scans { scanned: sent.len(), lost: sent.len() - times.len(), times })
}

/// Types searches key by key; for each key how long it took until the matches of the text that it made were on the screen,
/// or those of a later one.
pub(super) fn searches(
    till: &mut WindowTill,
    ahead: Ahead,
    goods: usize,
    searches: usize,
) -> Result<Vec<Duration>, RigError> {
    let mut times = Vec::new();
    for n in 0..searches {
        let query = goods::query((n * 7_919 + 13) % goods);
        till.command(&json!({ "cmd": "follow", "labels": [MATCHES] }))?;
        let mut keys = Vec::new();
        for key in query.chars() {
            keys.push(typed(till, key, ahead)?);
            std::thread::sleep(KEY_PAUSE);
        }
        till.wait(&format!("{MATCHES}{query}"))?;
        let frames = ahead.frames(&till.command(&json!({ "cmd": "followed" }))?);
        for (at, typed_at) in keys.iter().enumerate() {
            let text: String = query.chars().take(at + 1).collect();
            let took = found(&text, *typed_at, &frames);
            times.push(took.ok_or_else(|| wrong(format!("no frame shows the matches for {text:?}")))?);
        }
        for _ in query.chars() {
            typed(till, '\u{8}', ahead)?;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(times)
}

/// From a key to the first frame with the matches for the text that it made.
fn found(text: &str, typed_at: f64, frames: &[Frame]) -> Option<Duration> {
    let is_found =
        |label: &String| label.strip_prefix(MATCHES).is_some_and(|searched| searched.starts_with(text));
    let frame = frames.iter().find(|frame| frame.at_ms >= typed_at && frame.labels.iter().any(is_found))?;
    Some(Duration::from_secs_f64((frame.at_ms - typed_at) / 1e3))
}

/// Types a key; when, by our clock.
fn typed(till: &mut WindowTill, key: char, ahead: Ahead) -> Result<f64, RigError> {
    let answer: Value = till.command(&json!({ "cmd": "type", "text": key.to_string() }))?;
    answer["at_ms"].as_f64().map(|at| at - ahead.ms).ok_or_else(|| wrong("the till does not tell its time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_ms: f64, items: usize) -> Frame {
        Frame { at_ms, labels: vec![format!("{items} items")] }
    }

    #[test]
    fn a_key_is_answered_by_the_matches_of_its_text_or_of_a_longer_one_never_by_earlier_ones() {
        let frame = |at_ms: f64, text: &str| Frame { at_ms, labels: vec![format!("{MATCHES}{text}")] };
        let frames = [frame(1.0, "te"), frame(5.0, "t"), frame(9.0, "tea")];
        let ms = |text: &str, at| found(text, at, &frames).map(|took| took.as_millis());
        assert_eq!((ms("t", 2.0), ms("te", 4.0), ms("teas", 4.0)), (Some(3), Some(5), None));
    }

    #[test]
    fn a_scan_is_seen_on_the_first_frame_that_counts_it_and_lost_on_none() {
        let frames = [frame(0.0, 5), frame(12.0, 6), frame(25.0, 8)];
        let seen = seen(&[10.0, 20.0, 21.0, 30.0], &frames, 5).unwrap();
        let ms: Vec<u128> = seen.times.iter().map(Duration::as_millis).collect();
        assert_eq!((ms, seen.scanned, seen.lost), (vec![2, 5, 4], 4, 1));
    }

    #[test]
    fn a_scan_that_is_seen_before_it_was_made_is_no_quick_one() {
        assert!(seen(&[12.5], &[frame(12.0, 6)], 5).is_err());
    }
}
