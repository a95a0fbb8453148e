//! The logo that the printer keeps: which one it is stands on the till's disk, so that it is stored once and not with each
//! start. What is not known for certain is not relied upon: then the logo goes out as dots with each receipt.

use crate::config::replace;
use evertill_hardware::escpos::logo::{Kept, LogoId};
use evertill_hardware::escpos::picture::Picture;
use evertill_hardware::{JobId, PrintOutcome, Printer};
use evertill_shared::receipt::template::{Logo, Template, What};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file's name, in the till's directory.
const NAME: &str = "printer-logo.toml";
/// Far from receipts and trainings.
const LOGO: JobId = JobId(20_000_000);
/// So often it is tried to store one logo while the till runs: a printer's memory wears.
const MOST_TRIES: u32 = 2;

/// What is known of the printer's memory. Written before anything is sent that could change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Of which printer, as the settings name it.
    printer: String,
    /// The logo that it surely keeps.
    kept: Option<String>,
    /// Logos that it may keep beside that one.
    #[serde(default)]
    perhaps: BTreeSet<String>,
    /// How long the command is that may have been cut off.
    #[serde(default)]
    cut_off: usize,
}

/// The file, and what stands in it.
#[derive(Debug)]
pub struct LogoFile {
    data: PathBuf,
    memory: Memory,
    /// The logo that was tried last, and how often.
    tried: Option<(LogoId, u32)>,
}

impl LogoFile {
    /// What is known of the printer that the settings name so, and the printer is told of it.
    #[must_use]
    pub fn open(data: &Path, named: &str, printer: &mut dyn Printer) -> Self {
        let read = || toml::from_str::<Memory>(&fs::read_to_string(data.join(NAME)).ok()?).ok();
        // Of another printer nothing is known.
        let fresh = || Memory { printer: named.to_owned(), ..Memory::default() };
        let memory = read().filter(|memory| memory.printer == named).unwrap_or_else(fresh);
        printer.remember_logo(memory.kept.as_deref().and_then(id), memory.cut_off);
        Self { data: data.to_owned(), memory, tried: None }
    }

    /// Stores the template's logo in the printer if it can keep one and keeps another, or none.
    pub fn keep(&mut self, printer: &mut dyn Printer, template: &Template) {
        let Some((picture, wanted)) = logo_of(template)
            .and_then(|logo| Picture::new(usize::from(logo.width() / 8), logo.dots().to_vec()))
            .and_then(|picture| printer.logo_to_keep(&picture).map(|wanted| (picture, wanted)))
        else {
            return;
        };
        if self.memory.kept.as_deref().and_then(id) == Some(wanted) {
            return;
        }
        let tries = self.tried.filter(|(last, _)| *last == wanted).map_or(0, |(_, tries)| tries);
        if tries >= MOST_TRIES {
            return;
        }
        self.tried = Some((wanted, tries + 1));
        self.store(printer, &picture, wanted);
    }

    /// Nothing is relied upon any more: somebody looks at the paper, and may have changed the printer.
    pub fn doubt(&mut self, printer: &mut dyn Printer) {
        let kept = self.memory.kept.take();
        self.memory.perhaps.extend(kept);
        self.tried = None;
        printer.remember_logo(None, self.memory.cut_off);
        self.write();
    }

    fn store(&mut self, printer: &mut dyn Printer, picture: &Picture, wanted: LogoId) {
        let before = self.memory.clone();
        let others: Vec<LogoId> =
            before.perhaps.iter().chain(&before.kept).filter_map(|name| id(name)).collect();
        self.memory.perhaps.extend(before.kept.clone());
        self.memory.perhaps.insert(name(wanted));
        self.memory.kept = None;
        self.memory.cut_off = self.memory.cut_off.max(picture.store().map_or(0, |command| command.len()));
        // A printer whose memory nobody has written down is not touched.
        if !self.write() {
            self.memory = before;
            return;
        }
        let outcome = printer.keep_logo(picture, &others, LOGO);
        tracing::info!(?outcome, "storing the logo in the printer ended");
        match outcome {
            PrintOutcome::Confirmed => {
                self.memory.kept = Some(name(wanted));
                self.memory.perhaps.clear();
                self.memory.cut_off = 0;
            }
            PrintOutcome::NotStarted(_) => self.memory = before,
            PrintOutcome::Unknown(_) => {}
        }
        self.write();
    }

    fn write(&self) -> bool {
        let text = toml::to_string(&self.memory).unwrap_or_default();
        replace(&self.data, &self.data.join(NAME), text.as_bytes())
            .inspect_err(|error| tracing::error!(%error, "what the printer keeps cannot be written down"))
            .is_ok()
    }
}

/// The first logo that stands on receipts.
fn logo_of(template: &Template) -> Option<&Logo> {
    let blocks = template.header.iter().chain(&template.sale).chain(&template.footer);
    blocks.chain(&template.refund).find_map(|block| match &block.what {
        What::Logo(logo) => Some(logo),
        _ => None,
    })
}

fn name(id: LogoId) -> String {
    format!("{:016x}", id.0)
}

