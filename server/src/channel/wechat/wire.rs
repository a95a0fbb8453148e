//! WeChat Pay v2 as pure functions: what we ask, and what a reply proves. The wallet's own words live here
//! and in `error_code`, nowhere else.
//!
//! A reply counts only if it is readable, says it was accepted, carries a true signature, is addressed to our
//! merchant, and is about the number and amount that were asked. Anything else is [`Unusable`]: unknown.

use super::bill::Whose;
use super::error_code::ErrorCode;
use super::fields::{self, Fields, Unreadable};
use super::settings::SubMerchant;
use super::sign::{self, SignType};
use crate::channel::silence::Reason;
use crate::channel::words::{clip, is_transaction, without_codes};
use crate::channel::{ChannelRefund, Charge};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use evertill_shared::secret::SecretText;

/// Where a code is charged.
pub const PAY: &str = "/pay/micropay";
/// Where an attempt is asked about.
pub const QUERY: &str = "/pay/orderquery";
/// Where an attempt is taken back (mutual TLS).
pub const REVERSE: &str = "/secapi/pay/reverse";
/// Where money is given back (mutual TLS).
pub const REFUND: &str = "/secapi/pay/refund";
/// Where a refund is asked about.
pub const QUERY_REFUND: &str = "/pay/refundquery";
/// Where the bill of a day is.
pub const BILL: &str = "/pay/downloadbill";

/// Whether nothing changes by what is asked there.
#[must_use]
pub fn only_asks(path: &str) -> bool {
    [QUERY, QUERY_REFUND].contains(&path)
}

/// Who we are to the wallet.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// Our app.
    pub app_id: String,
    /// Our merchant number.
    pub merchant_id: String,
    /// The shop that we act for, as a service provider.
    pub shop: Option<SubMerchant>,
    /// The merchant's API key.
    pub api_key: SecretText,
    /// How both sides sign.
    pub sign_type: SignType,
    /// The address that the wallet's risk rules see.
    pub client_ip: String,
}

/// Why a reply proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not a message at all.
    #[error("the reply is unreadable: {0}")]
    Unreadable(#[from] Unreadable),
    /// They did not take the request; such a reply is not signed.
    #[error("the wallet did not take the request: {0:?}; check the API key and the merchant's settings")]
    NotTaken(String),
    /// The signature is missing or wrong.
    #[error("the reply's signature is missing or wrong; check the API key and the way of signing")]
    Signature,
    /// A field is missing, or differs from what was asked.
    #[error("the reply's {0} is missing, or is not what was asked about")]
    Mismatch(&'static str),
}

impl Reason for Unusable {
    fn mismatch(&self) -> Option<&'static str> {
        match self {
            Self::Mismatch(field) => Some(field),
            _ => None,
        }
    }
}

/// What an authentic reply says.
#[derive(Debug)]
pub struct Reply {
    fields: Fields,
    /// The error, if it says that it failed.
    pub error: Option<ErrorCode>,
}

impl Merchant {
    /// The request that charges a code.
    #[must_use]
    pub fn pay(&self, charge: &Charge, nonce: &str) -> String {
        let amount = charge.amount.minor.to_string();
        self.request(
            nonce,
            &[
                ("auth_code", charge.auth_code.expose()),
                ("body", &clip(&charge.description, 128)),
                ("device_info", &clip(&charge.device, 32)),
                ("fee_type", charge.amount.currency.code()),
                ("out_trade_no", charge.number.as_str()),
                ("spbill_create_ip", &self.client_ip),
                ("total_fee", &amount),
            ],
        )
    }

    /// The request that asks about an attempt or about all of its refunds, or takes it back.
    #[must_use]
    pub fn about(&self, number: &ChannelNumber, nonce: &str) -> String {
        self.request(nonce, &[("out_trade_no", number.as_str())])
    }

    /// A request about an order that no till ever makes.
    #[must_use]
    pub fn about_nothing(&self, nonce: &str) -> String {
        self.request(nonce, &[("out_trade_no", "CHECK000000")])
    }

    /// The request that gives money back.
    #[must_use]
    pub fn refund(&self, refund: &ChannelRefund, nonce: &str) -> String {
        let (paid, amount) = (refund.paid.minor.to_string(), refund.amount.minor.to_string());
        self.request(
            nonce,
            &[
                ("out_refund_no", &refund.refund.0),
                ("out_trade_no", refund.number.as_str()),
                ("refund_desc", &clip(&refund.reason, 80)),
                ("refund_fee", &amount),
                ("refund_fee_type", refund.amount.currency.code()),
                ("total_fee", &paid),
            ],
        )
    }

    /// The request that asks about a refund.
    #[must_use]
    pub fn about_refund(&self, refund: &ChannelRefund, nonce: &str) -> String {
        self.request(nonce, &[("out_refund_no", &refund.refund.0)])
    }

