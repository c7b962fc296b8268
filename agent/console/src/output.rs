//! Standard output that may be a pipe whose reader has had enough.

use std::{
    fmt,
    io::{self, ErrorKind, Write as _},
    process,
};

/// Exit code when standard output fails for another reason than a reader that has gone.
const ENVIRONMENT: i32 = 3;

/// Prints a line. A reader that has gone (`| head`) ends the program quietly, as it does other commands.
pub fn line(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    if let Err(failure) = writeln!(out, "{text}") {
        give_up(&failure);
    }
}

/// Prints a line to standard error; nothing is left to be told where that is gone too.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Ends the program after standard output has failed.
pub fn give_up(failure: &io::Error) -> ! {
    if failure.kind() == ErrorKind::BrokenPipe {
        process::exit(0);
    }
    note(format_args!("standard output: {failure}"));
    process::exit(ENVIRONMENT);
}

/// `println!` that survives a closed pipe.
#[macro_export]
macro_rules! outln {
    ($($part:tt)*) => { $crate::line(format_args!($($part)*)) };
}

/// A message of the catalogue in the language of this run.
///
/// `name = value` puts a text in, `name: value` a count, which chooses between singular and plural.
///
/// ```
/// use tidewaiter_console::said;
/// let text = said!("demo-draining", left: 3_u64);
/// assert!(text.contains('3'));
/// ```
#[macro_export]
macro_rules! said {
    ($id:expr) => { $crate::say($crate::language(), $id, &[]) };
    ($id:expr, $($name:ident $kind:tt $value:expr),+ $(,)?) => {
        $crate::say($crate::language(), $id, &[$((stringify!($name), $crate::said_part!($kind $value))),+])
    };
}

/// A text or a count as an argument of a message; a part of [`said!`].
#[doc(hidden)]
#[macro_export]
macro_rules! said_part {
    (= $value:expr) => {
        $crate::Arg::from(&($value).to_string())
    };
    (: $value:expr) => {
        $crate::Arg::from($value)
    };
}
