//! Languages beside English, from translation files: Chinese, which is in the program, and those that a shop adds. What a file
//! does not translate is said in English.

mod check;
mod plural;
mod po;

use evertill_hardware::escpos::characters::{Glyph, glyph};
use evertill_hardware::escpos::profile::TextEncoding;
use plural::Rule;
use po::PoError;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file is no longer than this, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// A translation is no longer than this, in characters: three times the longest text of the screens.
const LONGEST_TEXT: usize = 600;
/// The longest name of a language, in characters: it stands on a button.
const LONGEST_NAME: usize = 12;
/// The words of receipts are looked up under this context, since the same word may be longer on a screen.
pub const ON_PAPER: &str = "receipt";

const CHINESE: &str = include_str!("../lang/zh/LC_MESSAGES/evertill-terminal.po");

/// Why a file gives no language.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// It does not say what it should.
    #[error("{path}: {why}")]
    Bad {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

/// A language as its file has it.
pub struct Translation {
    code: String,
    name: String,
    rule: Rule,
    /// By context, then by text; one form, or one for each of the rule.
    words: HashMap<String, HashMap<String, Vec<String>>>,
}

/// Two of one code are one language: the till has each once.
impl PartialEq for Translation {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Translation {}

impl fmt::Debug for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Translation({})", self.code)
    }
}

impl Hash for Translation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code.hash(state);
    }
}

impl Translation {
    /// As settings write it: `de`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What it calls itself: `Deutsch`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many of the screens' texts it has, and how many there are.
    #[must_use]
    pub fn covered(&self) -> (usize, usize) {
        let Some(all) = chinese().words.get("") else { return (0, 0) };
        (all.keys().filter(|text| self.forms("", text).is_some()).count(), all.len())
    }

    /// A text in this language, if it has it.
    #[must_use]
    pub fn word(&self, context: &str, text: &str) -> Option<&str> {
        Some(self.forms(context, text)?.first()?)
    }

    /// A text about so many things.
    #[must_use]
    pub fn plural(&self, context: &str, text: &str, n: u64) -> Option<&str> {
        let forms = self.forms(context, text)?;
        Some(forms.get(self.rule.form(n)).or(forms.first())?)
    }

    /// A short word for receipts and reports, if the file has it and printers know its letters.
    #[must_use]
    pub fn on_paper(&self, text: &str) -> Option<&str> {
        self.printed(text, TextEncoding::Gb18030)
    }

    /// The same for a printer or a display that knows these letters.
    #[must_use]
    pub fn printed(&self, text: &str, encoding: TextEncoding) -> Option<&str> {
        let known = |c: char| !c.is_control() && glyph(c, encoding) != Glyph::Unknown;
        self.word(ON_PAPER, text).filter(|word| word.chars().all(known))
    }

    /// All letters that the screens need for it, beside those of its name.
    pub fn letters(&self) -> impl Iterator<Item = char> {
        let spoken = self.words.get("").into_iter().flat_map(HashMap::values).flatten();
        self.name.chars().chain(spoken.flat_map(|text| text.chars()))
    }

    fn forms(&self, context: &str, text: &str) -> Option<&Vec<String>> {
        self.words.get(context)?.get(text)
    }

    /// Reads the text of a shop's file. What the till never says in that form is passed over: a file may be older than the
    /// till, or newer.
    fn of_shop(text: &str) -> Result<Self, PoError> {
        let own = po::read(CHINESE).unwrap_or_default();
        let plurals: HashMap<&str, &str> =
            own.iter().map(|entry| (entry.id.as_str(), entry.plural.as_str())).collect();
        Self::read_those(text, |entry| match entry.context.as_str() {
            "" => plurals.get(entry.id.as_str()) == Some(&entry.plural.as_str()),
            context => context == ON_PAPER && entry.plural.is_empty(),
        })
    }

    /// Reads the text of a file.
    fn read(text: &str) -> Result<Self, PoError> {
        Self::read_those(text, |_| true)
    }

