//! Staff: passwords, sessions, and who may leave.

use crate::shop::{HASH, Place, Shop, add, lives, log_in, record};
use evertill_server::base_store::{AuditKind, BaseError, LoginCheck, NewPassword, StaffRecord};
use evertill_shared::clock::Clock;
use evertill_shared::protocol::staff::{Role, StaffRow};
use evertill_shared::secret::SecretText;
use evertill_shared::staff_card::CardCode;

const OTHER_HASH: &str =
    "$argon2id$v=19$m=16,t=1,p=1$b3RoZXJzYWx0$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

pub async fn who_left_cannot_log_in_loses_the_sessions_and_keeps_the_name<P: Place>(shop: Shop<P>) {
    let base = shop.open().await;
    let (anna, ivy) = (add(&base, "anna", Role::Manager).await, record(&base, "ivy").await.unwrap());
    let (hers, others) = (log_in(&base, &anna).await, log_in(&base, &ivy).await);
    let silent = base.person_left("anna", " ", "ivy".into()).await;
    assert!(matches!(silent, Err(BaseError::Invalid(_))));
    let left = base.person_left("ANNA", "moved away", "ivy".into()).await.unwrap();
    assert_eq!((left.login.as_str(), left.left_at), ("anna", Some(shop.clock.now())));
    assert!(!lives(&base, &hers).await && lives(&base, &others).await);
    assert_eq!(record(&base, "anna").await, None);
    // Her password was just being checked when she left.
    assert!(matches!(base.open_session(&anna).await, Err(BaseError::PasswordMoved)));

    shop.clock.forward(1_000);
    assert_eq!(base.person_left("anna", "again", "ivy".into()).await.unwrap(), left, "nothing changes");
    let row = StaffRow {
        login: "Anna".into(),
        name: "Another".into(),
        role: Role::It,
        left_at: None,
        has_pin: false,
        has_card: false,
    };
    let again = base.add_staff(StaffRecord { row, password_hash: HASH.into() }, "ivy".into()).await;
    assert!(matches!(again, Err(BaseError::LoginTaken(_))));
    assert_eq!(base.staff().await.unwrap().iter().filter(|row| row.left_at.is_some()).count(), 1);
    let told: Vec<_> = base.audit_rows(None, 10).await.unwrap();
    let told: Vec<_> = told.iter().filter(|row| row.what == AuditKind::StaffLeft).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].who, &*told[0].subject, &*told[0].why), ("ivy", "anna", "moved away"));
    let nobody = base.person_left("nobody", "x", "ivy".into()).await;
    assert!(matches!(nobody, Err(BaseError::NotFound(_))));
}

pub async fn the_last_person_of_it_stays_whichever_server_is_asked<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    add(&here, "max", Role::Manager).await;
    let refused = here.person_left("ivy", "tired", "ivy".into()).await;
    assert!(matches!(refused, Err(BaseError::LastOfIt(_))), "{refused:?}");
    add(&here, "ina", Role::It).await;
    let (a, b) = tokio::join!(
        here.person_left("ivy", "tired", "ivy".into()),
        there.person_left("ina", "too", "ina".into())
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert!(matches!(a.and(b), Err(BaseError::LastOfIt(_))));
}

pub async fn a_new_password_ends_the_other_sessions_and_an_outdated_one_changes_nothing<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    let (max, ivy) = (add(&base, "max", Role::Manager).await, record(&base, "ivy").await.unwrap());
    let (here, there) = (log_in(&base, &max).await, log_in(&base, &max).await);
    let ivys = log_in(&base, &ivy).await;
    let new = NewPassword { person: max.clone(), new_hash: OTHER_HASH.into(), kept: here.clone() };
    base.change_password(new.clone()).await.unwrap();
    assert!(lives(&base, &here).await && !lives(&base, &there).await && lives(&base, &ivys).await);
    assert_eq!(record(&base, "max").await.unwrap().password_hash, OTHER_HASH);
    assert!(matches!(base.change_password(new).await, Err(BaseError::PasswordMoved)));
    // Somebody whose old password was being checked meanwhile gets no session for it.
    assert!(matches!(base.open_session(&max).await, Err(BaseError::PasswordMoved)));
    let latest = &base.audit_rows(None, 1).await.unwrap()[0];
    assert_eq!((latest.what, &*latest.who, &*latest.why), (AuditKind::PasswordChanged, "max", ""));
}

