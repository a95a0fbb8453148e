//! Amounts as people write and type them. Integers only: no rounding can happen here.

use crate::view::MoneyStyle;

/// Writes an amount of minor units: `¥1,234.50`, `-¥3.00`.
pub fn format_amount(minor: i64, style: &MoneyStyle) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let scale = 10_u64.pow(u32::from(style.decimals.min(6)));
    let absolute = minor.unsigned_abs();
    let whole = group(absolute / scale);
    if style.decimals == 0 {
        return format!("{sign}{}{whole}", style.symbol);
    }
    let part = absolute % scale;
    let width = usize::from(style.decimals.min(6));
    format!("{sign}{}{whole}.{part:0width$}", style.symbol)
}

fn group(whole: u64) -> String {
    let digits = whole.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The most digits before the point that the keypad takes: no till has a larger note to give change for.
const WHOLE_DIGITS: usize = 7;

/// What the keypad's display holds after one more key. Keys that make no sense are ignored.
pub fn press(entry: &str, key: &str, decimals: u8) -> String {
    let mut next = entry.to_owned();
    match key {
        "clear" => next.clear(),
        "back" => {
            next.pop();
        }
        "." if decimals > 0 && !entry.contains('.') => {
            if next.is_empty() {
                next.push('0');
            }
            next.push('.');
        }
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            for digit in digits.chars() {
                push_digit(&mut next, digit, decimals);
            }
        }
        _ => {}
    }
    next
}

fn push_digit(entry: &mut String, digit: char, decimals: u8) {
    match entry.split_once('.') {
        Some((_, part)) if part.len() >= usize::from(decimals) => {}
        None if entry.len() >= WHOLE_DIGITS => {}
        None if entry == "0" => {
            if digit != '0' {
                *entry = digit.to_string();
            }
        }
        _ => entry.push(digit),
    }
}

/// The minor units that the keypad's display means; nothing typed means 0.
pub fn entry_minor(entry: &str, decimals: u8) -> i64 {
    let (whole, part) = entry.split_once('.').unwrap_or((entry, ""));
    let mut minor: i64 = 0;
    let padding = usize::from(decimals).saturating_sub(part.len());
    for digit in whole.bytes().chain(part.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        minor = minor.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0')));
    }
    minor
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yuan() -> MoneyStyle {
        MoneyStyle { symbol: "¥".into(), decimals: 2 }
    }

    fn type_keys(keys: &[&str], decimals: u8) -> String {
        keys.iter().fold(String::new(), |entry, key| press(&entry, key, decimals))
    }

    #[test]
    fn amounts_are_written_with_groups_and_all_decimals() {
        assert_eq!(format_amount(123_450, &yuan()), "¥1,234.50");
        assert_eq!(format_amount(-5, &yuan()), "-¥0.05");
        assert_eq!(format_amount(0, &yuan()), "¥0.00");
        assert_eq!(
            format_amount(1_000_000, &MoneyStyle { symbol: "JPY ".into(), decimals: 0 }),
            "JPY 1,000,000"
        );
        assert_eq!(
            format_amount(1_234_567, &MoneyStyle { symbol: "KWD ".into(), decimals: 3 }),
            "KWD 1,234.567"
        );
        assert_eq!(format_amount(i64::MIN, &yuan()), "-¥92,233,720,368,547,758.08");
    }

    #[test]
    fn the_keypad_reads_whole_units_until_the_point() {
        assert_eq!(entry_minor(&type_keys(&["5", "0"], 2), 2), 5_000);
        assert_eq!(entry_minor(&type_keys(&["1", "00"], 2), 2), 10_000);
        assert_eq!(entry_minor(&type_keys(&["1", "2", ".", "5"], 2), 2), 1_250);
        assert_eq!(entry_minor(&type_keys(&[".", "0", "5"], 2), 2), 5);
        assert_eq!(entry_minor("", 2), 0);
        assert_eq!(
            entry_minor(&type_keys(&["7", ".", "5"], 0), 0),
            75,
            "no point in a currency without parts"
        );
    }

    #[test]
    fn senseless_keys_change_nothing() {
        assert_eq!(type_keys(&["1", ".", ".", "2", "3", "4"], 2), "1.23");
        assert_eq!(type_keys(&["0", "0", "7"], 2), "7");
        assert_eq!(type_keys(&["9", "9", "9", "9", "9", "9", "9", "9", "00"], 2).len(), WHOLE_DIGITS);
        assert_eq!(type_keys(&["1", "x", ""], 2), "1");
        assert_eq!(type_keys(&["1", "2", "back"], 2), "1");
        assert_eq!(type_keys(&["1", "2", "clear", "back"], 2), "");
    }
}
