//! The merchant's accounts at the wallets, as this server serves them: a lane each. Which one a new payment goes to is
//! chosen from the table; everything about an attempt goes to the account that stands in it.

use super::answering::together;
use super::lane::Lane;
use super::{CentreSettings, ChannelHealth, OrderCentre};
use crate::channel::Channel;
use crate::order_group::GroupError;
use evertill_shared::clock::{Clock, Timestamp};
use evertill_shared::id::{AccountId, ChannelNumber};
use evertill_shared::money::Amount;
use evertill_shared::order_number::GroupTag;
use evertill_shared::payment::DeclineReason;
use evertill_shared::protocol::terminal::WalletHealth;
use evertill_shared::routing::{Kind, Sale, Table, pick};
use evertill_shared::wallet::Wallet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

/// An account of the base database that this server can use.
#[derive(Clone)]
pub struct OpenAccount {
    /// Which.
    pub id: AccountId,
    /// Another one means other settings or secrets.
    pub version: u64,
    /// What the payments of the settings file's account are asked of from now on: it is the same account.
    pub is_the_files: bool,
    /// The way to it.
    pub channel: Arc<dyn Channel>,
}

/// What is to be served from now on.
#[derive(Clone, Default)]
pub struct Serving {
    /// The accounts that could be opened, enabled or not.
    pub accounts: Vec<OpenAccount>,
    /// Which may be asked for new payments.
    pub table: Table,
    /// The wallets at which payments may rest on an account of the settings file, of this server's or of others', that is
    /// none of the table's.
    pub of_the_file: BTreeSet<Wallet>,
}

type Name = (Wallet, AccountId);

struct Known {
    version: u64,
    lane: Arc<Lane>,
}

/// All lanes, and the table to choose by.
pub(super) struct Lanes {
    lanes: BTreeMap<Name, Known>,
    /// Accounts that answer for the settings file's.
    for_the_file: BTreeMap<Wallet, AccountId>,
    table: Table,
    of_the_file: BTreeSet<Wallet>,
}

impl Lanes {
    /// The settings file's accounts alone.
    pub fn of_the_file(
        channels: Vec<Arc<dyn Channel>>,
        groups: usize,
        settings: CentreSettings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let known = |channel: Arc<dyn Channel>| {
            let name = (channel.wallet(), AccountId::OF_THE_FILE);
            let lane = Lane::new(channel, groups, settings, Arc::clone(clock));
            (name, Known { version: 0, lane: Arc::new(lane) })
        };
        let lanes = channels.into_iter().map(known).collect();
        Self { lanes, for_the_file: BTreeMap::new(), table: Table::default(), of_the_file: BTreeSet::new() }
    }

    /// What is asked for that account.
    fn name_of(&self, (wallet, account): Name) -> Name {
        match self.for_the_file.get(&wallet) {
            Some(own) if account == AccountId::OF_THE_FILE => (wallet, *own),
            _ => (wallet, account),
        }
    }

    fn get(&self, name: Name) -> Option<&Arc<Lane>> {
        self.lanes.get(&self.name_of(name)).map(|known| &known.lane)
    }

    /// Whether an attempt may be an account's that was heard of at that time and stands under no account's name. An account
    /// that was disabled long before has none; nor has the settings file's where there are others and nothing rests on it.
    fn may_hold(&self, (wallet, id): Name, heard_of: Timestamp) -> bool {
        if id == AccountId::OF_THE_FILE {
            return !self.table.knows(wallet) || self.of_the_file.contains(&wallet);
        }
        let mut rows = self.table.accounts().iter();
        let row = rows.find(|row| (row.wallet, row.id) == (wallet, id));
        row.is_none_or(|row| row.may_hold(heard_of))
    }
}

