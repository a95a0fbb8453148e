//! Refunds that tills asked for and that managers decide about.

use crate::shop::{Place, Shop, till};
use evertill_server::base_store::{
    AuditKind, BaseError, CameTo, Decider, Decision, RefundRequest, RequestState,
};
use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::TerminalId;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::refund::RefundRefused;

fn wanted(terminal: TerminalId, request: &str, order: u32, minor: i64) -> RefundRequest {
    let order =
        OrderNumber::new(Timestamp(1_795_183_387_123), order, GroupTag::try_from(7).unwrap()).unwrap();
    RefundRequest {
        terminal,
        request: request.into(),
        order,
        amount: Amount::new(minor, Currency::CNY),
        reason: "too cold".into(),
        cashier: Some(Cashier { login: "bo".into(), name: "Bo".into() }),
        asked_at: Timestamp(1_795_183_387_000),
        state: RequestState::Waiting,
    }
}

fn person(login: &str) -> Decider {
    Decider { login: login.into(), name: login.to_uppercase() }
}

pub async fn of_many_who_decide_about_a_tills_refund_at_once_one_has_decided_whichever_server_is_asked<
    P: Place,
>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let till = till(&here, 1).await;
    let asked = here.ask_for_refund(wanted(till, "request-1", 1, 200)).await.unwrap();
    assert_eq!(asked.state, RequestState::Waiting);
    assert_eq!(there.ask_for_refund(wanted(till, "request-1", 1, 200)).await.unwrap().order, asked.order);
    let other = there.ask_for_refund(wanted(till, "request-1", 1, 201)).await;
    assert!(matches!(other, Err(BaseError::Invalid(_))), "{other:?}");
    // A till asks for one refund of an order at a time.
    there.ask_for_refund(wanted(till, "request-2", 1, 300)).await.unwrap();
    let waiting = here.refund_requests().await.unwrap();
    assert_eq!(waiting.iter().map(|one| one.request.as_str()).collect::<Vec<_>>(), ["request-2"]);
    assert_eq!(waiting[0].cashier.as_ref().map(|cashier| cashier.login.as_str()), Some("bo"));

    let key = || (till, "request-2".to_owned());
    let (one, two) = tokio::join!(
        here.decide_refund(key(), Decision::Approve, person("max")),
        there.decide_refund(key(), Decision::Refuse, person("ivy")),
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.state, two.state);
    let refusals = |rows: Vec<evertill_server::base_store::AuditRow>| {
        rows.iter().filter(|row| row.what == AuditKind::RefundRequestRefused).count()
    };
    let told = refusals(here.audit_rows(None, 50).await.unwrap());
    match one.state {
        RequestState::Approved(by) => {
            assert_eq!((by.login.as_str(), told), ("max", 0));
            assert_eq!(there.refund_requests().await.unwrap().len(), 1, "it is not known to be reserved");
            there.refund_came_to(key(), CameTo::Reserved).await.unwrap();
            let known = here.refund_request(till, "request-2".into()).await.unwrap().unwrap();
            assert_eq!(known.state, RequestState::Reserved(person("max")));
        }
        RequestState::Refused(by) => assert_eq!((by.login.as_str(), told), ("ivy", 1)),
        other => panic!("{other:?}"),
    }
    assert!(there.refund_requests().await.unwrap().is_empty());
    let nobodys = here.decide_refund((till, "request-9".into()), Decision::Approve, person("max")).await;
    assert!(matches!(nobodys, Err(BaseError::NotFound(_))), "{nobodys:?}");
}

pub async fn what_nobody_decided_about_on_its_day_has_ended_and_no_decision_comes_after_it<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let till = till(&here, 1).await;
    here.ask_for_refund(wanted(till, "request-1", 1, 200)).await.unwrap();
    here.ask_for_refund(wanted(till, "request-2", 2, 200)).await.unwrap();
    here.ask_for_refund(wanted(till, "request-3", 3, 200)).await.unwrap();
    assert_eq!(there.refund_requests_count().await.unwrap(), 3);
    let names = there.waiting_refund_requests(till).await.unwrap();
    assert_eq!(names, ["request-1", "request-2", "request-3"]);
    let key = |name: &str| (till, name.to_owned());
    // One is approved in time, and its group cannot be reached.
    here.decide_refund(key("request-1"), Decision::Approve, person("max")).await.unwrap();
    assert_eq!(there.waiting_refund_requests(till).await.unwrap(), ["request-2", "request-3"]);
    assert_eq!(there.refund_requests_count().await.unwrap(), 3, "it is not known to be reserved");
    // The other manager's word comes when the day is over.
    shop.clock.forward(24 * 3600 * 1000);
    for decision in [Decision::Approve, Decision::Refuse] {
        let late = there.decide_refund(key("request-2"), decision, person("ivy")).await.unwrap();
        assert_eq!(late.state, RequestState::Expired);
    }
    assert_eq!(
        here.refund_request(till, "request-2".into()).await.unwrap().unwrap().state,
        RequestState::Expired
    );
    assert_eq!(
        here.ask_for_refund(wanted(till, "request-2", 2, 200)).await.unwrap().state,
        RequestState::Expired
    );
    // What comes just now was judged before the day ended.
    let late = here.ask_for_refund(wanted(till, "request-4", 4, 200)).await.unwrap();
    assert_eq!(late.state, RequestState::Expired);
    assert!(there.waiting_refund_requests(till).await.unwrap().is_empty());
    let told = here.audit_rows(None, 50).await.unwrap();
    assert!(told.iter().all(|row| row.what != AuditKind::RefundRequestRefused), "nobody refused it");

    // Only what was approved is left, until the group has said what it is.
    let left = here.refund_requests().await.unwrap();
    assert_eq!(left.iter().map(|one| one.request.as_str()).collect::<Vec<_>>(), ["request-1"]);
    let why = RefundRefused::Withdrawn;
    here.refund_came_to(key("request-1"), CameTo::Forbidden(why.clone())).await.unwrap();
    here.refund_came_to(key("request-1"), CameTo::Reserved).await.unwrap();
    let known = there.refund_request(till, "request-1".into()).await.unwrap().unwrap();
    assert_eq!(known.state, RequestState::Forbidden(person("max"), why));
    assert_eq!(there.refund_requests_count().await.unwrap(), 0);
}
