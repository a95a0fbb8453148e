//! Which orders a database serves: read in every transaction, whatever a server believes.

use super::super::GroupError;
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::order_number::GroupTag;

/// How a tag stands in this database; nothing if it was never here.
fn standing(rows: &[Row], tag: GroupTag) -> Option<String> {
    let row = rows.iter().find(|row| row.get::<u8>("tag") == Ok(tag.get()))?;
    row.get("state").ok()
}

/// Whether orders of that tag may be written here.
pub(super) fn served(opening: &[Row], tag: GroupTag) -> Result<(), GroupError> {
    match standing(opening, tag).as_deref() {
        Some("active" | "draining" | "serving") => Ok(()),
        Some("frozen" | "arriving") => Err(GroupError::Moving),
        _ => {
            metrics::counter!("evertill_fenced_total", "group" => tag.to_string()).increment(1);
            Err(GroupError::Elsewhere)
        }
    }
}

/// Whether new orders may get that tag here.
pub(super) fn takes_drafts(opening: &[Row], tag: GroupTag) -> bool {
    standing(opening, tag).as_deref() == Some("active")
}

/// Whether what stands here of that tag's orders is all there is to know. While they leave they can be read.
pub(super) fn readable(sql: &dyn Sql, tag: GroupTag) -> Result<(), GroupError> {
    let state: Option<String> = sql.value("SELECT state FROM tags WHERE tag = ?1", &params![tag.get()])?;
    match state.as_deref() {
        Some("active" | "draining" | "serving" | "frozen") => Ok(()),
        Some("arriving") => Err(GroupError::Moving),
        _ => Err(GroupError::Elsewhere),
    }
}

/// Whether orders of any tag are leaving this database, or about to.
pub(super) fn is_any_leaving(opening: &[Row]) -> bool {
    let leaving = |row: &Row| matches!(row.get::<String>("state").as_deref(), Ok("draining" | "frozen"));
    opening.iter().any(leaving)
}
