//! Every page of the till, drawn for real: nothing cut off, every target large enough for a finger, in both languages
//! and at both sizes; and looking as it did when somebody last looked at it.
//!
//! The pictures are written to `target/screens`. After a change that is meant, look at them, then run with
//! `EVERTILL_ACCEPT_PICTURES=1` to make them the new reference.
#![allow(
    clippy::float_arithmetic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

#[path = "screens/customer.rs"]
mod customer;
#[path = "screens/gallery.rs"]
mod gallery;
#[path = "screens/keyboard.rs"]
mod keyboard;
#[path = "screens/languages.rs"]
mod languages;
#[path = "screens/looks.rs"]
mod looks;
#[path = "screens/pictures.rs"]
mod pictures;
#[path = "screens/samples.rs"]
mod samples;
#[path = "screens/sizes.rs"]
mod sizes;
#[path = "screens/words.rs"]
mod words;

use evertill_shared::clock::{Clock as _, SystemClock};
use evertill_shared::journal::{CashReason, DrawerReason};
use evertill_shared::money::Currency;
use evertill_shared::order::discount::{Reason, ReasonKind};
use evertill_shared::rights::Right;
use evertill_shared::secret::SecretText;
use evertill_terminal::ui::TillWindow;
use evertill_terminal::view::{
    AmountPurpose, Good, Language, LockState, Notice, Page, ReceiptState, SalePage, Screen, TypedOff,
    UserAction, Wallet,
};
use evertill_tests::headless::{Element, Picture, Surface, elements, install_still, scrolled};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const SIZES: [(u32, u32); 2] = [(1024, 768), (1920, 1080)];
const LANGUAGES: [(Language, &str); 2] = [(Language::English, "en"), (Language::Chinese, "zh")];
const FINGER: f32 = 48.0;

struct Bench {
    surface: Surface,
    till: TillWindow,
    actions: Rc<RefCell<Vec<UserAction>>>,
}

impl Bench {
    fn new() -> Self {
        let surface = install_still(1024, 768).unwrap();
        let actions = Rc::new(RefCell::new(Vec::new()));
        let heard = actions.clone();
        let till = TillWindow::new(move |action| heard.borrow_mut().push(action)).unwrap();
        till.pictures_come_from(samples::picture);
        till.show().unwrap();
        surface.resize(1024, 768);
        surface.activate();
        Self { surface, till, actions }
    }

    fn show(&self, screen: &Screen) -> Picture {
        self.till.show_now(&samples::spoken(screen));
        // The first frame makes the page; what it changes in itself is in the next.
        for _ in 0..3 {
            self.surface.tick();
        }
        if matches!(screen.page, Page::Done(_)) {
            self.wait_until_it_can_be_left(usize::MAX);
        }
        if screen.confirm.is_some() {
            self.wait_until_it_can_be_left(2);
        }
        self.surface.picture()
    }

