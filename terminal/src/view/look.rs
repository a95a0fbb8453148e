//! How the screens look; each till's own choice.

/// How the screens are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Colours {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
    /// White and yellow on black.
    HighContrast,
}

/// How large the words on the screens are. What is small grows by all of it; what is large already, by less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TextSize {
    /// As the screens are drawn.
    #[default]
    Normal,
    /// A quarter larger.
    Large,
    /// Half as large again.
    Larger,
}

impl TextSize {
    /// Each of them, from the smallest on.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Large, Self::Larger];

    /// In hundredths.
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::Normal => 100,
            Self::Large => 125,
            Self::Larger => 150,
        }
    }

    /// The one of so many hundredths, if there is one.
    #[must_use]
    pub fn of_percent(percent: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|size| u64::from(size.percent()) == percent)
    }
}
