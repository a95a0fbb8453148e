//! What a translation must keep of its text. It is a text of a till: an amount that is lost in it, or a mark that is empty, is
//! an amount that somebody is not told.

use super::LONGEST_TEXT;
use super::plural::Rule;
use super::po::{Entry, PoError, shorten};

/// # Errors
/// The first thing that is wrong with a translated entry, in words.
pub fn translation(entry: &Entry, rule: &Rule) -> Result<(), PoError> {
    let wrong = |what: String| PoError::at(entry.line, format!("'{}': {what}", shorten(&entry.id)));
    let several = !entry.plural.is_empty();
    let expected = if several { rule.forms() } else { 1 };
    if entry.forms.len() != expected {
        let found = entry.forms.len();
        return Err(wrong(format!(
            "{found} translations, and by its kind and Plural-Forms there must be {expected}"
        )));
    }
    let original = if several { &entry.plural } else { &entry.id };
    let wanted = sorted_places(original).ok_or_else(|| wrong("this is no text of the till".into()))?;
    for (at, form) in entry.forms.iter().enumerate() {
        // "One thing" needs no number, if it is said of one number only: not where 21 things are also "one".
        let without_number = several && rule.is_of_one_number(at);
        form_keeps(form, original, &wanted, without_number).map_err(&wrong)?;
    }
    Ok(())
}

fn form_keeps(form: &str, original: &str, wanted: &[String], without_number: bool) -> Result<(), String> {
    let short = shorten(form);
    let fits = sorted_places(form).is_some_and(|found| {
        found == wanted || (without_number && wanted.iter().filter(|place| *place != "n").eq(found.iter()))
    });
    if !fits {
        let places: Vec<String> = wanted.iter().map(|place| format!("{{{place}}}")).collect();
        return Err(match places.is_empty() {
            true => format!("'{short}' has a {{ or }} where nothing stands for it"),
            false => format!("'{short}' must hold {}, each once and as it is there", places.join(" and ")),
        });
    }
    if form.chars().any(|c| is_unfit(c) && !(c == '\n' && original.contains('\n'))) {
        return Err("there is a character in it that cannot be shown".into());
    }
    if !form.chars().any(|c| !c.is_whitespace() && !is_invisible(c)) {
        return Err("there is nothing in it to be seen".into());
    }
    if form.chars().count() > LONGEST_TEXT {
        return Err(format!("'{short}' is longer than {LONGEST_TEXT} characters"));
    }
    Ok(())
}

/// Orders to whoever draws the text rather than a part of it. Those that turn the direction would turn an amount, too.
fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{FEFF}')
}

fn sorted_places(text: &str) -> Option<Vec<String>> {
    let mut found = places(text)?;
    found.sort();
    Some(found)
}

/// The places of a text, `{}` as the number that it stands for; nothing if a brace is open, or holds what is no place for the
/// window that fills it in.
fn places(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text.replace("{{", "").replace("}}", "");
    let mut bare = 0;
    while let Some(open) = rest.find(['{', '}']) {
        let inside = rest.get(open..)?.strip_prefix('{')?;
        let (place, behind) = inside.split_once('}')?;
        if place.is_empty() {
            found.push(bare.to_string());
            bare += 1;
        } else if place == "n" || (place.len() < 3 && place.bytes().all(|b| b.is_ascii_digit())) {
            found.push(place.to_owned());
        } else {
            return None;
        }
        rest = behind.to_owned();
    }
    Some(found)
}
