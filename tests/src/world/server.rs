//! A server process of the world: the product's own parts on simulated databases and wires.

use super::atlas::WorldAtlas;
use super::chance::{Chance, Seeded};
use super::engine::{Lane, SimDatabase, SimEngine};
use super::life::Life;
use super::mutation::{BentChannel, Mutation};
use super::network::{Listening, Net};
use super::story::Story;
use super::template;
use super::time::WorldClock;
use super::wallet::{WalletSide, WalletWire};
use crate::simulator::{alipay, wechat};
use evertill_server::accounts::{Accounts, Keyring};
use evertill_server::app::{App, Parts};
use evertill_server::base_store::BaseStore;
use evertill_server::channel::Channel;
use evertill_server::channel::alipay::{AlipayChannel, AlipaySettings, TIMING};
use evertill_server::channel::wechat::v3::WechatV3Settings;
use evertill_server::channel::wechat::{SignType, WechatChannel, WechatSettings};
use evertill_server::database::Database;
use evertill_server::door::Door;
use evertill_server::homes::Atlas;
use evertill_server::merchant_view::{Feeders, MerchantView};
use evertill_server::moving::{self, Mover, Moving};
use evertill_server::order_centre::{CentreSettings, OrderCentre, Sweeper};
use evertill_server::order_group::{Expected, GroupSet, Limits, OrderGroup, Place, Policies, StoredGroup};
use evertill_server::router::router;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::Policy;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What all server processes stand on.
pub struct Ground {
    pub seed: u64,
    pub info: StoreInfo,
    pub server_keys: String,
    pub base: Arc<SimDatabase>,
    pub groups: Vec<Arc<SimDatabase>>,
    /// The merchant view's database, if there is one.
    pub view: Option<Arc<SimDatabase>>,
    /// Whether servers follow the map of the groups and work on moves.
    pub moves: bool,
    /// Whether there is a second wallet.
    pub two_wallets: bool,
    /// Whether tills show codes of the first wallet.
    pub shows: bool,
    /// The merchant's papers at the wallet, and the folder that they are in.
    pub wechat: (wechat::Kit, PathBuf),
    /// The same at the second wallet.
    pub alipay: (alipay::Kit, PathBuf),
    /// What the groups must say of themselves.
    pub expected: Vec<Expected>,
    pub wallet: Arc<WalletSide>,
    pub net: Arc<Net>,
    pub mutation: Option<Mutation>,
    pub story: Story,
}

/// One server, which may run.
pub struct Server {
    pub index: usize,
    pub clock: Arc<WorldClock>,
    ground: Arc<Ground>,
    life: Life,
    starts: u64,
    /// Whether it goes by the map that it has.
    pub stale: Arc<AtomicBool>,
    running: Arc<Mutex<Option<Running>>>,
}

/// What runs in a server process besides its handlers.
struct Running {
    view: MerchantView,
    groups: GroupSet,
    _sweeper: Sweeper,
    _feeders: Option<Feeders>,
    _moving: Option<Moving>,
}

impl Running {
    fn of(app: &App, ground: &Ground) -> Self {
        let mover = || Mover::new(app.base.clone(), app.groups.clone(), Arc::clone(&app.clock));
        Self {
            view: app.view.clone(),
            groups: app.groups.clone(),
            _sweeper: app.centre.spawn_sweeper(),
            _feeders: ground.view.is_some().then(|| app.view.spawn_feeders(app.groups.clone())),
            _moving: ground.moves.then(|| moving::spawn(mover())),
        }
    }
}

impl Server {
    pub fn new(index: usize, clock: Arc<WorldClock>, ground: Arc<Ground>) -> Self {
        let (stale, running) = (Arc::default(), Arc::default());
        Self { index, clock, ground, life: Life::begin(), starts: 0, stale, running }
    }

