//! The till and its training on a bench: time by hand, and whatever either wants done outside recorded by who wants it.

use super::super::rig::*;
use crate::controller::*;
use crate::front::{Errand, Front, Heard};
use crate::training::{PinFor, Provisions, Told};
use crate::view::{Page, PaymentState as Shown, PracticeCustomer};
use evertill_hardware::ScanText;
use evertill_shared::secret::SecretText;

/// A till with its training, and what they wanted done.
pub struct Desk {
    pub front: Front,
    pub now: Moment,
    pub screen: Option<Screen>,
    /// What the till wanted done, but to show something.
    pub till: Vec<Command>,
    pub papers: Vec<(u64, PrintOrder)>,
    pub pins: Vec<(u64, PinFor, String)>,
}

impl Desk {
    pub fn of(till: Till) -> Self {
        let (screen, now) = (till.screen, till.now);
        let front = Front::new(till.controller);
        Self { front, now, screen, till: Vec::new(), papers: Vec::new(), pins: Vec::new() }
    }

    pub fn hear(&mut self, heard: Heard) {
        for errand in self.front.handle(heard, self.now) {
            match errand {
                Errand::Till(Command::Show(screen)) => self.screen = Some(*screen),
                Errand::Till(command) => self.till.push(command),
                Errand::Show(screen) => {
                    assert!(screen.training.is_some(), "unmarked: {:?}", screen.page);
                    self.screen = Some(*screen);
                }
                Errand::Print { session, order } => self.papers.push((session, *order)),
                Errand::CheckPin { session, asked, login, .. } => self.pins.push((session, asked, login)),
            }
        }
    }

    pub fn give(&mut self, input: Input) {
        self.hear(Heard::Input(input));
    }

    pub fn act(&mut self, action: UserAction) {
        self.give(Input::Action(action));
    }

    pub fn scan(&mut self, text: &str) {
        self.give(Input::Scan(ScanText::new(text.into())));
    }

    /// Time passes in the ticks of the real program.
    pub fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 5 {
            self.now.wall = self.now.wall.plus(Duration::from_millis(200));
            self.now.monotonic += Duration::from_millis(200);
            self.give(Input::Tick);
        }
    }

    pub fn page(&self) -> &Page {
        &self.screen.as_ref().unwrap().page
    }

    pub fn notice(&self) -> Option<&Notice> {
        self.screen.as_ref().unwrap().notice.as_ref()
    }

    /// The till's own screen is shown, with nothing of training on it.
    pub fn is_for_real(&self) -> bool {
        !self.front.is_training() && self.screen.as_ref().unwrap().training.is_none()
    }

    /// From the sale into training.
    pub fn train(&mut self) {
        self.ask_to_train();
        let wanted = self.till.iter().any(|command| matches!(command, Command::BeginTraining));
        assert!(wanted, "{:?}", self.screen);
        self.provide();
        assert!(self.front.is_training(), "{:?}", self.screen);
        self.pass(1);
    }

    pub fn ask_to_train(&mut self) {
        self.act(UserAction::OpenAbout);
        self.act(UserAction::BeginTraining);
    }

    pub fn provide(&mut self) {
        self.till.retain(|command| !matches!(command, Command::BeginTraining));
        let provisions = Provisions {
            goods: Goods::in_memory(1, &products()).unwrap(),
            names: crate::catalogue_store::SearchText::default(),
            seed: [9; 32],
            random: 4711,
            jitter: Box::new(|| 500),
        };
        self.hear(Heard::Provisions(Ok(Box::new(provisions))));
    }

    /// The newest PIN that was asked about is this.
    pub fn pin_is(&mut self, right: bool) {
        let (session, asked, login) = self.pins.pop().unwrap();
        self.hear(Heard::Training { session, told: Told::Pin { asked, login, right } });
    }

    pub fn type_pin(&mut self, login: &str) {
        self.act(UserAction::ChoosePerson { login: login.into() });
        self.act(UserAction::Unlock { pin: SecretText::new("4711".into()) });
    }

    /// What the till itself asked its server.
    pub fn sent(&self) -> Vec<&Request> {
        self.till
            .iter()
            .filter_map(|command| match command {
                Command::Send(request) => Some(request),
                _ => None,
            })
            .collect()
    }

    pub fn cash_sale(&mut self) {
        self.scan(TEA);
        self.act(UserAction::TenderCash);
        self.pass(1);
        self.act(UserAction::CashGiven { minor: 500 });
        self.act(UserAction::CashConfirm);
        assert!(matches!(self.page(), Page::Done(_)), "{:?}", self.page());
    }

    pub fn code_sale(&mut self, customer: PracticeCustomer) {
        self.scan(TEA);
        self.act(UserAction::TenderCode);
        self.pass(1);
        self.act(UserAction::PracticeScan(customer));
    }

    /// Answers the question that is on the screen with yes.
    pub fn confirm(&mut self) {
        let question = self.screen.as_ref().map_or(0, |screen| screen.question);
        self.act(UserAction::Confirm { question, yes: true });
    }

    /// Waits until a practice payment is over.
    pub fn payment(&mut self, is_it: impl Fn(&Shown) -> bool) {
        for _ in 0..60 {
            match self.page() {
                Page::Payment(page) if is_it(&page.state) => return,
                _ => self.pass(1),
            }
        }
        panic!("{:?}", self.page());
    }

    /// Waits until it is paid.
    pub fn payment_over(&mut self) {
        for _ in 0..60 {
            if matches!(self.page(), Page::Done(_)) {
                return;
            }
            self.pass(1);
        }
        panic!("{:?}", self.page());
    }

    pub fn paid(&mut self) {
        self.payment_over();
        self.act(UserAction::NextSale);
    }
}
