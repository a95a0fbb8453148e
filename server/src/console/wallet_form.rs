//! Adding an account at a wallet, and changing one. Secrets go in and never come out: of those that are there the page says
//! when they were set.

use super::frame::{Frame, Notice, Tab, html};
use super::order::fresh_request;
use super::posted::{Fields, Posted};
use super::problem::Problem;
use super::say;
use super::visitor::{Visit, query_of};
use super::wallets::{currency, only_it, refused, span};
use super::words::fill;
use crate::accounts::{self, ChangeError, Secrets};
use crate::app::App;
use crate::base_store::{AccountFacts, AccountRow, BaseError, Changer};
use crate::channel::adapter::{Field, Kind, Said};
use crate::channel::bills::decimal;
use crate::channel::registered;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::AccountId;
use evertill_shared::money::Amount;
use evertill_shared::wallet::Wallet;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The field of the account's own number at the wallet, first in every form.
const MERCHANT: &str = "merchant";

struct Secret {
    name: &'static str,
    word: &'static str,
    set: String,
}

/// A field that this wallet's accounts have and others may not.
struct Own {
    name: &'static str,
    word: &'static str,
    hint: &'static str,
    value: String,
    most: u16,
    is_needed: bool,
    stays: bool,
    is_choice: bool,
    is_list: bool,
}

#[derive(Default)]
struct Filled {
    request: String,
    seen: String,
    name: String,
    lowest: String,
    highest: String,
    fee: String,
    currency: String,
    only_here: bool,
    scanned: bool,
    shown: bool,
    enabled: bool,
    /// What stands in the wallet's own fields.
    own: BTreeMap<&'static str, String>,
}

#[derive(Template)]
#[template(path = "wallet.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    title: String,
    action: String,
    is_new: bool,
    store: String,
    who: Vec<Own>,
    how: Vec<Own>,
    secrets: Vec<Secret>,
    form: Filled,
    zone_note: String,
}

fn secrets(wallet: Wallet, row: Option<&AccountRow>, visit: &Visit) -> Vec<Secret> {
    let t = visit.words();
    let set = |name: &str| {
        let known = row.and_then(|row| row.secrets.iter().find(|secret| secret.name == name));
        known.map(|secret| fill(t.secret_set_on, &[&visit.time(secret.set_at)])).unwrap_or_default()
    };
    let asked = registered::of(wallet).form().secrets.iter();
    asked.map(|one| Secret { name: one.name, word: say::own(one.word, t), set: set(one.name) }).collect()
}

fn own(fields: &[Field], (form, row): (&Filled, Option<&AccountRow>), visit: &Visit) -> Vec<Own> {
    let t = visit.words();
    let field = |field: &Field| {
        let (most, is_needed) = match field.kind {
            Kind::Line(most) => (most, false),
            Kind::Needed(most) => (most, true),
            // The account's own number: there is none without it.
            Kind::Stays(most) => (most, field.name == MERCHANT),
            Kind::Choice | Kind::List => (0, false),
        };
        let stays = row.is_some() && matches!(field.kind, Kind::Stays(_));
        let hint = match field.hint {
            Some(hint) => say::own(hint, t),
            None if stays => t.account_merchant_stays,
            None => "",
        };
        Own {
            name: field.name,
            word: say::own(field.word, t),
            hint,
            value: form.own.get(field.name).cloned().unwrap_or_default(),
            most,
            is_needed,
            stays,
            is_choice: field.kind == Kind::Choice,
            is_list: field.kind == Kind::List,
        }
    };
    fields.iter().map(field).collect()
}

