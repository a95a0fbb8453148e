//! Fetching a day's bill: a signed question, whose signed answer names an address that is good for half a minute.

use super::sub_code::Code;
use super::wire::{self, Call, Reply};
use super::{AlipayChannel, bill};
use crate::channel::Answer;
use crate::channel::bills::{self, BillFailure, Bills};
use crate::channel::line::{Method, Over, Request};
use crate::channel::silence::{Silence, ok};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::reconciliation::BillRow;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// A bill is long, and nobody stands at a till and waits for it.
const LIMIT: Duration = Duration::from_secs(90);

impl Bills for AlipayChannel {
    fn bill<'a>(&'a self, day: BusinessDay) -> Answer<'a, Result<Vec<BillRow>, BillFailure>> {
        Box::pin(self.bill_of(day))
    }
}

impl AlipayChannel {
    async fn bill_of(&self, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
        let reply = self.ask(Call::Bill, wire::bill(day), self.call_limit).await;
        let reply = reply.map_err(|silence| BillFailure::NoAnswer(silence.for_it_staff(Wallet::Alipay)))?;
        let url = address(&reply)?;
        if !self.may_fetch(&url) {
            return Err(BillFailure::Bad("the bill's address is not one of TLS: it was not fetched".into()));
        }
        let (headers, body, over) = (Vec::new(), Vec::new(), Over::New);
        let request = Request { method: Method::Get, url, headers, body, over, most: bills::MOST_PACKED };
        let Ok(exchange) = tokio::time::timeout(LIMIT, self.wire.send(request)).await else {
            return Err(BillFailure::NoAnswer(format!("the bill did not come within {} s", LIMIT.as_secs())));
        };
        let silent = |silence: Silence<String>| BillFailure::NoAnswer(silence.for_it_staff(Wallet::Alipay));
        let bytes = ok(exchange).map_err(silent)?;
        let seller_id = self.merchant.seller_id.clone();
        let read = tokio::task::spawn_blocking(move || bill::parse(&bytes, seller_id.as_deref())).await;
        Ok(read.map_err(|error| BillFailure::Bad(error.to_string()))??)
    }

    /// The bill goes over TLS as all else does; only a wallet on this machine's own wire may do without.
    fn may_fetch(&self, url: &str) -> bool {
        url.starts_with("https://") || (self.is_plain && url.starts_with("http://"))
    }
}

/// Where the bill is, or why there is none.
fn address(reply: &Reply) -> Result<String, BillFailure> {
    let none = reply.get("sub_code").is_some_and(|word| word.to_ascii_lowercase().contains("bill_not_exist"));
    match (reply.code, reply.get("bill_download_url")) {
        (Code::Success, Some(url)) => Ok(url.to_owned()),
        _ if none => Err(BillFailure::NotReady),
        (Code::Success, None) => Err(BillFailure::Bad("Alipay's answer names no address of a bill".into())),
        (Code::Unknown, _) => Err(BillFailure::NoAnswer(format!("Alipay: {}", reply.words()))),
        _ => Err(BillFailure::Bad(format!(
            "Alipay gives no bill: {}; check that the app may query bills",
            reply.words()
        ))),
    }
}