impl OrderCentre {
    /// From now on these accounts are served, beside the settings file's. One whose version is the same goes on as it is;
    /// of one that changed, what is under way keeps its places and its numbers.
    pub fn serve(&self, serving: Serving) {
        let number = self.0.groups.tags().len();
        let before = self.lanes_now();
        let of_the_file = before.lanes.iter().filter(|((_, id), _)| *id == AccountId::OF_THE_FILE);
        let keep = |known: &Known| Known { version: known.version, lane: Arc::clone(&known.lane) };
        let mut lanes: BTreeMap<Name, Known> =
            of_the_file.map(|(name, known)| (*name, keep(known))).collect();
        let mut for_the_file = BTreeMap::new();
        for account in serving.accounts {
            let name = (account.channel.wallet(), account.id);
            if account.is_the_files {
                for_the_file.insert(name.0, account.id);
            }
            let known = match before.lanes.get(&name) {
                Some(known) if known.version == account.version => keep(known),
                Some(known) => {
                    Known { version: account.version, lane: Arc::new(known.lane.renewed(account.channel)) }
                }
                None => {
                    // One that takes the place of the settings file's is the same account: what is under way there is
                    // under way here.
                    let file = before.lanes.get(&(name.0, AccountId::OF_THE_FILE));
                    let lane = match file.filter(|_| account.is_the_files) {
                        Some(file) => file.lane.renewed(account.channel),
                        None => {
                            let clock = Arc::clone(&self.0.clock);
                            Lane::new(account.channel, number, self.0.settings, clock)
                        }
                    };
                    let lane = lane.of(account.id);
                    Known { version: account.version, lane: Arc::new(lane) }
                }
            };
            lanes.insert(name, known);
        }
        let new =
            Arc::new(Lanes { lanes, for_the_file, table: serving.table, of_the_file: serving.of_the_file });
        *self.0.lanes.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// The account's channel as it is served now, and its version, if it is.
    #[must_use]
    pub fn served(&self, wallet: Wallet, account: AccountId) -> Option<(u64, Arc<dyn Channel>)> {
        let lanes = self.lanes_now();
        lanes.lanes.get(&(wallet, account)).map(|known| (known.version, known.lane.channel()))
    }

    /// The wallets that can be charged.
    #[must_use]
    pub fn wallets(&self) -> Vec<Wallet> {
        self.offered(Kind::Scanned, |_| true)
    }

    /// The wallets for which a code can be shown.
    #[must_use]
    pub fn shows(&self) -> Vec<Wallet> {
        self.offered(Kind::Shown, |lane| lane.shown().is_some())
    }

    /// How the wallets answer that are offered.
    #[must_use]
    pub fn wallet_health(&self, now: Timestamp) -> Vec<WalletHealth> {
        let (lanes, store) = (self.lanes_now(), self.0.groups.store().id);
        let of = |wallet: Wallet| {
            let offered =
                [Kind::Scanned, Kind::Shown].iter().any(|kind| lanes.table.offers(wallet, store, *kind));
            let takes_new = |name: &Name| (name.1 == AccountId::OF_THE_FILE) != lanes.table.knows(wallet);
            let served =
                lanes.lanes.iter().filter(|(name, _)| offered && name.0 == wallet && takes_new(name));
            let accounts: Vec<_> = served.map(|(_, known)| known.lane.answering()).collect();
            together(&accounts, now).map(|state| WalletHealth { wallet, state })
        };
        Wallet::ALL.into_iter().filter_map(of).collect()
    }

    fn offered(&self, kind: Kind, can: impl Fn(&Lane) -> bool) -> Vec<Wallet> {
        let (lanes, store) = (self.lanes_now(), self.0.groups.store().id);
        let has = |wallet: Wallet| {
            let served = |(name, known): (&Name, &Known)| {
                let takes_new = (name.1 == AccountId::OF_THE_FILE) != lanes.table.knows(wallet);
                name.0 == wallet && takes_new && can(&known.lane)
            };
            lanes.table.offers(wallet, store, kind) && lanes.lanes.iter().any(served)
        };
        Wallet::ALL.into_iter().filter(|wallet| has(*wallet)).collect()
    }

    /// How each account stands.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelHealth> {
        let lanes = self.lanes_now();
        let replaced = |name: &Name| lanes.name_of(*name) != *name;
        let served = lanes.lanes.iter().filter(|(name, _)| !replaced(name));
        served.map(|(_, known)| known.lane.health()).collect()
    }

    /// The ways to all accounts at a wallet, each account once: for its bills.
    #[must_use]
    pub fn accounts_at(&self, wallet: Wallet) -> Vec<(AccountId, Arc<dyn Channel>)> {
        let lanes = self.lanes_now();
        let own = lanes.lanes.iter().filter(|(name, _)| name.0 == wallet && lanes.name_of(**name) == **name);
        own.map(|(name, known)| (name.1, known.lane.channel())).collect()
    }

    /// The account whose bills hold that account's payments.
    #[must_use]
    pub fn stands_for(&self, wallet: Wallet, account: AccountId) -> AccountId {
        self.lanes_now().name_of((wallet, account)).1
    }

    /// Whether the bill that stands under an account's name is one with that account's payments. Under the settings file's
    /// stand those of before each account's bills were compared by themselves, too: all of a wallet's. They are told apart
    /// only where nothing rests on the settings file's account itself.
    pub(super) fn may_be_in_bill(&self, wallet: Wallet, account: AccountId, bill_of: AccountId) -> bool {
        let lanes = self.lanes_now();
        let file = (wallet, AccountId::OF_THE_FILE);
        let is_the_files = lanes.get(file).is_some() || lanes.of_the_file.contains(&wallet);
        lanes.name_of((wallet, account)) == lanes.name_of((wallet, bill_of))
            || bill_of == AccountId::OF_THE_FILE && !is_the_files
    }

