//! Planted bugs: for each rule at least one mistake that widely used payment code makes, put in between the product
//! and what it stands on, so that nothing of it is in the product. The world must catch every one.

use super::chance::Chance;
use super::engine::{Condition, Lane};
use super::network::Weather;
use super::plan::{Plan, What};
use super::wallet::WalletWeather;
use evertill_server::channel::{
    Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes,
    ShownOrder,
};
use evertill_server::database::{DbError, Row, Sql, Value};
use evertill_shared::id::{ChannelNumber, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// One planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Orders are born adopted: whoever jumps after a time-out has two.
    SkipsAdoption,
    /// A charge that nobody answered is written down as failed.
    TrustsATimeOut,
    /// A reversal that nobody answered counts as done, and is not asked about any more.
    TrustsAReversalUnheard,
    /// The reversal, the last step, was left for later.
    NeverReverses,
    /// "No such order" is believed while the charge may be on its way.
    BelievesNoSuchOrder,
    /// The intent is written down a while after the charge.
    ForgetsTheIntent,
    /// Refunds are reserved without looking at what is left.
    ReservesWithoutTheGuard,
    /// Whether a refund may be is decided by a copy that lags.
    DecidesByAReplica,
    /// A refund gets another number at every retry.
    RenumbersRefunds,
    /// The number that the wallet sees is made anew for each call.
    NumberNotFromTheSale,
    /// A second attempt begins while the first is unknown.
    TriesAgainUnderANewNumber,
    /// Any till may carry a refund out.
    RefundsFromAnyTill,
    /// Servers take a blocked till for an active one.
    IgnoresABlock,
    /// When a group is down its payments go to another.
    JumpsWithPayments,
    /// A till believes answers that were given to other requests.
    BelievesAnyAnswer,
    /// Nobody compares a till's journal with what was handed in before.
    ForgetsTheChain,
    /// A commit that was cut off while it waited for its standbys counts as done.
    TrustsACommitCutOff,
    /// A till's disk says that it has written before it has.
    DiskLies,
    /// A database serves whatever a server believes that it serves.
    AcceptsAStaleMap,
    /// All databases of a server share one lane.
    SharesALane,
    /// All wallets of a server share one lane.
    SharesAWallet,
    /// The view counts a copy again that it has already.
    CountsACopyTwice,
    /// The view takes an older copy for a newer one, and newer ones for old.
    MissesNewerCopies,
    /// Whether a refund may be is asked of the merchant view first.
    DecidesByTheView,
    /// Servers know nothing of the store's midnight.
    ForgetsTheCutOff,
    /// Whoever was once told that an attempt is over never asks the wallet again.
    NeverAsksAfterTheEnd,
    /// Nobody looks for money that should go back and does not.
    NeverScans,
    /// A shown code is called over without being closed, so that it can be paid all the same.
    LeavesCodesOpen,
    /// A reversal that did not settle an attempt is the last thing that is done about it.
    StopsAsking,
}

