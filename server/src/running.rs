//! Starting a server and stopping it again.

use crate::accounts::{self, Accounts, AccountsError, Keyring, KeyringError};
use crate::agreed_clock::{AgreedClock, Measuring};
use crate::app::{App, Parts};
use crate::base_store::{self, BaseOpenError, BaseStore};
use crate::channel::Channel;
use crate::channel::files::Files;
use crate::config::Config;
use crate::connection::{Gate, TlsError, tls};
use crate::database::postgres::PostgresSettings;
use crate::database::{Database, OpenError};
use crate::door::Door;
use crate::homes::Atlas;
use crate::merchant_view::{Feeders, MerchantView, Progress, RebuildError, Rebuilt, ViewPlace};
use crate::moving::{self, Mover, Moving};
use crate::order_centre::{CentreSettings, OrderCentre, Sweeper, Workers};
use crate::order_group::{GroupSet, GroupSetError, GroupSettings, Limits, Place, Policies};
use crate::reconciling::{Reconciler, Reconciling};
use crate::router::router;
use crate::telemetry::{self, Telemetry};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::store::{ServerKey, ServerKeyStatement};
use evertill_shared::signing::SigningKey;
use evertill_shared::wallet::Wallet;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle as Threads;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

mod books;
mod by_hand;

pub use books::{Audited, BooksError, BooksProgress, RetoldJournal, audit, retell_journal, retell_shifts};
pub use by_hand::{AccountsDesk, ReconcileOrder, ReconcilingDesk, add_person_of_it};

/// Requests at a time on one HTTP/2 connection. A till has one or two; a balancer opens as many connections as it needs.
const STREAMS: u32 = 64;
/// How long requests under way may take to end when the server stops: longer than a till waits for a payment.
const STOP_WAIT: Duration = Duration::from_secs(12);

/// How long money that is under way then may take until it is written down: a call of a wallet, and its answer's way into a
/// group.
const MONEY_WAIT: Duration = Duration::from_secs(20);

/// Why the server does not start. Each says which setting or file is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file that a setting names.
    #[error("`{field}`: {} cannot be used: {problem}", file.display())]
    File {
        /// The setting.
        field: &'static str,
        /// Which file.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The TLS certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The base store.
    #[error(transparent)]
    Base(#[from] BaseOpenError),
    /// The order groups.
    #[error(transparent)]
    Groups(#[from] GroupSetError),
    /// Where the order groups are.
    #[error("the map of the order groups: {0}")]
    Map(String),
    /// An account that the settings file names.
    #[error("{wallet}: {problem}")]
    Account {
        /// At which wallet.
        wallet: Wallet,
        /// Why it cannot be used, in words.
        problem: String,
    },
    /// The keys of the accounts at the wallets.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The accounts at the wallets.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The address is taken, or not this machine's.
    #[error(
        "`listen`: {address} cannot be used: {error}. Stop what uses it, or write another address or port"
    )]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The same, for figures.
    #[error(
        "`metrics_listen`: {address} cannot be used: {error}. Write another address or port, or leave the line out"
    )]
    MetricsListen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
}

/// A server that runs. Dropping it ends it abruptly; [`RunningServer::stop`] lets it finish.
pub struct RunningServer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where its figures can be read, if it shows them.
    pub metrics_addr: Option<SocketAddr>,
    /// Its parts.
    pub app: App,
    drain: Duration,
    telemetry: Option<Telemetry>,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<io::Result<()>>,
    sweeper: Sweeper,
    workers: Workers,
    feeders: Feeders,
    moving: Moving,
    reconciling: Reconciling,
    measuring: Measuring,
    accounts: accounts::Following,
}

