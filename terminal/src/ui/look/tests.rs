//! Which colour stands on which, in every look, and whether the two can be told apart: the ratios of WCAG 2.2.

#![allow(clippy::float_arithmetic, reason = "a measure of colours, not money")]

use super::*;
use crate::ui::generated::Tone;
use slint::Color;

const ALL: [Colours; 3] = [Colours::Light, Colours::Dark, Colours::HighContrast];
const TONES: [Tone; 5] = [Tone::Neutral, Tone::Good, Tone::Attention, Tone::Bad, Tone::Accent];

fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn luminance(colour: Color) -> f64 {
    0.2126 * linear(colour.red()) + 0.7152 * linear(colour.green()) + 0.0722 * linear(colour.blue())
}

fn ratio(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Every ink with every ground that it stands on somewhere.
fn pairs(theme: &Theme) -> Vec<(String, Color, Color)> {
    let mut pairs = Vec::new();
    let mut add = |name: String, ink, ground| pairs.push((name, ink, ground));
    let (page, surface, sunken) = (theme.get_page(), theme.get_surface(), theme.get_sunken());
    let soft = theme.get_accent_soft();
    let grounds = [("page", page), ("surface", surface), ("sunken", sunken), ("accent-soft", soft)];
    for (name, ground) in grounds {
        add(format!("ink on {name}"), theme.get_ink(), ground);
        add(format!("quiet-ink on {name}"), theme.get_quiet_ink(), ground);
        add(format!("accent on {name}"), theme.get_accent(), ground);
    }
    for (name, ground) in [("page", page), ("surface", surface)] {
        for tone in TONES {
            add(format!("{tone:?} on {name}"), theme.invoke_ink_of(tone), ground);
        }
    }
    for tone in TONES {
        let ground = theme.invoke_soft_of(tone);
        add(format!("{tone:?} on its soft ground"), theme.invoke_ink_of(tone), ground);
        add(format!("ink on soft {tone:?}"), theme.get_ink(), ground);
        add(format!("quiet-ink on soft {tone:?}"), theme.get_quiet_ink(), ground);
    }
    add("what is idle".into(), theme.get_idle_ink(), sunken);
    add("a button's words".into(), theme.get_on_accent(), theme.get_accent());
    add("a pressed button's words".into(), theme.get_on_accent(), theme.get_accent_pressed());
    pairs
}

fn with_theme(check: impl Fn(Colours, &Theme)) {
    i_slint_backend_testing::init_no_event_loop();
    let window = MainWindow::new().unwrap();
    for colours in ALL {
        choose(&window, colours);
        check(colours, &window.global::<Theme>());
    }
}

#[test]
fn words_can_be_read_in_every_look() {
    with_theme(|colours, theme| {
        let needed = if colours == Colours::HighContrast { 7.0 } else { 4.5 };
        let too_weak: Vec<String> = pairs(theme)
            .into_iter()
            .map(|(name, ink, ground)| (name, ratio(ink, ground)))
            .filter(|(_, ratio)| *ratio < needed)
            .map(|(name, ratio)| format!("{name}: {ratio:.2}"))
            .collect();
        assert!(too_weak.is_empty(), "{colours:?}, below {needed}: {too_weak:?}");
    });
}

#[test]
fn what_has_an_edge_shows_it_in_high_contrast() {
    with_theme(|colours, theme| {
        let edge = ratio(theme.get_line(), theme.get_surface());
        if colours == Colours::HighContrast {
            assert!(edge >= 3.0, "{edge:.2}");
            assert!(theme.get_edge() > 0.0);
        }
        assert!(ratio(theme.get_accent(), theme.get_surface()) >= 3.0, "the border of a button");
    });
}

#[test]
fn the_ratio_is_that_of_the_standard() {
    let colour = |rgb: u32| Color::from_argb_encoded(0xff00_0000 | rgb);
    let of = |a, b| ratio(colour(a), colour(b));
    assert!((of(0x00_0000, 0xff_ffff) - 21.0).abs() < 1e-9);
    assert!((of(0x76_7676, 0xff_ffff) - 4.54).abs() < 0.01, "the lightest grey that may stand on white");
    assert!((of(0x77_7777, 0x77_7777) - 1.0).abs() < 1e-9);
}
