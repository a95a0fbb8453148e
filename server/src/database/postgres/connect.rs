//! Making a connection: all servers of the group are asked at the same time, and the one that takes writes is
//! used, once it has shown that what it acknowledges is safe.

use super::failure::{self, NO_STANDBYS};
use super::link::{Link, Wire};
use super::settings::{PostgresSettings, address};
use super::tls::Tls;
use crate::database::OpenError;
use evertill_shared::secret::SecretText;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, SimpleQueryMessage, SimpleQueryRow};

/// The oldest PostgreSQL that is used, as the server numbers itself.
const OLDEST: u32 = 130_000;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What is wrong, and what to do.
    pub(super) problem: String,
    /// Whether it may pass by itself.
    pub(super) may_pass: bool,
}

impl Refusal {
    fn passing(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), may_pass: true }
    }

    fn lasting(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), may_pass: false }
    }

    pub(super) fn at(self, settings: &PostgresSettings) -> OpenError {
        OpenError::Server { place: settings.place(), problem: self.problem, may_pass: self.may_pass }
    }
}

/// Connects to the server that takes writes, within `limit`. Each promotion begins a new timeline with a higher
/// number: of two primaries the one of the higher timeline is the primary, and one below `known` is an old one that
/// nobody has stopped. What it acknowledges is nothing (it has lost its standbys), but what it tells is out of date.
pub(super) async fn connect(
    settings: &PostgresSettings,
    tls: &Tls,
    role: Role,
    known: u32,
    limit: Duration,
) -> Result<Link, Refusal> {
    let password = settings.current_password().map_err(Refusal::lasting)?;
    let mut tries = JoinSet::new();
    for host in &settings.hosts {
        let Some((name, port)) = address(host) else { continue };
        let mut config = config(settings, password.as_ref(), tls, name, port);
        config.connect_timeout(limit);
        let (tls, host, settings) = (tls.clone(), host.clone(), settings.clone());
        tries.spawn(async move {
            let tried = tokio::time::timeout(limit, greet(config, tls, &settings, role, known)).await;
            let late = || Refusal::passing(format!("no answer within {} ms", limit.as_millis()));
            tried.unwrap_or_else(|_| Err(late())).map_err(|refusal| (host, refusal))
        });
    }
    let mut refusals = Vec::new();
    let mut best: Option<Greeted> = None;
    loop {
        let next = match &best {
            None => tries.join_next().await,
            // Another primary answers just as quickly.
            Some(_) => tokio::time::timeout(settings.limit() / 10, tries.join_next()).await.unwrap_or(None),
        };
        match next {
            None => break,
            Some(Ok(Ok(other))) if best.as_ref().is_none_or(|best| other.timeline > best.timeline) => {
                best = Some(other);
            }
            Some(Ok(Ok(_))) => {}
            Some(Ok(Err(refusal))) => refusals.push(refusal),
            Some(Err(error)) => refusals.push((String::new(), Refusal::passing(error.to_string()))),
        }
    }
    let best = best.ok_or_else(|| of_all(refusals))?;
    Ok(Link::new(best.client, best.wire, best.timeline))
}

/// What is definite counts; else what each server said.
fn of_all(mut refusals: Vec<(String, Refusal)>) -> Refusal {
    if let Some(lasting) = refusals.iter().find(|(_, refusal)| !refusal.may_pass) {
        return lasting.1.clone();
    }
    refusals.sort_by(|a, b| a.0.cmp(&b.0));
    let each: Vec<String> =
        refusals.into_iter().map(|(host, refusal)| format!("{host}: {}", refusal.problem)).collect();
    Refusal::passing(format!("no server takes us: {}", each.join("; ")))
}

fn config(
    settings: &PostgresSettings,
    password: Option<&SecretText>,
    tls: &Tls,
    host: &str,
    port: u16,
) -> Config {
    let mut config = Config::new();
    config.host(host).port(port).user(&settings.user).dbname(&settings.database);
    config.application_name(settings.application_name());
    config.ssl_mode(if tls.is_on() { SslMode::Require } else { SslMode::Disable });
    config.tcp_user_timeout(settings.limit() * 10).keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
    if let Some(password) = password {
        config.password(password.expose());
    }
    let (patience, limit) = (settings.patience().as_millis(), settings.limit().as_millis());
    config.options(format!(
        "-c lock_timeout={patience} -c statement_timeout=0 -c idle_in_transaction_session_timeout={} \
         -c client_min_messages=warning -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 \
         -c tcp_keepalives_count=3",
        2 * limit
    ));
    config
}

