//! Our side of an account's day: read from the order groups themselves, in parts, never from a copy.

use super::settings::add_fee;
use super::{NotDone, Reconciler};
use crate::base_store::{BillsOf, RunState};
use crate::order_group::GroupError;
use crate::order_group::day_books::DayRow;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, ChannelNumber, RefundId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::reconciliation::{
    BookRow, Carried, Category, Either, FieldDiffers, Finding, Movement, Standing,
};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

/// So long before the day begins is looked for attempts that ended without money: longer than any payment is under way.
const EVENING: Duration = Duration::from_secs(2 * 3600);

/// What was sent so shortly before the day ends may stand in the next day's bill: it alone calls for none of this day.
/// Longer than a payment is under way while its customer waits.
const JUST_BEFORE_MIDNIGHT: Duration = Duration::from_secs(10 * 60);

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
    /// What the wallet keeps of each amount by the agreement about the account, in ten-thousandths.
    pub fee: Option<u32>,
}

impl Uses {
    /// Nothing was seen yet of an account of which the wallet keeps that.
    pub fn by_agreement(fee: Option<u32>) -> Self {
        Self { fee, ..Self::default() }
    }

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

    /// What stands under no account's name.
    pub fn lost(&self) -> impl Iterator<Item = (Movement, &str)> {
        self.lost.iter().map(|(movement, number)| (*movement, number.as_str()))
    }

    /// Whether a movement stands under no account's name.
    pub fn is_lost(&self, movement: Movement, number: &str) -> bool {
        !self.lost.is_empty() && self.lost.contains(&(movement, number.to_owned()))
    }
}

impl Reconciler {
    /// What the wallet keeps of each amount by the agreement about an account, as it stands now: the account's own, or else
    /// the settings' for all of the wallet's. Nothing if nobody has said.
    pub(super) async fn fee_of(&self, of: BillsOf) -> Result<Option<u32>, NotDone> {
        let table = self.base.wallet_table().await?;
        let own = table.accounts.iter().find(|row| (row.facts.wallet, row.id) == (of.channel, of.account));
        Ok(own.and_then(|row| row.facts.fee).or_else(|| self.settings.fees.get(&of.channel).copied()))
    }

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
                    return;
                }
                let is_late = at >= until.minus(JUST_BEFORE_MIDNIGHT);
                let counts = if is_late { Cow::Owned(waiting(&row)) } else { Cow::Borrowed(&row) };
                if uses.takes(of.account, account, &counts) {
                    add_fee(uses.fee, &mut row);
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
        self.hear_of(of, &mut still, uses.fee).await?;
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

    /// Adds rows of ours to lines that wait for one: of attempts that ended without money, or of which nobody knows, and that
    /// were sent long before their line's day, since a customer may pay hours later; and of what this account took of other
    /// accounts' attempts, where that was heard of only after the bill of the attempt's day had been compared. Every other row
    /// has been compared in its own day, and another line of its number is another movement.
    async fn hear_of(&self, of: BillsOf, still: &mut Vec<Carried>, fee: Option<u32>) -> Result<(), NotDone> {
        let ours = |one: &Carried| match &one.row {
            Either::Book(row) => Some((row.movement, row.number.clone())),
            Either::Bill(_) => None,
        };
        let mut ours: BTreeSet<(Movement, String)> = still.iter().filter_map(ours).collect();
        let mut heard = Vec::new();
        for one in still.iter() {
            let Either::Bill(line) = &one.row else { continue };
            if line.movement == Movement::Payment
                && !ours.contains(&(line.movement, line.number.clone()))
                && let Some(mut row) = self.heard_since(of, &line.number).await?
            {
                add_fee(fee, &mut row);
                // One row, however many lines the bill has of the number: it was paid, and taken back.
                ours.insert((line.movement, line.number.clone()));
                heard.push(Carried { row: Either::Book(row), days: 0 });
            }
        }
        still.extend(heard);
        Ok(())
    }

    async fn heard_since(&self, of: BillsOf, number: &str) -> Result<Option<BookRow>, NotDone> {
        let Ok(own) = number.parse::<ChannelNumber>() else { return Ok(None) };
        let all = self.movements_of(&own).await?;
        let back = RefundId::at_another(&own).0;
        let here = |movement, number: &str| {
            let same = |one: &&DayRow| (one.row.movement, one.row.number.as_str()) == (movement, number);
            let own = |one: &&DayRow| self.centre.stands_for(of.channel, one.account) == of.account;
            all.iter().filter(same).find(own)
        };
        let Some(taken) = here(Movement::Payment, number) else { return Ok(None) };
        if taken.row.standing != Standing::Moved {
            return Ok(Some(taken.row.clone()));
        }
        let Some(back) = here(Movement::Refund, &back) else { return Ok(None) };
        let run = self.base.bill_run(of, self.day_at(of.channel, taken.at)).await?;
        let compared_at = run.filter(|run| run.state == RunState::Done).map(|run| run.tried_at);
        if compared_at.is_none_or(|at| at >= back.at) {
            return Ok(None);
        }
        Ok(Some(taken.row.clone()))
    }

    /// Everything of the order of which that is an attempt.
    async fn movements_of(&self, own: &ChannelNumber) -> Result<Vec<DayRow>, NotDone> {
        let unread = |error: GroupError| NotDone::Later(format!("an order group cannot be read: {error}"));
        let Some(record) = self.groups.payment_of(own).await.map_err(unread)? else { return Ok(Vec::new()) };
        self.groups.movements(record.number).await.map_err(unread)
    }

    /// What a bill has beside what our books moved there may be known all the same: people are told of which order, and whose it
    /// is by our books, if it is another account's.
    pub(super) async fn name_others(&self, of: BillsOf, findings: &mut [Finding]) -> Result<(), NotDone> {
        let nameless =
            |one: &&mut Finding| one.category == Category::MissingHere && one.movement == Movement::Payment;
        for finding in findings.iter_mut().filter(nameless) {
            let Ok(own) = finding.number.parse::<ChannelNumber>() else { continue };
            let mut known = self.movements_of(&own).await?;
            known.retain(|one| one.row.movement == Movement::Payment && one.row.number == finding.number);
            let named = |one: &DayRow| self.centre.stands_for(of.channel, one.account);
            let Some(one) = known.first() else { continue };
            finding.order = Some(one.row.order.clone());
            // Known here as well: then it moved here once more, and not there. Of what was sent nobody knows where there is no
            // account to name.
            let is_here = known.iter().any(|one| named(one) == of.account);
            if !is_here && named(one) != AccountId::NOT_KNOWN {
                let (ours, theirs) = (named(one).to_string(), of.account.to_string());
                finding.fields.push(FieldDiffers { field: "account", ours, theirs });
            }
        }
        Ok(())
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
                add_fee(uses.fee, &mut new);
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
        add_fee(uses.fee, row);
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
