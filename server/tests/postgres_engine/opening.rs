//! Opening: what is wrong is told apart, and says what to do.

use super::server::{PASSWORD, Server};
use super::stories::{KIND, SCHEMA, START, count, put};
use evertill_server::database::postgres::{Found, PostgresSettings, looks};
use evertill_server::database::{Database, Migration, OpenError, Schema};
use evertill_shared::secret::SecretText;

fn problem(settings: PostgresSettings) -> (String, bool) {
    let error = Database::postgres(settings, &SCHEMA).err().expect("it must not open");
    assert!(matches!(error, OpenError::Server { .. }), "{error}");
    let text = error.to_string();
    assert!(!text.contains(PASSWORD) && !text.contains("wrong password text"), "{text}");
    (text, error.may_pass())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_told_in_words_that_say_what_to_do() {
    let server = Server::shared();
    let good = server.database().await;

    let mut wrong = good.clone();
    wrong.password = Some(SecretText::new("wrong password text".into()));
    let (text, may_pass) = problem(wrong);
    assert!(text.contains("password for role \"evertill\" is wrong") && !may_pass, "{text}");

    let mut none = good.clone();
    none.password = None;
    let (text, may_pass) = problem(none);
    assert!(text.contains("password_file") && !may_pass, "{text}");

    let mut nowhere = good.clone();
    nowhere.password_file = Some("/nowhere/password".into());
    let (text, may_pass) = problem(nowhere);
    assert!(text.contains("/nowhere/password") && !may_pass, "{text}");

    let mut missing = good.clone();
    missing.database = "nosuch".into();
    let (text, may_pass) = problem(missing);
    assert!(text.contains("createdb") && text.contains("nosuch") && !may_pass, "{text}");

    let mut nobody = good.clone();
    nobody.hosts = vec!["127.0.0.1:1".into()];
    let (text, may_pass) = problem(nobody);
    assert!(text.contains("127.0.0.1:1") && text.contains("refused") && may_pass, "{text}");

    let mut odd = good.clone();
    odd.hosts = vec!["postgres://evertill@db".into()];
    let (text, may_pass) = problem(odd);
    assert!(text.contains("not an address") && !may_pass, "{text}");

    let mut lonely = good.clone();
    lonely.require_synchronous = Some(1);
    let (text, may_pass) = problem(lonely);
    assert!(text.contains("synchronous_standby_names") && may_pass, "{text}");

    let mut encrypted = good.clone();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["root".into()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(&root, certificate.pem()).unwrap();
    encrypted.tls_root = Some(root);
    let (text, may_pass) = problem(encrypted);
    assert!(text.contains("TLS") && !may_pass, "{text}");

    // The one that listens is found among those that do not.
    let mut several = good;
    several.hosts.insert(0, "127.0.0.1:1".into());
    let database = Database::postgres(several, &SCHEMA).unwrap();
    put(&database, 1).await.unwrap();
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_can_change_while_we_run() {
    let server = Server::shared();
    let mut settings = server.database().await;
    let name = settings.database.clone();
    server.sql("postgres", &format!("CREATE ROLE r_{name} LOGIN PASSWORD 'first'")).await;
    server.sql("postgres", &format!("ALTER DATABASE {name} OWNER TO r_{name}")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "first\n").unwrap();
    settings.user = format!("r_{name}");
    settings.password_file = Some(file.clone());
    let database = Database::postgres(settings, &SCHEMA).unwrap();
    put(&database, 1).await.unwrap();
    server.sql("postgres", &format!("ALTER ROLE r_{name} PASSWORD 'second'")).await;
    std::fs::write(&file, "second\n").unwrap();
    let ours = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'r_{name}'");
    server.sql("postgres", &ours).await;
    // A lane that sees the end of its connection in time makes a new one; one that does not tells the truth.
    super::failing::until_written(&database, 2).await;
    assert_eq!(count(&database).await, 2);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_changed_and_foreign_databases_are_told_apart() {
    let server = Server::shared();
    let settings = server.database().await;
    let error = |schema: &Schema| Database::postgres(settings.clone(), schema).err().unwrap();
    assert_eq!(looks(&settings), Ok(Found::Nothing));
    Database::postgres(settings.clone(), &SCHEMA).unwrap().close().await;
    assert_eq!(looks(&settings), Ok(Found::Kind(KIND)));

    let changed =
        Schema { migrations: &[Migration { postgres: "CREATE TABLE t (x INT)", ..START }], ..SCHEMA };
    assert!(matches!(error(&changed), OpenError::Changed { number: 1, .. }));
    let older = Schema { migrations: &[], ..SCHEMA };
    assert!(matches!(error(&older), OpenError::Newer { found: 1, known: 0, .. }));
    let foreign = error(&Schema { application: KIND + 1, ..SCHEMA });
    assert!(matches!(foreign, OpenError::Foreign { found: KIND, .. }));

    let others = server.database().await;
    server.sql(&others.database, "CREATE TABLE shopping (item TEXT)").await;
    assert_eq!(looks(&others), Ok(Found::Foreign));
    let foreign = Database::postgres(others, &SCHEMA).err().unwrap();
    assert!(matches!(foreign, OpenError::Foreign { found: 0, .. }), "{foreign}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_leaves_the_database_as_it_was() {
    let server = Server::shared();
    let settings = server.database().await;
    Database::postgres(settings.clone(), &SCHEMA).unwrap().close().await;
    let bad = Schema {
        migrations: &[
            START,
            Migration {
                number: 2,
                name: "bad",
                sqlite: "CREATE TABLE u (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
                postgres: "CREATE TABLE u (x BIGINT); INSERT INTO nowhere VALUES (1)",
            },
        ],
        ..SCHEMA
    };
    let error = Database::postgres(settings.clone(), &bad).err().unwrap();
    assert!(matches!(error, OpenError::Migration { number: 2, .. }), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    Database::postgres(settings.clone(), &SCHEMA).unwrap().close().await;
    let made = server.sql(&settings.database, "SELECT to_regclass('u') IS NULL").await;
    assert_eq!(made, [["t"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_on_one_new_database_make_it_once() {
    let server = Server::shared();
    let settings = server.database().await;
    let openers: Vec<_> = (0..4)
        .map(|_| {
            let settings = settings.clone();
            tokio::task::spawn_blocking(move || Database::postgres(settings, &SCHEMA).map(drop))
        })
        .collect();
    for opener in openers {
        assert_eq!(opener.await.unwrap(), Ok(()));
    }
    let steps = server.sql(&settings.database, "SELECT count(*) FROM schema_steps").await;
    assert_eq!(steps, [["1"]]);
}
