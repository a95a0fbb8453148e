//! A manager asks for a refund.

use super::order::{self, RefundForm, Typed};
use super::posted::{Fields, Posted};
use super::problem::Problem;
use super::say;
use super::words::{Words, fill};
use crate::api::refunds::{Asker, LONGEST_REASON, is_request, reserve_refund};
use crate::app::App;
use crate::order_group::{GroupError, Refusal};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::staff::AskRefund;

/// Asks for the refund; the answer leads to the order's page.
pub(super) async fn ask(
    State(app): State<App>,
    Path(number): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !visit.who.role.may_refund() {
        return Err(Problem::Forbidden);
    }
    let number: OrderNumber = number.parse().map_err(|_| Problem::NoSuchOrder)?;
    let (t, currency) = (visit.words(), visit.store.currency);
    let mut form = filled_in(&fields);
    let sentence = match read(&fields, currency, t) {
        Err(sentence) => sentence,
        Ok(asked) => {
            match reserve_refund(&app, &Asker::of(&visit.who), number, asked, app.clock.now()).await? {
                Ok(record) => {
                    let beside = record.beside.map(|beside| format!(",{}", beside.refund.id));
                    let (refund, beside) = (record.refund.id, beside.unwrap_or_default());
                    let address = format!("/console/orders/{number}?asked={refund}{beside}#refunds");
                    return Ok(Redirect::to(&address).into_response());
                }
                Err(error) => {
                    form.look_again = matches!(error, GroupError::Refused(_));
                    if matches!(error, GroupError::Refused(Refusal::Conflict(_))) {
                        form.request.clear(); // another refund has it: the next one gets a new one
                    }
                    say::not_reserved(&error, number.tag(), currency, t)
                }
            }
        }
    };
    order::draw_refused(&app, &visit, number, sentence, Typed::Refund(form)).await
}

fn filled_in(fields: &Fields) -> RefundForm {
    RefundForm {
        request: fields.get("request").to_owned(),
        left_minor: fields.get("left").parse().unwrap_or(0),
        whole: fields.get("what") == "whole",
        part: fields.get("what") == "part",
        amount: fields.get("amount").to_owned(),
        reason: fields.get("reason").to_owned(),
        ..RefundForm::default()
    }
}

fn read(fields: &Fields, currency: Currency, t: &'static Words) -> Result<AskRefund, String> {
    let request = fields.get("request").to_owned();
    if !is_request(&request) {
        return Err(t.bad_form.into());
    }
    let bad_amount = || fill(t.refund_bad_amount, &[currency.code()]);
    let amount = match fields.get("what") {
        // What the person saw when pressing, so that pressing twice asks for the same.
        "whole" => fields.get("left").parse().ok().map(|minor| Amount::new(minor, currency)),
        "part" => Amount::parse_decimal(fields.get("amount"), currency).ok(),
        _ => return Err(t.refund_choose.into()),
    };
    let amount = amount.filter(|amount| amount.is_positive()).ok_or_else(bad_amount)?;
    let reason = fields.get("reason").to_owned();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(t.refund_no_reason.into());
    }
    Ok(AskRefund { request, amount, reason })
}
