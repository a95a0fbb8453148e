//! The till's journal: a hash chain of signed entries (rules *chain*, *nothing-lost*).
//!
//! An entry is the exact JSON text that the till wrote; its hash covers that text, which names the hash of
//! the entry before it; its signature covers the hash. Nobody re-serialises an entry: bytes are kept.

mod chain;
pub use chain::{Chain, ChainError, Head};

use crate::cashier::Cashier;
use crate::clock::Timestamp;
use crate::id::{Attempt, ChannelNumber, KeyEpoch, RefundId, SaleKey, TerminalId};
use crate::money::Amount;
use crate::order::Sale;
use crate::order_number::OrderNumber;
use crate::payment::DeclineReason;
use crate::shift::Closing;
use crate::signing::{SigningKey, VerifyingKey};
use crate::wallet::Wallet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 hash of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryHash(pub [u8; 32]);

impl EntryHash {
    /// What the first entry names as the one before it.
    pub const NONE: Self = Self([0; 32]);
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntryHash {
    type Err = EntryError;
    fn from_str(text: &str) -> Result<Self, EntryError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| EntryError::Unreadable("hash".into()))?;
        Ok(Self(bytes))
    }
}

impl Serialize for EntryHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for EntryHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Whose journal.
    pub terminal: TerminalId,
    /// Under which key of that till.
    pub epoch: KeyEpoch,
    /// 1 for the first entry of an epoch, then one more each time.
    pub sequence: u64,
    /// The hash of the entry before; [`EntryHash::NONE`] for the first of an epoch.
    pub previous: EntryHash,
    /// The till's clock when it was written (a claim).
    pub at: Timestamp,
    /// What happened.
    pub body: Body,
}

impl Entry {
    /// The name of the sale that this entry opens, if it opens one.
    #[must_use]
    pub fn key(&self) -> SaleKey {
        SaleKey { terminal: self.terminal, epoch: self.epoch, sequence: self.sequence }
    }
}

