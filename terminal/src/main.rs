//! `evertill-till`: the till.

use clap::{Parser, Subcommand};
use evertill_shared::clock::{Clock as _, SystemClock};
use evertill_terminal::app::{RunOptions, display_words, run};
use evertill_terminal::config::{Config, spoken_languages};
use evertill_terminal::fonts::lacking;
use evertill_terminal::language::{Translation, to_fill_in};
use evertill_terminal::print::letters::what_is_lost;
use evertill_terminal::print::{all_words, template_file};
use evertill_terminal::upkeep::{UpkeepError, back_up, bring, leave};
use evertill_terminal::view::Language;
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
    after_help = "Example:\n  evertill-till --data /var/lib/evertill-till\n  evertill-till --data /var/lib/evertill-till --check\n  \
    evertill-till --data /var/lib/evertill-till backup /media/usb/till-3\n\n\
    The directory holds till.toml (servers, scanner, printer), trust.json (from IT), receipt.template if the shop has\n\
    its own (see evertill-receipt) and, made by the till itself,\n\
    its sealed key and its journal (till.db)."
)]
struct Arguments {
    /// The till's directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Write the log to standard error instead of till.log in the directory.
    #[arg(long)]
    log_to_stderr: bool,
    /// Only look whether the till could start: its settings, its trust file, the receipts' template, fonts. Changes nothing else, shows no
    /// window; exit status 0 if it could.
    #[arg(long)]
    check: bool,
    /// Something else than to sell.
    #[command(subcommand)]
    command: Option<Upkeep>,
}

#[derive(Subcommand)]
enum Upkeep {
    /// Copy the till's journal, archive and settings into a new directory, and check the copy. The till may sell meanwhile.
    ///
    /// The copy holds no key: it is for looking at, and for `bring` on another machine. It is never put back.
    #[command(
        after_help = "Example:\n  evertill-till --data /var/lib/evertill-till backup /media/usb/till-3-2026-11-22"
    )]
    Backup {
        /// The new directory.
        to: PathBuf,
    },
    /// Write a translation file to be filled in, with every text of the screens and of receipts.
    #[command(after_help = "Example:\n  evertill-till --data /var/lib/evertill-till words > fr.po")]
    Words,
    /// End this machine's life as its till, for another to take its place: destroys its key. The till must not run.
    ///
    /// Refuses while anything is not finished or not at the server, and while sales of today could be refunded here. Make a
    /// backup first.
    #[command(after_help = "Example:\n  evertill-till --data /var/lib/evertill-till leave")]
    Leave {
        /// Although sales of today can then be refunded at no till any more.
        #[arg(long)]
        without_refunds: bool,
    },
    /// Make a directory ready for a new till that takes another's place: its settings, and its journal to look at.
    ///
    /// The new till makes its own key and gets a number of its own when it is enrolled.
    #[command(
        after_help = "Example:\n  evertill-till --data /var/lib/evertill-till bring /media/usb/till-3-2026-11-22"
    )]
    Bring {
        /// A directory that `backup` has made.
        from: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(command) = &arguments.command {
        return match keep_up(&arguments.data, command) {
            Ok(text) => {
                // A reader that has gone away does not change what was done.
                let _ = writeln!(io::stdout(), "{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("evertill-till: {error}");
                ExitCode::FAILURE
            }
        };
    }
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
        template_file::check(&arguments.data)?;
        let languages = look_at_languages(&arguments.data, &config)?;
        let lost = config.printer.as_ref().map_or("", |printer| what_is_lost(&printer.profile()));
        let right = "The settings, the trust file, the receipts' template and the fonts are right: the till can start.";
        writeln!(io::stdout(), "{languages}{lost}{right}")?;
        return Ok(());
    }
    Ok(run(RunOptions { data: arguments.data })?)
}

/// What the languages of the shop's own files say, in words.
fn look_at_languages(data: &Path, config: &Config) -> Result<String, Box<dyn Error>> {
    let (languages, mut wrong) = spoken_languages(data, config);
    if !wrong.is_empty() {
        return Err(wrong.remove(0).into());
    }
    let says = |added: &Translation| {
        let (has, all) = added.covered();
        let letters = lacking(added.letters());
        let blank = match letters.is_empty() {
            true => String::new(),
            false => format!(
                "The screens' own font lacks {letters}: install a font that has them, or they stay blank.\n"
            ),
        };
        format!("{} ({}): {has} of {all} texts, the others in English.\n{blank}", added.name(), added.code())
    };
    Ok(languages.into_iter().filter_map(Language::added).map(says).collect())
}

/// Does it, and says what was done and what is to be done next.
fn keep_up(data: &Path, command: &Upkeep) -> Result<String, UpkeepError> {
    Ok(match command {
        Upkeep::Words => to_fill_in(all_words().into_iter().chain(display_words())),
        Upkeep::Backup { to } => {
            let done = back_up(data, to)?;
            let (head, to) = (done.journal.head, to.display());
            let unsent = match head.sequence.saturating_sub(done.handed_in) {
                0 => "The server has all of them.".to_owned(),
                unsent => format!(
                    "The server does not have the last {unsent} of them yet: only the till itself can hand them in."
                ),
            };
            let trust = done.trust_from.map(|from| format!("\ntrust.json is a copy of {}.", from.display()));
            format!(
                "The journal of {}, key {}, is in {to}: {} entries, every one right, {} of them in {} files of the \
                 archive.\n{unsent}\nSettings: {}. There is no key in it.{}",
                head.terminal,
                head.epoch,
                head.sequence,
                done.journal.archived,
                done.archive_files,
                done.settings.join(", "),
                trust.unwrap_or_default()
            )
        }
        Upkeep::Leave { without_refunds } => {
            let left = leave(data, SystemClock.now(), *without_refunds)?;
            format!(
                "{0} has left this machine: its key is destroyed. Its journal is {1}.\nNow retire it: \
                 evertill-admin terminal retire {0} --reason \"replaced\" …",
                left.terminal,
                data.join(&left.journal).display()
            )
        }
        Upkeep::Bring { from } => {
            let brought = bring(data, from)?;
            let trust = brought.trust_missing.map(|named| {
                format!(
                    "\ntill.toml names {} for the trust file, and there is none on this machine: put it there, or take that \
                     line out so that the trust.json that was brought counts.",
                    named.display()
                )
            });
            format!(
                "The settings are in {0} ({1}), and the journal of {2} in {3}: {4} entries, every one right.\nNow start \
                 the till there and enrol it with a new code. It gets a number of its own.{5}",
                data.display(),
                brought.settings.join(", "),
                brought.journal.head.terminal,
                brought.place,
                brought.journal.head.sequence,
                trust.unwrap_or_default()
            )
        }
    })
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
