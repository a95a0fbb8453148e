//! A till on a bench: time by hand, the server by script, everything that it orders recorded.

use super::super::*;
use crate::config::{Identity, PrefixName, ScannerConfig};
use crate::journal_store::records::RefundRecord;
use crate::journal_store::{
    Archived, Archiving, Carts, HeldSale, JournalStore, KeptCart, PrintJob, PrintJobState, QueuedSale,
    SalesWanted, StoredSale, Unsent,
};
use crate::sync::{Answer, NetError, PaymentQuestion};
use crate::view::{Colours, Page, PaymentState as Shown, TextSize};
pub use crate::view::{FaultPage, Notice};
use evertill_hardware::ScanText;
use evertill_hardware::label::Prefixes;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{Attempt, RefundId, StoreId, TerminalId};
use evertill_shared::journal::{Entry, Head, SignedEntry};
use evertill_shared::order::line::TaxRate;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::countersign::Countersigned;
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::orders::{DraftCreated, OrderView, PaymentView};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::receipt::Receipt;
use evertill_shared::signing::SigningKey;
pub use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::Wallet;
use std::path::Path;
use std::sync::Arc;

pub const NOON: Timestamp = Timestamp(1_763_640_000_000);
pub const WECHAT: &str = "134567890123456789";
pub const TEA: &str = "6901234567892";
pub const BREAD: &str = "96385074";

pub fn cny(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY)
}

pub(crate) fn identity() -> Identity {
    Identity {
        servers: vec!["https://127.0.0.1:8443".into()],
        terminal: TerminalId::try_from(1).unwrap(),
        name: "Till 1".into(),
        epoch: 1,
        registration_code: "AB12".into(),
        store: StoreInfo {
            id: StoreId::try_from(7).unwrap(),
            name: "Corner Store".into(),
            address: vec!["1 Long Road".into()],
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().unwrap(),
            cut_off_minutes: 0,
        },
        activated: true,
    }
}

pub fn products() -> Vec<Product> {
    let product = |id: &str, name: &str, code: &str, price: i64, favourite: bool| Product {
        id: id.into(),
        name: name.into(),
        barcodes: vec![code.into()],
        price: cny(price),
        tax_rate: TaxRate(1300),
        favourite,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    };
    vec![
        Product { sold_by_weight: true, ..product("apples", "Apples", "12345", 990, false) },
        product("tea", "Green tea", TEA, 450, true),
        product("bread", "Bread", BREAD, 800, false),
        product("bag", "Bag without price", "40170725", 0, false),
    ]
}

/// These goods, as the till finds them when it starts.
pub fn goods_on_disk(products: &[Product]) -> Input {
    Input::GoodsOpened(Box::new(Goods::in_memory(1, products).unwrap()))
}

thread_local! {
    /// How often earlier sales were looked for, in the journal and its archive.
    pub static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    /// The file of the archive without which no earlier sale can be told.
    pub static MISSING: std::cell::Cell<Option<&'static str>> = const { std::cell::Cell::new(None) };
}

/// A journal that does not forgive: an entry that breaks a rule is a mistake of the controller.
pub struct Strict(pub Box<dyn Journal>);

