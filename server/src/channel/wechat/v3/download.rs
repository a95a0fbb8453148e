//! Fetching a day's bill: a signed answer names the file and its hash, and the file itself is not signed.

use super::wire::Unusable;
use super::{WechatV3, judge};
use crate::channel::Answer;
use crate::channel::bills::{self, BillFailure, Bills};
use crate::channel::silence::Silence;
use crate::channel::wechat::bill::{self, Whose};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::reconciliation::BillRow;
use evertill_shared::wallet::Wallet;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use std::io::{BufReader, Read};
use std::time::Duration;

/// A bill is long, and nobody stands at a till and waits for it.
const LIMIT: Duration = Duration::from_secs(90);

impl Bills for WechatV3 {
    fn bill<'a>(&'a self, day: BusinessDay) -> Answer<'a, Result<Vec<BillRow>, BillFailure>> {
        Box::pin(self.bill_of(day))
    }
}

impl WechatV3 {
    async fn bill_of(&self, day: BusinessDay) -> Result<Vec<BillRow>, BillFailure> {
        let it = &self.0;
        let silent =
            |silence: Silence<Unusable>| BillFailure::NoAnswer(silence.for_it_staff(Wallet::WeChatPay));
        let reply = it.ask(it.merchant.bill(day), it.call_limit).await.map_err(silent)?;
        let at = judge::bill(&reply)?;
        let file = it.send(&it.merchant.file(at.target), LIMIT, bills::MOST_PACKED).await.map_err(silent)?;
        let bytes = file.ok().map_err(|why| BillFailure::NoAnswer(format!("the bill's file: {why}")))?;
        let whose = it.merchant.whose();
        let read = move || read(&bytes, &at.hash, &whose);
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|error| BillFailure::Bad(error.to_string()))?
    }
}

/// Reads a packed bill, if its text is the one whose hash was named.
fn read(packed: &[u8], hash: &str, whose: &Whose) -> Result<Vec<BillRow>, BillFailure> {
    let mut text = BufReader::new(Hashed::new(bills::gzip(packed)));
    let rows = bill::parse(&mut text, whose)?;
    // A bill that was taken was read to its end.
    if text.into_inner().hash() == hash {
        Ok(rows)
    } else {
        Err(BillFailure::Bad("the bill's file is not the one that the wallet named: fetch it again".into()))
    }
}

/// A reader that hashes what is read.
struct Hashed<R> {
    reader: R,
    context: Context,
}

impl<R: Read> Hashed<R> {
    fn new(reader: R) -> Self {
        // The wallet's own choice: it keeps a file whole, and the signature is over the answer that names it.
        Self { reader, context: Context::new(&SHA1_FOR_LEGACY_USE_ONLY) }
    }

    fn hash(self) -> String {
        hex::encode(self.context.finish())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.context.update(&buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn a_bill_counts_only_with_the_hash_that_was_named_over_its_text() {
        let text = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
                    货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
                    退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n\
                    总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
                    `0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\r\n";
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        let digest = |bytes: &[u8]| hex::encode(ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes));
        let whose = Whose { merchant_id: "1900000109".into(), shop: None };
        assert_eq!(read(&packed, &digest(text.as_bytes()), &whose), Ok(Vec::new()));
        assert!(matches!(read(&packed, &digest(&packed), &whose), Err(BillFailure::Bad(_))));
        for cut in [0, 5, packed.len() - 3] {
            assert!(read(&packed[..cut], &digest(text.as_bytes()), &whose).is_err(), "{cut}");
        }
        let unpacked = read(text.as_bytes(), &digest(text.as_bytes()), &whose);
        assert!(matches!(unpacked, Err(BillFailure::Bad(_))));
    }
}
