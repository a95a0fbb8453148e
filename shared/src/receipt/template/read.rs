//! Reading a template: strict, line by line.

use super::words::LONGEST_LINE;
use super::{Block, LONGEST, Logo, LogoError, Look, QR_DOTS, Section, Side, Template, What, Words};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The first line of every template.
const FIRST: &str = "evertill-receipt 1";
/// The most blocks of a section.
const MOST_BLOCKS: usize = 60;
/// The most empty lines at one place.
const MOST_FEED: u8 = 10;
/// How large the modules of a QR code can be, in dots: smaller ones are not read from this paper.
const MODULE_DOTS: RangeInclusive<u8> = 3..=16;
/// The largest letters.
const LARGEST: u8 = 4;

/// A template that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct TemplateError {
    /// In which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is too long.
    #[error("the template is longer than {} KiB", LONGEST / 1024)]
    TooLong,
    /// It does not begin as a template does.
    #[error("the first line must be `{FIRST}`")]
    NoTemplate,
    /// A section's name.
    #[error("there is no section [{0}]; there are [header], [sale], [refund] and [footer]")]
    NoSuchSection(String),
    /// A section twice.
    #[error("[{0}] stands there a second time")]
    SectionTwice(&'static str),
    /// A section is missing.
    #[error("the section [{0}] is missing")]
    SectionMissing(&'static str),
    /// A block before the first section.
    #[error("a section must come first, such as [header]")]
    NoSection,
    /// A block's name.
    #[error("[{section}] has no {word:?}; it takes {takes}")]
    NoSuchBlock {
        /// Where it stands.
        section: &'static str,
        /// What stands there.
        word: String,
        /// What could stand there.
        takes: String,
    },
    /// A block that stands once stands twice.
    #[error("{0} stands in this section a second time")]
    BlockTwice(&'static str),
    /// What a receipt must say.
    #[error("[{section}] lacks {block}: every receipt must say it")]
    Lacks {
        /// Which section.
        section: &'static str,
        /// What is missing.
        block: &'static str,
    },
    /// Too much.
    #[error("a section has {MOST_BLOCKS} lines at most")]
    TooMany,
    /// A word that says nothing here.
    #[error("{0:?} says nothing here; {1}")]
    Word(String, WhyNot),
    /// The same is said twice.
    #[error("{0:?} says again what was said before")]
    Again(String),
    /// A text without its end, or with more behind it.
    #[error("a text stands between two quotation marks; one inside is written \\\"")]
    Quotes,
    /// A text that cannot be printed.
    #[error("a text has 1 to {LONGEST_LINE} characters and no control characters")]
    Text,
    /// No text at all.
    #[error("a text in quotation marks is missing")]
    NoText,
    /// A number.
    #[error("a number from {0} to {1} is missing here")]
    Number(u8, u8),
    /// A picture.
    #[error(transparent)]
    Logo(#[from] LogoError),
    /// A logo's size is missing.
    #[error("the logo's size is missing, such as 384x96; make its lines with `evertill-receipt logo`")]
    NoSize,
    /// Dots without a logo.
    #[error("dots stand directly below the line of their logo")]
    Dots,
}

/// Why a word says nothing where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// A text behind another block.
    #[error("only text takes texts")]
    NoText,
    /// A word between a language and its text.
    #[error("a language stands directly before its text")]
    Language,
    /// A side.
    #[error("this has its own place on the line")]
    OwnPlace,
    /// No look at all.
    #[error("there are left, center, right, bold, tall, wide, double and sizes such as 2x3")]
    NoLook,
    /// A size.
    #[error("this has no letters")]
    NoLetters,
}

fn at(line: usize) -> impl Fn(Fault) -> TemplateError {
    move |fault| TemplateError { line, fault }
}

/// A section while it is read.
struct Open {
    line: usize,
    blocks: Vec<Block>,
}

/// A logo whose dots are still coming.
struct Dots {
    line: usize,
    width: u16,
    height: u16,
    look: Look,
    text: String,
}

#[derive(Default)]
struct Reader {
    sections: BTreeMap<Section, Open>,
    current: Option<Section>,
    dots: Option<Dots>,
}

pub(super) fn template(text: &str) -> Result<Template, TemplateError> {
    if text.len() > LONGEST {
        return Err(at(1)(Fault::TooLong));
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader = Reader::default();
    let mut begun = false;
    let mut last = 1;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        last = number;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if begun {
            reader.line(number, line)?;
        } else if line == FIRST {
            begun = true;
        } else {
            return Err(at(number)(Fault::NoTemplate));
        }
    }
    if !begun {
        return Err(at(1)(Fault::NoTemplate));
    }
    reader.end(last)
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), TemplateError> {
        if let Some(more) = line.strip_prefix('|') {
            let dots = self.dots.as_mut().ok_or_else(|| at(number)(Fault::Dots))?;
            dots.text.push_str(more.trim());
            return Ok(());
        }
        self.end_logo()?;
        if let Some(name) = line.strip_prefix('[') {
            return self.section(number, name.strip_suffix(']').unwrap_or(name)).map_err(at(number));
        }
        self.block(number, line).map_err(at(number))
    }

    fn section(&mut self, line: usize, name: &str) -> Result<(), Fault> {
        let section = Section::ALL.into_iter().find(|section| section.name() == name);
        let section = section.ok_or_else(|| Fault::NoSuchSection(shortened(name)))?;
        if self.sections.insert(section, Open { line, blocks: Vec::new() }).is_some() {
            return Err(Fault::SectionTwice(section.name()));
        }
        self.current = Some(section);
        Ok(())
    }

    fn block(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        let section = self.current.ok_or(Fault::NoSection)?;
        let mut words = split(line)?.into_iter();
        let Some(Word::Bare(name)) = words.next() else { return Err(Fault::Quotes) };
        let rest: Vec<Word> = words.collect();
        if name == "logo" {
            let (width, height, look) = logo_size(&rest)?;
            self.dots = Some(Dots { line: number, width, height, look, text: String::new() });
            return Ok(());
        }
        let block = block(section, &name, &rest)?;
        self.add(section, block)
    }

    fn add(&mut self, section: Section, block: Block) -> Result<(), Fault> {
        let Some(open) = self.sections.get_mut(&section) else { return Err(Fault::NoSection) };
        let once = !matches!(block.what, What::Text(_) | What::Separator | What::Feed(_));
        let name = block.what.name();
        if once && open.blocks.iter().any(|other| other.what.name() == name) {
            return Err(Fault::BlockTwice(name));
        }
        if open.blocks.len() == MOST_BLOCKS {
            return Err(Fault::TooMany);
        }
        open.blocks.push(block);
        Ok(())
    }

    fn end_logo(&mut self) -> Result<(), TemplateError> {
        let (Some(dots), Some(section)) = (self.dots.take(), self.current) else { return Ok(()) };
        let made = Logo::from_text(dots.width, dots.height, &dots.text).map_err(Fault::Logo);
        made.and_then(|logo| self.add(section, Block { what: What::Logo(logo), look: dots.look }))
            .map_err(at(dots.line))
    }

    fn end(mut self, last: usize) -> Result<Template, TemplateError> {
        self.end_logo()?;
        let mut take = |section: Section| -> Result<Vec<Block>, TemplateError> {
            let open = self.sections.remove(&section);
            let open = open.ok_or_else(|| at(last)(Fault::SectionMissing(section.name())))?;
            let has = |what: &What| open.blocks.iter().any(|block| block.what.name() == what.name());
            match What::of(section).iter().find(|what| what.is_needed() && !has(what)) {
                Some(what) => {
                    Err(at(open.line)(Fault::Lacks { section: section.name(), block: what.name() }))
                }
                None => Ok(open.blocks),
            }
        };
        Ok(Template {
            header: take(Section::Header)?,
            sale: take(Section::Sale)?,
            refund: take(Section::Refund)?,
            footer: take(Section::Footer)?,
        })
    }
}

fn block(section: Section, name: &str, rest: &[Word]) -> Result<Block, Fault> {
    match name {
        "text" => return text(rest),
        "separator" => return plain(What::Separator, rest),
        "feed" => return plain(What::Feed(number(rest, 1..=MOST_FEED)?), rest.get(1..).unwrap_or_default()),
        _ => {}
    }
    let what = What::of(section).into_iter().find(|what| what.name() == name).ok_or_else(|| {
        let own = What::of(section);
        let mut takes: Vec<&str> = own.iter().map(What::name).collect();
        takes.extend(["text", "separator", "feed", "logo"]);
        Fault::NoSuchBlock { section: section.name(), word: shortened(name), takes: takes.join(", ") }
    })?;
    match what {
        What::Qr(_) if !rest.is_empty() => {
            plain(What::Qr(number(rest, MODULE_DOTS)?), rest.get(1..).unwrap_or_default())
        }
        What::Qr(_) => plain(What::Qr(QR_DOTS), rest),
        what => plain(what, rest),
    }
}

/// A block that only has a look.
fn plain(what: What, rest: &[Word]) -> Result<Block, Fault> {
    let mut look = Looked::default();
    for word in rest {
        match word {
            Word::Bare(word) => look.take(&what, word)?,
            Word::Quoted(text) => return Err(Fault::Word(shortened(text), WhyNot::NoText)),
        }
    }
    Ok(Block { what, look: look.look })
}

fn text(rest: &[Word]) -> Result<Block, Fault> {
    let what = What::Text(Words::default());
    let (mut look, mut words, mut language) = (Looked::default(), Words::default(), None);
    for word in rest {
        match word {
            Word::Quoted(text) => {
                let text = printable(text)?;
                let before = match language.take() {
                    Some(language) => words.by_language.insert(language, text),
                    None => words.any.replace(text),
                };
                if let Some(before) = before {
                    return Err(Fault::Again(shortened(&before)));
                }
            }
            Word::Bare(word) if language.is_some() => {
                return Err(Fault::Word(shortened(word), WhyNot::Language));
            }
            Word::Bare(word) if matches!(word.as_str(), "en" | "zh") => language = Some(word.clone()),
            Word::Bare(word) => look.take(&what, word)?,
        }
    }
    if words.is_empty() || language.is_some() {
        return Err(Fault::NoText);
    }
    Ok(Block { what: What::Text(words), look: look.look })
}

fn printable(text: &str) -> Result<String, Fault> {
    let count = text.chars().count();
    let fits = (1..=LONGEST_LINE).contains(&count) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Fault::Text) }
}

