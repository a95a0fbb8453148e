//! `cargo load -- till`: the real till in its window with 100,000 goods, drawn by its own software renderer into memory, with
//! a scanner and a printer on real lines and a real server; in the end the delivered program in its own window on a display. Each figure stands beside its aim; a window of one line of text,
//! measured in the same run, says what any window costs here.
//!
//! A scan counts as shown when the last pixel of the first frame is in memory that says so, a key when the list of matches on
//! the screen is the one for the text that it made (often the same goods, and nothing to draw). The frame is read as a screen
//! reader would, after its time was taken. Both are counted from before the first byte leaves whoever sends them.

mod closing;
mod desk;
mod goods;
mod limits;
mod measure;
mod window;

use super::figures::{count, percentile, rounded};
use super::shop::folder;
use super::usage::{Memory, cpu_of};
use crate::counter;
use crate::load::{say, wrong};
use crate::process::wait_until;
use crate::store_rig::{RigError, RigOptions, StoreRig};
use crate::window_till::WindowTill;
use crate::workspace;
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use measure::Scans;
use serde_json::{Value, json};
use std::time::Duration;

/// What is measured.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The run fails if a scan is lost, if a start takes more than 2000 ms, a scan (alone or in the burst) or a key of a \
                  search more than 150 ms in one of a hundred, if the till holds more than 160 MB or grows by more than 10 MB in a \
                  thousand sales, if it uses more than 5 per cent of a core while idle, or if the end of a shift of 5,000 sales takes \
                  more than 2000 ms. But for the last, these limits stand far over the aims, which the report names: machines have \
                  other things to do. What is under \"window\" is of evertill-till itself in its own window, and has the same limits."
)]
pub struct TillOptions {
    /// How many goods the shop has.
    #[arg(long, default_value_t = 100_000)]
    pub goods: usize,
    /// How many sales are made before the memory is read.
    #[arg(long, default_value_t = 2_000)]
    pub sales: usize,
    /// For how many seconds ten codes are scanned in each.
    #[arg(long, default_value_t = 60)]
    pub burst_seconds: u32,
    /// How many scans are made with a pause after each.
    #[arg(long, default_value_t = 100)]
    pub scans: usize,
    /// How many searches are typed.
    #[arg(long, default_value_t = 40)]
    pub searches: usize,
    /// How often the till is started.
    #[arg(long, default_value_t = 5)]
    pub starts: usize,
}

/// For how long the till is left alone: what it uses is counted in hundredths of a second.
const IDLE: Duration = Duration::from_secs(15);
/// The text that a till shows that can be used: something can be scanned, or looked for.
const USABLE: &str = "Search by name or code";
/// Sales of the shift whose end is measured.
const CLOSED: u32 = 5_000;
/// So many parts of the sales have their own figure of the memory.
const PARTS: usize = 4;

/// Runs it; the answer is the report.
/// # Errors
/// The till does not do what is asked; a scan was lost.
pub async fn run(options: &TillOptions) -> Result<Value, RigError> {
    options.are_enough()?;
    let dir = folder()?;
    say("building the programs, bringing up a shop");
    workspace::build_window_till().map_err(RigError::Build)?;
    let rig = StoreRig::open(dir.path(), RigOptions::default()).await?;
    say("the reference: a window with one line of text");
    let bare = measure::bare(dir.path(), options.starts)?;
    say(format_args!("{} goods to the server", options.goods));
    rig.staff("it").await?.put_catalogue(&goods::products(options.goods)).await?;
    let mut till = WindowTill::start(&rig, "till-1")?;
    counter::register(&rig, &mut till, "Till 1").await?;
    let first_load = first_load(&mut till, options.goods)?;
    say(format_args!(
        "the till has all goods after {:.1} s; starting it {} times",
        first_load, options.starts
    ));
    let mut starts = measure::starts(&mut till, USABLE, options.starts)?;
    till.wait_containing("Online", Duration::from_secs(15))?;
    let pid = till.id().ok_or_else(|| wrong("the till does not run"))?;
    let idle = idle(pid)?;
    let memory_at_start = Memory::of(pid)?;
    let ahead = desk::Ahead::of(|command| till.command(command))?;
    say(format_args!(
        "{} scans with pauses, then ten a second for {} s",
        options.scans, options.burst_seconds
    ));
    let mut alone = measure::alone(&mut till, ahead, options.scans)?;
    desk::pay_cash(&mut till)?;
    let mut burst = measure::burst(&mut till, ahead, options.burst_seconds)?;
    desk::pay_cash(&mut till)?;
    desk::touch(&mut till, "Next sale")?;
    say(format_args!("{} searches", options.searches));
    let mut keys = measure::searches(&mut till, ahead, options.goods, options.searches)?;
    let memory = sales(&mut till, pid, options)?;
    say(format_args!(
        "evertill-till itself in its own window, {} starts, {} scans",
        options.starts, options.scans
    ));
    let window = window::measure(&mut till, dir.path(), options.scans, options.starts)?;
    say(format_args!("the end of a shift of {CLOSED} sales that the server does not have"));
    let close = closing::measure(dir.path(), CLOSED, SystemClock.now())?;
    say("done");
    let last = memory.last().copied().unwrap_or(memory_at_start);
    let through: Vec<f64> = memory.iter().map(|memory| rounded(memory.resident, 1)).collect();
    let lost = burst.lost + alone.lost;
    let report = json!({
        "start_ms": median(&mut starts),
        "start_aim_ms": 400,
        "start_bare_window_ms": bare.start_ms,
        "start_slowest_ms": rounded(starts.last().copied().unwrap_or(0.0), 1),
        "scan_to_line_p50_ms": alone.at(0.5),
        "scan_to_line_p99_ms": alone.at(0.99),
        "scan_to_line_aim_p99_ms": 20,
        "burst_scan_to_line_p50_ms": burst.at(0.5),
        "burst_scan_to_line_p99_ms": burst.at(0.99),
        "burst_scans": burst.scanned,
        "burst_lost": burst.lost,
        "scans_lost": lost,
        "search_p50_ms": ms_at(&mut keys, 0.5),
        "search_p99_ms": ms_at(&mut keys, 0.99),
        "search_aim_p99_ms": 20,
        "search_keys": keys.len(),
        "memory_at_start_mb": rounded(memory_at_start.resident, 1),
        "memory_mb": rounded(last.resident, 1),
        "memory_in_no_file_mb": rounded(last.anonymous, 1),
        "memory_aim_mb": 64,
        "memory_bare_window_mb": bare.memory_mb,
        "memory_growth_per_1000_sales_mb": growth(&through, options.sales),
        "memory_through_the_sales_mb": through,
        "sales": options.sales,
        "close_5000_ms": rounded(close, 1),
        "close_5000_aim_ms": 2_000,
        "idle_cpu_percent": rounded(idle, 2),
        "idle_cpu_aim_percent": 1,
        "first_load_s": rounded(first_load, 2),
        "goods": options.goods,
        "window": window,
        "clock_error_ms": rounded(ahead.error_ms, 3),
    });
    if lost > 0 {
        return Err(wrong(format!("{lost} scans never came on the screen: {report}")));
    }
    limits::hold(&report)?;
    Ok(report)
}

