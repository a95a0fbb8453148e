//! A till of the world: the product's own controller, schedule and journal, driven without a window; its requests go
//! through the real client over the simulated network. To crash it is to drop it; its disk stays.

use super::chance::{Chance, Seeded};
use super::check::Checker;
use super::disk::Disk;
use super::life::Life;
use super::mutation::Mutation;
use super::network::{Net, NetWire, address};
use super::story::Story;
use super::template::{SERVERS, Template, till_key};
use super::time::WorldClock;
use evertill_hardware::ScanText;
use evertill_provisioning::client::{ClientConfig, StoreClient};
use evertill_shared::clock::Clock;
use evertill_shared::id::TerminalId;
use evertill_shared::journal::Head;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::enrol::terminal_key_id;
use evertill_shared::protocol::store::TrustBundle;
use evertill_shared::signing::{KeyError, SigningKey};
use evertill_terminal::catalogue_store::Goods;
use evertill_terminal::config::Identity;
use evertill_terminal::config::ScannerConfig;
use evertill_terminal::controller::{Command, Controller, Input, Moment, Options, PictureShelf};
use evertill_terminal::journal_store::JournalError;
use evertill_terminal::sync::worker::perform;
use evertill_terminal::sync::{Answer, Request};
use evertill_terminal::view::{Colours, Language, Page, Screen, TextSize};
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

/// What is broken if the world itself is: not a rule of the product's, and a failure all the same.
pub const BROKEN_WORLD: &str = "the-world-itself";

/// An answer for a till: which, and in which of its lives it asked.
pub struct Mail {
    pub till: usize,
    pub start: u64,
    pub answer: Answer,
}

/// What all tills stand on.
pub struct Floor {
    pub seed: u64,
    pub net: Arc<Net>,
    pub checker: Arc<Checker>,
    pub trust: TrustBundle,
    pub mail: UnboundedSender<Mail>,
    pub mutation: Option<Mutation>,
    pub story: Story,
}

/// A till, on or off.
pub struct Till {
    pub index: usize,
    pub identity: Identity,
    pub clock: Arc<WorldClock>,
    pub disk: Disk,
    pub screen: Option<Screen>,
    floor: Arc<Floor>,
    key: Arc<SigningKey>,
    on: Option<On>,
    starts: u64,
}

struct On {
    controller: Controller,
    client: StoreClient,
    life: Life,
    tasks: Vec<AbortHandle>,
}

/// What it sells. The last has a price that makes a difference.
pub fn goods() -> Vec<Product> {
    let product = |id: &str, price: i64| Product {
        id: id.into(),
        name: id.into(),
        barcodes: Vec::new(),
        price: Amount::new(price, Currency::CNY),
        tax_rate: TaxRate(1300),
        favourite: true,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    };
    vec![product("tea", 450), product("bread", 800), product("wine", 6_900)]
}

impl Till {
    /// A till that is off.
    pub fn new(
        index: usize,
        template: &Template,
        clock: Arc<WorldClock>,
        disk: Disk,
        floor: Arc<Floor>,
    ) -> Result<Self, KeyError> {
        let enrolled = &template.tills[index];
        let identity = Identity {
            servers: (0..SERVERS).map(address).collect(),
            terminal: enrolled.terminal,
            name: enrolled.name.clone(),
            epoch: enrolled.epoch,
            registration_code: enrolled.registration_code.clone(),
            store: enrolled.store.clone(),
            activated: true,
        };
        let key = Arc::new(key_of(index, &identity)?);
        Ok(Self { index, identity, clock, disk, screen: None, floor, key, on: None, starts: 0 })
    }

    pub fn terminal(&self) -> TerminalId {
        self.identity.terminal
    }

    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    pub fn starts(&self) -> u64 {
        self.starts
    }

