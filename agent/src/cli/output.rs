//! Standard output that may be a pipe whose reader has had enough.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

use super::ENVIRONMENT;

/// Prints a line. A reader that has gone (`| head`) ends the program quietly, as it does other commands.
pub(super) fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(failure) = writeln!(out, "{text}") {
        give_up(&failure);
    }
}

/// Ends the program after standard output has failed.
pub(super) fn give_up(failure: &io::Error) -> ! {
    if failure.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("tidewaiter: standard output: {failure}");
    std::process::exit(i32::from(ENVIRONMENT));
}

/// `println!` that survives a closed pipe.
macro_rules! outln {
    ($($part:tt)*) => { $crate::cli::output::line(format_args!($($part)*)) };
}
pub(super) use outln;
