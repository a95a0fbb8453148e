//! Any sequence of touches, scans, losses, late answers and restarts, against a model of the server that charges for
//! real: no sale is ever charged twice, and what the till believes is what happened.

use super::rig::*;
use crate::controller::*;
use crate::journal_store::JournalStore;
use crate::sync::{Answer, PaymentQuestion as Q};
use crate::view::{Page, TypedOff};
use evertill_shared::id::Attempt;
use evertill_shared::journal::{CashReason, DrawerReason, Entry, Settled};
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::payment::PaymentState as P;
use evertill_shared::protocol::error::ErrorCode;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What happens next. Numbers choose among what is possible.
#[derive(Clone, Debug)]
enum Step {
    Touch(u8),
    /// A touch at the drawer's pages.
    Drawer(u8),
    /// The printer says what became of the newest kick.
    Kicked(u8),
    ScanGoods,
    ScanWeighed,
    /// A phone is scanned; the same code may come again.
    ScanCode(u8),
    /// A customer brings a receipt.
    ScanReceipt,
    /// A request reaches the server; its answer comes back, or is lost.
    Deliver {
        which: u8,
        outcome: u8,
        answered: bool,
    },
    /// A request is lost on the way.
    Lose(u8),
    /// The wallet moves an attempt on.
    Wallet {
        which: u8,
        outcome: u8,
    },
    Pass(u8),
    LineLost,
    LineBack,
    /// Kill -9, and a new start.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0_u8..40).prop_map(Step::Touch),
        2 => (0_u8..3).prop_map(Step::Kicked),
        4 => Just(Step::ScanGoods),
        1 => Just(Step::ScanWeighed),
        4 => any::<u8>().prop_map(Step::ScanCode),
        4 => (0_u8..14).prop_map(Step::Drawer),
        1 => Just(Step::ScanReceipt),
        12 => (any::<u8>(), any::<u8>(), prop::bool::weighted(0.7))
            .prop_map(|(which, outcome, answered)| Step::Deliver { which, outcome, answered }),
        3 => any::<u8>().prop_map(Step::Lose),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(which, outcome)| Step::Wallet { which, outcome }),
        4 => (1_u8..20).prop_map(Step::Pass),
        1 => Just(Step::LineLost),
        3 => Just(Step::LineBack),
        1 => Just(Step::Kill),
    ]
}

/// The server and the wallet behind it.
#[derive(Default)]
struct Server {
    attempts: BTreeMap<(u64, Attempt), P>,
    sold_for_cash: BTreeSet<u64>,
    drafts: u32,
}

impl Server {
    /// The charge arrives: recorded once, charged once.
    fn pay(&mut self, at: (u64, Attempt), outcome: u8) -> P {
        let live = |state: &P| !state.surely_not_charged();
        let open: Vec<_> =
            self.attempts.iter().filter(|(k, s)| k.0 == at.0 && k.1 != at.1 && live(s)).collect();
        assert!(open.is_empty(), "{at:?} was sent while {open:?} may be charged");
        assert!(!self.sold_for_cash.contains(&at.0), "{at:?} was sent after cash was taken");
        let first = [P::Paid, P::Declined, P::Unknown, P::Waiting][usize::from(outcome) % 4];
        *self.attempts.entry(at).or_insert(first)
    }

    fn take_back(&mut self, at: (u64, Attempt)) -> P {
        let state = self.attempts.entry(at).or_insert(P::Reversing);
        if !state.is_final() {
            *state = P::Reversing;
        }
        *state
    }

    fn wallet(&mut self, which: u8, outcome: u8) {
        let open: Vec<_> = self.attempts.iter_mut().filter(|(_, state)| !state.is_final()).collect();
        let count = open.len();
        let Some((_, state)) = open.into_iter().nth(usize::from(which) % count.max(1)) else { return };
        *state = match (*state, outcome % 3) {
            (P::Reversing, _) => P::Reversed,
            (_, 0) => P::Paid,
            (_, 1) => P::Reversing,
            _ => P::Unknown,
        };
    }
}