fn number(rest: &[Word], range: RangeInclusive<u8>) -> Result<u8, Fault> {
    let missing = Fault::Number(*range.start(), *range.end());
    let Some(Word::Bare(word)) = rest.first() else { return Err(missing) };
    word.parse().ok().filter(|number| range.contains(number)).ok_or(missing)
}

fn logo_size(rest: &[Word]) -> Result<(u16, u16, Look), Fault> {
    let Some(Word::Bare(size)) = rest.first() else { return Err(Fault::NoSize) };
    let (width, height) = size.split_once('x').ok_or(Fault::NoSize)?;
    let side = |text: &str| text.parse::<u16>().map_err(|_| Fault::NoSize);
    let (width, height) = (side(width)?, side(height)?);
    // Whatever the picture is, its line takes the same words.
    let any = What::Logo(Logo::new(8, 1, vec![0])?);
    Ok((width, height, plain(any, rest.get(1..).unwrap_or_default())?.look))
}

/// A look while its words are read: each thing is said once.
#[derive(Default)]
struct Looked {
    look: Look,
    side: bool,
    size: bool,
}

impl Looked {
    fn take(&mut self, what: &What, word: &str) -> Result<(), Fault> {
        let no = |why| Err(Fault::Word(shortened(word), why));
        let side = match word {
            "left" => Some(Side::Left),
            "center" => Some(Side::Center),
            "right" => Some(Side::Right),
            _ => None,
        };
        if let Some(side) = side {
            if !what.can_be_aligned() {
                return no(WhyNot::OwnPlace);
            }
            self.look.side = side;
            return self.once(word, |looked| &mut looked.side);
        }
        let size = size(word);
        if word != "bold" && size.is_none() {
            return no(WhyNot::NoLook);
        }
        if !what.has_letters() {
            return no(WhyNot::NoLetters);
        }
        match size {
            Some((width, height)) => {
                (self.look.width, self.look.height) = (width, height);
                self.once(word, |looked| &mut looked.size)
            }
            None if self.look.bold => Err(Fault::Again(shortened(word))),
            None => {
                self.look.bold = true;
                Ok(())
            }
        }
    }

