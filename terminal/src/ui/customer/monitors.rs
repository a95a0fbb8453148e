//! Monitors that come and go.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The sockets that have a monitor, by the folder in which Linux lists them; none where it does not say.
pub fn connected(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let has_monitor = |path: &Path| {
        fs::read_to_string(path.join("status")).is_ok_and(|status| status.trim() == "connected")
    };
    entries
        .flatten()
        .filter(|entry| has_monitor(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// What is to be done about the customer's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All is well, or nothing helps.
    Nothing,
    /// Show it, in its place.
    Place,
    /// Hide it.
    Hide,
}

/// What was seen before.
pub struct Watch {
    monitors: BTreeSet<String>,
    tried: bool,
    hidden: bool,
}

impl Watch {
    /// The window has just been shown, with these monitors.
    pub fn new(monitors: BTreeSet<String>) -> Self {
        Self { monitors, tried: false, hidden: false }
    }

    /// The next look: does it lie over the till's window, and which monitors are there? A window in the wrong place is
    /// put into its own once; if the desktop does not leave it there it is hidden, until a monitor comes or goes.
    pub fn look(&mut self, covers: bool, monitors: BTreeSet<String>) -> Step {
        if monitors != self.monitors {
            self.monitors = monitors;
            (self.tried, self.hidden) = (true, false);
            return Step::Place;
        }
        if self.hidden {
            return Step::Nothing;
        }
        if !covers {
            self.tried = false;
            return Step::Nothing;
        }
        self.hidden = self.tried;
        self.tried = true;
        if self.hidden { Step::Hide } else { Step::Place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> BTreeSet<String> {
        ["card0-DP-1", "card0-HDMI-A-1"].map(String::from).into()
    }

    fn one() -> BTreeSet<String> {
        ["card0-DP-1"].map(String::from).into()
    }

    #[test]
    fn a_window_whose_monitor_is_unplugged_goes_from_over_the_till_and_comes_back_with_it() {
        let mut watch = Watch::new(both());
        assert_eq!(watch.look(false, both()), Step::Nothing);
        assert_eq!(watch.look(true, one()), Step::Place, "perhaps the desktop gives it a place");
        assert_eq!(watch.look(true, one()), Step::Hide, "it does not");
        assert_eq!(watch.look(true, one()), Step::Nothing);
        assert_eq!(watch.look(false, one()), Step::Nothing, "hidden windows say nothing");
        assert_eq!(watch.look(false, both()), Step::Place);
        assert_eq!(watch.look(false, both()), Step::Nothing);
    }

    #[test]
    fn a_window_that_somebody_moved_is_put_back_each_time() {
        let mut watch = Watch::new(BTreeSet::new());
        for _ in 0..3 {
            assert_eq!(watch.look(true, BTreeSet::new()), Step::Place);
            assert_eq!(watch.look(false, BTreeSet::new()), Step::Nothing);
        }
    }

    #[test]
    fn only_sockets_with_a_monitor_count() {
        let dir = tempfile::tempdir().unwrap();
        for (socket, status) in [("card0-DP-1", "connected\n"), ("card0-HDMI-A-1", "disconnected\n")] {
            fs::create_dir(dir.path().join(socket)).unwrap();
            fs::write(dir.path().join(socket).join("status"), status).unwrap();
        }
        fs::create_dir(dir.path().join("card0")).unwrap();
        assert_eq!(connected(dir.path()), one());
        assert_eq!(connected(&dir.path().join("none")), BTreeSet::new());
    }
}
