//! What people look for: the sales of a day, its totals, and how far all of it is complete.

use super::build::{self, Feed};
use super::rows::{SALE, sale_row, with_refunds};
use super::{MerchantView, ViewError};
use crate::database::{DbError, Row, Sql, Value};
use crate::order_group::OrderSummary;
use crate::order_group::lists::Standing;
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::wallet::Wallet;

/// From one value to another, both included; either end may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<T> {
    /// The least.
    pub from: Option<T>,
    /// The most.
    pub to: Option<T>,
}

impl<T> Default for Span<T> {
    fn default() -> Self {
        Self { from: None, to: None }
    }
}

/// Which sales to list. All conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleFilter {
    /// Of which business day.
    pub day: BusinessDay,
    /// Whose number contains these digits; anything but digits is passed over.
    pub number_part: Option<String>,
    /// Of which till.
    pub terminal: Option<TerminalId>,
    /// Served by the person of this login; an empty one means nobody in particular.
    pub cashier: Option<String>,
    /// Of which total, in minor units.
    pub total_minor: Span<i64>,
    /// Created when.
    pub created: Span<Timestamp>,
    /// With one of these: a code of goods, a number of a wallet, or one that we gave a wallet. None means any.
    pub codes: Vec<String>,
    /// Only those that stand so.
    pub standing: Option<Standing>,
    /// Only those older than this one: the next part of a long list.
    pub before: Option<OrderNumber>,
    /// The most to list; newest first.
    pub most: u32,
}

impl SaleFilter {
    /// All sales of a day, the newest 200.
    #[must_use]
    pub fn of_day(day: BusinessDay) -> Self {
        Self {
            day,
            number_part: None,
            terminal: None,
            cashier: None,
            total_minor: Span::default(),
            created: Span::default(),
            codes: Vec::new(),
            standing: None,
            before: None,
            most: 200,
        }
    }
}

/// Sales, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaleList {
    /// As they stood when they were copied.
    pub sales: Vec<OrderSummary>,
    /// There are more than were asked for.
    pub more: bool,
}

/// How far a group's sales are in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Which group.
    pub tag: GroupTag,
    /// Nothing that was committed before this time is missing; nothing is said if older ones are still coming.
    pub complete_until: Option<Timestamp>,
    /// Whether the sales from before the view was made, or moved, are all in.
    pub filled: bool,
}

/// What a day came to with one cashier, in minor units of the store's currency. What was refunded counts with whoever
/// sold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashierTotal {
    /// The login; empty for what nobody in particular sold.
    pub login: String,
    /// The name, as it was on the last sale.
    pub name: String,
    /// Paid orders that count as sales.
    pub orders: u64,
    /// What was paid.
    pub paid_minor: i64,
    /// How much of it in cash.
    pub cash_minor: i64,
    /// What surely went back.
    pub refunded_minor: i64,
}

/// What a day came to with one tender, in minor units of the store's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenderTotal {
    /// The wallet; `None` for cash.
    pub wallet: Option<Wallet>,
    /// Paid orders that count as sales.
    pub orders: u64,
    /// What was paid.
    pub paid_minor: i64,
    /// What surely went back.
    pub refunded_minor: i64,
    /// What refunds hold that are reserved, under way or done.
    pub held_minor: i64,
}

/// What a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// By tender; cash first. Tenders that nobody used are not there.
    pub tenders: Vec<TenderTotal>,
    /// Paid orders that came from blocked tills: not in the totals.
    pub quarantined: u64,
}

/// A list and totals as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The list.
    pub list: SaleList,
    /// What the day came to.
    pub totals: DayTotals,
    /// What it came to by cashier, by login; first what nobody in particular sold.
    pub cashiers: Vec<CashierTotal>,
    /// How far each group's sales are in.
    pub reach: Vec<Reach>,
}

