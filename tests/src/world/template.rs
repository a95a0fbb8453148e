//! A store as it is when the story begins: made once by the product itself, copied for each run.

use crate::simulator::{alipay, wechat};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evertill_server::base_store::{BaseError, BaseOpenError, BaseStore, LoginCheck};
use evertill_server::homes::Atlas;
use evertill_server::merchant_view::ViewPlace;
use evertill_server::order_group::{
    Expected, GroupPlace, GroupSet, GroupSetError, GroupSettings, Limits, Place,
};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::money::Currency;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::enrol::{Enrol, Enrolled};
use evertill_shared::protocol::staff::{Bootstrap, BootstrapStaff, Role, TerminalChange};
use evertill_shared::protocol::store::{
    SERVER_KEY_DOMAIN, ServerKey, ServerKeyStatement, StoreInfo, TrustBundle,
};
use evertill_shared::secret::SecretText;
use evertill_shared::signing::{KeyError, SigningKey};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The store's number.
pub const STORE: u32 = 1;
/// How many tills it has. The last one is a rogue's: it keeps to no screen.
pub const TILLS: u16 = 4;
/// How many servers.
pub const SERVERS: usize = 2;
/// The folder with the merchant's papers.
const WECHAT: &str = "wechat";
/// The same at the other wallet.
const ALIPAY: &str = "alipay";
/// How many order groups.
pub const GROUPS: u8 = 3;
/// When the story begins: a quarter of an hour before the store's day ends.
pub const BEGAN: Timestamp = Timestamp(1_763_653_500_000);

