//! `catalogue import`.

use super::connection::Connection;
use super::{Outcome, Report, product_csv};
use evertill_shared::money::Currency;
use evertill_shared::protocol::catalogue::Product;
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Which file.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  evertill-admin catalogue import goods.csv --server https://localhost:8443 --trust corner/trust.json --login mei\n\n\
    A CSV file has a first line of column names, in any order:\n  \
    id,name,barcodes,price,tax_rate,favourite,sold_by_weight,least_age,needs_serial\n  \
    apple,\"Apples\",6901234567892 6901234567893,12.80,9%,yes,yes,,\n\
    barcodes (separated by spaces), tax_rate (default 0%), favourite and sold_by_weight (default no), least_age\n\
    (the years that a customer must have; default none) and needs_serial (default no: the till asks for each piece's\n\
    serial number) may be left out.\n\
    The price of what is sold by weight is that of a kilogram.\n\
    A JSON file is the array of products that the server's API takes."
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// A file that ends in .json or .csv.
    file: PathBuf,
    /// The currency of the prices in a CSV file.
    #[arg(long, default_value = "CNY")]
    currency: Currency,
}

/// Reads, checks and sends it.
pub async fn run(args: &Args) -> Outcome {
    let products = read(&args.file, args.currency)?;
    check(&products)?;
    args.connection.open().await?.put_catalogue(&products).await?;
    let text = format!("The catalogue has {} products now. Tills fetch it within a minute.", products.len());
    Ok(Report::good(text, serde_json::json!({ "products": products.len() })))
}

fn read(file: &Path, currency: Currency) -> Result<Vec<Product>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
    match file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Ok(serde_json::from_str(&text).map_err(|e| wrong(&e))?),
        Some("csv") => Ok(product_csv::parse(&text, currency).map_err(|e| wrong(&e))?),
        _ => Err(format!("{} must end in .json or .csv", file.display()).into()),
    }
}

/// What would confuse a till: two products under one id or one barcode, prices below zero.
fn check(products: &[Product]) -> Result<(), String> {
    // More likely a failed export than a shop without goods; and every till would be empty within a minute.
    if products.is_empty() {
        return Err("the file has no products, and the catalogue was not changed: export it again".into());
    }
    let mut barcodes: HashMap<&str, &str> = HashMap::new();
    let mut ids: HashMap<&str, &str> = HashMap::new();
    for product in products {
        if product.id.is_empty() || product.name.trim().is_empty() {
            return Err(format!("a product lacks its id or name: {:?} {:?}", product.id, product.name));
        }
        if product.price.minor < 0 {
            return Err(format!("the price of {} is below zero", product.id));
        }
        if ids.insert(&product.id, &product.name).is_some() {
            return Err(format!("the id {} is there twice", product.id));
        }
        for code in &product.barcodes {
            if let Some(other) = barcodes.insert(code, &product.id) {
                return Err(format!("the barcode {code} is on both {other} and {}", product.id));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_barcode_on_two_products_is_refused() {
        let text = "id,name,barcodes,price\na,A,1 2,1\nb,B,2,1\n";
        let products = product_csv::parse(text, Currency::CNY).unwrap();
        assert!(check(&products).unwrap_err().contains("both a and b"));
        assert!(check(&products[..1]).is_ok());
        assert!(check(&[]).unwrap_err().contains("no products"), "a failed export does not empty the tills");
    }
}
