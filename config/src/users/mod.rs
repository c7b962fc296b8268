//! The users file: who may sign in at the local interface, and as what.
//!
//! ```toml
//! version = 1
//!
//! [[users]]
//! name = "lina"                        # typed at sign-in
//! display = "Li Na"                    # stands in records as the operator
//! role = "operator"                    # operator, metrologist, reviewer, administrator
//! since = 2026-11-29
//! password = "$argon2id$v=19$m=19456,t=2,p=1$…$…"
//! disabled = false
//!
//! [[users.tokens]]                     # for programs; the token itself is shown once and stands nowhere
//! id = "t1"
//! sha256 = "9f86d0…"
//! since = 2026-11-29
//! ```
//!
//! In comes a text, out come checked users or every fault with its place. A file with one fault is refused whole: a
//! line that was read wrongly must never be somebody's way in. Passwords are hashed elsewhere; here stands only which
//! hashes are accepted.

mod write;

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::{
    reader::{Document, Node, Value},
    report::Report,
};

pub use write::to_toml;

/// Users in one file, at most.
pub const MOST_USERS: usize = 500;
/// Tokens of one user, at most.
pub const MOST_TOKENS: usize = 8;
/// Longest name shown, in bytes: it goes into signed records.
pub const LONGEST_DISPLAY: usize = 64;
/// Memory of argon2id, KiB: from what OWASP recommends (19 MiB with two passes) to what a gateway can spare.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 19_456..=131_072;
const PASSES: std::ops::RangeInclusive<u32> = 2..=16;
const LANES: std::ops::RangeInclusive<u32> = 1..=4;

/// What a person may do. Each of the two in the middle has duties of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs lanes and rigs.
    Operator,
    /// Looks after the instruments.
    Metrologist,
    /// Decides what follows from a finding.
    Reviewer,
    /// Looks after the agent.
    Administrator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Metrologist, Self::Reviewer, Self::Administrator];

    /// The stable spelling of files and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Metrologist => "metrologist",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
        }
    }
}

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Typed at sign-in.
    pub name: String,
    /// Stands in records.
    pub display: String,
    /// What they may do.
    pub role: Role,
    /// When the entry was made.
    pub since: Date,
    /// argon2id in PHC form; without it nobody signs in by this name, but programs may have tokens.
    pub password: Option<String>,
    /// Neither password nor token is accepted.
    pub disabled: bool,
    /// Tokens for programs.
    pub tokens: Vec<Token>,
}

/// A token for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is called when it is taken back.
    pub id: String,
    /// SHA-256 of the token: it is 256 random bits, so that guessing is hopeless without any stretching.
    pub sha256: [u8; 32],
    /// When it was made.
    pub since: Date,
}

/// Reads a users file from its text.
///
/// # Errors
///
/// Every fault with its place and what to write instead.
pub fn users_from_str(name: &str, text: &str) -> Result<Vec<User>, Report> {
    let document = Document::new(name, text);
    let parsed = document.parse();
    let users = read(&Node::root(&document, &parsed));
    let report = document.into_report();
    match users {
        Some(users) if !report.has_errors() => Ok(users),
        _ => Err(report),
    }
}

fn read(root: &Node<'_>) -> Option<Vec<User>> {
    let version = root.need("version", "1").and_then(|value| value.integer(1_u32, 1));
    let nodes = root.tables("users");
    let users: Vec<Option<User>> = nodes.iter().map(user).collect();
    root.finish();
    if let Some(node) = nodes.get(MOST_USERS) {
        let what = format!("the file lists {} users, and {MOST_USERS} are the most", nodes.len());
        node.document().error(node.span(), what, "fewer users");
    }
    let (mut names, mut displays, mut tokens) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (node, user) in nodes.iter().zip(&users) {
        let Some(user) = user else { continue };
        if !names.insert(user.name.to_ascii_lowercase()) {
            let what = format!("two users have the name {:?}", user.name);
            node.document().error(node.span(), what, "another name for one of them");
        }
        if !displays.insert(user.display.to_lowercase()) {
            let what = format!("two users are shown as {:?}; records would not tell them apart", user.display);
            node.document().error(node.span(), what, "display = \"…\", another one for one of them");
        }
        for token in &user.tokens {
            if !tokens.insert(token.sha256) {
                let what = format!("the token {:?} stands twice in the file", token.id);
                node.document().error(node.span(), what, "each token once; make another with `tidewaiter users token`");
            }
        }
    }
    version?;
    users.into_iter().collect()
}

