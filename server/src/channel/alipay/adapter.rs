//! What the server needs to know of Alipay beyond its calls, and what people say of an account there.

use super::{AlipayChannel, AlipaySettings, CertificateSettings, TIMING};
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

/// Alipay.
pub struct Adapter;

/// Alipay's codes live no longer, whatever is asked for.
const LONGEST_SHOWN_MS: u64 = 2 * 60 * 60 * 1_000;

static FORM: Form = Form {
    who: &[
        Field {
            name: "merchant",
            place: "/app_id",
            word: word("App ID", "应用 ID"),
            hint: None,
            kind: Kind::Stays(40),
        },
        Field {
            name: "seller_id",
            place: "/seller_id",
            word: word("Seller ID (2088…)", "卖家 ID（2088…）"),
            hint: None,
            kind: Kind::Line(40),
        },
    ],
    how: &[
        Field {
            name: "notify_url",
            place: "/notify_url",
            word: word("Address for notifications", "通知地址"),
            hint: None,
            kind: Kind::Line(255),
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
        Secret { name: "app_private_key", word: word("App private key", "应用私钥") },
        Secret {
            name: "app_auth_token",
            word: word(
                "Shop's app_auth_token, where a service provider's app acts for it",
                "门店的 app_auth_token（仅服务商模式）",
            ),
        },
        Secret { name: "wallet_public_key", word: word("The wallet's public key", "钱包公钥") },
        Secret {
            name: "app_certificate",
            word: word("App certificate (appCertPublicKey)", "应用公钥证书（appCertPublicKey）"),
        },
        Secret {
            name: "root_certificates",
            word: word("Alipay root certificate (alipayRootCert)", "支付宝根证书（alipayRootCert）"),
        },
        Secret {
            name: "wallet_certificate_1",
            word: word(
                "Alipay certificate (alipayCertPublicKey_RSA2)",
                "支付宝公钥证书（alipayCertPublicKey_RSA2）",
            ),
        },
        Secret {
            name: "tls_roots",
            word: word("Own TLS roots, if any (PEM)", "自有 TLS 根证书（PEM，可选）"),
        },
    ],
    shows: true,
};

impl adapter::Adapter for Adapter {
    fn wallet(&self) -> Wallet {
        Wallet::Alipay
    }

    fn timing(&self) -> Policy {
        TIMING
    }

    fn days(&self) -> StoreZone {
        StoreZone::china()
    }

    fn takes(&self, currency: Currency) -> bool {
        currency == Currency::CNY
    }

    fn form(&self) -> &'static Form {
        &FORM
    }

    fn settings(&self, said: &Said, before: &Value) -> Value {
        let mut all = before.clone();
        let by_certificates = (said.has)("app_certificate");
        // There may be more of Alipay's certificates than the one that the form shows.
        let certificates = by_certificates.then(|| match before.get("certificates") {
            Some(known) if known.is_object() => known.clone(),
            _ => json!({
                "app": "app_certificate", "root": "root_certificates", "alipay": ["wallet_certificate_1"],
            }),
        });
        put(&mut all, "endpoints", said.list("endpoints").map(|list| json!(list)));
        for (name, value) in [
            ("app_id", json!(said.text("merchant"))),
            ("seller_id", json!(said.optional("seller_id"))),
            ("notify_url", json!(said.optional("notify_url"))),
            ("ca_certificate", json!(said.secret("tls_roots"))),
            ("app_private_key", json!("app_private_key")),
            ("alipay_public_key", json!((!by_certificates).then_some("wallet_public_key"))),
            ("certificates", json!(certificates)),
            ("app_auth_token", json!(said.secret("app_auth_token"))),
        ] {
            put(&mut all, name, Some(value));
        }
        all
    }

    fn read(&self, text: &str) -> Result<Box<dyn AccountSettings>, String> {
        read_as::<AlipaySettings>(text)
    }
}

impl AccountSettings for AlipaySettings {
    fn wallet(&self) -> Wallet {
        Wallet::Alipay
    }

    fn merchant(&self) -> String {
        self.account()
    }

    fn text(&self) -> Result<String, String> {
        let own = Self { policy: TIMING, ..self.clone() };
        serde_json::to_string(&own).map_err(|error| error.to_string())
    }

