//! The feeders: for each tag one task that looks into the outbox of the group that serves it, copies what changed, and
//! then has the lines forgotten. One server does it for all; when somebody looks, every server does it for itself.

use super::build::{self, Feed};
use super::{MerchantView, Seen, ViewError, apply};
use crate::database::DbError;
use crate::order_group::outbox::{LeftOut, SaleCopy, SalesPart};
use crate::order_group::{GroupError, GroupSet, Lease};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::GroupTag;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};

/// How often each outbox is looked into.
const EVERY: Duration = Duration::from_millis(250);
/// How long to wait after a look that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often it is written down how far the view is complete, if nothing changes.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How long a server feeds a tag before another one may.
const LEASE: Duration = Duration::from_secs(5);
/// How often new tags are looked for.
const TAGS_EVERY: Duration = Duration::from_secs(1);
/// How many lines of an outbox, and how many orders from before it, are copied at once.
const PART: u32 = 200;

/// Why a look failed. The next one begins anew, and does no harm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FeedError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    Group(#[from] GroupError),
}

impl From<DbError> for FeedError {
    fn from(error: DbError) -> Self {
        Self::View(error.into())
    }
}

/// Stops feeding when it is dropped.
#[derive(Debug)]
pub struct Feeders(AbortHandle);

impl Drop for Feeders {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a feeder remembers from one look to the next.
#[derive(Default)]
struct Pace {
    /// When it was last written down how things stand.
    told: Option<Duration>,
    filled: bool,
    /// How many orders could not be copied when it was last told of.
    left_out: usize,
}

/// What a part was about.
pub(super) struct Fed {
    pub is_all: bool,
    pub changed: bool,
    pub left_out: Vec<LeftOut>,
}

/// As many numbers are named in the log.
const NAMED: usize = 20;

/// Their numbers, for the log.
pub(super) fn named(left_out: &[LeftOut]) -> String {
    let named: Vec<&str> = left_out.iter().take(NAMED).map(|order| order.number.as_str()).collect();
    named.join(" ")
}

impl Pace {
    /// Tells people of orders that cannot be copied, when there are more or fewer of them than before.
    fn tells_of(&mut self, tag: GroupTag, left_out: &[LeftOut]) {
        let count = left_out.len();
        metrics::gauge!("evertill_view_left_out", "group" => tag.to_string())
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        if count == self.left_out {
            return;
        }
        self.left_out = count;
        if count == 0 {
            tracing::info!(%tag, "all of this group's changes can be read again and are in the merchant view");
        } else {
            tracing::error!(%tag, count, orders = named(left_out),
                "changes of orders cannot be read and are missing in the merchant view: look at their rows. The others go on");
        }
    }
}

impl MerchantView {
    /// Feeds the view from all groups.
    #[must_use = "dropping it stops the feeding"]
    pub fn spawn_feeders(&self, groups: GroupSet) -> Feeders {
        let view = self.clone();
        Feeders(tokio::spawn(async move { view.feed_all_tags(groups).await }).abort_handle())
    }

    /// Tags come and go while the server runs.
    async fn feed_all_tags(&self, groups: GroupSet) {
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<GroupTag, AbortHandle> = BTreeMap::new();
        loop {
            let tags = groups.tags();
            running.retain(|tag, task| {
                let stays = tags.contains(tag);
                if !stays {
                    task.abort();
                    self.0.seen.send_modify(|seen| {
                        seen.remove(tag);
                    });
                }
                stays
            });
            for tag in tags {
                running.entry(tag).or_insert_with(|| {
                    self.note(tag, Seen { at: Duration::ZERO, well: true });
                    let (view, groups) = (self.clone(), groups.clone());
                    tasks.spawn(async move { view.feed_for_ever(&groups, tag).await })
                });
            }
            tokio::time::sleep(TAGS_EVERY).await;
            while tasks.try_join_next().is_some() {}
        }
    }

    async fn feed_for_ever(&self, groups: &GroupSet, tag: GroupTag) {
        let mut asked = self.0.asked.subscribe();
        let (mut pace, mut was_well) = (Pace::default(), true);
        loop {
            let is_asked = asked.has_changed().unwrap_or(false);
            asked.mark_unchanged();
            let looked = self.look(groups, tag, is_asked, &mut pace).await;
            let pause = match &looked {
                Ok(true) => EVERY,
                Ok(false) => Duration::ZERO,
                Err(_) => AFTER_FAILURE,
            };
            if let Err(error) = &looked {
                self.0.seen.send_modify(|seen| {
                    seen.entry(tag).and_modify(|seen| seen.well = false);
                });
                if was_well {
                    tracing::warn!(%tag, %error, "the merchant view does not get this group's sales; trying on");
                }
            } else if !was_well {
                tracing::info!(%tag, "the merchant view gets this group's sales again");
            }
            was_well = looked.is_ok();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = asked.changed() => asked.mark_changed(),
            }
        }
    }