/// A server that may be used.
struct Greeted {
    client: Client,
    wire: Wire,
    timeline: u32,
}

async fn greet(
    config: Config,
    tls: Tls,
    settings: &PostgresSettings,
    role: Role,
    known: u32,
) -> Result<Greeted, Refusal> {
    let (client, connection) = config.connect(tls).await.map_err(|error| not_let_in(&error, settings))?;
    let mut wire = Wire::new(connection);
    let question = question(settings);
    let answer = wire.drive(client.simple_query(&question)).await.map_err(Refusal::passing)?;
    let answer = answer.map_err(|error| Refusal::passing(failure::words(&error)))?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.ok_or_else(|| Refusal::passing("it did not say what it is"))?;
    let level = judge(row, settings, role)?;
    let timeline = timeline(row.get("timeline").unwrap_or_default());
    if timeline < known {
        return Err(Refusal::passing(format!(
            "it is an old primary (its timeline is {timeline}, and {known} has been seen): stop it, and let it come \
             back as a standby"
        )));
    }
    // Said outright, or a later change of the server's default would lower it under our feet.
    let set = format!("SET synchronous_commit = {level}");
    let set = wire.drive(client.batch_execute(&set)).await.map_err(Refusal::passing)?;
    set.map_err(|error| Refusal::passing(failure::words(&error)))?;
    Ok(Greeted { client, wire, timeline })
}

/// The number at the beginning of the name of the file that is written to.
fn timeline(hex: &str) -> u32 {
    u32::from_str_radix(hex, 16).unwrap_or(0)
}

fn question(settings: &PostgresSettings) -> String {
    format!(
        "SELECT pg_is_in_recovery() AS recovery,
                current_setting('transaction_read_only') AS read_only,
                current_setting('server_version_num') AS version,
                current_setting('server_encoding') AS encoding,
                current_setting('fsync') AS fsync,
                current_setting('synchronous_commit') AS level,
                current_setting('synchronous_standby_names') AS standbys,
                CASE WHEN pg_is_in_recovery() THEN ''
                     ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
                count(*) AS ours,
                count(*) FILTER (WHERE wait_event = 'SyncRep'
                    AND state_change < clock_timestamp() - interval '{} milliseconds') AS hung
         FROM pg_stat_activity
         WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()",
        settings.limit().as_millis() / 2
    )
}

/// Whether this server may be used; gives the level of `synchronous_commit` to use, never below `on`.
fn judge(row: &SimpleQueryRow, settings: &PostgresSettings, role: Role) -> Result<&'static str, Refusal> {
    let text = |name: &str| row.get(name).unwrap_or_default();
    let number = |name: &str| text(name).parse::<i64>().unwrap_or(0);
    if text("version").parse().unwrap_or(0) < OLDEST {
        return Err(Refusal::lasting("it is older than PostgreSQL 13: use a newer one"));
    }
    if text("encoding") != "UTF8" {
        let problem = format!("its encoding is {}: make the database with ENCODING 'UTF8'", text("encoding"));
        return Err(Refusal::lasting(problem));
    }
    if text("recovery") != "f" {
        return Err(Refusal::passing(
            "it is a standby; a primary is needed: promote one, or name it in hosts",
        ));
    }
    if role == Role::Reader {
        return Ok("on");
    }
    if text("read_only") != "off" {
        let problem =
            "it is read-only (default_transaction_read_only is on): set it off when it may write again";
        return Err(Refusal::passing(problem));
    }
    enough_standbys(text("standbys"), settings.require_synchronous)?;
    let hung = number("hung");
    if hung > 0 {
        let problem =
            format!("{hung} commits still wait for standbys, which do not answer: bring a standby back");
        return Err(Refusal::passing(problem));
    }
    let (ours, most) = (number("ours"), settings.most_backends());
    if ours > most {
        let problem = format!(
            "{ours} connections named \"{}\" are open already, more than {most}: find out who holds them",
            settings.application_name()
        );
        return Err(Refusal::passing(problem));
    }
    if text("fsync") != "on" {
        tracing::warn!(
            place = settings.place(),
            "fsync is off: what it acknowledges does not survive a power cut"
        );
    }
    Ok(if text("level") == "remote_apply" { "remote_apply" } else { "on" })
}

