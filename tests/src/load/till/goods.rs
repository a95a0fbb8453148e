//! Goods by the hundred thousand, with names as shops have them: Chinese, English, brands, sizes.

use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;

const BRANDS: [&str; 16] = [
    "农夫山泉",
    "康师傅",
    "统一",
    "伊利",
    "蒙牛",
    "可口可乐",
    "海天",
    "金龙鱼",
    "Orchard",
    "Harbour",
    "Sunrise",
    "Golden Gate",
    "Blue Moon",
    "Nordic",
    "Three Rivers",
    "Old Mill",
];
const KINDS: [&str; 20] = [
    "矿泉水",
    "绿茶",
    "牛奶",
    "酱油",
    "大米",
    "饼干",
    "方便面",
    "洗发水",
    "苹果汁",
    "巧克力",
    "green tea",
    "milk",
    "soy sauce",
    "rice",
    "biscuits",
    "noodles",
    "shampoo",
    "apple juice",
    "chocolate",
    "crisps",
];
const SORTS: [&str; 10] =
    ["原味", "低糖", "家庭装", "草莓味", "有机", "classic", "light", "family pack", "strawberry", "organic"];
const SIZES: [&str; 8] = ["100g", "250g", "500g", "1kg", "330ml", "550ml", "1L", "2L"];

/// The code of the n-th of them: a right EAN-13.
pub(super) fn code(n: usize) -> String {
    let twelve = format!("690{n:09}");
    let sum: u32 = twelve
        .bytes()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * if at % 2 == 0 { 1 } else { 3 })
        .sum();
    format!("{twelve}{}", (10 - sum % 10) % 10)
}

/// The name of the n-th of them.
pub(super) fn name(n: usize) -> String {
    // Steps without common factors: neighbours have nothing in common.
    let of =
        |all: &[&'static str], step: usize| all.get(n.wrapping_mul(step) % all.len()).copied().unwrap_or("");
    format!("{} {} {} {} {n}", of(&BRANDS, 7), of(&KINDS, 3), of(&SORTS, 11), of(&SIZES, 5))
}

/// So many of them.
pub(super) fn products(count: usize) -> Vec<Product> {
    let product = |n: usize| Product {
        id: format!("G{n:06}"),
        name: name(n),
        barcodes: vec![code(n)],
        price: Amount::new(100 + i64::try_from(n % 5_000).unwrap_or(0), Currency::CNY),
        tax_rate: TaxRate(1300),
        favourite: n < 24,
        sold_by_weight: false,
        least_age: None,
        needs_serial: false,
    };
    (0..count).map(product).collect()
}

/// What a cashier might type to find the n-th of them, key by key: words of its name in any order, the beginning of its
/// code.
pub(super) fn query(n: usize) -> String {
    let name = name(n);
    let words: Vec<&str> = name.split_whitespace().collect();
    let word = |at: usize| words.get(at % words.len().max(1)).copied().unwrap_or("");
    match n % 4 {
        0 => code(n).chars().take(11).collect(),
        1 => format!("{} {}", word(2), word(0)),
        2 => format!("{} {}", word(words.len().saturating_sub(1)), word(1)),
        _ => word(0).chars().chain(" ".chars()).chain(word(1).chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_hardware::label::Gtin;

    #[test]
    fn all_codes_are_right_and_all_names_differ() {
        let all = products(2_000);
        assert!(all.iter().all(|product| product.barcodes[0].parse::<Gtin>().is_ok()));
        let names: std::collections::HashSet<&str> =
            all.iter().map(|product| product.name.as_str()).collect();
        assert_eq!(names.len(), 2_000);
    }
}
