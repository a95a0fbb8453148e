//! The store server's program.

use clap::{Parser, ValueEnum};
use evertill_server::config::Config;
use evertill_server::running::{RunningServer, start};
use evertill_shared::clock::SystemClock;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The store server: takes orders and payments from tills, and serves the console for managers and IT.
///
/// When it is ready it prints one line of JSON on stdout, {"ready":true,"listen":"127.0.0.1:8443"}, with the address of
/// its figures as "metrics" if it shows them. Its log goes to stderr; RUST_LOG=debug shows more. SIGTERM and SIGINT (Ctrl-C) stop it once what is
/// under way is finished.
#[derive(Parser)]
#[command(
    name = "evertill-server",
    version,
    after_help = "Example:\n  evertill-admin store create --help      # makes a store and its server.toml\n  \
                  evertill-server --config shop/server/server.toml"
)]
struct Arguments {
    /// The settings: the server.toml that `evertill-admin store create` has made.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// How the log is written: for programs, or for people.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Json)]
    log: LogForm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogForm {
    /// One JSON object a line.
    Json,
    /// One plain line each.
    Text,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log {
        LogForm::Json => log.json().init(),
        LogForm::Text => log.with_ansi(false).init(),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the system gives no threads: {error}")),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => failed(&text),
    }
}

fn failed(text: &str) -> ExitCode {
    eprintln!("evertill-server: {text}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Result<(), String> {
    // Other parts of the process (the wallets' clients) find the provider here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let config = Config::load(&arguments.config).map_err(|e| e.to_string())?;
    let mut server = start(config, Arc::new(SystemClock)).await.map_err(|e| e.to_string())?;
    announce(&server);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = server.ended() => return Err(format!("serving ended: {ended:?}")),
    }
    tracing::info!("stopping");
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

fn announce(server: &RunningServer) {
    let metrics = server.metrics_addr.map(|addr| format!(",\"metrics\":\"{addr}\"")).unwrap_or_default();
    let line = format!("{{\"ready\":true,\"listen\":\"{}\"{metrics}}}", server.addr);
    // Whoever started us may have closed our stdout; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
    let _ = std::io::stdout().flush();
    tracing::info!(listen = %server.addr, store = server.app.base.store().name, "ready");
}
