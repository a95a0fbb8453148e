//! `evertill-journal`: checks and shows a till's journal, and never writes into it.

use clap::{Parser, Subcommand};
use evertill_shared::cashier::Cashier;
use evertill_shared::id::SaleKey;
use evertill_shared::journal::{Body, Entry, Head, RefundSettled, Settled};
use evertill_shared::order::Sale;
use evertill_shared::order::discount::{Discount, Reason};
use evertill_shared::signing::VerifyingKey;
use evertill_terminal::journal_store::{
    FOLDER, Inspected, JournalError, archive_of, inspect, open_read_only, write_whole,
};
use serde_json::json;
use std::fmt::Display;
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks and shows the journal of a till: every entry is signed by the till's key and names the one before it.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  evertill-journal verify /var/lib/evertill-till/till.db\n  \
    evertill-journal verify --json --key BASE64 till.db\n  evertill-journal show till.db\n  evertill-journal show --json till.db | head\n  \
    evertill-journal whole /var/lib/evertill-till/till.db whole.db\n\n\
    Earlier entries are in the folder `archive` beside the journal; verify follows them too if it is there.\n\
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
    /// Write the journal into one new file, its archive included; then verify that file as a whole.
    Whole {
        /// The till's journal (till.db), with the folder `archive` beside it.
        file: PathBuf,
        /// The new file.
        to: PathBuf,
    },
    /// Print the entries of the file itself (`whole` brings those of the archive into one), one a line, without checking them: number, time, what happened, the entry as it was signed.
    Show {
        /// The till's journal (till.db).
        file: PathBuf,
        /// Print only the entries as they were signed: one JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Verify { file, json, key } => verify_command(&file, json, key),
        Command::Whole { file, to } => whole_command(&file, &to),
        Command::Show { file, json } => match show(&file, json, &mut BufWriter::new(stdout().lock())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => unreadable(&error),
        },
    }
}

/// Why nothing (more) was shown.
#[derive(Debug, thiserror::Error)]
enum ShowError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl From<rusqlite::Error> for ShowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.into())
    }
}

fn unreadable(error: &dyn Display) -> ExitCode {
    eprintln!("evertill-journal: {error}");
    ExitCode::from(2)
}

fn verify_command(file: &Path, as_json: bool, key: Option<VerifyingKey>) -> ExitCode {
    let (text, status) = match inspect(file, key) {
        Ok(found) if as_json => {
            let head = &found.head;
            let text = json!({
                "ok": true, "terminal": head.terminal.to_string(), "epoch": head.epoch,
                "entries": head.sequence, "head": head.hash.to_string(),
                "fingerprint": found.key.fingerprint(), "sales": found.sales, "open_sales": found.open,
                "archived": found.archived, "archive_missing": found.archive_missing,
            });
            (text.to_string(), 0)
        }
        Ok(found) => (praise(&found), 0),
        Err(JournalError::Damaged { entry, why }) if as_json => {
            (json!({ "ok": false, "entry": entry, "why": why }).to_string(), 1)
        }
        Err(JournalError::Damaged { entry, why }) => {
            let text = format!(
                "Entry {entry} is wrong: {why}.\n\
                 What comes before it is right. Keep the file as it is, and compare with the server's copy."
            );
            (text, 1)
        }
        Err(error) => return unreadable(&error),
    };
    // A reader that has gone away does not change what was found: that is in the exit status.
    let _ = writeln!(stdout(), "{text}");
    ExitCode::from(status)
}

fn praise(found: &Inspected) -> String {
    let Head { terminal, epoch, sequence, hash } = found.head;
    let archived = match found.archived {
        0 => String::new(),
        to if found.archive_missing => format!(
            "Entries 1 to {to} are in the archive, which is not beside the file: they were NOT looked at. Put the \
             folder `{FOLDER}` there.\n"
        ),
        to => format!("Entries 1 to {to} are in the archive, and were followed there.\n"),
    };
    format!(
        "The journal of {terminal}, key {epoch}: {sequence} entries, every one right.\n{archived}\
         Sales: {}, of which {} neither paid nor given up.\nHead: {hash}\nKey fingerprint: {}",
        found.sales,
        found.open,
        found.key.fingerprint()
    )
}

