//! The merchant's accounts at the wallets, and the rules by which one of them is asked for a sale.

use super::frame::{Badge, Frame, Notice, Tab, Tone, html, may_open};
use super::posted::{Fields, Posted};
use super::problem::Problem;
use super::say;
use super::visitor::{Visit, query_of};
use super::wallet_rules::{RuleForm, opened_with};
use super::words::{Words, fill};
use crate::accounts::{ChangeError, SealError, Standing};
use crate::app::App;
use crate::base_store::{AccountRow, BaseError, WalletTable};
use crate::channel::registered;
use crate::order_centre::ChannelHealth;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::{AccountId, StoreId};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::routing::{Rule, Span};
use evertill_shared::wallet::Wallet;
use serde::Deserialize;

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 200;

struct Account {
    id: u32,
    name: String,
    wallet: &'static str,
    merchant_word: &'static str,
    merchant: String,
    badges: Vec<Badge>,
    trouble: String,
    store: String,
    currency: &'static str,
    kinds: String,
    amounts: String,
    fee: String,
    changed: String,
    enabled: bool,
}

struct RuleRow {
    priority: u32,
    wallet: &'static str,
    store: String,
    currency: String,
    amounts: String,
    accounts: String,
}

struct Choice {
    value: &'static str,
    word: &'static str,
}

#[derive(Template)]
#[template(path = "wallets.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    accounts: Vec<Account>,
    of_the_file: Vec<String>,
    rules: Vec<RuleRow>,
    wallets: Vec<Choice>,
    form: RuleForm,
    zone_note: String,
}

/// What was just done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    saved: Option<u32>,
    deleted: Option<u32>,
    routing: bool,
    /// The rule that is to be changed.
    rule: Option<u32>,
}

/// Whether this person may see and change accounts.
pub(super) fn only_it(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Wallets) { Ok(()) } else { Err(Problem::Forbidden) }
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let t = visit.words();
    let saved = done.saved.map(|id| Notice::good(fill(t.account_saved, &[&id.to_string()])));
    let deleted = done.deleted.map(|id| Notice::good(fill(t.account_gone, &[&id.to_string()])));
    let routing = done.routing.then(|| Notice::good(t.routing_saved));
    draw_with(&app, &visit, (StatusCode::OK, saved.or(deleted).or(routing)), done.rule).await
}

