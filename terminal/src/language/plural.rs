//! Which form of a word a number takes: gettext's `Plural-Forms`, an expression of C about `n`.

use std::iter::Peekable;
use std::str::Chars;

/// The most forms that a language may have; none has more than six.
const MOST_FORMS: usize = 8;
/// So deep brackets and conditions may lie in each other.
const DEEPEST: usize = 64;
/// No language's rule is longer, in bytes.
const LONGEST: usize = 1_000;
/// Every number up to this one is tried when a rule is read.
const TRIED: u64 = 1_000;

/// The rule of a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    forms: usize,
    which: Expression,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Number,
    Value(u64),
    Not(Box<Expression>),
    Two(Operator, Box<Expression>, Box<Expression>),
    If(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Remainder,
}

/// The operators, those that bind least first; longer ones before those that they begin with.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::Unequal)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::MoreOrEqual),
        ("<", Operator::Less),
        (">", Operator::More),
    ],
    &[("%", Operator::Remainder)],
];

impl Rule {
    /// One form for one, another for all else: as in English.
    #[must_use]
    pub fn english() -> Self {
        let one =
            Expression::Two(Operator::Unequal, Box::new(Expression::Number), Box::new(Expression::Value(1)));
        Self { forms: 2, which: one }
    }

    /// Reads `nplurals=2; plural=(n != 1);`; nothing if it is none, or gives a form that there is not.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let field = |name: &str| {
            let mut parts = text.split(';').filter_map(|part| part.split_once('='));
            parts.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
        };
        let forms: usize =
            field("nplurals")?.parse().ok().filter(|forms| (1..=MOST_FORMS).contains(forms))?;
        let mut parser = Parser { rest: field("plural")?.chars().peekable(), depth: 0 };
        let which = parser.condition()?;
        parser.space();
        let rule = parser.rest.next().is_none().then_some(Self { forms, which })?;
        (0..=TRIED).all(|n| rule.which.value(n) < rule.forms as u64).then_some(rule)
    }

    /// How many forms there are.
    #[must_use]
    pub fn forms(&self) -> usize {
        self.forms
    }

    /// Whether a form is said of one number and of no other, of those that are tried.
    #[must_use]
    pub fn is_of_one_number(&self, form: usize) -> bool {
        (0..=TRIED).filter(|n| self.form(*n) == form).take(2).count() == 1
    }

    /// The form for so many, from 0.
    #[must_use]
    pub fn form(&self, n: u64) -> usize {
        usize::try_from(self.which.value(n)).map_or(0, |form| form.min(self.forms - 1))
    }
}

impl Expression {
    fn value(&self, n: u64) -> u64 {
        match self {
            Self::Number => n,
            Self::Value(value) => *value,
            Self::Not(of) => u64::from(of.value(n) == 0),
            Self::If(what, yes, no) => if what.value(n) == 0 { no } else { yes }.value(n),
            Self::Two(operator, left, right) => {
                let (left, right) = (left.value(n), right.value(n));
                match operator {
                    Operator::Or => u64::from(left != 0 || right != 0),
                    Operator::And => u64::from(left != 0 && right != 0),
                    Operator::Equal => u64::from(left == right),
                    Operator::Unequal => u64::from(left != right),
                    Operator::Less => u64::from(left < right),
                    Operator::LessOrEqual => u64::from(left <= right),
                    Operator::More => u64::from(left > right),
                    Operator::MoreOrEqual => u64::from(left >= right),
                    Operator::Remainder => left.checked_rem(right).unwrap_or(0),
                }
            }
        }
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Parser<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn take(&mut self, mark: &str) -> bool {
        self.space();
        let mut ahead = self.rest.clone();
        let found = mark.chars().all(|c| ahead.next() == Some(c));
        if found {
            self.rest = ahead;
        }
        found
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let found = if self.depth > DEEPEST { None } else { read(self) };
        self.depth -= 1;
        found
    }

    fn condition(&mut self) -> Option<Expression> {
        self.deeper(|parser| {
            let what = parser.level(0)?;
            if !parser.take("?") {
                return Some(what);
            }
            let yes = parser.condition()?;
            let no = parser.take(":").then(|| parser.condition())??;
            Some(Expression::If(Box::new(what), Box::new(yes), Box::new(no)))
        })
    }

    fn level(&mut self, at: usize) -> Option<Expression> {
        let Some(operators) = LEVELS.get(at) else { return self.one() };
        let mut left = self.level(at + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(mark, _)| self.take(mark)) {
            left = Expression::Two(*operator, Box::new(left), Box::new(self.level(at + 1)?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Expression> {
        if self.take("!") {
            return self.deeper(|parser| Some(Expression::Not(Box::new(parser.one()?))));
        }
        if self.take("(") {
            let inside = self.condition()?;
            return self.take(")").then_some(inside);
        }
        if self.take("n") {
            return Some(Expression::Number);
        }
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok().map(Expression::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms(rule: &str, numbers: &[u64]) -> Vec<usize> {
        let rule = Rule::read(rule).unwrap_or_else(|| panic!("{rule}"));
        numbers.iter().map(|n| rule.form(*n)).collect()
    }

    #[test]
    fn the_rules_of_languages_are_those_of_their_grammars() {
        let german = "nplurals=2; plural=(n != 1);";
        assert_eq!(forms(german, &[0, 1, 2, 11]), [1, 0, 1, 1]);
        assert_eq!(forms("nplurals=1; plural=0;", &[0, 1, 7]), [0, 0, 0]);
        assert_eq!(forms("nplurals=2; plural=n>1", &[0, 1, 2]), [0, 0, 1]);
        let russian = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);";
        assert_eq!(forms(russian, &[1, 2, 5, 11, 12, 21, 22, 25, 111]), [0, 1, 2, 2, 2, 0, 1, 2, 2]);
        let arabic = "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;";
        assert_eq!(forms(arabic, &[0, 1, 2, 3, 11, 100]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(forms("nplurals=2; plural=!(n==1)", &[1, 2]), [0, 1]);
        for n in 0..50 {
            assert_eq!(Rule::english().form(n), Rule::read(german).unwrap().form(n));
        }
    }

    #[test]
    fn what_is_no_rule_is_none() {
        let deep = format!("nplurals=1; plural={}0{}", "(".repeat(400), ")".repeat(400));
        let not = format!("nplurals=2; plural={}n", "!".repeat(400));
        let long = format!("nplurals=1; plural=0{}", "%1".repeat(500_000));
        for none in [
            "",
            "nplurals=2;",
            "plural=n!=1;",
            "nplurals=0; plural=0;",
            "nplurals=99; plural=0;",
            "nplurals=2; plural=n;",
            "nplurals=2; plural=n!=1 1;",
            "nplurals=2; plural=(n!=1;",
            "nplurals=2; plural=n ? 1;",
            "nplurals=2; plural=system(1);",
            "nplurals=1; plural=99999999999999999999;",
            deep.as_str(),
            long.as_str(),
            not.as_str(),
        ] {
            assert_eq!(Rule::read(none), None, "{}", &none[..none.len().min(60)]);
        }
        assert_eq!(forms("nplurals=1; plural=n%0", &[7]), [0], "a remainder of nothing is no reason to stop");
    }

    proptest! {
        #[test]
        fn whatever_a_file_says_a_form_is_one_that_there_is(text in "[n0-9%()?:!=<>&| ]{0,24}", n in any::<u64>()) {
            if let Some(rule) = Rule::read(&format!("nplurals=3; plural={text};")) {
                prop_assert!(rule.form(n) < 3);
            }
        }
    }
}
