//! An attempt of which nobody knows to which of the merchant's accounts it was sent: its record is not there, because the
//! request never came, or because the group that had it was put back to an older state. Every account is asked, and
//! only all of them together know that there is no such order.

use super::{Payment, QueryOutcome};
use crate::id::AccountId;

/// What all accounts say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is to be taken in.
    pub outcome: QueryOutcome,
    /// The account that knows the number.
    pub at: Option<AccountId>,
    /// More accounts than one know it: what these have is to be taken back, before anything else is believed.
    pub too_many: Vec<AccountId>,
}

/// Judges what each account said of a number; `is_whole` is whether every account was asked that it may have been sent to.
#[must_use]
pub fn found_among(answers: &[(AccountId, QueryOutcome)], is_whole: bool) -> Found {
    use QueryOutcome::{Failed, NoSuchOrder, Paid, Reversed, Unknown};
    let first = |which: fn(&QueryOutcome) -> bool| answers.iter().find(|(_, said)| which(said));
    // What failed holds no money, and hides none that another holds.
    let is_live = |said: &QueryOutcome| !matches!(said, NoSuchOrder | Unknown | Reversed | Failed(_));
    let kept = first(|said| matches!(said, Paid { .. })).or_else(|| answers.iter().find(|(_, s)| is_live(s)));
    let in_doubt = !is_whole || first(|said| *said == Unknown).is_some();
    if let Some((at, said)) = kept {
        let others = answers.iter().filter(|(id, said)| id != at && is_live(said));
        let too_many: Vec<AccountId> = others.map(|(id, _)| *id).collect();
        // Money that is there is there. Whoever only knows the number is not believed to be the one, as long as another
        // that does not answer may have the money.
        return match too_many.is_empty() && (!in_doubt || matches!(said, Paid { .. })) {
            true => Found { outcome: said.clone(), at: Some(*at), too_many },
            false => Found { outcome: Unknown, at: None, too_many },
        };
    }
    // What failed is taken back all the same, so that it surely ends.
    let ended = first(|said| matches!(said, Failed(_))).or_else(|| first(|said| *said == Reversed));
    let (outcome, at) = match ended {
        _ if in_doubt => (Unknown, None),
        Some((at, said)) => (said.clone(), Some(*at)),
        None => (NoSuchOrder, None),
    };
    Found { outcome, at, too_many: Vec::new() }
}

impl Payment {
    /// That account knows the attempt's number. Counts only while nobody knew which does.
    pub fn found_at(&mut self, account: AccountId) {
        if self.account == AccountId::NOT_KNOWN {
            self.account = account;
        }
    }
}
