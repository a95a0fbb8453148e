//! `evertill-server-turned`: the store server, whole and unchanged, under a clock that is ahead by whole days. For
//! stories about yesterday's orders: the product itself has no such switch.

use clap::Parser;
use evertill_server::config::Config;
use evertill_server::start;
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The store server on a later day, for whole-system tests.
#[derive(Parser)]
struct Arguments {
    /// The settings, as for evertill-server.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// By how many days its clock is ahead.
    #[arg(long, default_value_t = 0)]
    days_ahead: u32,
}

struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertill-server-turned: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut terminate = signal(SignalKind::terminate())?;
    let config = Config::load(&arguments.config)?;
    let clock = Ahead(Duration::from_secs(u64::from(arguments.days_ahead) * 24 * 60 * 60));
    let server = start(config, Arc::new(clock)).await?;
    println!("{}", serde_json::json!({ "ready": true, "listen": server.addr.to_string() }));
    terminate.recv().await;
    server.stop().await;
    Ok(())
}
