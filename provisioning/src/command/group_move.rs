//! `group move`.

use super::connection::Connection;
use super::{Outcome, Report, group_change};
use evertill_provisioning::client::StaffClient;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::{GroupChange, MovePhase, MoveRow};
use std::error::Error;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// So many times in a row it may not be told how the move goes.
const PATIENCE: u32 = 60;

/// Whose orders, and where to.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evertill-admin group move 0 --to 3 --reason \"old disk\" \\\n    \
    --server https://localhost:8443 --trust corner/trust.json --login bo\n\n\
The servers carry it out while orders are sold, paid and refunded; this command only looks on. It may be stopped, and run \
again to look on. If a server dies another goes on. `evertill-admin group abort 0` puts all back as long as it is not done.")]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The group whose orders go, by the tag at the end of their numbers.
    #[arg(value_parser = group_change::tag)]
    tag: GroupTag,
    /// The group whose database gets them.
    #[arg(long, value_parser = group_change::tag)]
    to: GroupTag,
    /// Why; it stands in the audit trail.
    #[arg(long)]
    reason: String,
    /// Begin it and do not wait: the servers go on by themselves.
    #[arg(long)]
    no_wait: bool,
}

/// Moves.
pub async fn run(args: &Args) -> Outcome {
    let client = args.connection.open().await?;
    let change = GroupChange::Move { to: args.to, reason: args.reason.clone() };
    client.change_group(args.tag, &change).await?;
    if args.no_wait {
        let text =
            format!("The orders of group {} are on their way; see `evertill-admin group list`.", args.tag);
        return Ok(Report::good(text, serde_json::json!({ "tag": args.tag })));
    }
    let last = watch(&client, args.tag).await?;
    let data = serde_json::json!({ "tag": args.tag, "move": last });
    match last.phase {
        MovePhase::Done => {
            let text = format!(
                "{} orders of group {} are served by the database of group {}. `evertill-admin group retire {}` takes \
                 the old database out of use, if it serves no others.",
                last.copied, args.tag, last.to, last.from
            );
            Ok(Report::good(text, data))
        }
        MovePhase::Stopped => {
            let problem = last.problem.unwrap_or_default();
            let text = format!(
                "The move was stopped, and its orders stay where they are: {problem}. When that is mended run the same \
                 command again; or put all back: `evertill-admin group abort {}`",
                args.tag
            );
            Ok(Report { text, data, good: false })
        }
        _ => {
            let text = "The move was taken back: the orders stay where they are.".to_owned();
            Ok(Report { text, data, good: false })
        }
    }
}

/// Shows how it goes, until it is over.
pub(super) async fn watch(client: &StaffClient, tag: GroupTag) -> Result<MoveRow, Box<dyn Error>> {
    let clock = SystemClock;
    let began = clock.monotonic();
    let (mut first, mut unanswered) = (None, 0);
    loop {
        let groups = match client.groups().await {
            Ok(groups) => groups,
            // Looking on is the first thing that a busy server refuses; the move goes on.
            Err(error) if unanswered < PATIENCE => {
                unanswered += 1;
                tracing::debug!(%error, "how the move goes is not known at the moment");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => {
                return Err(format!("{error}. The move goes on: see `evertill-admin group list`").into());
            }
        };
        unanswered = 0;
        let last = groups.into_iter().find(|group| group.tag == tag).and_then(|group| group.last_move);
        let last = last.ok_or("the server knows nothing of this move any more")?;
        let start = *first.get_or_insert(last.copied);
        show(&last, last.copied.saturating_sub(start), clock.monotonic().saturating_sub(began));
        if !last.phase.is_under_way() {
            eprintln!();
            return Ok(last);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn show(last: &MoveRow, copied: u64, took: Duration) {
    let rate = u128::from(copied).saturating_mul(1_000) / took.as_millis().max(1);
    let left = u128::from(last.total.saturating_sub(last.copied));
    let time_left = match (last.phase, rate) {
        (MovePhase::Copying, 1..) => format!(", {} s left", left / rate),
        _ => String::new(),
    };
    let problem = last.problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default();
    let line = format!("{}{time_left}{problem}", in_words(last, rate));
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{line}");
        let _ = std::io::stderr().flush();
    } else {
        eprintln!("{line}");
    }
}

fn in_words(last: &MoveRow, rate: u128) -> String {
    let share = last.copied.saturating_mul(100).checked_div(last.total).unwrap_or(0).min(100);
    match last.phase {
        MovePhase::Draining => "counting the orders; new ones go to other groups".into(),
        MovePhase::Copying => {
            format!("copying: {} of {} orders ({share} %), {rate} a second", last.copied, last.total)
        }
        MovePhase::CatchingUp => format!("copying what changed meanwhile; {} orders are there", last.copied),
        MovePhase::Frozen => "copying the last changes: for a moment these orders have to wait".into(),
        MovePhase::Publishing => "telling all servers".into(),
        MovePhase::Done => format!("done: {} orders", last.copied),
        MovePhase::Stopped => "stopped".into(),
        MovePhase::Aborting => "putting all back".into(),
        MovePhase::Aborted => "put back".into(),
    }
}
