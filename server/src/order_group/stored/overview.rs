//! A day's totals, and what is not settled.

use super::super::overview::{DayTotals, Overview, TenderTotal, Unsettled};
use super::super::{GroupError, Reply};
use super::StoredGroup;
use super::give_backs::as_refunds;
use super::rows::{PAYMENT, REFUND, all, parsed, payment_row, refund_row};
use crate::database::Row;
use crate::params;
use evertill_shared::business_day::BusinessDay;

/// Of an order that a wallet paid, the paid attempt names the wallet; one that took money beside cash does not.
const TOTALS: &str = "SELECT coalesce(p.wallet, '') AS wallet, o.quarantined, count(*) AS orders, \
     CAST(sum(o.paid_minor) AS BIGINT) AS paid, CAST(sum(o.held_minor) AS BIGINT) AS held, \
     CAST(sum((SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r \
          WHERE r.number = o.number AND r.state = 'done')) AS BIGINT) AS refunded \
     FROM orders o LEFT JOIN payments p \
          ON p.number = o.number AND p.state = 'paid' AND o.paid_by LIKE '{\"by\":\"wallet\"%' \
     WHERE o.business_day = ?1 AND o.state = 'paid' AND o.number LIKE ?2 GROUP BY 1, 2";

/// A tender's total, and whether it is of orders in quarantine.
fn total_row(row: &Row) -> Result<(TenderTotal, bool), GroupError> {
    let wallet: String = row.get("wallet")?;
    let wallet = if wallet.is_empty() { None } else { Some(parsed(&wallet)?) };
    let total = TenderTotal {
        wallet,
        orders: row.get("orders")?,
        paid_minor: row.get("paid")?,
        refunded_minor: row.get("refunded")?,
        held_minor: row.get("held")?,
    };
    Ok((total, row.get("quarantined")?))
}

impl Overview for StoredGroup {
    fn day_totals(&self, day: BusinessDay) -> Reply<DayTotals> {
        let pattern = self.pattern();
        self.read(move |sql| {
            let mut totals = DayTotals::default();
            for (tender, quarantined) in all(sql, TOTALS, &params![day.to_string(), pattern], total_row)? {
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
        let pattern = self.pattern();
        self.read(move |sql| {
            let payments = format!(
                "SELECT {PAYMENT} FROM payments WHERE state IN ('sent', 'waiting', 'unknown', 'reversing') \
                 AND number LIKE ?1 ORDER BY sent_at LIMIT ?2"
            );
            let refunds = format!(
                "{REFUND} WHERE r.state IN ('reserved', 'sent', 'unknown') AND r.number LIKE ?1 \
                 ORDER BY r.requested_at, r.id LIMIT ?2"
            );
            let mut to_go_back = as_refunds(sql, &pattern, most)?;
            to_go_back.extend(all(sql, &refunds, &params![&pattern, most], refund_row)?);
            Ok(Unsettled {
                payments: all(sql, &payments, &params![&pattern, most], payment_row)?,
                refunds: to_go_back,
                ..Unsettled::default()
            })
        })
    }
}
