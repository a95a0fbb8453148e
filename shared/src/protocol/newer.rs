//! Tills read what servers say that are newer than they are: servers are brought up to date first.

use crate::payment::{DeclineReason, PaymentState};
use crate::protocol::error::{ApiError, ErrorCode};
use crate::protocol::orders::{PaymentView, StepKind};
use crate::protocol::refunds::{CodeRefused, RefundAnswer, RefundInbox};
use crate::protocol::staff::Role;
use crate::protocol::till_staff::TillStaff;
use crate::refund::{RefundRefused, RefundState};
use serde_json::{Value, from_value, json};

fn amount() -> Value {
    json!({ "minor": 500, "currency": "CNY" })
}

#[test]
fn a_reason_a_state_and_a_step_of_a_newer_server_are_read_and_never_as_paid() {
    let view = json!({
        "attempt": 1, "wallet": "alipay", "amount": amount(), "state": "half_paid", "since": 1, "deadline": 2,
        "next": { "what": "ring_the_bell", "at": 3 }, "reason": "bad_weather", "transaction": null, "server_time": 4,
    });
    let view: PaymentView = from_value(view).unwrap();
    assert_eq!((view.state, view.reason), (PaymentState::Unknown, Some(DeclineReason::PaymentFailed)));
    assert_eq!(view.next.map(|next| next.what), Some(StepKind::Ask));
}

#[test]
fn what_is_newer_about_a_refund_leaves_it_open() {
    let refund = |state: &str| {
        json!({
            "id": "R1", "order": "202609121215432123221992", "amount": amount(), "reason": "broken",
            "requested_by": "Mei", "requested_at": 1, "state": state, "refused": { "reason": "bad_weather", "of": 3 },
        })
    };
    let mut inbox = json!({
        "refunds": [{ "refund": refund("on_its_way"), "paid_by": { "by": "wallet", "wallet": "alipay", "transaction": "1" } }],
        "groups_unreachable": 0,
    });
    let number = crate::order_number::OrderNumber::new(
        crate::clock::Timestamp(1_700_000_000_000),
        1,
        crate::order_number::GroupTag::try_from(7).unwrap(),
    );
    inbox["refunds"][0]["refund"]["order"] = json!(number.unwrap());
    let inbox: RefundInbox = from_value(inbox).unwrap();
    let refund = &inbox.refunds[0].refund;
    assert_eq!((refund.state, &refund.refused), (RefundState::Unknown, &Some(RefundRefused::NotKnownHere)));
    let answer: RefundAnswer = from_value(json!({ "answer": "ask_twice", "how": "loudly" })).unwrap();
    assert_eq!(answer, RefundAnswer::NotKnownHere);
    let answer: RefundAnswer = from_value(json!({ "answer": "code_refused", "why": "bad_weather" })).unwrap();
    assert_eq!(answer, RefundAnswer::CodeRefused { why: CodeRefused::Unknown });
}

#[test]
fn an_error_of_a_newer_server_is_for_later_and_a_new_role_holds_no_right_of_a_managers() {
    let error: ApiError =
        from_value(json!({ "code": "bad_weather", "message": "wait", "server_time": 1 })).unwrap();
    assert!(error.code == ErrorCode::Internal && error.code.is_later());
    let staff = json!({
        "version": 2, "people": [{ "login": "li", "name": "Li", "role": "auditor", "verifier": "x" }],
    });
    let staff: TillStaff = from_value(staff).unwrap();
    assert_eq!(staff.people.unwrap()[0].role, Role::Cashier);
}
