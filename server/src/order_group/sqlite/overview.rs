//! A day's totals, and what is not settled.

use super::super::overview::{DayTotals, Overview, TenderTotal, Unsettled};
use super::super::{GroupError, Reply};
use super::SqliteGroup;
use super::give_backs::as_refunds;
use super::rows::{PAYMENT, REFUND, all, parsed, payment_row, refund_row, unsigned};
use evertill_shared::business_day::BusinessDay;
use rusqlite::Row;

const TOTALS: &str = "SELECT coalesce(o.paid_by ->> '$.wallet', '') AS wallet, o.quarantined, count(*) AS orders, \
     sum(o.paid_minor) AS paid, sum(o.held_minor) AS held, \
     sum((SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r \
          WHERE r.number = o.number AND r.state = 'done')) AS refunded \
     FROM orders o WHERE o.business_day = ?1 AND o.state = 'paid' GROUP BY 1, 2";

/// A tender's total, and whether it is of orders in quarantine.
fn total_row(row: &Row<'_>) -> Result<(TenderTotal, bool), GroupError> {
    let wallet: String = row.get("wallet")?;
    let wallet = if wallet.is_empty() { None } else { Some(parsed(&wallet)?) };
    let total = TenderTotal {
        wallet,
        orders: unsigned(row.get("orders")?)?,
        paid_minor: row.get("paid")?,
        refunded_minor: row.get("refunded")?,
        held_minor: row.get("held")?,
    };
    Ok((total, row.get("quarantined")?))
}

impl Overview for SqliteGroup {
    fn day_totals(&self, day: BusinessDay) -> Reply<DayTotals> {
        self.read(move |connection| {
            let mut totals = DayTotals::default();
            for (tender, quarantined) in all(connection, TOTALS, [day.to_string()], total_row)? {
                if quarantined {
                    totals.quarantined += tender.orders;
                } else {
                    totals.tenders.push(tender);
                }
            }
            Ok(totals)
        })
    }

    fn unsettled(&self, most: u32) -> Reply<Unsettled> {
        self.read(move |connection| {
            let payments = format!(
                "SELECT {PAYMENT} FROM payments \
                 WHERE state IN ('sent', 'waiting', 'unknown', 'reversing') ORDER BY sent_at LIMIT ?1"
            );
            let refunds = format!(
                "{REFUND} WHERE r.state IN ('reserved', 'sent', 'unknown') ORDER BY r.requested_at, r.id LIMIT ?1"
            );
            let mut to_go_back = as_refunds(connection, most)?;
            to_go_back.extend(all(connection, &refunds, [most], refund_row)?);
            Ok(Unsettled {
                payments: all(connection, &payments, [most], payment_row)?,
                refunds: to_go_back,
                ..Unsettled::default()
            })
        })
    }
}
