//! What people do by hand with a store's databases, whether or not its servers run: bills, and the proof of the ledger.

use super::{StartError, base_database, open_accounts, open_channels, open_groups};
use crate::accounts::Accounts;
use crate::base_store::{BaseStore, BillRun, RunState};
use crate::config::Config;
use crate::order_centre::{CentreSettings, OrderCentre};
use crate::order_group::ledger::Proved;
use crate::order_group::{GroupError, GroupSet, Policies};
use crate::reconciling::{Reconciler, Step, csv};
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Clock;
use evertill_shared::order_number::GroupTag;
use evertill_shared::wallet::Wallet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What is to be compared.
#[derive(Clone, Debug, Default)]
pub struct ReconcileOrder {
    /// Of this wallet only.
    pub channel: Option<Wallet>,
    /// This day only.
    pub day: Option<BusinessDay>,
    /// Although earlier days are not compared.
    pub leave_out: bool,
    /// Where that day's findings go.
    pub csv: Option<PathBuf>,
}

/// A store's books and the way to its wallets, without a server.
pub struct ReconcilingDesk {
    base: BaseStore,
    groups: GroupSet,
    reconciler: Reconciler,
}

impl ReconcilingDesk {
    /// Opens the store's databases.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base =
            BaseStore::on(base_database(&config).await?, &config.bootstrap, Arc::clone(&clock)).await?;
        let groups = open_groups(&config, &base, &clock).await?;
        let (channels, policies) = open_channels(&config, &clock, &Handle::current())?;
        let settings = CentreSettings::default();
        let centre = OrderCentre::new(groups.clone(), channels, policies, Arc::clone(&clock), settings);
        let parts = (base.clone(), groups.clone(), centre);
        open_accounts(&config, parts.clone(), &clock).await?;
        let reconciler = Reconciler::new(parts, clock, config.reconciling.clone());
        Ok(Self { base, groups, reconciler })
    }

    /// Compares what was asked for; `told` hears how far it is, `say` what came of each day.
    ///
    /// # Errors
    /// In words: a bill that is not there or was refused, a day that is not to be compared, a database.
    pub async fn carry_out(
        &self,
        order: &ReconcileOrder,
        told: fn(Step),
        mut say: impl FnMut(String),
    ) -> Result<(), String> {
        let known = self.reconciler.wallets();
        let wanted: Vec<Wallet> =
            known.iter().copied().filter(|wallet| order.channel.is_none_or(|only| only == *wallet)).collect();
        if wanted.is_empty() {
            return Err("no such wallet is in the settings, so there are no bills to compare".into());
        }
        for channel in wanted {
            match order.day {
                Some(day) => {
                    self.may_compare(channel, day, order.leave_out).await?;
                    say(self.compare(channel, day, told).await?);
                    self.write(channel, day, order).await?;
                }
                None => self.all_due(channel, told, &mut say).await?,
            }
        }
        Ok(())
    }

    async fn all_due(
        &self,
        channel: Wallet,
        told: fn(Step),
        say: &mut impl FnMut(String),
    ) -> Result<(), String> {
        let mut any = false;
        while let Some((day, _)) = self.reconciler.due(channel).await.map_err(|error| error.to_string())? {
            say(self.compare(channel, day, told).await?);
            any = true;
        }
        if !any {
            let (day, _) = self.reconciler.next_day(channel).await.map_err(|error| error.to_string())?;
            say(format!("{channel}: nothing is due; the next is the bill of {day}."));
        }
        Ok(())
    }

    async fn may_compare(&self, channel: Wallet, day: BusinessDay, leave_out: bool) -> Result<(), String> {
        let wrong = |error: crate::base_store::BaseError| error.to_string();
        let done = self.base.bill_run(channel, day).await.map_err(wrong)?;
        if done.is_some_and(|run| run.state == RunState::Done) {
            return Ok(());
        }
        let (last, _) = self.base.bill_days(channel).await.map_err(wrong)?;
        match last {
            Some(last) if day <= last => {
                Err(format!("{channel}: later days are compared already; the last is {last}"))
            }
            Some(last) if day != last.next() && !leave_out => Err(format!(
                "{channel}: {} comes first. If its bill can never be had, add --leave-out: what moved on the days before \
                 {day} is not compared then",
                last.next()
            )),
            _ => Ok(()),
        }
    }

    async fn compare(&self, channel: Wallet, day: BusinessDay, told: fn(Step)) -> Result<String, String> {
        let run = self.reconciler.compare(channel, day, told).await;
        run.map(|run| summary(&run)).map_err(|error| format!("{channel}, {day}: {error}"))
    }

    async fn write(&self, channel: Wallet, day: BusinessDay, order: &ReconcileOrder) -> Result<(), String> {
        let Some(file) = &order.csv else { return Ok(()) };
        let table = csv::of_day(&self.base, channel, day).await.map_err(|error| error.to_string())?;
        std::fs::write(file, table).map_err(|error| format!("{} cannot be written: {error}", file.display()))
    }

    /// Lets go of the databases.
    pub async fn close(self) {
        self.groups.close().await;
        self.base.close().await;
    }
}

