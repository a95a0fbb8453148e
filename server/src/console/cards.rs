//! Cards to log in with at tills: made and shown once, or taken away.

use super::frame::{Frame, Notice, Tab, html};
use super::posted::Posted;
use super::problem::Problem;
use super::qr::picture;
use super::staff::{Form, draw, only_it};
use super::visitor::{Visit, query_of};
use super::words::fill;
use crate::api::staff::change_card;
use crate::app::App;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::staff::{CardSet, SetCard};
use evertill_shared::secret::SecretText;

#[derive(Template)]
#[template(path = "card.html")]
struct Page {
    f: Frame,
    title: String,
    keep: String,
    name: String,
    store: String,
    side: usize,
    path: String,
    code: String,
}

/// Makes a new card for somebody and shows it, this once; or takes theirs away.
pub(super) async fn change(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let remove = match fields.get("what") {
        "make" => false,
        "remove" => true,
        _ => return Err(Problem::BadForm),
    };
    let login = fields.get("carrier").to_owned();
    match change_card(&app, &visit.who, &SetCard { login: login.clone(), remove }).await {
        Ok(CardSet { person, code: Some(code) }) => shown(&visit, &person.name, &code),
        Ok(CardSet { person, code: None }) => {
            let address = format!("/console/staff?{}", query_of(&[("card", &person.login)]));
            Ok(Redirect::to(&address).into_response())
        }
        Err(failure) if failure.code == ErrorCode::NotFound => {
            let staff = app.base.staff().await?;
            let notice = Some(Notice::bad(visit.words().left_choose));
            let form = Form::of_carrier(login);
            Ok(draw(&visit, staff, StatusCode::UNPROCESSABLE_ENTITY, notice, form))
        }
        Err(_) => Err(Problem::Internal),
    }
}

fn shown(visit: &Visit, name: &str, code: &SecretText) -> Result<Response, Problem> {
    let t = visit.words().of_cards;
    let (side, path) = picture(code.expose()).ok_or(Problem::Internal)?;
    let page = Page {
        f: visit.frame(Tab::Staff),
        title: fill(t.shown_title, &[name]),
        keep: fill(t.keep, &[name]),
        name: name.to_owned(),
        store: visit.store.name.clone(),
        side,
        path,
        code: code.expose().to_owned(),
    };
    Ok(html(StatusCode::OK, &page))
}
