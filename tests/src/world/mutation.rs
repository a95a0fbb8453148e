//! Planted bugs: for each rule at least one mistake that widely used payment code makes, put in between the product
//! and what it stands on, so that nothing of it is in the product. The world must catch every one.

use super::check::Money;
use super::engine::Condition;
use super::network::Weather;
use super::plan::{Plan, What};
use super::wallet::WalletWeather;
use evertill_server::database::{DbError, Row, Sql, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;

mod channel;
mod parts;
pub use channel::BentChannel;

thread_local! {
    /// How often which part of which bug has bent something. A statement of the product's that is written otherwise some
    /// day would leave a bug that matches it by its words without any effect, and without anybody noticing.
    static FIRED: RefCell<BTreeMap<(String, usize), u64>> = const { RefCell::new(BTreeMap::new()) };
}

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
    /// Servers give numbers to a blocked till.
    OrdersDespiteABlock,
    /// They charge for it.
    ChargesDespiteABlock,
    /// They let it carry refunds out.
    RefundsDespiteABlock,
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
    /// The standby that takes over lacks what was acknowledged last.
    PromotesAStandbyThatLags,
    /// A primary that nobody follows any more acknowledges commits.
    WritesToAnOldPrimary,
    /// The disks of a server's databases say that they have written before they have.
    ServersDiskLies,
    /// A cancellation that says yes counts as the end without a question: it says so of what the wallet does not know, too,
    /// while the charge is on its way.
    TakesNotKnownForClosed,
    /// A till does not write down that it has taken a part in cash.
    ForgetsThePart,
    /// Of a sale of which a part is in the drawer all is charged.
    ChargesTheRestInFull,
    /// What was paid in parts goes back in cash alone.
    RefundsPartsInCash,
    /// Money that comes after the end goes back, and the ledger is not told that it came. Like the next one not of the
    /// world's: nobody who looks on sees it, only the proof of the ledger and the bills do, in the drill of channels.
    ForgetsALateSuccess,
    /// The ledger has a refund go back through the wallet that was not paid.
    BooksRefundsElsewhere,
}

