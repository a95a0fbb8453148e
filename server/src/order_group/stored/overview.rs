//! What is not settled.

use super::super::Reply;
use super::super::overview::{GivenBack, Overview, Unsettled};
use super::StoredGroup;
use super::give_backs;
use super::given_back;
use super::rows::{PAYMENT, REFUND, payment_row, readable, refund_row, with_spare};
use crate::params;

impl Overview for StoredGroup {
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
            Ok(Unsettled {
                payments: readable(sql, &payments, &params![&pattern, with_spare(most)], most, payment_row)?,
                refunds: readable(sql, &refunds, &params![&pattern, with_spare(most)], most, refund_row)?,
                give_backs: give_backs::oldest(sql, &pattern, most)?,
                ..Unsettled::default()
            })
        })
    }

    fn given_back(&self, most: u32) -> Reply<Vec<GivenBack>> {
        let pattern = self.pattern();
        self.read(move |sql| given_back::newest(sql, &pattern, most))
    }
}