    fn note(&self, tag: GroupTag, seen: Seen) {
        self.0.seen.send_modify(|all| {
            all.insert(tag, seen);
        });
    }

    /// One look into a tag's outbox; tells whether there is nothing more to do at once.
    async fn look(
        &self,
        groups: &GroupSet,
        tag: GroupTag,
        is_asked: bool,
        pace: &mut Pace,
    ) -> Result<bool, FeedError> {
        let (now, at) = (self.0.clock.now(), self.0.clock.monotonic());
        let lease = Lease { owner: groups.owner().to_owned(), now, until: now.plus(LEASE) };
        if !is_asked && self.is_leased(tag, &lease).await? {
            return Ok(true);
        }
        let is_time = pace.told.is_none_or(|told| at.saturating_sub(told) >= TELL_EVERY);
        let (fed, feed) = self.feed(groups, tag, Some(lease), is_time || !pace.filled).await?;
        if let Some((build, feed)) = feed {
            pace.told = Some(at);
            pace.filled = feed.filled || self.fill(groups, build, &feed).await?;
        }
        if fed.is_all {
            self.note(tag, Seen { at, well: true });
            pace.tells_of(tag, &fed.left_out);
        }
        Ok(fed.is_all && pace.filled)
    }

    async fn is_leased(&self, tag: GroupTag, lease: &Lease) -> Result<bool, ViewError> {
        let (owner, now) = (lease.owner.clone(), lease.now);
        self.read(move |sql| Ok(build::is_leased(sql, tag, &owner, now)?)).await
    }

    /// Copies a part of an outbox and has its lines forgotten. Writes only if there is something to copy, or `tells`;
    /// then it gives how far the tag has come, and in which build.
    pub(super) async fn feed(
        &self,
        groups: &GroupSet,
        tag: GroupTag,
        lease: Option<Lease>,
        tells: bool,
    ) -> Result<(Fed, Option<(i64, Feed)>), FeedError> {
        // The order matters: what is committed before `now`, and was not hidden then, is in the outbox that is read
        // afterwards, or in the view already.
        let now = self.0.clock.now();
        let hidden = groups.oldest_write(tag).await?;
        let part = groups.outbox(tag, PART).await?;
        let fed = Fed { is_all: part.is_all, changed: !part.lines.is_empty(), left_out: part.left_out };
        if !fed.changed && !tells {
            return Ok((fed, None));
        }
        // What cannot be copied is missing: nothing is promised of the time since then.
        let left_out = fed.left_out.iter().map(|order| order.since).min();
        let until = part.is_all.then(|| left_out.unwrap_or(now).min(now.minus(hidden)));
        let feed = self.take_in(tag, part.sales, until, lease).await?;
        if fed.changed {
            groups.forget_lines(tag, part.lines).await?;
        }
        Ok((fed, Some(feed)))
    }

    /// Puts copies into the view, durably; `until` is the time before which nothing is missing afterwards.
    pub(super) async fn take_in(
        &self,
        tag: GroupTag,
        sales: Vec<SaleCopy>,
        until: Option<Timestamp>,
        lease: Option<Lease>,
    ) -> Result<(i64, Feed), ViewError> {
        let job = self.write(move |sql| -> Result<(i64, Feed), ViewError> {
            let builds = build::lock(sql)?;
            for build in builds.all() {
                apply::apply(sql, build, &sales)?;
            }
            let feed = build::feed(sql, builds.live, tag)?;
            until.iter().try_for_each(|until| build::complete(sql, tag, *until))?;
            lease.iter().try_for_each(|lease| build::lease(sql, tag, lease))?;
            Ok((builds.live, feed))
        });
        job.await
    }

    /// Copies some of the orders from before the outbox, newest first; tells whether these were the last.
    async fn fill(&self, groups: &GroupSet, build: i64, feed: &Feed) -> Result<bool, FeedError> {
        let tag = feed.tag;
        let SalesPart { sales, left_out, rest } = groups.sales(tag, feed.scanned_to, PART).await?;
        // From now on they stand in the outbox, and hold the time back.
        groups.still_owed(tag, &left_out).await?;
        let missing = left_out.iter().map(|order| order.since).min();
        let job = self.write(move |sql| -> Result<(), ViewError> {
            // Another build has taken its place meanwhile: it is filled by itself.
            if build::lock(sql)?.live == build {
                apply::apply(sql, build, &sales)?;
                build::scanned(sql, build, tag, rest)?;
            }
            missing.iter().try_for_each(|since| build::missing_since(sql, tag, *since))?;
            Ok(())
        });
        job.await?;
        if rest.is_none() {
            tracing::info!(%tag, "all of this group's sales are in the merchant view");
        }
        Ok(rest.is_none())
    }
}
