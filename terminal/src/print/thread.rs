//! The printer's own thread: jobs go in, one by one, and what is known of each comes out.

use super::document::{Look, document_for, practice_document};
use super::logo_file::LogoFile;
use super::template_file::TemplateFile;
use super::test_page::test_page;
use crate::controller::{Input, PrintOrder, PrintReport};
use crate::front::Heard;
use crate::training::Told;
use crate::view::{Language, PrinterState};
use evertill_hardware::{DrawerKick, JobId, NotStarted, PrintOutcome, Printer, PrinterStatus};
use evertill_shared::receipt::template::Template;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

impl PrinterJob {
    /// What is told of its end, and to whom: the till, or the training that it was for.
    pub fn ended(&self, report: PrintReport) -> Heard {
        Heard::Input(match self {
            Self::Print(order) => Input::Printed { job: order.job, report },
            Self::Test { .. } => Input::TestPrinted(report),
            Self::KickDrawer { kick } => Input::Kicked { kick: *kick, report },
            Self::Practice { session, order } => {
                let told = Told::Printed { job: order.job, report };
                return Heard::Training { session: *session, told };
            }
        })
    }
}

/// Starts the thread. It ends when the sender is dropped.
/// # Errors
/// The system has no thread left.
pub fn start(
    mut printer: Box<dyn Printer>,
    (mut template, mut logo): (TemplateFile, LogoFile),
    pulse: DrawerKick,
    report: Sender<Heard>,
) -> io::Result<Sender<PrinterJob>> {
    let (jobs, work) = channel();
    std::thread::Builder::new()
        .name("printer".into())
        .spawn(move || run(&mut *printer, (&mut template, &mut logo), pulse, &work, &report))?;
    Ok(jobs)
}

