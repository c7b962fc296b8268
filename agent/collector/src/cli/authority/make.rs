//! Drawing documents up and signing them.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidewaiter_config::limits::load_str;
use tidewaiter_record::{
    Hash, Kid, PublicKey, Signer, kid_of,
    mandate::{
        self, After, Approved, Assigned, AssignedPlan, Assignment, Command, Kind, MAX_TABLE_BYTES, OnExpiry, Role,
        Signed, add_signature,
    },
    sign::{Algorithm, SoftwareKey},
};

use super::{Assign, CommandArgs, Draft, Limits, Root};
use crate::{
    cli::Failure,
    config::Config,
    files::{self, FileError},
};

/// A public key as a file: what a root is drawn up from.
#[derive(Serialize, Deserialize)]
struct PublicFile {
    kid: Kid,
    alg: Algorithm,
    public: String,
}

pub(super) fn usage(why: impl std::fmt::Display) -> Failure {
    Failure::Usage(why.to_string())
}

pub(super) fn key(out: &Path) -> Result<u8, Failure> {
    let key = SoftwareKey::generate(Algorithm::Ed25519).map_err(usage)?;
    let pem = key.to_pkcs8_pem().map_err(usage)?;
    let public = key.public_key();
    let file = PublicFile { kid: kid_of(&public), alg: public.algorithm(), public: hex::encode(public.to_bytes()) };
    let mut handle = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .map_err(FileError::of(out, "written"))?;
    handle.write_all(pem.as_bytes()).and_then(|()| handle.sync_all()).map_err(FileError::of(out, "written"))?;
    let beside = out.with_extension("pub");
    let text = serde_json::to_string(&file).map_err(usage)? + "\n";
    files::replace(&beside, text.as_bytes(), 0o644)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "key {}: {} (keep it secret), public: {}", file.kid, out.display(), beside.display())?;
    Ok(0)
}

fn public(path: &Path) -> Result<PublicKey, Failure> {
    let text = fs::read_to_string(path).map_err(FileError::of(path, "read"))?;
    let at = path.display();
    let file: PublicFile = serde_json::from_str(&text).map_err(|why| usage(format!("{at}: no public key: {why}")))?;
    let bytes = hex::decode(&file.public).map_err(|why| usage(format!("{at}: {why}")))?;
    let key = PublicKey::from_bytes(file.alg, &bytes).map_err(|why| usage(format!("{at}: {why}")))?;
    if kid_of(&key) == file.kid { Ok(key) } else { Err(usage(format!("{at}: the kid does not follow from the key"))) }
}

fn signer(path: &Path) -> Result<SoftwareKey, Failure> {
    let pem = fs::read_to_string(path).map_err(FileError::of(path, "read"))?;
    SoftwareKey::from_pkcs8_pem(&pem).map_err(|why| usage(format!("{}: {why}", path.display())))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = fs::metadata(path).map_err(FileError::of(path, "read"))?.len();
    if bytes > MAX_TABLE_BYTES as u64 {
        return Err(usage(format!("{}: {bytes} bytes, an order has {MAX_TABLE_BYTES} at most", path.display())));
    }
    Ok(fs::read(path).map_err(FileError::of(path, "read"))?)
}

