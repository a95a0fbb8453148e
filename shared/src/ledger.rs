//! The ledger: every fact about an order's money, once, as a debit of one account and a credit of another of the same
//! amount. It decides nothing; it is the account of what was decided, kept so that a person can prove it
//! ([`check`], rule *books-match*).
//!
//! Each entry has a name within its order, which comes from the fact: what is told twice stands there once.

pub mod drawer;

use crate::id::{AccountId, Attempt};
use crate::money::Amount;
use crate::order::PaidBy;
use crate::wallet::Wallet;
use std::collections::BTreeMap;
use std::fmt;

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What was sold.
    Sales,
    /// What was given back of it.
    Refunds,
    /// Cash in drawers.
    Drawer,
    /// What a wallet has to pay out to the store.
    Receivable(Wallet),
    /// Money that came though no sale needed it: it is somebody else's.
    OverShort,
}

impl Account {
    /// Every account there is.
    pub const ALL: [Self; 4 + Wallet::ALL.len()] = {
        let mut all = [Self::Sales; 4 + Wallet::ALL.len()];
        (all[1], all[2]) = (Self::Refunds, Self::Drawer);
        let mut place = 0;
        while place < Wallet::ALL.len() {
            all[3 + place] = Self::Receivable(Wallet::ALL[place]);
            place += 1;
        }
        all[3 + place] = Self::OverShort;
        all
    };

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Refunds => "refunds",
            Self::Drawer => "drawer",
            Self::Receivable(wallet) => wallet.receivable(),
            Self::OverShort => "over_short",
        }
    }

    /// Where a tender's money is: the drawer, or what a wallet owes.
    #[must_use]
    pub fn of_tender(wallet: Option<Wallet>) -> Self {
        wallet.map_or(Self::Drawer, Self::Receivable)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A fact about an order's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The order became paid, by cash or through a wallet.
    Sale {
        /// The wallet; `None` for cash.
        wallet: Option<Wallet>,
        /// How much.
        amount: Amount,
    },
    /// Beside what came through a wallet, a part of the order was taken in cash.
    CashPart {
        /// How much.
        amount: Amount,
    },
    /// Money surely went back.
    Refund {
        /// The refund's number.
        refund: String,
        /// Through which wallet; `None` for cash.
        wallet: Option<Wallet>,
        /// How much.
        amount: Amount,
    },
    /// A wallet took money for an attempt that the sale did not need: a late success, a second tender.
    Taken {
        /// Which attempt.
        attempt: Attempt,
        /// Another of the merchant's accounts than the attempt's own, if it has the money as well.
        elsewhere: Option<AccountId>,
        /// Which wallet.
        wallet: Wallet,
        /// How much.
        amount: Amount,
    },
    /// That money is no longer there: it went back, or the wallet never held it.
    Back {
        /// Which attempt.
        attempt: Attempt,
        /// Another of the merchant's accounts than the attempt's own, if it has the money as well.
        elsewhere: Option<AccountId>,
        /// Which wallet.
        wallet: Wallet,
        /// How much.
        amount: Amount,
    },
}

/// One half of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The entry's name within its order.
    pub entry: String,
    /// The account's word.
    pub account: String,
    /// The currency's code.
    pub currency: String,
    /// What the account is debited with, in minor units.
    pub debit_minor: i64,
    /// What it is credited with.
    pub credit_minor: i64,
}

impl Entry {
    /// Its name within its order.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Sale { .. } => "sale".into(),
            Self::CashPart { .. } => "sale:cash".into(),
            Self::Refund { refund, .. } => format!("refund:{refund}"),
            Self::Taken { attempt, elsewhere: None, .. } => format!("taken:{attempt}"),
            Self::Taken { attempt, elsewhere: Some(account), .. } => format!("taken:{attempt}@{account}"),
            Self::Back { attempt, elsewhere: None, .. } => format!("back:{attempt}"),
            Self::Back { attempt, elsewhere: Some(account), .. } => format!("back:{attempt}@{account}"),
        }
    }

    fn parts(&self) -> (Account, Account, Amount) {
        match *self {
            Self::Sale { wallet, amount } => (Account::of_tender(wallet), Account::Sales, amount),
            Self::CashPart { amount } => (Account::Drawer, Account::Sales, amount),
            Self::Refund { wallet, amount, .. } => (Account::Refunds, Account::of_tender(wallet), amount),
            Self::Taken { wallet, amount, .. } => (Account::Receivable(wallet), Account::OverShort, amount),
            Self::Back { wallet, amount, .. } => (Account::OverShort, Account::Receivable(wallet), amount),
        }
    }

    /// What is posted when an order becomes paid: each part where its money is.
    #[must_use]
    pub fn of_sale(paid_by: &PaidBy, paid: Amount) -> Vec<Self> {
        let wallet = paid_by.wallet();
        match paid_by {
            PaidBy::Split { cash, .. } => {
                let amount = paid_by.parts_of(paid).wallet;
                vec![Self::Sale { wallet, amount }, Self::CashPart { amount: *cash }]
            }
            PaidBy::Cash { .. } | PaidBy::Wallet { .. } => vec![Self::Sale { wallet, amount: paid }],
        }
    }

    /// Its two halves: the debit first.
    #[must_use]
    pub fn legs(&self) -> [Leg; 2] {
        let (debit, credit, amount) = self.parts();
        let leg = |account: Account, debit_minor, credit_minor| Leg {
            entry: self.name(),
            account: account.as_str().into(),
            currency: amount.currency.code().into(),
            debit_minor,
            credit_minor,
        };
        [leg(debit, amount.minor, 0), leg(credit, 0, amount.minor)]
    }
}

