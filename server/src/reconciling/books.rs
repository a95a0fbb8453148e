//! Our side of a day: read from the order groups themselves, in parts, never from a copy.

use super::{NotDone, Reconciler};
use crate::order_group::GroupError;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::reconciliation::{BookRow, Carried, Either, Movement, Standing};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;

impl Reconciler {
    /// Everything that moved through a channel in that time, by our books; `told` hears how much was read so far.
    pub(super) async fn books(
        &self,
        channel: Wallet,
        span: (Timestamp, Timestamp),
        mut told: impl FnMut(u64),
    ) -> Result<Vec<BookRow>, NotDone> {
        let mut rows = Vec::new();
        for tag in self.groups.tags() {
            let take = |mut row: BookRow| {
                self.settings.add_fee(channel, &mut row);
                rows.push(row);
            };
            self.groups
                .read_day(tag, channel, span, take)
                .await
                .map_err(|error| unread(&tag.to_string(), &error))?;
            told(rows.len() as u64);
        }
        Ok(rows)
    }

    /// Rows of ours that wait for their line may stand otherwise by now: the bill is held against what is true today. One
    /// that did not move after all waits for nothing any more, unless there is a line that says otherwise.
    pub(super) async fn refresh(
        &self,
        channel: Wallet,
        mut carried: Vec<Carried>,
    ) -> Result<Vec<Carried>, NotDone> {
        for one in &mut carried {
            let Either::Book(row) = &mut one.row else { continue };
            let Ok(order) = row.order.parse::<OrderNumber>() else { continue };
            let now = self.groups.movements(order).await;
            let now = now.map_err(|error| unread(&order.tag().to_string(), &error))?;
            let same = |new: &BookRow| (new.movement, &new.number) == (row.movement, &row.number);
            if let Some(mut new) = now.into_iter().find(same) {
                self.settings.add_fee(channel, &mut new);
                *row = new;
            }
        }
        let line = |one: &Carried| match &one.row {
            Either::Bill(row) => Some((row.movement, row.number.clone())),
            Either::Book(_) => None,
        };
        let lines: BTreeSet<(Movement, String)> = carried.iter().filter_map(line).collect();
        carried.retain(|one| match &one.row {
            Either::Book(row) if row.standing == Standing::NotMoved => {
                lines.contains(&(row.movement, row.number.clone()))
            }
            Either::Book(_) | Either::Bill(_) => true,
        });
        Ok(carried)
    }
}

fn unread(tag: &str, error: &GroupError) -> NotDone {
    NotDone::Later(format!("the books of order group {tag} cannot be read: {error}"))
}
