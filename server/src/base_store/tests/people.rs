use super::*;
use crate::base_store::people::NewPassword;
use evertill_shared::protocol::staff::StaffRow;
use evertill_shared::secret::SecretText;

const OTHER_HASH: &str =
    "$argon2id$v=19$m=16,t=1,p=1$b3RoZXJzYWx0$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";

async fn record(base: &BaseStore, login: &str) -> Option<StaffRecord> {
    match base.login_check(login).await.unwrap() {
        LoginCheck::Try(record) => record,
        LoginCheck::Wait(until) => panic!("until {until}"),
    }
}

async fn add(base: &BaseStore, login: &str, role: Role) -> StaffRecord {
    let row = StaffRow { login: login.into(), name: login.into(), role, left_at: None };
    base.add_staff(StaffRecord { row, password_hash: HASH.into() }, "ivy".into()).await.unwrap();
    record(base, login).await.unwrap()
}

async fn open(base: &BaseStore, person: &StaffRecord) -> SecretText {
    base.open_session(person).await.unwrap().0
}

async fn lives(base: &BaseStore, token: &SecretText) -> bool {
    base.session(token).await.unwrap().is_some()
}

#[tokio::test]
async fn who_left_cannot_log_in_loses_the_sessions_and_keeps_the_name() {
    let shop = Shop::new();
    let base = shop.open().await;
    let (anna, ivy) = (add(&base, "anna", Role::Manager).await, record(&base, "ivy").await.unwrap());
    let (hers, others) = (open(&base, &anna).await, open(&base, &ivy).await);
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
    let row = StaffRow { login: "Anna".into(), name: "Another".into(), role: Role::It, left_at: None };
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

#[tokio::test]
async fn the_last_person_of_it_stays() {
    let shop = Shop::new();
    let base = shop.open().await;
    add(&base, "max", Role::Manager).await;
    let refused = base.person_left("ivy", "tired", "ivy".into()).await;
    assert!(matches!(refused, Err(BaseError::LastOfIt(_))), "{refused:?}");
    add(&base, "ina", Role::It).await;
    base.person_left("ivy", "tired", "ivy".into()).await.unwrap();
    assert!(matches!(base.person_left("ina", "too", "ina".into()).await, Err(BaseError::LastOfIt(_))));
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_an_outdated_one_changes_nothing() {
    let shop = Shop::new();
    let base = shop.open().await;
    let (max, ivy) = (add(&base, "max", Role::Manager).await, record(&base, "ivy").await.unwrap());
    let (here, there, ivys) = (open(&base, &max).await, open(&base, &max).await, open(&base, &ivy).await);
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

#[tokio::test]
async fn a_retired_till_stays_retired_and_the_trail_says_why() {
    let shop = Shop::new();
    let base = shop.open().await;
    let terminal = till(&base, 1).await;
    let retire = |reason: &str| TerminalChange::Retire { reason: reason.into() };
    let silent = base.change_terminal(terminal, retire(" "), "ivy".into()).await;
    assert!(matches!(silent, Err(BaseError::Invalid(_))));
    assert_eq!(state(&base, terminal).await, TerminalState::Active);
    base.change_terminal(terminal, retire("worn out"), "ivy".into()).await.unwrap();
    assert_eq!(state(&base, terminal).await, TerminalState::Retired);
    let latest = &base.audit_rows(None, 1).await.unwrap()[0];
    assert_eq!((latest.what, latest.why.as_str()), (AuditKind::TerminalRetired, "worn out"));
    let back = TerminalChange::Unblock { reason: "needed".into() };
    let refused = base.change_terminal(terminal, back, "ivy".into()).await;
    assert!(matches!(refused, Err(BaseError::TerminalState(_))), "{refused:?}");
}
