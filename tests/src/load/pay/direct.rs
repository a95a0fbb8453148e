//! The wallets, called as the server's adapters call them, with nothing of ours in between.

use crate::load::line::extent;
use crate::load::payers::TURNS;
use crate::load::phase::{Awake, Moments};
use crate::load::wrong;
use crate::simulator::alipay::message as gateway;
use crate::simulator::wallet::china_time;
use crate::simulator::wechat::{Behaviour, message};
use crate::store_rig::{RigError, StoreRig, WalletControl};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many connections to each wallet are kept open.
const LINES: usize = 100;

/// Both wallets, each with what a merchant has of it.
pub(super) struct Wallets {
    wechat: Wechat,
    alipay: Alipay,
    controls: [WalletControl; 2],
    /// How many orders were made, so that no number is used twice.
    made: u32,
}

struct Wechat {
    address: String,
    app_id: String,
    merchant_id: String,
    api_key: SecretText,
}

struct Alipay {
    address: String,
    app_id: String,
    key: gateway::SigningKey,
}

fn text(value: &Value) -> Result<String, RigError> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong("a wallet's kit"))
}

fn address(section: &Value) -> Result<String, RigError> {
    Ok(text(&section["endpoints"][0])?.trim_start_matches("http://").to_owned())
}

fn file(value: &Value) -> Result<String, RigError> {
    std::fs::read_to_string(text(value)?).map_err(wrong)
}

impl Wallets {
    /// Those of a shop.
    pub(super) fn of(rig: &StoreRig) -> Result<Self, RigError> {
        let (wechat, alipay) = (rig.wechat_section(), rig.alipay_section());
        let key = gateway::SigningKey::from_pem(&file(&alipay["app_private_key"])?);
        Ok(Self {
            wechat: Wechat {
                address: address(wechat)?,
                app_id: text(&wechat["app_id"])?,
                merchant_id: text(&wechat["merchant_id"])?,
                api_key: SecretText::new(file(&wechat["api_key_file"])?.trim().to_owned()),
            },
            alipay: Alipay {
                address: address(alipay)?,
                app_id: text(&alipay["app_id"])?,
                key: key.ok_or_else(|| wrong("the app's key cannot be read"))?,
            },
            controls: [rig.wallet_control(), rig.alipay_control()],
            made: 0,
        })
    }

    fn address(&self, wallet: Wallet) -> &str {
        match wallet {
            Wallet::WeChatPay => &self.wechat.address,
            Wallet::Alipay => &self.alipay.address,
        }
    }

    /// Signed requests for both wallets in turn, each with a code of its own.
    async fn requests(&mut self, count: usize) -> Result<Vec<(Wallet, Vec<u8>)>, RigError> {
        let mut requests = Vec::with_capacity(count);
        for (wallet, control) in TURNS.into_iter().zip(self.controls.clone()).cycle().take(count) {
            let code = control.code(Behaviour::Pays).await?;
            self.made += 1;
            let number = format!("D{:09}", self.made);
            requests.push((
                wallet,
                match wallet {
                    Wallet::WeChatPay => self.wechat.request(&code, &number),
                    Wallet::Alipay => self.alipay.request(&code, &number),
                },
            ));
        }
        Ok(requests)
    }

    /// Charges codes at that rate, each on a connection that is open already; gives how long each took.
    pub(super) async fn charge(
        &mut self,
        rate: u32,
        seconds: u64,
    ) -> Result<Vec<(Wallet, Duration)>, RigError> {
        let requests = self.requests(usize::try_from(u64::from(rate) * seconds).map_err(wrong)?).await?;
        let mut idle = [Vec::new(), Vec::new()];
        for (wallet, idle) in TURNS.into_iter().zip(&mut idle) {
            for _ in 0..LINES {
                idle.push(TcpStream::connect(self.address(wallet)).await.map_err(wrong)?);
            }
        }
        let (mut moments, mut due, mut calls) = (Moments::new(), Duration::ZERO, JoinSet::new());
        let _awake = Awake::new();
        let start = SystemClock.monotonic();
        let mut times = Vec::new();
        for (wallet, request) in requests {
            due += moments.gap(f64::from(rate));
            let of_wallet = usize::from(TURNS[0] != wallet);
            let line = loop {
                while let Some(done) = calls.try_join_next() {
                    let (wallet, line, took): (Wallet, TcpStream, Duration) = done.map_err(wrong)??;
                    idle[usize::from(TURNS[0] != wallet)].push(line);
                    times.push((wallet, took));
                }
                let now = SystemClock.monotonic().saturating_sub(start);
                if now >= due
                    && let Some(line) = idle[of_wallet].pop()
                {
                    break line;
                }
                tokio::task::yield_now().await;
            };
            calls.spawn(charge((wallet, line), request, start + due));
        }
        while let Some(done) = calls.join_next().await {
            let (wallet, _, took) = done.map_err(wrong)??;
            times.push((wallet, took));
        }
        Ok(times)
    }
}

