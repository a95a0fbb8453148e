//! A list that comes from all order groups, a page at a time. The groups have no common order to go on from, so each page
//! asks for everything up to its end; and there are not many.

use super::frame::{Notice, Tone};
use super::visitor::query_of;
use super::words::fill;
use evertill_shared::order_number::GroupTag;
use serde::Deserialize;

/// Rows on a page.
const ROWS: usize = 50;
/// Pages at most: whoever has more than this has another trouble than finding one.
const PAGES: usize = 10;

/// Which page was asked for, from 1.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    page: String,
}

/// One page of such a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageOf {
    page: usize,
}

impl Asked {
    /// The nearest page that there can be.
    pub(super) fn page(&self) -> PageOf {
        PageOf { page: self.page.parse().unwrap_or(1).clamp(1, PAGES) }
    }
}

impl PageOf {
    fn end(self) -> usize {
        self.page * ROWS
    }

    /// So many are asked of the groups: one more than is shown, so it shows if there are more.
    pub(super) fn most(self) -> u32 {
        u32::try_from(self.end() + 1).unwrap_or(u32::MAX)
    }

    /// What of all that was given is on this page.
    pub(super) fn of<T>(self, all: &[T]) -> impl Iterator<Item = &T> {
        all.iter().skip(self.end() - ROWS).take(ROWS)
    }

    /// What has to be said above it: the groups whose rows are missing, and that the list is cut.
    pub(super) fn notices<T>(
        self,
        all: &[T],
        unreachable: &[GroupTag],
        (missing, more): (&str, &str),
    ) -> Vec<Notice> {
        let missing = unreachable.iter().map(|tag| fill(missing, &[&tag.to_string()]));
        let cut =
            (all.len() > self.end() && self.page == PAGES).then(|| fill(more, &[&self.end().to_string()]));
        missing.chain(cut).map(|words| Notice::new(Tone::Doubt, words)).collect()
    }

    /// The addresses of the page before and of the one after it, where there are such.
    pub(super) fn beside<T>(self, all: &[T], path: &str) -> (Option<String>, Option<String>) {
        let link = |page: usize| format!("{path}?{}", query_of(&[("page", &page.to_string())]));
        let has_next = all.len() > self.end() && self.page < PAGES;
        ((self.page > 1).then(|| link(self.page - 1)), has_next.then(|| link(self.page + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(asked: &str) -> PageOf {
        Asked { page: asked.into() }.page()
    }

    #[test]
    fn a_page_has_its_rows_and_leads_to_those_that_there_are() {
        let all: Vec<usize> = (0..101).collect();
        let beside = |asked: &str, all: &[usize]| page(asked).beside(all, "/x");
        assert_eq!(page("2").of(&all).copied().collect::<Vec<_>>(), (50..100).collect::<Vec<_>>());
        assert_eq!(beside("1", &all), (None, Some("/x?page=2".into())));
        assert_eq!(beside("2", &all), (Some("/x?page=1".into()), Some("/x?page=3".into())));
        assert_eq!(beside("1", &all[..50]), (None, None), "no page is empty");
        assert_eq!((page("1").most(), page("2").most()), (51, 101));
    }

    #[test]
    fn no_page_number_breaks_it_and_a_list_that_is_cut_says_so() {
        for (asked, is) in [("", 1), ("0", 1), ("-3", 1), ("x", 1), ("99999999999999999999", 1), ("11", 10)] {
            assert_eq!(page(asked).page, is, "{asked}");
        }
        let all = vec![(); 501];
        let said = |asked: &str, all: &[()]| page(asked).notices(all, &[], ("{}", "{}")).len();
        assert_eq!((said("10", &all), said("10", &all[..500]), said("9", &all)), (1, 0, 0));
        assert_eq!(page("10").beside(&all, "/x").1, None);
    }
}
