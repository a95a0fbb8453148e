//! The till's rules as a pure core: inputs in, commands out. It knows no window, no socket and no printer; the one
//! thing that it waits for is the journal, because what is sent must be on the disk before.
//!
//! Every touch and every answer is judged by where the sale stands, never by which button was drawn: a button that is
//! pressed twice finds the second time that its work is done.

mod adjust;
mod age;
mod approval;
mod card;
mod cart;
mod count;
mod day;
mod drawer;
mod duty;
mod enrol;
mod fault;
mod hold;
mod input;
mod keeping;
mod kiosk;
mod link;
mod notice;
mod orders;
mod parts;
mod payment;
mod pictures;
mod pin;
mod printing;
mod question;
mod refund;
mod sale;
mod scanners;
mod screen;
mod serial;
mod shift;
mod tender;
mod training;
mod tried;
mod typed;
mod weighed;

pub use input::{Command, EnrolError, EnrolledAs, Input, Moment, Options, PrintOrder, PrintReport};
pub use pictures::PictureShelf;
pub use training::Lent;

use crate::catalogue_store::Goods;
use crate::config::Identity;
use crate::journal_store::{Journal, JournalError};
use crate::secret_code;
use crate::sync::{Jitter, Line, Request, Situation, Sync};
use crate::view::{
    AdjustTarget, Colours, DisplayState, Language, Notice, PrinterState, ScannerState, Screen, TestPrint,
    TextSize, UserAction,
};
use approval::Approval;
use cart::Cart;
use drawer::DrawerDesk;
use duty::Duty;
use enrol::Enrolling;
use evertill_shared::journal::Body;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::protocol::terminal::TerminalStatus;
use fault::Fault;
use hold::Held;
use keeping::Keeping;
use notice::Notices;
use orders::{Asking, OrdersDesk};
use payment::{HeldCode, Watch};
use question::Question;
use refund::RefundDesk;
use sale::Found;
use scanners::ScannerDesk;
use std::time::Duration;
use tried::Tried;

/// Where the person at the till is.
#[derive(Debug)]
enum At {
    Starting,
    Enrol(Enrolling),
    Sale,
    /// Waiting for the payment code; with one that waits for the order number.
    AwaitCode {
        held: Option<HeldCode>,
    },
    Cash {
        given_minor: i64,
    },
    /// An attempt is under way.
    Payment {
        sale: u64,
    },
    /// An attempt has ended without the money, or could not begin.
    Ended {
        wallet: Option<evertill_shared::wallet::Wallet>,
        state: crate::view::PaymentState,
    },
    Done {
        sale: u64,
    },
    /// Changing a line, or the whole sale.
    Adjust {
        target: AdjustTarget,
    },
    /// A piece waits for its serial number.
    Serial(Box<serial::Asking>),
    /// Parking the sale, or taking a parked one in hand again.
    Held,
    Refunds,
    Orders,
    /// One order.
    Order {
        sale: u64,
        /// Back leads to the list.
        from_list: bool,
    },
    /// A refund is being asked for here.
    AskRefund(Box<Asking>),
    About,
    /// How the till stands.
    Day {
        test: TestPrint,
    },
    /// Setting the barcode scanner up.
    Scanners,
    /// Choosing why the drawer is opened without a sale.
    Drawer,
    /// The drawer and its shift.
    Shift,
    /// An amount for the drawer is typed.
    DrawerAmount(shift::Typed),
    /// The drawer is counted, blind; who approved that it is.
    Count {
        sheet: count::Sheet,
        approved_by: Option<evertill_shared::cashier::Cashier>,
    },
    /// The report of the newest shift that has ended, or of the one that is open.
    Report {
        ended: bool,
    },
}

