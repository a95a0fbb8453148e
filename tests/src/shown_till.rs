//! The till as it is delivered, `evertill-till` itself, in its own window on a display. What it shows is seen as a person sees
//! it, by its pixels: what they mean is known from the same till in the window that is drawn into memory
//! ([`crate::window_till`]), which can say where each word is.

use crate::process::{Process, wait_until};
use crate::rig::display::{Area, Display, Pixels, Screen};
use crate::window_till::{StepError, WindowTill};
use crate::workspace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

impl From<crate::rig::Failure> for StepError {
    fn from(failure: crate::rig::Failure) -> Self {
        Self::Screen(failure.to_string())
    }
}

/// The program. Dropping it kills it.
pub struct ShownTill {
    process: Process,
}

impl ShownTill {
    /// Starts it with this folder on this display.
    /// # Errors
    /// It does not start.
    pub fn start(dir: &Path, display: &Display, log: &Path) -> Result<Self, StepError> {
        let mut command = Command::new(workspace::program("evertill-till"));
        command.arg("--data").arg(dir).arg("--log-to-stderr").env("DISPLAY", display.name());
        for other in ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "SLINT_BACKEND", "WINIT_X11_SCALE_FACTOR"] {
            command.env_remove(other);
        }
        Ok(Self { process: Process::spawn("evertill-till", &mut command, log)? })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it ended with, if it has ended by itself.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.exit_code()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Pulls the plug: kill -9.
    pub fn power_cut(mut self) {
        self.process.kill();
    }
}

/// A page as it was drawn into memory, with the places of its words.
pub struct Page {
    picture: Pixels,
    places: Vec<(String, Area)>,
}

impl Page {
    /// What the till's window shows now.
    /// # Errors
    /// See [`StepError`].
    pub fn of(till: &mut WindowTill) -> Result<Self, StepError> {
        Self::read(till, false)
    }

    /// What the till's window shows once this can be touched: what rests for a moment is drawn in another colour.
    /// # Errors
    /// See [`StepError`].
    pub fn once_enabled(till: &mut WindowTill, label: &str) -> Result<Self, StepError> {
        let is_ready = |element: &Value| {
            element["label"] == label && element["role"] == "button" && element["enabled"] == true
        };
        let ready = wait_until(PATIENCE, || {
            let all = till.command(&json!({ "cmd": "labels" }));
            all.is_ok_and(|all| all.as_array().is_some_and(|all| all.iter().any(is_ready)))
        });
        if !ready {
            return Err(StepError::Screen(format!("“{label}” cannot be touched")));
        }
        Self::of(till)
    }

    /// What the customer's window shows now.
    /// # Errors
    /// See [`StepError`].
    pub fn of_customer(till: &mut WindowTill) -> Result<Self, StepError> {
        Self::read(till, true)
    }

    fn read(till: &mut WindowTill, customer: bool) -> Result<Self, StepError> {
        let path: PathBuf = till.dir().join("page.png");
        let all = till.command(&json!({ "cmd": "labels", "customer": customer }))?;
        till.command(&json!({ "cmd": "shot", "path": &path, "customer": customer }))?;
        let picture = Pixels::read(&path)?;
        std::fs::remove_file(&path)?;
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        let place = |element: &Value| Some((element["label"].as_str()?.to_owned(), area(element)?));
        Ok(Self { picture, places: all.iter().filter_map(place).collect() })
    }

    /// Where the first label is that begins so.
    /// # Errors
    /// There is none.
    pub fn place(&self, beginning: &str) -> Result<Area, StepError> {
        let found = self.places.iter().find(|(label, _)| label.starts_with(beginning));
        found
            .map(|(_, area)| *area)
            .ok_or_else(|| StepError::Screen(format!("the page has no “{beginning}”")))
    }

    /// What it looks like there.
    #[must_use]
    pub fn part(&self, area: Area) -> Pixels {
        self.picture.part(area)
    }

    /// Waits until the display shows this page, with its left upper corner there; all of it but what changes by itself.
    /// # Errors
    /// It does not; how much of it differs.
    pub fn is_seen(&self, screen: &Screen, at: Area) -> Result<(), StepError> {
        let mut differing = 1_000;
        let is_like = || {
            let Ok(seen) = screen.picture(at) else { return false };
            differing = seen.differing_per_mille(&self.picture);
            seen.is_like(&self.picture)
        };
        if wait_until(PATIENCE, is_like) {
            return Ok(());
        }
        Err(StepError::Screen(format!("{differing} of a thousand pixels are not those of the page")))
    }

    /// Waits until the display shows these words of the page, which has its left upper corner there.
    /// # Errors
    /// It does not.
    pub fn says(&self, beginning: &str, screen: &Screen, at: Area) -> Result<(), StepError> {
        let area = self.place(beginning)?;
        let words = self.part(area);
        let there = moved(area, at);
        let seen = || screen.picture(there).is_ok_and(|seen| seen.is_like(&words));
        if wait_until(PATIENCE, seen) {
            return Ok(());
        }
        Err(StepError::Screen(format!("the display does not show “{beginning}” where the page has it")))
    }

    /// Clicks on what begins so, on a page with its left upper corner there.
    /// # Errors
    /// The page has no such thing.
    pub fn click(&self, beginning: &str, screen: &Screen, at: Area) -> Result<(), StepError> {
        let Area { x, y, width, height } = moved(self.place(beginning)?, at);
        let middle = |from: i16, size: u16| from.saturating_add_unsigned(size / 2);
        Ok(screen.click(middle(x, width), middle(y, height))?)
    }
}

/// An area of a window, as one of the display.
#[must_use]
pub fn moved(area: Area, window: Area) -> Area {
    Area { x: area.x.saturating_add(window.x), y: area.y.saturating_add(window.y), ..area }
}

#[expect(clippy::cast_possible_truncation, reason = "places on a screen")]
fn area(element: &Value) -> Option<Area> {
    let number = |key: &str| Some(element[key].as_f64()?.round() as i64);
    Some(Area {
        x: number("x")?.try_into().ok()?,
        y: number("y")?.try_into().ok()?,
        width: number("width")?.try_into().ok()?,
        height: number("height")?.try_into().ok()?,
    })
}
