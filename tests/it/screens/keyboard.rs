//! The keyboard of the desk does whatever a finger does: every control is reached and pressed by keys, and says aloud what
//! it is.

use super::{Bench, samples};
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::money::Currency;
use evertill_shared::secret::SecretText;
use evertill_terminal::ui::TillWindow;
use evertill_terminal::view::{Colours, Language, Notice, Page, ReceiptState, Screen, UserAction};
use evertill_tests::headless::{Element, install_still};
use slint::ComponentHandle as _;
use slint::private_unstable_api::re_exports::WindowInner;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// More stops than any page has.
const MOST_STOPS: usize = 120;

/// Time that passes between two keys as the test says.
#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl HandClock {
    fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

fn bench() -> (Bench, Arc<HandClock>) {
    let surface = install_still(1024, 768).unwrap();
    let actions = Rc::new(RefCell::new(Vec::new()));
    let (heard, clock) = (actions.clone(), Arc::new(HandClock::default()));
    let on_action = move |action| heard.borrow_mut().push(action);
    let till = TillWindow::with_clock(on_action, clock.clone()).unwrap();
    till.show().unwrap();
    surface.resize(1024, 768);
    surface.activate();
    (Bench { surface, till, actions }, clock)
}

impl Bench {
    /// Keys as a person presses them: one after the other.
    fn keys(&self, clock: &HandClock, text: &str) {
        for key in text.chars() {
            clock.pass(150);
            self.surface.type_text(&key.to_string());
            self.surface.tick();
        }
    }

    /// Where the keyboard is: left, top, width, height.
    fn focus(&self) -> Option<[f32; 4]> {
        let inner = WindowInner::from_pub(self.till.component().window());
        let item = inner.focus_item.borrow().upgrade()?;
        let place = item.geometry();
        let at = item.map_to_window(place.origin);
        Some([at.x, at.y, place.size.width, place.size.height])
    }

    /// Until the keyboard is at the control of this name.
    fn tab_to(&self, clock: &HandClock, label: &str) {
        for _ in 0..MOST_STOPS {
            self.keys(clock, "\t");
            let place = self.focus();
            let there = |e: &Element| e.label == label && place.is_some_and(|place| lies_in(place, e));
            if self.elements().iter().any(|e| e.is_touchable() && there(e)) {
                return;
            }
        }
        panic!("Tab does not reach “{label}”");
    }
}

/// A box to type in has its line inside; everything else is reached as a whole.
fn lies_in([x, y, width, height]: [f32; 4], e: &Element) -> bool {
    let whole = (x - e.x).abs() < 2.0 && (y - e.y).abs() < 2.0 && (width - e.width).abs() < 4.0;
    let inside =
        x >= e.x && y >= e.y - 1.0 && x + width <= e.x + e.width && y + height <= e.y + e.height + 1.0;
    if e.role == "text-input" { inside } else { whole && (height - e.height).abs() < 4.0 }
}

fn every_screen() -> Vec<(String, Screen)> {
    samples::all().into_iter().map(|sample| (sample.name.to_owned(), sample.screen)).collect()
}

/// What of this page Tab does not reach, and what it reaches that has no name.
fn unreached(bench: &Bench, clock: &HandClock, name: &str, screen: &Screen) -> Vec<String> {
    let starting = Screen { confirm: None, notice: None, ..samples::screen(Page::Starting) };
    bench.show(&starting);
    bench.show(screen);
    let asked = screen.confirm.is_some();
    let controls = |all: Vec<Element>| -> Vec<Element> {
        let mine = |e: &Element| {
            e.is_touchable() && (!asked || ["Yes", "No"].iter().any(|w| e.label.starts_with(w)))
        };
        all.into_iter().filter(|e| mine(e) && e.enabled).collect()
    };
    // What is scrolled into view on the way moves: so each is known by its name.
    let mut wanted: Vec<String> = controls(bench.elements()).into_iter().map(|e| e.label).collect();
    let mut wrong = Vec::new();
    for stop in 0..MOST_STOPS {
        if wanted.is_empty() {
            break;
        }
        bench.keys(clock, "\t");
        let Some(place) = bench.focus() else {
            wrong.push(format!("{name}: after {stop} Tabs the keyboard is nowhere"));
            break;
        };
        let here: Vec<Element> =
            controls(bench.elements()).into_iter().filter(|e| lies_in(place, e)).collect();
        if here.is_empty() && place[2] < 1_000.0 {
            wrong.push(format!("{name}: Tab reaches something without a name at {place:?}"));
        }
        for e in here {
            if let Some(index) = wanted.iter().position(|label| *label == e.label) {
                wanted.swap_remove(index);
            }
        }
    }
    wrong.extend(wanted.into_iter().map(|label| format!("{name}: Tab does not reach “{label}”")));
    wrong
}

