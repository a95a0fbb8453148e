//! `cargo load`.

use clap::{Parser, Subcommand};
use evertill_tests::load::{bulkhead, cores, echo, growth, intake, overload, pay, reconcile, till};
use evertill_tests::store_rig::RigError;
use evertill_tests::workspace;
use serde_json::Value;
use std::process::ExitCode;

/// How much the server takes, and how it behaves when that is not enough. One core is the server's, another the tills'.
#[derive(Parser)]
#[command(
    name = "cargo load",
    after_help = "Examples:\n  cargo load -- intake --json\n  cargo load -- intake --engine postgres --json\n  \
                  cargo load -- intake --profile target/intake.svg\n  \
                  cargo load -- growth --json\n  cargo load -- overload --json\n  \
                  cargo load -- pay --json\n  cargo load -- bulkhead --json\n  cargo load -- reconcile --json\n  cargo load -- till --json"
)]
struct Options {
    #[command(subcommand)]
    program: Program,
    /// The last line printed is one JSON object on one line.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Program {
    /// Orders a second on one core, beside the price of what cannot be left out.
    Intake(intake::IntakeOptions),
    /// Creating, reading and a day's total, in groups that hold few orders and many.
    Growth(growth::GrowthOptions),
    /// Useful work when far more is asked for than can be done.
    Overload(overload::OverloadOptions),
    /// A long day's bill, fetched and compared with the books.
    Reconcile(reconcile::ReconcileOptions),
    /// What the server adds to the time of a code payment.
    Pay(pay::PayOptions),
    /// What one wallet's customers notice while the other wallet hangs or turns everybody away.
    Bulkhead(bulkhead::BulkheadOptions),
    /// The till in its window: how fast it starts, shows a scan and finds goods, and what it holds.
    Till(till::TillOptions),
    /// A server that only echoes over TLS; the intake program starts it.
    #[command(hide = true)]
    Echo(echo::EchoOptions),
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options.program) {
        Ok(report) => {
            let pretty = serde_json::to_string_pretty(&report).unwrap_or_default();
            println!("{}", if options.json { report.to_string() } else { pretty });
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(program: &Program) -> Result<Value, RigError> {
    let system = |error: std::io::Error| RigError::Unexpected(error.to_string());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system);
    if let Program::Echo(options) = program {
        return runtime()?.block_on(echo::serve(options)).map(|()| Value::Null);
    }
    // Before this process goes to its own core: a build takes all of them.
    workspace::build_programs().map_err(RigError::Build)?;
    if let Program::Reconcile(options) = program {
        return runtime()?.block_on(reconcile::run(options));
    }
    if let Program::Till(options) = program {
        return runtime()?.block_on(till::run(options));
    }
    let cores = cores::Cores::choose().map_err(system)?;
    cores::pin(cores.tills).map_err(system)?;
    runtime()?.block_on(async {
        match program {
            Program::Intake(options) => intake::run(options, cores).await,
            Program::Growth(options) => growth::run(options, cores).await,
            Program::Overload(options) => overload::run(options, cores).await,
            Program::Pay(options) => pay::run(options, cores).await,
            Program::Bulkhead(options) => bulkhead::run(options, cores).await,
            Program::Reconcile(_) | Program::Till(_) | Program::Echo(_) => Ok(Value::Null),
        }
    })
}
