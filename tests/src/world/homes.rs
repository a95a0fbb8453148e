//! Which database speaks for the orders of a tag. Their tables are read past every fault; what a server believes does
//! not count. At no instant do two of them take writes for one tag, and once orders have left a database nothing of
//! them changes there any more (rule *fenced-homes*).

use super::engine::SimDatabase;
use super::template::GROUPS;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// For each tag the place of its database in the list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Homes(BTreeMap<u8, usize>);

/// How a tag stands in a database.
struct Standing {
    tag: u8,
    state: String,
    epoch: i64,
}

/// What orders of a tag came to in the database that they have left: database, tag and epoch, then how many there are
/// and the sum of their versions.
pub type Left = BTreeMap<(usize, u8, i64), (i64, i64)>;

impl Homes {
    /// Each database speaks for its own tag.
    pub fn own() -> Self {
        Self((0..GROUPS).map(|tag| (tag, usize::from(tag))).collect())
    }

    /// As the databases say; and what is wrong with that.
    pub fn read(groups: &[Arc<SimDatabase>], left: &mut Left) -> (Self, Vec<String>) {
        let (mut homes, mut wrong) = (BTreeMap::new(), Vec::new());
        let mut serving: BTreeMap<u8, usize> = BTreeMap::new();
        for (place, group) in groups.iter().enumerate() {
            for Standing { tag, state, epoch } in group.look(standings) {
                match state.as_str() {
                    "active" | "draining" | "serving" => {
                        if let Some(other) = serving.insert(tag, place) {
                            wrong.push(format!("tag {tag:02} is served by databases {other} and {place}"));
                        }
                    }
                    "frozen" => {
                        homes.insert(tag, place);
                    }
                    "moved" => {
                        let now = group.look(|connection| sum_of(connection, tag));
                        let before = *left.entry((place, tag, epoch)).or_insert(now);
                        if before != now {
                            wrong.push(format!(
                                "orders of tag {tag:02} have left database {place}, and change there: {before:?} to {now:?}"
                            ));
                        }
                    }
                    _ => {}
                }
            }
        }
        homes.extend(serving);
        (Self(homes), wrong)
    }

    /// The database that speaks for the order of that number.
    pub fn of(&self, number: &str) -> Option<usize> {
        let tag = number.get(number.len().checked_sub(2)?..)?;
        self.0.get(&tag.parse().ok()?).copied()
    }
}

fn standings(connection: &Connection) -> Vec<Standing> {
    let read = || -> rusqlite::Result<Vec<Standing>> {
        let mut statement = connection.prepare_cached("SELECT tag, state, epoch FROM tags")?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok(Standing { tag: row.get(0)?, state: row.get(1)?, epoch: row.get(2)? })
        };
        statement.query_map([], row)?.collect()
    };
    read().unwrap_or_default()
}

fn sum_of(connection: &Connection, tag: u8) -> (i64, i64) {
    let statement = "SELECT count(*), coalesce(sum(version), 0) FROM orders WHERE substr(number, -2) = ?1";
    let read = connection.prepare_cached(statement).and_then(|mut statement| {
        statement.query_row([format!("{tag:02}")], |row| Ok((row.get(0)?, row.get(1)?)))
    });
    read.unwrap_or_default()
}
