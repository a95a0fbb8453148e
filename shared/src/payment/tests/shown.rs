//! Codes that the till shows, against a model of a wallet that makes the order only when its code is scanned, or at
//! once; and of a customer who scans when they please.

use super::*;

const UNTIL: Timestamp = Timestamp(90_000);
const SURELY_GONE: Timestamp = Timestamp(120_000);

fn to_show() -> Payment {
    start().to_be_shown(&policy())
}

fn code(content: &str) -> Event {
    Event::Shown(ShownOutcome::Code { content: content.into(), until: UNTIL })
}

fn showing() -> Payment {
    let mut payment = to_show();
    payment.on(code("weixin://a"), Timestamp(300), &policy());
    payment
}

#[test]
fn a_code_is_shown_while_it_may_be_paid_and_then_asked_about_and_closed() {
    let mut payment = to_show();
    assert_eq!(payment.code_to_show(), None);
    assert_eq!(payment.on(code("weixin://a"), Timestamp(300), &policy()), Change::State);
    assert_eq!((payment.state, payment.code_to_show()), (PaymentState::Waiting, Some(("weixin://a", UNTIL))));
    let mut now = Timestamp(500);
    while payment.due(now, &policy()) != Some(Action::Reverse) {
        now = now.plus(Duration::from_millis(500));
        if payment.due(now, &policy()) == Some(Action::Query) {
            payment.on(Event::Query(QueryOutcome::NoSuchOrder), now, &policy());
        }
        assert!(!payment.state.is_final(), "believed at {now:?}");
    }
    assert_eq!(now, UNTIL, "closed when it cannot be paid any more");
    assert_eq!(payment.code_to_show(), None);
}

#[test]
fn a_code_that_nobody_has_is_asked_for_again_and_not_asked_about() {
    let mut payment = to_show();
    assert_eq!(payment.due(Timestamp(5_000), &policy()), Some(Action::Show), "whoever asked has crashed");
    payment.on(Event::Shown(ShownOutcome::Unknown), Timestamp(8_000), &policy());
    assert_eq!(payment.state, PaymentState::Unknown);
    assert_eq!(payment.due(Timestamp(10_000), &policy()), Some(Action::Show));
    // Not refused for good: the request before may have made a code.
    let refused = Event::Shown(ShownOutcome::Refused(DeclineReason::ChannelUnreachable));
    payment.on(refused.clone(), Timestamp(10_000), &policy());
    assert_eq!(payment.state, PaymentState::Unknown);
    payment.on(code("b"), Timestamp(12_000), &policy());
    assert_eq!(payment.code_to_show(), Some(("b", UNTIL)));
    payment.on(refused.clone(), Timestamp(13_000), &policy());
    payment.on(Event::Shown(ShownOutcome::Unknown), Timestamp(13_000), &policy());
    assert_eq!(payment.code_to_show(), Some(("b", UNTIL)), "the code that is shown stays");
    let mut refused_at_once = to_show();
    refused_at_once.on(refused, Timestamp(100), &policy());
    assert_eq!(refused_at_once.state, PaymentState::Declined);
}

#[test]
fn a_code_for_which_there_never_was_an_answer_is_given_up_at_its_end() {
    let mut payment = to_show();
    payment.on(Event::Shown(ShownOutcome::Unknown), Timestamp(8_000), &policy());
    assert_eq!(payment.due(UNTIL, &policy()), Some(Action::Query));
    payment.on(Event::Query(QueryOutcome::NoSuchOrder), UNTIL, &policy());
    assert_eq!(payment.state, PaymentState::Reversing);
    payment.on(code("late"), UNTIL.plus(Duration::from_secs(1)), &policy());
    assert_eq!(payment.code_to_show(), None, "shown to nobody any more");
}

