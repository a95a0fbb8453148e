//! Bringing the till's books to the server: what to ask next, and when. Pure: the requests are carried out elsewhere
//! ([`worker`]), and the journal is written by the controller alone.
//!
//! One request of each kind is under way at a time. The queue of sales goes in order, one by one; each is sent again
//! until the server has confirmed it, which is safe because the server knows it by the till's own number of it. Those that
//! live in a group that is away are passed over meanwhile, and so are those that it has refused for what they are.

mod backoff;
mod countersign;
mod refused;
mod request;
pub mod worker;

pub use backoff::{Backoff, Jitter};
pub use request::{Answer, NetError, PaymentQuestion, Request};

use crate::catalogue_store::Standing;
use crate::journal_store::{Journal, JournalError, QueuedSale};
use backoff::Task;
use countersign::countersign_of;
use evertill_shared::journal::SignedEntry;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::orders::{AdoptOrder, CreateDraft};
use evertill_shared::protocol::refunds::CarryOutRefund;
use evertill_shared::protocol::terminal::{HandIn, TerminalStatus};
use evertill_shared::terminal_state::TerminalState;
use refused::RefusedSales;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often the server is asked about the till while all is well.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How often while the till waits to be activated.
const HEARTBEAT_PENDING: Duration = Duration::from_secs(1);
/// How often the refund inbox is read while something waits in it.
const REFUNDS: Duration = Duration::from_secs(3);
/// How often is looked whether a day is over that the server has not countersigned.
const COUNTERSIGN: Duration = Duration::from_secs(600);
/// How long nothing is handed in after a part of the archive could not be read for it.
const ARCHIVE_GONE: Duration = Duration::from_secs(60);
/// A sale that lives in another group than one that is away follows so soon at the latest.
const ANOTHER_GROUP: Duration = Duration::from_secs(1);
/// The most text in one hand-in: well inside what a server reads.
const HAND_IN_BYTES: usize = 512 * 1024;

/// The line to the server, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Not tried yet.
    Connecting,
    /// The last question was answered.
    Up,
    /// The last question was not answered.
    Down,
}

/// What has to be asked next.
pub struct Sync {
    line: Line,
    heartbeat: Task,
    queue: Task,
    hand_in: Task,
    catalogue: Task,
    staff: Task,
    template: Task,
    pictures: Task,
    picture: Task,
    inbox: Task,
    refund: Task,
    countersign: Task,
    backoff: Backoff,
    refused_sales: RefusedSales,
    drafts: BTreeSet<u64>,
    /// Groups that could not take a sale in, and until when none of theirs is sent.
    away: BTreeMap<GroupTag, Duration>,
    /// The group of the sale that is on its way.
    adopting: Option<GroupTag>,
    /// In which turn each open refund was sent last, by its entry.
    refund_turns: BTreeMap<u64, u64>,
    /// Before this the server wants to be asked for no numbers.
    drafts_from: Duration,
    halted: bool,
}

/// What the schedule needs to know of the till.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The server's last word about the till.
    pub status: Option<&'a TerminalStatus>,
    /// The catalogue that the till has, and the load of it that is under way; nothing before it has any.
    pub catalogue: Option<&'a Standing>,
    /// The version of the list of those who may log in; 0 before anybody of the store had a PIN.
    pub staff_version: u64,
    /// What the shop's template for receipts is known by that the till has, or has looked at in vain.
    pub receipt_template: &'a str,
    /// What the list of the goods' pictures is known by that the till has.
    pub pictures: &'a str,
    /// A picture that the till lacks.
    pub wanted_picture: Option<&'a str>,
    /// A person is looking at the refunds, or the till shows some as waiting.
    pub refunds_wanted: bool,
}

