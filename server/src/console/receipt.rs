//! How the receipts of all tills look: one template, checked as the tills read it before it gets to any, and shown as the
//! tills lay it out while it is changed.

use super::frame::{Frame, Notice, Tab, may_open, ok};
use super::posted::Posted;
use super::problem::Problem;
use super::receipt_fault::Wrong;
use super::receipt_preview::{Preview, preview};
use super::visitor::Visit;
use super::words::{Language, fill};
use crate::app::App;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::{self, DEFAULT};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    text: String,
    is_own: bool,
    /// The language of the words on the paper that is shown.
    paper: Language,
    wrong: Option<(Notice, Wrong)>,
    /// What the template makes of some receipts; nothing if it is wrong.
    shown: Option<Preview>,
}

/// What was done a moment ago.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// The template in use, to be changed.
pub(super) async fn page(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Receipt) {
        return Err(Problem::Forbidden);
    }
    let template = app.base.receipt_template().await?;
    let is_own = template.text.is_some();
    let done = match asked.done.as_str() {
        "kept" => Some(Notice::good(visit.words().receipt_kept)),
        "removed" => Some(Notice::good(visit.words().receipt_removed)),
        _ => None,
    };
    let text = template.text.unwrap_or_else(|| DEFAULT.to_owned());
    let page = Page {
        f: visit.frame(Tab::Receipt),
        notices: done.into_iter().collect(),
        is_own,
        paper: visit.language,
        wrong: None,
        shown: None,
        text,
    };
    Ok(ok(&shown(page, &visit, None)))
}

/// Keeps a template, takes the shop's away, or only shows what would come of it. One that is wrong comes back with the line
/// that is, and why.
pub(super) async fn change(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Receipt) {
        return Err(Problem::Forbidden);
    }
    // Browsers send lines with CR LF; the tills' files have none.
    let text = fields.exact("text").replace("\r\n", "\n");
    let what = fields.get("what");
    let kept = match what {
        "preview" => None,
        "remove" => Some((None, "removed")),
        _ if template::Template::parse(&text).is_ok() => Some((Some(text.clone()), "kept")),
        _ => None,
    };
    if let Some((text, done)) = kept {
        app.base.set_receipt_template(ShopTemplate { text }, visit.who.login.clone()).await?;
        return Ok(Redirect::to(&format!("/console/receipt?done={done}")).into_response());
    }
    let refused = (what != "preview").then_some(visit.words().receipt_wrong);
    let page = Page {
        f: visit.frame(Tab::Receipt),
        notices: Vec::new(),
        is_own: app.base.receipt_template().await?.text.is_some(),
        paper: Language::from_code(fields.get("paper")).unwrap_or(visit.language),
        wrong: None,
        shown: None,
        text,
    };
    Ok(ok(&shown(page, &visit, refused)))
}

/// The page with what its template makes of receipts, or with what is wrong with it: in the sentence `refused`, if any.
fn shown(page: Page, visit: &Visit, refused: Option<&str>) -> Page {
    let t = visit.words();
    match template::Template::parse(&page.text) {
        Ok(template) => Page { shown: Some(preview(&template, &visit.store, page.paper, t)), ..page },
        Err(error) => {
            let wrong = Wrong::new(&error, &page.text, visit.language);
            let sentence = wrong.sentence(t);
            let sentence = refused.map_or_else(|| sentence.clone(), |refused| fill(refused, &[&sentence]));
            Page { wrong: Some((Notice::bad(sentence), wrong)), ..page }
        }
    }
}
