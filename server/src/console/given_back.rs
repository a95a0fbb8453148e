//! Money that went back by itself: what wallets took although no sale needed it, newest first; why, under which number it
//! goes back, where it stands, and what comes next. What is open stands among what is not settled as well.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::pages::Asked;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::order_group::GiveBack;
use crate::order_group::overview::{GivenBack, GivenBackEnd, Surplus};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use evertill_shared::clock::Timestamp;

struct Row {
    number: String,
    grouped: String,
    why: &'static str,
    terminal: String,
    amount: String,
    wallet: String,
    own: String,
    badge: Badge,
    found: String,
    next: String,
    deed: Option<String>,
}

#[derive(Template)]
#[template(path = "given_back.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
    zone_note: String,
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Unsettled) {
        return Err(Problem::Forbidden);
    }
    let (t, now) = (visit.words(), app.clock.now());
    let page = asked.page();
    let list = app.groups.given_back(page.most()).await;
    let (newer, older) = page.beside(&list.all, "/console/given-back");
    let today = app.base.business_day(now).to_string();
    let page = Page {
        f: visit.frame(Tab::Unsettled),
        notices: page.notices(&list.all, &list.unreachable, (t.given_back_missing, t.given_back_more)),
        rows: page.of(&list.all).map(|one| row(one, now, &today, &visit)).collect(),
        newer,
        older,
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn row(one: &GivenBack, now: Timestamp, today: &str, visit: &Visit) -> Row {
    let (t, what) = (visit.words(), &one.what);
    let (next, deed) = next(one, now, visit);
    Row {
        number: what.number.to_string(),
        grouped: what.number.grouped(),
        why: why(one.why, t),
        terminal: what.terminal.to_string(),
        amount: what.amount.to_string(),
        wallet: say::account(what.wallet, what.account, t),
        own: what.refund().0,
        badge: badge(one, t),
        found: fill(t.given_back_found, &[&say::time_on(what.since, &visit.store.zone, today)]),
        next: match one.ended_at {
            Some(at) => {
                let at = say::time_on(at, &visit.store.zone, today);
                format!("{next} ({})", fill(t.given_back_ended, &[&at]))
            }
            None => next,
        },
        deed,
    }
}

fn why(why: Surplus, t: &'static Words) -> &'static str {
    match why {
        Surplus::Late => t.given_back_late,
        Surplus::Double => t.given_back_double,
        Surplus::Elsewhere => t.given_back_elsewhere,
    }
}

fn badge(one: &GivenBack, t: &'static Words) -> Badge {
    match (one.end, &one.what.words) {
        (Some(GivenBackEnd::Done), _) => Badge::new(Tone::Good, t.given_back_done),
        (Some(GivenBackEnd::NothingTaken), _) => Badge::new(Tone::Off, t.given_back_nothing),
        (None, Some(_)) => Badge::new(Tone::Bad, t.give_back_refused),
        (None, None) => Badge::new(Tone::Wait, t.give_back_open),
    }
}

/// What a person can do about what the wallet refuses, or does not answer.
pub(super) fn finish(what: &GiveBack, words: Option<&str>, t: &'static Words) -> String {
    let finish = fill(t.do_finish_refused, &[&what.refund().0]);
    match words {
        Some(words) => format!("{} {finish}", fill(t.wallet_says, &[words])),
        None => finish,
    }
}

/// What happens by itself, and what a person can do.
fn next(one: &GivenBack, now: Timestamp, visit: &Visit) -> (String, Option<String>) {
    let (t, what) = (visit.words(), &one.what);
    if one.end.is_some() {
        return (t.given_back_over.to_owned(), None);
    }
    let deed = match what {
        GiveBack { by_hand: true, .. } => Some(fill(t.do_finish, &[&what.refund().0])),
        GiveBack { words, .. } if what.may_be_finished(now) => Some(finish(what, words.as_deref(), t)),
        GiveBack { words: Some(words), .. } => {
            let look_up = fill(t.do_look_up, &[&what.refund().0]);
            Some(format!("{} {look_up}", fill(t.wallet_says, &[words])))
        }
        _ => None,
    };
    (fill(t.give_back_next, &[&visit.time(what.next_at.max(now))]), deed)
}
