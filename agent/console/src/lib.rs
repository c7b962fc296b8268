//! What the command lines of the three programs share: language, colours, tables, progress, help, manual pages.
//!
//! A program reads its arguments with [`arguments`], which also settles the language and colours of the run. From then on
//! [`language`], [`said!`] and [`paint`] know them, and nothing needs to be handed down. Machine output goes by none of
//! them.

mod generate;
mod help;
mod output;
mod paint;
mod progress;
mod settings;
mod table;

pub use clap_complete::Shell;
pub use tidewaiter_words::{Arg, Language, say};

pub use self::{
    generate::{completions, man},
    help::{faults, localized, words_of},
    output::{give_up, line, note},
    paint::{Tone, paint, paint_for},
    progress::Progress,
    settings::{Color, Everywhere, arguments, colours, language, parse_language},
    table::{cell, table, width},
};
