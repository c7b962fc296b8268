//! `store`: what a database administrator needs.

use std::io::{self, Write as _};

use clap::Subcommand;

use super::Failure;

/// The store on a `PostgreSQL` server.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Print the SQL that makes the tables and says what two roles may do with them.
    ///
    /// Example: tidewaiter-collector store sql | psql tidewaiter
    Sql {
        /// Role that collectors connect as.
        #[arg(long, default_value = "tidewaiter")]
        writer: String,
        /// Role of people who only read.
        #[arg(long, default_value = "tidewaiter_read")]
        reader: String,
        /// Only what a database of this layout lacks.
        #[arg(long, value_name = "LAYOUT")]
        since: Option<i64>,
    },
}

pub(super) fn carry_out(command: StoreCommand) -> Result<u8, Failure> {
    let StoreCommand::Sql { writer, reader, since } = command;
    io::stdout().lock().write_all(sql(&writer, &reader, since)?.as_bytes())?;
    Ok(0)
}

#[cfg(feature = "postgres")]
fn sql(writer: &str, reader: &str, since: Option<i64>) -> Result<String, Failure> {
    crate::store::postgres_schema::schema(writer, reader, since).map_err(Failure::Usage)
}

#[cfg(not(feature = "postgres"))]
fn sql(_: &str, _: &str, _: Option<i64>) -> Result<String, Failure> {
    Err(Failure::Usage("this program was built without PostgreSQL; build it with the feature `postgres`".to_owned()))
}