/// Starts a server. It answers when this returns.
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<RunningServer, StartError> {
    let tls = tls(&config.tls_certificate, &config.tls_key)?;
    let workers = Workers::start().map_err(|_| StartError::Groups(GroupSetError::System("threads")))?;
    let (app, reconciler, measuring) = assemble(&config, clock, &workers).await?;
    let telemetry = match config.metrics_listen {
        Some(address) => Some(telemetry::serve(app.clone(), address).await?),
        None => None,
    };
    let taken = |error| StartError::Listen { address: config.listen, error };
    let listener = std::net::TcpListener::bind(config.listen).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let addr = listener.local_addr().map_err(taken)?;
    let handle = Handle::new();
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls)));
    let mut server = axum_server::from_tcp(listener).map_err(taken)?.acceptor(Gate::new(acceptor));
    server.http_builder().http2().max_concurrent_streams(STREAMS);
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(server.handle(handle.clone()).serve(service));
    let sweeper = app.centre.spawn_sweeper();
    let feeders = app.view.spawn_feeders(app.groups.clone());
    let mover = Mover::new(app.base.clone(), app.groups.clone(), Arc::clone(&app.clock));
    let moving = moving::spawn(mover);
    let reconciling = reconciler.spawn();
    let accounts = app.accounts.follow();
    let metrics_addr = telemetry.as_ref().map(|telemetry| telemetry.addr);
    let drain = Duration::from_millis(config.drain_ms);
    Ok(RunningServer {
        addr,
        metrics_addr,
        app,
        drain,
        telemetry,
        handle,
        serving,
        sweeper,
        workers,
        feeders,
        moving,
        reconciling,
        measuring,
        accounts,
    })
}

/// Why the merchant view was not made anew.
#[derive(Debug, thiserror::Error)]
pub enum ViewCommandError {
    /// The settings name no view that could be.
    #[error("{NO_VIEW}")]
    NoView,
    /// The store's databases cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The view's own database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It stays as it was.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
}

const NO_VIEW: &str = "servers that share a base store in PostgreSQL share a merchant view there too: add [view] with \
                       its postgres = { … } to server.toml";

/// Makes the merchant view anew from the order groups; servers may run meanwhile.
///
/// # Errors
/// [`ViewCommandError`]: it stays as it was.
pub async fn rebuild_view(
    config: Config,
    clock: Arc<dyn Clock>,
    progress: impl FnMut(Progress),
) -> Result<Rebuilt, ViewCommandError> {
    let place = config.view_place().ok_or(ViewCommandError::NoView)?;
    let base = BaseStore::on(base_database(&config).await?, &config.bootstrap, Arc::clone(&clock))
        .await
        .map_err(StartError::from)?;
    let groups = open_groups(&config, &base, &clock).await?;
    let opened = tokio::task::spawn_blocking(move || ViewPlace::open(&place)).await;
    let opened = opened.map_err(|error| OpenError::Server {
        place: "the merchant view".into(),
        problem: format!("opening it failed in our own code: {error}"),
        may_pass: false,
    });
    let view = MerchantView::on(opened??, clock);
    let rebuilt = view.rebuild(&groups, progress).await;
    view.close().await;
    base.close().await;
    Ok(rebuilt?)
}

async fn assemble(
    config: &Config,
    clock: Arc<dyn Clock>,
    workers: &Workers,
) -> Result<(App, Reconciler, Measuring), StartError> {
    let shared = base_database(config).await?;
    let settings = CentreSettings::default();
    let agreed = AgreedClock::over(clock, &shared, settings.longest_lease()).await;
    let measuring = agreed.spawn(shared.clone());
    let clock: Arc<dyn Clock> = Arc::clone(&agreed) as Arc<dyn Clock>;
    let door = Arc::new(door(config, Arc::clone(&clock))?);
    let base = BaseStore::on(shared, &config.bootstrap, Arc::clone(&clock)).await?;
    let groups = open_groups(config, &base, &clock).await?;
    let view = open_view(config, &clock)?;
    let (channels, policies) = open_channels(config, &clock, workers.handle())?;
    let centre =
        OrderCentre::new(groups.clone(), channels, policies, Arc::clone(&clock), settings).worked_by(workers);
    let centre = centre.timed_by(&agreed);
    let parts = (base.clone(), groups.clone(), centre.clone());
    let accounts = open_accounts(config, parts.clone(), &clock).await?;
    let reconciler = Reconciler::new(parts, Arc::clone(&clock), config.reconciling.clone());
    let app = App::from(Parts { clock, base, accounts, groups, view, centre, door });
    Ok((app, reconciler, measuring))
}

