//! Which of the two tills hears and shows: the real one, or its training, if one is under way. Pure.
//!
//! What a person does goes to the one on the screen, the devices' state and the time to both, and whatever was asked for to
//! the one that asked. Answers for a training that is over reach nobody.

use crate::controller::{Command, Controller, Input, Moment, PrintOrder};
use crate::training::{Allowed, PinFor, Provisions, Told, Training};
use crate::view::{Notice, Screen, UserAction};
use evertill_shared::secret::SecretText;

/// Something that happened, and for whom.
#[expect(clippy::large_enum_variant, reason = "one at a time comes in; the large one is the till's own")]
pub enum Heard {
    /// Anything; what the till itself asked for is among it.
    Input(Input),
    /// What a training asked for.
    Training {
        /// Which training, counted since the program began.
        session: u64,
        /// What.
        told: Told,
    },
    /// The end of [`Command::BeginTraining`]; an error in words for the log.
    Provisions(Result<Box<Provisions>, String>),
}

/// Something to do. What is not the till's own is a training's: these three, and nothing else.
pub enum Errand {
    /// For the till.
    Till(Command),
    /// Show a training's screen, which is marked as one.
    Show(Box<Screen>),
    /// Print this for a training, marked as no receipt.
    Print {
        /// Which training.
        session: u64,
        /// What.
        order: Box<PrintOrder>,
    },
    /// Check a PIN for a training.
    CheckPin {
        /// Which training.
        session: u64,
        /// What it is for.
        asked: PinFor,
        /// Whose.
        login: String,
        /// What was typed.
        pin: SecretText,
        /// What it is checked against.
        verifier: SecretText,
    },
}

/// The till and its training.
pub struct Front {
    till: Controller,
    training: Option<Training>,
    /// How many trainings there were; the one that is under way is the last.
    session: u64,
    /// Of the list of people that the training has.
    staff_version: u64,
}

impl Front {
    /// A till that is not in training: so it is after every start.
    #[must_use]
    pub fn new(till: Controller) -> Self {
        Self { till, training: None, session: 0, staff_version: 0 }
    }

    /// Whether the training is on the screen.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Takes one thing in, and says what is to be done about it, in order.
    pub fn handle(&mut self, heard: Heard, now: Moment) -> Vec<Errand> {
        let mut errands = Vec::new();
        match heard {
            Heard::Input(input) => self.on_input(input, now, &mut errands),
            Heard::Training { session, told } => self.on_told(session, told, now, &mut errands),
            Heard::Provisions(Ok(provisions)) => self.begin(*provisions, now, &mut errands),
            Heard::Provisions(Err(error)) => {
                tracing::error!(error, "there is no training");
                self.till.say(Notice::TrainingBroken);
                self.till(Input::Tick, now, &mut errands);
            }
        }
        self.look_after(now, &mut errands);
        errands
    }

    fn on_told(&mut self, session: u64, told: Told, now: Moment, errands: &mut Vec<Errand>) {
        if let Some(training) = self.training.as_mut().filter(|_| session == self.session) {
            let allowed = training.told(told, now);
            return self.send_out(allowed, now, errands);
        }
        // Whoever typed it has ended that training before it was looked at: a wrong one counts all the same.
        if let Told::Pin { login, right: false, .. } = told {
            let (_, counts) = self.till.count_pin(&login, false, now);
            errands.extend(counts.map(|counts| Errand::Till(Command::KeepWrongPins(counts))));
        }
    }

    fn on_input(&mut self, input: Input, now: Moment, errands: &mut Vec<Errand>) {
        use UserAction as A;
        if self.training.is_none() {
            return self.till(input, now, errands);
        }
        match input {
            Input::Action(A::EndTraining) => self.end(None, now, errands),
            Input::Action(action @ (A::Language { .. } | A::Colours(_))) => {
                self.till(Input::Action(action.clone()), now, errands);
                self.practise(Input::Action(action), now, errands);
            }
            Input::Action(_) | Input::Scan(_) | Input::ScanRefused => self.practise(input, now, errands),
            Input::Printer(state) => self.both(|| Input::Printer(state), now, errands),
            Input::Scanner(state) => self.both(|| Input::Scanner(state), now, errands),
            Input::Display(state) => self.both(|| Input::Display(state), now, errands),
            Input::Tick => self.both(|| Input::Tick, now, errands),
            // Answers to what the till asked for.
            other => self.till(other, now, errands),
        }
    }

