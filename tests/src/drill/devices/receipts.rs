//! Receipts by the ten thousand through the till's own printing: the stored job, the layout, the driver. In front of the
//! printer stands a cashier who looks at the paper before asking for a copy.

use super::super::DrillError;
use super::room::{Fault, Room, When, Wire};
use crate::simulator::printer::{PrinterConfig, print_bytes};
use crate::world::chance::Chance;
use evertill_hardware::escpos::encode::encode;
use evertill_hardware::escpos::profile::Completion;
use evertill_hardware::printer::EscPosPrinter;
use evertill_hardware::{DrawerKick, PrintOutcome, Printer, Profile};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{SaleKey, TerminalId};
use evertill_shared::journal::Head;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::receipt::template::Template;
use evertill_shared::receipt::{Receipt, ReceiptKind, ReceiptLine, ReceiptTender};
use evertill_shared::signing::SigningKey;
use evertill_terminal::controller::{PrintOrder, PrintReport};
use evertill_terminal::journal_store::{Journal, JournalStore, PrintJobState};
use evertill_terminal::print::thread::print_once;
use evertill_terminal::print::{Look, document};
use evertill_terminal::view::Language;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// So often somebody sees to the printer before the drill says that a receipt is lost.
const PATIENCE: u32 = 40;
/// After so many attempts in vain somebody switches the printer off and on.
const SWITCHED_OFF_AFTER: u32 = 10;
/// So many receipts in a thousand are printed without anything going wrong.
const UNDISTURBED: u64 = 150;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub receipts: u64,
    /// Not whole on any paper at the end, or said to be printed when they were not.
    pub lost: u64,
    /// On paper more often than somebody asked for.
    pub doubled: u64,
    /// Jobs of which the till could not say whether they were printed.
    pub unknown: u64,
    /// Marked copies that the cashier asked for then.
    pub copies: u64,
    /// Jobs of which not a byte had gone out, printed later.
    pub begun_later: u64,
    /// Pulses of the drawer beyond those asked for.
    pub drawers_doubled: u64,
    /// What the printer did not understand.
    pub problems: Vec<String>,
    /// Faults that came to pass.
    pub faults: u64,
    /// Different places in the stream of bytes at which something went wrong, over all kinds of faults.
    pub places: BTreeSet<(u8, u64)>,
}

impl Found {
    pub(super) fn add(&mut self, other: Self) {
        self.receipts += other.receipts;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.unknown += other.unknown;
        self.copies += other.copies;
        self.begun_later += other.begun_later;
        self.drawers_doubled += other.drawers_doubled;
        self.problems.extend(other.problems);
        self.faults += other.faults;
        self.places.extend(other.places);
    }
}

/// A model of printer on a kind of wire.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    wire: Wire,
    profile: Profile,
    config: PrinterConfig,
    template: Template,
}

/// Every wire with every way of confirming, wide and narrow, with large and small buffers.
pub(super) fn stands() -> Vec<Stand> {
    let mut stands = Vec::new();
    for (nth, wire) in [Wire::Serial, Wire::Usb, Wire::Network].into_iter().enumerate() {
        for completion in [Completion::PaperStatus, Completion::ProcessId] {
            for narrow in [false, true] {
                let profile = if narrow { Profile::paper_58mm() } else { Profile::paper_80mm() };
                let config = PrinterConfig {
                    dots: profile.dots.into(),
                    cutter: profile.cutter,
                    buffer_bytes: if nth == 0 { 4096 } else { 512 << nth },
                    automatic_status: if narrow { 0xFF } else { 0 },
                    process_id: completion == Completion::ProcessId,
                    ..PrinterConfig::default()
                };
                let template = Template::default();
                stands.push(Stand { wire, profile: profile.with_completion(completion), config, template });
            }
        }
    }
    let silent =
        Profile { real_time_status: false, ..Profile::paper_80mm() }.with_completion(Completion::None);
    let config = PrinterConfig::default();
    stands.push(Stand { wire: Wire::Usb, profile: silent, config, template: Template::default() });
    stands
}

