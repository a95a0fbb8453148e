//! One product: seen, changed, added, withdrawn and brought back.

use super::frame::{Frame, Notice, Tab, Tone, html};
use super::goods::{address_of, only_editors};
use super::posted::Posted;
use super::problem::Problem;
use super::product_form::Form;
use super::visitor::{Visit, query_of};
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{EditRefused, KeptProduct, ProductEdit, ProductFault};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::time::Duration;

/// How long a page waits for a catalogue that came a moment ago.
const CATCH_UP: Duration = Duration::from_millis(1_500);

#[derive(Template)]
#[template(path = "product.html")]
struct Page {
    f: Frame,
    title: String,
    action: &'static str,
    notices: Vec<Notice>,
    form: Form,
    is_new: bool,
    withdrawn: bool,
    /// A favourite behind those that tills show.
    hidden: bool,
    currency: &'static str,
    /// The name of its picture.
    picture: Option<String>,
}

/// Which product, and what was just done to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub id: String,
    done: String,
}

/// The page of one product.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    app.base.follow_catalogue(CATCH_UP).await?;
    let kept = app.base.product(&asked.id).await?.ok_or(Problem::NotFound)?;
    let t = visit.words().of_goods;
    let said = match asked.done.as_str() {
        "saved" => Some(t.goods_saved),
        "withdrawn" => Some(t.goods_gone),
        _ => None,
    };
    let notice = said.map(|said| Notice::good(fill(said, &[&kept.product.name])));
    draw(&app, &visit, StatusCode::OK, notice, Seen::Kept(kept)).await
}

/// The form of a new one.
pub(super) async fn blank(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    only_editors(&visit)?;
    draw(&app, &visit, StatusCode::OK, None, Seen::New(Form::default())).await
}

/// What the page shows.
pub(super) enum Seen {
    /// As it stands.
    Kept(KeptProduct),
    /// As it was typed, over what stands there.
    Typed(Form, KeptProduct),
    /// As it was typed, of a new one.
    New(Form),
}

pub(super) async fn draw(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    notice: Option<Notice>,
    seen: Seen,
) -> Result<Response, Problem> {
    let t = visit.words().of_goods;
    let (form, kept) = match seen {
        Seen::Kept(kept) => (Form::of(&kept), Some(kept)),
        Seen::Typed(form, kept) => (form, Some(kept)),
        Seen::New(form) => (form, None),
    };
    let withdrawn = kept.as_ref().is_some_and(|kept| kept.withdrawn);
    let picture = match &kept {
        Some(kept) => app.base.pictures().await?.of.remove(&kept.product.id),
        None => None,
    };
    let gone = withdrawn.then(|| Notice::new(Tone::Off, t.goods_is_withdrawn));
    let page = Page {
        f: visit.frame(Tab::Goods),
        title: kept.as_ref().map_or_else(|| t.goods_add.to_owned(), |kept| kept.product.name.clone()),
        action: if kept.is_some() { "/console/goods/one" } else { "/console/goods/new" },
        notices: notice.into_iter().chain(gone).collect(),
        form,
        is_new: kept.is_none(),
        withdrawn,
        hidden: kept.is_some_and(|kept| kept.product.favourite && kept.place.is_none() && !kept.withdrawn),
        currency: visit.store.currency.code(),
        picture,
    };
    Ok(html(status, &page))
}

/// Why nothing was changed, for people.
fn said(refused: EditRefused, t: &'static Words) -> Result<String, Problem> {
    let own = t.of_goods;
    Ok(match refused {
        EditRefused::Moved => own.goods_moved.to_owned(),
        EditRefused::Behind => own.goods_behind.to_owned(),
        EditRefused::Exists(id) => fill(own.goods_exists, &[&id]),
        EditRefused::CodeTaken { code, by } => fill(own.goods_code_taken, &[&code, &by]),
        EditRefused::FavouritesFull => own.goods_full.to_owned(),
        EditRefused::WhyNeeded => own.goods_why_needed.to_owned(),
        EditRefused::TooMany => own.goods_too_many.to_owned(),
        EditRefused::Fault(fault) => match fault {
            ProductFault::Id => own.goods_bad_id,
            ProductFault::Name => own.goods_bad_name,
            ProductFault::Currency(..) | ProductFault::Negative => own.goods_bad_price,
            ProductFault::Age => own.goods_bad_age,
            ProductFault::SerialByWeight => own.goods_weight_serial,
            ProductFault::Tax => own.goods_bad_tax,
            ProductFault::Barcode => own.goods_bad_codes,
        }
        .to_owned(),
        EditRefused::Base(error) => return Err(error.into()),
    })
}

/// Does it, and has the catalogue written anew behind the answer if it is time.
async fn edit(app: &App, visit: &Visit, edit: ProductEdit) -> Result<bool, EditRefused> {
    let done = app.base.edit_product(edit, visit.who.login.clone()).await?;
    let base = app.base.clone();
    tokio::spawn(async move {
        if let Err(error) = base.settle_catalogue().await {
            tracing::warn!(%error, "the catalogue is not written anew: the next edit tries again");
        }
    });
    Ok(done)
}

fn done(id: &str, done: &str) -> Response {
    let query = query_of(&[("id", id), ("done", done)]);
    Redirect::to(&format!("/console/goods/one?{query}")).into_response()
}

/// Adds one. Pressing twice adds it once.
pub(super) async fn add(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    let (t, form) = (visit.words(), Form { seen: String::new(), ..Form::typed(&fields) });
    let refused = match form.edit(visit.store.currency) {
        Err(unreadable) => unreadable.said(t).to_owned(),
        Ok(wanted) => match edit(&app, &visit, wanted).await {
            Ok(_) => return Ok(done(&form.id, "saved")),
            Err(refused) => said(refused, t)?,
        },
    };
    draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(refused)), Seen::New(form)).await
}

/// Changes one, or brings it back. Pressing twice does it once.
pub(super) async fn change(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    let (t, form) = (visit.words(), Form::typed(&fields));
    if form.seen.is_empty() {
        return Err(Problem::BadForm);
    }
    let (refused, stale) = match form.edit(visit.store.currency) {
        Err(unreadable) => (unreadable.said(t).to_owned(), false),
        Ok(wanted) => match edit(&app, &visit, wanted).await {
            Ok(_) => return Ok(done(&form.id, "saved")),
            Err(refused) => {
                let stale = matches!(refused, EditRefused::Moved);
                (said(refused, t)?, stale)
            }
        },
    };
    let kept = app.base.product(&form.id).await?.ok_or(Problem::NotFound)?;
    // What somebody else has written is not to be overwritten by sending the same form again.
    let seen = if stale { Seen::Kept(kept) } else { Seen::Typed(form, kept) };
    draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(refused)), seen).await
}

/// Takes one out of the catalogue. Pressing twice does it once.
pub(super) async fn withdraw(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    let (id, seen) = (fields.get("id").to_owned(), fields.get("seen").to_owned());
    if id.contains('\0') {
        return Err(Problem::BadForm);
    }
    let wanted =
        ProductEdit { id: id.clone(), becomes: None, seen: Some(seen), why: fields.get("why").to_owned() };
    let refused = match edit(&app, &visit, wanted).await {
        Ok(_) => return Ok(done(&id, "withdrawn")),
        Err(refused) => said(refused, visit.words())?,
    };
    let Some(kept) = app.base.product(&id).await? else {
        return Ok(Redirect::to(&address_of(&id)).into_response());
    };
    let notice = Some(Notice::bad(refused));
    draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, notice, Seen::Kept(kept)).await
}