fn draw(
    visit: &Visit,
    (wallet, row): (Wallet, Option<&AccountRow>),
    form: Filled,
    notice: Option<Notice>,
) -> Response {
    let (t, asked) = (visit.words(), registered::of(wallet).form());
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page {
        f: visit.frame(Tab::Wallets),
        notices: notice.into_iter().collect(),
        title: match row {
            Some(row) => fill(t.account_change, &[&row.id.to_string(), say::wallet(wallet, t)]),
            None => fill(t.account_add, &[say::wallet(wallet, t)]),
        },
        action: match row {
            Some(row) => format!("/console/wallets/{}", row.id),
            None => format!("/console/wallets/new/{}", wallet.code()),
        },
        is_new: row.is_none(),
        store: visit.store.name.clone(),
        who: own(asked.who, (&form, row), visit),
        how: own(asked.how, (&form, row), visit),
        secrets: secrets(wallet, row, visit),
        form,
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    html(status, &page)
}

/// The form for a new account.
pub(super) async fn blank(visit: Visit, Path(wallet): Path<String>) -> Result<Response, Problem> {
    only_it(&visit)?;
    let wallet: Wallet = wallet.parse().map_err(|_| Problem::NotFound)?;
    let form = Filled {
        request: fresh_request()?,
        currency: visit.store.currency.code().to_owned(),
        scanned: true,
        shown: registered::of(wallet).form().shows,
        enabled: true,
        ..Filled::default()
    };
    Ok(draw(&visit, (wallet, None), form, None))
}

async fn find(app: &App, id: u32) -> Result<AccountRow, Problem> {
    let mut accounts = app.base.wallet_table().await?.accounts.into_iter();
    accounts.find(|row| row.id == AccountId(id)).ok_or(Problem::NotFound)
}

/// The form for an account as it stands.
pub(super) async fn filled(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<u32>,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let row = find(&app, id).await?;
    let form = of_row(&row)?;
    Ok(draw(&visit, (row.facts.wallet, Some(&row)), form, None))
}

fn of_row(row: &AccountRow) -> Result<Filled, Problem> {
    let facts = &row.facts;
    let settings: Value = serde_json::from_str(&facts.settings).map_err(|_| Problem::Internal)?;
    let minor = |minor: Option<i64>| minor.map(|minor| Amount::new(minor, facts.currency).to_decimal());
    Ok(Filled {
        request: fresh_request()?,
        seen: row.version.to_string(),
        name: facts.name.clone(),
        lowest: minor(facts.amounts.lowest).unwrap_or_default(),
        highest: minor(facts.amounts.highest).unwrap_or_default(),
        fee: facts.fee.map(say::percent).unwrap_or_default(),
        currency: facts.currency.code().to_owned(),
        only_here: facts.store.is_some(),
        scanned: facts.scanned,
        shown: facts.shown,
        enabled: row.enabled,
        own: registered::of(facts.wallet)
            .form()
            .fields()
            .map(|field| (field.name, standing(field, &settings)))
            .collect(),
    })
}

/// What of the settings a field shows.
fn standing(field: &Field, settings: &Value) -> String {
    match settings.pointer(field.place) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "on".to_owned(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

fn of_fields(wallet: Wallet, fields: &Fields) -> Filled {
    let text = |name: &str| fields.get(name).to_owned();
    let on = |name: &str| fields.get(name) == "on";
    Filled {
        request: text("request"),
        seen: text("seen"),
        name: text("name"),
        lowest: text("lowest"),
        highest: text("highest"),
        fee: text("fee"),
        currency: text("currency"),
        only_here: text("store") == "this",
        scanned: on("scanned"),
        shown: on("shown"),
        enabled: on("enabled"),
        own: registered::of(wallet).form().fields().map(|field| (field.name, text(field.name))).collect(),
    }
}

/// The secrets that were typed in; those that were left empty stay as they are.
fn given(wallet: Wallet, fields: &Fields, visit: &Visit) -> Secrets {
    let typed = |secret: Secret| {
        let text = fields.get(secret.name);
        (!text.is_empty()).then(|| (secret.name.to_owned(), Zeroizing::new(text.as_bytes().to_vec())))
    };
    secrets(wallet, None, visit).into_iter().filter_map(typed).collect()
}

/// Percents with at most two decimals, as ten-thousandths; nothing said is nothing said. `None` for anything else.
pub(super) fn fee(text: &str) -> Option<Option<u32>> {
    let text = text.trim().trim_end_matches('%').trim_end();
    if text.is_empty() {
        return Some(None);
    }
    let fee = u32::try_from(decimal(text, 2, false)?).ok()?;
    (fee <= 10_000).then_some(Some(fee))
}

fn facts_of(
    wallet: Wallet,
    (form, fields): (&Filled, &Fields),
    secrets: &Secrets,
    row: Option<&AccountRow>,
    visit: &Visit,
) -> Result<AccountFacts, Notice> {
    let t = visit.words();
    // A form from before it had this field says nothing of it.
    let known = row.map_or(visit.store.currency, |row| row.facts.currency);
    let currency = currency(&form.currency).ok_or_else(|| Notice::bad(t.bad_currency))?.unwrap_or(known);
    let amounts = span(fields, currency).ok_or_else(|| Notice::bad(t.bad_amount))?;
    let fee = fee(&form.fee).ok_or_else(|| Notice::bad(t.bad_fee))?;
    let has = |name: &str| {
        secrets.contains_key(name)
            || row.is_some_and(|row| row.secrets.iter().any(|known| known.name == name))
    };
    let before = row.and_then(|row| serde_json::from_str(&row.facts.settings).ok());
    let said = Said { field: &|name| form.own.get(name).cloned().unwrap_or_default(), has: &has };
    let settings = registered::of(wallet).settings(&said, &before.unwrap_or_else(|| json!({})));
    let unusable = |problem: String| Notice::bad(fill(t.account_refused, &[&problem]));
    let settings = accounts::read(wallet, &settings.to_string()).map_err(unusable)?;
    Ok(AccountFacts {
        name: form.name.clone(),
        wallet,
        merchant: settings.merchant(),
        store: form.only_here.then_some(visit.store.id),
        currency,
        scanned: form.scanned,
        shown: form.shown,
        amounts,
        fee,
        settings: settings.text().map_err(unusable)?,
    })
}

/// Adds an account. Pressing twice adds it once.
pub(super) async fn add(
    State(app): State<App>,
    Path(wallet): Path<String>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let wallet: Wallet = wallet.parse().map_err(|_| Problem::NotFound)?;
    let (form, secrets) = (of_fields(wallet, &fields), given(wallet, &fields, &visit));
    let by = changer(&form, &visit)?;
    let facts = match facts_of(wallet, (&form, &fields), &secrets, None, &visit) {
        Ok(facts) => facts,
        Err(notice) => return Ok(draw(&visit, (wallet, None), form, Some(notice))),
    };
    let done = app.accounts.add(facts, secrets, form.enabled, by).await;
    match told(done.map(|id| Some(id.get())), &visit)? {
        Ok(response) => Ok(response),
        Err(notice) => Ok(draw(&visit, (wallet, None), form, Some(notice))),
    }
}

/// Changes an account. Pressing twice changes it once.
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<u32>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let row = find(&app, id).await?;
    let wallet = row.facts.wallet;
    let mut form = of_fields(wallet, &fields);
    let before: Value = serde_json::from_str(&row.facts.settings).map_err(|_| Problem::Internal)?;
    let stays = registered::of(wallet).form().fields().filter(|field| field.name == MERCHANT);
    form.own.extend(stays.map(|field| (field.name, standing(field, &before))));
    let (secrets, by) = (given(wallet, &fields, &visit), changer(&form, &visit)?);
    let seen = form.seen.parse().map_err(|_| Problem::BadForm)?;
    let facts = match facts_of(wallet, (&form, &fields), &secrets, Some(&row), &visit) {
        Ok(facts) => facts,
        Err(notice) => return Ok(draw(&visit, (wallet, Some(&row)), form, Some(notice))),
    };
    let done = app.accounts.change((row.id, seen), facts, secrets, by).await;
    match told(done.map(|()| Some(id)), &visit)? {
        Ok(response) => Ok(response),
        Err(notice) => Ok(draw(&visit, (wallet, Some(&row)), form, Some(notice))),
    }
}

fn changer(form: &Filled, visit: &Visit) -> Result<Changer, Problem> {
    let fits = |b: u8| b.is_ascii_alphanumeric();
    if !(8..=40).contains(&form.request.len()) || !form.request.bytes().all(fits) {
        return Err(Problem::BadForm);
    }
    let who = visit.who.login.clone();
    Ok(Changer { request: format!("{who} accounts {}", form.request), who })
}

/// Where to go after it was done, now or by the same press before; or why it was not.
fn told(done: Result<Option<u32>, ChangeError>, visit: &Visit) -> Result<Result<Response, Notice>, Problem> {
    let address = match done {
        Ok(Some(id)) => format!("/console/wallets?{}", query_of(&[("saved", &id.to_string())])),
        Ok(None) | Err(ChangeError::Base(BaseError::Replayed)) => "/console/wallets".to_owned(),
        Err(error) => return refused(error, visit).map(Err),
    };
    Ok(Ok(Redirect::to(&address).into_response()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wallet_keeps_is_written_in_percent_and_read_as_it_was_written() {
        assert_eq!(["", " ", "%"].map(fee), [Some(None); 3]);
        let read = ["0", "0.6", "0.38", "0.6 %", "100", "100.00"].map(fee);
        assert_eq!(read, [0, 60, 38, 60, 10_000, 10_000].map(|fee| Some(Some(fee))));
        assert_eq!(["-1", "0.385", "100.01", "a", "0,6", "1e3", "99999999999999999999"].map(fee), [None; 7]);
        for written in [0, 1, 10, 38, 60, 100, 105, 9_999, 10_000] {
            assert_eq!(fee(&say::percent(written)), Some(Some(written)));
        }
        assert_eq!([60, 38, 100, 105].map(say::percent), ["0.6", "0.38", "1", "1.05"]);
    }
}
