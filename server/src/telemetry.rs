//! Figures for monitoring, as Prometheus reads them: `docs/metrics.md` says what they mean and when to worry.
//!
//! Whoever decides something counts it where it is decided, through the `metrics` facade; without a listener that
//! costs next to nothing. What only stands (groups, places, open payments) is looked up when somebody asks. The
//! figures have a listener of their own, which is not the tills': they tell of the shop's turnover.

use crate::admission::Class;
use crate::app::App;
use crate::database::WriteCounts;
use crate::order_centre::ChannelHealth;
use crate::running::StartError;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::GroupTag;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// Upper ends of the buckets of durations, in seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How often the measured durations are put into their buckets if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);
/// The most open payments and refunds of a group that are counted.
const MOST_OPEN: u32 = 1_000;
/// How old the look at what is open may be: it is a question to every group.
const OPEN_EVERY: Duration = Duration::from_secs(5);

/// The figures of this process: there is one set of them, whatever runs in it.
fn figures() -> Option<PrometheusHandle> {
    static FIGURES: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let made = FIGURES.get_or_init(|| {
        let suffix = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(suffix, &SECONDS).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    });
    made.clone()
}

/// A listener for figures. Dropping it closes it.
#[derive(Debug)]
pub struct Telemetry {
    /// Where it listens.
    pub addr: SocketAddr,
    tasks: [AbortHandle; 2],
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

struct Shown {
    app: App,
    figures: PrometheusHandle,
    open_at: tokio::sync::Mutex<Option<Duration>>,
    /// What was written into each group, as it was last counted.
    written: Mutex<BTreeMap<GroupTag, WriteCounts>>,
}

/// Serves `GET /metrics` there.
///
/// # Errors
/// The address cannot be used, or another program part has taken over the counting.
pub async fn serve(app: App, address: SocketAddr) -> Result<Telemetry, StartError> {
    let wrong = |error| StartError::MetricsListen { address, error };
    let figures = figures().ok_or_else(|| wrong(std::io::Error::other("the figures are taken already")))?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(wrong)?;
    let addr = listener.local_addr().map_err(wrong)?;
    let shown = Arc::new(Shown {
        app,
        figures: figures.clone(),
        open_at: tokio::sync::Mutex::default(),
        written: Mutex::default(),
    });
    let service = Router::new().route("/metrics", get(show)).with_state(shown);
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "figures are not served any more");
        }
    });
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            figures.run_upkeep();
        }
    });
    Ok(Telemetry { addr, tasks: [serving.abort_handle(), upkeep.abort_handle()] })
}

async fn show(State(shown): State<Arc<Shown>>) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    look(&shown.app);
    shown.count_writes();
    shown.look_at_open().await;
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shown.figures.render())
}

/// What stands, without asking a database.
fn look(app: &App) {
    for group in app.groups.health() {
        let tag = group.tag.to_string();
        for standing in ["healthy", "slow", "skipped", "test due"] {
            let is = if group.standing == standing { 1.0 } else { 0.0 };
            let word = standing.replace(' ', "_");
            gauge!("evertill_group_standing", "group" => tag.clone(), "standing" => word).set(is);
        }
        gauge!("evertill_group_failures", "group" => tag).set(f64::from(group.failures));
    }
    gauge!("evertill_groups_usable").set(figure(app.groups.engine().usable));
    app.centre.channels().iter().for_each(show_channel);
    let places = app.door.places();
    for class in Class::ALL {
        let (busy, waiting) = places.count(class);
        gauge!("evertill_door_busy", "class" => class.word()).set(figure(busy));
        gauge!("evertill_door_waiting", "class" => class.word()).set(figure(waiting));
    }
    gauge!("evertill_door_places").set(figure(places.limit()));
    gauge!("evertill_stopping").set(if app.door.is_stopping() { 1.0 } else { 0.0 });
}

