//! Bugs of sales that are paid in parts.

use super::{BentChannel, Mutation};
use evertill_server::database::{DbError, Sql, Value};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use rusqlite::OptionalExtension as _;

/// Whether an order was paid by a wallet, and by less than its total.
const IN_PARTS: &str = "SELECT 1 FROM orders o JOIN payments p ON p.number = o.number \
     WHERE o.number = ?1 AND p.state = 'paid' AND p.amount_minor < o.total_minor";

/// Writes a refund down as one in cash, if the order was paid in parts.
pub(super) fn refund_in_cash(
    honest: &dyn Sql,
    statement: &str,
    parameters: &[Value<'_>],
) -> Result<u64, DbError> {
    let mut parameters: Vec<Value<'_>> = parameters.iter().map(|value| value.clone().into_owned()).collect();
    let split = !honest.rows(IN_PARTS, parameters.get(1..2).unwrap_or_default())?.is_empty();
    if let (true, Some(wallet)) = (split, parameters.get_mut(4)) {
        if *wallet != Value::Null {
            Mutation::RefundsPartsInCash.fires(0);
        }
        *wallet = Value::Null;
    }
    honest.execute(statement, &parameters)
}

impl BentChannel {
    /// What the wallet is asked for: with that bug all that the sale costs, whatever is in the drawer.
    pub(super) fn in_full(&self, number: &ChannelNumber, amount: Amount) -> Amount {
        const TOTAL: &str = "SELECT o.total_minor FROM orders o JOIN payments p ON p.number = o.number \
             WHERE p.channel_number = ?1";
        if self.mutation != Mutation::ChargesTheRestInFull {
            return amount;
        }
        let total_in = |connection: &rusqlite::Connection| -> Option<i64> {
            connection.query_row(TOTAL, [number.as_str()], |row| row.get(0)).optional().ok().flatten()
        };
        let total = self.groups.iter().find_map(|group| group.look(total_in)).unwrap_or(amount.minor);
        if total != amount.minor {
            self.mutation.fires(0);
        }
        Amount::new(total, amount.currency)
    }
}
