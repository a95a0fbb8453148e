//! Adding an account at a wallet, and changing one. Secrets go in and never come out: of those that are there the page says
//! when they were set.

use super::frame::{Frame, Notice, Tab, html};
use super::order::fresh_request;
use super::posted::{Fields, Posted};
use super::problem::Problem;
use super::say;
use super::visitor::{Visit, query_of};
use super::wallets::{only_it, refused, span};
use super::words::fill;
use crate::accounts::{AccountSettings, ChangeError, Secrets};
use crate::app::App;
use crate::base_store::{AccountFacts, AccountRow, BaseError, Changer};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evertill_shared::id::AccountId;
use evertill_shared::money::Amount;
use evertill_shared::wallet::Wallet;
use serde_json::{Value, json};
use zeroize::Zeroizing;

struct Secret {
    name: &'static str,
    word: &'static str,
    set: String,
}

#[derive(Default)]
struct Filled {
    request: String,
    seen: String,
    name: String,
    merchant: String,
    app_id: String,
    sub_merchant: String,
    sub_app: String,
    seller_id: String,
    notify_url: String,
    public_key_id: String,
    endpoints: String,
    lowest: String,
    highest: String,
    only_here: bool,
    scanned: bool,
    shown: bool,
    codepay: bool,
    enabled: bool,
}

#[derive(Template)]
#[template(path = "wallet.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    title: String,
    action: String,
    is_new: bool,
    is_wechat: bool,
    store: String,
    secrets: Vec<Secret>,
    form: Filled,
    zone_note: String,
}

fn secrets(wallet: Wallet, row: Option<&AccountRow>, visit: &Visit) -> Vec<Secret> {
    let t = visit.words();
    let names: &[(&'static str, &'static str)] = match wallet {
        Wallet::WeChatPay => &[
            ("api_key", t.secret_api_key),
            ("client_certificate", t.secret_client_certificate),
            ("client_key", t.secret_client_key),
            ("api_v3_key", t.secret_api_v3_key),
            ("wallet_public_key", t.secret_wallet_public_key),
            ("tls_roots", t.secret_tls_roots),
        ],
        Wallet::Alipay => &[
            ("app_private_key", t.secret_app_private_key),
            ("app_auth_token", t.secret_app_auth_token),
            ("wallet_public_key", t.secret_wallet_public_key),
            ("app_certificate", t.secret_app_certificate),
            ("root_certificates", t.secret_root_certificates),
            ("wallet_certificate_1", t.secret_wallet_certificate),
            ("tls_roots", t.secret_tls_roots),
        ],
    };
    let set = |name: &str| {
        let known = row.and_then(|row| row.secrets.iter().find(|secret| secret.name == name));
        known.map(|secret| fill(t.secret_set_on, &[&visit.time(secret.set_at)])).unwrap_or_default()
    };
    names.iter().map(|(name, word)| Secret { name, word, set: set(name) }).collect()
}

fn draw(
    visit: &Visit,
    (wallet, row): (Wallet, Option<&AccountRow>),
    form: Filled,
    notice: Option<Notice>,
) -> Response {
    let t = visit.words();
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
        is_wechat: wallet == Wallet::WeChatPay,
        store: visit.store.name.clone(),
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
        scanned: true,
        shown: wallet == Wallet::Alipay,
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
    let text =
        |pointer: &str| settings.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let addresses = settings.pointer("/endpoints").and_then(Value::as_array).cloned().unwrap_or_default();
    let addresses: Vec<&str> = addresses.iter().filter_map(Value::as_str).collect();
    let minor = |minor: Option<i64>| minor.map(|minor| Amount::new(minor, facts.currency).to_decimal());
    Ok(Filled {
        request: fresh_request()?,
        seen: row.version.to_string(),
        name: facts.name.clone(),
        merchant: own_number(&settings, facts.wallet),
        app_id: text("/app_id"),
        sub_merchant: text("/sub_merchant_id"),
        sub_app: text("/sub_app_id"),
        seller_id: text("/seller_id"),
        notify_url: if facts.wallet == Wallet::Alipay { text("/notify_url") } else { text("/v3/notify_url") },
        public_key_id: text("/v3/public_key_id"),
        endpoints: addresses.join("\n"),
        lowest: minor(facts.amounts.lowest).unwrap_or_default(),
        highest: minor(facts.amounts.highest).unwrap_or_default(),
        only_here: facts.store.is_some(),
        scanned: facts.scanned,
        shown: facts.shown,
        codepay: settings.pointer("/v3/codepay").and_then(Value::as_bool).unwrap_or_default(),
        enabled: row.enabled,
    })
}