/// How a wallet stands, and each address that leads to it.
fn show_channel(channel: &ChannelHealth) {
    let wallet = channel.name();
    let yes = |is: bool| if is { 1.0 } else { 0.0 };
    gauge!("evertill_channel_refusing", "wallet" => wallet.clone()).set(yes(channel.is_open));
    gauge!("evertill_channel_busy", "wallet" => wallet.clone()).set(figure(channel.busy));
    gauge!("evertill_channel_places", "wallet" => wallet.clone()).set(figure(channel.places));
    for domain in &channel.domains {
        let labels =
            [("wallet", wallet.clone()), ("line", domain.line.to_owned()), ("domain", domain.domain.clone())];
        gauge!("evertill_channel_domain_healthy", &labels).set(yes(domain.is_healthy));
        gauge!("evertill_channel_domain_first", &labels).set(yes(domain.is_first));
        // No delay is no number: it did not answer, or there is nothing to race it with.
        let delay = domain.delay.map_or(f64::NAN, |delay| delay.as_secs_f64());
        gauge!("evertill_channel_domain_delay_seconds", &labels).set(delay);
    }
}

impl Shown {
    /// The databases count for themselves; one that was opened anew begins anew.
    fn count_writes(&self) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for (tag, now) in self.app.groups.write_counts() {
            let before = written.insert(tag, now).unwrap_or_default();
            let is_anew = now.commits < before.commits || now.jobs < before.jobs;
            let before = if is_anew { WriteCounts::default() } else { before };
            let tag = tag.to_string();
            counter!("evertill_group_commits_total", "group" => tag.clone())
                .increment(now.commits - before.commits);
            counter!("evertill_group_rows_total", "group" => tag.clone()).increment(now.jobs - before.jobs);
            gauge!("evertill_group_queue_waiting", "group" => tag.clone()).set(figure(now.waiting));
            gauge!("evertill_group_queue_waited_seconds", "group" => tag).set(now.waited.as_secs_f64());
        }
    }

    /// What the order centre still works on: what is open longest is worth a look.
    async fn look_at_open(&self) {
        let mut at = self.open_at.lock().await;
        let now = self.app.clock.monotonic();
        if at.is_some_and(|at| now.saturating_sub(at) < OPEN_EVERY) {
            return;
        }
        let open = self.app.groups.unsettled(MOST_OPEN).await;
        let wall = self.app.clock.now();
        let age = |since: Option<Timestamp>| since.map_or(0.0, |since| wall.since(since).as_secs_f64());
        let payments = open.payments.first().map(|record| record.payment.sent_at);
        let refunds = open.refunds.first().map(|record| record.refund.requested_at);
        let give_backs = open.give_backs.first().map(|open| open.since);
        let refunds = refunds.into_iter().chain(give_backs).min();
        gauge!("evertill_centre_open", "kind" => "payments").set(figure(open.payments.len()));
        gauge!("evertill_centre_open", "kind" => "refunds")
            .set(figure(open.refunds.len() + open.give_backs.len()));
        gauge!("evertill_centre_oldest_seconds", "kind" => "payments").set(age(payments));
        gauge!("evertill_centre_oldest_seconds", "kind" => "refunds").set(age(refunds));
        gauge!("evertill_centre_groups_unreachable").set(figure(open.unreachable.len()));
        *at = Some(now);
    }
}

