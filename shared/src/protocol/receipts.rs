//! How a shop wants its receipts to look, for its tills: one template for all of them.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The shop's template: the answer to `GET /v1/receipt-template`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopTemplate {
    /// Its text, which the server has read with [`Template::parse`](crate::receipt::template::Template::parse); nothing if
    /// the shop has none, and receipts look as the till makes them.
    pub text: Option<String>,
}

impl ShopTemplate {
    /// What it is known by: the SHA-256 of its text, in hex; empty if there is none.
    #[must_use]
    pub fn name(&self) -> String {
        self.text
            .as_ref()
            .map_or_else(String::new, |text| hex::encode(digest(&SHA256, text.as_bytes()).as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_known_by_what_they_say() {
        let of = |text: Option<&str>| ShopTemplate { text: text.map(str::to_owned) }.name();
        assert_eq!(of(None), "");
        assert_eq!(of(Some("a")), of(Some("a")));
        assert!(of(Some("a")) != of(Some("b")) && of(Some("")).len() == 64);
    }
}
