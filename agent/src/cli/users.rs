//! `tidewaiter users`: who may sign in at the local page, and as what.
//!
//! A password comes from the terminal, without being shown, or from the first line of standard input; never from the
//! command line, which others on the machine can read.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;
use tidewaiter_config::users::{LONGEST_DISPLAY, MOST_TOKENS, MOST_USERS, Role, Token, User, is_display};
use tidewaiter_record::Hash;

use super::{FINDING, Failure, OK, Outcome, output::outln, place};
use crate::lane::access::{
    file::{self, FileError},
    password, random,
};

/// Longest line taken as a password.
const LONGEST_LINE: u64 = 4096;

/// Subcommands of `tidewaiter users`.
#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Let somebody in. The password is asked for, or comes as the first line of standard input.
    ///
    /// Example: tidewaiter users add lina --display 'Li Na' --role operator --config site.toml
    Add(AddArgs),
    /// Give somebody another password. They are signed out wherever they are.
    ///
    /// Example: tidewaiter users passwd lina --config site.toml
    Passwd(NameArgs),
    /// Give somebody another role. They are signed out wherever they are.
    ///
    /// Example: tidewaiter users role lina metrologist --config site.toml
    Role(RoleArgs),
    /// Let somebody in no longer, neither by password nor by token; the entry stays.
    ///
    /// Example: tidewaiter users disable lina --config site.toml
    Disable(NameArgs),
    /// Let them in again.
    ///
    /// Example: tidewaiter users enable lina --config site.toml
    Enable(NameArgs),
    /// Take somebody off the list.
    ///
    /// Example: tidewaiter users remove lina --config site.toml
    Remove(NameArgs),
    /// Who may sign in. No secrets.
    ///
    /// Example: tidewaiter users list --config site.toml
    List(ListArgs),
    /// Make a token by which a program acts as this person, shown once; or take one back.
    ///
    /// A program sends it as `Authorization: Bearer TOKEN`; the commands take it from `TIDEWAITER_TOKEN`.
    ///
    /// Example: tidewaiter users token lina --config site.toml
    Token(TokenArgs),
}

/// Where the users file is.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// Site file; its `users` in [local] names the users file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: Option<PathBuf>,
    /// Users file, when there is no site file at hand.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

/// Options of `users add`.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Typed at sign-in: letters, digits, `-`, `_` and `.`.
    #[arg(value_parser = name)]
    name: String,
    /// Stands in records as the operator; no two users share one.
    #[arg(long, value_parser = display)]
    display: String,
    /// What they may do.
    #[arg(long, value_enum)]
    role: Choice,
    /// For a program that has tokens alone: nobody can sign in by this name.
    #[arg(long)]
    no_password: bool,
    #[command(flatten)]
    place: Where,
}

/// Options of most.
#[derive(Debug, Args)]
pub(super) struct NameArgs {
    /// Whose entry.
    name: String,
    #[command(flatten)]
    place: Where,
}

/// Options of `users role`.
#[derive(Debug, Args)]
pub(super) struct RoleArgs {
    /// Whose entry.
    name: String,
    /// What they may do from now on.
    #[arg(value_enum)]
    role: Choice,
    #[command(flatten)]
    place: Where,
}

/// Options of `users list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// Options of `users token`.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// As whom the program acts.
    name: String,
    /// Take this one back instead; `tidewaiter users list` names them.
    #[arg(long, value_name = "ID")]
    remove: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Roles by their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Runs lanes and rigs, enters values, takes samples.
    Operator,
    /// Also function checks and exercises.
    Metrologist,
    /// Also decides on findings, and reports.
    Reviewer,
    /// Everything, keys and reloading included.
    Administrator,
}

impl From<Choice> for Role {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Operator => Self::Operator,
            Choice::Metrologist => Self::Metrologist,
            Choice::Reviewer => Self::Reviewer,
            Choice::Administrator => Self::Administrator,
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=LONGEST_DISPLAY).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!("a name has 1 to {LONGEST_DISPLAY} of a-z A-Z 0-9 - _ ."))
}

fn display(text: &str) -> Result<String, String> {
    if is_display(text) {
        return Ok(text.to_owned());
    }
    Err(format!("1 to {LONGEST_DISPLAY} bytes, none of them invisible, no blanks around it"))
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("there is no user {0:?}; `tidewaiter users list` names them")]
    Nobody(String),
    #[error("there is a user {0:?} already; `tidewaiter users passwd` gives another password")]
    Known(String),
    #[error("{0:?} stands in records for another user already")]
    Shown(String),
    #[error("{0} is the most; remove one that is not in use")]
    Most(usize),
    #[error("{1} has no token {0:?}; `tidewaiter users list` names them")]
    NoToken(String, String),
    #[error("the operating system gives no randomness")]
    Randomness,
}

