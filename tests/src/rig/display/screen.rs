//! What is on a display, seen and touched from outside, over X's own protocol.

use super::Pixels;
use crate::rig::Failure;
use std::fmt::Display;
use std::io::IoSlice;
use std::time::Duration;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _, EventMask,
    GetPropertyReply, ImageFormat, MOTION_NOTIFY_EVENT,
};
use x11rb::rust_connection::RustConnection;

/// The extension by which a program plays the mouse.
const TEST: &str = "XTEST";
/// Its request for one event of a device.
const FAKE_INPUT: u8 = 2;
/// What lies in a list that scrolls waits for as long, to see whether it is to scroll.
const FINGER: Duration = Duration::from_millis(130);
/// Pixels of an inch are 96, so many hundredths of a millimetre each.
const HUNDREDTHS_OF_MM: u32 = 26;

/// A rectangle on the display, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// The left edge.
    pub x: i16,
    /// The upper edge.
    pub y: i16,
    /// Pixels from left to right.
    pub width: u16,
    /// Pixels from top to bottom.
    pub height: u16,
}

/// A window that a program shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The display's number of it.
    pub id: u32,
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub area: Area,
    /// The window manager lets it cover its monitor.
    pub fullscreen: bool,
}

/// A connection to a display.
pub struct Screen {
    connection: RustConnection,
    root: u32,
}

fn failed(what: impl Display) -> Failure {
    Failure::Machine(format!("the display: {what}"))
}

impl Screen {
    /// Looks at the display with this number.
    /// # Errors
    /// There is none.
    pub fn open(number: u16) -> Result<Self, Failure> {
        let (connection, at) = RustConnection::connect(Some(&format!(":{number}"))).map_err(failed)?;
        let screen = connection.setup().roots.get(at).ok_or_else(|| failed("it has no screen"))?;
        if screen.root_depth != 24 {
            return Err(failed(format!("its pixels have {} bits", screen.root_depth)));
        }
        let root = screen.root;
        Ok(Self { connection, root })
    }

