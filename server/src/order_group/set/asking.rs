//! Asking a group: the time limit of every call, what it says of the group's health, and what is done when the map
//! was out of date.

use super::super::{GroupError, OrderGroup, Refusal, Reply};
use super::map::Member;
use super::{GroupSet, dice, join};
use evertill_shared::order_number::GroupTag;
use std::sync::Arc;
use std::time::Duration;

/// How long a write may be waited for by work that no customer stands in front of.
const PATIENT: Duration = Duration::from_secs(15);
/// How long a group that new orders skip is waited for by whoever only glances at all of them. One that works answers long
/// before.
const GLANCE: Duration = Duration::from_millis(50);

/// How a group is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Read,
    /// A look at all groups that is worth little without those that are well: one that is skipped is not waited for.
    Glance,
    /// A look for a report: whatever comes of it keeps no new order away.
    Look,
    Write,
    /// A write whose asker holds something that is lost if it does not wait.
    Patient,
}

impl GroupSet {
    pub(in super::super) async fn write<T>(
        &self,
        tag: GroupTag,
        call: impl Fn(&dyn OrderGroup) -> Reply<T>,
    ) -> Result<T, GroupError> {
        self.ask(tag, How::Write, call).await
    }

    pub(in super::super) async fn read<T>(
        &self,
        tag: GroupTag,
        call: impl Fn(&dyn OrderGroup) -> Reply<T>,
    ) -> Result<T, GroupError> {
        self.ask(tag, How::Read, call).await
    }

    pub(in super::super) async fn patient<T>(
        &self,
        tag: GroupTag,
        call: impl Fn(&dyn OrderGroup) -> Reply<T>,
    ) -> Result<T, GroupError> {
        self.ask(tag, How::Patient, call).await
    }

    /// Asks the database that serves the tag. One that says it does not serve it has surely done nothing: then the map
    /// is read anew and the right one asked, once.
    async fn ask<T>(
        &self,
        tag: GroupTag,
        how: How,
        call: impl Fn(&dyn OrderGroup) -> Reply<T>,
    ) -> Result<T, GroupError> {
        let read_before = self.0.following.reads();
        let answer = match self.map().member(tag) {
            Ok(member) => self.ask_once(&member, how, call(member.group.as_ref())).await,
            Err(error) => Err(error),
        };
        let misled = match &answer {
            Err(GroupError::Elsewhere) => true,
            Err(GroupError::Refused(Refusal::NotFound(_))) => self.map().member(tag).is_err(),
            _ => false,
        };
        if !misled || !self.catch_up(read_before).await {
            return answer;
        }
        let member = self.map().member(tag)?;
        self.ask_once(&member, how, call(member.group.as_ref())).await
    }

    async fn ask_once<T>(&self, member: &Member, how: How, reply: Reply<T>) -> Result<T, GroupError> {
        match how {
            How::Look => unnoted(self.call_limit(), reply).await,
            How::Glance if member.watch.is_skipped() => unnoted(GLANCE, reply).await,
            How::Glance | How::Read => self.limited(member, false, reply).await,
            How::Write => self.limited(member, true, reply).await,
            How::Patient => {
                let began = self.0.clock.monotonic();
                let answer = tokio::time::timeout(PATIENT, reply).await;
                self.noted(member, Some(began), answer.unwrap_or_else(|_| Err(GroupError::silent(PATIENT))))
            }
        }
    }

    /// The group that keeps a tag's orders, for calls that say nothing about its health.
    pub(in super::super) fn group(&self, tag: GroupTag) -> Result<Arc<dyn OrderGroup>, GroupError> {
        self.map().member(tag).map(|member| Arc::clone(&member.group))
    }

    /// Asks all groups; gives the answers, and the tags whose orders are missing in them.
    pub(in super::super) async fn read_all<T>(
        &self,
        call: impl Fn(&dyn OrderGroup) -> Reply<T> + Sync,
    ) -> (Vec<T>, Vec<GroupTag>) {
        self.ask_all(How::Read, call).await
    }

    /// The same without waiting for groups that new orders skip: a till asks every few seconds, and one group that hangs must
    /// not slow its answer down (rule *isolation*).
    pub(in super::super) async fn glance_at_all<T>(
        &self,
        call: impl Fn(&dyn OrderGroup) -> Reply<T> + Sync,
    ) -> (Vec<T>, Vec<GroupTag>) {
        self.ask_all(How::Glance, call).await
    }

    /// The same for a report: how it ends says nothing about any group's health.
    pub(in super::super) async fn look_at_all<T>(
        &self,
        call: impl Fn(&dyn OrderGroup) -> Reply<T> + Sync,
    ) -> (Vec<T>, Vec<GroupTag>) {
        self.ask_all(How::Look, call).await
    }

