//! Bills in version 3: an answer that names a file and its hash, and the file, for five minutes.

use super::message::Refusal;
use super::{Answer, Asked, Papers};
use crate::simulator::wallet::{Counter, DAY, bill, random_hex};
use crate::simulator::wechat::bill as writing;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Timestamp;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long an address is good.
const LIFE: Duration = Duration::from_secs(300);
/// How far back there are bills.
const KEPT: u32 = 92;

/// Which bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of what was traded.
    Trade(writing::Trade),
    /// Of the account that payments come to.
    Basic,
    /// Of an account on which nothing moves here.
    Idle,
}

impl Kind {
    /// Which one a request asks for.
    pub fn of(asked: &Asked) -> Result<Self, Refusal> {
        use writing::Trade::{All, Refund, Success};
        match (asked.is_about_account, asked.in_query("account_type"), asked.in_query("bill_type")) {
            (true, None | Some("BASIC"), _) => Ok(Self::Basic),
            (true, Some("OPERATION" | "FEES"), _) => Ok(Self::Idle),
            (true, ..) => Err(Refusal::param("account_type")),
            (false, _, None | Some("ALL")) => Ok(Self::Trade(All)),
            (false, _, Some("SUCCESS")) => Ok(Self::Trade(Success)),
            (false, _, Some("REFUND")) => Ok(Self::Trade(Refund)),
            (false, ..) => Err(Refusal::param("bill_type")),
        }
    }

    fn holds(self, line: &bill::BillLine) -> bool {
        match self {
            Self::Trade(trade) => writing::is_of(trade, line),
            Self::Basic => true,
            Self::Idle => false,
        }
    }
}

/// The files that were given out, by token.
#[derive(Default)]
pub(super) struct Files(Mutex<BTreeMap<String, (Vec<u8>, Timestamp)>>);

impl Files {
    /// Where the bill of a day is.
    pub fn ask(
        &self,
        asked: &Asked,
        counter: &Counter,
        papers: &Papers,
        kind: Kind,
    ) -> Result<Answer, Refusal> {
        let day = asked.in_query("bill_date").unwrap_or_default();
        if day.parse::<BusinessDay>().is_err() {
            return Err(Refusal::param("bill_date"));
        }
        let packed = match asked.in_query("tar_type") {
            None => false,
            Some("GZIP") => true,
            Some(_) => return Err(Refusal::param("tar_type")),
        };
        let system = |_| Refusal::of_word("SYSTEM_ERROR", "系统错误");
        let made = counter.decide(|book, switches, now| {
            let oldest = super::rules::time(now.minus(DAY * KEPT));
            let lines = bill::lines(book, &switches.bill, day, now);
            let balance = if kind == Kind::Basic { bill::balance_before(book, day) } else { 0 };
            let shop = switches.partner.as_ref().map_or("0".to_owned(), |shop| shop.merchant.clone());
            (lines, switches.bill.clone(), now, (day < oldest.as_str(), balance, shop))
        });
        let (lines, faults, now, (too_old, balance, shop)) = made.map_err(|_| system(()))?;
        let lines = match lines {
            _ if too_old => return Err(Refusal::param("bill_date")),
            None => return Err(Refusal::of_word("STATEMENT_CREATING", "账单正在生成中，请稍后再试")),
            Some(lines) if !lines.iter().any(|line| kind.holds(line)) => {
                return Err(Refusal::of_word("NO_STATEMENT_EXIST", "账单文件不存在"));
            }
            Some(lines) => lines,
        };
        let merchant = (papers.app_id.as_str(), papers.merchant_id.as_str(), shop.as_str());
        let text = match kind {
            Kind::Trade(trade) => writing::text(trade, &lines, merchant, &faults),
            Kind::Basic | Kind::Idle => writing::account(&lines, merchant.1, balance, &faults),
        };
        let hash = hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()));
        let bytes = if packed { writing::gzip(&text).map_err(|_| system(()))? } else { text.into_bytes() };
        let token = random_hex(16).map_err(|_| system(()))?;
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(token.clone(), (bytes, now.plus(LIFE)));
        let url = format!("http://{}/v3/billdownload/file?token={token}", asked.host);
        Ok(Answer::Json(json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url })))
    }

    /// The file, while its token is good.
    pub fn fetch(&self, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get(asked.in_query("token").unwrap_or_default());
        match file.filter(|(_, until)| now < *until) {
            Some((bytes, _)) => Ok(Answer::File(bytes.clone())),
            None => Err(Refusal::param("token无效或已过期")),
        }
    }
}
