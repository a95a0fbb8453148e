//! A bug of refunds of what was paid in parts.

use super::Mutation;
use evertill_server::database::{DbError, Sql, Value};

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