    /// Whose bills must be.
    #[must_use]
    pub fn whose(&self) -> Whose {
        let shop = self.shop.as_ref().map(|shop| shop.merchant_id.clone());
        Whose { merchant_id: self.merchant_id.clone(), shop }
    }

    /// The request for the bill of a day (`20261120`).
    #[must_use]
    pub fn bill(&self, day: &str, nonce: &str) -> String {
        self.request(nonce, &[("bill_date", day), ("bill_type", "ALL"), ("tar_type", "GZIP")])
    }

    fn request(&self, nonce: &str, own: &[(&str, &str)]) -> String {
        let common = [
            ("appid", self.app_id.as_str()),
            ("mch_id", self.merchant_id.as_str()),
            ("nonce_str", nonce),
            ("sign_type", self.sign_type.word()),
            ("sub_appid", self.shop.as_ref().and_then(|shop| shop.app_id.as_deref()).unwrap_or_default()),
            ("sub_mch_id", self.shop.as_ref().map(|shop| shop.merchant_id.as_str()).unwrap_or_default()),
        ];
        let all = common.iter().chain(own).filter(|(_, value)| !value.is_empty());
        let mut fields: Fields = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fields.insert("sign".into(), sign::sign(&fields, self.sign_type, &self.api_key));
        fields::write(&fields)
    }

    /// Opens a reply: readable, accepted, truly signed, and addressed to us.
    /// # Errors
    /// One of these is not so.
    pub fn open(&self, body: &[u8]) -> Result<Reply, Unusable> {
        let fields = fields::parse(body)?;
        let is = |name: &str, value: &str| fields.get(name).is_some_and(|v| v == value);
        if !is("return_code", "SUCCESS") {
            let said = fields.get("return_msg").map_or("", String::as_str);
            return Err(Unusable::NotTaken(without_codes(said, 200)));
        }
        if !sign::verify(&fields, self.sign_type, &self.api_key) {
            return Err(Unusable::Signature);
        }
        if !is("appid", &self.app_id) {
            return Err(Unusable::Mismatch("appid"));
        }
        if !is("mch_id", &self.merchant_id) {
            return Err(Unusable::Mismatch("mch_id"));
        }
        self.is_about_the_shop(&fields)?;
        let error = if is("result_code", "SUCCESS") {
            None
        } else if is("result_code", "FAIL") {
            Some(fields.get("err_code").map_or(ErrorCode::Undocumented, |word| ErrorCode::from_word(word)))
        } else {
            return Err(Unusable::Mismatch("result_code"));
        };
        Ok(Reply { fields, error })
    }

    /// A service provider has many shops, and all their numbers are in one heap.
    fn is_about_the_shop(&self, fields: &Fields) -> Result<(), Unusable> {
        let said = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let own = self.shop.as_ref();
        if said("sub_mch_id") != own.map(|shop| shop.merchant_id.as_str()) {
            return Err(Unusable::Mismatch("sub_mch_id"));
        }
        match (said("sub_appid"), own.and_then(|shop| shop.app_id.as_deref())) {
            (Some(said), Some(own)) if said != own => Err(Unusable::Mismatch("sub_appid")),
            _ => Ok(()),
        }
    }
}

impl Reply {
    /// The value of a field; empty counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The wallet's words about an error, for logs and people.
    #[must_use]
    pub fn words(&self) -> String {
        let part = |name| self.get(name).unwrap_or_default();
        without_codes(format!("{} {}", part("err_code"), part("err_code_des")).trim(), 200)
    }

    pub(super) fn same(&self, name: &'static str, asked: &str) -> Result<(), Unusable> {
        if self.get(name) == Some(asked) { Ok(()) } else { Err(Unusable::Mismatch(name)) }
    }

    pub(super) fn same_if_there(&self, name: &'static str, asked: &str) -> Result<(), Unusable> {
        match self.get(name) {
            Some(said) if said != asked => Err(Unusable::Mismatch(name)),
            _ => Ok(()),
        }
    }

    /// The amount in `name`, whose currency stands in `currency` (yuan, if it does not).
    pub(super) fn same_amount(
        &self,
        name: &'static str,
        currency: &'static str,
        asked: Amount,
    ) -> Result<(), Unusable> {
        self.same(name, &asked.minor.to_string())?;
        if self.get(currency).unwrap_or("CNY") == asked.currency.code() {
            Ok(())
        } else {
            Err(Unusable::Mismatch(currency))
        }
    }

    /// The number in a field of a list, whose name is made: `what` is what it is called if it is wrong.
    pub(super) fn count(&self, name: &str, what: &'static str) -> Result<i64, Unusable> {
        let number = self.get(name).and_then(|text| text.parse().ok());
        number.filter(|number| *number >= 0).ok_or(Unusable::Mismatch(what))
    }

    pub(super) fn transaction(&self) -> Result<String, Unusable> {
        let number = self.get("transaction_id").ok_or(Unusable::Mismatch("transaction_id"))?;
        if is_transaction(number) { Ok(number.to_owned()) } else { Err(Unusable::Mismatch("transaction_id")) }
    }
}
