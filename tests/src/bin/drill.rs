//! `cargo drill -- NAME`.

use clap::{Parser, Subcommand};
use evertill_tests::drill::{channels, devices, group, hold, moving, patroni, power, servers, world};
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
    Channels(channels::ChannelsOptions),
    Move(moving::MoveDrill),
    Patroni(patroni::PatroniDrill),
    Power(power::PowerOptions),
    Devices(devices::DevicesOptions),
    Group(group::GroupOptions),
    Servers(servers::ServersOptions),
    /// Holds the lock on a file; the group drill starts it.
    #[command(hide = true)]
    Hold(hold::HoldOptions),
}

fn main() -> ExitCode {
    let held = match Options::parse().drill {
        Drill::World(options) => world::drill(&options).map_err(|error| error.to_string()),
        Drill::Channels(options) => channels::drill(&options).map_err(|error| error.to_string()),
        Drill::Devices(options) => devices::drill(&options).map_err(|error| error.to_string()),
        Drill::Group(options) => group::drill(&options).map_err(|error| error.to_string()),
        Drill::Servers(options) => servers::drill(&options).map_err(|error| error.to_string()),
        Drill::Hold(options) => hold::hold(&options).map_err(|error| error.to_string()),
        Drill::Patroni(options) => patroni::drill(&options).map_err(|error| error.to_string()),
        Drill::Power(options) => power::drill(&options).map_err(|error| error.to_string()),
        Drill::Move(options) => moving::drill(&options).map_err(|error| error.to_string()),
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
