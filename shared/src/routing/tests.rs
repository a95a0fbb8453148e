use super::*;
use crate::id::{ChannelNumber, SaleKey, TerminalId};
use proptest::prelude::*;
use std::time::Duration;

fn store(number: u32) -> StoreId {
    StoreId::try_from(number).unwrap()
}

fn dollars() -> Currency {
    "USD".parse().unwrap()
}

fn account(id: u32) -> Account {
    Account {
        id: AccountId(id),
        wallet: Wallet::WeChatPay,
        store: None,
        enabled: true,
        since: Timestamp(0),
        scanned: true,
        shown: true,
        currency: Currency::CNY,
        amounts: Span::default(),
    }
}

fn rule(priority: u32, accounts: &[u32]) -> Rule {
    Rule {
        priority,
        wallet: Wallet::WeChatPay,
        store: None,
        currency: None,
        amounts: Span::default(),
        accounts: accounts.iter().copied().map(AccountId).collect(),
    }
}

fn sale(minor: i64) -> Sale {
    Sale {
        store: store(1),
        wallet: Wallet::WeChatPay,
        amount: Amount::new(minor, Currency::CNY),
        kind: Kind::Scanned,
    }
}

fn table(accounts: Vec<Account>, rules: Vec<Rule>) -> Table {
    Table::new(accounts, rules).unwrap()
}

fn ids(numbers: &[u32]) -> Vec<AccountId> {
    numbers.iter().copied().map(AccountId).collect()
}

#[test]
fn a_wallet_without_accounts_is_the_settings_files_affair() {
    let alipay = Account { wallet: Wallet::Alipay, ..account(1) };
    let table = table(vec![alipay], vec![rule(1, &[1])]);
    assert_eq!(table.may_be_asked(&sale(100)), Ok(vec![AccountId::OF_THE_FILE]));
    assert!(!table.knows(Wallet::WeChatPay) && table.knows(Wallet::Alipay));
    let small = Rule { amounts: Span { lowest: None, highest: Some(100) }, ..rule(2, &[]) };
    let table = Table::new(vec![], vec![small]).unwrap();
    assert_eq!(table.may_be_asked(&sale(100)), Err(NoAccount::NotByRule(2)), "such sales are not taken");
    assert_eq!(table.may_be_asked(&sale(101)), Ok(vec![AccountId::OF_THE_FILE]));
}

#[test]
fn a_disabled_account_does_not_bring_the_settings_file_back() {
    let off = Account { enabled: false, ..account(1) };
    assert_eq!(table(vec![off], vec![]).may_be_asked(&sale(100)), Err(NoAccount::NotByAccounts));
}

#[test]
fn without_rules_every_account_that_takes_the_sale_may_be_asked() {
    let elsewhere = Account { store: Some(store(2)), ..account(2) };
    let foreign = Account { currency: dollars(), ..account(3) };
    let small = Account { amounts: Span { lowest: None, highest: Some(99) }, ..account(4) };
    let only_shows = Account { scanned: false, ..account(5) };
    let all = table(vec![account(1), elsewhere, foreign, small, only_shows, account(6)], vec![]);
    assert_eq!(all.may_be_asked(&sale(100)), Ok(ids(&[1, 6])));
    assert_eq!(all.may_be_asked(&sale(99)), Ok(ids(&[1, 4, 6])));
    let shown = Sale { kind: Kind::Shown, ..sale(100) };
    assert_eq!(all.may_be_asked(&shown), Ok(ids(&[1, 5, 6])));
}

#[test]
fn the_first_rule_that_fits_decides_alone() {
    let large = Rule { amounts: Span { lowest: Some(10_000), highest: None }, ..rule(1, &[2]) };
    let here = Rule { store: Some(store(7)), ..rule(2, &[3]) };
    let accounts = || vec![account(1), account(2), account(3)];
    let rules = vec![rule(9, &[1]), here, large];
    let all = table(accounts(), rules.clone());
    assert_eq!(all.may_be_asked(&sale(10_000)), Ok(ids(&[2])));
    assert_eq!(all.may_be_asked(&sale(9_999)), Ok(ids(&[1])));
    assert_eq!(all.may_be_asked(&Sale { store: store(7), ..sale(9_999) }), Ok(ids(&[3])));
    let mut off = accounts();
    off[1].enabled = false;
    assert_eq!(
        table(off, rules).may_be_asked(&sale(10_000)),
        Err(NoAccount::NotByRule(1)),
        "nothing falls through"
    );
    let none = table(
        accounts(),
        vec![Rule { amounts: Span { lowest: Some(5), highest: Some(6) }, ..rule(1, &[1]) }],
    );
    assert_eq!(none.may_be_asked(&sale(7)), Err(NoAccount::NoRule));
}

#[test]
fn two_rules_of_one_priority_are_refused() {
    assert_eq!(Table::new(vec![], vec![rule(4, &[]), rule(4, &[1])]), Err(TableError::SamePriority(4)));
}