#[test]
fn no_such_order_says_nothing_while_the_code_may_be_paid() {
    let mut payment = showing();
    payment.on(Event::GiveUp, Timestamp(10_000), &policy());
    assert_eq!(payment.due(Timestamp(10_000), &policy()), Some(Action::Reverse), "closing needs no pause");
    for at in [Timestamp(10_000), UNTIL, Timestamp(SURELY_GONE.0 - 1)] {
        payment.on(Event::Reverse(ReverseOutcome::NoSuchOrder), at, &policy());
        payment.on(Event::Query(QueryOutcome::NoSuchOrder), at, &policy());
        assert_eq!(payment.state, PaymentState::Reversing, "believed at {at:?}");
    }
    payment.on(Event::Query(QueryOutcome::NoSuchOrder), SURELY_GONE, &policy());
    assert_eq!(payment.state, PaymentState::Reversed);
    let mut closed = showing();
    closed.on(Event::GiveUp, Timestamp(10_000), &policy());
    closed.on(Event::Reverse(ReverseOutcome::Reversed), Timestamp(10_100), &policy());
    assert_eq!(closed.state, PaymentState::Reversing, "a yes is confirmed by asking");
    assert_eq!(closed.due(Timestamp(10_100), &policy()), Some(Action::Query));
    closed.on(Event::Query(QueryOutcome::Reversed), Timestamp(10_200), &policy());
    assert_eq!(closed.state, PaymentState::Reversed);
}

#[test]
fn a_customer_who_is_quicker_than_the_closing_has_paid() {
    let mut payment = showing();
    payment.on(Event::GiveUp, Timestamp(10_000), &policy());
    payment.on(Event::Reverse(ReverseOutcome::Retry), Timestamp(10_100), &policy());
    assert_eq!(payment.on(Event::Query(paid()), Timestamp(12_000), &policy()), Change::State);
    assert_eq!(payment.state, PaymentState::Paid);
    let mut closed = showing();
    closed.on(Event::Query(QueryOutcome::Reversed), Timestamp(20_000), &policy());
    let late = closed.on(Event::Query(paid()), Timestamp(30_000), &policy());
    assert_eq!(
        (late, closed.state),
        (Change::LateSuccess, PaymentState::Reversed),
        "noticed, never reopened"
    );
}

#[test]
fn attempts_from_before_codes_were_shown_read_as_they_were() {
    let text = serde_json::to_string(&start()).unwrap();
    assert!(!text.contains("shown"));
    assert_eq!(serde_json::from_str::<Payment>(&text).unwrap(), start());
}

/// What is true at the wallet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Truth {
    /// Nothing, or a code that nobody has scanned, at a wallet that makes orders at the scan.
    NoOrder,
    /// Known there, and not paid.
    Open,
    Charged,
    Closed,
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    GiveUp,
    /// A server reads the row.
    Look(usize),
    /// A server does what its copy says is due: the request is on its way.
    Act(usize),
    /// A request reaches the wallet, or is lost.
    Reach(usize, bool),
    /// An answer is written down, or lost.
    Hear(usize, bool),
    /// The customer scans what the till shows, or showed: and pays, or only looks.
    Scan(bool),
    /// They pay what they have looked at.
    Pay,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u32..15_000).prop_map(Step::Wait),
        1 => Just(Step::GiveUp),
        2 => (0_usize..2).prop_map(Step::Look),
        4 => (0_usize..2).prop_map(Step::Act),
        4 => (0_usize..3, prop::bool::weighted(0.8)).prop_map(|(i, good)| Step::Reach(i, good)),
        4 => (0_usize..3, prop::bool::weighted(0.8)).prop_map(|(i, good)| Step::Hear(i, good)),
        2 => any::<bool>().prop_map(Step::Scan),
        1 => Just(Step::Pay),
    ]
}

struct World {
    row: Payment,
    copies: [Payment; 2],
    truth: Truth,
    /// The wallet makes the order with its code, not at the scan.
    at_once: bool,
    /// The wallet's clock against ours.
    skew: i64,
    now: Timestamp,
    /// The customer has, or has had, a code before their eyes.
    seen: bool,
    on_its_way: Vec<(Action, Timestamp)>,
    answers: Vec<(Event, Timestamp)>,
    late: u32,
}

impl World {
    fn new(at_once: bool, skew: i64) -> Self {
        let row = to_show();
        // Two servers: whoever wrote the intent asks for the code now.
        Self {
            copies: [row.clone(), row.clone()],
            row,
            truth: Truth::NoOrder,
            at_once,
            skew,
            now: Timestamp(0),
            seen: false,
            on_its_way: vec![(Action::Show, Timestamp(0))],
            answers: Vec::new(),
            late: 0,
        }
    }

