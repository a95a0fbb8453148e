//! A server process of the world: the product's own parts on simulated databases and wires.

use super::chance::{Chance, Seeded};
use super::engine::{SimDatabase, SimEngine};
use super::life::Life;
use super::mutation::{BentChannel, Mutation};
use super::network::{Listening, Net};
use super::story::Story;
use super::template;
use super::time::WorldClock;
use super::wallet::{WalletSide, WalletWire};
use evertill_server::app::{App, Parts};
use evertill_server::base_store::BaseStore;
use evertill_server::channel::Channel;
use evertill_server::channel::wechat::{SignType, WechatChannel, WechatSettings};
use evertill_server::database::Database;
use evertill_server::door::Door;
use evertill_server::merchant_view::MerchantView;
use evertill_server::order_centre::{CentreSettings, OrderCentre, Sweeper};
use evertill_server::order_group::{Expected, GroupSet, Limits, OrderGroup, Policies, StoredGroup};
use evertill_server::router::router;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::Policy;
use evertill_shared::protocol::store::StoreInfo;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What all server processes stand on.
pub struct Ground {
    pub seed: u64,
    pub info: StoreInfo,
    pub server_keys: String,
    pub api_key_file: PathBuf,
    pub base: Arc<SimDatabase>,
    pub groups: Vec<Arc<SimDatabase>>,
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
    sweeper: Arc<Mutex<Option<Sweeper>>>,
}

impl Server {
    pub fn new(index: usize, clock: Arc<WorldClock>, ground: Arc<Ground>) -> Self {
        Self { index, clock, ground, life: Life::begin(), starts: 0, sweeper: Arc::default() }
    }

    /// Starts it; it listens as soon as it can.
    pub fn start(&mut self) {
        self.life = Life::begin();
        self.starts += 1;
        self.ground.story.tell(format!("server {} starts", self.index));
        let (index, starts, life) = (self.index, self.starts, self.life.clone());
        let (ground, clock) = (Arc::clone(&self.ground), Arc::clone(&self.clock));
        let sweeper = Arc::clone(&self.sweeper);
        tokio::spawn(async move {
            while life.lives() {
                let begun = assemble(&ground, index, starts, &clock, &life);
                if let Ok(Ok(app)) = tokio::time::timeout(Duration::from_secs(10), begun).await {
                    if !life.lives() {
                        return;
                    }
                    let Ok(key) = template::server_key(index) else { return };
                    *sweeper.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(app.centre.spawn_sweeper());
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
        self.sweeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ground.net.silence(self.index);
    }

    /// Whether it was started and not killed since.
    pub fn runs(&self) -> bool {
        self.starts > 0 && self.life.lives()
    }
}

async fn assemble(
    ground: &Ground,
    index: usize,
    starts: u64,
    clock: &Arc<WorldClock>,
    life: &Life,
) -> Result<App, String> {
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let engine = |of: &Arc<SimDatabase>| SimEngine::new(Arc::clone(of), life.clone());
    let database = |of: &Arc<SimDatabase>| Database::on(Arc::new(engine(of)));
    let nowhere = Path::new("/nowhere");
    let base = BaseStore::on(database(&ground.base), nowhere, Arc::clone(&clock)).await;
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
        ground.info.clone(),
        &format!("server-{index}"),
        Arc::clone(&clock),
        Arc::new(chance("groups")),
    );
    let groups = groups.map_err(|e| wrong(&e))?;
    let channel = channel(ground, index, starts, &clock, life)?;
    let policies = Policies { wechat_pay: Policy::default(), alipay: Policy::default() };
    // The sweeper looks every three seconds here: a run costs less, and finds the same.
    let settings = CentreSettings { sweep_every: Duration::from_secs(3), ..CentreSettings::default() };
    let centre = OrderCentre::new(groups.clone(), vec![channel], policies, Arc::clone(&clock), settings);
    let key = template::server_key(index).map_err(|e| wrong(&e))?;
    let door = Arc::new(Door::new(key, ground.server_keys.clone(), Arc::clone(&clock)));
    // Nothing that happens here reads the view: it is for looking only.
    let view = MerchantView::missing("this world has none", Arc::clone(&clock));
    Ok(App::from(Parts { clock, base, groups, view, centre, door }))
}

fn channel(
    ground: &Ground,
    index: usize,
    starts: u64,
    clock: &Arc<dyn Clock>,
    life: &Life,
) -> Result<Arc<dyn Channel>, String> {
    let none = PathBuf::new;
    let settings = WechatSettings {
        endpoints: vec!["http://wallet".into(), "http://wallet-backup".into()],
        secure_endpoints: vec!["https://wallet".into()],
        app_id: "wx0000000000000001".into(),
        merchant_id: "1900000109".into(),
        api_key_file: ground.api_key_file.clone(),
        client_certificate: none(),
        client_key: none(),
        ca_certificate: None,
        sign_type: SignType::default(),
        client_ip: "127.0.0.1".into(),
        connect_timeout_ms: 3_000,
        pay_timeout_ms: 8_000,
        call_timeout_ms: 8_000,
        policy: Policy::default(),
    };
    let wire = |secure| {
        let (side, life) = (Arc::clone(&ground.wallet), life.clone());
        Arc::new(WalletWire { side, life, secure }) as Arc<dyn evertill_server::channel::line::Wire>
    };
    let purpose = format!("server {index} start {starts} wallet");
    let chance = Arc::new(Seeded::new(ground.seed, &purpose));
    let honest = WechatChannel::over([wire(false), wire(true)], &settings, Arc::clone(clock), chance)
        .map_err(|error| error.to_string())?;
    let honest: Arc<dyn Channel> = Arc::new(honest);
    Ok(match ground.mutation {
        Some(mutation) => Arc::new(BentChannel::new(mutation, honest, Chance::new(ground.seed, &purpose))),
        None => honest,
    })
}