    /// Chooses who is asked for a new payment. To be written down before anything is sent. Whoever asks again for the same
    /// attempt, on any server, gets the same answer, unless the table or an account's standing has changed: so that an
    /// attempt whose record was lost meets its own number again.
    pub(super) fn choose(
        &self,
        wallet: Wallet,
        amount: Amount,
        kind: Kind,
        number: &ChannelNumber,
    ) -> Result<AccountId, DeclineReason> {
        let lanes = self.lanes_now();
        let sale = Sale { store: self.0.groups.store().id, wallet, amount, kind };
        let may_be_asked = lanes.table.may_be_asked(&sale).map_err(|why| {
            tracing::warn!(%wallet, %amount, %why, "no account may be asked for a payment");
            match lanes.table.takes_other_amounts(&sale) {
                true => DeclineReason::OutsideLimits,
                false => DeclineReason::NoAccount,
            }
        })?;
        let now = self.0.clock.monotonic();
        // One that this server cannot reach has no lane; one without codes to show cannot show any.
        let usable = may_be_asked.into_iter().filter_map(|id| {
            let lane = lanes.get((wallet, id))?;
            (kind == Kind::Scanned || lane.shown().is_some()).then_some((id, lane))
        });
        let usable: Vec<_> = usable.collect();
        // One that would refuse at once is left out while another would not.
        let ready = usable.iter().filter(|(_, lane)| !lane.refuses()).count();
        let stands = usable.iter().filter(|(_, lane)| ready == 0 || !lane.refuses());
        let stands: Vec<_> = stands.map(|(id, lane)| (*id, lane.window())).collect();
        pick(&stands, now, number).ok_or(DeclineReason::ChannelUnreachable)
    }

    /// The lane of an account.
    pub(super) fn lane(&self, wallet: Wallet, account: AccountId) -> Option<Arc<Lane>> {
        let lane = self.lanes_now().get((wallet, account)).cloned();
        if lane.is_none() {
            tracing::warn!(%wallet, %account, "this server has no way to an account at the wallet");
        }
        lane
    }

    /// The lanes of all accounts at a wallet.
    pub(super) fn lanes_of(&self, wallet: Wallet) -> Vec<Arc<Lane>> {
        let lanes = self.lanes_now();
        let own = lanes.lanes.iter().filter(|(name, _)| name.0 == wallet && lanes.name_of(**name) == **name);
        own.map(|(_, known)| Arc::clone(&known.lane)).collect()
    }

    /// The lanes of the accounts that may have an attempt of which nobody knows whose it is, and whether those are all that
    /// may. An account that has been disabled for long is not needed for that: its contract may have ended, and it would
    /// never answer again.
    pub(super) fn that_may_hold(&self, wallet: Wallet, heard_of: Timestamp) -> (Vec<Arc<Lane>>, bool) {
        let lanes = self.lanes_now();
        let may = |name: &Name| name.0 == wallet && lanes.may_hold(*name, heard_of);
        let rows = lanes.table.accounts().iter().map(|row| (row.wallet, row.id));
        let of_the_file = lanes.of_the_file.iter().map(|wallet| (*wallet, AccountId::OF_THE_FILE));
        let are_served = rows.chain(of_the_file).filter(&may).all(|name| lanes.get(name).is_some());
        let own = lanes.lanes.iter().filter(|(name, _)| may(name) && lanes.name_of(**name) == **name);
        let own: Vec<Arc<Lane>> = own.map(|(_, known)| Arc::clone(&known.lane)).collect();
        // A server that knows of no account at all knows nothing. Where all have been disabled for long, none has it.
        let is_whole = are_served && (!own.is_empty() || lanes.table.knows(wallet));
        (own, is_whole)
    }

    /// Whether an account may have something of that time that stands under no account's name.
    #[must_use]
    pub fn may_hold(&self, wallet: Wallet, account: AccountId, at: Timestamp) -> bool {
        self.lanes_now().may_hold((wallet, account), at)
    }

    /// Tells of accounts that something of that group's rests on and that this server has no way to: nothing of it is asked
    /// about here.
    pub(super) async fn tell_of_the_unreachable(&self, tag: GroupTag) -> Result<(), GroupError> {
        for (wallet, account) in self.0.groups.accounts_owed(tag).await? {
            if account != AccountId::NOT_KNOWN && self.lanes_now().get((wallet, account)).is_none() {
                metrics::counter!("evertill_accounts_unreachable_total").increment(1);
                tracing::error!(%tag, %wallet, %account,
                    "payments or refunds that are not settled rest on an account that this server has no way to: they are \
                     not asked about here. Put it back into server.toml, or name its key in `account_keys`");
            }
        }
        Ok(())
    }

    /// For each wallet a lane with places for what is looked for at all accounts.
    pub(super) fn searches(&self) -> Vec<(Wallet, Arc<Lane>)> {
        let first = |wallet| Some((wallet, self.lanes_of(wallet).into_iter().next()?));
        Wallet::ALL.into_iter().filter_map(first).collect()
    }

    /// Every account under whose name attempts may stand, with the lane that they are asked about on.
    pub(super) fn all_lanes(&self) -> Vec<(Name, Arc<Lane>)> {
        let lanes = self.lanes_now();
        let of_the_file = lanes.for_the_file.keys().map(|wallet| (*wallet, AccountId::OF_THE_FILE));
        let mut names: Vec<Name> = lanes.lanes.keys().copied().chain(of_the_file).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| Some((name, Arc::clone(lanes.get(name)?)))).collect()
    }

    fn lanes_now(&self) -> Arc<Lanes> {
        Arc::clone(&self.0.lanes.read().unwrap_or_else(PoisonError::into_inner))
    }
}
