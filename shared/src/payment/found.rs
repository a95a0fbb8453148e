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
    /// At these it failed, beside one that has it. The wallet's word is that a failed payment holds no money and is to be
    /// taken back so that it surely ends: that is asked for, and nobody waits for it.
    pub failed: Vec<AccountId>,
}

/// What was written down of other accounts than the one that is kept, before anything was asked of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// At these the attempt is being taken back: none of them is kept, even if the one that was kept says nothing now.
    pub told: Vec<AccountId>,
    /// What these had goes back as a refund, or went back: that is followed up by itself, and "paid" is no news of them
    /// any more.
    pub given_back: Vec<AccountId>,
}

/// Judges what each account said of a number; `is_whole` is whether every account was asked that it may have been sent to.
#[must_use]
pub fn found_among(answers: &[(AccountId, QueryOutcome)], is_whole: bool, others: &Others) -> Found {
    use QueryOutcome::{Failed, NoSuchOrder, Paid, Reversed, Unknown};
    let answers: Vec<(AccountId, QueryOutcome)> =
        answers.iter().map(|(id, said)| (*id, others.now_says(*id, said))).collect();
    let first = |which: fn(&QueryOutcome) -> bool| answers.iter().find(|(_, said)| which(said));
    // What failed holds no money, and hides none that another holds.
    let is_live = |said: &QueryOutcome| !matches!(said, NoSuchOrder | Unknown | Reversed | Failed(_));
    let mut may_be_kept =
        answers.iter().filter(|(id, said)| is_live(said) && !others.told.contains(id)).peekable();
    let any = may_be_kept.peek().copied();
    let kept = may_be_kept.find(|(_, said)| matches!(said, Paid { .. })).or(any);
    let too_many: Vec<AccountId> = answers
        .iter()
        .filter(|(id, said)| is_live(said) && kept.is_none_or(|(kept, _)| kept != id))
        .map(|(id, _)| *id)
        .collect();
    let in_doubt = !is_whole || first(|said| *said == Unknown).is_some();
    if let Some((at, said)) = kept {
        let failed =
            answers.iter().filter(|(_, said)| matches!(said, Failed(_))).map(|(id, _)| *id).collect();
        // Money that is there is there. Whoever only knows the number is not believed to be the one, as long as another
        // that does not answer may have the money.
        return match too_many.is_empty() && (!in_doubt || matches!(said, Paid { .. })) {
            true => Found { outcome: said.clone(), at: Some(*at), too_many, failed },
            false => Found { outcome: Unknown, at: None, too_many, failed },
        };
    }
    // What failed is taken back all the same, so that it surely ends.
    let ended = first(|said| matches!(said, Failed(_))).or_else(|| first(|said| *said == Reversed));
    let (outcome, at) = match ended {
        _ if in_doubt || !too_many.is_empty() => (Unknown, None),
        // What goes back as a refund is nothing of the attempt's own any more: nobody must look there again, find it paid,
        // and send it back a second time.
        Some((at, said)) => (said.clone(), (!others.given_back.contains(at)).then_some(*at)),
        None => (NoSuchOrder, None),
    };
    Found { outcome, at, too_many, failed: Vec::new() }
}

impl Others {
    /// Whether an attempt may be said to be that account's by such a word. Where it is being ended, it may be so only once it
    /// surely is over; and what goes back as a refund must not be found there again.
    #[must_use]
    pub fn may_be_found_at(&self, id: AccountId, said: &QueryOutcome) -> bool {
        let is_over = matches!(said, QueryOutcome::Reversed | QueryOutcome::Failed(_));
        !self.given_back.contains(&id) && (is_over || !self.told.contains(&id))
    }

    fn now_says(&self, id: AccountId, said: &QueryOutcome) -> QueryOutcome {
        match said {
            QueryOutcome::Paid { .. } if self.given_back.contains(&id) => QueryOutcome::Reversed,
            said => said.clone(),
        }
    }
}

impl Payment {
    /// That account knows the attempt's number. Counts only while nobody knew which does; whether the attempt is that
    /// account's, so that what it says is about it.
    pub fn found_at(&mut self, account: AccountId) -> bool {
        if self.account == AccountId::NOT_KNOWN {
            self.account = account;
        }
        self.account == account
    }
}
