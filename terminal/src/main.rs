//! `evertill-till`: the till.

use clap::Parser;
use evertill_terminal::app::{RunOptions, run};
use evertill_terminal::config::Config;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// The log is begun anew when it is larger than this; the one before is kept.
const LOG_BYTES: u64 = 10 << 20;

/// A till of an Evertill store.
///
/// At its first start it makes its own key and asks for the server and an enrolment code.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  evertill-till --data /var/lib/evertill-till\n  evertill-till --data /var/lib/evertill-till --check\n\n\
    The directory holds till.toml (servers, scanner, printer), trust.json (from IT) and, made by the till itself,\n\
    its sealed key and its journal (till.db)."
)]
struct Arguments {
    /// The till's directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Write the log to standard error instead of till.log in the directory.
    #[arg(long)]
    log_to_stderr: bool,
    /// Only look whether the till could start: its settings, its trust file, fonts. Changes nothing else, shows no
    /// window; exit status 0 if it could.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = start_log(&arguments) {
        eprintln!("evertill-till: the log cannot be written: {error}");
    }
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the till has ended");
            eprintln!("evertill-till: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    evertill_terminal::fonts::ensure(&arguments.data)?;
    if arguments.check {
        let config = Config::read(&arguments.data)?;
        config.trust(&arguments.data)?;
        writeln!(io::stdout(), "The settings, the trust file and the fonts are right: the till can start.")?;
        return Ok(());
    }
    Ok(run(RunOptions { data: arguments.data })?)
}

fn start_log(arguments: &Arguments) -> io::Result<()> {
    let writer = if arguments.log_to_stderr {
        BoxMakeWriter::new(io::stderr)
    } else {
        BoxMakeWriter::new(Mutex::new(log_file(&arguments.data)?))
    };
    let filter = EnvFilter::try_from_env("EVERTILL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).init();
    Ok(())
}

fn log_file(data: &Path) -> io::Result<File> {
    fs::create_dir_all(data)?;
    let path = data.join("till.log");
    if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_BYTES) {
        fs::rename(&path, data.join("till.log.1"))?;
    }
    File::options().create(true).append(true).open(path)
}