/// A count as the facade takes it.
fn figure(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn describe() {
    describe_histogram!(
        "evertill_http_request_seconds",
        Unit::Seconds,
        "Answers, by route, method and status"
    );
    describe_counter!("evertill_refusals_total", Unit::Count, "Requests refused, by the code of the error");
    describe_counter!(
        "evertill_sheds_total",
        Unit::Count,
        "Requests not let in for too much to do, by class"
    );
    describe_histogram!(
        "evertill_door_wait_seconds",
        Unit::Seconds,
        "Waits for a place, of those that waited"
    );
    describe_gauge!("evertill_door_busy", Unit::Count, "Requests that have a place, by class");
    describe_gauge!("evertill_door_waiting", Unit::Count, "Requests that wait for a place, by class");
    describe_gauge!("evertill_door_places", Unit::Count, "Quick requests that are let in at a time");
    describe_gauge!("evertill_connections", Unit::Count, "Open connections of tills, browsers and balancers");
    describe_counter!(
        "evertill_slow_bodies_total",
        Unit::Count,
        "Requests sent away because too many bodies came slowly"
    );
    describe_counter!(
        "evertill_connections_refused_total",
        Unit::Count,
        "Connections closed for want of places"
    );
    describe_gauge!("evertill_view_left_out", Unit::Count, "Changes of orders that cannot be read, by group");
    describe_counter!(
        "evertill_jumps_total",
        Unit::Count,
        "New orders that jumped away from a group, by reason"
    );
    describe_counter!(
        "evertill_channel_refusals_total",
        Unit::Count,
        "Charges refused before anything was sent, by wallet and why"
    );
    describe_counter!("evertill_channel_races_total", Unit::Count, "Races between a wallet's addresses");
    describe_gauge!(
        "evertill_channel_refusing",
        Unit::Count,
        "1 while charges are refused because the wallet does not answer"
    );
    describe_gauge!("evertill_channel_busy", Unit::Count, "Customers who wait for a wallet");
    describe_gauge!("evertill_channel_places", Unit::Count, "How many customers may wait for a wallet");
    describe_gauge!(
        "evertill_channel_domain_healthy",
        Unit::Count,
        "1 for an address that fails seldom enough"
    );
    describe_gauge!("evertill_channel_domain_first", Unit::Count, "1 for the address that is called first");
    describe_gauge!(
        "evertill_channel_domain_delay_seconds",
        Unit::Seconds,
        "How soon an address answered in the last race"
    );
    describe_counter!("evertill_probes_total", Unit::Count, "Probes written into a group, by outcome");
    describe_counter!(
        "evertill_unknowns_total",
        Unit::Count,
        "Writes of which it is not known whether they happened"
    );
    describe_counter!(
        "evertill_fenced_total",
        Unit::Count,
        "Writes that a database refused because it does not serve their orders any more"
    );
    describe_counter!(
        "evertill_group_commits_total",
        Unit::Count,
        "Commits of a group, each for all that waited"
    );
    describe_counter!("evertill_group_rows_total", Unit::Count, "Jobs and rows that those commits were for");
    describe_gauge!("evertill_group_queue_waiting", Unit::Count, "Writes that wait for their turn, by group");
    describe_gauge!(
        "evertill_group_queue_waited_seconds",
        Unit::Seconds,
        "How long all writes together waited for their turn, by group"
    );
    describe_histogram!("evertill_group_write_seconds", Unit::Seconds, "Jobs of a group, by outcome");
    describe_counter!(
        "evertill_orders_created_total",
        Unit::Count,
        "Orders that this server created, by group"
    );
    describe_gauge!(
        "evertill_group_standing",
        Unit::Count,
        "1 for where a group stands, 0 for the other standings"
    );
    describe_gauge!("evertill_group_failures", Unit::Count, "Failures of a group in the current period");
    describe_gauge!("evertill_groups_usable", Unit::Count, "Groups that take new orders in good time");
    describe_counter!("evertill_payments_total", Unit::Count, "Payments that came to a state, by wallet");
    describe_counter!(
        "evertill_notifications_total",
        Unit::Count,
        "What wallets told by themselves, by what became of it"
    );
    describe_counter!(
        "evertill_leases_total",
        Unit::Count,
        "Open payments and refunds taken up in the background"
    );
    describe_counter!(
        "evertill_give_backs_total",
        Unit::Count,
        "Tries to give back by itself what nobody needed, by outcome"
    );
    describe_counter!(
        "evertill_surplus_found_total",
        Unit::Count,
        "Payments that a scan found and that nobody needs"
    );
    describe_gauge!(
        "evertill_clock_behind_seconds",
        Unit::Seconds,
        "By how much this server's clock is behind the base store's"
    );
    describe_gauge!("evertill_centre_open", Unit::Count, "Payments and refunds that are not settled");
    describe_gauge!("evertill_centre_oldest_seconds", Unit::Seconds, "Age of the oldest of them");
    describe_gauge!(
        "evertill_centre_groups_unreachable",
        Unit::Count,
        "Groups whose open payments are not counted"
    );
    describe_gauge!("evertill_stopping", Unit::Count, "1 while the server finishes what is under way");
}
