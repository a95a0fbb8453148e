//! How the customer's display on its pole is reached and spoken to.

use super::{default_baud, default_frame};
use evertill_hardware::display::{CommandSet, DisplayProfile};
use evertill_hardware::escpos::profile::TextEncoding;
use evertill_hardware::serial_line::{Flow, SerialLine};
use serde::Deserialize;
use std::path::PathBuf;

/// `[display]`: two lines of 20 columns on a serial line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisplayConfig {
    /// The device file; prefer `/dev/serial/by-id/…`.
    pub serial: PathBuf,
    /// Bits per second.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// Data bits, parity, stop bits, as in `8N1`.
    #[serde(default = "default_frame")]
    pub frame: String,
    /// How it is spoken to: `cd5220` (most) or `epson`.
    #[serde(default)]
    pub commands: CommandsName,
    /// Which characters it knows: `ascii` (most) or `gb18030`.
    #[serde(default)]
    pub characters: CharactersName,
}

/// The name of a set of commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandsName {
    /// CD5220 and its kin.
    #[default]
    Cd5220,
    /// Epson's.
    Epson,
}

/// The name of a set of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CharactersName {
    /// Latin letters without accents.
    #[default]
    Ascii,
    /// Chinese, too.
    Gb18030,
}

impl DisplayConfig {
    /// The serial line.
    /// # Errors
    /// The frame is not one.
    pub fn line(&self) -> Result<SerialLine, String> {
        let frame = self.frame.parse().map_err(|error| format!("frame: {error}"))?;
        Ok(SerialLine { path: self.serial.clone(), baud: self.baud, frame, flow: Flow::None })
    }

    /// What the display can do.
    #[must_use]
    pub fn profile(&self) -> DisplayProfile {
        DisplayProfile {
            commands: match self.commands {
                CommandsName::Cd5220 => CommandSet::Cd5220,
                CommandsName::Epson => CommandSet::Epson,
            },
            encoding: match self.characters {
                CharactersName::Ascii => TextEncoding::Ascii,
                CharactersName::Gb18030 => TextEncoding::Gb18030,
            },
        }
    }
}
