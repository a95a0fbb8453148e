//! The limits that fail the run. They stand far over the aims: a machine that has other things to do, or a slower disk, makes
//! each figure a few times as large, and that is nobody's mistake.

use crate::load::wrong;
use crate::store_rig::RigError;
use serde_json::Value;
use std::time::Duration;

/// Each figure that has one, and the most that it may be. The help of the command names them.
const LIMITS: [(&str, f64); 2] = [("added_p50_ms", 25.0), ("added_p99_ms", 150.0)];
/// So many of a hundred payments have to be answered within a second while the wallets take their time; more than that time
/// is nobody's fault but the wallet's, so slower ones than [`SLOWEST_WALLET`] are measured and not judged.
const LEAST_IN_1_S_PERCENT: f64 = 99.0;
const SLOWEST_WALLET: Duration = Duration::from_millis(500);

/// Fails if a figure is over its limit, or is none; or if too few customers had their answer within a second, of wallets
/// that take so long.
pub(super) fn hold(report: &Value, wallet: Duration) -> Result<(), RigError> {
    let over = |(key, limit): &(&str, f64)| match report[*key].as_f64() {
        Some(figure) if figure <= *limit => None,
        Some(figure) => Some(format!("{key} is {figure}, and {limit} is the most")),
        None => Some(format!("there is no {key}")),
    };
    let mut over: Vec<String> = LIMITS.iter().filter_map(over).collect();
    match report["in_1_s_percent"].as_f64() {
        Some(percent) if percent >= LEAST_IN_1_S_PERCENT || wallet > SLOWEST_WALLET => {}
        percent => over.push(format!(
            "{} % were answered within a second; {LEAST_IN_1_S_PERCENT} % have to be",
            percent.unwrap_or_default()
        )),
    }
    if over.is_empty() { Ok(()) } else { Err(wrong(format!("{}: {report}", over.join("; ")))) }
}

#[cfg(test)]
mod tests {
    use super::super::PayOptions;
    use super::*;
    use clap::Args as _;
    use serde_json::json;

    const USUAL: Duration = Duration::from_millis(300);

    fn good() -> Value {
        json!({ "added_p50_ms": 2.0, "added_p99_ms": -0.1, "in_1_s_percent": 99.0 })
    }

    #[test]
    fn a_figure_over_its_limit_or_missing_makes_the_run_fail() {
        assert!(hold(&good(), USUAL).is_ok());
        for (key, limit) in LIMITS {
            for figure in [json!(limit + 0.1), Value::Null] {
                let mut bad = good();
                bad[key] = figure;
                assert!(hold(&bad, USUAL).is_err(), "{key}: {bad}");
            }
        }
    }

    #[test]
    fn too_few_answers_within_a_second_make_the_run_fail() {
        let of = |percent: f64| {
            let mut report = good();
            report["in_1_s_percent"] = json!(percent);
            report
        };
        assert!(hold(&of(98.9), USUAL).is_err());
        assert!(hold(&of(0.0), Duration::from_secs(2)).is_ok(), "a wallet that takes longer than that");
        let mut none = good();
        none["in_1_s_percent"] = Value::Null;
        assert!(hold(&none, USUAL).is_err());
    }

    #[test]
    fn the_help_names_every_limit() {
        let help = PayOptions::augment_args(clap::Command::new("pay")).render_long_help().to_string();
        let said: Vec<&str> = help.split(|c: char| !c.is_ascii_digit()).collect();
        let limits = LIMITS.iter().map(|(_, limit)| *limit).chain([LEAST_IN_1_S_PERCENT]);
        for limit in limits {
            assert!(said.contains(&limit.to_string().as_str()), "{limit} is not in the help: {help}");
        }
    }
}
