//! What the wallet answers in version 3. The rules of codes, orders and refunds are those of version 2, over the same
//! books: what is asked is put into its words, and what came of it is read out of the books.

use super::message::Refusal;
use super::{Answer, Asked, Papers};
use crate::simulator::wallet::{
    Book, Customer, Endpoint, Order, Refund, ShownCode, Switches, TradeState, china_time, random_hex,
};
use crate::simulator::wechat::message::Fields;
use crate::simulator::wechat::rules as v2;
use evertill_shared::clock::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A code lives no longer, whatever is asked for.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// Answers what is neither about certificates nor about bills.
pub(super) fn answer(
    asked: &Asked,
    papers: &Papers,
    book: &mut Book,
    switches: &mut Switches,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let request = Request { asked, papers, now };
    match asked.endpoint {
        Endpoint::Create => request.native(book).map(Answer::Json),
        Endpoint::Pay => request.codepay(book, switches).map(Answer::Json),
        Endpoint::Query => request.query(book).map(Answer::Json),
        Endpoint::Close => request.close(book).map(|()| Answer::Nothing),
        Endpoint::Reverse => request.reverse(book, switches).map(Answer::Json),
        Endpoint::Refund => request.refund(book, switches).map(Answer::Json),
        Endpoint::RefundQuery => request.refund_query(book).map(Answer::Json),
        _ => Err(Refusal::no_such_path()),
    }
}

struct Request<'a> {
    asked: &'a Asked,
    papers: &'a Papers,
    now: Timestamp,
}