/// The core of the till.
pub struct Controller {
    options: Options,
    language: Language,
    colours: Colours,
    text_size: TextSize,
    identity: Option<Identity>,
    fingerprint: String,
    journal: Option<Box<dyn Journal>>,
    goods: Goods,
    sync: Sync,
    status: Option<TerminalStatus>,
    /// When that came.
    status_at: Duration,
    display: DisplayState,
    at: At,
    faults: Vec<Fault>,
    cart: Cart,
    /// The cart as it stands on the disk.
    kept: Cart,
    held: Vec<Held>,
    /// The journal's entry of the sale in the cart, once it was closed for payment.
    frozen: Option<u64>,
    draft_due: Duration,
    watches: Vec<Watch>,
    tried: Tried,
    desk: RefundDesk,
    orders: OrdersDesk,
    drawer: DrawerDesk,
    left: parts::LeftParts,
    duty: Duty,
    keeping: Keeping,
    search: String,
    /// Since when a payment code stands in a search box that may still be typed on.
    typed_code: Option<Duration>,
    found: Found,
    notices: Notices,
    question: Option<Question>,
    /// How many questions were asked since the program started, those for serial numbers among them.
    questions: u32,
    /// Scans that follow once the question for an age, or for a serial number, is answered or gone.
    waiting: Vec<evertill_hardware::label::Label>,
    approval: Option<Approval>,
    printer: PrinterState,
    printing: Vec<printing::Printing>,
    scanner: ScannerState,
    scanners: ScannerDesk,
    clock_told: bool,
    now: Moment,
    out: Vec<Command>,
    shown: Option<Screen>,
}

impl Controller {
    /// A till that has just been switched on.
    #[must_use]
    pub fn new(options: Options, jitter: Jitter, now: Moment) -> Self {
        let notices = Notices::of_languages(&options.languages_wrong);
        Self {
            language: options.language,
            colours: options.colours,
            text_size: options.text_size,
            printer: if options.has_printer { PrinterState::Disconnected } else { PrinterState::None },
            scanner: if options.scanner.is_some() { ScannerState::Disconnected } else { ScannerState::None },
            options,
            identity: None,
            fingerprint: String::new(),
            journal: None,
            goods: Goods::default(),
            sync: Sync::new(jitter),
            status: None,
            status_at: now.monotonic,
            display: DisplayState::None,
            at: At::Starting,
            faults: Vec::new(),
            cart: Cart::default(),
            kept: Cart::default(),
            held: Vec::new(),
            frozen: None,
            draft_due: Duration::ZERO,
            watches: Vec::new(),
            tried: Tried::default(),
            desk: RefundDesk::default(),
            orders: OrdersDesk::default(),
            drawer: DrawerDesk::default(),
            left: parts::LeftParts::default(),
            duty: Duty::default(),
            keeping: Keeping::default(),
            search: String::new(),
            typed_code: None,
            found: Found::default(),
            notices,
            question: None,
            questions: 0,
            waiting: Vec::new(),
            approval: None,
            printing: Vec::new(),
            scanners: ScannerDesk::default(),
            clock_told: false,
            now,
            out: Vec::new(),
            shown: None,
        }
    }

