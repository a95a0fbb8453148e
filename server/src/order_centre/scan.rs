//! Looking for money that was taken although nobody needs it and that does not go back: part after part of each
//! group's orders of the last days, round and round.

use super::OrderCentre;
use crate::order_group::GroupError;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::time::Duration;

/// How far back a scan begins: for so long a wallet's bill is compared, too.
const SCANNED: Duration = Duration::from_secs(3 * 24 * 3600);
/// How many successes are looked at at a time.
const PART: u32 = 2_000;

/// How far a group has been looked through.
#[derive(Debug, Default)]
pub(super) struct Scan {
    after: Option<OrderNumber>,
    next: Duration,
}

impl OrderCentre {
    /// Looks at the next part, if it is time to.
    pub(super) async fn scan_on(&self, tag: GroupTag, scan: &mut Scan) -> Result<(), GroupError> {
        let now = self.0.clock.monotonic();
        if now < scan.next {
            return Ok(());
        }
        scan.next = now + self.0.settings.scan_every;
        let after = scan.after.or_else(|| first_number(self.now().minus(SCANNED), tag));
        scan.after = self.scan(tag, after).await?;
        Ok(())
    }

    /// Looks at the next part of a group; gives where to go on, and nothing at the end.
    /// # Errors
    /// The group cannot be read.
    pub async fn scan(
        &self,
        tag: GroupTag,
        after: Option<OrderNumber>,
    ) -> Result<Option<OrderNumber>, GroupError> {
        let after = after.as_ref().map_or("", OrderNumber::as_str);
        let scanned = self.0.groups.scan(tag, after, PART).await?;
        for number in scanned.found {
            match self.0.groups.owe_surplus(number).await {
                Ok(forgotten) => {
                    metrics::counter!("evertill_surplus_found_total").increment(forgotten.len() as u64);
                }
                Err(error) => tracing::warn!(%number, %error, "what is too much is looked at again later"),
            }
        }
        Ok(scanned.last)
    }
}

/// No order from that time on has a smaller number.
fn first_number(at: Timestamp, tag: GroupTag) -> Option<OrderNumber> {
    OrderNumber::new(at, 0, tag).ok()
}