/// The accounts of the base store, beside those of the settings.
async fn open_accounts(
    config: &Config,
    parts: (BaseStore, GroupSet, OrderCentre),
    clock: &Arc<dyn Clock>,
) -> Result<Accounts, StartError> {
    let keys = Keyring::read(&config.account_keys)?;
    let accounts = Accounts::new(parts, keys, accounts::merchants_of(config), Arc::clone(clock));
    accounts.start().await?;
    Ok(accounts)
}

/// The wallets that the store takes, and when each is asked. Whether they answer is looked at on those threads: the
/// connections that are made by it stay there, for the payments.
fn open_channels(
    config: &Config,
    clock: &Arc<dyn Clock>,
    checking: &Threads,
) -> Result<(Vec<Arc<dyn Channel>>, Policies), StartError> {
    let (mut channels, mut policies) = (Vec::new(), Policies::default());
    for own in config.accounts() {
        let wallet = own.wallet();
        let opened = own.open(&Files::OnDisk, clock);
        let (channel, check) = opened.map_err(|problem| StartError::Account { wallet, problem })?;
        policies.set(wallet, own.policy());
        checking.spawn(look_at(wallet, check));
        channels.push(channel);
    }
    Ok((channels, policies))
}

/// The merchant view, opened in the background.
fn open_view(config: &Config, clock: &Arc<dyn Clock>) -> Result<MerchantView, StartError> {
    match config.view_place() {
        Some(place) => MerchantView::start(place, Arc::clone(clock))
            .map_err(|_| StartError::Groups(GroupSetError::System("threads"))),
        None => {
            tracing::error!("the console will show no lists and totals: {NO_VIEW}");
            Ok(MerchantView::missing(NO_VIEW, Arc::clone(clock)))
        }
    }
}

async fn open_groups(
    config: &Config,
    base: &BaseStore,
    clock: &Arc<dyn Clock>,
) -> Result<GroupSet, StartError> {
    for group in &config.groups {
        base.expected_group(group.tag).await.map_err(BaseOpenError::Base)?;
    }
    let atlas = atlas(config, base);
    atlas.introduce().await.map_err(StartError::Map)?;
    let settings = GroupSettings {
        groups: atlas.read().await.map_err(StartError::Map)?.homes,
        limits: Limits {
            call_ms: config.group_limits.call_ms,
            failures_per_period: config.group_limits.failures_per_period,
            period_ms: config.group_limits.period_ms,
            period_jitter_ms: config.group_limits.period_jitter_ms,
        },
        store: base.store().clone(),
        server: config.response_key_id.clone(),
    };
    let groups = GroupSet::open(settings, Arc::clone(clock))?;
    for (tag, id) in groups.identities() {
        base.remember_group(tag, id).await.map_err(BaseOpenError::Base)?;
    }
    groups.follow(Arc::new(atlas)).await.map_err(StartError::Map)?;
    Ok(groups)
}

/// Where the groups are: this server's settings name some; the base store knows those that were added since.
fn atlas(config: &Config, base: &BaseStore) -> Atlas {
    let own = config.groups.iter().map(|group| (group.tag, named(group.place(), config))).collect();
    Atlas::new(base.clone(), own, config.data_dir.clone(), config.response_key_id.clone())
}

