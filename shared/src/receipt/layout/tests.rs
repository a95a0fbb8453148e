use super::*;
use crate::receipt::examples::Example;

fn text(example: Example, words: &Labels, template: &Template) -> String {
    document(&example.receipt().unwrap(), words, template).to_text(48)
}

#[test]
fn a_copy_is_marked_first_and_last_and_a_refund_by_its_name_whatever_the_template() {
    for template in [Template::default(), Template::bare()] {
        let copy = text(Example::Copy, &Labels::english(), &template);
        let lines: Vec<&str> = copy.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[..2], ["*** COPY 2 ***", "Hand out no goods for a copy."]);
        assert_eq!(lines[lines.len() - 2..], lines[..2]);
        assert!(text(Example::Refund, &Labels::chinese(), &template).contains("退款单"));
    }
}

#[test]
fn a_language_that_a_shop_added_has_its_own_words_and_the_shops_texts_in_english() {
    let template = Template::parse(
        &crate::receipt::template::DEFAULT.replace("\naddress center\n", "\ntext en \"Hi\" zh \"您好\"\n"),
    )
    .unwrap();
    let words = Labels::added("de", |word| if word == "TOTAL" { "SUMME" } else { word });
    assert_eq!(words.spoken, Spoken::Added("de"));
    let german = text(Example::Sale, &words, &template);
    assert!(german.contains("SUMME") && german.contains("Hi") && !german.contains("您好"), "{german}");
    let chinese = text(Example::Sale, &Labels::chinese(), &template);
    assert!(chinese.contains("合计") && chinese.contains("您好") && !chinese.contains("Hi"), "{chinese}");
}

#[test]
fn the_report_of_a_shift_is_written_by_who_was_asked_for_it() {
    let receipt = Example::Shift.receipt().unwrap().as_copy(1);
    let words = (&Labels::english(), &Template::default());
    let page = written(Document::new(), &receipt, words, |paper, report| {
        paper.line(format!("counted: {}", report.counted.len()))
    });
    let text = page.to_text(48);
    assert!(text.contains("counted: 2") && text.matches("*** COPY 1 ***").count() == 2, "{text}");
    assert!(!text.contains("T0003-1-42"), "a report has no footer: {text}");
}
