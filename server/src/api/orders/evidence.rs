//! The signed journal entries inside a request: whether they are this till's, and belong together.
//!
//! The server believes no more than what the till signed, so every number in a request is held against them.

use crate::app::{App, Caller};
use crate::failure::Failure;
use crate::order_group::{Cash, KeptEntry, SaleOfTill, takes_part};
use evertill_shared::cashier::Cashier;
use evertill_shared::id::{Attempt, ChannelNumber, RefundId};
use evertill_shared::journal::{Body, Entry, SignedEntry};
use evertill_shared::money::Amount;
use evertill_shared::order::rest_after;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::signing::VerifyingKey;
use evertill_shared::wallet::Wallet;

/// The largest sequence that fits into a channel number.
const MAX_SEQUENCE: u64 = 999_999_999_999;

/// A payment that the till requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requested {
    pub entry: KeptEntry,
    pub cash_part: Option<KeptEntry>,
    pub attempt: Attempt,
    pub wallet: Wallet,
    pub channel_number: ChannelNumber,
    pub amount: Amount,
}

/// Who must have signed, and for which store.
pub(crate) struct Evidence<'a> {
    caller: &'a Caller,
    store: &'a StoreInfo,
}

impl<'a> Evidence<'a> {
    pub(crate) fn of(app: &'a App, caller: &'a Caller) -> Self {
        Self { caller, store: app.groups.store() }
    }

    #[cfg(test)]
    fn new(caller: &'a Caller, store: &'a StoreInfo) -> Self {
        Self { caller, store }
    }

    /// An entry of this till, signed by the key that signed the request.
    fn entry(&self, signed: &SignedEntry) -> Result<Entry, Failure> {
        let key: &VerifyingKey = &self.caller.key;
        let entry = signed.verify(key).map_err(|error| Failure::bad_request(error.to_string()))?;
        self.of_this_till(entry)
    }

    fn of_this_till(&self, entry: Entry) -> Result<Entry, Failure> {
        if (entry.terminal, entry.epoch) != (self.caller.terminal, self.caller.epoch) {
            return Err(Failure::bad_request("a journal entry is another till's, or of another key"));
        }
        Ok(entry)
    }

    /// The entry of a sale of this store.
    pub(crate) fn sale(&self, signed: &SignedEntry) -> Result<SaleOfTill, Failure> {
        self.sale_in(self.entry(signed)?, signed)
    }

    /// The same for a draft: everything but the entry's own signature.
    pub(crate) fn draft(&self, signed: &SignedEntry) -> Result<SaleOfTill, Failure> {
        let entry = signed.read_unverified().map_err(|error| Failure::bad_request(error.to_string()))?;
        self.sale_in(self.of_this_till(entry)?, signed)
    }

    fn sale_in(&self, entry: Entry, signed: &SignedEntry) -> Result<SaleOfTill, Failure> {
        let kept = KeptEntry::new(&entry, signed);
        let key = entry.key();
        let Body::Sale(sale) = entry.body else {
            return Err(Failure::bad_request("the entry of the sale is not that of a sale"));
        };
        sale.check().map_err(|error| Failure::bad_request(format!("the sale does not hold: {error}")))?;
        if sale.store != self.store.id || sale.total.currency != self.store.currency {
            return Err(Failure::bad_request("the sale is another store's, or in another currency"));
        }
        if key.sequence > MAX_SEQUENCE {
            return Err(Failure::bad_request("the sale's place in the journal is impossible"));
        }
        Ok(SaleOfTill { key, sale, entry: kept })
    }

    /// The entry that chooses this number for that sale.
    pub(crate) fn adopted(
        &self,
        signed: &SignedEntry,
        sale: &SaleOfTill,
        number: OrderNumber,
    ) -> Result<KeptEntry, Failure> {
        let entry = self.after(signed, sale)?;
        match &entry.body {
            Body::Adopted { sale: sequence, number: chosen }
                if *sequence == sale.key.sequence && *chosen == number =>
            {
                Ok(KeptEntry::new(&entry, signed))
            }
            _ => Err(Failure::bad_request("the entry does not choose this number for this sale")),
        }
    }

