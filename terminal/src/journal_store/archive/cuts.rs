//! Where a journal may be cut in two: where no entry behind the cut says anything about a sale, a refund or a shift before
//! it. So each part of the archive tells whole stories, and what stays does too.

use evertill_shared::journal::EntryHash;
use serde::Deserialize;
use std::collections::HashMap;

/// As much of an entry as is needed here.
#[derive(Debug, Deserialize)]
pub struct Outline {
    /// Its place.
    pub sequence: u64,
    /// The hash of the entry before it.
    pub previous: EntryHash,
    body: OutlineBody,
}

#[derive(Debug, Deserialize)]
struct OutlineBody {
    kind: String,
    #[serde(default)]
    sale: Option<u64>,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    refund: Option<String>,
}

/// How the entries of a journal hang together.
#[derive(Debug)]
pub struct Cuts {
    after: u64,
    /// For each entry the earliest one that it says something about.
    earliest: Vec<u64>,
    sales: HashMap<String, u64>,
    refunds: HashMap<String, u64>,
    shift: Option<u64>,
}

impl Cuts {
    /// Of a journal that begins after this entry.
    pub fn after(after: u64) -> Self {
        Self { after, earliest: Vec::new(), sales: HashMap::new(), refunds: HashMap::new(), shift: None }
    }

    /// Takes the next entry; nothing if that is none.
    pub fn take(&mut self, text: &str) -> Option<Outline> {
        let entry: Outline = serde_json::from_str(text).ok()?;
        let body = &entry.body;
        if body.kind == "shift_opened" {
            self.shift = Some(entry.sequence);
        }
        let of_number = || body.number.as_ref().and_then(|number| self.sales.get(number)).copied();
        let of_refund = || body.refund.as_ref().and_then(|refund| self.refunds.get(refund)).copied();
        let about = match body.kind.as_str() {
            "sale" => None,
            "refund_carried_out" | "cash_refund" => of_number(),
            "refund_settled" => of_refund(),
            _ => body.sale,
        };
        let earliest = [about, self.shift].into_iter().flatten().fold(entry.sequence, u64::min);
        match (body.kind.as_str(), &body.number, &body.refund, body.sale) {
            ("adopted", Some(number), _, Some(sale)) => {
                self.sales.insert(number.clone(), sale);
            }
            ("refund_carried_out" | "cash_refund", _, Some(refund), _) => {
                self.refunds.insert(refund.clone(), entry.sequence);
            }
            ("shift_closed", ..) => self.shift = None,
            _ => {}
        }
        self.earliest.push(earliest);
        Some(entry)
    }

    /// The entries after which the journal may be cut, up to that one, in order.
    pub fn upto(&self, upto: u64) -> Vec<u64> {
        let mut cuts = Vec::new();
        let mut behind = u64::MAX;
        for (place, earliest) in self.earliest.iter().enumerate().rev() {
            let sequence = self.after + 1 + u64::try_from(place).unwrap_or(u64::MAX);
            if sequence <= upto && behind > sequence {
                cuts.push(sequence);
            }
            behind = behind.min(*earliest);
        }
        cuts.reverse();
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cuts(after: u64, bodies: &[String]) -> Vec<u64> {
        let mut cuts = Cuts::after(after);
        for (place, body) in bodies.iter().enumerate() {
            let sequence = after + 1 + u64::try_from(place).unwrap();
            let none = EntryHash::NONE;
            let text = format!(r#"{{"sequence":{sequence},"previous":"{none}","at":1,"body":{{{body}}}}}"#);
            assert_eq!(cuts.take(&text).unwrap().sequence, sequence);
        }
        cuts.upto(after + u64::try_from(bodies.len()).unwrap() - 1)
    }

    fn lines(bodies: &[&str]) -> Vec<String> {
        bodies.iter().map(|body| (*body).to_owned()).collect()
    }

    #[test]
    fn no_cut_parts_a_sale_from_what_is_said_about_it() {
        let sale = r#""kind":"sale","lines":[]"#;
        let bodies = lines(&[
            sale,
            r#""kind":"adopted","sale":11,"number":"N1""#,
            sale,
            r#""kind":"cash_taken","sale":11"#,
            r#""kind":"sale_voided","sale":13"#,
            r#""kind":"refund_carried_out","refund":"R","number":"N1""#,
            r#""kind":"refund_settled","refund":"R","outcome":"done""#,
            sale,
            r#""kind":"cart_voided","lines":1"#,
        ]);
        assert_eq!(cuts(10, &bodies), [17, 18]);
        let in_parts: Vec<String> = bodies
            .iter()
            .map(|body| body.replace("refund_carried_out", "cash_refund").replace("cash_taken", "cash_rest"))
            .collect();
        assert_eq!(cuts(10, &in_parts), [17, 18]);
    }

    #[test]
    fn no_cut_parts_a_shift() {
        let bodies = lines(&[
            r#""kind":"opened""#,
            r#""kind":"shift_opened""#,
            r#""kind":"sale","lines":[]"#,
            r#""kind":"cash_taken","sale":3"#,
            r#""kind":"shift_closed","shift":2"#,
            r#""kind":"shift_opened""#,
            r#""kind":"cash_paid_in""#,
        ]);
        assert_eq!(cuts(0, &bodies), [1, 5]);
    }

    proptest! {
        #[test]
        fn behind_a_cut_nothing_is_about_what_is_before_it(about in proptest::collection::vec(1_u64..40, 2..40)) {
            let bodies: Vec<String> = about
                .iter()
                .enumerate()
                .map(|(place, about)| {
                    let sale = (*about).min(u64::try_from(place).unwrap() + 1);
                    format!(r#""kind":"sale_voided","sale":{sale}"#)
                })
                .collect();
            let found = cuts(0, &bodies);
            for cut in 1..bodies.len() {
                let behind = &about[cut..];
                let cut = u64::try_from(cut).unwrap();
                let parts = behind.iter().enumerate().any(|(place, about)| {
                    (*about).min(cut + 1 + u64::try_from(place).unwrap()) <= cut
                });
                prop_assert_eq!(found.contains(&cut), !parts, "{} in {:?}", cut, about);
            }
        }
    }
}