impl Mutation {
    /// All of the world's.
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
        Self::OrdersDespiteABlock,
        Self::ChargesDespiteABlock,
        Self::RefundsDespiteABlock,
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
        Self::PromotesAStandbyThatLags,
        Self::WritesToAnOldPrimary,
        Self::ServersDiskLies,
        Self::TakesNotKnownForClosed,
        Self::ForgetsThePart,
        Self::ChargesTheRestInFull,
        Self::RefundsPartsInCash,
    ];

    /// The rule that it breaks.
    #[must_use]
    pub fn breaks(self) -> &'static str {
        match self {
            Self::SkipsAdoption
            | Self::LeavesCodesOpen
            | Self::TakesNotKnownForClosed
            | Self::ForgetsThePart
            | Self::ChargesTheRestInFull => "one-charge",
            Self::TrustsATimeOut | Self::NeverReverses | Self::StopsAsking => "known-or-unknown",
            Self::TrustsAReversalUnheard
            | Self::BelievesNoSuchOrder
            | Self::RenumbersRefunds
            | Self::NeverAsksAfterTheEnd
            | Self::NeverScans
            | Self::ForgetsALateSuccess
            | Self::BooksRefundsElsewhere => "books-match",
            Self::ForgetsTheIntent => "intent-first",
            Self::ReservesWithoutTheGuard | Self::DecidesByAReplica | Self::RefundsPartsInCash => {
                "never-over"
            }
            Self::NumberNotFromTheSale | Self::TriesAgainUnderANewNumber => "channel-number",
            Self::RefundsFromAnyTill | Self::ForgetsTheCutOff => "same-till-same-day",
            Self::OrdersDespiteABlock | Self::ChargesDespiteABlock | Self::RefundsDespiteABlock => {
                "block-means-block"
            }
            Self::JumpsWithPayments => "only-creation-jumps",
            Self::BelievesAnyAnswer => "signed-both-ways",
            Self::ForgetsTheChain => "chain",
            Self::TrustsACommitCutOff
            | Self::DiskLies
            | Self::PromotesAStandbyThatLags
            | Self::WritesToAnOldPrimary
            | Self::ServersDiskLies => "nothing-lost",
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
            Self::OrdersDespiteABlock | Self::ChargesDespiteABlock => {
                any(|what| matches!(what, What::Block { .. }))
            }
            Self::RefundsDespiteABlock => plan.asks_a_blocked_till_for_refunds(),
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
            Self::SharesAWallet | Self::TakesNotKnownForClosed => plan.two_wallets,
            Self::PromotesAStandbyThatLags => any(|what| matches!(what, What::Failover { .. })),
            Self::WritesToAnOldPrimary => {
                any(|what| matches!(what, What::Failover { still_reached_by: Some(_), .. }))
            }
            Self::ServersDiskLies => any(|what| matches!(what, What::PowerCut { .. })),
            Self::LeavesCodesOpen => plan.shows,
            Self::ForgetsThePart | Self::ChargesTheRestInFull | Self::RefundsPartsInCash => plan.splits,
            Self::CountsACopyTwice | Self::MissesNewerCopies => plan.view,
            Self::DecidesByTheView => plan.view && plan.is_run_blind(),
            Self::NeverAsksAfterTheEnd => plan.second_facts,
            Self::NeverScans => any(|what| matches!(what, What::Forget { .. })),
            _ => true,
        }
    }

    /// For a server that takes a blocked till for an active one: all that it does for that till in spite of it. Nothing
    /// else of the till's reaches it, so that no other assertion can be the one that catches it.
    #[must_use]
    pub fn is_about(self) -> Option<Money> {
        match self {
            Self::OrdersDespiteABlock => Some(Money::Order),
            Self::ChargesDespiteABlock => Some(Money::Charge),
            Self::RefundsDespiteABlock => Some(Money::Refund),
            _ => None,
        }
    }

    /// Whether it goes by copies of databases that lag behind.
    #[must_use]
    pub fn has_copies_that_lag(self) -> bool {
        matches!(self, Self::DecidesByAReplica | Self::PromotesAStandbyThatLags | Self::ServersDiskLies)
    }

    /// The places at which it bends something; each has to do so, or it is not there any more.
    fn parts(self) -> usize {
        match self {
            // What stands in its place, what is written beside it, what is handed in unread, what is said of it.
            Self::ForgetsTheChain => 4,
            // What a database says of itself at the opening, and when it is asked.
            Self::AcceptsAStaleMap => 2,
            _ => 1,
        }
    }

    /// It has bent something just now, on this thread.
    pub fn fires(self, part: usize) {
        FIRED.with_borrow_mut(|fired| *fired.entry((self.name(), part)).or_insert(0) += 1);
    }

    /// Which of its parts have bent nothing on this thread since [`Mutation::begin_anew`].
    #[must_use]
    pub fn never_fired(self) -> Vec<usize> {
        let has = |part: &usize| FIRED.with_borrow(|fired| fired.contains_key(&(self.name(), *part)));
        (0..self.parts()).filter(|part| !has(part)).collect()
    }

    /// Nothing has been bent on this thread yet: a world lives on one thread.
    pub fn begin_anew() {
        FIRED.with_borrow_mut(BTreeMap::clear);
    }

    /// What it is called on the command line.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What stands between a refund and more than is left.
const GUARD: &str = "?2 <= paid_minor - held_minor";
/// And between it and more than is left of a part of the order.
const OF_PARTS: &str = "state <> 'refused' AND wallet IS";

/// An intent that is written down a while after it was acknowledged: a statement, and what goes into it.
#[derive(Debug)]
pub struct Late {
    statement: String,
    parameters: Vec<Value<'static>>,
}

impl Late {
    /// Takes it out again, in the transaction that wrote it.
    pub fn take_out(&self, sql: &dyn Sql) -> Result<u64, DbError> {
        let of_it = self.parameters.get(..2).unwrap_or_default();
        sql.execute("DELETE FROM payments WHERE number = ?1 AND attempt = ?2", of_it)
    }

    /// Writes it down at last.
    pub fn write(&self, sql: &dyn Sql) -> Result<u64, DbError> {
        sql.execute(&format!("{} ON CONFLICT DO NOTHING", self.statement), &self.parameters)
    }
}

