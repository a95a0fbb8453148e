//! Following the map: reading it again each second, and at once when a database says that it does not serve what this
//! server believed. A map that cannot be read stays as it was: the databases refuse what is not theirs.

use super::map::{Home, Map};
use super::{Expected, GroupPlace, GroupSet, Inner, KnownMap, MapSource, Place, dice};
use crate::order_group::jump::Watch;
use crate::order_group::{GroupError, OrderGroup, StoredGroup};
use evertill_shared::order_number::GroupTag;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// How often the map is read.
const EVERY: Duration = Duration::from_secs(1);

/// Where the map comes from, and how far it was read.
#[derive(Default)]
pub(super) struct Following {
    source: OnceLock<Arc<dyn MapSource>>,
    reading: tokio::sync::Mutex<()>,
    reads: AtomicU64,
    /// Databases whose names the source has.
    remembered: Mutex<BTreeSet<GroupTag>>,
}

impl Following {
    /// How often the map was read in full.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Acquire)
    }
}

impl GroupSet {
    /// From now on the map is what `source` says. Reads it once, and then each second as long as the set lives.
    /// # Errors
    /// Why it could not be read this first time.
    pub async fn follow(&self, source: Arc<dyn MapSource>) -> Result<(), String> {
        let _ = self.0.following.source.set(source);
        let read = self.read_map().await;
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move { go_on_reading(weak).await });
        read
    }

    /// Reads the map now.
    /// # Errors
    /// Why not.
    pub async fn read_map(&self) -> Result<(), String> {
        let before = self.0.following.reads();
        self.read_map_after(before).await
    }

    /// Reads the map if nobody has since `before`; whether there is one to go by.
    pub(super) async fn catch_up(&self, before: u64) -> bool {
        if self.0.following.source.get().is_none() {
            return false;
        }
        let read = tokio::time::timeout(self.call_limit(), self.read_map_after(before)).await;
        match read {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(error, "the map of the order groups cannot be read: going by the old one");
                false
            }
            Err(_) => false,
        }
    }

    async fn read_map_after(&self, before: u64) -> Result<(), String> {
        let following = &self.0.following;
        let source = following.source.get().ok_or("there is no map to read")?;
        let _one_at_a_time = following.reading.lock().await;
        // Two more reads: one that had begun before may have seen what was there before.
        if following.reads() > before.saturating_add(1) {
            return Ok(());
        }
        let known = source.map().await?;
        self.go_by(&known).await?;
        following.reads.fetch_add(1, Ordering::Release);
        self.remember_names(source.as_ref()).await
    }

    async fn go_by(&self, known: &KnownMap) -> Result<(), String> {
        let mut homes: BTreeMap<GroupTag, Home> = self.map().homes.clone();
        let in_use: BTreeSet<GroupTag> = known.homes.iter().map(|place| place.tag).collect();
        homes.retain(|name, _| {
            let stays = in_use.contains(name);
            if !stays {
                tracing::info!(tag = %name, "an order group is out of use");
            }
            stays
        });
        for place in known.homes.iter().filter(|place| !self.map().homes.contains_key(&place.tag)) {
            let group = open(place.clone()).await?;
            let watch = self.0.watch(place.tag).map_err(|error| error.to_string())?;
            tracing::info!(tag = %place.tag, place = %place.place, "an order group was added");
            homes.insert(place.tag, Home { group, watch: Arc::new(watch) });
        }
        self.0.go_by(Map::new(homes, &known.tags));
        Ok(())
    }

    /// Before an order goes into a database its name is known, so that no other is ever taken for it.
    async fn remember_names(&self, source: &dyn MapSource) -> Result<(), String> {
        for (home, name) in self.identities() {
            if self.remembered().contains(&home) {
                continue;
            }
            source.remember(home, name).await?;
            self.remembered().insert(home);
        }
        Ok(())
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeSet<GroupTag>> {
        self.0.following.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the database of a group that is to be added, and lets go of it again; gives its random name, and its place
    /// as it is written down for all servers.
    /// # Errors
    /// Why it cannot be one.
    pub async fn try_new(
        &self,
        tag: GroupTag,
        place: Place,
        expected: Expected,
    ) -> Result<(String, String), String> {
        let source = self.0.following.source.get().ok_or("this server has no map to add it to")?;
        let (place, written) = source.place(place)?;
        let group = open(GroupPlace { tag, place, expected }).await?;
        let name = group.identity().ok_or_else(|| group.engine().to_string())?;
        group.database().map_err(|error| error.to_string())?.close().await;
        Ok((name, written))
    }

    /// The database of a home that is in use: for moving what is in it.
    /// # Errors
    /// It is not in use, or not open at the moment.
    pub fn home_database(&self, home: GroupTag) -> Result<crate::database::Database, GroupError> {
        let map = self.map();
        let home = map.homes.get(&home).ok_or_else(|| {
            GroupError::Unavailable(format!("order group {home} is not in use on this server"))
        })?;
        home.group.database()
    }
}

/// Opening waits for the disk or the network: on a thread that may wait.
async fn open(place: GroupPlace) -> Result<Arc<dyn OrderGroup>, String> {
    let GroupPlace { tag, place, expected } = place;
    let opened = tokio::task::spawn_blocking(move || StoredGroup::start(tag, place, expected)).await;
    let group = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(Arc::new(group))
}

async fn go_on_reading(set: Weak<Inner>) {
    let mut was_well = true;
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(inner) = set.upgrade() else { return };
        let read = GroupSet(inner).read_map().await;
        if let (Err(error), true) = (&read, was_well) {
            tracing::warn!(error, "the map of the order groups cannot be read: going by the old one");
        }
        was_well = read.is_ok();
    }
}

impl Inner {
    pub(super) fn watch(&self, home: GroupTag) -> Result<Watch, super::GroupSetError> {
        Ok(Watch::new(home, self.limits.health(), self.clock.monotonic(), dice(&*self.random)?))
    }
}
