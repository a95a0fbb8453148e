//! The audit trail: who did what, to whom, why; and whether its chain is whole.

use super::frame::{Frame, Notice, Tab, Tone, may_open, ok};
use super::problem::Problem;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::base_store::{AuditKind, AuditRow};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use evertill_shared::id::TerminalId;
use evertill_shared::order_number::OrderNumber;

/// How many rows are shown.
const MOST: u32 = 200;

struct Row {
    id: i64,
    at: String,
    who: String,
    what: &'static str,
    about: String,
    href: Option<String>,
    why: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    count: String,
    rows: Vec<Row>,
    zone_note: String,
}

/// The page.
pub(super) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Audit) {
        return Err(Problem::Forbidden);
    }
    let t = visit.words();
    let rows = app.base.audit_rows(None, MOST).await?;
    let verdict = match app.base.verify_audit().await {
        Ok(Ok(_)) => Notice::good(t.audit_good),
        Ok(Err(broken)) => Notice::bad(fill(t.audit_bad, &[&broken.row.to_string()])),
        Err(error) => {
            tracing::error!(%error, "the audit trail cannot be checked");
            Notice::new(Tone::Doubt, t.audit_unread)
        }
    };
    let page = Page {
        f: visit.frame(Tab::Audit),
        notices: vec![verdict],
        count: fill(t.audit_last, &[&rows.len().to_string()]),
        rows: rows.into_iter().map(|row| view(row, &visit)).collect(),
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

fn view(row: AuditRow, visit: &Visit) -> Row {
    let order = row.subject.parse::<OrderNumber>().ok();
    let terminal = row.subject.parse::<TerminalId>().ok().filter(|_| row.subject.starts_with('T'));
    let terminal = terminal.filter(|_| may_open(visit.who.role, Tab::Terminals));
    Row {
        id: row.id,
        at: visit.time(row.at),
        what: what(row.what, visit.words()),
        about: order.as_ref().map_or(row.subject, OrderNumber::grouped),
        href: order
            .map(|number| format!("/console/orders/{number}"))
            .or_else(|| terminal.map(|id| format!("/console/terminals/{id}"))),
        who: row.who,
        why: row.why,
    }
}

fn what(kind: AuditKind, t: &'static Words) -> &'static str {
    match kind {
        AuditKind::StaffAdded => t.did_staff_added,
        AuditKind::EnrolmentCodeMade => t.did_code_made,
        AuditKind::TerminalEnrolled => t.did_enrolled,
        AuditKind::TerminalActivated => t.did_activated,
        AuditKind::TerminalBlocked => t.did_blocked,
        AuditKind::TerminalUnblocked => t.did_unblocked,
        AuditKind::TerminalRetired => t.did_retired,
        AuditKind::StaffLeft => t.did_left,
        AuditKind::PasswordChanged => t.did_password,
        AuditKind::PinSet => t.did_pin_set,
        AuditKind::PinRemoved => t.did_pin_removed,
        AuditKind::CardMade => t.of_cards.did_make,
        AuditKind::CardRemoved => t.of_cards.did_remove,
        AuditKind::OrderAccepted => t.did_accept,
        AuditKind::ApprovalCodeMade => t.did_make_approval,
        AuditKind::ApprovalCodeUsed => t.did_use_approval,
        AuditKind::RefundRequestRefused => t.of_requests.did_refuse,
        AuditKind::RefundFinished => t.did_finish_refund,
        AuditKind::RefundRequested => t.did_refund,
        AuditKind::CatalogueChanged => t.did_catalogue,
        AuditKind::ProductAdded => t.of_goods.did_product_added,
        AuditKind::ProductChanged => t.of_goods.did_product_changed,
        AuditKind::ProductWithdrawn => t.of_goods.did_product_withdrawn,
        AuditKind::GroupAdded => t.did_group_added,
        AuditKind::GroupDrained => t.did_group_drained,
        AuditKind::GroupMoved => t.did_group_moved,
        AuditKind::MoveAborted => t.did_move_aborted,
        AuditKind::GroupRetired => t.did_group_retired,
        AuditKind::AccountAdded => t.did_account_added,
        AuditKind::AccountChanged => t.did_account_changed,
        AuditKind::AccountEnabled => t.did_account_enabled,
        AuditKind::AccountDisabled => t.did_account_disabled,
        AuditKind::AccountDeleted => t.did_account_deleted,
        AuditKind::RoutingChanged => t.did_routing,
        AuditKind::SecretsResealed => t.did_resealed,
        AuditKind::JournalFault => t.did_journal_fault,
        AuditKind::DoubtSettled => t.did_doubt_settled,
        AuditKind::ShiftGivenUp => t.did_shift_given_up,
        AuditKind::ReceiptTemplateChanged => t.did_receipt_changed,
        AuditKind::Newer => t.did_newer,
        AuditKind::PictureChanged => t.did_picture,
    }
}
