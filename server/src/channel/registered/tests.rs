use super::*;
use crate::channel::adapter::{Kind, Said};
use evertill_shared::money::Currency;
use evertill_shared::payment::Policy;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn each_wallet_has_its_own_adapter_and_is_asked_as_it_advises() {
    for wallet in Wallet::ALL {
        let (own, timing) = (of(wallet), of(wallet).timing());
        assert_eq!(own.wallet(), wallet);
        assert!(own.takes(Currency::CNY), "{wallet}");
        assert_eq!(Policies::default().of(wallet), &timing, "{wallet}");
        assert!(
            (1_000..=10_000).contains(&timing.query_every_ms),
            "{wallet}: it is asked at once, and not for ever"
        );
        assert!(timing.give_up_after_ms >= timing.reverse_not_before_ms, "{wallet}");
        assert!(timing.reverse_within_ms > timing.give_up_after_ms, "{wallet}");
        assert!(timing.look_again_after_ms > timing.give_up_after_ms, "{wallet}");
    }
}

#[test]
fn wechat_advises_45_seconds_and_15_before_the_first_reversal_and_alipay_a_minute_and_none() {
    let facts = |wallet: Wallet| {
        let Policy { query_every_ms, give_up_after_ms, reverse_not_before_ms, reverse_within_ms, .. } =
            of(wallet).timing();
        (
            query_every_ms / 1_000,
            give_up_after_ms / 1_000,
            reverse_not_before_ms / 1_000,
            reverse_within_ms / 3_600_000,
        )
    };
    assert_eq!(facts(Wallet::WeChatPay), (5, 45, 15, 7 * 24));
    assert_eq!(facts(Wallet::Alipay), (5, 60, 0, 24));
}

#[test]
fn a_form_names_every_field_once_and_in_both_languages() {
    let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for wallet in Wallet::ALL {
        let form = of(wallet).form();
        assert!(matches!(form.who[0].kind, Kind::Stays(_)) && form.who[0].name == "merchant", "{wallet}");
        let words = form.fields().flat_map(|field| [Some(field.word), field.hint]).flatten();
        for word in words.chain(form.secrets.iter().map(|secret| secret.word)) {
            assert!(word.english.is_ascii() || word.english.contains('…'), "{}", word.english);
            assert!(chinese(word.chinese), "{} is not translated", word.english);
        }
        let names: Vec<&str> = form
            .fields()
            .map(|field| field.name)
            .chain(form.secrets.iter().map(|secret| secret.name))
            .collect();
        let different: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(different.len(), names.len(), "{wallet}: {names:?}");
        let every_wallets =
            ["csrf", "request", "seen", "name", "store", "scanned", "shown", "enabled", "lowest"];
        assert!(every_wallets.iter().all(|taken| !different.contains(taken)), "{wallet}");
    }
}

/// What stands in a field that was filled in with everything that it takes.
fn filled(name: &str) -> String {
    match name {
        "merchant" => "1900000001".into(),
        "sub_merchant" => "1900000109".into(),
        "seller_id" => "2088000000000000".into(),
        "public_key_id" => "PUB_KEY_ID_01".into(),
        "endpoints" => "https://a\nhttps://b".into(),
        "notify_url" => "https://shop.example/told".into(),
        other => other.into(),
    }
}

#[test]
fn what_is_typed_into_a_form_stands_where_the_form_reads_it_and_makes_settings_that_can_be_read() {
    for wallet in Wallet::ALL {
        let form = of(wallet).form();
        let is_choice =
            |name: &str| form.fields().any(|field| field.name == name && field.kind == Kind::Choice);
        let field = |name: &str| if is_choice(name) { "on".to_owned() } else { filled(name) };
        let said = Said { field: &field, has: &|_| true };
        let settings = of(wallet).settings(&said, &json!({}));
        for one in form.fields() {
            let expected = match one.kind {
                Kind::Choice => json!(true),
                Kind::List => json!(["https://a", "https://b"]),
                Kind::Line(_) | Kind::Needed(_) | Kind::Stays(_) => json!(filled(one.name)),
            };
            assert_eq!(settings.pointer(one.place), Some(&expected), "{wallet}: {}", one.name);
        }
        let read = of(wallet).read(&settings.to_string()).unwrap();
        assert_eq!((read.wallet(), read.check()), (wallet, Ok(())));
        assert_eq!(read.policy(), of(wallet).timing(), "when to ask is no affair of the account's");
        let known: BTreeSet<String> = form.secrets.iter().map(|secret| secret.name.to_owned()).collect();
        let named: BTreeSet<String> = read.paths().iter().map(|path| path.display().to_string()).collect();
        assert!(named.is_subset(&known), "{wallet}: the form asks for no {:?}", named.difference(&known));
        let again: Value = serde_json::from_str(&read.text().unwrap()).unwrap();
        assert_eq!(of(wallet).read(&again.to_string()).unwrap().merchant(), read.merchant());
        assert!(of(wallet).read("{\"nonsense\": 1}").is_err(), "{wallet}");
    }
}