impl Mutation {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::SkipsAdoption,
        Self::TrustsATimeOut,
        Self::TrustsAReversalUnheard,
        Self::NeverReverses,
        Self::BelievesNoSuchOrder,
        Self::ForgetsTheIntent,
        Self::ReservesWithoutTheGuard,
        Self::DecidesByAReplica,
        Self::RenumbersRefunds,
        Self::NumberNotFromTheSale,
        Self::TriesAgainUnderANewNumber,
        Self::RefundsFromAnyTill,
        Self::IgnoresABlock,
        Self::JumpsWithPayments,
        Self::BelievesAnyAnswer,
        Self::ForgetsTheChain,
        Self::TrustsACommitCutOff,
        Self::DiskLies,
        Self::AcceptsAStaleMap,
        Self::SharesALane,
        Self::SharesAWallet,
        Self::CountsACopyTwice,
        Self::MissesNewerCopies,
        Self::DecidesByTheView,
        Self::ForgetsTheCutOff,
        Self::NeverAsksAfterTheEnd,
        Self::NeverScans,
        Self::StopsAsking,
        Self::LeavesCodesOpen,
    ];

    /// The rule that it breaks.
    #[must_use]
    pub fn breaks(self) -> &'static str {
        match self {
            Self::SkipsAdoption | Self::LeavesCodesOpen => "one-charge",
            Self::TrustsATimeOut | Self::NeverReverses | Self::StopsAsking => "known-or-unknown",
            Self::TrustsAReversalUnheard
            | Self::BelievesNoSuchOrder
            | Self::RenumbersRefunds
            | Self::NeverAsksAfterTheEnd
            | Self::NeverScans => "books-match",
            Self::ForgetsTheIntent => "intent-first",
            Self::ReservesWithoutTheGuard | Self::DecidesByAReplica => "never-over",
            Self::NumberNotFromTheSale | Self::TriesAgainUnderANewNumber => "channel-number",
            Self::RefundsFromAnyTill | Self::ForgetsTheCutOff => "same-till-same-day",
            Self::IgnoresABlock => "block-means-block",
            Self::JumpsWithPayments => "only-creation-jumps",
            Self::BelievesAnyAnswer => "signed-both-ways",
            Self::ForgetsTheChain => "chain",
            Self::TrustsACommitCutOff | Self::DiskLies => "nothing-lost",
            Self::AcceptsAStaleMap => "fenced-homes",
            Self::SharesALane | Self::SharesAWallet => "isolation",
            Self::CountsACopyTwice | Self::MissesNewerCopies => "copies-agree",
            Self::DecidesByTheView => "no-guess-from-copies",
        }
    }

    /// Whether anything happens in that plan by which it could be seen.
    #[must_use]
    pub fn may_show_in(self, plan: &Plan) -> bool {
        let any = |of: fn(&What) -> bool| plan.steps.iter().any(|step| of(&step.what));
        match self {
            Self::SkipsAdoption => any(|what| {
                matches!(what, What::Doubt { .. } | What::Group { condition: Condition::NoStandbys, .. })
            }),
            Self::RefundsFromAnyTill => any(|what| matches!(what, What::Rogue { .. })),
            Self::IgnoresABlock => any(|what| matches!(what, What::Block { .. })),
            Self::JumpsWithPayments => {
                any(|what| matches!(what, What::Group { condition: Condition::Dead, .. }))
            }
            Self::BelievesAnyAnswer => {
                any(|what| matches!(what, What::Weather(Weather { swapped: 1.., .. }, _)))
            }
            Self::ForgetsTheChain => any(|what| matches!(what, What::PutBack { .. })),
            Self::TrustsACommitCutOff => any(|what| {
                matches!(what, What::Doubt { .. } | What::Group { condition: Condition::NoStandbys, .. })
            }),
            Self::DiskLies => any(|what| matches!(what, What::TillOff { .. })),
            Self::TrustsAReversalUnheard => any(|what| {
                matches!(what, What::WalletWeather { weather: WalletWeather { unheard: 1.., .. }, .. })
            }),
            Self::ForgetsTheCutOff => plan.before_midnight_ms > 0,
            Self::AcceptsAStaleMap => plan.moves,
            Self::SharesALane => any(|what| matches!(what, What::Group { .. })),
            Self::SharesAWallet => plan.two_wallets,
            Self::LeavesCodesOpen => plan.shows,
            Self::CountsACopyTwice | Self::MissesNewerCopies => plan.view,
            Self::DecidesByTheView => plan.view && plan.is_run_blind(),
            Self::NeverAsksAfterTheEnd => plan.second_facts,
            Self::NeverScans => any(|what| matches!(what, What::Forget { .. })),
            _ => true,
        }
    }

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What stands between a refund and more than is left.
const GUARD: &str = "?2 <= paid_minor - held_minor";