    async fn ask_all<T>(
        &self,
        how: How,
        call: impl Fn(&dyn OrderGroup) -> Reply<T> + Sync,
    ) -> (Vec<T>, Vec<GroupTag>) {
        let (tags, call) = (self.tags(), &call);
        let calls = tags.iter().map(|tag| self.ask(*tag, how, call)).collect();
        let mut unreachable = Vec::new();
        let mut parts = Vec::new();
        for (tag, answer) in tags.iter().zip(join(calls).await) {
            match answer {
                Ok(part) => parts.push(part),
                Err(_) => unreachable.push(*tag),
            }
        }
        (parts, unreachable)
    }

    /// A write that does not answer in time is unknown; a question that does not has no effect anyway.
    pub(super) async fn limited<T>(
        &self,
        member: &Member,
        writes: bool,
        reply: Reply<T>,
    ) -> Result<T, GroupError> {
        let began = writes.then(|| self.0.clock.monotonic());
        let answer = tokio::time::timeout(self.call_limit(), reply).await.unwrap_or_else(|_| {
            Err(if writes {
                GroupError::silent(self.call_limit())
            } else {
                GroupError::Unavailable(format!("no answer within {} ms", self.0.limits.call_ms))
            })
        });
        self.noted(member, began, answer)
    }

    fn noted<T>(
        &self,
        member: &Member,
        write_began: Option<Duration>,
        answer: Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        if let Some(began) = write_began {
            let now = self.0.clock.monotonic();
            member.watch.took(now, now.saturating_sub(began), &answer);
        }
        match &answer {
            // A row that makes no sense, most often, or a fault of ours: it is there whenever that order is asked about,
            // and the group is well.
            Err(GroupError::Internal(_)) => {}
            Err(error) if error.is_failure() => {
                member.watch.failed(error, self.0.clock.as_ref(), dice(&*self.0.random).unwrap_or(0));
            }
            Ok(_) if write_began.is_some() => member.watch.wrote(self.0.clock.monotonic()),
            _ => {}
        }
        answer
    }
}

async fn unnoted<T>(limit: Duration, reply: Reply<T>) -> Result<T, GroupError> {
    let late = |_| Err(GroupError::Unavailable(format!("no answer within {} ms", limit.as_millis())));
    tokio::time::timeout(limit, reply).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{CALL_MS, Rig, tag};
    use super::*;
    use evertill_shared::clock::{Clock, SystemClock};
    use std::future::{pending, ready};

    fn standing(rig: &Rig, group: usize) -> (&'static str, u32) {
        let health = rig.groups.health();
        (health[group].standing, health[group].failures)
    }

    #[tokio::test]
    async fn isolation_a_row_that_makes_no_sense_says_nothing_about_its_group() {
        let rig = Rig::new(1);
        for how in [How::Read, How::Glance, How::Look, How::Write, How::Patient] {
            let spoilt = GroupError::Internal("the database holds a value that makes no sense".into());
            let answer = rig.groups.ask(tag(0), how, |_| Box::pin(ready(Err::<(), _>(spoilt.clone())))).await;
            assert_eq!(answer, Err(spoilt));
        }
        assert_eq!(standing(&rig, 0), ("healthy", 0));
        let locked = GroupError::Unavailable("locked".into());
        for how in [How::Read, How::Glance, How::Look] {
            let answer = rig.groups.ask(tag(0), how, |_| Box::pin(ready(Err::<(), _>(locked.clone())))).await;
            assert_eq!(answer, Err(locked.clone()));
        }
        assert_eq!(standing(&rig, 0), ("healthy", 2), "what a report meets is not counted");
    }

    #[tokio::test]
    async fn isolation_a_glance_at_all_groups_waits_for_none_that_is_skipped() {
        let rig = Rig::new(2);
        let hangs = |group: &dyn OrderGroup| -> Reply<u8> {
            if group.tag() == tag(0) { Box::pin(pending()) } else { Box::pin(ready(Ok(7))) }
        };
        // Until it is known that the group hangs it is waited for.
        while standing(&rig, 0).0 != "skipped" {
            assert_eq!(rig.groups.glance_at_all(hangs).await, (vec![7], vec![tag(0)]));
        }
        assert_eq!(standing(&rig, 0).1, 3);
        let start = SystemClock.monotonic();
        assert_eq!(
            rig.groups.glance_at_all(hangs).await,
            (vec![7], vec![tag(0)]),
            "and what is missing is named"
        );
        let took = SystemClock.monotonic() - start;
        assert!(took < Duration::from_millis(CALL_MS - 100), "{took:?}");
        assert_eq!(standing(&rig, 0).1, 3, "that it was not waited for says nothing about it");
        assert_eq!(rig.groups.glance_at_all(|_| Box::pin(ready(Ok(7)))).await, (vec![7, 7], vec![]));
    }
}