/// What an entry records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Body {
    /// The first entry of a key epoch.
    Opened {
        /// The public half of the key that signs from here on.
        public_key: VerifyingKey,
    },
    /// A sale, closed for payment. This entry's sequence is the sale's.
    Sale(Sale),
    /// The till chose this order number, and no other, for that sale (rule *one-charge*).
    Adopted {
        /// The sequence of the sale's entry.
        sale: u64,
        /// The number chosen.
        number: OrderNumber,
    },
    /// Cash was taken for a sale: it is paid.
    CashTaken {
        /// The sequence of the sale's entry.
        sale: u64,
        /// What the customer handed over.
        given: Amount,
        /// What goes back.
        change: Amount,
    },
    /// The server is about to be asked to charge (rule *intent-first*, the till's half).
    PaymentRequested {
        /// The sequence of the sale's entry.
        sale: u64,
        /// The order to be paid.
        number: OrderNumber,
        /// Which try.
        attempt: Attempt,
        /// Whose code was scanned, or is shown.
        wallet: Wallet,
        /// The number that the wallet will see.
        channel_number: ChannelNumber,
        /// What is asked for.
        amount: Amount,
    },
    /// A part of a sale is taken in cash; the rest is to be paid otherwise. It is in the drawer from here on, and there is
    /// one at a time.
    CashPart {
        /// The sequence of the sale's entry.
        sale: u64,
        /// How much of the total: what the customer gave less what went back.
        amount: Amount,
        /// Who took it; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
    },
    /// The cash part of a sale that is not paid goes back to the customer, all of it.
    CashPartBack {
        /// The sequence of the sale's entry.
        sale: u64,
        /// How much.
        amount: Amount,
        /// The sale had been left before, and others may have been served: whoever pays it out needs the right to take money
        /// out of the drawer. Otherwise the customer of the sale in hand stands there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        later: bool,
        /// Who gave it back; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who gave it back may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// Nobody came for the cash part of a sale that was left and is not paid: it stays in the drawer, no longer for that sale
    /// but as money that was put in without one, and the sale is given up. Whoever says so needs the right to move money
    /// without a sale.
    CashPartKept {
        /// The sequence of the sale's entry.
        sale: u64,
        /// How much.
        amount: Amount,
        /// Who said so; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who said so may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// As [`Body::PaymentRequested`], for what is left to pay of a sale of which a part was taken in cash. Both together
    /// are the sale's total.
    RestRequested {
        /// The sequence of the sale's entry.
        sale: u64,
        /// The order to be paid.
        number: OrderNumber,
        /// Which try.
        attempt: Attempt,
        /// Whose code was scanned, or is shown.
        wallet: Wallet,
        /// The number that the wallet will see.
        channel_number: ChannelNumber,
        /// What is asked for.
        amount: Amount,
        /// What is in the drawer for this sale already.
        cash: Amount,
    },
    /// As [`Body::CashTaken`], for what was left to pay of a sale of which a part had been taken in cash: it is paid.
    CashRest {
        /// The sequence of the sale's entry.
        sale: u64,
        /// What the customer handed over now.
        given: Amount,
        /// What goes back.
        change: Amount,
        /// What was in the drawer for this sale already.
        part: Amount,
    },
    /// An attempt is settled.
    PaymentSettled {
        /// The sequence of the sale's entry.
        sale: u64,
        /// Which try.
        attempt: Attempt,
        /// How.
        outcome: Settled,
    },
    /// A sale was given up before it was paid.
    SaleVoided {
        /// The sequence of the sale's entry.
        sale: u64,
    },
    /// A sale that was closed for payment and not paid becomes another: its goods changed, it was parked, or another
    /// person takes the money. It is never charged under this name, and counts as no void.
    SaleChanged {
        /// The sequence of the sale's entry.
        sale: u64,
    },
    /// Goods that were never closed for payment were given up.
    CartVoided {
        /// How many lines there were, with those taken out before.
        lines: u32,
        /// What they would have cost.
        total: Amount,
        /// Who gave them up; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
    },
    /// The till carries out a refund that a manager asked for.
    RefundCarriedOut {
        /// Which refund.
        refund: RefundId,
        /// Of which order.
        number: OrderNumber,
        /// How much.
        amount: Amount,
        /// Who carries it out; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
    },
    /// As [`Body::RefundCarriedOut`], for what goes back in cash of an order of which this journal does not say that all of it
    /// was paid in cash: it was paid in parts, or its sale stands in an earlier journal.
    CashRefund {
        /// Which refund.
        refund: RefundId,
        /// Of which order.
        number: OrderNumber,
        /// How much.
        amount: Amount,
        /// Who carries it out; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
    },
    /// The refund's end.
    RefundSettled {
        /// Which refund.
        refund: RefundId,
        /// How it ended.
        outcome: RefundSettled,
    },
    /// The drawer is opened without a sale. It opens once for this entry, after it is on the disk.
    DrawerOpened {
        /// What for.
        reason: DrawerReason,
        /// Who opened it; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who opened it may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// A shift begins with this in the drawer.
    ShiftOpened {
        /// What was counted into the drawer.
        float: Amount,
        /// Who opened it; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who opened it may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// Money is put into the drawer without a sale.
    CashPaidIn {
        /// How much.
        amount: Amount,
        /// What for.
        reason: CashReason,
        /// Who did it; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who did it may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// Money is taken out of the drawer without a sale.
    CashPaidOut {
        /// How much.
        amount: Amount,
        /// What for.
        reason: CashReason,
        /// Who did it; nobody at a till where nobody logs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
        /// Who approved it, if who did it may not by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Cashier>,
    },
    /// The drawer was counted, and the shift ends.
    ShiftClosed(Box<Closing>),
}

/// Why money is put into the drawer, or taken out, without a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashReason {
    /// Change from the safe or the bank, or notes brought there.
    Safe,
    /// Something that was bought for the store.
    Expense,
    /// A supplier who is paid in cash.
    Supplier,
    /// An earlier mistake is put right.
    Correction,
    /// Something else.
    Other,
}

/// Why the drawer is opened without a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawerReason {
    /// Somebody wants other notes or coins for theirs.
    ChangeMoney,
    /// The drawer closed before the change was given, or was wrong.
    WrongChange,
    /// To look whether the money is right.
    Check,
    /// To count it, at the end of a shift.
    Count,
    /// It did not open for the sale before this entry, or may not have.
    DidNotOpen,
    /// Something else.
    Other,
}

/// How a payment attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", deny_unknown_fields)]
pub enum Settled {
    /// The money is there.
    Paid {
        /// The wallet's number of the transaction.
        transaction: String,
    },
    /// The wallet surely refused.
    Declined {
        /// Why.
        reason: DeclineReason,
    },
    /// It was uncertain and has surely been taken back.
    Reversed,
}

/// How a refund ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundSettled {
    /// The customer has the money, or the wallet has accepted to return it.
    Done,
    /// Surely not done; what was reserved is free again.
    Refused,
}

/// What is wrong with an entry by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the JSON of an entry.
    #[error("the entry cannot be read: {0}")]
    Unreadable(String),
    /// The signature is not that key's over that text.
    #[error("the signature does not fit the entry")]
    BadSignature,
}

/// An entry as it was written, and its signature. What is inside is not to be believed before
/// [`SignedEntry::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedEntry {
    /// The exact JSON text of the [`Entry`].
    pub text: String,
    /// Base64 of the Ed25519 signature over the entry's hash.
    pub signature: String,
}