fn user(node: &Node<'_>) -> Option<User> {
    let name = node.need("name", "\"lina\"").and_then(|value| Some(value.id()?.to_owned()));
    let display = node.need("display", "\"Li Na\"").and_then(|value| shown(&value));
    let role =
        node.need("role", "\"operator\"").and_then(|value| value.word(&Role::ALL.map(|role| (role.word(), role))));
    let since = node.need("since", "2026-11-29").and_then(|value| value.date());
    let password = node.may("password").map_or(Some(None), |value| password(&value).map(Some));
    // Never absent: a line that got lost must not let somebody in again.
    let disabled = node.need("disabled", "false").and_then(|value| value.flag());
    let nodes = node.tables("tokens");
    let tokens: Vec<Option<Token>> = nodes.iter().map(token).collect();
    node.finish();
    if let Some(extra) = nodes.get(MOST_TOKENS) {
        let what = format!("{} has {} tokens, and {MOST_TOKENS} are the most", node_name(name.as_ref()), nodes.len());
        extra.document().error(extra.span(), what, "`tidewaiter users token NAME --remove ID` for those not in use");
    }
    let tokens: Option<Vec<Token>> = tokens.into_iter().collect();
    let user = User {
        name: name?,
        display: display?,
        role: role?,
        since: since?,
        password: password?,
        disabled: disabled?,
        tokens: tokens?,
    };
    let mut ids = BTreeSet::new();
    for (node, token) in nodes.iter().zip(&user.tokens) {
        if !ids.insert(token.id.as_str()) {
            node.document().error(node.span(), format!("two tokens have the id {:?}", token.id), "another id");
            return None;
        }
    }
    Some(user)
}

fn node_name(name: Option<&String>) -> &str {
    name.map_or("the user", String::as_str)
}

/// Whether a name may stand in records as the operator.
pub fn is_display(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_DISPLAY
        && text.trim() == text
        && !text.chars().any(|c| {
            c.is_control()
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
        })
}

fn shown(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if is_display(text) {
        return Some(text.to_owned());
    }
    value.fault(
        format!("`display` is {text:?}; it has 1 to {LONGEST_DISPLAY} bytes, none of them invisible"),
        "display = \"Li Na\"",
    );
    None
}

fn password(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if is_accepted_hash(text) {
        return Some(text.to_owned());
    }
    // What stands there may be a password in clear, so it is not quoted.
    value.fault(
        format!(
            "`password` is no argon2id hash of {} to {} KiB and {} to {} passes",
            MEMORY_KIB.start(),
            MEMORY_KIB.end(),
            PASSES.start(),
            PASSES.end()
        ),
        "nothing here, and then `tidewaiter users passwd NAME`, which writes it",
    );
    None
}

/// Whether a password hash is one this software makes and checks: argon2id v19 in PHC form, parameters within bounds,
/// a salt of 16 and a hash of 32 bytes.
pub fn is_accepted_hash(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("$argon2id$v=19$m=") else { return false };
    let mut parts = rest.split('$');
    let (Some(cost), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |text: &str| {
        let plain = text.bytes().all(|it| it.is_ascii_digit()) && !text.starts_with('0');
        text.parse::<u32>().ok().filter(|_| plain)
    };
    let costs = cost.split_once(",t=").and_then(|(memory, rest)| {
        let (passes, lanes) = rest.split_once(",p=")?;
        Some((number(memory)?, number(passes)?, number(lanes)?))
    });
    let bounded = costs.is_some_and(|(memory, passes, lanes)| {
        MEMORY_KIB.contains(&memory) && PASSES.contains(&passes) && LANES.contains(&lanes)
    });
    // Base64 without padding: 22 characters end in four bits of zero, 43 in two.
    let base64 = |text: &str, length: usize, last: &str| {
        text.len() == length
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/'))
            && text.chars().next_back().is_some_and(|it| last.contains(it))
    };
    bounded && base64(salt, 22, "AQgw") && base64(hash, 43, "AEIMQUYcgkosw048")
}

fn token(node: &Node<'_>) -> Option<Token> {
    let id = node.need("id", "\"t1\"").and_then(|value| Some(value.id()?.to_owned()));
    let sha256 = node.need("sha256", "\"9f86d0…\"").and_then(|value| digest(&value));
    let since = node.need("since", "2026-11-29").and_then(|value| value.date());
    node.finish();
    Some(Token { id: id?, sha256: sha256?, since: since? })
}

fn digest(value: &Value<'_>) -> Option<[u8; 32]> {
    let text = value.text()?;
    let mut bytes = [0; 32];
    let hexadecimal = text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 64 || !hexadecimal {
        // What stands there may be the token itself, so it is not quoted.
        value.fault(
            "`sha256` is not 64 lower-case hexadecimal digits",
            "`tidewaiter users token NAME`, which writes it",
        );
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|it| u8::from_str_radix(it, 16).ok())?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
