//! What a template makes of some receipts of this shop, before any till has it.

use super::paper::{Outlines, Paper, Said, draw};
use super::words::{Language, Words};
use evertill_shared::paper::Roll;
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::receipt::examples::Shown;
use evertill_shared::receipt::layout::{Labels, document};
use evertill_shared::receipt::template::Template;

/// One receipt, on each paper.
pub(super) struct Sample {
    pub title: &'static str,
    pub papers: Vec<Paper>,
}

/// All that is shown of a template.
pub(super) struct Preview {
    /// The black of codes and logos, to which the papers point.
    pub outlines: Vec<String>,
    pub samples: Vec<Sample>,
}

/// Lays the samples out as tills do whose words are in `language`.
pub(super) fn preview(
    template: &Template,
    shop: &StoreInfo,
    language: Language,
    t: &'static Words,
) -> Preview {
    let words = match language {
        Language::English => Labels::english(),
        Language::Chinese => Labels::chinese(),
    };
    let said = Said { no_room: t.receipt_no_room, too_fine: t.receipt_too_fine };
    let mut outlines = Outlines::default();
    let mut sample = |shown: Shown| {
        let page = document(&shown.receipt(shop)?, &words, template);
        let papers = [(Roll::MM80, "80"), (Roll::MM58, "58")]
            .map(|(roll, name)| draw(&page, roll, format!("{}-{name}", shown.name()), &mut outlines, said));
        Some(Sample { title: title(shown, t), papers: papers.into() })
    };
    let samples = Shown::ALL.into_iter().filter_map(&mut sample).collect();
    Preview { outlines: outlines.0, samples }
}

fn title(shown: Shown, t: &'static Words) -> &'static str {
    match shown {
        Shown::Sale => t.receipt_sale,
        Shown::Refund => t.receipt_refund,
        Shown::Copy => t.receipt_copy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::words::{CHINESE, ENGLISH};
    use askama::Template as _;

    fn drawn(template: &Template, language: Language) -> Vec<Vec<String>> {
        let t = if language == Language::English { &ENGLISH } else { &CHINESE };
        let preview = preview(template, &crate::order_group::testing::store(), language, t);
        let papers = |sample: &Sample| sample.papers.iter().map(|paper| paper.render().unwrap()).collect();
        preview.samples.iter().map(papers).collect()
    }

    /// The texts of a paper without the spaces between them, row by row.
    fn rows(paper: &str) -> Vec<String> {
        let row = |line: &str| {
            let parts = line.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
            parts.collect::<String>()
        };
        paper.lines().filter(|line| line.starts_with("<text")).map(row).collect()
    }

    #[test]
    fn a_preview_has_row_by_row_what_the_tills_layout_gives() {
        let shop = crate::order_group::testing::store();
        let template = Template::default();
        for (language, words) in
            [(Language::English, Labels::english()), (Language::Chinese, Labels::chinese())]
        {
            for (shown, papers) in Shown::ALL.into_iter().zip(drawn(&template, language)) {
                let page = document(&shown.receipt(&shop).unwrap(), &words, &template);
                for (paper, columns) in papers.iter().zip([48, 32]) {
                    let text = page.to_text(columns);
                    let printed = text.lines().map(|line| line.split(' ').collect::<String>());
                    let code = shown.receipt(&shop).unwrap().qr_text();
                    let printed: Vec<String> =
                        printed.filter(|line| !line.is_empty() && *line != code).collect();
                    // The number alone on its line is a QR code in one, and may be a line in both.
                    let drawn: Vec<String> = rows(paper).into_iter().filter(|line| *line != code).collect();
                    assert_eq!(drawn, printed, "{shown:?} {columns}");
                }
            }
        }
    }

    #[test]
    fn another_template_is_another_preview_and_a_copy_is_marked_on_each() {
        let own = evertill_shared::receipt::template::DEFAULT
            .replace("\naddress center\n", "\ntext center bold en \"Come again\" zh \"欢迎再来\"\n");
        let all = drawn(&Template::parse(&own).unwrap(), Language::Chinese);
        assert_eq!((all.len(), all.iter().all(|papers| papers.len() == 2)), (3, true));
        for papers in &all {
            assert!(papers.iter().all(|paper| rows(paper).contains(&"欢迎再来".to_owned())));
        }
        assert!(all[2].iter().all(|paper| paper.matches("重印").count() == 2));
        assert!(all[1].iter().all(|paper| paper.contains("退款单")));
        assert!(!all[0].concat().contains("重印"));
    }
}