pub async fn a_session_of_one_server_counts_on_the_other_and_grows_with_use<P: Place>(shop: Shop<P>) {
    const HOUR: u64 = 3_600_000;
    let (here, there) = shop.two_servers().await;
    let ivy = record(&here, "IVY").await.unwrap();
    let token = log_in(&here, &ivy).await;
    let first = there.session(&token).await.unwrap().unwrap();
    assert_eq!((first.login.as_str(), first.role), ("ivy", Role::It));
    shop.clock.forward(11 * HOUR);
    let later = here.session(&token).await.unwrap().unwrap();
    assert!(later.expires_at > first.expires_at);
    shop.clock.forward(11 * HOUR);
    assert!(lives(&there, &token).await, "used in between");
    there.close_session(&token).await.unwrap();
    assert!(!lives(&here, &token).await);
    let forgotten = log_in(&here, &ivy).await;
    shop.clock.forward(12 * HOUR);
    assert!(!lives(&there, &forgotten).await);
}

pub async fn wrong_passwords_at_several_servers_are_counted_together<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    for base in [&here, &there, &here, &there] {
        assert_eq!(base.login_failed("ivy").await.unwrap(), None);
    }
    let until = here.login_failed("Ivy").await.unwrap().unwrap();
    assert_eq!(there.login_check("IVY").await.unwrap(), LoginCheck::Wait(until));
    shop.clock.forward(31_000);
    let ivy = record(&there, "ivy").await.unwrap();
    log_in(&there, &ivy).await;
    assert_eq!(here.login_failed("ivy").await.unwrap(), None, "who logged in begins anew");
}

pub async fn tills_get_those_with_a_pin_and_a_new_list_at_each_change<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    add(&here, "anna", Role::Cashier).await;
    let empty = here.till_staff(None).await.unwrap();
    assert_eq!(empty.people.as_deref(), Some(&[][..]), "nobody has a PIN: tills do not lock");
    let row = here.set_pin("ANNA", Some(HASH.into()), "ivy".into()).await.unwrap();
    assert!(row.has_pin && row.login == "anna");
    let list = there.till_staff(Some(empty.version)).await.unwrap();
    assert_eq!(there.versions().await.unwrap().staff, list.version);
    assert!(list.version > empty.version);
    let people = list.people.unwrap();
    assert_eq!((people.len(), &*people[0].login, people[0].role), (1, "anna", Role::Cashier));
    assert_eq!(people[0].verifier.as_ref().map(SecretText::expose), Some(HASH));
    assert_eq!(there.till_staff(Some(list.version)).await.unwrap().people, None, "nothing new");

    let other = here.set_pin("anna", Some(OTHER_HASH.into()), "ivy".into()).await.unwrap();
    assert!(other.has_pin && there.versions().await.unwrap().staff > list.version);
    assert!(!here.set_pin("anna", None, "ivy".into()).await.unwrap().has_pin);
    let version = there.versions().await.unwrap().staff;
    here.set_pin("anna", None, "ivy".into()).await.unwrap();
    assert_eq!(there.versions().await.unwrap().staff, version, "there was none to take away");
    here.set_pin("anna", Some(HASH.into()), "ivy".into()).await.unwrap();
    here.person_left("anna", "moved away", "ivy".into()).await.unwrap();
    assert!(there.till_staff(None).await.unwrap().people.unwrap().is_empty(), "who left is not on the list");
    for gone in ["anna", "nobody"] {
        let refused = here.set_pin(gone, Some(HASH.into()), "ivy".into()).await;
        assert!(matches!(refused, Err(BaseError::NotFound(_))), "{gone}");
    }
    let trail = here.audit_rows(None, 20).await.unwrap();
    let kinds = [AuditKind::PinSet, AuditKind::PinRemoved]
        .map(|kind| trail.iter().filter(|r| r.what == kind).count());
    assert_eq!(kinds, [3, 1]);
    assert!(trail.iter().all(|row| !row.why.contains("argon2")));
}

