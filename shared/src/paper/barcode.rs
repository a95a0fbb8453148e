//! Bar codes of the kind Code 128: which symbols, how wide, and how a printer is told.

/// The longest content, in characters.
const LONGEST: usize = 60;
/// The modules that the start, the check symbol and the stop take.
const FRAME_MODULES: u16 = 11 + 11 + 13;
const SYMBOL_MODULES: u16 = 11;
/// The width of a module in dots: a quarter of a millimetre is what every scanner reads, and what any width of paper
/// shows with its own margins as the white at both sides.
const MODULE_DOTS: u8 = 2;
/// Wider where the white fits as well.
const WIDE_MODULE_DOTS: u8 = 3;
/// The white that scanners want at both sides together, in modules.
const QUIET_MODULES: u16 = 20;
const START_B: u8 = 104;
const START_C: u8 = 105;
const TO_B: u8 = 100;
const TO_C: u8 = 99;
const STOP: u8 = 106;
/// What printers take for an order if it stands anywhere in what they are sent: 10 hex and one of these.
const AT_ONCE: (u8, [u8; 3]) = (0x10, [0x04, 0x05, 0x14]);

/// The widths of bars and gaps, in modules, of each symbol.
pub const WIDTHS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// A bar code that fits the paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code128 {
    /// What the printer is sent behind the length (GS k 73).
    pub content: Vec<u8>,
    /// The symbols from the start to the stop.
    pub symbols: Vec<u8>,
    /// Dots per module.
    pub module_dots: u8,
}

impl Code128 {
    /// Dots across, without the white at both sides: printers leave a margin, and paper has one.
    #[must_use]
    pub fn dots(&self) -> u16 {
        modules_of(self.symbols.len()) * u16::from(self.module_dots)
    }

    /// The modules from left to right; a black one is true.
    #[must_use]
    pub fn modules(&self) -> Vec<bool> {
        modules(&self.symbols)
    }
}

/// The modules of symbols from left to right; a black one is true. What is no symbol is left out.
#[must_use]
pub fn modules(symbols: &[u8]) -> Vec<bool> {
    let widths = symbols.iter().filter_map(|symbol| WIDTHS.get(usize::from(*symbol)));
    let runs = widths.flat_map(|widths| widths.bytes().zip([true, false].into_iter().cycle()));
    runs.flat_map(|(width, black)| std::iter::repeat_n(black, usize::from(width - b'0'))).collect()
}

/// The check symbol behind these, of which the first is the start.
#[must_use]
pub fn check_symbol(symbols: &[u8]) -> u8 {
    let weighed = symbols.iter().zip(std::iter::once(1).chain(1_u32..));
    let sum: u32 = weighed.map(|(symbol, weight)| u32::from(*symbol) * weight).sum();
    u8::try_from(sum % 103).unwrap_or_default()
}

fn modules_of(symbols: usize) -> u16 {
    // The start, the check symbol and the stop are counted as the frame.
    let inside = u16::try_from(symbols.saturating_sub(3)).unwrap_or(u16::MAX / 64);
    FRAME_MODULES + SYMBOL_MODULES * inside
}

/// The shortest bar code of `data` on paper of `dots` dots; `None` if none can be read there, or a printer would take
/// a part of every one of them for an order.
#[must_use]
pub fn fit(data: &str, dots: u16) -> Option<Code128> {
    let printable = data.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if data.is_empty() || data.len() > LONGEST || !printable {
        return None;
    }
    let ways = ways(data).into_iter().map(|parts| build(&parts));
    let safe = ways.filter(|(content, _)| !gives_an_order(content));
    let (content, symbols) = safe.min_by_key(|(_, symbols)| symbols.len())?;
    let modules = modules_of(symbols.len());
    let fits = |modules: u16, size: u8| modules.saturating_mul(size.into()) <= dots;
    let module_dots = if fits(modules + QUIET_MODULES, WIDE_MODULE_DOTS) {
        WIDE_MODULE_DOTS
    } else {
        Some(MODULE_DOTS).filter(|size| fits(modules, *size))?
    };
    Some(Code128 { content, symbols, module_dots })
}

fn gives_an_order(content: &[u8]) -> bool {
    let (first, orders) = AT_ONCE;
    content.windows(2).any(|pair| pair[0] == first && orders.contains(&pair[1]))
}

