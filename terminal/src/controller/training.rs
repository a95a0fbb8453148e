//! What the till has to do with its training: it says whether one may begin, and lends what that is made of. The training
//! itself is another core ([`crate::training`]); of this one it touches nothing.

use super::approval::Approved;
use super::{At, Command, Controller, Moment, Options};
use crate::config::{Identity, ScannerConfig};
use crate::view::{Notice, PrinterState, ScannerState};
use evertill_hardware::label::Prefixes;
use evertill_shared::cashier::Cashier;
use evertill_shared::protocol::till_staff::{TillPerson, TillStaff};
use evertill_shared::rights::Right;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a till lends to its training: copies, and nothing by which its books could be written.
#[derive(Clone, Debug)]
pub struct Lent {
    /// What is fixed, with the language and the colours of now.
    pub options: Options,
    /// Who the till is.
    pub identity: Identity,
    /// Who may log in.
    pub staff: TillStaff,
    /// Wrong PINs, by login.
    pub wrong: BTreeMap<String, u32>,
    /// Who serves.
    pub serves: Option<Cashier>,
    /// The wallets of the shop, as far as they are known.
    pub wallets: Vec<Wallet>,
    /// How the printer is.
    pub printer: PrinterState,
    /// How the scanner is.
    pub scanner: ScannerState,
}

impl Lent {
    /// How the scanner marks its codes.
    #[must_use]
    pub fn prefixes(&self) -> Prefixes {
        self.options.scanner.as_ref().map(ScannerConfig::prefixes).unwrap_or_default()
    }
}

impl Controller {
    pub(super) fn ask_to_train(&mut self) {
        if !matches!(self.at, At::About) {
            return;
        }
        match self.no_training() {
            Some(why) => self.tell(why),
            None => self.with_right(Right::Train, Approved::Train),
        }
    }

    pub(super) fn begin_training(&mut self, approver: Option<Cashier>) {
        match self.no_training() {
            Some(why) => self.tell(why),
            None => {
                let by = approver.or_else(|| self.cashier()).map(|person| person.login);
                tracing::info!(by, "training is to begin");
                self.out.push(Command::BeginTraining);
            }
        }
    }

    /// Why no training may begin now: somebody's money is on its way, or waits for this till to give it back, and whoever is
    /// at the till must see how that ends.
    /// Goods in hand, held sales and an open shift stay as they are.
    fn no_training(&mut self) -> Option<Notice> {
        let refunds = self.read(|journal| journal.open_refunds()).is_none_or(|open| !open.is_empty());
        let asked_for = self.status.as_ref().is_some_and(|status| status.refunds_waiting > 0);
        (!self.watches.is_empty() || refunds || asked_for).then_some(Notice::NoTrainingNow)
    }

    /// What a training is made of, if one may begin this very moment. From here on the till waits, locked where people have
    /// PINs, and hears nothing of what is touched or scanned.
    pub fn lend(&mut self, now: Moment) -> Option<Lent> {
        self.now = now;
        let stands = matches!(self.at, At::About) && self.faults.is_empty() && !self.duty.is_locked();
        if !stands || self.no_training().is_some() {
            return None;
        }
        let options = Options {
            language: self.language,
            colours: self.colours,
            // The till itself tells of it.
            languages_wrong: Vec::new(),
            servers: Vec::new(),
            receipt_template: String::new(),
            archive_after_days: 0,
            kiosk: false,
            ..self.options.clone()
        };
        let lent = Lent {
            options,
            identity: self.identity.clone()?,
            staff: TillStaff { version: self.duty.version(), people: Some(self.duty.people().to_vec()) },
            wrong: self.duty.wrong.counts(),
            serves: self.cashier(),
            wallets: self.status.as_ref().map(|status| status.wallets.clone()).unwrap_or_default(),
            printer: self.printer,
            scanner: self.scanner,
        };
        self.at = At::Sale;
        self.lock_by_hand();
        Some(lent)
    }

    /// Who may log in, with its version.
    #[must_use]
    pub fn staff(&self) -> TillStaff {
        TillStaff { version: self.duty.version(), people: Some(self.duty.people().to_vec()) }
    }

    /// The till cannot work.
    #[must_use]
    pub fn has_fault(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Says this above the page, at the next thing that happens.
    pub fn say(&mut self, notice: Notice) {
        self.tell(notice);
    }

    /// Shows where the till stands, although nothing has changed: something else was on the screen.
    pub fn show_again(&mut self, now: Moment) -> Vec<Command> {
        self.now = now;
        self.shown = None;
        self.show(true);
        std::mem::take(&mut self.out)
    }

    /// Whoever serves goes on serving here, without a PIN typed anew.
    pub fn go_on_serving(&mut self, serves: Option<Cashier>) {
        if let Some(login) = serves.map(|serves| serves.login) {
            self.unlocked_by(&login);
        }
    }

    /// A scan may be taken for a customer's code here.
    #[must_use]
    pub fn may_take_a_code(&self) -> bool {
        matches!(self.at, At::AwaitCode { .. } | At::Cash { .. } | At::Ended { .. } | At::Payment { .. })
            && !self.duty.is_locked()
    }

    /// A practice customer's code, asked for: they can be charged as often as is practised.
    pub fn practice_code_comes(&mut self, code: &str) {
        if matches!(self.at, At::AwaitCode { .. }) {
            self.tried.forget(code);
        }
    }

    /// Somebody who may log in.
    #[must_use]
    pub fn person(&self, login: &str) -> Option<&TillPerson> {
        self.duty.person(login)
    }

    /// How long this person has to wait after wrong PINs.
    #[must_use]
    pub fn wrong_pins_wait(&self, login: &str, now: Moment) -> Duration {
        self.duty.wrong.wait(login, now.monotonic)
    }

    /// A PIN was right or wrong that was typed for something that is not decided here. Gives the tries that are left, and
    /// the counts if they have changed.
    pub fn count_pin(
        &mut self,
        login: &str,
        right: bool,
        now: Moment,
    ) -> (u32, Option<BTreeMap<String, u32>>) {
        let changed = if right {
            self.duty.wrong.right(login)
        } else {
            self.duty.wrong.wrong(login, now.monotonic);
            true
        };
        (self.duty.wrong.left(login), changed.then(|| self.duty.wrong.counts()))
    }

    /// Wrong PINs were typed in the training: they count here, and are kept.
    pub fn learn_wrong_pins(&mut self, counts: BTreeMap<String, u32>, now: Moment) -> Command {
        self.duty.wrong.learn(&counts, now.monotonic);
        Command::KeepWrongPins(counts)
    }
}
