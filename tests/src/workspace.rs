//! Where the workspace and its programs are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The workspace's own folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs us, or the one on the path.
#[must_use]
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// A call of another program from the workspace's folder, in the same environment as if it were typed by hand.
/// The cargo that runs us has set variables about our own package; build scripts that watch them (ring's does)
/// would run anew, and with them the build of nearly everything, each time the caller is another.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    const OURS: [&str; 5] =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| OURS.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// The folder that cargo builds into.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The folder of the programs built in the same profile as this one.
#[must_use]
pub fn programs() -> PathBuf {
    let here = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    match here {
        Some(folder) if folder.ends_with("deps") => folder.parent().map_or(folder.clone(), Path::to_path_buf),
        Some(folder) => folder,
        None => target().join("debug"),
    }
}

/// A program of ours, for example `evertill-server`.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    programs().join(name)
}

/// Builds all programs of the workspace in this program's own profile, once per process.
/// # Errors
/// What cargo said, in short.
pub fn build_programs() -> Result<(), String> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

/// Builds the till with its window in this program's own profile, for whoever was built without it himself.
/// # Errors
/// What cargo said, in short.
pub fn build_window_till() -> Result<(), String> {
    if cfg!(feature = "window") {
        return build_programs();
    }
    let mut command = command(cargo());
    command.args(["build", "--package", "evertill-tests", "--bin", "evertill-till-headless"]);
    // As it is delivered, too: in one build, so that the window is compiled once.
    command.args(["--package", "evertill-terminal", "--bin", "evertill-till"]);
    finish(command)
}

fn build() -> Result<(), String> {
    let mut command = command(cargo());
    command.args(["build", "--bins"]);
    if cfg!(feature = "window") {
        command.arg("--workspace");
    } else {
        // Who does without the till's window does not wait for its build either.
        command.args([
            "--package",
            "evertill-server",
            "--package",
            "evertill-tests",
            "--no-default-features",
        ]);
    }
    finish(command)
}

/// Runs a build in this program's own profile.
fn finish(mut command: Command) -> Result<(), String> {
    match programs().file_name().and_then(OsStr::to_str) {
        Some("debug") | None => {}
        Some(profile) => {
            command.args(["--profile", profile]);
        }
    }
    let status = command.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("the programs do not build; see above".into()) }
}
