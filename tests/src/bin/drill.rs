//! `cargo drill -- NAME`.

use clap::{Parser, Subcommand};
use evertill_tests::drill::{moving, patroni, world};
use std::process::ExitCode;

/// Faults, on purpose: each drill starts what it needs, breaks it, checks that every rule held, and leaves nothing
/// behind.
#[derive(Parser)]
#[command(name = "cargo drill")]
struct Options {
    #[command(subcommand)]
    drill: Drill,
}

#[derive(Subcommand)]
enum Drill {
    World(world::WorldOptions),
    Move(moving::MoveDrill),
    Patroni(patroni::PatroniDrill),
}

fn main() -> ExitCode {
    let held = match Options::parse().drill {
        Drill::World(options) => world::drill(&options),
        Drill::Move(options) => moving::drill(&options),
        Drill::Patroni(options) => patroni::drill(&options),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the drill ended: {error}");
            ExitCode::FAILURE
        }
    }
}
