//! Codes of the store's own with a weight or a price inside, as scales print them. Which digits mean what is the
//! store's policy, so it is written as a pattern. Pure.

use super::check_digit;
use std::fmt;
use std::str::FromStr;

/// How one kind of in-store code is built: `21IIIIIWWWWWC`.
///
/// Digits stand for themselves, `I` is the item's number, `W` its weight in grams, `P` its price in the currency's
/// smallest unit, `N` a digit of no account, and `C` at the end the check digit, as in an EAN. 13 digits, or 18 as
/// Chinese scales print them: `26IIIIIPPPPPWWWWWC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InStoreRule {
    pattern: String,
}

/// What such a code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InStoreCode {
    /// The item's number with its zeros in front.
    pub item: String,
    /// The digits that mark this kind of code, such as `21`.
    pub mark: String,
    /// The weight in grams.
    pub weight_g: Option<u32>,
    /// The price of the whole in the currency's smallest unit.
    pub price_minor: Option<i64>,
}

/// The text is no such pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// Not 13 or 18 characters.
    #[error("a pattern for in-store codes has 13 or 18 characters, such as 21IIIIIWWWWWC")]
    Length,
    /// Something else than digits, I, W, P, N and a last C.
    #[error("a pattern for in-store codes has digits, then I, W, P or N, and C at its end")]
    Character,
    /// It begins like codes of the whole world.
    #[error("in-store codes begin with 02, 04 or 20 to 29; others belong to articles of the whole world")]
    Range,
    /// No item, or neither a weight nor a price.
    #[error(
        "a pattern for in-store codes needs I for the item, and W for its weight or P for its price; both if it is long"
    )]
    Meaning,
}

impl FromStr for InStoreRule {
    type Err = BadRule;

    fn from_str(pattern: &str) -> Result<Self, BadRule> {
        if !matches!(pattern.len(), 13 | 18) {
            return Err(BadRule::Length);
        }
        let body = pattern.strip_suffix('C').ok_or(BadRule::Character)?;
        let marks = body.bytes().take_while(u8::is_ascii_digit).count();
        let rest = body.get(marks..).unwrap_or_default();
        if !rest.bytes().all(|byte| b"IWPN".contains(&byte)) {
            return Err(BadRule::Character);
        }
        if !matches!(body.as_bytes(), [b'0', b'2' | b'4', ..] | [b'2', b'0'..=b'9', ..]) {
            return Err(BadRule::Range);
        }
        let has = |letter| rest.contains(letter);
        let short_enough = ['W', 'P'].iter().all(|letter| rest.matches(*letter).count() <= 9);
        // As long as a payment code: weight and price have to bear each other out.
        let both = pattern.len() == 13 || (has('W') && has('P'));
        if !has('I') || !(has('W') || has('P')) || !both || !short_enough {
            return Err(BadRule::Meaning);
        }
        Ok(Self { pattern: pattern.to_owned() })
    }
}

impl fmt::Display for InStoreRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl InStoreRule {
    /// What a code says if it is of this kind and its check digit fits.
    #[must_use]
    pub fn read(&self, code: &str) -> Option<InStoreCode> {
        let (digits, pattern) = (code.as_bytes(), self.pattern.as_bytes());
        if digits.len() != pattern.len() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (check, body) = digits.split_last()?;
        let as_marked = pattern.iter().zip(digits).all(|(p, digit)| !p.is_ascii_digit() || p == digit);
        if !as_marked || *check != b'0' + check_digit(body) {
            return None;
        }
        let field = |letter: u8| -> Option<String> {
            let of = pattern.iter().zip(digits).filter(|(p, _)| **p == letter);
            let text: String = of.map(|(_, digit)| char::from(*digit)).collect();
            (!text.is_empty()).then_some(text)
        };
        let mark = pattern.iter().take_while(|p| p.is_ascii_digit()).map(|p| char::from(*p)).collect();
        Some(InStoreCode {
            item: field(b'I')?,
            mark,
            weight_g: field(b'W').and_then(|text| text.parse().ok()),
            price_minor: field(b'P').and_then(|text| text.parse().ok()),
        })
    }
}

