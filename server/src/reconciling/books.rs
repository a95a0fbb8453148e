//! Our side of an account's day: read from the order groups themselves, in parts, never from a copy.

use super::{NotDone, Reconciler};
use crate::base_store::BillsOf;
use crate::order_group::GroupError;
use crate::order_group::day_books::DayRow;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, RefundId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::reconciliation::{BookRow, Carried, Either, Movement, Standing};
use std::collections::BTreeSet;
use std::time::Duration;

/// So long before the day begins is looked for attempts that ended without money: longer than any payment is under way.
const EVENING: Duration = Duration::from_secs(2 * 3600);

/// How our books speak of an account on a day: what its bill must be, and whose rows were not taken.
#[derive(Debug, Default)]
pub(super) struct Uses {
    moved: bool,
    waits: bool,
    waits_under_no_name: bool,
    lost: BTreeSet<(Movement, String)>,
    /// What was over without money, and was sent so shortly before the day that its lines may stand in the day's bill: paid
    /// after midnight, and taken back.
    pub evening: Vec<BookRow>,
    /// Other accounts at the wallet through which money moved, or may have.
    pub others: BTreeSet<AccountId>,
}

impl Uses {
    /// Takes note of a row that stands under an account's name; whether it is to be held against the bill of `own`. What was
    /// sent nobody knows where may be anybody's.
    fn takes(&mut self, own: AccountId, account: AccountId, row: &BookRow) -> bool {
        if account == AccountId::NOT_KNOWN {
            self.waits_under_no_name |= row.standing == Standing::Unknown;
            self.lost.insert((row.movement, row.number.clone()));
            return true;
        }
        if account != own {
            if row.standing != Standing::NotMoved {
                self.others.insert(account);
            }
            return false;
        }
        self.moved |= row.standing == Standing::Moved;
        self.waits |= row.standing == Standing::Unknown;
        true
    }

    /// Money moved through the account: its bill must come, and hold something.
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Something waits for a line that may be the account's.
    pub fn waits(&self) -> bool {
        self.waits || self.waits_under_no_name
    }

    /// Whether the bill is needed for the sake of the account's own rows.
    pub fn is_needed(&self) -> bool {
        self.moved || self.waits
    }

    /// Whether a movement stands under no account's name.
    pub fn is_lost(&self, movement: Movement, number: &str) -> bool {
        !self.lost.is_empty() && self.lost.contains(&(movement, number.to_owned()))
    }
}

impl Reconciler {
    /// Everything that moved through an account in that time, by our books, and what nobody knows whose it is; `told` hears
    /// how much was read so far.
    pub(super) async fn books(
        &self,
        of: BillsOf,
        (from, until): (Timestamp, Timestamp),
        uses: &mut Uses,
        mut told: impl FnMut(u64),
    ) -> Result<Vec<BookRow>, NotDone> {
        let mut rows = Vec::new();
        for tag in self.groups.tags() {
            let take = |DayRow { mut row, account, at }: DayRow| {
                let account = self.centre.stands_for(of.channel, account);
                if at < from {
                    let may_be_ours = account == of.account || account == AccountId::NOT_KNOWN;
                    if may_be_ours && row.standing == Standing::NotMoved {
                        uses.evening.push(row);
                    }
                } else if uses.takes(of.account, account, &row) {
                    self.settings.add_fee(of.channel, &mut row);
                    rows.push(row);
                }
            };
            self.groups
                .read_day(tag, of.channel, (from.minus(EVENING), until), take)
                .await
                .map_err(|error| unread(&tag.to_string(), &error))?;
            told(rows.len() as u64);
        }
        Ok(rows)
    }

