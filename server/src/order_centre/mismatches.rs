//! Orders' stories say so where a wallet's answer was about something else than was asked.

use super::OrderCentre;
use crate::channel::mismatch::Mismatch;
use crate::order_group::{Fact, GroupError};

impl OrderCentre {
    /// Tells what no story tells yet. What cannot be told now is told another time, while this server lives: the figure and the
    /// log have it already.
    pub(super) async fn tell_of_mismatches(&self) {
        for (_, lane) in self.all_lanes() {
            let channel = lane.channel();
            let Some(heard) = channel.mismatches() else { continue };
            for one in heard.untold() {
                if let Err(error) = self.tell_of_mismatch(&one).await {
                    tracing::warn!(number = %one.payment, %error, "an order's story does not say yet what a wallet answered");
                    heard.not_told(one);
                }
            }
        }
    }

    async fn tell_of_mismatch(&self, one: &Mismatch) -> Result<(), GroupError> {
        let Some(record) = self.0.groups.payment_of(&one.payment).await? else { return Ok(()) };
        let (attempt, call, field) = (record.payment.attempt, one.call.clone(), one.field.to_owned());
        let fact = Fact::OtherThanAsked { attempt, call, field };
        self.0.groups.tell_once(record.number, fact, one.at).await
    }
}
