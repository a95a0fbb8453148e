//! The printer's own thread: jobs go in, one by one, and what is known of each comes out.

use super::document::{Look, document};
use crate::controller::{Input, PrintOrder, PrintReport};
use crate::view::PrinterState;
use evertill_hardware::{DrawerKick, JobId, NotStarted, PrintOutcome, Printer, PrinterStatus};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often an idle printer is asked how it is.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Something for the printer.
pub enum PrinterJob {
    /// Print this, once.
    Print(Box<PrintOrder>),
    /// Open the drawer, once.
    KickDrawer,
}

/// Starts the thread. It ends when the sender is dropped.
/// # Errors
/// The system has no thread left.
pub fn start(mut printer: Box<dyn Printer>, report: Sender<Input>) -> io::Result<Sender<PrinterJob>> {
    let (jobs, work) = channel();
    std::thread::Builder::new().name("printer".into()).spawn(move || run(&mut *printer, &work, &report))?;
    Ok(jobs)
}

fn run(printer: &mut dyn Printer, work: &Receiver<PrinterJob>, report: &Sender<Input>) {
    let mut wait = Duration::ZERO;
    loop {
        let input = match work.recv_timeout(wait) {
            Ok(PrinterJob::Print(order)) => print(printer, &order),
            Ok(PrinterJob::KickDrawer) => {
                // The drawer is never tried twice: a person opens it with the key.
                let outcome = printer.kick_drawer(DrawerKick::default());
                if !matches!(outcome, PrintOutcome::Confirmed) {
                    tracing::warn!(?outcome, "the drawer may not have opened");
                }
                Input::Printer(state_of(printer.status()))
            }
            Err(RecvTimeoutError::Timeout) => Input::Printer(state_of(printer.status())),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        wait = ASK_EVERY;
        if report.send(input).is_err() {
            return;
        }
    }
}

fn print(printer: &mut dyn Printer, order: &PrintOrder) -> Input {
    Input::Printed { job: order.job, report: print_once(printer, order) }
}

/// Prints a stored job, once, and says what is known of it.
pub fn print_once(printer: &mut dyn Printer, order: &PrintOrder) -> PrintReport {
    let page = document(&order.receipt, Look { language: order.language });
    let outcome = printer.print(&page, JobId(order.job));
    tracing::info!(job = order.job, ?outcome, "print job ended");
    match outcome {
        PrintOutcome::Confirmed => PrintReport::Confirmed,
        PrintOutcome::Unknown(_) => PrintReport::Unknown,
        PrintOutcome::NotStarted(why) => PrintReport::NotStarted(match why {
            NotStarted::NotReady(status) => state_of(status),
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
