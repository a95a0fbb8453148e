//! `group drain`, `group abort` and `group retire`.

use super::connection::Connection;
use super::{Outcome, Report, group_move};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::{GroupChange, MovePhase};

/// Reads a tag as people write it.
pub fn tag(word: &str) -> Result<GroupTag, String> {
    let number: u8 = word.parse().map_err(|_| "write a tag from 0 to 99".to_owned())?;
    GroupTag::try_from(number).map_err(|error| error.to_string())
}

/// Which group gets no new orders any more.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin group drain 0 --reason \"old disk\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo")]
pub struct DrainArgs {
    #[command(flatten)]
    common: Common,
}

/// Which drain or move to take back.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin group abort 0 --reason \"wrong group\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo")]
pub struct AbortArgs {
    #[command(flatten)]
    common: Common,
}

/// Which group's database to take out of use.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin group retire 0 --reason \"old disk\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo")]
pub struct RetireArgs {
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// The group, by the tag at the end of its order numbers.
    #[arg(value_parser = tag)]
    tag: GroupTag,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
}

impl Common {
    async fn change(&self, change: GroupChange, text: String) -> Outcome {
        let row = self.connection.open().await?.change_group(self.tag, &change).await?;
        Ok(Report::good(text, serde_json::json!({ "group": row })))
    }
}

/// Drains.
pub async fn drain(args: &DrainArgs) -> Outcome {
    let common = &args.common;
    let text = format!("Group {} gets no new orders. Its orders go on being paid and refunded.", common.tag);
    common.change(GroupChange::Drain { reason: common.reason.clone() }, text).await
}

/// Takes back.
pub async fn abort(args: &AbortArgs) -> Outcome {
    let common = &args.common;
    let client = common.connection.open().await?;
    let mut row =
        client.change_group(common.tag, &GroupChange::Abort { reason: common.reason.clone() }).await?;
    let mut problem = String::new();
    if row.last_move.as_ref().is_some_and(|last| last.phase == MovePhase::Aborting) {
        let last = group_move::watch(&client, common.tag).await?;
        problem = last.problem.map(|problem| format!(" But {problem}")).unwrap_or_default();
        let groups = client.groups().await?;
        row = groups.into_iter().find(|group| group.tag == common.tag).unwrap_or(row);
    }
    let new_ones = if row.standing == "active" { ", and it gets new ones again" } else { "" };
    let text = format!("The orders of group {} stay where they are{new_ones}.{problem}", common.tag);
    Ok(Report::good(text, serde_json::json!({ "group": row })))
}

/// Retires.
pub async fn retire(args: &RetireArgs) -> Outcome {
    let common = &args.common;
    let text = format!(
        "The database of group {} is out of use; its files stay. Old order numbers go on working, and the tag is never \
         used again.",
        common.tag
    );
    common.change(GroupChange::Retire { reason: common.reason.clone() }, text).await
}