impl Sync {
    /// A schedule that begins with asking the server about the till.
    #[must_use]
    pub fn new(jitter: Jitter) -> Self {
        Self {
            line: Line::Connecting,
            heartbeat: Task::default(),
            queue: Task::default(),
            hand_in: Task::default(),
            catalogue: Task::default(),
            staff: Task::default(),
            template: Task::default(),
            pictures: Task::default(),
            picture: Task::default(),
            inbox: Task::default(),
            refund: Task::default(),
            countersign: Task::default(),
            backoff: Backoff::new(jitter),
            refused_sales: RefusedSales::default(),
            drafts: BTreeSet::new(),
            away: BTreeMap::new(),
            adopting: None,
            refund_turns: BTreeMap::new(),
            drafts_from: Duration::ZERO,
            halted: false,
        }
    }

    /// The line to the server.
    #[must_use]
    pub fn line(&self) -> Line {
        self.line
    }

    /// Nothing but questions from here on: the server and the till disagree about the books.
    pub fn halt(&mut self) {
        self.halted = true;
    }

    /// Ask the server about the till at once: something did not get through.
    pub fn suspect(&mut self, now: Duration) {
        self.heartbeat.hurry(now);
    }

    /// Do what is waiting at once: something new is there to be sent.
    pub fn hurry(&mut self, now: Duration) {
        self.queue.hurry_if_well(now);
        self.hand_in.hurry_if_well(now);
    }

    /// The disk did not take what came of the catalogue: it is asked for again, not at once.
    pub fn catalogue_not_stored(&mut self, now: Duration) {
        let pause = self.backoff.after(self.catalogue.failures());
        self.catalogue.failed(now, pause);
    }

    /// Whether a draft for this sale may be asked for; if so, it counts as asked for.
    ///
    /// A server that has too much to do says for how long it wants to be left alone; until then no number is asked
    /// for, not even for another sale.
    pub fn claim_draft(&mut self, sale: u64, now: Duration) -> bool {
        now >= self.drafts_from && self.drafts.insert(sale)
    }

    /// What is to be asked now. Each request counts as sent.
    /// # Errors
    /// The journal cannot be read.
    pub fn poll(
        &mut self,
        journal: Option<&dyn Journal>,
        situation: &Situation<'_>,
        now: Duration,
    ) -> Result<Vec<Request>, JournalError> {
        let mut requests = Vec::new();
        if self.heartbeat.start(now) {
            requests.push(Request::Heartbeat);
        }
        let (Some(status), Some(journal), Line::Up) = (situation.status, journal, self.line) else {
            return Ok(requests);
        };
        if self.halted || !status.state.may_upload() {
            return Ok(requests);
        }
        if self.queue.is_due(now)
            && let Some(request) = self.next_of_queue(journal, status.state, now)?
        {
            self.queue.start(now);
            requests.push(request);
        }
        if self.hand_in.is_due(now) {
            requests.extend(self.next_hand_in(journal, now)?);
        }
        if let Some(request) = news_of_goods(situation.catalogue, status)
            && self.catalogue.start(now)
        {
            requests.push(request);
        }
        // Only to a till that may sell: others get no list.
        let staff_due = situation.staff_version != status.staff_version && status.state.may_move_money();
        if staff_due && self.staff.start(now) {
            requests.push(Request::Staff { since: situation.staff_version });
        }
        let template_due =
            status.receipt_template.as_ref().is_some_and(|name| name != situation.receipt_template);
        if template_due && self.template.start(now) {
            requests.push(Request::ReceiptTemplate);
        }
        if status.state.may_move_money() {
            requests.extend(self.next_picture(status, situation, now));
        }
        if (status.refunds_waiting > 0 || situation.refunds_wanted) && self.inbox.start(now) {
            requests.push(Request::Refunds);
        }
        if status.state.may_move_money()
            && self.refund.is_due(now)
            && let Some(request) = self.next_refund(journal)?
        {
            self.refund.start(now);
            requests.push(request);
        }
        if status.state.may_move_money() && self.countersign.is_due(now) {
            let request = countersign_of(journal, status)?;
            match &request {
                Some(_) => drop(self.countersign.start(now)),
                None => self.countersign.succeeded(now, COUNTERSIGN),
            }
            requests.extend(request);
        }
        Ok(requests)
    }

