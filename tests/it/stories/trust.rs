//! Who is believed: unsigned, altered, stale, replayed, unknown, pending and blocked are each refused.

use super::{is_paid, settled, shop};
use evertill_provisioning::keystore::DeviceKey;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::secret::SecretText;
use evertill_tests::raw_request::{RawClient, Tamper};
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::simulator::wechat::Behaviour;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_forgery_has_its_own_refusal() {
    let shop = shop().await;
    let till = shop.rig.scripted_till("Till").await.unwrap();
    let raw = RawClient::new(&shop.rig).unwrap();
    let key = till.device.signing_key(till.client.key_id()).unwrap();
    for (tamper, expected) in [
        (Tamper::Nothing, None),
        (Tamper::NoSignature, Some(ErrorCode::SignatureMissing)),
        (Tamper::OtherBody, Some(ErrorCode::SignatureInvalid)),
        (Tamper::OtherPath, Some(ErrorCode::SignatureInvalid)),
        (Tamper::OtherQuery, Some(ErrorCode::SignatureInvalid)),
        (Tamper::MinutesOld(10), Some(ErrorCode::SignatureStale)),
        (Tamper::MinutesOld(-10), Some(ErrorCode::SignatureStale)),
    ] {
        let code = raw.terminal_status(&key, tamper).await.unwrap();
        assert_eq!(code, expected, "{tamper:?}");
    }
    let stranger = DeviceKey::generate().unwrap();
    let unknown = stranger.signing_key("T0999:1").unwrap();
    let code = raw.terminal_status(&unknown, Tamper::Nothing).await.unwrap();
    assert_eq!(code, Some(ErrorCode::TerminalUnknown));
    let posing = stranger.signing_key(till.client.key_id()).unwrap();
    let code = raw.terminal_status(&posing, Tamper::Nothing).await.unwrap();
    assert_eq!(code, Some(ErrorCode::SignatureInvalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_both_ways_a_replay_has_no_second_effect() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let raw = RawClient::new(&shop.rig).unwrap();
    let key = till.device.signing_key(till.client.key_id()).unwrap();
    let sale = till.sell(100).unwrap();
    let answers = raw.draft_sent_times(&key, &sale.entry, 5).await.unwrap();
    assert_eq!(answers[0], None, "the first is taken");
    assert!(answers[1..].iter().all(|code| *code == Some(ErrorCode::Replayed)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_till_may_only_ask_about_itself() {
    let shop = shop().await;
    let mut till = shop.rig.pending_till("Till").await.unwrap();
    till.status().await.unwrap();
    let sale = till.sell(100).unwrap();
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalPending));
    let wrong = shop.rig.activate(till.enrolled.terminal, "0000 0000 0000 0000 0000 0000 0000 0000").await;
    assert!(wrong.is_err(), "activated without comparing the fingerprint");
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalPending));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_enrolment_code_is_refused_and_five_times_locks() {
    let shop = shop().await;
    let right = shop.rig.enrolment_code("Till").await.unwrap();
    let mut codes = Vec::new();
    for _ in 0..6 {
        // The first digits name the terminal that the code is for; the rest is guessed.
        let terminal = right.expose().get(..4).unwrap();
        let wrong = SecretText::new(format!("{terminal}-AAAA-AAAA"));
        let refused = ScriptedTill::enrol(shop.rig.client_config(), &wrong).await.err().unwrap();
        codes.push(refused.code());
    }
    assert_eq!(codes[0], Some(ErrorCode::EnrolmentRefused));
    assert_eq!(codes[3], Some(ErrorCode::EnrolmentRefused), "{codes:?}");
    assert_eq!(codes[4], Some(ErrorCode::EnrolmentLocked), "{codes:?}");
    let even_right = ScriptedTill::enrol(shop.rig.client_config(), &right).await.err().unwrap();
    assert_eq!(even_right.code(), Some(ErrorCode::EnrolmentLocked));
}

#[tokio::test(flavor = "multi_thread")]
async fn block_means_block_but_what_was_sold_may_still_be_handed_in() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    let wallet = shop.rig.wallet_control();
    let open = till.sell_and_choose(800).await.unwrap();
    let offline = till.sell(100).unwrap();
    let cash = till.take_cash(&offline).unwrap();
    let draft = till.draft(&offline).await.unwrap();
    let chosen = till.choose(&offline, draft.number).unwrap();
    let in_flight = till.sell_and_choose(900).await.unwrap();
    let slow = wallet.code(Behaviour::PasswordThenPays { after_ms: 2500 }).await.unwrap();
    assert_eq!(till.pay(&in_flight, 1, &slow).await.unwrap().state, PaymentState::Waiting);

    shop.rig.block(till.enrolled.terminal).await.unwrap();
    let sale = till.sell(100).unwrap();
    assert_eq!(till.draft(&sale).await.unwrap_err().code(), Some(ErrorCode::TerminalBlocked));
    let code = wallet.code(Behaviour::Pays).await.unwrap();
    let refused = till.pay(&open, 1, &code).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::TerminalBlocked));
    assert_eq!(till.refunds().await.unwrap_err().code(), Some(ErrorCode::TerminalBlocked));

    let view = till.complete(&chosen, cash).await.unwrap();
    assert!(view.quarantined, "{view:?}");
    assert!(till.hand_in(0).await.unwrap().quarantined);

    shop.rig.unblock(till.enrolled.terminal).await.unwrap();
    assert!(is_paid(&settled(&till, &in_flight, 1).await), "what was in flight is finished by the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_an_old_disk_image_is_found_when_it_hands_in() {
    let shop = shop().await;
    let mut till = shop.rig.scripted_till("Till").await.unwrap();
    till.sell_for_cash(100).await.unwrap();
    till.sell_for_cash(200).await.unwrap();
    assert_eq!(till.hand_in(0).await.unwrap().head, till.head());
    till.put_back_to(4);
    till.sell(999).unwrap();
    till.sell(999).unwrap();
    let refused = till.hand_in(0).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::ChainBroken), "{refused:?}");
}