    /// The page of a sale that is paid cannot be left for its first moment, nor a question answered, by its buttons, which
    /// are the last.
    fn wait_until_it_can_be_left(&self, last: usize) {
        let buttons = |all: Vec<Element>| all.into_iter().filter(|e| e.role == "button");
        let is_held = || buttons(self.elements()).rev().take(last).any(|e| !e.enabled);
        let began = SystemClock.monotonic();
        while is_held() && SystemClock.monotonic().saturating_sub(began) < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
            self.surface.tick();
        }
        assert!(!is_held(), "the page holds the cashier back for good");
        // What the button looks like then is in the next frame.
        self.surface.tick();
    }

    /// The sale while someone searches with the keys on screen.
    fn show_search(&self, language: Language) -> Picture {
        let found = SalePage { search: "茶".into(), matches: samples::matches(), ..samples::sale() };
        let sale = |page| Screen { language, ..samples::screen(Page::Sale(page)) };
        // Another page in between: the keys are hidden when the sale is shown anew.
        self.show(&Screen { language, ..samples::screen(Page::Starting) });
        self.show(&sale(samples::sale()));
        self.tap(if language == Language::Chinese { "显示键盘" } else { "Show the keys" });
        self.surface.type_text("茶");
        self.show(&sale(found))
    }

    /// A line whose price is changed for a reason in somebody's own words, with the keys on screen.
    fn show_adjust_keys(&self, language: Language) -> Picture {
        let adjust = Screen { language, ..samples::screen(Page::Adjust(samples::adjust_line())) };
        self.show(&Screen { language, ..samples::screen(Page::Starting) });
        self.show(&adjust);
        let labels = match language {
            Language::Chinese => ["单价", "1", "其他原因", "显示键盘"],
            _ => ["Price", "1", "Another reason", "Show the keys"],
        };
        labels.iter().for_each(|label| self.tap(label));
        self.show(&adjust)
    }

    fn elements(&self) -> Vec<Element> {
        elements(self.till.component())
    }

    /// What is wrong with what is on screen, in words.
    fn complaints(&self, width: u32, height: u32) -> Vec<String> {
        complaints(&self.elements(), &scrolled(self.till.component()), width as f32, height as f32)
    }

    fn tap(&self, label: &str) {
        let all = self.elements();
        let found = all.iter().find(|e| e.label == label && e.is_touchable());
        let (x, y) = found.unwrap_or_else(|| panic!("no button “{label}”")).centre();
        self.surface.press(x, y);
        self.surface.release(x, y);
        self.surface.tick();
    }

    /// No scanner types as slowly.
    fn by_fingers(&self, text: &str) {
        for key in text.chars() {
            std::thread::sleep(Duration::from_millis(60));
            self.surface.type_text(&key.to_string());
        }
    }

    fn heard(&self) -> Vec<UserAction> {
        self.actions.take()
    }
}

/// What is wrong with the elements on screen, in words. Those that move under a finger may be out of sight.
fn complaints(elements: &[Element], moving: &[Element], width: f32, height: f32) -> Vec<String> {
    let mut wrong = Vec::new();
    for e in elements {
        let place =
            format!("“{}” ({}) at {:.0},{:.0} {:.0}x{:.0}", e.label, e.role, e.x, e.y, e.width, e.height);
        if e.is_touchable() && (e.width < FINGER || e.height < FINGER) {
            wrong.push(format!("too small for a finger: {place}"));
        }
        let inside =
            e.x >= -0.5 && e.y >= -0.5 && e.x + e.width <= width + 0.5 && e.y + e.height <= height + 0.5;
        let beside = e.x < -0.5 || e.x + e.width > width + 0.5;
        if !inside && (beside || !moving.contains(e)) {
            wrong.push(format!("outside the window: {place}"));
        }
    }
    wrong
}

