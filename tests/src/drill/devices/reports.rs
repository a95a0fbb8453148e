//! Scanners by USB reports, by the ten thousand codes: while reports are cut, come twice, are lost or are garbled, and
//! plugs are pulled between two of one code.

use super::codes::{Code, digits};
use super::ledger::{Found, Ledger, Passes, Word};
use crate::simulator::scanner::hid_pos::{Maker, REPORT_BYTES, reports};
use crate::world::chance::Chance;
use evertill_hardware::scanner::Refusal;
use evertill_hardware::scanner::assembler::Assembled;
use evertill_hardware::scanner::hid_pos::{HidPosAssembler, Layout};
use std::time::Duration;

/// So many codes in a thousand are disturbed.
const DISTURBED: u64 = 150;

/// A scanner as it is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reporter {
    maker: Maker,
}

pub(super) fn reporters() -> Vec<Reporter> {
    [Maker::WithAim, Maker::WithoutAim].into_iter().map(|maker| Reporter { maker }).collect()
}

struct Desk {
    reporter: Reporter,
    chance: Chance,
    assembler: HidPosAssembler,
    now: Duration,
    ledger: Ledger,
}

/// Scans so many codes.
pub(super) fn scan(reporter: Reporter, scans: u64, seed: u64, passes: Passes) -> Found {
    let layout = match reporter.maker {
        Maker::WithAim => Layout::with_aim(),
        Maker::WithoutAim => Layout::without_aim(),
    };
    let mut desk = Desk {
        reporter,
        chance: Chance::new(seed, "reports"),
        assembler: HidPosAssembler::new(layout, Duration::ZERO),
        now: Duration::from_secs(1),
        ledger: Ledger::new(format!("{reporter:?}"), passes),
    };
    for _ in 0..scans {
        desk.one_code();
    }
    desk.wait(10_000);
    desk.ledger.close()
}

impl Desk {
    fn one_code(&mut self) {
        let mut code = Code::draw(&mut self.chance);
        if self.chance.once_in(200) {
            // One that takes several reports.
            let length = usize::try_from(self.chance.between(57, 400)).unwrap_or(57);
            code.aim = "]Q1";
            code.text = format!("HTTPS://example.test/{}", digits(&mut self.chance, length));
        }
        let aim = code.aim.as_bytes().try_into().unwrap_or(*b"]X0");
        let sent = reports(self.reporter.maker, aim, code.text.as_bytes());
        self.ledger.reads(&code.sent(self.reporter.maker == Maker::WithAim));
        self.ledger.ends(true);
        if self.chance.once_in(DISTURBED) {
            self.ledger.is_disturbed();
            self.disturbed(&sent);
        } else {
            sent.iter().for_each(|report| self.report(report));
        }
        let pause = self.chance.between(20, 2_500);
        self.wait(pause);
        self.ledger.catch_up();
    }

    fn disturbed(&mut self, sent: &[[u8; REPORT_BYTES]]) {
        let place = usize::try_from(self.chance.below(sent.len() as u64)).unwrap_or(0);
        let several = sent.len() > 1;
        match self.chance.below(5) {
            0 => self.with(sent, place, |chance, report| {
                let left = usize::try_from(chance.between(1, REPORT_BYTES as u64 - 1)).unwrap_or(1);
                vec![report[..left].to_vec()]
            }),
            1 if several => self.with(sent, place, |_, report| vec![report.to_vec(), report.to_vec()]),
            // The last one did not come.
            2 if several => {
                sent[..sent.len() - 1].iter().for_each(|report| self.report(report));
                self.wait(1_100);
            }
            3 => self.with(sent, place, |chance, report| {
                let mut garbled = report.to_vec();
                // A length that cannot be, or a character that no code has.
                if chance.once_in(500) {
                    garbled[1] = 250
                } else {
                    garbled[5] = 1
                }
                vec![garbled]
            }),
            _ => {
                sent[..place].iter().for_each(|report| self.report(report));
                self.assembler.handle_device_lost();
                self.fetch_after(true);
                if place == 0 {
                    self.ledger.nothing_came();
                }
                let pause = self.chance.between(250, 5_000);
                self.wait(pause);
            }
        }
    }

    /// Sends all, but something else in the place of one.
    fn with(
        &mut self,
        sent: &[[u8; REPORT_BYTES]],
        place: usize,
        instead: impl Fn(&mut Chance, &[u8; REPORT_BYTES]) -> Vec<Vec<u8>>,
    ) {
        for (nth, report) in sent.iter().enumerate() {
            if nth == place {
                let other = instead(&mut self.chance, report);
                other.iter().for_each(|report| self.report(report));
            } else {
                self.report(report);
            }
        }
    }

    fn report(&mut self, report: &[u8]) {
        let pause = self.chance.between(1, 12);
        self.wait(pause);
        self.assembler.handle_report(report, self.now);
        self.fetch();
    }

    fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.assembler.poll_timeout().filter(|at| *at < until) {
            self.now = self.now.max(at);
            self.assembler.handle_time(self.now);
            self.fetch();
        }
        self.now = until;
    }

    fn fetch(&mut self) {
        self.fetch_after(false);
    }

    fn fetch_after(&mut self, device_lost: bool) {
        while let Some(item) = self.assembler.poll_output() {
            let word = match item {
                Assembled::Scan(text) => Word::Code(text),
                Assembled::Refused(why) => Word::Refused { fragment: why == Refusal::Fragment, device_lost },
            };
            if let Some(text) = self.ledger.hears(word) {
                self.ledger.wrong(&format!("{text:?} came out"));
            }
        }
    }
}