impl TillOptions {
    /// Fails if there would be figures of nothing.
    fn are_enough(&self) -> Result<(), RigError> {
        let least = [
            ("goods", self.goods, 1_000),
            ("starts", self.starts, 1),
            ("scans", self.scans, 1),
            ("burst-seconds", usize::try_from(self.burst_seconds).unwrap_or(usize::MAX), 1),
            ("searches", self.searches, 1),
            ("sales", self.sales, PARTS),
        ];
        match least.into_iter().find(|(_, asked, least)| asked < least) {
            Some((what, _, least)) => {
                Err(wrong(format!("--{what} has to be {least} at least to be measured")))
            }
            None => Ok(()),
        }
    }
}

/// Seconds until the last of the goods can be scanned, from the moment that the till is active. It can be used meanwhile.
fn first_load(till: &mut WindowTill, goods: usize) -> Result<f64, RigError> {
    let began = desk::now_ms();
    let last = goods::code(goods - 1);
    let mut is_there = false;
    let mut failed = Ok(());
    wait_until(Duration::from_secs(120), || {
        let step = till.scan(&last).and_then(|()| {
            std::thread::sleep(Duration::from_millis(200));
            till.labels()
        });
        match step {
            Ok(labels) => is_there = desk::items(&labels).is_some_and(|items| items > 0),
            Err(error) => failed = Err(error),
        }
        is_there || failed.is_err()
    });
    failed?;
    if is_there {
        Ok((desk::now_ms() - began) / 1e3)
    } else {
        Err(wrong("the goods did not reach the till within two minutes"))
    }
}

/// Per cent of a core that the till needs while nobody touches it.
fn idle(pid: u32) -> Result<f64, RigError> {
    let settle = Duration::from_secs(3);
    std::thread::sleep(settle);
    let (before, began) = (cpu_of(pid)?, SystemClock.monotonic());
    std::thread::sleep(IDLE);
    let took = SystemClock.monotonic().saturating_sub(began);
    Ok(100.0 * cpu_of(pid)?.saturating_sub(before).as_secs_f64() / took.as_secs_f64())
}

/// Makes the sales; the memory after each part of them.
fn sales(till: &mut WindowTill, pid: u32, options: &TillOptions) -> Result<Vec<Memory>, RigError> {
    let mut memory = Vec::new();
    for part in 1..=PARTS {
        let upto = options.sales * part / PARTS;
        for n in options.sales * (part - 1) / PARTS..upto {
            let codes: Vec<String> =
                (0..3).map(|at| goods::code((n * 37 + at * 11) % options.goods)).collect();
            desk::sell(till, &codes)?;
        }
        let held = Memory::of(pid)?;
        say(format_args!("{upto} sales, {:.1} MB, {:.1} of them in no file", held.resident, held.anonymous));
        memory.push(held);
    }
    Ok(memory)
}

/// By how much the memory grows with a thousand sales, once the first part of them has filled what is filled once.
fn growth(memory: &[f64], sales: usize) -> Option<f64> {
    let (first, last) = (memory.first()?, memory.last()?);
    let between = count(sales) * (count(memory.len()) - 1.0) / count(memory.len());
    (between > 0.0).then(|| rounded((last - first) * 1e3 / between, 2))
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    rounded(figures.get(figures.len() / 2).copied().unwrap_or(0.0), 1)
}

fn ms_at(times: &mut [Duration], share: f64) -> f64 {
    rounded(percentile(times, share).as_secs_f64() * 1e3, 2)
}

impl Scans {
    fn at(&mut self, share: f64) -> f64 {
        ms_at(&mut self.times, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_counted_after_the_first_part() {
        assert_eq!(growth(&[40.0, 41.0, 42.0, 43.0], 2_000), Some(2.0));
        assert_eq!(growth(&[], 2_000), None);
        assert_eq!(growth(&[40.0], 2_000), None);
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&mut [900.0, 100.0, 200.0]), 200.0);
    }
}
