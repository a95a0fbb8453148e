//! How a phone looks.

use super::words::Words;
use super::{Customer, Screen};
use crate::simulator::wallet::bill::yuan;
use crate::simulator::wallet::book::{Order, TradeState};
use crate::simulator::wallet::page::{barcode, qr};
use crate::simulator::wallet::shown::ShownCode;
use evertill_shared::wallet::Wallet;
use std::fmt::Write;

const STYLE: &str = include_str!("phone.css");
/// Looks each second whether something has changed; not while somebody types.
const SCRIPT: &str = "setInterval(async()=>{const field=document.querySelector('#content');if(field.value)return;\
    try{const answer=await fetch(document.body.dataset.state);\
    if(answer.ok&&await answer.text()!==document.body.dataset.seen)location.reload()}catch{}},1000)";

/// What there is to see.
pub(super) struct Sight {
    pub wallet: Wallet,
    pub wallets: Vec<Wallet>,
    pub customer: Customer,
    pub screen: Screen,
    pub offered: Vec<ShownCode>,
    pub mark: String,
}

/// The page.
pub(super) fn page(sight: &Sight, words: &Words) -> String {
    let wallet = sight.wallet.code();
    let mut tabs = String::new();
    for other in &sight.wallets {
        let here = if *other == sight.wallet { " aria-current=page" } else { "" };
        let (name, lang) = (other.code(), words.language);
        let _ =
            write!(tabs, "<a href=\"/?wallet={name}&amp;lang={lang}\"{here}>{}</a>", words.wallet(*other));
    }
    let (lang, other) = words.other;
    let _ = write!(tabs, "<a href=\"/?wallet={wallet}&amp;lang={lang}\">{other}</a>");
    let language = if words.language == "zh" { "zh-CN" } else { "en" };
    format!(
        "<!doctype html><html lang={language}><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{name} · {training}</title><noscript><meta http-equiv=refresh content=5></noscript>\
         <link rel=icon href=\"data:,\"><style>{STYLE}</style></head>\
         <body class={wallet} data-seen=\"{seen}\" data-state=\"/phone/state?wallet={wallet}\">\
         <nav>{tabs}</nav><main><h1>{name}</h1><p class=training>{training}</p>{screen}</main>\
         <section>{customers}{scan}</section><script>{SCRIPT}</script></body></html>",
        name = words.wallet(sight.wallet),
        training = words.training,
        seen = escaped(&sight.mark),
        screen = screen(sight, words),
        customers = customers(sight, words),
        scan = scan(sight, words),
    )
}

/// What is on the phone itself.
fn screen(sight: &Sight, words: &Words) -> String {
    let next = form(sight, words, "next", &format!("<button>{}</button>", words.next));
    match &sight.screen {
        Screen::Code(digits) => {
            let groups: Vec<&str> =
                [0..6, 6..10, 10..14, 14..18].into_iter().filter_map(|range| digits.get(range)).collect();
            let (barcode, digits, qr) = (barcode(digits), groups.join(" "), qr(digits));
            let (scan_me, minute) = (words.scan_me, words.new_each_minute);
            format!(
                "<p>{scan_me}</p><div id=barcode>{barcode}</div><p id=code>{digits}</p>\
                 <div id=qr>{qr}</div><p class=small>{minute}</p>"
            )
        }
        Screen::Order(order) if order.state == TradeState::UserPaying => {
            let number = format!("<input type=hidden name=number value=\"{}\">", escaped(&order.number));
            let button = |class: &str, text: &str| format!("{number}<button class={class}>{text}</button>");
            format!(
                "<p>{}</p>{}<div id=asked>{}{}</div>{}",
                words.asked,
                sum(order, words),
                form(sight, words, "confirm", &button("confirm", words.confirm)),
                form(sight, words, "cancel", &button("cancel", words.cancel)),
                form(sight, words, "next", &format!("<button class=quiet>{}</button>", words.back)),
            )
        }
        Screen::Order(order) => {
            let (class, text) = outcome(order, words);
            format!("<p class=\"outcome {class}\">{text}</p>{}{next}", sum(order, words))
        }
        Screen::NoGood => format!("<p class=\"outcome bad\">{}</p>{next}", words.no_good),
    }
}

fn outcome(order: &Order, words: &Words) -> (&'static str, &'static str) {
    match order.state {
        TradeState::Success | TradeState::Refund => ("good", words.paid),
        TradeState::PayError if order.behaviour == Customer::IsPoor.behaviour() => ("bad", words.poor),
        TradeState::PayError | TradeState::UserPaying => ("bad", words.not_paid),
        TradeState::Revoked | TradeState::Closed => ("bad", words.taken_back),
    }
}

fn sum(order: &Order, words: &Words) -> String {
    let to = escaped(&order.description);
    format!("<p class=sum>¥{}</p><p>{} {to}</p>", yuan(order.total_minor), words.to)
}

/// Who holds the phone, to be chosen.
fn customers(sight: &Sight, words: &Words) -> String {
    let buttons = Customer::ALL.iter().zip(words.customers).map(|((customer, name), text)| {
        let pressed = *customer == sight.customer;
        format!("<button name=customer value={name} aria-pressed={pressed}>{text}</button>")
    });
    let buttons = buttons.collect::<String>();
    format!("<h2>{}</h2>{}", words.who, form(sight, words, "customer", &buttons))
}

/// What tills show, to be chosen or pasted.
fn scan(sight: &Sight, words: &Words) -> String {
    let offered = sight.offered.iter().map(|code| {
        let (content, device) = (escaped(&code.content), escaped(&code.device));
        let sum = yuan(code.total_minor);
        format!("<button class=offered name=content value=\"{content}\">¥{sum} · {device}</button>")
    });
    let offered = form(sight, words, "scan", &offered.collect::<String>());
    let field = format!(
        "<label for=content>{}</label><input id=content name=content autocomplete=off>\
         <button id=scan>{}</button>",
        words.scan_hint, words.scan_button
    );
    format!("<h2>{}</h2>{offered}{}", words.scan, form(sight, words, "scan", &field))
}

fn form(sight: &Sight, words: &Words, button: &str, inside: &str) -> String {
    let (wallet, language) = (sight.wallet.code(), words.language);
    format!(
        "<form method=post action=\"/phone/{button}\"><input type=hidden name=wallet value={wallet}>\
         <input type=hidden name=lang value={language}>{inside}</form>"
    )
}

/// A text that may hold anything, as HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
