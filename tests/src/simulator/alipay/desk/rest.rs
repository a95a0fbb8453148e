//! The same wallet by its REST interface: one address for each call, signed in a header, errors told by the status.
//!
//! As the real one was seen to do: the app is looked at before the signature, and who is turned away gets no
//! signature. While the customer types, a charge is answered with status 200, the trade's numbers and no payment; what
//! the real one says then is not documented.

use super::super::message;
use super::super::rules::{Node, Refusal};
use super::{Asked, Desk, endpoint_of, tamper};
use crate::simulator::wallet::http::{Request, Response};
use crate::simulator::wallet::{Endpoint, Fault};
use evertill_shared::clock::Timestamp;
use serde_json::{Value, json};

const SCHEME: &str = "ALIPAY-SHA256withRSA ";
const JSON: &str = "application/json;charset=UTF-8";
/// Our clock and the merchant's may differ by so much.
const SKEW_MS: u64 = 600_000;
/// What no certificate of the wallet's is called.
const OTHER_SERIAL: &str = "00000000000000000000000000000000";

/// What a merchant's header says.
struct Authorization<'a> {
    /// Everything before the signature, which is signed as it stands.
    signed: &'a str,
    sign: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let (signed, sign) = header.strip_prefix(SCHEME)?.rsplit_once(",sign=")?;
        Some(Self { signed, sign })
    }

    fn part(&self, name: &str) -> Option<&'a str> {
        let mut parts = self.signed.split(',').filter_map(|part| part.trim().split_once('='));
        parts.find(|(known, _)| *known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }
}

impl Desk {
    /// Answers one call.
    pub async fn serve_rest(&self, request: &Request) -> Response {
        let by_certificate = request.headers.contains_key("alipay-root-cert-sn");
        let asked = match self.admitted(request) {
            Ok(()) => asked(request),
            Err(refusal) => Err(refusal),
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(refusal) => {
                tracing::warn!(path = request.path, ?refusal, "a request was not taken");
                return self.refuse(&refusal);
            }
        };
        match self.carry_out(&asked).await {
            Some((Ok(node), fault)) => self.tell(node, by_certificate, fault.as_ref()),
            Some((Err(refusal), fault)) => misheard(fault.as_ref()).unwrap_or_else(|| self.refuse(&refusal)),
            None => Response::HangUp,
        }
    }

    fn now(&self) -> Timestamp {
        self.counter.decide(|_, _, now| now).unwrap_or_default()
    }

    /// Whether this is the merchant who it says it is.
    fn admitted(&self, request: &Request) -> Result<(), Refusal> {
        let no_time = || Refusal::missing("isv.missing-timestamp", "缺少时间戳参数");
        let header = request.headers.get("authorization").map_or("", String::as_str);
        let given = Authorization::read(header).ok_or_else(no_time)?;
        if given.part("app_id") != Some(&self.parties.app_id) {
            return Err(Refusal::invalid("isv.invalid-app-id", "无效的AppID参数"));
        }
        self.in_time(&given)?;
        given.part("nonce").ok_or_else(|| Refusal::missing("isv.missing-nonce", "缺少随机串参数"))?;
        let [app, root, _] = &self.parties.serials;
        let named = (given.part("app_cert_sn"), request.headers.get("alipay-root-cert-sn"));
        if named != (None, None) && named != (Some(app), Some(root)) {
            return Err(Refusal::invalid("isv.invalid-cert-sn", "证书序列号错误"));
        }
        let mark = if request.query.is_empty() { "" } else { "?" };
        let not_text = |_| Refusal::invalid("isv.illegal-json", "请求体不是UTF-8");
        let body = std::str::from_utf8(&request.body).map_err(not_text)?;
        let target = format!("{}{mark}{}", request.path, request.query);
        let mut text = format!("{}\n{}\n{target}\n{body}\n", given.signed, request.method);
        let token = request.headers.get("alipay-app-auth-token");
        if let Some(token) = token {
            text.push_str(token);
            text.push('\n');
        }
        if !self.parties.app_key.signed(&text, given.sign) {
            return Err(Refusal::invalid("isv.invalid-signature", "验签出错"));
        }
        match token {
            // Nobody has allowed this merchant to act for others.
            Some(_) => Err(Refusal::not_allowed("aop.invalid-app-auth-token", "无效的应用授权令牌")),
            None => Ok(()),
        }
    }

    /// A request is good for ten minutes, or for as long as it says itself.
    fn in_time(&self, given: &Authorization<'_>) -> Result<(), Refusal> {
        let wrong = || Refusal::invalid("isv.invalid-timestamp", "非法的时间戳参数");
        let at: i64 = given.part("timestamp").and_then(|at| at.parse().ok()).ok_or_else(wrong)?;
        let life_ms = match given.part("expired_seconds") {
            Some(seconds) => seconds.parse::<u64>().map_err(|_| wrong())?.saturating_mul(1_000).min(SKEW_MS),
            None => SKEW_MS,
        };
        let now = self.now().0;
        let is_early = at > now && at.abs_diff(now) > SKEW_MS;
        let is_late = at < now && at.abs_diff(now) > life_ms;
        if is_early || is_late { Err(wrong()) } else { Ok(()) }
    }

