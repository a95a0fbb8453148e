//! Goods by the hundred thousand, with names as shops have them: Chinese, English, brands, sizes.

use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;

/// Each with the letters that its characters begin with, as a cashier types them; none for what is not Chinese. Written by hand:
/// what the till makes of the names is what is measured.
const BRANDS: [(&str, &str); 16] = [
    ("农夫山泉", "nfsq"),
    ("康师傅", "ksf"),
    ("统一", "ty"),
    ("伊利", "yl"),
    ("蒙牛", "mn"),
    ("可口可乐", "kkkl"),
    ("海天", "ht"),
    ("金龙鱼", "jly"),
    ("Orchard", ""),
    ("Harbour", ""),
    ("Sunrise", ""),
    ("Golden Gate", ""),
    ("Blue Moon", ""),
    ("Nordic", ""),
    ("Three Rivers", ""),
    ("Old Mill", ""),
];
const KINDS: [(&str, &str); 20] = [
    ("矿泉水", "kqs"),
    ("绿茶", "lc"),
    ("牛奶", "nn"),
    ("酱油", "jy"),
    ("大米", "dm"),
    ("饼干", "bg"),
    ("方便面", "fbm"),
    ("洗发水", "xfs"),
    ("苹果汁", "pgz"),
    ("巧克力", "qkl"),
    ("green tea", ""),
    ("milk", ""),
    ("soy sauce", ""),
    ("rice", ""),
    ("biscuits", ""),
    ("noodles", ""),
    ("shampoo", ""),
    ("apple juice", ""),
    ("chocolate", ""),
    ("crisps", ""),
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
    let (brand, kind) = (of(&BRANDS, n, 7).0, of(&KINDS, n, 3).0);
    format!("{brand} {kind} {} {} {n}", of(&SORTS, n, 11), of(&SIZES, n, 5))
}

/// One of them for the n-th. Steps without common factors: neighbours have nothing in common.
fn of<T: Copy + Default>(all: &[T], n: usize, step: usize) -> T {
    all.get(n.wrapping_mul(step) % all.len().max(1)).copied().unwrap_or_default()
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
/// code, the letters that the characters of its brand and kind begin with.
pub(super) fn query(n: usize) -> String {
    let name = name(n);
    let words: Vec<&str> = name.split_whitespace().collect();
    let word = |at: usize| words.get(at % words.len().max(1)).copied().unwrap_or("");
    let letters = format!("{}{}", of(&BRANDS, n, 7).1, of(&KINDS, n, 3).1);
    match n % 5 {
        0 => code(n).chars().take(11).collect(),
        1 => format!("{} {}", word(2), word(0)),
        2 => format!("{} {}", word(words.len().saturating_sub(1)), word(1)),
        3 if !letters.is_empty() => letters,
        _ => format!("{} {}", word(0), word(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_hardware::label::Gtin;
    use evertill_terminal::catalogue_store::Goods;

    #[test]
    fn all_codes_are_right_and_all_names_differ() {
        let all = products(2_000);
        assert!(all.iter().all(|product| product.barcodes[0].parse::<Gtin>().is_ok()));
        let names: std::collections::HashSet<&str> =
            all.iter().map(|product| product.name.as_str()).collect();
        assert_eq!(names.len(), 2_000);
    }

    #[test]
    fn every_kind_of_search_finds_what_it_is_for() {
        let all = products(2_000);
        let goods = Goods::in_memory(1, &all).unwrap();
        let mut by_letters = 0;
        for n in 0..400 {
            let query = query(n);
            let found = goods.search(&query);
            assert!(!found.is_empty(), "{query:?} finds nothing");
            if !name(n).to_lowercase().contains(query.split(' ').next().unwrap()) && n % 5 == 3 {
                by_letters += 1;
                let (brand, kind) = (of(&BRANDS, n, 7).0, of(&KINDS, n, 3).0);
                let is_it = |name: &str| name.starts_with(brand) || name.contains(kind);
                assert!(found.iter().any(|found| is_it(&found.name)), "{query:?} is not for {}", name(n));
            }
        }
        assert!(by_letters > 40, "only {by_letters} of 400 searches are by letters");
    }
}