    /// Takes one thing in that happened, and says what is to be done about it, in order.
    pub fn handle(&mut self, input: Input, now: Moment) -> Vec<Command> {
        self.now = now;
        let always_show = matches!(input, Input::Action(_) | Input::Scan(_));
        if always_show {
            self.duty.touched(now.monotonic);
        }
        match input {
            Input::Action(action) => self.on_action(action),
            Input::Scan(scan) => self.on_scan(scan),
            Input::ScanRefused => self.on_scan_refused(),
            Input::ScannersFound(found) => self.on_scanners_found(found),
            Input::Scanner(state) => self.on_scanner(state),
            Input::Printer(state) => self.on_printer(state),
            Input::Printed { job, report } => self.on_printed(job, report),
            Input::Kicked { kick, report } => self.on_kicked(kick, report),
            Input::TestPrinted(report) => self.on_test_printed(report),
            Input::PictureKept { name, is_good } => self.on_picture_kept(name, is_good),
            Input::Display(state) => self.on_display(state),
            Input::Started { identity, fingerprint } => self.on_started(identity, fingerprint),
            Input::CannotStart(page) => self.fail(Fault::Own(page)),
            Input::Enrolled(result) => self.on_enrolled(result),
            Input::JournalOpened(result) => self.on_journal(result),
            Input::GoodsOpened(goods) => self.goods = *goods,
            Input::NamesRead(names) => self.on_names(names),
            Input::StaffLoaded { staff, wrong } => self.on_staff_loaded(staff, &wrong),
            Input::PinChecked { login, right } => self.on_pin_checked(&login, right),
            Input::Net(answer) => self.on_answer(answer),
            Input::Tick => {}
        }
        self.drop_idle_question();
        self.resume_waiting();
        self.drop_idle_approval();
        self.drop_typed_code();
        if self.faults.is_empty() {
            self.notices.fault_over();
        }
        self.run_due();
        self.look_for_matches();
        self.look_for_orders();
        self.keep_cart();
        self.show(always_show);
        std::mem::take(&mut self.out)
    }

    fn on_action(&mut self, action: UserAction) {
        use UserAction as A;
        match action {
            // What is about another customer's money waits for somebody with a name.
            A::DismissNotice if self.duty.is_locked() => self.notices.over(),
            A::DismissNotice => self.dismiss_notice(),
            A::Language { code } => self.speak_by_code(&code),
            A::Colours(colours) => self.colour(colours),
            A::TextSize(size) => self.size_words(size),
            A::RetryFault => self.retry(),
            A::Confirm { question, yes } => self.answer_question(question, yes),
            A::NobodyCame { question } => self.nobody_came(question),
            // Behind a fault or a question nothing can be touched, whatever was in the queue of touches.
            _ if !self.faults.is_empty() || self.question.is_some() => {}
            A::ChoosePerson { login } => self.choose_person(login),
            A::Unlock { pin } => self.enter_pin(pin),
            // Nor behind the lock.
            _ if self.duty.is_locked() => {}
            A::Lock => self.lock_by_hand(),
            // Nor while somebody is asked to approve: they may say no.
            A::Back if self.approval.is_some() => self.drop_approval(),
            _ if self.approval.is_some() => {}
            // A scanner that nobody has set up has typed a secret: it would be written down, sent, printed or shown.
            _ if action.words().into_iter().any(secret_code::stands_in_words) => {
                self.tell(Notice::SecretTyped)
            }
            A::EnrolSubmit { server, code } => self.enrol(server, code),
            A::EnrolRestart => self.enrol_restart(),
            A::AddProduct { .. }
            | A::SetSearch(_)
            | A::SubmitSearch(_)
            | A::ChangeQuantity { .. }
            | A::VoidSale => self.on_sale_action(action),
            A::RemoveLine { .. } if matches!(self.at, At::Sale) => self.on_sale_action(action),
            A::OpenLine { line } => self.open_adjust(AdjustTarget::Line(line)),
            A::OpenWhole => self.open_adjust(AdjustTarget::Whole),
            A::RemoveLine { .. }
            | A::SetQuantity { .. }
            | A::TakeOff { .. }
            | A::TakeNothingOff
            | A::OverridePrice { .. }
            | A::RestorePrice
            | A::WriteNote { .. } => self.on_adjust_action(action),
            A::SerialTyped { question, text } => self.serial_typed(question, text.expose()),
            A::NoSerial { question } => self.no_serial(Some(question)),
            A::OpenHeld => self.open(At::Held),
            A::Hold { name } => self.hold(&name),
            A::Recall { id } => self.recall(id),
            A::TenderCode => self.tender_code(),
            A::ShowCode { wallet } => self.show_code(wallet),
            A::TenderCash => self.tender_cash(),
            A::CashGiven { minor } => self.cash_given(minor),
            A::CashConfirm => self.cash_confirm(),
            A::CashPart => self.take_part(),
            A::CashBack => self.ask_cash_back(),
            A::Back => self.back(),
            A::SetAside => self.ask_set_aside(),
            A::TakeBack => self.take_back_shown(),
            A::NextSale => self.next_sale(),
            A::PrintReceipt => self.print_receipt(),
            A::OpenDrawerAgain => self.open_drawer_again(),
            A::PrintCopy => self.print_copy_shown(),
            A::OpenRefunds => self.open(At::Refunds),
            A::OpenOrders => self.open_orders(),
            A::SetOrderSearch(_)
            | A::SubmitOrderSearch(_)
            | A::TurnOrders { .. }
            | A::OrdersOf(_)
            | A::OpenOrder { .. }
            | A::Reprint { .. } => self.on_orders_action(action),
            A::OpenAbout => self.open(At::About),
            A::OpenDay => self.open(At::Day { test: TestPrint::NotAsked }),
            A::TestPrint => self.test_print(),
            A::OpenDrawerPage => self.open(At::Shift),
            A::ChooseNoSale
            | A::NoSale { .. }
            | A::DrawerAmount(_)
            | A::AmountTyped { .. }
            | A::ChooseCashReason(_)
            | A::AmountConfirm
            | A::EndShift
            | A::CountChoose { .. }
            | A::CountKey(_)
            | A::CountConfirm
            | A::ReadShift
            | A::LastShift
            | A::PrintReport => self.on_shift_action(action),
            A::AskRefund => self.ask_refund(),
            A::RefundPick { line, delta } => {
                self.pick_for_refund(usize::try_from(line).unwrap_or(usize::MAX), delta);
            }
            A::RefundWhole => self.refund_amount(None),
            A::RefundAmount { minor } => self.refund_amount(Some(minor)),
            A::RefundReason(reason) => self.refund_reason(reason),
            A::RefundGoOn => self.refund_go_on(),
            A::RefundToConsole => self.refund_to_console(),
            A::EndProgram => self.ask_to_end(),
            A::BeginTraining => self.ask_to_train(),
            // These are for a training that is under way, and none is.
            A::EndTraining | A::PracticeScan(_) => {}
            A::OpenScanners => self.ask_for_scanners(),
            A::FindScanners
            | A::UseScanner { .. }
            | A::UseWrittenScanner
            | A::SetScannerMarks(_)
            | A::SetScannerEnd { .. }
            | A::SetScannerBaud { .. }
            | A::SetScannerTyping(_) => self.on_scanner_action(action),
            A::CarryOutRefund { id } => self.ask_carry_out(id),
        }
    }