/// Sums by account and currency, and what both sides come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances(BTreeMap<(String, String), (i64, i64)>);

impl Balances {
    /// Adds a half.
    pub fn add(&mut self, leg: &Leg) {
        let sums = self.0.entry((leg.currency.clone(), leg.account.clone())).or_default();
        sums.0 = sums.0.saturating_add(leg.debit_minor);
        sums.1 = sums.1.saturating_add(leg.credit_minor);
    }

    /// Adds what others come to.
    pub fn add_all(&mut self, others: &Self) {
        for (key, (debit, credit)) in &others.0 {
            let sums = self.0.entry(key.clone()).or_default();
            *sums = (sums.0.saturating_add(*debit), sums.1.saturating_add(*credit));
        }
    }

    /// Currency, account, debits, credits.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &str, i64, i64)> {
        self.0.iter().map(|((currency, account), (debit, credit))| {
            (currency.as_str(), account.as_str(), *debit, *credit)
        })
    }

    /// All debits and all credits, by the currency's code.
    #[must_use]
    pub fn totals(&self) -> Vec<(String, i64, i64)> {
        let mut totals: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (currency, _, debit, credit) in self.accounts() {
            let sums = totals.entry(currency).or_default();
            *sums = (sums.0.saturating_add(debit), sums.1.saturating_add(credit));
        }
        totals.into_iter().map(|(currency, (debit, credit))| (currency.to_owned(), debit, credit)).collect()
    }
}

/// What is wrong with the ledger of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerFault {
    /// The debits of an entry are not its credits.
    Unbalanced {
        /// Which entry.
        entry: String,
        /// Its debits.
        debit_minor: i64,
        /// Its credits.
        credit_minor: i64,
    },
    /// A fact that stands in the books and not, or otherwise, in the ledger.
    Missing(Leg),
    /// A half that rests on no fact.
    Extra(Leg),
    /// The order says that this transaction of a wallet brought another sum than the payment did: a program that knows of no
    /// cash parts has written it down.
    Transaction {
        /// The wallet's number of it.
        transaction: String,
        /// What the order says that it brought.
        said: Amount,
        /// What was asked for, and paid.
        paid: Amount,
    },
}

impl fmt::Display for LedgerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leg = |f: &mut fmt::Formatter<'_>, what: &str, leg: &Leg| {
            let Leg { entry, account, currency, debit_minor, credit_minor } = leg;
            write!(f, "{entry}: {account} {what}: debit {debit_minor}, credit {credit_minor} {currency}")
        };
        match self {
            Self::Unbalanced { entry, debit_minor, credit_minor } => {
                write!(f, "{entry}: debits {debit_minor}, credits {credit_minor}")
            }
            Self::Missing(one) => leg(f, "is missing", one),
            Self::Extra(one) => leg(f, "rests on no fact", one),
            Self::Transaction { transaction, said, paid } => {
                write!(f, "transaction {transaction}: the order says {said}, the payment {paid}")
            }
        }
    }
}

