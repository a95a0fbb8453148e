//! Drivers against emulated devices, over real lines: pseudo terminals and TCP.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at what they do not expect

#[path = "devices/displays.rs"]
mod displays;
#[path = "devices/drawn_letters.rs"]
mod drawn_letters;
#[path = "devices/keyboards.rs"]
mod keyboards;
#[path = "devices/printers.rs"]
mod printers;
#[path = "devices/printouts.rs"]
mod printouts;
#[path = "devices/reports.rs"]
mod reports;
#[path = "devices/scanners.rs"]
mod scanners;

use evertill_hardware::Monotonic;
use evertill_hardware::scanner::{OnEvent, ScannerEvent};
use evertill_shared::clock::{Clock as _, SystemClock};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn clock() -> Monotonic {
    Monotonic::new(|| SystemClock.monotonic())
}

/// What a scanner's driver says.
struct Heard(Receiver<ScannerEvent>);

impl Heard {
    /// With what the driver is to be given.
    fn new() -> (OnEvent, Self) {
        let (send, events) = channel();
        (Box::new(move |event| drop(send.send(event))), Self(events))
    }

    fn next(&self) -> ScannerEvent {
        self.0.recv_timeout(Duration::from_secs(5)).unwrap()
    }

    /// The next thing in words; see [`word`].
    fn word(&self) -> String {
        word(&self.next())
    }

    /// Those that come until nothing comes for a while.
    fn rest(&self) -> Vec<ScannerEvent> {
        std::iter::from_fn(|| self.0.recv_timeout(Duration::from_secs(1)).ok()).collect()
    }

    fn nothing_comes(&self) -> bool {
        self.0.recv_timeout(Duration::from_millis(300)).is_err()
    }
}

/// An event in words: a scan's text, `!` and a refusal, `+` connected, `-` disconnected, `.` a key for the window.
fn word(event: &ScannerEvent) -> String {
    match event {
        ScannerEvent::Connected => "+".into(),
        ScannerEvent::Disconnected { .. } => "-".into(),
        ScannerEvent::Scanned(text) => text.expose().to_owned(),
        ScannerEvent::Typed(_) => ".".into(),
        ScannerEvent::ScanRefused { reason } => format!("!{reason:?}"),
    }
}
