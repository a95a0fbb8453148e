//! Fetching a day's bill: one signed question; the answer is the packed bill itself, or an error in XML.

use super::wire::Merchant;
use super::{WechatChannel, XML, bill, fields, wire};
use crate::channel::Answer;
use crate::channel::bills::{self, BillFailure, Bills};
use crate::channel::line::Sending;
use crate::channel::silence::{Silence, ok};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::random::draw;
use evertill_shared::reconciliation::BillRow;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// A bill is long, and nobody stands at a till and waits for it.
const LIMIT: Duration = Duration::from_secs(90);

impl Bills for WechatChannel {
    fn bill<'a>(&'a self, day: BusinessDay) -> Answer<'a, Result<Vec<BillRow>, BillFailure>> {
        Box::pin(self.bill_of(day))
    }
}

impl WechatChannel {
    async fn bill_of(&self, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
        let nonce: [u8; 16] =
            draw(&*self.random).map_err(|error| BillFailure::NoAnswer(error.to_string()))?;
        let day = day.to_string().replace('-', "");
        let asked = Merchant::bill(&self.merchant, &day, &hex::encode(nonce));
        let sending = Sending::post(XML, asked).harmless().most(bills::MOST_PACKED);
        let silent =
            |silence: Silence<String>| BillFailure::NoAnswer(silence.for_it_staff(Wallet::WeChatPay));
        let bytes = ok(self.open.send(wire::BILL, sending, LIMIT).await).map_err(silent)?;
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Err(no_bill(&bytes));
        }
        let whose = self.merchant.whose();
        let read = move || bill::parse(bills::gzip(&bytes), &whose);
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.map_err(|error| BillFailure::Bad(error.to_string()))??)
    }
}

/// What the wallet says instead of a bill. Such an answer is not signed: it only says why to try again.
fn no_bill(bytes: &[u8]) -> BillFailure {
    let Ok(fields) = fields::parse(bytes) else {
        return BillFailure::Bad("what the wallet sent is neither a packed bill nor an error".into());
    };
    let said =
        ["return_msg", "err_code_des", "error_code"].map(|name| fields.get(name).map_or("", String::as_str));
    let said = said.join(" ").trim().to_owned();
    let lower = said.to_ascii_lowercase();
    if ["no bill exist", "bill creating"].iter().any(|words| lower.contains(words)) {
        BillFailure::NotReady
    } else if lower.contains("system") {
        BillFailure::NoAnswer(format!("WeChat Pay: {said}"))
    } else {
        BillFailure::Bad(format!(
            "WeChat Pay gives no bill: {said:?}; check the API key and the merchant's settings"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_never_a_bill() {
        let answer = |message: &str| {
            let xml = format!(
                "<xml><return_code>FAIL</return_code><return_msg><![CDATA[{message}]]></return_msg></xml>"
            );
            no_bill(xml.as_bytes())
        };
        assert_eq!(answer("No Bill Exist"), BillFailure::NotReady);
        assert_eq!(answer("Bill Creating"), BillFailure::NotReady);
        assert!(matches!(answer("SYSTEMERROR"), BillFailure::NoAnswer(_)));
        assert!(matches!(answer("sign error"), BillFailure::Bad(_)));
        assert!(matches!(no_bill(b"<html>busy</html>"), BillFailure::Bad(_)));
        assert!(matches!(no_bill(b""), BillFailure::Bad(_)));
    }
}