/// Lends `use_it` the statements of a database as a bug bends them.
pub fn bent(
    mutation: Option<Mutation>,
    honest: &dyn Sql,
    replica: Option<&evertill_server::database::sqlite::SqliteSession<'_>>,
    use_it: impl FnOnce(&dyn Sql),
) {
    match mutation {
        None => use_it(honest),
        Some(mutation) => {
            let opening = opening(mutation, honest);
            use_it(&Bent { mutation, honest, replica: replica.map(|r| r as &dyn Sql), opening });
        }
    }
}

/// What the database says of the tags that it serves.
fn opening(mutation: Mutation, honest: &dyn Sql) -> Vec<Row> {
    let rows = honest.opening().iter().cloned();
    match mutation {
        Mutation::AcceptsAStaleMap => {
            rows.map(|row| replaced(replaced(row, "moved", "serving"), "frozen", "serving")).collect()
        }
        _ => rows.collect(),
    }
}

struct Bent<'a> {
    mutation: Mutation,
    honest: &'a dyn Sql,
    replica: Option<&'a dyn Sql>,
    opening: Vec<Row>,
}

impl Bent<'_> {
    fn statement(&self, statement: &str) -> String {
        match self.mutation {
            Mutation::ReservesWithoutTheGuard => statement.replace(GUARD, "?2 IS NOT NULL"),
            _ => statement.to_owned(),
        }
    }

    /// The copy says whether so much is left; then it is taken, whatever is left by now.
    fn decide_by_a_replica(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        let asked = "SELECT 1 FROM orders WHERE number = ?1 AND ?2 <= paid_minor - held_minor";
        let of_it = parameters.get(..2).unwrap_or_default();
        let there = self.replica.map(|replica| replica.rows(asked, of_it)).transpose()?;
        let enough = there.is_some_and(|rows| !rows.is_empty());
        let unguarded = statement.replace(GUARD, "?2 IS NOT NULL");
        self.honest.execute(if enough { &unguarded } else { statement }, parameters)
    }

    /// If the view knows the order and has not so much left of it, nothing is reserved.
    fn decide_by_the_view(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        let asked = "SELECT ?2 <= paid_minor - held_minor FROM sales WHERE number = ?1";
        let of_it = parameters.get(..2).unwrap_or_default();
        let there = self.replica.map(|view| view.rows(asked, of_it)).transpose()?.unwrap_or_default();
        let enough = there.iter().all(|row| row.at::<i64>(0) == Ok(1));
        if enough { self.honest.execute(statement, parameters) } else { Ok(0) }
    }

    /// What a question brings instead, if the bug has it so.
    fn instead(&self, statement: &str, parameters: &[Value<'_>]) -> Option<Result<Vec<Row>, DbError>> {
        let asks = |of: &str| statement.contains(of);
        match self.mutation {
            Mutation::ForgetsTheChain if asks("hash <> ?") => Some(Ok(Vec::new())),
            Mutation::NeverScans if asks("AS owed") => Some(Ok(Vec::new())),
            Mutation::StopsAsking if asks("AND state IN ('sent'") => {
                let rows = self.honest.rows(statement, parameters);
                let goes_on = |row: &Row| row.get::<i64>("reversals").is_ok_and(|often| often == 0);
                Some(rows.map(|rows| rows.into_iter().filter(goes_on).collect()))
            }
            Mutation::RefundsFromAnyTill if asks("r.id = ?2") => {
                // Whoever asks is taken for the till that sold: here, the rogue.
                let rows = self.honest.rows(statement, parameters);
                let rogue = Value::from(super::template::TILLS);
                Some(rows.map(|rows| rows.into_iter().map(|row| with(row, "terminal", &rogue)).collect()))
            }
            Mutation::AcceptsAStaleMap if statement == "SELECT state FROM tags WHERE tag = ?1" => {
                let rows = self.honest.rows(statement, parameters);
                Some(rows.map(|rows| rows.into_iter().map(|row| replaced(row, "moved", "serving")).collect()))
            }
            Mutation::CountsACopyTwice if asks("number, version, state") && asks("FROM sales") => {
                let rows = self.honest.rows(statement, parameters);
                let forgotten = Value::from("adopted");
                Some(rows.map(|rows| rows.into_iter().map(|row| with(row, "state", &forgotten)).collect()))
            }
            Mutation::MissesNewerCopies if asks("number, version, state") && asks("FROM sales") => {
                let rows = self.honest.rows(statement, parameters);
                let newest = Value::from(1_000_i64);
                Some(rows.map(|rows| rows.into_iter().map(|row| with(row, "version", &newest)).collect()))
            }
            Mutation::IgnoresABlock if asks("terminals") => {
                let rows = self.honest.rows(statement, parameters);
                Some(
                    rows.map(|rows| rows.into_iter().map(|row| replaced(row, "blocked", "active")).collect()),
                )
            }
            _ => None,
        }
    }
}

