//! Money that goes back by itself: what attempts took at their own accounts, and what other accounts have of them beside.
//! The two are in tables of their own, so that programs from before the second see nothing of it.

use super::super::give_backs::{GiveBack, GiveBackEvent, GiveBackNews, GiveBacks, LONGEST_ROUND, Scanned};
use super::super::{Fact, GroupError, Lease, PaymentRecord, Reply};
use super::StoredGroup;
use super::books::Books;
use super::ledger::post;
use super::payments::{IMPLAUSIBLE, IMPLAUSIBLE_LEASE, find as find_payment, tell_once};
use super::rows::{all, channel_number, lock, one, parsed, readable, terminal, with_spare};
use super::scan;
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, Interface, RefundId};
use evertill_shared::ledger::Entry;
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::wallet::Wallet;

/// Where the money is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Own,
    Elsewhere,
}

impl Place {
    pub const ALL: [Self; 2] = [Self::Own, Self::Elsewhere];

    fn select(self) -> String {
        self.select_with("")
    }

    /// The same with more columns.
    pub fn select_with(self, more: &str) -> String {
        let (account, interface, is_elsewhere) = match self {
            Self::Own => ("p.account", "p.interface", 0),
            Self::Elsewhere => ("g.account", "0", 1),
        };
        format!(
            "SELECT g.number, g.attempt, g.wallet, g.state, g.since, g.next_at, g.tries, g.round, g.words, g.by_hand, \
             g.version, {account} AS account, {interface} AS interface, \
             {is_elsewhere} AS is_elsewhere, p.channel_number, p.currency, \
             p.amount_minor, o.terminal{more} FROM {} g JOIN payments p ON p.number = g.number AND p.attempt = g.attempt \
             JOIN orders o ON o.number = g.number WHERE",
            self.table()
        )
    }

    fn table(self) -> &'static str {
        match self {
            Self::Own => "give_backs",
            Self::Elsewhere => "give_backs_elsewhere",
        }
    }

    pub fn account(self) -> &'static str {
        match self {
            Self::Own => "p.account",
            Self::Elsewhere => "g.account",
        }
    }
}

/// Which table, and what tells one account's row there from another's.
fn place_of(elsewhere: Option<AccountId>) -> (Place, String) {
    match elsewhere {
        None => (Place::Own, String::new()),
        Some(account) => (Place::Elsewhere, format!(" AND account = {}", account.get())),
    }
}

pub(super) fn give_back_row(row: &Row) -> Result<GiveBack, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    Ok(GiveBack {
        number: parsed(&text("number")?)?,
        attempt: row.get("attempt")?,
        terminal: terminal(row.get("terminal")?)?,
        wallet: parsed(&text("wallet")?)?,
        account: AccountId(row.get("account")?),
        is_elsewhere: row.get("is_elsewhere")?,
        interface: Interface(row.get("interface")?),
        channel_number: channel_number(text("channel_number")?)?,
        amount: Amount::new(row.get("amount_minor")?, parsed(&text("currency")?)?),
        since: Timestamp(row.get("since")?),
        next_at: Timestamp(row.get("next_at")?),
        tries: row.get("tries")?,
        round: row.get("round")?,
        words: row.get("words")?,
        by_hand: row.get("by_hand")?,
        is_open: text("state")? == "open",
        version: row.get("version")?,
    })
}

/// Writes down that what this attempt took goes back, in the transaction that found it out.
pub(super) fn owe(books: &Books<'_>, record: &PaymentRecord, at: Timestamp) -> Result<(), GroupError> {
    let payment = &record.payment;
    books.note(record.number, at);
    books.sql.execute(
        "INSERT INTO give_backs (number, attempt, wallet, state, since, next_at) \
         VALUES (?1, ?2, ?3, 'open', ?4, ?4) ON CONFLICT DO NOTHING",
        &params![record.number.as_str(), payment.attempt, payment.wallet.code(), at.0],
    )?;
    let (attempt, wallet, amount) = (payment.attempt, payment.wallet, payment.amount);
    post(books, record.number, &Entry::Taken { attempt, elsewhere: None, wallet, amount }, at)
}

