//! Which database serves which orders. The map changes while the server runs: groups are added, drained, moved and
//! retired. What a server believes is only where to ask first: the databases themselves know what they serve, and
//! refuse the rest.

use super::super::jump::{Candidate, Watch};
use super::super::{Drafts, GroupError, OrderGroup, Refusal};
use super::{GroupPlace, Place};
use evertill_shared::order_number::GroupTag;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// How a tag stands, as the servers believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagStanding {
    /// New orders get it.
    Active,
    /// No new orders get it; all else goes on.
    Draining,
    /// Its orders are being moved.
    Moving,
    /// Its orders are served away from the database that made them. No new orders get it, ever.
    Serving,
}

impl TagStanding {
    /// Its word in databases and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Moving => "moving",
            Self::Serving => "serving",
        }
    }

    /// Reads its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Draining, Self::Moving, Self::Serving].into_iter().find(|s| s.as_str() == word)
    }
}

/// Where a tag's orders are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagHome {
    /// The tag at the end of their numbers.
    pub tag: GroupTag,
    /// The database that serves them, named by the tag that it was made with.
    pub home: GroupTag,
    /// How the tag stands.
    pub standing: TagStanding,
    /// One more at each change of hands.
    pub epoch: u64,
}

/// What all servers of a store are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownMap {
    /// The databases in use, as this server reaches them.
    pub homes: Vec<GroupPlace>,
    /// Where each tag's orders are.
    pub tags: Vec<TagHome>,
}

/// An answer of a [`MapSource`]; the text says why there is none.
pub type Told<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// Whoever knows the map, for all servers of a store.
pub trait MapSource: Send + Sync {
    /// The map as it is now.
    fn map(&self) -> Told<KnownMap>;
    /// Remembers the random name of a database, so that no other is taken for it.
    fn remember(&self, home: GroupTag, identity: String) -> Told<()>;
    /// A place that somebody named, as this server reaches it, and as it is written down for all.
    /// # Errors
    /// What is wrong with it.
    fn place(&self, place: Place) -> Result<(Place, String), String>;
}

/// A database that holds orders, and what this server knows of it.
#[derive(Clone)]
pub(super) struct Home {
    pub group: Arc<dyn OrderGroup>,
    pub watch: Arc<Watch>,
}

/// The orders of one tag, in the database that serves them.
pub(super) struct Member {
    pub group: Arc<dyn OrderGroup>,
    pub watch: Arc<Watch>,
}

/// What this server believes.
#[derive(Default)]
pub(super) struct Map {
    pub homes: BTreeMap<GroupTag, Home>,
    pub members: BTreeMap<GroupTag, Arc<Member>>,
    /// The tags that new orders may get.
    takers: BTreeSet<GroupTag>,
    /// Tags that are known, and whose database this server has not got.
    homeless: BTreeSet<GroupTag>,
}

impl Map {
    /// Each database serves its own orders and no others.
    pub fn of_themselves(homes: BTreeMap<GroupTag, Home>) -> Self {
        let own = |tag: &GroupTag| TagHome { tag: *tag, home: *tag, standing: TagStanding::Active, epoch: 1 };
        let tags: Vec<TagHome> = homes.keys().map(own).collect();
        Self::new(homes, &tags)
    }

    pub fn new(homes: BTreeMap<GroupTag, Home>, tags: &[TagHome]) -> Self {
        let mut map = Self { homes, ..Self::default() };
        for known in tags {
            let Some(home) = map.homes.get(&known.home) else {
                map.homeless.insert(known.tag);
                continue;
            };
            let group =
                if known.tag == known.home { Arc::clone(&home.group) } else { home.group.serving(known.tag) };
            map.members.insert(known.tag, Arc::new(Member { group, watch: Arc::clone(&home.watch) }));
            if known.standing == TagStanding::Active && known.tag == known.home {
                map.takers.insert(known.tag);
            }
        }
        map
    }

    pub fn member(&self, tag: GroupTag) -> Result<Arc<Member>, GroupError> {
        match self.members.get(&tag) {
            Some(member) => Ok(Arc::clone(member)),
            None if self.homeless.contains(&tag) => {
                Err(GroupError::Unavailable("its database is just being opened".into()))
            }
            None => Err(GroupError::Refused(Refusal::NotFound("order"))),
        }
    }

    /// The groups that take new orders.
    pub fn takers(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.takers.iter().filter_map(|tag| self.members.get(tag))
    }
}

impl Member {
    pub fn candidate(&self) -> Candidate {
        let group: Arc<dyn OrderGroup> = Arc::clone(&self.group);
        let group: Arc<dyn Drafts> = group;
        Candidate { group, watch: Arc::clone(&self.watch) }
    }
}