/// The row with another value in that column.
fn with(row: Row, column: &str, value: &Value<'static>) -> Row {
    let names = row.names();
    let place = names.iter().position(|name| **name == *column);
    let mut values = row.into_values();
    if let Some(old) = place.and_then(|place| values.get_mut(place)) {
        *old = value.clone();
    }
    Row::new(names, values)
}

/// The row with one word in the place of another.
fn replaced(row: Row, from: &str, to: &'static str) -> Row {
    let names = row.names();
    let values = row.into_values().into_iter();
    let values = values.map(|value| if value == Value::from(from) { Value::from(to) } else { value });
    Row::new(names, values.collect())
}

impl Sql for Bent<'_> {
    fn execute(&self, statement: &str, parameters: &[Value<'_>]) -> Result<u64, DbError> {
        let born = |value: &Value<'_>| match value {
            // An order is adopted by being born.
            Value::Text(text) if text == "draft" => Value::from("adopted"),
            other => other.clone().into_owned(),
        };
        if self.mutation == Mutation::SkipsAdoption && statement.contains("INTO orders") {
            let parameters: Vec<Value<'_>> = parameters.iter().map(born).collect();
            return self.honest.execute(statement, &parameters);
        }
        if self.mutation == Mutation::ForgetsTheChain && statement.contains("INTO journal_entries") {
            // Whatever stands in that place already, it is not looked at.
            return self.honest.execute(statement, parameters).map(|_| 1);
        }
        if self.mutation == Mutation::DecidesByAReplica && statement.contains(GUARD) {
            return self.decide_by_a_replica(statement, parameters);
        }
        if self.mutation == Mutation::DecidesByTheView && statement.contains(GUARD) {
            return self.decide_by_the_view(statement, parameters);
        }
        self.honest.execute(&self.statement(statement), parameters)
    }

    fn rows(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        match self.instead(statement, parameters) {
            Some(rows) => rows,
            None => self.honest.rows(&self.statement(statement), parameters),
        }
    }

    fn script(&self, statements: &str) -> Result<(), DbError> {
        self.honest.script(statements)
    }

    fn rows_locked(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        match self.instead(statement, parameters) {
            Some(rows) => rows,
            None => self.honest.rows_locked(&self.statement(statement), parameters),
        }
    }

    fn opening(&self) -> &[Row] {
        &self.opening
    }
}

/// A wallet's adapter with a bug in it.
pub struct BentChannel {
    mutation: Mutation,
    honest: Arc<dyn Channel>,
    chance: Mutex<Chance>,
    /// Numbers that the bug takes for reversed.
    believed: Mutex<BTreeSet<ChannelNumber>>,
    /// One for all wallets.
    lane: Option<Lane>,
}

impl BentChannel {
    pub fn new(mutation: Mutation, honest: Arc<dyn Channel>, chance: Chance, lane: Option<Lane>) -> Self {
        Self { mutation, honest, chance: Mutex::new(chance), believed: Mutex::default(), lane }
    }

