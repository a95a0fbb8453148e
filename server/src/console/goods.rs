//! The goods: looked for, and turned page by page. However many there are, a page reads its own fifty.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::problem::Problem;
use super::visitor::{Visit, query_of};
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{GoodsList, GoodsSearch, KeptProduct};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;

/// How long a page waits for a catalogue that came a moment ago.
const CATCH_UP: Duration = Duration::from_millis(1_500);
/// The longest text that is looked for, in characters.
const LONGEST: usize = 100;

/// What was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    find: String,
    which: String,
    after: String,
}

struct Row {
    href: String,
    id: String,
    name: String,
    price: String,
    tax: String,
    badges: Vec<Badge>,
}

#[derive(Template)]
#[template(path = "goods.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    find: String,
    withdrawn: bool,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

/// Whether this person may see and change goods.
pub(super) fn only_editors(visit: &Visit) -> Result<(), Problem> {
    if may_open(visit.who.role, Tab::Goods) { Ok(()) } else { Err(Problem::Forbidden) }
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    only_editors(&visit)?;
    let t = visit.words();
    let is_whole = app.base.follow_catalogue(CATCH_UP).await?;
    let search = GoodsSearch {
        text: asked.find.chars().take(LONGEST).collect(),
        after: Some(asked.after).filter(|after| !after.is_empty()),
        withdrawn: asked.which == "withdrawn",
    };
    let found = app.base.goods(search.clone()).await?;
    let pictures = app.base.pictures().await?;
    let row = |kept: &KeptProduct| Row {
        href: address_of(&kept.product.id),
        id: kept.product.id.clone(),
        name: kept.product.name.clone(),
        price: price(kept, t),
        tax: kept.product.tax_rate.to_percent(),
        badges: badges(kept, pictures.of.contains_key(&kept.product.id), t),
    };
    let page = Page {
        f: visit.frame(Tab::Goods),
        notices: (!is_whole).then(|| Notice::new(Tone::Doubt, t.of_goods.goods_behind)).into_iter().collect(),
        rows: found.goods.iter().map(row).collect(),
        first: search.after.is_some().then(|| address(&search, None)),
        next: next(&search, &found),
        find: search.text,
        withdrawn: search.withdrawn,
    };
    Ok(ok(&page))
}

/// The page of one product.
pub(super) fn address_of(id: &str) -> String {
    format!("/console/goods/one?{}", query_of(&[("id", id)]))
}

fn address(search: &GoodsSearch, after: Option<&str>) -> String {
    let which = if search.withdrawn { "withdrawn" } else { "" };
    let all = [("find", search.text.as_str()), ("which", which), ("after", after.unwrap_or_default())];
    let given: Vec<(&str, &str)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    match given.is_empty() {
        true => "/console/goods".to_owned(),
        false => format!("/console/goods?{}", query_of(&given)),
    }
}

fn next(search: &GoodsSearch, found: &GoodsList) -> Option<String> {
    let last = found.goods.last().filter(|_| found.more)?;
    Some(address(search, Some(&last.product.id)))
}

fn price(kept: &KeptProduct, t: &'static Words) -> String {
    let price = kept.product.price.to_string();
    if kept.product.sold_by_weight { format!("{price} {}", t.of_goods.goods_per_kilogram) } else { price }
}

fn badges(kept: &KeptProduct, has_picture: bool, t: &'static Words) -> Vec<Badge> {
    let (product, t) = (&kept.product, t.of_goods);
    let tapped = match kept.place {
        Some(place) => Some(Badge::new(Tone::Good, fill(t.goods_tapped, &[&place.to_string()]))),
        None if product.favourite && !kept.withdrawn => Some(Badge::new(Tone::Off, t.goods_tapped_hidden)),
        None => None,
    };
    let age =
        product.least_age.map(|age| Badge::new(Tone::Doubt, fill(t.goods_from_age, &[&age.to_string()])));
    let serial = product.needs_serial.then(|| Badge::new(Tone::Wait, t.goods_serial_short));
    let withdrawn = kept.withdrawn.then(|| Badge::new(Tone::Off, t.goods_withdrawn));
    let picture = has_picture.then(|| Badge::new(Tone::Good, t.goods_pictured));
    [withdrawn, tapped, age, serial, picture].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_next_page_keeps_the_search() {
        let search = GoodsSearch { text: "绿茶 1&2".into(), after: None, withdrawn: true };
        let next = address(&search, Some("a/b"));
        assert_eq!(next, "/console/goods?find=%E7%BB%BF%E8%8C%B6%201%262&which=withdrawn&after=a%2Fb");
        assert_eq!(address(&GoodsSearch::default(), None), "/console/goods");
    }
}
