//! `group add`.

use super::connection::Connection;
use super::{Outcome, Report, group_change};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::{AddGroup, GroupAddress};

/// Which group, and where its database is.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  evertill-admin group add --tag 3 --file groups/03.db --reason \"second disk\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo\n  \
    evertill-admin group add --tag 4 --postgres db1:5432 --postgres db2:5432 --database evertill --user evertill \\\n    \
    --db-password-file /etc/evertill/pg.password --reason \"growth\" --server https://localhost:8443 --trust corner/trust.json --login bo"
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The tag at the end of its order numbers: 0 to 99, never used before.
    #[arg(long, value_parser = group_change::tag)]
    tag: GroupTag,
    /// Its SQLite file, on a disk that all servers have; relative to their data folder.
    #[arg(long, value_name = "FILE", required_unless_present = "postgres", conflicts_with = "postgres")]
    file: Option<String>,
    /// Or a server of its PostgreSQL database, like db1:5432. Give it once for each.
    #[arg(long, value_name = "HOST:PORT", requires = "database", requires = "user")]
    postgres: Vec<String>,
    /// The PostgreSQL database's name.
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The PostgreSQL role to log in as.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A file on the store's servers that holds the role's password.
    #[arg(long, value_name = "FILE")]
    db_password_file: Option<String>,
    /// A file on the store's servers with the root of the databases' certificates.
    #[arg(long, value_name = "FILE")]
    tls_root: Option<String>,
    /// How many standbys must confirm each commit.
    #[arg(long, value_name = "NUMBER")]
    require_synchronous: Option<u32>,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

/// Adds it.
pub async fn run(args: &Args) -> Outcome {
    let place = match &args.file {
        Some(file) => GroupAddress::File(file.clone()),
        None => GroupAddress::Postgres {
            hosts: args.postgres.clone(),
            database: args.database.clone().unwrap_or_default(),
            user: args.user.clone().unwrap_or_default(),
            password_file: args.db_password_file.clone(),
            tls_root: args.tls_root.clone(),
            require_synchronous: args.require_synchronous,
        },
    };
    let new = AddGroup { tag: args.tag, place, reason: args.reason.clone() };
    let row = args.connection.open().await?.add_group(&new).await?;
    let text = format!("Group {} is in use, in {}: all servers know it within seconds.", row.tag, row.place);
    Ok(Report::good(text, serde_json::json!({ "group": row })))
}
