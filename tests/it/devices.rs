//! Drivers against emulated devices, over real lines: pseudo terminals and TCP.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at what they do not expect

#[path = "devices/displays.rs"]
mod displays;
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
use evertill_shared::clock::{Clock as _, SystemClock};

fn clock() -> Monotonic {
    Monotonic::new(|| SystemClock.monotonic())
}
