//! When the till cannot sell, and how it comes back.

use super::{Command, Controller};
use crate::journal_store::JournalError;
use crate::view::{FaultPage, Notice};
use evertill_shared::terminal_state::TerminalState;

/// Why the till cannot sell. Several may hold at once; the gravest is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something about this till's own disk.
    Own(FaultPage),
    /// The books here and at the server disagree.
    Forked,
    /// The server's word about this till.
    Terminal(TerminalState),
}

impl Controller {
    pub(super) fn fail(&mut self, fault: Fault) {
        tracing::error!(?fault, "the till cannot sell");
        let same_kind = |other: &Fault| std::mem::discriminant(other) == std::mem::discriminant(&fault);
        self.faults.retain(|other| !same_kind(other));
        self.faults.push(fault);
        self.leave_question();
    }

    /// Tries to mend what this till itself can mend.
    pub(super) fn retry(&mut self) {
        let Some(Fault::Own(page)) = self.faults.iter().find(|fault| matches!(fault, Fault::Own(_))) else {
            self.sync.suspect(self.now.monotonic);
            return;
        };
        let disk_full = *page == FaultPage::DiskFull;
        if disk_full && self.journal.as_mut().is_some_and(|journal| journal.has_room()) {
            self.faults.retain(|fault| !matches!(fault, Fault::Own(_)));
            return;
        }
        if !disk_full || self.journal.is_none() {
            self.journal = None;
            self.out.push(Command::Start);
        }
    }

    pub(super) fn journal_failed(&mut self, error: JournalError) {
        let page = match error {
            // A mistake of ours that the journal has stopped: nothing was written and nothing was sent.
            JournalError::Rule(rule) => {
                tracing::error!(%rule, "an entry was refused");
                return self.tell(Notice::ServerRefused { code: "rule".into() });
            }
            JournalError::Archive { file, why } => {
                tracing::error!(file, why, "a part of the archive cannot be used");
                return self.tell(Notice::ArchiveMissing { file });
            }
            JournalError::DiskFull => FaultPage::DiskFull,
            JournalError::InUse => FaultPage::JournalInUse,
            JournalError::Damaged { entry, why } => {
                tracing::error!(entry, why, "the journal is damaged");
                FaultPage::JournalDamaged { entry: Some(entry) }
            }
            JournalError::Unreadable(why) => {
                tracing::error!(why, "the journal cannot be read");
                FaultPage::JournalDamaged { entry: None }
            }
            other @ (JournalError::Foreign { .. } | JournalError::Io(_)) => {
                FaultPage::Other { detail: other.to_string() }
            }
        };
        self.fail(Fault::Own(page));
    }
}