async fn draw(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, Problem> {
    draw_with(app, visit, (status, notice), None).await
}

async fn draw_with(
    app: &App,
    visit: &Visit,
    (status, notice): (StatusCode, Option<Notice>),
    to_change: Option<u32>,
) -> Result<Response, Problem> {
    let (t, table) = (visit.words(), app.base.wallet_table().await?);
    let health = app.centre.channels();
    let forsaken = app.accounts.forsaken(&table).await.into_iter().map(|(wallet, merchant)| {
        Notice::bad(fill(t.account_forsaken, &[say::wallet(wallet, t), &merchant]))
    });
    let other = health.iter().filter_map(|one| mismatch(one, visit));
    let own = (visit.store.id, visit.store.currency);
    let form = to_change.and_then(|priority| RuleForm::of(priority, &table, own, t));
    let no_keys = (!app.accounts.can_seal()).then(|| Notice::new(Tone::Doubt, t.account_no_keys));
    let page = Page {
        f: visit.frame(Tab::Wallets),
        notices: notice.into_iter().chain(forsaken).chain(other).chain(no_keys).collect(),
        accounts: table.accounts.iter().map(|row| account(row, app, &health, visit)).collect(),
        of_the_file: Wallet::ALL.iter().filter_map(|wallet| in_the_file(app, *wallet, &table, t)).collect(),
        rules: table.rules.iter().map(|rule| rule_row(rule, &table, visit)).collect(),
        wallets: Wallet::ALL
            .map(|wallet| Choice { value: wallet.code(), word: say::wallet(wallet, t) })
            .into(),
        form: form.unwrap_or_else(|| RuleForm::empty(own.1, t)),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(html(status, &page))
}

/// An account whose answers were about something else than was asked.
fn mismatch(one: &ChannelHealth, visit: &Visit) -> Option<Notice> {
    let (t, (count, last)) = (visit.words(), &one.mismatches);
    let last = last.as_ref()?;
    let (whose, count, at) =
        (say::account(one.wallet, one.account, t), count.to_string(), visit.time(last.at));
    Some(Notice::bad(fill(t.account_mismatch, &[&whose, &count, &at, &last.call, last.field])))
}

/// How the settings file's account stands beside the rows.
fn in_the_file(app: &App, wallet: Wallet, table: &WalletTable, t: &'static Words) -> Option<String> {
    let merchant = app.accounts.of_the_file(wallet)?;
    let replaced = table.accounts.iter().any(|row| row.facts.wallet == wallet);
    let sentence = if replaced { t.account_file_old } else { t.account_file_new };
    Some(fill(sentence, &[say::wallet(wallet, t), merchant]))
}

fn account(row: &AccountRow, app: &App, health: &[ChannelHealth], visit: &Visit) -> Account {
    let (t, facts) = (visit.words(), &row.facts);
    let standing = app.accounts.standing(row.id);
    let refuses = health.iter().any(|one| (one.wallet, one.account) == (facts.wallet, row.id) && one.is_open);
    let taking = match row.enabled {
        true => Badge::new(Tone::Good, t.account_enabled),
        false => Badge::new(Tone::Off, t.account_disabled),
    };
    let answering = match &standing {
        Some(Standing::Wrong(_)) => Badge::new(Tone::Bad, t.account_wrong),
        _ if refuses => Badge::new(Tone::Bad, t.channel_refusing),
        Some(Standing::Fits) => Badge::new(Tone::Good, t.account_fits),
        Some(Standing::Opened) | None => Badge::new(Tone::Wait, t.account_unasked),
    };
    let kinds = [(facts.scanned, t.account_scanned), (facts.shown, t.account_shown)];
    let kinds: Vec<&str> = kinds.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    Account {
        id: row.id.get(),
        name: facts.name.clone(),
        wallet: say::wallet(facts.wallet, t),
        merchant_word: registered::of(facts.wallet)
            .form()
            .who
            .first()
            .map_or("", |field| say::own(field.word, t)),
        merchant: facts.merchant.clone(),
        badges: vec![taking, answering],
        trouble: match standing {
            Some(Standing::Wrong(problem)) => problem,
            _ => String::new(),
        },
        store: store(facts.store, visit),
        currency: facts.currency.code(),
        kinds: if kinds.is_empty() { t.none.to_owned() } else { kinds.join(" · ") },
        amounts: amounts(&facts.amounts, facts.currency, t),
        fee: facts.fee.map_or(t.account_fee_unsaid.to_owned(), |fee| format!("{} %", say::percent(fee))),
        changed: visit.time(row.changed_at),
        enabled: row.enabled,
    }
}

fn store(only: Option<StoreId>, visit: &Visit) -> String {
    match only {
        None => visit.words().account_all_stores.to_owned(),
        Some(own) if own == visit.store.id => visit.store.name.clone(),
        Some(other) => other.to_string(),
    }
}

fn amounts(span: &Span, currency: Currency, t: &'static Words) -> String {
    let text =
        |minor: Option<i64>| minor.map_or("…".to_owned(), |minor| Amount::new(minor, currency).to_string());
    match (span.lowest, span.highest) {
        (None, None) => t.account_any_amount.to_owned(),
        (lowest, highest) => format!("{} – {}", text(lowest), text(highest)),
    }
}

fn rule_row(rule: &Rule, table: &WalletTable, visit: &Visit) -> RuleRow {
    let t = visit.words();
    let name = |id: &AccountId| {
        let row = table.accounts.iter().find(|row| row.id == *id);
        row.map_or(id.to_string(), |row| format!("{} ({id})", row.facts.name))
    };
    let names: Vec<String> = rule.accounts.iter().map(name).collect();
    RuleRow {
        priority: rule.priority,
        wallet: say::wallet(rule.wallet, t),
        store: store(rule.store, visit),
        currency: rule.currency.map_or(t.rule_any_currency.to_owned(), |only| only.code().to_owned()),
        amounts: amounts(&rule.amounts, rule.currency.unwrap_or(visit.store.currency), t),
        accounts: if names.is_empty() { t.rule_nobody.to_owned() } else { names.join(" · ") },
    }
}

/// A reason that was given, if one was.
fn reason(fields: &Fields) -> Option<String> {
    let reason: String = fields.get("reason").chars().take(LONGEST_REASON).collect();
    (!reason.is_empty()).then_some(reason)
}

/// Why something was not done, for people.
pub(super) fn refused(error: ChangeError, visit: &Visit) -> Result<Notice, Problem> {
    let t = visit.words();
    match error {
        ChangeError::Base(BaseError::MayHold { since, until }) => {
            Ok(Notice::bad(fill(t.account_may_hold, &[&visit.time(since), &visit.time(until)])))
        }
        ChangeError::InUse => Ok(Notice::bad(t.account_in_use)),
        ChangeError::Seal(SealError::NoKeys) => Ok(Notice::bad(t.account_no_keys)),
        ChangeError::Group(error) => Ok(Notice::bad(fill(t.account_refused, &[&error.to_string()]))),
        ChangeError::Base(error @ BaseError::Db(_)) => Err(error.into()),
        other => Ok(Notice::bad(fill(t.account_refused, &[&other.to_string()]))),
    }
}

async fn answered(
    app: &App,
    visit: &Visit,
    done: Result<(), ChangeError>,
    (name, value): (&str, String),
) -> Result<Response, Problem> {
    match done {
        Ok(()) => {
            let address = format!("/console/wallets?{}", query_of(&[(name, &value)]));
            Ok(Redirect::to(&address).into_response())
        }
        Err(error) => {
            let notice = refused(error, visit)?;
            draw(app, visit, StatusCode::UNPROCESSABLE_ENTITY, Some(notice)).await
        }
    }
}

/// Enables, disables or deletes an account. Pressing twice does it once.
pub(super) async fn act(
    State(app): State<App>,
    Path((id, what)): Path<(u32, String)>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let Some(why) = reason(&fields) else {
        let notice = Some(Notice::bad(visit.words().reason_needed));
        return draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, notice).await;
    };
    let (account, who) = (AccountId(id), visit.who.login.clone());
    let (done, name) = match what.as_str() {
        "enable" => (app.accounts.enable(account, true, why, who).await, "saved"),
        "disable" => (app.accounts.enable(account, false, why, who).await, "saved"),
        "delete" => (app.accounts.delete(account, why, who).await, "deleted"),
        _ => return Err(Problem::NotFound),
    };
    answered(&app, &visit, done, (name, id.to_string())).await
}

/// Writes a rule down, or puts it in the place of the one that the form was opened with. Pressing twice does it once.
pub(super) async fn add_rule(
    State(app): State<App>,
    Posted { visit, fields }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let typed = rule(&fields, (visit.store.id, visit.store.currency));
    let was = opened_with(fields.get("was")).map_err(|_| NoRule::Unreadable);
    match typed.and_then(|rule| Ok((was?, rule))) {
        Ok((was, rule)) => {
            let who = visit.who.login.clone();
            let done = match was {
                Some(was) => app.accounts.replace_rule(was, rule, who).await,
                None => app.accounts.add_rule(rule, who).await,
            };
            answered(&app, &visit, done, ("routing", "true".into())).await
        }
        Err(why) => {
            let t = visit.words();
            let words = match why {
                NoRule::Unreadable => t.rule_unreadable,
                NoRule::AmountsOfWhat => t.rule_amounts_of_what,
            };
            draw(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::bad(words))).await
        }
    }
}

