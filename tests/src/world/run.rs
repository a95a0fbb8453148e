//! One run: the plan is lived through under virtual time, and every rule is held against it.

use super::cashier::{Cashier, Doing, touch};
use super::chance::Chance;
use super::check::{Checker, Watched};
use super::copies;
use super::desks::Desks;
use super::disk::Disk;
use super::engine::{Condition, SimDatabase};
use super::model::Deeds;
use super::mutation::Mutation;
use super::network::{Net, Weather};
use super::people::{Rogue, Staff};
use super::plan::{Plan, SELLING, What};
use super::server::{Ground, Server};
use super::story::Story;
use super::template::{BEGAN, GROUPS, SERVERS, Template, TemplateError};
use super::till::{Floor, Mail, Till};
use super::time::WorldClock;
use super::wallet::{WalletSide, WalletWeather};
use crate::simulator::alipay;
use crate::simulator::wallet::Scanned;
use crate::simulator::wechat::{self, Behaviour, Switches};
use evertill_server::base_store;
use evertill_server::database::Schema;
use evertill_server::merchant_view::VIEW;
use evertill_server::order_group::StoredGroup;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use evertill_shared::wallet::Wallet;
use evertill_terminal::controller::Input;
use evertill_terminal::view::{Page, PaymentState};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

mod steps;

/// How often a till is told that time has passed.
const TICK: u64 = 500;
/// How often the groups' books are looked at.
const LOOK: u64 = 2_000;
/// How often wallets tell what is to be told.
const TELL: u64 = 1_000;
/// What is not drained by then never will be, in milliseconds.
const LATEST_MS: u64 = 1_500_000;
/// Everything has to seem at rest for so long.
const SETTLES_MS: u64 = 2_000;
/// The same where money may have been forgotten: within so long a scan finds it.
const FOUND_MS: u64 = 25_000;
/// For so long after everything is healed tills are given time to carry out the refunds that wait for them.
const REFUNDS_MS: u64 = 10_000;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: &'static str,
    /// How.
    pub how: String,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Rules that were broken; the run ends with the first.
    pub violations: Vec<Violation>,
    /// How much virtual time passed.
    pub simulated: Duration,
    /// What was done in it.
    pub deeds: Deeds,
    /// What tells this story from any other.
    pub hash: u64,
    /// The story, if it was wanted.
    pub story: Vec<String>,
}

/// Lives a plan through.
/// # Errors
/// The world cannot be made: no memory or no randomness.
pub fn run(
    template: &Template,
    plan: &Plan,
    mutation: Option<Mutation>,
    keep_story: bool,
) -> Result<Outcome, TemplateError> {
    let mut outcome = run_once(template, plan, mutation, keep_story, Eyes::Open)?;
    if plan.is_run_blind() && outcome.violations.is_empty() {
        let blind = run_once(template, plan, mutation, keep_story, Eyes::Blind)?;
        if let Some(how) = copies::differ(&outcome, &blind) {
            outcome.violations.push(Violation { rule: "no-guess-from-copies", how });
        }
    }
    Ok(outcome)
}

/// Whether the merchant view shows what it was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eyes {
    Open,
    /// It shows nonsense: whatever else happens must not change by that.
    Blind,
}

fn run_once(
    template: &Template,
    plan: &Plan,
    mutation: Option<Mutation>,
    keep_story: bool,
    eyes: Eyes,
) -> Result<Outcome, TemplateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let outcome = runtime.block_on(async {
        let (mut world, mail) = World::make(template, plan, (mutation, eyes), keep_story)?;
        world.live(mail).await;
        let mut outcome = world.outcome();
        if eyes == Eyes::Open && outcome.violations.is_empty() {
            outcome.violations = world.copies_agree().await;
        }
        Ok(outcome)
    });
    runtime.shutdown_background();
    outcome
}

#[derive(Clone, Debug)]
enum Event {
    Step(usize),
    Tick(usize),
    Touch(usize),
    /// A customer scans the code that a till has shown, whatever it shows by now.
    Scans(String, Behaviour),
    Look,
    /// The wallets tell the shop what was paid.
    Tell,
    Heal,
    EndWeather,
    EndWalletWeather(usize),
    EndCut(usize, usize),
    EndApart(usize, Option<usize>),
    TillOn(usize),
    ServerOn(usize),
    EndGroup(usize),
    /// A server that still reached the old primary of that group is kept from it at last.
    Fenced(usize, usize),
    PowerBack,
    EndDoubt(usize),
    EndBase,
    EndStale(usize),
    EndView,
    EndViewDoubt,
    EndDisk(usize),
    Unblock(usize),
}

