//! `authority`: signed orders, from the first key to the result of a command.
//!
//! Everything but `publish`, `command` and `status` works on files alone, on a machine that no network reaches: one person
//! draws a document up and signs it, the next ones add their signatures with `sign`.

mod make;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidewaiter_record::mandate::Floors;

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  tidewaiter-collector authority key --out li-na.key
  tidewaiter-collector authority root --version 1 --root li-na.pub wang-wei.pub chen-jie.pub --limits he-min.pub zhao-lei.pub --director director.pub --key li-na.key --out root-1.cbor
  tidewaiter-collector authority sign root-1.cbor --key wang-wei.key
  tidewaiter-collector authority limits --version 1 --expires-at 5000 --key he-min.key --out limits-1.cbor site-ph.toml
  tidewaiter-collector authority assign gate-07 --version 1 --limits limits-1.cbor --expires-at 5000 --key director.key --out gate-07-1.cbor
  tidewaiter-collector authority publish root-1.cbor limits-1.cbor site-ph.toml gate-07-1.cbor --site yantian --agent gate-07 --spool orders
  tidewaiter-collector authority command gate-07 note text='scale checked' --number 1 --not-after 5000 --key director.key --config collector.toml --out command-1.cbor
  tidewaiter-collector authority status --config collector.toml";

