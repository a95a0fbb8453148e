//! A channel's day, read from a group's tables.

use super::super::day_books::{AccountUse, DayBooks, DayList, DayPart, DayRow};
use super::super::{GroupError, Reply};
use super::StoredGroup;
use super::rows::{all, channel_number, nonsense, parsed};
use crate::database::{Row, Sql, Value};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::reconciliation::{BookRow, Movement, Standing};
use evertill_shared::refund::RefundState;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;

/// The columns that [`row_of`] reads, the table, and the columns of the wallet, the time and the number.
struct List {
    select: &'static str,
    wallet: &'static str,
    at: &'static str,
    key: &'static str,
    number: &'static str,
}

fn list_of(list: DayList) -> List {
    match list {
        DayList::Payments => List {
            select: "SELECT p.sent_at AS at, p.channel_number AS own, p.number, p.currency, p.amount_minor, \
                     p.state, g.state AS back, 0 AS round, p.account, p.shown_until, \
                     (SELECT min(w.account) FROM give_backs_elsewhere w WHERE w.number = p.number \
                     AND w.attempt = p.attempt AND w.state <> 'nothing_taken') AS elsewhere FROM payments p \
                     LEFT JOIN give_backs g ON g.number = p.number AND g.attempt = p.attempt",
            wallet: "p.wallet",
            at: "p.sent_at",
            key: "p.channel_number",
            number: "p.number",
        },
        DayList::PaymentsElsewhere => List {
            select: "SELECT p.sent_at AS at, p.channel_number AS own, g.number, p.currency, p.amount_minor, \
                     g.state, b.state AS back, 0 AS round, g.account, p.state AS attempt_state, \
                     p.account AS attempt_account, (SELECT min(w.account) FROM give_backs_elsewhere w \
                     WHERE w.number = p.number AND w.attempt = p.attempt AND w.state <> 'nothing_taken') AS elsewhere \
                     FROM give_backs_elsewhere g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
                     LEFT JOIN give_backs b ON b.number = p.number AND b.attempt = p.attempt",
            wallet: "g.wallet",
            at: "p.sent_at",
            key: "p.channel_number",
            number: "g.number",
        },
        DayList::Refunds => List {
            select: "SELECT r.carried_out_at AS at, r.id AS own, r.number, r.currency, r.amount_minor, r.state, \
                     NULL AS back, 0 AS round, NULL AS elsewhere, \
                     (SELECT p.account FROM payments p WHERE p.number = r.number AND p.state = 'paid') AS account \
                     FROM refunds r",
            wallet: "r.wallet",
            at: "r.carried_out_at",
            key: "r.id",
            number: "r.number",
        },
        DayList::GiveBacks => List {
            select: "SELECT g.since AS at, p.channel_number AS own, g.number, p.currency, p.amount_minor, \
                     g.state, NULL AS back, g.round, NULL AS elsewhere, p.account FROM give_backs g \
                     JOIN payments p ON p.number = g.number AND p.attempt = g.attempt",
            wallet: "g.wallet",
            at: "g.since",
            key: "p.channel_number",
            number: "g.number",
        },
        DayList::GiveBacksElsewhere => List {
            select: "SELECT g.since AS at, p.channel_number AS own, g.number, p.currency, p.amount_minor, \
                     g.state, NULL AS back, g.round, NULL AS elsewhere, g.account FROM give_backs_elsewhere g \
                     JOIN payments p ON p.number = g.number AND p.attempt = g.attempt",
            wallet: "g.wallet",
            at: "g.since",
            key: "p.channel_number",
            number: "g.number",
        },
    }
}

impl DayBooks for StoredGroup {
    fn day_part(&self, part: DayPart) -> Reply<Vec<DayRow>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let List { select, wallet, at, key, number } = list_of(part.list);
            let statement = format!(
                "{select} WHERE {wallet} = ?1 AND {at} >= ?2 AND {at} < ?3 AND ({at} > ?2 OR {key} > ?4) \
                 AND {number} LIKE ?5 ORDER BY {at}, {key} LIMIT ?6"
            );
            // A give-back's own number is made from its attempt's: in the order of those they are read.
            let after = match part.list {
                DayList::GiveBacks | DayList::GiveBacksElsewhere if !part.after.is_empty() => {
                    format!("E{}", part.after.get(1..31).unwrap_or_default())
                }
                _ => part.after,
            };
            let values = params![part.wallet.code(), part.from.0, part.until.0, after, pattern, part.most];
            Ok(all(sql, &statement, &values, |row| rows_of(part.list, row))?.concat())
        })
    }

    fn account_was_used(&self, asked: AccountUse) -> Reply<bool> {
        self.read(move |sql| {
            let AccountUse { account, wallet, from, until } = asked;
            let values = params![wallet.code(), account.get(), from.0, until.0];
            any(sql, &USED, &values)
        })
    }

    fn account_is_owed(&self, account: AccountId, wallet: Wallet, until: Timestamp) -> Reply<bool> {
        self.read(move |sql| {
            let lost = AccountId::NOT_KNOWN.get();
            any(sql, &OWED, &params![wallet.code(), account.get(), lost, until.0])
        })
    }

    fn accounts_owed(&self) -> Reply<Vec<(Wallet, AccountId)>> {
        self.read(move |sql| {
            let row =
                |row: &Row| Ok((parsed(&row.get::<String>("wallet")?)?, AccountId(row.get("account")?)));
            let mut owed = BTreeSet::new();
            for statement in OWED_BY_ACCOUNT {
                owed.extend(all(sql, statement, &[], row)?);
            }
            Ok(owed.into_iter().collect())
        })
    }

    fn movements(&self, number: OrderNumber) -> Reply<Vec<DayRow>> {
        self.read(move |sql| {
            let mut rows = Vec::new();
            for list in DayList::ALL {
                rows.extend(of_order(sql, list, number)?);
            }
            Ok(rows)
        })
    }
}

