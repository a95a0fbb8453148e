//! The map of the order groups as a server of the world reads it: the product's own, but that a server may be cut off
//! from it for a while without knowing.

use evertill_server::homes::Atlas;
use evertill_server::order_group::{KnownMap, MapSource, Place, Told};
use evertill_shared::order_number::GroupTag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One server's way to the map.
pub struct WorldAtlas {
    atlas: Atlas,
    stale: Arc<AtomicBool>,
    last: Arc<Mutex<Option<KnownMap>>>,
}

impl WorldAtlas {
    /// The way to that map; as long as `stale` is set, what was last read is read again.
    pub fn new(atlas: Atlas, stale: Arc<AtomicBool>) -> Self {
        Self { atlas, stale, last: Arc::default() }
    }
}

impl MapSource for WorldAtlas {
    fn map(&self) -> Told<KnownMap> {
        let (atlas, last) = (self.atlas.clone(), Arc::clone(&self.last));
        let known = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stale = self.stale.load(Ordering::Relaxed);
        Box::pin(async move {
            if let (true, Some(known)) = (stale, known) {
                return Ok(known);
            }
            let read = atlas.read().await?;
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
            Ok(read)
        })
    }

    fn remember(&self, home: GroupTag, identity: String) -> Told<()> {
        self.atlas.remember(home, identity)
    }

    fn place(&self, place: Place) -> Result<(Place, String), String> {
        self.atlas.place(place)
    }
}