    /// What is to be seen in this area of the display.
    /// # Errors
    /// It is not all on the display.
    pub fn picture(&self, area: Area) -> Result<Pixels, Failure> {
        let Area { x, y, width, height } = area;
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, x, y, width, height, !0);
        let image = image.map_err(failed)?.reply().map_err(failed)?;
        Ok(Pixels::of_display(width, &image.data))
    }

    /// The windows of this process that the window manager knows.
    /// # Errors
    /// The display does not tell.
    pub fn windows_of(&self, process: u32) -> Result<Vec<Window>, Failure> {
        let known = self.property(self.root, "_NET_CLIENT_LIST")?;
        let mut found = Vec::new();
        for id in known.value32().into_iter().flatten() {
            let owner =
                self.property(id, "_NET_WM_PID").map(|owner| owner.value32().and_then(|mut ids| ids.next()));
            // A window that has gone meanwhile is nobody's.
            if matches!(owner, Ok(Some(owner)) if owner == process) {
                found.push(self.window(id)?);
            }
        }
        Ok(found)
    }

    /// Asks a window to close, as a desktop does for Alt and F4.
    /// # Errors
    /// The display does not pass it on.
    pub fn ask_to_close(&self, window: u32) -> Result<(), Failure> {
        let (protocols, close) = (self.atom("WM_PROTOCOLS")?, self.atom("WM_DELETE_WINDOW")?);
        let message = ClientMessageEvent::new(32, window, protocols, [close, 0, 0, 0, 0]);
        let sent = self.connection.send_event(false, window, EventMask::NO_EVENT, message);
        sent.map_err(failed)?.check().map_err(failed)
    }

    /// The mouse goes there, and its button down and, after as long as a finger rests, up again.
    /// # Errors
    /// The display has no such mouse.
    pub fn click(&self, x: i16, y: i16) -> Result<(), Failure> {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y)?;
        self.fake(BUTTON_PRESS_EVENT, 1, 0, 0)?;
        std::thread::sleep(FINGER);
        self.fake(BUTTON_RELEASE_EVENT, 1, 0, 0)
    }

    /// Cuts the display into monitors of these sizes, side by side, for whoever asks which there are.
    pub(super) fn set_monitors(&self, monitors: &[(u16, u16)]) -> Result<(), Failure> {
        self.connection.randr_query_version(1, 5).map_err(failed)?.reply().map_err(failed)?;
        let all = self.connection.randr_get_screen_resources_current(self.root).map_err(failed)?;
        let outputs = all.reply().map_err(failed)?.outputs;
        let mut x = 0;
        for (place, (width, height)) in monitors.iter().copied().enumerate() {
            let millimetres = |pixels: u16| u32::from(pixels) * HUNDREDTHS_OF_MM / 100;
            let monitor = MonitorInfo {
                name: self.atom(&format!("monitor-{place}"))?,
                primary: place == 0,
                x,
                width,
                height,
                width_in_millimeters: millimetres(width),
                height_in_millimeters: millimetres(height),
                // The display's one output is in one of them, or it would be a monitor of its own.
                outputs: if place == 0 { outputs.clone() } else { Vec::new() },
                ..MonitorInfo::default()
            };
            self.connection.randr_set_monitor(self.root, monitor).map_err(failed)?.check().map_err(failed)?;
            x = x.saturating_add_unsigned(width);
        }
        Ok(())
    }

    /// Whether a window manager has begun its work.
    pub(super) fn is_managed(&self) -> Result<bool, Failure> {
        Ok(self
            .property(self.root, "_NET_SUPPORTING_WM_CHECK")?
            .value32()
            .is_some_and(|mut id| id.next().is_some()))
    }

    fn window(&self, id: u32) -> Result<Window, Failure> {
        let title = self.property(id, "_NET_WM_NAME")?.value;
        let state = self.property(id, "_NET_WM_STATE")?;
        let covers = self.atom("_NET_WM_STATE_FULLSCREEN")?;
        let fullscreen = state.value32().is_some_and(|mut states| states.any(|state| state == covers));
        let size = self.connection.get_geometry(id).map_err(failed)?.reply().map_err(failed)?;
        let place = self.connection.translate_coordinates(id, self.root, 0, 0).map_err(failed)?;
        let place = place.reply().map_err(failed)?;
        let area = Area { x: place.dst_x, y: place.dst_y, width: size.width, height: size.height };
        Ok(Window { id, title: String::from_utf8_lossy(&title).into_owned(), area, fullscreen })
    }

    fn property(&self, window: u32, name: &str) -> Result<GetPropertyReply, Failure> {
        let name = self.atom(name)?;
        let asked = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, 1_024);
        asked.map_err(failed)?.reply().map_err(failed)
    }

    fn atom(&self, name: &str) -> Result<u32, Failure> {
        let asked = self.connection.intern_atom(false, name.as_bytes()).map_err(failed)?;
        Ok(asked.reply().map_err(failed)?.atom)
    }

    /// One event of the mouse. Written by hand: the client's own words for it are a part of it that the till's window does
    /// without, and with another part the whole window would be built a second time.
    fn fake(&self, event: u8, button: u8, x: i16, y: i16) -> Result<(), Failure> {
        let extension = self.connection.extension_information(TEST).map_err(failed)?;
        let major = extension.ok_or_else(|| failed("it has no mouse to play"))?.major_opcode;
        let request = fake_input(major, event, button, self.root, (x, y));
        let sent = self.connection.send_request_without_reply(&[IoSlice::new(&request)], Vec::new());
        sent.map_err(failed)?.check().map_err(failed)
    }
}

/// The request, nine words long.
fn fake_input(major: u8, event: u8, button: u8, root: u32, (x, y): (i16, i16)) -> Vec<u8> {
    let words = 9_u16;
    let mut request = vec![major, FAKE_INPUT];
    request.extend(words.to_ne_bytes());
    request.extend([event, button, 0, 0]);
    // At once.
    request.extend(0_u32.to_ne_bytes());
    request.extend(root.to_ne_bytes());
    request.extend([0; 8]);
    request.extend(x.to_ne_bytes());
    request.extend(y.to_ne_bytes());
    request.extend([0; 8]);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_mouse_is_nine_words_with_its_place_in_the_seventh() {
        let request = fake_input(132, MOTION_NOTIFY_EVENT, 0, 0x51, (300, -2));
        assert_eq!(request.len(), 36);
        assert_eq!(request[..6], [132, 2, 9, 0, 6, 0]);
        assert_eq!(request[12..16], [0x51, 0, 0, 0]);
        assert_eq!(request[24..28], [44, 1, 254, 255]);
    }
}