const HASH_DOMAIN: &[u8] = b"evertill-journal-v1\n";

impl SignedEntry {
    /// Writes and signs an entry.
    /// # Errors
    /// The entry cannot be written as JSON.
    pub fn sign(entry: &Entry, key: &SigningKey) -> Result<Self, EntryError> {
        let text = serde_json::to_string(entry).map_err(|e| EntryError::Unreadable(e.to_string()))?;
        let signature = BASE64.encode(key.sign(&hash_text(&text).0));
        Ok(Self { text, signature })
    }

    /// The hash that the next entry names.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        hash_text(&self.text)
    }

    /// Reads the entry without believing it: to learn whose key to look for.
    /// # Errors
    /// Not an entry.
    pub fn read_unverified(&self) -> Result<Entry, EntryError> {
        serde_json::from_str(&self.text).map_err(|e| EntryError::Unreadable(e.to_string()))
    }

    /// The entry, if that key signed it.
    /// # Errors
    /// Not an entry, or not signed by that key.
    pub fn verify(&self, key: &VerifyingKey) -> Result<Entry, EntryError> {
        let signature = BASE64.decode(&self.signature).map_err(|_| EntryError::BadSignature)?;
        key.verify(&self.hash().0, &signature).map_err(|_| EntryError::BadSignature)?;
        self.read_unverified()
    }
}

fn hash_text(text: &str) -> EntryHash {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(HASH_DOMAIN);
    context.update(text.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    EntryHash(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tills wrote them before sales named a cashier.
    const BEFORE: [&str; 4] = [
        r#"{"terminal":1,"epoch":1,"sequence":2,"previous":"0000000000000000000000000000000000000000000000000000000000000000","at":7,"body":{"kind":"sale","store":7,"at":7,"lines":[],"total":{"minor":100,"currency":"CNY"},"tax":{"minor":12,"currency":"CNY"}}}"#,
        r#"{"terminal":1,"epoch":1,"sequence":3,"previous":"0000000000000000000000000000000000000000000000000000000000000000","at":7,"body":{"kind":"refund_carried_out","refund":"R1","number":"NUMBER","amount":{"minor":100,"currency":"CNY"}}}"#,
        r#"{"terminal":1,"epoch":1,"sequence":4,"previous":"0000000000000000000000000000000000000000000000000000000000000000","at":7,"body":{"kind":"cash_part","sale":2,"amount":{"minor":40,"currency":"CNY"}}}"#,
        r#"{"terminal":1,"epoch":1,"sequence":5,"previous":"0000000000000000000000000000000000000000000000000000000000000000","at":7,"body":{"kind":"cash_part_back","sale":2,"amount":{"minor":40,"currency":"CNY"}}}"#,
    ];

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32], "t".into()).unwrap()
    }

    fn number() -> OrderNumber {
        OrderNumber::new(Timestamp(1_795_183_387_123), 48_151, 7.try_into().unwrap()).unwrap()
    }

    fn signed(text: &str) -> SignedEntry {
        let signature = BASE64.encode(key().sign(&hash_text(text).0));
        SignedEntry { text: text.into(), signature }
    }

    #[test]
    fn entries_from_before_there_were_cashiers_verify_and_are_written_as_they_were() {
        for text in BEFORE.map(|text| text.replace("NUMBER", number().as_str())) {
            let signed = signed(&text);
            let entry = signed.verify(&key().public()).unwrap();
            match &entry.body {
                Body::Sale(sale) => assert_eq!(sale.cashier, None),
                Body::RefundCarriedOut { cashier, .. } | Body::CashPart { cashier, .. } => {
                    assert_eq!(*cashier, None);
                }
                Body::CashPartBack { later, cashier, approved_by, .. } => {
                    assert_eq!((*later, cashier, approved_by), (false, &None, &None));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(SignedEntry::sign(&entry, &key()).unwrap(), signed, "nothing is added to them");
        }
    }

    #[test]
    fn the_cashier_is_part_of_what_is_signed() {
        let cashier = Cashier { login: "mei".into(), name: "Mei".into() };
        let entry = signed(BEFORE[0]).read_unverified().unwrap();
        let Body::Sale(sale) = entry.body.clone() else { panic!() };
        let entry = Entry { body: Body::Sale(sale.served_by(Some(cashier.clone()))), ..entry };
        let mut signed = SignedEntry::sign(&entry, &key()).unwrap();
        assert_eq!(signed.verify(&key().public()).unwrap(), entry);
        signed.text = signed.text.replace(r#""name":"Mei""#, r#""name":"Bo""#);
        assert_eq!(signed.verify(&key().public()), Err(EntryError::BadSignature));
    }
}
