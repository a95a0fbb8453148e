//! What the kernel tells of a keyboard, and which characters its keys are. Pure; the layout is that of the United States,
//! which scanners come with.

use std::fmt;
use std::time::Duration;

/// Bytes of one `struct input_event`.
pub const EVENT_BYTES: usize = 24;
const _: () = assert!(size_of::<libc::input_event>() == EVENT_BYTES, "another layout of events");

const SYNCHRONISATION: u16 = 0;
const KEY: u16 = 1;
/// The kernel had no room: events are missing.
const DROPPED: u16 = 3;
const UP: i32 = 0;
const REPEAT: i32 = 2;

/// One event of an input device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputEvent {
    /// When, by the kernel's clock.
    pub at: Duration,
    /// Which kind: a key, or where a packet ends.
    pub kind: u16,
    /// Which key.
    pub code: u16,
    /// Up, down, or held.
    pub value: i32,
}

impl InputEvent {
    /// Reads one event as the kernel wrote it.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; EVENT_BYTES]) -> Self {
        let [s0, s1, s2, s3, s4, s5, s6, s7, u0, u1, u2, u3, u4, u5, u6, u7, t0, t1, c0, c1, v0, v1, v2, v3] =
            *bytes;
        let seconds = i64::from_ne_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        let micros = i64::from_ne_bytes([u0, u1, u2, u3, u4, u5, u6, u7]);
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            at: Duration::from_secs(whole(seconds)) + Duration::from_micros(whole(micros).min(999_999)),
            kind: u16::from_ne_bytes([t0, t1]),
            code: u16::from_ne_bytes([c0, c1]),
            value: i32::from_ne_bytes([v0, v1, v2, v3]),
        }
    }

    /// The event as the kernel writes it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; EVENT_BYTES] {
        let mut bytes = [0; EVENT_BYTES];
        let seconds = i64::try_from(self.at.as_secs()).unwrap_or(i64::MAX);
        bytes[..8].copy_from_slice(&seconds.to_ne_bytes());
        bytes[8..16].copy_from_slice(&i64::from(self.at.subsec_micros()).to_ne_bytes());
        bytes[16..18].copy_from_slice(&self.kind.to_ne_bytes());
        bytes[18..20].copy_from_slice(&self.code.to_ne_bytes());
        bytes[20..].copy_from_slice(&self.value.to_ne_bytes());
        bytes
    }
}