    fn both(&mut self, input: impl Fn() -> Input, now: Moment, errands: &mut Vec<Errand>) {
        self.till(input(), now, errands);
        self.practise(input(), now, errands);
    }

    /// The till goes on working under its training, only its screen is covered.
    fn till(&mut self, input: Input, now: Moment, errands: &mut Vec<Errand>) {
        let covered = self.is_training();
        let commands = self.till.handle(input, now).into_iter();
        let seen = commands.filter(|command| !covered || !matches!(command, Command::Show(_)));
        errands.extend(seen.map(Errand::Till));
    }

    fn practise(&mut self, input: Input, now: Moment, errands: &mut Vec<Errand>) {
        if let Some(training) = &mut self.training {
            let allowed = training.handle(input, now);
            self.send_out(allowed, now, errands);
        }
    }

    fn send_out(&mut self, allowed: Vec<Allowed>, now: Moment, errands: &mut Vec<Errand>) {
        for what in allowed {
            let session = self.session;
            errands.push(match what {
                Allowed::Show(screen) => Errand::Show(screen),
                Allowed::Print(order) => Errand::Print { session, order },
                Allowed::CheckPin { asked, login, pin, verifier } => {
                    Errand::CheckPin { session, asked, login, pin, verifier }
                }
                Allowed::CountWrongPins(counts) => Errand::Till(self.till.learn_wrong_pins(counts, now)),
            });
        }
    }

    fn begin(&mut self, provisions: Provisions, now: Moment, errands: &mut Vec<Errand>) {
        // Whoever wanted it may have gone on with something else meanwhile.
        if self.is_training() {
            return;
        }
        let Some(lent) = self.till.lend(now) else { return };
        self.staff_version = lent.staff.version;
        match Training::begin(lent, provisions, now) {
            Ok((training, allowed)) => {
                self.session += 1;
                self.training = Some(training);
                tracing::info!(session = self.session, "training has begun");
                self.send_out(allowed, now, errands);
            }
            Err(error) => {
                tracing::error!(%error, "there is no training");
                self.till.say(Notice::TrainingBroken);
                errands.extend(self.till.show_again(now).into_iter().map(Errand::Till));
            }
        }
    }

    /// All that was practised goes with it.
    fn end(&mut self, say: Option<Notice>, now: Moment, errands: &mut Vec<Errand>) {
        if self.training.take().is_some() {
            tracing::info!(session = self.session, "training has ended");
            if let Some(notice) = say {
                self.till.say(notice);
            }
            errands.extend(self.till.show_again(now).into_iter().map(Errand::Till));
        }
    }

    /// A fault of the training ends the training and nothing else; a fault of the till is to be seen.
    fn look_after(&mut self, now: Moment, errands: &mut Vec<Errand>) {
        let Some(training) = &mut self.training else { return };
        if self.till.has_fault() {
            return self.end(None, now, errands);
        }
        let staff = self.till.staff();
        if staff.version != self.staff_version {
            self.staff_version = staff.version;
            let allowed = training.people_changed(staff, now);
            self.send_out(allowed, now, errands);
        }
        if self.training.as_ref().is_some_and(Training::is_broken) {
            self.end(Some(Notice::TrainingBroken), now, errands);
        }
    }
}

#[cfg(test)]
impl Front {
    /// The till's own core.
    pub(crate) fn core(&mut self) -> &mut Controller {
        &mut self.till
    }

    /// The core of the training that is under way.
    pub(crate) fn practice(&mut self) -> Option<&mut Controller> {
        self.training.as_mut().map(Training::core)
    }
}
