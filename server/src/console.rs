//! The console: pages for managers and IT, drawn on the server, usable without scripts.
//!
//! One middleware, [`shell`], stands in front of every page: it knows the language and the session, puts the
//! security headers on, and turns every refusal into a page that says what to do. Forms carry a token that is
//! bound to their session.

mod accept;
mod approvals;
mod assets;
mod audit;
mod bills;
mod cards;
mod finished;
mod frame;
mod given_back;
mod goods;
mod groups;
mod login;
mod order;
mod order_view;
mod orders;
mod pages;
mod paper;
mod password;
mod posted;
mod problem;
mod product;
mod product_form;
mod product_picture;
mod qr;
mod receipt;
mod receipt_fault;
mod receipt_preview;
mod refund;
mod refund_request;
mod say;
mod search;
mod shell;
mod shifts;
mod staff;
mod story;
mod terminals;
mod unsettled;
mod visitor;
mod wallet_form;
mod wallet_rules;
mod wallets;
pub mod words;

use crate::app::App;
use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

/// The console's pages, under `/console`, and the way there from `/`. The state must be given once more, for the
/// middleware.
pub fn routes(app: App) -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console/orders") }))
        .route("/console", get(|| async { Redirect::to("/console/orders") }))
        .route("/console/login", get(login::page).post(login::log_in))
        .route("/console/logout", post(login::log_out))
        .route("/console/language", get(login::language))
        .route("/console/orders", get(orders::page))
        .route("/console/orders/{number}", get(order::page))
        .route("/console/orders/{number}/refunds", post(refund::ask))
        .route("/console/orders/{number}/accept", post(accept::accept))
        .route("/console/orders/{number}/finished", post(finished::finish))
        .route("/console/approvals", get(approvals::page).post(approvals::make))
        .route("/console/approvals/decide", post(refund_request::decide))
        .route("/console/terminals", get(terminals::list).post(terminals::make_code))
        .route("/console/terminals/{terminal}", get(terminals::page))
        .route("/console/terminals/{terminal}/activate", post(terminals::activate))
        .route("/console/terminals/{terminal}/block", post(terminals::block))
        .route("/console/terminals/{terminal}/unblock", post(terminals::unblock))
        .route("/console/terminals/{terminal}/retire", post(terminals::retire))
        .route("/console/bills", get(bills::list))
        .route("/console/bills/{channel}/{account}/{day}", get(bills::day))
        .route("/console/bills/{channel}/{account}/{day}/findings.csv", get(bills::table))
        .route("/console/shifts", get(shifts::list))
        .route("/console/shifts/doubts", post(shifts::settle))
        .route("/console/shifts/given-up", post(shifts::give_up))
        .route("/console/shifts/{terminal}/{epoch}/{opened}", get(shifts::one))
        .route("/console/goods", get(goods::page))
        .route("/console/goods/new", get(product::blank).post(product::add))
        .route("/console/goods/one", get(product::page).post(product::change))
        .route("/console/goods/withdraw", post(product::withdraw))
        .route("/console/goods/picture", get(product_picture::show).post(product_picture::set))
        .route("/console/goods/picture/remove", post(product_picture::remove))
        .route("/console/groups", get(groups::page))
        .route("/console/unsettled", get(unsettled::page))
        .route("/console/given-back", get(given_back::page))
        .route("/console/wallets", get(wallets::page))
        .route("/console/wallets/rules", post(wallets::add_rule))
        .route("/console/wallets/rules/{priority}/remove", post(wallets::remove_rule))
        .route("/console/wallets/new/{wallet}", get(wallet_form::blank).post(wallet_form::add))
        .route("/console/wallets/{id}", get(wallet_form::filled).post(wallet_form::change))
        .route("/console/wallets/{id}/{what}", post(wallets::act))
        .route("/console/receipt", get(receipt::page).post(receipt::change))
        .route("/console/staff", get(staff::page).post(staff::add))
        .route("/console/staff/left", post(staff::left))
        .route("/console/staff/pin", post(staff::pin))
        .route("/console/staff/card", post(cards::change))
        .route("/console/password", get(password::page).post(password::change))
        .route("/console/audit", get(audit::page))
        .route("/console/assets/{name}", get(assets::serve))
        .route("/console/{*rest}", get(problem::no_such_page).post(problem::no_such_page))
        .layer(axum::middleware::from_fn_with_state(app, shell::shell))
}
