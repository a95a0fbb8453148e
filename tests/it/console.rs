//! The console in a real browser, against a real shop: a server process, scripted tills, a simulated wallet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "console/approvals.rs"]
mod approvals;
#[path = "console/bills.rs"]
mod bills;
#[path = "console/browser.rs"]
mod browser;
#[path = "console/cashiers.rs"]
mod cashiers;
#[path = "console/forgeries.rs"]
mod forgeries;
#[path = "console/given_back.rs"]
mod given_back;
#[path = "console/goods.rs"]
mod goods;
#[path = "console/phone.rs"]
mod phone;
#[path = "console/pictures.rs"]
mod pictures;
#[path = "console/quarantine.rs"]
mod quarantine;
#[path = "console/receipt_preview.rs"]
mod receipt_preview;
#[path = "console/receipts.rs"]
mod receipts;
#[path = "console/refunds.rs"]
mod refunds;
#[path = "console/shifts.rs"]
mod shifts;
#[path = "console/shop.rs"]
mod shop;
#[path = "console/terminals.rs"]
mod terminals;
#[path = "console/unsettled.rs"]
mod unsettled;
#[path = "console/view.rs"]
mod view;
#[path = "console/wallets.rs"]
mod wallets;
#[path = "console/webdriver.rs"]
mod webdriver;
