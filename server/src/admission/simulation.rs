//! The door in front of a simulated server of known capacity, in virtual time: nothing here depends on how fast the
//! machine is that runs it.
//!
//! The server is one processor with a queue of tasks, as an event loop has it, and a database whose writer gathers what
//! many write, as the real one does, and takes four milliseconds for a commit. A request is parsed before the door can look at it, so refusing is not free. The
//! tills are rude: they heed no pause, and ask again as soon as they have an answer.

use super::pace::Pace;
use super::*;
use crate::database::gather::Gather;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Microseconds of the processor.
const PARSE: u64 = 15;
const SERVE: u64 = 145;
const REFUSE: u64 = 30;
/// Microseconds that a commit takes beside the processor.
const COMMIT: u64 = 4_000;
/// Requests a second that the processor can do.
const CAPACITY: u64 = 1_000_000 / (PARSE + SERVE);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A till sends.
    Send(usize),
    /// The processor has done its task.
    Done,
    /// The writer has gathered enough, and begins a commit.
    Commits,
    /// It has committed.
    Committed,
    /// A refusal has been held back long enough.
    Refuse(usize),
    /// Time passes at the door.
    Tick,
}

#[derive(Clone, Copy, Debug)]
enum Task {
    Parse(usize),
    Serve(usize),
    Answer(usize),
    Refuse(usize),
}

struct Till {
    class: Class,
    /// The mean pause between two requests, in microseconds.
    every: u64,
    /// When it wants to send the next one.
    next: u64,
    sent: u64,
    entered: u64,
}

#[derive(Default)]
struct Story {
    /// By class: how long the answered ones took, in microseconds.
    took: [Vec<u64>; Class::COUNT],
    refused: [u64; Class::COUNT],
}

struct World {
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    counter: u64,
    gather: Gather,
    /// What waits for the next commit, and what is in this one, if the writer is busy.
    to_write: Vec<usize>,
    written: Option<Vec<usize>>,
    tasks: VecDeque<Task>,
    working: Option<Task>,
    tills: Vec<Till>,
    door: Admission<usize>,
    names: Vec<u64>,
    pace: Pace,
    random: u64,
    from: u64,
    story: Story,
}

const fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

impl World {
    /// Tills of each class with so many requests a second in all.
    fn new(loads: &[(Class, usize, u64)]) -> Self {
        let mut world = Self {
            now: 0,
            events: BinaryHeap::new(),
            counter: 0,
            gather: Gather::default(),
            to_write: Vec::new(),
            written: None,
            tasks: VecDeque::new(),
            working: None,
            tills: Vec::new(),
            door: Admission::new(us(0)),
            names: Vec::new(),
            pace: Pace::default(),
            random: 0x9E37_79B9_7F4A_7C15,
            from: 0,
            story: Story::default(),
        };
        for (class, tills, per_s) in loads {
            let every = *tills as u64 * 1_000_000 / per_s;
            for _ in 0..*tills {
                let next = world.dice() % every.max(1);
                world.at(next, Event::Send(world.tills.len()));
                world.tills.push(Till { class: *class, every, next, sent: 0, entered: 0 });
                world.names.push(0);
            }
        }
        world.at(0, Event::Tick);
        world
    }

    fn dice(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn at(&mut self, time: u64, event: Event) {
        self.counter += 1;
        self.events.push(Reverse((time, self.counter, event)));
    }

    fn work(&mut self, task: Task) {
        self.tasks.push_back(task);
        self.next_task();
    }

    fn next_task(&mut self) {
        if self.working.is_some() {
            return;
        }
        let Some(task) = self.tasks.pop_front() else { return };
        let cost = match task {
            Task::Parse(_) => PARSE,
            Task::Serve(_) => SERVE / 2,
            Task::Answer(_) => SERVE - SERVE / 2,
            Task::Refuse(_) => REFUSE,
        };
        self.working = Some(task);
        self.at(self.now + cost, Event::Done);
    }

    fn run(&mut self, warm_up_s: u64, measured_s: u64) -> &Story {
        let (from, until) =
            (self.now + warm_up_s * 1_000_000, self.now + (warm_up_s + measured_s) * 1_000_000);
        (self.from, self.story) = (from, Story::default());
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            self.now = time;
            match event {
                Event::Send(till) => {
                    self.tills[till].sent = time;
                    self.work(Task::Parse(till));
                }
                Event::Done => self.done(),
                Event::Commits => {
                    let batch = std::mem::take(&mut self.to_write);
                    self.gather.committed(batch.len());
                    self.written = Some(batch);
                    self.at(time + COMMIT, Event::Committed);
                }
                Event::Committed => {
                    let batch = self.written.take().unwrap_or_default();
                    batch.into_iter().for_each(|till| self.work(Task::Answer(till)));
                    self.write();
                }
                Event::Refuse(till) => self.work(Task::Refuse(till)),
                Event::Tick => {
                    let moved = self.door.step(us(time));
                    self.moved(moved);
                    self.at(time + 1_000, Event::Tick);
                }
            }
            if time >= until {
                break;
            }
        }
        &self.story
    }