impl Journal for Strict {
    fn head(&self) -> Head {
        self.0.head()
    }
    fn append(&mut self, body: &Body, at: Timestamp) -> Result<u64, JournalError> {
        let result = self.0.append(body, at);
        assert!(!matches!(result, Err(JournalError::Rule(_))), "{body:?}: {result:?}");
        result
    }
    fn entry(&self, sequence: u64) -> Result<SignedEntry, JournalError> {
        self.0.entry(sequence)
    }
    fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<SignedEntry>, JournalError> {
        self.0.entries_after(sequence, limit)
    }
    fn sale(&self, sequence: u64) -> Result<Option<StoredSale>, JournalError> {
        self.0.sale(sequence)
    }
    fn open_sales(&self) -> Result<Vec<crate::journal_store::records::SaleRecord>, JournalError> {
        self.0.open_sales()
    }
    fn recent_sales(&self, limit: usize) -> Result<Vec<StoredSale>, JournalError> {
        self.0.recent_sales(limit)
    }
    fn find_sales(&self, wanted: &SalesWanted) -> Result<Vec<StoredSale>, JournalError> {
        LOOKS.set(LOOKS.get() + 1);
        if let Some(file) = MISSING.get() {
            return Err(JournalError::Archive { file: file.into(), why: "it is missing".into() });
        }
        self.0.find_sales(wanted)
    }
    fn nearest_sale(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, JournalError> {
        self.0.nearest_sale(from, until)
    }
    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<StoredSale>, JournalError> {
        LOOKS.set(LOOKS.get() + 1);
        self.0.sale_of_order(number)
    }
    fn queue(&self) -> Result<Vec<QueuedSale>, JournalError> {
        self.0.queue()
    }
    fn unsent(&self) -> Result<Unsent, JournalError> {
        self.0.unsent()
    }
    fn confirm_sale(&mut self, sequence: u64, quarantined: bool) -> Result<(), JournalError> {
        self.0.confirm_sale(sequence, quarantined)
    }
    fn refund(&self, id: &RefundId) -> Result<Option<RefundRecord>, JournalError> {
        self.0.refund(id)
    }
    fn open_refunds(&self) -> Result<Vec<RefundRecord>, JournalError> {
        self.0.open_refunds()
    }
    fn refunds_of(&self, number: OrderNumber) -> Result<Vec<RefundRecord>, JournalError> {
        self.0.refunds_of(number)
    }
    fn last_shift(&self) -> Result<Option<evertill_shared::shift::Shift>, JournalError> {
        self.0.last_shift()
    }
    fn last_closed_shift(&self) -> Result<Option<evertill_shared::shift::Shift>, JournalError> {
        self.0.last_closed_shift()
    }
    fn handed_in(&self) -> Result<u64, JournalError> {
        self.0.handed_in()
    }
    fn set_handed_in(&mut self, sequence: u64) -> Result<(), JournalError> {
        self.0.set_handed_in(sequence)
    }
    fn new_print_job(
        &mut self,
        about: &str,
        receipt: &Receipt,
        at: Timestamp,
    ) -> Result<PrintJob, JournalError> {
        self.0.new_print_job(about, receipt, at)
    }
    fn set_print_job(&mut self, id: u64, state: PrintJobState) -> Result<(), JournalError> {
        self.0.set_print_job(id, state)
    }
    fn last_print_job(&self, about: &str) -> Result<Option<PrintJob>, JournalError> {
        self.0.last_print_job(about)
    }
    fn copies(&self, about: &str) -> Result<u32, JournalError> {
        self.0.copies(about)
    }
    fn fact(&self, name: &str) -> Result<Option<String>, JournalError> {
        self.0.fact(name)
    }
    fn facts(&self, prefix: &str) -> Result<Vec<(String, String)>, JournalError> {
        self.0.facts(prefix)
    }
    fn set_fact(&mut self, name: &str, value: Option<&str>) -> Result<(), JournalError> {
        self.0.set_fact(name, value)
    }
    fn has_room(&mut self) -> bool {
        self.0.has_room()
    }
}

impl Archiving for Strict {
    fn countersigned_to(&self) -> Result<u64, JournalError> {
        self.0.countersigned_to()
    }
    fn is_archived(&self, sale: u64) -> Result<bool, JournalError> {
        self.0.is_archived(sale)
    }
    fn keep_countersigned(&mut self, signed: &Countersigned) -> Result<bool, JournalError> {
        self.0.keep_countersigned(signed)
    }
    fn archive(&mut self, said_before: Timestamp, at_most: u64) -> Result<Archived, JournalError> {
        self.0.archive(said_before, at_most)
    }
}

impl Carts for Strict {
    fn kept_cart(&self) -> Result<Option<KeptCart>, JournalError> {
        self.0.kept_cart()
    }
    fn keep_cart(&mut self, record: Option<&str>) -> Result<(), JournalError> {
        self.0.keep_cart(record)
    }
    fn hold(&mut self, name: &str, record: &str, at: Timestamp) -> Result<u64, JournalError> {
        self.0.hold(name, record, at)
    }
    fn recall(&mut self, id: u64) -> Result<bool, JournalError> {
        self.0.recall(id)
    }
    fn held(&self) -> Result<Vec<HeldSale>, JournalError> {
        self.0.held()
    }
}

pub fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap())
}