    fn draw(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// The wallet has said so: that is remembered, and not asked any more.
    fn is_over(&self, number: &ChannelNumber) {
        if self.mutation == Mutation::NeverAsksAfterTheEnd {
            self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
        }
    }

    async fn pay_bent(&self, charge: &Charge) -> PayOutcome {
        let _turn = match &self.lane {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        let mut charge = charge.clone();
        if self.mutation == Mutation::NumberNotFromTheSale {
            charge.number = other_number(&format!("E{:031}", self.draw() >> 8), &charge.number);
        }
        let outcome = self.honest.pay(&charge).await;
        if matches!(outcome, PayOutcome::ConfirmedFailure(_)) {
            self.is_over(&charge.number);
        }
        match (self.mutation, &outcome) {
            (Mutation::TrustsATimeOut, PayOutcome::Unknown) => {
                PayOutcome::ConfirmedFailure(DeclineReason::PaymentFailed)
            }
            (Mutation::TriesAgainUnderANewNumber, PayOutcome::Unknown) => {
                let number = charge.number.as_str();
                let next = format!("{}{:03}", &number[..number.len() - 3], 2);
                charge.number = other_number(&next, &charge.number);
                self.honest.pay(&charge).await
            }
            _ => outcome,
        }
    }
}

/// A channel number of these digits.
fn other_number(text: &str, otherwise: &ChannelNumber) -> ChannelNumber {
    let clipped: String = text.chars().take(31).collect();
    serde_json::from_value(serde_json::Value::String(clipped)).unwrap_or_else(|_| otherwise.clone())
}

impl Channel for BentChannel {
    fn wallet(&self) -> Wallet {
        self.honest.wallet()
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(self.pay_bent(charge))
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        Box::pin(async move {
            if self.believed.lock().unwrap_or_else(PoisonError::into_inner).contains(number) {
                return QueryOutcome::Reversed;
            }
            let outcome = self.honest.query(number, amount).await;
            if outcome == QueryOutcome::Reversed {
                self.is_over(number);
            }
            match (self.mutation, outcome) {
                (Mutation::BelievesNoSuchOrder, QueryOutcome::NoSuchOrder) => QueryOutcome::Reversed,
                (_, outcome) => outcome,
            }
        })
    }

    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(async move {
            if self.mutation == Mutation::NeverReverses {
                return ReverseOutcome::Reversed;
            }
            match (self.mutation, self.honest.reverse(number).await) {
                (Mutation::TrustsAReversalUnheard, ReverseOutcome::Unknown) => {
                    self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                    ReverseOutcome::Reversed
                }
                (_, outcome) => outcome,
            }
        })
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(async move {
            let mut refund = refund.clone();
            if self.mutation == Mutation::RenumbersRefunds {
                refund.refund = RefundId(format!("{}-{}", refund.refund.0, self.draw() % 1_000));
            }
            self.honest.refund(&refund).await
        })
    }

    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.honest.query_refund(refund)
    }

    fn shown(&self) -> Option<&dyn ShownCodes> {
        self.honest.shown().map(|_| self as &dyn ShownCodes)
    }
}

impl BentChannel {
    /// What the wallet itself says, which shows codes if this is asked at all.
    fn codes(&self) -> Result<&dyn ShownCodes, NotificationError> {
        self.honest.shown().ok_or(NotificationError::Unreadable("no codes are shown"))
    }
}

impl ShownCodes for BentChannel {
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        Box::pin(async move {
            match self.codes() {
                Ok(codes) => codes.create(order).await,
                Err(_) => ShownOutcome::Unknown,
            }
        })
    }

    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(async move {
            if self.mutation == Mutation::LeavesCodesOpen {
                self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                return ReverseOutcome::Reversed;
            }
            let said = match self.codes() {
                Ok(codes) => codes.close(number).await,
                Err(_) => ReverseOutcome::Unknown,
            };
            if (self.mutation, &said) == (Mutation::TrustsAReversalUnheard, &ReverseOutcome::Unknown) {
                self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                return ReverseOutcome::Reversed;
            }
            said
        })
    }

    fn notification(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        self.codes()?.notification(headers, body)
    }

    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        self.codes().map_or((500, "text/plain", Vec::new()), |codes| codes.thanks())
    }
}
