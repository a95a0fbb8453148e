//! Refunds: a manager asks, the till that sold carries out.

use super::journal::one_history;
use super::orders::evidence::Evidence;
use super::orders::told;
use super::{Answer, Body, path_part};
use crate::app::{App, Caller};
use crate::base_store::{AuditKind, BaseError, NewAudit, OpenSession};
use crate::order_group::{CarryOut, GroupError, NewRefund, RefundRecord, Refusal};
use axum::Json;
use axum::extract::{Path, State};
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::refunds::{CarryOutRefund, RefundInbox, RefundOrder};
use evertill_shared::protocol::staff::AskRefund;
use evertill_shared::refund::{Refund, RefundRefused, RefundState};

/// The longest reason that is kept, in characters.
pub const LONGEST_REASON: usize = 200;

/// `GET /v1/refunds`: what waits for this till.
///
/// # Errors
/// A till that may not move money.
pub async fn inbox(State(app): State<App>, caller: Caller) -> Answer<RefundInbox> {
    caller.require_money()?;
    let (records, groups_unreachable) = app.groups.refund_inbox(caller.terminal).await;
    Ok(Json(RefundInbox { refunds: records.into_iter().map(for_till).collect(), groups_unreachable }))
}

/// A refund as its till is told of it. Of one that is under way it hears when the wallet is asked again.
pub(super) fn for_till(record: RefundRecord) -> RefundOrder {
    let is_open = matches!(record.refund.state, RefundState::Sent | RefundState::Unknown);
    let next_at = is_open.then_some(record.next_at);
    RefundOrder { refund: record.refund, paid_by: record.paid_by, next_at }
}

/// `POST /v1/orders/{number}/refunds/{refund}`: the till that sold carries it out. Repeating it only looks.
///
/// # Errors
/// A till that may not, another till's order, an entry that does not hold, or a group that cannot be reached.
pub async fn carry_out_refund(
    State(app): State<App>,
    caller: Caller,
    Path((number, refund)): Path<(String, String)>,
    Body(request): Body<CarryOutRefund>,
) -> Answer<Refund> {
    caller.require_money()?;
    let number: OrderNumber = path_part(&number)?;
    let refund = RefundId(refund);
    let (entry, amount, cashier) =
        Evidence::of(&app, &caller).refund(&request.carried_out, number, &refund)?;
    one_history(&app, &caller, &[&entry]).await?;
    let lease = app.centre.refund_lease();
    let guard = app.groups.guard(&caller.request_id, lease.now);
    let (terminal, cashier) = (caller.terminal, cashier.map(|cashier| cashier.tidy()));
    let asked = CarryOut { number, refund, amount, terminal, cashier, entry, lease, guard };
    let refund = app.centre.carry_out(asked).await.map_err(|error| told(error, number.as_str()))?;
    Ok(Json(refund))
}

/// `GET /v1/orders/{number}/refunds/{refund}`, for the till that sold.
///
/// # Errors
/// No such refund, another till's order, or a group that cannot be reached.
pub async fn get_refund(
    State(app): State<App>,
    caller: Caller,
    Path((number, refund)): Path<(String, String)>,
) -> Answer<Refund> {
    caller.require_upload()?;
    let record = app.groups.refund(path_part(&number)?, RefundId(refund)).await?;
    if record.terminal != caller.terminal {
        return Err(Refusal::Refund(RefundRefused::AnotherTill { sold_at: record.terminal }).into());
    }
    Ok(Json(record.refund))
}

/// Who asks for a refund: a person of the staff, who may; each way of asking has seen to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The name that they log in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// The till at which they approved it, and who serves there; nothing where they ask in the console.
    pub till: Option<(TerminalId, Option<Cashier>)>,
}

impl Asker {
    /// Somebody in the console, or at the staff's API.
    #[must_use]
    pub fn of(who: &OpenSession) -> Self {
        Self { login: who.login.clone(), name: who.name.clone(), till: None }
    }

