//! What the server says: about the till, and about what was brought to it.

use super::enrol::Enrolling;
use super::fault::Fault;
use super::{At, Command, Controller};
use crate::sync::{Answer, NetError};
use crate::view::Notice;
use evertill_shared::id::SaleKey;
use evertill_shared::journal::Head;
use evertill_shared::protocol::catalogue::Catalogue;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::OrderView;
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::protocol::terminal::{HandedIn, TerminalStatus};
use evertill_shared::receipt::template::Template;
use evertill_shared::terminal_state::TerminalState;

/// The two clocks may differ so much, in seconds, before it is worth telling.
const CLOCK_TOLERANCE_S: i64 = 120;

impl Controller {
    pub(super) fn on_answer(&mut self, answer: Answer) {
        self.sync.note(&answer, self.now.monotonic);
        self.heed(&answer);
        match answer {
            Answer::Heartbeat(result) => self.on_heartbeat(result),
            Answer::Catalogue(Ok(catalogue)) => self.on_catalogue(&catalogue),
            Answer::Staff(Ok(staff)) => self.on_staff(staff),
            Answer::ReceiptTemplate(Ok(template)) => self.on_receipt_template(template),
            Answer::Draft { sale, result } => self.on_draft(sale, result),
            Answer::Adopt { sale, result } => self.on_adopted(sale, result),
            Answer::Payment { sale, attempt, question, result } => {
                self.on_payment(sale, attempt, question, result);
            }
            Answer::Pictures(Ok(list)) => self.on_pictures(list),
            Answer::Picture { name, result } => self.on_picture(name, result),
            Answer::HandIn(Ok(handed_in)) => self.on_handed_in(&handed_in),
            Answer::Countersign(Ok(signed)) => self.on_countersigned(&signed),
            Answer::Refunds(Ok(inbox)) => self.on_inbox(inbox),
            Answer::AskRefund { number, request, result } => self.on_refund_answer(number, &request, result),
            Answer::Waiting { number, request, result } => self.on_waiting_answer(number, &request, result),
            Answer::CarryOutRefund { refund, result } => self.on_refund(&refund, result),
            Answer::Catalogue(Err(error))
            | Answer::Staff(Err(error))
            | Answer::ReceiptTemplate(Err(error))
            | Answer::Pictures(Err(error))
            | Answer::HandIn(Err(error))
            | Answer::Countersign(Err(error))
            | Answer::Refunds(Err(error)) => {
                tracing::info!(%error, "the server did not do it; it is asked again");
            }
        }
    }

    /// How the shop wants its receipts to look. What this till cannot read it does not keep, and says so: receipts look as it
    /// makes them itself. It is asked for again when it is another one, or after a restart.
    fn on_receipt_template(&mut self, template: ShopTemplate) {
        self.options.receipt_template = template.name();
        let read = template.text.as_deref().map(Template::parse).transpose();
        let kept = match read {
            Ok(_) => template.text,
            Err(error) => {
                tracing::error!(%error, "the shop's template for receipts cannot be read by this till");
                self.tell(Notice::TemplateUnreadable);
                None
            }
        };
        self.out.push(Command::KeepReceiptTemplate(kept));
    }

    /// Refusals that say something about the whole till.
    fn heed(&mut self, answer: &Answer) {
        let Some(code) = answer.error().and_then(NetError::code) else { return };
        match code {
            ErrorCode::Conflict | ErrorCode::ChainBroken => {
                tracing::error!(code = code.word(), "the server has other books for this till");
                self.forked();
            }
            ErrorCode::TerminalBlocked => self.set_terminal_fault(TerminalState::Blocked),
            ErrorCode::TerminalRetired => self.set_terminal_fault(TerminalState::Retired),
            _ => {}
        }
    }

    fn forked(&mut self) {
        let news = !self.faults.contains(&Fault::Forked);
        self.sync.halt();
        self.fail(Fault::Forked);
        // The server must hear of it too: from what this till wrote it sees the second history, and tells IT.
        if news && let Some(Some(evidence)) = self.read(|journal| crate::sync::hand_in_of(journal)) {
            self.send(evidence);
        }
    }

    fn set_terminal_fault(&mut self, state: TerminalState) {
        if !self.faults.contains(&Fault::Terminal(state)) {
            self.fail(Fault::Terminal(state));
        }
    }

    fn on_heartbeat(&mut self, result: Result<TerminalStatus, NetError>) {
        if let At::Enrol(Enrolling::Waiting { server_answers }) = &mut self.at {
            *server_answers = result.is_ok();
        }
        let Ok(status) = result else { return };
        self.tell_clock(&status);
        let arrived = self.status.as_ref().map_or(0, |old| old.refunds_waiting) < status.refunds_waiting;
        if arrived && self.journal.is_some() {
            self.tell(Notice::RefundsArrived { count: status.refunds_waiting });
        }
        self.keep_identity(&status);
        let state = status.state;
        self.status = Some(status);
        self.status_at = self.now.monotonic;
        match state {
            TerminalState::Active => {
                self.faults.retain(|fault| !matches!(fault, Fault::Terminal(_)));
                self.activated();
            }
            TerminalState::Pending => {
                let active_before = self.identity.as_ref().is_some_and(|identity| identity.activated);
                if active_before {
                    self.set_terminal_fault(state);
                }
            }
            TerminalState::Blocked | TerminalState::Retired => self.set_terminal_fault(state),
        }
        self.check_head();
        self.look_at_waiting();
    }

