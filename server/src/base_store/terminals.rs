//! Terminals as IT sees them: the list, activating, blocking, unblocking, retiring.

use super::audit::{self, AuditKind, NewAudit};
use super::cache::read_record;
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::protocol::staff::{TerminalChange, TerminalRow};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::{TerminalEvent, TerminalState};

const LIST: &str = "SELECT t.id, t.name, t.state, t.registration_code, k.public_key, t.last_seen,
            coalesce(h.sequence, 0) AS sequence
     FROM terminals t
     LEFT JOIN terminal_keys k ON k.terminal = t.id AND k.epoch = t.epoch
     LEFT JOIN journal_heads h ON h.terminal = t.id AND h.epoch = t.epoch";

fn row_of(row: &Row) -> Result<TerminalRow, DbError> {
    let state: Option<String> = row.get("state")?;
    let key: Option<String> = row.get("public_key")?;
    let state = state.map(|s| s.parse::<TerminalState>()).transpose().map_err(DbError::nonsense)?;
    let public_key = key.map(|k| k.parse::<VerifyingKey>()).transpose().map_err(DbError::nonsense)?;
    Ok(TerminalRow {
        terminal: terminal_id(row.get("id")?)?,
        name: row.get("name")?,
        state,
        registration_code: row.get("registration_code")?,
        fingerprint: public_key.map(|key| key.fingerprint()),
        public_key,
        last_seen: row.get::<Option<i64>>("last_seen")?.map(Timestamp),
        journal_sequence: row.get("sequence")?,
    })
}

pub(super) fn terminal_id(number: u16) -> Result<TerminalId, DbError> {
    TerminalId::try_from(number).map_err(DbError::nonsense)
}

pub(super) fn read_row(sql: &dyn Sql, terminal: TerminalId) -> Result<TerminalRow, BaseError> {
    let row = sql.row(&format!("{LIST} WHERE t.id = ?1"), &params![terminal.get()])?;
    row.map_or(Err(BaseError::NotFound("terminal")), |row| Ok(row_of(&row)?))
}

/// As people may type or paste it: case and spaces do not matter, every digit does.
fn same_fingerprint(given: &str, key: &VerifyingKey) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<String>().to_ascii_uppercase();
    plain(given) == plain(&key.fingerprint())
}

fn event_of(change: &TerminalChange) -> (TerminalEvent, AuditKind, &str) {
    match change {
        TerminalChange::Activate { fingerprint } => {
            (TerminalEvent::Activate, AuditKind::TerminalActivated, fingerprint)
        }
        TerminalChange::Block { reason } => (TerminalEvent::Block, AuditKind::TerminalBlocked, reason),
        TerminalChange::Unblock { reason } => (TerminalEvent::Unblock, AuditKind::TerminalUnblocked, reason),
        TerminalChange::Retire { reason } => (TerminalEvent::Retire, AuditKind::TerminalRetired, reason),
    }
}

pub(super) fn set_state(sql: &dyn Sql, terminal: TerminalId, state: TerminalState) -> Result<(), BaseError> {
    let row = params![terminal.get(), state.code()];
    sql.execute("UPDATE terminals SET state = ?2 WHERE id = ?1", &row)?;
    Ok(())
}

fn apply(
    sql: &dyn Sql,
    terminal: TerminalId,
    change: &TerminalChange,
    who: &str,
    now: Timestamp,
) -> Result<TerminalRow, BaseError> {
    let record = read_record(sql, terminal)?.ok_or(BaseError::NotFound("enrolled terminal"))?;
    let (event, kind, why) = event_of(change);
    let next = record.state.apply(event)?;
    match change {
        TerminalChange::Activate { fingerprint } if !same_fingerprint(fingerprint, &record.key) => {
            return Err(BaseError::WrongFingerprint);
        }
        TerminalChange::Block { reason }
        | TerminalChange::Unblock { reason }
        | TerminalChange::Retire { reason }
            if reason.trim().is_empty() =>
        {
            return Err(BaseError::Invalid("say why, in a few words".into()));
        }
        _ => {}
    }
    set_state(sql, terminal, next)?;
    audit::append(sql, &NewAudit::new(who, kind, terminal, why), now)?;
    read_row(sql, terminal)
}

impl BaseStore {
    /// All terminals, enrolled or waiting for their code to be used.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn terminals(&self) -> Result<Vec<TerminalRow>, BaseError> {
        let mut terminals = self
            .database
            .read(|sql| -> Result<Vec<TerminalRow>, BaseError> {
                let rows = sql.rows(&format!("{LIST} ORDER BY t.id"), &[])?;
                Ok(rows.iter().map(row_of).collect::<Result<_, _>>()?)
            })
            .await?;
        for row in &mut terminals {
            row.last_seen = row.last_seen.max(self.terminals.last_seen(row.terminal));
        }
        Ok(terminals)
    }

    /// Activates, blocks, unblocks or retires, and writes down who and why. When this returns, this server goes by
    /// the new state; others do within a second.
    ///
    /// # Errors
    /// [`BaseError::NotFound`], [`BaseError::WrongFingerprint`], [`BaseError::TerminalState`],
    /// [`BaseError::Invalid`] for a missing reason, or the database's.
    pub async fn change_terminal(
        &self,
        terminal: TerminalId,
        change: TerminalChange,
        who: String,
    ) -> Result<TerminalRow, BaseError> {
        let now = self.clock.now();
        let changed = self.database.write(move |sql| apply(sql, terminal, &change, &who, now)).await;
        // Also after a failure: if the commit is in doubt, what was known is too.
        self.terminals.forget(terminal);
        changed
    }
}
