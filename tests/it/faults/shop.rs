//! A shop in a place of its own, which goes with all that runs in it and is mounted there.

use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::orders::PaymentView;
use evertill_tests::books;
use evertill_tests::rig::place::Place;
use evertill_tests::scripted_till::ScriptedTill;
use evertill_tests::store_rig::{RigOptions, StoreRig};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// The seed of all that is random here: `EVERTILL_SEED`, or always the same.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("EVERTILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(20_261_121);
        println!("seed {seed} (EVERTILL_SEED)");
        seed
    })
}

/// A folder of its own, whose processes and mounts end with it, also those of a killed earlier run.
pub fn place(name: &str) -> Place {
    Place::new(name, "root").unwrap()
}

/// The programs end before the place goes.
pub struct Shop {
    pub rig: StoreRig,
    pub place: Place,
}

pub async fn shop(name: &str) -> Shop {
    shop_with(name, |_| RigOptions::default()).await
}

pub async fn shop_with(name: &str, options: impl FnOnce(&Place) -> RigOptions) -> Shop {
    let place = place(name);
    let options = options(&place);
    let rig = StoreRig::open(&place.dir().join("shop"), options).await.unwrap();
    Shop { rig, place }
}

impl Shop {
    /// Our books and the wallet's hold the same for each sale, once what is under way has ended, and no sale is in
    /// ours twice. Gives how many orders are paid.
    pub async fn books_agree(&self) -> usize {
        books::agree(&self.rig, Duration::from_secs(30)).await.unwrap()
    }

    /// A page of the server as a manager's browser gets it: its status and text.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let roots = self.rig.trust().root_certificates.iter();
        let roots = roots.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
        let browser = reqwest::Client::builder().tls_certs_only(roots).build().unwrap();
        let mut request = browser.get(format!("{}{path}", self.rig.server_url()));
        if path.starts_with("/console") {
            let it = self.rig.staff("it").await.unwrap();
            let token = it.session().token.expose().to_owned();
            request = request.header("cookie", format!("__Host-evertill-session={token}"));
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The same, once it is as it must become.
    pub async fn settled_page(&self, path: &str, is_so: impl Fn(u16, &str) -> bool) -> (u16, String) {
        let mut last = self.page(path).await;
        for _ in 0..100 {
            if is_so(last.0, &last.1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
            last = self.page(path).await;
        }
        last
    }
}

/// Takes the log of a database that nobody uses into its file, so that the file is the whole of it.
pub fn fold(file: &Path) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    connection.close().unwrap();
    for beside in ["db-wal", "db-shm"] {
        assert!(!file.with_extension(beside).exists(), "{} is in use", file.display());
    }
}

/// Asks, as a till does, until the attempt is settled.
pub async fn settled(till: &ScriptedTill, number: OrderNumber, attempt: u8) -> PaymentView {
    let mut last = None;
    for _ in 0..400 {
        match till.payment(number, attempt).await {
            Ok(view) if view.state.is_final() => return view,
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never settled: {last:?}");
}

pub fn is_paid(view: &PaymentView) -> bool {
    view.state == PaymentState::Paid
}
