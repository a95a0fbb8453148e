//! The control interface: for tests, for the demo, and for a person with a scanner. Never for the shop.

use super::behaviour::{Behaviour, Switches};
use super::counter::Counter;
use super::http::{Request, Response};
use super::phone::Phones;
use super::store::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

const JSON: &str = "application/json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCode {
    #[serde(default)]
    behaviour: Behaviour,
    #[serde(default)]
    balance_minor: Option<i64>,
}

/// A customer scans what a till shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    content: String,
    #[serde(default)]
    behaviour: Behaviour,
}

/// A person finishes a refund that could not reach the customer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishRefund {
    finish: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnClock {
    advance_ms: i64,
}

/// What went wrong, with the status to answer.
struct Wrong(u16, String);

impl From<serde_json::Error> for Wrong {
    fn from(error: serde_json::Error) -> Self {
        Self(400, error.to_string())
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        Self(500, error.to_string())
    }
}

/// Answers one request.
pub(super) fn answer(counter: &Counter, phones: &Phones, request: &Request) -> Response {
    if let Some(response) = phones.answer(request) {
        return response;
    }
    let done = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/codes") => new_code(counter, &request.body),
        ("POST", "/scan") => scan(counter, &request.body),
        ("GET", "/switches") => Ok(json!(counter.inside().switches)),
        ("POST", "/switches") => switch(counter, &request.body),
        ("GET", "/orders") => orders(counter),
        ("POST", "/refunds") => finish_refund(counter, &request.body),
        ("POST", "/clock") => turn_clock(counter, &request.body),
        _ => Err(Wrong(404, "GET / /orders /switches, POST /codes /scan /switches /clock /refunds".into())),
    };
    match done {
        Ok(value) => Response::ok(JSON, value.to_string()),
        Err(Wrong(status, error)) => {
            let body = json!({ "error": error }).to_string().into_bytes();
            Response::Reply { status, content_type: JSON, body }
        }
    }
}

fn new_code(counter: &Counter, body: &[u8]) -> Result<Value, Wrong> {
    let asked: NewCode = if body.is_empty() {
        NewCode { behaviour: Behaviour::Pays, balance_minor: None }
    } else {
        serde_json::from_slice(body)?
    };
    Ok(json!({ "code": counter.issue(asked.behaviour, asked.balance_minor)? }))
}

fn scan(counter: &Counter, body: &[u8]) -> Result<Value, Wrong> {
    let asked: Scan = serde_json::from_slice(body)?;
    Ok(json!({ "scanned": counter.scan(&asked.content, asked.behaviour)? }))
}

/// Changes what is named and leaves the rest. `next` is appended to, `always` takes `null` to end a fault,
/// `{"reset": true}` first puts everything back.
fn switch(counter: &Counter, body: &[u8]) -> Result<Value, Wrong> {
    let mut asked: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
    let mut inside = counter.inside();
    let reset = asked.remove("reset") == Some(Value::Bool(true));
    let base = if reset { Switches::of(counter.wallet()) } else { inside.switches.clone() };
    let Value::Object(mut merged) = serde_json::to_value(base)? else {
        return Err(Wrong(500, "switches are no object".into()));
    };
    for (name, value) in asked {
        match (merged.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                merged.insert(name, value);
            }
        }
    }
    inside.switches = serde_json::from_value(Value::Object(merged))?;
    Ok(json!(inside.switches))
}

fn merge(old: &mut serde_json::Map<String, Value>, new: serde_json::Map<String, Value>) {
    for (name, value) in new {
        match (old.get_mut(&name), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, Value::Null) => {
                old.remove(&name);
            }
            (_, value) => {
                old.insert(name, value);
            }
        }
    }
}

fn orders(counter: &Counter) -> Result<Value, Wrong> {
    let orders = counter.orders()?;
    let charged: i64 = orders.iter().map(|order| order.charged_minor).sum();
    let net: i64 = orders.iter().map(super::book::Order::net_minor).sum();
    Ok(json!({ "orders": orders, "charged_minor": charged, "net_minor": net }))
}

fn finish_refund(counter: &Counter, body: &[u8]) -> Result<Value, Wrong> {
    let asked: FinishRefund = serde_json::from_slice(body)?;
    Ok(json!({ "finished": counter.finish_refund(&asked.finish)? }))
}

fn turn_clock(counter: &Counter, body: &[u8]) -> Result<Value, Wrong> {
    let asked: TurnClock = serde_json::from_slice(body)?;
    Ok(json!({ "now": counter.turn_clock(asked.advance_ms)?.to_string() }))
}