struct World {
    till: Till,
    server: Server,
    path: PathBuf,
    _dir: tempfile::TempDir,
    wall: evertill_shared::clock::Timestamp,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("till.db");
        let till = Self::start(&path, NOON);
        Self { till, server: Server::default(), path, _dir: dir, wall: NOON }
    }

    fn start(path: &std::path::Path, wall: evertill_shared::clock::Timestamp) -> Till {
        let journal = JournalStore::open(path, start_head(), key(), wall).unwrap();
        let mut till = Till::with(Box::new(journal), wall);
        till.heartbeat(TerminalState::Active);
        till
    }

    fn touch(&mut self, which: u8) {
        use UserAction as A;
        let line = 0;
        let held = match self.till.page() {
            Page::Held(page) => page.rows.first().map_or(0, |row| row.id),
            _ => 0,
        };
        self.till.act(match which {
            0 | 1 => A::TenderCode,
            2 => A::TenderCash,
            3 => A::CashGiven { minor: 5000 },
            4 => A::CashConfirm,
            5 => A::Back,
            6 => A::SetAside,
            7 => A::Confirm { question: self.till.question(), yes: true },
            8 => A::TakeBack,
            9 => A::NextSale,
            10 => A::VoidSale,
            11 => A::ChangeQuantity { line, delta: 1 },
            12 => A::PrintCopy,
            13 | 14 => A::ShowCode { wallet: crate::view::Wallet::Alipay },
            15 => A::OpenDrawerPage,
            16 => A::NoSale { reason: DrawerReason::ChangeMoney },
            17 => A::OpenWhole,
            18 => A::TakeOff { off: TypedOff::Points(1_500), reason: Reason::usual(ReasonKind::Regular) },
            19 => A::OpenLine { line },
            20 => A::OverridePrice { minor: 333, reason: Reason::usual(ReasonKind::PriceTag) },
            21 => A::OpenHeld,
            22 => A::Hold { name: String::new() },
            23 => A::Recall { id: held },
            24 => A::OpenOrders,
            25 => A::OpenOrder { id: "2".into() },
            26 => A::Reprint { id: "2".into() },
            27 => A::AskRefund,
            28 => A::TurnOrders { older: true },
            29 => A::OpenAbout,
            30 => A::OpenScanners,
            31 => A::SetScannerEnd { by_pause: true },
            32 | 33 => A::CashGiven { minor: 120 },
            34 | 35 => A::CashPart,
            36 => A::CashBack,
            37 => A::OpenDrawerAgain,
            38 => A::NobodyCame { question: self.till.question() },
            _ => A::DismissNotice,
        });
    }

    fn drawer(&mut self, which: u8) {
        use crate::view::AmountPurpose as P;
        use UserAction as A;
        self.till.act(match which {
            0 | 1 => A::OpenDrawerPage,
            2 => A::DrawerAmount(P::Float),
            3 => A::DrawerAmount(P::PayIn),
            4 => A::DrawerAmount(P::PayOut),
            5 => A::AmountTyped { minor: 700 },
            6 => A::ChooseCashReason(CashReason::Safe),
            7 | 8 => A::AmountConfirm,
            9 => A::EndShift,
            10 => A::CountKey("7".into()),
            11 => A::CountConfirm,
            12 => A::Confirm { question: self.till.question(), yes: true },
            _ => A::PrintReport,
        });
    }

    fn deliver(&mut self, which: u8, outcome: u8, answered: bool) {
        if self.till.sent.is_empty() {
            return;
        }
        let request = self.till.sent.remove(usize::from(which) % self.till.sent.len());
        let answer = self.serve(request, outcome);
        if answered {
            self.till.give(Input::Net(answer));
        } else {
            self.till.give(Input::Net(lost(answer)));
        }
    }

    fn serve(&mut self, request: Request, outcome: u8) -> Answer {
        let payment = |till: &Till, (sale, attempt), question, state| Answer::Payment {
            sale,
            attempt,
            question,
            result: Ok(till.view(attempt, state)),
        };
        match request {
            Request::Draft { sale, .. } => {
                self.server.drafts += 1;
                let result = Ok(evertill_shared::protocol::orders::DraftCreated {
                    number: number(self.server.drafts),
                    business_day: "2025-11-20".parse().unwrap(),
                    jumps: 0,
                });
                Answer::Draft { sale, result }
            }
            Request::Pay { sale, attempt, .. } | Request::ShowCode { sale, attempt, .. } => {
                let state = self.server.pay((sale, attempt), outcome);
                payment(&self.till, (sale, attempt), Q::Pay, state)
            }
            Request::AskPayment { sale, attempt, .. } => match self.server.attempts.get(&(sale, attempt)) {
                Some(state) => payment(&self.till, (sale, attempt), Q::Ask, *state),
                None => {
                    let result = Err(refused(ErrorCode::NotFound));
                    Answer::Payment { sale, attempt, question: Q::Ask, result }
                }
            },
            Request::TakeBack { sale, attempt, .. } => {
                let state = self.server.take_back((sale, attempt));
                payment(&self.till, (sale, attempt), Q::TakeBack, state)
            }
            Request::Adopt { sale, .. } => {
                self.server.sold_for_cash.insert(sale);
                Answer::Adopt { sale, result: Ok(Box::new(order(sale, 1, false))) }
            }
            Request::HandIn { .. } => Answer::HandIn(Err(refused(ErrorCode::Overloaded))),
            Request::Refunds => Answer::Refunds(Err(refused(ErrorCode::Overloaded))),
            Request::Countersign { .. } => Answer::Countersign(Err(refused(ErrorCode::Overloaded))),
            Request::Catalogue { .. } => Answer::Catalogue(Err(refused(ErrorCode::Overloaded))),
            Request::Staff { .. } => Answer::Staff(Err(refused(ErrorCode::Overloaded))),
            Request::ReceiptTemplate => Answer::ReceiptTemplate(Err(refused(ErrorCode::Overloaded))),
            Request::Pictures => Answer::Pictures(Err(refused(ErrorCode::Overloaded))),
            Request::Picture { name } => {
                Answer::Picture { name, result: Err(refused(ErrorCode::Overloaded)) }
            }
            Request::AskRefund { number, request, .. } => {
                Answer::AskRefund { number, request, result: Err(refused(ErrorCode::Overloaded)) }
            }
            Request::AskWaiting { number, request, .. } => {
                Answer::Waiting { number, request, result: Err(refused(ErrorCode::Overloaded)) }
            }
            Request::CarryOutRefund { refund, .. } => {
                Answer::CarryOutRefund { refund, result: Err(refused(ErrorCode::Overloaded)) }
            }
            Request::Heartbeat => Answer::Heartbeat(Ok(self.till.status(TerminalState::Active))),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Touch(which) => self.touch(which),
            Step::Drawer(which) => self.drawer(which),
            Step::Kicked(which) => {
                let shut = PrintReport::NotStarted(crate::view::PrinterState::PaperOut);
                let report = [PrintReport::Confirmed, PrintReport::Unknown, shut][usize::from(which) % 3];
                self.till.give(Input::Kicked { kick: u64::try_from(self.till.kicks).unwrap(), report });
            }
            Step::ScanGoods => self.till.scan(TEA),
            Step::ScanWeighed => self.till.scan("]e001069012345678923103000250"),
            Step::ScanCode(which) => self.till.scan(&format!("134567890123456{which:03}")),
            Step::ScanReceipt => self.till.scan(number(1).as_str()),
            Step::Deliver { which, outcome, answered } => self.deliver(which, outcome, answered),
            Step::Lose(which) => {
                if !self.till.sent.is_empty() {
                    let request = self.till.sent.remove(usize::from(which) % self.till.sent.len());
                    let mut nobody = Server::default();
                    std::mem::swap(&mut self.server, &mut nobody);
                    let answer = lost(self.serve(request, 0));
                    self.server = nobody;
                    self.till.give(Input::Net(answer));
                }
            }
            Step::Wallet { which, outcome } => self.server.wallet(which, outcome),
            Step::Pass(seconds) => self.till.pass(u64::from(seconds)),
            Step::LineLost => self.till.line_lost(),
            Step::LineBack => self.till.heartbeat(TerminalState::Active),
            Step::Kill => {
                self.wall = self.till.now.wall;
                // Gives the file up, as the system does when a program is killed.
                self.till.controller.journal = None;
                self.till = Self::start(&self.path, self.wall);
            }
        }
    }

    /// By reading the entries alone.
    fn check(&self) {
        let mut adopted = BTreeSet::new();
        let mut cash = BTreeSet::new();
        let mut open: BTreeMap<u64, Attempt> = BTreeMap::new();
        let mut paid = BTreeSet::new();
        let (mut totals, mut parts) = (BTreeMap::new(), BTreeMap::<u64, i64>::new());
        let mut opened = 0;
        // What the drawer holds since the float, by arithmetic of its own.
        let mut drawer = 0;
        for Entry { sequence, body, .. } in self.till.entries() {
            drawer = match &body {
                Body::ShiftOpened { float, .. } => float.minor,
                Body::CashPaidIn { amount, .. } => drawer + amount.minor,
                Body::CashPaidOut { amount, .. } => drawer - amount.minor,
                Body::CashTaken { given, change, .. } | Body::CashRest { given, change, .. } => {
                    drawer + given.minor - change.minor
                }
                Body::CashPart { amount, .. } => drawer + amount.minor,
                Body::CashPartBack { amount, .. } => drawer - amount.minor,
                _ => drawer,
            };
            let part = |sale: &u64| parts.get(sale).copied().unwrap_or(0);
            match &body {
                Body::Sale(sold) => drop(totals.insert(sequence, sold.total.minor)),
                Body::PaymentRequested { sale, amount, .. } => {
                    assert_eq!((part(sale), Some(&amount.minor)), (0, totals.get(sale)));
                }
                Body::RestRequested { sale, amount, cash, .. } => {
                    assert_eq!((part(sale), totals[sale]), (cash.minor, amount.minor + cash.minor));
                }
                Body::CashTaken { sale, given, change } => {
                    assert_eq!((part(sale), totals[sale]), (0, given.minor - change.minor));
                }
                Body::CashRest { sale, given, change, part: told } => {
                    let rest = given.minor - change.minor;
                    assert_eq!((part(sale), totals[sale]), (told.minor, told.minor + rest));
                }
                Body::SaleVoided { sale } | Body::SaleChanged { sale } => assert_eq!(part(sale), 0),
                _ => {}
            }
            match body {
                Body::CashPart { sale, amount, .. } => {
                    assert!(!open.contains_key(&sale) && !paid.contains(&sale) && !cash.contains(&sale));
                    assert_eq!(parts.insert(sale, amount.minor), None, "{sale}: two parts");
                    opened += 1;
                }
                Body::CashPartKept { sale, amount, .. } => {
                    assert!(!open.contains_key(&sale) && !paid.contains(&sale) && !cash.contains(&sale));
                    assert_eq!(parts.remove(&sale), Some(amount.minor));
                }
                Body::CashPartBack { sale, amount, .. } => {
                    assert!(!open.contains_key(&sale) && !paid.contains(&sale) && !cash.contains(&sale));
                    assert_eq!(parts.remove(&sale), Some(amount.minor));
                    opened += 1;
                }
                Body::Adopted { sale, .. } => assert!(adopted.insert(sale), "{sale} adopted twice"),
                Body::CashTaken { sale, .. } | Body::CashRest { sale, .. } => {
                    assert!(cash.insert(sale), "{sale}: cash twice");
                    assert!(!open.contains_key(&sale) && !paid.contains(&sale), "{sale}: cash and wallet");
                }
                Body::PaymentRequested { sale, attempt, .. } | Body::RestRequested { sale, attempt, .. } => {
                    assert!(!cash.contains(&sale) && !paid.contains(&sale), "{sale} is paid");
                    assert_eq!(open.insert(sale, attempt), None, "{sale}: two attempts at once");
                }
                Body::PaymentSettled { sale, attempt, outcome } => {
                    assert_eq!(open.remove(&sale), Some(attempt));
                    let truth = self.server.attempts.get(&(sale, attempt)).copied();
                    match outcome {
                        Settled::Paid { .. } => {
                            assert!(paid.insert(sale));
                            assert_eq!(truth, Some(P::Paid));
                        }
                        _ => assert!(truth.is_some_and(P::surely_not_charged), "{sale}: {truth:?}"),
                    }
                }
                Body::SaleVoided { sale } | Body::SaleChanged { sale } => {
                    assert!(!open.contains_key(&sale) && !paid.contains(&sale) && !cash.contains(&sale));
                }
                Body::DrawerOpened { .. }
                | Body::ShiftOpened { .. }
                | Body::CashPaidIn { .. }
                | Body::CashPaidOut { .. } => opened += 1,
                Body::ShiftClosed(closing) => assert_eq!(closing.expected.minor, drawer),
                _ => {}
            }
        }
        let mut charged = BTreeSet::new();
        for ((sale, attempt), state) in &self.server.attempts {
            if *state == P::Paid {
                assert!(charged.insert(*sale), "{sale} was charged twice, last by attempt {attempt}");
                assert!(!cash.contains(sale), "{sale} was charged and paid in cash");
            }
        }
        assert!(self.till.kicks <= cash.len() + opened);
    }
}

