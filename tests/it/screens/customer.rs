//! The customer's window: every state of it drawn, at the sizes of common second monitors, in both languages.

use super::{Bench, LANGUAGES, codes_in, complaints, pictures, samples};
use evertill_terminal::config::Place;
use evertill_terminal::ui::CustomerWindow;
use evertill_terminal::view::{
    CartLine, CustomerScreen, Language, Notice, Page, Quantity, SalePage, Screen, UserAction, Wallet,
};
use evertill_tests::headless::{Element, Picture, Surface, elements};

const SIZES: [(u32, u32); 3] = [(800, 480), (1024, 600), (1920, 1080)];

/// The till's window and the customer's.
pub struct Both {
    /// The till's.
    pub bench: Bench,
    customer: CustomerWindow,
    surface: Surface,
}

impl Both {
    /// Both, at their usual sizes.
    pub fn new() -> Self {
        let bench = Bench::new();
        let place = Place { x: 1024, y: 0, width: 1024, height: 600 };
        let customer = CustomerWindow::open(&bench.till, place).unwrap();
        let surface = bench.surface.customer().unwrap().clone();
        Self { bench, customer, surface }
    }

    /// Puts these on the till one after the other, and gives what the customer sees in the end.
    fn show(&self, screens: &[Screen]) -> Picture {
        let mut seen = CustomerScreen::default();
        for screen in screens {
            self.bench.till.show_now(screen);
            seen = seen.after(screen);
            self.customer.show_now(&seen);
            (0..3).for_each(|_| self.surface.tick());
        }
        self.surface.picture()
    }

    /// The customer's window in one of its states.
    pub fn show_state(&self, state: &str, language: Language) -> Picture {
        let (_, screens) = states().into_iter().find(|(name, _)| *name == state).unwrap();
        let spoken = |screen| Screen { language, ..screen };
        self.show(&screens.into_iter().map(spoken).collect::<Vec<_>>())
    }

    fn elements(&self) -> Vec<Element> {
        elements(self.customer.component())
    }

    pub fn labels(&self) -> Vec<String> {
        self.elements().into_iter().map(|e| e.label).collect()
    }
}

fn sample(name: &str) -> Screen {
    samples::all().into_iter().find(|sample| sample.name == name).unwrap().screen
}

/// More goods than fit.
fn long_sale() -> Screen {
    let mut page = samples::sale();
    let more = (6..30).map(|line| CartLine {
        line,
        name: format!("Paper tissues {line}"),
        quantity: Quantity::Pieces(1),
        unit_price_minor: 890,
        total_minor: 890,
        was_minor: None,
        discount: None,
        note: String::new(),
        serial: None,
    });
    page.lines.extend(more);
    samples::screen(Page::Sale(page))
}

/// Each state, with the screens of the till that lead to it.
fn states() -> Vec<(&'static str, Vec<Screen>)> {
    let after_sale = |name| vec![sample("sale"), sample(name)];
    let other_wallet = {
        let mut showing = sample("payment_showing_code");
        if let Page::Payment(page) = &mut showing.page {
            page.wallet = Some(Wallet::Alipay);
        }
        showing
    };
    vec![
        ("closed", vec![sample("fault_blocked")]),
        ("welcome", vec![sample("sale_empty")]),
        ("sale", vec![sample("sale")]),
        ("sale_long", vec![sample("sale"), long_sale()]),
        ("sale_discounts", vec![sample("sale_discounts")]),
        ("present_code", after_sale("await_code")),
        ("cash", after_sale("cash")),
        ("wait", after_sale("payment_sending")),
        ("confirm_on_phone", after_sale("payment_confirming")),
        ("scan_this", after_sale("payment_showing_code")),
        ("scan_this_alipay", vec![sample("sale"), other_wallet]),
        ("unknown", after_sale("payment_unknown")),
        ("not_charged", after_sale("payment_declined")),
        ("training", vec![sample("training_sale")]),
        ("training_paid", vec![sample("training_sale"), sample("training_done")]),
        ("paid", after_sale("done_no_paper")),
        ("paid_cash", after_sale("done_cash")),
        // After a restart the goods are not known.
        ("unknown_alone", vec![sample("payment_unknown")]),
    ]
}

