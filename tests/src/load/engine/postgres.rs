//! One PostgreSQL server without standbys, with a database for each group.

use super::{BATCH, COMMITS, RowCost};
use crate::load::usage::{cpu_of_all, cpu_of_this_thread};
use crate::load::wrong;
use crate::rig::postgres::{Conninfo, PostgresNode, PostgresOptions};
use crate::store_rig::{InPostgres, RigError, StoreRig};
use evertill_shared::clock::{Clock, SystemClock};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, Statement};

/// How many times as many commits as with files are measured: PostgreSQL's processor time is counted in hundredths of a
/// second.
const LONGER: u32 = 4;

/// Starts it on the core that this thread is on, where its processes stay.
pub(super) fn start() -> Result<PostgresNode, RigError> {
    let settings = [("shared_buffers".to_owned(), "256MB".to_owned())].into();
    PostgresNode::start_alone("load", PostgresOptions { settings, ..PostgresOptions::default() })
        .map_err(wrong)
}

/// The base store and the groups of a shop.
pub(super) fn databases(node: &PostgresNode, groups: u8) -> Result<InPostgres, RigError> {
    InPostgres::all(node, "load", groups).map_err(wrong)
}

pub(super) fn orders_in(rig: &StoreRig, tag: u8) -> Result<usize, RigError> {
    let at = rig.group_database(tag).ok_or_else(|| wrong(format!("group {tag} is not in PostgreSQL")))?;
    let rows = at.login().rows("SELECT count(*) FROM orders").map_err(wrong)?;
    let count = rows.first().and_then(|count| count.parse().ok());
    count.ok_or_else(|| wrong(format!("group {tag} does not say how many orders it holds")))
}

/// As [`super::Databases::row_cost`]: one statement for each batch, over one connection.
pub(super) fn row_cost(node: &PostgresNode, bytes: usize) -> Result<RowCost, RigError> {
    let database = node.create_database("load_rows").map_err(wrong)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrong)?;
    runtime.block_on(async {
        let mut writer = Writer::open(&database, bytes).await?;
        writer.commits(COMMITS / 4).await?;
        let spent = || Ok::<_, RigError>(cpu_of_this_thread()? + cpu_of_all(&node.processes())?);
        let (cpu, wall) = (spent()?, SystemClock.monotonic());
        writer.commits(COMMITS * LONGER).await?;
        let rows = BATCH * COMMITS * LONGER;
        Ok(RowCost {
            cpu: spent()?.saturating_sub(cpu) / rows,
            wall: SystemClock.monotonic().saturating_sub(wall) / rows,
        })
    })
}

struct Writer {
    client: Client,
    insert: Statement,
    text: String,
    next: u64,
}

impl Writer {
    async fn open(database: &Conninfo, bytes: usize) -> Result<Self, RigError> {
        let mut config = Config::new();
        config.user(&database.user).password(database.password.expose()).dbname(&database.database);
        for address in &database.addresses {
            config.host(address.ip().to_string()).port(address.port());
        }
        let (client, connection) = config.connect(NoTls).await.map_err(wrong)?;
        tokio::spawn(connection);
        let table = "CREATE TABLE rows (number TEXT PRIMARY KEY, text TEXT NOT NULL)";
        client.batch_execute(table).await.map_err(wrong)?;
        let insert = "INSERT INTO rows (number, text) SELECT * FROM unnest($1, $2)";
        let types = [Type::TEXT_ARRAY, Type::TEXT_ARRAY];
        let insert = client.prepare_typed(insert, &types).await.map_err(wrong)?;
        Ok(Self { client, insert, text: "x".repeat(bytes.saturating_sub(25)), next: 0 })
    }

    async fn commits(&mut self, count: u32) -> Result<(), RigError> {
        for _ in 0..count {
            let first = self.next;
            self.next += u64::from(BATCH);
            let numbers: Vec<String> = (first..self.next).map(|number| format!("{number:025}")).collect();
            let texts = vec![self.text.as_str(); numbers.len()];
            // A statement by itself is a transaction, durable when it is answered.
            self.client.execute(&self.insert, &[&numbers, &texts]).await.map_err(wrong)?;
        }
        Ok(())
    }
}