/// The base store's database: a file beside the server, or PostgreSQL for servers on several machines.
async fn base_database(config: &Config) -> Result<Database, StartError> {
    let (place, file) = (config.base.as_ref().map(|base| base.postgres.clone()), config.base_file());
    let name = format!("{} base", config.response_key_id);
    let opening = tokio::task::spawn_blocking(move || match place {
        Some(settings) => {
            // All of its write transactions wait for one lock: more lanes would only wait there.
            Database::postgres(PostgresSettings { name, writers: 1, ..settings }, &base_store::SCHEMA)
        }
        None => Database::sqlite(&file, &base_store::SCHEMA),
    });
    let opened = opening.await.map_err(|error| OpenError::Server {
        place: "the base store".into(),
        problem: format!("opening it failed in our own code: {error}"),
        may_pass: false,
    });
    Ok(opened.and_then(|opened| opened).map_err(BaseOpenError::Database)?)
}

/// Connections say whose they are.
fn named(place: Place, config: &Config) -> Place {
    match place {
        Place::Postgres(mut settings) => {
            settings.name.clone_from(&config.response_key_id);
            Place::Postgres(settings)
        }
        file @ Place::Sqlite(_) => file,
    }
}

/// Says once, at the start, whether the wallet answers: a wrong key or address is found before a customer does.
async fn look_at(wallet: Wallet, check: impl Future<Output = Result<(), String>>) {
    match check.await {
        Ok(()) => tracing::info!("{wallet} answers; its addresses, the merchant and the keys fit together"),
        Err(problem) => {
            tracing::error!("payments through {wallet} will fail until this is mended: {problem}")
        }
    }
}

/// The response key, and the root's word that it is genuine: without it no till would believe this server.
fn door(config: &Config, clock: Arc<dyn Clock>) -> Result<Door, StartError> {
    let key = response_key(config)?;
    let file = &config.server_keys;
    let wrong = |problem: String| StartError::File { field: "server_keys", file: file.clone(), problem };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let statements: Vec<ServerKeyStatement> =
        serde_json::from_str(&text).map_err(|error| wrong(format!("not a list of statements: {error}")))?;
    let mut keys = statements.iter().filter_map(|s| serde_json::from_str::<ServerKey>(&s.text).ok());
    if !keys.any(|k| k.key_id == key.key_id() && k.public_key == key.public()) {
        return Err(wrong(format!(
            "it does not vouch for the key in `response_key` under the name {:?}: use the files that were made \
             together, or let `evertill-admin` renew them",
            key.key_id()
        )));
    }
    Ok(Door::new(key, text, clock))
}

fn response_key(config: &Config) -> Result<SigningKey, StartError> {
    let file = &config.response_key;
    let wrong = |problem: String| StartError::File { field: "response_key", file: file.clone(), problem };
    let bytes = Zeroizing::new(std::fs::read(file).map_err(|error| wrong(error.to_string()))?);
    let id = config.response_key_id.clone();
    let key = match PrivatePkcs8KeyDer::from_pem_slice(&bytes) {
        Ok(der) => SigningKey::from_pkcs8(der.secret_pkcs8_der(), id),
        Err(_) => SigningKey::from_pkcs8(&bytes, id),
    };
    key.map_err(|error| wrong(format!("{error}; it must be a PKCS #8 file")))
}

impl RunningServer {
    /// Says at once that it is not ready; serves on for the time that a balancer needs to see that (`drain_ms`);
    /// then takes no new connections, finishes what is under way, and closes all databases: of a SQLite file its log is
    /// brought into the file itself, which then is the whole of it.
    pub async fn stop(self) {
        self.app.door.begin_stop();
        tokio::time::sleep(self.drain).await;
        self.handle.graceful_shutdown(Some(STOP_WAIT));
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "serving ended with an error"),
            Err(error) => tracing::error!(%error, "serving ended abruptly"),
        }
        drop(self.sweeper);
        self.app.centre.finished(MONEY_WAIT).await;
        drop(self.moving);
        drop(self.reconciling);
        drop(self.measuring);
        drop(self.accounts);
        drop(self.telemetry);
        drop(self.feeders);
        self.app.view.close().await;
        self.app.groups.close().await;
        self.app.base.close().await;
        drop(self.workers);
    }

    /// Waits until serving ends by itself, which it does only after an error.
    ///
    /// # Errors
    /// Why it ended.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.serving).await.map_err(io::Error::other)?
    }
}
