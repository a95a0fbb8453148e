//! Drivers against emulated devices, over real lines: pseudo terminals and TCP.

#[path = "devices/printers.rs"]
mod printers;
#[path = "devices/scanners.rs"]
mod scanners;

use evertill_hardware::Monotonic;
use evertill_shared::clock::{Clock as _, SystemClock};

fn clock() -> Monotonic {
    Monotonic::new(|| SystemClock.monotonic())
}
