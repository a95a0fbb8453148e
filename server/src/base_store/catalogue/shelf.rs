//! The goods as rows: what is asked of them, and how rows are written.

use super::super::{BaseError, BaseStore};
use super::stored::{Contents, Goods, contents};
use super::words::{pattern, wanted, words_of};
use crate::database::{DbError, Row, Sql, Value};
use crate::params;
use evertill_shared::order::line::ProductId;
use evertill_shared::protocol::catalogue::Product;

/// So many goods are on a page.
const ROWS: usize = 50;
/// So many values go with one statement.
const VALUES: usize = 60;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoodsSearch {
    /// As it was typed: parts of names, the letters of Chinese ones, ids, barcodes.
    pub text: String,
    /// Behind which goods the page begins, by their id.
    pub after: Option<ProductId>,
    /// What was withdrawn, in the place of what is sold.
    pub withdrawn: bool,
}

/// A page of goods, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoodsList {
    /// At most fifty.
    pub goods: Vec<KeptProduct>,
    /// More come behind them.
    pub more: bool,
}

/// A product as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptProduct {
    /// The product.
    pub product: Product,
    /// Somebody took it out of the catalogue.
    pub withdrawn: bool,
    /// Its place among the goods to tap, from 1. A favourite may have none: tills show only the first ones.
    pub place: Option<usize>,
}

impl KeptProduct {
    /// What tells this state of the product from any other. Its place is not in it: that moves when others do.
    #[must_use]
    pub fn mark(&self) -> String {
        let text = serde_json::to_string(&(self.withdrawn, &self.product)).unwrap_or_default();
        super::super::hash_of("evertill-product-v1", &text).chars().take(32).collect()
    }
}

/// The place of goods among those to tap, from 1.
pub(super) fn place_in(contents: &Contents, id: &str) -> Option<usize> {
    let order = contents.favourites.as_ref()?;
    order.iter().position(|one| one == id).map(|at| at + 1)
}

fn kept(row: &Row, contents: &Contents) -> Result<KeptProduct, DbError> {
    let product: Product = serde_json::from_str(&row.at::<String>(1)?).map_err(DbError::nonsense)?;
    let withdrawn = row.at::<i64>(0)? == 1;
    let place = if withdrawn { None } else { place_in(contents, &product.id) };
    Ok(KeptProduct { product, withdrawn, place })
}

/// The goods of that id: as they are sold, or else as they were withdrawn.
pub(super) fn find(sql: &dyn Sql, contents: &Contents, id: &str) -> Result<Option<KeptProduct>, DbError> {
    if !can_be_kept(id) {
        return Ok(None);
    }
    let rows = sql.rows(
        "SELECT withdrawn, product FROM goods WHERE withdrawn IN (0, 1) AND id = ?1 ORDER BY withdrawn",
        &params![id],
    )?;
    rows.first().map(|row| kept(row, contents)).transpose()
}

/// A page; one row more says that there are more.
const LIST: &str = "SELECT g.withdrawn, g.product FROM goods g WHERE g.withdrawn = ?1 AND g.id IN (
        SELECT w.id FROM goods w WHERE w.withdrawn = ?1 AND w.id > ?2 AND w.words LIKE ?3 ESCAPE '!'
            AND w.words LIKE ?4 ESCAPE '!' AND w.words LIKE ?5 ESCAPE '!' AND w.words LIKE ?6 ESCAPE '!'
            AND (?1 = 0 OR NOT EXISTS (SELECT 1 FROM goods s WHERE s.withdrawn = 0 AND s.id = w.id))
        ORDER BY w.id LIMIT ?7)
    ORDER BY g.id";

impl GoodsSearch {
    /// How the database is asked for the page.
    #[must_use]
    pub fn question(&self) -> (&'static str, [Value<'static>; 7]) {
        let words = wanted(&self.text);
        let word = |at: usize| pattern(words.get(at));
        let after = self.after.clone().filter(|after| can_be_kept(after)).unwrap_or_default();
        let most = u64::try_from(ROWS + 1).unwrap_or(u64::MAX);
        (LIST, params![self.withdrawn, after, word(0), word(1), word(2), word(3), most])
    }
}

/// PostgreSQL's text holds no zero byte. An id with one, which only a file can bring, is sold by tills and stands on no page.
fn can_be_kept(id: &str) -> bool {
    !id.contains('\0')
}