    fn moment(&self) -> Moment {
        Moment { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    /// Switches it on.
    pub fn switch_on(&mut self) {
        if self.on.is_some() {
            return;
        }
        self.starts += 1;
        self.floor.story.tell(format!("till {} is switched on", self.index));
        let purpose = format!("till {} start {}", self.index, self.starts);
        let mut jitter = Chance::new(self.floor.seed, &format!("{purpose} jitter"));
        let options = Options {
            language: Language::English,
            colours: Colours::Light,
            languages: vec![Language::English, Language::Chinese],
            languages_wrong: Vec::new(),
            text_size: TextSize::Normal,
            version: "0".into(),
            servers: self.identity.servers.clone(),
            has_printer: false,
            scanner: Some(ScannerConfig::default()),
            receipt_template: String::new(),
            pictures: PictureShelf::default(),
            written_scanner: Some(ScannerConfig::default()),
            in_store: Vec::new(),
            lock_after: std::time::Duration::from_secs(300),
            archive_after_days: 0,
            demand_shifts: false,
            kiosk: false,
        };
        let jitter = Box::new(move || u32::try_from(jitter.below(1_000)).unwrap_or(0));
        let controller = Controller::new(options, jitter, self.moment());
        let life = Life::begin();
        let wire = NetWire {
            net: Arc::clone(&self.floor.net),
            client: format!("till {}", self.index),
            life: life.clone(),
        };
        let config = ClientConfig::new(self.identity.servers.clone(), self.floor.trust.clone());
        let key = match key_of(self.index, &self.identity) {
            Ok(key) => key,
            Err(error) => return self.cannot(&error),
        };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let chance = Arc::new(Seeded::new(self.floor.seed, &format!("{purpose} client")));
        let client = match StoreClient::over(&wire, config, key, clock, chance) {
            Ok(client) => client,
            Err(error) => return self.cannot(&error),
        };
        self.on = Some(On { controller, client, life, tasks: Vec::new() });
        self.carry_out(Command::Start);
    }

    /// Pulls its plug.
    pub fn switch_off(&mut self) {
        if let Some(on) = self.on.take() {
            self.floor.story.tell(format!("till {} loses power", self.index));
            on.life.end();
            on.tasks.iter().for_each(AbortHandle::abort);
        }
        self.screen = None;
    }

    /// Something happens at it.
    pub fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let moment = self.moment();
            let Some(on) = &mut self.on else { return };
            for command in on.controller.handle(input, moment) {
                inputs.extend(self.carried_out(command));
            }
        }
    }

    /// Scans a code.
    pub fn scan(&mut self, digits: &str) {
        self.give(Input::Scan(ScanText::new(digits.to_owned())));
    }

    fn carry_out(&mut self, command: Command) {
        for input in self.carried_out(command) {
            self.give(input);
        }
    }

    fn carried_out(&mut self, command: Command) -> Vec<Input> {
        match command {
            Command::Show(screen) => self.show(*screen),
            Command::Send(request) => self.send(request),
            Command::SaveIdentity(identity) => self.identity = *identity,
            Command::Start => {
                let fingerprint = self.key.public().fingerprint();
                let identity = Some(self.identity.clone());
                return vec![Input::Started { identity, fingerprint }];
            }
            Command::OpenJournal(_) => {
                let opened = Input::JournalOpened(self.open());
                return match Goods::in_memory(0, &goods()) {
                    Ok(goods) => vec![Input::GoodsOpened(Box::new(goods)), opened],
                    Err(error) => {
                        self.cannot(&error);
                        vec![opened]
                    }
                };
            }
            Command::Print(_)
            | Command::KickDrawer { .. }
            | Command::TestPrint { .. }
            | Command::SaveStaff(_)
            | Command::KeepWrongPins(_)
            | Command::CheckPin { .. }
            | Command::Enrol { .. }
            | Command::ForgetIdentity
            | Command::FindScanners
            | Command::UseScanner(_)
            | Command::UseWrittenScanner
            | Command::KeepReceiptTemplate(_)
            | Command::KeepPictures(_)
            | Command::KeepPicture { .. }
            | Command::KeepLanguage(_)
            | Command::KeepColours(_)
            | Command::KeepTextSize(_)
            | Command::EndProgram
            | Command::BeginTraining => {}
        }
        Vec::new()
    }

