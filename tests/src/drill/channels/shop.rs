//! A shop: its databases, its wallets, its servers, and what befalls them.

use super::Ground;
use super::customer;
use super::way::{Line, SPARE, Way, Which};
use crate::simulator::wallet::{Behaviour, Counter, Scanned, Switches};
use crate::simulator::{alipay, wechat};
use crate::world::Mutation;
use crate::world::chance::{Chance, Seeded};
use crate::world::engine::{Condition, SimDatabase, SimEngine};
use crate::world::life::Life;
use crate::world::mutation::BentChannel;
use crate::world::story::Story;
use crate::world::template::BEGAN;
use crate::world::time::WorldClock;
use evertill_server::base_store::{self, BaseStore};
use evertill_server::channel::Channel;
use evertill_server::channel::alipay::{AlipayChannel, AlipaySettings};
use evertill_server::channel::line::Wire;
use evertill_server::channel::wechat::{WechatChannel, WechatSettings};
use evertill_server::database::Database;
use evertill_server::order_centre::{CentreSettings, OrderCentre, Sweeper};
use evertill_server::order_group::{Expected, GroupSet, Limits, OrderGroup, Policies, StoredGroup};
use evertill_server::reconciling::{Reconciler, ReconcilingSettings};
use evertill_shared::business_day::{BusinessDay, StoreZone, business_day_of};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::wallet::Wallet;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many servers there are, and how many of them may be dead at a time: one.
const SERVERS: usize = 2;
/// How long after the other one customer comes, on average, in milliseconds.
const EVERY_MS: u64 = 100;
/// Nothing that is not settled so long after the last customer came ever will be.
const LATEST: Duration = Duration::from_secs(30 * 60);
/// How often it is looked whether all is settled.
const LOOK: Duration = Duration::from_secs(10);
/// One shop of so many has WeChat Pay's version 3, whose calls are signed by RSA on both sides.
const VERSION_3: u64 = 8;
/// How often wallets look whom to tell of what.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Commits in a thousand that end without an answer.
const DOUBTFUL: u64 = 10;
/// What wallets keep, in ten-thousandths.
const FEE: u32 = 60;

/// One server process.
pub struct Server {
    life: Life,
    pub groups: GroupSet,
    pub centre: OrderCentre,
    _sweeper: Sweeper,
}

/// What compares bills, after the shop is closed, and gives back what only they show.
pub struct Desk {
    pub base: BaseStore,
    pub groups: GroupSet,
    pub centre: OrderCentre,
    pub reconciler: Reconciler,
    _sweeper: Sweeper,
}

/// A shop, as all of its tills and servers share it.
pub struct Shop {
    pub seed: u64,
    pub clock: Arc<dyn Clock>,
    /// The wallets' day on which it opened.
    pub opened_on: BusinessDay,
    base: Arc<SimDatabase>,
    pub info: StoreInfo,
    pub databases: Vec<Arc<SimDatabase>>,
    pub way: Arc<Way>,
    /// Sales of which a till has given the goods away: it was shown that they are paid.
    pub released: Mutex<BTreeSet<u64>>,
    /// Attempts whose customers may pay hours after their end.
    pub hours_late: Mutex<BTreeSet<String>>,
    pub servers_killed: AtomicU64,
    pub served: AtomicU64,
    pub customers: AtomicU64,
    /// Codes that tills have shown.
    pub codes_shown: AtomicU64,
    /// Scans of a shown code that the wallet did not let pay any more.
    pub scanned_in_vain: AtomicU64,
    /// Customers who still hold the picture of a code that a till has shown, and are going to scan it.
    pictures: AtomicU64,
    settings: Settings,
    expected: Vec<Expected>,
    bug: Option<Mutation>,
    servers: Mutex<[Option<Arc<Server>>; SERVERS]>,
    starts: AtomicU64,
    closed: AtomicBool,
}

struct Settings {
    wechat: WechatSettings,
    alipay: AlipaySettings,
}

