//! The scanner's thread, which may become another's while the till runs.

use crate::config::{ScannerConfig, ScannerWay};
use crate::controller::Input;
use crate::front::Heard;
use crate::ui::WindowView;
use crate::view::ScannerState;
use evertill_hardware::scanner::{HidPosScanner, SerialScanner, WedgeScanner};
use evertill_hardware::{Monotonic, ScannerEvent};
use std::io;
use std::sync::mpsc::Sender;

/// Whatever is plugged in; dropping it lets go of the device.
#[expect(dead_code, reason = "each is held for its thread")]
enum Driver {
    Serial(SerialScanner),
    Wedge(WedgeScanner),
    Hid(HidPosScanner),
}

/// Where the scanner of this till is.
pub struct ScannerSeat {
    clock: Monotonic,
    send: Sender<Heard>,
    window: WindowView,
    driver: Option<Driver>,
}

impl ScannerSeat {
    pub fn new(clock: Monotonic, send: Sender<Heard>, window: WindowView) -> Self {
        Self { clock, send, window, driver: None }
    }

    /// Uses this scanner from here on; the one before is let go of first.
    pub fn start(&mut self, config: &ScannerConfig) {
        self.driver = None;
        let started = match config.way() {
            Ok(way) => self.spawn(way),
            Err(why) => Err(io::Error::new(io::ErrorKind::InvalidInput, why)),
        };
        match started {
            Ok(driver) => self.driver = Some(driver),
            Err(error) => tracing::error!(%error, "the scanner cannot be started"),
        }
    }

    /// Lets go of the scanner.
    pub fn stop(&mut self) {
        self.driver = None;
    }

    fn spawn(&self, way: ScannerWay) -> io::Result<Driver> {
        let (send, window, clock) = (self.send.clone(), self.window.clone(), self.clock.clone());
        let on_event = Box::new(move |event: ScannerEvent| {
            let input = match event {
                ScannerEvent::Connected => Input::Scanner(ScannerState::Ready),
                ScannerEvent::Disconnected { reason } => {
                    tracing::warn!(reason, "the scanner is gone");
                    Input::Scanner(ScannerState::Disconnected)
                }
                ScannerEvent::Scanned(text) => Input::Scan(text),
                ScannerEvent::Typed(key) => return window.type_key(key),
                ScannerEvent::ScanRefused { reason } => {
                    tracing::info!(%reason, "a scan was refused");
                    Input::ScanRefused
                }
            };
            // An error means that the program is ending.
            let _ = send.send(Heard::Input(input));
        });
        Ok(match way {
            ScannerWay::Serial(config) => Driver::Serial(SerialScanner::spawn(config, clock, on_event)?),
            ScannerWay::Wedge(config) => Driver::Wedge(WedgeScanner::spawn(config, clock, on_event)?),
            ScannerWay::Hid(config) => Driver::Hid(HidPosScanner::spawn(config, clock, on_event)?),
        })
    }
}