    fn read_those(text: &str, wanted: impl Fn(&po::Entry) -> bool) -> Result<Self, PoError> {
        let mut entries = po::read(text)?.into_iter();
        let no_header = || PoError::at(1, "the file must begin with its header: msgid \"\", then msgstr");
        let head = entries.next().filter(|entry| entry.id.is_empty()).ok_or_else(no_header)?;
        let field = |name: &str| {
            let mut lines = head.forms.iter().flat_map(|form| form.lines()).filter_map(|l| l.split_once(':'));
            lines.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let missing = |name: &str, example: &str| {
            PoError::at(head.line, format!("the header has no right line '{name}', such as {example}"))
        };
        let code = field("Language").filter(|code| is_code(code)).ok_or_else(|| missing("Language", "de"))?;
        let name = field("X-Language-Name").unwrap_or_else(|| code.clone());
        let fits =
            !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(char::is_control);
        if !fits {
            return Err(missing("X-Language-Name", "Deutsch"));
        }
        let rule = match field("Plural-Forms") {
            Some(rule) => {
                Rule::read(&rule).ok_or_else(|| missing("Plural-Forms", "nplurals=2; plural=(n != 1);"))?
            }
            None => Rule::english(),
        };
        let mut words: HashMap<String, HashMap<String, Vec<String>>> = HashMap::new();
        let translated = |entry: &po::Entry| !entry.fuzzy && !entry.forms.iter().any(String::is_empty);
        for entry in entries.filter(|entry| translated(entry) && wanted(entry)) {
            check::translation(&entry, &rule)?;
            let line = entry.line;
            let text = po::shorten(&entry.id);
            let same = words.entry(entry.context).or_default();
            if same.insert(entry.id, entry.forms).is_some() {
                return Err(PoError::at(line, format!("'{text}' is there twice")));
            }
        }
        Ok(Self { code, name, rule, words })
    }
}

/// Chinese, which is in the program.
#[must_use]
pub fn chinese() -> &'static Translation {
    static CHINESE_READ: OnceLock<Translation> = OnceLock::new();
    CHINESE_READ.get_or_init(|| {
        Translation::read(CHINESE).unwrap_or_else(|error| {
            // A test reads it; whatever came of it otherwise, the till speaks English.
            tracing::error!(%error, "the till's own Chinese cannot be read");
            Translation {
                code: "zh".into(),
                name: "中文".into(),
                rule: Rule::english(),
                words: HashMap::new(),
            }
        })
    })
}

/// A file to be filled in, with all texts of the screens and these words of receipts.
#[must_use]
pub fn to_fill_in<'a>(paper: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from(
        "# Texts of an Evertill till. Fill in the header and each msgstr; what stays empty is said in English.\n\
         # {} and {0} stand for amounts and names: each must be in the translation, too.\nmsgid \"\"\nmsgstr \"\"\n\
         \"Content-Type: text/plain; charset=UTF-8\\n\"\n\"Language: \\n\"\n\"X-Language-Name: \\n\"\n\
         \"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n",
    );
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    // Writing to a string does not fail.
    for entry in po::read(CHINESE).unwrap_or_default().iter().filter(|entry| !entry.id.is_empty()) {
        let _ = write!(out, "\nmsgid \"{}\"\n", escaped(&entry.id));
        let _ = match entry.plural.as_str() {
            "" => writeln!(out, "msgstr \"\""),
            plural => writeln!(out, "msgid_plural \"{}\"\nmsgstr[0] \"\"\nmsgstr[1] \"\"", escaped(plural)),
        };
    }
    let words: BTreeSet<&str> = paper.into_iter().collect();
    for word in words {
        let _ = write!(out, "\nmsgctxt \"{ON_PAPER}\"\nmsgid \"{}\"\nmsgstr \"\"\n", escaped(word));
    }
    out
}

/// The languages of a shop's own files, and what is wrong with the others of them, in words. Each is there for as long as the
/// program runs.
pub fn added(folder: &Path, files: &[PathBuf]) -> (Vec<&'static Translation>, Vec<LanguageError>) {
    let (mut good, mut bad): (Vec<&'static Translation>, _) = (Vec::new(), Vec::new());
    for file in files {
        let path = file.clone();
        let known = |code: &str| ["en", "zh"].contains(&code) || good.iter().any(|other| other.code == code);
        match from_file(folder, file) {
            Ok(found) if known(&found.code) => {
                let why = format!("the till has the language '{}' already", found.code);
                bad.push(LanguageError::Bad { path, why });
            }
            Ok(found) => good.push(Box::leak(Box::new(found))),
            Err(error) => bad.push(error),
        }
    }
    (good, bad)
}

/// It is called by the name that the settings have for it.
fn from_file(folder: &Path, file: &Path) -> Result<Translation, LanguageError> {
    let (path, place) = (file.to_owned(), folder.join(file));
    let bytes = match at_most(&place, LONGEST + 1) {
        Ok(bytes) => bytes,
        Err(error) => return Err(LanguageError::Io { path, error }),
    };
    if bytes.len() as u64 > LONGEST {
        return Err(LanguageError::Bad { path, why: format!("it is longer than {LONGEST} bytes") });
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(LanguageError::Bad { path, why: "it is not in UTF-8".into() });
    };
    Translation::of_shop(&text).map_err(|error| LanguageError::Bad { path, why: error.to_string() })
}

/// The beginning of a file. Nothing is read from what is no file: a pipe would never end.
fn at_most(place: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(place)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut found = Vec::new();
    std::fs::File::open(place)?.take(bytes).read_to_end(&mut found)?;
    Ok(found)
}

/// `de`, `pt_BR`, `sr-Latn`: it is the name of a file's contents, and of nothing else.
fn is_code(code: &str) -> bool {
    let mut parts = code.split(['_', '-']);
    let first = parts.next().unwrap_or_default();
    let plain = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(plain)
        && code.len() <= 16
}

#[cfg(test)]
mod tests;
