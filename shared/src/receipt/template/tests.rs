use super::*;
use proptest::prelude::*;

fn error(text: &str) -> String {
    Template::parse(text).unwrap_err().to_string()
}

/// The default with its nth line that holds this replaced.
fn with(line: &str, by: &str) -> String {
    assert!(DEFAULT.lines().any(|other| other == line), "{line}");
    DEFAULT.replacen(&format!("\n{line}\n"), &format!("\n{by}\n"), 1)
}

fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line == part).unwrap() + 1
}

#[test]
fn the_template_that_comes_with_the_till_is_right() {
    let read = Template::parse(DEFAULT).unwrap();
    assert_eq!(Template::default(), read);
    assert_ne!(read, Template::bare());
    let title = &read.header[0];
    assert_eq!(title.what, What::Title);
    assert_eq!(title.look, Look { side: Side::Center, bold: true, width: 2, height: 2 });
    assert_eq!(read.header[2].what, What::Feed(1));
    assert_eq!(read.footer.last().unwrap().what, What::Qr(QR_DOTS));
}

#[test]
fn what_a_receipt_must_say_cannot_be_left_out() {
    let mut refused = 0;
    for section in Section::ALL {
        for what in What::of(section).into_iter().filter(What::is_needed) {
            let head = format!("[{}]", section.name());
            let start = DEFAULT.find(&head).unwrap();
            let (before, after) = DEFAULT.split_at(start);
            let gone: Vec<&str> = after
                .lines()
                .scan(false, |done, line| {
                    let hit = !*done && line.split(' ').next() == Some(what.name());
                    *done |= hit;
                    Some(if hit { "# gone" } else { line })
                })
                .collect();
            let text = format!("{before}{}", gone.join("\n"));
            let said = error(&text);
            assert!(said.contains(&format!("{head} lacks {}", what.name())), "{said}");
            assert!(said.starts_with(&format!("line {}:", line_of(&text, &head))), "{said}");
            refused += 1;
        }
    }
    assert_eq!(refused, 16);
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_could_stand_there() {
    for (line, by, said) in [
        ("[sale]", "[sales]", "no section [sales]"),
        ("goods", "good", "[sale] has no \"good\"; it takes goods, discount, total"),
        ("goods", "goods\ngoods", "goods stands in this section a second time"),
        ("goods", "goods center", "its own place"),
        ("goods", "goods 5x1", "sizes such as 2x3"),
        ("goods", "goods tall wide", "\"wide\" says again"),
        ("goods", "goods bold bold", "\"bold\" says again"),
        ("goods", "goods \"x\"", "only text takes texts"),
        ("feed 1", "feed", "a number from 1 to 10"),
        ("feed 1", "feed 11", "a number from 1 to 10"),
        ("feed 1", "feed 1 bold", "no letters"),
        ("qr", "qr 2", "a number from 3 to 16"),
        ("title center bold double", "title center left", "\"left\" says again"),
        ("address center", "text", "a text in quotation marks is missing"),
        ("address center", "text en", "a text in quotation marks is missing"),
        ("address center", "text en center \"x\"", "directly before its text"),
        ("address center", "text fr \"x\"", "\"fr\" says nothing here"),
        ("address center", "text \"x\" \"y\"", "\"x\" says again"),
        ("address center", "text en \"x\" en \"y\"", "\"x\" says again"),
        ("address center", "text \"x", "quotation marks"),
        ("address center", "text \"x\"y", "quotation marks"),
        ("address center", "text x\"y\"", "quotation marks"),
        ("address center", "text \"\\n\"", "quotation marks"),
        ("address center", "text \"\"", "1 to 200 characters"),
        ("address center", "text \"a\u{7}b\"", "control characters"),
        ("address center", "\"x\"", "quotation marks"),
        ("address center", "| AAAA", "below the line of their logo"),
        ("address center", "logo", "the logo's size is missing"),
        ("address center", "logo 8x8 bold\n| AAAAAAAAAAA=", "no letters"),
        ("address center", "logo 7x8\n| AAAAAAAAAAA=", "8 to 576 dots wide"),
        ("address center", "logo 8x9\n| AAAAAAAAAAA=", "as many dots"),
        ("address center", "logo 8x8\n| ....", "as many dots"),
        ("address center", "logo 65536x8\n| AAAA", "the logo's size is missing"),
    ] {
        let text = with(line, by);
        let told = error(&text);
        assert!(told.contains(said), "{by:?}: {told}");
        let wanted = line_of(&text, by.lines().next().unwrap());
        let wanted = if by == "goods\ngoods" { wanted + 1 } else { wanted };
        assert!(told.starts_with(&format!("line {wanted}: ")), "{by:?}: {told}");
    }
    assert_eq!(error(""), "line 1: the first line must be `evertill-receipt 1`");
    assert!(error("# mine\ntitle").starts_with("line 2: the first line"));
    assert!(error("evertill-receipt 2").contains("`evertill-receipt 1`"));
    assert!(error("evertill-receipt 1\ntitle").contains("a section must come first"));
    assert!(error("evertill-receipt 1\n[header]\ntitle\n").contains("[sale] is missing"));
    assert!(error(&format!("{DEFAULT}\n[sale]")).contains("a second time"));
    assert!(error(&" ".repeat(LONGEST + 1)).contains("longer than"));
    assert!(error(&with("goods", &"separator\n".repeat(61))).contains("60 lines"));
}

#[test]
fn a_shops_words_are_told_apart_by_language() {
    let own = "text center bold \"Open \\\"late\\\"\" zh \"营业到深夜\"";
    let read = Template::parse(&with("address center", own)).unwrap();
    let What::Text(words) = &read.header[1].what else { panic!("{:?}", read.header) };
    assert_eq!((words.of("en"), words.of("zh")), (Some("Open \"late\""), Some("营业到深夜")));
    let read = Template::parse(&with("address center", "text zh \"谢谢\"")).unwrap();
    let What::Text(words) = &read.header[1].what else { panic!("{:?}", read.header) };
    assert_eq!((words.of("en"), words.of("zh")), (None, Some("谢谢")));
}

#[test]
fn a_file_from_another_system_reads_the_same() {
    let foreign = format!("\u{FEFF}{}", DEFAULT.replace('\n', "\r\n"));
    assert_eq!(Template::parse(&foreign), Template::parse(DEFAULT));
}

#[test]
fn a_logo_comes_back_as_it_went() {
    let dots: Vec<u8> = (0..=255).cycle().take(48 * 96).collect();
    let logo = Logo::new(384, 96, dots).unwrap();
    let read = Template::parse(&with("address center", logo.to_text().trim_end())).unwrap();
    assert_eq!(read.header[1].what, What::Logo(logo));
    assert_eq!(read.header[1].look.side, Side::Center);
    assert_eq!(Logo::new(576, 401, vec![0; 72 * 401]), Err(LogoError::Size));
    let largest = Logo::new(576, 400, vec![7; 72 * 400]).unwrap().to_text();
    assert!(Template::parse(&with("address center", largest.trim_end())).is_ok(), "the largest fits");
}

#[test]
fn the_bare_template_has_all_that_is_needed_and_no_more() {
    let bare = Template::bare();
    let all = [&bare.header, &bare.sale, &bare.refund, &bare.footer];
    assert_eq!(all.iter().map(|blocks| blocks.len()).sum::<usize>(), 16);
    assert!(all.iter().all(|blocks| blocks.iter().all(|block| block.what.is_needed())));
}

/// A change that a tired person makes to a file.
#[derive(Clone, Debug)]
enum Slip {
    Drop(usize),
    Double(usize),
    Swap(usize, usize),
    Insert(usize, String),
    Character(usize, char),
}

fn slip() -> impl Strategy<Value = Slip> {
    let place = 0..80_usize;
    prop_oneof![
        place.clone().prop_map(Slip::Drop),
        place.clone().prop_map(Slip::Double),
        (place.clone(), place.clone()).prop_map(|(a, b)| Slip::Swap(a, b)),
        (place, "[a-z\\[\\]\"0-9x| #\\\\]{0,20}").prop_map(|(a, text)| Slip::Insert(a, text)),
        (0..3_000_usize, any::<char>()).prop_map(|(a, c)| Slip::Character(a, c)),
    ]
}

fn slipped(slips: &[Slip]) -> String {
    let mut text = DEFAULT.to_owned();
    for slip in slips {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = |place: usize| place % lines.len().max(1);
        match slip {
            Slip::Drop(place) => drop(lines.remove(at(*place))),
            Slip::Double(place) => lines.insert(at(*place), lines[at(*place)].clone()),
            Slip::Swap(a, b) => {
                let (a, b) = (at(*a), at(*b));
                lines.swap(a, b);
            }
            Slip::Insert(place, new) => lines.insert(at(*place), new.clone()),
            Slip::Character(place, new) => {
                let mut all: Vec<char> = text.chars().collect();
                let place = place % all.len().max(1);
                all[place] = *new;
                lines = all.into_iter().collect::<String>().lines().map(str::to_owned).collect();
            }
        }
        text = lines.join("\n");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_at_all_breaks_the_reader(text in any::<String>()) {
        let _ = Template::parse(&text);
        let _ = Template::parse(&format!("evertill-receipt 1\n[header]\n{text}"));
    }

    #[test]
    fn whatever_slips_a_template_that_is_taken_says_what_a_receipt_must(slips in prop::collection::vec(slip(), 1..6)) {
        let text = slipped(&slips);
        match Template::parse(&text) {
            Ok(read) => {
                for (section, blocks) in [
                    (Section::Header, &read.header),
                    (Section::Sale, &read.sale),
                    (Section::Refund, &read.refund),
                    (Section::Footer, &read.footer),
                ] {
                    for what in What::of(section).iter().filter(|what| what.is_needed()) {
                        let found = blocks.iter().filter(|block| block.what.name() == what.name()).count();
                        prop_assert_eq!(found, 1);
                    }
                    for block in blocks {
                        let look = block.look;
                        prop_assert!((1..=4).contains(&look.width) && (1..=4).contains(&look.height));
                    }
                }
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1), "{}", error);
            }
        }
    }
}
