//! The five documents: their `typ` and how large each may be.

use std::fmt;

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Keys and roles.
    Root,
    /// Approved limit tables.
    Limits,
    /// What one agent works with.
    Assignment,
    /// A monitoring plan.
    Plan,
    /// One thing to do.
    Command,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Root, Self::Limits, Self::Assignment, Self::Plan, Self::Command];

    /// The text of the `typ` header (label 16, RFC 9596).
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Root => "application/vnd.tidewaiter.root+cbor; v=1",
            Self::Limits => "application/vnd.tidewaiter.limits+cbor; v=1",
            Self::Assignment => "application/vnd.tidewaiter.assignment+cbor; v=1",
            Self::Plan => "application/vnd.tidewaiter.plan+cbor; v=1",
            Self::Command => "application/vnd.tidewaiter.command+cbor; v=1",
        }
    }

    /// Reads [`Self::typ`] back.
    pub fn from_typ(typ: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.typ() == typ)
    }

    /// The largest document of this kind, in bytes; more is not looked at.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Root | Self::Limits => 64 * 1024,
            Self::Assignment => 16 * 1024,
            Self::Plan => 256 * 1024,
            Self::Command => 8 * 1024,
        }
    }

    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Limits => "limits",
            Self::Assignment => "assignment",
            Self::Plan => "plan",
            Self::Command => "command",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