    /// Rows of ours that wait for their line may stand otherwise by now: the bill is held against what is true today. One
    /// that did not move after all waits for nothing any more, unless there is a line that says otherwise; one that turned
    /// out to be another account's waits there. What goes back by itself may have got another number since: its row stands
    /// under the day on which the money was found, so it is taken along from there.
    pub(super) async fn refresh(
        &self,
        of: BillsOf,
        carried: Vec<Carried>,
        uses: &mut Uses,
    ) -> Result<Vec<Carried>, NotDone> {
        let number = |one: &Carried| match &one.row {
            Either::Book(row) => Some(row.number.clone()),
            Either::Bill(_) => None,
        };
        let mut known: BTreeSet<String> = carried.iter().filter_map(number).collect();
        let mut still = Vec::new();
        for mut one in carried {
            if let Either::Book(row) = &mut one.row {
                let now = self.movements(row).await?;
                let later = self.later_rounds(of, row, &now, uses);
                let new = later.into_iter().filter(|row| known.insert(row.number.clone()));
                still.extend(new.map(|row| Carried { row: Either::Book(row), days: 0 }));
                if !self.is_ours_still(of, row, &now, uses) {
                    continue;
                }
            }
            still.push(one);
        }
        let line = |one: &Carried| match &one.row {
            Either::Bill(row) => Some((row.movement, row.number.clone())),
            Either::Book(_) => None,
        };
        let lines: BTreeSet<(Movement, String)> = still.iter().filter_map(line).collect();
        still.retain(|one| match &one.row {
            Either::Book(row) if row.standing == Standing::NotMoved => {
                lines.contains(&(row.movement, row.number.clone()))
            }
            Either::Book(_) | Either::Bill(_) => true,
        });
        Ok(still)
    }

    /// All that moved, or was to, for a row's order; nothing if there is no such order.
    async fn movements(&self, row: &BookRow) -> Result<Vec<DayRow>, NotDone> {
        let Ok(order) = row.order.parse::<OrderNumber>() else { return Ok(Vec::new()) };
        let now = self.groups.movements(order).await;
        now.map_err(|error| unread(&order.tag().to_string(), &error))
    }

    /// The rows of the numbers that a row's money was sent back under after that row's own.
    fn later_rounds(&self, of: BillsOf, row: &BookRow, now: &[DayRow], uses: &mut Uses) -> Vec<BookRow> {
        let (own, mut later) = (RefundId(row.number.clone()), Vec::new());
        for DayRow { row: new, account, .. } in now {
            let account = self.centre.stands_for(of.channel, *account);
            let is_later = (new.movement, row.movement) == (Movement::Refund, Movement::Refund)
                && RefundId(new.number.clone()).is_later_round_of(&own);
            if is_later && account == of.account && uses.takes(of.account, account, &waiting(new)) {
                let mut new = new.clone();
                self.settings.add_fee(of.channel, &mut new);
                later.push(new);
            }
        }
        later
    }

    /// Brings a row up to date; false if it is another account's by now.
    fn is_ours_still(&self, of: BillsOf, row: &mut BookRow, now: &[DayRow], uses: &mut Uses) -> bool {
        let same = |new: &&DayRow| (new.row.movement, &new.row.number) == (row.movement, &row.number);
        // Of several accounts that have one number, each has its own row.
        let another = |new: &&DayRow| self.centre.stands_for(of.channel, new.account) != of.account;
        let Some(DayRow { row: new, account, .. }) = now.iter().filter(same).min_by_key(another) else {
            return true;
        };
        *row = new.clone();
        self.settings.add_fee(of.channel, row);
        uses.takes(of.account, self.centre.stands_for(of.channel, *account), &waiting(row))
    }
}

/// The row of an earlier day as it counts for another day's bill: whatever it is, its line may stand in a later one.
fn waiting(row: &BookRow) -> BookRow {
    let mut waiting = row.clone();
    if waiting.standing != Standing::NotMoved {
        waiting.standing = Standing::Unknown;
    }
    waiting
}

fn unread(tag: &str, error: &GroupError) -> NotDone {
    NotDone::Later(format!("the books of order group {tag} cannot be read: {error}"))
}