fn run(
    printer: &mut dyn Printer,
    (template, logo): (&mut TemplateFile, &mut LogoFile),
    pulse: DrawerKick,
    work: &Receiver<PrinterJob>,
    report: &Sender<Heard>,
) {
    let mut wait = Duration::ZERO;
    loop {
        let heard = match work.recv_timeout(wait) {
            Ok(job) => match catch_unwind(AssertUnwindSafe(|| work_off(printer, template, pulse, &job))) {
                Ok(report) => {
                    if matches!(job, PrinterJob::Test { .. }) {
                        logo.doubt(printer);
                    }
                    job.ended(report)
                }
                Err(_) => return give_up(Some(&job), work, report),
            },
            Err(RecvTimeoutError::Timeout) => {
                match catch_unwind(AssertUnwindSafe(|| idle(printer, template, logo))) {
                    Ok(status) => Heard::Input(Input::Printer(state_of(status))),
                    Err(_) => return give_up(None, work, report),
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // After a kick the printer is asked at once: it knows why a drawer stayed shut.
        let kicked = matches!(heard, Heard::Input(Input::Kicked { .. }));
        wait = if kicked { Duration::ZERO } else { ASK_EVERY };
        if report.send(heard).is_err() {
            return;
        }
    }
}

/// Nobody waits for paper: the printer is asked how it is, and may take the logo that it is to keep.
fn idle(printer: &mut dyn Printer, template: &mut TemplateFile, logo: &mut LogoFile) -> PrinterStatus {
    let status = printer.status();
    if status.can_print() {
        logo.keep(printer, template.now());
    }
    status
}

fn work_off(
    printer: &mut dyn Printer,
    template: &mut TemplateFile,
    pulse: DrawerKick,
    job: &PrinterJob,
) -> PrintReport {
    match job {
        PrinterJob::Print(order) => print_once(printer, order, template.now()),
        PrinterJob::Practice { order, .. } => practise(printer, order, template.now()),
        PrinterJob::Test { language } => {
            let page = test_page(*language, printer.characters());
            let outcome = printer.print(&page, TEST);
            tracing::info!(?outcome, "test print ended");
            report_of(&outcome)
        }
        PrinterJob::KickDrawer { kick } => {
            // Never tried twice: a person asks once more, or opens it with the key.
            let outcome = printer.kick_drawer(pulse);
            if !matches!(outcome, PrintOutcome::Confirmed) {
                tracing::warn!(kick, ?outcome, "the drawer may not have opened");
            }
            report_of(&outcome)
        }
    }
}

/// A mistake of ours, perhaps in the middle of a job: nobody knows what came out of that one. All that is left to do is to say
/// of each other job that nothing of it went out.
fn give_up(job: Option<&PrinterJob>, work: &Receiver<PrinterJob>, report: &Sender<Heard>) {
    tracing::error!("nothing is printed before the next start, because of a mistake in the program");
    let lost = PrintReport::NotStarted(PrinterState::Fault);
    let fault = || Heard::Input(Input::Printer(PrinterState::Fault));
    let known = job.map_or_else(fault, |job| job.ended(PrintReport::Unknown));
    for heard in std::iter::once(known).chain(work.iter().map(|job| job.ended(lost))) {
        if report.send(heard).is_err() {
            return;
        }
    }
}

fn practise(printer: &mut dyn Printer, order: &PrintOrder, template: &Template) -> PrintReport {
    let look = Look { language: order.language, template };
    let page = practice_document(&order.receipt, look, printer.characters());
    let outcome = printer.print(&page, JobId(PRACTICE + order.job));
    tracing::info!(job = order.job, ?outcome, "a training's print job ended");
    report_of(&outcome)
}

/// Prints a stored job, once, and says what is known of it.
pub fn print_once(printer: &mut dyn Printer, order: &PrintOrder, template: &Template) -> PrintReport {
    let look = Look { language: order.language, template };
    let page = document_for(&order.receipt, look, printer.characters());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::examples::Example;
    use evertill_hardware::Document;
    use std::sync::Mutex;

    /// A printer whose driver has a mistake, once it is let go.
    struct Mistaken(std::sync::Arc<Mutex<()>>);

    impl Printer for Mistaken {
        fn status(&mut self) -> PrinterStatus {
            PrinterStatus::Ready
        }
        fn print(&mut self, _: &Document, _: JobId) -> PrintOutcome {
            drop(self.0.lock());
            panic!("a mistake")
        }
        fn kick_drawer(&mut self, _: DrawerKick) -> PrintOutcome {
            PrintOutcome::Confirmed
        }
        fn drawer_switch_is_high(&mut self) -> Option<bool> {
            None
        }
    }

    fn receipt(job: u64) -> PrinterJob {
        let receipt = Example::Sale.receipt().unwrap();
        PrinterJob::Print(Box::new(PrintOrder { job, receipt, language: Language::English }))
    }

    #[test]
    fn of_each_job_that_the_thread_took_something_is_told_though_it_ends_by_a_mistake() {
        let data = tempfile::tempdir().unwrap();
        let (held, (report, told)) = (std::sync::Arc::new(Mutex::new(())), channel());
        let holds = held.lock().unwrap();
        let template = TemplateFile::new(data.path());
        let mut printer = Box::new(Mistaken(std::sync::Arc::clone(&held)));
        let logo = LogoFile::open(data.path(), "", &mut *printer);
        let jobs = start(printer, (template, logo), DrawerKick::default(), report).unwrap();
        for job in [receipt(7), receipt(8), PrinterJob::KickDrawer { kick: 3 }] {
            jobs.send(job).unwrap();
        }
        drop(holds);
        let mut ends = told.iter().filter(|heard| !matches!(heard, Heard::Input(Input::Printer(_))));
        let ended: Vec<Heard> = ends.by_ref().take(3).collect();
        let lost = PrintReport::NotStarted(PrinterState::Fault);
        assert!(
            matches!(
                ended[..],
                [
                    Heard::Input(Input::Printed { job: 7, report: PrintReport::Unknown }),
                    Heard::Input(Input::Printed { job: 8, report: second }),
                    Heard::Input(Input::Kicked { kick: 3, report: third }),
                ] if second == lost && third == lost
            ),
            "of some job nothing was told"
        );
        jobs.send(receipt(9)).unwrap();
        let next = ends.next();
        assert!(matches!(next, Some(Heard::Input(Input::Printed { job: 9, report })) if report == lost));
    }
}