/// The merchant's or the app's own number.
fn own_number(settings: &Value, wallet: Wallet) -> String {
    let name = if wallet == Wallet::Alipay { "app_id" } else { "merchant_id" };
    settings.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn of_fields(fields: &Fields) -> Filled {
    let text = |name: &str| fields.get(name).to_owned();
    let on = |name: &str| fields.get(name) == "on";
    Filled {
        request: text("request"),
        seen: text("seen"),
        name: text("name"),
        merchant: text("merchant"),
        app_id: text("app_id"),
        sub_merchant: text("sub_merchant"),
        sub_app: text("sub_app"),
        seller_id: text("seller_id"),
        notify_url: text("notify_url"),
        public_key_id: text("public_key_id"),
        endpoints: text("endpoints"),
        lowest: text("lowest"),
        highest: text("highest"),
        only_here: text("store") == "this",
        scanned: on("scanned"),
        shown: on("shown"),
        codepay: on("codepay"),
        enabled: on("enabled"),
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

fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// What the form says, over what stood there: what the form does not show stays.
fn settings_of(wallet: Wallet, form: &Filled, has: impl Fn(&str) -> bool, before: Option<&str>) -> Value {
    let before: Value = before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    let mut all = before.clone();
    let addresses: Vec<&str> = form.endpoints.split_whitespace().collect();
    let held = |name: &str| has(name).then(|| json!(name));
    let mut put = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(fields)) = (value, all.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
    };
    put("app_id", Some(json!(if wallet == Wallet::Alipay { &form.merchant } else { &form.app_id })));
    let named = (!addresses.is_empty()).then(|| json!(addresses));
    // The form shows one list. Where calls with a certificate go elsewhere, they still do.
    let one_list = before.get("secure_endpoints").is_none_or(|list| Some(list) == before.get("endpoints"));
    put("endpoints", named.clone());
    put("ca_certificate", Some(json!(held("tls_roots"))));
    match wallet {
        Wallet::WeChatPay => {
            put("secure_endpoints", named.filter(|_| one_list));
            put("merchant_id", Some(json!(form.merchant)));
            put("sub_merchant_id", Some(json!(optional(&form.sub_merchant))));
            put("sub_app_id", Some(json!(optional(&form.sub_app))));
            for (field, name) in [
                ("api_key_file", "api_key"),
                ("client_certificate", "client_certificate"),
                ("client_key", "client_key"),
            ] {
                put(field, Some(json!(name)));
            }
            // Without an address version 3 stays as it is: codes that were shown are closed by it.
            if let Some(address) = optional(&form.notify_url) {
                let mut v3 =
                    before.get("v3").filter(|v3| v3.is_object()).cloned().unwrap_or_else(|| json!({}));
                v3["api_v3_key_file"] = json!("api_v3_key");
                v3["notify_url"] = json!(address);
                v3["public_key"] = json!(optional(&form.public_key_id).map(|_| "wallet_public_key"));
                v3["public_key_id"] = json!(optional(&form.public_key_id));
                v3["codepay"] = json!(form.codepay);
                put("v3", Some(v3));
            }
        }
        Wallet::Alipay => {
            put("app_private_key", Some(json!("app_private_key")));
            let by_certificates = has("app_certificate");
            let key = (!by_certificates).then_some("wallet_public_key");
            put("alipay_public_key", Some(json!(key)));
            // There may be more of Alipay's certificates than the one that the form shows.
            let certificates = by_certificates.then(|| match before.get("certificates") {
                Some(known) if known.is_object() => known.clone(),
                _ => json!({
                    "app": "app_certificate", "root": "root_certificates", "alipay": ["wallet_certificate_1"],
                }),
            });
            put("certificates", Some(json!(certificates)));
            put("app_auth_token", Some(json!(held("app_auth_token"))));
            put("notify_url", Some(json!(optional(&form.notify_url))));
            put("seller_id", Some(json!(optional(&form.seller_id))));
        }
    }
    all
}

fn facts_of(
    wallet: Wallet,
    (form, fields): (&Filled, &Fields),
    secrets: &Secrets,
    row: Option<&AccountRow>,
    visit: &Visit,
) -> Result<AccountFacts, Notice> {
    let t = visit.words();
    let currency = row.map_or(visit.store.currency, |row| row.facts.currency);
    let amounts = span(fields, currency).ok_or_else(|| Notice::bad(t.bad_amount))?;
    let has = |name: &str| {
        secrets.contains_key(name)
            || row.is_some_and(|row| row.secrets.iter().any(|known| known.name == name))
    };
    let settings = settings_of(wallet, form, has, row.map(|row| row.facts.settings.as_str()));
    let unusable = |problem: String| Notice::bad(fill(t.account_refused, &[&problem]));
    let settings = AccountSettings::read(wallet, &settings.to_string()).map_err(unusable)?;
    Ok(AccountFacts {
        name: form.name.clone(),
        wallet,
        merchant: settings.merchant(),
        store: form.only_here.then_some(visit.store.id),
        currency,
        scanned: form.scanned,
        shown: form.shown,
        amounts,
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
    let (form, secrets) = (of_fields(&fields), given(wallet, &fields, &visit));
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
    let mut form = of_fields(&fields);
    let before: Value = serde_json::from_str(&row.facts.settings).map_err(|_| Problem::Internal)?;
    form.merchant = own_number(&before, wallet);
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

    fn saved(wallet: Wallet, form: &Filled, before: &Value) -> Value {
        settings_of(wallet, form, |name| name == "app_certificate", Some(&before.to_string()))
    }

    #[test]
    fn what_the_form_does_not_show_stays_as_it_was() {
        let form =
            Filled { merchant: "2021".into(), endpoints: "https://a https://b".into(), ..Filled::default() };
        let certificates =
            json!({ "app": "app_certificate", "root": "root_certificates", "alipay": ["one", "two"] });
        let before = json!({ "app_id": "2021", "pay_timeout_ms": 7, "certificates": certificates });
        let after = saved(Wallet::Alipay, &form, &before);
        assert_eq!((&after["certificates"], &after["pay_timeout_ms"]), (&certificates, &json!(7)));
        let before = json!({ "endpoints": ["https://a"], "secure_endpoints": ["https://with-certificate"] });
        let after = saved(Wallet::WeChatPay, &form, &before);
        assert_eq!(after["secure_endpoints"], before["secure_endpoints"]);
        assert_eq!(after["endpoints"], json!(["https://a", "https://b"]));
        let before = json!({ "endpoints": ["https://a"], "secure_endpoints": ["https://a"] });
        let after = saved(Wallet::WeChatPay, &form, &before);
        assert_eq!(after["secure_endpoints"], after["endpoints"], "one list for both, as it was");
    }

    #[test]
    fn an_empty_address_for_notifications_takes_version_3_from_no_account() {
        let v3 = json!({ "api_v3_key_file": "api_v3_key", "notify_url": "https://shop/", "more": 1 });
        let mut form = Filled { merchant: "19".into(), ..Filled::default() };
        let before = json!({ "v3": v3 });
        assert_eq!(saved(Wallet::WeChatPay, &form, &before)["v3"], v3);
        assert!(saved(Wallet::WeChatPay, &form, &json!({}))["v3"].is_null());
        form.notify_url = "https://other/".into();
        let after = saved(Wallet::WeChatPay, &form, &before);
        assert_eq!((&after["v3"]["notify_url"], &after["v3"]["more"]), (&json!("https://other/"), &json!(1)));
    }
}