/// Lends `use_it` the statements of a database as a bug bends them; gives what it leaves for later.
pub fn bent(
    mutation: Option<Mutation>,
    honest: &dyn Sql,
    replica: Option<&evertill_server::database::sqlite::SqliteSession<'_>>,
    use_it: impl FnOnce(&dyn Sql),
) -> Vec<Late> {
    let Some(mutation) = mutation else {
        use_it(honest);
        return Vec::new();
    };
    let (opening, replica) = (opening(mutation, honest), replica.map(|r| r as &dyn Sql));
    let bent = Bent { mutation, honest, replica, opening, late: RefCell::default() };
    use_it(&bent);
    bent.late.into_inner()
}

/// What the database says of the tags that it serves.
fn opening(mutation: Mutation, honest: &dyn Sql) -> Vec<Row> {
    let rows = honest.opening().iter().cloned();
    match mutation {
        Mutation::AcceptsAStaleMap => {
            let serving = |row, from| mutation.replaced(0, row, from, "serving");
            rows.map(|row| serving(serving(row, "moved"), "frozen")).collect()
        }
        _ => rows.collect(),
    }
}

struct Bent<'a> {
    mutation: Mutation,
    honest: &'a dyn Sql,
    replica: Option<&'a dyn Sql>,
    opening: Vec<Row>,
    late: RefCell<Vec<Late>>,
}