    /// Starts it; it listens as soon as it can.
    pub fn start(&mut self) {
        self.life = Life::begin();
        self.starts += 1;
        self.ground.story.tell(format!("server {} starts", self.index));
        let (index, starts, life) = (self.index, self.starts, self.life.clone());
        let (ground, clock) = (Arc::clone(&self.ground), Arc::clone(&self.clock));
        let (stale, running) = (Arc::clone(&self.stale), Arc::clone(&self.running));
        tokio::spawn(async move {
            while life.lives() {
                let begun = assemble(&ground, (index, starts), &clock, &life, &stale);
                if let Ok(Ok(app)) = tokio::time::timeout(Duration::from_secs(10), begun).await {
                    if !life.lives() {
                        return;
                    }
                    let Ok(key) = template::server_key(index) else { return };
                    *running.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(Running::of(&app, &ground));
                    ground.net.listen(index, Listening::new(router(app), life, Arc::new(key)));
                    return;
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        });
    }

    /// Kills it, whatever it is about.
    pub fn kill(&mut self) {
        self.ground.story.tell(format!("server {} is killed", self.index));
        self.life.end();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ground.net.silence(self.index);
    }

    /// The view and the groups as it sees them, while it serves.
    pub fn sees(&self) -> Option<(MerchantView, GroupSet)> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(|running| (running.view.clone(), running.groups.clone()))
    }

    /// Whether it was started and not killed since.
    pub fn runs(&self) -> bool {
        self.starts > 0 && self.life.lives()
    }
}

async fn assemble(
    ground: &Ground,
    (index, starts): (usize, u64),
    clock: &Arc<WorldClock>,
    life: &Life,
    stale: &Arc<AtomicBool>,
) -> Result<App, String> {
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let lane = (ground.mutation == Some(Mutation::SharesALane)).then(Lane::default);
    let engine =
        |of: &Arc<SimDatabase>| SimEngine::new(Arc::clone(of), index, life.clone()).through(lane.clone());
    let database = |of: &Arc<SimDatabase>| Database::on(Arc::new(engine(of)));
    let base_engine = SimEngine::new(Arc::clone(&ground.base), index, life.clone());
    let nowhere = Path::new("/nowhere");
    let base = BaseStore::on(Database::on(Arc::new(base_engine)), nowhere, Arc::clone(&clock)).await;
    let base = base.map_err(|e| wrong(&e))?;
    let chance = |what: &str| Seeded::new(ground.seed, &format!("server {index} start {starts} {what}"));
    let mut groups: Vec<Arc<dyn OrderGroup>> = Vec::new();
    for (tag, group) in (0_u8..).zip(&ground.groups) {
        let tag = GroupTag::try_from(tag).map_err(|e| wrong(&e))?;
        let next = &ground.groups[(usize::from(tag.get()) + 1) % ground.groups.len()];
        let database = match ground.mutation {
            Some(Mutation::JumpsWithPayments) => {
                Database::on(Arc::new(engine(group).or_instead(Arc::clone(next))))
            }
            _ => database(group),
        };
        let stored = StoredGroup::on(tag, database, &ground.expected[usize::from(tag.get())]).await;
        groups.push(Arc::new(stored.map_err(|e| wrong(&e))?));
    }
    let groups = GroupSet::by_chance_of(
        groups,
        Limits::default(),
        info(ground),
        &format!("server-{index}"),
        Arc::clone(&clock),
        Arc::new(chance("groups")),
    );
    let groups = groups.map_err(|e| wrong(&e))?;
    if ground.moves {
        let atlas = Atlas::new(base.clone(), places(ground), nowhere.to_owned(), format!("server-{index}"));
        groups.follow(Arc::new(WorldAtlas::new(atlas, Arc::clone(stale)))).await?;
    }
    let channels = channels(ground, (index, starts), &clock, life)?;
    // What is over is looked at again sooner here, and scanned as often; the sweeper looks every four seconds: a run
    // costs less, and finds the same. Servers' clocks differ by half a minute here, and the one that looks again may not
    // be the one that was told of the end.
    let sooner = |policy: Policy| Policy { look_again_after_ms: 45_000, show_for_ms: 40_000, ..policy };
    let policies = Policies::new(|wallet| match wallet {
        Wallet::WeChatPay => sooner(Policy::default()),
        Wallet::Alipay => sooner(TIMING),
    });
    let settings = CentreSettings {
        sweep_every: Duration::from_secs(4),
        scan_every: Duration::from_secs(8),
        ..CentreSettings::default()
    };
    let centre = OrderCentre::new(groups.clone(), channels, policies, Arc::clone(&clock), settings);
    let key = template::server_key(index).map_err(|e| wrong(&e))?;
    let door = Arc::new(Door::new(key, ground.server_keys.clone(), Arc::clone(&clock)));
    let view = match &ground.view {
        Some(view) => MerchantView::on(database(view), Arc::clone(&clock)),
        None => MerchantView::missing("this world has none", Arc::clone(&clock)),
    };
    let parts = (base.clone(), groups.clone(), centre.clone());
    let accounts = Accounts::new(parts, Keyring::default(), BTreeMap::new(), Arc::clone(&clock));
    Ok(App::from(Parts { clock, base, accounts, groups, view, centre, door }))
}

/// The store as servers know it.
fn info(ground: &Ground) -> StoreInfo {
    let mut info = ground.info.clone();
    if ground.mutation == Some(Mutation::ForgetsTheCutOff) {
        Mutation::ForgetsTheCutOff.fires(0);
        info.cut_off_minutes = 12 * 60;
    }
    info
}

/// The databases of the groups are open already: where they are does not matter.
fn places(ground: &Ground) -> BTreeMap<GroupTag, Place> {
    let tags = (0_u8..).zip(&ground.groups).filter_map(|(tag, _)| GroupTag::try_from(tag).ok());
    tags.map(|tag| (tag, Place::Sqlite(format!("/nowhere/{tag}.db").into()))).collect()
}

/// The wallets: one, or two.
fn channels(
    ground: &Ground,
    (index, starts): (usize, u64),
    clock: &Arc<dyn Clock>,
    life: &Life,
) -> Result<Vec<Arc<dyn Channel>>, String> {
    let lane = (ground.mutation == Some(Mutation::SharesAWallet)).then(Lane::default);
    let mut channels = Vec::new();
    for wallet in 0..=usize::from(ground.two_wallets) {
        let purpose = format!("server {index} start {starts} wallet {wallet}");
        let honest = match wallet {
            0 => first(ground, &purpose, clock, life)?,
            _ => second(ground, clock, life)?,
        };
        channels.push(match ground.mutation {
            Some(mutation) => {
                let chance = Chance::new(ground.seed, &purpose);
                let bent = BentChannel::new(mutation, honest, chance, lane.clone());
                Arc::new(bent.with_groups(ground.groups.clone()))
            }
            None => honest,
        });
    }
    Ok(channels)
}

fn first(
    ground: &Ground,
    purpose: &str,
    clock: &Arc<dyn Clock>,
    life: &Life,
) -> Result<Arc<dyn Channel>, String> {
    let (kit, papers) = &ground.wechat;
    let v3 = WechatV3Settings {
        api_v3_key_file: papers.join(&kit.api_v3_key_file),
        notify_url: "https://shop.example/v1/notifications/wechat_pay".into(),
        public_key: Some(papers.join(&kit.public_key)),
        public_key_id: Some(kit.public_key_id.clone()),
        codepay: false,
    };
    let settings = WechatSettings {
        endpoints: vec!["http://wallet".into(), "http://wallet-backup".into()],
        secure_endpoints: vec!["https://wallet".into()],
        app_id: kit.app_id.clone(),
        merchant_id: kit.merchant_id.clone(),
        sub_merchant_id: None,
        sub_app_id: None,
        api_key_file: papers.join(&kit.api_key_file),
        client_certificate: papers.join(&kit.client_certificate),
        client_key: papers.join(&kit.client_key),
        ca_certificate: None,
        sign_type: SignType::default(),
        client_ip: "127.0.0.1".into(),
        connect_timeout_ms: 3_000,
        keep_alive_ms: 4_000,
        pay_timeout_ms: 8_000,
        call_timeout_ms: 8_000,
        policy: Policy::default(),
        v3: ground.shows.then_some(v3),
    };
    let wire = |secure| {
        let (side, life) = (Arc::clone(&ground.wallet), life.clone());
        Arc::new(WalletWire { side, life, wallet: 0, secure })
            as Arc<dyn evertill_server::channel::line::Wire>
    };
    let chance = Arc::new(Seeded::new(ground.seed, purpose));
    let honest = WechatChannel::over([wire(false), wire(true)], &settings, Arc::clone(clock), chance)
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(honest))
}

fn second(ground: &Ground, clock: &Arc<dyn Clock>, life: &Life) -> Result<Arc<dyn Channel>, String> {
    let (kit, papers) = &ground.alipay;
    let settings = serde_json::json!({
        "endpoints": ["http://second", "http://second-backup"],
        "app_id": kit.app_id,
        "app_private_key": papers.join(&kit.app_private_key),
        "alipay_public_key": papers.join(&kit.alipay_public_key),
        "notify_url": "https://shop.example/v1/notifications/alipay",
        "pay_timeout_ms": 8_000,
        "call_timeout_ms": 8_000,
    });
    let settings: AlipaySettings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    let (side, life) = (Arc::clone(&ground.wallet), life.clone());
    let wire = Arc::new(WalletWire { side, life, wallet: 1, secure: false });
    let honest =
        AlipayChannel::over(wire, &settings, Arc::clone(clock)).map_err(|error| error.to_string())?;
    Ok(Arc::new(honest))
}