pub async fn a_card_is_made_replaced_and_removed_and_tills_know_only_its_mark<P: Place>(shop: Shop<P>) {
    let (here, there) = shop.two_servers().await;
    add(&here, "anna", Role::Cashier).await;
    let before = there.versions().await.unwrap().staff;
    let made = here.make_card(" ANNA ", "ivy".into()).await.unwrap();
    assert!(made.person.has_card && !made.person.has_pin && made.person.login == "anna");
    let code = |text: &SecretText| CardCode::read(text.expose()).unwrap();
    let first = code(&made.code.unwrap());
    let list = there.till_staff(Some(before)).await.unwrap();
    let people = list.people.unwrap();
    assert_eq!((people.len(), &people[0].verifier, &people[0].card), (1, &None, &Some(first.mark())));

    // Replaced: there is one card at any time, and the list is a new one.
    let second = code(&there.make_card("anna", "ivy".into()).await.unwrap().code.unwrap());
    assert_ne!(first, second);
    let again = here.till_staff(Some(list.version)).await.unwrap();
    assert_eq!(again.people.unwrap()[0].card, Some(second.mark()));
    // A PIN comes and goes beside it.
    assert!(here.set_pin("anna", Some(HASH.into()), "ivy".into()).await.unwrap().has_card);
    assert!(here.set_pin("anna", None, "ivy".into()).await.unwrap().has_card);
    assert!(there.staff().await.unwrap().iter().any(|row| row.login == "anna" && row.has_card));

    let removed = here.remove_card("anna", "ivy".into()).await.unwrap();
    assert!(!removed.person.has_card && removed.code.is_none());
    let version = there.versions().await.unwrap().staff;
    here.remove_card("anna", "ivy".into()).await.unwrap();
    assert_eq!(there.versions().await.unwrap().staff, version, "there was none to take away");
    assert!(there.till_staff(None).await.unwrap().people.unwrap().is_empty());

    // Who left has none, and gets none.
    here.make_card("anna", "ivy".into()).await.unwrap();
    let left = here.person_left("anna", "moved away", "ivy".into()).await.unwrap();
    assert!(!left.has_card && there.versions().await.unwrap().staff > version + 1);
    assert!(there.till_staff(None).await.unwrap().people.unwrap().is_empty());
    for gone in ["anna", "nobody"] {
        assert!(matches!(here.make_card(gone, "ivy".into()).await, Err(BaseError::NotFound(_))), "{gone}");
        assert!(matches!(here.remove_card(gone, "ivy".into()).await, Err(BaseError::NotFound(_))), "{gone}");
    }
    let trail = here.audit_rows(None, 20).await.unwrap();
    let told = |kind| trail.iter().filter(move |row| row.what == kind);
    assert_eq!(told(AuditKind::CardMade).count(), 3);
    assert_eq!(
        told(AuditKind::CardMade).filter(|row| !row.why.is_empty()).count(),
        1,
        "one replaced another"
    );
    assert_eq!(told(AuditKind::CardRemoved).count(), 1);
    assert!(trail.iter().all(|row| !row.why.contains("EVTC") && !row.subject.contains("EVTC")));
    assert!(told(AuditKind::CardMade).all(|row| row.who == "ivy" && row.subject == "anna"));
}

pub async fn who_is_on_the_staff_is_known_for_two_seconds_and_while_the_store_is_away<P: Place>(
    shop: Shop<P>,
) {
    let base = shop.open().await;
    add(&base, "anna", Role::Cashier).await;
    assert!(base.is_on_staff("anna").await && !base.is_on_staff("nobody").await);
    base.person_left("anna", "moved away", "ivy".into()).await.unwrap();
    shop.clock.forward(2_001);
    assert!(!base.is_on_staff("anna").await && base.is_on_staff("ivy").await);
    base.close().await;
    shop.clock.forward(60_000);
    assert!(base.is_on_staff("ivy").await, "what was known counts");
}
