//! Every route on one page.

use crate::api::{
    acceptance, catalogue, countersign, enrol, groups, health, journal, notifications, orders, payments,
    pictures, receipt_template, refunds, server_keys, staff, terminal, till_refund, till_staff,
};
use crate::app::App;
use crate::console;
use crate::failure::Failure;
use crate::signature_layer::{check_request, sign_answers};
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::groups::path as groups_path;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::path as staff_path;
use evertill_shared::protocol::store::SERVER_KEYS_PATH;

/// All of the server. The console's pages are listed in [`console`].
pub fn router(app: App) -> Router {
    tills(&app)
        .merge(open())
        .merge(people())
        .merge(console::routes(app.clone()))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), sign_answers))
        .with_state(app)
}

/// For tills: every request is signed.
fn tills(app: &App) -> Router<App> {
    Router::new()
        .route(path::ENROL, post(enrol::enrol))
        .route(path::TERMINAL, get(terminal::status))
        .route(path::CATALOGUE, get(catalogue::catalogue))
        .route(path::TILL_STAFF, get(till_staff::till_staff))
        .route(path::RECEIPT_TEMPLATE, get(receipt_template::receipt_template))
        .route(path::PICTURES, get(pictures::pictures))
        .route(path::PICTURE, get(pictures::picture))
        .route(path::JOURNAL, post(journal::hand_in))
        .route(path::COUNTERSIGN, post(countersign::countersign))
        .route(path::DRAFTS, post(orders::create_draft))
        .route(path::ORDER, get(orders::get_order))
        .route(path::ADOPT, post(orders::adopt))
        .route(path::PAYMENTS, post(payments::start_payment))
        .route(path::SHOWN, post(payments::show_code))
        .route(path::PAYMENT, get(payments::get_payment))
        .route(path::TAKE_BACK, post(payments::take_back))
        .route(path::REFUNDS, get(refunds::inbox))
        .route(path::ASK_REFUND, post(till_refund::ask_refund_at_till))
        .route(path::REFUND, get(refunds::get_refund).post(refunds::carry_out_refund))
        .route_layer(from_fn_with_state(app.clone(), check_request))
}

/// For anyone.
fn open() -> Router<App> {
    Router::new()
        .route(SERVER_KEYS_PATH, get(server_keys::server_keys))
        .route(path::HEALTH_LIVE, get(health::live))
        .route(path::HEALTH_READY, get(health::ready))
        .route(path::NOTIFICATIONS, post(notifications::take_in))
}

/// For staff: every request but the first carries a session.
fn people() -> Router<App> {
    Router::new()
        .route(staff_path::SESSIONS, post(staff::log_in))
        .route(staff_path::STAFF, get(staff::list_staff).post(staff::add_staff))
        .route(staff_path::STAFF_LEFT, post(staff::person_left))
        .route(staff_path::STAFF_PIN, post(staff::set_pin))
        .route(staff_path::STAFF_CARD, post(staff::set_card))
        .route(staff_path::PASSWORD, post(staff::change_password))
        .route(staff_path::ENROLMENT_CODES, post(staff::make_enrolment_code))
        .route(staff_path::TERMINALS, get(staff::list_terminals))
        .route(staff_path::TERMINAL, post(staff::change_terminal))
        .route(staff_path::REFUNDS, post(staff::ask_refund))
        .route(staff_path::ACCEPT_ORDER, post(acceptance::accept_order))
        .route(staff_path::CATALOGUE, put(staff::put_catalogue))
        .route(staff_path::PICTURES, put(pictures::set_picture))
        .route(groups_path::GROUPS, get(groups::list_groups).post(groups::add_group))
        .route(groups_path::GROUP, post(groups::change_group))
}

async fn no_such_path(request: Request) -> Failure {
    let path = request.uri().path();
    Failure::new(ErrorCode::NotFound, format!("there is nothing at {path}: check the address"))
}

async fn no_such_method(request: Request) -> Failure {
    let (method, path) = (request.method(), request.uri().path());
    Failure::new(ErrorCode::NotFound, format!("{path} does not know {method}: check the address"))
}