/// Where an account was used in a time.
const USED: [&str; 5] = [
    "SELECT p.number FROM payments p WHERE p.wallet = ?1 AND p.account = ?2 AND p.sent_at >= ?3 AND p.sent_at < ?4 \
     LIMIT 1",
    "SELECT r.number FROM refunds r JOIN payments p ON p.number = r.number AND p.state = 'paid' \
     WHERE r.wallet = ?1 AND p.account = ?2 AND r.carried_out_at >= ?3 AND r.carried_out_at < ?4 LIMIT 1",
    "SELECT g.number FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
     WHERE g.wallet = ?1 AND p.account = ?2 AND g.since >= ?3 AND g.since < ?4 LIMIT 1",
    "SELECT g.number FROM give_backs_elsewhere g \
     WHERE g.wallet = ?1 AND g.account = ?2 AND g.since >= ?3 AND g.since < ?4 LIMIT 1",
    "SELECT g.number FROM give_backs_elsewhere g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
     WHERE g.wallet = ?1 AND g.account = ?2 AND p.sent_at >= ?3 AND p.sent_at < ?4 LIMIT 1",
];

/// Where an account has something to settle, or may have: an attempt that was sent nobody knows where may be its.
const OWED: [&str; 5] = [
    "SELECT p.number FROM payments p WHERE p.wallet = ?1 AND (p.account = ?2 OR p.account = ?3 AND p.sent_at <= ?4) \
     AND p.state IN ('sent', 'waiting', 'unknown', 'reversing') LIMIT 1",
    "SELECT p.number FROM payments p WHERE p.wallet = ?1 AND (p.account = ?2 OR p.account = ?3 AND p.sent_at <= ?4) \
     AND p.state IN ('declined', 'reversed') AND p.looked_again = 0 LIMIT 1",
    "SELECT r.number FROM refunds r JOIN payments p ON p.number = r.number AND p.state = 'paid' \
     WHERE r.wallet = ?1 AND (p.account = ?2 OR p.account = ?3 AND p.sent_at <= ?4) AND r.state IN ('reserved', 'sent', 'unknown') LIMIT 1",
    "SELECT g.number FROM give_backs g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
     WHERE g.wallet = ?1 AND (p.account = ?2 OR p.account = ?3 AND p.sent_at <= ?4) AND g.state = 'open' LIMIT 1",
    "SELECT g.number FROM give_backs_elsewhere g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
     WHERE g.wallet = ?1 AND (g.account = ?2 OR g.account = ?3 AND p.sent_at <= ?4) AND g.state = 'open' LIMIT 1",
];

/// The same, whichever account it is.
const OWED_BY_ACCOUNT: [&str; 5] = [
    "SELECT DISTINCT p.wallet, p.account FROM payments p WHERE p.state IN ('sent', 'waiting', 'unknown', 'reversing')",
    "SELECT DISTINCT p.wallet, p.account FROM payments p \
     WHERE p.state IN ('declined', 'reversed') AND p.looked_again = 0",
    "SELECT DISTINCT p.wallet, p.account FROM refunds r JOIN payments p ON p.number = r.number AND p.state = 'paid' \
     WHERE r.state IN ('sent', 'unknown')",
    "SELECT DISTINCT p.wallet, p.account FROM give_backs g \
     JOIN payments p ON p.number = g.number AND p.attempt = g.attempt WHERE g.state = 'open'",
    "SELECT DISTINCT g.wallet, g.account FROM give_backs_elsewhere g WHERE g.state = 'open'",
];

