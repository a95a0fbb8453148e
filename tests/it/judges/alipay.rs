//! npm's `alipay-sdk` against the simulated Alipay: by the gateway and by REST, by key and by certificates.

use super::{checks, kept, run, scripts};
use evertill_tests::rig::packages::{self, NODE, NPM, Package};
use evertill_tests::simulator::alipay::{SELLER, Simulator, SimulatorConfig};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the library and of what it needs, as the list says to the byte.
pub(super) fn library() -> PathBuf {
    packages::ensure(&[Package::Node]).unwrap();
    let list = scripts().join("package-lock.json");
    kept("node", &list, |folder| {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(scripts().join(name), folder.join(name)).unwrap();
        }
        let mut install = Command::new(NPM);
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        run("installing alipay-sdk", &mut install);
    })
    .join("node_modules")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_from_npm_charges_shows_takes_back_refunds_and_is_told_by_both_interfaces() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let (kit, at) = wallet.kit();
    let text = |path: &Path| std::fs::read_to_string(at.join(path)).unwrap();
    let rig = serde_json::json!({
        "wallet": format!("http://{}", wallet.addresses().gateway),
        "control": format!("http://{}", wallet.addresses().control),
        "app_id": kit.app_id,
        "seller": SELLER,
        "private_key": text(&kit.app_private_key),
        "other_key": include_str!("../../data/alipay/root.key.pem"),
        "public_key": text(&kit.alipay_public_key).trim(),
        "app_certificate": text(&kit.app_certificate),
        "alipay_certificate": text(&kit.alipay_certificate),
        "root_certificate": text(&kit.root_certificate),
    });
    let script = scripts().join("alipay.cjs");
    let judged = tokio::task::spawn_blocking(move || {
        let mut judge = Command::new(NODE);
        judge.arg(script).arg(rig.to_string());
        judge.env("NODE_PATH", library()).env("TZ", "Asia/Shanghai").env("no_proxy", "*");
        run("alipay-sdk 4.14.0 against the simulator", &mut judge)
    });
    let said = judged.await.unwrap();
    assert!(checks(&said) > 150, "only {} checks:\n{said}", checks(&said));
}
