//! The databases of the world: each one in memory, behind the product's own [`Engine`], under virtual time. It does
//! whatever a primary with standbys may do to those who use it, and nothing that it promises not to: what was
//! acknowledged stays; what was not, may have happened, may happen yet, or is gone.

use super::chance::Chance;
use super::forgets::Forgets;
use super::life::Life;
use super::mutation::{Late, Mutation, bent};
use super::story::Story;
use evertill_server::database::sqlite::SqliteSession;
use evertill_server::database::{
    DbError, Engine, Inserted, Job, Query, Sql, Waiting, WaitingRow, WriteCounts,
};
use rusqlite::{Connection, TransactionBehavior};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

mod failover;
mod lines;
pub use lines::Cut;
use lines::Lines;

/// How long its engine waits for a commit.
const LIMIT: Duration = Duration::from_secs(2);

/// By so much an intent is late that a bug writes down afterwards.
const LATE: Duration = Duration::from_secs(3);

/// How a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Well.
    Up,
    /// Nobody listens.
    Dead,
    /// Nothing moves, and nobody is told.
    Frozen,
    /// Questions are answered; nothing is written.
    ReadOnly,
    /// The same: its disk is full.
    Full,
    /// Questions are answered; commits wait for standbys that are away.
    NoStandbys,
    /// Everything takes so many milliseconds longer.
    Slow(u64),
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    /// It happened, and the connection broke.
    DoneUnheard,
    /// It did not happen, and the connection broke.
    Lost,
    /// It is not over yet, and nobody hears of it any more.
    Hangs,
}

enum Work {
    Job(Box<dyn Job>),
    Row(WaitingRow),
    Query(Box<dyn Query>),
}

struct Inside {
    connection: Connection,
    /// An older state, for a bug that decides by it.
    replica: Option<Connection>,
    /// What a primary has that nobody follows any more, as long as somebody reaches it.
    old: Option<Connection>,
    /// Commits that hang: they happen, or do not, when the database comes back.
    hanging: Vec<Work>,
    /// Answers that never come.
    unheard: Vec<Work>,
    chance: Chance,
    /// So many commits in a thousand end without an answer.
    doubtful: u64,
    counts: WriteCounts,
    /// Since when all is well with it.
    well_since: Option<Instant>,
    /// The merchant view, for a bug that decides by it.
    view: Option<Arc<SimDatabase>>,
    /// The next money that should go back by itself is not written down.
    forgets: Forgets,
    /// What a bug has acknowledged and not written down yet, and when it is to be.
    late: Vec<(Instant, Late)>,
}

/// One database, as all servers see it.
pub struct SimDatabase {
    /// What it is called in the story.
    pub name: String,
    opening: Option<&'static str>,
    /// Whether whoever waits for a commit that hangs has a limit of his own. Else the engine has one.
    waits_for_ever: bool,
    inside: Mutex<Inside>,
    /// How it is, and how often whoever was connected was cut off.
    condition: Mutex<(Condition, u64)>,
    /// How each server reaches it.
    lines: Lines,
    /// Wakes in the order in which they came: `watch` would draw lots.
    changed: Notify,
    mutation: Option<Mutation>,
    story: Story,
}

impl SimDatabase {
    /// A database that holds this.
    pub fn new(
        name: String,
        connection: Connection,
        opening: Option<&'static str>,
        chance: Chance,
        mutation: Option<Mutation>,
        story: Story,
    ) -> Self {
        let inside = Inside {
            connection,
            replica: None,
            old: None,
            hanging: Vec::new(),
            unheard: Vec::new(),
            chance,
            doubtful: 0,
            counts: WriteCounts::default(),
            well_since: Some(Instant::now()),
            view: None,
            forgets: Forgets::default(),
            late: Vec::new(),
        };
        let (condition, changed) = (Mutex::new((Condition::Up, 0)), Notify::new());
        let (inside, lines) = (Mutex::new(inside), Lines::default());
        Self { name, opening, waits_for_ever: false, inside, condition, lines, changed, mutation, story }
    }

