//! Order groups that come and go while the server runs.

use crate::rig::{Server, Store};
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::protocol::groups::{AddGroup, GroupAddress, GroupChange, GroupRow, MovePhase, path};
use evertill_shared::secret::SecretText;
use std::time::Duration;

fn tag(number: u8) -> GroupTag {
    GroupTag::try_from(number).unwrap()
}

fn add(number: u8, file: &str) -> AddGroup {
    AddGroup { tag: tag(number), place: GroupAddress::File(file.into()), reason: "growth".into() }
}

async fn groups(server: &Server, token: &SecretText) -> Vec<GroupRow> {
    server.staff("GET", path::GROUPS, Some(token), &()).await.json()
}

async fn change(server: &Server, token: &SecretText, number: u8, change: &GroupChange) -> crate::rig::Came {
    server.staff("POST", &path::GROUP.replace("{tag}", &number.to_string()), Some(token), change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_added_drained_moved_away_and_retired_while_the_server_runs() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    assert_eq!(groups(&server, &it).await.len(), 3, "those of the settings");
    let added: GroupRow = server.staff("POST", path::GROUPS, Some(&it), &add(3, "groups/03.db")).await.json();
    assert_eq!((added.place.as_str(), added.standing.as_str()), ("groups/03.db", "active"));
    assert!(store.dir.path().join("data/groups/03.db").exists());
    let why = || "old disk".to_owned();
    let drained: GroupRow = change(&server, &it, 0, &GroupChange::Drain { reason: why() }).await.json();
    assert_eq!(drained.standing, "draining");
    let early = change(&server, &it, 0, &GroupChange::Retire { reason: why() }).await;
    assert!(early.error().message.contains("move them away"), "{}", early.error().message);
    let _: GroupRow = change(&server, &it, 0, &GroupChange::Move { to: tag(3), reason: why() }).await.json();
    let mut moved = groups(&server, &it).await.remove(0);
    for _ in 0..100 {
        if moved.last_move.as_ref().is_some_and(|last| last.phase == MovePhase::Done) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        moved = groups(&server, &it).await.remove(0);
    }
    assert_eq!((moved.home, moved.standing.as_str()), (tag(3), "serving"), "{moved:?}");
    let retired: GroupRow = change(&server, &it, 0, &GroupChange::Retire { reason: why() }).await.json();
    assert!(!retired.in_use);
    server.stop().await;
    // The settings still name the group: the store knows better.
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let after = groups(&server, &it).await;
    assert_eq!((after.len(), after[0].in_use), (4, false));
    assert_eq!(server.app().groups.health().len(), 3);
    let rows = server.app().base.audit_rows(None, 4).await.unwrap();
    assert!(
        rows.iter().all(|row| row.who == "ivy" && row.why.contains("old disk") || row.why == "growth"),
        "{rows:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_group_is_told_and_changes_nothing() {
    let store = Store::new();
    let server = store.serve().await;
    let it = server.log_in("ivy").await;
    let ask = async |new: AddGroup| server.staff("POST", path::GROUPS, Some(&it), &new).await;
    let used = ask(add(1, "groups/other.db")).await;
    assert!(used.error().message.contains("for ever"), "{}", used.error().message);
    let of_another = ask(add(7, "groups/01.db")).await;
    assert!(of_another.error().message.contains("another kind"), "{}", of_another.error().message);
    let nowhere = AddGroup {
        place: GroupAddress::Postgres {
            hosts: vec!["127.0.0.1:1".into()],
            database: "d".into(),
            user: "u".into(),
            password_file: None,
            tls_root: None,
            require_synchronous: None,
        },
        ..add(8, "")
    };
    assert_eq!(ask(nowhere).await.code(), ErrorCode::BadRequest);
    let silent = AddGroup { reason: " ".into(), ..add(9, "groups/09.db") };
    assert_eq!(ask(silent).await.code(), ErrorCode::BadRequest);
    let manager = server.log_in("max").await;
    let without_right = server.staff("POST", path::GROUPS, Some(&manager), &add(9, "groups/09.db")).await;
    assert_eq!(without_right.code(), ErrorCode::NotAllowed);
    let none = change(&server, &it, 42, &GroupChange::Drain { reason: "x".into() }).await;
    assert_eq!(none.code(), ErrorCode::NotFound);
    let nothing = change(&server, &it, 1, &GroupChange::Abort { reason: "x".into() }).await;
    assert_eq!(nothing.status, 200, "it takes new orders as before");
    let nowhere = change(&server, &it, 1, &GroupChange::Move { to: tag(50), reason: "x".into() }).await;
    assert!(nowhere.error().message.contains("not in use"), "{}", nowhere.error().message);
    assert_eq!(groups(&server, &it).await.len(), 3);
}
