//! The goods' small pictures: the list when it is another one, then one picture after the other, of the goods to tap alone. No sale
//! waits for any of them, and what is broken is not asked for again.

use super::{Command, Controller};
use crate::catalogue_store::Goods;
use crate::sync::NetError;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::pictures::{MOST, Picture, Pictures, look, name_of};
use std::collections::BTreeSet;

/// Which pictures there are, and which of them this till has.
#[derive(Clone, Debug, Default)]
pub struct PictureShelf {
    list: Pictures,
    /// What the server calls the list, which is another name if something in it was left out.
    known_as: String,
    kept: BTreeSet<String>,
    /// On their way to the disk, or no pictures.
    settled: BTreeSet<String>,
}

impl PictureShelf {
    /// A list, and those of its pictures that are on the disk.
    #[must_use]
    pub fn new(list: Pictures, kept: BTreeSet<String>) -> Self {
        Self { known_as: list.name(), list, kept, settled: BTreeSet::new() }
    }

    /// The picture that can be shown for goods.
    #[must_use]
    pub fn shown(&self, product: &str) -> Option<&str> {
        let name = self.list.of.get(product)?;
        self.kept.contains(name).then_some(name.as_str())
    }

    fn lacks(&self, product: &str) -> Option<&str> {
        let name = self.list.of.get(product)?;
        (!self.kept.contains(name) && !self.settled.contains(name)).then_some(name.as_str())
    }

    /// The picture to ask for next: of the goods to tap alone.
    pub(super) fn wanted(&self, goods: &Goods) -> Option<&str> {
        goods.favourites().find_map(|product| self.lacks(&product.id))
    }

    /// What the list is known by.
    pub(super) fn name(&self) -> &str {
        &self.known_as
    }
}

impl Controller {
    pub(super) fn on_pictures(&mut self, mut list: Pictures) {
        let known_as = list.name();
        // A name becomes that of a file.
        list.of.retain(|_, name| crate::picture_store::is_name(name));
        while list.of.len() > MOST {
            list.of.pop_last();
        }
        let shelf = &mut self.options.pictures;
        let named: BTreeSet<&String> = list.of.values().collect();
        shelf.kept.retain(|name| named.contains(name));
        shelf.settled.retain(|name| named.contains(name));
        shelf.known_as = known_as;
        shelf.list = list;
        self.out.push(Command::KeepPictures(shelf.list.clone()));
    }

    pub(super) fn on_picture(&mut self, name: String, result: Result<Picture, NetError>) {
        let picture = match result {
            Ok(picture) => picture,
            Err(error) => {
                tracing::info!(%error, "a picture did not come");
                // The list is out of date: the next one says what is there.
                if error.code() == Some(ErrorCode::NotFound) {
                    self.options.pictures.settled.insert(name);
                }
                return;
            }
        };
        let shelf = &mut self.options.pictures;
        shelf.settled.insert(name.clone());
        match picture.bytes() {
            Ok(bytes) if name_of(&bytes) == name && look(&bytes).is_ok() => {
                self.out.push(Command::KeepPicture { name, bytes });
            }
            _ => tracing::warn!(name, "what came for a picture is none: its goods are shown without"),
        }
    }

    pub(super) fn on_picture_kept(&mut self, name: String, is_good: bool) {
        let shelf = &mut self.options.pictures;
        if is_good && shelf.list.of.values().any(|named| *named == name) {
            shelf.kept.insert(name);
        }
    }
}