impl Request<'_> {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.asked.body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn need(&self, pointer: &str) -> Result<&str, Refusal> {
        self.text(pointer).ok_or_else(|| Refusal::param(&format!("输入源“{pointer}”映射到值字段时缺失")))
    }

    fn amount(&self, pointer: &str) -> Result<i64, Refusal> {
        let amount = self.asked.body.pointer(pointer).and_then(Value::as_i64);
        let wrong = || Refusal::param(&format!("输入源“{pointer}”不是正整数"));
        amount.filter(|minor| (1..=10_000_000_000).contains(minor)).ok_or_else(wrong)
    }

    fn currency(&self) -> Result<(), Refusal> {
        match self.text("/amount/currency") {
            None | Some("CNY") => Ok(()),
            Some(_) => Err(Refusal::param("/amount/currency")),
        }
    }

    /// The merchant names itself and its app in every order.
    fn names(&self) -> Result<(), Refusal> {
        if self.need("/mchid")? != self.papers.merchant_id {
            return Err(Refusal::param("mchid"));
        }
        if self.need("/appid")? != self.papers.app_id {
            return Err(Refusal::of_word("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配").at(400));
        }
        Ok(())
    }

    fn number(&self) -> Result<&str, Refusal> {
        let number = match &self.asked.about {
            Some(number) => number,
            None => self.need("/out_trade_no")?,
        };
        let plain = number.chars().all(|c| c.is_ascii_alphanumeric() || "_-|*".contains(c));
        let good = plain && (6..=32).contains(&number.len());
        if good { Ok(number) } else { Err(Refusal::param("out_trade_no")) }
    }

    /// Where the merchant wants to be told: an address without a query.
    fn notify_url(&self) -> Result<Option<String>, Refusal> {
        match self.text("/notify_url") {
            Some(url) if !url.starts_with("http") || url.contains('?') => Err(Refusal::param("notify_url")),
            url => Ok(url.map(str::to_owned)),
        }
    }

    fn description(&self) -> Result<&str, Refusal> {
        let description = self.need("/description")?;
        if description.chars().count() <= 127 { Ok(description) } else { Err(Refusal::param("description")) }
    }

    /// An order for a code to scan. A second one alike brings another code, and the first is good no more.
    fn native(&self, book: &mut Book) -> Result<Value, Refusal> {
        self.names()?;
        let (number, description) = (self.number()?.to_owned(), self.description()?.to_owned());
        let total_minor = self.amount("/amount/total")?;
        self.currency()?;
        self.need("/notify_url")?;
        let notify_url = self.notify_url()?;
        let longest = self.now.plus(LONGEST);
        let until = match self.text("/time_expire") {
            Some(text) => moment(text).filter(|at| *at > self.now).ok_or(Refusal::param("time_expire"))?,
            None => longest,
        };
        self.may_show(book, &number, total_minor)?;
        book.close_shown(&number);
        let token = random_hex(6).map_err(|_| Refusal::of_word("SYSTEM_ERROR", "系统错误"))?;
        let content = format!("weixin://wxpay/bizpayurl?pr={token}zz");
        book.show(ShownCode {
            content: content.clone(),
            number,
            total_minor,
            description,
            device: self.text("/attach").unwrap_or_default().to_owned(),
            until: until.min(longest),
            closed: false,
            notify_url,
        });
        Ok(json!({ "code_url": content }))
    }

    fn may_show(&self, book: &Book, number: &str, total_minor: i64) -> Result<(), Refusal> {
        let refused = |text: &str, n| Err(Refusal::of_word("INVALID_REQUEST", text).numbered(n));
        let shown = book.shown_of(number);
        let order = book.orders.get(number);
        match order.map(|order| order.state) {
            Some(TradeState::Success | TradeState::Refund) => {
                return refused("该订单已支付", 268_498_689);
            }
            Some(TradeState::Closed | TradeState::Revoked) => {
                return Err(Refusal::of_word("ORDER_CLOSED", "订单已关闭"));
            }
            Some(TradeState::UserPaying | TradeState::PayError) if shown.is_none() => {
                return Err(Refusal::of_word("OUT_TRADE_NO_USED", "商户订单号重复"));
            }
            _ => {}
        }
        match shown {
            Some(code) if code.closed => Err(Refusal::of_word("ORDER_CLOSED", "订单已关闭")),
            Some(code) if code.total_minor != total_minor => {
                refused("请求重入时，参数与首次请求时不一致", 268_498_688)
            }
            _ => Ok(()),
        }
    }

    fn codepay(&self, book: &mut Book, switches: &mut Switches) -> Result<Value, Refusal> {
        self.names()?;
        let number = self.number()?.to_owned();
        self.currency()?;
        let total = self.amount("/amount/total")?.to_string();
        if self.text("/scene_info/store_info/id").or(self.text("/scene_info/store_info/out_id")).is_none() {
            return Err(Refusal::param("scene_info.store_info"));
        }
        if self.asked.body.get("notify_url").is_some() {
            return Err(Refusal::param("notify_url"));
        }
        if book.shown_of(&number).is_some() {
            return Err(Refusal::of_word("OUT_TRADE_NO_USED", "商户订单号重复"));
        }
        let fields = v2::pairs(&[
            ("body", self.description()?),
            ("out_trade_no", &number),
            ("total_fee", &total),
            ("fee_type", "CNY"),
            ("spbill_create_ip", "127.0.0.1"),
            ("auth_code", self.need("/payer/auth_code")?),
            ("device_info", self.text("/scene_info/device_id").unwrap_or_default()),
        ]);
        match self.by_v2(fields, book, switches) {
            Err(refusal) if refusal.code == "USERPAYING" => Ok(json!({ "trade_state": "USERPAYING" })),
            Err(refusal) => Err(refusal),
            Ok(_) => book.orders.get(&number).map(|order| self.order(order, None)).ok_or_else(no_order),
        }
    }

    /// Lets version 2 decide.
    fn by_v2(&self, mut fields: Fields, book: &mut Book, switches: &mut Switches) -> Result<Fields, Refusal> {
        fields.insert("nonce_str".into(), "v3".into());
        let request = v2::Request {
            endpoint: self.asked.endpoint,
            fields: &fields,
            now: self.now,
            negative_test: self.asked.behaviour,
        };
        request.answer(book, switches).map_err(|refusal| Refusal::of_word(&refusal.code, &refusal.text))
    }

    fn query(&self, book: &mut Book) -> Result<Value, Refusal> {
        if self.asked.in_query("mchid").is_none() {
            return Err(Refusal::param("mchid"));
        }
        let number = match &self.asked.transaction {
            Some(transaction) => book.named(Some(transaction), None).ok_or_else(no_order)?,
            None => self.number()?.to_owned(),
        };
        let shown = book.shown_of(&number).cloned();
        match (book.order_mut(&number), shown) {
            (Some(order), shown) => {
                order.queries += 1;
                let order = order.clone();
                Ok(self.order(&order, shown.as_ref()))
            }
            (None, Some(shown)) => Ok(self.unscanned(&shown)),
            (None, None) => Err(no_order()),
        }
    }

    fn close(&self, book: &mut Book) -> Result<(), Refusal> {
        if self.need("/mchid")? != self.papers.merchant_id {
            return Err(Refusal::param("mchid"));
        }
        let number = self.number()?.to_owned();
        if book.shown_of(&number).is_none() {
            let known = book.orders.contains_key(&number);
            let only_reverse = || {
                Refusal::of_word("INVALID_REQUEST", "付款码支付的订单请调用撤销接口").numbered(268_449_641)
            };
            return Err(if known { only_reverse() } else { no_order() });
        }
        if let Some(order) = book.order_mut(&number) {
            order.reversals += 1;
            if order.state == TradeState::UserPaying && order.behaviour.customer() == Customer::OnlyAtReversal
            {
                order.charge(self.now);
            }
            match order.state {
                TradeState::Success | TradeState::Refund => {
                    return Err(Refusal::of_word("INVALID_REQUEST", "该订单已支付").numbered(268_449_538));
                }
                TradeState::Closed => {}
                TradeState::UserPaying | TradeState::PayError | TradeState::Revoked => {
                    order.end(TradeState::Closed, self.now);
                }
            }
        }
        book.close_shown(&number);
        Ok(())
    }

    fn reverse(&self, book: &mut Book, switches: &mut Switches) -> Result<Value, Refusal> {
        self.names()?;
        let number = self.number()?.to_owned();
        if book.shown_of(&number).is_some() {
            return Err(Refusal::of_word("INVALID_REQUEST", "该订单不支持撤销，请调用关单接口"));
        }
        let said = self.by_v2(v2::pairs(&[("out_trade_no", &number)]), book, switches)?;
        if said.get("recall").is_some_and(|recall| recall == "Y") {
            return Err(Refusal::of_word("SYSTEM_ERROR", "系统异常，请用相同参数重新调用"));
        }
        let Papers { app_id, merchant_id, .. } = self.papers;
        Ok(json!({ "appid": app_id, "mchid": merchant_id, "out_trade_no": number }))
    }

    fn refund(&self, book: &mut Book, switches: &mut Switches) -> Result<Value, Refusal> {
        let refund = self.need("/out_refund_no")?.to_owned();
        let (total, amount) = (self.amount("/amount/total")?, self.amount("/amount/refund")?);
        self.need("/amount/currency")?;
        self.currency()?;
        if self.text("/reason").is_some_and(|reason| reason.chars().count() > 80) {
            return Err(Refusal::param("reason"));
        }
        let notify_url = self.notify_url()?;
        let is_new = book.of_refund(&refund).is_none();
        let fields = v2::pairs(&[
            ("out_refund_no", &refund),
            ("out_trade_no", self.text("/out_trade_no").unwrap_or_default()),
            ("transaction_id", self.text("/transaction_id").unwrap_or_default()),
            ("total_fee", &total.to_string()),
            ("refund_fee", &amount.to_string()),
        ]);
        self.by_v2(fields, book, switches).map_err(|refusal| match refusal.code.as_str() {
            "ORDER_NOT_EXIST" => Refusal::of_word("RESOURCE_NOT_EXISTS", "订单不存在"),
            _ => refusal,
        })?;
        if is_new && notify_url.is_some() {
            book.tell_of_refund(&refund, notify_url);
        }
        self.refund_of(book, &refund)
    }

    fn refund_query(&self, book: &Book) -> Result<Value, Refusal> {
        self.refund_of(book, self.asked.about.as_deref().unwrap_or_default())
    }

    fn refund_of(&self, book: &Book, number: &str) -> Result<Value, Refusal> {
        let none = || Refusal::of_word("RESOURCE_NOT_EXISTS", "退款单不存在");
        let order = book.of_refund(number).ok_or_else(none)?;
        let refund = order.refunds.iter().find(|refund| refund.number == number).ok_or_else(none)?;
        Ok(refund_json(order, refund, self.now))
    }

    /// What is told of an order.
    fn order(&self, order: &Order, shown: Option<&ShownCode>) -> Value {
        order_json(self.papers, order, shown.is_some())
    }

    fn unscanned(&self, shown: &ShownCode) -> Value {
        let (state, text) =
            if shown.closed { ("CLOSED", "订单已关闭") } else { ("NOTPAY", "订单未支付") };
        let Papers { app_id, merchant_id, .. } = self.papers;
        json!({
            "appid": app_id, "mchid": merchant_id, "out_trade_no": shown.number, "attach": shown.device,
            "trade_state": state, "trade_state_desc": text,
            "amount": { "total": shown.total_minor, "currency": "CNY" },
        })
    }
}

