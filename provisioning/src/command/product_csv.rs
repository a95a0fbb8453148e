//! Products from a CSV file (RFC 4180): pure.

use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::age::AGES;
use evertill_shared::order::line::TaxRate;
use evertill_shared::protocol::catalogue::Product;
use std::collections::HashMap;

const COLUMNS: [&str; 9] = [
    "id",
    "name",
    "barcodes",
    "price",
    "tax_rate",
    "favourite",
    "sold_by_weight",
    "least_age",
    "needs_serial",
];

/// What is wrong with a file, and in which record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// A column is missing.
    #[error("there is no column {0:?} in the first line")]
    NoColumn(&'static str),
    /// A column that we do not know: a slip in its name would otherwise lose its values.
    #[error(
        "the column {0:?} is not known; there are {columns}", columns = COLUMNS.join(", ")
    )]
    UnknownColumn(String),
    /// A quoted field that does not end.
    #[error("a quotation mark is opened in record {0} and never closed")]
    OpenQuote(usize),
    /// A value that cannot be read.
    #[error("record {record}, {column}: {value:?} is not {expected}")]
    Value {
        /// Counted from 1, without the first line.
        record: usize,
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
}

/// Reads all products.
pub fn parse(text: &str, currency: Currency) -> Result<Vec<Product>, CsvError> {
    let mut records = records(text.trim_start_matches('\u{feff}'))?.into_iter();
    let head = records.next().unwrap_or_default();
    let mut places: HashMap<&'static str, usize> = HashMap::new();
    for (place, name) in head.iter().enumerate() {
        let name = name.trim().to_ascii_lowercase();
        let known = COLUMNS.into_iter().find(|c| *c == name).ok_or(CsvError::UnknownColumn(name))?;
        places.insert(known, place);
    }
    if let Some(missing) = ["id", "name", "price"].into_iter().find(|c| !places.contains_key(c)) {
        return Err(CsvError::NoColumn(missing));
    }
    records
        .enumerate()
        .map(|(at, cells)| Record { number: at + 1, cells, places: &places }.product(currency))
        .collect()
}

struct Record<'a> {
    number: usize,
    cells: Vec<String>,
    places: &'a HashMap<&'static str, usize>,
}

impl Record<'_> {
    fn get(&self, column: &'static str) -> &str {
        self.places.get(column).and_then(|place| self.cells.get(*place)).map_or("", |cell| cell.trim())
    }

    fn bad(&self, column: &'static str, expected: &'static str) -> CsvError {
        CsvError::Value { record: self.number, column, value: self.get(column).to_owned(), expected }
    }

    fn product(&self, currency: Currency) -> Result<Product, CsvError> {
        let price = Amount::parse_decimal(self.get("price"), currency);
        Ok(Product {
            id: self.get("id").to_owned(),
            name: self.get("name").to_owned(),
            barcodes: self.get("barcodes").split_whitespace().map(str::to_owned).collect(),
            price: price.map_err(|_| self.bad("price", "a price like 12.80"))?,
            tax_rate: percent(self.get("tax_rate")).ok_or_else(|| self.bad("tax_rate", "a rate like 13%"))?,
            favourite: self.yes("favourite")?,
            sold_by_weight: self.yes("sold_by_weight")?,
            least_age: self.age()?,
            needs_serial: self.yes("needs_serial")?,
        })
    }

    fn age(&self) -> Result<Option<u8>, CsvError> {
        match self.get("least_age") {
            "" => Ok(None),
            text => match text.parse().ok().filter(|years| AGES.contains(years)) {
                Some(years) => Ok(Some(years)),
                None => Err(self.bad("least_age", "an age in years like 18")),
            },
        }
    }

    fn yes(&self, column: &'static str) -> Result<bool, CsvError> {
        match self.get(column).to_ascii_lowercase().as_str() {
            "" | "no" | "false" | "0" => Ok(false),
            "yes" | "true" | "1" => Ok(true),
            _ => Err(self.bad(column, "yes or no")),
        }
    }
}

/// `13%`, `0.5%`, nothing. Without the sign it could mean a thirteen-fold or thirteen per cent: refused.
fn percent(text: &str) -> Option<TaxRate> {
    if text.is_empty() {
        return Some(TaxRate(0));
    }
    let number = text.strip_suffix('%')?.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || part.len() > 2 || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok().filter(|rate| *rate <= 10_000).map(TaxRate)
}

fn records(text: &str) -> Result<Vec<Vec<String>>, CsvError> {
    let (mut all, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                end_record(&mut all, &mut record);
            }
            other => field.push(other),
        }
    }
    if quoted {
        return Err(CsvError::OpenQuote(all.len()));
    }
    record.push(field);
    end_record(&mut all, &mut record);
    Ok(all)
}

/// Empty lines are no records.
fn end_record(all: &mut Vec<Vec<String>>, record: &mut Vec<String>) {
    let record = std::mem::take(record);
    if record.iter().any(|cell| !cell.trim().is_empty()) {
        all.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_line_breaks_and_column_order_are_read() {
        let text = "\u{feff}price,Name,id,barcodes,tax_rate,favourite,sold_by_weight,least_age,needs_serial\r\n\
                    12.80,\"Apples, \"\"red\"\"\nsweet\",apple,69 70,9%,yes,yes,,\r\n\r\n3,Bag,bag,,,,,18,yes\r\n";
        let products = parse(text, Currency::CNY).unwrap();
        assert_eq!(products.len(), 2);
        assert_eq!(products[0].name, "Apples, \"red\"\nsweet");
        assert_eq!((products[0].price.minor, products[0].tax_rate), (1280, TaxRate(900)));
        assert_eq!(products[0].barcodes, ["69", "70"]);
        assert!(products[0].favourite && !products[1].favourite);
        assert!(products[0].sold_by_weight && !products[1].sold_by_weight);
        assert_eq!(products[1].price.minor, 300);
        assert_eq!((products[0].least_age, products[1].least_age), (None, Some(18)));
        assert!(!products[0].needs_serial && products[1].needs_serial);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let bad = |text: &str| parse(text, Currency::CNY).unwrap_err().to_string();
        assert!(bad("id,name\n").contains("price"));
        assert!(bad("id,name,price,colour\n").contains("colour"));
        assert!(bad("id,name,price\na,A,1\nb,B,1.234\n").contains("record 2, price"));
        assert!(bad("id,name,price,tax_rate\na,A,1,13\n").contains("13%"));
        for age in ["0", "100", "18+", "-1"] {
            let said = bad(&format!("id,name,price,least_age\na,A,1,{age}\n"));
            assert!(said.contains("record 1, least_age") && said.contains(age), "{said}");
        }
        assert!(bad("id,name,price\na,\"A,1\n").contains("never closed"));
    }

    #[test]
    fn rates_are_read_to_the_basis_point() {
        let rates = ["", "0%", "9%", "13%", "0.5%", "6.25%"].map(percent);
        assert_eq!(rates, [0, 0, 900, 1300, 50, 625].map(|r| Some(TaxRate(r))));
        assert_eq!(["13", "1.234%", "-1%", "101%", "%"].map(percent), [None, None, None, None, None]);
    }
}
