//! What files of languages give, and what is said of those that are broken.

use super::*;

const HEAD: &str = "msgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\"X-Language-Name: Deutsch\\n\"\n\
                    \"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n\n";

fn read(rest: &str) -> Result<Translation, String> {
    Translation::read(&format!("{HEAD}{rest}")).map_err(|error| error.to_string())
}

const TWO_AMOUNTS: &str = "{} back to the wallet, {} in cash from the drawer";

fn entry(id: &str, translated: &str) -> String {
    format!("msgid \"{id}\"\nmsgstr \"{translated}\"\n\n")
}

#[test]
fn chinese_is_read_whole() {
    let chinese = Translation::read(CHINESE).unwrap();
    assert_eq!((chinese.code(), chinese.name()), ("zh", "中文"));
    assert_eq!(chinese.word("", "Total"), Some("合计"));
    assert_eq!(chinese.plural("", "{n} item", 7), Some("共 {n} 件"));
    let (has, all) = chinese.covered();
    assert!(has == all && all > 500, "{has} of {all}");
}

#[test]
fn a_language_says_what_it_has_and_nothing_else() {
    let rest = entry("Total", "Summe")
        + &entry("Cash", "")
        + "#, fuzzy\n"
        + &entry("Change", "Rest?")
        + "msgctxt \"receipt\"\nmsgid \"Total\"\nmsgstr \"SUMME\"\n\n\
           msgid \"{n} item\"\nmsgid_plural \"{n} items\"\nmsgstr[0] \"ein Stück\"\nmsgstr[1] \"{n} Stücke\"\n";
    let german = read(&rest).unwrap();
    assert_eq!((german.code(), german.name()), ("de", "Deutsch"));
    assert_eq!((german.word("", "Total"), german.word(ON_PAPER, "Total")), (Some("Summe"), Some("SUMME")));
    for none in ["Cash", "Change", "Never heard"] {
        assert_eq!(german.word("", none), None, "{none}");
    }
    assert_eq!(
        (german.plural("", "{n} item", 1), german.plural("", "{n} item", 0)),
        (Some("ein Stück"), Some("{n} Stücke"))
    );
    assert_eq!(german.covered().0, 2, "of the screens");
}

#[test]
fn words_on_paper_are_those_whose_letters_printers_know() {
    let word = |text: &str, translated: &str| format!("msgctxt \"receipt\"\n{}", entry(text, translated));
    let german =
        read(&(word("Cash", "Bar") + &word("Change", "Rückgeld") + &word("Was", "statt früherem ä")));
    let german = german.unwrap();
    assert_eq!((german.on_paper("Cash"), german.on_paper("Change")), (Some("Bar"), Some("Rückgeld")));
    assert_eq!((german.on_paper("Was"), german.on_paper("Till")), (None, None));
}

#[test]
fn the_file_to_be_filled_in_holds_every_text() {
    let empty = to_fill_in(["Was", "Cash", "Was"]);
    let headed = empty
        .replace("\"Language: \\n\"", "\"Language: qq\\n\"")
        .replace("X-Language-Name: ", "X-Language-Name: Qq");
    assert_eq!(Translation::read(&headed).unwrap().covered().0, 0);
    assert!(Translation::read(&empty).is_err(), "its header is to be filled in, too");
    // Each text translated by itself.
    let mut filled = String::new();
    let (mut id, mut plural) = (String::new(), String::new());
    for line in headed.lines() {
        match line.split_once(' ') {
            Some(("msgid", text)) => id = text.to_owned(),
            Some(("msgid_plural", text)) => plural = text.to_owned(),
            _ => {}
        }
        filled += &match line {
            "msgstr \"\"" if id != "\"\"" => format!("msgstr {id}\n"),
            "msgstr[0] \"\"" | "msgstr[1] \"\"" => line.replace("\"\"", &plural) + "\n",
            _ => format!("{line}\n"),
        };
    }
    let filled = Translation::read(&filled).unwrap();
    let (has, all) = filled.covered();
    assert!(has == all && all > 500, "{has} of {all}");
    assert_eq!((filled.on_paper("Was"), filled.plural("", "{n} item", 3)), (Some("Was"), Some("{n} items")));
}