/// The same answer as it looks to a till that never got it.
fn lost(answer: Answer) -> Answer {
    match answer {
        Answer::Heartbeat(_) => Answer::Heartbeat(Err(no_answer())),
        Answer::Catalogue(_) => Answer::Catalogue(Err(no_answer())),
        Answer::Staff(_) => Answer::Staff(Err(no_answer())),
        Answer::ReceiptTemplate(_) => Answer::ReceiptTemplate(Err(no_answer())),
        Answer::Pictures(_) => Answer::Pictures(Err(no_answer())),
        Answer::Picture { name, .. } => Answer::Picture { name, result: Err(no_answer()) },
        Answer::Draft { sale, .. } => Answer::Draft { sale, result: Err(no_answer()) },
        Answer::Adopt { sale, .. } => Answer::Adopt { sale, result: Err(no_answer()) },
        Answer::Payment { sale, attempt, question, .. } => {
            Answer::Payment { sale, attempt, question, result: Err(no_answer()) }
        }
        Answer::HandIn(_) => Answer::HandIn(Err(no_answer())),
        Answer::Refunds(_) => Answer::Refunds(Err(no_answer())),
        Answer::Countersign(_) => Answer::Countersign(Err(no_answer())),
        Answer::AskRefund { number, request, .. } => {
            Answer::AskRefund { number, request, result: Err(no_answer()) }
        }
        Answer::Waiting { number, request, .. } => {
            Answer::Waiting { number, request, result: Err(no_answer()) }
        }
        Answer::CarryOutRefund { refund, .. } => Answer::CarryOutRefund { refund, result: Err(no_answer()) },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_charges_a_sale_twice(steps in prop::collection::vec(step(), 20..160)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
            world.check();
        }
        // In the end the line holds and the wallet speaks: nothing stays unknown.
        world.till.heartbeat(TerminalState::Active);
        for round in 0..40 {
            for _ in 0..world.till.sent.len() {
                world.deliver(0, 0, true);
            }
            world.server.wallet(round, 1);
            world.till.pass(2);
        }
        world.check();
        prop_assert!(world.till.controller.watches.is_empty(), "{:?}", world.till.controller.watches);
    }
}
