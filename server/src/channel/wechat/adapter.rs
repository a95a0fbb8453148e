//! What the server needs to know of WeChat Pay beyond its calls, and what people say of an account there.

use super::v3::WechatV3Settings;
use super::{TIMING, WechatChannel, WechatSettings};
use crate::channel::adapter::{
    self, AccountSettings, Field, Form, Kind, Opened, Said, Secret, Taken, put, read_as, word,
};
use crate::channel::files::Files;
use crate::config::{Problem, check_addresses, field};
use evertill_shared::business_day::StoreZone;
use evertill_shared::clock::Clock;
use evertill_shared::money::Currency;
use evertill_shared::payment::Policy;
use evertill_shared::wallet::Wallet;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// WeChat Pay.
pub struct Adapter;

static FORM: Form = Form {
    who: &[
        Field {
            name: "merchant",
            place: "/merchant_id",
            word: word("Merchant number", "商户号"),
            hint: None,
            kind: Kind::Stays(40),
        },
        Field {
            name: "app_id",
            place: "/app_id",
            word: word("App ID", "应用 ID"),
            hint: None,
            kind: Kind::Needed(40),
        },
        Field {
            name: "sub_merchant",
            place: "/sub_merchant_id",
            word: word("Sub-merchant number", "子商户号（特约商户号）"),
            hint: Some(word(
                "Only where the merchant above is a service provider that acts for this shop.",
                "仅服务商模式填写：上面的商户号为服务商，此处填写门店的子商户号。",
            )),
            kind: Kind::Stays(32),
        },
        Field {
            name: "sub_app",
            place: "/sub_app_id",
            word: word("Sub-merchant's app ID, if it has one", "子商户应用 ID（如有）"),
            hint: None,
            kind: Kind::Line(40),
        },
    ],
    how: &[
        Field {
            name: "notify_url",
            place: "/v3/notify_url",
            word: word("Address for notifications", "通知地址"),
            hint: Some(word(
                "With it version 3 is used for shown codes and bills.",
                "填写后，出示收款码与对账使用 v3 接口。",
            )),
            kind: Kind::Line(255),
        },
        Field {
            name: "public_key_id",
            place: "/v3/public_key_id",
            word: word("Name of the wallet's public key (PUB_KEY_ID_…)", "微信支付公钥 ID（PUB_KEY_ID_…）"),
            hint: None,
            kind: Kind::Line(80),
        },
        Field {
            name: "codepay",
            place: "/v3/codepay",
            word: word("Scanned codes by version 3", "付款码也使用 v3 接口"),
            hint: None,
            kind: Kind::Choice,
        },
        Field {
            name: "endpoints",
            place: "/endpoints",
            word: word("Addresses of the wallet", "钱包接口地址"),
            hint: Some(word(
                "One a line, the main one first. Left empty: the public ones.",
                "每行一个，主地址在前；留空则使用公共地址。",
            )),
            kind: Kind::List,
        },
    ],
    secrets: &[
        Secret { name: "api_key", word: word("API key (version 2)", "API 密钥（v2）") },
        Secret {
            name: "client_certificate",
            word: word("Merchant certificate (apiclient_cert.pem)", "商户证书（apiclient_cert.pem）"),
        },
        Secret {
            name: "client_key",
            word: word("Merchant private key (apiclient_key.pem)", "商户私钥（apiclient_key.pem）"),
        },
        Secret { name: "api_v3_key", word: word("API v3 key", "APIv3 密钥") },
        Secret { name: "wallet_public_key", word: word("The wallet's public key", "钱包公钥") },
        Secret {
            name: "tls_roots",
            word: word("Own TLS roots, if any (PEM)", "自有 TLS 根证书（PEM，可选）"),
        },
    ],
    shows: false,
};

impl adapter::Adapter for Adapter {
    fn wallet(&self) -> Wallet {
        Wallet::WeChatPay
    }

    fn timing(&self) -> Policy {
        TIMING
    }

    fn days(&self) -> StoreZone {
        StoreZone::china()
    }

    /// It is told the currency with each request, and each answer must name it.
    fn takes(&self, _currency: Currency) -> bool {
        true
    }

    fn form(&self) -> &'static Form {
        &FORM
    }

    fn settings(&self, said: &Said, before: &Value) -> Value {
        let mut all = before.clone();
        let named = said.list("endpoints");
        // The form shows one list. Where calls with a certificate go elsewhere, they still do.
        let one_list =
            before.get("secure_endpoints").is_none_or(|list| Some(list) == before.get("endpoints"));
        put(&mut all, "secure_endpoints", named.clone().filter(|_| one_list).map(|list| json!(list)));
        put(&mut all, "endpoints", named.map(|list| json!(list)));
        for (name, value) in [
            ("app_id", json!(said.text("app_id"))),
            ("merchant_id", json!(said.text("merchant"))),
            ("sub_merchant_id", json!(said.optional("sub_merchant"))),
            ("sub_app_id", json!(said.optional("sub_app"))),
            ("ca_certificate", json!(said.secret("tls_roots"))),
            ("api_key_file", json!("api_key")),
            ("client_certificate", json!("client_certificate")),
            ("client_key", json!("client_key")),
        ] {
            put(&mut all, name, Some(value));
        }
        // Without an address version 3 stays as it is: codes that were shown are closed by it.
        if let Some(address) = said.optional("notify_url") {
            let mut v3 = before.get("v3").filter(|v3| v3.is_object()).cloned().unwrap_or_else(|| json!({}));
            let key_id = said.optional("public_key_id");
            v3["api_v3_key_file"] = json!("api_v3_key");
            v3["notify_url"] = json!(address);
            v3["public_key"] = json!(key_id.as_ref().map(|_| "wallet_public_key"));
            v3["public_key_id"] = json!(key_id);
            v3["codepay"] = json!(said.is_on("codepay"));
            put(&mut all, "v3", Some(v3));
        }
        all
    }

    fn read(&self, text: &str) -> Result<Box<dyn AccountSettings>, String> {
        read_as::<WechatSettings>(text)
    }
}