    /// Whether its engine leaves commits that hang alone, until they happen or are lost: then they may happen late.
    pub fn that_waits_for_ever(self, waits_for_ever: bool) -> Self {
        Self { waits_for_ever, ..self }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn condition(&self) -> Condition {
        self.state().0
    }

    fn state(&self) -> (Condition, u64) {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many commits in a thousand end without an answer from here on.
    pub fn set_doubtful(&self, per_mille: u64) {
        self.inside().doubtful = per_mille;
        self.note_whether_well();
    }

    fn note_whether_well(&self) {
        let is_up = self.condition() == Condition::Up && self.lines.are_whole();
        let mut inside = self.inside();
        let well = is_up && inside.doubtful == 0;
        inside.well_since = well.then(|| inside.well_since.unwrap_or_else(Instant::now));
    }

    /// Whether all has been well with it since then.
    pub fn is_well_since(&self, then: Instant) -> bool {
        self.inside().well_since.is_some_and(|since| since <= then)
    }

    /// Forgets the next money that should go back by itself, as if an older server had found it.
    pub fn forget_next(&self) {
        self.inside().forgets.next();
    }

    /// Lets a bug decide by this copy.
    pub fn lend(&self, view: Arc<Self>) {
        self.inside().view = Some(view);
    }

    /// Makes it so. Whoever was connected to one that died is cut off; when one comes back, what hung is decided.
    pub fn become_so(&self, condition: Condition) {
        let (before, generation) = self.state();
        if before == condition {
            return;
        }
        let cut = u64::from(condition == Condition::Dead);
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner) = (condition, generation + cut);
        self.changed.notify_waiters();
        self.note_whether_well();
        if matches!(condition, Condition::Up | Condition::Dead | Condition::Slow(_)) {
            self.decide_hanging();
        }
    }

    /// What hung happens now, or is lost with the primary; nobody who waited hears of it.
    fn decide_hanging(&self) {
        let mut inside = self.inside();
        let hanging = std::mem::take(&mut inside.hanging);
        for mut work in hanging {
            if inside.chance.once_in(500) {
                let done = inside.serve_one(&mut work, self.opening, self.mutation, true);
                self.story.tell(format!("{}: a commit that hung happens ({done})", self.name));
            }
            inside.unheard.push(work);
        }
    }

    /// Looks at what is in it, as the checker does: past every fault.
    pub fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        look(&self.inside().connection)
    }
}

impl Inside {
    /// Runs one write in a transaction of its own; true if it was committed.
    fn serve_one(
        &mut self,
        work: &mut Work,
        opening: Option<&'static str>,
        mutation: Option<Mutation>,
        keep: bool,
    ) -> bool {
        self.serve(std::slice::from_mut(work), opening, mutation, keep)
            .is_ok_and(|results| !results.is_empty())
    }

    fn serve(
        &mut self,
        batch: &mut [Work],
        opening: Option<&'static str>,
        mutation: Option<Mutation>,
        keep: bool,
    ) -> Result<Vec<Option<Result<Inserted, DbError>>>, DbError> {
        let failed = |error: rusqlite::Error| DbError::NotWritten(error.to_string());
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut results = Vec::new();
        {
            let session = SqliteSession::opened(&transaction, opening)?;
            let session = self.forgets.over(&session);
            let view = self.view.as_ref().map(|view| view.inside());
            let copy = view.as_ref().map(|view| &view.connection).or(self.replica.as_ref());
            let copy = copy.map(SqliteSession::new);
            let mut late = Vec::new();
            if keep {
                write_what_is_late(&mut self.late, &session)?;
            }
            for work in batch {
                late.extend(bent(mutation, &session, copy.as_ref(), |sql| {
                    results.push(match work {
                        Work::Job(job) => {
                            job.run(sql);
                            None
                        }
                        Work::Row(row) => Some(insert(row, sql)),
                        Work::Query(_) => None,
                    });
                }));
            }
            for intent in late {
                intent.take_out(&session)?;
                if keep {
                    self.late.push((Instant::now() + LATE, intent));
                }
            }
        }
        if keep {
            transaction.commit().map_err(failed)?;
        } else {
            transaction.rollback().map_err(failed)?;
        }
        Ok(results)
    }
}

/// Writes down what is due of what was acknowledged before.
fn write_what_is_late(late: &mut Vec<(Instant, Late)>, session: &dyn Sql) -> Result<(), DbError> {
    let now = Instant::now();
    for (_, intent) in late.iter().filter(|(due, _)| *due <= now) {
        intent.write(session)?;
    }
    late.retain(|(due, _)| *due > now);
    Ok(())
}

fn insert(row: &WaitingRow, sql: &dyn Sql) -> Result<Inserted, DbError> {
    if !(row.allowed)(sql.opening()) {
        return Ok(Inserted::NotAllowed);
    }
    let new = sql.execute(row.what.statement(), &row.values)?;
    Ok(if new == 1 { Inserted::Yes } else { Inserted::Conflict })
}

/// The connections of one server process to one database.
pub struct SimEngine {
    database: Arc<SimDatabase>,
    /// Which server's they are.
    server: usize,
    /// Where a bug takes what this database does not take.
    instead: Option<Arc<SimDatabase>>,
    life: Life,
    queue: Arc<Mutex<Vec<Work>>>,
    /// With a bug, one for all databases of a process: whoever has it holds up the others.
    lane: Option<Lane>,
}

/// What a bug shares between what should not know of each other.
pub type Lane = Arc<tokio::sync::Mutex<()>>;

