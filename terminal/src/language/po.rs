//! Translation files as translators' tools write them (gettext's PO): texts, and what they are called elsewhere.

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PoError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl PoError {
    /// At this line.
    pub fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// One text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The line at which it begins.
    pub line: usize,
    /// What it is about, where the same text means two things.
    pub context: String,
    /// The text.
    pub id: String,
    /// The same of several; empty where there is none.
    pub plural: String,
    /// What it is called elsewhere: one, or one for each form of the plural. Empty ones are not translated.
    pub forms: Vec<String>,
    /// The translator is not sure of it.
    pub fuzzy: bool,
}

/// Which text a line goes on with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    Context,
    Id,
    Plural,
    Form(usize),
}

struct Reader {
    done: Vec<Entry>,
    entry: Entry,
    part: Part,
    fuzzy: bool,
}

/// Reads a file. The first entry of a whole file has the empty text, and holds its header.
/// # Errors
/// It is not in that form.
pub fn read(text: &str) -> Result<Vec<Entry>, PoError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { done: Vec::new(), entry: Entry::default(), part: Part::None, fuzzy: false };
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        last = index + 1;
        reader.line(last, line.trim())?;
    }
    reader.close(last)?;
    Ok(reader.done)
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), PoError> {
        if let Some(comment) = line.strip_prefix('#') {
            if comment.starts_with(',') && comment.contains("fuzzy") {
                self.close(number)?;
                self.fuzzy = true;
            }
            return Ok(());
        }
        if line.is_empty() {
            return self.close(number);
        }
        if line.starts_with('"') {
            return self.go_on(number, &quoted(number, line)?);
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let text = || quoted(number, rest.trim());
        let part = match word {
            "msgctxt" => Part::Context,
            "msgid" => Part::Id,
            "msgid_plural" => Part::Plural,
            "msgstr" => Part::Form(0),
            other => Part::Form(form(number, other)?),
        };
        let begins = part == Part::Context || (part == Part::Id && self.part != Part::Context);
        if begins {
            self.close(number)?;
            self.entry.line = number;
        }
        self.begin(number, part)?;
        self.go_on(number, &text()?)
    }

    /// Parts come in their order.
    fn begin(&mut self, number: usize, part: Part) -> Result<(), PoError> {
        let fits = match part {
            Part::None | Part::Context => true,
            Part::Id => matches!(self.part, Part::None | Part::Context),
            Part::Plural => self.part == Part::Id,
            Part::Form(0) => matches!(self.part, Part::Id | Part::Plural),
            Part::Form(next) => self.part == Part::Form(next - 1),
        };
        if !fits {
            return Err(PoError::at(
                number,
                "this line is not where it belongs: msgid, msgid_plural, msgstr",
            ));
        }
        if matches!(part, Part::Form(_)) {
            self.entry.forms.push(String::new());
        }
        self.part = part;
        Ok(())
    }

    fn go_on(&mut self, number: usize, text: &str) -> Result<(), PoError> {
        let target = match self.part {
            Part::None => None,
            Part::Context => Some(&mut self.entry.context),
            Part::Id => Some(&mut self.entry.id),
            Part::Plural => Some(&mut self.entry.plural),
            Part::Form(at) => self.entry.forms.get_mut(at),
        };
        match target {
            Some(target) => {
                target.push_str(text);
                Ok(())
            }
            None => Err(PoError::at(number, "a text without msgid or msgstr before it")),
        }
    }

    /// The entry is whole.
    fn close(&mut self, number: usize) -> Result<(), PoError> {
        if self.part == Part::None {
            return Ok(());
        }
        if self.entry.forms.is_empty() {
            return Err(PoError::at(number, "msgid without msgstr"));
        }
        let entry = std::mem::take(&mut self.entry);
        self.done.push(Entry { fuzzy: std::mem::take(&mut self.fuzzy), ..entry });
        self.part = Part::None;
        Ok(())
    }
}

/// The number of `msgstr[2]`.
fn form(number: usize, word: &str) -> Result<usize, PoError> {
    let inside = word.strip_prefix("msgstr[").and_then(|rest| rest.strip_suffix(']'));
    inside
        .and_then(|digits| digits.parse().ok())
        .filter(|form| *form < 16)
        .ok_or_else(|| PoError::at(number, format!("'{}' is no word of such a file", shorten(word))))
}

/// A text in quotation marks.
fn quoted(number: usize, text: &str) -> Result<String, PoError> {
    let not_whole = || PoError::at(number, "a text must stand between \" and \"");
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(not_whole)?;
    let mut out = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(same @ ('"' | '\\')) => same,
                // `"…\"`: what looked like the end of the text was part of it.
                _ => return Err(PoError::at(number, "after \\ there must be n, t, \" or \\")),
            },
            '"' => return Err(not_whole()),
            other => other,
        });
    }
    Ok(out)
}

/// So much of a text as a sentence about it holds.
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_contexts_plurals_and_lines_that_go_on_are_read() {
        let text = "\u{feff}# Somebody's.\nmsgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\n#, fuzzy\nmsgctxt \"receipt\"\n\
                    msgid \"Was\"\nmsgstr \"\\\"Vorher\\\"\"\n#~ msgid \"gone\"\nmsgid \"{n} item\"\nmsgid_plural \"{n} items\"\n\
                    msgstr[0] \"{n} \"\n\"Stück\"\nmsgstr[1] \"{n} Stücke\"\r\n";
        let all = read(text).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].forms, ["Language: de\n"]);
        let was = Entry {
            line: 7,
            context: "receipt".into(),
            id: "Was".into(),
            forms: vec!["\"Vorher\"".into()],
            fuzzy: true,
            ..Entry::default()
        };
        assert_eq!(all[1], was);
        assert_eq!((all[2].plural.as_str(), all[2].fuzzy), ("{n} items", false));
        assert_eq!(all[2].forms, ["{n} Stück", "{n} Stücke"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let said = |text: &str| read(text).unwrap_err().to_string();
        assert!(said("msgid \"a\"\nmsgstr b").starts_with("line 2: a text must stand"));
        assert!(said("msgid \"a\"\n\nmsgid \"b\"").starts_with("line 2: msgid without msgstr"));
        assert!(said("msgid \"a\"\nmsgtext \"b\"").contains("'msgtext' is no word"));
        assert!(said("msgstr \"a\"").contains("not where it belongs"));
        assert!(said("msgid \"a\"\nmsgstr[1] \"b\"").contains("not where it belongs"));
        assert!(said("\"a\"").contains("without msgid"));
        assert!(said("msgid \"a\\q\"").contains("after \\"));
        assert!(said("msgid \"a\\\"\nmsgstr \"b\"").starts_with("line 1"));
        assert!(said("msgid \"a\"b\"").starts_with("line 1"));
        assert!(said("<html>").contains("'<html>' is no word"));
    }

    proptest! {
        #[test]
        fn nothing_that_a_file_may_hold_stops_the_program(text in "(msgid|msgstr|msgctxt|\"|\\\\|\\[|[0-9]|\\]|\n| |#|,|x|ü){0,60}") {
            let _ = read(&text);
        }
    }
}
