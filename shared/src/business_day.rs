//! The store's zone and its business day: which day a moment belongs to, and how it reads on paper.

use crate::clock::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is not a zone or a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusinessDayError {
    /// Not in the IANA time zone database.
    #[error("{0:?} is not a time zone: use a name like Asia/Shanghai")]
    UnknownZone(String),
    /// Not a date, or not written like one.
    #[error("{0:?} is not a day: write it like 2026-11-20")]
    NotADay(String),
}

/// A store's time zone, by its IANA name. The rules are those built into the program, on every machine the
/// same, and never those of the machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreZone(TimeZone);

impl StoreZone {
    /// China's, by which the wallets count their days. It has had no summer time since 1991.
    #[must_use]
    pub fn china() -> Self {
        let named = TimeZoneDatabase::bundled().get("Asia/Shanghai");
        Self(named.unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8))))
    }

    /// The name, like `Asia/Shanghai`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC") // zones made here always have one
    }

    fn start_of(&self, day: Date, cut_off_minutes: u16) -> Option<jiff::Timestamp> {
        let minutes = i8::try_from(cut_off_minutes % 60).ok()?;
        let hours = i8::try_from(cut_off_minutes / 60).ok()?;
        let time = jiff::civil::Time::new(hours, minutes, 0, 0).ok()?;
        day.to_datetime(time).to_zoned(self.0.clone()).ok().map(|z| z.timestamp())
    }
}

impl FromStr for StoreZone {
    type Err = BusinessDayError;
    fn from_str(name: &str) -> Result<Self, BusinessDayError> {
        let zone = TimeZoneDatabase::bundled().get(name);
        zone.map(Self).map_err(|_| BusinessDayError::UnknownZone(name.to_owned()))
    }
}

impl TryFrom<String> for StoreZone {
    type Error = BusinessDayError;
    fn try_from(name: String) -> Result<Self, BusinessDayError> {
        name.parse()
    }
}

impl From<StoreZone> for String {
    fn from(zone: StoreZone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Display for StoreZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for StoreZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A business day of a store: a date, written `2026-11-20`. It runs from one cut-off to the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BusinessDay(Date);

impl BusinessDay {
    /// The day before; at the beginning of the calendar, the same day.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0))
    }

    /// The same day so many years before: who was born on it, or earlier, has that age today. Of 29 February in a year that
    /// has none, the day before.
    #[must_use]
    pub fn years_before(self, years: u8) -> Self {
        let span = jiff::Span::new().years(i64::from(years));
        Self(self.0.checked_sub(span).unwrap_or(self.0))
    }

    /// That day of the calendar, if there is one.
    #[must_use]
    pub fn of_calendar(year: u16, month: u8, day: u8) -> Option<Self> {
        let [month, day] = [month, day].map(|number| i8::try_from(number).ok());
        Date::new(i16::try_from(year).ok()?, month?, day?).ok().map(Self)
    }

    /// The year that it is in.
    #[must_use]
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or(0)
    }

    /// The day after; at the end of the calendar, the same day.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }
}

impl FromStr for BusinessDay {
    type Err = BusinessDayError;
    fn from_str(text: &str) -> Result<Self, BusinessDayError> {
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text); // one way to write it
        date.map(Self).ok_or_else(|| BusinessDayError::NotADay(text.to_owned()))
    }
}

impl TryFrom<String> for BusinessDay {
    type Error = BusinessDayError;
    fn try_from(text: String) -> Result<Self, BusinessDayError> {
        text.parse()
    }
}

