//! The printer's own thread: jobs go in, one by one, and what is known of each comes out.

use super::document::{Look, document, practice_document};
use super::template_file::TemplateFile;
use super::test_page::test_page;
use crate::controller::{Input, PrintOrder, PrintReport};
use crate::front::Heard;
use crate::training::Told;
use crate::view::{Language, PrinterState};
use evertill_hardware::{DrawerKick, JobId, NotStarted, PrintOutcome, Printer, PrinterStatus};
use evertill_shared::receipt::template::Template;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often an idle printer is asked how it is.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Stored jobs are counted from 1.
const TEST: JobId = JobId(0);
/// Those of trainings begin anew each time, and far from them.
const PRACTICE: u64 = 40_000_000;

/// Something for the printer.
pub enum PrinterJob {
    /// Print this, once.
    Print(Box<PrintOrder>),
    /// Print something that is no receipt, once.
    Test {
        /// In which language.
        language: Language,
    },
    /// Print this for a training, marked as no receipt, once. It alone is told what became of it.
    Practice {
        /// Which training.
        session: u64,
        /// What.
        order: Box<PrintOrder>,
    },
    /// Open the drawer, once.
    KickDrawer {
        /// The number of the kick.
        kick: u64,
    },
}

/// Starts the thread. It ends when the sender is dropped.
/// # Errors
/// The system has no thread left.
pub fn start(
    mut printer: Box<dyn Printer>,
    mut template: TemplateFile,
    pulse: DrawerKick,
    report: Sender<Heard>,
) -> io::Result<Sender<PrinterJob>> {
    let (jobs, work) = channel();
    std::thread::Builder::new()
        .name("printer".into())
        .spawn(move || run(&mut *printer, &mut template, pulse, &work, &report))?;
    Ok(jobs)
}

fn run(
    printer: &mut dyn Printer,
    template: &mut TemplateFile,
    pulse: DrawerKick,
    work: &Receiver<PrinterJob>,
    report: &Sender<Heard>,
) {
    let mut wait = Duration::ZERO;
    loop {
        let input = match work.recv_timeout(wait) {
            Ok(PrinterJob::Print(order)) => print(printer, &order, template.now()),
            Ok(PrinterJob::Practice { session, order }) => {
                let report_of_it = practise(printer, &order, template.now());
                let told = Told::Printed { job: order.job, report: report_of_it };
                wait = ASK_EVERY;
                if report.send(Heard::Training { session, told }).is_err() {
                    return;
                }
                continue;
            }
            Ok(PrinterJob::Test { language }) => {
                let outcome = printer.print(&test_page(language), TEST);
                tracing::info!(?outcome, "test print ended");
                Input::TestPrinted(report_of(&outcome))
            }
            Ok(PrinterJob::KickDrawer { kick }) => {
                // Never tried twice: a person asks once more, or opens it with the key.
                let outcome = printer.kick_drawer(pulse);
                if !matches!(outcome, PrintOutcome::Confirmed) {
                    tracing::warn!(kick, ?outcome, "the drawer may not have opened");
                }
                Input::Kicked { kick, report: report_of(&outcome) }
            }
            Err(RecvTimeoutError::Timeout) => Input::Printer(state_of(printer.status())),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // After a kick the printer is asked at once: it knows why a drawer stayed shut.
        wait = if matches!(input, Input::Kicked { .. }) { Duration::ZERO } else { ASK_EVERY };
        if report.send(Heard::Input(input)).is_err() {
            return;
        }
    }
}

fn print(printer: &mut dyn Printer, order: &PrintOrder, template: &Template) -> Input {
    Input::Printed { job: order.job, report: print_once(printer, order, template) }
}

fn practise(printer: &mut dyn Printer, order: &PrintOrder, template: &Template) -> PrintReport {
    let page = practice_document(&order.receipt, Look { language: order.language, template });
    let outcome = printer.print(&page, JobId(PRACTICE + order.job));
    tracing::info!(job = order.job, ?outcome, "a training's print job ended");
    report_of(&outcome)
}

/// Prints a stored job, once, and says what is known of it.
pub fn print_once(printer: &mut dyn Printer, order: &PrintOrder, template: &Template) -> PrintReport {
    let page = document(&order.receipt, Look { language: order.language, template });
    let outcome = printer.print(&page, JobId(order.job));
    tracing::info!(job = order.job, ?outcome, "print job ended");
    report_of(&outcome)
}

fn report_of(outcome: &PrintOutcome) -> PrintReport {
    match outcome {
        PrintOutcome::Confirmed => PrintReport::Confirmed,
        PrintOutcome::Unknown(_) => PrintReport::Unknown,
        PrintOutcome::NotStarted(why) => PrintReport::NotStarted(match why {
            NotStarted::NotReady(status) => state_of(*status),
            NotStarted::CannotOpen(_) => PrinterState::Disconnected,
            NotStarted::Busy | NotStarted::Document(_) => PrinterState::Fault,
        }),
    }
}

fn state_of(status: PrinterStatus) -> PrinterState {
    match status {
        PrinterStatus::Ready | PrinterStatus::Unknown => PrinterState::Ready,
        PrinterStatus::PaperNearEnd => PrinterState::PaperLow,
        PrinterStatus::PaperOut => PrinterState::PaperOut,
        PrinterStatus::CoverOpen => PrinterState::CoverOpen,
        PrinterStatus::Offline | PrinterStatus::Error(_) => PrinterState::Fault,
        PrinterStatus::Unreachable => PrinterState::Disconnected,
    }
}
