//! Keys of a keyboard that the till reads itself, as the window knows them.

use evertill_hardware::scanner::Key;
use slint::SharedString;
use slint::platform::Key as WindowKey;

pub fn text(key: Key) -> SharedString {
    let named = match key {
        Key::Character(character) => return SharedString::from(character),
        Key::Enter => WindowKey::Return,
        Key::Tab => WindowKey::Tab,
        Key::Backspace => WindowKey::Backspace,
        Key::Delete => WindowKey::Delete,
        Key::Escape => WindowKey::Escape,
        Key::Left => WindowKey::LeftArrow,
        Key::Right => WindowKey::RightArrow,
        Key::Up => WindowKey::UpArrow,
        Key::Down => WindowKey::DownArrow,
        Key::Home => WindowKey::Home,
        Key::End => WindowKey::End,
        Key::PageUp => WindowKey::PageUp,
        Key::PageDown => WindowKey::PageDown,
    };
    named.into()
}
