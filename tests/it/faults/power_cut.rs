//! Rule *nothing-lost*: the power goes. What was not synced is gone, torn, or there; what was acknowledged is there.

#[path = "power_cut/journal.rs"]
mod journal;
#[path = "power_cut/pins.rs"]
mod pins;
#[path = "power_cut/proof.rs"]
mod proof;
#[path = "power_cut/server.rs"]
mod server;

use evertill_tests::process::Process;
use evertill_tests::rig::place::Place;
use evertill_tests::rig::power_cut::{Luck, Recorder, Recording, Seeded};
use evertill_tests::rig::small_disk::SmallDisk;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a cut treats what was not synced: most often some of it is there.
fn luck(random: &mut Seeded) -> Luck {
    match random.below(6) {
        0 | 1 => Luck::Nothing,
        2 => Luck::All,
        3 => Luck::Some { whole: 15 },
        4 => Luck::Some { whole: 50 },
        _ => Luck::Some { whole: 85 },
    }
}

/// A fast disk for the rebuilt files; it goes with the place.
fn workbench(place: &Place) -> PathBuf {
    let folder = place.dir().join("rebuilt");
    drop(SmallDisk::under(place, &folder, 256).unwrap());
    folder.join("disk")
}

/// Something that was acknowledged, by its number, and when at the latest.
struct Acknowledged {
    number: u64,
    at_us: i64,
}

/// Runs one of this program's own tests as a process that writes into `folder` until it has acknowledged so many
/// things; then it is killed. It prints `acknowledged NUMBER MILLISECONDS`.
fn record(
    place: &Place,
    test: &str,
    variables: &[(&str, &str)],
    count: usize,
) -> (Vec<Acknowledged>, Recording) {
    let folder = place.folder(&format!("recorded-{}", variables[0].1)).unwrap();
    let log = place.log(&format!("calls-{}", variables[0].1));
    let recorder = Recorder::new(&folder, &log).unwrap();
    let words = recorder.words();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", test]).current_dir(place.dir()).env(FOLDER, &folder);
    for (name, value) in variables {
        command.env(name, value);
    }
    let mut process = Process::spawn(test, &mut command, &place.log("writer")).unwrap();
    let (_stdin, stdout) = process.take_pipes().unwrap();
    let said = BufReader::new(stdout).lines().map_while(Result::ok).filter_map(|line| acknowledged(&line));
    let told: Vec<Acknowledged> = said.take(count).collect();
    process.kill();
    assert_eq!(told.len(), count, "{}", std::fs::read_to_string(process.log()).unwrap());
    recorder.ended(process.id()).unwrap();
    (told, recorder.recording().unwrap())
}

fn acknowledged(line: &str) -> Option<Acknowledged> {
    let (_, rest) = line.split_once("acknowledged ")?;
    let (number, at) = rest.split_once(' ')?;
    Some(Acknowledged { number: number.parse().ok()?, at_us: (at.trim().parse::<i64>().ok()? + 1) * 1_000 })
}

const FOLDER: &str = "EVERTILL_TEST_POWER_CUT";

/// Where the recorded process is to write, if this is that process.
fn recorded_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from).filter(|folder| Path::new(folder).is_dir())
}
