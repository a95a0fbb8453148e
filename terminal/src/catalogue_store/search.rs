//! The index of names: one long text that is searched through at each key. Five megabytes for a hundred thousand goods, and a
//! millisecond or two; nothing to keep in step but the text itself.

use super::CatalogueError;
use super::shelf::Row;
use evertill_shared::protocol::catalogue::Product;
use memchr::memmem::{self, Finder};
use pinyin::{ToPinyin as _, ToPinyinMulti as _};
use rusqlite::{Connection, OpenFlags};
use std::collections::BinaryHeap;
use std::path::Path;

/// Between the name, the letters and the id of one product.
const FIELD: char = '\u{1f}';
/// Before and behind each product.
const ENTRY: char = '\n';
/// So much of the text may be of goods that are gone before it is written anew: one part in this many.
const SPARE: usize = 4;

/// The most ways in which a name's letters are kept.
const MOST_READINGS: usize = 16;

/// What a product is found by, in small letters: its name, the letters that the characters of a Chinese name begin with,
/// its id. A character may be read in several ways (重庆 is cq to one and zq to another): each way stands there, between
/// spaces, which no word that is searched for has.
pub(super) fn words_of(product: &Product) -> String {
    let name = plain(&product.name);
    let letters: String = if name.is_ascii() { String::new() } else { readings(&name).join(" ") };
    format!("{name}{FIELD}{letters}{FIELD}{}", plain(&product.id))
}

/// The letters of a name in all its ways, the usual one first. If those are too many, only those in which one character is
/// read otherwise.
fn readings(name: &str) -> Vec<String> {
    let letters: Vec<Vec<char>> =
        name.chars().map(letters_of).filter(|letters| !letters.is_empty()).collect();
    let ways = letters.iter().fold(1_usize, |ways, letters| ways.saturating_mul(letters.len()));
    let usual: Vec<char> = letters.iter().filter_map(|letters| letters.first().copied()).collect();
    if ways > MOST_READINGS {
        let otherwise = letters.iter().enumerate().flat_map(|(at, letters)| {
            let (before, after) = (usual.get(..at), usual.get(at + 1..));
            let with = move |other: &char| {
                before.into_iter().flatten().chain([other]).chain(after.into_iter().flatten()).collect()
            };
            letters.iter().skip(1).map(with)
        });
        return std::iter::once(usual.iter().collect()).chain(otherwise).take(MOST_READINGS).collect();
    }
    letters.iter().fold(vec![String::new()], |ways, letters| {
        let longer = |way: String| letters.iter().map(move |letter| format!("{way}{letter}"));
        ways.into_iter().flat_map(longer).collect()
    })
}

/// What a character may begin with, the usual first; nothing for one that is not spoken.
fn letters_of(c: char) -> Vec<char> {
    let mut letters: Vec<char> = match (c.to_pinyin(), c.to_pinyin_multi()) {
        (None, _) => return c.is_ascii_alphanumeric().then_some(c).into_iter().collect(),
        (Some(usual), others) => std::iter::once(usual)
            .chain(others.into_iter().flatten())
            .filter_map(|sound| sound.first_letter().chars().next())
            .collect(),
    };
    let mut seen = Vec::new();
    letters.retain(|letter| {
        let first = !seen.contains(letter);
        seen.push(*letter);
        first
    });
    letters
}

/// In small letters, on one line.
fn plain(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_lowercase()
}

/// How well something matches; the smaller the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Same,
    Beginning,
    Words,
    Middle,
    Letters,
}

/// Something that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    rank: Rank,
    pub place: i64,
}

impl Found {
    /// Its name is the text, or begins with it.
    pub fn is_beginning(self) -> bool {
        self.rank <= Rank::Beginning
    }
}

/// Where a product stands in the text, and which. Nothing for one that is gone.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    place: Option<u32>,
}

/// The names of all goods, to be searched.
#[derive(Clone, Debug, Default)]
pub struct SearchText {
    text: String,
    /// By where they start.
    entries: Vec<Entry>,
    /// For each place its entry's number, counted from 1; 0 for none.
    entry_of: Vec<u32>,
    gone: usize,
}