    fn done(&mut self) {
        match self.working.take() {
            Some(Task::Parse(till)) => self.arrived(till),
            Some(Task::Serve(till)) => {
                self.to_write.push(till);
                if self.written.is_none() && self.to_write.len() == 1 {
                    self.write();
                }
            }
            Some(Task::Answer(till)) => {
                let Till { class, entered, sent, .. } = self.tills[till];
                let moved = self.door.leave(class, us(entered), us(self.now), true);
                self.moved(moved);
                if self.now >= self.from {
                    self.story.took[class.index()].push(self.now - sent);
                }
                self.answered(till);
            }
            Some(Task::Refuse(till)) => {
                if self.now >= self.from {
                    self.story.refused[self.tills[till].class.index()] += 1;
                }
                self.answered(till);
            }
            None => {}
        }
        self.next_task();
    }

    /// The writer is free: what waits is in its next commit, with what comes while it gathers.
    fn write(&mut self) {
        if !self.to_write.is_empty() {
            let pause = u64::try_from(self.gather.pause().as_micros()).unwrap();
            self.at(self.now + pause, Event::Commits);
        }
    }

    fn arrived(&mut self, till: usize) {
        let (arrival, moved) = self.door.arrive(self.tills[till].class, us(self.now), || till);
        self.moved(moved);
        match arrival {
            Arrival::Admitted => self.enters(till),
            Arrival::Refused => self.refuse(till),
            Arrival::Waits(name) => self.names[till] = name,
        }
    }

    fn moved(&mut self, moved: Moved<usize>) {
        moved.admitted.into_iter().for_each(|till| self.enters(till));
        moved.refused.into_iter().for_each(|till| self.refuse(till));
    }

    fn enters(&mut self, till: usize) {
        self.tills[till].entered = self.now;
        self.work(Task::Serve(till));
    }

    fn refuse(&mut self, till: usize) {
        let hold = self.pace.hold(us(self.now), self.tills[till].class.longest_hold());
        let hold = u64::try_from(hold.as_micros()).unwrap();
        self.at(self.now + hold, Event::Refuse(till));
    }

    /// The till sends again when it had meant to, or at once if that is over.
    fn answered(&mut self, till: usize) {
        let pause = self.dice() % (2 * self.tills[till].every).max(1);
        let next = (self.tills[till].next + pause).max(self.now);
        // What was missed is not made up for.
        self.tills[till].next = next;
        self.at(next, Event::Send(till));
    }
}

impl Story {
    fn per_s(&self, class: Class, seconds: u64) -> u64 {
        self.took[class.index()].len() as u64 / seconds
    }

    fn p99(&self, class: Class) -> u64 {
        let mut took = self.took[class.index()].clone();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or(u64::MAX)
    }
}

const NEW: Class = Class::NewOrders;
const TILLS: usize = 3_000;

/// Goodput a second and the slowest but one of a hundred, in microseconds, at so many hundredths of the capacity.
fn new_orders(percent: u64) -> (u64, u64) {
    let mut world = World::new(&[(NEW, TILLS, CAPACITY * percent / 100)]);
    let story = world.run(10, 20);
    let figures = (story.per_s(NEW, 20), story.p99(NEW));
    println!(
        "{percent:>5} % of capacity: {} orders/s, p99 {} us, {} places",
        figures.0,
        figures.1,
        world.door.limit()
    );
    figures
}

#[test]
fn past_capacity_useful_work_stays_and_what_is_taken_is_answered_in_time() {
    let (_, normal) = new_orders(50);
    let peak = [90, 100, 110, 130].map(|percent| new_orders(percent).0).into_iter().max().unwrap();
    assert!(peak * 100 >= CAPACITY * 85, "peak {peak} of {CAPACITY}");
    for (percent, share) in [(200, 95), (500, 90), (1_000, 80)] {
        let (goodput, p99) = new_orders(percent);
        assert!(goodput * 100 >= peak * share, "{percent} %: {goodput} of {peak}");
        assert!(p99 <= 3 * normal, "{percent} %: p99 {p99} us, normally {normal} us");
    }
}

#[test]
fn a_heap_of_new_orders_delays_no_payment() {
    let payments = CAPACITY / 5;
    let alone = World::new(&[(Class::Money, 500, payments)]).run(10, 20).p99(Class::Money);
    let loads =
        [(Class::Money, 500, payments), (Class::Uploads, 500, CAPACITY / 5), (NEW, TILLS, CAPACITY * 10)];
    let mut world = World::new(&loads);
    let story = world.run(10, 20);
    println!("payments p99 {} us, alone {alone} us", story.p99(Class::Money));
    assert_eq!(story.refused[Class::Money.index()], 0);
    assert!(story.per_s(Class::Money, 20) * 100 >= payments * 95);
    assert!(story.p99(Class::Money) <= 3 * alone);
    assert!(story.per_s(Class::Uploads, 20) * 100 >= CAPACITY / 5 * 95, "uploads come before new orders");
    assert!(story.per_s(NEW, 20) > 0 && story.refused[NEW.index()] > 0);
}

#[test]
fn when_the_load_goes_everything_is_as_before_within_seconds() {
    let (_, normal) = new_orders(50);
    let mut world = World::new(&[(NEW, TILLS, CAPACITY * 10)]);
    world.run(0, 20);
    for till in &mut world.tills {
        till.every *= 20;
    }
    let story = world.run(6, 20);
    println!(
        "after the load: p99 {} us, normally {normal} us, refused {}",
        story.p99(NEW),
        story.refused[NEW.index()]
    );
    assert_eq!(story.refused[NEW.index()], 0);
    assert!(story.p99(NEW) <= normal * 11 / 10);
}
