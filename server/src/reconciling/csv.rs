//! An account's findings of a day, and what its bill settled, as a table for other programs.

use crate::base_store::{BaseError, BaseStore, BillsOf, StoredFinding, StoredSettled};
use evertill_shared::business_day::BusinessDay;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The columns. Names stay.
pub const HEADER: &str =
    "channel,day,category,movement,number,order,fields,ours,theirs,difference,currency,bill_lines,account";
/// So many rows are read at once.
const PART: u32 = 1_000;

/// The whole table of a day of these accounts, with its header; lines end as RFC 4180 wants it.
///
/// # Errors
/// The base store's.
pub async fn of_day(base: &BaseStore, accounts: &[BillsOf], day: BusinessDay) -> Result<String, BaseError> {
    let mut text = format!("{HEADER}\r\n");
    for of in accounts {
        add_account(base, (*of, day), &mut text).await?;
    }
    Ok(text)
}

async fn add_account(
    base: &BaseStore,
    (of, day): (BillsOf, BusinessDay),
    text: &mut String,
) -> Result<(), BaseError> {
    let row = Row { start: [of.channel.code().to_owned(), day.to_string()], end: of.account.to_string() };
    let mut from = 0;
    loop {
        let findings = base.bill_findings(of, day, (from, PART)).await?;
        findings.iter().for_each(|finding| row.add(text, finding_values(finding)));
        from += findings.len() as u64;
        if findings.len() < PART as usize {
            break;
        }
    }
    from = 0;
    loop {
        let settled = base.bill_settled(of, day, (from, PART)).await?;
        settled.iter().for_each(|one| row.add(text, settled_values(one)));
        from += settled.len() as u64;
        if settled.len() < PART as usize {
            return Ok(());
        }
    }
}

fn finding_values(finding: &StoredFinding) -> [String; 10] {
    let join = |value: fn(&crate::base_store::StoredField) -> &str| {
        finding.fields.iter().map(value).collect::<Vec<_>>().join("; ")
    };
    let lines: Vec<String> = finding.lines.iter().map(ToString::to_string).collect();
    let (difference, currency) = money(&finding.difference);
    [
        finding.category.as_str().into(),
        finding.movement.as_str().into(),
        finding.number.clone(),
        finding.order.clone().unwrap_or_default(),
        join(|field| &field.field),
        join(|field| &field.ours),
        join(|field| &field.theirs),
        difference,
        currency,
        lines.join(" "),
    ]
}

fn settled_values(settled: &StoredSettled) -> [String; 10] {
    let word = if settled.moved { "moved" } else { "not moved" };
    [
        "settled_by_bill".into(),
        settled.movement.as_str().into(),
        settled.number.clone(),
        settled.order.clone(),
        "standing".into(),
        "unknown".into(),
        word.into(),
        String::new(),
        String::new(),
        String::new(),
    ]
}

/// Minor units and currency; several of them beside each other.
fn money(sums: &BTreeMap<String, i64>) -> (String, String) {
    let minor: Vec<String> = sums.values().map(ToString::to_string).collect();
    let codes: Vec<&str> = sums.keys().map(String::as_str).collect();
    (minor.join(" "), codes.join(" "))
}

/// What all rows of an account's day begin and end with.
struct Row {
    start: [String; 2],
    end: String,
}

impl Row {
    fn add(&self, text: &mut String, values: [String; 10]) {
        let values = self.start.iter().chain(&values).chain([&self.end]);
        let values: Vec<String> = values.map(|value| escaped(value)).collect();
        let _ = write!(text, "{}\r\n", values.join(","));
    }
}

/// Quoted where it must be; and never a formula, should a spreadsheet open it.
fn escaped(value: &str) -> String {
    let is_number = value.strip_prefix('-').unwrap_or(value).bytes().all(|b| b.is_ascii_digit());
    let is_formula = !is_number && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let value = if is_formula { format!("'{value}") } else { value.to_owned() };
    if value.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_a_formula_nor_two_values() {
        assert_eq!(escaped("-550"), "-550");
        assert_eq!(escaped("=1+1"), "'=1+1");
        assert_eq!(escaped("-x"), "'-x");
        assert_eq!(escaped("a,b"), "\"a,b\"");
        assert_eq!(escaped("say \"no\""), "\"say \"\"no\"\"\"");
    }
}