#[test]
fn what_is_offered_does_not_look_at_amounts() {
    let small = Account { amounts: Span { lowest: None, highest: Some(1) }, shown: false, ..account(1) };
    let table = table(vec![small], vec![]);
    assert!(table.offers(Wallet::WeChatPay, store(1), Kind::Scanned));
    assert!(!table.offers(Wallet::WeChatPay, store(1), Kind::Shown));
    assert!(table.offers(Wallet::Alipay, store(1), Kind::Shown), "the settings file's affair");
}

#[test]
fn what_was_lost_may_be_at_an_account_that_is_enabled_or_was_so_a_week_before() {
    let since = Timestamp(1_000_000_000);
    let on = Account { since, ..account(1) };
    let off = Account { enabled: false, ..on.clone() };
    let week = Duration::from_secs(7 * 24 * 3600);
    for (heard_of, may) in [
        (since.minus(week), true),
        (since, true),
        (since.plus(week), true),
        (since.plus(week + Duration::from_millis(1)), false),
    ] {
        assert!(on.may_hold(heard_of));
        assert_eq!(off.may_hold(heard_of), may, "{heard_of:?}");
    }
}

fn any_account() -> impl Strategy<Value = Account> {
    let span = (proptest::option::of(0_i64..200), proptest::option::of(0_i64..200));
    (1_u32..6, proptest::option::of(1_u32..3), any::<[bool; 4]>(), span).prop_map(
        |(id, only, [enabled, scanned, shown, cny], (lowest, highest))| Account {
            store: only.map(store),
            enabled,
            scanned,
            shown,
            currency: if cny { Currency::CNY } else { dollars() },
            amounts: Span { lowest, highest },
            ..account(id)
        },
    )
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let span = (proptest::option::of(0_i64..200), proptest::option::of(0_i64..200));
    let accounts = proptest::collection::vec(1_u32..6, 0..4);
    (0_u32..30, proptest::option::of(1_u32..3), span, accounts).prop_map(
        |(priority, only, (lowest, highest), accounts)| Rule {
            store: only.map(store),
            amounts: Span { lowest, highest },
            ..rule(priority, &accounts)
        },
    )
}

