//! Codes as they are printed on goods and shown on phones.

use crate::world::chance::Chance;

/// A code as it is printed.
pub(super) struct Code {
    pub aim: &'static str,
    pub text: String,
    /// Its last digit is a check digit.
    pub checked: bool,
}

impl Code {
    /// Any that shops scan.
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let (aim, text, checked) = match chance.below(8) {
            0..=2 => ("]E0", with_check_digit(&format!("69{}", digits(chance, 10))), true),
            3 => ("]E4", with_check_digit(&format!("6{}", digits(chance, 6))), true),
            4 => {
                let kind = chance.below(10);
                ("]E0", with_check_digit(&format!("2{kind}{}", digits(chance, 10))), true)
            }
            5 => {
                let shelf = digits(chance, 3);
                ("]C0", format!("A{shelf}-{}", digits(chance, 9)), false)
            }
            6 => ("]Q1", format!("https://example.test/{}", digits(chance, 12)), false),
            // What a customer's phone shows.
            _ => ("]Q1", format!("13{}", digits(chance, 16)), false),
        };
        Self { aim, text, checked }
    }

    /// As a scanner sends it that puts identifiers before its codes, or not.
    pub(super) fn sent(&self, with_aim: bool) -> String {
        format!("{}{}", if with_aim { self.aim } else { "" }, self.text)
    }
}

pub(super) fn digits(chance: &mut Chance, count: usize) -> String {
    (0..count).map(|_| char::from(b'0' + u8::try_from(chance.below(10)).unwrap_or(0))).collect()
}

fn with_check_digit(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