    fn place(&self) -> String {
        match &self.till {
            None => String::new(),
            Some((till, None)) => format!(", at {till}"),
            Some((till, Some(cashier))) => format!(", at {till} with {}", cashier.login),
        }
    }
}

/// Reserves a refund: the one way for the staff's API, the console and tills. It is written down first who asks and why:
/// what was tried is known even if it was refused or its answer was lost. The same request again gets the same refund.
///
/// # Errors
/// What is asked for makes no sense, or the base store cannot be written. Inside: why the refund is refused, or that the order's group cannot be reached; after
/// an unknown outcome the same request may be sent again.
pub async fn reserve_refund(
    app: &App,
    who: &Asker,
    number: OrderNumber,
    asked: AskRefund,
    at: Timestamp,
) -> Result<Result<RefundRecord, GroupError>, BaseError> {
    check(&asked)?;
    let reason = asked.reason.trim();
    let why = format!("{} ({}{}): {reason}", asked.amount, asked.request, who.place());
    let why: String = why.chars().take(400).collect();
    app.base.audit_append(NewAudit::new(&who.login, AuditKind::RefundRequested, number, why)).await?;
    let new = new_refund(app, who, number, &asked, at);
    let record = app.groups.reserve_refund(new).await;
    if let Ok(record) = &record {
        tracing::info!(%number, refund = %record.refund.id, amount = %record.refund.amount, login = who.login,
            "a refund is reserved");
    }
    Ok(record)
}

/// What an order's group is asked for.
pub(super) fn new_refund(
    app: &App,
    who: &Asker,
    number: OrderNumber,
    asked: &AskRefund,
    at: Timestamp,
) -> NewRefund {
    NewRefund {
        number,
        request: asked.request.clone(),
        amount: asked.amount,
        reason: asked.reason.trim().to_owned(),
        by: who.name.clone(),
        login: who.login.clone(),
        asked_at: who.till.as_ref().map(|(till, _)| *till),
        at,
        today: app.groups.business_day(at),
    }
}

/// Whether what is asked for makes sense.
///
/// # Errors
/// [`BaseError::Invalid`].
pub fn check(asked: &AskRefund) -> Result<(), BaseError> {
    if !is_request(&asked.request) {
        let text = "the request's id must be 8 to 40 letters, digits or dashes";
        return Err(BaseError::Invalid(text.into()));
    }
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        let text = format!("say why the money goes back, in at most {LONGEST_REASON} characters");
        return Err(BaseError::Invalid(text));
    }
    Ok(())
}

/// Whether that can be the id of a request for a refund.
#[must_use]
pub fn is_request(id: &str) -> bool {
    (8..=40).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::AccountId;
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::order::PaidBy;
    use evertill_shared::wallet::Wallet;

    #[test]
    fn a_till_hears_when_the_wallet_is_asked_again_about_what_is_under_way() {
        let (at, amount) = (Timestamp(1_795_183_387_123), Amount::new(100, Currency::CNY));
        let told = |state| {
            let refund = Refund {
                id: RefundId("R1".into()),
                order: OrderNumber::new(at, 1, 1.try_into().unwrap()).unwrap(),
                amount,
                state,
                requested_by: "Mei".into(),
                reason: "broken".into(),
                requested_at: at,
                refused: None,
            };
            for_till(RefundRecord {
                refund,
                terminal: 1_u16.try_into().unwrap(),
                paid_by: PaidBy::Wallet { wallet: Wallet::Alipay, transaction: "42".into() },
                paid: amount,
                channel_number: None,
                account: AccountId::OF_THE_FILE,
                interface: evertill_shared::id::Interface::NOT_KNOWN,
                tries: 1,
                asked_at: None,
                next_at: at,
                by_hand: false,
                version: 1,
                beside: None,
            })
        };
        for state in [RefundState::Sent, RefundState::Unknown] {
            assert_eq!(told(state).next_at, Some(at), "{state:?}");
        }
        for state in [RefundState::Reserved, RefundState::Done, RefundState::Refused] {
            assert_eq!(told(state).next_at, None, "{state:?}");
        }
    }
}