impl SearchText {
    /// Reads the words of all goods from their file.
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut text = Self::default();
        let mut statement = connection.prepare("SELECT place, words FROM good ORDER BY place")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            text.add(row.get(0)?, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
        }
        text.text.shrink_to_fit();
        text.entries.shrink_to_fit();
        text.entry_of.shrink_to_fit();
        Ok(text)
    }

    /// What is at a place is now this, or gone.
    pub(super) fn set(&mut self, row: Row) {
        let number =
            usize::try_from(row.place).ok().and_then(|at| self.entry_of.get(at)).copied().unwrap_or(0);
        let old = (number as usize).checked_sub(1);
        if let (Some(at), Some(words)) = (old, &row.words)
            && self.entry(at) == words
        {
            return;
        }
        if let Some(at) = old {
            self.forget(at);
        }
        if let Some(words) = &row.words {
            self.add(row.place, words);
        }
        if self.gone > self.text.len() / SPARE {
            self.write_anew();
        }
    }

    fn add(&mut self, place: i64, words: &str) {
        // A catalogue of four gigabytes of names, or of four billion goods, is not searched by name.
        let (Ok(start), Ok(short)) = (u32::try_from(self.text.len()), u32::try_from(place)) else { return };
        self.text.push(ENTRY);
        self.text.push_str(words);
        self.text.push(ENTRY);
        self.entries.push(Entry { start, place: Some(short) });
        let at = short as usize;
        if self.entry_of.len() <= at {
            self.entry_of.resize(at + 1, 0);
        }
        if let (Some(slot), Ok(number)) = (self.entry_of.get_mut(at), u32::try_from(self.entries.len())) {
            *slot = number;
        }
    }

    fn forget(&mut self, at: usize) {
        let size = self.entry(at).len() + 2;
        let Some(entry) = self.entries.get_mut(at) else { return };
        if let Some(slot) = entry.place.take().and_then(|place| self.entry_of.get_mut(place as usize)) {
            *slot = 0;
            self.gone += size;
        }
    }

    fn write_anew(&mut self) {
        let mut fresh = Self::default();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(place) = entry.place {
                fresh.add(i64::from(place), self.entry(at));
            }
        }
        *self = fresh;
    }

    /// The words of an entry, without what stands around them.
    fn entry(&self, at: usize) -> &str {
        let start = |at: usize| self.entries.get(at).map_or(self.text.len(), |entry| entry.start as usize);
        self.text.get(start(at) + 1..start(at + 1).saturating_sub(1)).unwrap_or_default()
    }

    /// The best matches, best first; among equals in the order in which they were stored.
    pub(super) fn search(&self, text: &str, most: usize) -> Vec<Found> {
        let wanted = plain(text);
        let words: Vec<&str> = wanted.split_whitespace().collect();
        let Some(rarest) = words.iter().max_by_key(|word| word.len()) else { return Vec::new() };
        let query = Query { text: &wanted, words: words.iter().map(|word| Word::new(word)).collect() };
        let finder = Finder::new(rarest);
        // The worst of the best is on top.
        let mut best = BinaryHeap::with_capacity(most + 1);
        let (mut at, mut offset) = (0, 0);
        let start = |at: usize| self.entries.get(at).map_or(self.text.len(), |entry| entry.start as usize);
        while let Some(hit) = self.text.as_bytes().get(offset..).and_then(|rest| finder.find(rest)) {
            // All entries are passed once, however many hits there are.
            while start(at + 1) <= offset + hit {
                at += 1;
            }
            offset = start(at + 1);
            let Some(place) = self.entries.get(at).and_then(|entry| entry.place) else { continue };
            let Some(rank) = query.rank(self.entry(at)) else { continue };
            let found = Found { rank, place: i64::from(place) };
            if best.len() < most {
                best.push(found);
            } else if best.peek().is_some_and(|worst| found < *worst) {
                best.pop();
                best.push(found);
            }
        }
        best.into_sorted_vec()
    }
}

struct Word<'a> {
    text: &'a str,
    finder: Finder<'a>,
}

impl<'a> Word<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, finder: Finder::new(text) }
    }

    fn rank(&self, name: &str, letters: &str, id: &str) -> Option<Rank> {
        let mut is_inside = false;
        for at in self.finder.find_iter(name.as_bytes()) {
            is_inside = true;
            let before = name.get(..at).and_then(|before| before.chars().next_back());
            if before.is_none_or(|c| !c.is_alphanumeric()) {
                return Some(Rank::Words);
            }
        }
        if letters.split(' ').any(|way| way.starts_with(self.text)) || id.starts_with(self.text) {
            Some(Rank::Words)
        } else if is_inside {
            Some(Rank::Middle)
        } else {
            let found = |text: &str| memmem::find(text.as_bytes(), self.text.as_bytes()).is_some();
            (found(letters) || found(id)).then_some(Rank::Letters)
        }
    }
}

struct Query<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
}

