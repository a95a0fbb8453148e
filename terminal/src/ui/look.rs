//! The colours of a window, and the size of its words.

use super::generated::{Colours as Shown, MainWindow, Theme};
use crate::view::{Colours, Language, TextSize};
use slint::ComponentHandle;

/// Colours the till's window.
pub fn choose(window: &MainWindow, colours: Colours) {
    window.global::<Theme>().set_colours(shown(colours));
}

/// Writes all words of the till's window so large.
pub fn write(window: &MainWindow, size: TextSize) {
    window.global::<Theme>().set_percent(i32::from(size.percent()));
}

/// Lets the words of buttons give way in a language of a shop's own file: its words may be longer than any that were looked at.
pub fn give_way(window: &MainWindow, language: Language) {
    let give = if language.added().is_some() { 0.75 } else { 1.0 };
    window.global::<Theme>().set_give(give);
}

/// What Slint calls them.
pub fn shown(colours: Colours) -> Shown {
    match colours {
        Colours::Light => Shown::Light,
        Colours::Dark => Shown::Dark,
        Colours::HighContrast => Shown::HighContrast,
    }
}

/// And back.
pub fn colours_of(shown: Shown) -> Colours {
    match shown {
        Shown::Light => Colours::Light,
        Shown::Dark => Colours::Dark,
        Shown::HighContrast => Colours::HighContrast,
    }
}

#[cfg(test)]
mod tests;
