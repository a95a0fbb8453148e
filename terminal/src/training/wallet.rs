//! The practice wallet: pure, and a wallet of nobody. It knows its own eight codes and no other; how an attempt stands
//! follows from what the practising customer does and from how long ago the attempt began.

use evertill_shared::payment::{DeclineReason, PaymentState};
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// How long any wallet takes to answer.
const ANSWERS_AFTER: Duration = Duration::from_millis(1_200);
/// How long a customer types a password.
const TYPES_FOR: Duration = Duration::from_secs(6);
/// How long a customer takes to scan what the till shows.
const SCANS_AFTER: Duration = Duration::from_secs(8);
/// How long a shown code can be paid.
pub const SHOWN_FOR: Duration = Duration::from_secs(90);
/// When waiting for a silent wallet ends, and it is taken back. In the shop it takes longer.
pub const GIVES_UP_AFTER: Duration = Duration::from_secs(20);
/// How long taking back takes.
const TAKES_BACK_FOR: Duration = Duration::from_secs(3);

/// What the customer of a practice code does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Customer {
    /// Pays at once.
    Pays,
    /// Is asked for the password first.
    IsAsked,
    /// Has not enough money.
    HasNoMoney,
    /// Has a wallet that does not answer.
    StaysSilent,
}

impl Customer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pays, Self::IsAsked, Self::HasNoMoney, Self::StaysSilent];

    /// The practice code of such a customer: digits that this wallet's codes may have, and that no real customer gets.
    #[must_use]
    pub fn code(self, wallet: Wallet) -> String {
        wallet.practice_code(match self {
            Self::Pays => 1,
            Self::IsAsked => 2,
            Self::HasNoMoney => 3,
            Self::StaysSilent => 4,
        })
    }

    /// Whose practice code this is; nothing for any other code, a real customer's above all.
    #[must_use]
    pub fn of_code(code: &str) -> Option<(Wallet, Self)> {
        let mut all = Wallet::ALL.into_iter().flat_map(|wallet| Self::ALL.map(|customer| (wallet, customer)));
        all.find(|(wallet, customer)| customer.code(*wallet) == code)
    }
}

/// How the attempt is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By this customer's code.
    Code(Customer),
    /// By a code that the till shows.
    Shown,
    /// By nothing: it was taken back before the wallet heard of it.
    Nothing,
}

/// One attempt at the practice wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    by: By,
    began: Duration,
    taken_back: Option<Duration>,
}

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Where.
    pub state: PaymentState,
    /// Since when, by the clock that only goes forward.
    pub since: Duration,
    /// Why it was declined.
    pub reason: Option<DeclineReason>,
}

impl Charge {
    /// An attempt that begins.
    #[must_use]
    pub const fn new(by: By, now: Duration) -> Self {
        Self { by, began: now, taken_back: None }
    }

    /// How it is to be paid.
    #[must_use]
    pub const fn by(&self) -> By {
        self.by
    }

    /// When it began.
    #[must_use]
    pub const fn began(&self) -> Duration {
        self.began
    }

    /// The cashier wants it taken back. What is paid by then stays paid, and the first word counts.
    pub fn take_back(&mut self, now: Duration) {
        self.taken_back.get_or_insert(now);
    }

    /// How it stands.
    #[must_use]
    pub fn stand(&self, now: Duration) -> Stand {
        let (end, state, reason) = self.end();
        let taken_back = self.taken_back.filter(|taken| *taken < end);
        let stand = |state, since, reason| Stand { state, since, reason };
        if let Some(taken) = taken_back {
            return self.taking_back(taken, now);
        }
        if now >= end {
            return match state {
                PaymentState::Reversing => self.taking_back(end, now),
                state => stand(state, end, reason),
            };
        }
        let state = match self.by {
            By::Shown | By::Code(Customer::IsAsked) => PaymentState::Waiting,
            By::Code(Customer::StaysSilent) if now >= self.began + ANSWERS_AFTER => PaymentState::Unknown,
            By::Code(_) | By::Nothing => PaymentState::Sent,
        };
        stand(state, self.began, None)
    }

