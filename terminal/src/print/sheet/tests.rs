use super::*;
use crate::print::examples::Example;
use crate::print::letters::FONT;
use crate::print::{Look, document};
use crate::view::Language;
use evertill_shared::receipt::template::Template;

fn example(example: Example, profile: &Profile) -> Sheet {
    let template = Template::default();
    let look = Look { language: Language::Chinese, template: &template };
    let page = document(&example.receipt().unwrap(), look);
    sheet(&page, profile, &Face::new(FONT).unwrap()).unwrap()
}

#[test]
fn every_text_stands_on_the_paper_and_amounts_end_at_its_right_edge() {
    let face = Face::new(FONT).unwrap();
    for profile in [Profile::paper_80mm(), Profile::paper_58mm()] {
        for kind in Example::ALL {
            let sheet = example(kind, &profile);
            let right = MARGIN + f32::from(profile.dots);
            let mut amounts = 0;
            let is_amount = |text: &str| {
                text.strip_prefix('￥').is_some_and(|rest| !rest.contains(' ')) && text.contains('.')
            };
            for mark in &sheet.marks {
                let Mark::Text(run) = mark else { continue };
                let end = run.x + face.width(&run.text) * run.size * run.stretch;
                assert!(run.x >= MARGIN - 0.01 && end <= right + 0.1, "{kind:?} {run:?} ends at {end}");
                assert!(run.baseline < sheet.height);
                let amount = is_amount(&run.text);
                assert!(!amount || (end - right).abs() < 0.1, "{run:?} ends at {end}");
                amounts += usize::from(amount);
            }
            assert!(amounts >= 2, "{kind:?}");
        }
    }
}

#[test]
fn a_line_is_parted_where_its_amount_stands() {
    let parts =
        |text| pieces(text, Align::Left).iter().map(|p| (p.text.to_owned(), p.at)).collect::<Vec<_>>();
    assert_eq!(parts("Tea"), [("Tea".to_owned(), At::Column(0))]);
    assert_eq!(
        parts("  茶 2    4.50"),
        [("茶 2".to_owned(), At::Column(2)), ("4.50".to_owned(), At::EndsBefore(14))]
    );
    assert_eq!(parts(""), []);
    assert_eq!(parts("     4.50"), [("4.50".to_owned(), At::EndsBefore(9))]);
    assert_eq!(pieces("a  b", Align::Center)[0].at, At::Middle);
}

#[test]
fn a_font_that_is_none_is_refused() {
    assert!(matches!(Face::new(b"no font"), Err(SheetError::Font)));
}

#[test]
fn the_pdf_holds_the_letters_that_it_uses_and_no_others() {
    let face = Face::new(FONT).unwrap();
    let sheet = example(Example::Sale, &Profile::paper_80mm());
    let file = pdf::pdf(&sheet, &face, "T0003-1-42").unwrap();
    assert!(file.starts_with(b"%PDF-1.7") && file.len() < 120_000, "{} bytes", file.len());
    let holds = |what: &[u8]| file.windows(what.len()).any(|part| part == what);
    assert!(holds(b"/CIDFontType0C") && holds(b"/ToUnicode"));
    // The character for jasmine in the list from letters to characters.
    assert!(holds(b"<8309>"), "茉");
}

#[test]
fn the_pdf_holds_rare_characters_too_and_letters_that_the_font_got_from_elsewhere() {
    let face = Face::new(FONT).unwrap();
    let sheet = sheet(&Document::new().line("Łódź 䶮 𬶭"), &Profile::paper_80mm(), &face).unwrap();
    let file = pdf::pdf(&sheet, &face, "names").unwrap();
    for letter in [&b"<0141>"[..], b"<017A>", b"<4DAE>", b"<D873DDAD>"] {
        assert!(file.windows(letter.len()).any(|part| part == letter), "{}", letter.escape_ascii());
    }
    let width = |text: &str| face.width(text);
    assert!((width("Ł") - 0.55).abs() < 0.06 && (width("䶮𬶭") - 2.0).abs() < 0.01, "{}", width("Ł"));
}

#[test]
fn the_picture_is_as_wide_as_the_paper() {
    let face = Face::new(FONT).unwrap();
    let sheet = example(Example::Refund, &Profile::paper_58mm());
    let file = png::png(&sheet, &face).unwrap();
    let reader = ::png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height > 600), (448, true));
}