    /// After the last one the first follows; English after one that is gone.
    fn next_language(&self) -> Language {
        let all = &self.options.languages;
        let place = all.iter().position(|language| *language == self.language);
        let next = place.and_then(|place| all.get(place + 1)).or(all.first());
        next.copied().unwrap_or_default()
    }

    /// A language that the till does not have is not chosen.
    fn speak_by_code(&mut self, code: &str) {
        if let Some(language) = self.options.languages.iter().copied().find(|found| found.code() == code) {
            self.speak(language);
        }
    }

    fn speak(&mut self, language: Language) {
        if self.language != language {
            self.language = language;
            self.out.push(Command::KeepLanguage(language));
        }
    }

    fn colour(&mut self, colours: Colours) {
        if self.colours != colours {
            self.colours = colours;
            self.out.push(Command::KeepColours(colours));
        }
    }

    fn size_words(&mut self, size: TextSize) {
        if self.text_size != size {
            self.text_size = size;
            self.out.push(Command::KeepTextSize(size));
        }
    }

    /// Opens one of the pages beside the sale; only from the sale, so that nothing under way is left.
    fn open(&mut self, page: At) {
        let beside = matches!(
            self.at,
            At::Sale
                | At::Held
                | At::Refunds
                | At::Orders
                | At::Order { .. }
                | At::About
                | At::Day { .. }
                | At::Shift
        );
        if beside {
            self.at = page;
            if matches!(self.at, At::Refunds) {
                self.notices.over();
            }
        }
    }

