//! One group's try at a new order, from asking to what it says of the group's health. When it is not waited for any
//! more it goes on to its end by itself: only then is it known how the group is.

use super::super::probe;
use super::{Candidate, Created, GroupError, Jumping, NewDraft, Watch};
use evertill_shared::clock::Clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

type Answer = Result<Created, GroupError>;

/// See the module.
pub(super) struct Attempt {
    calls: Pin<Box<dyn Future<Output = Answer> + Send>>,
    watch: Arc<Watch>,
    clock: Arc<dyn Clock>,
    call: Duration,
    random: u64,
    began: Duration,
}

impl Attempt {
    /// Asks the group, after a probe if it has not written anything lately.
    pub(super) fn begin(candidate: &Candidate, draft: &NewDraft, jumping: &Jumping<'_>) -> Self {
        let (group, watch) = (Arc::clone(&candidate.group), Arc::clone(&candidate.watch));
        let (proved_at, healthy) = {
            let notes = watch.notes();
            (notes.proved_at, !notes.health.is_tripped())
        };
        let began = jumping.clock.monotonic();
        let probe_first = probe::is_needed(proved_at, began, healthy);
        let (draft, probed) = (draft.clone(), Arc::clone(&watch));
        let calls = Box::pin(async move {
            if probe_first {
                let answer = group.probe(draft.server.clone(), draft.at).await;
                probed.probed(&answer);
                answer?;
            }
            group.create_draft(draft).await
        });
        let clock = Arc::clone(jumping.clock);
        Self { calls, watch, clock, call: jumping.call, random: jumping.random, began }
    }

    /// Its answer, if it comes within so long.
    pub(super) async fn within(&mut self, patience: Duration) -> Option<Answer> {
        let answer = tokio::time::timeout(patience, &mut self.calls).await.ok()?;
        self.note(&answer);
        Some(answer)
    }

    /// It has had all its time: what it did, if anything, is not known.
    pub(super) fn give_up(self) -> GroupError {
        let error = GroupError::silent(self.call);
        self.note(&Err(error.clone()));
        error
    }

    async fn finish(mut self) -> Answer {
        let left = self.call.saturating_sub(self.clock.monotonic().saturating_sub(self.began));
        match self.within(left).await {
            Some(answer) => answer,
            None => Err(self.give_up()),
        }
    }

    fn note(&self, answer: &Answer) {
        let (watch, now) = (&self.watch, self.clock.monotonic());
        let took = now.saturating_sub(self.began);
        watch.took(now, took, answer);
        match answer {
            Err(error) if error.is_failure() => watch.failed(error, self.clock.as_ref(), self.random),
            // A refusal is an answer of a group that works.
            Ok(_) | Err(GroupError::Refused(_)) => {
                watch.created(now, self.random);
                watch.created_after(now, took, self.call / 4);
            }
            Err(_) => {}
        }
    }
}

/// Attempts that are not waited for alone any more.
#[derive(Default)]
pub(super) struct Late {
    answers: Option<(mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>)>,
    under_way: usize,
}

impl Late {
    /// Leaves an attempt to itself.
    pub(super) fn leave(&mut self, attempt: Attempt) {
        let (answers, _) = self.answers.get_or_insert_with(mpsc::unbounded_channel);
        let answers = answers.clone();
        self.under_way += 1;
        tokio::spawn(async move {
            // The order may have its number by now: then this draft expires.
            let _ = answers.send(attempt.finish().await);
        });
    }

    pub(super) fn is_any(&self) -> bool {
        self.under_way > 0
    }

    /// The first answer that decides; nothing when none will come any more.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        while self.under_way > 0 {
            let (_, answers) = self.answers.as_mut()?;
            let answer = answers.recv().await?;
            self.under_way -= 1;
            match answer {
                Err(error) if error.lets_jump() => {}
                decisive => return Some(decisive),
            }
        }
        None
    }
}
