//! UPC-E: a UPC-A with its zeros left out. Its check digit is that of the whole number, so it is expanded first.

use super::Gtin;

/// The article of a UPC-E as scanners send it: number system, six digits, check digit; none if it is not one.
pub(super) fn expand(text: &str) -> Option<Gtin> {
    let &[system @ (b'0' | b'1'), a, b, c, d, e, f, check] = text.as_bytes() else { return None };
    let zeros = |count: usize| vec![b'0'; count];
    let body = match f {
        b'0'..=b'2' => [vec![a, b, f], zeros(4), vec![c, d, e]].concat(),
        b'3' => [vec![a, b, c], zeros(5), vec![d, e]].concat(),
        b'4' => [vec![a, b, c, d], zeros(5), vec![e]].concat(),
        _ => [vec![a, b, c, d, e], zeros(4), vec![f]].concat(),
    };
    let whole = [vec![system], body, vec![check]].concat();
    std::str::from_utf8(&whole).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_puts_the_zeros_where_they_were() {
        for (short, long) in [
            ("04252614", "042100005264"),
            ("01234531", "012300000451"),
            ("01234543", "012340000053"),
            ("01234565", "012345000065"),
        ] {
            assert_eq!(expand(short), long.parse().ok(), "{short}");
            assert!(expand(short).is_some(), "{short}");
        }
        for wrong in ["04252615", "24252614", "0425261", "0425261A", ""] {
            assert_eq!(expand(wrong), None, "{wrong}");
        }
    }
}