impl From<Refused> for Failure {
    fn from(why: Refused) -> Self {
        match why {
            Refused::File(FileError::Content(_)) => Self::usage(why),
            Refused::File(_) | Refused::Randomness => Self::environment(why),
            _ => Self { code: FINDING, message: why.to_string() },
        }
    }
}

impl Where {
    fn file(&self) -> Result<PathBuf, Failure> {
        match (&self.file, &self.config) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(config)) => place::site(config)?.local.users.ok_or_else(|| {
                Failure::usage(format!(
                    "{} names no users file; write  users = \"users.toml\"  under [local]",
                    config.display()
                ))
            }),
            (None, None) => Err(Failure::usage("say where: --config SITE or --file USERS")),
        }
    }
}

pub(super) fn users(command: UsersCommand) -> Outcome {
    match command {
        UsersCommand::Add(args) => add(&args),
        UsersCommand::Passwd(args) => {
            let path = args.place.file()?;
            // Known before anybody types anything.
            entry(&path, &args.name, |_| Ok(()))?;
            let hash = typed(&args.name)?;
            entry(&path, &args.name, |user| {
                user.password = Some(hash);
                Ok(())
            })?;
            said(&args.name, "has another password")
        }
        UsersCommand::Role(args) => {
            let role = Role::from(args.role);
            entry(&args.place.file()?, &args.name, |user| {
                user.role = role;
                Ok(())
            })?;
            said(&args.name, &format!("is {} now", role.word()))
        }
        UsersCommand::Disable(args) => able(&args, true),
        UsersCommand::Enable(args) => able(&args, false),
        UsersCommand::Remove(args) => {
            file::change(&args.place.file()?, |users| {
                let before = users.len();
                users.retain(|it| !it.name.eq_ignore_ascii_case(&args.name));
                if users.len() == before { Err(Refused::Nobody(args.name.clone())) } else { Ok(()) }
            })?;
            said(&args.name, "is off the list")
        }
        UsersCommand::List(args) => list(&args),
        UsersCommand::Token(args) => token(&args),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the last word of every subcommand, as its outcome")]
fn said(name: &str, what: &str) -> Outcome {
    outln!("{name} {what}; a running agent knows within a second or two");
    Ok(OK)
}

fn entry<T>(
    path: &std::path::Path,
    name: &str,
    change: impl FnOnce(&mut User) -> Result<T, Refused>,
) -> Result<T, Refused> {
    file::change(path, |users| {
        let user = users.iter_mut().find(|it| it.name.eq_ignore_ascii_case(name));
        change(user.ok_or_else(|| Refused::Nobody(name.to_owned()))?)
    })
}

fn able(args: &NameArgs, disabled: bool) -> Outcome {
    entry(&args.place.file()?, &args.name, |user| {
        user.disabled = disabled;
        Ok(())
    })?;
    said(&args.name, if disabled { "is let in no longer" } else { "is let in again" })
}

fn add(args: &AddArgs) -> Outcome {
    let path = args.place.file()?;
    let fits = |users: &[User]| {
        if users.iter().any(|it| it.name.eq_ignore_ascii_case(&args.name)) {
            return Err(Refused::Known(args.name.clone()));
        }
        if users.iter().any(|it| it.display.to_lowercase() == args.display.to_lowercase()) {
            return Err(Refused::Shown(args.display.clone()));
        }
        if users.len() >= MOST_USERS { Err(Refused::Most(MOST_USERS)) } else { Ok(()) }
    };
    match file::read(&path) {
        Ok((users, _)) => fits(&users)?,
        Err(absent) if absent.is_absent() => {}
        Err(fault) => return Err(Refused::File(fault).into()),
    }
    let password = if args.no_password { None } else { Some(typed(&args.name)?) };
    file::change(&path, |users| {
        fits(users)?;
        users.push(User {
            name: args.name.clone(),
            display: args.display.clone(),
            role: args.role.into(),
            since: today(),
            password,
            disabled: false,
            tokens: Vec::new(),
        });
        Ok::<_, Refused>(())
    })?;
    said(&args.name, &format!("may sign in as {} ({})", Role::from(args.role).word(), path.display()))
}

fn list(args: &ListArgs) -> Outcome {
    let path = args.place.file()?;
    let (users, _) = match file::read(&path) {
        Ok(read) => read,
        Err(absent) if absent.is_absent() => {
            outln!("nobody: there is no {}", path.display());
            return Ok(OK);
        }
        Err(fault) => return Err(Refused::File(fault).into()),
    };
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["name", "in records", "role", "since", "signs in", "tokens"]);
    for user in &users {
        let tokens: Vec<String> = user.tokens.iter().map(|it| format!("{} ({})", it.id, it.since)).collect();
        let signs_in = !user.disabled && user.password.is_some();
        if args.json {
            let ids: Vec<&str> = user.tokens.iter().map(|it| it.id.as_str()).collect();
            outln!(
                "{}",
                json!({
                    "name": user.name, "display": user.display, "role": user.role.word(),
                    "since": user.since.to_string(), "disabled": user.disabled, "signs_in": signs_in, "tokens": ids,
                })
            );
            continue;
        }
        let signs_in = if user.disabled {
            "disabled"
        } else if signs_in {
            "yes"
        } else {
            "tokens only"
        };
        table.add_row([
            user.name.as_str(),
            &user.display,
            user.role.word(),
            &user.since.to_string(),
            signs_in,
            &tokens.join(", "),
        ]);
    }
    if !args.json {
        outln!("{table}");
    }
    Ok(OK)
}

fn token(args: &TokenArgs) -> Outcome {
    let path = args.place.file()?;
    if let Some(id) = &args.remove {
        entry(&path, &args.name, |user| {
            let before = user.tokens.len();
            user.tokens.retain(|it| it.id != *id);
            if user.tokens.len() == before { Err(Refused::NoToken(id.clone(), args.name.clone())) } else { Ok(()) }
        })?;
        return said(&args.name, &format!("has no token {id} any more"));
    }
    let secret = random().ok_or(Refused::Randomness)?;
    let id = entry(&path, &args.name, |user| {
        if user.tokens.len() >= MOST_TOKENS {
            return Err(Refused::Most(MOST_TOKENS));
        }
        let free = (1..=MOST_TOKENS).map(|it| format!("t{it}")).find(|id| user.tokens.iter().all(|it| it.id != *id));
        let id = free.ok_or(Refused::Most(MOST_TOKENS))?;
        user.tokens.push(Token { id: id.clone(), sha256: Hash::of(&secret).0, since: today() });
        Ok(id)
    })?;
    eprintln!("token {id} of {}, shown this once; whoever has it acts as {}:", args.name, args.name);
    outln!("{}", hex::encode(secret));
    Ok(OK)
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Asks for a new password and hashes it.
fn typed(name: &str) -> Result<String, Failure> {
    let unfit = |why: password::Unfit| Failure::usage(why);
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return password::hash(name, &line(LONGEST_LINE)?).map_err(unfit);
    }
    let first = unseen(&format!("new password of {name}: "))?;
    // Told before it is typed a second time.
    let hash = password::hash(name, &first).map_err(unfit)?;
    if unseen("again: ")? == first {
        Ok(hash)
    } else {
        Err(Failure::usage("these were two different passwords; nothing is changed"))
    }
}

fn line(most: u64) -> Result<String, Failure> {
    use io::Read as _;
    let mut line = String::new();
    let stdin = io::stdin();
    let read =
        stdin.lock().take(most).read_line(&mut line).map_err(|why| Failure::environment(format!("password: {why}")))?;
    if read == 0 {
        return Err(Failure::usage("no password came; it is the first line of standard input"));
    }
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

/// Reads a line from the terminal without showing it.
fn unseen(prompt: &str) -> Result<String, Failure> {
    let failed = |why: rustix::io::Errno| Failure::environment(format!("terminal: {why}"));
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).map_err(failed)?;
    let mut hidden = before.clone();
    // Ctrl-C would end the program and leave the terminal dumb, so that it comes as a character here.
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    hidden.local_modes.insert(LocalModes::ECHONL);
    eprint!("{prompt}");
    let _ = io::stderr().flush();
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(failed)?;
    let read = line(LONGEST_LINE);
    tcsetattr(&stdin, OptionalActions::Flush, &before).map_err(failed)?;
    let read = read?;
    if read.contains('\u{3}') {
        return Err(Failure::usage("given up; nothing is changed"));
    }
    Ok(read)
}
