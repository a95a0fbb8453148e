//! A standby takes over from a primary that died, and a machine loses power with all that is on it.
//!
//! Set up as it should be, each commit that was acknowledged is on the standby that takes over, and each that power was cut
//! after is on the disk; of one that was not, nobody knows (`Condition::Dead` decides what hung). What is new is the old
//! primary: a server that still reaches it is told what was true once, and none of its commits ever ends.

use super::{Condition, Cut, LIMIT, SimDatabase, Work, answer};
use crate::world::mutation::Mutation;
use evertill_server::database::DbError;
use evertill_server::database::sqlite::SqliteSession;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use std::time::Duration;

/// The same in memory of its own.
pub(super) fn copy_of(connection: &Connection) -> rusqlite::Result<Connection> {
    let mut copy = Connection::open_in_memory()?;
    Backup::new(connection, &mut copy)?.run_to_completion(10_000, Duration::ZERO, None)?;
    Ok(copy)
}

impl SimDatabase {
    /// The primary dies, for all but perhaps one server, which still reaches it. Another one is primary as soon as the
    /// database is up again.
    pub fn fail_over(&self, still_reached_by: Option<usize>) {
        let old = copy_of(&self.inside().connection).ok();
        self.inside().old = old.filter(|_| still_reached_by.is_some());
        self.story.tell(format!("{}: its primary dies; {still_reached_by:?} still reaches it", self.name));
        self.become_so(Condition::Dead);
        if let Some(server) = still_reached_by {
            self.cut(server, Some(Cut::OldPrimary));
        }
        self.goes_back(Mutation::PromotesAStandbyThatLags);
    }

    /// Power is cut.
    pub fn lose_power(&self) {
        self.become_so(Condition::Dead);
        self.goes_back(Mutation::ServersDiskLies);
    }

    /// With that bug what was acknowledged last is gone.
    fn goes_back(&self, mutation: Mutation) {
        let mut inside = self.inside();
        if self.mutation == Some(mutation)
            && let Some(lags) = inside.replica.take()
        {
            mutation.fires(0);
            let whole = Backup::new(&lags, &mut inside.connection);
            let _ = whole.and_then(|backup| backup.run_to_completion(10_000, Duration::ZERO, None));
        }
    }

    /// The old primary answers questions, and waits for ever for standbys that follow another.
    pub(super) fn bring_to_the_old(&self, batch: Vec<Work>) {
        let (questions, mut writes): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|work| matches!(work, Work::Query(_)));
        let mut inside = self.inside();
        for question in questions {
            match (question, &inside.old) {
                (Work::Query(query), Some(old)) => query.run(&SqliteSession::new(old)),
                (Work::Query(query), None) => query.fail(DbError::NotWritten("nobody is there".into())),
                (Work::Job(_) | Work::Row(_), _) => {}
            }
        }
        if writes.is_empty() {
            return;
        }
        if self.mutation == Some(Mutation::WritesToAnOldPrimary)
            && let Some(old) = inside.old.take()
        {
            Mutation::WritesToAnOldPrimary.fires(0);
            let new = std::mem::replace(&mut inside.connection, old);
            let results = inside.serve(&mut writes, self.opening, self.mutation, true);
            inside.old = Some(std::mem::replace(&mut inside.connection, new));
            drop(inside);
            return answer(writes, &results);
        }
        self.story.tell(format!("{}: a commit at the old primary hangs", self.name));
        if self.waits_for_ever {
            inside.unheard.extend(writes);
            return;
        }
        tokio::spawn(async move {
            tokio::time::sleep(LIMIT).await;
            answer(writes, &Err(DbError::Unknown("no answer in time".into())));
        });
    }
}