    /// The list first: what it does not name is not there.
    fn next_picture(
        &mut self,
        status: &TerminalStatus,
        situation: &Situation<'_>,
        now: Duration,
    ) -> Option<Request> {
        if status.pictures.as_ref().is_some_and(|name| name != situation.pictures) {
            return self.pictures.start(now).then_some(Request::Pictures);
        }
        let name = situation.wanted_picture?;
        self.picture.start(now).then(|| Request::Picture { name: name.to_owned() })
    }

    /// A server that was put back to an older state wants entries again that are in the archive by now. Without them it
    /// gets nothing, and all else goes on.
    fn next_hand_in(
        &mut self,
        journal: &dyn Journal,
        now: Duration,
    ) -> Result<Option<Request>, JournalError> {
        match hand_in_of(journal) {
            Ok(Some(request)) => {
                self.hand_in.start(now);
                Ok(Some(request))
            }
            Err(error @ JournalError::Archive { .. }) => {
                tracing::error!(%error, "nothing can be handed in");
                self.hand_in.failed(now, ARCHIVE_GONE);
                Ok(None)
            }
            other => other,
        }
    }

    /// The open refund that was sent the longest ago, one that never was before all others. A wallet may be at work on one
    /// for days, and a group be away for hours: no other refund waits for that.
    fn next_refund(&mut self, journal: &dyn Journal) -> Result<Option<Request>, JournalError> {
        let open = journal.open_refunds()?;
        self.refund_turns.retain(|entry, _| open.iter().any(|record| record.entry == *entry));
        let turn = |entry: u64| self.refund_turns.get(&entry).copied().unwrap_or(0);
        let next = open.into_iter().min_by_key(|record| (turn(record.entry), record.entry));
        let Some(record) = next else { return Ok(None) };
        let body = Box::new(CarryOutRefund { carried_out: journal.entry(record.entry)? });
        let last = self.refund_turns.values().max().copied().unwrap_or(0);
        self.refund_turns.insert(record.entry, last.saturating_add(1));
        Ok(Some(Request::CarryOutRefund { refund: record.id, number: record.number, body }))
    }

