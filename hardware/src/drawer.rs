//! The cash drawer, which hangs on the printer and opens by a pulse.

/// The pin of the drawer's plug that gets the pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DrawerPin {
    /// Pin 2: the first drawer.
    Two,
    /// Pin 5: the second.
    Five,
}

/// A pulse that opens a drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawerKick {
    pin: DrawerPin,
    on_ms: u16,
    off_ms: u16,
}

/// The pulse would burn the drawer's coil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a drawer pulse lasts 2 to 510 ms, and at most a fifth of the time until the next may begin")]
pub struct HarmfulPulse;

impl Default for DrawerKick {
    fn default() -> Self {
        Self { pin: DrawerPin::Two, on_ms: 50, off_ms: 500 }
    }
}

impl DrawerKick {
    /// A pulse of `on_ms` milliseconds, and `off_ms` before another may begin. Both count in steps of 2 ms.
    ///
    /// # Errors
    /// When a drawer's coil could not stand it.
    pub fn new(pin: DrawerPin, on_ms: u16, off_ms: u16) -> Result<Self, HarmfulPulse> {
        let bearable = (2..=510).contains(&on_ms) && off_ms <= 510 && off_ms >= on_ms.saturating_mul(4);
        if bearable { Ok(Self { pin, on_ms, off_ms }) } else { Err(HarmfulPulse) }
    }

    /// The same pulse on the other pin.
    #[must_use]
    pub fn on_pin(self, pin: DrawerPin) -> Self {
        Self { pin, ..self }
    }

    /// The command that waits its turn in the printer's buffer: ESC p.
    #[must_use]
    pub fn buffered_command(self) -> [u8; 5] {
        let steps = |ms: u16| u8::try_from(ms / 2).unwrap_or(u8::MAX);
        [0x1B, 0x70, self.pin_number(), steps(self.on_ms), steps(self.off_ms)]
    }

    /// The command that works at once, even when there is no paper: DLE DC4 1.
    #[must_use]
    pub fn real_time_command(self) -> [u8; 5] {
        let hundreds = u8::try_from(self.on_ms.div_ceil(100)).unwrap_or(1).clamp(1, 8);
        [0x10, 0x14, 0x01, self.pin_number(), hundreds]
    }

    fn pin_number(self) -> u8 {
        match self.pin {
            DrawerPin::Two => 0,
            DrawerPin::Five => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_pulse_is_50_ms_on_pin_2() {
        assert_eq!(DrawerKick::default().buffered_command(), [0x1B, 0x70, 0, 25, 250]);
        let second = DrawerKick::default().on_pin(DrawerPin::Five);
        assert_eq!(second.real_time_command(), [0x10, 0x14, 1, 1, 1]);
    }

    #[test]
    fn pulses_that_burn_a_coil_are_refused() {
        assert_eq!(DrawerKick::new(DrawerPin::Two, 600, 510), Err(HarmfulPulse));
        assert_eq!(DrawerKick::new(DrawerPin::Two, 100, 100), Err(HarmfulPulse));
        assert_eq!(DrawerKick::new(DrawerPin::Two, 0, 500), Err(HarmfulPulse));
        assert!(DrawerKick::new(DrawerPin::Two, 100, 400).is_ok());
    }
}
