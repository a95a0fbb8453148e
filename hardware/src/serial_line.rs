//! The settings of a serial line: they differ per device, so nothing is assumed.

use serialport::{ClearBuffer, SerialPort as _, TTYPort};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How a device hangs on a serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialLine {
    /// The device file. Prefer `/dev/serial/by-id/...`: numbers of `ttyACM` move when devices are replugged.
    pub path: PathBuf,
    /// Bits per second.
    pub baud: u32,
    /// Data bits, parity and stop bits.
    pub frame: Frame,
    /// Who may say "wait", and how.
    pub flow: Flow,
}

impl SerialLine {
    /// A line with 8 data bits, no parity, one stop bit and no handshake: what most devices come with.
    pub fn new(path: impl Into<PathBuf>, baud: u32) -> Self {
        Self { path: path.into(), baud, frame: Frame::default(), flow: Flow::None }
    }

    /// Bytes per second, counting start, parity and stop bits; at least 1.
    #[must_use]
    pub fn bytes_per_second(&self) -> u32 {
        let bits = 1
            + u32::from(self.frame.data_bits)
            + u32::from(self.frame.parity != Parity::None)
            + u32::from(self.frame.stop_bits);
        (self.baud / bits).max(1)
    }

    /// Opens the line for us alone, in raw mode, and drops what was received before: input from before we
    /// listened belongs to no customer of ours.
    ///
    /// # Errors
    /// When the device is missing, busy, or does not take the settings.
    pub fn open(&self, timeout: Duration) -> io::Result<TTYPort> {
        let port = serialport::new(self.path.to_string_lossy(), self.baud)
            .data_bits(if self.frame.data_bits == 7 {
                serialport::DataBits::Seven
            } else {
                serialport::DataBits::Eight
            })
            .parity(match self.frame.parity {
                Parity::None => serialport::Parity::None,
                Parity::Odd => serialport::Parity::Odd,
                Parity::Even => serialport::Parity::Even,
            })
            .stop_bits(if self.frame.stop_bits == 2 {
                serialport::StopBits::Two
            } else {
                serialport::StopBits::One
            })
            .flow_control(match self.flow {
                Flow::None => serialport::FlowControl::None,
                Flow::XonXoff => serialport::FlowControl::Software,
                Flow::RtsCts => serialport::FlowControl::Hardware,
            })
            .timeout(timeout)
            .open_native()?;
        port.clear(ClearBuffer::Input)?;
        Ok(port)
    }
}

/// Data bits, parity and stop bits; written like `8N1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 7 or 8.
    pub data_bits: u8,
    /// The check bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

impl Default for Frame {
    fn default() -> Self {
        Self { data_bits: 8, parity: Parity::None, stop_bits: 1 }
    }
}

/// The check bit of each byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// No check bit.
    None,
    /// Odd number of ones.
    Odd,
    /// Even number of ones.
    Even,
}

/// The handshake of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// No handshake.
    None,
    /// The device sends XOFF and XON.
    XonXoff,
    /// The device moves CTS.
    RtsCts,
}

/// The text was not of the form `8N1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the serial frame as data bits, parity and stop bits, such as 8N1 or 7O2")]
pub struct BadFrame;

impl FromStr for Frame {
    type Err = BadFrame;

    fn from_str(text: &str) -> Result<Self, BadFrame> {
        let [data, parity, stop] = text.as_bytes() else { return Err(BadFrame) };
        let data_bits = match data {
            b'7' => 7,
            b'8' => 8,
            _ => return Err(BadFrame),
        };
        let parity = match parity.to_ascii_uppercase() {
            b'N' => Parity::None,
            b'O' => Parity::Odd,
            b'E' => Parity::Even,
            _ => return Err(BadFrame),
        };
        let stop_bits = match stop {
            b'1' => 1,
            b'2' => 2,
            _ => return Err(BadFrame),
        };
        Ok(Self { data_bits, parity, stop_bits })
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Odd => 'O',
            Parity::Even => 'E',
        };
        write!(f, "{}{parity}{}", self.data_bits, self.stop_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for text in ["8N1", "7O2", "7E1"] {
            assert_eq!(text.parse::<Frame>().unwrap().to_string(), text);
        }
        assert_eq!("9N1".parse::<Frame>(), Err(BadFrame));
        assert_eq!("8N".parse::<Frame>(), Err(BadFrame));
    }

    #[test]
    fn speed_counts_the_bits_around_a_byte() {
        assert_eq!(SerialLine::new("/dev/null", 9600).bytes_per_second(), 960);
        let odd = SerialLine { frame: "7O2".parse().unwrap(), ..SerialLine::new("x", 110) };
        assert_eq!(odd.bytes_per_second(), 10);
    }
}
