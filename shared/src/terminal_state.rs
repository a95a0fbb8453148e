//! The life of a terminal: registered, activated, perhaps blocked, retired.
//!
//! Becoming trusted is done deliberately: to activate or unblock what is so already is refused, since the
//! person who does it believes something that is not true. Becoming safe may be repeated: to block or retire
//! twice is no error, since nobody who blocks a stolen till should be told that it failed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the server thinks of a terminal that has registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// Registered; nobody has compared its fingerprint yet.
    Pending,
    /// In use.
    Active,
    /// Stopped by IT, for instance because it was stolen.
    Blocked,
    /// Out of use for good.
    Retired,
}

/// What IT does to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalEvent {
    /// Its fingerprint was compared and is right.
    Activate,
    /// It shall move no more money.
    Block,
    /// It is back in the right hands.
    Unblock,
    /// It will not be used again.
    Retire,
}

/// This cannot be done to a terminal in that state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.advice())]
pub struct Refused {
    /// The state that it is in, and stays in.
    pub state: TerminalState,
    /// What was asked for.
    pub event: TerminalEvent,
}

impl Refused {
    fn advice(&self) -> &'static str {
        use {TerminalEvent as E, TerminalState as S};
        match (self.state, self.event) {
            (S::Retired, _) => "the terminal is retired for good: register it again to use it",
            (S::Pending, E::Unblock) => {
                "the terminal was never active: compare its fingerprint and activate it"
            }
            (S::Pending, _) => "the terminal is not active yet: retire it if it shall never be",
            (S::Active, _) => "the terminal is active already",
            (S::Blocked, _) => "the terminal is blocked: unblock it to use it again",
        }
    }
}

impl TerminalState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Blocked, Self::Retired];

    /// The state after this event.
    ///
    /// # Errors
    /// [`Refused`] if the event has no place here; the state then stays.
    pub fn apply(self, event: TerminalEvent) -> Result<Self, Refused> {
        use TerminalEvent as E;
        match (self, event) {
            (Self::Pending, E::Activate) | (Self::Blocked, E::Unblock) => Ok(Self::Active),
            (Self::Active | Self::Blocked, E::Block) => Ok(Self::Blocked),
            (_, E::Retire) => Ok(Self::Retired),
            // A pending till cannot be blocked: unblocking would make it active with no fingerprint compared.
            (Self::Pending, E::Block | E::Unblock)
            | (Self::Active, E::Activate | E::Unblock)
            | (Self::Blocked, E::Activate)
            | (Self::Retired, E::Activate | E::Block | E::Unblock) => Err(Refused { state: self, event }),
        }
    }

    /// Whether it may start anything that moves money: orders, charges, refunds (rule *block-means-block*).
    #[must_use]
    pub const fn may_move_money(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether its queue is taken. A blocked till's is, so that honest sales are not lost, but into quarantine:
    /// see [`TerminalState::upload_is_quarantined`]. Before retiring a till, let it empty its queue.
    #[must_use]
    pub const fn may_upload(self) -> bool {
        matches!(self, Self::Active | Self::Blocked)
    }

    /// Whether a person has to accept what it uploads, because it may not come from the shop.
    #[must_use]
    pub const fn upload_is_quarantined(self) -> bool {
        !matches!(self, Self::Active)
    }

    /// The fixed name in data: JSON and databases.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for TerminalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// No state has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the state of a terminal")]
pub struct NoSuchState(String);

impl std::str::FromStr for TerminalState {
    type Err = NoSuchState;
    /// Reads [`TerminalState::code`].
    fn from_str(code: &str) -> Result<Self, NoSuchState> {
        Self::ALL.into_iter().find(|s| s.code() == code).ok_or_else(|| NoSuchState(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use {TerminalEvent as E, TerminalState as S};

    const EVENTS: [E; 4] = [E::Activate, E::Block, E::Unblock, E::Retire];

    /// Rows: states; columns: `EVENTS`. `None` is a refusal.
    const TABLE: [(S, [Option<S>; 4]); 4] = [
        (S::Pending, [Some(S::Active), None, None, Some(S::Retired)]),
        (S::Active, [None, Some(S::Blocked), None, Some(S::Retired)]),
        (S::Blocked, [None, Some(S::Blocked), Some(S::Active), Some(S::Retired)]),
        (S::Retired, [None, None, None, Some(S::Retired)]),
    ];

    #[test]
    fn every_state_answers_every_event_as_the_table_says() {
        for (state, row) in TABLE {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                let expected = expected.ok_or(Refused { state, event });
                assert_eq!(state.apply(event), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn only_an_active_till_moves_money_and_only_its_uploads_are_trusted() {
        let facts = S::ALL.map(|s| (s.may_move_money(), s.may_upload(), s.upload_is_quarantined()));
        let expected = [(false, false, true), (true, true, false), (false, true, true), (false, false, true)];
        assert_eq!(facts, expected);
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = S::Pending.apply(E::Unblock).unwrap_err();
        assert!(refused.to_string().contains("activate"), "{refused}");
        let refused = S::Retired.apply(E::Activate).unwrap_err();
        assert!(refused.to_string().contains("register it again"), "{refused}");
    }

    #[test]
    fn the_names_in_data_stay() {
        for state in S::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.code()));
            assert_eq!(state.code().parse(), Ok(state));
        }
        assert!("stolen".parse::<S>().is_err());
    }

    proptest! {
        #[test]
        fn nothing_but_activation_leads_out_of_pending_to_money(
            events in proptest::collection::vec(proptest::sample::select(EVENTS.as_slice()), 0..20),
        ) {
            let mut state = S::Pending;
            for event in &events {
                state = state.apply(*event).unwrap_or(state);
            }
            prop_assert!(!state.may_move_money() || events.contains(&E::Activate));
        }
    }
}