/// The same for what another account has of it beside.
fn owe_elsewhere(
    books: &Books<'_>,
    record: &PaymentRecord,
    account: AccountId,
    at: Timestamp,
) -> Result<(), GroupError> {
    let (number, payment) = (record.number, &record.payment);
    let (attempt, wallet, amount) = (payment.attempt, payment.wallet, payment.amount);
    // Whoever asked late does not know that the attempt was found there since: what it has is the attempt's own.
    if payment.account == account {
        return Ok(());
    }
    let rows = books.sql.execute(
        "INSERT INTO give_backs_elsewhere (number, attempt, account, wallet, state, since, next_at) \
         VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?5) ON CONFLICT DO NOTHING",
        &params![number.as_str(), attempt, account.get(), wallet.code(), at.0],
    )?;
    if rows == 0 {
        return Ok(());
    }
    books.note(number, at);
    post(books, number, &Entry::Taken { attempt, elsewhere: Some(account), wallet, amount }, at)?;
    tell_once(books, number, at, &Fact::PaidAtAnother { attempt, account })
}

/// What is still to go back, the oldest first.
pub(super) fn oldest(sql: &dyn Sql, pattern: &str, most: u32) -> Result<Vec<GiveBack>, GroupError> {
    let mut found = Vec::new();
    for place in Place::ALL {
        let statement = format!(
            "{} g.state = 'open' AND g.number LIKE ?1 ORDER BY g.since, g.number LIMIT ?2",
            place.select()
        );
        found.extend(readable(sql, &statement, &params![pattern, with_spare(most)], most, give_back_row)?);
    }
    found.sort_by_key(|open| (open.since, open.number, open.attempt));
    found.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(found)
}

fn of_order(sql: &dyn Sql, number: OrderNumber) -> Result<Vec<GiveBack>, GroupError> {
    let mut found = Vec::new();
    for place in Place::ALL {
        let statement = format!("{} g.number = ?1 ORDER BY g.attempt, {}", place.select(), place.account());
        found.extend(all(sql, &statement, &params![number.as_str()], give_back_row)?);
    }
    Ok(found)
}

fn find_open(
    sql: &dyn Sql,
    number: OrderNumber,
    attempt: Attempt,
    elsewhere: Option<AccountId>,
) -> Result<Option<GiveBack>, GroupError> {
    let (place, which) = place_of(elsewhere);
    let which = which.replace("account", "g.account");
    let statement =
        format!("{} g.state = 'open' AND g.number = ?1 AND g.attempt = ?2{which}", place.select());
    one(sql, &statement, &params![number.as_str(), attempt], give_back_row)
}

