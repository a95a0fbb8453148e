//! Training: a till that practises. It is the till's own core a second time, with nothing around it that is real: a journal
//! in memory under a key that no server knows, a server and a wallet that are data ([`PracticeServer`]), and a list of the
//! few things that may be done outside ([`Allowed`]). What is not on that list cannot be done, whatever the core orders: there
//! is no client here, no drawer and no folder. When it ends, or the program does, nothing of it is left.

mod server;
mod wallet;

pub use server::{PracticeServer, Shop};
pub use wallet::Customer;

use crate::catalogue_store::{Goods, SearchText};
use crate::controller::{Command, Controller, Input, Lent, Moment, PrintOrder, PrintReport};
use crate::journal_store::{Journal, JournalError, JournalStore};
use crate::sync::{Answer, Jitter, Request};
use crate::view::{
    DrawerState, Notice, Page, PracticeCustomer, PrinterState, Screen, TrainingBar, UnderWay, UserAction,
};
use evertill_hardware::ScanText;
use evertill_hardware::label::{Prefixes, classify_with};
use evertill_shared::id::KeyEpoch;
use evertill_shared::journal::Head;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::enrol::terminal_key_id;
use evertill_shared::protocol::refunds::{AskRefundAtTill, CodeRefused, RefundAnswer};
use evertill_shared::protocol::till_staff::TillStaff;
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::{self as wallets, Wallet};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The epoch of a training's key. Real ones are counted from 1: no sale of the training has the name of a real one.
const EPOCH: KeyEpoch = 0;

/// What a training is made of, beside what the till lends to it.
pub struct Provisions {
    /// The goods, to be read only.
    pub goods: Goods,
    /// Their names, to be searched.
    pub names: SearchText,
    /// Chance: the seed of the key, which dies with the training.
    pub seed: [u8; 32],
    /// Chance: keeps this training's order numbers apart from another's.
    pub random: u32,
    /// Chance for pauses.
    pub jitter: Jitter,
}

/// What a training may do outside. Nothing else.
pub enum Allowed {
    /// Show this; it is marked as training.
    Show(Box<Screen>),
    /// Print this, marked as no receipt.
    Print(Box<PrintOrder>),
    /// Check a PIN, then [`Told::Pin`].
    CheckPin {
        /// What it is for.
        asked: PinFor,
        /// Whose.
        login: String,
        /// What was typed.
        pin: SecretText,
        /// What it is checked against.
        verifier: SecretText,
    },
    /// Wrong PINs count in training as ever: it gives nobody new tries.
    CountWrongPins(BTreeMap<String, u32>),
}

/// What a PIN is checked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinFor {
    /// The lock, or an approval at the till.
    Till,
    /// The approval of the refund with this request's id: in the shop the server checks that one.
    Refund(String),
}

/// What comes back from outside, for the training that asked and for no other.
pub enum Told {
    /// What became of a PIN.
    Pin {
        /// What it was for.
        asked: PinFor,
        /// Whose.
        login: String,
        /// It is theirs.
        right: bool,
    },
    /// What became of a print job.
    Printed {
        /// Its number.
        job: u64,
        /// What is known of it.
        report: PrintReport,
    },
}

/// A refund whose approver's PIN is being checked.
struct Asked {
    number: OrderNumber,
    request: String,
    body: Box<AskRefundAtTill>,
}

/// A training that is under way.
pub struct Training {
    controller: Controller,
    server: PracticeServer,
    prefixes: Prefixes,
    asked: Option<Asked>,
}

