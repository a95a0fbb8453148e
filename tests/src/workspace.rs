//! Where the workspace and its programs are.

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

fn build() -> Result<(), String> {
    let mut command = Command::new(cargo());
    command.args(["build", "--workspace", "--bins"]).current_dir(root());
    if programs().ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("the programs do not build; see above".into()) }
}