#[test]
fn the_customer_sees_every_state_whole_and_as_it_was_last_seen() {
    let both = Both::new();
    let mut wrong = Vec::new();
    for (width, height) in SIZES {
        both.surface.resize(width, height);
        for (language, code) in LANGUAGES {
            for (state, _) in states() {
                let name = format!("customer_{state}_{code}_{width}");
                let picture = both.show_state(state, language);
                // Goods that have scrolled away are above and below the list, which cuts them off.
                let all = both.elements();
                let list = all.iter().find(|e| e.role == "list").map(|e| (e.y, e.y + e.height));
                let whole: Vec<Element> = all
                    .into_iter()
                    .filter(|e| list.is_none_or(|(top, bottom)| e.y >= top || e.y + e.height <= bottom))
                    .filter(|e| !(state == "sale_long" && e.label.starts_with("Paper tissues") || e.y < 0.0))
                    .collect();
                let found = complaints(&whole, &[], width as f32, height as f32);
                wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
                wrong.extend(pictures::compare(&name, &picture).err());
            }
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_code_to_scan_is_as_large_as_the_window_and_is_gone_when_it_is_closed() {
    let both = Both::new();
    for (width, height) in SIZES {
        both.surface.resize(width, height);
        let shown = both.show(&[sample("sale"), sample("payment_showing_code")]);
        assert_eq!(codes_in(&shown), [samples::CODE_TO_PAY], "{width}");
        let code = both.elements().into_iter().find(|e| e.role == "image").unwrap();
        assert!(code.height > 0.85 * height as f32, "{} of {height}", code.height);
        let closing = both.show(&[sample("sale"), sample("payment_closing_code")]);
        assert_eq!(codes_in(&closing), Vec::<String>::new(), "{width}");
    }
}

#[test]
fn the_newest_goods_are_always_in_view() {
    let both = Both::new();
    both.surface.resize(1024, 600);
    both.show(&[sample("sale"), long_sale()]);
    let in_view = |label: &str| {
        let all = both.elements();
        let list = all.iter().find(|e| e.role == "list").unwrap();
        let (top, bottom) = (list.y, list.y + list.height);
        all.iter().any(|e| e.label == label && e.y >= top && e.y + e.height <= bottom)
    };
    assert!(in_view("Paper tissues 29"));
    assert!(!in_view("农夫山泉 550ml"), "scrolled away");
    let mut more = long_sale();
    if let Page::Sale(SalePage { lines, .. }) = &mut more.page {
        lines[0].quantity = Quantity::Pieces(3);
    }
    both.show(&[sample("sale"), long_sale(), more]);
    assert!(in_view("农夫山泉 550ml"), "it changed, so it is the one to look at");
}

#[test]
fn what_a_payment_has_come_to_is_never_said_too_well() {
    let both = Both::new();
    let says = |part: &str| both.labels().iter().any(|label| label.contains(part));
    for name in [
        "payment_sending",
        "payment_confirming",
        "payment_unknown",
        "payment_closing_code",
        "payment_declined",
    ] {
        both.show(&[sample("sale"), sample(name)]);
        assert!(!says("have paid") && !says("Thank you"), "{name}");
    }
    both.show(&[sample("sale"), sample("payment_unknown")]);
    assert!(says("do not pay again"));
    both.show(&[sample("sale"), sample("payment_declined")]);
    assert!(says("You have not been charged."));
    assert!(!says("money"), "why is between the customer and the wallet");
    both.show(&[sample("sale"), sample("done_cash")]);
    assert!(says("You have paid") && says("Thank you") && says("Change ¥90.98"));
}

#[test]
fn notices_questions_and_the_cashiers_name_stay_on_the_cashiers_side() {
    let both = Both::new();
    for name in ["sale_unknown_barcode", "sale_void", "sale_on_duty", "await_code_shops", "cash_confirm"] {
        both.show(&[sample("sale"), sample(name)]);
        for label in both.labels() {
            for hidden in ["6901234567892", "Void", "Wang", "shop's code", "Is the amount", "Till 03"] {
                assert!(!label.contains(hidden), "{name}: {label}");
            }
        }
    }
    let secret = Screen {
        notice: Some(Notice::UnknownBarcode { code: "134567890123456789".into() }),
        ..samples::screen(Page::Sale(samples::sale()))
    };
    both.show(&[secret]);
    assert!(both.labels().iter().all(|label| !label.contains("134567890123456789")));
}

#[test]
fn nothing_happens_when_the_customer_touches_the_screen() {
    let both = Both::new();
    for name in ["sale", "await_code", "payment_showing_code", "done_cash"] {
        both.show(&[sample("sale"), sample(name)]);
        assert!(both.elements().iter().all(|e| !e.is_touchable()), "{name}");
        for (x, y) in [(200.0, 200.0), (512.0, 300.0), (900.0, 500.0)] {
            both.surface.press(x, y);
            both.surface.release(x, y);
        }
    }
    assert_eq!(both.bench.heard(), Vec::<UserAction>::new());
}

#[test]
fn both_windows_have_their_own_size_and_the_same_language() {
    let both = Both::new();
    both.bench.surface.resize(1024, 768);
    both.surface.resize(1920, 1080);
    let chinese = Screen { language: Language::Chinese, ..sample("done_cash") };
    both.show(&[chinese]);
    assert!(both.labels().iter().any(|label| label == "谢谢惠顾！"));
    let till = both.bench.elements();
    assert!(
        till.iter().all(|e| e.x + e.width <= 1024.5 && e.y + e.height <= 768.5),
        "the till's own is as it was"
    );
    both.show(&[sample("done_no_paper")]);
    assert!(both.labels().iter().any(|label| label == "Thank you!"));
}