struct World {
    plan: Plan,
    start: Instant,
    due: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    tills: Vec<Till>,
    cashiers: Vec<Cashier>,
    touch_due: Vec<bool>,
    /// Codes that tills have shown.
    seen_codes: BTreeSet<String>,
    /// Customers who are going to scan one.
    pictures: usize,
    copies: Vec<Option<Connection>>,
    servers: Vec<Server>,
    staff: Vec<Staff>,
    rogue: Option<Arc<Rogue>>,
    ground: Arc<Ground>,
    floor: Arc<Floor>,
    checker: Arc<Checker>,
    mutation: Option<Mutation>,
    asked: u64,
    /// How often a wallet has told of something.
    told: u64,
    healed: bool,
    quiet_since: Option<u64>,
    over: bool,
}

/// The wallets' desks, with nobody's payments yet.
fn desks(template: &Template, plan: &Plan, clock: &Arc<dyn Clock>) -> Result<Desks, TemplateError> {
    let other = |error: &dyn std::fmt::Display| TemplateError::Other(error.to_string());
    let (kit, papers) = template.wechat();
    let switches = Switches::of(Wallet::WeChatPay);
    let first = wechat::InProcess::of_kit((&kit, &papers), switches, plan.seed, Arc::clone(clock));
    let (kit, papers) = template.alipay();
    let switches = Switches::of(Wallet::Alipay);
    let second = || alipay::InProcess::new((&kit, &papers), switches, plan.seed, Arc::clone(clock));
    let second = plan.two_wallets.then(second).transpose().map_err(|error| other(&error))?;
    Ok(Desks::new(first.map_err(|error| other(&error))?, second))
}

/// When the store's day ends, if no server's clock is set meanwhile.
fn midnight(plan: &Plan) -> Option<Duration> {
    let is_set = plan.steps.iter().any(|step| matches!(step.what, What::ServerClock { .. }));
    (!is_set && plan.before_midnight_ms > 0).then(|| Duration::from_millis(plan.before_midnight_ms))
}

impl World {
    /// Holds the merchant view against the groups.
    async fn copies_agree(&self) -> Vec<Violation> {
        let (Some(view), Some((copy, groups))) =
            (&self.ground.view, self.servers.iter().find_map(Server::sees))
        else {
            return Vec::new();
        };
        let wrong = copies::compare(view, &copy, &groups, &self.ground.groups).await;
        wrong.into_iter().map(|how| Violation { rule: "copies-agree", how }).collect()
    }