/// Signed orders.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Authority {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the key of a person or of the director: NAME.key, which stays with them, and NAME.pub.
    Key {
        /// The private key to write; never overwritten. The public one goes beside it, ending in .pub.
        #[arg(long)]
        out: PathBuf,
    },
    /// Draw up a root: who may sign what. Version N+1 is signed by those of N and those of N+1.
    Root(Root),
    /// Draw up limits: the approved table files.
    Limits(Limits),
    /// Draw up an assignment: what one agent works with.
    Assign(Assign),
    /// Draw up a plan for signature by two persons of role limits.
    ///
    /// Example: tidewaiter-collector authority plan port.toml --key he-min.key --out plan-1.cbor
    Plan {
        /// The plan file.
        plan: PathBuf,
        /// What to sign and write.
        #[command(flatten)]
        draft: Draft,
    },
    /// Draw up a command.
    Command(CommandArgs),
    /// Add a signature to a document.
    Sign {
        /// The document; it is replaced.
        file: PathBuf,
        /// The key that signs.
        #[arg(long)]
        key: PathBuf,
    },
    /// Show a document as JSON: what it says, who has signed it, and with --root whether that is enough.
    ///
    /// Example: tidewaiter-collector authority show limits-1.cbor --root root-1.cbor
    Show {
        /// The document.
        file: PathBuf,
        /// The root that it is measured by.
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Put documents and table files into the spool, where a running collector takes them to the agents.
    Publish(Publish),
    /// Show what each agent has in force and what became of commands; exit code 1 while something is open.
    Status {
        /// The configuration.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
}

/// The first signature, and where the document goes.
#[derive(Debug, Args)]
struct Draft {
    /// The key that signs first; others follow with `sign`.
    #[arg(long)]
    key: PathBuf,
    /// The document to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Args)]
#[allow(clippy::struct_field_names, reason = "the fields are the names of options")]
struct Root {
    /// Its version; the first is 1.
    #[arg(long)]
    version: u64,
    /// Public keys of role root.
    #[arg(long, required = true, num_args = 1..)]
    root: Vec<PathBuf>,
    /// Public keys of role limits.
    #[arg(long, required = true, num_args = 1..)]
    limits: Vec<PathBuf>,
    /// Public keys of role director.
    #[arg(long, required = true, num_args = 1..)]
    director: Vec<PathBuf>,
    /// Public keys of role release.
    #[arg(long, num_args = 1..)]
    release: Vec<PathBuf>,
    /// How many of role root must sign.
    #[arg(long, default_value_t = 2)]
    root_threshold: usize,
    /// How many of role limits must sign.
    #[arg(long, default_value_t = 2)]
    limits_threshold: usize,
    /// Sets floors anew, after a stolen key drove a version up: lowest limits, lowest assignment, highest command used.
    #[arg(long, value_name = "LIMITS,ASSIGNMENT,COMMAND", value_parser = floors)]
    floors: Option<Floors>,
    #[command(flatten)]
    draft: Draft,
}

#[derive(Debug, Args)]
struct Limits {
    /// Its version, above all before.
    #[arg(long)]
    version: u64,
    /// The last beacon at which it is fresh.
    #[arg(long, value_name = "BEACON")]
    expires_at: u64,
    /// Ids of tables that must not judge when nothing fresh comes; others go on, marked stale.
    #[arg(long, value_name = "TABLE", num_args = 1..)]
    refuse: Vec<String>,
    /// The table files.
    #[arg(required = true)]
    tables: Vec<PathBuf>,
    #[command(flatten)]
    draft: Draft,
}

#[derive(Debug, Args)]
struct Assign {
    /// The agent.
    agent: String,
    /// Its version, above all before for this agent.
    #[arg(long)]
    version: u64,
    /// The limits that it draws on.
    #[arg(long)]
    limits: PathBuf,
    /// Ids of the tables to judge by; all of the limits when left out.
    #[arg(long, value_name = "TABLE", num_args = 1..)]
    tables: Vec<String>,
    /// The plan to work by, as drawn up with `plan`.
    #[arg(long)]
    plan: Option<PathBuf>,
    /// The newest beacon; for people.
    #[arg(long, default_value_t = 0)]
    beacon: u64,
    /// The last beacon at which it is fresh.
    #[arg(long, value_name = "BEACON")]
    expires_at: u64,
    /// Names of certificates not to be talked to.
    #[arg(long, num_args = 1..)]
    deny: Vec<String>,
    #[command(flatten)]
    draft: Draft,
}

#[derive(Debug, Args)]
struct CommandArgs {
    /// The agent.
    agent: String,
    /// report-status, note, function-check-start, drill-on or drill-off; drill-on also needs a key of role root.
    verb: String,
    /// Its arguments, each name=text.
    arguments: Vec<String>,
    /// Above every number used for this agent.
    #[arg(long)]
    number: u64,
    /// The last beacon at which it may be begun.
    #[arg(long, value_name = "BEACON")]
    not_after: u64,
    /// The collector whose store says where the agent's chain has come to.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
    #[command(flatten)]
    draft: Draft,
}

#[derive(Debug, Args)]
struct Publish {
    /// Documents and table files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The site.
    #[arg(long)]
    site: String,
    /// The agents they are for.
    #[arg(long, required = true, num_args = 1..)]
    agent: Vec<String>,
    /// The folder that the collector's [orders] table names.
    #[arg(long)]
    spool: PathBuf,
}

fn floors(text: &str) -> Result<Floors, String> {
    let numbers: Vec<u64> =
        text.split(',').map(|it| it.trim().parse::<u64>()).collect::<Result<_, _>>().map_err(|it| it.to_string())?;
    match numbers.as_slice() {
        [limits, assignment, command] => Ok(Floors { limits: *limits, assignment: *assignment, command: *command }),
        _ => Err("write three numbers: LIMITS,ASSIGNMENT,COMMAND".to_owned()),
    }
}

pub(super) fn carry_out(Authority { what }: Authority) -> Result<u8, Failure> {
    match what {
        What::Key { out } => make::key(&out),
        What::Root(args) => make::root(&args),
        What::Limits(args) => make::limits(&args),
        What::Assign(args) => make::assign(&args),
        What::Plan { plan, draft } => make::plan(&plan, &draft),
        What::Command(args) => make::command(&args),
        What::Sign { file, key } => make::sign(&file, &key),
        What::Show { file, root } => show::show(&file, root.as_deref()),
        What::Publish(args) => show::publish(&args),
        What::Status { config, json } => show::status(&config, json),
    }
}
