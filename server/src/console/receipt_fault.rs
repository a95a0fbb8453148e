//! What is wrong with a template, in the words of the console.

use super::words::{Language, Words, fill};
use evertill_shared::receipt::template::{Fault, LONGEST, LogoError, TemplateError, WhyNot};

/// A line that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

/// What is shown of a line, in characters.
const SHOWN: usize = 120;

impl Wrong {
    /// The fault of a template whose text this is.
    pub fn new(error: &TemplateError, text: &str, language: Language) -> Self {
        let found = text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
        let why = match language {
            Language::English => error.fault.to_string(),
            Language::Chinese => in_chinese(&error.fault),
        };
        Self { line: error.line, text: found.chars().take(SHOWN).collect(), why }
    }

    /// In a sentence.
    pub fn sentence(&self, t: &Words) -> String {
        fill(t.receipt_line, &[&self.line.to_string(), &self.why])
    }
}

fn in_chinese(fault: &Fault) -> String {
    match fault {
        Fault::TooLong => format!("样式超过 {} KiB", LONGEST / 1024),
        Fault::NoTemplate => "第一行必须是 `evertill-receipt 1`".into(),
        Fault::NoSuchSection(name) => {
            format!("没有 [{name}] 这一节，只有 [header]、[sale]、[refund] 和 [footer]")
        }
        Fault::SectionTwice(name) => format!("[{name}] 重复出现"),
        Fault::SectionMissing(name) => format!("缺少 [{name}] 一节"),
        Fault::NoSection => "前面必须先有一节，例如 [header]".into(),
        Fault::NoSuchBlock { section, word, takes } => {
            format!("[{section}] 中没有“{word}”，可用的有：{takes}")
        }
        Fault::BlockTwice(name) => format!("{name} 在本节中重复出现"),
        Fault::Lacks { section, block } => format!("[{section}] 缺少 {block}：每张小票都必须有这一项"),
        Fault::TooMany => "一节的行数过多".into(),
        Fault::Word(word, why) => format!("“{word}”在此处无意义：{}", why_not(*why)),
        Fault::Again(word) => format!("“{word}”与前面重复"),
        Fault::Quotes => "文字须写在一对引号之间，其中的引号写作 \\\"".into(),
        Fault::Text => "文字过长、为空，或含有控制字符".into(),
        Fault::NoText => "缺少引号中的文字".into(),
        Fault::Number(least, most) => format!("此处缺少 {least} 到 {most} 之间的数字"),
        Fault::Logo(LogoError::Size) => "徽标的尺寸不对：宽须为 8 的倍数且不超过纸宽".into(),
        Fault::Logo(LogoError::Dots) => {
            "下面各行的点数与所写尺寸不符，请用 `evertill-receipt logo` 重新生成".into()
        }
        Fault::NoSize => "缺少徽标的尺寸，例如 384x96；请用 `evertill-receipt logo` 生成各行".into(),
        Fault::Dots => "点阵行必须紧跟在徽标行之后".into(),
    }
}

fn why_not(why: WhyNot) -> &'static str {
    match why {
        WhyNot::NoText => "只有 text 可以带文字",
        WhyNot::Language => "语言必须紧接在文字之前",
        WhyNot::OwnPlace => "此项在行中的位置是固定的",
        WhyNot::NoLook => "可用 left、center、right、bold、tall、wide、double 及 2x3 之类的尺寸",
        WhyNot::NoLetters => "此项没有文字",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::words::{CHINESE, ENGLISH};
    use evertill_shared::receipt::template::{DEFAULT, Template};

    #[test]
    fn a_fault_names_its_line_and_what_stands_there_in_both_languages() {
        let text = DEFAULT.replace("total bold double", "total center");
        let line = text.lines().position(|line| line == "total center").unwrap() + 1;
        let error = Template::parse(&text).unwrap_err();
        let english = Wrong::new(&error, &text, Language::English);
        assert_eq!((english.line, english.text.as_str()), (line, "total center"));
        assert!(
            english.sentence(&ENGLISH).starts_with(&format!("Line {line}: \"center\" says nothing here"))
        );
        let chinese = Wrong::new(&error, &text, Language::Chinese).sentence(&CHINESE);
        assert!(chinese.contains(&format!("第 {line} 行")) && chinese.contains("位置是固定的"), "{chinese}");
    }

    #[test]
    fn a_line_of_any_length_is_shown_in_part_and_an_empty_template_has_a_first_line() {
        let long = format!("{}\n", "长".repeat(5_000));
        let error = Template::parse(&long).unwrap_err();
        assert_eq!(Wrong::new(&error, &long, Language::English).text.chars().count(), SHOWN);
        let error = Template::parse("").unwrap_err();
        assert_eq!(Wrong::new(&error, "", Language::Chinese).line, 1);
    }
}
