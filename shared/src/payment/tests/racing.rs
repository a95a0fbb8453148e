//! Two servers that act at once on what they read a while ago, a channel whose answers come late, out of order or
//! never, and a customer who may pay, or fail and pay after all, at any moment.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Truth {
    NeverArrived,
    Open,
    Failed,
    Charged,
    Returned,
}

#[derive(Clone, Copy, Debug)]
enum Customer {
    Pays,
    Types,
    HasNoMoney,
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    /// The pay request reaches the channel.
    Arrive(Customer),
    Confirm,
    Fail,
    GiveUp,
    /// A server reads the row.
    Look(usize),
    /// A server does what its copy says is due; the request is on its way.
    Act(usize),
    /// A request on its way reaches the channel; its answer is on its way.
    Reach(usize),
    /// An answer is written down, on the row as it stands then.
    Hear(usize),
    /// An answer is lost.
    Lose(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let customer = prop_oneof![Just(Customer::Pays), Just(Customer::Types), Just(Customer::HasNoMoney)];
    prop_oneof![
        2 => (1_u32..20_000).prop_map(Step::Wait),
        1 => customer.prop_map(Step::Arrive),
        1 => Just(Step::Confirm),
        1 => Just(Step::Fail),
        1 => Just(Step::GiveUp),
        2 => (0_usize..2).prop_map(Step::Look),
        4 => (0_usize..2).prop_map(Step::Act),
        4 => (0_usize..4).prop_map(Step::Reach),
        4 => (0_usize..4).prop_map(Step::Hear),
        1 => (0_usize..4).prop_map(Step::Lose),
    ]
}

struct World {
    row: Payment,
    copies: [Payment; 2],
    truth: Truth,
    now: Timestamp,
    on_its_way: Vec<(Action, Timestamp)>,
    answers: Vec<(Event, Option<Timestamp>)>,
    late: u32,
}

impl World {
    fn new() -> Self {
        let row = start();
        Self {
            copies: [row.clone(), row.clone()],
            row,
            truth: Truth::NeverArrived,
            now: Timestamp(0),
            on_its_way: Vec::new(),
            answers: Vec::new(),
            late: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(ms) => self.now = self.now.plus(Duration::from_millis((*ms).into())),
            // No request lives longer on its way than the policy says.
            Step::Arrive(customer) if self.truth == Truth::NeverArrived && self.now < Timestamp(60_000) => {
                self.arrive(*customer);
            }
            Step::Arrive(_) => {}
            Step::Confirm if matches!(self.truth, Truth::Open | Truth::Failed) => self.truth = Truth::Charged,
            Step::Fail if self.truth == Truth::Open => self.truth = Truth::Failed,
            Step::Confirm | Step::Fail => {}
            Step::GiveUp => self.hear(Event::GiveUp, self.now),
            Step::Look(server) => self.copies[*server] = self.row.clone(),
            Step::Act(server) => {
                let action = self.copies[*server].due(self.now, &policy());
                self.on_its_way.extend(action.map(|action| (action, self.now)));
            }
            Step::Reach(index) if *index < self.on_its_way.len() => {
                let (action, asked) = self.on_its_way.remove(*index);
                let event = self.channel(action);
                self.answers.push((event, Some(asked)));
            }
            Step::Hear(index) if *index < self.answers.len() => {
                let (event, asked) = self.answers.remove(*index);
                self.hear(event, asked.unwrap_or(self.now));
            }
            Step::Lose(index) if *index < self.answers.len() => drop(self.answers.remove(*index)),
            Step::Reach(_) | Step::Hear(_) | Step::Lose(_) => {}
        }
    }

    /// A customer without money is told so at once, and definitely: nothing can follow under this number.
    fn arrive(&mut self, customer: Customer) {
        let (truth, outcome) = match customer {
            Customer::Pays => (Truth::Charged, PayOutcome::ConfirmedSuccess { transaction: "42".into() }),
            Customer::Types => (Truth::Open, PayOutcome::Waiting),
            Customer::HasNoMoney => {
                (Truth::Returned, PayOutcome::ConfirmedFailure(DeclineReason::NotEnoughFunds))
            }
        };
        self.truth = truth;
        self.answers.push((Event::Pay(outcome), None));
    }

    fn channel(&mut self, action: Action) -> Event {
        let asked = match self.truth {
            Truth::NeverArrived => QueryOutcome::NoSuchOrder,
            Truth::Open => QueryOutcome::Waiting,
            Truth::Failed => QueryOutcome::Failed(DeclineReason::PaymentFailed),
            Truth::Charged => paid(),
            Truth::Returned => QueryOutcome::Reversed,
        };
        match (action, self.truth) {
            (Action::Query, _) => Event::Query(asked),
            (Action::LookAgain, _) => Event::LookedAgain(asked),
            (Action::Show, _) => unreachable!("no code is shown here"),
            (Action::Reverse, Truth::NeverArrived) => Event::Reverse(ReverseOutcome::NoSuchOrder),
            (Action::Reverse, _) => {
                self.truth = Truth::Returned;
                Event::Reverse(ReverseOutcome::Reversed)
            }
        }
    }

    fn hear(&mut self, event: Event, at: Timestamp) {
        let before = self.row.state;
        let change = self.row.on(event, at, &policy());
        self.late += u32::from(change == Change::LateSuccess);
        assert!(!before.is_final() || self.row.state == before, "{before:?} was reopened");
    }

    fn check(&self) -> Result<(), TestCaseError> {
        match self.row.state {
            PaymentState::Paid => prop_assert_eq!(self.truth, Truth::Charged),
            PaymentState::Declined => prop_assert_eq!(self.truth, Truth::Returned),
            PaymentState::Reversed => {
                prop_assert!(matches!(self.truth, Truth::Returned | Truth::NeverArrived), "{:?}", self.truth);
            }
            _ => {}
        }
        prop_assert!(self.late <= 1);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whoever_acts_on_what_he_read_before_a_final_state_is_the_truth(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check()?;
        }
        // All that is under way comes in, in whatever order; then the channel answers, and the attempt ends.
        while let Some((action, asked)) = world.on_its_way.pop() {
            let event = world.channel(action);
            world.answers.push((event, Some(asked)));
        }
        while let Some((event, asked)) = world.answers.pop() {
            world.hear(event, asked.unwrap_or(world.now));
            world.check()?;
        }
        for _ in 0..60 {
            world.now = world.now.plus(Duration::from_secs(60));
            if let Some(action) = world.row.due(world.now, &policy()) {
                let event = world.channel(action);
                world.hear(event, world.now);
            }
            world.check()?;
        }
        prop_assert!(world.row.state.is_final(), "left as {:?}", world.row.state);
    }
}