impl Query<'_> {
    /// How well an entry matches; nothing if a word is missing.
    fn rank(&self, entry: &str) -> Option<Rank> {
        let mut fields = entry.split(FIELD);
        let [name, letters, id] = [0; 3].map(|_| fields.next().unwrap_or_default());
        if name == self.text || id == self.text {
            return Some(Rank::Same);
        }
        if name.starts_with(self.text) {
            return Some(Rank::Beginning);
        }
        self.words.iter().try_fold(Rank::Words, |worst, word| Some(worst.max(word.rank(name, letters, id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::MOST_MATCHES;
    use super::*;
    use proptest::prelude::*;

    fn row(place: i64, words: &str) -> Row {
        Row { place, words: Some(format!("{words}{FIELD}{FIELD}g{place}")) }
    }

    fn places(text: &SearchText, wanted: &str) -> Vec<i64> {
        text.search(wanted, MOST_MATCHES).into_iter().map(|found| found.place).collect()
    }

    #[test]
    fn beginnings_come_before_words_and_words_before_middles() {
        let mut text = SearchText::default();
        for (place, name) in ["steak", "green tea", "tea bag", "tea", "tea"].iter().enumerate() {
            text.set(row(i64::try_from(place).unwrap() + 1, name));
        }
        assert_eq!(places(&text, "tea"), [4, 5, 3, 2, 1]);
        assert_eq!(places(&text, "TEA gre"), [2], "in any order");
        assert_eq!(places(&text, "g3"), [3], "the store's own name of it");
        assert!(places(&text, " ").is_empty() && places(&text, "teas").is_empty());
    }

    #[test]
    fn chinese_names_are_found_by_the_letters_that_their_characters_begin_with() {
        let product = |id: &str, name: &str| Product {
            id: id.into(),
            name: name.into(),
            barcodes: Vec::new(),
            price: evertill_shared::money::Amount::new(1, evertill_shared::money::Currency::CNY),
            tax_rate: evertill_shared::order::line::TaxRate(0),
            favourite: false,
            sold_by_weight: false,
            least_age: None,
            needs_serial: false,
        };
        let words = words_of(&product("A1", "可口可乐 330ml"));
        let fields: Vec<&str> = words.split(FIELD).collect();
        assert_eq!((fields[0], fields[2]), ("可口可乐 330ml", "a1"));
        assert_eq!(fields[1].split(' ').next(), Some("kkkl330ml"), "the usual reading first");
        assert_eq!(words_of(&product("x", "Two\nlines")), format!("two lines{FIELD}{FIELD}x"));
        let mut text = SearchText::default();
        for (place, name) in [(1, "可口可乐"), (2, "农夫山泉"), (3, "大米")] {
            text.set(Row { place, words: Some(words_of(&product(&format!("p{place}"), name))) });
        }
        assert_eq!(places(&text, "kkk"), [1]);
        assert_eq!(places(&text, "NFSQ"), [2]);
        assert_eq!(places(&text, "sq"), [2], "from the middle, too");
        assert_eq!(places(&text, "口可"), [1]);
    }

    #[test]
    fn each_character_that_a_name_in_china_may_have_has_its_letter() {
        let table = include_str!("../../ui/fonts/general-standard.txt");
        let all = table.lines().filter(|line| !line.starts_with('#')).flat_map(str::chars);
        let without: String = all.clone().filter(|c| c.to_pinyin().is_none()).collect();
        assert_eq!((all.count(), without.as_str()), (8_105, ""));
        assert!(readings("玥䶮喆").contains(&"yyz".to_owned()));
    }

    #[test]
    fn a_name_is_found_by_each_way_in_which_its_characters_are_read() {
        for (name, ways) in [("重庆小面", ["cqxm", "zqxm"]), ("长城葡萄酒", ["ccptj", "zcptj"])] {
            let letters = readings(name);
            for way in ways {
                assert!(letters.iter().any(|letters| letters == way), "{name}: {letters:?}");
            }
        }
        // Too many ways for all of them: one character read otherwise is found all the same.
        let long = "重庆长城大行和都重庆长城";
        let letters = readings(long);
        assert!(letters.len() <= MOST_READINGS && letters.iter().all(|way| way.len() == 12), "{letters:?}");
        let mut seen = letters.clone();
        seen.dedup();
        assert_eq!(seen.len(), letters.len());
    }

    proptest! {
        /// Whatever was put, changed and taken away: the index finds what a plain look through the goods finds.
        #[test]
        fn the_index_finds_what_is_there_and_nothing_else(
            changes in prop::collection::vec((1_i64..20, prop::option::of("[abc ]{0,6}")), 0..120),
            wanted in "[abc]{1,3}",
        ) {
            let mut text = SearchText::default();
            let mut plainly = std::collections::BTreeMap::new();
            for (place, name) in changes {
                // The id holds no letter that is searched for.
                let words = name.map(|name| format!("{}{FIELD}{FIELD}{place}", plain(&name)));
                text.set(Row { place, words: words.clone() });
                match words {
                    Some(words) => plainly.insert(place, words),
                    None => plainly.remove(&place),
                };
            }
            let mut found = places(&text, &wanted);
            found.sort_unstable();
            let expected: Vec<i64> =
                plainly.iter().filter(|(_, words)| words.contains(&wanted)).map(|(place, _)| *place).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
