//! PyPI's `wechatpayv3` against the simulated WeChat Pay, version 3.

use super::{checks, kept, run, scripts};
use evertill_tests::rig::packages::{self, PYTHON, Package};
use evertill_tests::simulator::wechat::{Simulator, SimulatorConfig};
use std::path::PathBuf;
use std::process::Command;

/// Python with the packages of our list, as it says to the version.
pub(super) fn python() -> PathBuf {
    packages::ensure(&[Package::Python]).unwrap();
    let list = scripts().join("requirements.txt");
    let folder = kept("python", &list, |folder| {
        run("making a folder for Python's packages", Command::new(PYTHON).args(["-m", "venv"]).arg(folder));
        let mut install = Command::new(folder.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"]).arg(&list);
        run("installing wechatpayv3 and wechatpy", &mut install);
    });
    folder.join("bin/python")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_from_pypi_shows_charges_takes_back_refunds_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let (kit, at) = wallet.kit();
    let text = |path: &std::path::Path| std::fs::read_to_string(at.join(path)).unwrap();
    let rig = serde_json::json!({
        "wallet": format!("http://{}", wallet.addresses().open),
        "control": format!("http://{}", wallet.addresses().control),
        "app_id": kit.app_id,
        "merchant_id": kit.merchant_id,
        "serial": kit.client_serial,
        "private_key": text(&kit.client_key),
        "other_key": include_str!("../../data/wechat/next.key.pem"),
        "api_v3_key": text(&kit.api_v3_key_file).trim(),
        "public_key": text(&kit.public_key),
        "public_key_id": kit.public_key_id,
    });
    let script = scripts().join("wechat_v3.py");
    let judged = tokio::task::spawn_blocking(move || {
        let mut judge = Command::new(python());
        judge.arg(script).arg(rig.to_string()).env("no_proxy", "*").env("PYTHONDONTWRITEBYTECODE", "1");
        run("wechatpayv3 2.0.4 against the simulator", &mut judge)
    });
    let said = judged.await.unwrap();
    assert!(checks(&said) > 100, "only {} checks:\n{said}", checks(&said));
}
