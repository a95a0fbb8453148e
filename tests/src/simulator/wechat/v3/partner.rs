//! Version 3 for a service provider: other paths, other names for who is who, and in each request the shop.

use super::message::Refusal;
use crate::simulator::wallet::Partner;
use serde_json::{Value, json};

/// Where a merchant's own orders are, and where a provider's.
const OWN: &str = "/v3/pay/";
const PROVIDERS: &str = "/v3/pay/partner/";
/// What is one merchant's affair, whoever it acts for.
const FOR_ALL: [&str; 2] = ["/v3/certificates", "/v3/billdownload/file"];

type Query = Vec<(String, String)>;

/// A provider's request in the words of a merchant's, if it names the shop; a merchant's as it is.
pub(super) fn as_merchants(
    shop: Option<&Partner>,
    path: &str,
    mut body: Value,
    mut query: Query,
) -> Result<(String, Value, Query), Refusal> {
    let named = |name: &str| {
        let in_query = query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        in_query.or_else(|| body.get(name).and_then(Value::as_str).map(str::to_owned))
    };
    let not_yours = |text| Err(Refusal::of_word("NO_AUTH", text));
    let Some(shop) = shop else {
        return match named("sub_mchid") {
            _ if path.starts_with(PROVIDERS) => not_yours("普通商户不能调用服务商接口"),
            Some(_) => Err(Refusal::param("sub_mchid")),
            None => Ok((path.to_owned(), body, query)),
        };
    };
    if FOR_ALL.contains(&path) {
        return Ok((path.to_owned(), body, query));
    }
    if path.starts_with(OWN) && !path.starts_with(PROVIDERS) {
        return not_yours("服务商不能调用普通商户接口");
    }
    match named("sub_mchid") {
        None => return Err(Refusal::of_word("PARAM_ERROR", "受理机构必须传入sub_mchid")),
        Some(id) if id != shop.merchant => return not_yours("sub_mchid与sp_mchid没有受理关系"),
        Some(_) => {}
    }
    if named("sub_appid").is_some_and(|app| shop.app.as_ref() != Some(&app)) {
        return Err(Refusal::of_word("APPID_MCHID_NOT_MATCH", "sub_appid和sub_mchid不匹配").at(400));
    }
    for (theirs, own) in [("sp_mchid", "mchid"), ("sp_appid", "appid")] {
        if let Some(value) = body.get(theirs).cloned() {
            body[own] = value;
        }
        query.iter_mut().filter(|(name, _)| name == theirs).for_each(|(name, _)| *name = own.to_owned());
    }
    let path = path.strip_prefix(PROVIDERS).map_or(path.to_owned(), |rest| format!("{OWN}{rest}"));
    Ok((path, body, query))
}

/// What a merchant would be told, as a provider is.
pub(super) fn as_partners(shop: Option<&Partner>, mut said: Value) -> Value {
    let (Some(shop), Some(fields)) = (shop, said.as_object_mut()) else { return said };
    for (own, theirs) in [("mchid", "sp_mchid"), ("appid", "sp_appid")] {
        if let Some(value) = fields.remove(own) {
            fields.insert(theirs.to_owned(), value);
            fields.insert("sub_mchid".to_owned(), json!(shop.merchant));
            if let Some(app) = &shop.app {
                fields.insert("sub_appid".to_owned(), json!(app));
            }
        }
    }
    said
}
