//! The limits that fail the run. They stand far over the aims: a machine that has other things to do makes each figure a few
//! times as large, and that is nobody's mistake; a till that takes more is another till.

use crate::load::wrong;
use crate::store_rig::RigError;
use serde_json::Value;

/// Each figure of the report that has one, and the most that it may be. The help of the command names them.
const LIMITS: [(&str, f64); 14] = [
    ("start_slowest_ms", 2_000.0),
    ("scan_to_line_p99_ms", 150.0),
    ("burst_scan_to_line_p99_ms", 150.0),
    ("search_p99_ms", 150.0),
    ("memory_mb", 160.0),
    ("memory_growth_per_1000_sales_mb", 10.0),
    ("idle_cpu_percent", 5.0),
    ("close_5000_ms", 2_000.0),
    ("window/start_slowest_ms", 2_000.0),
    ("window/scan_to_line_p99_ms", 150.0),
    ("window/scan_to_customer_p99_ms", 150.0),
    ("window/memory_mb", 160.0),
    ("window/memory_with_customer_mb", 160.0),
    ("window/idle_cpu_percent", 5.0),
];

/// Fails if a figure is over its limit, or is none.
pub(super) fn hold(report: &Value) -> Result<(), RigError> {
    let figure = |key: &str| report.pointer(&format!("/{key}")).and_then(Value::as_f64);
    let over = |(key, limit): &(&str, f64)| match figure(key) {
        Some(figure) if figure <= *limit => None,
        Some(figure) => Some(format!("{key} is {figure}, and {limit} is the most")),
        None => Some(format!("there is no {key}")),
    };
    let over: Vec<String> = LIMITS.iter().filter_map(over).collect();
    if over.is_empty() { Ok(()) } else { Err(wrong(format!("{}: {report}", over.join("; ")))) }
}

#[cfg(test)]
mod tests {
    use super::super::TillOptions;
    use super::*;
    use clap::Args as _;

    #[test]
    fn a_figure_over_its_limit_or_missing_fails_the_run() {
        let aims = |key: &str| match key {
            "start_slowest_ms" => 400.0,
            "memory_mb" | "memory_with_customer_mb" => 64.0,
            "idle_cpu_percent" => 1.0,
            "memory_growth_per_1000_sales_mb" => -0.5,
            _ => 20.0,
        };
        let set = |report: &mut Value, key: &str, figure: Value| match key.split_once('/') {
            Some((part, key)) => report[part][key] = figure,
            None => report[key] = figure,
        };
        let mut good = Value::Null;
        for (key, _) in LIMITS {
            set(&mut good, key, Value::from(aims(key.rsplit('/').next().unwrap())));
        }
        assert!(hold(&good).is_ok());
        for (key, limit) in LIMITS {
            let mut bad = good.clone();
            set(&mut bad, key, Value::from(limit + 0.1));
            assert!(hold(&bad).is_err(), "{key} over its limit");
            set(&mut bad, key, Value::Null);
            assert!(hold(&bad).is_err(), "no {key}");
        }
    }

    #[test]
    fn the_help_names_every_limit() {
        let help = TillOptions::augment_args(clap::Command::new("till")).render_long_help().to_string();
        let said: Vec<&str> = help.split(|c: char| !c.is_ascii_digit()).collect();
        for (key, limit) in LIMITS {
            assert!(said.contains(&limit.to_string().as_str()), "{key}: {limit} is not in the help: {help}");
        }
    }
}