impl From<BusinessDay> for String {
    fn from(day: BusinessDay) -> Self {
        day.to_string()
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The business day that this moment belongs to. A day begins `cut_off_minutes` after midnight by the store's
/// wall clock (0 by default; at most 1439, more is taken as that), so a bar that closes at three may count the
/// night to the evening before.
///
/// Days are cut at *moments*, not by what the clock on the wall shows: where the clock is put back over the
/// cut-off, the day begins at the first of the two and does not begin again; where it is put forward over it,
/// the day begins as much later. So time never runs back into a day that is over.
#[must_use]
pub fn business_day_of(at: Timestamp, zone: &StoreZone, cut_off_minutes: u16) -> BusinessDay {
    let at = in_calendar(at);
    let cut_off_minutes = cut_off_minutes.min(24 * 60 - 1);
    let on_the_wall = BusinessDay(zone.0.to_datetime(at).date());
    let begun = |day: BusinessDay| zone.start_of(day.0, cut_off_minutes).is_some_and(|start| start <= at);
    if begun(on_the_wall.next()) {
        on_the_wall.next()
    } else if begun(on_the_wall) {
        on_the_wall
    } else {
        on_the_wall.previous()
    }
}

/// The moment at which the store's wall clock shows so many minutes after midnight on that business day; before the
/// cut-off that is on the next date. Nothing where there is no such minute.
#[must_use]
pub fn moment_on(
    day: BusinessDay,
    minutes: u16,
    zone: &StoreZone,
    cut_off_minutes: u16,
) -> Option<Timestamp> {
    let date = if minutes < cut_off_minutes.min(24 * 60 - 1) { day.next() } else { day };
    zone.start_of(date.0, minutes).map(|at| Timestamp(at.as_millisecond()))
}

/// Whether two moments belong to one business day.
#[must_use]
pub fn same_day(a: Timestamp, b: Timestamp, zone: &StoreZone, cut_off_minutes: u16) -> bool {
    business_day_of(a, zone, cut_off_minutes) == business_day_of(b, zone, cut_off_minutes)
}

/// A moment by the store's wall clock, `2026-11-20 14:03:07`: for paper and screen.
#[must_use]
pub fn local_text(at: Timestamp, zone: &StoreZone) -> String {
    let local = zone.0.to_datetime(in_calendar(at));
    let time = local.time();
    format!("{} {:02}:{:02}:{:02}", local.date(), time.hour(), time.minute(), time.second())
}

/// Moments outside the calendar's years (-9999 to 9999) are taken as its ends.
fn in_calendar(at: Timestamp) -> jiff::Timestamp {
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    at.to_jiff().unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> StoreZone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn day(text: &str, zone_name: &str, cut_off: u16) -> String {
        business_day_of(at(text), &zone(zone_name), cut_off).to_string()
    }

    #[test]
    fn the_day_is_the_stores_and_not_utcs() {
        assert_eq!(day("2026-11-20T15:59:59.999Z", "Asia/Shanghai", 0), "2026-11-20");
        assert_eq!(day("2026-11-20T16:00:00Z", "Asia/Shanghai", 0), "2026-11-21");
        assert_eq!(day("2026-11-20T16:00:00Z", "America/New_York", 0), "2026-11-20");
    }

    #[test]
    fn before_the_cut_off_it_is_still_yesterday() {
        assert_eq!(day("2026-11-20T18:59:59.999Z", "Asia/Shanghai", 180), "2026-11-20");
        assert_eq!(day("2026-11-20T19:00:00Z", "Asia/Shanghai", 180), "2026-11-21");
        assert_eq!(day("2026-11-21T15:59:00Z", "Asia/Shanghai", 1439), "2026-11-21");
        assert_eq!(day("2026-11-21T15:58:59Z", "Asia/Shanghai", u16::MAX), "2026-11-20", "taken as 23:59");
    }

    #[test]
    fn a_cut_off_that_the_clock_skips_comes_when_the_clock_has_jumped() {
        // Berlin, 2026-03-29: 02:00 becomes 03:00. The cut-off 02:30 does not exist; it comes at 03:30.
        assert_eq!(day("2026-03-29T01:29:59Z", "Europe/Berlin", 150), "2026-03-28");
        assert_eq!(day("2026-03-29T01:30:00Z", "Europe/Berlin", 150), "2026-03-29");
    }

    #[test]
    fn a_cut_off_that_comes_twice_counts_once() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00. The cut-off 02:30 comes at 00:30Z and again at 01:30Z.
        assert_eq!(day("2026-10-25T00:29:59Z", "Europe/Berlin", 150), "2026-10-24");
        assert_eq!(day("2026-10-25T00:30:00Z", "Europe/Berlin", 150), "2026-10-25");
        assert_eq!(
            day("2026-10-25T01:10:00Z", "Europe/Berlin", 150),
            "2026-10-25",
            "02:10 for the second time"
        );
        assert_eq!(day("2026-10-25T01:30:00Z", "Europe/Berlin", 150), "2026-10-25");
    }

    #[test]
    fn a_midnight_that_is_put_back_does_not_bring_yesterday_back() {
        // St John's, 2010-11-07: at 00:01 the clock went back to 23:01 of the 6th.
        assert_eq!(day("2010-11-07T02:29:59Z", "America/St_Johns", 0), "2010-11-06");
        assert_eq!(day("2010-11-07T02:30:00Z", "America/St_Johns", 0), "2010-11-07");
        assert_eq!(
            day("2010-11-07T02:45:00Z", "America/St_Johns", 0),
            "2010-11-07",
            "23:15 of the 6th again"
        );
        assert_eq!(day("2010-11-07T03:30:00Z", "America/St_Johns", 0), "2010-11-07");
    }

    #[test]
    fn a_date_that_a_country_skipped_is_no_business_day() {
        // Samoa had no 2011-12-30.
        assert_eq!(day("2011-12-30T09:59:59Z", "Pacific/Apia", 0), "2011-12-29");
        assert_eq!(day("2011-12-30T10:00:00Z", "Pacific/Apia", 0), "2011-12-31");
    }

    #[test]
    fn moments_of_one_day_and_of_two() {
        let zone = zone("Asia/Shanghai");
        let (noon, late) = (at("2026-11-20T04:00:00Z"), at("2026-11-20T15:59:59.900Z"));
        let after = at("2026-11-20T16:00:00.100Z");
        assert!(same_day(noon, late, &zone, 0));
        assert!(!same_day(late, after, &zone, 0));
        assert!(same_day(late, after, &zone, 60));
    }

    #[test]
    fn a_minute_of_a_business_day_is_a_moment() {
        let (day, zone) = ("2026-11-20".parse().unwrap(), zone("Asia/Shanghai"));
        assert_eq!(moment_on(day, 9 * 60 + 5, &zone, 180), Some(at("2026-11-20T01:05:00Z")));
        assert_eq!(moment_on(day, 120, &zone, 180), Some(at("2026-11-20T18:00:00Z")), "after midnight");
        assert_eq!(moment_on(day, 24 * 60, &zone, 180), None);
        for minutes in [0, 179, 180, 1439] {
            let moment = moment_on(day, minutes, &zone, 180).unwrap();
            assert_eq!(business_day_of(moment, &zone, 180), day, "{minutes}");
        }
    }

    #[test]
    fn paper_shows_the_wall_clock() {
        assert_eq!(local_text(at("2026-11-20T06:03:07.999Z"), &zone("Asia/Shanghai")), "2026-11-20 14:03:07");
        assert_eq!(local_text(at("2026-07-01T12:00:00Z"), &zone("Europe/Berlin")), "2026-07-01 14:00:00");
    }

    #[test]
    fn zones_and_days_are_checked_when_read() {
        assert!("Asia/Atlantis".parse::<StoreZone>().is_err());
        assert!(serde_json::from_str::<StoreZone>("\"\"").is_err());
        let shanghai = zone("Asia/Shanghai");
        assert_eq!(serde_json::to_string(&shanghai).unwrap(), "\"Asia/Shanghai\"");
        assert_eq!(serde_json::from_str::<StoreZone>("\"Asia/Shanghai\"").unwrap(), shanghai);
        assert_ne!(shanghai, zone("Asia/Hong_Kong"));
        assert_eq!(zone("UTC").name(), "UTC");
        for text in ["2026-11-31", "20261120", "2026-11-20T10:00", "2026-1-2", " 2026-11-20", ""] {
            assert!(text.parse::<BusinessDay>().is_err(), "{text:?} was taken");
        }
        let today: BusinessDay = "2026-11-20".parse().unwrap();
        assert_eq!(serde_json::to_string(&today).unwrap(), "\"2026-11-20\"");
        assert_eq!(
            (today.previous().to_string(), today.next().to_string()),
            ("2026-11-19".into(), "2026-11-21".into())
        );
        assert!(today.previous() < today && today < today.next());
    }

    #[test]
    fn the_ends_of_time_have_a_day_too() {
        for name in ["Asia/Shanghai", "America/New_York", "UTC"] {
            for moment in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
                let _ = (business_day_of(moment, &zone(name), 180), local_text(moment, &zone(name)));
            }
        }
    }

    proptest! {
        #[test]
        fn days_never_run_backwards(
            start in 0_i64..4_102_444_800_000, step in 0_i64..172_800_000, cut_off in 0_u16..1440,
            name in proptest::sample::select(vec![
                "Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "America/Havana", "Australia/Lord_Howe",
                "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo",
            ]),
        ) {
            let zone = zone(name);
            let earlier = business_day_of(Timestamp(start), &zone, cut_off);
            let later = business_day_of(Timestamp(start + step), &zone, cut_off);
            prop_assert!(earlier <= later);
        }
    }

    #[test]
    fn whoever_was_born_years_before_has_that_age_and_a_day_later_not() {
        let born = |today: &str, years| today.parse::<BusinessDay>().unwrap().years_before(years).to_string();
        assert_eq!(born("2026-11-22", 18), "2008-11-22");
        assert_eq!(born("2027-03-01", 18), "2009-03-01");
        assert_eq!(born("2028-02-29", 18), "2010-02-28", "there was no 29th");
        assert_eq!(born("2028-02-29", 16), "2012-02-29");
    }
}