pub fn start_head() -> Head {
    Head::start(identity().terminal, 1)
}

/// The till, and what it ordered since it was last asked.
pub struct Till {
    pub controller: Controller,
    pub now: Moment,
    pub sent: Vec<Request>,
    pub printed: Vec<PrintOrder>,
    pub kicks: usize,
    pub screen: Option<Screen>,
    pub other: Vec<Command>,
}

impl Till {
    /// A till with a printer and a scanner, its journal at this path, switched on; no server has answered yet.
    pub fn at(path: &Path) -> Self {
        Self::at_time(path, NOON)
    }

    pub fn at_time(path: &Path, wall: Timestamp) -> Self {
        Self::with(Box::new(JournalStore::open(path, start_head(), key(), wall).unwrap()), wall)
    }

    pub fn in_memory() -> Self {
        Self::with(Box::new(JournalStore::in_memory(start_head(), key(), NOON).unwrap()), NOON)
    }

    pub fn with(journal: Box<dyn Journal>, wall: Timestamp) -> Self {
        let mut till = Self::off(wall);
        till.start(journal);
        till
    }

    fn start(&mut self, journal: Box<dyn Journal>) {
        self.give(Input::Started { identity: Some(identity()), fingerprint: "AB12 CD34".into() });
        assert!(matches!(self.other.pop(), Some(Command::OpenJournal(_))));
        self.give(goods_on_disk(&products()));
        self.give(Input::JournalOpened(Ok(Box::new(Strict(journal)))));
    }

    /// A till whose program has just begun.
    pub fn off(wall: Timestamp) -> Self {
        Self::off_with(Prefixes::Aim, wall)
    }

    /// A till that knows the server, whose scanner marks its codes so.
    pub fn online_with(prefixes: Prefixes) -> Self {
        let journal = JournalStore::in_memory(start_head(), key(), NOON).unwrap();
        let mut till = Self::off_with(prefixes, NOON);
        till.start(Box::new(journal));
        till.heartbeat(TerminalState::Active);
        till
    }

    fn off_with(prefixes: Prefixes, wall: Timestamp) -> Self {
        let prefixes = match prefixes {
            Prefixes::Aim => PrefixName::Aim,
            Prefixes::Zebra => PrefixName::Zebra,
            Prefixes::Datalogic => PrefixName::Datalogic,
            Prefixes::Own(_) => panic!("those come with a model"),
        };
        let now = Moment { wall, monotonic: Duration::from_secs(100) };
        let options = Options {
            language: Language::English,
            colours: Colours::Light,
            languages: vec![Language::English, Language::Chinese],
            languages_wrong: Vec::new(),
            text_size: TextSize::Normal,
            version: "0".into(),
            servers: vec!["https://configured:8443".into()],
            has_printer: true,
            scanner: Some(ScannerConfig { prefixes, ..ScannerConfig::default() }),
            receipt_template: String::new(),
            pictures: PictureShelf::default(),
            written_scanner: Some(ScannerConfig { prefixes, ..ScannerConfig::default() }),
            in_store: vec!["28IIIIIWWWWWC".parse().unwrap(), "26IIIIIPPPPPWWWWWC".parse().unwrap()],
            lock_after: Duration::from_secs(300),
            archive_after_days: 35,
            demand_shifts: false,
            kiosk: false,
        };
        Self {
            controller: Controller::new(options, Box::new(|| 500), now),
            now,
            sent: Vec::new(),
            printed: Vec::new(),
            kicks: 0,
            screen: None,
            other: Vec::new(),
        }
    }