impl SimEngine {
    pub fn new(database: Arc<SimDatabase>, server: usize, life: Life) -> Self {
        Self { database, server, instead: None, life, queue: Arc::default(), lane: None }
    }

    /// With one lane for all that have the same one: a planted bug.
    pub fn through(mut self, lane: Option<Lane>) -> Self {
        self.lane = lane;
        self
    }

    /// With another database to go to when this one is dead: a planted bug.
    pub fn or_instead(mut self, instead: Arc<SimDatabase>) -> Self {
        self.instead = Some(instead);
        self
    }

    fn take(&self, work: Work) -> Result<(), DbError> {
        let refused = || DbError::NotWritten("connection refused".into());
        if !self.life.lives() {
            // A dead process hears nothing, not even that.
            self.database.inside().unheard.push(work);
            return Ok(());
        }
        let dead = self.database.seen_by(self.server).0 == Condition::Dead;
        if let (true, Some(instead)) = (dead, &self.instead) {
            Mutation::JumpsWithPayments.fires(0);
            instead.bring(vec![work]);
            return Ok(());
        }
        if dead {
            match work {
                Work::Query(query) => query.fail(refused()),
                Work::Job(_) | Work::Row(_) => return Err(refused()),
            }
            return Ok(());
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(work);
        if queue.len() == 1 {
            let (database, life, queue) =
                (Arc::clone(&self.database), self.life.clone(), Arc::clone(&self.queue));
            let (lane, server) = (self.lane.clone(), self.server);
            tokio::spawn(async move {
                let _turn = match &lane {
                    Some(lane) => {
                        Mutation::SharesALane.fires(0);
                        Some(lane.lock().await)
                    }
                    None => None,
                };
                pump(database, server, life, queue).await;
            });
        }
        Ok(())
    }
}

/// Waits as long as the way to the database takes, then brings all that has come together meanwhile.
async fn pump(database: Arc<SimDatabase>, server: usize, life: Life, queue: Arc<Mutex<Vec<Work>>>) {
    let (_, generation) = database.seen_by(server);
    let was_cut = database.is_cut_from(server).is_some();
    let way = database.inside().chance.between(1, 4);
    tokio::time::sleep(Duration::from_millis(way)).await;
    // What is sent before the process dies arrives all the same.
    let sent_anyway = database.inside().chance.once_in(500);
    let mut batch = std::mem::take(&mut *queue.lock().unwrap_or_else(PoisonError::into_inner));
    if !life.lives() && !sent_anyway {
        database.inside().unheard.extend(batch);
        return;
    }
    if let Condition::Slow(ms) = database.condition() {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let mut on_its_way = !was_cut;
    loop {
        let changed = database.changed.notified();
        let (now, generation_now) = database.seen_by(server);
        let cut = database.is_cut_from(server);
        on_its_way |= cut.is_some() && database.lines.is_first(server);
        if cut.is_some() && on_its_way && generation_now.0 == generation.0 {
            on_its_way = false;
            database.perhaps_arrives(server, &mut batch);
        }
        if generation_now != generation {
            return database.cut_off(batch);
        }
        if now != Condition::Frozen {
            break;
        }
        // Those who have no limit of their own have the engine's.
        let limit = if cut.is_some() && !database.waits_for_ever { LIMIT } else { Duration::MAX };
        if tokio::time::timeout(limit, changed).await.is_err() {
            return database.cut_off(batch);
        }
    }
    match database.is_cut_from(server) {
        Some(Cut::OldPrimary) => database.bring_to_the_old(batch),
        _ => database.bring(batch),
    }
}

impl SimDatabase {
    /// The connection broke before anything was done.
    fn cut_off(&self, batch: Vec<Work>) {
        for work in batch {
            let error = DbError::Unknown("the connection broke".into());
            match work {
                Work::Job(job) => job.answer(Err(&error)),
                Work::Row(row) => row.answer(Err(error)),
                Work::Query(query) => query.fail(DbError::NotWritten("the connection broke".into())),
            }
        }
    }

    fn bring(self: &Arc<Self>, batch: Vec<Work>) {
        let (questions, mut writes): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|work| matches!(work, Work::Query(_)));
        for question in questions {
            if let Work::Query(query) = question {
                self.ask(query);
            }
        }
        writes.retain(|work| match work {
            Work::Job(job) => job.is_wanted(),
            Work::Row(row) => row.is_wanted(),
            Work::Query(_) => false,
        });
        if !writes.is_empty() {
            self.write(writes);
        }
    }

    fn ask(&self, query: Box<dyn Query>) {
        let inside = self.inside();
        let replica = inside.replica.as_ref().map(SqliteSession::new);
        let session = SqliteSession::new(&inside.connection);
        let mut query = Some(query);
        bent(self.mutation, &session, replica.as_ref(), |sql| {
            if let Some(query) = query.take() {
                query.run(sql);
            }
        });
    }

    fn fate(&self, inside: &mut Inside) -> Result<Fate, DbError> {
        match self.condition() {
            Condition::Dead => Err(DbError::NotWritten("connection refused".into())),
            Condition::ReadOnly => Err(DbError::NotWritten("the database is read-only".into())),
            Condition::Full => Err(DbError::NotWritten("the disk is full".into())),
            Condition::NoStandbys => Ok(Fate::Hangs),
            Condition::Up | Condition::Slow(_) | Condition::Frozen => {
                if !inside.chance.once_in(inside.doubtful) {
                    return Ok(Fate::Done);
                }
                Ok(match inside.chance.below(3) {
                    0 => Fate::DoneUnheard,
                    1 => Fate::Lost,
                    _ => Fate::Hangs,
                })
            }
        }
    }

    fn write(self: &Arc<Self>, mut batch: Vec<Work>) {
        let mut inside = self.inside();
        let fate = match self.fate(&mut inside) {
            Ok(fate) => fate,
            Err(error) => return answer(batch, &Err(error)),
        };
        if fate == Fate::Hangs && self.mutation == Some(Mutation::TrustsACommitCutOff) {
            Mutation::TrustsACommitCutOff.fires(0);
            // What PostgreSQL answers when it is told to wait no longer: done, with a warning. It is on no standby.
            let results = inside.serve(&mut batch, self.opening, self.mutation, false);
            drop(inside);
            return answer(batch, &results);
        }
        if fate == Fate::Hangs {
            self.story.tell(format!("{}: a commit hangs", self.name));
            if self.waits_for_ever {
                inside.hanging.extend(batch);
            } else {
                tokio::spawn(Arc::clone(self).gives_up(batch));
            }
            return;
        }
        if self.mutation.is_some_and(Mutation::has_copies_that_lag) && inside.counts.commits.is_multiple_of(8)
        {
            let _ = inside.copy_to_replica();
        }
        let results = inside.serve(&mut batch, self.opening, self.mutation, fate != Fate::Lost);
        inside.counts.commits += 1;
        inside.counts.jobs += batch.len() as u64;
        drop(inside);
        let results = match fate {
            Fate::Done => results,
            _ => {
                self.story.tell(format!("{}: the end of a commit is not heard ({fate:?})", self.name));
                Err(DbError::Unknown("the connection broke during the commit".into()))
            }
        };
        answer(batch, &results);
    }
}

impl SimDatabase {
    /// The engine waits for a commit no longer than its limit. Then it may have happened, or not.
    async fn gives_up(self: Arc<Self>, mut batch: Vec<Work>) {
        tokio::time::sleep(LIMIT).await;
        let mut inside = self.inside();
        if inside.chance.once_in(500) {
            let _ = inside.serve(&mut batch, self.opening, self.mutation, true);
        }
        drop(inside);
        answer(batch, &Err(DbError::Unknown("no answer in time".into())));
    }
}

impl Inside {
    fn copy_to_replica(&mut self) -> rusqlite::Result<()> {
        self.replica = Some(failover::copy_of(&self.connection)?);
        Ok(())
    }
}

type Results = Result<Vec<Option<Result<Inserted, DbError>>>, DbError>;

fn answer(batch: Vec<Work>, results: &Results) {
    for (place, work) in batch.into_iter().enumerate() {
        match (work, results) {
            (Work::Job(job), Ok(_)) => job.answer(Ok(())),
            (Work::Job(job), Err(error)) => job.answer(Err(error)),
            (Work::Row(row), Ok(results)) => {
                let own = results.get(place).cloned().flatten();
                row.answer(own.unwrap_or_else(|| Err(DbError::NotWritten("its turn did not come".into()))));
            }
            (Work::Row(row), Err(error)) => row.answer(Err(error.clone())),
            (Work::Query(_), _) => {}
        }
    }
}

impl Engine for SimEngine {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), DbError> {
        self.take(Work::Job(job))
    }

    fn insert(&self, row: WaitingRow) -> Result<(), DbError> {
        self.take(Work::Row(row))
    }

    fn ask(&self, query: Box<dyn Query>) -> Result<(), DbError> {
        self.take(Work::Query(query))
    }

    fn health(&self) -> Result<(), DbError> {
        match self.database.seen_by(self.server).0 {
            Condition::Dead => Err(DbError::NotWritten("connection refused".into())),
            _ => Ok(()),
        }
    }

    fn counts(&self) -> WriteCounts {
        self.database.inside().counts
    }

    fn close(&self) -> Waiting<'_> {
        Box::pin(std::future::ready(()))
    }
}
