//! PyPI's `wechatpy` against the simulated WeChat Pay, version 2: both ways to sign, and mutual TLS where money goes back.

use super::wechat_v3::python;
use super::{checks, run, scripts};
use evertill_tests::simulator::wechat::{Simulator, SimulatorConfig};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_from_pypi_charges_asks_takes_back_and_refunds_by_version_2() {
    let folder = tempfile::tempdir().unwrap();
    let wallet = Simulator::start(folder.path(), SimulatorConfig::default()).await.unwrap();
    let (kit, at) = wallet.kit();
    let rig = serde_json::json!({
        "wallet": format!("http://{}", wallet.addresses().open),
        "secure": format!("https://{}", wallet.addresses().secure),
        "control": format!("http://{}", wallet.addresses().control),
        "app_id": kit.app_id,
        "merchant_id": kit.merchant_id,
        "api_key": std::fs::read_to_string(at.join(&kit.api_key_file)).unwrap().trim(),
        "certificate": at.join(&kit.client_certificate),
        "private_key": at.join(&kit.client_key),
        "root": at.join(&kit.ca_certificate),
    });
    let script = scripts().join("wechat_v2.py");
    let judged = tokio::task::spawn_blocking(move || {
        let mut judge = Command::new(python());
        judge.arg(script).arg(rig.to_string()).env("no_proxy", "*").env("PYTHONDONTWRITEBYTECODE", "1");
        run("wechatpy 1.8.18 against the simulator", &mut judge)
    });
    let said = judged.await.unwrap();
    assert!(checks(&said) > 100, "only {} checks:\n{said}", checks(&said));
}