impl Bent<'_> {
    fn statement(&self, statement: &str) -> String {
        match self.mutation {
            Mutation::ReservesWithoutTheGuard if statement.contains(GUARD) => {
                self.mutation.fires(0);
                statement.replace(GUARD, "?2 IS NOT NULL")
            }
            _ => statement.to_owned(),
        }
    }

    /// The rows that the database gives, each as the bug has it.
    fn rows_as(
        &self,
        (statement, parameters): (&str, &[Value<'_>]),
        bend: impl Fn(Row) -> Row,
    ) -> Option<Result<Vec<Row>, DbError>> {
        let rows = self.honest.rows(statement, parameters);
        if rows.as_ref().is_ok_and(|rows| !rows.is_empty()) {
            self.mutation.fires(0);
        }
        Some(rows.map(|rows| rows.into_iter().map(bend).collect()))
    }

    /// The rows with one word in the place of another.
    fn rows_replaced(
        &self,
        part: usize,
        (statement, parameters): (&str, &[Value<'_>]),
        (from, to): (&str, &'static str),
    ) -> Option<Result<Vec<Row>, DbError>> {
        let rows = self.honest.rows(statement, parameters);
        Some(
            rows.map(|rows| {
                rows.into_iter().map(|row| self.mutation.replaced(part, row, from, to)).collect()
            }),
        )
    }

    /// Those of the attempts that are due for which nothing was tried yet.
    ///
    /// # Panics
    /// When the rows do not say how often: a bug that fails otherwise than it is meant to is caught for nothing.
    #[expect(clippy::expect_used, reason = "see above")]
    fn first_time_only(&self, statement: &str, parameters: &[Value<'_>]) -> Result<Vec<Row>, DbError> {
        let mut due = Vec::new();
        for row in self.honest.rows(statement, parameters)? {
            if row.get::<i64>("reversals").expect("a row of an attempt says how often it was reversed") == 0 {
                due.push(row);
            } else {
                self.mutation.fires(0);
            }
        }
        Ok(due)
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

    /// An entry of the ledger (its name is the second parameter) is forgotten, or written to another account.
    fn book_otherwise(&self, statement: &str, parameters: &[Value<'_>]) -> Option<Result<u64, DbError>> {
        let begins =
            |with: &str| matches!(parameters.get(1), Some(Value::Text(name)) if name.starts_with(with));
        let other = |value: &Value<'_>| match value {
            Value::Text(account) if account == "receivable:wechat_pay" => Value::from("receivable:alipay"),
            Value::Text(account) if account == "receivable:alipay" => Value::from("receivable:wechat_pay"),
            same => same.clone().into_owned(),
        };
        match self.mutation {
            Mutation::ForgetsALateSuccess if begins("taken:") => {
                self.mutation.fires(0);
                Some(Ok(2))
            }
            Mutation::BooksRefundsElsewhere if begins("refund:") => {
                self.mutation.fires(0);
                let parameters: Vec<Value<'_>> = parameters.iter().map(other).collect();
                Some(self.honest.execute(statement, &parameters))
            }
            _ => None,
        }
    }

    /// What a question brings instead, if the bug has it so.
    fn instead(&self, statement: &str, parameters: &[Value<'_>]) -> Option<Result<Vec<Row>, DbError>> {
        let asks = |of: &str| statement.contains(of);
        let asked = (statement, parameters);
        match self.mutation {
            Mutation::ForgetsTheChain if asks("hash <> ?") => {
                self.mutation.fires(0);
                Some(Ok(Vec::new()))
            }
            Mutation::NeverScans if asks("AS owed") => {
                self.mutation.fires(0);
                Some(Ok(Vec::new()))
            }
            // What is held of each part is looked at no more than what is held of all.
            Mutation::ReservesWithoutTheGuard if asks(OF_PARTS) => {
                self.mutation.fires(0);
                Some(self.honest.rows(&statement.replace(OF_PARTS, "1 = 0 AND wallet IS"), parameters))
            }
            Mutation::DecidesByAReplica if asks(OF_PARTS) => {
                self.mutation.fires(0);
                self.replica.map(|replica| replica.rows(statement, parameters))
            }
            // Not the question whether an attempt of an order is open.
            Mutation::StopsAsking if asks("account = ?6 AND state IN ('sent'") => {
                Some(self.first_time_only(statement, parameters))
            }
            // Whoever asks is taken for the till that sold: here, the rogue.
            Mutation::RefundsFromAnyTill if asks("r.id = ?2") => {
                let rogue = Value::from(super::template::TILLS);
                self.rows_as(asked, |row| with(row, "terminal", &rogue))
            }
            Mutation::AcceptsAStaleMap if statement == "SELECT state FROM tags WHERE tag = ?1" => {
                self.rows_replaced(1, asked, ("moved", "serving"))
            }
            Mutation::CountsACopyTwice if asks("number, version, state") && asks("FROM sales") => {
                self.rows_as(asked, |row| with(row, "state", &Value::from("adopted")))
            }
            Mutation::MissesNewerCopies if asks("number, version, state") && asks("FROM sales") => {
                self.rows_as(asked, |row| with(row, "version", &Value::from(1_000_i64)))
            }
            bug if bug.is_about().is_some() && asks("terminals") => {
                self.rows_replaced(0, asked, ("blocked", "active"))
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

impl Mutation {
    /// The row with one word in the place of another.
    fn replaced(self, part: usize, row: Row, from: &str, to: &'static str) -> Row {
        let names = row.names();
        let mut values = row.into_values();
        for value in values.iter_mut().filter(|value| **value == Value::from(from)) {
            *value = Value::from(to);
            self.fires(part);
        }
        Row::new(names, values)
    }
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
            self.mutation.fires(0);
            return self.honest.execute(statement, &parameters);
        }
        if self.mutation == Mutation::ForgetsTheChain && statement.contains("INTO journal_entries") {
            // Whatever stands in that place already, it is not looked at.
            self.mutation.fires(1);
            return self.honest.execute(statement, parameters).map(|_| 1);
        }
        if self.mutation == Mutation::DecidesByAReplica && statement.contains(GUARD) {
            self.mutation.fires(0);
            return self.decide_by_a_replica(statement, parameters);
        }
        if self.mutation == Mutation::DecidesByTheView && statement.contains(GUARD) {
            self.mutation.fires(0);
            return self.decide_by_the_view(statement, parameters);
        }
        if statement.contains("INTO ledger")
            && let Some(done) = self.book_otherwise(statement, parameters)
        {
            return done;
        }
        if self.mutation == Mutation::RefundsPartsInCash && statement.contains("INTO refunds") {
            return parts::refund_in_cash(self.honest, statement, parameters);
        }
        if self.mutation == Mutation::ForgetsTheIntent && statement.contains("INTO payments") {
            let parameters: Vec<_> = parameters.iter().map(|value| value.clone().into_owned()).collect();
            self.late.borrow_mut().push(Late { statement: statement.to_owned(), parameters });
            self.mutation.fires(0);
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
