//! What people do by hand with a store's databases, whether or not its servers run: bills, and accounts at the wallets.

use super::{StartError, base_database, open_accounts, open_channels, open_groups};
use crate::accounts::Accounts;
use crate::base_store::{BaseStore, BillRun, BillsOf, RunState, StaffRecord};
use crate::config::Config;
use crate::order_centre::{CentreSettings, OrderCentre};
use crate::order_group::{GroupSet, Policies};
use crate::reconciling::{Reconciler, Step, csv};
use crate::session::hash_password;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Clock;
use evertill_shared::id::AccountId;
use evertill_shared::protocol::staff::{Role, StaffRow};
use evertill_shared::secret::SecretText;
use evertill_shared::wallet::Wallet;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What is to be compared.
#[derive(Clone, Debug, Default)]
pub struct ReconcileOrder {
    /// Of this wallet only.
    pub channel: Option<Wallet>,
    /// Of this account there only.
    pub account: Option<AccountId>,
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
        let is_wanted = |of: &BillsOf| {
            order.channel.is_none_or(|only| only == of.channel)
                && order.account.is_none_or(|only| only == of.account)
        };
        let wanted: Vec<BillsOf> = self.reconciler.accounts().into_iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            return Err(
                "no such account at a wallet is in the settings, so there are no bills to compare".into()
            );
        }
        // An account whose bill cannot be had holds up no other's.
        let mut failed = Vec::new();
        for of in &wanted {
            let done = match order.day {
                Some(day) => self.one_day(*of, day, order.leave_out, told).await.map(&mut say),
                None => self.all_due(*of, told, &mut say).await,
            };
            failed.extend(done.err());
        }
        if let (Some(day), true) = (order.day, failed.is_empty()) {
            self.write(&wanted, day, order).await?;
        }
        if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
    }

    async fn one_day(
        &self,
        of: BillsOf,
        day: BusinessDay,
        leave_out: bool,
        told: fn(Step),
    ) -> Result<String, String> {
        self.may_compare(of, day, leave_out).await?;
        self.compare(of, day, told).await
    }

    async fn all_due(&self, of: BillsOf, told: fn(Step), say: &mut impl FnMut(String)) -> Result<(), String> {
        let mut any = false;
        while let Some((day, _)) = self.reconciler.due(of).await.map_err(|error| error.to_string())? {
            say(self.compare(of, day, told).await?);
            any = true;
        }
        if !any {
            let (day, _) = self.reconciler.next_day(of).await.map_err(|error| error.to_string())?;
            say(format!("{}: nothing is due; the next is the bill of {day}.", name(of.channel, of.account)));
        }
        Ok(())
    }

    async fn may_compare(&self, of: BillsOf, day: BusinessDay, leave_out: bool) -> Result<(), String> {
        let wrong = |error: crate::base_store::BaseError| error.to_string();
        let done = self.base.bill_run(of, day).await.map_err(wrong)?;
        if done.is_some_and(|run| run.state == RunState::Done) {
            return Ok(());
        }
        let (last, _) = self.base.bill_days(of).await.map_err(wrong)?;
        let name = name(of.channel, of.account);
        match last {
            Some(last) if day <= last => {
                Err(format!("{name}: later days are compared already; the last is {last}"))
            }
            Some(last) if day != last.next() && !leave_out => Err(format!(
                "{name}: {} comes first. If its bill can never be had, add --leave-out: what moved on the days before {day} \
                 is not compared then",
                last.next()
            )),
            _ => Ok(()),
        }
    }

    async fn compare(&self, of: BillsOf, day: BusinessDay, told: fn(Step)) -> Result<String, String> {
        let run = self.reconciler.compare(of, day, told).await;
        let name = name(of.channel, of.account);
        run.map(|run| summary(&run)).map_err(|error| format!("{name}, {day}: {error}"))
    }

    async fn write(&self, of: &[BillsOf], day: BusinessDay, order: &ReconcileOrder) -> Result<(), String> {
        let Some(file) = &order.csv else { return Ok(()) };
        let table = csv::of_day(&self.base, of, day).await.map_err(|error| error.to_string())?;
        std::fs::write(file, table).map_err(|error| format!("{} cannot be written: {error}", file.display()))
    }

    /// Lets go of the databases.
    pub async fn close(self) {
        self.groups.close().await;
        self.base.close().await;
    }
}

/// An account as people name it; the settings file's is the wallet's own.
fn name(channel: Wallet, account: AccountId) -> String {
    match account {
        AccountId::OF_THE_FILE => channel.to_string(),
        account => format!("{channel}, account {account}"),
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
        name(run.channel, run.account),
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

/// Adds a person with the role `it`, from the server's own machine: see `evertill-server staff add-it --help`.
///
/// # Errors
/// In words: a name that is taken or impossible, a password that is too short, a database.
pub async fn add_person_of_it(
    config: &Config,
    clock: Arc<dyn Clock>,
    (login, name): (String, String),
    password: &SecretText,
) -> Result<StaffRow, String> {
    let password_hash = hash_password(password).await.map_err(|failure| failure.message)?;
    let database = base_database(config).await.map_err(|error| error.to_string())?;
    let base = BaseStore::on(database, &config.bootstrap, clock).await.map_err(|error| error.to_string())?;
    let (login, name) = (login.trim().to_owned(), name.trim().to_owned());
    let row = StaffRow { login, name, role: Role::It, left_at: None, has_pin: false, has_card: false };
    let added = base.add_staff(StaffRecord { row, password_hash }, "server".into()).await;
    base.close().await;
    added.map_err(|error| error.to_string())
}