fn no_order() -> Refusal {
    Refusal::of_word("ORDER_NOT_EXIST", "订单不存在")
}

/// An order as questions and notifications tell of it.
pub(super) fn order_json(papers: &Papers, order: &Order, shown: bool) -> Value {
    let paid = matches!(order.state, TradeState::Success | TradeState::Refund);
    let (state, text) = state_of(order.state, shown);
    let mut said = json!({
        "appid": papers.app_id, "mchid": papers.merchant_id, "out_trade_no": order.number,
        "trade_type": if shown { "NATIVE" } else { "MICROPAY" },
        "trade_state": state, "trade_state_desc": text, "attach": order.device,
        "amount": { "total": order.total_minor, "currency": "CNY" },
    });
    if paid {
        said["transaction_id"] = json!(order.transaction);
        said["bank_type"] = json!("OTHERS");
        said["success_time"] = json!(time(order.paid_at.unwrap_or(order.created_at)));
        said["payer"] = json!({ "openid": "oSimulatedCustomer0000000000" });
        said["amount"]["payer_total"] = json!(order.total_minor);
        said["amount"]["payer_currency"] = json!("CNY");
    }
    said
}

/// A code that is shown can be scanned until its order ends: before that nothing has failed.
fn state_of(state: TradeState, shown: bool) -> (&'static str, &'static str) {
    match state {
        TradeState::UserPaying | TradeState::PayError if shown => ("NOTPAY", "订单未支付"),
        TradeState::UserPaying => ("USERPAYING", "用户支付中，需要输入密码"),
        TradeState::Success => ("SUCCESS", "支付成功"),
        TradeState::PayError => ("PAYERROR", "支付失败，请撤销订单后重新下单支付"),
        TradeState::Revoked if !shown => ("REVOKED", "订单已撤销"),
        TradeState::Revoked | TradeState::Closed => ("CLOSED", "订单已关闭"),
        TradeState::Refund => ("REFUND", "订单发生过退款"),
    }
}

fn refund_json(order: &Order, refund: &Refund, now: Timestamp) -> Value {
    let mut said = json!({
        "refund_id": refund.refund_id, "out_refund_no": refund.number,
        "transaction_id": order.transaction, "out_trade_no": order.number,
        "channel": "ORIGINAL", "user_received_account": "支付用户零钱", "funds_account": "AVAILABLE",
        "create_time": time(refund.accepted_at), "status": refund.words(now).0,
        "amount": {
            "total": order.total_minor, "refund": refund.amount_minor, "payer_total": order.total_minor,
            "payer_refund": refund.amount_minor, "settlement_refund": refund.amount_minor,
            "settlement_total": order.total_minor, "discount_refund": 0, "refund_fee": 0, "currency": "CNY",
        },
    });
    if refund.has_arrived(now) {
        said["success_time"] = json!(time(refund.arrives_at));
    }
    said
}

/// A point in time as version 3 writes it.
pub(super) fn time(at: Timestamp) -> String {
    china_time(at, "%Y-%m-%dT%H:%M:%S+08:00")
}

fn moment(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(at.as_millisecond()))
}
