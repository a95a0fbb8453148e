//! How a wallet answers, by all the accounts through which new payments may go to it: for people, not for routing. Pure.

use evertill_shared::clock::Timestamp;
use evertill_shared::protocol::terminal::WalletState;
use std::time::Duration;

/// So much silence of late, in thousandths, is worth telling: two charges of two, or of three.
const UNSTEADY: u32 = 400;

/// How one account answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// For how long charges have been refused because it does not.
    pub silent_for: Option<Duration>,
    /// How much of the latest was silence, in thousandths.
    pub silence: u32,
}

/// What that comes to for the wallet: it is silent when the last of its accounts is. `None` without an account.
pub fn together(accounts: &[Answering], now: Timestamp) -> Option<WalletState> {
    let shortest =
        accounts.iter().map(|account| account.silent_for).min_by_key(|silent| silent.unwrap_or_default())?;
    let is_unsteady = |account: &Answering| account.silent_for.is_some() || account.silence >= UNSTEADY;
    Some(match shortest {
        Some(longest_answering) if accounts.iter().all(|account| account.silent_for.is_some()) => {
            WalletState::Silent { since: now.minus(longest_answering) }
        }
        _ if accounts.iter().any(is_unsteady) => WalletState::Unsteady,
        _ => WalletState::Well,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn silent(seconds: u64) -> Answering {
        Answering { silent_for: Some(Duration::from_secs(seconds)), silence: 1_000 }
    }

    fn answers(silence: u32) -> Answering {
        Answering { silent_for: None, silence }
    }

    #[test]
    fn a_wallet_is_silent_since_the_last_of_its_accounts_is() {
        let since = Timestamp(NOW.0 - 30_000);
        assert_eq!(together(&[silent(300), silent(30)], NOW), Some(WalletState::Silent { since }));
        assert_eq!(together(&[silent(300), answers(0)], NOW), Some(WalletState::Unsteady));
        assert_eq!(together(&[silent(0)], NOW), Some(WalletState::Silent { since: NOW }));
    }

    #[test]
    fn one_charge_without_an_answer_is_not_worth_telling_and_two_of_three_are() {
        assert_eq!(together(&[answers(333)], NOW), Some(WalletState::Well));
        assert_eq!(together(&[answers(400), answers(0)], NOW), Some(WalletState::Unsteady));
        assert_eq!(together(&[], NOW), None);
    }
}
