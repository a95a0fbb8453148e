//! A manager says that they have finished at the wallet what it could hand to nobody, or would not give back when asked.

use super::frame::Notice;
use super::order::{self, Typed};
use super::posted::Posted;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::fill;
use crate::api::acceptance::LONGEST_REASON;
use crate::app::App;
use crate::base_store::{AuditKind, NewAudit};
use crate::order_group::{FinishedByHand, GroupError, OrderDetail, Refusal};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::{AccountId, RefundId};
use evertill_shared::order_number::OrderNumber;

/// What waits for a person, and what they say about it.
pub(super) struct FinishCard {
    pub waiting: Vec<Waiting>,
    /// Whether this person may say so.
    pub may: bool,
    /// How it was done, as far as it was typed.
    pub why: String,
}

/// Money that the wallet has and hands to nobody, or does not give back.
pub(super) struct Waiting {
    pub refund: String,
    /// The account that it goes back from, if the number alone does not say so.
    pub account: Option<AccountId>,
    pub what: String,
}

/// What a person says that they have finished.
pub(super) struct Which {
    refund: String,
    account: Option<AccountId>,
}

impl Which {
    /// As it stands in a form or an address; nothing for an account that cannot be.
    pub fn new(refund: String, account: &str) -> Self {
        Self { refund, account: account.parse().ok().map(AccountId) }
    }

    fn is(&self, waiting: &Waiting) -> bool {
        waiting.refund == self.refund && (self.account.is_none() || waiting.account == self.account)
    }

    /// Where the answer is shown.
    fn address(&self, number: OrderNumber) -> String {
        let account = self.account.map(|account| format!("&at={account}")).unwrap_or_default();
        format!("/console/orders/{number}?finished={}{account}#refunds", self.refund)
    }
}

/// The card beside an order of which something waits for a person.
pub(super) async fn card(
    app: &App,
    visit: &Visit,
    detail: &OrderDetail,
    why: String,
) -> Result<Option<FinishCard>, GroupError> {
    let t = visit.words();
    let refunds = detail.refunds.iter().filter(|record| record.by_hand && !record.refund.state.is_final());
    let refunds = refunds.map(|record| &record.refund);
    let mut waiting: Vec<_> = refunds.map(|refund| (refund.id.0.clone(), None, refund.amount)).collect();
    if !detail.payments.is_empty() {
        let (give_backs, now) = (app.groups.give_backs_of(detail.summary.number).await?, app.clock.now());
        let finishable = give_backs.iter().filter(|one| one.may_be_finished(now));
        waiting.extend(finishable.map(|one| (one.refund().0, one.elsewhere(), one.amount)));
    }
    if waiting.is_empty() {
        return Ok(None);
    }
    let waiting = waiting.into_iter().map(|(refund, account, amount)| {
        let amount = amount.to_string();
        let what = match account {
            None => fill(t.finish_amount, &[&amount, &refund]),
            Some(account) => fill(t.finish_amount_at, &[&amount, &refund, &account.to_string()]),
        };
        Waiting { refund, account, what }
    });
    Ok(Some(FinishCard { waiting: waiting.collect(), may: visit.who.role.may_refund(), why }))
}

/// Said only if it is so: an address can be kept and opened again.
pub(super) fn notice(detail: &OrderDetail, which: &Which, visit: &Visit) -> Option<Notice> {
    let refund = RefundId(which.refund.clone());
    let is_so = detail.story.iter().any(|line| line.what.is_finished(&refund, which.account));
    is_so.then(|| Notice::good(fill(visit.words().finish_done, &[&which.refund])))
}

/// Takes it in; the answer leads to the order's page. Written down before it is done, as everything of which a person says
/// that it is so.
pub(super) async fn finish(
    State(app): State<App>,
    Path(number): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_refund() {
        return Err(Problem::Forbidden);
    }
    let number: OrderNumber = number.parse().map_err(|_| Problem::NoSuchOrder)?;
    let (t, why) = (visit.words(), fields.get("why").to_owned());
    let which = Which::new(fields.get("refund").to_owned(), fields.get("account"));
    // Pressed again, because the answer did not come: it was done.
    if let Ok(detail) = app.groups.order(number).await
        && notice(&detail, &which, &visit).is_some()
    {
        return Ok(Redirect::to(&which.address(number)).into_response());
    }
    let unsaid = |error: &GroupError| say::not_reserved(error, number.tag(), visit.store.currency, t);
    let waits = is_waiting(&app, &visit, number, &which).await;
    let sentence = if why.is_empty() || why.chars().count() > LONGEST_REASON {
        t.reason_needed.to_owned()
    } else if let Err(error) = &waits {
        unsaid(error)
    } else if waits == Ok(false) {
        t.finish_not_waiting.to_owned()
    } else {
        let from = which.account.map(|account| format!(" (account {account})")).unwrap_or_default();
        let said = format!("{}{from}: {why}", which.refund);
        app.base
            .audit_append(NewAudit::new(&visit.who.login, AuditKind::RefundFinished, number, said))
            .await?;
        let (who, login) = (visit.who.name.clone(), visit.who.login.clone());
        let (refund, account) = (RefundId(which.refund.clone()), which.account);
        let (why, at) = (why.clone(), app.clock.now());
        let finished = FinishedByHand { number, refund, account, who, login, why, at };
        match app.groups.finish_by_hand(finished).await {
            Ok(()) => return Ok(Redirect::to(&which.address(number)).into_response()),
            Err(GroupError::Refused(Refusal::NotFound(_))) => t.finish_not_waiting.to_owned(),
            Err(error) => unsaid(&error),
        }
    };
    order::draw_refused(&app, &visit, number, sentence, Typed::Finish(why)).await
}

/// Whether that refund waits for a person, as far as can be seen; it is decided in the order's group. What does not is not
/// written down: nothing was decided.
async fn is_waiting(
    app: &App,
    visit: &Visit,
    number: OrderNumber,
    which: &Which,
) -> Result<bool, GroupError> {
    let detail = app.groups.order(number).await?;
    let card = card(app, visit, &detail, String::new()).await?;
    Ok(card.is_some_and(|card| card.waiting.iter().any(|one| which.is(one))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(account: Option<u32>) -> Waiting {
        Waiting { refund: "D1".into(), account: account.map(AccountId), what: String::new() }
    }

    #[test]
    fn which_of_several_accounts_is_meant_stands_in_the_form_and_in_the_address() {
        let (of_two, of_any) = (Which::new("D1".into(), "2"), Which::new("D1".into(), ""));
        assert!(of_two.is(&waiting(Some(2))) && !of_two.is(&waiting(Some(3))) && !of_two.is(&waiting(None)));
        // A page from before names none.
        assert!(of_any.is(&waiting(Some(2))) && of_any.is(&waiting(None)));
        assert!(!Which::new("D2".into(), "2").is(&waiting(Some(2))));
        let tag = evertill_shared::order_number::GroupTag::try_from(0).unwrap();
        let at = evertill_shared::clock::Timestamp(1_479_614_400_000);
        let number = OrderNumber::new(at, 1, tag).unwrap();
        assert_eq!(of_two.address(number), format!("/console/orders/{number}?finished=D1&at=2#refunds"));
        assert_eq!(of_any.address(number), format!("/console/orders/{number}?finished=D1#refunds"));
    }
}