impl Training {
    /// Begins one, at the empty sale, served by whoever serves at the till.
    /// # Errors
    /// There is no journal for it.
    pub fn begin(
        lent: Lent,
        provisions: Provisions,
        now: Moment,
    ) -> Result<(Self, Vec<Allowed>), JournalError> {
        let mut identity = lent.identity.clone();
        (identity.epoch, identity.servers, identity.activated) = (EPOCH, Vec::new(), true);
        let key = SigningKey::from_seed(&provisions.seed, terminal_key_id(identity.terminal, EPOCH));
        let key = Arc::new(key.map_err(|error| JournalError::Io(error.to_string()))?);
        let start = Head::start(identity.terminal, EPOCH);
        let journal: Box<dyn Journal> = Box::new(JournalStore::in_memory(start, Arc::clone(&key), now.wall)?);
        let standing = provisions.goods.standing();
        let shop = Shop {
            key: key.public(),
            identity: identity.clone(),
            wallets: if lent.wallets.is_empty() { Wallet::ALL.to_vec() } else { lent.wallets.clone() },
            catalogue: (standing.version.unwrap_or(0), standing.name.clone()),
            random: provisions.random,
        };
        let mut training = Self {
            controller: Controller::new(lent.options.clone(), provisions.jitter, now),
            server: PracticeServer::new(shop, lent.staff.version),
            prefixes: lent.prefixes(),
            asked: None,
        };
        let mut allowed = Vec::new();
        for input in [
            Input::Started { identity: Some(identity), fingerprint: String::new() },
            Input::GoodsOpened(Box::new(provisions.goods)),
            Input::NamesRead(provisions.names),
            Input::StaffLoaded { staff: lent.staff.clone(), wrong: lent.wrong.clone() },
            Input::Printer(lent.printer),
            Input::Scanner(lent.scanner),
            Input::JournalOpened(Ok(journal)),
        ] {
            training.give(input, now, &mut allowed);
        }
        training.controller.go_on_serving(lent.serves);
        // Only what is on screen in the end.
        allowed.retain(|what| !matches!(what, Allowed::Show(_)));
        training.give(Input::Action(UserAction::DismissNotice), now, &mut allowed);
        Ok((training, allowed))
    }

    /// Takes one thing in that happened.
    pub fn handle(&mut self, input: Input, now: Moment) -> Vec<Allowed> {
        let mut allowed = Vec::new();
        match input {
            Input::Action(action) => self.act(action, now, &mut allowed),
            Input::Scan(scan) if self.is_real_code(&scan) => {
                self.controller.say(Notice::RealCodeInTraining);
                self.give(Input::Tick, now, &mut allowed);
            }
            Input::Scan(scan) => {
                self.controller.practice_code_comes(self.text_of(&scan).expose());
                self.give(Input::Scan(scan), now, &mut allowed);
            }
            // These are about the devices, the clock and the hands that both tills share.
            input @ (Input::ScanRefused
            | Input::Scanner(_)
            | Input::Printer(_)
            | Input::Display(_)
            | Input::Tick) => self.give(input, now, &mut allowed),
            _ => tracing::error!("something came to the training that is the till's own; it was not used"),
        }
        allowed
    }

    /// Takes in what this training asked for outside.
    pub fn told(&mut self, told: Told, now: Moment) -> Vec<Allowed> {
        let mut allowed = Vec::new();
        match told {
            Told::Pin { asked: PinFor::Till, login, right } => {
                self.give(Input::PinChecked { login, right }, now, &mut allowed);
            }
            Told::Pin { asked: PinFor::Refund(request), login, right } => {
                self.refund_pin(&request, &login, right, now, &mut allowed);
            }
            Told::Printed { job, report } => self.give(Input::Printed { job, report }, now, &mut allowed),
        }
        allowed
    }

    /// Who may log in is another list now: whoever has left approves nothing here either.
    pub fn people_changed(&mut self, staff: TillStaff, now: Moment) -> Vec<Allowed> {
        let mut allowed = Vec::new();
        self.server.set_staff(staff.version);
        self.give(Input::Net(Answer::Staff(Ok(staff))), now, &mut allowed);
        allowed
    }