fn id(name: &str) -> Option<LogoId> {
    u64::from_str_radix(name, 16).ok().map(LogoId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_hardware::{Document, DrawerKick, NotStarted, PrinterStatus, UnknownReason};
    use evertill_shared::receipt::template::DEFAULT;

    /// A printer that keeps logos, and what it was told.
    #[derive(Default)]
    struct Keeper {
        outcome: Option<PrintOutcome>,
        stored: Vec<(LogoId, Vec<LogoId>)>,
        remembered: Option<(Option<LogoId>, usize)>,
    }

    impl Printer for Keeper {
        fn status(&mut self) -> PrinterStatus {
            PrinterStatus::Ready
        }
        fn print(&mut self, _: &Document, _: JobId) -> PrintOutcome {
            PrintOutcome::Confirmed
        }
        fn kick_drawer(&mut self, _: DrawerKick) -> PrintOutcome {
            PrintOutcome::Confirmed
        }
        fn drawer_switch_is_high(&mut self) -> Option<bool> {
            None
        }
        fn logo_to_keep(&self, logo: &Picture) -> Option<LogoId> {
            Some(logo.id())
        }
        fn keep_logo(&mut self, logo: &Picture, instead_of: &[LogoId], _: JobId) -> PrintOutcome {
            self.stored.push((logo.id(), instead_of.to_vec()));
            self.outcome.clone().unwrap_or(PrintOutcome::Confirmed)
        }
        fn remember_logo(&mut self, kept: Option<LogoId>, cut_off: usize) {
            self.remembered = Some((kept, cut_off));
        }
    }

    fn template(dots: u8) -> (Template, LogoId) {
        let logo = Logo::new(16, 2, vec![dots; 4]).unwrap();
        let text = DEFAULT.replacen("address center", &format!("{}address center", logo.to_text()), 1);
        let picture = Picture::new(2, vec![dots; 4]).unwrap();
        (Template::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")), picture.id())
    }

    #[test]
    fn a_logo_is_stored_once_however_often_the_till_starts_and_another_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let ((first, first_id), (second, second_id)) = (template(0xAA), template(0x55));
        for start in 0..3 {
            let mut printer = Keeper::default();
            let mut file = LogoFile::open(dir.path(), "tcp x:9100", &mut printer);
            assert_eq!(printer.remembered, Some((Some(first_id).filter(|_| start > 0), 0)));
            file.keep(&mut printer, &first);
            file.keep(&mut printer, &first);
            file.keep(&mut printer, &Template::default());
            let wanted = if start == 0 { vec![(first_id, vec![])] } else { vec![] };
            assert_eq!(printer.stored, wanted, "start {start}");
        }
        let mut printer = Keeper::default();
        LogoFile::open(dir.path(), "tcp x:9100", &mut printer).keep(&mut printer, &second);
        assert_eq!(printer.stored, [(second_id, vec![first_id])]);
        // Of another printer nothing is known.
        let mut other = Keeper::default();
        LogoFile::open(dir.path(), "tcp y:9100", &mut other).keep(&mut other, &second);
        assert_eq!((other.remembered, other.stored), (Some((None, 0)), vec![(second_id, vec![])]));
    }

    #[test]
    fn what_nobody_confirmed_is_not_relied_upon_and_not_tried_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let ((first, first_id), (second, second_id)) = (template(0xAA), template(0x55));
        let unknown = PrintOutcome::Unknown(UnknownReason::NoAnswer);
        let mut printer = Keeper { outcome: Some(unknown), ..Keeper::default() };
        let mut file = LogoFile::open(dir.path(), "usb", &mut printer);
        for _ in 0..5 {
            file.keep(&mut printer, &first);
        }
        assert_eq!(printer.stored.len(), 2);
        // The next start knows how much the printer may be waiting for, and what may be in it.
        let mut printer = Keeper::default();
        let mut file = LogoFile::open(dir.path(), "usb", &mut printer);
        assert!(matches!(printer.remembered, Some((None, 15..))), "{:?}", printer.remembered);
        file.keep(&mut printer, &second);
        assert_eq!(printer.stored, [(second_id, vec![first_id])]);
    }

    #[test]
    fn a_test_print_stores_the_logo_anew_and_an_absent_printer_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let ((first, first_id), (second, _)) = (template(0xAA), template(0x55));
        let mut printer = Keeper::default();
        let mut file = LogoFile::open(dir.path(), "usb", &mut printer);
        file.keep(&mut printer, &first);
        printer.outcome = Some(PrintOutcome::NotStarted(NotStarted::Busy));
        file.keep(&mut printer, &second);
        assert_eq!(file.memory.kept, Some(name(first_id)), "nothing went out");
        printer.outcome = None;
        file.doubt(&mut printer);
        assert_eq!(printer.remembered, Some((None, 0)));
        file.keep(&mut printer, &first);
        assert_eq!(printer.stored.last(), Some(&(first_id, vec![first_id])));
        fs::write(dir.path().join(NAME), "kept = 7").unwrap();
        let _ = LogoFile::open(dir.path(), "usb", &mut printer);
        assert_eq!(printer.remembered, Some((None, 0)), "nonsense is no knowledge");
    }
}
