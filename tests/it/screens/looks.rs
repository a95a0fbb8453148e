//! Every page in the dark and in the high-contrast look: nothing is drawn in a colour that the page swallows.

use super::{Bench, pictures, samples};
use evertill_terminal::view::{Colours, Page, Screen, UserAction};
use evertill_tests::headless::{Element, Picture};
use std::collections::{BTreeMap, BTreeSet};

const LOOKS: [(Colours, &str, f64); 2] =
    [(Colours::Dark, "dark", 4.5), (Colours::HighContrast, "contrast", 7.0)];

type Rgb = [u8; 3];

fn luminance(colour: Rgb) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

fn ratio(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How well what is drawn in this place stands out from its ground, at its best pixel: 1 if nothing is drawn there.
fn contrast(picture: &Picture, e: &Element) -> f64 {
    let clamp = |value: f32, most: u32| (value.max(0.0) as usize).min(most as usize);
    let (left, right) = (clamp(e.x, picture.width), clamp(e.x + e.width, picture.width));
    let (top, bottom) = (clamp(e.y, picture.height), clamp(e.y + e.height, picture.height));
    let mut counts: BTreeMap<Rgb, u32> = BTreeMap::new();
    for y in top..bottom {
        for x in left..right {
            let at = (y * picture.width as usize + x) * 3;
            *counts.entry([picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2]]).or_default() += 1;
        }
    }
    let Some((ground, _)) = counts.iter().max_by_key(|(_, count)| **count) else { return 1.0 };
    counts.keys().map(|colour| ratio(*colour, *ground)).fold(1.0, f64::max)
}

/// Each text and button of the page, by its place, with how well it stands out.
fn measured(bench: &Bench, screen: &Screen) -> (Picture, Vec<(String, f64)>) {
    let picture = bench.show(screen);
    let seen = |e: &Element| matches!(e.role.as_str(), "text" | "button");
    let named = |e: &Element| format!("{} at {:.0},{:.0}", e.label, e.x, e.y);
    let all = bench.elements();
    let found = all.iter().filter(|e| seen(e)).map(|e| (named(e), contrast(&picture, e))).collect();
    (picture, found)
}

#[test]
fn every_word_can_be_read_in_every_look() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    let mut words = 0;
    for sample in samples::all() {
        // Behind a question everything is dimmed, and that is meant.
        let veiled = sample.screen.confirm.is_some();
        let blank = |found: &[(String, f64)]| -> BTreeSet<String> {
            found.iter().filter(|(_, ratio)| *ratio < 1.05).map(|(name, _)| name.clone()).collect()
        };
        let (_, light) = measured(&bench, &sample.screen);
        let hidden = blank(&light);
        for (colours, look, needed) in LOOKS {
            let (picture, found) = measured(&bench, &Screen { colours, ..sample.screen.clone() });
            let name = format!("{}_{look}", sample.name);
            wrong.extend(pictures::compare(&name, &picture).err());
            if veiled {
                continue;
            }
            // What lies outside its list is not drawn in any look.
            for (element, ratio) in found.iter().filter(|(element, _)| !hidden.contains(element)) {
                words += 1;
                if *ratio < needed {
                    wrong.push(format!("{name}: “{element}” stands out by {ratio:.2} only"));
                }
            }
        }
    }
    assert!(words > 3_000, "only {words} were looked at");
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_look_is_chosen_by_touch_and_changes_at_once() {
    let bench = Bench::new();
    let about = samples::all().into_iter().find(|sample| sample.name == "about").unwrap().screen;
    bench.show(&about);
    for label in ["Dark", "High contrast", "Light"] {
        bench.tap(label);
    }
    let asked = [Colours::Dark, Colours::HighContrast, Colours::Light].map(UserAction::Colours);
    assert_eq!(bench.heard(), asked);
    let corner = |colours| {
        let sale = samples::screen(Page::Sale(samples::sale()));
        let picture = bench.show(&Screen { colours, ..sale });
        let middle = ((picture.height / 2 * picture.width) * 3) as usize;
        luminance([picture.rgb[middle], picture.rgb[middle + 1], picture.rgb[middle + 2]])
    };
    let [light, dark, black] = [Colours::Light, Colours::Dark, Colours::HighContrast].map(corner);
    assert!(light > 0.8 && dark < 0.05 && black < 0.005, "{light} {dark} {black}");
    assert!(corner(Colours::Light) > 0.8, "and back");
}
