//! A scanner that behaves as a keyboard: it speaks in the kernel's events, byte for byte, with the kernel's times.

use super::plug::Plug;
use evertill_hardware::scanner::wedge::InputEvent;
use evertill_hardware::scanner::wedge::keys::keys_for;
use evertill_shared::clock::{Clock as _, SystemClock};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The kernel's clock runs so far ahead of ours.
const KERNEL_AHEAD: Duration = Duration::from_secs(1_700_000_000);
const SYNCHRONISATION: u16 = 0;
const KEY: u16 = 1;
const MISCELLANEOUS: u16 = 4;
const DROPPED: u16 = 3;
const LEFT_SHIFT: u16 = 42;

/// The events of one packet: what came together, and the mark that it is whole.
fn packet(at: Duration, code: u16, value: i32) -> [InputEvent; 3] {
    let event = |kind, code, value| InputEvent { at, kind, code, value };
    // Keyboards tell their own number of the key first.
    [
        event(MISCELLANEOUS, 4, 0x7_0000 + i32::from(code)),
        event(KEY, code, value),
        event(SYNCHRONISATION, 0, 0),
    ]
}

/// The events of pressing these characters, so far apart, the first at `begin`. Characters without a key are left out.
#[must_use]
pub fn presses(text: &str, begin: Duration, gap: Duration) -> Vec<InputEvent> {
    let mut events = Vec::new();
    let mut at = begin;
    for (code, shift) in text.bytes().filter_map(keys_for) {
        if shift {
            events.extend(packet(at, LEFT_SHIFT, 1));
        }
        events.extend(packet(at, code, 1));
        events.extend(packet(at, code, 0));
        if shift {
            events.extend(packet(at, LEFT_SHIFT, 0));
        }
        at += gap;
    }
    events
}

/// The kernel had no room for some events.
#[must_use]
pub fn dropped(at: Duration) -> InputEvent {
    InputEvent { at, kind: SYNCHRONISATION, code: DROPPED, value: 0 }
}

/// A key that is held, as the kernel tells it again and again.
#[must_use]
pub fn held(character: u8, at: Duration) -> Option<InputEvent> {
    keys_for(character).map(|(code, _)| InputEvent { at, kind: KEY, code, value: 2 })
}

/// A scanner, or a person, at a keyboard's device file.
#[derive(Debug)]
pub struct WedgeEmulator {
    plug: Plug,
    /// The newest time that was told, by the kernel's clock.
    last: Duration,
}

impl WedgeEmulator {
    /// One that is plugged in.
    ///
    /// # Errors
    /// When the system has no pipe left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { plug: Plug::new("event7")?, last: Duration::ZERO })
    }

    /// Where the program opens the device.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.plug.path()
    }

    /// Presses these characters so far apart by the kernel's clock; the last one now. All of it arrives at once, as
    /// after a stall of the machine.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn press(&mut self, text: &str, gap: Duration) -> io::Result<()> {
        let long = gap * u32::try_from(text.len().saturating_sub(1)).unwrap_or(0);
        let begin = (SystemClock.monotonic() + KERNEL_AHEAD).saturating_sub(long);
        // Nobody presses a key before the one before: the time passes first.
        let early = (self.last + gap).saturating_sub(begin);
        std::thread::sleep(early);
        self.last = begin + early + long;
        self.send(&presses(text, begin + early, gap))
    }

    /// Reads a code and ends it with Enter.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn scan(&mut self, code: &str) -> io::Result<()> {
        self.press(&format!("{code}\r"), Duration::from_millis(6))
    }

    /// Tells the program that events were lost.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn drop_events(&mut self) -> io::Result<()> {
        self.send(&[dropped(SystemClock.monotonic() + KERNEL_AHEAD)])
    }

    fn send(&mut self, events: &[InputEvent]) -> io::Result<()> {
        let bytes: Vec<u8> = events.iter().flat_map(|event| event.to_bytes()).collect();
        // The kernel gives no more than the program has room for, and never a part of an event.
        bytes.chunks(24 * 40).try_for_each(|some| self.plug.write(some))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.plug.write(bytes)
    }

    /// Pulls the plug.
    pub fn unplug(&mut self) {
        self.plug.unplug();
    }

    /// Puts the plug back in.
    ///
    /// # Errors
    /// When the system has no pipe left.
    pub fn plug(&mut self) -> io::Result<()> {
        self.plug.plug()
    }
}
