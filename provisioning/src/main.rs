//! `evertill-admin`: what IT runs. It makes stores, and works with a running server over its public API only.

mod command;

use clap::{Parser, Subcommand};
use command::Report;
use std::process::ExitCode;

/// Makes stores and looks after their staff and terminals.
#[derive(Parser)]
#[command(name = "evertill-admin", version, arg_required_else_help = true)]
#[command(after_help = "A new shop, step by step:\n  \
    evertill-admin store create --dir corner --name \"Corner shop\" --store-id 1 --manager mei:\"Li Mei\" --it bo:\"Wang Bo\"\n  \
    evertill-server --config corner/server/server.toml\n  \
    evertill-admin terminal code --server https://localhost:8443 --trust corner/trust.json --login bo --name \"Till 1\"\n  \
    (type the code at the till, compare the fingerprint that it shows)\n  \
    evertill-admin terminal activate T0001 --server https://localhost:8443 --trust corner/trust.json --login bo")]
struct Cli {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A store's own files.
    #[command(subcommand, arg_required_else_help = true)]
    Store(Store),
    /// The store's servers.
    #[command(subcommand, arg_required_else_help = true)]
    Server(Server),
    /// People.
    #[command(subcommand, arg_required_else_help = true)]
    Staff(Staff),
    /// Tills.
    #[command(subcommand, arg_required_else_help = true)]
    Terminal(Terminal),
    /// Orders that wait for a person.
    #[command(subcommand, arg_required_else_help = true)]
    Order(Order),
    /// The databases that hold orders.
    #[command(subcommand, arg_required_else_help = true)]
    Group(Group),
    /// Goods and prices.
    #[command(subcommand, arg_required_else_help = true)]
    Catalogue(Catalogue),
    /// Asks each server whether it is up and ready, and how long its certificate counts.
    Status(command::status::Args),
}

#[derive(Subcommand)]
enum Store {
    /// Makes a new store: root certificate, server files, first people.
    Create(command::store_create::Args),
    /// Gives the server a new certificate, before the old one ends.
    RenewCertificate(command::store_renew::Args),
}

#[derive(Subcommand)]
enum Server {
    /// Makes the files of one more server of the store.
    Add(command::server_add::Args),
}

#[derive(Subcommand)]
enum Staff {
    /// Adds a person.
    Add(command::staff_add::Args),
    /// Lists all people.
    List(command::staff_list::Args),
    /// Closes the account of a person who left.
    Leave(command::staff_leave::Args),
    /// Gives a person a PIN for the tills, or takes it away.
    Pin(command::staff_pin::Args),
    /// Makes a card for a person to log in with at the tills by one scan, or takes it away.
    Card(command::staff_card::Args),
}

#[derive(Subcommand)]
enum Order {
    /// Takes into the books an order that a blocked till handed in.
    Accept(command::order_accept::Args),
}

#[derive(Subcommand)]
enum Group {
    /// Lists all order groups, and where their orders are.
    List(command::group_list::Args),
    /// Adds an order group to a running system.
    Add(command::group_add::Args),
    /// Lets a group have no new orders; all else goes on.
    Drain(command::group_change::DrainArgs),
    /// Moves a group's orders into another database, while they are used.
    Move(command::group_move::Args),
    /// Takes a drain, or a move that is not over, back.
    Abort(command::group_change::AbortArgs),
    /// Takes a database out of use whose orders have moved away.
    Retire(command::group_change::RetireArgs),
}

#[derive(Subcommand)]
enum Terminal {
    /// Makes a one-time code that lets one till register.
    Code(command::terminal_code::Args),
    /// Lists all terminals.
    List(command::terminal_list::Args),
    /// Takes a till into use, after comparing the fingerprint that it shows.
    Activate(command::terminal_activate::Args),
    /// Stops a till at once: stolen, or suspected.
    Block(command::terminal_block::BlockArgs),
    /// Lets a blocked till work again.
    Unblock(command::terminal_block::UnblockArgs),
    /// Takes a till out of use for good.
    Retire(command::terminal_retire::Args),
}

#[derive(Subcommand)]
enum Catalogue {
    /// Replaces the catalogue with the products of a file.
    Import(command::catalogue_import::Args),
    /// Gives goods small pictures, or takes theirs away.
    Pictures(command::catalogue_pictures::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(cli.json, Err(error.into())),
    };
    let outcome = runtime.block_on(run(cli.command));
    finish(cli.json, outcome)
}

async fn run(command: Command) -> command::Outcome {
    match command {
        Command::Store(Store::Create(args)) => command::store_create::run(&args),
        Command::Store(Store::RenewCertificate(args)) => command::store_renew::run(&args),
        Command::Server(Server::Add(args)) => command::server_add::run(&args),
        Command::Staff(Staff::Add(args)) => command::staff_add::run(&args).await,
        Command::Staff(Staff::List(args)) => command::staff_list::run(&args).await,
        Command::Staff(Staff::Leave(args)) => command::staff_leave::run(&args).await,
        Command::Staff(Staff::Pin(args)) => command::staff_pin::run(&args).await,
        Command::Staff(Staff::Card(args)) => command::staff_card::run(&args).await,
        Command::Order(Order::Accept(args)) => command::order_accept::run(&args).await,
        Command::Group(Group::List(args)) => command::group_list::run(&args).await,
        Command::Group(Group::Add(args)) => command::group_add::run(&args).await,
        Command::Group(Group::Drain(args)) => command::group_change::drain(&args).await,
        Command::Group(Group::Move(args)) => command::group_move::run(&args).await,
        Command::Group(Group::Abort(args)) => command::group_change::abort(&args).await,
        Command::Group(Group::Retire(args)) => command::group_change::retire(&args).await,
        Command::Terminal(Terminal::Code(args)) => command::terminal_code::run(&args).await,
        Command::Terminal(Terminal::List(args)) => command::terminal_list::run(&args).await,
        Command::Terminal(Terminal::Activate(args)) => command::terminal_activate::run(&args).await,
        Command::Terminal(Terminal::Block(args)) => command::terminal_block::block(&args).await,
        Command::Terminal(Terminal::Unblock(args)) => command::terminal_block::unblock(&args).await,
        Command::Terminal(Terminal::Retire(args)) => command::terminal_retire::run(&args).await,
        Command::Catalogue(Catalogue::Import(args)) => command::catalogue_import::run(&args).await,
        Command::Catalogue(Catalogue::Pictures(args)) => command::catalogue_pictures::run(&args).await,
        Command::Status(args) => command::status::run(&args).await,
    }
}

fn finish(json: bool, outcome: command::Outcome) -> ExitCode {
    match outcome {
        Ok(Report { text, data, good }) => {
            if json {
                println!("{data}");
            } else {
                println!("{}", text.trim_end());
            }
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            if json {
                println!("{}", serde_json::json!({ "ok": false, "error": error.to_string() }));
            }
            eprintln!("evertill-admin: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_command_has_an_example() {
        Cli::command().debug_assert();
        fn check(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().filter(|c| c.get_name() != "help").for_each(check);
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("evertill-admin"), "{} has no example", command.get_name());
            }
        }
        check(&Cli::command());
    }
}