    fn once(&mut self, word: &str, said: impl Fn(&mut Self) -> &mut bool) -> Result<(), Fault> {
        if std::mem::replace(said(self), true) { Err(Fault::Again(shortened(word))) } else { Ok(()) }
    }
}

fn size(word: &str) -> Option<(u8, u8)> {
    match word {
        "tall" => Some((1, 2)),
        "wide" => Some((2, 1)),
        "double" => Some((2, 2)),
        other => {
            let (width, height) = other.split_once('x')?;
            let side = |text: &str| text.parse().ok().filter(|side| (1..=LARGEST).contains(side));
            Some((side(width)?, side(height)?))
        }
    }
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Bare(String),
    Quoted(String),
}

/// The words of a line and the texts between quotation marks, with spaces between them.
fn split(line: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                if word.contains('"') {
                    return Err(Fault::Quotes);
                }
                (Word::Bare(word.to_owned()), after)
            }
        };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err(Fault::Quotes);
        }
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn quoted(inside: &str) -> Result<(Word, &str), Fault> {
    let mut text = String::new();
    let mut characters = inside.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Ok((Word::Quoted(text), inside.get(place + 1..).unwrap_or_default())),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                _ => return Err(Fault::Quotes),
            },
            other => text.push(other),
        }
    }
    Err(Fault::Quotes)
}

/// What is shown of a word that is wrong.
fn shortened(word: &str) -> String {
    word.chars().take(40).collect()
}
