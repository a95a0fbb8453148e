//! The same till as it is delivered: `evertill-till` in its own window, on a display without a monitor, under the window
//! manager of a kiosk. What is on the display is read from outside, so nothing is counted that a person would not see; what it
//! means is known from the same page drawn into memory.
//!
//! The display is asked for a small part of its picture over and over, and the time is taken when an answer that shows it is
//! here: a figure is too large by up to one such question, never too small.

use super::desk::{now_ms, touch};
use super::{goods, idle, median, ms_at};
use crate::load::figures::rounded;
use crate::load::usage::{Memory, proportional_mib};
use crate::load::{say, wrong};
use crate::process::wait_until;
use crate::rig::display::{Area, Display, Screen};
use crate::shown_till::{Page, ShownTill, moved};
use crate::store_rig::RigError;
use crate::window_till::WindowTill;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Each of the two monitors: as large as the window that is drawn into memory.
const MONITOR: (u16, u16) = (1024, 768);
const TILL: Area = Area { x: 0, y: 0, width: 1024, height: 768 };
const CUSTOMER: Area = Area { x: 1024, y: 0, width: 1024, height: 600 };
/// Between two questions for the picture.
const LOOK: Duration = Duration::from_micros(500);
/// After so long what did not come counts as lost.
const LOST: f64 = 5_000.0;
/// The pause after a scan: everything that it sets going has ended.
const PAUSE: Duration = Duration::from_millis(200);
/// After so many pauses without a change a window has all that it is to show.
const STILL: u32 = 5;
/// A window that closes has closed by then.
const CLOSING: Duration = Duration::from_millis(500);
/// The customer's window needs no more scans for its figure.
const CUSTOMER_SCANS: usize = 20;
/// Beside the count of items: longer counts are wider.
const WIDER: u16 = 48;

/// The till on its display.
struct Seen<'a> {
    dir: PathBuf,
    log: PathBuf,
    display: &'a Display,
    /// Its first page, with one item in the sale.
    page: Page,
}

/// Measures it with the till's own folder; `till` is switched off meanwhile, and on again in the end. It has to show the page
/// that says that a sale is paid.
pub(super) fn measure(
    till: &mut WindowTill,
    logs: &Path,
    scans: usize,
    starts: usize,
) -> Result<Value, RigError> {
    let page = first_page(till)?;
    let display = Display::start(&[MONITOR, MONITOR]).map_err(wrong)?;
    till.power_cut();
    let seen = Seen { dir: till.dir().to_owned(), log: logs.join("logs/shown.log"), display: &display, page };
    let settings = Settings::covering(&seen.dir)?;
    let (mut times, shown) = seen.starts(starts)?;
    let pid = shown.id();
    let at_start = Memory::of(pid)?;
    seen.page.is_seen(seen.screen(), TILL)?;
    let idle = idle(pid)?;
    let mut alone = seen.scans(till, scans, seen.count()?)?;
    let (memory, share) = (Memory::of(pid)?, proportional_mib(pid)?);
    let shown = seen.stays(shown)?;
    shown.power_cut();
    settings.with_customer()?;
    let (mut beside, with_both) = seen.customer(till, scans.min(CUSTOMER_SCANS))?;
    drop(settings);
    till.power_on()?;
    // The goods that were scanned are in the sale, neither more nor fewer: the picture changed for each, and for each once.
    till.wait(&format!("{} items", 1 + alone.len() + beside.len()))?;
    Ok(json!({
        "start_ms": median(&mut times),
        "start_slowest_ms": rounded(times.last().copied().unwrap_or(0.0), 1),
        "scan_to_line_p50_ms": ms_at(&mut alone, 0.5),
        "scan_to_line_p99_ms": ms_at(&mut alone, 0.99),
        "scans": scans,
        "memory_at_start_mb": rounded(at_start.resident, 1),
        "memory_mb": rounded(memory.resident, 1),
        "memory_in_no_file_mb": rounded(memory.anonymous, 1),
        "memory_share_mb": rounded(share, 1),
        "memory_with_customer_mb": rounded(with_both.resident, 1),
        "scan_to_customer_p99_ms": ms_at(&mut beside, 0.99),
        "idle_cpu_percent": rounded(idle, 2),
        "close_requests_kept_off": true,
    }))
}

/// What it shows after a start with one item in hand.
fn first_page(till: &mut WindowTill) -> Result<Page, RigError> {
    touch(till, "Next sale")?;
    till.scan(&goods::code(100))?;
    till.wait("1 item")?;
    // A line that has just come looks otherwise than one that was there.
    till.power_cut();
    till.power_on()?;
    till.wait("1 item")?;
    till.wait_containing("Online", Duration::from_secs(15))?;
    Ok(Page::of(till)?)
}

