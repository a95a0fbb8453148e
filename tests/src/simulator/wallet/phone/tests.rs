//! Phones by themselves: what is pressed, and what is seen.

use super::*;
use crate::simulator::wallet::http::Response;
use crate::simulator::wallet::{Store, Switches};
use evertill_shared::clock::SystemClock;
use std::collections::BTreeMap;

fn counter(wallet: Wallet) -> Arc<Counter> {
    let clock = Arc::new(SystemClock);
    Arc::new(Counter::new(wallet, Store::in_memory().unwrap(), Switches::of(wallet), 1, clock).unwrap())
}

fn asked(phones: &Phones, method: &str, path: &str, body: &str) -> (u16, String) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = BTreeMap::from([("accept-language".to_owned(), "zh-CN,zh;q=0.9".to_owned())]);
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.into(),
    };
    match phones.answer(&request) {
        Some(Response::Reply { status, body, .. } | Response::Whole { status, body, .. }) => {
            (status, String::from_utf8(body).unwrap())
        }
        other => panic!("{path}: {other:?}"),
    }
}

fn page(phones: &Phones) -> String {
    asked(phones, "GET", "/?lang=en", "").1
}

fn code_on(page: &str) -> Option<String> {
    Some(page.split_once("<p id=code>")?.1.split_once("</p>")?.0.replace(' ', ""))
}

fn show(counter: &Counter, number: &str, description: &str) -> String {
    let content = format!("https://qr.alipay.com/{number}");
    let shown = content.clone();
    let decided = counter.decide(|book, _, now| {
        book.show(ShownCode {
            content,
            number: number.to_owned(),
            total_minor: 1_280,
            description: description.to_owned(),
            device: "T0001".to_owned(),
            until: now.plus(Duration::from_secs(60)),
            closed: false,
            notify_url: None,
        });
    });
    decided.unwrap();
    shown
}

#[test]
fn a_code_stays_for_its_time_and_a_look_does_not_change_it() {
    let counter = counter(Wallet::WeChatPay);
    let phones = Phones::new(vec![Arc::clone(&counter)]);
    let first = code_on(&page(&phones)).unwrap();
    let (_, mark) = asked(&phones, "GET", "/phone/state", "");
    assert_eq!(code_on(&page(&phones)).unwrap(), first);
    counter.turn_clock(54_000).unwrap();
    assert_eq!(asked(&phones, "GET", "/phone/state", "").1, mark);
    counter.turn_clock(1_000).unwrap();
    assert_ne!(asked(&phones, "GET", "/phone/state", "").1, mark);
    assert_ne!(code_on(&page(&phones)).unwrap(), first);
}

#[test]
fn each_wallet_has_a_phone_of_its_own_in_the_browsers_language() {
    let phones = Phones::new(vec![counter(Wallet::WeChatPay), counter(Wallet::Alipay)]);
    let (_, wechat) = asked(&phones, "GET", "/", "");
    assert!(wechat.contains("培训模式") && wechat.contains("<h1>微信支付</h1>"), "{wechat}");
    let (_, alipay) = asked(&phones, "GET", "/?wallet=alipay&lang=en", "");
    assert!(alipay.contains("no money moves") && alipay.contains("<h1>Alipay</h1>"), "{alipay}");
    let (wechat, alipay) = (code_on(&wechat).unwrap(), code_on(&alipay).unwrap());
    assert_eq!(evertill_shared::wallet::detect(&wechat), Some(Wallet::WeChatPay));
    assert_eq!(evertill_shared::wallet::detect(&alipay), Some(Wallet::Alipay));
}

#[test]
fn what_tills_show_is_offered_until_it_is_paid_and_what_they_write_is_only_text() {
    let counter = counter(Wallet::Alipay);
    let phones = Phones::new(vec![Arc::clone(&counter)]);
    let content = show(&counter, "ORDER1", "<b>\"Tea\" & 茶</b>");
    assert!(page(&phones).contains("¥12.80 · T0001"), "{}", page(&phones));
    let (status, _) = asked(&phones, "POST", "/phone/scan", &format!("wallet=alipay&content={content}"));
    assert_eq!(status, 303);
    let paid = page(&phones);
    assert!(paid.contains("Paid") && !paid.contains("class=offered"), "{paid}");
    assert!(paid.contains("&lt;b&gt;&quot;Tea&quot; &amp; 茶&lt;/b&gt;") && !paid.contains("<b>"), "{paid}");
    assert_eq!(counter.orders().unwrap()[0].net_minor(), 1_280);
    asked(&phones, "POST", "/phone/scan", &format!("wallet=alipay&content={content}"));
    assert!(page(&phones).contains("This code is not good"));
    assert_eq!(counter.orders().unwrap()[0].charged_minor, 1_280, "once");
}

#[test]
fn who_is_asked_pays_only_when_they_press_and_only_once() {
    let counter = counter(Wallet::Alipay);
    let phones = Phones::new(vec![Arc::clone(&counter)]);
    asked(&phones, "POST", "/phone/customer", "customer=is_asked");
    let content = show(&counter, "ORDER1", "Tea");
    asked(&phones, "POST", "/phone/scan", &format!("content={content}"));
    assert!(page(&phones).contains("Pay this?"));
    assert_eq!(counter.orders().unwrap()[0].charged_minor, 0);
    for _ in 0..2 {
        asked(&phones, "POST", "/phone/confirm", "number=ORDER1");
        assert!(page(&phones).contains("Paid"));
        assert_eq!(counter.orders().unwrap()[0].charged_minor, 1_280);
    }
    asked(&phones, "POST", "/phone/cancel", "number=ORDER1");
    assert_eq!(counter.orders().unwrap()[0].net_minor(), 1_280, "what is paid is paid");
}

#[test]
fn what_is_no_button_is_refused() {
    let phones = Phones::new(vec![counter(Wallet::Alipay)]);
    for (path, body) in [
        ("/phone/give", ""),
        ("/phone/customer", "customer=thief"),
        ("/phone/confirm", ""),
        ("/phone/customer", "%"),
    ] {
        assert_eq!(asked(&phones, "POST", path, body).0, 400, "{path} {body}");
    }
    assert_eq!(asked(&phones, "POST", "/phone/confirm", "number=NOBODYS").0, 303);
    assert!(code_on(&page(&phones)).is_some(), "back to a code");
}
