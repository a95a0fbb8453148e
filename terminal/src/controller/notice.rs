//! What is told above the page. Most of it is about the last touch or scan and goes with the next; what is about money
//! of another customer stays until somebody has put it away.

use super::Controller;
use crate::view::Notice;
use std::collections::VecDeque;

/// What there is to tell.
#[derive(Debug, Default)]
pub struct Notices {
    passing: Option<Notice>,
    /// What was said of the sale in hand in one go, where each would have hidden the one before.
    of_sale: VecDeque<Notice>,
    kept: VecDeque<Notice>,
}

impl Notices {
    /// What is to be told at the start.
    pub fn of_languages(wrong: &[String]) -> Self {
        let mut notices = Self::default();
        wrong.iter().for_each(|detail| notices.add(Notice::LanguageUnusable { detail: detail.clone() }));
        notices
    }

    /// What is on screen; on a locked till only what is about the last touch or scan.
    pub fn shown(&self, locked: bool) -> Option<&Notice> {
        let waiting = self.of_sale.front().or(self.kept.front());
        self.passing.as_ref().or(waiting.filter(|_| !locked))
    }

    /// A person puts away what is on screen.
    pub fn dismiss(&mut self) {
        if self.passing.take().is_none() && self.of_sale.pop_front().is_none() {
            self.kept.pop_front();
        }
    }

    /// The matter of the last touch or scan is over.
    pub fn over(&mut self) {
        self.passing = None;
    }

    /// The till sells again: what was said of a scan before is over.
    pub fn fault_over(&mut self) {
        self.passing.take_if(|notice| *notice == Notice::ScanAtFault);
    }

    /// Goods are sold again: what was said of a scan that came to nothing before is over.
    pub fn sells_again(&mut self) {
        self.passing.take_if(|notice| matches!(notice, Notice::ScanAtFault | Notice::LockedScan));
    }

    /// What is told of the last scan stays until somebody has put it away: another scan follows in the same moment.
    pub fn keep_for_sale(&mut self) {
        if let Some(notice) = self.passing.take().filter(|notice| !self.of_sale.contains(notice)) {
            self.of_sale.push_back(notice);
        }
    }

    /// The sale in hand is another.
    pub fn sale_over(&mut self) {
        self.of_sale.clear();
    }

    fn add(&mut self, notice: Notice) {
        let keeps = matches!(
            notice,
            Notice::EarlierPaymentPaid { .. }
                | Notice::EarlierPaymentReversed { .. }
                | Notice::RefundToPayOut { .. }
                | Notice::RefundApproved { .. }
                | Notice::RefundRefusedInConsole { .. }
                | Notice::RefundExpired { .. }
                | Notice::RefundForbidden { .. }
                | Notice::HandBack { .. }
                | Notice::SaleQuarantined { .. }
                | Notice::TemplateUnreadable
                | Notice::LanguageUnusable { .. }
        );
        // It says more exactly which.
        if matches!(notice, Notice::RefundApproved { .. }) {
            self.passing.take_if(|before| matches!(before, Notice::RefundsArrived { .. }));
        }
        if !keeps {
            self.passing = Some(notice);
        } else if !self.kept.contains(&notice) {
            self.kept.push_back(notice);
        }
    }
}

impl Controller {
    /// A person puts away what is on screen.
    pub(super) fn dismiss_notice(&mut self) {
        let shown = self.notices.shown(false).cloned();
        self.notices.dismiss();
        match shown {
            Some(Notice::HandBack { sale, .. }) => self.handed_back(sale),
            Some(Notice::RefundToPayOut { refund, .. }) => self.forget_to_pay_out(&refund),
            _ => {}
        }
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.notices.add(notice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_a_language_that_is_wrong_is_told_of_until_somebody_put_it_away() {
        let wrong = ["de.po: line 3: …".to_owned(), "fr.po: No such file".to_owned()];
        let mut notices = Notices::of_languages(&wrong);
        notices.add(Notice::ShiftNeeded);
        notices.over();
        assert_eq!(notices.shown(true), None, "not before somebody has logged in");
        for detail in wrong {
            assert_eq!(notices.shown(false), Some(&Notice::LanguageUnusable { detail }));
            notices.dismiss();
        }
        assert_eq!(notices.shown(false), None);
        assert!(Notices::of_languages(&[]).shown(false).is_none());
    }
}
