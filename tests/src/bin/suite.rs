//! `cargo suite`: everything that must hold before a change may land, in one command, on a fresh Debian.
//! Installs what it needs itself and says so.

use clap::Parser;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_tests::rig::packages::{self, Package};
use evertill_tests::workspace;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const DENY_VERSION: &str = "0.20.2";

/// Checks the whole workspace: format, lints, licences, all tests.
#[derive(Parser)]
#[command(name = "cargo suite", after_help = "Example:\n  cargo suite\n  cargo suite -- --only tests")]
struct Options {
    /// Run one step alone: format, lints, licences, tests.
    #[arg(long, value_name = "STEP")]
    only: Option<String>,
}

struct Step {
    name: &'static str,
    run: fn(&mut Outcome) -> Result<(), String>,
}

#[derive(Default)]
struct Outcome {
    passed: u64,
    failed: u64,
    skipped: u64,
    failures: Failures,
}

/// What the tests that failed said: told again at the end, where it is looked for, without the frames of the stack.
#[derive(Default)]
struct Failures {
    said: Vec<String>,
    state: Saying,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Saying {
    #[default]
    Nothing,
    Words,
    Frames,
}

/// Lines of one test that are told again.
const TOLD_AGAIN: usize = 40;

const STEPS: [Step; 4] = [
    Step { name: "format", run: format },
    Step { name: "tests", run: tests },
    Step { name: "lints", run: lints },
    Step { name: "licences", run: licences },
];

fn main() -> ExitCode {
    let options = Options::parse();
    let known = |name: &String| STEPS.iter().any(|step| step.name == *name);
    if let Some(unknown) = options.only.as_ref().filter(|name| !known(name)) {
        eprintln!("there is no step {unknown:?}; the steps are: format, tests, lints, licences");
        return ExitCode::from(2);
    }
    let mut total = Outcome::default();
    let mut broken = Vec::new();
    for step in STEPS.iter().filter(|step| options.only.as_deref().is_none_or(|only| only == step.name)) {
        println!("── {} ──", step.name);
        let start = SystemClock.monotonic();
        let result = (step.run)(&mut total);
        let seconds = SystemClock.monotonic().saturating_sub(start).as_secs();
        match result {
            Ok(()) => println!("── {}: good, {seconds} s", step.name),
            Err(why) => {
                println!("── {}: BROKEN after {seconds} s: {why}", step.name);
                broken.push(step.name);
            }
        }
    }
    if !total.failures.said.is_empty() {
        println!("── what failed, again ──\n{}", total.failures.said.join("\n"));
    }
    println!("suite took {} s", SystemClock.monotonic().as_secs());
    println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("broken: {}", broken.join(", "));
        ExitCode::FAILURE
    }
}

fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Result<(), String> {
    let program = program.as_ref();
    let status = workspace::command(program)
        .args(arguments)
        .status()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} {}", program.display(), arguments.join(" "))) }
}

fn format(_: &mut Outcome) -> Result<(), String> {
    run(workspace::cargo(), &["fmt", "--all", "--check"])
}

fn lints(_: &mut Outcome) -> Result<(), String> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    run(workspace::cargo(), &arguments)
}

/// Licences, bans and sources. Advisories need a database from the net: said, not hidden, when out of reach.
fn licences(_: &mut Outcome) -> Result<(), String> {
    let deny = cargo_deny()?;
    run(&deny, &["check", "licenses", "bans", "sources"])?;
    if run(&deny, &["check", "advisories"]).is_err() {
        println!("advisories: not checked or not clean (their database could not be reached, or see above)");
    }
    Ok(())
}

fn cargo_deny() -> Result<PathBuf, String> {
    let on_path = Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).status();
    if on_path.is_ok_and(|status| status.success()) {
        return Ok(PathBuf::from("cargo-deny"));
    }
    let tools = workspace::target().join("tools");
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        println!("installing cargo-deny {DENY_VERSION} into {} (about three minutes)", tools.display());
        let root = tools.to_string_lossy();
        run(
            workspace::cargo(),
            &["install", "cargo-deny", "--locked", "--quiet", "--version", DENY_VERSION, "--root", &root],
        )?;
    }
    Ok(program)
}

/// All tests of all packages, with their numbers added up, of those that failed as well.
fn tests(outcome: &mut Outcome) -> Result<(), String> {
    // A real browser for the console's pages; real servers for the rigs.
    packages::ensure(&Package::ALL).map_err(|failure| failure.to_string())?;
    workspace::build_programs()?;
    let mut child = workspace::command(workspace::cargo())
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cargo test cannot be started: {error}"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            outcome.add(&line);
            outcome.failures.add(&line);
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if outcome.passed == 0 {
        return Err("no test ran".into());
    }
    if status.success() { Ok(()) } else { Err(format!("{} tests failed", outcome.failed)) }
}

impl Outcome {
    /// Takes in a line like `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result:") else { return };
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|w| w.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

impl Failures {
    /// Takes in a line of what `cargo test` prints. A test's own words stand under its name, between dashes, up to the next
    /// or to the list of names.
    fn add(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.state = Saying::Words;
            self.said.push(line.to_owned());
            return;
        }
        match (self.state, line) {
            (Saying::Nothing, _) => {}
            (_, "failures:") => self.state = Saying::Nothing,
            (_, "stack backtrace:") => self.state = Saying::Frames,
            (Saying::Frames, _) if line.starts_with("note: ") => self.state = Saying::Words,
            (Saying::Frames, _) => {}
            (Saying::Words, _) => {
                if let Some(said) = self.said.last_mut().filter(|said| said.lines().count() < TOLD_AGAIN) {
                    said.push('\n');
                    said.push_str(line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
running 2 tests
test a ... FAILED
test b ... FAILED

failures:

---- a stdout ----
thread 'a' panicked at x.rs:1:2:
left is not right
stack backtrace:
   0: rust_begin_unwind
             at ./x.rs:9:9
note: run with more
the till's log

---- b stdout ----
why

failures:
    a
    b

test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn what_failed_is_told_again_without_frames_and_counted() {
        let mut outcome = Outcome::default();
        for line in PRINTED.lines() {
            outcome.add(line);
            outcome.failures.add(line);
        }
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (3, 2, 1));
        let [a, b] = &outcome.failures.said[..] else { panic!("{:?}", outcome.failures.said) };
        assert_eq!(
            a.trim_end(),
            "---- a stdout ----\nthread 'a' panicked at x.rs:1:2:\nleft is not right\nthe till's log"
        );
        assert_eq!(b.trim_end(), "---- b stdout ----\nwhy");
    }

    #[test]
    fn a_test_that_says_much_is_cut() {
        let mut failures = Failures::default();
        failures.add("---- a stdout ----");
        (0..1_000).for_each(|n| failures.add(&format!("line {n}")));
        assert_eq!(failures.said[0].lines().count(), TOLD_AGAIN);
    }
}