#[test]
fn every_control_of_every_page_is_reached_by_keys_and_has_a_name() {
    let (bench, clock) = bench();
    let screens = every_screen();
    let wrong: Vec<String> =
        screens.iter().flat_map(|(name, screen)| unreached(&bench, &clock, name, screen)).collect();
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_can_be_touched_is_named_for_those_who_do_not_see_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../terminal/ui");
    let mut seen = 0;
    for part in ["views", "widgets"] {
        for file in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for component in text.split("\ncomponent ").flat_map(|text| text.split("\nexport component ")) {
                // One without a deed only keeps touches from what lies below.
                let touched = component
                    .split("TouchArea {")
                    .skip(1)
                    .filter(|area| area.split('}').next().is_some_and(|head| head.contains("clicked =>")));
                let count = touched.count();
                seen += count;
                let named = component.contains("accessible-role:") && component.contains("accessible-label:");
                let keys = component.contains("PressKeys {") || component.contains("LineKeys {");
                assert!(
                    count == 0 || named && (keys || component.contains("TextInput {")),
                    "{}: something can be touched that has no role, label or keys: {}",
                    path.display(),
                    component.lines().next().unwrap_or_default()
                );
            }
        }
    }
    assert!(seen >= 8, "the pattern finds what can be touched: {seen}");
}

#[test]
fn enter_and_the_space_bar_press_what_the_keyboard_is_at() {
    let (bench, clock) = bench();
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    let cases: [(&str, &str, UserAction); 6] = [
        ("Umbrella", "\n", UserAction::AddProduct { id: "00084".into() }),
        ("One more: 茶叶蛋", " ", UserAction::ChangeQuantity { line: 4, delta: 1 }),
        ("Change: 茶叶蛋", "\n", UserAction::OpenLine { line: 4 }),
        ("Change: 茶叶蛋", "+", UserAction::ChangeQuantity { line: 4, delta: 1 }),
        ("Void sale", " ", UserAction::VoidSale),
        ("Payment code", "\n", UserAction::TenderCode),
    ];
    for (label, key, action) in cases {
        bench.tab_to(&clock, label);
        bench.keys(&clock, key);
        assert_eq!(bench.heard(), [action], "{label}");
    }
    // A finger moves nothing away from the search.
    bench.show(&samples::screen(Page::Starting));
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.tap("Umbrella");
    bench.keys(&clock, "69\n");
    assert_eq!(bench.heard().last(), Some(&UserAction::SubmitSearch("69".into())));
}

#[test]
fn arrows_go_through_the_lines_of_a_sale() {
    let (bench, clock) = bench();
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.tab_to(&clock, "Change: 茶叶蛋");
    let down = char::from(slint::platform::Key::DownArrow);
    let up = char::from(slint::platform::Key::UpArrow);
    bench.keys(&clock, &format!("{up}{down}\n"));
    assert_eq!(bench.heard(), [UserAction::OpenLine { line: 4 }], "up one line and down again");
}