    /// The list of orders, of today.
    fn open_orders(&mut self) {
        if !matches!(self.at, At::Orders) {
            self.orders = OrdersDesk::default();
        }
        self.open(At::Orders);
    }

    fn back(&mut self) {
        match &self.at {
            At::AskRefund(_) => self.asking_back(),
            At::Serial(_) => self.no_serial(None),
            At::Order { from_list: true, .. } => {
                self.at = At::Orders;
                self.notices.over();
            }
            At::AwaitCode { held: None } | At::Cash { .. } | At::Ended { .. } => self.back_from_tender(),
            At::Adjust { .. }
            | At::Held
            | At::Refunds
            | At::Orders
            | At::Order { from_list: false, .. }
            | At::About
            | At::Day { .. }
            | At::Scanners
            | At::Shift => {
                self.at = At::Sale;
                self.notices.over();
            }
            At::Drawer | At::DrawerAmount(_) | At::Count { .. } | At::Report { .. } => {
                self.at = At::Shift;
                self.notices.over();
            }
            // With a code in hand the payment is on its way; the others have their own ways out.
            At::AwaitCode { .. }
            | At::Starting
            | At::Enrol(_)
            | At::Sale
            | At::Payment { .. }
            | At::Done { .. } => {}
        }
    }

    fn next_sale(&mut self) {
        if matches!(self.at, At::Done { .. }) {
            self.at = At::Sale;
            self.notices.over();
        }
    }

    /// Writes an entry. When it cannot be written the till says so and nothing else happens.
    fn write(&mut self, body: &Body) -> Option<u64> {
        let at = self.now.wall;
        let journal = self.journal.as_mut()?;
        match journal.append(body, at) {
            Ok(sequence) => {
                self.sync.hurry(self.now.monotonic);
                Some(sequence)
            }
            Err(error) => {
                self.journal_failed(error);
                None
            }
        }
    }

    /// Reads from the journal; `None` when it failed, which then is on screen.
    fn read<T>(&mut self, read: impl FnOnce(&dyn Journal) -> Result<T, JournalError>) -> Option<T> {
        let result = read(self.journal.as_deref()?);
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.journal_failed(error);
                None
            }
        }
    }

    fn send(&mut self, request: Request) {
        self.out.push(Command::Send(request));
    }

    /// What the passing of time asks for.
    fn run_due(&mut self) {
        self.ask_for_number();
        self.run_watches();
        self.run_left_parts();
        self.run_asking();
        self.run_duty();
        self.run_keeping();
        let situation = Situation {
            status: self.status.as_ref(),
            catalogue: Some(self.goods.standing()),
            staff_version: self.duty.version(),
            receipt_template: &self.options.receipt_template,
            pictures: self.options.pictures.name(),
            wanted_picture: self.options.pictures.wanted(&self.goods),
            refunds_wanted: matches!(self.at, At::Refunds)
                || (self.faults.is_empty() && self.desk.has_waiting()),
        };
        if self.identity.is_none() {
            return;
        }
        match self.sync.poll(self.journal.as_deref(), &situation, self.now.monotonic) {
            Ok(requests) => self.out.extend(requests.into_iter().map(Command::Send)),
            Err(error) => self.journal_failed(error),
        }
    }

    fn currency(&self) -> Currency {
        self.identity.as_ref().map_or(Currency::CNY, |identity| identity.store.currency)
    }

    fn money(&self, minor: i64) -> Amount {
        Amount::new(minor, self.currency())
    }

    /// Whether payment codes can be charged now.
    fn code_works(&self) -> bool {
        self.sync.line() == Line::Up
            && self.faults.is_empty()
            && self.status.as_ref().is_some_and(|s| s.state.may_move_money() && !s.wallets.is_empty())
    }
}

#[cfg(test)]
pub(crate) use tests::{identity as tests_identity, products as tests_products};

#[cfg(test)]
mod tests;