    /// In their order; those that the server has refused before come last, each when its pause is over.
    fn in_turn(&self, queue: Vec<QueuedSale>, now: Duration) -> impl Iterator<Item = QueuedSale> + use<> {
        let (refused, others): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|queued| self.refused_sales.knows(queued.sequence));
        let due = |queued: &QueuedSale| self.refused_sales.is_due(queued.sequence, now);
        let refused: Vec<_> = refused.into_iter().filter(due).collect();
        others.into_iter().chain(refused)
    }

    fn next_of_queue(
        &mut self,
        journal: &dyn Journal,
        state: TerminalState,
        now: Duration,
    ) -> Result<Option<Request>, JournalError> {
        for queued in self.in_turn(journal.queue()?, now) {
            let Some(stored) = journal.sale(queued.sequence)? else { continue };
            let group = stored.record.number().map(|number| number.tag());
            if group.and_then(|group| self.away.get(&group)).is_some_and(|until| now < *until) {
                continue;
            }
            let sale = journal.entry(queued.sequence)?;
            let (Some(adopted), Some(cash)) = (stored.record.adopted, stored.record.cash) else {
                // A blocked till is given no numbers; what has none goes up with the journal.
                if !state.may_move_money() {
                    continue;
                }
                // The screen may be asking for a number of this very sale: then wait for that one.
                let claimed = self.claim_draft(queued.sequence, now);
                let body = Box::new(CreateDraft { sale });
                return Ok(claimed.then_some(Request::Draft { sale: queued.sequence, body }));
            };
            self.adopting = group;
            let part = stored.record.part_under(cash.entry);
            let body = Box::new(AdoptOrder {
                sale,
                adopted: journal.entry(adopted.entry)?,
                cash: Some(journal.entry(cash.entry)?),
                cash_part: part.map(|entry| journal.entry(entry)).transpose()?,
            });
            return Ok(Some(Request::Adopt { sale: queued.sequence, number: adopted.number, body }));
        }
        Ok(None)
    }

    /// Notes that an answer came (or did not), so that the next question is asked in time.
    pub fn note(&mut self, answer: &Answer, now: Duration) {
        match answer {
            Answer::Heartbeat(result) => self.note_heartbeat(result, now),
            Answer::Catalogue(result) => {
                note_task(&mut self.catalogue, &mut self.backoff, result, Duration::ZERO, now);
            }
            Answer::Staff(result) => {
                note_task(&mut self.staff, &mut self.backoff, result, Duration::ZERO, now);
            }
            Answer::ReceiptTemplate(result) => {
                note_task(&mut self.template, &mut self.backoff, result, Duration::ZERO, now);
            }
            Answer::Pictures(result) => {
                note_task(&mut self.pictures, &mut self.backoff, result, Duration::ZERO, now);
            }
            Answer::Picture { result, .. } => {
                note_task(&mut self.picture, &mut self.backoff, result, Duration::ZERO, now);
            }
            Answer::Draft { sale, result } => {
                self.drafts.remove(sale);
                if let Some(asked) = result.as_ref().err().and_then(NetError::retry_after) {
                    self.drafts_from = now + self.backoff.asked(asked);
                }
                self.note_queue(*sale, result.as_ref().err(), now);
            }
            Answer::Adopt { sale, result } => self.note_adopted(*sale, result.as_ref().err(), now),
            Answer::HandIn(result) => {
                note_task(&mut self.hand_in, &mut self.backoff, result, Duration::ZERO, now);
            }
            // A day is not worth asking for again and again: others need the retries.
            Answer::Countersign(Err(error)) if error.code().is_some_and(|code| !code.is_later()) => {
                self.countersign.failed(now, COUNTERSIGN);
            }
            Answer::Countersign(result) => {
                note_task(&mut self.countersign, &mut self.backoff, result, COUNTERSIGN, now);
            }
            Answer::Refunds(result) => note_task(&mut self.inbox, &mut self.backoff, result, REFUNDS, now),
            Answer::CarryOutRefund { result, .. } => {
                note_task(&mut self.refund, &mut self.backoff, result, HEARTBEAT, now);
            }
            Answer::Payment { .. } | Answer::AskRefund { .. } | Answer::Waiting { .. } => {}
        }
        if answer.error().is_some_and(NetError::is_no_answer) && !matches!(answer, Answer::Heartbeat(_)) {
            self.suspect(now);
        }
    }

    fn note_heartbeat(&mut self, result: &Result<TerminalStatus, NetError>, now: Duration) {
        match result {
            Ok(status) => {
                if self.line != Line::Up {
                    self.line = Line::Up;
                    self.away.clear();
                    self.refused_sales.server_is_back();
                    // What failed while the line was down is tried at once.
                    for task in [
                        &mut self.queue,
                        &mut self.hand_in,
                        &mut self.catalogue,
                        &mut self.staff,
                        &mut self.template,
                        &mut self.pictures,
                        &mut self.picture,
                        &mut self.inbox,
                        &mut self.refund,
                    ] {
                        task.hurry(now);
                    }
                }
                let pause =
                    if status.state == TerminalState::Pending { HEARTBEAT_PENDING } else { HEARTBEAT };
                self.heartbeat.succeeded(now, pause);
            }
            Err(error) => {
                // A server that answers with an error of its own is reached, but cannot be worked with.
                let answered = matches!(error, NetError::Refused(_));
                if !answered || self.line == Line::Connecting {
                    self.line = Line::Down;
                }
                // By this question the till finds the server again: it is rare by itself, and takes no other's retry.
                let own = self.backoff.after(self.heartbeat.failures()).min(Duration::from_secs(10));
                let pause = error.retry_after().map_or(own, |asked| own.max(self.backoff.asked(asked)));
                self.heartbeat.failed(now, pause);
            }
        }
    }

    /// A group that is away holds up the sales that live in it, and no others: one of those is sent before the next of its.
    fn note_adopted(&mut self, sale: u64, error: Option<&NetError>, now: Duration) {
        let is_away = |error: &&NetError| {
            matches!(error.code(), Some(ErrorCode::GroupUnavailable | ErrorCode::OutcomeUnknown))
        };
        match (self.adopting.take(), error.filter(is_away)) {
            (Some(group), Some(error)) => {
                let pause = self.backoff.retry(self.queue.failures(), error);
                self.away.insert(group, now + pause);
                self.queue.failed(now, (pause / 2).min(ANOTHER_GROUP));
            }
            _ => self.note_queue(sale, error, now),
        }
    }

    fn note_queue(&mut self, sale: u64, error: Option<&NetError>, now: Duration) {
        let Some(error) = error else {
            self.backoff.earned();
            self.refused_sales.taken(sale);
            return self.queue.succeeded(now, Duration::ZERO);
        };
        let pause = self.backoff.retry(self.queue.failures(), error);
        self.queue.failed(now, pause);
        // What the server cannot read now, it will not read in a moment: others must not wait behind it.
        if matches!(error, NetError::Refused(e) if matches!(e.code, ErrorCode::BadRequest | ErrorCode::WrongState | ErrorCode::TooLarge))
        {
            self.refused_sales.refused(sale, now);
        }
    }
}