/// Why a store could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file.
    #[error("the template's files: {0}")]
    Io(#[from] std::io::Error),
    /// A database.
    #[error("the template's databases: {0}")]
    Database(#[from] rusqlite::Error),
    /// The base store.
    #[error("the template's base store: {0}")]
    Open(#[from] BaseOpenError),
    /// The base store.
    #[error("the template's base store: {0}")]
    Base(#[from] BaseError),
    /// The groups.
    #[error("the template's groups: {0}")]
    Groups(#[from] GroupSetError),
    /// A key.
    #[error("the template's keys: {0}")]
    Key(#[from] KeyError),
    /// Anything else.
    #[error("the template: {0}")]
    Other(String),
}

fn other(error: impl std::fmt::Display) -> TemplateError {
    TemplateError::Other(error.to_string())
}

/// A person's open session.
#[derive(Clone, Debug)]
pub struct Person {
    pub token: SecretText,
}

/// The store at the beginning.
pub struct Template {
    folder: TempDir,
    wechat: wechat::Kit,
    alipay: alipay::Kit,
    base: Connection,
    groups: Vec<Connection>,
    view: Connection,
    /// What the groups must say of themselves.
    pub(crate) expected: Vec<Expected>,
    pub(crate) info: StoreInfo,
    pub(super) trust: TrustBundle,
    pub(super) server_keys: String,
    pub(super) tills: Vec<Enrolled>,
    /// Two managers, and one of IT.
    pub(super) people: Vec<Person>,
}

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        BEGAN.minus(Duration::from_secs(60))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(1_000)
    }
}

/// A till's key.
pub fn till_key(till: u16, key_id: String) -> Result<SigningKey, KeyError> {
    let seed = u8::try_from(till).unwrap_or(0).wrapping_add(10);
    SigningKey::from_seed(&[seed; 32], key_id)
}

/// A server's response key.
pub fn server_key(server: usize) -> Result<SigningKey, KeyError> {
    let seed = u8::try_from(server).unwrap_or(0).wrapping_add(100);
    SigningKey::from_seed(&[seed; 32], format!("server-{server}"))
}

impl Template {
    /// Makes the store in files of its own, and reads them into memory.
    /// # Errors
    /// [`TemplateError`].
    pub fn make() -> Result<Self, TemplateError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        let info = StoreInfo {
            id: StoreId::try_from(STORE).map_err(other)?,
            name: "Corner Store".into(),
            address: vec!["1 Long Road".into()],
            currency: Currency::CNY,
            zone: "Asia/Shanghai".parse().map_err(other)?,
            cut_off_minutes: 0,
        };
        let wechat = wechat::Kit::open_or_make(&folder.path().join(WECHAT)).map_err(other)?;
        let alipay = alipay::Kit::open_or_make(&folder.path().join(ALIPAY)).map_err(other)?;
        let made = runtime.block_on(make_store(folder.path(), &info))?;
        let image = |name: String| image_of(&folder.path().join(name));
        let base = image("base.db".into())?;
        let groups = (0..GROUPS).map(|tag| image(format!("{tag}.db"))).collect::<Result<_, _>>()?;
        let view = folder.path().join("view.db");
        runtime.block_on(async {
            ViewPlace::Sqlite(view.clone()).open().map_err(other)?.close().await;
            Ok::<_, TemplateError>(())
        })?;
        let view = image_of(&view)?;
        let (trust, server_keys) = trust(&info)?;
        let Made { tills, people, expected } = made;
        Ok(Self {
            folder,
            wechat,
            alipay,
            base,
            groups,
            view,
            expected,
            info,
            trust,
            server_keys,
            tills,
            people,
        })
    }

    /// The merchant's papers at the wallet, and the folder that they are in.
    pub(super) fn wechat(&self) -> (wechat::Kit, PathBuf) {
        (self.wechat.clone(), self.folder.path().join(WECHAT))
    }

    /// The same at the other wallet.
    pub(super) fn alipay(&self) -> (alipay::Kit, PathBuf) {
        (self.alipay.clone(), self.folder.path().join(ALIPAY))
    }

    /// A copy of the base store.
    pub(crate) fn base(&self) -> rusqlite::Result<Connection> {
        copy(&self.base)
    }

    /// A copy of the empty merchant view.
    pub(super) fn view(&self) -> rusqlite::Result<Connection> {
        copy(&self.view)
    }

    /// A copy of each group.
    pub(crate) fn groups(&self) -> rusqlite::Result<Vec<Connection>> {
        self.groups.iter().map(copy).collect()
    }
}

fn copy(of: &Connection) -> rusqlite::Result<Connection> {
    let mut copy = Connection::open_in_memory()?;
    Backup::new(of, &mut copy)?.run_to_completion(10_000, Duration::ZERO, None)?;
    copy.set_prepared_statement_cache_capacity(256);
    copy.pragma_update(None, "foreign_keys", "ON")?;
    // As the product has it: plans do not hang on the values that are bound.
    copy.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(copy)
}

fn image_of(path: &Path) -> rusqlite::Result<Connection> {
    copy(&Connection::open(path)?)
}

struct Made {
    tills: Vec<Enrolled>,
    people: Vec<Person>,
    expected: Vec<Expected>,
}

async fn make_store(folder: &Path, info: &StoreInfo) -> Result<Made, TemplateError> {
    let clock: Arc<dyn Clock> = Arc::new(StandingClock);
    let bootstrap = folder.join("bootstrap.json");
    std::fs::write(&bootstrap, serde_json::to_vec(&staff(info)?).map_err(other)?)?;
    let base = BaseStore::open(&folder.join("base.db"), &bootstrap, Arc::clone(&clock)).await?;
    let mut tills = Vec::new();
    for till in 0..TILLS {
        tills.push(enrol(&base, till).await?);
    }
    let mut people = Vec::new();
    for login in ["ann", "bob", "ivy"] {
        let LoginCheck::Try(Some(record)) = base.login_check(login).await? else {
            return Err(other("nobody of that name"));
        };
        people.push(Person { token: base.open_session(&record).await?.0 });
    }
    let expected = make_groups(folder, info, &base, clock).await?;
    base.close().await;
    Ok(Made { tills, people, expected })
}

fn staff(info: &StoreInfo) -> Result<Bootstrap, TemplateError> {
    // Nobody logs in: sessions are opened without passwords, which would only take time.
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$0000000000000000000000000000000000000000000";
    let person = |login: &str, role| BootstrapStaff {
        login: login.into(),
        name: login.into(),
        role,
        password_hash: hash.into(),
    };
    let staff = vec![person("ann", Role::Manager), person("bob", Role::Manager), person("ivy", Role::It)];
    Ok(Bootstrap { store: info.clone(), staff })
}

async fn enrol(base: &BaseStore, till: u16) -> Result<Enrolled, TemplateError> {
    let code = base.new_enrolment_code(&format!("Till {}", till + 1), "ivy".into()).await?;
    let key = till_key(till, "enrol".into())?.public();
    let enrol = Enrol { code: code.code, public_key: key };
    let enrolled = base.enrol(enrol, format!("enrol {till}")).await?;
    let terminal: TerminalId = enrolled.terminal;
    let activate = TerminalChange::Activate { fingerprint: key.fingerprint() };
    base.change_terminal(terminal, activate, "ivy".into()).await?;
    Ok(enrolled)
}

async fn make_groups(
    folder: &Path,
    info: &StoreInfo,
    base: &BaseStore,
    clock: Arc<dyn Clock>,
) -> Result<Vec<Expected>, TemplateError> {
    let mut files = Vec::new();
    for tag in 0..GROUPS {
        let file = folder.join(format!("{tag}.db"));
        let tag = GroupTag::try_from(tag).map_err(other)?;
        files.push(GroupPlace { tag, place: Place::Sqlite(file), expected: base.expected_group(tag).await? });
    }
    let settings = GroupSettings {
        groups: files,
        limits: Limits::default(),
        store: info.clone(),
        server: "template".into(),
    };
    let groups = GroupSet::open(settings, clock)?;
    if groups.identities().len() != usize::from(GROUPS) {
        return Err(other("a group could not be opened"));
    }
    introduce(folder, base).await?;
    let mut expected = Vec::new();
    for (tag, id) in groups.identities() {
        base.remember_group(tag, id).await?;
        expected.push(base.expected_group(tag).await?);
    }
    Ok(expected)
}

/// Writes the groups down in the base store, as each server does at its start.
async fn introduce(folder: &Path, base: &BaseStore) -> Result<(), TemplateError> {
    let mut own = BTreeMap::new();
    for tag in 0..GROUPS {
        own.insert(GroupTag::try_from(tag).map_err(other)?, Place::Sqlite(folder.join(format!("{tag}.db"))));
    }
    let atlas = Atlas::new(base.clone(), own, folder.to_owned(), "template".into());
    atlas.introduce().await.map_err(other)
}

/// The root's word about the servers' keys.
fn trust(info: &StoreInfo) -> Result<(TrustBundle, String), TemplateError> {
    let root = SigningKey::from_seed(&[200; 32], "root".into())?;
    let mut statements = Vec::new();
    for server in 0..SERVERS {
        let key = server_key(server)?;
        let statement = ServerKey {
            store: info.id,
            key_id: key.key_id().to_owned(),
            public_key: key.public(),
            not_before: BEGAN.minus(Duration::from_secs(90 * 86_400)),
            not_after: BEGAN.plus(Duration::from_secs(90 * 86_400)),
        };
        let text = serde_json::to_string(&statement).map_err(other)?;
        let signature = STANDARD.encode(root.sign(&[SERVER_KEY_DOMAIN, text.as_bytes()].concat()));
        statements.push(ServerKeyStatement { text, signature });
    }
    let trust = TrustBundle { store: info.id, root_certificates: Vec::new(), root_keys: vec![root.public()] };
    Ok((trust, serde_json::to_string(&statements).map_err(other)?))
}