    /// The same, and the server says that all is well.
    pub fn online() -> Self {
        let mut till = Self::in_memory();
        till.heartbeat(TerminalState::Active);
        till
    }

    pub fn give(&mut self, input: Input) {
        for command in self.controller.handle(input, self.now) {
            match command {
                Command::Show(screen) => self.screen = Some(*screen),
                Command::Send(request) => self.sent.push(request),
                Command::Print(order) => self.printed.push(*order),
                Command::KickDrawer { .. } => self.kicks += 1,
                other => self.other.push(other),
            }
        }
    }

    pub fn act(&mut self, action: UserAction) {
        self.give(Input::Action(action));
    }

    /// Which question is on screen.
    pub fn question(&self) -> u32 {
        self.screen.as_ref().unwrap().question
    }

    /// Answers the question that is on screen.
    pub fn confirm(&mut self, yes: bool) {
        self.act(UserAction::Confirm { question: self.question(), yes });
    }

    pub fn scan(&mut self, text: &str) {
        self.give(Input::Scan(ScanText::new(text.into())));
    }

    /// Time passes, in ticks of half a second.
    pub fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 2 {
            self.now.wall = self.now.wall.plus(Duration::from_millis(500));
            self.now.monotonic += Duration::from_millis(500);
            self.give(Input::Tick);
        }
    }

    pub fn page(&self) -> &Page {
        &self.screen.as_ref().unwrap().page
    }

    pub fn notice(&self) -> Option<&Notice> {
        self.screen.as_ref().unwrap().notice.as_ref()
    }

    /// Takes the first request out that fits.
    pub fn take<T>(&mut self, pick: impl Fn(&Request) -> Option<T>) -> Option<T> {
        let index = self.sent.iter().position(|request| pick(request).is_some())?;
        pick(&self.sent.remove(index))
    }

    pub fn take_draft(&mut self) -> Option<u64> {
        self.take(|r| if let Request::Draft { sale, .. } = r { Some(*sale) } else { None })
    }

    pub fn take_pay(&mut self) -> Option<(u64, Attempt)> {
        self.take(|r| if let Request::Pay { sale, attempt, .. } = r { Some((*sale, *attempt)) } else { None })
    }

    pub fn take_show(&mut self) -> Option<(u64, Attempt)> {
        self.take(|r| {
            if let Request::ShowCode { sale, attempt, .. } = r { Some((*sale, *attempt)) } else { None }
        })
    }

    pub fn take_ask(&mut self) -> Option<(u64, Attempt)> {
        self.take(|r| {
            if let Request::AskPayment { sale, attempt, .. } = r { Some((*sale, *attempt)) } else { None }
        })
    }

    pub fn take_take_back(&mut self) -> Option<(u64, Attempt)> {
        self.take(|r| {
            if let Request::TakeBack { sale, attempt, .. } = r { Some((*sale, *attempt)) } else { None }
        })
    }

    pub fn status(&self, state: TerminalState) -> TerminalStatus {
        let head = self.controller.journal.as_ref().map_or(start_head(), |journal| {
            let handed_in = journal.handed_in().unwrap();
            let hash = journal.entry(handed_in).map_or(start_head().hash, |entry| entry.hash());
            Head { sequence: handed_in, hash, ..start_head() }
        });
        TerminalStatus {
            terminal: identity().terminal,
            name: "Till 1".into(),
            epoch: 1,
            state,
            store: identity().store,
            server_time: self.now.wall,
            business_day: "2025-11-20".parse().unwrap(),
            journal_head: head,
            furthest_used: None,
            catalogue_version: 1,
            catalogue_name: None,
            catalogue_parts: true,
            countersigns: true,
            staff_version: 0,
            receipt_template: None,
            pictures: None,
            refunds_waiting: 0,
            wallets: vec![Wallet::WeChatPay, Wallet::Alipay],
            shows: vec![Wallet::Alipay],
            splits: true,
            refunds_in_console: true,
            refund_requests: Some(Vec::new()),
            health: Vec::new(),
        }
    }

    pub fn heartbeat(&mut self, state: TerminalState) {
        let status = self.status(state);
        self.give(Input::Net(Answer::Heartbeat(Ok(status))));
    }

    pub fn line_lost(&mut self) {
        self.give(Input::Net(Answer::Heartbeat(Err(no_answer()))));
    }

    /// A tea paid in cash, up to the page with the change; the place of its sale.
    pub fn cash_for_tea(&mut self, random: u32) -> u64 {
        self.scan(TEA);
        self.act(UserAction::TenderCash);
        let sale = self.take_draft().unwrap();
        self.answer_draft(sale, random);
        self.act(UserAction::CashGiven { minor: 2000 });
        self.act(UserAction::CashConfirm);
        sale
    }

    pub fn answer_draft(&mut self, sale: u64, random: u32) {
        let number = number(random);
        let business_day = "2025-11-20".parse().unwrap();
        let result = Ok(DraftCreated { number, business_day, jumps: 0 });
        self.give(Input::Net(Answer::Draft { sale, result }));
    }

    pub fn answer_payment(
        &mut self,
        (sale, attempt): (u64, Attempt),
        question: PaymentQuestion,
        state: PaymentState,
    ) {
        let result = Ok(self.view(attempt, state));
        self.give(Input::Net(Answer::Payment { sale, attempt, question, result }));
    }

    pub fn payment_error(
        &mut self,
        (sale, attempt): (u64, Attempt),
        question: PaymentQuestion,
        error: NetError,
    ) {
        self.give(Input::Net(Answer::Payment { sale, attempt, question, result: Err(error) }));
    }

    pub fn view(&self, attempt: Attempt, state: PaymentState) -> PaymentView {
        PaymentView {
            attempt,
            wallet: Wallet::WeChatPay,
            amount: cny(450),
            state,
            since: self.now.wall,
            deadline: self.now.wall.plus(Duration::from_secs(45)),
            next: None,
            reason: (state == PaymentState::Declined).then_some(DeclineReason::NotEnoughFunds),
            transaction: (state == PaymentState::Paid).then(|| "4200".into()),
            server_time: self.now.wall,
            shown: None,
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        let journal = self.controller.journal.as_ref().unwrap();
        let signed = journal.entries_after(0, 100_000).unwrap();
        signed.iter().map(|entry| entry.read_unverified().unwrap()).collect()
    }

    pub fn count(&self, fits: impl Fn(&Body) -> bool) -> usize {
        self.entries().iter().filter(|entry| fits(&entry.body)).count()
    }

    /// One tea, payment by code, the number adopted, the phone scanned.
    pub fn pay_for_tea(&mut self) -> (u64, Attempt) {
        self.scan(TEA);
        self.act(UserAction::TenderCode);
        let sale = self.take_draft().unwrap();
        self.answer_draft(sale, 1);
        self.scan(WECHAT);
        self.take_pay().unwrap()
    }
}

/// Where the payment on screen stands.
pub fn shown(till: &Till) -> &Shown {
    let Page::Payment(page) = till.page() else { panic!("{:?}", till.page()) };
    &page.state
}

pub fn number(random: u32) -> OrderNumber {
    OrderNumber::new(NOON, random, 1.try_into().unwrap()).unwrap()
}

pub fn no_answer() -> NetError {
    NetError::NoAnswer("time-out".into())
}

pub fn refused(code: ErrorCode) -> NetError {
    NetError::Refused(ApiError { code, message: "no".into(), server_time: NOON, retry_after_ms: None })
}

pub fn order(sale: u64, random: u32, quarantined: bool) -> OrderView {
    OrderView {
        number: number(random),
        sale: identity().sale_key(sale),
        state: evertill_shared::order::OrderState::Paid,
        business_day: "2025-11-20".parse().unwrap(),
        total: cny(450),
        paid_by: None,
        payments: Vec::new(),
        refunds: Vec::new(),
        quarantined,
    }
}