#[test]
fn a_translation_that_loses_an_amount_is_refused_in_words() {
    let said = |id: &str, translated: &str| read(&entry(id, translated)).unwrap_err();
    assert_eq!(
        said("Hand {} back to the customer", "Dem Kunden zurückgeben"),
        "line 7: 'Hand {} back to the customer': 'Dem Kunden zurückgeben' must hold {0}, each once and as it is there"
    );
    assert!(said("{0} of {1}", "{0} von {0}").contains("must hold {0} and {1}"));
    assert!(said("{0} of {1}", "{0} von {").contains("must hold {0} and {1}"));
    assert!(said("Total", "Summe {}").contains("nothing stands for it"));
    // Each of these the window would show as it stands, or as another place: see its formatter.
    for wrong in ["{ }", "{0 }", "{n}", "{+0}", "{0}}", "{{0}}", "{{}}", "{1}", "{} {}", "{00}", "{total}"] {
        assert!(said("Paid {}", &format!("Bezahlt {wrong}")).contains("must hold {0}"), "{wrong}");
    }
    let mixed = read(&entry("{} of {}", "{1}: {}")).unwrap();
    assert_eq!(mixed.word("", "{} of {}"), Some("{1}: {}"), "the bare one is the first, wherever it stands");
    // In another order they are all there.
    let german = read(&entry("{} of {}", "von {1} erst {0}")).unwrap();
    assert_eq!(german.word("", "{} of {}"), Some("von {1} erst {0}"));
    let one = "msgid \"{n} item\"\nmsgid_plural \"{n} items\"\nmsgstr[0] \"{n} Stück\"\n";
    assert!(read(one).unwrap_err().contains("1 translations"), "{:?}", read(one));
    let lost =
        "msgid \"{n} of {} left\"\nmsgid_plural \"{n} of {} left\"\nmsgstr[0] \"{n}\"\nmsgstr[1] \"{n}\"\n";
    assert!(read(lost).unwrap_err().contains("must hold"));
    assert!(read(&(entry("Total", "a") + &entry("Total", "b"))).unwrap_err().contains("there twice"));
}

#[test]
fn a_number_is_left_out_only_where_the_form_is_of_that_number_alone() {
    let forms = |one: &str, more: &str| {
        format!(
            "msgid \"{{n}} item\"\nmsgid_plural \"{{n}} items\"\nmsgstr[0] \"{one}\"\nmsgstr[1] \"{more}\"\n"
        )
    };
    assert!(read(&forms("ein Stück", "{n} Stücke")).is_ok());
    assert!(read(&forms("{n} Stück", "viele Stücke")).unwrap_err().contains("must hold {n}"));
    let french = HEAD.replace("n != 1", "n > 1");
    let said = Translation::read(&(french + &forms("un article", "{n} articles"))).unwrap_err().to_string();
    assert!(said.contains("must hold {n}"), "nothing is 'un article', too: {said}");
    let one_form = HEAD.replace("nplurals=2; plural=(n != 1);", "nplurals=1; plural=0;");
    let alone = "msgid \"{n} item\"\nmsgid_plural \"{n} items\"\nmsgstr[0] \"Stücke\"\n";
    assert!(Translation::read(&(one_form + alone)).is_err());
}

#[test]
fn a_translation_that_nobody_could_read_is_refused_in_words() {
    let said = |id: &str, translated: &str| read(&entry(id, translated)).unwrap_err();
    for blank in [" ", "\u{a0}\u{3000}", "\u{200b}\u{ad}"] {
        assert!(said("*** COPY ***", blank).contains("nothing in it to be seen"), "{blank:?}");
    }
    for order in ["\u{202e}{}", "\u{2066}{}", "\u{2028}{}", "\u{1b}[2J{}", "\\t{}", "\\n{}"] {
        assert!(said("Change {}", order).contains("cannot be shown"), "{order:?}");
    }
    assert!(read(&entry("one\\ntwo", "eins\\nzwei")).is_ok(), "where the text itself has two lines");
    assert!(said("Cash", &"ä".repeat(601)).contains("longer than 600"));
    assert!(read(&entry("Cash", &"ä".repeat(600))).is_ok());
    let longest = CHINESE.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= LONGEST_TEXT / 2, "there is room for three times the longest of them: {longest}");
}

#[test]
fn a_file_without_a_right_header_is_refused_in_words() {
    let said = |text: &str| Translation::read(text).unwrap_err().to_string();
    assert!(said("").contains("begin with its header"));
    assert!(said(&entry("Total", "Summe")).contains("begin with its header"));
    for code in ["", "../../etc/passwd", "D", "deutsch", "de_"] {
        let text = format!("msgid \"\"\nmsgstr \"Language: {code}\\n\"\n");
        assert!(said(&text).contains("'Language'"), "{code}");
    }
    let text = "msgid \"\"\nmsgstr \"Language: de\\nPlural-Forms: nplurals=2; plural=n;\\n\"\n";
    assert!(said(text).contains("'Plural-Forms'"));
    let text = "msgid \"\"\nmsgstr \"Language: de\\nX-Language-Name: A very long name\\n\"\n";
    assert!(said(text).contains("X-Language-Name"));
    for code in ["de", "pt_BR", "sr-Latn", "yue"] {
        let text = format!("msgid \"\"\nmsgstr \"Language: {code}\\n\"\n");
        let found = Translation::read(&text).unwrap();
        assert_eq!((found.code(), found.name()), (code, code), "without a name it has its code");
    }
}