    fn can_show(&self) -> Result<(), &'static str> {
        Ok(())
    }

    fn policy(&self) -> Policy {
        self.policy
    }

    fn check(&self) -> Result<(), Problem> {
        check_addresses("alipay.endpoints", &self.endpoints, "https://openapi.alipay.com")?;
        if let Some(url) = &self.notify_url {
            let example = "https://pay.example.com/v1/notifications/alipay";
            check_addresses("alipay.notify_url", std::slice::from_ref(url), example)?;
        }
        if self.app_auth_token.is_some() && self.seller_id.is_none() {
            let what = "needs seller_id beside it: whose money it is shows by that alone";
            return Err(field("alipay.app_auth_token", what, "seller_id = \"2088…\", the shop's own number"));
        }
        let is_one =
            |id: &String| id.len() == 16 && id.starts_with("2088") && id.bytes().all(|b| b.is_ascii_digit());
        if let Some(odd) = self.seller_id.as_ref().filter(|id| !is_one(id)) {
            let what = format!("is \"{odd}\": whose money it is would not be known by that");
            let write = "the shop's own number, 16 digits that begin with 2088";
            return Err(field("alipay.seller_id", &what, write));
        }
        if self.policy.show_for_ms > LONGEST_SHOWN_MS {
            let what = format!("is {}: the wallet's codes live two hours at most", self.policy.show_for_ms);
            return Err(field("alipay.policy.show_for_ms", &what, "90000, say"));
        }
        if self.names_one_mode() {
            return Ok(());
        }
        let write = "either alipay_public_key = \"alipay/wallet.pub\" (key mode), or certificates = { app = \
                     \"alipay/appCertPublicKey.crt\", root = \"alipay/alipayRootCert.crt\", alipay = \
                     [\"alipay/alipayCertPublicKey_RSA2.crt\"] }";
        Err(field("alipay", "needs one way of knowing the wallet's answers", write))
    }

    fn paths(&self) -> Vec<&PathBuf> {
        let mut paths = vec![&self.app_private_key];
        paths.extend(&self.alipay_public_key);
        paths.extend(&self.ca_certificate);
        paths.extend(&self.app_auth_token);
        if let Some(certificates) = &self.certificates {
            paths.extend([&certificates.app, &certificates.root]);
            paths.extend(&certificates.alipay);
        }
        paths
    }

    fn open(&self, files: &Files, clock: &Arc<dyn Clock>) -> Result<Opened, String> {
        let channel = AlipayChannel::with(self, files, Arc::clone(clock));
        let channel = Arc::new(channel.map_err(|error| error.to_string())?);
        let asked = Arc::clone(&channel);
        Ok((channel, Box::pin(async move { asked.check().await })))
    }

    fn imported(&self, taken: &mut Taken) -> Result<Box<dyn AccountSettings>, String> {
        let certificates = match &self.certificates {
            None => None,
            Some(files) => {
                let mut alipay = Vec::new();
                for (index, file) in files.alipay.iter().enumerate() {
                    alipay.push(taken.file(&format!("wallet_certificate_{}", index + 1), file)?);
                }
                Some(CertificateSettings {
                    app: taken.file("app_certificate", &files.app)?,
                    root: taken.file("root_certificates", &files.root)?,
                    alipay,
                })
            }
        };
        Ok(Box::new(Self {
            app_private_key: taken.file("app_private_key", &self.app_private_key)?,
            alipay_public_key: taken.optional("wallet_public_key", self.alipay_public_key.as_ref())?,
            ca_certificate: taken.optional("tls_roots", self.ca_certificate.as_ref())?,
            app_auth_token: taken.optional("app_auth_token", self.app_auth_token.as_ref())?,
            certificates,
            ..self.clone()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::adapter::Adapter as _;

    #[test]
    fn what_the_form_does_not_show_stays_as_it_was() {
        let certificates =
            json!({ "app": "app_certificate", "root": "root_certificates", "alipay": ["one", "two"] });
        let before = json!({ "app_id": "2021", "pay_timeout_ms": 7, "certificates": certificates });
        let field = |name: &str| if name == "merchant" { "2021".to_owned() } else { String::new() };
        let has = |name: &str| name == "app_certificate";
        let after = Adapter.settings(&Said { field: &field, has: &has }, &before);
        assert_eq!((&after["certificates"], &after["pay_timeout_ms"]), (&certificates, &json!(7)));
        let none = Adapter.settings(&Said { field: &field, has: &|_| false }, &before);
        assert_eq!(
            (&none["certificates"], &none["alipay_public_key"]),
            (&json!(null), &json!("wallet_public_key"))
        );
    }
}