    /// Something of the training itself is broken: it can only end.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.controller.has_fault()
    }

    fn act(&mut self, action: UserAction, now: Moment, allowed: &mut Vec<Allowed>) {
        let action = match action {
            // The till's own: devices, the program, who the till is.
            UserAction::OpenScanners
            | UserAction::FindScanners
            | UserAction::UseScanner { .. }
            | UserAction::UseWrittenScanner
            | UserAction::SetScannerMarks(_)
            | UserAction::SetScannerEnd { .. }
            | UserAction::SetScannerTyping(_)
            | UserAction::EndProgram
            | UserAction::OpenDay
            | UserAction::TestPrint
            | UserAction::BeginTraining
            | UserAction::EnrolSubmit { .. }
            | UserAction::EnrolRestart => {
                self.controller.say(Notice::NotInTraining);
                return self.give(Input::Tick, now, allowed);
            }
            UserAction::PracticeScan(customer) => {
                let code = self.practice_code(customer);
                self.controller.practice_code_comes(&code);
                return self.give(Input::Scan(ScanText::new(code)), now, allowed);
            }
            other => other,
        };
        self.give(Input::Action(action), now, allowed);
    }

    fn practice_code(&self, customer: PracticeCustomer) -> String {
        let customer = match customer {
            PracticeCustomer::Pays => Customer::Pays,
            PracticeCustomer::IsAsked => Customer::IsAsked,
            PracticeCustomer::HasNoMoney => Customer::HasNoMoney,
            PracticeCustomer::StaysSilent => Customer::StaysSilent,
        };
        customer.code(self.server.first_wallet())
    }

    /// A code with which a real customer could pay, where a code is taken. Elsewhere the core takes none; and even one that
    /// got through would reach nothing but [`PracticeServer`].
    fn is_real_code(&self, scan: &ScanText) -> bool {
        if !self.controller.may_take_a_code() {
            return false;
        }
        let text = self.text_of(scan);
        wallets::detect(text.expose()).is_some() && Customer::of_code(text.expose()).is_none()
    }

    /// What was scanned, without the scanner's marks.
    fn text_of(&self, scan: &ScanText) -> ScanText {
        classify_with(ScanText::new(scan.expose().to_owned()), self.prefixes).text
    }

    /// Lets the core take it in, and whatever comes of that at once.
    fn give(&mut self, input: Input, now: Moment, allowed: &mut Vec<Allowed>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for command in self.controller.handle(input, now) {
                self.carry_out(command, now, allowed, &mut inputs);
            }
            if inputs.is_empty() {
                inputs.extend(self.server.answers(now).into_iter().map(Input::Net));
            }
        }
    }

    /// Every order of the core comes by here, and each is named.
    fn carry_out(
        &mut self,
        command: Command,
        now: Moment,
        allowed: &mut Vec<Allowed>,
        inputs: &mut VecDeque<Input>,
    ) {
        match command {
            Command::Show(screen) => allowed.push(Allowed::Show(Box::new(marked(*screen)))),
            Command::Send(Request::AskRefund { number, request, body }) => {
                self.check_refund(Asked { number, request, body }, now, allowed);
            }
            Command::Send(request) => self.server.ask(request, now),
            Command::Print(order) => allowed.push(Allowed::Print(order)),
            // The drawer holds real money. What the screen says of it is put right in `marked`.
            Command::KickDrawer { kick } => {
                inputs.push_back(Input::Kicked { kick, report: PrintReport::Confirmed });
            }
            Command::TestPrint { .. } => {
                inputs.push_back(Input::TestPrinted(PrintReport::NotStarted(PrinterState::None)));
            }
            Command::CheckPin { login, pin, verifier } => {
                allowed.push(Allowed::CheckPin { asked: PinFor::Till, login, pin, verifier });
            }
            Command::KeepWrongPins(counts) => allowed.push(Allowed::CountWrongPins(counts)),
            // The till's own, which has them already or does not want them from here.
            Command::Start
            | Command::Enrol { .. }
            | Command::SaveIdentity(_)
            | Command::ForgetIdentity
            | Command::KeepLanguage(_)
            | Command::KeepColours(_)
            | Command::KeepTextSize(_)
            | Command::KeepPictures(_)
            | Command::KeepPicture { .. }
            | Command::OpenJournal(_)
            | Command::FindScanners
            | Command::UseScanner(_)
            | Command::UseWrittenScanner
            | Command::KeepReceiptTemplate(_)
            | Command::SaveStaff(_)
            | Command::BeginTraining
            | Command::EndProgram => {}
        }
    }

    /// In the shop the server checks the PIN that approves a refund, and counts wrong ones. Here the till does, by the same
    /// rules, and they count with those that are typed elsewhere. A code that approves is not good here, and is not used up.
    fn check_refund(&mut self, asked: Asked, now: Moment, allowed: &mut Vec<Allowed>) {
        if asked.body.code.is_some() {
            let why = CodeRefused::Unknown;
            return self.answer_refund(&asked, RefundAnswer::CodeRefused { why }, now);
        }
        let login = asked.body.approver.clone();
        let Some(approver) = self.controller.person(&login).filter(|who| Right::Refund.held_by(who.role))
        else {
            return self.answer_refund(&asked, RefundAnswer::NotApprover, now);
        };
        let wait = self.controller.wrong_pins_wait(&login, now);
        if !wait.is_zero() {
            return self.answer_refund(&asked, RefundAnswer::Wait { seconds: wait.as_secs().max(1) }, now);
        }
        let Some(verifier) = approver.verifier.clone() else {
            return self.answer_refund(&asked, RefundAnswer::NotApprover, now);
        };
        let pin = asked.body.pin.clone();
        let for_this = PinFor::Refund(asked.request.clone());
        self.asked = Some(asked);
        allowed.push(Allowed::CheckPin { asked: for_this, login, pin, verifier });
    }

    fn refund_pin(
        &mut self,
        request: &str,
        login: &str,
        right: bool,
        now: Moment,
        allowed: &mut Vec<Allowed>,
    ) {
        let mine = |asked: &mut Asked| asked.request == request && asked.body.approver == login;
        let Some(asked) = self.asked.take_if(mine) else { return };
        let (tries_left, counts) = self.controller.count_pin(login, right, now);
        allowed.extend(counts.map(Allowed::CountWrongPins));
        let approver = self.controller.person(login).filter(|who| Right::Refund.held_by(who.role));
        match approver.map(|who| who.name.clone()) {
            _ if !right => self.answer_refund(&asked, RefundAnswer::WrongPin { tries_left }, now),
            Some(by) => self.server.reserve(asked.number, asked.request, &asked.body, by, now),
            None => self.answer_refund(&asked, RefundAnswer::NotApprover, now),
        }
    }

    fn answer_refund(&mut self, asked: &Asked, answer: RefundAnswer, now: Moment) {
        let (number, request) = (asked.number, asked.request.clone());
        self.server.later(Answer::AskRefund { number, request, result: Ok(answer) }, now);
    }
}

/// The screen as a training shows it: it says that it is one, and tells nothing of a drawer that does not open.
fn marked(mut screen: Screen) -> Screen {
    screen.training = Some(TrainingBar { takes_code: matches!(screen.page, Page::AwaitCode(_)) });
    let done = match &mut screen.page {
        Page::Done(done) => Some(done),
        Page::Lock(lock) => match &mut lock.under_way {
            Some(UnderWay::Paid(done)) => Some(done),
            _ => None,
        },
        _ => None,
    };
    if let Some(done) = done.filter(|done| done.drawer != DrawerState::NotAsked) {
        done.drawer = DrawerState::InTraining;
    }
    let of_drawer = [Notice::DrawerOpened, Notice::DrawerByKey, Notice::DrawerUnknown];
    if screen.notice.as_ref().is_some_and(|notice| of_drawer.contains(notice)) {
        screen.notice = Some(Notice::DrawerInTraining);
    }
    screen
}

#[cfg(test)]
impl Training {
    pub(crate) fn core(&mut self) -> &mut Controller {
        &mut self.controller
    }
}
