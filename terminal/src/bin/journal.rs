//! `evertill-journal`: checks and shows a till's journal, and never writes.

use clap::{Parser, Subcommand};
use evertill_shared::id::SaleKey;
use evertill_shared::journal::{Body, Entry, Head};
use evertill_shared::signing::VerifyingKey;
use evertill_terminal::journal_store::{
    JournalError, Rebuilt, first_entry, follow, open_read_only, stored_head,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks and shows the journal of a till: every entry is signed by the till's key and names the one before it.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  evertill-journal verify /var/lib/evertill-till/till.db\n  \
    evertill-journal verify --json --key BASE64 till.db\n  evertill-journal show till.db\n\n\
    Compare the fingerprint that is printed with the till's in the console: the journal names its own key.\n\
    Exit status: 0 if every entry is right, 1 if not, 2 if it cannot be read."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Follow the chain from the first entry; name the first that is wrong, and why.
    Verify {
        /// The till's journal (till.db).
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// The till's public key in base64, if it is known from elsewhere.
        #[arg(long, value_name = "BASE64")]
        key: Option<VerifyingKey>,
    },
    /// Print the entries, one JSON object a line, without checking them.
    Show {
        /// The till's journal (till.db).
        file: PathBuf,
    },
}

/// A journal that is right.
struct Verified {
    head: Head,
    key: VerifyingKey,
    sales: usize,
    open: usize,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Verify { file, json, key } => verify_command(&file, json, key),
        Command::Show { file } => match show(&file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => unreadable(&error),
        },
    }
}

fn unreadable(error: &JournalError) -> ExitCode {
    eprintln!("evertill-journal: {error}");
    ExitCode::from(2)
}

fn verify_command(file: &Path, as_json: bool, key: Option<VerifyingKey>) -> ExitCode {
    match verify(file, key) {
        Ok(found) if as_json => {
            let head = &found.head;
            println!(
                "{}",
                json!({
                    "ok": true, "terminal": head.terminal.to_string(), "epoch": head.epoch,
                    "entries": head.sequence, "head": head.hash.to_string(),
                    "fingerprint": found.key.fingerprint(), "sales": found.sales, "open_sales": found.open,
                })
            );
            ExitCode::SUCCESS
        }
        Ok(found) => {
            let Head { terminal, epoch, sequence, hash } = found.head;
            println!("The journal of {terminal}, key {epoch}: {sequence} entries, every one right.");
            println!("Sales: {}, of which {} neither paid nor given up.", found.sales, found.open);
            println!("Head: {hash}\nKey fingerprint: {}", found.key.fingerprint());
            ExitCode::SUCCESS
        }
        Err(JournalError::Damaged { entry, why }) => {
            if as_json {
                println!("{}", json!({ "ok": false, "entry": entry, "why": why }));
            } else {
                println!("Entry {entry} is wrong: {why}.");
                println!(
                    "What comes before it is right. Keep the file as it is, and compare with the server's copy."
                );
            }
            ExitCode::from(1)
        }
        Err(error) => unreadable(&error),
    }
}

fn verify(file: &Path, key: Option<VerifyingKey>) -> Result<Verified, JournalError> {
    let connection = open_read_only(file)?;
    let first = first_entry(&connection)?;
    let key = key.map_or_else(|| named_key(&first), Ok)?;
    let start = Head::start(first.terminal, first.epoch);
    if let Some(head) = stored_head(&connection)?
        && (head.terminal, head.epoch) != (first.terminal, first.epoch)
    {
        return Err(JournalError::Damaged {
            entry: 1,
            why: "it belongs to another till than the head".into(),
        });
    }
    let mut books = Rebuilt::default();
    let head = follow(&connection, start, key, |entry| {
        books.take(entry).map_err(|broken| JournalError::Damaged {
            entry: entry.sequence,
            why: format!("it breaks a rule: {broken}"),
        })
    })?;
    let open = books.sales.values().filter(|sale| sale.is_open()).count();
    Ok(Verified { head, key, sales: books.sales.len(), open })
}

/// The first entry names the key; whether it is the till's is for a person to compare.
fn named_key(first: &Entry) -> Result<VerifyingKey, JournalError> {
    match &first.body {
        Body::Opened { public_key } => Ok(*public_key),
        _ => Err(JournalError::Damaged {
            entry: 1,
            why: "it does not open the journal with the till's key".into(),
        }),
    }
}

fn show(file: &Path) -> Result<(), JournalError> {
    let connection = open_read_only(file)?;
    let mut statement = connection.prepare("SELECT sequence, text FROM entry ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sequence, text): (i64, String) = (row.get(0)?, row.get(1)?);
        let sequence = u64::try_from(sequence).unwrap_or(0);
        match serde_json::from_str::<Entry>(&text) {
            Ok(Entry { at, body: Body::Sale(sale), terminal, epoch, .. }) => {
                let key = SaleKey { terminal, epoch, sequence };
                println!("{sequence}\t{at}\tsale {key} {}\t{text}", sale.total);
            }
            Ok(entry) => println!("{sequence}\t{}\t{text}", entry.at),
            Err(error) => println!("{sequence}\tunreadable: {error}"),
        }
    }
    Ok(())
}
