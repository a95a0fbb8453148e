//! The main job as the README's first command runs it: whoever changes a screen hears of it here and not from a visitor.

use evertill_tests::workspace;
use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn main_job_the_demo_ends_well() {
    workspace::build_programs().unwrap();
    let dir = TempDir::new().unwrap();
    let mut demo = Command::new(workspace::program("demo"));
    let ended = demo
        .arg("--headless")
        .arg("--out")
        .arg(dir.path().join("out"))
        .arg("--shop")
        .arg(dir.path().join("shop"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let report: Value = serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap();
    assert!(ended.status.success(), "{said}");
    assert_eq!((&report["double_charges"], &report["ok"]), (&0.into(), &true.into()), "{said}");
}