#[test]
fn every_page_fits_and_looks_as_it_was_last_seen() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for (width, height) in SIZES {
        bench.surface.resize(width, height);
        for (language, code) in LANGUAGES {
            for sample in samples::all() {
                let name = format!("{}_{code}_{width}", sample.name);
                let picture = bench.show(&Screen { language, ..sample.screen });
                let found = bench.complaints(width, height);
                wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
                wrong.extend(pictures::compare(&name, &picture).err());
            }
            type Drawn = fn(&Bench, Language) -> Picture;
            let with_keys: [(&str, Drawn); 2] =
                [("sale_keys", Bench::show_search), ("adjust_keys", Bench::show_adjust_keys)];
            for (name, show) in with_keys {
                let name = format!("{name}_{code}_{width}");
                let picture = show(&bench, language);
                let found = bench.complaints(width, height);
                wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
                wrong.extend(pictures::compare(&name, &picture).err());
            }
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn goods_show_their_picture_or_their_letter_and_both_can_be_tapped() {
    let bench = Bench::new();
    let pictured = samples::all().into_iter().find(|s| s.name == "sale_pictures").unwrap().screen;
    let Page::Sale(page) = &pictured.page else { panic!() };
    let (apple, letter, broken) = (&page.favourites[0], &page.favourites[1], &page.favourites[3]);
    let red = |picture: &Picture, good: &Good| {
        let found = bench.elements();
        let tile = found.iter().find(|e| e.label == good.name && e.is_touchable()).unwrap();
        let (left, top) = (tile.x as u32, tile.y as u32);
        let inside = (top..top + tile.height as u32).flat_map(|y| (left..left + 80).map(move |x| (x, y)));
        let at = |(x, y): (u32, u32)| ((y * picture.width + x) * 3) as usize;
        inside.map(at).filter(|at| picture.rgb[*at..*at + 3] == [196, 40, 44]).count()
    };
    let plain = page.favourites.iter().map(|good| Good { picture: None, ..good.clone() }).collect();
    let plain = Page::Sale(SalePage { favourites: plain, ..page.clone() });
    let plain = Screen { page: plain, ..pictured.clone() };
    // One that comes meanwhile, one that goes, and again.
    for _ in 0..2 {
        let drawn = bench.show(&pictured);
        assert!(red(&drawn, apple) > 500, "the picture is drawn: {}", red(&drawn, apple));
        assert_eq!((red(&drawn, letter), red(&drawn, broken)), (0, 0), "nobody else's picture");
        let drawn = bench.show(&plain);
        assert_eq!(red(&drawn, apple), 0);
    }
    bench.show(&pictured);
    for good in [apple, letter, broken] {
        bench.tap(&good.name);
        assert_eq!(bench.heard(), [UserAction::AddProduct { id: good.id.clone() }]);
    }
}

/// Memory of this process in no file, in KB.
fn private_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[ignore = "measures the whole process: run it alone, with --nocapture"]
fn pictures_of_all_tiles_take_seven_megabytes_and_those_that_go_give_theirs_back() {
    let bench = Bench::new();
    let good = samples::goods_named("00001", "Apples");
    let many = |round: u32| {
        let tile = |index: u32| Good {
            id: index.to_string(),
            picture: Some(format!("apple{round}-{index}")),
            ..good.clone()
        };
        let favourites = (0..120).map(tile).collect();
        samples::screen(Page::Sale(SalePage { favourites, ..SalePage::default() }))
    };
    bench
        .till
        .pictures_come_from(|name| samples::picture(if name.starts_with("apple") { "apple" } else { "" }));
    let plain =
        samples::screen(Page::Sale(SalePage { favourites: vec![good.clone(); 120], ..SalePage::default() }));
    bench.show(&plain);
    let before = private_memory();
    bench.show(&many(0));
    let with_pictures = private_memory().saturating_sub(before);
    for round in 1..6 {
        bench.show(&many(round));
    }
    let after = private_memory().saturating_sub(before);
    println!("120 pictures: {with_pictures} KB; after 600 others had hung there: {after} KB");
    assert!(with_pictures < 8_000, "{with_pictures} KB");
    assert!(after < 12_000, "{after} KB: those that are not shown any more are still held");
}

#[test]
fn chinese_is_drawn_and_not_left_blank() {
    let bench = Bench::new();
    let english = bench.show(&samples::screen(Page::Starting));
    let chinese = bench.show(&Screen { language: Language::Chinese, ..samples::screen(Page::Starting) });
    let dark = |p: &Picture| p.rgb.chunks(3).skip(100 * 1024).take(560 * 1024).filter(|c| c[0] < 90).count();
    // A missing glyph is drawn as nothing at all, so count ink in the middle of the page.
    assert!(dark(&english) > 1_000, "English text draws ink: {}", dark(&english));
    assert!(dark(&chinese) > 1_000, "Chinese text draws ink: {}", dark(&chinese));
    let labels: Vec<String> = bench.elements().into_iter().map(|e| e.label).collect();
    assert!(labels.iter().any(|l| l.contains("正在启动")), "translated: {labels:?}");
}

#[test]
fn the_enrolment_picture_can_be_scanned_from_the_screen() {
    let bench = Bench::new();
    let waiting = samples::all().into_iter().find(|s| s.name == "enrol_waiting").unwrap();
    let texts = codes_in(&bench.show(&waiting.screen));
    assert_eq!(texts.len(), 1);
    assert!(texts[0].starts_with("evertill:R7K4-92QX:4f1c90aa"), "{texts:?}");
}

/// What a camera reads from the screen.
fn codes_in(picture: &Picture) -> Vec<String> {
    let grey: Vec<u8> = picture.rgb.chunks(3).map(|c| c[1]).collect();
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| grey[y * width + x]);
    image.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

#[test]
fn the_code_to_pay_can_be_asked_for_scanned_from_the_screen_and_cancelled() {
    let bench = Bench::new();
    let sample = |name| samples::all().into_iter().find(|s| s.name == name).unwrap().screen;
    bench.show(&sample("await_code"));
    bench.tap("Show Alipay code");
    bench.tap("Show WeChat code");
    let asked = [Wallet::Alipay, Wallet::WeChatPay].map(|wallet| UserAction::ShowCode { wallet });
    assert_eq!(bench.heard(), asked);
    for (width, height) in SIZES {
        bench.surface.resize(width, height);
        for name in ["payment_showing_code", "payment_showing_code_offline"] {
            assert_eq!(codes_in(&bench.show(&sample(name))), [samples::CODE_TO_PAY], "{name} at {width}");
        }
    }
    bench.tap("Cancel the code");
    assert_eq!(bench.heard(), [UserAction::TakeBack]);
    // What is being closed is on no screen any more.
    assert_eq!(codes_in(&bench.show(&sample("payment_closing_code"))), Vec::<String>::new());
}

#[test]
fn touches_and_keys_become_actions() {
    let bench = Bench::new();
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.tap("Payment code");
    bench.tap("One more: 茶叶蛋");
    bench.tap("Umbrella");
    bench.tap("中文");
    let expected = [
        UserAction::TenderCode,
        UserAction::ChangeQuantity { line: 4, delta: 1 },
        UserAction::AddProduct { id: "00084".into() },
        UserAction::Language { code: "zh".into() },
    ];
    assert_eq!(bench.heard(), expected);
    // The desk's keyboard goes to the search without a touch before.
    bench.surface.type_text("69\n");
    let expected = [
        UserAction::SetSearch("6".into()),
        UserAction::SetSearch("69".into()),
        UserAction::SubmitSearch("69".into()),
    ];
    assert_eq!(bench.heard(), expected);
    bench.tap("Show the keys");
    bench.surface.tick();
    bench.tap("0");
    bench.tap("Rub out");
    assert_eq!(bench.heard(), [UserAction::SetSearch("690".into()), UserAction::SetSearch("69".into())]);
}

#[test]
fn a_button_keeps_its_press_while_the_screen_is_shown_again() {
    let bench = Bench::new();
    let mut screen = samples::screen(Page::Sale(samples::sale()));
    bench.show(&screen);
    let (x, y) = bench.elements().iter().find(|e| e.label == "Umbrella").unwrap().centre();
    bench.surface.press(x, y);
    screen.status.clock = "14:06".into();
    bench.show(&screen);
    bench.surface.release(x, y);
    assert_eq!(bench.heard(), [UserAction::AddProduct { id: "00084".into() }]);
}

#[test]
fn the_search_is_emptied_when_the_controller_ends_it_and_not_by_an_echo() {
    let bench = Bench::new();
    let show = |search: &str| {
        bench.show(&samples::screen(Page::Sale(SalePage { search: search.into(), ..samples::sale() })));
        let all = bench.elements();
        all.into_iter().find(|e| e.role == "text-input").and_then(|e| e.value).unwrap()
    };
    show("");
    bench.surface.type_text("ab");
    assert_eq!(show("a"), "ab", "an echo of an earlier letter changes nothing");
    assert_eq!(show("ab"), "ab");
    assert_eq!(show(""), "", "the search is over");
}

#[test]
fn cash_keys_send_amounts_and_a_notice_can_be_dismissed() {
    let bench = Bench::new();
    let cash = samples::all().into_iter().find(|s| s.name == "cash").unwrap();
    bench.show(&cash.screen);
    for key in ["5", "0", ".", "5", "Rub out"] {
        bench.tap(key);
    }
    bench.tap("Given ¥210.00");
    let amounts = [500, 5_000, 5_000, 5_050, 5_000, 21_000];
    let expected: Vec<UserAction> =
        amounts.iter().map(|minor| UserAction::CashGiven { minor: *minor }).collect();
    assert_eq!(bench.heard(), expected);
    bench.show(&Screen { notice: Some(Notice::NotEnoughCash), ..cash.screen });
    bench.tap("OK");
    assert_eq!(bench.heard(), [UserAction::DismissNotice]);
}

#[test]
fn the_keys_on_screen_type_into_the_box_that_was_touched_last() {
    let bench = Bench::new();
    let form = samples::all().into_iter().find(|s| s.name == "enrol").unwrap();
    bench.show(&form.screen);
    bench.tap("Q");
    bench.tap("Server address");
    bench.tap("q");
    bench.tap("Next");
    bench.tap("7");
    bench.tap("Register");
    let server = "till.example.com:8443q".to_owned();
    assert_eq!(bench.heard(), [UserAction::EnrolSubmit { server, code: "Q7".into() }]);
}

#[test]
fn a_pin_is_typed_by_touch_or_by_keys_and_the_screen_never_holds_it() {
    let bench = Bench::new();
    bench.show(&samples::lock(LockState::ChoosePerson, None));
    bench.tap("王丽 Wang Li");
    assert_eq!(bench.heard(), [UserAction::ChoosePerson { login: "wang".into() }]);
    bench.show(&samples::lock(LockState::EnterPin, None));
    let unlock = |pin: &str| UserAction::Unlock { pin: SecretText::new(pin.into()) };
    ["4", "7", "1", "9", "Rub out", "1"].iter().for_each(|key| bench.tap(key));
    bench.tap("Log in");
    assert_eq!(bench.heard(), [unlock("4711")]);
    // The desk's keyboard needs no touch before; what is no digit is no digit.
    bench.by_fingers("08x15\n");
    assert_eq!(bench.heard(), [unlock("0815")]);
    // What a scanner types is no PIN of anybody.
    bench.surface.type_text("6901234567892\n");
    assert_eq!(bench.heard(), []);
    bench.by_fingers("47");
    bench.tap("Log in");
    assert_eq!(bench.heard(), [], "two digits are not enough for the button");
    // Somebody else unlocked meanwhile: what was typed is gone when the till is locked again.
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.show(&samples::lock(LockState::EnterPin, None));
    bench.by_fingers("11\n");
    assert_eq!(bench.heard(), [unlock("11")]);
    let all = bench.elements();
    assert!(all.iter().all(|e| !e.label.contains("4711") && e.value.as_deref() != Some("4711")));
}

#[test]
fn the_lock_button_is_there_for_who_has_logged_in() {
    let bench = Bench::new();
    let on_duty = samples::all().into_iter().find(|s| s.name == "sale_on_duty").unwrap();
    bench.show(&on_duty.screen);
    bench.tap("Lock");
    assert_eq!(bench.heard(), [UserAction::Lock]);
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    assert!(bench.elements().iter().all(|e| e.label != "Lock"), "a store without PINs has no lock");
}

#[test]
fn an_approval_takes_the_pin_of_who_is_chosen_and_can_be_left() {
    let bench = Bench::new();
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.tap("Drawer");
    bench.show(&samples::drawer(true, false));
    bench.tap("Open without a sale");
    bench.show(&samples::screen(Page::Drawer));
    bench.tap("Change money for a customer");
    let reason = DrawerReason::ChangeMoney;
    let expected = [UserAction::OpenDrawerPage, UserAction::ChooseNoSale, UserAction::NoSale { reason }];
    assert_eq!(bench.heard(), expected);
    bench.show(&samples::approval(Right::NoSale, None, LockState::ChoosePerson));
    bench.tap("王丽 Wang Li");
    assert_eq!(bench.heard(), [UserAction::ChoosePerson { login: "wang".into() }]);
    bench.show(&samples::approval(Right::NoSale, None, LockState::EnterPin));
    ["4", "7", "1"].iter().for_each(|key| bench.tap(key));
    bench.surface.type_text("1");
    bench.tap("Approve");
    bench.tap("No, go back");
    let pin = SecretText::new("4711".into());
    assert_eq!(bench.heard(), [UserAction::Unlock { pin }, UserAction::Back]);
    // What was typed for an approval is nobody's PIN at the lock.
    bench.surface.type_text("47");
    bench.show(&samples::lock(LockState::EnterPin, None));
    bench.surface.type_text("11\n");
    assert_eq!(bench.heard(), [UserAction::Unlock { pin: SecretText::new("11".into()) }]);
}

#[test]
fn a_shift_is_opened_paid_into_counted_and_read_by_touch() {
    let bench = Bench::new();
    bench.show(&samples::drawer(false, false));
    bench.tap("Begin a shift");
    bench.tap("Z report of the last shift");
    let float = AmountPurpose::Float;
    assert_eq!(bench.heard(), [UserAction::DrawerAmount(float), UserAction::LastShift]);
    bench.show(&samples::drawer(true, false));
    ["Pay in", "Pay out", "X report: so far", "Count the drawer and end the shift"]
        .iter()
        .for_each(|button| bench.tap(button));
    let expected = [
        UserAction::DrawerAmount(AmountPurpose::PayIn),
        UserAction::DrawerAmount(AmountPurpose::PayOut),
        UserAction::ReadShift,
        UserAction::EndShift,
    ];
    assert_eq!(bench.heard(), expected);
    bench.show(&samples::amount(AmountPurpose::PayOut, 0, None));
    ["5", "0", ".", "5", "Supplier", "Confirm the amount"].iter().for_each(|key| bench.tap(key));
    let typed = [500, 5_000, 5_000, 5_050].map(|minor| UserAction::AmountTyped { minor });
    let chosen = [UserAction::ChooseCashReason(CashReason::Supplier)];
    assert_eq!(bench.heard(), [&typed[..], &chosen[..]].concat(), "without a reason nothing is confirmed");
    bench.show(&samples::amount(AmountPurpose::PayOut, 5_050, Some(CashReason::Supplier)));
    bench.tap("Confirm the amount");
    bench.show(&samples::count(Currency::CNY));
    ["¥50.00", "7", "Next value", "Rub out", "Confirm the count"].iter().for_each(|key| bench.tap(key));
    let expected = [
        UserAction::AmountConfirm,
        UserAction::CountChoose { value_minor: 5_000 },
        UserAction::CountKey("7".into()),
        UserAction::CountKey("next".into()),
        UserAction::CountKey("back".into()),
        UserAction::CountConfirm,
    ];
    assert_eq!(bench.heard(), expected);
    bench.show(&samples::report(true, 0, ReceiptState::Printed));
    bench.tap("Print a copy of the report");
    assert_eq!(bench.heard(), [UserAction::PrintReport]);
}

#[test]
fn a_line_is_touched_and_a_discount_needs_an_amount_and_a_reason() {
    let bench = Bench::new();
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.tap("Change: 茶叶蛋");
    bench.tap("Discount or note for the whole sale");
    bench.tap("Hold this sale, or see those that are held");
    assert_eq!(
        bench.heard(),
        [UserAction::OpenLine { line: 4 }, UserAction::OpenWhole, UserAction::OpenHeld]
    );
    bench.show(&samples::screen(Page::Adjust(samples::adjust_line())));
    ["1", "2"].iter().for_each(|key| bench.tap(key));
    bench.tap("Set the quantity");
    assert_eq!(bench.heard(), [UserAction::SetQuantity { quantity: 12 }]);
    bench.tap("Off in %");
    ["1", "2", ".", "5"].iter().for_each(|key| bench.tap(key));
    bench.tap("Take it off");
    assert_eq!(bench.heard(), [], "not without a reason");
    bench.tap("Damaged");
    bench.tap("Take it off");
    let damaged = Reason::usual(ReasonKind::Damaged);
    let off = |off, reason: &Reason| UserAction::TakeOff { off, reason: reason.clone() };
    assert_eq!(bench.heard(), [off(TypedOff::Points(1_250), &damaged)]);
    bench.tap("Off in ¥");
    ["1", ".", "5"].iter().for_each(|key| bench.tap(key));
    bench.tap("Another reason");
    bench.tap("Take it off");
    assert_eq!(bench.heard(), [], "another reason says which");
    bench.tap("In your own words");
    bench.surface.type_text("opened");
    bench.tap("Take it off");
    let opened = Reason { kind: ReasonKind::Other, text: "opened".into() };
    assert_eq!(bench.heard(), [off(TypedOff::Minor(150), &opened)]);
    bench.tap("Price");
    ["9", "00"].iter().for_each(|key| bench.tap(key));
    bench.tap("Set the price");
    assert_eq!(bench.heard(), [UserAction::OverridePrice { minor: 90_000, reason: opened }]);
    bench.tap("Note");
    bench.tap("Show the keys");
    ["h", "i"].iter().for_each(|key| bench.tap(key));
    bench.tap("Keep the note");
    bench.tap("Hide the keys");
    bench.tap("No discount");
    bench.tap("Own price");
    bench.tap("Take this line out");
    let expected = [
        UserAction::WriteNote { text: "hi".into() },
        UserAction::TakeNothingOff,
        UserAction::RestorePrice,
        UserAction::RemoveLine { line: 3 },
    ];
    assert_eq!(bench.heard(), expected);
}

#[test]
fn a_sale_is_held_under_a_name_and_taken_in_hand_only_when_none_is() {
    let bench = Bench::new();
    let sample = |name| samples::all().into_iter().find(|s| s.name == name).unwrap().screen;
    bench.show(&sample("held"));
    bench.tap("Name of the held sale");
    bench.surface.type_text("red");
    bench.tap("Hold this sale");
    bench.tap("Take in hand: #12");
    assert_eq!(bench.heard(), [UserAction::Hold { name: "red".into() }]);
    bench.show(&sample("held_free"));
    bench.tap("Take in hand: #12");
    assert_eq!(bench.heard(), [UserAction::Recall { id: 2 }]);
}

#[test]
fn a_drawer_that_may_be_shut_is_opened_again_where_its_money_is_on_the_screen() {
    let bench = Bench::new();
    for name in ["cash_part_drawer_shut", "await_code_rest_drawer", "cash_part_hand_back_drawer"] {
        let sample = samples::all().into_iter().find(|sample| sample.name == name).unwrap();
        bench.show(&sample.screen);
        bench.tap("Open the drawer again");
        assert_eq!(bench.heard(), [UserAction::OpenDrawerAgain], "{name}");
    }
}

#[test]
fn a_question_covers_everything_else() {
    let bench = Bench::new();
    let void = samples::all().into_iter().find(|s| s.name == "sale_void").unwrap();
    bench.show(&Screen { question: 7, ..void.screen });
    bench.tap("Payment code");
    bench.tap("One more: 茶叶蛋");
    assert_eq!(bench.heard(), [], "nothing below the question can be touched");
    bench.tap("Yes, void it");
    bench.tap("No, go back");
    assert_eq!(bench.heard(), [true, false].map(|yes| UserAction::Confirm { question: 7, yes }));
}

#[test]
fn no_touch_that_was_meant_for_what_stood_there_before_answers_a_question() {
    let bench = Bench::new();
    let age = samples::all().into_iter().find(|s| s.name == "sale_age").unwrap().screen;
    let yes = |question| UserAction::Confirm { question, yes: true };
    let asked = |question| {
        bench.till.show_now(&Screen { question, ..age.clone() });
        (0..3).for_each(|_| bench.surface.tick());
    };
    bench.till.show_now(&samples::screen(Page::Sale(samples::sale())));
    for question in [1, 2] {
        // The first time the question comes, the second time the next one in the same place.
        asked(question);
        for label in ["Yes, old enough", "Not sold", "Yes, old enough"] {
            bench.tap(label);
            bench.surface.type_text("\u{1b}");
        }
        assert_eq!(bench.heard(), [], "nobody has read question {question}");
        bench.wait_until_it_can_be_left(2);
        bench.tap("Yes, old enough");
        assert_eq!(bench.heard(), [yes(question)]);
        // What changes in a question that is being read does not hold the answer back.
        asked(question);
        bench.tap("Yes, old enough");
        assert_eq!(bench.heard(), [yes(question)]);
    }
}