impl Wechat {
    /// A whole request to charge that code.
    fn request(&self, code: &str, number: &str) -> Vec<u8> {
        let mut fields: message::Fields = [
            ("appid", self.app_id.as_str()),
            ("mch_id", &self.merchant_id),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
            ("sign_type", "HMAC-SHA256"),
            ("body", "Corner Store"),
            ("out_trade_no", number),
            ("total_fee", "1250"),
            ("spbill_create_ip", "127.0.0.1"),
            ("device_info", "T0001"),
            ("auth_code", code),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let sign = message::signature(&fields, Some("HMAC-SHA256"), &self.api_key).unwrap_or_default();
        fields.insert("sign".into(), sign);
        whole(&self.address, "/pay/micropay", "text/xml", &message::write(&fields))
    }
}

impl Alipay {
    /// A whole request to charge that code.
    fn request(&self, code: &str, number: &str) -> Vec<u8> {
        let content = json!({
            "out_trade_no": number,
            "scene": "bar_code",
            "auth_code": code,
            "subject": "Corner Store",
            "total_amount": "12.50",
            "product_code": "FACE_TO_FACE_PAYMENT",
            "terminal_id": "T0001",
            "timeout_express": "3m",
        });
        let time = china_time(SystemClock.now(), "%Y-%m-%d %H:%M:%S");
        let mut common: gateway::Fields = [
            ("app_id", self.app_id.as_str()),
            ("charset", "utf-8"),
            ("format", "JSON"),
            ("method", "alipay.trade.pay"),
            ("sign_type", "RSA2"),
            ("timestamp", &time),
            ("version", "1.0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let own = gateway::Fields::from([("biz_content".to_owned(), content.to_string())]);
        let mut signed = common.clone();
        signed.extend(own.clone());
        common.insert("sign".into(), self.key.sign(&gateway::signed_text(&signed)));
        let path = format!("/gateway.do?{}", gateway::written_form(&common));
        let kind = "application/x-www-form-urlencoded;charset=utf-8";
        whole(&self.address, &path, kind, gateway::written_form(&own).as_bytes())
    }
}

fn whole(host: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One call, from the moment that it was due to the end of its answer, which must say that it is paid.
async fn charge(
    (wallet, mut line): (Wallet, TcpStream),
    request: Vec<u8>,
    due: Duration,
) -> Result<(Wallet, TcpStream, Duration), RigError> {
    line.write_all(&request).await.map_err(wrong)?;
    let mut read = Vec::with_capacity(4096);
    loop {
        if line.read_buf(&mut read).await.map_err(wrong)? == 0 {
            return Err(wrong("the wallet closed a connection"));
        }
        if let Some((head, length)) = extent(&read).map_err(wrong)?
            && read.len() >= length
        {
            let took = SystemClock.monotonic().saturating_sub(due);
            says_paid(wallet, read.get(head..length).unwrap_or_default())?;
            return Ok((wallet, line, took));
        }
    }
}

/// Fails unless that answer says that it is paid.
fn says_paid(wallet: Wallet, body: &[u8]) -> Result<(), RigError> {
    let is_paid = match wallet {
        Wallet::WeChatPay => message::read(body)
            .is_some_and(|fields| fields.get("result_code").map(String::as_str) == Some("SUCCESS")),
        Wallet::Alipay => serde_json::from_slice::<Value>(body)
            .is_ok_and(|said| said["alipay_trade_pay_response"]["code"] == "10000"),
    };
    let said = || format!("{wallet} did not pay: {}", String::from_utf8_lossy(body));
    if is_paid { Ok(()) } else { Err(wrong(said())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_so_is_a_payment() {
        let xml = |word: &str| format!("<xml><result_code>{word}</result_code></xml>");
        let json = |code: &str| format!("{{\"alipay_trade_pay_response\":{{\"code\":\"{code}\"}}}}");
        assert!(says_paid(Wallet::WeChatPay, xml("SUCCESS").as_bytes()).is_ok());
        assert!(says_paid(Wallet::Alipay, json("10000").as_bytes()).is_ok());
        for body in [xml("FAIL"), json("10003"), String::new()] {
            for wallet in TURNS {
                assert!(says_paid(wallet, body.as_bytes()).is_err(), "{wallet}: {body}");
            }
        }
    }
}