    /// The answer to what was done: without the gateway's own words, and signed over its very bytes.
    fn tell(&self, mut node: Node, by_certificate: bool, fault: Option<&Fault>) -> Response {
        node.remove("code");
        node.remove("msg");
        let (noise, strange) = self.counter.noise();
        if let Some(name) = strange {
            node.insert(name, json!({ "新": ["字段", 1, null] }));
        }
        tamper(&mut node, fault);
        if let Some(response) = misheard(fault) {
            return response;
        }
        let mut text = Value::Object(node).to_string();
        let age_ms = if fault == Some(&Fault::OldTime) { 601_000 } else { 0 };
        let (at, nonce) = (self.now().0 - age_ms, format!("{noise:032x}"));
        let stranger = matches!(fault, Some(Fault::BadSignature | Fault::OtherMerchant));
        let key = if stranger { &self.parties.other_key } else { &self.parties.own_key };
        let mut headers = vec![("alipay-timestamp", at.to_string())];
        if fault != Some(&Fault::MissingHeader) {
            headers.push(("alipay-nonce", nonce.clone()));
        }
        if fault != Some(&Fault::Unsigned) {
            headers.push(("alipay-signature", key.sign(&format!("{at}\n{nonce}\n{text}\n"))));
        }
        if by_certificate {
            let own = &self.parties.serials[2];
            let serial = if fault == Some(&Fault::OtherSerial) { OTHER_SERIAL } else { own };
            headers.push(("alipay-sn", serial.to_owned()));
        }
        if fault == Some(&Fault::Altered) {
            text = text.replacen('{', "{ ", 1);
        }
        self.whole(200, headers, text)
    }

    /// An error: its word, its sentence, and where to read on.
    fn refuse(&self, refusal: &Refusal) -> Response {
        let (status, word) = refusal.status_and_word();
        let links =
            json!([{ "link": "https://open.alipay.com/api/errCheck?source=openapi", "desc": "解决方案" }]);
        let body = json!({ "code": word, "message": refusal.text(), "links": links });
        self.whole(status, Vec::new(), body.to_string())
    }

    fn whole(&self, status: u16, headers: Vec<(&str, String)>, text: String) -> Response {
        let (noise, _) = self.counter.noise();
        let own = [("content-type", JSON.to_owned()), ("alipay-trace-id", format!("{noise:032x}"))];
        let headers = headers.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value));
        Response::Whole { status, headers: headers.collect(), body: text.into_bytes() }
    }
}

/// What is asked for, by a request that is authentic.
fn asked(request: &Request) -> Result<Asked, Refusal> {
    let method = request.path.strip_prefix("/v3/").unwrap_or_default().replace('/', ".");
    let nowhere = || Refusal::invalid("isv.invalid-method", "不存在的方法名");
    let endpoint = endpoint_of(&method).ok_or_else(nowhere)?;
    // Where to fetch a bill is got, everything else is posted: questions, too.
    let wanted = if endpoint == Endpoint::Bill { "GET" } else { "POST" };
    if request.method != wanted {
        return Err(Refusal::invalid("isv.invalid-http-method", "HTTP方法错误"));
    }
    let content = if wanted == "GET" {
        let fields = message::read_form(&request.query);
        let fields = fields.ok_or_else(|| Refusal::invalid("isv.invalid-parameter", "参数无效"))?;
        fields.into_iter().map(|(name, value)| (name, value.into())).collect()
    } else {
        let kind = request.headers.get("content-type").map_or("", String::as_str);
        if !kind.starts_with("application/json") {
            return Err(Refusal::invalid("isv.invalid-content-type", "Content-Type错误"));
        }
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(content)) => content,
            _ => return Err(Refusal::invalid("isv.illegal-json", "请求体不是JSON")),
        }
    };
    let notify_url = content.get("notify_url").and_then(Value::as_str).map(str::to_owned);
    Ok(Asked { endpoint, content, notify_url })
}

/// What a broken line makes of any answer.
fn misheard(fault: Option<&Fault>) -> Option<Response> {
    match fault {
        Some(Fault::ReplyLost) => Some(Response::HangUp),
        Some(Fault::Garbage) => Some(Response::ok("text/html", b"\x00<html>\xff busy".as_slice())),
        Some(Fault::ServerError) => {
            Some(Response::Reply { status: 502, content_type: "text/html", body: b"Bad Gateway".to_vec() })
        }
        _ => None,
    }
}