fn note_task<T>(
    task: &mut Task,
    backoff: &mut Backoff,
    result: &Result<T, NetError>,
    pause: Duration,
    now: Duration,
) {
    match result {
        Ok(_) => {
            backoff.earned();
            task.succeeded(now, pause);
        }
        Err(error) => {
            let wait = backoff.retry(task.failures(), error);
            task.failed(now, wait);
        }
    }
}

/// The entries that the server is not known to have, as many as go into one request; none if it has them all.
/// # Errors
/// The journal cannot be read.
pub fn hand_in_of(journal: &dyn Journal) -> Result<Option<Request>, JournalError> {
    let known = journal.handed_in()?;
    if known >= journal.head().sequence {
        return Ok(None);
    }
    let mut bytes = 0;
    let entries: Vec<SignedEntry> = journal
        .entries_after(known, HandIn::MAX_ENTRIES)?
        .into_iter()
        .enumerate()
        .take_while(|(index, entry)| {
            bytes += entry.text.len() + entry.signature.len();
            *index == 0 || bytes <= HAND_IN_BYTES
        })
        .map(|(_, entry)| entry)
        .collect();
    Ok((!entries.is_empty()).then_some(Request::HandIn { body: HandIn { entries } }))
}

/// The question for other goods, unless the till has those of the server and nothing but them: parts of a version that the
/// server has lost since are no whole version, whatever its number is.
fn news_of_goods(standing: Option<&Standing>, status: &TerminalStatus) -> Option<Request> {
    let none = Standing::default();
    let standing = standing.unwrap_or(&none);
    let is_same = status.catalogue_name.as_ref().is_none_or(|name| *name == standing.name);
    if standing.version == Some(status.catalogue_version) && is_same && standing.next.is_none() {
        return None;
    }
    // A server from before knows no places and gives everything at once, or knows places and no names.
    let at = status.catalogue_parts.then(|| standing.next.unwrap_or_default());
    let name = if standing.next.is_some() { &standing.next_name } else { &standing.name };
    let of = status.catalogue_name.as_ref().and(at).map(|_| name.clone());
    Some(Request::Catalogue { since: standing.version.unwrap_or(0), of, at })
}

#[cfg(test)]
mod tests;