/// What the first rule that fits says of a code.
#[must_use]
pub fn read(rules: &[InStoreRule], code: &str) -> Option<InStoreCode> {
    rules.iter().find_map(|rule| rule.read(code))
}

impl InStoreCode {
    /// The numbers under which the goods may be kept in the store's list, likeliest first: mark and item, the item
    /// alone, with and without zeros in front.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        let short = self.item.trim_start_matches('0').to_owned();
        let mut all = vec![format!("{}{}", self.mark, self.item), self.item.clone()];
        if !short.is_empty() && short != self.item {
            all.push(short);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(patterns: &[&str]) -> Vec<InStoreRule> {
        patterns.iter().map(|pattern| pattern.parse().unwrap()).collect()
    }

    #[test]
    fn a_weight_and_a_price_are_read() {
        let rules = rules(&["21IIIIIWWWWWC", "23IIIIIPPPPPC"]);
        let weight = read(&rules, "2112345015002").unwrap();
        assert_eq!((weight.item.as_str(), weight.weight_g, weight.price_minor), ("12345", Some(1500), None));
        assert_eq!(weight.candidates(), ["2112345", "12345"]);
        let body = "230004200990";
        let price = read(&rules, &format!("{body}{}", check_digit(body.as_bytes()))).unwrap();
        assert_eq!((price.price_minor, price.weight_g), (Some(990), None));
        assert_eq!(price.candidates(), ["2300042", "00042", "42"]);
    }

    #[test]
    fn the_18_digits_of_chinese_scales_are_read_in_either_order() {
        let body = "26000420051200512";
        let code = format!("{body}{}", check_digit(body.as_bytes()));
        let price_first = read(&rules(&["26IIIIIPPPPPWWWWWC"]), &code).unwrap();
        assert_eq!((price_first.price_minor, price_first.weight_g), (Some(512), Some(512)));
        let body = "26000420099901500";
        let code = format!("{body}{}", check_digit(body.as_bytes()));
        let weight_first = read(&rules(&["26IIIIIWWWWWPPPPPC"]), &code).unwrap();
        assert_eq!((weight_first.weight_g, weight_first.price_minor), (Some(999), Some(1500)));
    }

    #[test]
    fn a_wrong_check_digit_another_mark_or_another_length_is_not_read() {
        let rules = rules(&["21IIIIIWWWWWC"]);
        for code in ["2112345015001", "2212345015009", "211234501500", "21123450150022", "21123450150AB", ""]
        {
            assert_eq!(read(&rules, code), None, "{code}");
        }
    }

    #[test]
    fn patterns_that_would_sell_the_wrong_thing_are_refused() {
        for (pattern, error) in [
            ("21IIIIIWWWWW", BadRule::Length),
            ("21IIIIIWWWWWW", BadRule::Character),
            ("69IIIIIWWWWWC", BadRule::Range),
            ("IIIIIIIWWWWWC", BadRule::Range),
            ("21IIIIINNNNNC", BadRule::Meaning),
            ("21NNNNNWWWWWC", BadRule::Meaning),
            ("21IIIIIW5WWWC", BadRule::Character),
            ("26IIIIIPPPPPNNNNNC", BadRule::Meaning),
        ] {
            assert_eq!(pattern.parse::<InStoreRule>(), Err(error), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_never_read(item in 0_u32..100_000, grams in 0_u32..100_000, place in 0_usize..13, by in 1_u8..10) {
            let rules = rules(&["21IIIIIWWWWWC"]);
            let mut digits = format!("21{item:05}{grams:05}").into_bytes();
            digits.push(b'0' + check_digit(&digits));
            let right = read(&rules, std::str::from_utf8(&digits).unwrap()).unwrap();
            prop_assert_eq!(right.weight_g, Some(grams));
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            prop_assert_eq!(read(&rules, std::str::from_utf8(&digits).unwrap()), None);
        }

        #[test]
        fn any_pattern_and_code_are_read_without_panic(pattern in "[0-9IWPNC]{13,18}", code in "\\PC{0,20}") {
            if let Ok(rule) = pattern.parse::<InStoreRule>() {
                let _ = rule.read(&code);
            }
        }
    }
}
