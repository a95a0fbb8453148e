//! Receipts: each is stored before the printer hears of it; what may have come out is never sent again by itself.

use super::{At, Command, Controller, PrintOrder, PrintReport};
use crate::journal_store::records::SaleRecord;
use crate::journal_store::{PrintJob, PrintJobState};
use crate::print::receipt_of_sale;
use crate::view::{Notice, PrinterState, ReceiptState};
use evertill_shared::receipt::Receipt;

/// A job that the printer has, or that waits for it.
#[derive(Debug)]
pub struct Printing {
    job: u64,
    about: String,
    copy: bool,
}

/// Why the last job about something was not begun, for the screen.
pub(super) fn about_sale(sale: u64) -> String {
    format!("sale:{sale}")
}

impl Controller {
    /// The first print of a paid sale's receipt.
    pub(super) fn print_sale(&mut self, sale: u64) {
        if !self.options.has_printer {
            return;
        }
        if let Some(receipt) = self.receipt(sale) {
            self.print(&about_sale(sale), receipt);
        }
    }

    fn receipt(&mut self, sale: u64) -> Option<Receipt> {
        let record: SaleRecord = self.read(|journal| journal.sale(sale))??.record;
        let identity = self.identity.as_ref()?;
        record.is_paid().then(|| receipt_of_sale(identity, &record))
    }

    pub(super) fn print(&mut self, about: &str, receipt: Receipt) {
        let at = self.now.wall;
        let Some(journal) = &mut self.journal else { return };
        match journal.new_print_job(about, &receipt, at) {
            Ok(job) => self.give_to_printer(about, job),
            Err(error) => self.journal_failed(error),
        }
    }

    fn give_to_printer(&mut self, about: &str, job: PrintJob) {
        self.printing.push(Printing { job: job.id, about: about.to_owned(), copy: job.receipt.copy });
        let order = PrintOrder { job: job.id, receipt: job.receipt, language: self.language };
        self.out.push(Command::Print(Box::new(order)));
    }

    pub(super) fn is_printing(&self, about: &str) -> bool {
        self.printing.iter().any(|printing| printing.about == about)
    }

    /// Prints what surely did not come out.
    pub(super) fn print_receipt(&mut self) {
        let (At::Done { sale } | At::Order { sale, .. }) = self.at else { return };
        let about = about_sale(sale);
        if self.is_printing(&about) {
            return;
        }
        let Some(last) = self.read(|journal| journal.last_print_job(&about)) else { return };
        match last {
            Some(job) if job.state == PrintJobState::NotStarted => self.start_again(&about, job),
            None if !self.is_archived(sale) => self.print_sale(sale),
            None | Some(_) => {}
        }
    }

    /// The same job once more: not a byte of it went out.
    fn start_again(&mut self, about: &str, job: PrintJob) {
        let Some(journal) = &mut self.journal else { return };
        match journal.set_print_job(job.id, PrintJobState::Pending) {
            Ok(()) => self.give_to_printer(about, job),
            Err(error) => self.journal_failed(error),
        }
    }

    /// What was printed before, or may have been, comes out as a copy; what surely was not, as it is.
    pub(super) fn print_again(&mut self, about: &str, job: PrintJob) {
        match job.state {
            PrintJobState::NotStarted => self.start_again(about, job),
            _ => {
                let Some(copies) = self.read(|journal| journal.copies(about)) else { return };
                self.print(about, job.receipt.as_copy(copies.saturating_add(1)));
            }
        }
    }

    pub(super) fn print_copy_shown(&mut self) {
        if let At::Done { sale } | At::Order { sale, .. } = self.at {
            self.print_copy(sale);
        }
    }

    /// Prints a copy, marked as one and counted; no drawer opens for it, and the journal says nothing of it.
    pub(super) fn print_copy(&mut self, sale: u64) {
        let about = about_sale(sale);
        if !self.options.has_printer || self.is_printing(&about) {
            return;
        }
        let Some(copies) = self.read(|journal| journal.copies(&about)) else { return };
        if let Some(receipt) = self.receipt(sale) {
            self.print(&about, receipt.as_copy(copies.saturating_add(1)));
        }
    }

    pub(super) fn on_printed(&mut self, job: u64, report: PrintReport) {
        let state = match report {
            PrintReport::Confirmed => PrintJobState::Confirmed,
            PrintReport::Unknown => PrintJobState::Unknown,
            PrintReport::NotStarted(printer) => {
                self.printer = printer;
                PrintJobState::NotStarted
            }
        };
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.set_print_job(job, state)
        {
            self.journal_failed(error);
        }
        let Some(index) = self.printing.iter().position(|printing| printing.job == job) else { return };
        let printing = self.printing.remove(index);
        match report {
            PrintReport::Confirmed if printing.copy => self.tell(Notice::CopyPrinted),
            PrintReport::NotStarted(printer) => self.tell(Notice::Printer(printer)),
            PrintReport::Confirmed | PrintReport::Unknown => {}
        }
    }

    pub(super) fn on_printer(&mut self, state: PrinterState) {
        let worse = self.printer != state
            && matches!(state, PrinterState::PaperOut | PrinterState::CoverOpen | PrinterState::Fault);
        self.printer = state;
        if worse {
            self.tell(Notice::Printer(state));
        }
    }

    pub(super) fn on_scanner(&mut self, state: crate::view::ScannerState) {
        use crate::view::ScannerState as S;
        if self.scanner == S::Ready && state == S::Disconnected {
            self.tell(Notice::ScannerLost);
        }
        self.scanner = state;
    }

    pub(super) fn receipt_state(&self, sale: u64) -> ReceiptState {
        match self.job_state(&about_sale(sale)) {
            // The archive keeps no print jobs. Whoever asks for the receipt of a sale that is weeks old gets a marked copy.
            ReceiptState::Failed { .. } if self.is_archived(sale) => ReceiptState::Printed,
            state => state,
        }
    }

    fn is_archived(&self, sale: u64) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.is_archived(sale).unwrap_or(false))
    }

    /// What is known of the last print about something.
    pub(super) fn job_state(&self, about: &str) -> ReceiptState {
        if !self.options.has_printer {
            return ReceiptState::NoPrinter;
        }
        if self.is_printing(about) {
            return ReceiptState::Printing;
        }
        let last = self.journal.as_ref().and_then(|journal| journal.last_print_job(about).ok().flatten());
        match last.map(|job| job.state) {
            Some(PrintJobState::Confirmed) => ReceiptState::Printed,
            Some(PrintJobState::Pending | PrintJobState::Unknown) => ReceiptState::Unknown,
            Some(PrintJobState::NotStarted) | None => ReceiptState::Failed { printer: self.printer },
        }
    }
}
