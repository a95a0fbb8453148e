//! The merchant view is a copy: at the end it is what the groups are, and nothing that happens hangs on what it shows
//! (rule *no-guess-from-copies*).

use super::engine::SimDatabase;
use super::run::{Eyes, Outcome};
use super::template::Template;
use evertill_server::merchant_view::MerchantView;
use evertill_server::order_group::GroupSet;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a view that shows nonsense does with each copy that goes in.
const NONSENSE: &str = "CREATE TRIGGER nonsense AFTER INSERT ON sales BEGIN
    UPDATE sales SET paid_minor = 0, held_minor = 0, refunded_minor = 0, total_minor = 1, state = 'void'
    WHERE build = new.build AND number = new.number;
END;";

/// An empty view's database.
pub fn connection(template: &Template, eyes: Eyes) -> rusqlite::Result<Connection> {
    let connection = template.view()?;
    if eyes == Eyes::Blind {
        connection.execute_batch(NONSENSE)?;
    }
    Ok(connection)
}

/// Where the story with a view that shows nonsense is another one.
pub fn differ(open: &Outcome, blind: &Outcome) -> Option<String> {
    if open.hash == blind.hash {
        return None;
    }
    let mut lines = open.story.iter().zip(&blind.story);
    let first = lines.find(|(a, b)| a != b).map(|(a, b)| format!(": {a:?} became {b:?}"));
    let (longer, shorter) = if open.story.len() > blind.story.len() { (open, blind) } else { (blind, open) };
    let more = longer
        .story
        .get(shorter.story.len())
        .map(|line| format!(": one ends where the other goes on, {line:?}"));
    Some(format!(
        "what happens hangs on what the merchant view shows{}",
        first.or(more).unwrap_or_else(|| " (see --seed)".into())
    ))
}

/// One order, as far as people look at it: version, state, paid, held.
type Seen = BTreeMap<String, (i64, String, i64, i64)>;

fn seen(connection: &Connection, statement: &str) -> Seen {
    let read = || -> rusqlite::Result<Seen> {
        let mut statement = connection.prepare_cached(statement)?;
        let row =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)));
        statement.query_map([], row)?.collect()
    };
    read().unwrap_or_default()
}

/// Compares the view with the groups: once past all of the product, and once by making it anew beside itself.
pub async fn compare(
    view: &SimDatabase,
    copy: &MerchantView,
    groups: &GroupSet,
    databases: &[Arc<SimDatabase>],
) -> Vec<String> {
    copy.catch_up(Duration::from_secs(5)).await;
    let mut orders = Seen::new();
    for database in databases {
        let sold = "SELECT number, version, state, paid_minor, held_minor FROM orders \
             WHERE state NOT IN ('draft', 'expired')";
        orders.extend(database.look(|connection| seen(connection, sold)));
    }
    let shown = "SELECT number, version, state, paid_minor, held_minor FROM sales \
         WHERE build = (SELECT live FROM builds)";
    let shown = view.look(|connection| seen(connection, shown));
    let mut wrong = Vec::new();
    for number in orders.keys().chain(shown.keys()) {
        if orders.get(number) != shown.get(number) {
            let (is, shows) = (orders.get(number), shown.get(number));
            wrong.push(format!("{number} is {is:?}, and the view shows {shows:?}"));
        }
    }
    match copy.rebuild(groups, |_| {}).await {
        Ok(rebuilt) if rebuilt.differences.is_none() => {}
        Ok(rebuilt) => wrong.push(format!("made anew, the view is another one: {:?}", rebuilt.differences)),
        Err(error) => wrong.push(format!("the view cannot be made anew: {error}")),
    }
    wrong.dedup();
    wrong
}