    /// When it ends by itself, and how.
    fn end(&self) -> (Duration, PaymentState, Option<DeclineReason>) {
        let after = |time| self.began + time;
        match self.by {
            By::Code(Customer::Pays) => (after(ANSWERS_AFTER), PaymentState::Paid, None),
            By::Code(Customer::IsAsked) => (after(TYPES_FOR), PaymentState::Paid, None),
            By::Code(Customer::HasNoMoney) => {
                (after(ANSWERS_AFTER), PaymentState::Declined, Some(DeclineReason::NotEnoughFunds))
            }
            By::Code(Customer::StaysSilent) => (after(GIVES_UP_AFTER), PaymentState::Reversing, None),
            By::Shown => (after(SCANS_AFTER), PaymentState::Paid, None),
            By::Nothing => (self.began, PaymentState::Reversing, None),
        }
    }

    fn taking_back(&self, from: Duration, now: Duration) -> Stand {
        let done = from + TAKES_BACK_FOR;
        if now >= done {
            Stand { state: PaymentState::Reversed, since: done, reason: None }
        } else {
            Stand { state: PaymentState::Reversing, since: from, reason: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::wallet::detect;

    const START: Duration = Duration::from_secs(100);

    fn states(charge: Charge) -> Vec<PaymentState> {
        let mut seen = Vec::new();
        for tick in 0..400_u32 {
            let state = charge.stand(START + Duration::from_millis(200) * tick).state;
            if seen.last() != Some(&state) {
                seen.push(state);
            }
        }
        seen
    }

    #[test]
    fn each_practice_code_is_one_of_its_wallet_and_nobody_elses() {
        let mut seen = std::collections::BTreeSet::new();
        for wallet in Wallet::ALL {
            for customer in Customer::ALL {
                let code = customer.code(wallet);
                assert_eq!(detect(&code), Some(wallet), "{code}");
                assert_eq!(Customer::of_code(&code), Some((wallet, customer)));
                assert!(seen.insert(code));
            }
        }
        for other in ["134567890123456789", "100000000000000005", "10000000000000000", "", "6901234567892"] {
            assert_eq!(Customer::of_code(other), None, "{other}");
        }
    }

    #[test]
    fn each_customer_ends_as_the_name_says_and_the_end_stays() {
        use PaymentState as P;
        let by = |customer| states(Charge::new(By::Code(customer), START));
        assert_eq!(by(Customer::Pays), [P::Sent, P::Paid]);
        assert_eq!(by(Customer::IsAsked), [P::Waiting, P::Paid]);
        assert_eq!(by(Customer::HasNoMoney), [P::Sent, P::Declined]);
        assert_eq!(by(Customer::StaysSilent), [P::Sent, P::Unknown, P::Reversing, P::Reversed]);
        assert_eq!(states(Charge::new(By::Shown, START)), [P::Waiting, P::Paid]);
        assert_eq!(states(Charge::new(By::Nothing, START)), [P::Reversing, P::Reversed]);
    }

    #[test]
    fn what_is_taken_back_in_time_is_never_paid_and_what_was_paid_is_never_taken_back() {
        use PaymentState as P;
        let taken = |customer, after: u64| {
            let mut charge = Charge::new(By::Code(customer), START);
            charge.take_back(START + Duration::from_secs(after));
            charge.take_back(START + Duration::from_secs(after + 50));
            states(charge).last().copied().unwrap()
        };
        assert_eq!(taken(Customer::IsAsked, 3), P::Reversed);
        assert_eq!(taken(Customer::IsAsked, 7), P::Paid);
        assert_eq!(taken(Customer::Pays, 2), P::Paid);
        assert_eq!(taken(Customer::HasNoMoney, 2), P::Declined);
        assert_eq!(taken(Customer::StaysSilent, 5), P::Reversed);
    }
}