    fn make(
        template: &Template,
        plan: &Plan,
        (mutation, eyes): (Option<Mutation>, Eyes),
        keep_story: bool,
    ) -> Result<(Self, UnboundedReceiver<Mail>), TemplateError> {
        let start = Instant::now();
        let story = Story::new(start, keep_story);
        let checker = Checker::new(start);
        let chance = |purpose: &str| Chance::new(plan.seed, purpose);
        let began = match plan.before_midnight_ms {
            0 => BEGAN,
            before => BEGAN.plus(Duration::from_millis(900_000 - before)),
        };
        let clock = || Arc::new(WorldClock::new(start, began));
        let right: Arc<dyn Clock> = clock();
        let database = |name: String, connection, schema: &Schema| {
            let opening = schema.opening.map(|opening| opening.sqlite);
            let chance = chance(&name);
            let is_group = name.starts_with("group");
            let database = SimDatabase::new(name, connection, opening, chance, mutation, story.clone());
            // A server's own limit is what ends the waiting for a group; a mover has none but the engine's.
            Arc::new(database.that_waits_for_ever(is_group && !plan.moves))
        };
        let base = database("the base store".into(), template.base()?, &base_store::SCHEMA);
        let mut groups = Vec::new();
        for (group, connection) in (0_u8..).zip(template.groups()?) {
            let unguarded = [Mutation::ReservesWithoutTheGuard, Mutation::DecidesByAReplica];
            if mutation.is_some_and(|bug| unguarded.contains(&bug)) {
                connection.pragma_update(None, "ignore_check_constraints", "ON")?;
            }
            if mutation == Some(Mutation::JumpsWithPayments) {
                for tag in 0..GROUPS {
                    let known = "INSERT INTO tags (tag, state, epoch) VALUES (?1, 'active', 1) ON CONFLICT DO NOTHING";
                    connection.execute(known, [tag])?;
                }
            }
            let tag = GroupTag::try_from(group).map_err(|error| TemplateError::Other(error.to_string()))?;
            groups.push(database(format!("group {group}"), connection, &StoredGroup::schema(tag)));
        }
        let view = match plan.view {
            true => Some(database("the view".into(), copies::connection(template, eyes)?, &VIEW)),
            false => None,
        };
        if let (Some(Mutation::DecidesByTheView), Some(view)) = (mutation, &view) {
            groups.iter().for_each(|group| group.lend(Arc::clone(view)));
        }
        // With that bug the databases themselves are told that they serve all.
        let moves = plan.moves && mutation != Some(Mutation::JumpsWithPayments);
        checker.watch(Watched {
            groups: groups.clone(),
            base: Arc::clone(&base),
            moves,
            midnight: midnight(plan),
        });
        let desks = desks(template, plan, &right)?;
        let wallet = WalletSide::new(desks, chance("wallet"), Arc::clone(&checker), story.clone());
        let net = Net::new(
            SERVERS,
            chance("network"),
            Arc::clone(&checker),
            Arc::clone(&right),
            mutation,
            story.clone(),
        );
        let ground = Arc::new(Ground {
            seed: plan.seed,
            info: template.info.clone(),
            server_keys: template.server_keys.clone(),
            wechat: template.wechat(),
            alipay: template.alipay(),
            shows: plan.shows,
            base,
            groups,
            view,
            moves,
            two_wallets: plan.two_wallets,
            expected: template.expected.clone(),
            wallet,
            net: Arc::clone(&net),
            mutation,
            story: story.clone(),
        });
        let (mail, letters) = unbounded_channel();
        let floor = Arc::new(Floor {
            seed: plan.seed,
            net,
            checker: Arc::clone(&checker),
            trust: template.trust.clone(),
            mail,
            mutation,
            story,
        });
        let mut tills = Vec::new();
        for index in 0..plan.tills {
            tills.push(Till::new(index, template, clock(), Disk::new()?, Arc::clone(&floor))?);
        }
        let staff = ["manager ann", "manager bob", "ivy of IT"].into_iter().zip(&template.people);
        let staff = staff.map(|(name, person)| Staff {
            name: name.to_owned(),
            token: person.token.clone(),
            floor: Arc::clone(&floor),
        });
        let rogue = template.tills.get(SELLING).cloned();
        let rogue = rogue.and_then(|enrolled| Rogue::new(SELLING, enrolled, Arc::clone(&floor), clock()));
        let servers = (0..SERVERS).map(|index| Server::new(index, clock(), Arc::clone(&ground))).collect();
        let cashiers = (0..plan.tills)
            .map(|till| {
                let wishes = chance(&format!("wishes {till}"));
                Cashier::new(chance(&format!("cashier {till}")), wishes, plan.two_wallets)
            })
            .collect();
        let world = Self {
            plan: Plan { moves, ..plan.clone() },
            start,
            due: BTreeMap::new(),
            scheduled: 0,
            touch_due: vec![false; tills.len()],
            seen_codes: BTreeSet::new(),
            pictures: 0,
            copies: tills.iter().map(|_| None).collect(),
            tills,
            cashiers,
            servers,
            staff: staff.collect(),
            rogue: rogue.map(Arc::new),
            ground,
            floor,
            checker,
            mutation,
            asked: 0,
            told: 0,
            healed: false,
            quiet_since: None,
            over: false,
        };
        Ok((world, letters))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(&mut self, at_ms: u64, event: Event) {
        self.scheduled += 1;
        self.due.insert((at_ms, self.scheduled), event);
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now_ms() + ms, event);
    }

    async fn live(&mut self, mut letters: UnboundedReceiver<Mail>) {
        for server in &mut self.servers {
            server.start();
        }
        for till in 0..self.tills.len() {
            self.tills[till].switch_on();
            let offset = 37 * till as u64;
            self.at(offset, Event::Tick(till));
        }
        for (index, step) in self.plan.steps.clone().iter().enumerate() {
            self.at(step.at_ms, Event::Step(index));
        }
        self.at(LOOK, Event::Look);
        if self.plan.shows || self.plan.two_wallets {
            self.at(TELL, Event::Tell);
        }
        self.at(self.plan.healed_ms(), Event::Heal);
        while !self.over && !self.is_broken() {
            let Some(((at_ms, _), _)) = self.due.first_key_value() else { break };
            let next = self.start + Duration::from_millis(*at_ms);
            tokio::select! {
                biased;
                Some(letter) = letters.recv() => self.deliver(letter),
                () = tokio::time::sleep_until(next) => {
                    if let Some((_, event)) = self.due.pop_first() {
                        self.happens(event);
                    }
                }
            }
        }
        if !self.is_broken() {
            self.checker.at_rest(&self.ground.wallet.desks);
            self.put_back_tills_stand_still();
        }
    }

