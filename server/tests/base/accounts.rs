//! Accounts at the wallets and the rules for them: the same for all servers, changed by one at a time, told in the trail.

use crate::shop::{Place, Shop};
use evertill_server::base_store::{
    AccountFacts, AuditKind, BaseError, BaseStore, Changer, SealedSecret, Sealing,
};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::AccountId;
use evertill_shared::money::Currency;
use evertill_shared::routing::{Rule, Span};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::time::Duration;

fn facts(merchant: &str) -> AccountFacts {
    AccountFacts {
        name: "Front of the shop".into(),
        wallet: Wallet::WeChatPay,
        merchant: merchant.into(),
        store: Some(7_u32.try_into().unwrap()),
        currency: Currency::CNY,
        scanned: true,
        shown: false,
        amounts: Span { lowest: None, highest: Some(50_000) },
        fee: Some(38),
        settings: "{}".into(),
    }
}

fn by(request: &str) -> Changer {
    Changer { who: "it".into(), request: request.into() }
}

fn sealed(name: &str, text: &str) -> SealedSecret {
    SealedSecret { name: name.into(), key_id: "key-a".into(), sealed: text.into(), set_at: Timestamp(5) }
}

/// Seals by writing the account's number in front.
fn seals() -> Box<Sealing> {
    Box::new(|id| Ok(vec![sealed("api_key", &format!("{id} sealed"))]))
}

async fn add(base: &BaseStore, merchant: &str) -> AccountId {
    base.add_account(facts(merchant), true, seals(), by(&format!("add {merchant}"))).await.unwrap()
}

fn rule(priority: u32, accounts: &[AccountId]) -> Rule {
    Rule {
        priority,
        wallet: Wallet::WeChatPay,
        store: None,
        currency: None,
        amounts: Span::default(),
        accounts: accounts.to_vec(),
    }
}

fn is_invalid<T: std::fmt::Debug>(done: Result<T, BaseError>, word: &str) {
    match done {
        Err(BaseError::Invalid(text)) => assert!(text.contains(word), "{text}"),
        other => panic!("{other:?}"),
    }
}

pub async fn an_account_is_there_for_all_servers_with_its_secrets_sealed_and_each_change_in_the_trail<
    P: Place,
>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let empty = there.wallet_table().await.unwrap();
    assert_eq!((empty.version, empty.accounts.len(), empty.rules.len()), (0, 0, 0));
    let id = add(&here, "1900000001").await;
    let table = there.wallet_table().await.unwrap();
    assert_eq!(there.wallet_table_version().await.unwrap(), table.version);
    assert!(table.version > empty.version);
    let row = &table.accounts[0];
    assert_eq!((row.id, &row.facts, row.enabled, row.is_the_files), (id, &facts("1900000001"), true, false));
    assert_eq!(row.secrets, [sealed("api_key", &format!("{id} sealed"))], "sealed for its own number");
    there.set_rule(5, Some(rule(5, &[id])), "it".into()).await.unwrap();
    there.set_rule(5, Some(rule(5, &[id])), "it".into()).await.unwrap();
    is_invalid(here.set_rule(5, Some(rule(5, &[])), "it".into()).await, "another priority");
    is_invalid(here.set_rule(6, Some(rule(6, &[AccountId(99)])), "it".into()).await, "not at that wallet");
    here.enable_account(id, false, "contract ended".into(), "it".into()).await.unwrap();
    here.enable_account(id, false, "pressed twice".into(), "it".into()).await.unwrap();
    let table = there.wallet_table().await.unwrap();
    assert_eq!((table.rules.clone(), table.accounts[0].enabled), (vec![rule(5, &[id])], false));
    let trail: Vec<_> = here.audit_rows(None, 4).await.unwrap();
    let kinds: Vec<_> = trail.iter().map(|row| row.what).collect();
    assert_eq!(kinds[..3], [AuditKind::AccountDisabled, AuditKind::RoutingChanged, AuditKind::AccountAdded]);
    assert!(trail[2].why.contains("api_key") && !trail[2].why.contains("sealed"), "{}", trail[2].why);
    assert!(here.verify_audit().await.unwrap().is_ok());
}

