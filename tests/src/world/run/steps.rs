//! What the steps of a plan do to the world.

use super::{Event, World};
use crate::world::cashier::Cashier;
use crate::world::engine::{Condition, SimDatabase};
use crate::world::mutation::Mutation;
use crate::world::network::address;
use crate::world::plan::What;
use crate::world::server::Server;
use crate::world::template::SERVERS;
use crate::world::wallet::{WALLETS, WalletWeather};
use evertill_provisioning::client::Sent;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::groups::GroupChange;
use evertill_shared::protocol::path;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// So long a wallet waits for thanks.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn step(&mut self, what: What) {
        match what {
            What::Sell(till, sale) => {
                self.cashiers[till].serve(sale);
                self.looks_at_screen(till);
            }
            What::Refund { nth, percent, racers } => self.ask_refunds(nth, percent, racers),
            What::Rogue { nth } => self.rogue_tries(nth),
            What::Block { till, for_ms } => {
                let terminal = self.tills[till].terminal();
                let server = usize::try_from(for_ms).unwrap_or(0) % SERVERS;
                tokio::spawn(self.staff[2].clone().change(terminal, true, server));
                self.after(for_ms, Event::Unblock(till));
            }
            What::Weather(weather, for_ms) => {
                self.ground.net.set_weather(weather);
                self.after(for_ms, Event::EndWeather);
            }
            What::WalletWeather { wallet, weather, for_ms } => {
                self.ground.wallet.set_weather(wallet, weather);
                self.after(for_ms, Event::EndWalletWeather(wallet));
            }
            What::Cut { till, server, for_ms } => {
                self.ground.net.cut(&format!("till {till}"), server, true);
                self.after(for_ms, Event::EndCut(till, server));
            }
            What::Apart { server, group, cut, for_ms } => {
                self.database(group).cut(server, Some(cut));
                if group.is_none() {
                    self.base_in_trouble(for_ms);
                }
                self.after(for_ms, Event::EndApart(server, group));
            }
            What::TillOff { till, for_ms } => {
                self.till_off(till);
                self.after(for_ms, Event::TillOn(till));
            }
            What::ServerOff { server, for_ms } => {
                self.servers[server].kill();
                self.after(for_ms, Event::ServerOn(server));
            }
            What::Group { group, condition, for_ms } => {
                self.ground.groups[group].become_so(condition);
                self.after(for_ms, Event::EndGroup(group));
            }
            What::Failover { group, still_reached_by, takes_ms, for_ms } => {
                self.ground.groups[group].fail_over(still_reached_by);
                self.after(takes_ms, Event::EndGroup(group));
                if let Some(server) = still_reached_by {
                    self.after(for_ms, Event::Fenced(group, server));
                }
            }
            What::PowerCut { for_ms } => {
                self.servers.iter_mut().filter(|server| server.runs()).for_each(Server::kill);
                self.ground.groups.iter().for_each(|group| group.lose_power());
                self.ground.base.lose_power();
                self.base_in_trouble(for_ms);
                self.after(for_ms, Event::PowerBack);
            }
            What::Doubt { group, per_mille, for_ms } => {
                self.ground.groups[group].set_doubtful(per_mille);
                self.after(for_ms, Event::EndDoubt(group));
            }
            What::Base { condition, for_ms } => {
                self.ground.base.become_so(condition);
                self.base_in_trouble(for_ms);
                self.after(for_ms, Event::EndBase);
            }
            What::Wallet { wallet, endpoint, fault } => {
                self.checker.desk_errs(true);
                let desk = self.ground.wallet.desks.of(wallet);
                desk.switch(|switches| switches.next.entry(endpoint).or_default().push_back(fault));
            }
            What::Recall { wallet, times } => {
                self.ground.wallet.desks.of(wallet).switch(|switches| switches.recall_next = times);
            }
            What::TillClock { till, by_ms } => self.tills[till].clock.step(by_ms),
            What::ServerClock { server, by_ms } => self.servers[server].clock.step(by_ms),
            What::Disk { till, fault, for_ms } => {
                self.tills[till].disk.set_fault(Some(fault));
                self.after(for_ms, Event::EndDisk(till));
            }
            What::Copy { till } => self.copies[till] = self.tills[till].disk.image().ok(),
            What::PutBack { till } => self.put_back(till),
            What::Drain { .. } | What::MoveOrders { .. } if !self.plan.moves => {}
            What::Drain { tag } => {
                let change = GroupChange::Drain { reason: "less of it".into() };
                tokio::spawn(self.staff[2].clone().change_group(tag, change, tag % SERVERS));
            }
            What::MoveOrders { tag, to } => {
                let Some(to) = u8::try_from(to).ok().and_then(|to| GroupTag::try_from(to).ok()) else {
                    return;
                };
                let change = GroupChange::Move { to, reason: "a smaller shop".into() };
                tokio::spawn(self.staff[2].clone().change_group(tag, change, tag % SERVERS));
            }
            What::StaleMap { server, for_ms } => {
                self.servers[server].stale.store(true, Ordering::Relaxed);
                self.after(for_ms, Event::EndStale(server));
            }
            What::View { condition, for_ms } => {
                self.ground.view.iter().for_each(|view| view.become_so(condition));
                self.after(for_ms, Event::EndView);
            }
            What::ViewDoubt { per_mille, for_ms } => {
                self.ground.view.iter().for_each(|view| view.set_doubtful(per_mille));
                self.after(for_ms, Event::EndViewDoubt);
            }
            What::Forget { group } => self.ground.groups[group].forget_next(),
        }
    }

    /// A group, or the base store.
    pub(super) fn database(&self, group: Option<usize>) -> &SimDatabase {
        group.and_then(|group| self.ground.groups.get(group)).unwrap_or(&self.ground.base)
    }

    fn base_in_trouble(&self, for_ms: u64) {
        self.checker.base_in_trouble(self.start.elapsed() + Duration::from_millis(for_ms));
    }

    pub(super) fn till_off(&mut self, till: usize) {
        self.tills[till].switch_off();
        self.cashiers[till].till_went_off();
        if self.mutation == Some(Mutation::DiskLies)
            && let Some(image) = self.copies[till].take()
        {
            Mutation::DiskLies.fires(0);
            let _ = self.tills[till].disk.put_back(&image);
        }
    }

    pub(super) fn put_back(&mut self, till: usize) {
        let Some(image) = self.copies[till].take() else { return };
        let terminal = self.tills[till].terminal();
        let kept: i64 = image.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap_or(0);
        let kept = u64::try_from(kept).unwrap_or(0);
        let screen = self.tills[till].screen.as_ref();
        let unsent = screen.and_then(|screen| screen.status.unsent).map_or(u64::MAX, |unsent| unsent.entries);
        if self.mutation != Some(Mutation::DiskLies) {
            let mut model = self.checker.model();
            let seen = model.till(terminal);
            let had = seen.entries.len() as u64;
            seen.put_back = true;
            seen.must_stop |= had.saturating_sub(unsent) > kept;
        }
        self.tills[till].switch_off();
        self.cashiers[till].till_went_off();
        if self.tills[till].disk.put_back(&image).is_ok() {
            self.tills[till].switch_on();
        }
    }

    pub(super) fn power_is_back(&mut self) {
        for database in self.ground.groups.iter().chain([&self.ground.base]) {
            database.become_so(Condition::Up);
        }
        (0..SERVERS).for_each(|server| self.start_server(server));
    }

    pub(super) fn start_server(&mut self, server: usize) {
        if !self.servers[server].runs() {
            self.servers[server].start();
        }
    }

    pub(super) fn unblock(&mut self, till: usize) {
        let terminal = self.tills[till].terminal();
        tokio::spawn(self.staff[2].clone().change(terminal, false, till % SERVERS));
    }

    /// The orders that somebody paid, as far as tills know.
    fn paid(&self) -> Vec<(OrderNumber, i64)> {
        let model = self.checker.model();
        let paid = model.sales.values().filter(|seen| seen.is_paid());
        paid.filter_map(|seen| Some((*seen.chosen.first()?, seen.total_minor))).collect()
    }

    fn ask_refunds(&mut self, nth: u64, percent: u64, racers: u64) {
        let paid = self.paid();
        let Some(place) = usize::try_from(nth).ok().and_then(|nth| nth.checked_rem(paid.len())) else {
            return;
        };
        let (number, total) = paid[place];
        let share = total * i64::try_from(percent).unwrap_or(100) / 100;
        for racer in 0..racers {
            self.asked += 1;
            let server = usize::try_from(racer).unwrap_or(0) % SERVERS;
            let request = format!("request-{}", self.asked);
            let manager = self.staff[server % 2].clone();
            tokio::spawn(manager.ask_refund(server, number, request, share));
        }
    }

    fn rogue_tries(&self, nth: u64) {
        let waiting: Vec<_> = {
            let model = self.checker.model();
            model.refunds.iter().map(|(id, seen)| (id.clone(), seen.clone())).collect()
        };
        let place = usize::try_from(nth).ok().and_then(|nth| nth.checked_rem(waiting.len()));
        if let (Some(place), Some(rogue)) = (place, &self.rogue) {
            let (id, seen) = waiting[place].clone();
            tokio::spawn(Arc::clone(rogue).carry_out(id, seen.order, seen.amount_minor));
        }
    }

    /// What was paid by shown codes is told to one of the servers, over the network as it is; once, whoever hears it.
    pub(super) fn wallets_tell(&mut self) {
        for (wallet, (headers, body)) in self.ground.wallet.desks.told() {
            let server = usize::try_from(self.told % SERVERS as u64).unwrap_or(0);
            self.told += 1;
            let path = path::NOTIFICATIONS.replace("{wallet}", wallet.code());
            let Ok(url) = Url::parse(&format!("{}{path}", address(server))) else { continue };
            let header = |(name, value): (String, String)| {
                Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
            };
            let headers = headers.into_iter().filter_map(header).collect();
            let sent = Sent { method: "POST", url, headers, body };
            let (net, story) = (Arc::clone(&self.floor.net), self.floor.story.clone());
            tokio::spawn(async move {
                let heard = net.exchange(wallet.to_string(), server, sent, PATIENCE).await;
                let answer =
                    heard.map_or_else(|_| "hears nothing".into(), |answer| answer.status.to_string());
                story.tell(format!("{wallet} tells server {server} of a payment: {answer}"));
            });
        }
    }

    /// Everything is mended, and everyone is on.
    pub(super) fn heal(&mut self) {
        self.floor.story.tell("* everything is healed");
        self.healed = true;
        self.ground.net.mend();
        self.checker.desk_errs(false);
        self.cashiers.iter_mut().for_each(Cashier::closes);
        (0..WALLETS).for_each(|wallet| self.ground.wallet.set_weather(wallet, WalletWeather::default()));
        for desk in self.ground.wallet.desks.all() {
            desk.switch(|switches| {
                switches.next.clear();
                switches.recall_next = 0;
            });
        }
        for database in self.ground.groups.iter().chain([&self.ground.base]).chain(&self.ground.view) {
            database.set_doubtful(0);
            database.become_so(Condition::Up);
            (0..SERVERS).for_each(|server| database.cut(server, None));
        }
        for server in 0..self.servers.len() {
            self.servers[server].clock.put_right();
            self.servers[server].stale.store(false, Ordering::Relaxed);
            self.start_server(server);
        }
        for till in 0..self.tills.len() {
            self.tills[till].clock.put_right();
            self.tills[till].disk.set_fault(None);
            self.tills[till].switch_on();
            let terminal = self.tills[till].terminal();
            let (blocked, put_back) = {
                let mut model = self.checker.model();
                let seen = model.till(terminal);
                (seen.blocked, seen.put_back)
            };
            // A till with two histories stays out until a person has looked at it.
            if blocked && !put_back {
                self.unblock(till);
            }
        }
    }
}