/// Holds the ledger of an order against the facts in its books. Nothing comes back if both agree.
#[must_use]
pub fn check(facts: &[Entry], ledger: &[Leg]) -> Vec<LedgerFault> {
    let mut faults = Vec::new();
    let mut entries: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for leg in ledger {
        let sums = entries.entry((&leg.entry, &leg.currency)).or_default();
        sums.0 = sums.0.saturating_add(leg.debit_minor);
        sums.1 = sums.1.saturating_add(leg.credit_minor);
    }
    for ((entry, _), (debit_minor, credit_minor)) in entries {
        if debit_minor != credit_minor {
            faults.push(LedgerFault::Unbalanced { entry: entry.to_owned(), debit_minor, credit_minor });
        }
    }
    let mut expected: Vec<Leg> = facts.iter().flat_map(Entry::legs).collect();
    for leg in ledger {
        match expected.iter().position(|wanted| wanted == leg) {
            Some(at) => drop(expected.swap_remove(at)),
            None => faults.push(LedgerFault::Extra(leg.clone())),
        }
    }
    faults.extend(expected.into_iter().map(LedgerFault::Missing));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn wallet() -> impl Strategy<Value = Wallet> {
        prop_oneof![Just(Wallet::WeChatPay), Just(Wallet::Alipay)]
    }

    fn elsewhere() -> impl Strategy<Value = Option<AccountId>> {
        prop::option::of((0_u32..3).prop_map(AccountId))
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let amount = || (1_i64..1_000_000).prop_map(cny);
        prop_oneof![
            (prop::option::of(wallet()), amount())
                .prop_map(|(wallet, amount)| Entry::Sale { wallet, amount }),
            amount().prop_map(|amount| Entry::CashPart { amount }),
            (0_u32..99, prop::option::of(wallet()), amount()).prop_map(|(n, wallet, amount)| Entry::Refund {
                refund: format!("R{n}"),
                wallet,
                amount
            }),
            (1_u8..9, elsewhere(), wallet(), amount()).prop_map(|(attempt, elsewhere, wallet, amount)| {
                Entry::Taken { attempt, elsewhere, wallet, amount }
            }),
            (1_u8..9, elsewhere(), wallet(), amount()).prop_map(|(attempt, elsewhere, wallet, amount)| {
                Entry::Back { attempt, elsewhere, wallet, amount }
            }),
        ]
    }

    #[test]
    fn money_that_nobody_needed_leaves_no_account_out_of_balance_once_it_is_back() {
        let (attempt, wallet, amount) = (2, Wallet::Alipay, cny(900));
        let facts = [
            Entry::Sale { wallet: None, amount },
            Entry::Taken { attempt, elsewhere: None, wallet, amount },
            Entry::Back { attempt, elsewhere: None, wallet, amount },
        ];
        let mut balances = Balances::default();
        facts.iter().flat_map(Entry::legs).for_each(|leg| balances.add(&leg));
        let open: Vec<_> = balances.accounts().filter(|(_, _, debit, credit)| debit != credit).collect();
        assert_eq!(open, [("CNY", "drawer", 900, 0), ("CNY", "sales", 0, 900)]);
    }

    #[test]
    fn what_was_paid_in_parts_stands_where_its_money_is_and_is_the_whole_sale() {
        let part =
            crate::order::WalletPart { wallet: Wallet::Alipay, transaction: "1".into(), amount: cny(600) };
        let paid_by = PaidBy::through(cny(1_000), part);
        let mut balances = Balances::default();
        let facts = Entry::of_sale(&paid_by, cny(1_000));
        let legs: Vec<Leg> = facts.iter().flat_map(Entry::legs).collect();
        legs.iter().for_each(|leg| balances.add(leg));
        let all: Vec<_> = balances.accounts().collect();
        assert_eq!(
            all,
            [("CNY", "drawer", 400, 0), ("CNY", "receivable:alipay", 600, 0), ("CNY", "sales", 0, 1_000)]
        );
        assert!(check(&facts, &legs).is_empty());
        // The parts are entries of their own: neither hides the other.
        assert!(!check(&facts, &legs[..2]).is_empty() && !check(&facts, &legs[2..]).is_empty());
    }

    #[test]
    fn accounts_have_words_of_their_own() {
        let words: std::collections::BTreeSet<_> = Account::ALL.iter().map(|a| a.as_str()).collect();
        assert_eq!(words.len(), Account::ALL.len());
        assert!(Wallet::ALL.iter().all(|wallet| {
            Account::Receivable(*wallet).as_str() == format!("receivable:{}", wallet.code())
        }));
    }

    proptest! {
        #[test]
        fn debits_equal_credits_after_any_sequence(facts in prop::collection::vec(entry(), 0..40)) {
            let mut balances = Balances::default();
            let legs: Vec<Leg> = facts.iter().flat_map(Entry::legs).collect();
            legs.iter().for_each(|leg| balances.add(leg));
            prop_assert!(balances.totals().iter().all(|(_, debit, credit)| debit == credit));
            prop_assert!(check(&facts, &legs).is_empty());
        }

        #[test]
        fn whatever_is_altered_taken_away_or_added_is_found(
            facts in prop::collection::vec(entry(), 1..12), at in any::<prop::sample::Index>(), how in 0..4,
        ) {
            let mut legs: Vec<Leg> = facts.iter().flat_map(Entry::legs).collect();
            let at = at.index(legs.len());
            match how {
                0 => drop(legs.remove(at)),
                1 => legs[at].debit_minor += 1,
                2 => legs[at].account = "elsewhere".into(),
                _ => legs.push(legs[at].clone()),
            }
            prop_assert!(!check(&facts, &legs).is_empty());
        }
    }
}
