//! Every page with larger words: nothing leaves the window, nothing lies over something else, and fingers have their room.
//! With `EVERTILL_DRAW=1` they are drawn into `target/screens`, which takes a while.

use super::{Bench, LANGUAGES, complaints, pictures, samples};
use evertill_terminal::view::{Language, Page, Screen, TextSize, UserAction};
use evertill_tests::headless::{Element, elements, scrolled};

/// Words are told apart if no more of them than this lies over another, in pixels.
const TOUCHING: f32 = 2.0;

fn over(a: &Element, b: &Element) -> bool {
    let apart = |from: f32, size: f32, other: f32, other_size: f32| {
        from + size <= other + TOUCHING || other + other_size <= from + TOUCHING
    };
    !apart(a.x, a.width, b.x, b.width) && !apart(a.y, a.height, b.y, b.height)
}

/// Texts that lie over texts, and what can be touched over what can be touched.
fn overlaps(elements: &[Element]) -> Vec<String> {
    let kinds: [fn(&Element) -> bool; 2] = [|e| e.role == "text", Element::is_touchable];
    let mut wrong = Vec::new();
    for kind in kinds {
        let alike: Vec<&Element> = elements.iter().filter(|e| kind(e)).collect();
        for (i, a) in alike.iter().enumerate() {
            for b in alike.iter().skip(i + 1).filter(|b| over(a, b)) {
                let at = |e: &Element| {
                    format!("“{}” at {:.0},{:.0} {:.0}x{:.0}", e.label, e.x, e.y, e.width, e.height)
                };
                wrong.push(format!("{} lies over {}", at(a), at(b)));
            }
        }
    }
    wrong
}

impl Bench {
    /// The page is there with all its places, but not drawn: that takes most of the time.
    pub fn lay_out(&self, screen: &Screen) -> Vec<Element> {
        self.till.show_now(&samples::spoken(screen));
        for _ in 0..2 {
            elements(self.till.component());
            slint::platform::update_timers_and_animations();
        }
        self.elements()
    }
}

#[test]
fn every_page_has_room_for_larger_words() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for text_size in [TextSize::Larger, TextSize::Large] {
        for (language, code) in LANGUAGES {
            for sample in samples::all() {
                let name = format!("{}_{code}_{}", sample.name, text_size.percent());
                let screen = Screen { language, text_size, ..sample.screen };
                let found = bench.lay_out(&screen);
                let moving = scrolled(bench.till.component());
                let mut flaws = complaints(&found, &moving, 1024.0, 768.0);
                if screen.confirm.is_none() {
                    let still: Vec<Element> = found.into_iter().filter(|e| !moving.contains(e)).collect();
                    flaws.extend(overlaps(&still));
                }
                wrong.extend(flaws.into_iter().map(|what| format!("{name}: {what}")));
                if std::env::var_os("EVERTILL_DRAW").is_some() && text_size == TextSize::Larger {
                    pictures::write(&name, &bench.show(&screen)).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_size_of_words_is_chosen_by_touch_and_changes_at_once() {
    let bench = Bench::new();
    let about = samples::all().into_iter().find(|sample| sample.name == "about").unwrap().screen;
    bench.show(&about);
    for percent in [125, 150, 100] {
        bench.tap(&format!("Size of words: {percent} %"));
    }
    let asked = [TextSize::Large, TextSize::Larger, TextSize::Normal].map(UserAction::TextSize);
    assert_eq!(bench.heard(), asked);
    let clock = |text_size| {
        let sale = samples::screen(Page::Sale(samples::sale()));
        let found = bench.lay_out(&Screen { text_size, language: Language::English, ..sale });
        let height = |label: &str| found.iter().find(|e| e.label == label).unwrap().height;
        (height("Till 03"), height("14:05"))
    };
    let [normal, large, larger] = TextSize::ALL.map(clock);
    assert!(
        larger.0 > normal.0 * 1.4 && large.0 > normal.0 * 1.2,
        "small words grow by all of it: {normal:?} {larger:?}"
    );
    assert!(
        larger.1 > normal.1 * 1.1 && larger.1 < normal.1 * 1.4,
        "large ones by less: {normal:?} {larger:?}"
    );
    assert_eq!(clock(TextSize::Normal), normal, "and back");
}