/// `?1, ?2`, so many from a number on.
fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ")
}

/// Statements with a row of `columns` values for each: few on the way, since each costs one.
fn in_rows(
    sql: &dyn Sql,
    (head, tail): (&str, &str),
    columns: usize,
    values: Vec<Value<'static>>,
) -> Result<(), DbError> {
    let mut values = values.into_iter().peekable();
    while values.peek().is_some() {
        let some: Vec<Value<'static>> = values.by_ref().take(VALUES / columns * columns).collect();
        let rows = (0..some.len() / columns).map(|row| format!("({})", places(row * columns + 1, columns)));
        let rows = rows.collect::<Vec<_>>().join(", ");
        sql.execute(&format!("{head} VALUES {rows} {tail}"), &some)?;
    }
    Ok(())
}

fn take_out(sql: &dyn Sql, head: &str, ids: &[&str]) -> Result<(), DbError> {
    for some in ids.chunks(VALUES) {
        let values: Vec<Value<'_>> = some.iter().map(|id| Value::from(*id)).collect();
        sql.execute(&format!("{head} id IN ({})", places(1, some.len())), &values)?;
    }
    Ok(())
}

/// Brings the rows of what is sold to where these goods lead.
pub(super) fn put(sql: &dyn Sql, goods: &Goods) -> Result<(), DbError> {
    let kept = || goods.products.iter().filter(|product| can_be_kept(&product.id));
    let gone: Vec<&str> = goods.gone.iter().map(String::as_str).filter(|id| can_be_kept(id)).collect();
    take_out(sql, "DELETE FROM goods WHERE withdrawn = 0 AND", &gone)?;
    let named: Vec<&str> = kept().map(|product| product.id.as_str()).chain(gone).collect();
    take_out(sql, "DELETE FROM goods_code WHERE", &named)?;
    let (mut rows, mut codes) = (Vec::new(), Vec::new());
    for product in kept() {
        let text = serde_json::to_string(product).map_err(DbError::nonsense)?;
        rows.extend([0_i64.into(), product.id.clone().into(), words_of(product).into(), text.into()]);
        for code in &product.barcodes {
            codes.extend([Value::from(code.clone()), product.id.clone().into()]);
        }
    }
    let tail = "ON CONFLICT (withdrawn, id) DO UPDATE SET words = excluded.words, product = excluded.product";
    in_rows(sql, ("INSERT INTO goods (withdrawn, id, words, product)", tail), 4, rows)?;
    let tail = "ON CONFLICT (code) DO UPDATE SET id = excluded.id";
    in_rows(sql, ("INSERT INTO goods_code (code, id)", tail), 2, codes)
}

/// Keeps goods that are withdrawn, or forgets that they were.
pub(super) fn keep_withdrawn(sql: &dyn Sql, product: &Product, withdrawn: bool) -> Result<(), DbError> {
    sql.execute("DELETE FROM goods WHERE withdrawn = 1 AND id = ?1", &params![&product.id])?;
    if withdrawn {
        let text = serde_json::to_string(product).map_err(DbError::nonsense)?;
        sql.execute(
            "INSERT INTO goods (withdrawn, id, words, product) VALUES (1, ?1, ?2, ?3)",
            &params![&product.id, words_of(product), text],
        )?;
    }
    Ok(())
}

impl BaseStore {
    /// A page of goods.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn goods(&self, asked: GoodsSearch) -> Result<GoodsList, BaseError> {
        self.database
            .read(move |sql| -> Result<GoodsList, BaseError> {
                let contents = contents(sql)?;
                let (statement, values) = asked.question();
                let rows = sql.rows(statement, &values)?;
                let goods = rows.iter().take(ROWS).map(|row| kept(row, &contents));
                Ok(GoodsList { goods: goods.collect::<Result<_, _>>()?, more: rows.len() > ROWS })
            })
            .await
    }

    /// One product by its id: as it is sold, or else as it was withdrawn.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn product(&self, id: &str) -> Result<Option<KeptProduct>, BaseError> {
        let id = id.to_owned();
        self.database.read(move |sql| -> Result<_, BaseError> { Ok(find(sql, &contents(sql)?, &id)?) }).await
    }
}