/// Why a form holds no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoRule {
    /// Something in it is not what it should be.
    Unreadable,
    /// Amounts are limited, and nobody says in which currency.
    AmountsOfWhat,
}

fn rule(fields: &Fields, (this, own): (StoreId, Currency)) -> Result<Rule, NoRule> {
    let numbers = fields.get("accounts").split([',', ' ', '，']).filter(|part| !part.is_empty());
    let accounts = numbers.map(|part| part.parse().map(AccountId).map_err(|_| NoRule::Unreadable));
    let currency = currency(fields.get("currency")).ok_or(NoRule::Unreadable)?;
    let amounts = span(fields, currency.unwrap_or(own)).ok_or(NoRule::Unreadable)?;
    if currency.is_none() && amounts != Span::default() {
        return Err(NoRule::AmountsOfWhat);
    }
    Ok(Rule {
        priority: fields.get("priority").parse().map_err(|_| NoRule::Unreadable)?,
        wallet: fields.get("wallet").parse().map_err(|_| NoRule::Unreadable)?,
        store: match fields.get("store") {
            "this" => Some(this),
            other => other.parse::<u32>().ok().and_then(|other| other.try_into().ok()),
        },
        currency,
        amounts,
        accounts: accounts.collect::<Result<_, _>>()?,
    })
}