impl Page {
    /// Nothing that any of these groups committed before this time is missing. Nothing if one's sales are still
    /// coming in for the first time.
    #[must_use]
    pub fn complete_until(&self, tags: &[GroupTag]) -> Option<Timestamp> {
        let until = |tag: &GroupTag| {
            let reach = self.reach.iter().find(|reach| reach.tag == *tag)?;
            reach.complete_until.filter(|_| reach.filled)
        };
        tags.iter().map(until).collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}

impl MerchantView {
    /// A list, if one is wanted, with the totals of the day and how far all of it is complete.
    /// # Errors
    /// [`ViewError`].
    pub async fn page(&self, day: BusinessDay, filter: Option<SaleFilter>) -> Result<Page, ViewError> {
        let page = self.read(move |sql| -> Result<Page, ViewError> {
            let live = build::look(sql)?.live;
            Ok(Page {
                list: filter.map(|filter| list(sql, live, &filter)).transpose()?.unwrap_or_default(),
                totals: totals(sql, live, day)?,
                cashiers: cashiers(sql, live, day)?,
                reach: build::feeds(sql, live)?.iter().map(reach).collect(),
            })
        });
        page.await
    }

    /// The orders that were paid, or tried to be, under a wallet's number or the one that we gave it, of any day.
    /// # Errors
    /// [`ViewError`].
    pub async fn by_wallet_number(&self, number: String) -> Result<Vec<OrderNumber>, ViewError> {
        let found = self.read(move |sql| -> Result<Vec<OrderNumber>, ViewError> {
            let live = build::look(sql)?.live;
            let statement = "SELECT number FROM attempts WHERE build = ?1 AND channel_number = ?2 \
                 UNION SELECT number FROM attempts WHERE build = ?1 AND transaction_number = ?2 ORDER BY 1";
            let rows = sql.rows(statement, &params![live, number])?;
            let read = |row: &Row| row.at::<String>(0)?.parse().map_err(DbError::nonsense);
            Ok(rows.iter().map(read).collect::<Result<_, DbError>>()?)
        });
        found.await
    }
}

fn reach(feed: &Feed) -> Reach {
    Reach { tag: feed.tag, complete_until: feed.complete_until, filled: feed.filled }
}

fn list(sql: &dyn Sql, build: i64, filter: &SaleFilter) -> Result<SaleList, DbError> {
    let (statement, parameters) = listing(build, filter);
    let rows = sql.rows(&statement, &parameters)?;
    let mut sales = rows.iter().map(sale_row).collect::<Result<Vec<_>, _>>()?;
    let most = usize::try_from(filter.most).unwrap_or(usize::MAX);
    let more = sales.len() > most;
    sales.truncate(most);
    with_refunds(sql, build, &mut sales)?;
    Ok(SaleList { sales: sales.into_iter().map(|copy| copy.order).collect(), more })
}

/// The statement for a list, and its parameters. Only what is asked for stands in it.
fn listing(build: i64, filter: &SaleFilter) -> (String, Vec<Value<'static>>) {
    let mut parameters: Vec<Value<'static>> = vec![build.into(), filter.day.to_string().into()];
    let mut conditions = String::from("build = ?1 AND business_day = ?2");
    let mut also = |condition: &str, value: Value<'static>| {
        parameters.push(value);
        conditions.push_str(&format!(" AND {}", condition.replace('?', &format!("?{}", parameters.len()))));
    };
    let digits: String =
        filter.number_part.iter().flat_map(|t| t.chars()).filter(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        also("number LIKE ?", format!("%{digits}%").into());
    }
    if let Some(terminal) = filter.terminal {
        also("terminal = ?", terminal.get().into());
    }
    if let Some(cashier) = &filter.cashier {
        also("cashier = ?", cashier.clone().into());
    }
    let spans = [
        ("total_minor >= ?", filter.total_minor.from),
        ("total_minor <= ?", filter.total_minor.to),
        ("created_at >= ?", filter.created.from.map(|at| at.0)),
        ("created_at <= ?", filter.created.to.map(|at| at.0)),
    ];
    for (condition, value) in spans {
        value.into_iter().for_each(|value| also(condition, value.into()));
    }
    if let Some(before) = filter.before {
        also("number < ?", before.to_string().into());
    }
    if let Some(standing) = filter.standing {
        conditions.push_str(" AND ");
        conditions.push_str(standing.condition());
    }
    if !filter.codes.is_empty() {
        conditions.push_str(&with_code(&filter.codes, &mut parameters));
    }
    parameters.push(filter.most.saturating_add(1).into());
    let most = parameters.len();
    (format!("SELECT {SALE} FROM sales WHERE {conditions} ORDER BY number DESC LIMIT ?{most}"), parameters)
}