/// A till, its printer, and what has come out of it since the sale in hand began.
struct Till<'a> {
    stand: &'a Stand,
    room: Room,
    template: Template,
    file: &'a Path,
    journal: Option<JournalStore>,
    printer: EscPosPrinter<Room>,
    chance: Chance,
    found: Found,
    /// The paper of the sale in hand.
    paper: String,
    kicks: usize,
    /// From one place for a fault to the next.
    step: u64,
    /// The next place for each kind of fault.
    planned: [u64; Fault::ALL.len()],
}

/// Sells until `receipts` are printed at one stand, the one of `count` with this number.
pub(super) fn sell(
    stand: &Stand,
    receipts: u64,
    (nth, count): (usize, usize),
    seed: u64,
    file: &Path,
) -> Result<Found, DrillError> {
    let (first, step, seed) = (nth as u64, count as u64, seed + nth as u64);
    let room = Room::new(stand.wire, stand.config.clone(), Chance::new(seed, "room"));
    let printer = EscPosPrinter::with_transport(room.clone(), stand.profile.clone(), room.clock());
    let journal = Some(open(file)?);
    let chance = Chance::new(seed, "till");
    let mut till = Till {
        stand,
        room,
        template: stand.template.clone(),
        file,
        journal,
        printer,
        chance,
        found: Found::default(),
        paper: String::new(),
        kicks: 0,
        step,
        planned: [first; Fault::ALL.len()],
    };
    for nth in 1..=receipts {
        till.serve(nth)?;
    }
    let world = till.room.lock();
    till.found.problems.extend(world.printer.problems().iter().cloned());
    till.found.faults = world.happened.len() as u64;
    till.found.drawers_doubled = (world.printer.pulses().len().saturating_sub(till.kicks)) as u64;
    drop(world);
    Ok(till.found)
}

fn other(error: impl std::fmt::Display) -> DrillError {
    DrillError::Other(error.to_string())
}

fn open(file: &Path) -> Result<JournalStore, DrillError> {
    let terminal = TerminalId::try_from(1).map_err(other)?;
    let key = SigningKey::from_seed(&[7; 32], "T0001:1".into()).map_err(other)?;
    let connection = Connection::open(file).map_err(other)?;
    JournalStore::on(connection, Head::start(terminal, 1), Arc::new(key), Timestamp(0)).map_err(other)
}

fn receipt(nth: u64, chance: &mut Chance) -> Result<Receipt, DrillError> {
    let terminal = TerminalId::try_from(1).map_err(other)?;
    let cny = |minor: u64| Amount::new(i64::try_from(minor).unwrap_or(0), Currency::CNY);
    let names =
        ["可口可乐 330ml", "绿茶", "A long name of an article that needs two lines", "ABCD|~", "面包"];
    let mut lines = Vec::new();
    for _ in 0..chance.between(1, 4) {
        let (quantity, unit) = (chance.between(1, 9), chance.between(1, 99_999));
        let name = chance.pick(&names).copied().unwrap_or_default().into();
        let pieces = u32::try_from(quantity).unwrap_or(1);
        lines.push(ReceiptLine::plain(name, pieces, cny(unit), cny(unit * quantity)));
    }
    let total = cny(lines.iter().map(|line| u64::try_from(line.total.minor).unwrap_or(0)).sum());
    Ok(Receipt {
        title: "永远收银".into(),
        address: vec![head_line(nth)],
        terminal,
        // A long number: its QR code is one long command, to be cut off anywhere.
        sale: SaleKey { terminal, epoch: 1, sequence: 1_000_000_000_000 + nth },
        order_number: None,
        at_local: "2026-11-20 14:03:07".into(),
        cashier: None,
        kind: ReceiptKind::Sale,
        lines,
        discount: None,
        total,
        note: None,
        tax: Vec::new(),
        tenders: vec![ReceiptTender::Cash { given: total, change: cny(0) }],
        copy: false,
        copy_number: 0,
        offline: true,
    })
}

/// The receipt as it is printed when a copy was asked for so often.
fn nth_copy(receipt: &Receipt, asked: usize) -> Receipt {
    receipt.as_copy(u32::try_from(asked).unwrap_or(u32::MAX))
}