impl Seen<'_> {
    fn screen(&self) -> &Screen {
        self.display.screen()
    }

    fn switch_on(&self) -> Result<ShownTill, RigError> {
        Ok(ShownTill::start(&self.dir, self.display, &self.log)?)
    }

    /// Where the number of items stands, and what may be beside it.
    fn count(&self) -> Result<Area, RigError> {
        let Area { x, y, width, height } = self.page.place("1 item")?;
        let left = x.saturating_sub_unsigned(WIDER).max(0);
        let edge = i16::try_from(TILL.width).map_err(wrong)?;
        let right = x.saturating_add_unsigned(width).saturating_add_unsigned(WIDER).min(edge);
        Ok(Area { x: left, y, width: u16::try_from(right - left).map_err(wrong)?, height })
    }

    /// Starts it so many times; milliseconds from each start until its page can be used and has the sale that was in hand.
    fn starts(&self, starts: usize) -> Result<(Vec<f64>, ShownTill), RigError> {
        let (first, mut till) = self.start()?;
        let mut times = vec![first];
        for _ in 1..starts {
            till.power_cut();
            let (took, again) = self.start()?;
            times.push(took);
            till = again;
        }
        Ok((times, till))
    }

    fn start(&self) -> Result<(f64, ShownTill), RigError> {
        let began = now_ms();
        let mut till = self.switch_on()?;
        for words in [super::USABLE, "1 item"] {
            let area = self.page.place(words)?;
            let wanted = self.page.part(area);
            let look = || Ok(self.screen().picture(moved(area, TILL)).map_err(wrong)?.is_like(&wanted));
            if until(began, look)?.is_none() {
                let ended = till.exit_code();
                return Err(wrong(format!(
                    "“{words}” does not come on the display (it ended with {ended:?})"
                )));
            }
        }
        Ok((now_ms() - began, till))
    }

    /// Scans codes one by one; for each, how long it took until what is seen there was another picture.
    fn scans(&self, till: &mut WindowTill, scans: usize, there: Area) -> Result<Vec<Duration>, RigError> {
        let mut times = Vec::new();
        let look = || self.screen().picture(there).map_err(wrong);
        for n in 0..scans {
            let before = look()?;
            let began = now_ms();
            till.scan(&goods::code(101 + n))?;
            let took = until(began, || Ok(look()? != before))?;
            let took = took.ok_or_else(|| wrong(format!("scan {n} never came on the display")))?;
            times.push(Duration::from_secs_f64(took / 1e3));
            std::thread::sleep(PAUSE);
        }
        Ok(times)
    }

    /// Waits until nothing changes there any more: after that only a scan does.
    fn is_still(&self, there: Area) -> Result<(), RigError> {
        let mut before = self.screen().picture(there).map_err(wrong)?;
        let mut looks = 0;
        let still = wait_until(Duration::from_secs(20), || {
            std::thread::sleep(PAUSE);
            let Ok(now) = self.screen().picture(there) else { return false };
            looks = if now == before { looks + 1 } else { 0 };
            before = now;
            looks >= STILL
        });
        if still { Ok(()) } else { Err(wrong("the customer's window does not come to rest")) }
    }

    /// Asks every window of it to close, as a desktop does: it stays.
    fn stays(&self, mut till: ShownTill) -> Result<ShownTill, RigError> {
        let windows = self.screen().windows_of(till.id()).map_err(wrong)?;
        if windows.is_empty() {
            return Err(wrong("the window manager knows no window of the till's"));
        }
        for window in &windows {
            self.screen().ask_to_close(window.id).map_err(wrong)?;
        }
        std::thread::sleep(CLOSING);
        let left = self.screen().windows_of(till.id()).map_err(wrong)?;
        if till.is_running() && left == windows {
            Ok(till)
        } else {
            Err(wrong("a request to close ended the kiosk"))
        }
    }

    /// With the customer's window beside it: how long a scan takes until the customer sees it, and what both windows hold.
    fn customer(&self, till: &mut WindowTill, scans: usize) -> Result<(Vec<Duration>, Memory), RigError> {
        say("the customer's window beside it");
        let shown = self.switch_on()?;
        let both = || {
            let known = self.screen().windows_of(shown.id()).unwrap_or_default();
            let at = |area: Area| known.iter().any(|window| window.area == area);
            at(TILL) && at(CUSTOMER)
        };
        if !wait_until(Duration::from_secs(20), both) {
            return Err(wrong("the till's two windows are not where they belong"));
        }
        self.is_still(CUSTOMER)?;
        let times = self.scans(till, scans, CUSTOMER)?;
        let memory = Memory::of(shown.id())?;
        shown.power_cut();
        Ok((times, memory))
    }
}

/// Milliseconds from `began` until it is so; nothing if it does not come.
fn until(began: f64, is_so: impl Fn() -> Result<bool, RigError>) -> Result<Option<f64>, RigError> {
    loop {
        let so = is_so()?;
        let took = now_ms() - began;
        if so {
            return Ok(Some(took));
        }
        if took > LOST {
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

/// The till's settings while this lives; then they are what they were.
struct Settings {
    path: PathBuf,
    before: String,
}

impl Settings {
    /// All of its monitor, and no frame.
    fn covering(dir: &Path) -> Result<Self, RigError> {
        let path = dir.join("till.toml");
        let before = std::fs::read_to_string(&path).map_err(wrong)?;
        let settings = Self { path, before };
        settings.write("")?;
        Ok(settings)
    }

    fn with_customer(&self) -> Result<(), RigError> {
        let Area { x, y, width, height } = CUSTOMER;
        self.write(&format!("\n[customer_screen]\nposition = [{x}, {y}]\nsize = [{width}, {height}]\n"))
    }

    fn write(&self, further: &str) -> Result<(), RigError> {
        std::fs::write(&self.path, format!("kiosk = true\n{}{further}", self.before)).map_err(wrong)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(&self.path, &self.before) {
            say(format_args!("{}: {error}", self.path.display()));
        }
    }
}