pub async fn a_rule_is_put_in_the_place_of_the_one_that_was_seen_at_once_or_not_at_all<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let id = add(&here, "1900000001").await;
    let (nobody, one) = (rule(5, &[]), rule(5, &[id]));
    here.set_rule(5, Some(nobody.clone()), "it".into()).await.unwrap();
    here.set_rule(7, Some(rule(7, &[])), "it".into()).await.unwrap();
    let before = here.wallet_table().await.unwrap().version;
    for server in [&here, &there] {
        server.replace_rule(nobody.clone(), one.clone(), "it".into()).await.unwrap(); // the second time: pressed twice
    }
    let table = there.wallet_table().await.unwrap();
    assert_eq!((table.rules.clone(), table.version), (vec![one.clone(), rule(7, &[])], before + 1));
    // Somebody else has the page of before still open.
    is_invalid(there.replace_rule(nobody.clone(), rule(5, &[AccountId(99)]), "it".into()).await, "any more");
    is_invalid(
        there.replace_rule(one.clone(), rule(5, &[AccountId(99)]), "it".into()).await,
        "not at that wallet",
    );
    is_invalid(there.replace_rule(one.clone(), rule(7, &[id]), "it".into()).await, "a rule 7 already");
    is_invalid(there.replace_rule(rule(6, &[]), rule(8, &[id]), "it".into()).await, "any more");
    assert_eq!(here.wallet_table().await.unwrap(), table, "nothing was changed");
    for _ in 0..2 {
        there.replace_rule(one.clone(), rule(3, &[id]), "it".into()).await.unwrap();
    }
    assert_eq!(here.wallet_table().await.unwrap().rules, [rule(3, &[id]), rule(7, &[])]);
    let trail = here.audit_rows(None, 1).await.unwrap();
    assert!(
        trail[0].what == AuditKind::RoutingChanged && trail[0].why.contains("in the place of"),
        "{}",
        trail[0].why
    );
    assert!(here.verify_audit().await.unwrap().is_ok());
}

pub async fn one_merchant_has_one_account_and_one_request_adds_one<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let first = here.add_account(facts("1"), true, seals(), by("one request")).await.unwrap();
    let again = there.add_account(facts("2"), true, seals(), by("one request")).await;
    assert!(matches!(again, Err(BaseError::Replayed)), "{again:?}");
    is_invalid(there.add_account(facts("1"), true, seals(), by("b")).await, "there already");
    let failing: Box<Sealing> = Box::new(|_| Err(BaseError::NoRandomness));
    there.add_account(facts("4"), true, failing, by("d")).await.unwrap_err();
    let table = there.wallet_table().await.unwrap();
    assert_eq!(table.accounts.iter().map(|row| row.id).collect::<Vec<_>>(), [first]);
}

pub async fn what_was_changed_in_the_meantime_is_not_overwritten<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let id = add(&here, "1").await;
    let seen = here.wallet_table().await.unwrap().accounts[0].version;
    let renamed = AccountFacts { name: "Back".into(), fee: Some(60), ..facts("1") };
    let new = vec![sealed("client_key", "later")];
    here.change_account((id, seen), renamed.clone(), new.clone(), by("a")).await.unwrap();
    is_invalid(there.change_account((id, seen), facts("1"), Vec::new(), by("b")).await, "in the meantime");
    let twice = there.change_account((id, seen), renamed, Vec::new(), by("a")).await;
    assert!(matches!(twice, Err(BaseError::Replayed)), "{twice:?}");
    is_invalid(
        there.change_account((id, seen + 1), facts("2"), Vec::new(), by("c")).await,
        "merchant number",
    );
    let row = there.wallet_table().await.unwrap().accounts.remove(0);
    assert_eq!((row.facts.name.as_str(), row.version), ("Back", seen + 1));
    assert_eq!(row.secrets.len(), 2, "what was not set anew stays");
    assert_eq!(row.secrets[1], new[0]);
}

