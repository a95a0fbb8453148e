//! IT at work: adding staff and tills, comparing fingerprints, blocking.

use super::shop::Shop;
use evertill_shared::secret::SecretText;
use evertill_shared::terminal_state::TerminalState;
use evertill_tests::scripted_till::ScriptedTill;

#[test]
fn a_till_is_activated_only_after_its_fingerprint_was_compared_and_blocked_at_once() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("it");
    page.go("/console/terminals");
    page.write("[name=name]", "Till 2, back");
    page.press("#make-code");
    page.expect("It is shown only this once");
    let code = SecretText::new(page.text("#enrolment-code"));
    let till = shop.runtime.block_on(ScriptedTill::enrol(shop.rig.client_config(), &code)).unwrap();
    assert_eq!(till.enrolled.terminal.to_string(), "T0002");

    page.go("/console/terminals");
    page.expect("Waits for activation");
    page.press("a[href='/console/terminals/T0002']");
    let shown: Vec<String> = page.text("#fingerprint").split_whitespace().map(str::to_owned).collect();
    assert_eq!(shown.join(" "), till.device.fingerprint());

    page.press("[name=compared]");
    page.write("[name=last]", "0000");
    page.press("#activate");
    page.expect("The last group is another.");
    let state = || shop.runtime.block_on(till.status()).unwrap().state;
    assert_eq!(state(), TerminalState::Pending);
    page.press("[name=compared]");
    page.write("[name=last]", shown.last().unwrap());
    page.press("#activate");
    page.expect("T0002 is active now.");
    assert_eq!(state(), TerminalState::Active);

    page.write("[name=reason]", "Stolen from the counter");
    page.press("#block");
    page.expect("T0002 is blocked. It can move no more money.");
    assert_eq!(state(), TerminalState::Blocked);
    page.write("[name=reason]", "Was in the stock room");
    page.press("#unblock");
    page.expect("T0002 is active again.");
    page.go("/console/audit");
    for text in
        ["Stolen from the counter", "Was in the stock room", "Activated the terminal", "The chain is whole"]
    {
        page.expect(text);
    }
    assert_eq!(page.complaints().len(), 0, "{:?}", page.complaints());
}

#[test]
fn a_person_who_was_added_can_log_in_and_choose_a_language() {
    let shop = Shop::open();
    let page = shop.browser();
    page.log_in("it");
    page.go("/console/staff");
    page.write("[name=name]", "Chen Hao");
    page.write("[name=login]", "chen");
    page.write("[name=password]", "chen-evertill");
    page.press("[value=cashier]");
    page.press("#add-person");
    page.expect("Chen Hao was added and can log in now.");
    page.log_out();
    page.log_in("chen");
    page.press("#language");
    page.expect_in("h1", "今日订单");
    assert_eq!(page.script("return document.documentElement.lang"), "zh-CN");
    page.press("#language");
    page.expect_in("h1", "Today's orders");
}