    /// The world could not be made as it is meant. Nothing would go wrong at a till that cannot sell, so that is wrong.
    fn cannot(&self, error: &dyn Display) {
        let how = format!("till {} is not what it should be: {error}", self.index);
        self.floor.checker.model().breaks(BROKEN_WORLD, how);
    }

    fn open(&self) -> Result<Box<dyn evertill_terminal::journal_store::Journal>, JournalError> {
        let start = Head::start(self.identity.terminal, self.identity.epoch);
        let model = Arc::clone(&self.floor.checker.model);
        self.disk.journal(start, Arc::clone(&self.key), self.clock.now(), (model, self.floor.mutation))
    }

    fn show(&mut self, screen: Screen) {
        if self.screen.as_ref().is_none_or(|shown| title(shown) != title(&screen)) {
            self.floor.story.tell(format!("till {} shows {}", self.index, title(&screen)));
        }
        if let Page::Done(done) = &screen.page
            && let Ok(sale) = done.sale_number.parse()
        {
            self.floor.checker.model().sales.entry(sale).or_default().shown_paid = true;
        }
        self.screen = Some(screen);
    }

    fn send(&mut self, request: Request) {
        let (till, start) = (self.index, self.starts);
        let mail = self.floor.mail.clone();
        let Some(on) = &mut self.on else { return };
        let client = on.client.clone();
        let task = tokio::spawn(async move {
            let answer = perform(&client, request).await;
            // An error means that the story is over.
            let _ = mail.send(Mail { till, start, answer });
        });
        on.tasks.retain(|task| !task.is_finished());
        on.tasks.push(task.abort_handle());
    }
}

fn key_of(index: usize, identity: &Identity) -> Result<SigningKey, KeyError> {
    let till = u16::try_from(index).unwrap_or(0);
    till_key(till, terminal_key_id(identity.terminal, identity.epoch))
}

/// A page in a few words, as the story tells it.
pub fn title(screen: &Screen) -> String {
    let page = match &screen.page {
        Page::Sale(page) => format!("the sale, {} lines", page.lines.len()),
        Page::Payment(page) => match &page.state {
            evertill_terminal::view::PaymentState::Unknown { step, .. } => format!("unknown: {step:?}"),
            evertill_terminal::view::PaymentState::CustomerConfirming { .. } => {
                "the customer confirms".into()
            }
            evertill_terminal::view::PaymentState::ShowingCode { .. } => "the code".into(),
            other => format!("the payment: {other:?}"),
        },
        Page::Done(page) => format!("paid: {} by {:?}", page.sale_number, page.paid_by),
        Page::Fault(page) => format!("the fault {page:?}"),
        Page::Cash(_) => "cash".into(),
        Page::AwaitCode(_) => "waiting for the code".into(),
        Page::Adjust(page) => format!("changing {:?}", page.target),
        Page::Held(page) => format!("{} held sales", page.rows.len()),
        Page::Refunds(page) => format!("{} refunds", page.items.len()),
        Page::Starting => "nothing yet".into(),
        Page::Enrol(_)
        | Page::Orders(_)
        | Page::Order(_)
        | Page::AskRefund(_)
        | Page::Serial(_)
        | Page::About(_)
        | Page::Day(_)
        | Page::Scanners(_)
        | Page::Lock(_)
        | Page::Approval(_)
        | Page::Drawer
        | Page::Shift(_)
        | Page::DrawerAmount(_)
        | Page::Count(_)
        | Page::Report(_) => "another page".into(),
    };
    match &screen.confirm {
        Some(question) => format!("{page}; asks {question:?}"),
        None => page,
    }
}
