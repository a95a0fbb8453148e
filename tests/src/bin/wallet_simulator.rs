//! Two wallets on this machine: for training, for the demo, for tests, and for a person with a real scanner.

use clap::Parser;
use evertill_shared::protocol::store::TrustBundle;
use evertill_tests::simulator::wallet::serve_phones;
use evertill_tests::simulator::{alipay, wechat};
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Where a store is told of payments; with its own name instead.
const STORE: &str = "https://STORE/v1/notifications/wechat_pay";

/// A simulated WeChat Pay, versions 2 and 3, and a simulated Alipay, by its gateway and by REST. No money moves.
///
/// Makes a merchant's kits in DIR (once) and prints one JSON line when it is ready. For training, open the address that
/// it calls "phones" in a browser: a phone with payment codes for the till's scanner, which scans what the till shows.
#[derive(Parser)]
#[command(
    name = "evertill-wallet-simulator",
    after_help = "Example:\n  evertill-wallet-simulator --dir wallet\n  \
                  curl -d '{\"behaviour\":\"pays\"}' http://CONTROL/codes\n  \
                  curl -d '{\"behaviour\":{\"password_then_pays\":{\"after_ms\":5000}}}' http://CONTROL/codes\n  \
                  curl -d '{\"next\":{\"pay\":[\"reply_lost\"]}}' http://CONTROL/switches\n  \
                  curl -d '{\"bill\":[\"extra_row\",\"truncated\"]}' http://CONTROL/switches\n  \
                  curl -d '{\"advance_ms\":86400000}' http://CONTROL/clock\n  \
                  curl -d '{\"content\":\"https://qr.alipay.com/...\"}' http://CONTROL/scan\n  \
                  curl http://CONTROL/orders"
)]
struct Arguments {
    /// Where the merchant's kit and the wallet's books are kept.
    #[arg(long)]
    dir: PathBuf,
    /// Where /pay/... and /v3/... are taken, over plain HTTP.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where /secapi/... is taken, over HTTPS with a client certificate.
    #[arg(long, default_value = "127.0.0.1:0")]
    secure_listen: SocketAddr,
    /// Where the control interface is, over plain HTTP. Keep it on the loopback.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Where Alipay's /gateway.do and /v3/alipay/... are, over plain HTTP.
    #[arg(long, default_value = "127.0.0.1:0")]
    alipay_listen: SocketAddr,
    /// Where Alipay's control interface is, over plain HTTP. Keep it on the loopback.
    #[arg(long, default_value = "127.0.0.1:0")]
    alipay_control: SocketAddr,
    /// Where the phones are, over plain HTTP; 0.0.0.0:8090 lets a real phone in the same network show them.
    #[arg(long, default_value = "127.0.0.1:0")]
    phones: SocketAddr,
    /// A store's trust.json: whom to trust where the store is told of payments over HTTPS.
    #[arg(long)]
    notify_trust: Option<PathBuf>,
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
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    std::fs::create_dir_all(&arguments.dir)?;
    let dir = arguments.dir.canonicalize()?;
    let notify_roots = match &arguments.notify_trust {
        Some(path) => serde_json::from_slice::<TrustBundle>(&std::fs::read(path)?)?.root_certificates,
        None => Vec::new(),
    };
    let config = wechat::SimulatorConfig {
        listen: arguments.listen,
        secure_listen: arguments.secure_listen,
        control_listen: arguments.control,
        seed: arguments.seed,
        notify_roots: notify_roots.clone(),
        ..wechat::SimulatorConfig::default()
    };
    let wechat = wechat::Simulator::start(&dir, config).await?;
    let config = alipay::SimulatorConfig {
        listen: arguments.alipay_listen,
        control_listen: arguments.alipay_control,
        seed: arguments.seed,
        notify_roots,
        ..alipay::SimulatorConfig::default()
    };
    let alipay = alipay::Simulator::start(&dir.join("alipay"), config).await?;
    let counters = vec![wechat.counter(), alipay.counter()];
    let (phones, _serving) = serve_phones(arguments.phones, counters)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}; choose another port", arguments.phones))?;
    let (at, alipay_at) = (wechat.addresses(), alipay.addresses());
    let ready = serde_json::json!({
        "ready": true,
        "listen": at.open.to_string(),
        "secure_listen": at.secure.to_string(),
        "control": at.control.to_string(),
        "phones": format!("http://{phones}/"),
        "kit": wechat.kit().1.join("kit.json"),
        "wechat": wechat.server_section(),
        "wechat_with_spare": wechat.server_section_with_spare(),
        "wechat_v3": wechat.v3_section(true, STORE),
        "alipay_listen": alipay_at.gateway.to_string(),
        "alipay_control": alipay_at.control.to_string(),
        "alipay_kit": alipay.kit().1.join("kit.json"),
        "alipay": alipay.server_section(alipay::Mode::Certificates),
        "alipay_with_spare": alipay.server_section_with_spare(alipay::Mode::Certificates),
    });
    println!("{ready}");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
