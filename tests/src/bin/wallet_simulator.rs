//! A wallet on this machine: for training, for the demo, for tests, and for a person with a real scanner.

use clap::Parser;
use evertill_tests::simulator::wechat::{Simulator, SimulatorConfig};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// A simulated WeChat Pay, version 2. No money moves.
///
/// Makes a merchant's kit in DIR (once) and prints one JSON line when it is ready. Open the control address in
/// a browser to see a phone with a payment code.
#[derive(Parser)]
#[command(
    name = "evertill-wallet-simulator",
    after_help = "Example:\n  evertill-wallet-simulator --dir wallet\n  \
                  curl -d '{\"behaviour\":\"pays\"}' http://CONTROL/codes\n  \
                  curl -d '{\"behaviour\":{\"password_then_pays\":{\"after_ms\":5000}}}' http://CONTROL/codes\n  \
                  curl -d '{\"next\":{\"pay\":[\"reply_lost\"]}}' http://CONTROL/switches\n  \
                  curl http://CONTROL/orders"
)]
struct Arguments {
    /// Where the merchant's kit and the wallet's books are kept.
    #[arg(long)]
    dir: PathBuf,
    /// Where /pay/... is taken, over plain HTTP.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where /secapi/... is taken, over HTTPS with a client certificate.
    #[arg(long, default_value = "127.0.0.1:0")]
    secure_listen: SocketAddr,
    /// Where the control interface is, over plain HTTP. Keep it on the loopback.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Of the unknown fields that replies hold now and then.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evertill-wallet-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let config = SimulatorConfig {
        listen: arguments.listen,
        secure_listen: arguments.secure_listen,
        control_listen: arguments.control,
        seed: arguments.seed,
        ..SimulatorConfig::default()
    };
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let dir = arguments.dir.as_path();
    std::fs::create_dir_all(dir)?;
    let simulator = Simulator::start(&dir.canonicalize()?, config).await?;
    let at = simulator.addresses();
    let ready = serde_json::json!({
        "ready": true,
        "listen": at.open.to_string(),
        "secure_listen": at.secure.to_string(),
        "control": at.control.to_string(),
        "phone": format!("http://{}/", at.control),
        "kit": simulator.kit().1.join("kit.json"),
        "wechat": simulator.server_section(),
    });
    println!("{ready}");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
