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

/// How a group is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Read,
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
        if how != How::Patient {
            return self.limited(member, how == How::Write, reply).await;
        }
        let began = self.0.clock.monotonic();
        let answer = tokio::time::timeout(PATIENT, reply).await;
        self.noted(member, Some(began), answer.unwrap_or_else(|_| Err(GroupError::silent(PATIENT))))
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
        let (tags, call) = (self.tags(), &call);
        let calls = tags.iter().map(|tag| self.read(*tag, call)).collect();
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
            Err(error) if error.is_failure() => {
                member.watch.failed(error, self.0.clock.as_ref(), dice(&*self.0.random).unwrap_or(0));
            }
            Ok(_) if write_began.is_some() => member.watch.wrote(self.0.clock.monotonic()),
            _ => {}
        }
        answer
    }
}