/// The line by which a receipt's beginning is known on the paper.
fn head_line(nth: u64) -> String {
    format!("No. {nth:06};")
}

/// The mark of a copy, as it stands on the paper.
const COPY: &str = "COPY";

impl Till<'_> {
    fn serve(&mut self, nth: u64) -> Result<(), DrillError> {
        self.paper.clear();
        let receipt = receipt(nth, &mut self.chance)?;
        if self.chance.once_in(100) {
            self.kick();
        }
        let about = format!("sale:{nth}");
        let (mut asked, mut claimed) = (0, false);
        let mut done = false;
        let mut job = self.store(&about, &receipt)?;
        for attempt in 1..=PATIENCE {
            if attempt % SWITCHED_OFF_AFTER == 0 {
                self.room.lock().switch_off_and_on();
            }
            let state =
                self.print(&about, job, if asked > 0 { nth_copy(&receipt, asked) } else { receipt.clone() })?;
            match state {
                PrintJobState::Confirmed => {
                    (claimed, done) = (true, true);
                    break;
                }
                PrintJobState::NotStarted | PrintJobState::Pending => {
                    self.found.begun_later += 1;
                    self.see_to_the_printer();
                    self.journal()?.set_print_job(job, PrintJobState::Pending).map_err(other)?;
                }
                PrintJobState::Unknown => {
                    self.found.unknown += 1;
                    if self.chance.once_in(800) {
                        self.room.lock().settle();
                    }
                    self.look();
                    if self.is_whole(&receipt, asked) {
                        done = true;
                        break;
                    }
                    asked += 1;
                    self.found.copies += 1;
                    job = self.store(&about, &nth_copy(&receipt, asked))?;
                }
            }
        }
        self.judge(nth, &receipt, asked, claimed, done);
        Ok(())
    }

    fn layout(&self) -> Look<'_> {
        Look { language: Language::English, template: &self.template }
    }

    fn journal(&mut self) -> Result<&mut JournalStore, DrillError> {
        self.journal.as_mut().ok_or_else(|| other("the journal is closed"))
    }

    fn store(&mut self, about: &str, receipt: &Receipt) -> Result<u64, DrillError> {
        Ok(self.journal()?.new_print_job(about, receipt, Timestamp(0)).map_err(other)?.id)
    }

    /// Gives a stored job to the printer with whatever is to go wrong, and stores what is known of it afterwards.
    fn print(&mut self, about: &str, job: u64, receipt: Receipt) -> Result<PrintJobState, DrillError> {
        let plan = self.mischief(&receipt);
        self.room.plan(plan);
        let order = PrintOrder { job, receipt, language: Language::English };
        let report = print_once(&mut self.printer, &order, &self.template);
        if std::mem::take(&mut self.room.lock().killed) {
            return self.begin_anew(about);
        }
        let state = match report {
            PrintReport::Confirmed => PrintJobState::Confirmed,
            PrintReport::Unknown => PrintJobState::Unknown,
            PrintReport::NotStarted(_) => PrintJobState::NotStarted,
        };
        if state == PrintJobState::Unknown {
            // It was perhaps asked how it is in the middle of a command.
            self.room.lock().printer.tear_stream();
        }
        self.journal()?.set_print_job(job, state).map_err(other)?;
        Ok(state)
    }

    /// The till was killed with a job in hand: only its books say what is known of it.
    fn begin_anew(&mut self, about: &str) -> Result<PrintJobState, DrillError> {
        self.journal = None;
        self.journal = Some(open(self.file)?);
        self.printer =
            EscPosPrinter::with_transport(self.room.clone(), self.stand.profile.clone(), self.room.clock());
        let last = self.journal()?.last_print_job(about).map_err(other)?;
        Ok(last.map_or(PrintJobState::Unknown, |job| job.state))
    }

    /// What goes wrong with this job: each kind of fault at each place in turn.
    fn mischief(&mut self, receipt: &Receipt) -> Option<(Fault, When)> {
        if self.chance.once_in(UNDISTURBED) {
            return None;
        }
        let which = usize::try_from(self.chance.below(Fault::ALL.len() as u64)).unwrap_or(0);
        let fault = *Fault::ALL.get(which)?;
        if self.chance.once_in(250) {
            return Some((fault, When::Lines(self.chance.between(1, 24))));
        }
        let bytes = encode(&document(receipt, self.layout()), &self.stand.profile).ok()?.bytes.len() as u64;
        let place = &mut self.planned[which];
        // Each stand takes every so many-th place; together they come to all of them.
        let at = *place % (bytes + 40);
        *place += self.step;
        self.found.places.insert((u8::try_from(which).unwrap_or(0), at));
        Some((fault, When::Bytes(at)))
    }

    fn kick(&mut self) {
        self.room.plan(None);
        let before = self.room.lock().printer.pulses().len();
        self.kicks += 1;
        let outcome = self.printer.kick_drawer(DrawerKick::default());
        let mut world = self.room.lock();
        if outcome == PrintOutcome::Confirmed && world.printer.pulses().len() != before + 1 {
            self.found.lost += 1;
        }
        world.printer.shut_drawer();
    }

    fn see_to_the_printer(&mut self) {
        let wait = self.chance.between(100, 20_000);
        self.room.lock().pass(Duration::from_millis(wait));
        self.look();
    }

    /// Takes the paper that came out.
    fn look(&mut self) {
        let receipts = self.room.lock().printer.take_receipts();
        for receipt in receipts {
            self.paper.push_str(&receipt.text());
        }
    }

    fn seen(&self) -> String {
        let mut seen = self.paper.clone();
        seen.push_str(&self.room.lock().printer.unfinished().text());
        seen
    }

    /// Whether a receipt is on the paper from its first line to its last, as one of so many copies or not.
    fn is_whole(&self, receipt: &Receipt, copies: usize) -> bool {
        let seen = self.seen();
        let whole = |receipt: &Receipt| seen.contains(&self.as_meant(receipt));
        whole(receipt) || (1..=copies).any(|copy| whole(&nth_copy(receipt, copy)))
    }

    fn as_meant(&self, receipt: &Receipt) -> String {
        let bytes =
            encode(&document(receipt, self.layout()), &self.stand.profile).map(|encoded| encoded.bytes);
        let printout = print_bytes(self.stand.config.clone(), &bytes.unwrap_or_default());
        printout.receipts.iter().map(|receipt| receipt.text()).collect()
    }

    fn judge(&mut self, nth: u64, receipt: &Receipt, asked: usize, claimed: bool, done: bool) {
        self.look();
        let whole_when_claimed = self.is_whole(receipt, asked);
        // What the printer still had may come out now.
        self.room.lock().settle();
        self.look();
        let seen = self.seen();
        let (marked, plain) = beginnings(&seen, &head_line(nth));
        self.found.receipts += 1;
        if !done || (claimed && !whole_when_claimed) || !self.is_whole(receipt, asked) {
            self.found.lost += 1;
            super::super::say(format!("lost at {:?} receipt {nth}; the paper says:\n{seen}", self.stand));
        }
        if plain > 1 || marked > asked {
            self.found.doubled += 1;
            super::super::say(format!("doubled at {:?} receipt {nth}; the paper says:\n{seen}", self.stand));
        }
        self.cut_off();
    }

    /// Somebody tears off what hangs out of the printer, so that the next sale begins on clean paper.
    fn cut_off(&mut self) {
        self.room.lock().printer.tear_off();
        self.look();
    }
}

/// How often a receipt was begun as a copy and how often as the receipt itself.
fn beginnings(paper: &str, head: &str) -> (usize, usize) {
    let lines: Vec<&str> = paper.lines().collect();
    let (mut marked, mut plain) = (0, 0);
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.contains(head)) {
        let before = lines.get(at.saturating_sub(3)..at).unwrap_or_default();
        if before.iter().any(|line| line.contains(COPY)) { marked += 1 } else { plain += 1 }
    }
    (marked, plain)
}