    /// The entry that says that cash was taken for that sale: its total, no more and no less, with the part that had been
    /// taken before if there was one.
    pub(crate) fn cash(
        &self,
        (signed, part): (&SignedEntry, Option<&SignedEntry>),
        sale: &SaleOfTill,
    ) -> Result<Cash, Failure> {
        let entry = self.after(signed, sale)?;
        let part = self.cash_part(part, sale, &entry)?;
        let kept = KeptEntry::new(&entry, signed);
        let total = sale.sale.total;
        let (sequence, given, change) = match entry.body {
            Body::CashTaken { sale, given, change } => (sale, Ok(given), change),
            Body::CashRest { sale, given, change, part } if rest_after(total, part).is_some() => {
                (sale, given.checked_add(part), change)
            }
            _ => return Err(Failure::bad_request("the entry does not say that cash was taken")),
        };
        let given = given.map_err(|_| Failure::bad_request("the cash taken cannot be added up"))?;
        let right = given.checked_sub(change) == Ok(total) && change.minor >= 0;
        if sequence != sale.key.sequence || !right {
            return Err(Failure::bad_request("the cash taken is not the sale's total"));
        }
        Ok(Cash { entry: kept, part, given, change })
    }

    /// The entry that takes the part in cash which that one rests on. Nobody believes a till that cash is in its drawer
    /// because it says so beside the rest: the drawer's books must have it too.
    fn cash_part(
        &self,
        signed: Option<&SignedEntry>,
        sale: &SaleOfTill,
        rests: &Entry,
    ) -> Result<Option<KeptEntry>, Failure> {
        let amount = match &rests.body {
            Body::RestRequested { cash, .. } => *cash,
            Body::CashRest { part, .. } => *part,
            _ if signed.is_none() => return Ok(None),
            _ => return Err(Failure::bad_request("a part in cash comes with an entry that rests on none")),
        };
        let signed = signed.ok_or_else(|| {
            Failure::bad_request(
                "the entry that took a part in cash is missing: the rest is not believed without it",
            )
        })?;
        let part = self.after(signed, sale)?;
        if !takes_part(&part, sale.key, amount, rests.sequence) {
            return Err(Failure::bad_request(
                "no such part of this sale was taken in cash before the rest: sale, amount or place differ",
            ));
        }
        Ok(Some(KeptEntry::new(&part, signed)))
    }

    /// The entry that requests a payment of that sale under this number, with the one that took a part in cash before if
    /// only the rest is requested.
    pub(crate) fn requested(
        &self,
        (signed, part): (&SignedEntry, Option<&SignedEntry>),
        sale: &SaleOfTill,
        order: OrderNumber,
    ) -> Result<Requested, Failure> {
        let entry = self.after(signed, sale)?;
        let cash_part = self.cash_part(part, sale, &entry)?;
        let kept = KeptEntry::new(&entry, signed);
        let due = to_be_paid(&entry.body, sale.sale.total);
        let (Body::PaymentRequested { sale: sequence, number, attempt, wallet, channel_number, amount }
        | Body::RestRequested { sale: sequence, number, attempt, wallet, channel_number, amount, .. }) =
            entry.body
        else {
            return Err(Failure::bad_request("the entry does not request a payment"));
        };
        if sequence != sale.key.sequence || number != order || attempt == 0 {
            return Err(Failure::bad_request("the payment was requested for another sale or order"));
        }
        if channel_number != ChannelNumber::new(self.store.id, sale.key, attempt) {
            return Err(Failure::bad_request(
                "the channel's number is not made from the sale and the attempt",
            ));
        }
        if Some(amount) != due {
            return Err(Failure::bad_request(
                "the amount is not the sale's total, less what was taken in cash before",
            ));
        }
        Ok(Requested { entry: kept, cash_part, attempt, wallet, channel_number, amount })
    }

    /// The entry by which the till carries a refund out; gives the amount, and who did it.
    pub(crate) fn refund(
        &self,
        signed: &SignedEntry,
        order: OrderNumber,
        id: &RefundId,
    ) -> Result<(KeptEntry, Amount, Option<Cashier>), Failure> {
        let entry = self.entry(signed)?;
        match &entry.body {
            Body::RefundCarriedOut { refund, number, amount, cashier }
            | Body::CashRefund { refund, number, amount, cashier }
                if refund == id && *number == order =>
            {
                Ok((KeptEntry::new(&entry, signed), *amount, cashier.clone()))
            }
            _ => Err(Failure::bad_request("the entry does not carry this refund out")),
        }
    }

    fn after(&self, signed: &SignedEntry, sale: &SaleOfTill) -> Result<Entry, Failure> {
        let entry = self.entry(signed)?;
        if entry.sequence <= sale.key.sequence {
            return Err(Failure::bad_request("an entry stands before the sale that it belongs to"));
        }
        Ok(entry)
    }
}

/// What a wallet is to be asked for by the entry that requests it; nothing if it requests none, or speaks of a cash part
/// that is none.
pub(crate) fn to_be_paid(requested: &Body, total: Amount) -> Option<Amount> {
    match requested {
        Body::PaymentRequested { .. } => Some(total),
        Body::RestRequested { cash, .. } => rest_after(total, *cash),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