fn whole_command(file: &Path, to: &Path) -> ExitCode {
    let written = open_read_only(file).and_then(|from| write_whole(&from, &archive_of(file), to));
    match written {
        Ok(_) => verify_command(to, false, None),
        Err(error) => unreadable(&error),
    }
}

/// Shows every entry that can be read; a reader that has seen enough (`| head`) ends it.
fn show(file: &Path, as_json: bool, out: &mut impl Write) -> Result<(), ShowError> {
    match entries(file, as_json, out) {
        Err(ShowError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn entries(file: &Path, as_json: bool, out: &mut impl Write) -> Result<(), ShowError> {
    let connection = open_read_only(file)?;
    let mut statement = connection.prepare("SELECT sequence, text FROM entry ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sequence, text): (i64, String) = (row.get(0)?, row.get(1)?);
        if as_json {
            // What is no entry must not look like one to the program that reads this.
            let readable =
                serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_object());
            let broken = || json!({ "sequence": sequence, "unreadable": text }).to_string();
            writeln!(out, "{}", if readable { text.clone() } else { broken() })?;
            continue;
        }
        match serde_json::from_str::<Entry>(&text) {
            Ok(entry) => writeln!(out, "{sequence}\t{}\t{}\t{text}", entry.at, happened(&entry))?,
            Err(error) => writeln!(out, "{sequence}\tunreadable: {error}")?,
        }
    }
    Ok(out.flush()?)
}

fn happened(entry: &Entry) -> String {
    match &entry.body {
        Body::DrawerOpened { .. }
        | Body::ShiftOpened { .. }
        | Body::CashPaidIn { .. }
        | Body::CashPaidOut { .. }
        | Body::ShiftClosed(_) => at_the_drawer(&entry.body),
        Body::Sale(sale) => {
            let key = SaleKey { terminal: entry.terminal, epoch: entry.epoch, sequence: entry.sequence };
            format!("sale {key} {}{}{}", sale.total, by(sale.cashier.as_ref()), changed_by_hand(sale))
        }
        Body::Opened { .. } => "opened".into(),
        Body::Adopted { sale, number } => format!("sale {sale} is order {number}"),
        Body::PaymentRequested { sale, attempt, amount, .. } => {
            format!("sale {sale} attempt {attempt} {amount} asked")
        }
        Body::RestRequested { sale, attempt, amount, cash, .. } => {
            format!("sale {sale} attempt {attempt} {amount} asked, after {cash} in cash")
        }
        Body::PaymentSettled { sale, attempt, outcome } => {
            let outcome = match outcome {
                Settled::Paid { .. } => "paid",
                Settled::Declined { .. } => "declined",
                Settled::Reversed => "reversed",
            };
            format!("sale {sale} attempt {attempt} {outcome}")
        }
        Body::CashTaken { sale, given, change } => format!("sale {sale} cash {given}, change {change}"),
        Body::CashRest { sale, given, change, part } => {
            format!("sale {sale} rest in cash {given}, change {change}, after {part}")
        }
        Body::CashPart { sale, amount, cashier } => {
            format!("sale {sale} part in cash {amount}{}", by(cashier.as_ref()))
        }
        Body::CashPartBack { sale, amount, later, cashier, approved_by } => {
            let when = if *later { " later" } else { "" };
            let people = people(cashier.as_ref(), approved_by.as_ref());
            format!("sale {sale} part in cash {amount} given back{when}{people}")
        }
        Body::CashPartKept { sale, amount, cashier, approved_by } => {
            let people = people(cashier.as_ref(), approved_by.as_ref());
            format!("sale {sale} part in cash {amount} kept, nobody came for it{people}")
        }
        Body::SaleVoided { sale } => format!("sale {sale} given up"),
        Body::SaleChanged { sale } => format!("sale {sale} becomes another"),
        Body::CartVoided { lines, total, cashier } => {
            format!("{lines} lines given up, {total}{}", by(cashier.as_ref()))
        }
        Body::RefundCarriedOut { refund, number, amount, cashier } => {
            format!("refund {refund} of order {number} {amount}{}", by(cashier.as_ref()))
        }
        Body::CashRefund { refund, number, amount, cashier } => {
            format!("refund {refund} of order {number} {amount} in cash{}", by(cashier.as_ref()))
        }
        Body::RefundSettled { refund, outcome } => match outcome {
            RefundSettled::Done => format!("refund {refund} done"),
            RefundSettled::Refused => format!("refund {refund} refused"),
        },
    }
}

/// What happened at the drawer beside sales and refunds.
fn at_the_drawer(body: &Body) -> String {
    match body {
        Body::DrawerOpened { reason, cashier, approved_by } => {
            format!("drawer opened ({}){}", word(reason), people(cashier.as_ref(), approved_by.as_ref()))
        }
        Body::ShiftOpened { float, cashier, approved_by } => {
            format!("shift opened with {float}{}", people(cashier.as_ref(), approved_by.as_ref()))
        }
        Body::CashPaidIn { amount, reason, cashier, approved_by } => {
            let people = people(cashier.as_ref(), approved_by.as_ref());
            format!("{amount} paid in ({}){people}", word(reason))
        }
        Body::CashPaidOut { amount, reason, cashier, approved_by } => {
            let people = people(cashier.as_ref(), approved_by.as_ref());
            format!("{amount} paid out ({}){people}", word(reason))
        }
        Body::ShiftClosed(closing) => {
            let (counted, expected) = (closing.counted(), closing.expected);
            let people = people(closing.cashier.as_ref(), closing.approved_by.as_ref());
            format!("shift {} closed: counted {counted}, expected {expected}{people}", closing.shift)
        }
        _ => String::new(),
    }
}

fn people(cashier: Option<&Cashier>, approved_by: Option<&Cashier>) -> String {
    let approved = approved_by.map(|who| format!(", approved{}", by(Some(who)).replacen(", ", " by ", 1)));
    by(cashier) + &approved.unwrap_or_default()
}

/// The word that stands in the entry.
fn word(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What somebody changed about the prices, each with its reason and who allowed it.
fn changed_by_hand(sale: &Sale) -> String {
    let off = |discount: &Discount| {
        let allowed = people(None, discount.approved_by.as_ref());
        format!("{} off: {}{allowed}", discount.amount, why(&discount.reason))
    };
    let mut all: Vec<String> = Vec::new();
    for line in &sale.lines {
        if let Some(change) = &line.price_change {
            let allowed = people(None, change.approved_by.as_ref());
            let (was, now) = (change.was, line.unit_price);
            let product = line.product.escape_debug();
            all.push(format!("{product} at {now}, was {was}: {}{allowed}", why(&change.reason)));
        }
        all.extend(
            line.discount.iter().map(|discount| format!("{} {}", line.product.escape_debug(), off(discount))),
        );
    }
    all.extend(sale.discount.iter().map(|discount| format!("whole sale {}", off(discount))));
    if sale.lines_voided > 0 {
        all.push(format!("{} lines voided before", sale.lines_voided));
    }
    all.into_iter().map(|what| format!("; {what}")).collect()
}

fn why(reason: &Reason) -> String {
    // Whatever a till signed is shown on one line.
    let own: String = reason.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let usual = word(&reason.kind);
    if own.is_empty() { usual } else { format!("{usual}, {own}") }
}

fn by(cashier: Option<&Cashier>) -> String {
    cashier.map(Cashier::tidy).map_or_else(String::new, |who| format!(", {} ({})", who.name, who.login))
}
