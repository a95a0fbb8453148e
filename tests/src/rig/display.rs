//! A display without a monitor: Debian's Xvfb, with the window manager and the settings that a shop's kiosk has. For the
//! till's real window: made, placed, painted and asked to close by the ways by which a shop's are.

mod pixels;
mod screen;

pub use pixels::Pixels;
pub use screen::{Area, Screen, Window};

use super::packages::{self, Package};
use super::place::Place;
use super::{Failure, server};
use crate::process::Process;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const XVFB: &str = "/usr/bin/Xvfb";
const OPENBOX: &str = "/usr/bin/openbox";
const START: Duration = Duration::from_secs(20);
/// A server that is asked to end takes its socket and its lock away; one that is killed does not.
const END: Duration = Duration::from_secs(5);

/// The window manager of a kiosk: no keys, no menus, no frames. As in `docs/running-a-shop.md`.
const OPENBOX_SETTINGS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <keyboard/>
  <mouse/>
  <applications>
    <application class="*"><decor>no</decor></application>
  </applications>
</openbox_config>
"#;

/// A running display. Dropping it ends it.
pub struct Display {
    number: u16,
    screen: Screen,
    manager: Process,
    server: Process,
    _place: Place,
}

impl Display {
    /// Starts one on a free number with monitors of these sizes side by side, from left to right.
    /// # Errors
    /// See [`Failure`].
    pub fn start(monitors: &[(u16, u16)]) -> Result<Self, Failure> {
        packages::ensure(&[Package::Display])?;
        let place = Place::new("display", "nobody")?;
        let width: u32 = monitors.iter().map(|(width, _)| u32::from(*width)).sum();
        let height = monitors.iter().map(|(_, height)| *height).max().unwrap_or_default();
        let mut command = Command::new(XVFB);
        // Sizes are those of the pixels: at 96 to an inch a window is drawn as large as it is asked for.
        command.current_dir(place.dir()).args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-noreset",
            "-dpi",
            "96",
        ]);
        command.args(["-screen", "0", &format!("{width}x{height}x24")]);
        let mut server = Process::spawn("Xvfb", &mut command, &place.log("xvfb"))?;
        let told = server.ready_line()?;
        let number = told.as_u64().and_then(|number| u16::try_from(number).ok());
        let number = number
            .ok_or_else(|| server::failure("Xvfb", format!("has no number but {told}"), server.log()))?;
        let screen = Screen::open(number)?;
        // Before the window manager, which looks at them when it starts.
        screen.set_monitors(monitors)?;
        let manager = manage(&place, number, &screen)?;
        Ok(Self { number, screen, manager, server, _place: place })
    }

    /// Its name, for a program's environment.
    #[must_use]
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// What is on it.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.screen
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.manager.stop(END);
        self.server.stop(END);
    }
}

/// Starts the window manager.
fn manage(place: &Place, number: u16, screen: &Screen) -> Result<Process, Failure> {
    let settings = place.dir().join("openbox.xml");
    place.write(&settings, OPENBOX_SETTINGS)?;
    let mut command = Command::new(OPENBOX);
    command.current_dir(place.dir()).arg("--config-file").arg(&settings);
    command.env("DISPLAY", format!(":{number}")).env("HOME", place.dir());
    let mut manager = Process::spawn("openbox", &mut command, &place.log("openbox"))?;
    server::wait_ready("openbox", &mut manager, START, || screen.is_managed().unwrap_or(false))?;
    Ok(manager)
}

/// The programs are where Debian puts them, and what the till's own window needs beside them.
pub(super) fn is_installed() -> bool {
    let libraries =
        ["libX11.so.6", "libX11-xcb.so.1", "libXcursor.so.1", "libXi.so.6", "libxkbcommon-x11.so.0"];
    // One folder for each kind of machine.
    let folders: Vec<_> =
        fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|at| at.path()).collect();
    let is_there = |name: &&str| folders.iter().any(|folder| folder.join(name).exists());
    [XVFB, OPENBOX].iter().all(|program| Path::new(program).exists()) && libraries.iter().all(is_there)
}