impl GiveBacks for StoredGroup {
    fn due_give_backs(
        &self,
        (wallet, account): (Wallet, AccountId),
        now: Timestamp,
        most: u32,
    ) -> Reply<Vec<GiveBack>> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let mut due = Vec::new();
            for place in Place::ALL {
                let statement = format!(
                    "{} g.state = 'open' AND g.wallet = ?1 AND {} = ?6 \
                     AND (g.next_at <= ?2 OR g.next_at > ?7 OR (g.round = 0 AND g.next_at > ?3)) \
                     AND (g.lease_until IS NULL OR g.lease_until <= ?2 OR g.lease_until > ?8) \
                     AND g.number LIKE ?5 ORDER BY g.next_at LIMIT ?4",
                    place.select(),
                    place.account()
                );
                let far = now.plus(IMPLAUSIBLE);
                // A later round may wait for longer than a lease or any other pause.
                let far_for_a_round = far.plus(LONGEST_ROUND).0;
                let parameters = params![
                    wallet.code(),
                    now.0,
                    far.0,
                    with_spare(most),
                    &pattern,
                    account.get(),
                    far_for_a_round,
                    now.plus(IMPLAUSIBLE_LEASE).0
                ];
                due.extend(readable(sql, &statement, &parameters, most, give_back_row)?);
            }
            due.sort_by_key(|due| due.next_at);
            due.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            Ok(due)
        })
    }

    fn lease_give_back(&self, give_back: GiveBack, lease: Lease) -> Reply<Option<GiveBack>> {
        self.write(give_back.number, move |books| {
            lock(books.sql, give_back.number)?;
            let elsewhere = give_back.elsewhere();
            let (place, which) = place_of(elsewhere);
            let statement = format!(
                "UPDATE {} SET lease_owner = ?4, lease_until = ?5, version = version + 1 \
                 WHERE number = ?1 AND attempt = ?2 AND version = ?3 AND state = 'open' \
                 AND (lease_until IS NULL OR lease_until <= ?6 OR lease_until > ?7){which}",
                place.table()
            );
            let rows = books.sql.execute(
                &statement,
                &params![
                    give_back.number.as_str(),
                    give_back.attempt,
                    give_back.version,
                    lease.owner,
                    lease.until.0,
                    lease.now.0,
                    lease.now.plus(IMPLAUSIBLE_LEASE).0,
                ],
            )?;
            match rows {
                1 => find_open(books.sql, give_back.number, give_back.attempt, elsewhere),
                _ => Ok(None),
            }
        })
    }

    fn record_give_back(&self, news: GiveBackNews) -> Reply<()> {
        self.write(news.number, move |books| {
            lock(books.sql, news.number)?;
            match find_open(books.sql, news.number, news.attempt, news.elsewhere)? {
                Some(open) => record(books, &open, news),
                None => Ok(()),
            }
        })
    }

    fn give_backs_of(&self, number: OrderNumber) -> Reply<Vec<GiveBack>> {
        self.read(move |sql| of_order(sql, number))
    }

    fn owe_elsewhere(
        &self,
        number: OrderNumber,
        attempt: Attempt,
        account: AccountId,
        at: Timestamp,
    ) -> Reply<()> {
        self.write(number, move |books| {
            lock(books.sql, number)?;
            match find_payment(books.sql, number, attempt)? {
                Some(record) => owe_elsewhere(books, &record, account, at),
                None => Ok(()),
            }
        })
    }

    fn scan(&self, after: String, most: u32) -> Reply<Scanned> {
        let pattern = self.pattern();
        self.read(move |sql| scan::part(sql, &after, &pattern, most))
    }

    fn owe_surplus(&self, number: OrderNumber, at: Timestamp) -> Reply<Vec<Attempt>> {
        self.write(number, move |books| scan::owe_surplus(books, number, at))
    }
}

/// How it stands after the news.
struct After {
    state: &'static str,
    round: u8,
    by_hand: bool,
    words: Option<String>,
}

fn after(open: &GiveBack, news: &GiveBackNews) -> After {
    let still = |words: Option<&String>, by_hand| After {
        state: "open",
        round: open.round,
        by_hand,
        words: words.or(open.words.as_ref()).cloned(),
    };
    let over = |state| After { state, words: None, ..still(None, open.by_hand) };
    match &news.event {
        GiveBackEvent::Done => After { round: news.round.min(open.round), ..over("done") },
        GiveBackEvent::WentBack => over("done"),
        GiveBackEvent::NothingTaken => over("nothing_taken"),
        // A person was told to finish it, and may have: it is sent no more by itself.
        GiveBackEvent::Closed(words) if open.by_hand && news.round == open.round => still(Some(words), true),
        // What somebody says late of an earlier number has had its effect already.
        GiveBackEvent::Closed(words) if news.round == open.round && open.round < RefundId::ROUNDS => {
            After { round: open.round + 1, ..still(Some(words), false) }
        }
        // The last number is used up: what is left is a person's.
        GiveBackEvent::Closed(words) if news.round == open.round => still(Some(words), true),
        GiveBackEvent::Closed(_) => still(None, open.by_hand),
        GiveBackEvent::NeedsAPerson(words) if news.round == open.round => still(Some(words), true),
        GiveBackEvent::NeedsAPerson(_) => still(None, open.by_hand),
        // What it said before does not count any more: nobody may finish by hand what is on its way.
        GiveBackEvent::UnderWay => After { words: None, ..still(None, false) },
        GiveBackEvent::NotYet(None) => still(None, open.by_hand),
        GiveBackEvent::NotYet(Some(words)) => still(Some(words), false),
    }
}

