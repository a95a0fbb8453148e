//! What a request is, by its route alone.

use axum::http::Method;
use evertill_shared::protocol::path;
use evertill_shared::protocol::staff::path as staff_path;
use evertill_shared::protocol::store::SERVER_KEYS_PATH;
use std::time::Duration;

/// Pages that are posted to and are not about money.
const LOG_IN_PAGE: &str = "/console/login";
const PASSWORD_PAGE: &str = "/console/password";
const PICTURE_PAGE: &str = "/console/goods/picture";

/// Classes of requests, in the order in which they survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Finishing a payment, refunds, blocking a till: money that is under way.
    Money,
    /// How an order or a payment stands. It can be asked again, but a till may be waiting
    /// for it: of all that can be asked again it matters most.
    Questions,
    /// What was sold offline and is handed in.
    Uploads,
    /// New orders: a till goes on offline without a number.
    NewOrders,
    /// People logging in, and changing their passwords: dear, and from anybody. Few places of their own, so that it neither
    /// takes what others need nor waits behind them: who wants to block a till must get in.
    LogIns,
    /// Lists, the catalogue, pages, what wallets tell by themselves.
    Reports,
}

/// When a request takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enters {
    /// Before a byte of its body is read: refusing it costs next to nothing.
    AtOnce,
    /// When all of it is here: until then it may be anybody's who never means to end.
    WhenRead,
    /// When all of it is here and its signature was found right.
    WhenVerified,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// All, the most important first.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Money, Self::Questions, Self::Uploads, Self::NewOrders, Self::LogIns, Self::Reports];

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// Its word in logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Questions => "questions",
            Self::Uploads => "uploads",
            Self::NewOrders => "new_orders",
            Self::LogIns => "log_ins",
            Self::Reports => "reports",
        }
    }

    /// The class of a route; `None` for what is never refused, because it costs nothing and says how things are.
    #[must_use]
    pub fn of(method: &Method, route: &str) -> Option<Self> {
        Some(match route {
            path::HEALTH_LIVE | path::HEALTH_READY | SERVER_KEYS_PATH => return None,
            path::DRAFTS => Self::NewOrders,
            path::JOURNAL | path::ADOPT => Self::Uploads,
            path::TERMINAL | path::ORDER | path::PAYMENT if *method == Method::GET => Self::Questions,
            // From anyone on the Internet, and never the only way to learn of a payment: a flood of them takes no till's
            // place.
            path::NOTIFICATIONS => Self::Reports,
            path::TERMINAL | path::ORDER | path::PAYMENTS | path::SHOWN | path::PAYMENT | path::TAKE_BACK => {
                Self::Money
            }
            path::REFUNDS | path::REFUND | path::ASK_REFUND => Self::Money,
            LOG_IN_PAGE | staff_path::SESSIONS | PASSWORD_PAGE | staff_path::PASSWORD
                if *method == Method::POST =>
            {
                Self::LogIns
            }
            // Large, and nobody waits for it.
            PICTURE_PAGE => Self::Reports,
            path::CATALOGUE | path::ENROL | path::COUNTERSIGN | "" => Self::Reports,
            // People are few. What they decide counts (a refund, a block); what they look at can wait.
            _ if *method == Method::POST => Self::Money,
            _ => Self::Reports,
        })
    }

    /// When a request of that class and route takes its place.
    #[must_use]
    pub fn enters(self, route: &str) -> Enters {
        match self {
            // The tills' part of the API, where all is signed.
            Self::Money if route.starts_with("/v1/") => Enters::WhenVerified,
            Self::Money | Self::LogIns => Enters::WhenRead,
            Self::Questions | Self::Uploads | Self::NewOrders | Self::Reports => Enters::AtOnce,
        }
    }

    /// Whether it shares what the server can do with others; if not, it has places of its own.
    pub(super) const fn shares(self) -> bool {
        !matches!(self, Self::Money | Self::LogIns)
    }

    /// The longest that a refusal is held back, see [`super::pace`]. Whoever asks about money has a customer waiting. A till
    /// that is not given a number, or hands in what is paid already, is asked to stay away for longer than this anyway; it
    /// gives a request up after ten seconds.
    #[must_use]
    pub const fn longest_hold(self) -> Duration {
        match self {
            Self::Money | Self::Questions | Self::LogIns | Self::Reports => Duration::from_secs(2),
            Self::Uploads | Self::NewOrders => Duration::from_secs(5),
        }
    }

    /// Whether the time that such a request takes says how busy this server is. What waits for a wallet does not,
    /// nor what is large or small by turns, nor what asks all groups, one of which may hang: the others are not slower for
    /// that.
    #[must_use]
    pub fn is_quick(method: &Method, route: &str) -> bool {
        match route {
            path::DRAFTS | path::ADOPT => true,
            path::ORDER | path::PAYMENT => *method == Method::GET,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_money_is_under_way_for_survives_longest() {
        let of = |method: Method, route: &str| Class::of(&method, route);
        assert_eq!(of(Method::POST, path::PAYMENTS), Some(Class::Money));
        assert_eq!(of(Method::POST, path::SHOWN), Some(Class::Money));
        assert_eq!(of(Method::POST, path::NOTIFICATIONS), Some(Class::Reports));
        assert_eq!(of(Method::GET, path::PAYMENT), Some(Class::Questions));
        assert_eq!(of(Method::GET, path::ORDER), Some(Class::Questions));
        assert_eq!(of(Method::POST, path::TAKE_BACK), Some(Class::Money));
        assert_eq!(of(Method::POST, path::REFUND), Some(Class::Money));
        assert_eq!(of(Method::POST, path::ASK_REFUND), Some(Class::Money));
        assert_eq!(of(Method::POST, staff_path::REFUNDS), Some(Class::Money));
        assert_eq!(of(Method::POST, "/console/terminals/{terminal}/block"), Some(Class::Money));
        assert_eq!(of(Method::POST, path::JOURNAL), Some(Class::Uploads));
        assert_eq!(of(Method::POST, path::ADOPT), Some(Class::Uploads));
        assert_eq!(of(Method::POST, path::DRAFTS), Some(Class::NewOrders));
        assert_eq!(of(Method::GET, "/console/orders"), Some(Class::Reports));
        assert_eq!(of(Method::GET, path::CATALOGUE), Some(Class::Reports));
        assert_eq!(of(Method::GET, path::HEALTH_READY), None);
        assert_eq!(of(Method::POST, "/console/goods/picture"), Some(Class::Reports));
        assert!(Class::Money < Class::Questions && Class::Questions < Class::Uploads);
        assert!(Class::Uploads < Class::NewOrders && Class::NewOrders < Class::Reports);
    }

    #[test]
    fn logging_in_is_no_money_and_whoever_asks_for_money_shows_first_who_he_is() {
        for route in [staff_path::SESSIONS, staff_path::PASSWORD, "/console/login", "/console/password"] {
            assert_eq!(Class::of(&Method::POST, route), Some(Class::LogIns), "{route}");
            assert_eq!(Class::LogIns.enters(route), Enters::WhenRead);
        }
        assert_eq!(Class::of(&Method::GET, "/console/login"), Some(Class::Reports));
        for route in [path::PAYMENTS, path::SHOWN, path::TAKE_BACK, path::REFUND, path::ASK_REFUND] {
            assert_eq!(Class::Money.enters(route), Enters::WhenVerified, "{route}");
        }
        assert_eq!(Class::Money.enters(staff_path::REFUNDS), Enters::WhenRead);
        assert_eq!(Class::NewOrders.enters(path::DRAFTS), Enters::AtOnce);
    }

    #[test]
    fn what_waits_for_a_wallet_says_nothing_about_the_server() {
        assert!(!Class::is_quick(&Method::POST, path::PAYMENTS));
        assert!(!Class::is_quick(&Method::POST, path::REFUND));
        assert!(!Class::is_quick(&Method::GET, path::TERMINAL), "it asks all groups, and one may hang");
        assert!(Class::is_quick(&Method::GET, path::ORDER));
        assert!(Class::is_quick(&Method::POST, path::DRAFTS));
    }
}