/// A part of the content: characters one by one, or digits by pairs.
enum Part<'a> {
    Single(&'a str),
    Pairs(&'a str),
}

/// The ways to part the content. Digits go by pairs, which halves the width; where their number is odd, the one that
/// stands alone may stand anywhere.
fn ways(data: &str) -> Vec<Vec<Part<'_>>> {
    use Part::{Pairs, Single};
    let length = data.len();
    if length < 4 || !data.bytes().all(|byte| byte.is_ascii_digit()) {
        return vec![vec![Single(data)]];
    }
    if length.is_multiple_of(2) {
        let (first, last) = (&data[..1], &data[length - 1..]);
        return vec![vec![Pairs(data)], vec![Single(first), Pairs(&data[1..length - 1]), Single(last)]];
    }
    let alone = (0..length).step_by(2);
    alone
        .map(|at| {
            let parts = [Pairs(&data[..at]), Single(&data[at..=at]), Pairs(&data[at + 1..])];
            parts.into_iter().filter(|part| !matches!(part, Pairs(""))).collect()
        })
        .collect()
}

/// What the printer is sent, and the symbols.
fn build(parts: &[Part<'_>]) -> (Vec<u8>, Vec<u8>) {
    let (mut content, mut symbols) = (Vec::new(), Vec::new());
    for part in parts {
        let (letter, start, switch) = match part {
            Part::Single(_) => (b'B', START_B, TO_B),
            Part::Pairs(_) => (b'C', START_C, TO_C),
        };
        content.extend([b'{', letter]);
        symbols.push(if symbols.is_empty() { start } else { switch });
        match part {
            Part::Single(text) => {
                for byte in text.bytes() {
                    content.push(byte);
                    // A brace begins a switch of sets; twice, it is one.
                    content.extend((byte == b'{').then_some(byte));
                    symbols.push(byte - b' ');
                }
            }
            Part::Pairs(digits) => {
                let pairs = digits.as_bytes().chunks_exact(2);
                let pairs: Vec<u8> = pairs.map(|pair| (pair[0] - b'0') * 10 + (pair[1] - b'0')).collect();
                content.extend_from_slice(&pairs);
                symbols.extend(pairs);
            }
        }
    }
    symbols.push(check_symbol(&symbols));
    symbols.push(STOP);
    (content, symbols)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_symbol_is_eleven_modules_wide_and_no_two_are_alike() {
        let sum = |widths: &str| widths.bytes().map(|width| u32::from(width - b'0')).sum::<u32>();
        assert!(WIDTHS[..106].iter().all(|widths| widths.len() == 6 && sum(widths) == 11));
        assert_eq!(sum(WIDTHS[106]), 13);
        let kinds: std::collections::BTreeSet<_> = WIDTHS.iter().collect();
        assert_eq!(kinds.len(), 107);
    }

    #[test]
    fn an_order_number_fits_both_papers() {
        let code = fit("2026112014030712348151407", 384).unwrap();
        assert_eq!((code.module_dots, code.dots()), (2, 378));
        assert_eq!(code.content[..4], [b'{', b'B', b'2', b'{']);
        assert_eq!(code.modules().len(), 189);
        assert_eq!(fit("2026112014030712348151407", 576).unwrap().dots(), 378);
        assert_eq!(fit("T0003-1-42", 576).unwrap().module_dots, 3);
        assert_eq!(fit("2026112014030712348151407", 300), None);
    }

    #[test]
    fn the_check_symbol_is_that_of_the_standards_example() {
        // PJJ123C, in set A; the same letters have the same values in B.
        assert_eq!(check_symbol(&[103, 48, 42, 42, 17, 18, 19, 35]), 54);
    }

    #[test]
    fn a_time_of_day_gives_the_printer_no_order() {
        // At four minutes past four the pairs 16 04 would ask the printer for its state.
        let code = fit("2026112016040512348151407", 576).unwrap();
        assert!(!gives_an_order(&code.content));
        assert_eq!(code.dots(), 189 * 2, "and it is no wider for it");
        assert_eq!(fit("16041605", 576).map(|code| code.content), Some(b"{B1{C\x3c\x29\x3c{B5".to_vec()));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_says_what_it_should_and_orders_nothing(data in "[ -~]{1,20}|[0-9]{1,30}") {
            let Some(code) = fit(&data, u16::MAX) else { return Ok(()) };
            prop_assert!(!gives_an_order(&code.content));
            let (inside, end) = code.symbols.split_at(code.symbols.len() - 2);
            prop_assert_eq!(end, [check_symbol(inside), STOP]);
            let (mut said, mut pairs) = (String::new(), inside[0] == START_C);
            for symbol in &inside[1..] {
                match symbol {
                    99 if !pairs => pairs = true,
                    100 if pairs => pairs = false,
                    value if pairs => said.push_str(&format!("{value:02}")),
                    value => said.push(char::from(value + b' ')),
                }
            }
            prop_assert_eq!(said, data);
            prop_assert_eq!(code.modules().len(), usize::from(modules_of(code.symbols.len())));
        }
    }
}