/// The most codes that are looked for at once.
const MOST_CODES: usize = 20;

fn with_code(codes: &[String], parameters: &mut Vec<Value<'static>>) -> String {
    let first = parameters.len() + 1;
    parameters.extend(codes.iter().take(MOST_CODES).map(|code| Value::from(code.clone())));
    let places: Vec<String> = (first..=parameters.len()).map(|n| format!("?{n}")).collect();
    let places = places.join(", ");
    format!(
        " AND (EXISTS (SELECT 1 FROM lines l WHERE l.build = ?1 AND l.number = sales.number \
         AND l.code IN ({places})) \
         OR EXISTS (SELECT 1 FROM attempts a WHERE a.build = ?1 AND a.number = sales.number \
         AND (a.channel_number IN ({places}) OR a.transaction_number IN ({places}))))"
    )
}

fn totals(sql: &dyn Sql, build: i64, day: BusinessDay) -> Result<DayTotals, DbError> {
    let statement = "SELECT tender, quarantined, CAST(sum(orders) AS BIGINT) AS orders, \
         CAST(sum(paid_minor) AS BIGINT) AS paid_minor, CAST(sum(refunded_minor) AS BIGINT) AS refunded_minor, \
         CAST(sum(held_minor) AS BIGINT) AS held_minor FROM totals \
         WHERE build = ?1 AND business_day = ?2 AND (orders > 0 OR paid_minor > 0) \
         GROUP BY tender, quarantined ORDER BY tender";
    let mut totals = DayTotals::default();
    for row in sql.rows(statement, &params![build, day.to_string()])? {
        let tender: String = row.get("tender")?;
        let wallet = Some(tender.as_str()).filter(|tender| !tender.is_empty());
        let total = TenderTotal {
            wallet: wallet.map(|code| code.parse().map_err(DbError::nonsense)).transpose()?,
            orders: row.get("orders")?,
            paid_minor: row.get("paid_minor")?,
            refunded_minor: row.get("refunded_minor")?,
            held_minor: row.get("held_minor")?,
        };
        if row.get("quarantined")? {
            totals.quarantined = totals.quarantined.saturating_add(total.orders);
        } else {
            totals.tenders.push(total);
        }
    }
    Ok(totals)
}

fn cashiers(sql: &dyn Sql, build: i64, day: BusinessDay) -> Result<Vec<CashierTotal>, DbError> {
    let statement = "SELECT t.cashier, CAST(sum(t.orders) AS BIGINT) AS orders, \
         CAST(sum(t.paid_minor) AS BIGINT) AS paid, CAST(sum(t.refunded_minor) AS BIGINT) AS refunded, \
         CAST(sum(CASE WHEN t.tender = '' THEN t.paid_minor ELSE 0 END) AS BIGINT) AS cash, \
         (SELECT s.cashier_name FROM sales s WHERE s.build = ?1 AND s.business_day = ?2 AND s.cashier = t.cashier \
          ORDER BY s.number DESC LIMIT 1) AS name \
         FROM totals t WHERE t.build = ?1 AND t.business_day = ?2 AND (t.orders > 0 OR t.paid_minor > 0) \
         AND t.quarantined = 0 \
         GROUP BY t.cashier ORDER BY t.cashier";
    let total = |row: &Row| {
        Ok(CashierTotal {
            login: row.get("cashier")?,
            name: row.get::<Option<String>>("name")?.unwrap_or_default(),
            orders: row.get("orders")?,
            paid_minor: row.get("paid")?,
            cash_minor: row.get("cash")?,
            refunded_minor: row.get("refunded")?,
        })
    };
    sql.rows(statement, &params![build, day.to_string()])?.iter().map(total).collect()
}