fn summary(run: &BillRun) -> String {
    let figures = &run.figures;
    let difference: Vec<String> =
        run.difference.iter().map(|(code, minor)| format!("{minor} {code} (minor units)")).collect();
    let difference = if difference.is_empty() { "nothing".to_owned() } else { difference.join(", ") };
    format!(
        "{}, {}: {} lines of the bill, {} rows of our books; {} agree, {} findings, {} settled by the bill, {} wait for the \
         next bill. Our net less the bill's: {difference}.",
        run.channel,
        run.day,
        figures.bill_rows,
        figures.book_rows,
        figures.agreed,
        figures.findings,
        figures.settled,
        figures.carried
    )
}

/// The accounts at the wallets, without a server.
pub struct AccountsDesk {
    base: BaseStore,
    groups: GroupSet,
    accounts: Accounts,
}

impl AccountsDesk {
    /// Opens the store's databases, and the accounts with the keys that the settings name.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = BaseStore::on(base_database(config).await?, &config.bootstrap, Arc::clone(&clock)).await?;
        let groups = open_groups(config, &base, &clock).await?;
        let settings = CentreSettings::default();
        let centre =
            OrderCentre::new(groups.clone(), Vec::new(), Policies::default(), Arc::clone(&clock), settings);
        let accounts = open_accounts(config, (base.clone(), groups.clone(), centre), &clock).await?;
        Ok(Self { base, groups, accounts })
    }

    /// What can be done with them.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Lets go of the databases.
    pub async fn close(self) {
        self.groups.close().await;
        self.base.close().await;
    }
}

/// Why a ledger could not be proved.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store's databases cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A group cannot be read.
    #[error("order group {0} cannot be read: {1}")]
    Group(GroupTag, GroupError),
}

/// Proves the ledger of every order group: against itself, and against the orders that it is the account of. Servers may
/// run meanwhile. `told` hears how many orders of which group were looked at.
///
/// # Errors
/// [`AuditError`]. What is wrong with a ledger is no error but part of the answer.
pub async fn audit(
    config: Config,
    clock: Arc<dyn Clock>,
    mut told: impl FnMut(GroupTag, u64),
) -> Result<Vec<(GroupTag, Proved)>, AuditError> {
    let base = BaseStore::on(
        base_database(&config).await.map_err(AuditError::Start)?,
        &config.bootstrap,
        Arc::clone(&clock),
    )
    .await
    .map_err(StartError::from)?;
    let groups = open_groups(&config, &base, &clock).await?;
    let mut proved = Vec::new();
    for tag in groups.tags() {
        let one = groups.prove(tag, |orders| told(tag, orders)).await;
        proved.push((tag, one.map_err(|error| AuditError::Group(tag, error))?));
    }
    groups.close().await;
    base.close().await;
    Ok(proved)
}
