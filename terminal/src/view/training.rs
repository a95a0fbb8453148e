//! What a till in training shows and hears beside what every till does.

/// The till is in training: nothing on this screen is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingBar {
    /// A customer's code is asked for: practice codes are offered.
    pub takes_code: bool,
}

/// The customer whose practice code is used instead of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PracticeCustomer {
    /// Pays at once.
    Pays,
    /// Is asked for the password first.
    IsAsked,
    /// Has not enough money.
    HasNoMoney,
    /// Has a wallet that does not answer.
    StaysSilent,
}