#[test]
fn of_several_files_the_good_ones_count_and_the_others_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        PathBuf::from(name)
    };
    let german = HEAD.to_owned() + &entry("Total", "Summe");
    let files = [
        put("de.po", german.as_bytes()),
        put("de2.po", german.as_bytes()),
        put("zh.po", CHINESE.as_bytes()),
        put("broken.po", b"msgid \"Total\nmsgstr"),
        put(
            "latin1.po",
            &german.replace("Deutsch", "fran\u{e7}ais").chars().map(|c| c as u8).collect::<Vec<_>>(),
        ),
        put("large.po", &vec![b' '; 1024 * 1024 + 1]),
        PathBuf::from("/dev/zero"),
        PathBuf::from("nowhere.po"),
        PathBuf::from("."),
    ];
    let (good, bad) = added(folder.path(), &files);
    assert_eq!(good.iter().map(|found| found.name()).collect::<Vec<_>>(), ["Deutsch"]);
    let said: Vec<String> = bad.iter().map(ToString::to_string).collect();
    for (file, what) in [
        ("de2.po", "has the language 'de' already"),
        ("zh.po", "has the language 'zh' already"),
        ("broken.po", "line 1: a text must stand"),
        ("latin1.po", "not in UTF-8"),
        ("large.po", "longer than"),
        ("nowhere.po", "No such file"),
        ("/dev/zero", "it is no file"),
    ] {
        assert!(said.iter().any(|said| said.contains(file) && said.contains(what)), "{file}: {said:?}");
    }
    assert_eq!(said.len(), 8);
}

#[test]
fn what_the_till_never_says_in_that_form_is_passed_over() {
    let n = |plural: &str| {
        format!(
            "msgid \"{{n}} item\"\nmsgid_plural \"{plural}\"\nmsgstr[0] \"Stück\"\nmsgstr[1] \"viele\"\n\n"
        )
    };
    let of_another_time = HEAD.to_owned()
        + &n("items")
        + &entry("A text of long ago {}", "weg")
        + "msgid \"Remove: {}\"\nmsgid_plural \"Remove\"\nmsgstr[0] \"weg\"\nmsgstr[1] \"weg\"\n\n\
           msgctxt \"receipt\"\nmsgid \"Till\"\nmsgid_plural \"Tills\"\nmsgstr[0] \"a\"\nmsgstr[1] \"b\"\n\n"
        + &entry("Total", "Summe");
    let german = Translation::of_shop(&of_another_time).unwrap();
    assert_eq!(german.word("", "Total"), Some("Summe"));
    assert_eq!(
        (german.word("", "Remove: {}"), german.plural("", "{n} item", 7)),
        (None, None),
        "no amount is lost"
    );
    assert_eq!((german.on_paper("Till"), german.word("", "A text of long ago {}")), (None, None));
    assert_eq!(german.covered().0, 1);
}

/// What a hostile or a broken tool makes of a right file: whatever comes of it, it is words or a language, and a language has
/// each amount of each text.
#[test]
fn of_many_changed_files_none_stops_the_till_or_loses_an_amount() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let changes = proptest::collection::vec((0..10_000_usize, 0..256_usize, 0..4_u8), 1..6);
    let whole = HEAD.to_owned()
        + &entry(TWO_AMOUNTS, "{} auf die Wallet, {} bar")
        + "msgid \"{n} item\"\nmsgid_plural \"{n} items\"\nmsgstr[0] \"{n} Stück\"\nmsgstr[1] \"{n} Stücke\"\n";
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut characters: Vec<char> = whole.chars().collect();
        let made = proptest::strategy::Strategy::new_tree(&changes, &mut runner).unwrap();
        for (at, other, what) in proptest::strategy::ValueTree::current(&made) {
            let at = at % characters.len().max(1);
            characters.resize(characters.len().max(1), ' ');
            let other = whole.chars().nth(other % whole.chars().count()).unwrap();
            match what {
                0 => characters[at] = other,
                1 => characters.insert(at, other),
                2 => characters.truncate(at.max(1)),
                _ => drop(characters.remove(at)),
            }
        }
        match Translation::of_shop(&characters.iter().collect::<String>()) {
            Ok(found) => {
                taken += 1;
                if let Some(text) = found.word("", TWO_AMOUNTS) {
                    let filled = text.replacen("{}", "{0}", 1).replacen("{}", "{1}", 1);
                    assert_eq!(
                        (filled.matches("{0}").count(), filled.matches("{1}").count()),
                        (1, 1),
                        "{text}"
                    );
                }
                if let Some(text) = found.plural("", "{n} item", 7) {
                    assert!(text.contains("{n}"), "{text}");
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().starts_with("line "), "{error}");
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}