impl Shop {
    /// A shop that nobody has come to yet. Only within a runtime whose clock is paused.
    pub fn open(ground: &Ground, seed: u64, bug: Option<Mutation>) -> Result<Arc<Self>, String> {
        let start = Instant::now();
        let began = began(seed);
        let clock: Arc<dyn Clock> = Arc::new(WorldClock::new(start, began));
        let chance = |purpose: &str| Chance::new(seed, purpose);
        let connections = ground.template.groups().map_err(|error| error.to_string())?;
        let databases = (0_u8..).zip(connections).map(|(tag, c)| database((tag, bug), c, &chance, start));
        let databases = databases.collect::<Result<Vec<_>, String>>()?;
        let base = base(ground.template.base().map_err(|error| error.to_string())?, &chance, start);
        let way = Arc::new(way(ground, seed, &clock, chance("way"))?);
        let shop = Arc::new(Self {
            seed,
            clock,
            opened_on: business_day_of(began, &StoreZone::china(), 0),
            base,
            info: ground.template.info.clone(),
            databases,
            way,
            released: Mutex::default(),
            hours_late: Mutex::default(),
            servers_killed: AtomicU64::new(0),
            served: AtomicU64::new(0),
            customers: AtomicU64::new(0),
            codes_shown: AtomicU64::new(0),
            scanned_in_vain: AtomicU64::new(0),
            pictures: AtomicU64::new(0),
            settings: settings(ground, seed)?,
            expected: ground.template.expected.clone(),
            bug,
            servers: Mutex::default(),
            starts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        Ok(shop)
    }

    /// Serves so many customers, and waits until all is settled.
    pub async fn serve(self: &Arc<Self>, customers: u64) {
        self.customers.store(customers, Ordering::Relaxed);
        for index in 0..SERVERS {
            self.start_server(index).await;
        }
        let troubles = tokio::spawn(Arc::clone(self).troubles());
        let tellers = tokio::spawn(Arc::clone(self).wallets_tell());
        let mut chance = Chance::new(self.seed, "customers come");
        for nth in 0..customers {
            tokio::time::sleep(Duration::from_millis(chance.between(0, 2 * EVERY_MS))).await;
            tokio::spawn(customer::comes(Arc::clone(self), nth));
        }
        troubles.abort();
        self.heal().await;
        let last = Instant::now();
        while !self.is_settled() && last.elapsed() < LATEST {
            tokio::time::sleep(LOOK).await;
        }
        tellers.abort();
    }

    /// Wallets tell whichever server lives of what was paid by shown codes.
    async fn wallets_tell(self: Arc<Self>) {
        let mut chance = Chance::new(self.seed, "wallets tell");
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            for (wallet, way, (headers, body)) in self.way.told() {
                let (shop, mut chance) = (Arc::clone(&self), Chance::new(chance.next(), "told"));
                tokio::spawn(async move {
                    tokio::time::sleep(way).await;
                    shop.server(&mut chance).await.centre.notified(wallet, &headers, &body).await;
                });
            }
        }
    }

    /// A customer takes a picture of the code that a till shows, and scans it after a while.
    pub fn scans_after(self: &Arc<Self>, after: Duration, (wallet, code): (Wallet, String), does: Behaviour) {
        self.pictures.fetch_add(1, Ordering::Relaxed);
        let shop = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let in_vain = matches!(shop.counter(wallet).scan(&code, does), Ok(Scanned::NoGood));
            shop.scanned_in_vain.fetch_add(u64::from(in_vain), Ordering::Relaxed);
            shop.pictures.fetch_sub(1, Ordering::Relaxed);
        });
    }

    pub fn counter(&self, wallet: Wallet) -> &Counter {
        match wallet {
            Wallet::WeChatPay => &self.way.wechat,
            Wallet::Alipay => &self.way.alipay,
        }
    }

    /// A server that lives, by chance. Whoever asks a closed shop waits for ever: days pass then, and nobody looks any more.
    pub async fn server(&self, chance: &mut Chance) -> Arc<Server> {
        loop {
            if self.closed.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            let first = usize::try_from(chance.below(SERVERS as u64)).unwrap_or(0);
            {
                let servers = self.servers();
                let found = [first, (first + 1) % SERVERS].into_iter().find_map(|at| servers[at].clone());
                if let Some(server) = found {
                    return server;
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn servers(&self) -> MutexGuard<'_, [Option<Arc<Server>>; SERVERS]> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start_server(&self, index: usize) {
        loop {
            let start = self.starts.fetch_add(1, Ordering::Relaxed);
            let assembled = self.assemble(index, start);
            if let Ok(Ok(server)) = tokio::time::timeout(Duration::from_secs(10), assembled).await {
                self.servers()[index] = Some(Arc::new(server));
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn assemble(&self, index: usize, start: u64) -> Result<Server, String> {
        let life = Life::begin();
        let groups = self.groups(&life, &format!("server-{index}"), start).await?;
        let settings = CentreSettings {
            sweep_every: Duration::from_secs(2),
            scan_every: Duration::from_secs(30),
            ..CentreSettings::default()
        };
        let channels = self.channels(start, &life, self.bug)?;
        let centre =
            OrderCentre::new(groups.clone(), channels, policies(), Arc::clone(&self.clock), settings);
        let sweeper = centre.spawn_sweeper();
        Ok(Server { life, groups, centre, _sweeper: sweeper })
    }

    async fn groups(&self, life: &Life, name: &str, start: u64) -> Result<GroupSet, String> {
        let mut groups: Vec<Arc<dyn OrderGroup>> = Vec::new();
        for ((tag, database), expected) in (0_u8..).zip(&self.databases).zip(&self.expected) {
            let tag = GroupTag::try_from(tag).map_err(|error| error.to_string())?;
            let database = Database::on(Arc::new(SimEngine::new(Arc::clone(database), 0, life.clone())));
            let stored = StoredGroup::on(tag, database, expected).await;
            groups.push(Arc::new(stored.map_err(|error| error.to_string())?));
        }
        let random = Arc::new(Seeded::new(self.seed, &format!("{name} start {start}")));
        let limits = Limits::default();
        let clock = Arc::clone(&self.clock);
        let groups = GroupSet::by_chance_of(groups, limits, self.info.clone(), name, clock, random);
        groups.map_err(|error| error.to_string())
    }

    /// Nobody is at work any more: what the servers knew is in the databases.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for server in self.servers().iter_mut().filter_map(Option::take) {
            server.life.end();
        }
    }

    /// The product's own parts that compare bills, without a planted bug, in a process of their own.
    pub async fn desk(&self) -> Result<Desk, String> {
        let (life, start) = (Life::begin(), self.starts.fetch_add(1, Ordering::Relaxed));
        let base = Database::on(Arc::new(SimEngine::new(Arc::clone(&self.base), 0, life.clone())));
        let base = BaseStore::on(base, Path::new("/nowhere"), Arc::clone(&self.clock)).await;
        let base = base.map_err(|error| error.to_string())?;
        let groups = self.groups(&life, "desk", start).await?;
        // Days pass in which next to nothing is to be done.
        let (sweep_every, scan_every) = (Duration::from_secs(1_800), Duration::from_secs(36_000));
        let settings = CentreSettings { sweep_every, scan_every, ..CentreSettings::default() };
        let channels = self.channels(start, &life, None)?;
        let centre =
            OrderCentre::new(groups.clone(), channels, policies(), Arc::clone(&self.clock), settings);
        let sweeper = centre.spawn_sweeper();
        let fees = Wallet::ALL.into_iter().map(|wallet| (wallet, FEE)).collect();
        let settings = ReconcilingSettings { fees, ..ReconcilingSettings::default() };
        let parts = (base.clone(), groups.clone(), centre.clone());
        let reconciler = Reconciler::new(parts, Arc::clone(&self.clock), settings);
        Ok(Desk { base, groups, centre, reconciler, _sweeper: sweeper })
    }

    fn channels(
        &self,
        start: u64,
        life: &Life,
        bug: Option<Mutation>,
    ) -> Result<Vec<Arc<dyn Channel>>, String> {
        let wire = |which: Which| {
            let (way, life) = (Arc::clone(&self.way), life.clone());
            Arc::new(Line { way, life, which }) as Arc<dyn Wire>
        };
        let wires = [wire(Which::Wechat { secure: false }), wire(Which::Wechat { secure: true })];
        let random = Arc::new(Seeded::new(self.seed, &format!("nonces {start}")));
        let clock = || Arc::clone(&self.clock);
        let wechat = WechatChannel::over(wires, &self.settings.wechat, clock(), random);
        let wechat: Arc<dyn Channel> = Arc::new(wechat.map_err(|error| error.to_string())?);
        let alipay = AlipayChannel::over(wire(Which::Alipay), &self.settings.alipay, clock());
        let alipay: Arc<dyn Channel> = Arc::new(alipay.map_err(|error| error.to_string())?);
        let bend = |honest: Arc<dyn Channel>| match bug {
            Some(bug) => {
                let chance = Chance::new(self.seed, &format!("bug {start}"));
                Arc::new(BentChannel::new(bug, honest, chance, None)) as Arc<dyn Channel>
            }
            None => honest,
        };
        Ok(vec![bend(wechat), bend(alipay)])
    }

    /// Servers are killed and started again, databases are slow, dead or silent for a while, one of a wallet's domains is
    /// dead, and wallets refuse to take back.
    async fn troubles(self: Arc<Self>) {
        let mut chance = Chance::new(self.seed, "troubles");
        loop {
            tokio::time::sleep(Duration::from_millis(chance.between(3_000, 9_000))).await;
            match chance.below(5) {
                0 | 1 => self.kill_for_a_while(&mut chance).await,
                2 => self.group_fails_for_a_while(&mut chance).await,
                3 => self.domain_is_dead_for_a_while(&mut chance).await,
                _ => {
                    let refused = chance.once_in(600);
                    let recalls = u32::try_from(chance.below(4)).unwrap_or(0);
                    for counter in [&*self.way.wechat, &*self.way.alipay] {
                        counter.switch(|switches| {
                            switches.reverse_refused_while_paying = refused;
                            switches.recall_next = recalls;
                        });
                    }
                }
            }
        }
    }

    async fn kill_for_a_while(&self, chance: &mut Chance) {
        let index = usize::try_from(chance.below(SERVERS as u64)).unwrap_or(0);
        let killed = self.servers()[index].take();
        if let Some(server) = killed {
            server.life.end();
            self.servers_killed.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(chance.between(200, 4_000))).await;
        self.start_server(index).await;
    }

    async fn group_fails_for_a_while(&self, chance: &mut Chance) {
        let some = [Condition::Dead, Condition::Frozen, Condition::Slow(700), Condition::NoStandbys];
        let condition = chance.pick(&some).copied().unwrap_or(Condition::Dead);
        let place = usize::try_from(chance.below(self.databases.len() as u64)).unwrap_or(0);
        let Some(database) = self.databases.get(place) else { return };
        database.become_so(condition);
        tokio::time::sleep(Duration::from_millis(chance.between(500, 5_000))).await;
        database.become_so(Condition::Up);
    }

    /// The wallet's other domain is as good: sales go on.
    async fn domain_is_dead_for_a_while(&self, chance: &mut Chance) {
        let wallet = chance.pick(&Wallet::ALL).copied().unwrap_or(Wallet::WeChatPay);
        let host = *chance.pick(&hosts(wallet)).unwrap_or(&"wechat");
        self.way.is_dead(Some(host));
        tokio::time::sleep(Duration::from_millis(chance.between(2_000, 10_000))).await;
        self.way.is_dead(None);
    }

    /// No new troubles with servers and databases; the way to the wallets stays as it is.
    async fn heal(&self) {
        for database in &self.databases {
            database.become_so(Condition::Up);
            database.set_doubtful(0);
        }
        for counter in [&*self.way.wechat, &*self.way.alipay] {
            counter.switch(|switches| switches.reverse_refused_while_paying = false);
        }
        self.way.is_dead(None);
        for index in 0..SERVERS {
            let is_there = self.servers()[index].is_some();
            if !is_there {
                self.start_server(index).await;
            }
        }
    }

    /// Whether all customers have left and nothing is under way any more.
    fn is_settled(&self) -> bool {
        const OPEN: &str = "SELECT count(*) FROM (\
             SELECT number FROM payments WHERE state IN ('sent', 'waiting', 'unknown', 'reversing') UNION ALL \
             SELECT number FROM payments WHERE state IN ('declined', 'reversed') AND looked_again = 0 UNION ALL \
             SELECT number FROM refunds WHERE state IN ('reserved', 'sent', 'unknown') UNION ALL \
             SELECT number FROM give_backs WHERE state = 'open')";
        let open = |database: &Arc<SimDatabase>| {
            database.look(|c| c.query_row(OPEN, [], |row| row.get::<_, i64>(0))).unwrap_or(1)
        };
        self.served.load(Ordering::Relaxed) == self.customers.load(Ordering::Relaxed)
            && self.pictures.load(Ordering::Relaxed) == 0
            && self.databases.iter().map(open).sum::<i64>() == 0
    }

    /// Shows a code on a customer's phone.
    pub fn show(&self, wallet: Wallet, digits: &str, behaviour: Behaviour) -> bool {
        self.counter(wallet).show_code(digits, behaviour).is_ok()
    }
}

/// When a shop opens: at noon, or so shortly before midnight that its customers pay on two of the wallets' days.
fn began(seed: u64) -> Timestamp {
    let midnight = BEGAN.plus(Duration::from_secs(15 * 60));
    if seed.is_multiple_of(2) {
        midnight.minus(Duration::from_secs(40))
    } else {
        midnight.plus(Duration::from_secs(12 * 3600))
    }
}

fn policies() -> Policies {
    Policies::default()
}

/// A wallet's domains, the first one first.
fn hosts(wallet: Wallet) -> [&'static str; 2] {
    match wallet {
        Wallet::WeChatPay => ["wechat", SPARE[0]],
        Wallet::Alipay => ["alipay", SPARE[1]],
    }
}

fn database(
    (tag, bug): (u8, Option<Mutation>),
    connection: Connection,
    chance: &impl Fn(&str) -> Chance,
    start: Instant,
) -> Result<Arc<SimDatabase>, String> {
    let schema = StoredGroup::schema(GroupTag::try_from(tag).map_err(|error| error.to_string())?);
    let (name, opening) = (format!("group {tag}"), schema.opening.map(|opening| opening.sqlite));
    let chance = chance(&name);
    let database = SimDatabase::new(name, connection, opening, chance, bug, Story::new(start, false));
    database.set_doubtful(DOUBTFUL);
    Ok(Arc::new(database))
}

/// The base store: nothing goes wrong with it here.
fn base(connection: Connection, chance: &impl Fn(&str) -> Chance, start: Instant) -> Arc<SimDatabase> {
    let opening = base_store::SCHEMA.opening.map(|opening| opening.sqlite);
    let (name, story) = ("the base store".to_owned(), Story::new(start, false));
    let chance = chance(&name);
    Arc::new(SimDatabase::new(name, connection, opening, chance, None, story))
}

fn way(ground: &Ground, seed: u64, clock: &Arc<dyn Clock>, chance: Chance) -> Result<Way, String> {
    let (kit, switches) = (ground.wechat_kit(), Switches::of(Wallet::WeChatPay));
    let wechat = wechat::InProcess::of_kit(kit, switches, seed, Arc::clone(clock));
    let (kit, switches) = (ground.alipay_kit(), Switches::of(Wallet::Alipay));
    let alipay = alipay::InProcess::new(kit, switches, seed, Arc::clone(clock));
    let wechat = wechat.map_err(|error| error.to_string())?;
    Ok(Way::new(wechat, alipay.map_err(|error| error.to_string())?, chance))
}

/// In some shops WeChat Pay's version 3 is set up: their tills show codes of both wallets, and the others' Alipay's.
fn settings(ground: &Ground, seed: u64) -> Result<Settings, String> {
    let (kit, folder) = ground.wechat_kit();
    let mut wechat = serde_json::json!({
        "endpoints": ["http://wechat", "http://wechat-backup"],
        "secure_endpoints": ["https://wechat", "https://wechat-backup"],
        "app_id": kit.app_id,
        "merchant_id": kit.merchant_id,
        "api_key_file": folder.join(&kit.api_key_file),
        "client_certificate": folder.join(&kit.client_certificate),
        "client_key": folder.join(&kit.client_key),
    });
    if seed.is_multiple_of(VERSION_3) {
        wechat["v3"] = serde_json::json!({
            "api_v3_key_file": folder.join(&kit.api_v3_key_file),
            "public_key": folder.join(&kit.public_key),
            "public_key_id": kit.public_key_id,
            "notify_url": "https://shop.example/v1/notifications/wechat_pay",
        });
    }
    let (kit, folder) = ground.alipay_kit();
    let alipay = serde_json::json!({
        "endpoints": ["http://alipay", "http://alipay-backup"],
        "app_id": kit.app_id,
        "app_private_key": folder.join(&kit.app_private_key),
        "alipay_public_key": folder.join(&kit.alipay_public_key),
        "notify_url": "https://shop.example/v1/notifications/alipay",
    });
    Ok(Settings {
        wechat: serde_json::from_value(wechat).map_err(|error| error.to_string())?,
        alipay: serde_json::from_value(alipay).map_err(|error| error.to_string())?,
    })
}