    /// Its disk was put back to before what the servers have of it, and it does not say so.
    fn must_stop_and_goes_on(&self, till: &Till) -> bool {
        let must_stop = self.checker.model().till(till.terminal()).must_stop;
        must_stop && !till.screen.as_ref().is_some_and(|screen| matches!(screen.page, Page::Fault(_)))
    }

    /// A till whose disk was put back to before what the servers have of it was found out.
    fn put_back_tills_stand_still(&self) {
        for till in &self.tills {
            if self.must_stop_and_goes_on(till) {
                let how = format!("{} was put back to an older state, and goes on", till.terminal());
                self.checker.model().breaks("chain", how);
            }
        }
    }

    fn is_broken(&self) -> bool {
        !self.checker.model().broken.is_empty()
    }

    fn deliver(&mut self, letter: Mail) {
        let Mail { till, start, answer } = letter;
        if self.tills[till].starts() == start {
            self.tills[till].give(Input::Net(answer));
            self.looks_at_screen(till);
        }
    }

    /// The cashier sees the screen, and touches it a moment later.
    fn looks_at_screen(&mut self, till: usize) {
        self.customer_looks(till);
        if !self.touch_due[till] && self.tills[till].is_on() {
            self.touch_due[till] = true;
            let pause = self.cashiers[till].pause();
            self.after(u64::try_from(pause.as_millis()).unwrap_or(1_000), Event::Touch(till));
        }
    }

    /// So does the customer: whoever has seen a code may scan it as long as the wallet lets them.
    fn customer_looks(&mut self, till: usize) {
        let Some(Page::Payment(page)) = self.tills[till].screen.as_ref().map(|screen| &screen.page) else {
            return;
        };
        let PaymentState::ShowingCode { code, .. } = &page.state else { return };
        if !self.seen_codes.insert(code.clone()) {
            return;
        }
        self.floor.story.tell(format!("till {till} shows a code"));
        if let Some((after_ms, behaviour)) = self.cashiers[till].customer_scans() {
            self.pictures += 1;
            let code = code.clone();
            self.after(after_ms, Event::Scans(code, behaviour));
        }
    }

    fn scans(&mut self, code: &str, behaviour: Behaviour) {
        self.pictures -= 1;
        let desks = &self.ground.wallet.desks;
        let came_of_it = desks.scan(code, behaviour).map_or("nothing", |scanned| match scanned {
            Scanned::Paid => "paid",
            Scanned::Waiting => "the phone asks",
            Scanned::NoGood => "the code is not good",
        });
        self.floor.story.tell(format!("a customer scans a shown code, {behaviour:?}: {came_of_it}"));
        self.checker.after_wallet(desks);
    }