/// A key that a person pressed. Does not print its character: it may be one of a PIN.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the names on the keys")]
pub enum Key {
    /// A character.
    Character(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Escape,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The keys without a character that a window can use, with their codes.
const NAMED: [(u16, Key); 11] = [
    (14, Key::Backspace),
    (111, Key::Delete),
    (1, Key::Escape),
    (105, Key::Left),
    (106, Key::Right),
    (103, Key::Up),
    (108, Key::Down),
    (102, Key::Home),
    (107, Key::End),
    (104, Key::PageUp),
    (109, Key::PageDown),
];
/// Rows of keys: the first code, and the characters without and with shift.
const ROWS: [(u16, &[u8], &[u8]); 8] = [
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (16, b"qwertyuiop[]", b"QWERTYUIOP{}"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (55, b"*", b"*"),
    (57, b" ", b" "),
    (71, b"789-456+1230.", b"789-456+1230."),
    (98, b"/", b"/"),
];
const ENTER: [u16; 2] = [28, 96];
const TAB: u16 = 15;
const SHIFT: [u16; 2] = [42, 54];
const CONTROL: [u16; 2] = [29, 97];
const ALT: [u16; 2] = [56, 100];
/// Keys that change nothing here: the locks, which the kernel keeps, and the keys with a maker's sign.
const SILENT: [u16; 5] = [58, 69, 70, 125, 126];

/// One stroke: a byte of a code, or a key without a character. As a byte, so that a row of them can be wiped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke(pub u8);

impl Stroke {
    /// No byte that a code can have: the code that it stands in is refused.
    pub(super) const UNREADABLE: Self = Self(0);

    pub(super) fn ends_a_code(self) -> bool {
        matches!(self.0, b'\r' | b'\n' | b'\t')
    }

    /// A byte that codes have: beside characters the separators of messages, and their end.
    pub(super) fn is_text(self) -> bool {
        matches!(self.0, b' '..=b'~' | 0x1C..=0x1F | 0x04)
    }

    /// For the assembler, which knows no keys.
    pub(super) fn byte(self) -> u8 {
        if self.0 < 0x80 { self.0 } else { Self::UNREADABLE.0 }
    }

    /// For the window, if it was typed.
    pub(super) fn key(self) -> Option<Key> {
        match self.0 {
            b'\r' | b'\n' => Some(Key::Enter),
            b'\t' => Some(Key::Tab),
            byte @ b' '..=b'~' => Some(Key::Character(char::from(byte))),
            named @ 0x80.. => NAMED.get(usize::from(named - 0x80)).map(|(_, key)| *key),
            _ => None,
        }
    }

    fn of(code: u16, shift: bool) -> Option<Self> {
        if ENTER.contains(&code) {
            return Some(Self(b'\r'));
        }
        if code == TAB {
            return Some(Self(b'\t'));
        }
        if let Some(place) = NAMED.iter().position(|(named, _)| *named == code) {
            return Some(Self(0x80 + u8::try_from(place).unwrap_or(0)));
        }
        ROWS.iter().find_map(|(first, plain, shifted)| {
            let row = if shift { shifted } else { plain };
            row.get(usize::from(code.checked_sub(*first)?)).map(|byte| Self(*byte))
        })
    }
}

/// The codes of the keys, and whether shift is held, that give this character: what a scanner presses.
#[must_use]
pub fn keys_for(character: u8) -> Option<(u16, bool)> {
    match character {
        b'\r' | b'\n' => Some((ENTER[0], false)),
        b'\t' => Some((TAB, false)),
        _ => [false, true].into_iter().find_map(|shift| {
            (1..128)
                .find(|code| Stroke::of(*code, shift) == Some(Stroke(character)))
                .map(|code| (code, shift))
        }),
    }
}

/// What a key event came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    Stroke(Stroke),
    /// Held so long that the kernel repeats it: a person, or a key whose release was lost.
    Again(Stroke),
    /// Some are missing.
    Dropped,
}

/// Follows the keys of one device.
#[derive(Default)]
pub(super) struct Keyboard {
    held: [bool; 6],
    /// The digits typed on the keypad while ALT is held: a character by its number.
    number: Option<u32>,
}

impl Keyboard {
    pub(super) fn take(&mut self, event: &InputEvent) -> Option<Pressed> {
        match (event.kind, event.code) {
            (SYNCHRONISATION, DROPPED) => {
                *self = Self::default();
                Some(Pressed::Dropped)
            }
            (KEY, code) => self.key(code, event.value),
            _ => None,
        }
    }

    fn key(&mut self, code: u16, value: i32) -> Option<Pressed> {
        let modifiers = [SHIFT, CONTROL, ALT].concat();
        if let Some(place) = modifiers.iter().position(|modifier| *modifier == code) {
            self.held[place] = value != UP;
            let number = self.number.take_if(|_| value == UP && ALT.contains(&code))?;
            // Above ASCII the numbers mean another character in each country.
            let byte = u8::try_from(number).ok().filter(|byte| (1..0x80).contains(byte));
            return Some(Pressed::Stroke(byte.map_or(Stroke::UNREADABLE, Stroke)));
        }
        if value == UP || SILENT.contains(&code) {
            return None;
        }
        let [shift, control, alt] = [0, 2, 4].map(|place| self.held[place] || self.held[place + 1]);
        let stroke = Stroke::of(code, shift);
        if alt {
            let digit = stroke.filter(|_| (71..=82).contains(&code)).filter(|s| s.0.is_ascii_digit());
            let Some(digit) = digit else { return Some(Pressed::Stroke(Stroke::UNREADABLE)) };
            let so_far = self.number.unwrap_or(0).saturating_mul(10);
            self.number = Some(so_far.saturating_add(u32::from(digit.0 - b'0')));
            return None;
        }
        let stroke = match stroke {
            // Control with a letter or a bracket: the control character of that place.
            Some(Stroke(byte)) if control => {
                let upper = byte.to_ascii_uppercase();
                if (b'@'..=b'_').contains(&upper) { Stroke(upper & 0x1F) } else { Stroke::UNREADABLE }
            }
            Some(stroke) => stroke,
            None => Stroke::UNREADABLE,
        };
        Some(if value == REPEAT { Pressed::Again(stroke) } else { Pressed::Stroke(stroke) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(events: &[(u16, i32)]) -> Vec<u8> {
        let mut keyboard = Keyboard::default();
        let event = |(code, value): &(u16, i32)| InputEvent {
            at: Duration::ZERO,
            kind: KEY,
            code: *code,
            value: *value,
        };
        let strokes = events.iter().map(event).filter_map(|event| keyboard.take(&event));
        strokes
            .map(|pressed| match pressed {
                Pressed::Stroke(stroke) | Pressed::Again(stroke) => stroke.0,
                Pressed::Dropped => b'?',
            })
            .collect()
    }

    #[test]
    fn an_event_reads_back_as_the_kernel_wrote_it() {
        // Written by a kernel of 64 bits: 1,700,000,000.25 s, a key, "1", down.
        let bytes =
            [0x00, 0xF1, 0x53, 0x65, 0, 0, 0, 0, 0x90, 0xD0, 0x03, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0];
        let event = InputEvent::from_bytes(&bytes);
        assert_eq!(event.at, Duration::from_millis(1_700_000_000_250));
        assert_eq!((event.kind, event.code, event.value), (KEY, 2, 1));
        assert_eq!(event.to_bytes(), bytes);
    }

    #[test]
    fn every_printable_character_has_its_keys() {
        for byte in b' '..=b'~' {
            let (code, shift) = keys_for(byte).unwrap();
            assert!(Stroke::of(code, shift) == Some(Stroke(byte)), "{}", char::from(byte));
        }
    }

    #[test]
    fn shift_the_keypad_and_control_are_followed() {
        assert_eq!(typed(&[(42, 1), (16, 1), (16, 0), (42, 0), (16, 1)]), b"Qq");
        assert_eq!(typed(&[(79, 1), (72, 1), (82, 1), (96, 1)]), b"180\r");
        assert_eq!(typed(&[(29, 1), (27, 1), (27, 0), (29, 0), (27, 1)]), b"\x1D]", "a group separator");
        assert_eq!(typed(&[(29, 1), (42, 1), (7, 1)]), b"\x1E", "a record separator");
        assert_eq!(typed(&[(29, 1), (32, 1)]), b"\x04", "the end of a message");
        assert_eq!(typed(&[(58, 1), (58, 0), (69, 1), (30, 1)]), b"a", "locks say nothing");
        assert_eq!(typed(&[(300, 1)]), [0], "a key that no code has");
    }

    #[test]
    fn a_character_by_its_number_comes_when_alt_is_let_go() {
        assert_eq!(typed(&[(56, 1), (82, 1), (82, 0), (80, 1), (73, 1), (56, 0)]), b"\x1D");
        assert_eq!(
            typed(&[(56, 1), (80, 1), (79, 1), (79, 1), (56, 0)]),
            [0],
            "211 is no character of all countries"
        );
        assert_eq!(typed(&[(56, 1), (56, 0)]), b"");
    }

    #[test]
    fn after_lost_events_no_key_is_thought_to_be_held() {
        let mut keyboard = Keyboard::default();
        let event = |kind, code| InputEvent { at: Duration::ZERO, kind, code, value: 1 };
        assert!(keyboard.take(&event(KEY, 42)).is_none());
        assert!(keyboard.take(&event(SYNCHRONISATION, DROPPED)) == Some(Pressed::Dropped));
        assert!(keyboard.take(&event(KEY, 30)) == Some(Pressed::Stroke(Stroke(b'a'))));
    }
}
