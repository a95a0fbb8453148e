//! How the shop wants its receipts to look comes from the server, once, and only what this till can read is kept.

use super::rig::*;
use crate::controller::*;
use crate::sync::Answer;
use crate::view::Notice;
use evertill_shared::protocol::receipts::ShopTemplate;
use evertill_shared::receipt::template::DEFAULT;

fn hears(till: &mut Till, name: Option<&str>) {
    let status = till.status(TerminalState::Active);
    let status = TerminalStatus { receipt_template: name.map(str::to_owned), ..status };
    till.give(Input::Net(Answer::Heartbeat(Ok(status))));
    till.pass(1);
}

fn asked(till: &mut Till) -> bool {
    till.take(|request| matches!(request, Request::ReceiptTemplate).then_some(())).is_some()
}

fn kept(till: &mut Till) -> Vec<Option<String>> {
    let all = std::mem::take(&mut till.other);
    let kept = |command| match command {
        Command::KeepReceiptTemplate(text) => Some(text),
        _ => None,
    };
    all.into_iter().filter_map(kept).collect()
}

#[test]
fn the_shops_template_is_asked_for_once_and_again_when_it_is_another() {
    let mut till = Till::online();
    hears(&mut till, None);
    assert!(!asked(&mut till), "a server from before gives none");
    hears(&mut till, Some(""));
    assert!(!asked(&mut till), "the shop has none");
    let template = ShopTemplate { text: Some(DEFAULT.replace("qr", "qr 5")) };
    hears(&mut till, Some(&template.name()));
    assert!(asked(&mut till));
    hears(&mut till, Some(&template.name()));
    assert!(!asked(&mut till), "it is under way");
    till.give(Input::Net(Answer::ReceiptTemplate(Ok(template.clone()))));
    assert_eq!(kept(&mut till), std::slice::from_ref(&template.text));
    hears(&mut till, Some(&template.name()));
    assert!(!asked(&mut till));
    hears(&mut till, None);
    assert!(!asked(&mut till), "the till keeps what it has");
    hears(&mut till, Some(""));
    assert!(asked(&mut till));
    till.give(Input::Net(Answer::ReceiptTemplate(Ok(ShopTemplate { text: None }))));
    assert_eq!(kept(&mut till), [None]);
}

#[test]
fn a_template_that_this_till_cannot_read_is_not_kept_and_the_till_says_so() {
    let mut till = Till::online();
    let later = ShopTemplate { text: Some("evertill-receipt 9\n".into()) };
    hears(&mut till, Some(&later.name()));
    assert!(asked(&mut till));
    till.give(Input::Net(Answer::ReceiptTemplate(Ok(later.clone()))));
    assert_eq!(kept(&mut till), [None]);
    assert_eq!(till.notice(), Some(&Notice::TemplateUnreadable));
    hears(&mut till, Some(&later.name()));
    assert!(!asked(&mut till), "it is not asked for over and over");
}
