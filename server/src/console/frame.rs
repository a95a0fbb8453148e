//! What every page has: the bar at the top, notices, badges.

use super::assets;
use super::visitor::query_of;
use super::words::{Language, Words, fill};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use evertill_shared::protocol::staff::Role;

/// A section of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Orders,
    Approvals,
    Terminals,
    Groups,
    Unsettled,
    Shifts,
    Bills,
    Goods,
    Wallets,
    Receipt,
    Staff,
    Audit,
    None,
}

/// A link in the bar.
pub(super) struct TabLink {
    pub href: &'static str,
    pub word: &'static str,
    /// What waits there for this person, in words.
    pub waiting: Option<String>,
    pub here: bool,
}

/// Who is logged in.
pub(super) struct Person {
    pub name: String,
    pub role: Role,
}

/// What stands around a page.
pub(super) struct Frame {
    pub t: &'static Words,
    pub language: Language,
    pub store: String,
    pub person: Option<Person>,
    pub csrf: String,
    /// Where the switch to the other language leads.
    pub switch: String,
    /// How many refunds that tills asked for wait for this person.
    requests: u32,
    tab: Tab,
}

impl Frame {
    pub fn new(
        language: Language,
        store: String,
        person: Option<Person>,
        here: &str,
        tab: Tab,
        csrf: String,
    ) -> Self {
        let switch = query_of(&[("to", language.other().code()), ("back", here)]);
        let switch = format!("/console/language?{switch}");
        Self { t: language.words(), language, store, person, csrf, switch, requests: 0, tab }
    }

    /// The same with that many refunds that wait for this person.
    pub fn with_requests(self, requests: u32) -> Self {
        Self { requests, ..self }
    }

    /// The sections that this person may open.
    pub fn tabs(&self) -> Vec<TabLink> {
        let role = self.person.as_ref().map(|person| person.role);
        let links = [
            (Tab::Orders, "/console/orders", self.t.orders),
            (Tab::Approvals, "/console/approvals", self.t.approvals),
            (Tab::Terminals, "/console/terminals", self.t.terminals),
            (Tab::Unsettled, "/console/unsettled", self.t.unsettled),
            (Tab::Shifts, "/console/shifts", self.t.shifts),
            (Tab::Goods, "/console/goods", self.t.goods),
            (Tab::Groups, "/console/groups", self.t.groups),
            (Tab::Bills, "/console/bills", self.t.bills),
            (Tab::Wallets, "/console/wallets", self.t.wallets),
            (Tab::Receipt, "/console/receipt", self.t.receipts),
            (Tab::Staff, "/console/staff", self.t.staff),
            (Tab::Audit, "/console/audit", self.t.audit),
        ];
        let may = |tab| role.is_some_and(|role| may_open(role, tab));
        let links = links.into_iter().filter(|(tab, ..)| may(*tab));
        let waiting = |tab| (tab == Tab::Approvals).then(|| self.waiting()).flatten();
        links
            .map(|(tab, href, word)| TabLink { href, word, waiting: waiting(tab), here: tab == self.tab })
            .collect()
    }

    fn waiting(&self) -> Option<String> {
        (self.requests > 0).then(|| fill(self.t.of_requests.waiting, &[&self.requests.to_string()]))
    }

    /// Whether the number of what waits is looked up again while the page is open: only where there is nothing to lose by it.
    pub fn is_live(&self) -> bool {
        self.tab == Tab::Approvals
    }

    pub fn css(&self) -> String {
        assets::address("console.css")
    }

    pub fn js(&self) -> String {
        assets::address("console.js")
    }

    /// What the person is.
    pub fn role_word(&self) -> &'static str {
        self.person.as_ref().map_or("", |person| role_word(person.role, self.t))
    }
}

/// Whether a role may open a section.
pub(super) fn may_open(role: Role, tab: Tab) -> bool {
    match tab {
        Tab::Orders | Tab::None => true,
        Tab::Groups | Tab::Unsettled | Tab::Bills | Tab::Audit => matches!(role, Role::Manager | Role::It),
        Tab::Shifts => role == Role::Manager,
        Tab::Approvals => role.may_refund(),
        Tab::Goods => role.may_edit_catalogue(),
        Tab::Terminals | Tab::Wallets | Tab::Receipt | Tab::Staff => role.may_administer(),
    }
}

/// A role in words.
pub(super) fn role_word(role: Role, t: &'static Words) -> &'static str {
    match role {
        Role::Cashier => t.cashier_role,
        Role::Manager => t.manager_role,
        Role::It => t.it_role,
    }
}

/// How something is, by colour and by picture: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Wait,
    /// Not certain: look.
    Doubt,
    /// Refused, broken, stopped.
    Bad,
    /// Out of use, or nothing to say.
    Off,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Doubt => "doubt",
            Self::Bad => "bad",
            Self::Off => "off",
        }
    }

    /// A path in a square of 16.
    pub fn picture(self) -> &'static str {
        match self {
            Self::Good => "M3 8.5l3.2 3.2L13 4.8",
            Self::Wait => "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.6V8l2.4 1.6",
            Self::Doubt => "M8 2.2l6.2 11.2H1.8zM8 6.8v2.6M8 11.5v.1",
            Self::Bad => "M4 4l8 8M12 4l-8 8",
            Self::Off => "M3.5 8h9",
        }
    }

    /// Bad news is read out at once.
    pub fn aria(self) -> &'static str {
        if matches!(self, Self::Bad | Self::Doubt) { "alert" } else { "status" }
    }
}

/// A state, in a word with a picture.
#[derive(Clone, Debug, Template)]
#[template(path = "badge.html")]
pub(super) struct Badge {
    tone: Tone,
    word: String,
}

impl Badge {
    pub fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

/// A sentence about what was just done, or what is wrong.
#[derive(Clone, Debug, Template)]
#[template(path = "notice.html")]
pub(super) struct Notice {
    tone: Tone,
    text: String,
}

impl Notice {
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self::new(Tone::Bad, text)
    }

    pub fn good(text: impl Into<String>) -> Self {
        Self::new(Tone::Good, text)
    }
}

// Both are drawn by templates that escape what is inside.
impl askama::filters::HtmlSafe for Badge {}
impl askama::filters::HtmlSafe for Notice {}

/// A page as an answer.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the console cannot be drawn");
            super::problem::Problem::Internal.into_response()
        }
    }
}

/// A page that is as it should be.
pub(super) fn ok(page: &impl Template) -> Response {
    html(StatusCode::OK, page)
}