/// A currency's three letters; nothing said is any. `None` if that is no currency.
pub(super) fn currency(text: &str) -> Option<Option<Currency>> {
    match text.trim() {
        "" => Some(None),
        code => code.to_ascii_uppercase().parse().ok().map(Some),
    }
}

/// The fields `lowest` and `highest`; nothing if one cannot be read.
pub(super) fn span(fields: &Fields, currency: Currency) -> Option<Span> {
    let part = |name: &str| match fields.get(name) {
        "" => Some(None),
        text => Amount::parse_decimal(text, currency).ok().map(|amount| Some(amount.minor)),
    };
    Some(Span { lowest: part("lowest")?, highest: part("highest")? })
}

/// Removes a rule. Pressing twice removes it once.
pub(super) async fn remove_rule(
    State(app): State<App>,
    Path(priority): Path<u32>,
    Posted { visit, .. }: Posted,
) -> Result<Response, Problem> {
    only_it(&visit)?;
    let done = app.accounts.remove_rule(priority, visit.who.login.clone()).await;
    answered(&app, &visit, done, ("routing", "true".into())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_one_of_three_letters_or_any() {
        assert_eq!(["", "  "].map(currency), [Some(None); 2]);
        assert_eq!(currency(" cny "), Some(Some(Currency::CNY)));
        assert_eq!(["CN", "yuan", "ZZQ", "1", "CNY CNY"].map(currency), [None; 5]);
    }

    fn typed(own: &[(&str, &str)]) -> Result<Rule, NoRule> {
        let usual = [("priority", "10"), ("wallet", "wechat_pay"), ("store", "all"), ("accounts", "1，2, 3")];
        let fields = Fields::of(usual.iter().chain(own).copied());
        rule(&fields, (7_u32.try_into().unwrap(), Currency::CNY))
    }

    #[test]
    fn a_rule_asks_for_store_wallet_currency_and_amounts_as_they_were_typed() {
        let any = typed(&[]).unwrap();
        assert_eq!(
            (any.priority, any.wallet.code(), any.store, any.currency),
            (10, "wechat_pay", None, None)
        );
        assert_eq!(
            (any.amounts, any.accounts),
            (Span::default(), vec![AccountId(1), AccountId(2), AccountId(3)])
        );
        let yen: Currency = "JPY".parse().unwrap();
        let of_yen =
            typed(&[("currency", "jpy"), ("highest", "500"), ("store", "this"), ("accounts", "")]).unwrap();
        assert_eq!((of_yen.currency, of_yen.amounts.highest), (Some(yen), Some(500)), "by its own decimals");
        assert_eq!((of_yen.store.map(StoreId::get), of_yen.accounts.len()), (Some(7), 0));
        let of_yuan = typed(&[("currency", "CNY"), ("lowest", "12.50"), ("highest", "500")]).unwrap();
        assert_eq!(of_yuan.amounts, Span { lowest: Some(1_250), highest: Some(50_000) });
        assert_eq!(typed(&[("lowest", "1")]), Err(NoRule::AmountsOfWhat), "of what currency?");
        for bad in [
            ("priority", "x"),
            ("wallet", "cash"),
            ("currency", "yuan"),
            ("accounts", "1, a"),
            ("lowest", "1.2.3"),
        ] {
            assert_eq!(typed(&[bad]), Err(NoRule::Unreadable), "{bad:?}");
        }
    }
}