fn any(sql: &dyn Sql, statements: &[&str], values: &[Value<'_>]) -> Result<bool, GroupError> {
    for statement in statements {
        if sql.row(statement, values)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn of_order(sql: &dyn Sql, list: DayList, of: OrderNumber) -> Result<Vec<DayRow>, GroupError> {
    let List { select, at, number, .. } = list_of(list);
    let statement = format!("{select} WHERE {number} = ?1 AND {at} IS NOT NULL ORDER BY {at}");
    Ok(all(sql, &statement, &params![of.as_str()], |row| rows_of(list, row))?.concat())
}

/// What a row says: one movement; or one for each number under which money was sent back by itself, of which the wallet
/// has closed all but the last; or nothing that another row does not say.
fn rows_of(list: DayList, row: &Row) -> Result<Vec<DayRow>, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    let (own, state) = (text("own")?, text("state")?);
    let account: Option<u32> = row.get("account")?;
    let mut account = account.map_or(AccountId::OF_THE_FILE, AccountId);
    let (movement, own, standing) = match list {
        DayList::Payments => {
            let mut standing = attempt_of(row, "state")?;
            if let Some(at) = in_the_name_of(row, account, standing)? {
                (account, standing) = (at, Standing::Moved);
            }
            (Movement::Payment, own, standing)
        }
        DayList::PaymentsElsewhere => {
            let (attempts, standing) =
                (AccountId(row.get("attempt_account")?), attempt_of(row, "attempt_state")?);
            // There are never so many of these that a part full of them would hide what comes after it.
            if in_the_name_of(row, attempts, standing)? == Some(account) {
                return Ok(Vec::new());
            }
            (Movement::Payment, own, given_back(&state).took())
        }
        DayList::Refunds => {
            let state = RefundState::from_word(&state).ok_or_else(|| nonsense(&state))?;
            (Movement::Refund, own, refunded(state))
        }
        DayList::GiveBacks | DayList::GiveBacksElsewhere => {
            let own = channel_number(own)?;
            let first = match list {
                DayList::GiveBacksElsewhere => RefundId::at_another(&own),
                _ => RefundId::of_itself(&own),
            };
            (Movement::Refund, first.0, given_back(&state).0)
        }
    };
    let amount = Amount::new(row.get("amount_minor")?, parsed(&text("currency")?)?);
    let (order, round, at) = (text("number")?, row.get::<u8>("round")?, Timestamp(row.get("at")?));
    let taken_back = list == DayList::Payments && is_taken_back(row, account, standing)?;
    let in_round = |one: u8| {
        let standing = if one < round { Standing::NotMoved } else { standing };
        let number = RefundId(own.clone()).in_round(one).0;
        let order = order.clone();
        let row = BookRow { movement, number, amount, fee_minor: None, standing, taken_back, order };
        DayRow { at, row, account }
    };
    Ok((0..=round).map(in_round).collect())
}

/// Where an attempt moved money that was sent nobody knows where, if it is known of another account alone: the row of the
/// attempt itself speaks of that one then, so that no bill meets both.
fn in_the_name_of(
    row: &Row,
    account: AccountId,
    standing: Standing,
) -> Result<Option<AccountId>, GroupError> {
    let elsewhere: Option<u32> = row.get("elsewhere")?;
    let is_lost = account == AccountId::NOT_KNOWN && standing != Standing::Moved;
    Ok(elsewhere.map(AccountId).filter(|_| is_lost))
}

/// Whether an attempt moved money at its own account. One that goes back by itself took it, whatever had become of the
/// attempt before; unless the wallet said then that it holds nothing.
fn attempt_of(row: &Row, column: &str) -> Result<Standing, GroupError> {
    let state: String = row.get(column)?;
    let state = PaymentState::from_word(&state).ok_or_else(|| nonsense(&state))?;
    let back: Option<String> = row.get("back")?;
    Ok(match (state, back.as_deref()) {
        (_, Some("nothing_taken")) => Standing::NotMoved,
        (_, Some(_)) | (PaymentState::Paid, None) => Standing::Moved,
        (PaymentState::Declined | PaymentState::Reversed, None) => Standing::NotMoved,
        (
            PaymentState::Sent | PaymentState::Waiting | PaymentState::Unknown | PaymentState::Reversing,
            None,
        ) => Standing::Unknown,
    })
}

/// Whether an attempt is being taken back at its account, so that its bills may have two lines of it. Closing a code that was
/// shown takes nothing back.
fn is_taken_back(row: &Row, account: AccountId, standing: Standing) -> Result<bool, GroupError> {
    let (state, shown): (String, Option<i64>) = (row.get("state")?, row.get("shown_until")?);
    let is_so = state == PaymentState::Reversing.as_str() && shown.is_none();
    Ok(is_so && standing == Standing::Unknown && account != AccountId::NOT_KNOWN)
}

/// How money stands that goes back by itself.
struct GivenBack(Standing);

fn given_back(state: &str) -> GivenBack {
    GivenBack(match state {
        "done" => Standing::Moved,
        "nothing_taken" => Standing::NotMoved,
        _ => Standing::Unknown,
    })
}

impl GivenBack {
    /// How the payment stands that it goes back of: the wallet had taken it, unless it says that it holds nothing.
    fn took(&self) -> Standing {
        if self.0 == Standing::NotMoved { Standing::NotMoved } else { Standing::Moved }
    }
}

fn refunded(state: RefundState) -> Standing {
    match state {
        RefundState::Done => Standing::Moved,
        RefundState::Refused => Standing::NotMoved,
        RefundState::Reserved | RefundState::Sent | RefundState::Unknown => Standing::Unknown,
    }
}
