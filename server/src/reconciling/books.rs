//! Our side of a day: read from the order groups themselves, in parts, never from a copy.

use super::{NotDone, Reconciler};
use crate::order_group::GroupError;
use crate::order_group::day_books::DayRow;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::reconciliation::{BookRow, Carried, Either, Movement, Standing};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;

/// How our books speak of the accounts at a wallet on a day: what each one's bill must be.
#[derive(Debug, Default)]
pub(super) struct Uses {
    moved: BTreeSet<AccountId>,
    waits: BTreeSet<AccountId>,
}

impl Uses {
    fn saw(&mut self, account: AccountId, standing: Standing) {
        match standing {
            Standing::Moved => drop(self.moved.insert(account)),
            Standing::Unknown => drop(self.waits.insert(account)),
            Standing::NotMoved => {}
        }
    }

    /// Money moved through it: its bill must come, and hold something.
    pub fn moved(&self, account: AccountId) -> bool {
        self.moved.contains(&account)
    }

    /// Something of it waits for a line. What was sent nobody knows where may be anybody's.
    pub fn waits(&self, account: AccountId) -> bool {
        self.waits.contains(&account) || self.waits.contains(&AccountId::NOT_KNOWN)
    }

    /// The accounts whose bills are needed.
    pub fn needed(&self) -> impl Iterator<Item = AccountId> {
        let both = self.moved.union(&self.waits).copied();
        both.filter(|account| *account != AccountId::NOT_KNOWN)
    }
}

impl Reconciler {
    /// Everything that moved through a channel in that time, by our books; `told` hears how much was read so far.
    pub(super) async fn books(
        &self,
        channel: Wallet,
        span: (Timestamp, Timestamp),
        uses: &mut Uses,
        mut told: impl FnMut(u64),
    ) -> Result<Vec<BookRow>, NotDone> {
        let mut rows = Vec::new();
        for tag in self.groups.tags() {
            let take = |DayRow { mut row, account, .. }: DayRow| {
                self.settings.add_fee(channel, &mut row);
                uses.saw(self.centre.stands_for(channel, account), row.standing);
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
        uses: &mut Uses,
    ) -> Result<Vec<Carried>, NotDone> {
        for one in &mut carried {
            let Either::Book(row) = &mut one.row else { continue };
            let Ok(order) = row.order.parse::<OrderNumber>() else { continue };
            let now = self.groups.movements(order).await;
            let now = now.map_err(|error| unread(&order.tag().to_string(), &error))?;
            let same = |new: &DayRow| (new.row.movement, &new.row.number) == (row.movement, &row.number);
            if let Some(DayRow { row: mut new, account, .. }) = now.into_iter().find(same) {
                self.settings.add_fee(channel, &mut new);
                // Whatever it is, its line may stand in a later bill.
                if new.standing != Standing::NotMoved {
                    uses.saw(self.centre.stands_for(channel, account), Standing::Unknown);
                }
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