proptest! {
    #[test]
    fn whoever_is_asked_takes_the_sale_and_no_earlier_rule_fits(
        accounts in proptest::collection::vec(any_account(), 1..6),
        rules in proptest::collection::vec(any_rule(), 0..6),
        minor in 0_i64..200,
        at in 1_u32..3,
        shown in any::<bool>(),
    ) {
        let kind = if shown { Kind::Shown } else { Kind::Scanned };
        let sale = Sale { store: store(at), kind, ..sale(minor) };
        let Ok(table) = Table::new(accounts.clone(), rules.clone()) else { return Ok(()) };
        let first = rules.iter().filter(|rule| rule.fits(&sale)).min_by_key(|rule| rule.priority);
        match table.may_be_asked(&sale) {
            Ok(chosen) => {
                prop_assert!(!chosen.is_empty());
                for id in chosen {
                    prop_assert!(accounts.iter().any(|account| account.id == id && account.takes(&sale)));
                    prop_assert!(rules.is_empty() || first.is_some_and(|rule| rule.accounts.contains(&id)));
                }
            }
            Err(NoAccount::NoRule) => prop_assert!(!rules.is_empty() && first.is_none()),
            Err(NoAccount::NotByRule(priority)) => prop_assert_eq!(first.map(|rule| rule.priority), Some(priority)),
            Err(NoAccount::NotByAccounts) => {
                prop_assert!(rules.is_empty() && !accounts.iter().any(|account| account.takes(&sale)));
            }
        }
        // The order in which rules were written down changes nothing.
        let turned = Table::new(accounts, rules.into_iter().rev().collect()).unwrap();
        prop_assert_eq!(turned.may_be_asked(&sale), table.may_be_asked(&sale));
    }

    #[test]
    fn only_what_may_be_asked_is_picked(
        outcomes in proptest::collection::vec(proptest::collection::vec((0_u64..600, any::<bool>()), 0..60), 1..5),
        now in 0_u64..900,
        sequence in any::<u32>(),
        left_out in 0_usize..5,
    ) {
        let window = |outcomes: &Vec<(u64, bool)>| {
            let mut window = Window::default();
            outcomes.iter().for_each(|(at, answered)| window.record(s(*at), *answered));
            window
        };
        let accounts: Vec<_> = (1..).map(AccountId).zip(outcomes.iter().map(window)).collect();
        let number = number(sequence);
        let picked = pick(&accounts, s(now), &number).unwrap();
        prop_assert!(accounts.iter().any(|(id, _)| *id == picked));
        // Neither their order nor an account that answers no better and was not chosen changes who it is.
        let mut others: Vec<_> = accounts.into_iter().rev().collect();
        prop_assert_eq!(pick(&others, s(now), &number), Some(picked));
        let silence = |at: usize| others.get(at).map(|(id, window)| (*id, window.silence(s(now))));
        if let Some((id, silence)) = silence(left_out)
            && id != picked
            && others.iter().any(|(other, window)| *other != id && window.silence(s(now)) <= silence)
        {
            others.remove(left_out);
            prop_assert_eq!(pick(&others, s(now), &number), Some(picked));
        }
    }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The number of a sale's first attempt.
fn number(sequence: u32) -> ChannelNumber {
    let terminal = TerminalId::try_from(1).unwrap();
    ChannelNumber::new(store(1), SaleKey { terminal, epoch: 1, sequence: sequence.into() }, 1)
}

/// A day of choices between two accounts, of which the first is silent while `is_silent`; gives who was chosen.
fn play(
    choices: u32,
    windows: &mut [(AccountId, Window)],
    from: u64,
    is_silent: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut went = Vec::new();
    for turn in 0..choices {
        let now = s(from + u64::from(turn) * 2);
        let id = pick(windows, now, &number(turn)).unwrap();
        let answered = id != AccountId(1) || !is_silent(turn);
        windows.iter_mut().find(|(known, _)| *known == id).unwrap().1.record(now, answered);
        went.push(id.get());
    }
    went
}

#[test]
fn two_that_answer_share_the_sales_and_a_silent_one_gets_only_what_explores() {
    let mut windows = [(AccountId(1), Window::default()), (AccountId(2), Window::default())];
    let count = |went: &[u32]| went.iter().filter(|id| **id == 1).count();
    let well = play(400, &mut windows, 0, |_| false);
    assert!((120..280).contains(&count(&well)), "{}", count(&well));
    let ill = play(1_000, &mut windows, 800, |_| true);
    // Half of the twentieth that explores, and the few that it takes to find out.
    assert!(count(&ill) < 60, "{}", count(&ill));
    assert!(count(&ill[200..]) > 0, "it is tried now and then");
    let again = play(1_000, &mut windows, 2_800, |_| false);
    assert!(count(&again[600..]) > 100, "recovery is noticed: {}", count(&again[600..]));
}

#[test]
fn what_is_long_ago_is_forgotten_and_one_silence_condemns_nobody() {
    let mut window = Window::default();
    window.record(s(0), false);
    assert!(window.silence(s(1)) > 0);
    assert_eq!(window.silence(s(301)), 0);
    for at in 0..40 {
        window.record(s(at), true);
    }
    assert_eq!(window.silence(s(40)), 0, "only the latest count");
    let mut once = Window::default();
    (0..9).for_each(|at| once.record(s(at), true));
    once.record(s(9), false);
    assert!(once.silence(s(9)) <= 150, "alike to one that always answers");
    assert_eq!(pick(&[], s(0), &number(7)), None);
}

#[test]
fn whether_only_the_amount_stands_in_the_way_is_told() {
    let takes = |table: &Table, minor| {
        (table.may_be_asked(&sale(minor)).is_ok(), table.takes_other_amounts(&sale(minor)))
    };
    let limited = Account { amounts: Span { lowest: Some(100), highest: Some(5_000) }, ..account(1) };
    let alone = table(vec![limited.clone()], vec![]);
    assert_eq!(
        [99, 100, 5_001].map(|minor| takes(&alone, minor)),
        [(false, true), (true, true), (false, true)]
    );
    let off = table(vec![Account { enabled: false, ..limited.clone() }], vec![]);
    assert_eq!(takes(&off, 99), (false, false), "no amount is taken");
    let shown_only = table(vec![Account { scanned: false, ..limited.clone() }], vec![]);
    assert_eq!(takes(&shown_only, 99), (false, false), "no amount by this kind of code");
    // By the rules, too: large sales are nobody's, and the settings file's account knows rules as well.
    let large =
        Rule { amounts: Span { lowest: Some(5_000), highest: None }, accounts: vec![], ..rule(1, &[]) };
    let ruled = table(vec![account(1)], vec![large.clone(), rule(2, &[1])]);
    assert_eq!((takes(&ruled, 5_000), takes(&ruled, 4_999)), ((false, true), (true, true)));
    let of_the_file = table(vec![], vec![large]);
    assert_eq!(takes(&of_the_file, 5_000), (false, true));
    // The first rule that fits decides for every amount: what a later one would take does not count.
    let hidden = table(
        vec![Account { enabled: false, ..account(1) }, account(2)],
        vec![rule(1, &[1]), Rule { amounts: Span { lowest: Some(100), highest: None }, ..rule(2, &[2]) }],
    );
    assert_eq!(takes(&hidden, 50), (false, false), "no amount would be taken");
    let never = table(vec![], vec![rule(1, &[])]);
    assert_eq!(takes(&never, 5_000), (false, false));
}
