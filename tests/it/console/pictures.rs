//! Every page on both screens in both languages: nothing cut off, nothing too small for a finger. The pictures
//! are in `target/console`, for people to look at.

use super::browser::Browser;
use super::shop::Shop;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_tests::process::wait_until;
use evertill_tests::simulator::wechat::Behaviour;
use evertill_tests::workspace;
use serde_json::json;
use std::time::Duration;

const SCREENS: [(u32, u32); 2] = [(1024, 768), (1920, 1080)];

/// What makes a page unusable: things beyond its right edge, and what a finger cannot hit.
const FLAWS: &str = "
    const flaws = [];
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) flaws.push('the page is ' + wide + ' px too wide');
    for (const it of document.querySelectorAll('button, .button, input:not([type=hidden]), select, textarea, nav a, .choice, td a')) {
        const box = it.getBoundingClientRect();
        if (box.width === 0 || it.matches('[type=radio], [type=checkbox]')) continue;
        if (box.height < 44 || box.width < 44) flaws.push('too small: ' + it.outerHTML.slice(0, 90) + ' ' + box.width + 'x' + box.height);
        if (box.right > innerWidth + 1) flaws.push('cut off: ' + it.outerHTML.slice(0, 90));
    }
    for (const it of document.querySelectorAll('h1, h2, p, dt, dd, td, th, .badge, label, nav a, button')) {
        if (it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).display !== 'inline') flaws.push('text cut off: ' + it.outerHTML.slice(0, 90));
    }
    return flaws;";

struct Books {
    refunded: OrderNumber,
    unknown: OrderNumber,
    quarantined: OrderNumber,
}

/// A morning's trade: cash, wallets, refunds, an unknown payment, a stolen till's upload.
fn trade(shop: &mut Shop) -> Books {
    let Shop { runtime, rig, till, .. } = shop;
    runtime.block_on(async {
        let wallet = rig.wallet_control();
        let mut refunded = None;
        for minor in [1_250, 990, 12_800, 4_560, 350] {
            refunded = Some(till.sell_for_cash(minor).await.unwrap().number);
        }
        let refunded = refunded.unwrap();
        for (minor, behaviour) in
            [(8_880, Behaviour::Pays), (2_000, Behaviour::NoFunds), (660, Behaviour::PasswordNever)]
        {
            let order = till.sell_and_choose(minor).await.unwrap();
            let code = wallet.code(behaviour).await.unwrap();
            till.pay(&order, 1, &code).await.unwrap();
            if behaviour == Behaviour::Pays {
                wait_paid(till, order.number).await;
            }
        }
        let order = till.sell_and_choose(123_456).await.unwrap();
        let code = wallet.code(Behaviour::MicropayPayQueryTimeout).await.unwrap();
        let unknown = order.number;
        till.pay(&order, 1, &code).await.unwrap();
        let manager = rig.staff("li").await.unwrap();
        let ask = |request: &str, minor| evertill_shared::protocol::staff::AskRefund {
            request: request.into(),
            amount: evertill_shared::money::Amount::new(minor, evertill_shared::money::Currency::CNY),
            reason: "Wrong size, brought back unopened".into(),
        };
        let first = manager.ask_refund(&refunded, &ask("picture-1", 100)).await.unwrap();
        till.carry_out(refunded, &first.id, first.amount).await.unwrap();
        manager.ask_refund(&refunded, &ask("picture-2", 50)).await.unwrap();
        till.hand_in(0).await.unwrap();
        let mut lost = rig.scripted_till("Till 2, back").await.unwrap();
        let order = lost.sell_and_choose(4_200).await.unwrap();
        let cash = lost.take_cash(&order.sale).unwrap();
        rig.block(lost.enrolled.terminal).await.unwrap();
        assert!(lost.complete(&order, cash).await.unwrap().quarantined);
        let quarantined = order.number;
        rig.pending_till("Till 3, café").await.unwrap();
        Books { refunded, unknown, quarantined }
    })
}

async fn wait_paid(till: &evertill_tests::scripted_till::ScriptedTill, number: OrderNumber) {
    for _ in 0..100 {
        if till.payment(number, 1).await.unwrap().state == PaymentState::Paid {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{number} was not paid in five seconds");
}

pub struct Photographer<'a> {
    pub page: &'a Browser,
    pub language: &'static str,
}

impl Photographer<'_> {
    /// Looks at the page that is open, on both screens.
    pub fn look(&self, name: &str) {
        SCREENS.into_iter().for_each(|size| self.look_at(name, size));
    }

    /// Looks at the page that is open, on a screen of this size.
    pub fn look_at(&self, name: &str, (width, height): (u32, u32)) {
        let folder = workspace::target().join("console");
        std::fs::create_dir_all(&folder).unwrap();
        self.page.resize(width, height);
        let flaws = self.page.script(FLAWS);
        self.page.picture(&folder.join(format!("{name}-{width}x{height}-{}.png", self.language)));
        assert_eq!(flaws, json!([]), "{name} at {width}x{height} in {}", self.language);
    }

    pub fn visit(&self, name: &str, path: &str) {
        self.page.go(path);
        self.look(name);
    }
}

#[test]
fn every_page_fits_both_screens_in_both_languages() {
    let mut shop = Shop::open();
    let books = trade(&mut shop);
    let page = shop.browser();
    for language in ["en", "zh"] {
        let eye = Photographer { page: &page, language };
        page.go(&format!("/console/language?to={language}&back=/console/login"));
        eye.visit("login", "/console/login");
        page.write("[name=login]", "li");
        page.write("[name=password]", "wrong-password");
        page.press("#log-in");
        eye.look("login-refused");
        page.write("[name=password]", "li-evertill");
        page.press("#log-in");
        assert!(wait_until(Duration::from_secs(5), || page.address() == "/console/orders"));
        eye.look("orders");
        eye.visit("orders-none", "/console/orders?day=2020-01-01&number=12345x");
        eye.visit("order-refunded", &format!("/console/orders/{}", books.refunded));
        page.press("[value=part]");
        page.write("[name=amount]", "3.00");
        page.write("[name=reason]", "Too much");
        page.press("#ask-refund");
        page.expect("￥2.00");
        eye.look("order-refund-refused");
        eye.visit("order-unknown", &format!("/console/orders/{}", books.unknown));
        eye.visit("order-quarantined", &format!("/console/orders/{}", books.quarantined));
        assert_eq!(page.count("#refund-form"), 0, "a stolen till's order must not be refunded here");
        eye.visit("password", "/console/password");
        eye.visit("groups", "/console/groups");
        eye.visit("bills-none", "/console/bills");
        eye.visit("problem", "/console/nothing");
        eye.visit("forbidden", "/console/staff");
        page.press("#log-out");
        eye.look("logged-out");
        page.write("[name=login]", "it");
        page.write("[name=password]", "it-evertill");
        page.press("#log-in");
        assert!(wait_until(Duration::from_secs(5), || page.address() == "/console/orders"));
        eye.visit("terminals", "/console/terminals");
        page.write("[name=name]", "Till 4, garden");
        page.press("#make-code");
        eye.look("terminals-code");
        eye.visit("terminal-active", "/console/terminals/T0001");
        eye.visit("terminal-blocked", "/console/terminals/T0002");
        eye.visit("terminal-pending", "/console/terminals/T0003");
        eye.visit("receipt", "/console/receipt");
        eye.visit("staff", "/console/staff");
        eye.visit("audit", "/console/audit");
        page.press("#log-out");
    }
}
