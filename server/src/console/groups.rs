//! Order groups and wallets and their health.

use super::frame::{Badge, Frame, Tab, Tone, may_open, ok};
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::api;
use crate::app::App;
use crate::channel::line::DomainHealth;
use crate::order_centre::ChannelHealth;
use crate::order_group::GroupHealth;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use evertill_shared::protocol::groups::{GroupRow, MovePhase, MoveRow};

struct Group {
    tag: String,
    badges: Vec<Badge>,
    engine: String,
    failures: u32,
    last_error: String,
    orders_created: u64,
    jumps_away: u64,
    serves: String,
    moves: String,
}

struct Channel {
    wallet: String,
    badge: Badge,
    busy: String,
    domains: Vec<Domain>,
}

struct Domain {
    name: String,
    line: &'static str,
    badges: Vec<Badge>,
    delay: String,
    trouble: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Page {
    f: Frame,
    groups: Vec<Group>,
    channels: Vec<Channel>,
    zone_note: String,
}

/// The page.
pub(super) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Groups) {
        return Err(Problem::Forbidden);
    }
    let t = visit.words();
    // What stands in the base store is missing while that cannot be read; the rest of the page is not.
    let known = api::groups::rows(&app).await.unwrap_or_default();
    let page = Page {
        f: visit.frame(Tab::Groups),
        groups: app.groups.health().iter().map(|health| group(health, &known, &visit)).collect(),
        channels: app.centre.channels().iter().map(|health| channel(health, t)).collect(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn standing(health: &GroupHealth, t: &'static Words) -> Vec<Badge> {
    let is_open = health.engine == "open";
    let for_new_orders = match health.standing {
        "healthy" if !is_open => None,
        "healthy" => Some(Badge::new(Tone::Good, t.group_healthy)),
        "slow" => Some(Badge::new(Tone::Doubt, t.group_slow)),
        "test due" => Some(Badge::new(Tone::Doubt, t.group_testing)),
        _ => Some(Badge::new(Tone::Bad, t.group_skipped)),
    };
    let broken = (!is_open).then(|| Badge::new(Tone::Bad, t.group_broken));
    broken.into_iter().chain(for_new_orders).collect()
}

fn group(health: &GroupHealth, known: &[GroupRow], visit: &Visit) -> Group {
    let t = visit.words();
    let at = health.last_error_at.map(|at| visit.time(at)).unwrap_or_default();
    let row = known.iter().find(|row| row.tag == health.tag);
    let error = health.last_error.as_ref().map(|text| format!("{at}: {text}"));
    Group {
        tag: health.tag.to_string(),
        badges: match row {
            Some(row) if row.standing != "active" => out_of_new_orders(row, t),
            _ => standing(health, t),
        },
        engine: if health.engine == "open" { t.engine_open.to_owned() } else { health.engine.clone() },
        failures: health.failures,
        last_error: error.unwrap_or_else(|| t.none.to_owned()),
        orders_created: health.orders_created,
        jumps_away: health.jumps_away,
        serves: row.map(serves).unwrap_or_default(),
        moves: row.and_then(|row| row.last_move.as_ref()).map(|last| moves(last, t)).unwrap_or_default(),
    }
}

/// How a group stands that gets no new orders.
fn out_of_new_orders(row: &GroupRow, t: &'static Words) -> Vec<Badge> {
    let mut badges = vec![Badge::new(Tone::Doubt, t.group_no_new_orders)];
    if row.standing == "moving" {
        badges.push(Badge::new(Tone::Doubt, t.group_is_moving));
    } else if row.home != row.tag {
        badges.push(Badge::new(Tone::Good, fill(t.group_has_moved, &[&row.home.to_string()])));
    }
    if row.serves.is_empty() {
        badges.push(Badge::new(Tone::Doubt, t.group_is_empty));
    }
    badges
}

fn serves(row: &GroupRow) -> String {
    row.serves.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How far the group's orders are on their way to another database.
fn moves(last: &MoveRow, t: &'static Words) -> String {
    let phase = match last.phase {
        MovePhase::Draining => t.move_draining,
        MovePhase::Copying => t.move_copying,
        MovePhase::CatchingUp => t.move_catching_up,
        MovePhase::Frozen => t.move_frozen,
        MovePhase::Publishing => t.move_publishing,
        MovePhase::Done => t.move_done,
        MovePhase::Stopped => t.move_stopped,
        MovePhase::Aborting => t.move_aborting,
        MovePhase::Aborted => t.move_aborted,
    };
    let to = last.to.to_string();
    let line = fill(t.move_line, &[&to, phase, &last.copied.to_string(), &last.total.to_string()]);
    last.problem.as_ref().map_or(line.clone(), |problem| format!("{line}: {problem}"))
}

fn channel(health: &ChannelHealth, t: &'static Words) -> Channel {
    Channel {
        wallet: say::account(health.wallet, health.account, t),
        badge: match health.is_open {
            true => Badge::new(Tone::Bad, t.channel_refusing),
            false => Badge::new(Tone::Good, t.channel_well),
        },
        busy: format!("{} / {}", health.busy, health.places),
        domains: health.domains.iter().map(|health| domain(health, t)).collect(),
    }
}

fn domain(health: &DomainHealth, t: &'static Words) -> Domain {
    let standing = match health.is_healthy {
        true => Badge::new(Tone::Good, t.group_healthy),
        false => Badge::new(Tone::Bad, t.domain_ill),
    };
    let first = health.is_first.then(|| Badge::new(Tone::Good, t.domain_first));
    let ms = |delay: std::time::Duration| fill(t.domain_ms, &[&delay.as_millis().to_string()]);
    Domain {
        name: health.domain.clone(),
        line: health.line,
        badges: std::iter::once(standing).chain(first).collect(),
        delay: health.delay.map(ms).unwrap_or_default(),
        trouble: health.trouble.clone().unwrap_or_else(|| t.none.to_owned()),
    }
}
