//! `evertill-till` itself, in its own window: on a display with two monitors and the window manager of a kiosk. It has to be
//! the page that the same till draws into memory, pixel for pixel, where the settings want it.

use super::desk::{Desk, GOODS, seconds};
use evertill_shared::journal::Body;
use evertill_tests::process::wait_until;
use evertill_tests::rig::display::{Area, Display, Window};
use evertill_tests::shown_till::{Page, ShownTill};
use std::fs;

const TILL: Area = Area { x: 0, y: 0, width: 1024, height: 768 };
const CUSTOMER: Area = Area { x: 1024, y: 0, width: 1024, height: 600 };

/// Its settings with these lines before the tables, and the customer's window.
fn with_settings(desk: &mut Desk, lines: &str) {
    desk.till.power_cut();
    let path = desk.till.dir().join("till.toml");
    let settings = fs::read_to_string(&path).unwrap();
    let screen = "\n[customer_screen]\nposition = [1024, 0]\nsize = [1024, 600]\n";
    fs::write(&path, format!("{lines}\n{settings}{screen}")).unwrap();
    desk.till.power_on().unwrap();
    desk.sees("Online", 30);
    desk.sees("矿泉水", 15);
}

struct Shown {
    // The till ends before its display.
    till: ShownTill,
    display: Display,
}

impl Shown {
    fn on(display: Display, desk: &Desk) -> Self {
        let till =
            ShownTill::start(desk.till.dir(), &display, &desk.rig.dir().join("logs/shown.log")).unwrap();
        Self { till, display }
    }

    /// The till's window and the customer's, once both are where they belong.
    fn windows(&self) -> [Window; 2] {
        let mut found = Vec::new();
        let both = wait_until(seconds(20), || {
            found = self.display.screen().windows_of(self.till.id()).unwrap_or_default();
            let at = |area| found.iter().any(|window| window.area == area);
            at(TILL) && at(CUSTOMER)
        });
        assert!(both, "{found:?}");
        found.sort_by_key(|window| window.area.x);
        found.try_into().unwrap()
    }

    fn sees(&self, page: &Page, at: Area) {
        page.is_seen(self.display.screen(), at).unwrap();
    }

    fn click(&self, page: &Page, label: &str) {
        page.says(label, self.display.screen(), TILL).unwrap();
        page.click(label, self.display.screen(), TILL).unwrap();
    }
}

fn cash_taken(desk: &Desk) -> usize {
    desk.entries().iter().filter(|entry| matches!(entry.body, Body::CashTaken { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn kiosk_the_real_window_covers_its_monitor_sells_stays_and_comes_back_with_its_cart() {
    let mut desk = Desk::open().await;
    with_settings(&mut desk, "kiosk = true");
    // A sale, drawn into memory: what each page looks like, and where a finger goes.
    let empty = Page::of(&mut desk.till).unwrap();
    let welcome = Page::of_customer(&mut desk.till).unwrap();
    desk.till.scan(GOODS[0]).unwrap();
    desk.till.wait("1 item").unwrap();
    let one = Page::of(&mut desk.till).unwrap();
    let seen_by_customer = Page::of_customer(&mut desk.till).unwrap();
    desk.tap("Cash");
    desk.till.wait("Confirm cash").unwrap();
    let cash = Page::of(&mut desk.till).unwrap();
    let exact = desk.exact_amount().unwrap();
    desk.tap(&exact);
    let given = Page::once_enabled(&mut desk.till, "Confirm cash").unwrap();
    desk.tap("Confirm cash");
    let paid = Page::once_enabled(&mut desk.till, "Next sale").unwrap();
    desk.next_sale();
    assert_eq!(cash_taken(&desk), 1);
    desk.till.power_cut();

    let mut shown = Shown::on(Display::start(&[(1024, 768), (1024, 768)]).unwrap(), &desk);
    let [till, customer] = shown.windows();
    assert!(till.fullscreen && !customer.fullscreen, "{till:?} {customer:?}");
    assert_eq!(till.title, "Evertill");
    shown.sees(&empty, TILL);
    shown.sees(&welcome, CUSTOMER);
    desk.till.scan(GOODS[0]).unwrap();
    one.says("1 item", shown.display.screen(), TILL).unwrap();
    shown.sees(&seen_by_customer, CUSTOMER);

    // Whatever asks it to close.
    for window in [&till, &customer, &till] {
        shown.display.screen().ask_to_close(window.id).unwrap();
    }
    let log = desk.rig.dir().join("logs/shown.log");
    let heard =
        || fs::read_to_string(&log).is_ok_and(|log| log.matches("asked the window to close").count() == 2);
    assert!(wait_until(seconds(10), heard), "the requests did not reach the window");
    assert!(shown.till.is_running());
    assert_eq!(shown.windows().map(|window| window.id), [till.id, customer.id]);
    one.says("1 item", shown.display.screen(), TILL).unwrap();

    // Kill -9 in mid-cart.
    shown.till.power_cut();
    let mut shown = Shown::on(shown.display, &desk);
    shown.windows();
    one.says("1 item", shown.display.screen(), TILL).unwrap();
    shown.sees(&seen_by_customer, CUSTOMER);
    shown.click(&one, "Cash");
    shown.click(&cash, &exact);
    shown.click(&given, "Confirm cash");
    paid.says("Next sale", shown.display.screen(), TILL).unwrap();
    assert_eq!(cash_taken(&desk), 2);
    assert!(shown.till.is_running());
    shown.till.power_cut();
    desk.till.power_on().unwrap();
    let journal = desk.books_agree().await;
    assert_eq!(journal.len(), 2, "{journal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kiosk_the_real_window_ends_with_the_program_and_the_customers_does_not_hold_it() {
    let mut desk = Desk::open().await;
    with_settings(&mut desk, "fullscreen = true");
    let empty = Page::of(&mut desk.till).unwrap();
    desk.till.power_cut();
    let mut shown = Shown::on(Display::start(&[(1024, 768), (1024, 768)]).unwrap(), &desk);
    let [till, customer] = shown.windows();
    shown.sees(&empty, TILL);
    shown.display.screen().ask_to_close(customer.id).unwrap();
    shown.display.screen().ask_to_close(till.id).unwrap();
    assert!(wait_until(seconds(20), || shown.till.exit_code() == Some(0)), "the program does not end");
    let left = || shown.display.screen().windows_of(shown.till.id()).is_ok_and(|left| left.is_empty());
    assert!(wait_until(seconds(5), left));
}
