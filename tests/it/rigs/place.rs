//! Nothing is left behind: not by a rig that panics, not by one that was killed.

use evertill_tests::process::{Process, wait_until};
use evertill_tests::rig::place::{Place, processes_in};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

fn is_mounted(folder: &Path) -> bool {
    fs::read_to_string("/proc/mounts").unwrap().contains(&format!(" {} ", folder.display()))
}

/// A place with a disk and, on it, a process whose child has gone into a session of its own.
fn busy(name: &str) -> (Place, Process, PathBuf) {
    let place = Place::new(name, "nobody").unwrap();
    let folder = place.folder("home").unwrap();
    place.mount(&folder, 4).unwrap();
    let mut command = place.user().command("sh");
    command.current_dir(&folder).args(["-c", "setsid sleep 600 & sleep 600"]);
    let process = Process::spawn("sh", &mut command, &place.log("sh")).unwrap();
    assert!(wait_until(PATIENCE, || processes_in(&folder).len() >= 3), "{:?}", processes_in(&folder));
    assert!(is_mounted(&folder));
    (place, process, folder)
}

#[test]
fn a_place_goes_with_its_processes_and_mounts_when_its_owner_panics() {
    let mut seen = PathBuf::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let (place, _process, folder) = busy("panic");
        seen = folder;
        assert!(!place.dir().exists(), "on purpose");
    }));
    assert!(outcome.is_err());
    assert_eq!(processes_in(&seen), []);
    assert!(!is_mounted(&seen) && !seen.parent().unwrap().exists());
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next() {
    let (place, process, folder) = busy("stale");
    let stale = place.dir().to_path_buf();
    // A run that was killed: its lock is gone, its processes and mounts are not.
    fs::remove_file(stale.join("owner.lock")).unwrap();
    let next = Place::new("next", "nobody").unwrap();
    assert_eq!(processes_in(&folder), []);
    assert!(!is_mounted(&folder) && !stale.exists());
    assert!(next.dir().exists(), "one with a living owner stays");
    let another = Place::new("another", "nobody").unwrap();
    assert!(next.dir().exists() && another.dir().exists());
    drop((process, place));
}
