//! Money that goes back by itself.

use super::super::give_backs::{GiveBack, GiveBackEvent, GiveBackNews, GiveBacks, Scanned};
use super::super::{Fact, GroupError, Lease, PaymentRecord, Reply};
use super::StoredGroup;
use super::books::Books;
use super::ledger::post;
use super::payments::IMPLAUSIBLE;
use super::rows::{all, channel_number, lock, one, parsed, readable, terminal, with_spare};
use super::scan;
use crate::database::{Row, Sql};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt};
use evertill_shared::ledger::Entry;
use evertill_shared::money::Amount;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::wallet::Wallet;

const GIVE_BACK: &str = "SELECT g.number, g.attempt, g.wallet, g.since, g.next_at, g.tries, g.words, g.version, \
     p.channel_number, p.account, p.currency, p.amount_minor, o.terminal FROM give_backs g \
     JOIN payments p ON p.number = g.number AND p.attempt = g.attempt JOIN orders o ON o.number = g.number \
     WHERE g.state = 'open'";

fn give_back_row(row: &Row) -> Result<GiveBack, GroupError> {
    let text = |column: &str| row.get::<String>(column);
    Ok(GiveBack {
        number: parsed(&text("number")?)?,
        attempt: row.get("attempt")?,
        terminal: terminal(row.get("terminal")?)?,
        wallet: parsed(&text("wallet")?)?,
        account: AccountId(row.get("account")?),
        channel_number: channel_number(text("channel_number")?)?,
        amount: Amount::new(row.get("amount_minor")?, parsed(&text("currency")?)?),
        since: Timestamp(row.get("since")?),
        next_at: Timestamp(row.get("next_at")?),
        tries: row.get("tries")?,
        words: row.get("words")?,
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
    post(books, record.number, &Entry::Taken { attempt, wallet, amount }, at)
}

/// What is still to go back, the oldest first.
pub(super) fn oldest(sql: &dyn Sql, pattern: &str, most: u32) -> Result<Vec<GiveBack>, GroupError> {
    let statement = format!("{GIVE_BACK} AND g.number LIKE ?1 ORDER BY g.since, g.number LIMIT ?2");
    all(sql, &statement, &params![pattern, most], give_back_row)
}

fn find(sql: &dyn Sql, number: OrderNumber, attempt: Attempt) -> Result<Option<GiveBack>, GroupError> {
    let statement = format!("{GIVE_BACK} AND g.number = ?1 AND g.attempt = ?2");
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
            let statement = format!(
                "{GIVE_BACK} AND g.wallet = ?1 AND p.account = ?6 AND (g.next_at <= ?2 OR g.next_at > ?3) \
                 AND (g.lease_until IS NULL OR g.lease_until <= ?2 OR g.lease_until > ?3) \
                 AND g.number LIKE ?5 ORDER BY g.next_at LIMIT ?4"
            );
            let far = now.plus(IMPLAUSIBLE).0;
            let parameters = params![wallet.code(), now.0, far, with_spare(most), pattern, account.get()];
            readable(sql, &statement, &parameters, most, give_back_row)
        })
    }

    fn lease_give_back(&self, give_back: GiveBack, lease: Lease) -> Reply<Option<GiveBack>> {
        self.write(give_back.number, move |books| {
            lock(books.sql, give_back.number)?;
            let rows = books.sql.execute(
                "UPDATE give_backs SET lease_owner = ?4, lease_until = ?5, version = version + 1 \
                 WHERE number = ?1 AND attempt = ?2 AND version = ?3 AND state = 'open' \
                 AND (lease_until IS NULL OR lease_until <= ?6 OR lease_until > ?7)",
                &params![
                    give_back.number.as_str(),
                    give_back.attempt,
                    give_back.version,
                    lease.owner,
                    lease.until.0,
                    lease.now.0,
                    lease.now.plus(IMPLAUSIBLE).0,
                ],
            )?;
            if rows == 1 { find(books.sql, give_back.number, give_back.attempt) } else { Ok(None) }
        })
    }

    fn record_give_back(&self, news: GiveBackNews) -> Reply<()> {
        self.write(news.number, move |books| {
            lock(books.sql, news.number)?;
            match find(books.sql, news.number, news.attempt)? {
                Some(open) => record(books, &open, news),
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

fn record(books: &Books<'_>, open: &GiveBack, news: GiveBackNews) -> Result<(), GroupError> {
    let (state, words) = match &news.event {
        GiveBackEvent::Done => ("done", None),
        GiveBackEvent::NothingTaken => ("nothing_taken", None),
        GiveBackEvent::NotYet(words) => ("open", words.clone().or_else(|| open.words.clone())),
    };
    books.note(open.number, news.at);
    books.sql.execute(
        "UPDATE give_backs SET state = ?3, next_at = ?4, words = ?5, tries = tries + 1, \
         lease_owner = NULL, lease_until = NULL, version = version + 1 WHERE number = ?1 AND attempt = ?2",
        &params![open.number.as_str(), open.attempt, state, news.next_at.0, words],
    )?;
    let (attempt, refund, amount) = (open.attempt, open.refund(), open.amount);
    if state != "open" {
        post(books, open.number, &Entry::Back { attempt, wallet: open.wallet, amount }, news.at)?;
    }
    let fact = match news.event {
        GiveBackEvent::Done => Fact::GivenBack { attempt, refund, amount },
        GiveBackEvent::NothingTaken => Fact::NothingToGiveBack { attempt },
        GiveBackEvent::NotYet(Some(message)) if open.words.as_ref() != Some(&message) => {
            tracing::error!(number = %open.number, attempt, message,
                "a wallet does not take back what it should not have: tried again, and to be looked at");
            Fact::NotGivenBack { attempt, message }
        }
        GiveBackEvent::NotYet(_) => return Ok(()),
    };
    books.tell(open.number, news.at, &fact)
}