    fn tell_clock(&mut self, status: &TerminalStatus) {
        let ahead_seconds = (self.now.wall.0 - status.server_time.0) / 1000;
        let wrong = ahead_seconds.abs() > CLOCK_TOLERANCE_S;
        if wrong && !self.clock_told {
            self.tell(Notice::ClockWrong { ahead_seconds });
        }
        self.clock_told = wrong;
    }

    /// The till's and the store's names may be changed at the server at any time.
    fn keep_identity(&mut self, status: &TerminalStatus) {
        let Some(identity) = &mut self.identity else { return };
        if identity.name != status.name || identity.store != status.store {
            identity.name.clone_from(&status.name);
            identity.store = status.store.clone();
            self.out.push(Command::SaveIdentity(Box::new(identity.clone())));
        }
    }

    /// Compares the server's last entry of this journal with ours. If it is not ours, this disk was put back to an
    /// older state or copied: nothing may be sold here, or numbers would be used a second time.
    pub(super) fn check_head(&mut self) {
        let (Some(journal), Some(status)) = (&self.journal, &self.status) else { return };
        let (ours, theirs, used) = (journal.head(), status.journal_head, status.furthest_used);
        let foreign = (theirs.terminal, theirs.epoch) != (ours.terminal, ours.epoch);
        let fork = if foreign {
            // An older key's journal says nothing about this one; a newer one means that this till was replaced.
            theirs.terminal == ours.terminal && theirs.epoch > ours.epoch
        } else {
            !self.has_entry(theirs)
        };
        // Orders may rest on entries that were not handed in before this disk was put back.
        let used = used.filter(|used| (used.terminal, used.epoch) == (ours.terminal, ours.epoch));
        if fork || used.is_some_and(|used| !self.has_entry(used)) {
            tracing::error!(server = ?theirs, ?used, till = ?ours, "the server knows another journal of this till");
            return self.forked();
        }
        if !foreign {
            self.note_handed_in(theirs.sequence);
        }
    }

    fn has_entry(&mut self, head: Head) -> bool {
        let Some(journal) = &self.journal else { return true };
        let ours = journal.head();
        match head.sequence {
            0 => true,
            sequence if sequence > ours.sequence => false,
            sequence if sequence == ours.sequence => head.hash == ours.hash,
            sequence => match journal.entry(sequence) {
                Ok(entry) => entry.hash() == head.hash,
                Err(error) => {
                    self.journal_failed(error);
                    true
                }
            },
        }
    }

    fn note_handed_in(&mut self, sequence: u64) {
        if self.read(|journal| journal.handed_in()) == Some(sequence) {
            return;
        }
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.set_handed_in(sequence)
        {
            self.journal_failed(error);
        }
    }

    fn on_handed_in(&mut self, handed_in: &HandedIn) {
        if self.has_entry(handed_in.head) {
            self.note_handed_in(handed_in.head.sequence);
        } else {
            self.forked();
        }
    }

    fn on_catalogue(&mut self, catalogue: &Catalogue) {
        // What was there stays, and is sold on; the server is asked again.
        if let Err(error) = self.goods.take_in(catalogue) {
            tracing::error!(%error, "the goods cannot be stored");
            self.sync.catalogue_not_stored(self.now.monotonic);
        }
    }

    /// The server has taken a cash sale in, or has not.
    fn on_adopted(&mut self, sale: u64, result: Result<Box<OrderView>, NetError>) {
        let Some(identity) = &self.identity else { return };
        let key = SaleKey { terminal: identity.terminal, epoch: identity.epoch, sequence: sale };
        match result {
            Ok(order) if order.sale == key => {
                let quarantined = order.quarantined;
                if let Some(journal) = &mut self.journal
                    && let Err(error) = journal.confirm_sale(sale, quarantined)
                {
                    return self.journal_failed(error);
                }
                self.look_anew();
                if quarantined {
                    self.tell(Notice::SaleQuarantined { number: order.number.to_string() });
                }
            }
            Ok(order) => {
                tracing::error!(asked = %key, told = %order.sale, "the server spoke of another sale")
            }
            Err(error) => {
                tracing::info!(%error, sale, "a sale was not taken in; it is sent again");
                if let Some(code) = error.code().filter(|code| !code.is_later())
                    && self.faults.is_empty()
                {
                    self.tell(Notice::ServerRefused { code: code.word() });
                }
            }
        }
    }
}
