//! `evertill-till-headless`: the till, whole and unchanged, in a window that is drawn into memory and driven by JSON
//! commands on standard input, one per line, each answered by one line on standard output.
//!
//! Commands: `{"cmd":"tap","label":"Cash"}`, `{"cmd":"tap_twice","label":"Cash","pause_ms":80}`,
//! `{"cmd":"type","text":"69\n"}`, `{"cmd":"wait","label":"Paid","timeout_ms":5000,"gone":false}`,
//! `{"cmd":"labels"}`, `{"cmd":"shot","path":"x.png"}`,
//! `{"cmd":"follow","labels":["3 items"]}`, `{"cmd":"followed"}`, `{"cmd":"now"}`,
//! `{"cmd":"drag","from":[300,500],"to":[300,200]}`, `{"cmd":"size","width":1920,"height":1080}`, `{"cmd":"close"}`,
//! `{"cmd":"quit"}`.

use clap::Parser;
use evertill_terminal::app::{RunOptions, run};
use evertill_tests::headless;
use std::error::Error;
use std::io::{BufReader, stderr, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// The till without a display, for whole-system tests. Ends with its input.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The till's directory, as for evertill-till.
    #[arg(long, value_name = "DIR", required_unless_present = "bare")]
    data: Option<PathBuf>,
    /// A window with one line of text instead of the till: what any window costs on this machine.
    #[arg(long)]
    bare: bool,
    /// The window's width in pixels.
    #[arg(long, default_value_t = 1024)]
    width: u32,
    /// The window's height in pixels.
    #[arg(long, default_value_t = 768)]
    height: u32,
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("EVERTILL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(stderr).init();
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertill-till-headless: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let surface = headless::install(arguments.width, arguments.height)?;
    headless::serve(&surface, BufReader::new(stdin()), stdout())?;
    match arguments.data {
        Some(data) if !arguments.bare => run(RunOptions { data })?,
        _ => headless::run_bare()?,
    }
    Ok(())
}
