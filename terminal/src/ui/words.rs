//! The language that the screens speak. Their texts stand there in English and are looked up in the file of another language
//! when the program runs; the window keeps what came of it until the language is another.

use crate::language::{Translation, chinese};
use crate::view::Language;
use i_slint_core::translations::Translator;
use i_slint_core::window::WindowInner;
use std::borrow::Cow;
use std::cell::Cell;

struct Words(&'static Translation);

impl Translator for Words {
    fn translate<'a>(&'a self, text: &'a str, context: Option<&'a str>) -> Cow<'a, str> {
        Cow::Borrowed(self.0.word(context.unwrap_or_default(), text).unwrap_or(text))
    }

    fn ntranslate<'a>(
        &'a self,
        n: u64,
        one: &'a str,
        several: &'a str,
        context: Option<&'a str>,
    ) -> Cow<'a, str> {
        let own = if n == 1 { one } else { several };
        Cow::Borrowed(self.0.plural(context.unwrap_or_default(), one, n).unwrap_or(own))
    }
}

thread_local! {
    /// What the windows of this thread, which is the only one with windows, speak now; nothing before the first screen.
    static SPOKEN: Cell<Option<Language>> = const { Cell::new(None) };
}

/// Has all windows speak this language. Each text is made anew only if it is another one than before.
pub fn choose(window: &slint::Window, language: Language) {
    if SPOKEN.replace(Some(language)) == Some(language) {
        return;
    }
    let context = WindowInner::from_pub(window).context();
    // Numbers are written with a point in all languages, as the till writes amounts: the machine's own settings say nothing here.
    context.set_locale("en");
    let translation = match language {
        Language::English => None,
        Language::Chinese => Some(chinese()),
        Language::Added(added) => Some(added),
    };
    context.set_external_translator(translation.map(|words| Box::new(Words(words)) as Box<dyn Translator>));
}