fn enough_standbys(names: &str, required: Option<u32>) -> Result<(), Refusal> {
    let required = required.unwrap_or(0);
    let asked = asked_standbys(names);
    if asked >= required {
        return Ok(());
    }
    if asked == 0 {
        return Err(Refusal::passing(NO_STANDBYS));
    }
    Err(Refusal::passing(format!(
        "it waits for {asked} standbys and require_synchronous asks for {required}: change one of them"
    )))
}

/// How many standbys a value of `synchronous_standby_names` makes a commit wait for.
fn asked_standbys(names: &str) -> u32 {
    let names = names.trim();
    if names.is_empty() {
        return 0;
    }
    let Some((count, _)) = names.split_once('(') else { return 1 };
    count.split_whitespace().last().and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn not_let_in(error: &tokio_postgres::Error, settings: &PostgresSettings) -> Refusal {
    let said = failure::words(error);
    let (user, database) = (&settings.user, &settings.database);
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => Refusal::lasting(format!(
            "the password for role \"{user}\" is wrong: put the right one into password_file, which is read anew at each try; a server that \
             has ended over it is to be started again"
        )),
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Refusal::lasting(format!(
            "role \"{user}\" may not log in: {said}. Check the role, pg_hba.conf, and whether TLS is needed (tls_root)"
        )),
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Refusal::lasting(format!(
            "there is no such database: make it with `createdb --encoding=UTF8 --owner={user} {database}`"
        )),
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => Refusal::lasting(format!(
            "role \"{user}\" may not connect to it: {said}. Type GRANT CONNECT ON DATABASE {database} TO {user}"
        )),
        Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => Refusal::passing(format!(
            "it has no connection left: {said}. Raise max_connections, or use fewer writers and readers"
        )),
        None if said.contains("password missing") => Refusal::lasting(format!(
            "it asks for a password for role \"{user}\": write one into a file and name it in password_file"
        )),
        None if said.contains("server does not support TLS") => Refusal::lasting(
            "it does not speak TLS: turn ssl on there, or leave tls_root out on a private line",
        ),
        _ => Refusal::passing(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_standbys_is_read_from_every_form_of_the_setting() {
        let forms = [
            ("", 0),
            ("s1", 1),
            ("s1, s2", 1),
            ("*", 1),
            ("ANY 2 (s1, s2)", 2),
            ("any 1(s1,s2)", 1),
            ("FIRST 3 (a, b, c)", 3),
            ("2 (a, b)", 2),
        ];
        for (names, count) in forms {
            assert_eq!(asked_standbys(names), count, "{names}");
        }
        assert!(enough_standbys("", None).is_ok() && enough_standbys("ANY 1 (a, b)", Some(1)).is_ok());
        assert_eq!(enough_standbys("", Some(1)), Err(Refusal::passing(NO_STANDBYS)));
        assert!(enough_standbys("s1", Some(2)).is_err());
    }

    #[test]
    fn the_timeline_is_read_from_the_name_of_a_log_file() {
        assert_eq!((timeline("00000001"), timeline("0000001F"), timeline("")), (1, 31, 0));
    }

    #[test]
    fn a_definite_refusal_of_one_server_is_told_before_the_silence_of_another() {
        let silent = ("a:1".to_owned(), Refusal::passing("no answer"));
        let wrong = ("b:1".to_owned(), Refusal::lasting("the password is wrong"));
        assert_eq!(of_all(vec![silent.clone(), wrong.clone()]), wrong.1);
        let both = of_all(vec![("b:1".into(), Refusal::passing("it is a standby")), silent]);
        assert_eq!(both.problem, "no server takes us: a:1: no answer; b:1: it is a standby");
        assert!(both.may_pass);
    }
}