#[test]
fn amounts_are_typed_and_enter_does_what_the_page_is_for() {
    let (bench, clock) = bench();
    let sample = |name: &str| every_screen().into_iter().find(|(n, _)| n == name).unwrap().1;
    bench.show(&sample("cash"));
    bench.keys(&clock, "50,5\u{8}");
    let given = [500, 5_000, 5_000, 5_050, 5_000].map(|minor| UserAction::CashGiven { minor });
    assert_eq!(bench.heard(), given);
    bench.show(&sample("cash_change"));
    bench.keys(&clock, "\n");
    assert_eq!(bench.heard(), [UserAction::CashConfirm]);
    bench.keys(&clock, "\u{1b}");
    assert_eq!(bench.heard(), [UserAction::Back]);
    bench.show(&samples::count(Currency::CNY));
    bench.keys(&clock, "7\n");
    assert_eq!(bench.heard(), [UserAction::CountKey("7".into()), UserAction::CountKey("next".into())]);
    bench.show(&samples::report(true, 0, ReceiptState::Printed));
    bench.keys(&clock, "\u{1b}");
    assert_eq!(bench.heard(), [UserAction::Back]);
}

#[test]
fn a_scanner_that_types_into_the_window_gives_no_amount_and_confirms_no_cash() {
    let (bench, clock) = bench();
    let sample = |name: &str| every_screen().into_iter().find(|(n, _)| n == name).unwrap().1;
    let scan = |code: &str| {
        clock.pass(500);
        code.chars().for_each(|key| {
            clock.pass(3);
            bench.surface.type_text(&key.to_string());
        });
        bench.surface.tick();
    };
    bench.show(&sample("cash_change"));
    scan("134567890123456789\n");
    let heard = bench.heard();
    assert!(!heard.contains(&UserAction::CashConfirm), "{heard:?}");
    assert_eq!(
        heard.last(),
        Some(&UserAction::CashGiven { minor: 0 }),
        "what it typed is out again: {heard:?}"
    );
    assert!(heard.len() <= 3, "two digits before it is known, and none after: {heard:?}");
    // Nor does it press what the keyboard is at.
    bench.tab_to(&clock, "Confirm cash");
    scan("6901234567892\n");
    let heard = bench.heard();
    assert!(!heard.contains(&UserAction::CashConfirm), "{heard:?}");
    bench.show(&sample("cash_change"));
    bench.keys(&clock, "\n");
    assert_eq!(bench.heard(), [UserAction::CashConfirm], "a person does");
}

#[test]
fn a_scanner_that_types_into_the_window_types_no_pin() {
    let (bench, clock) = bench();
    let scan = |code: &str| {
        clock.pass(500);
        code.chars().for_each(|key| {
            clock.pass(2);
            bench.surface.type_text(&key.to_string());
        });
        bench.surface.tick();
    };
    for name in ["lock_enter", "approval_amount"] {
        let screen = every_screen().into_iter().find(|(n, _)| n == name).unwrap().1;
        bench.show(&screen);
        // An EAN-8 looks like a PIN; of a code that approves something the letters fall out, and a PIN's digits stay.
        for code in ["96385074\n", "EVTA-AB1DE-FGH23-J4LMN-PQ5ST\n"] {
            scan(code);
            assert_eq!(bench.heard(), [], "{name}: {code}");
            bench.keys(&clock, "\n");
            assert_eq!(bench.heard(), [], "{name}: nothing of it is left");
        }
        bench.keys(&clock, "4711\n");
        let pin = SecretText::new("4711".into());
        assert_eq!(bench.heard(), [UserAction::Unlock { pin }], "{name}: a person's is");
    }
}

#[test]
fn a_payment_code_that_is_typed_into_a_box_is_hidden_and_its_end_empties_the_box() {
    let (bench, _) = bench();
    let show = |name: &str| {
        bench.show(&every_screen().into_iter().find(|(n, _)| n == name).unwrap().1);
    };
    let held_in = |label: &str| {
        let found = bench.elements().into_iter().find(|e| e.role == "text-input" && e.label == label);
        found.unwrap_or_else(|| panic!("no box '{label}'")).value.unwrap_or_default()
    };
    let code = "134567890123456789";
    for name in ["held", "sale_empty", "orders"] {
        show(name);
        let label = bench.elements().into_iter().find(|e| e.role == "text-input").unwrap().label;
        bench.tap(&label);
        bench.surface.type_text(&code[..17]);
        assert_eq!(held_in(&label), &code[..17], "{name}: it is none yet");
        bench.surface.type_text(&code[17..]);
        assert_eq!(held_in(&label), "", "{name}: nobody reads it aloud either");
        bench.heard();
    }
    show("held");
    bench.tap("Name of the held sale");
    bench.surface.type_text(&format!("{code}\n"));
    assert_eq!(bench.heard(), [UserAction::Hold { name: code.into() }], "the controller says why it is none");
    bench.surface.type_text("red\n");
    assert_eq!(bench.heard(), [UserAction::Hold { name: "red".into() }], "the box was empty");
}