fn record(books: &Books<'_>, open: &GiveBack, news: GiveBackNews) -> Result<(), GroupError> {
    let new = after(open, &news);
    save(books, open, &new, (news.at, news.next_at))?;
    let (attempt, amount) = (open.attempt, open.amount);
    let refund = open.refund_in(new.round);
    let fact = match news.event {
        GiveBackEvent::Done => match open.elsewhere() {
            None => Fact::GivenBack { attempt, refund, amount },
            Some(account) => Fact::GivenBackAt { attempt, account, refund, amount },
        },
        GiveBackEvent::WentBack => {
            tracing::warn!(number = %open.number, attempt, "somebody gave back at the wallet what was to go back by itself");
            Fact::WentBack { attempt, amount }
        }
        GiveBackEvent::NothingTaken => Fact::NothingToGiveBack { attempt },
        GiveBackEvent::Closed(message) if new.round > open.round || new.by_hand && !open.by_hand => {
            tracing::error!(number = %open.number, attempt, message, %refund,
                by_hand = new.by_hand, "a wallet has closed what goes back by itself");
            Fact::NotGivenBack { attempt, message }
        }
        GiveBackEvent::NotYet(Some(message)) | GiveBackEvent::NeedsAPerson(message)
            if open.words.as_ref() != Some(&message) =>
        {
            tracing::error!(number = %open.number, attempt, message,
                "a wallet does not take back what it should not have: tried again, and to be looked at");
            Fact::NotGivenBack { attempt, message }
        }
        GiveBackEvent::Closed(_)
        | GiveBackEvent::UnderWay
        | GiveBackEvent::NotYet(_)
        | GiveBackEvent::NeedsAPerson(_) => return Ok(()),
    };
    books.tell(open.number, news.at, &fact)
}

/// Writes down how it stands; ends the lease. What is over stands in the ledger.
fn save(
    books: &Books<'_>,
    open: &GiveBack,
    new: &After,
    (at, next_at): (Timestamp, Timestamp),
) -> Result<(), GroupError> {
    let (place, which) = place_of(open.elsewhere());
    let statement = format!(
        "UPDATE {} SET state = ?3, next_at = ?4, words = ?5, round = ?6, by_hand = ?7, tries = tries + 1, \
         lease_owner = NULL, lease_until = NULL, version = version + 1 WHERE number = ?1 AND attempt = ?2{which}",
        place.table()
    );
    books.note(open.number, at);
    books.sql.execute(
        &statement,
        &params![
            open.number.as_str(),
            open.attempt,
            new.state,
            next_at.0,
            &new.words,
            new.round,
            new.by_hand
        ],
    )?;
    if new.state == "open" {
        return Ok(());
    }
    let (attempt, wallet, amount) = (open.attempt, open.wallet, open.amount);
    let back = Entry::Back { attempt, elsewhere: open.elsewhere(), wallet, amount };
    post(books, open.number, &back, at)
}

/// A person has finished at the wallet what the wallet could hand to nobody, or would not give back: it is over, and is sent
/// no more. Nothing if no such money waits for a person; or if that of several accounts does, and nobody says which they have
/// finished.
pub(super) fn finish_by_hand(
    books: &Books<'_>,
    number: OrderNumber,
    (refund, account): (&RefundId, Option<AccountId>),
    at: Timestamp,
) -> Result<bool, GroupError> {
    let waits = |one: &GiveBack| {
        let is_there = account.is_none() || one.elsewhere() == account;
        one.may_be_finished(at) && one.refund() == *refund && is_there
    };
    let mut waiting = of_order(books.sql, number)?.into_iter().filter(waits);
    let (Some(open), None) = (waiting.next(), waiting.next()) else { return Ok(false) };
    let over = After { state: "done", round: open.round, by_hand: true, words: None };
    save(books, &open, &over, (at, open.next_at))?;
    Ok(true)
}