pub async fn an_account_goes_only_when_it_is_disabled_long_enough_and_no_rule_names_it<P: Place>(
    shop: Shop<P>,
) {
    let (here, there) = shop.two_servers().await;
    let id = add(&here, "1").await;
    let delete = async |base: &BaseStore| base.delete_account(id, "closed".into(), "it".into()).await;
    is_invalid(delete(&here).await, "disable");
    here.set_rule(1, Some(rule(1, &[id])), "it".into()).await.unwrap();
    here.enable_account(id, false, "closed".into(), "it".into()).await.unwrap();
    let since = here.wallet_table().await.unwrap().accounts[0].enabled_at;
    // A till may have been offline for a week, and hand in what it asked of the account before.
    let week = 7 * 24 * 3_600_000;
    for (later, server) in [(0, &there), (60_000, &here), (week - 60_000, &there)] {
        shop.clock.forward(later);
        let refused = delete(server).await;
        let until = since.plus(Duration::from_millis(week));
        assert!(
            matches!(&refused, Err(BaseError::MayHold { since: s, until: u }) if (*s, *u) == (since, until)),
            "{refused:?}"
        );
    }
    shop.clock.forward(1);
    is_invalid(delete(&there).await, "rule 1");
    there.set_rule(1, None, "it".into()).await.unwrap();
    delete(&there).await.unwrap();
    assert!(here.wallet_table().await.unwrap().accounts.is_empty());
    assert!(matches!(delete(&here).await, Err(BaseError::NotFound(_))));
    let next = here.add_account(facts("1"), true, seals(), by("add it again")).await.unwrap();
    assert_ne!(next, id, "a number is never given out again");
}

pub async fn secrets_are_sealed_anew_all_or_none<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let (one, two) = (add(&here, "1").await, add(&here, "2").await);
    let anew = |id: AccountId, before: &str| {
        let after = SealedSecret { key_id: "key-b".into(), ..sealed("api_key", "anew") };
        (id, before.to_owned(), after)
    };
    let (old_one, old_two) = (format!("{one} sealed"), format!("{two} sealed"));
    let stale = vec![anew(one, &old_one), anew(two, "set in the meantime")];
    is_invalid(here.reseal(stale, "it".into()).await, "in the meantime");
    let keys = async || -> Vec<String> {
        let table = there.wallet_table().await.unwrap();
        table.accounts.into_iter().flat_map(|row| row.secrets).map(|secret| secret.key_id).collect()
    };
    assert_eq!(keys().await, ["key-a", "key-a"]);
    let version = there.wallet_table_version().await.unwrap();
    assert_eq!(here.reseal(vec![anew(one, &old_one), anew(two, &old_two)], "it".into()).await.unwrap(), 2);
    assert_eq!(keys().await, ["key-b", "key-b"]);
    assert_eq!(there.wallet_table_version().await.unwrap(), version, "what is served is the same");
}

pub async fn whose_the_settings_files_account_is_stands_from_the_first_start_on<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    let named = |merchant: &str| BTreeMap::from([(Wallet::WeChatPay, merchant.to_owned())]);
    assert_eq!(here.merchants_of_the_file(named("1")).await.unwrap(), named("1"));
    assert_eq!(there.merchants_of_the_file(named("2")).await.unwrap(), named("1"), "the first one stands");
    assert_eq!(there.merchants_of_the_file(BTreeMap::new()).await.unwrap(), named("1"));
    let (one, two) = (add(&there, "1").await, add(&here, "2").await);
    let table = there.wallet_table().await.unwrap();
    assert_eq!(table.of_the_file, named("1"));
    let files: Vec<_> = table.accounts.iter().map(|row| (row.id, row.is_the_files)).collect();
    assert_eq!(files, [(one, true), (two, false)]);
    assert!(table.closed.is_empty());
    // The last account at a wallet stays: else the settings file's would take payments again.
    for id in [one, two] {
        here.enable_account(id, false, "closed".into(), "it".into()).await.unwrap();
    }
    shop.clock.forward(7 * 24 * 3_600_000 + 1);
    there.delete_account(one, "closed".into(), "it".into()).await.unwrap();
    let table = here.wallet_table().await.unwrap();
    assert_eq!(
        (table.of_the_file, table.closed),
        (named("1"), [Wallet::WeChatPay].into()),
        "nothing rests on it"
    );
    is_invalid(here.delete_account(two, "closed".into(), "it".into()).await, "the last account");
}
