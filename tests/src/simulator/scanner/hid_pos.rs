//! A scanner by USB that speaks in reports of the page for scanners.

use super::plug::Plug;
use std::io;
use std::path::Path;

/// Bytes of a report.
pub const REPORT_BYTES: usize = 64;
const MOST: usize = 56;

/// How a maker builds reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// With an AIM identifier beside the code, as Honeywell and Access-IS do.
    WithAim,
    /// With nothing but the code, as Newland and Unitech do.
    WithoutAim,
}

/// The reports of a code, as many as it takes. `aim` is the identifier; makers without leave it out.
#[must_use]
pub fn reports(maker: Maker, aim: [u8; 3], code: &[u8]) -> Vec<[u8; REPORT_BYTES]> {
    let parts: Vec<&[u8]> = code.chunks(MOST).collect();
    let last = parts.len().saturating_sub(1);
    let report = |(nth, part): (usize, &&[u8])| {
        let mut report = [0; REPORT_BYTES];
        report[0] = 2;
        report[1] = u8::try_from(part.len()).unwrap_or(0);
        let data = match maker {
            Maker::WithAim => {
                report[2..5].copy_from_slice(&aim);
                report[61] = b's';
                5
            }
            Maker::WithoutAim => {
                report[62] = b's';
                2
            }
        };
        report[data..data + part.len()].copy_from_slice(part);
        report[63] = u8::from(nth < last);
        report
    };
    parts.iter().enumerate().map(report).collect()
}

/// A scanner at a device file for raw reports.
#[derive(Debug)]
pub struct HidPosEmulator {
    plug: Plug,
    maker: Maker,
}

impl HidPosEmulator {
    /// One that is plugged in.
    ///
    /// # Errors
    /// When the system has no pipe left.
    pub fn new(maker: Maker) -> io::Result<Self> {
        Ok(Self { plug: Plug::new("hidraw3")?, maker })
    }

    /// Where the program opens the device.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.plug.path()
    }

    /// Reads a QR code or any other.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn scan(&mut self, aim: &str, code: &str) -> io::Result<()> {
        self.reports(aim, code).iter().try_for_each(|report| self.plug.write(report))
    }

    /// The reports of a code, to be sent otherwise.
    #[must_use]
    pub fn reports(&self, aim: &str, code: &str) -> Vec<[u8; REPORT_BYTES]> {
        let aim = aim.as_bytes().try_into().unwrap_or(*b"]X0");
        reports(self.maker, aim, code.as_bytes())
    }

    /// Sends a report, or what is left of one, as it is.
    ///
    /// # Errors
    /// When the plug is out.
    pub fn send_raw(&mut self, report: &[u8]) -> io::Result<()> {
        self.plug.write(report)
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