    fn touches(&mut self, till: usize) {
        self.touch_due[till] = false;
        let Some(screen) = self.tills[till].screen.clone() else { return };
        match self.cashiers[till].looks_at(&screen, self.start.elapsed()) {
            Doing::Nothing => return,
            Doing::Touch(act) => {
                let twice = self.cashiers[till].presses_twice();
                self.tills[till].give(touch(act.clone()));
                if twice {
                    self.tills[till].give(touch(act));
                }
            }
            Doing::Scan(digits, behaviour) => {
                self.floor.story.tell(format!("a customer shows a code at till {till}: {behaviour:?}"));
                self.checker.customer(&digits, behaviour);
                if self.ground.wallet.desks.show_code(&digits, behaviour).is_ok() {
                    self.tills[till].scan(&digits);
                }
            }
        }
        self.looks_at_screen(till);
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Step(index) => {
                let Some(step) = self.plan.steps.get(index).cloned() else { return };
                self.floor.story.tell(format!("* {:?}", step.what));
                self.step(step.what);
                self.checker.after_step();
            }
            Event::Tick(till) => {
                if self.tills[till].is_on() {
                    self.tills[till].give(Input::Tick);
                    self.looks_at_screen(till);
                }
                if !self.seen_codes.is_empty() {
                    self.checker.codes_are_closed(&self.ground.wallet.desks, &self.seen_codes);
                }
                self.after(TICK, Event::Tick(till));
            }
            Event::Touch(till) => self.touches(till),
            Event::Scans(code, behaviour) => self.scans(&code, behaviour),
            Event::Look => {
                self.checker.after_step();
                self.look_whether_it_is_over();
                if self.mutation == Some(Mutation::DiskLies) && self.now_ms().is_multiple_of(10_000) {
                    // What is really on the disk lags behind.
                    self.copies = self.tills.iter().map(|till| till.disk.image().ok()).collect();
                }
                self.after(LOOK, Event::Look);
            }
            Event::Tell => {
                self.wallets_tell();
                self.after(TELL, Event::Tell);
            }
            Event::Heal => self.heal(),
            _ if self.healed => {}
            Event::EndWeather => self.ground.net.set_weather(Weather::default()),
            Event::EndWalletWeather(wallet) => {
                self.ground.wallet.set_weather(wallet, WalletWeather::default());
            }
            Event::EndCut(till, server) => self.ground.net.cut(&format!("till {till}"), server, false),
            Event::EndApart(server, group) => self.database(group).cut(server, None),
            Event::TillOn(till) => self.tills[till].switch_on(),
            Event::ServerOn(server) => self.start_server(server),
            Event::EndStale(server) => self.servers[server].stale.store(false, Ordering::Relaxed),
            Event::EndView => self.ground.view.iter().for_each(|view| view.become_so(Condition::Up)),
            Event::EndViewDoubt => self.ground.view.iter().for_each(|view| view.set_doubtful(0)),
            Event::EndGroup(group) => self.ground.groups[group].become_so(Condition::Up),
            Event::Fenced(group, server) => self.ground.groups[group].cut(server, None),
            Event::PowerBack => self.power_is_back(),
            Event::EndDoubt(group) => self.ground.groups[group].set_doubtful(0),
            Event::EndBase => self.ground.base.become_so(Condition::Up),
            Event::EndDisk(till) => self.tills[till].disk.set_fault(None),
            Event::Unblock(till) => self.unblock(till),
        }
    }

    fn look_whether_it_is_over(&mut self) {
        let now = self.now_ms();
        if !self.healed || !self.is_quiet() {
            self.quiet_since = None;
        } else if now >= *self.quiet_since.get_or_insert(now) + self.settles_ms() {
            self.over = true;
        }
        if now >= LATEST_MS {
            self.floor.story.tell("it does not come to rest");
            self.over = true;
            if let Some(how) = self.move_under_way() {
                self.checker
                    .model()
                    .breaks("fenced-homes", format!("a move does not come to its end: {how}"));
            }
        }
    }

    fn settles_ms(&self) -> u64 {
        if self.plan.second_facts { FOUND_MS } else { SETTLES_MS }
    }

    fn is_quiet(&self) -> bool {
        let patient = self.now_ms() < self.plan.healed_ms() + REFUNDS_MS;
        let drained = |till: &Till| {
            if self.checker.model().till(till.terminal()).put_back {
                // It has nothing left to send, but it must have heard of it from a server.
                return !self.must_stop_and_goes_on(till);
            }
            till.screen.as_ref().is_some_and(|screen| {
                screen.status.unsent.is_some_and(|unsent| unsent.count == 0 && unsent.entries == 0)
            })
        };
        self.cashiers
            .iter()
            .zip(&self.tills)
            .all(|(cashier, till)| cashier.is_idle() || self.checker.model().till(till.terminal()).put_back)
            && self.tills.iter().all(drained)
            && self.ground.net.is_quiet()
            && self.ground.wallet.is_quiet()
            && self.pictures == 0
            && self.checker.model().part_without_end().is_none()
            && self.checker.nothing_is_open(patient, self.plan.second_facts)
            && (!self.plan.moves || self.move_under_way().is_none())
            && (self.ground.view.is_none() || self.checker.outboxes_are_empty())
    }

    /// How a move stands that is not at its end.
    fn move_under_way(&self) -> Option<String> {
        let open = "SELECT tag || ': ' || phase || coalesce(', ' || problem, '') FROM moves \
             WHERE phase NOT IN ('done', 'aborted') LIMIT 1";
        self.ground.base.look(|base| base.query_row(open, [], |row| row.get(0)).ok())
    }

    fn outcome(&self) -> Outcome {
        let broken = self.checker.model().broken.clone();
        let violations: Vec<Violation> =
            broken.into_iter().map(|(rule, how)| Violation { rule, how }).collect();
        for Violation { rule, how } in &violations {
            self.floor.story.tell(format!("BROKEN {rule}: {how}"));
        }
        Outcome {
            violations,
            simulated: self.start.elapsed(),
            deeds: self.checker.model().deeds(),
            hash: self.floor.story.hash(),
            story: self.floor.story.lines(),
        }
    }
}
