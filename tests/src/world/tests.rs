#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what broke by panicking")]

use super::*;
use crate::drill::world::bugs;

#[test]
fn the_same_seed_tells_the_same_story() {
    let (one, other) = (Template::make().unwrap(), Template::make().unwrap());
    let some: [fn(&Plan) -> bool; 5] =
        [|plan| plan.moves, |plan| plan.view, |plan| plan.two_wallets, |plan| plan.shows, |plan| plan.splits];
    let first = |of: fn(&Plan) -> bool| (1..).find(|seed| of(&Plan::of(*seed))).unwrap();
    for seed in [3, 14].into_iter().chain(some.map(first)) {
        let first = run(&one, &Plan::of(seed), None, true).unwrap();
        let second = run(&other, &Plan::of(seed), None, true).unwrap();
        for (a, b) in first.story.iter().zip(&second.story) {
            assert_eq!(a, b, "seed {seed}");
        }
        assert_eq!(first.hash, second.hash, "seed {seed}");
    }
}

#[test]
fn no_rule_is_broken_in_the_first_seeds() {
    let template = Template::make().unwrap();
    let mut deeds = Deeds::default();
    for seed in 1..=60 {
        let outcome = run(&template, &Plan::of(seed), None, false).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {seed}");
        deeds.add(&outcome.deeds);
    }
    for (what, times) in deeds.named() {
        assert!(times > 0, "in none of the seeds anything was {what}: {deeds:?}");
    }
}

#[test]
fn one_charge_whoever_scans_a_shown_code_and_whenever() {
    let template = Template::make().unwrap();
    let with_codes = (100..).map(Plan::of).filter(|plan| plan.shows);
    let mut scanned = [0; 3];
    for plan in with_codes.take(15) {
        let outcome = run(&template, &plan, None, true).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        for (count, end) in scanned.iter_mut().zip([": paid", ": the phone asks", ": the code is not good"]) {
            let scans = outcome.story.iter().filter(|line| line.contains("scans a shown code"));
            *count += scans.filter(|line| line.ends_with(end)).count();
        }
    }
    assert!(scanned.iter().all(|count| *count > 0), "{scanned:?}");
}

#[test]
fn one_charge_whatever_becomes_of_a_sale_of_which_a_part_is_in_the_drawer() {
    let template = Template::make().unwrap();
    let mut deeds = Deeds::default();
    let mut ends = [0; 4];
    for plan in (300..).map(Plan::of).filter(|plan| plan.splits).take(25) {
        let outcome = run(&template, &plan, None, true).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        deeds.add(&outcome.deeds);
        let words = ["by Split", "asks CashBack", "asks CashLeft", "asks CashKept"];
        for (count, end) in ends.iter_mut().zip(words) {
            *count += outcome.story.iter().filter(|line| line.contains(end)).count();
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
    assert!(deeds.paid_in_parts > 10 && deeds.parts_ended > 5, "{deeds:?}");
}

#[test]
fn known_or_unknown_whatever_the_second_wallet_says_and_tells() {
    let template = Template::make().unwrap();
    let of_the_second = |plan: &Plan| {
        plan.two_wallets
            && plan.steps.iter().any(|step| matches!(&step.what, What::Sell(_, sale) if sale.second))
    };
    let words = ["alipay.trade.cancel", "alipay.trade.precreate", "alipay.trade.refund", "tells server"];
    let mut heard = [0; 4];
    for plan in (500..).map(Plan::of).filter(of_the_second).take(25) {
        let outcome = run(&template, &plan, None, true).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        for (count, word) in heard.iter_mut().zip(words) {
            *count += outcome.story.iter().filter(|line| line.contains(word)).count();
        }
    }
    assert!(heard.iter().all(|count| *count > 0), "{heard:?}");
}

#[test]
fn nothing_lost_when_standbys_take_over_and_an_old_primary_is_still_asked() {
    let template = Template::make().unwrap();
    let fails_over = |plan: &Plan| plan.steps.iter().any(|step| matches!(step.what, What::Failover { .. }));
    let mut words =
        [("Some", 0), ("a commit at the old primary hangs", 0), ("a commit that hung happens", 0)];
    for plan in (700..).map(Plan::of).filter(fails_over).take(25) {
        let outcome = run(&template, &plan, None, true).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        for (word, count) in &mut words {
            *count += outcome.story.iter().filter(|line| line.contains(*word)).count();
        }
    }
    assert!(words.iter().all(|(_, count)| *count > 0), "{words:?}");
}

#[test]
fn nothing_lost_when_power_is_cut_and_the_disks_keep_what_they_promised() {
    let template = Template::make().unwrap();
    let is_cut = |plan: &Plan| plan.steps.iter().any(|step| matches!(step.what, What::PowerCut { .. }));
    let mut deeds = Deeds::default();
    for plan in (900..).map(Plan::of).filter(is_cut).take(20) {
        let outcome = run(&template, &plan, None, false).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        deeds.add(&outcome.deeds);
    }
    assert!(deeds.paid > 40 && deeds.refunded > 0, "{deeds:?}");
}

#[test]
fn no_rule_is_broken_while_one_server_sees_a_database_that_another_does_not() {
    let template = Template::make().unwrap();
    let is_apart = |plan: &Plan| plan.steps.iter().any(|step| matches!(step.what, What::Apart { .. }));
    let (mut silent, mut refused, mut unheard) = (0, 0, 0);
    for plan in (200..).map(Plan::of).filter(is_apart).take(20) {
        let outcome = run(&template, &plan, None, true).unwrap();
        assert_eq!(outcome.violations, [], "cargo drill -- world --seed {}", plan.seed);
        let told = |words: &str| outcome.story.iter().filter(|line| line.contains(words)).count();
        silent += told("is cut off: Silent");
        refused += told("is cut off: Refused");
        unheard += told("sent before it was cut off happens");
    }
    assert!(
        silent > 10 && refused > 5 && unheard > 0,
        "{silent} silent, {refused} refused, {unheard} unheard"
    );
}

#[test]
fn every_planted_bug_is_caught() {
    let hunted = bugs(&|| true).unwrap();
    assert!(hunted.planted >= 38 && hunted.missed.is_empty(), "not caught: {:?}", hunted.missed);
}
