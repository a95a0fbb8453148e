//! The story of an order, a sentence for each fact.

use super::say;
use super::words::{Words, fill};
use crate::order_group::{Fact, StoryLine, named};
use evertill_shared::business_day::{StoreZone, local_text};
use evertill_shared::id::TerminalId;

/// A line of the story.
pub(super) struct Line {
    pub at: String,
    pub text: String,
    /// A person has to do something about it.
    pub alarm: bool,
}

/// The whole story.
pub(super) fn tell(
    story: &[StoryLine],
    terminal: TerminalId,
    zone: &StoreZone,
    t: &'static Words,
) -> Vec<Line> {
    let line = |line: &StoryLine| Line {
        at: local_text(line.at, zone),
        text: sentence(&line.what, terminal, t),
        alarm: matches!(
            line.what,
            Fact::KnownAtOthers { .. }
                | Fact::PaidAtAnother { .. }
                | Fact::OtherThanAsked { .. }
                | Fact::LateSuccess { .. }
                | Fact::PaidTwice { .. }
                | Fact::NotGivenBack { .. }
                | Fact::RefundContradicted { .. }
                | Fact::RefundNeedsAPerson { .. }
                | Fact::NotKnownHere
        ),
    };
    story.iter().map(line).collect()
}

fn from_blocked(sentence: String, quarantined: bool, t: &'static Words) -> String {
    if quarantined { format!("{sentence} {}", t.fact_from_blocked) } else { sentence }
}

fn sentence(fact: &Fact, terminal: TerminalId, t: &'static Words) -> String {
    match fact {
        Fact::DraftCreated { server } => fill(t.fact_draft, &[server]),
        Fact::DraftExpired => t.fact_draft_expired.into(),
        Fact::Adopted { quarantined } => from_blocked(t.fact_adopted.into(), *quarantined, t),
        Fact::CashTaken { given, change, quarantined } => {
            let text = fill(t.fact_cash, &[&given.to_string(), &change.to_string()]);
            from_blocked(text, *quarantined, t)
        }
        Fact::CashPart { attempt: None, amount } => fill(t.fact_cash_part, &[&amount.to_string()]),
        Fact::CashPart { attempt: Some(attempt), amount } => {
            fill(t.fact_cash_part_of, &[&attempt.to_string(), &amount.to_string()])
        }
        Fact::AcceptedFromQuarantine { who, login, why } => fill(t.fact_accepted, &[who, login, why]),
        Fact::PaymentSent { attempt, wallet, amount, .. } => {
            fill(t.fact_payment_sent, &[&attempt.to_string(), &amount.to_string(), say::wallet(*wallet, t)])
        }
        Fact::PaymentIs { attempt, state, reason, transaction } => {
            let mut text = say::payment(*state, t).1.to_owned();
            if let Some(reason) = reason {
                text = format!("{text} · {}", say::declined(*reason, t));
            }
            if let Some(number) = transaction {
                text = format!("{text} · {} {number}", t.transaction);
            }
            fill(t.fact_payment_is, &[&attempt.to_string(), &text])
        }
        Fact::TakeBackAsked { attempt } => fill(t.fact_take_back, &[&attempt.to_string()]),
        Fact::KnownAtOthers { attempt, accounts } => {
            fill(t.fact_known_at_others, &[&attempt.to_string(), &named(accounts)])
        }
        Fact::PaidAtAnother { attempt, account } => {
            fill(t.fact_paid_at_another, &[&attempt.to_string(), &account.to_string()])
        }
        Fact::GivenBackAt { attempt, account, refund, amount } => fill(
            t.fact_given_back_at,
            &[&attempt.to_string(), &amount.to_string(), &account.to_string(), &refund.0],
        ),
        Fact::LateSuccess { attempt, transaction } => {
            fill(t.fact_late_success, &[&attempt.to_string(), transaction])
        }
        Fact::PaidTwice { attempt } => fill(t.fact_paid_twice, &[&attempt.to_string()]),
        Fact::GivenBack { attempt, refund, amount } => {
            fill(t.fact_given_back, &[&attempt.to_string(), &amount.to_string(), &refund.0])
        }
        Fact::OtherThanAsked { attempt, call, field } => {
            fill(t.fact_other_than_asked, &[&attempt.to_string(), call, field])
        }
        Fact::WentBack { attempt, amount } => {
            fill(t.fact_went_back, &[&attempt.to_string(), &amount.to_string()])
        }
        Fact::NothingToGiveBack { attempt } => fill(t.fact_nothing_to_give_back, &[&attempt.to_string()]),
        Fact::NotGivenBack { attempt, message } => {
            fill(t.fact_not_given_back, &[&attempt.to_string(), message])
        }
        Fact::NotKnownHere => t.fact_not_known_here.into(),
        Fact::RefundAsked { .. }
        | Fact::RefundCarriedOut { .. }
        | Fact::RefundIs { .. }
        | Fact::RefundNeedsAPerson { .. }
        | Fact::FinishedByHand { .. }
        | Fact::RefundContradicted { .. } => about_refund(fact, terminal, t),
    }
}

fn about_refund(fact: &Fact, terminal: TerminalId, t: &'static Words) -> String {
    match fact {
        Fact::RefundAsked { amount, by, login, reason, .. } => {
            fill(t.fact_refund_asked, &[&amount.to_string(), by, login, reason])
        }
        Fact::RefundCarriedOut { refund, terminal, cashier } => {
            let place = terminal.to_string();
            let text = fill(t.fact_refund_carried, &[&refund.0, &place]);
            cashier.as_ref().map_or(text.clone(), |who| format!("{text} · {} ({})", who.name, who.login))
        }
        Fact::RefundIs { refund, state, message } => {
            let mut text = say::refund(*state, terminal, t).1;
            if let Some(message) = message {
                text = format!("{text} · {message}");
            }
            fill(t.fact_refund_is, &[&refund.0, &text])
        }
        Fact::RefundNeedsAPerson { refund, .. } => fill(t.fact_refund_needs_a_person, &[&refund.0]),
        Fact::FinishedByHand { refund, account: None, who, login, why } => {
            fill(t.fact_finished_by_hand, &[&refund.0, who, login, why])
        }
        Fact::FinishedByHand { refund, account: Some(account), who, login, why } => {
            fill(t.fact_finished_by_hand_at, &[&refund.0, &account.to_string(), who, login, why])
        }
        Fact::RefundContradicted { refund, state } => {
            fill(t.fact_refund_contradicted, &[&refund.0, &say::refund(*state, terminal, t).1])
        }
        _ => fact.to_string(),
    }
}