#[test]
fn a_question_keeps_the_keyboard_and_enter_alone_answers_nothing() {
    let (bench, clock) = bench();
    let void = every_screen().into_iter().find(|(name, _)| name == "sale_void").unwrap().1;
    bench.show(&void);
    bench.keys(&clock, "\n6");
    assert_eq!(bench.heard(), [], "neither an answer, nor a search below");
    bench.keys(&clock, "\t\n\t\n\u{1b}");
    let answers = [false, true, false].map(|yes| UserAction::Confirm { question: 0, yes });
    assert_eq!(bench.heard(), answers);
    // Answered: the keyboard is the search's again.
    bench.show(&Screen { confirm: None, ..void });
    bench.keys(&clock, "6");
    assert_eq!(bench.heard(), [UserAction::SetSearch("6".into())]);
}

#[test]
fn the_question_for_an_earlier_customers_cash_has_a_third_answer_by_hand_and_by_keys() {
    let (bench, clock) = bench();
    let left = every_screen().into_iter().find(|(name, _)| name == "cash_part_left").unwrap().1;
    bench.show(&Screen { question: 7, ..left });
    bench.tap("Nobody came for it");
    bench.tab_to(&clock, "Nobody came for it");
    bench.keys(&clock, "\n");
    assert_eq!(bench.heard(), vec![UserAction::NobodyCame { question: 7 }; 2]);
}

#[test]
fn escape_puts_a_notice_away_before_it_leaves_the_page() {
    let (bench, clock) = bench();
    let about = every_screen().into_iter().find(|(name, _)| name == "about").unwrap().1;
    bench.show(&Screen { notice: Some(Notice::NoNetwork), ..about.clone() });
    bench.keys(&clock, "\u{1b}");
    bench.show(&about);
    bench.keys(&clock, "\u{1b}");
    assert_eq!(bench.heard(), [UserAction::DismissNotice, UserAction::Back]);
    bench.show(&samples::screen(Page::Sale(samples::sale())));
    bench.keys(&clock, "\u{1b}");
    assert_eq!(bench.heard(), [], "a sale has no way back, and Escape voids nothing");
}

#[test]
fn the_keyboard_is_never_nowhere() {
    let (bench, clock) = bench();
    let sale = samples::screen(Page::Sale(samples::sale()));
    bench.show(&Screen { notice: Some(Notice::NoNetwork), ..sale.clone() });
    bench.tab_to(&clock, "OK");
    bench.show(&sale);
    // What had the keyboard is gone. A moment later it is where the page wants it.
    for _ in 0..500 {
        bench.surface.tick();
        if bench.focus().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bench.surface.tick();
    bench.keys(&clock, "6");
    assert_eq!(bench.heard().last(), Some(&UserAction::SetSearch("6".into())));
}

#[test]
fn the_ring_is_seen_in_every_look() {
    let (bench, clock) = bench();
    for (colours, name) in
        [(Colours::Light, "light"), (Colours::Dark, "dark"), (Colours::HighContrast, "contrast")]
    {
        let screen =
            Screen { colours, language: Language::English, ..samples::screen(Page::Sale(samples::sale())) };
        bench.show(&samples::screen(Page::Starting));
        let without = bench.show(&screen);
        bench.tab_to(&clock, "Payment code");
        let with = bench.show(&screen);
        super::pictures::compare(&format!("keys_ring_{name}"), &with).unwrap();
        let changed = with
            .rgb
            .chunks(3)
            .zip(without.rgb.chunks(3))
            .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > 60));
        assert!(changed.count() > 800, "a frame of several pixels, all round: {name}");
    }
}