    fn code_lives(&self) -> bool {
        self.now.0 + self.skew < UNTIL.0
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(ms) => self.now = self.now.plus(Duration::from_millis(ms.into())),
            Step::GiveUp => self.hear(Event::GiveUp, self.now),
            Step::Look(server) => self.copies[server] = self.row.clone(),
            Step::Act(server) => {
                let action = self.copies[server].due(self.now, &policy());
                self.on_its_way.extend(action.map(|action| (action, self.now)));
            }
            Step::Reach(index, arrives) if index < self.on_its_way.len() => {
                let (action, asked) = self.on_its_way.remove(index);
                if arrives {
                    let event = self.wallet(action);
                    self.answers.push((event, asked));
                }
            }
            Step::Hear(index, arrives) if index < self.answers.len() => {
                let (event, asked) = self.answers.remove(index);
                if arrives {
                    self.hear(event, asked);
                }
            }
            Step::Reach(..) | Step::Hear(..) => {}
            Step::Scan(pays) if self.seen && self.code_lives() => {
                if matches!(self.truth, Truth::NoOrder | Truth::Open) {
                    self.truth = if pays { Truth::Charged } else { Truth::Open };
                }
            }
            Step::Pay if self.truth == Truth::Open && self.seen && self.code_lives() => {
                self.truth = Truth::Charged
            }
            Step::Scan(_) | Step::Pay => {}
        }
        self.seen |= self.row.code_to_show().is_some();
    }

    fn wallet(&mut self, action: Action) -> Event {
        let dead = !self.code_lives();
        if dead && self.truth == Truth::Open {
            self.truth = Truth::Closed;
        }
        match (action, self.truth) {
            (Action::Show, Truth::NoOrder | Truth::Open) if dead => {
                Event::Shown(ShownOutcome::Refused(DeclineReason::Configuration))
            }
            (Action::Show, Truth::NoOrder | Truth::Open) => {
                if self.at_once {
                    self.truth = Truth::Open;
                }
                code("c")
            }
            (Action::Show, _) => Event::Shown(ShownOutcome::Unknown),
            (Action::Query, _) => Event::Query(self.asked()),
            (Action::LookAgain, _) => Event::LookedAgain(self.asked()),
            (Action::Reverse, Truth::NoOrder) => Event::Reverse(ReverseOutcome::NoSuchOrder),
            (Action::Reverse, Truth::Charged) => Event::Reverse(ReverseOutcome::Retry),
            (Action::Reverse, Truth::Open | Truth::Closed) => {
                self.truth = Truth::Closed;
                Event::Reverse(ReverseOutcome::Reversed)
            }
        }
    }

    fn asked(&self) -> QueryOutcome {
        match self.truth {
            Truth::NoOrder => QueryOutcome::NoSuchOrder,
            Truth::Open => QueryOutcome::Waiting,
            Truth::Charged => paid(),
            Truth::Closed => QueryOutcome::Reversed,
        }
    }

    fn hear(&mut self, event: Event, at: Timestamp) {
        let before = self.row.state;
        let change = self.row.on(event, at, &policy());
        self.late += u32::from(change == Change::LateSuccess);
        assert!(!before.is_final() || self.row.state == before, "{before:?} was reopened");
        self.seen |= self.row.code_to_show().is_some();
    }

    /// A final state is the truth, and stays it: whatever the customer still has before their eyes.
    fn check(&self) -> Result<(), TestCaseError> {
        match self.row.state {
            PaymentState::Paid => prop_assert_eq!(self.truth, Truth::Charged),
            PaymentState::Declined => prop_assert!(!self.seen && self.truth != Truth::Charged),
            PaymentState::Reversed => {
                prop_assert_ne!(self.truth, Truth::Charged);
                let payable = self.seen && self.truth != Truth::Closed && self.code_lives();
                prop_assert!(!payable, "over, and yet it can be paid");
            }
            _ => {}
        }
        prop_assert_eq!(self.late, 0);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn one_charge_a_shown_code_that_was_closed_can_never_be_paid_later(
        steps in prop::collection::vec(step(), 1..150),
        at_once: bool,
        skew in -30_000_i64..30_000,
    ) {
        let mut world = World::new(at_once, skew);
        for step in &steps {
            world.step(step);
            world.check()?;
        }
        for _ in 0..60 {
            while let Some((event, asked)) = world.answers.pop() {
                world.hear(event, asked);
                world.check()?;
            }
            while let Some((action, asked)) = world.on_its_way.pop() {
                let event = world.wallet(action);
                world.answers.push((event, asked));
            }
            world.now = world.now.plus(Duration::from_secs(10));
            if let Some(action) = world.row.due(world.now, &policy()) {
                world.on_its_way.push((action, world.now));
            }
            world.step(&Step::Scan(true));
            world.check()?;
        }
        prop_assert!(world.row.state.is_final(), "left as {:?}", world.row.state);
    }
}