impl AccountSettings for WechatSettings {
    fn wallet(&self) -> Wallet {
        Wallet::WeChatPay
    }

    fn merchant(&self) -> String {
        self.account()
    }

    fn text(&self) -> Result<String, String> {
        let own = Self { policy: TIMING, ..self.clone() };
        serde_json::to_string(&own).map_err(|error| error.to_string())
    }

    fn can_show(&self) -> Result<(), &'static str> {
        self.v3.as_ref().map(drop).ok_or(
            "WeChat Pay shows codes by version 3 of its interface only: set its API v3 key and address, or leave shown \
             codes off",
        )
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    fn check(&self) -> Result<(), Problem> {
        let example = "https://api.mch.weixin.qq.com";
        check_addresses("wechat.endpoints", &self.endpoints, example)?;
        check_addresses("wechat.secure_endpoints", &self.secure_endpoints, example)?;
        self.check_shop().map_err(|(name, what, write)| field(name, what, write))?;
        let v3 = self.v3.as_ref().map_or(Ok(()), WechatV3Settings::check);
        v3.map_err(|(name, what, write)| field(name, what, write))
    }

    fn paths(&self) -> Vec<&PathBuf> {
        let mut paths = vec![&self.api_key_file, &self.client_certificate, &self.client_key];
        paths.extend(&self.ca_certificate);
        if let Some(v3) = &self.v3 {
            paths.push(&v3.api_v3_key_file);
            paths.extend(&v3.public_key);
        }
        paths
    }

    fn open(&self, files: &Files, clock: &Arc<dyn Clock>) -> Result<Opened, String> {
        let channel = WechatChannel::with(self, files, Arc::clone(clock));
        let channel = Arc::new(channel.map_err(|error| error.to_string())?);
        let asked = Arc::clone(&channel);
        Ok((channel, Box::pin(async move { asked.check().await })))
    }

    fn imported(&self, taken: &mut Taken) -> Result<Box<dyn AccountSettings>, String> {
        let v3 = match &self.v3 {
            None => None,
            Some(v3) => Some(WechatV3Settings {
                api_v3_key_file: taken.file("api_v3_key", &v3.api_v3_key_file)?,
                public_key: taken.optional("wallet_public_key", v3.public_key.as_ref())?,
                ..v3.clone()
            }),
        };
        Ok(Box::new(Self {
            api_key_file: taken.file("api_key", &self.api_key_file)?,
            client_certificate: taken.file("client_certificate", &self.client_certificate)?,
            client_key: taken.file("client_key", &self.client_key)?,
            ca_certificate: taken.optional("tls_roots", self.ca_certificate.as_ref())?,
            v3,
            ..self.clone()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::adapter::Adapter as _;

    fn saved(said: &[(&str, &str)], before: &Value) -> Value {
        let field = |name: &str| {
            let found = said.iter().find(|(field, _)| *field == name);
            found.map(|(_, text)| (*text).to_owned()).unwrap_or_default()
        };
        Adapter.settings(&Said { field: &field, has: &|_| false }, before)
    }

    #[test]
    fn what_the_form_does_not_show_stays_as_it_was() {
        let said = [("merchant", "19"), ("endpoints", "https://a https://b")];
        let before = json!({ "endpoints": ["https://a"], "secure_endpoints": ["https://with-certificate"] });
        let after = saved(&said, &before);
        assert_eq!(after["secure_endpoints"], before["secure_endpoints"]);
        assert_eq!(after["endpoints"], json!(["https://a", "https://b"]));
        let before = json!({ "endpoints": ["https://a"], "secure_endpoints": ["https://a"] });
        let after = saved(&said, &before);
        assert_eq!(after["secure_endpoints"], after["endpoints"], "one list for both, as it was");
    }

    #[test]
    fn an_empty_address_for_notifications_takes_version_3_from_no_account() {
        let v3 = json!({ "api_v3_key_file": "api_v3_key", "notify_url": "https://shop/", "more": 1 });
        let before = json!({ "v3": v3 });
        assert_eq!(saved(&[("merchant", "19")], &before)["v3"], v3);
        assert!(saved(&[("merchant", "19")], &json!({}))["v3"].is_null());
        let after = saved(&[("merchant", "19"), ("notify_url", "https://other/")], &before);
        assert_eq!((&after["v3"]["notify_url"], &after["v3"]["more"]), (&json!("https://other/"), &json!(1)));
    }
}