/// Opens a document of one kind, in the words of its reader.
pub(super) fn open<T>(
    path: &Path,
    kind: Kind,
    read_payload: impl FnOnce(&Signed<'_>) -> Result<T, mandate::MandateError>,
) -> Result<T, Failure> {
    let bytes = read(path)?;
    let opened = Signed::open_as(&bytes, kind).and_then(|signed| read_payload(&signed));
    opened.map_err(|why| usage(format!("{}: {why}", path.display())))
}

fn draft(kind: Kind, payload: &[u8], to: &Draft) -> Result<u8, Failure> {
    let key = signer(&to.key)?;
    let bytes = mandate::draft(kind, payload, &[&key]).map_err(usage)?;
    files::replace(&to.out, &bytes, 0o644)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{kind} {}: {}, signed by {}", Hash::of(&bytes), to.out.display(), key.kid())?;
    Ok(0)
}

pub(super) fn sign(file: &Path, key: &Path) -> Result<u8, Failure> {
    let (key, bytes) = (signer(key)?, read(file)?);
    let signed = add_signature(&bytes, &key).map_err(|why| usage(format!("{}: {why}", file.display())))?;
    files::replace(file, &signed, 0o644)?;
    let count = Signed::open(&signed).map_err(usage)?.claimed().len();
    writeln!(io::stdout().lock(), "{}: signed by {}, {count} signatures", file.display(), key.kid())?;
    Ok(0)
}

pub(super) fn root(args: &Root) -> Result<u8, Failure> {
    let mut keys: Vec<PublicKey> = Vec::new();
    let mut role = |threshold: usize, paths: &[std::path::PathBuf]| -> Result<Role, Failure> {
        let mut kids = Vec::new();
        for path in paths {
            let key = public(path)?;
            kids.push(kid_of(&key));
            if !keys.iter().any(|known| kid_of(known) == kid_of(&key)) {
                keys.push(key);
            }
        }
        kids.sort_unstable();
        Ok(Role { threshold, kids })
    };
    let release_threshold = args.release.len().min(2);
    let roles = [
        role(args.root_threshold, &args.root)?,
        role(args.limits_threshold, &args.limits)?,
        role(1, &args.director)?,
        role(release_threshold, &args.release)?,
    ];
    let at_ms = Timestamp::now().as_millisecond();
    let root = mandate::Root { version: args.version, keys, roles, at_ms, floors: args.floors };
    let payload = root.encode();
    // Read back before anyone signs it: what a reader would refuse is not drawn up.
    let key = signer(&args.draft.key)?;
    let trial = mandate::draft(Kind::Root, &payload, &[&key]).map_err(usage)?;
    mandate::Root::read(&Signed::open(&trial).map_err(usage)?).map_err(usage)?;
    draft(Kind::Root, &payload, &args.draft)
}

pub(super) fn limits(args: &Limits) -> Result<u8, Failure> {
    let mut tables = Vec::new();
    for path in &args.tables {
        let bytes = read(path)?;
        let name = path.display().to_string();
        let text = std::str::from_utf8(&bytes).map_err(|why| usage(format!("{name}: {why}")))?;
        let table = load_str(&name, text).map_err(|report| usage(report.to_string().trim_end()))?;
        let on_expiry = if args.refuse.contains(&table.id) { OnExpiry::Refuse } else { OnExpiry::KeepAndFlag };
        tables.push(Approved {
            id: table.id,
            edition: table.edition,
            hash: Hash::of(&bytes),
            length: bytes.len() as u64,
            valid_from: table.effective_from,
            on_expiry,
        });
    }
    if let Some(unknown) = args.refuse.iter().find(|id| !tables.iter().any(|it| it.id == **id)) {
        return Err(usage(format!("--refuse {unknown}: none of the files is this table")));
    }
    let limits = mandate::Limits { version: args.version, tables, expires_at_beacon: args.expires_at };
    draft(Kind::Limits, &limits.encode(), &args.draft)
}

pub(super) fn assign(args: &Assign) -> Result<u8, Failure> {
    let limits = open(&args.limits, Kind::Limits, mandate::Limits::read)?;
    if let Some(unknown) = args.tables.iter().find(|id| !limits.tables.iter().any(|it| it.id == **id)) {
        return Err(usage(format!("--tables {unknown}: {} does not approve it", args.limits.display())));
    }
    let wanted = |it: &&Approved| args.tables.is_empty() || args.tables.contains(&it.id);
    let tables = limits
        .tables
        .iter()
        .filter(wanted)
        .map(|it| Assigned { id: it.id.clone(), edition: it.edition.clone(), hash: it.hash })
        .collect();
    let plan = match &args.plan {
        Some(path) => {
            let plan = open(path, Kind::Plan, mandate::Plan::read)?;
            Some(AssignedPlan { hash: plan.hash(), id: plan.id, version: plan.version })
        }
        None => None,
    };
    let assignment = Assignment {
        agent: args.agent.clone(),
        version: args.version,
        limits_version: limits.version,
        tables,
        plan,
        config: None,
        beacon: args.beacon,
        expires_at_beacon: args.expires_at,
        deny: args.deny.clone(),
    };
    draft(Kind::Assignment, &assignment.encode(), &args.draft)
}

/// What of a plan file names it.
#[derive(Deserialize)]
struct PlanHead {
    id: String,
    version: u64,
}

pub(super) fn plan(path: &Path, to: &Draft) -> Result<u8, Failure> {
    let bytes = read(path)?;
    let text = String::from_utf8(bytes).map_err(|why| usage(format!("{}: {why}", path.display())))?;
    // The rest is checked by `tidewaiter plan check`, which knows the site.
    let head: PlanHead = toml::from_str(&text).map_err(|why| usage(format!("{}: {why}", path.display())))?;
    let plan = mandate::Plan { id: head.id, version: head.version, text };
    draft(Kind::Plan, &plan.encode(), to)
}

pub(super) fn command(args: &CommandArgs) -> Result<u8, Failure> {
    let verb = mandate::Verb::from_word(&args.verb).ok_or_else(|| {
        usage(format!("verb {:?}; one of {}", args.verb, mandate::Verb::ALL.map(mandate::Verb::word).join(", ")))
    })?;
    let mut arguments = BTreeMap::new();
    for argument in &args.arguments {
        let (name, text) =
            argument.split_once('=').ok_or_else(|| usage(format!("argument {argument:?}; write name=text")))?;
        arguments.insert(name.to_owned(), text.to_owned());
    }
    let given: Vec<&str> = arguments.keys().map(String::as_str).collect();
    if given.as_slice() != verb.arguments() {
        return Err(usage(format!("{} takes the arguments [{}]", verb.word(), verb.arguments().join(", "))));
    }
    let config = Config::load(&args.config)?;
    let store = config.store.place.read()?;
    // The chain that moved last is the one the agent works on.
    let head = store.heads()?.into_iter().rev().find(|it| it.agent == args.agent);
    let after = head.and_then(|it| Some(After { chain: it.chain, seq: it.next_seq.checked_sub(1)?, hash: it.head? }));
    let after = after.ok_or_else(|| {
        usage(format!("no record of agent {:?} is here; a command names the newest one with a receipt", args.agent))
    })?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(usage)?;
    let command = Command {
        agent: args.agent.clone(),
        id,
        number: args.number,
        verb: args.verb.clone(),
        arguments,
        not_after_beacon: args.not_after,
        after,
    };
    if verb.is_dangerous() {
        writeln!(io::stderr(), "{} also needs the signature of a key of role root: `authority sign`", verb.word())?;
    }
    draft(Kind::Command, &command.encode(), &args.draft)
}
