//! `tidewaiter enrol`: the agent's side of enrolment.

use std::{fs, path::PathBuf, thread, time::Duration};

use clap::Args;
use tidewaiter_config::site::Site;
use tidewaiter_record::{Algorithm, view::utc};
use tidewaiter_words::{Language, say};

use super::{FINDING, Failure, OK, Outcome, output::outln, place};
use crate::{
    clock::SystemClock,
    keys::{
        self as key_files,
        centre::{CentreError, Standing},
        transport::{Transport, TransportError},
    },
};

/// How often a pending request is asked for.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Where a board says its serial number, the first that does.
const SERIAL_FILES: [&str; 2] = ["/proc/device-tree/serial-number", "/sys/class/dmi/id/product_serial"];

/// Options of `enrol`.
#[derive(Debug, Args)]
pub(super) struct EnrolArgs {
    /// Site file; its [uplink.tls] says where the files go.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// Address of the centre's enrolment endpoint.
    #[arg(long, value_name = "URL", requires = "ca", requires = "token")]
    centre: Option<String>,
    /// The authority that the centre's certificate is of, PEM; it comes with the token, by another way.
    #[arg(long, value_name = "FILE", requires = "centre")]
    ca: Option<PathBuf>,
    /// The one-time token of the centre.
    #[arg(long, value_name = "TOKEN", requires = "centre")]
    token: Option<String>,
    /// Serial number of this box; otherwise as the board says.
    #[arg(long)]
    serial: Option<String>,
    /// The key belongs to an agent whose instruments are simulated, when it is made here.
    #[arg(long)]
    simulated: bool,
    /// Ask once and do not wait for the approval.
    #[arg(long)]
    no_wait: bool,
    /// Renew the transport certificate, also one that has expired. A running agent does so by itself.
    #[arg(long, conflicts_with_all = ["centre", "no_wait"])]
    renew: bool,
}

pub(super) fn enrol(args: &EnrolArgs) -> Outcome {
    let site = place::site(&args.config)?;
    let language = tidewaiter_console::language();
    let transport = Transport::of(&site).map_err(failure)?;
    if args.renew {
        let grant = transport.renew().map_err(failure)?;
        told(language, "enrol-renewed", grant.not_after_ms, &transport);
        return Ok(OK);
    }
    let standing = match (&args.centre, &args.ca, &args.token) {
        (Some(centre), Some(ca), Some(token)) => {
            if !site.store.dir.join(key_files::STATEMENT_FILE).exists() {
                make_key(&site, args.simulated)?;
            }
            key_files::load_with(&site.store.dir, &site.agent, &site.keys).map_err(Failure::environment)?;
            let ca_pem =
                fs::read_to_string(ca).map_err(|why| Failure::environment(format!("{}: {why}", ca.display())))?;
            let serial = args.serial.clone().or_else(serial);
            transport.ask(centre, &ca_pem, token, serial).map_err(failure)?
        }
        _ => transport.standing().map_err(failure)?,
    };
    let asked = say(language, "enrol-asked", &[("agent", (&site.agent).into()), ("site", (&site.id).into())]);
    outln!("{asked}");
    outln!("{}", say(language, "enrol-fingerprint", &[("fingerprint", (&standing.fingerprint).into())]));
    if standing.state == "pending" {
        outln!("{}", say(language, "enrol-compare", &[]));
    }
    wait(args, &site, &transport, standing, language)
}

fn wait(args: &EnrolArgs, site: &Site, transport: &Transport, first: Standing, language: Language) -> Outcome {
    let mut standing = first;
    let mut said = false;
    loop {
        match (standing.state.as_str(), &standing.grant) {
            ("approved", Some(grant)) => {
                transport.take(grant).map_err(failure)?;
                told(language, "enrol-granted", grant.not_after_ms, transport);
                let configured =
                    site.uplink.as_ref().map_or_else(String::new, |it| format!("mqtts://{}:{}", it.host, it.port));
                let named = grant.broker.trim_end_matches('/');
                if named != configured && format!("{named}:8883") != configured {
                    let words = [("broker", named.into()), ("configured", (&configured).into())];
                    outln!("{}", say(language, "enrol-broker", &words));
                }
                return Ok(OK);
            }
            ("rejected", _) => {
                let reason = standing.reason.unwrap_or_default();
                outln!("{}", say(language, "enrol-rejected", &[("reason", (&reason).into())]));
                return Ok(FINDING);
            }
            _ if args.no_wait => {
                outln!("{}", say(language, "enrol-pending", &[]));
                return Ok(OK);
            }
            _ => {}
        }
        if !said {
            outln!("{}", say(language, "enrol-waiting", &[]));
            said = true;
        }
        thread::sleep(ASK_AGAIN);
        standing = match transport.standing() {
            Ok(standing) => standing,
            // The line may be bad, and the centre may be busy: the request is there.
            Err(TransportError::Centre(CentreError::Unreachable { .. } | CentreError::Busy(_))) => standing,
            Err(error) => return Err(failure(error)),
        };
    }
}

fn told(language: Language, id: &str, until_ms: i64, transport: &Transport) {
    let (until, path) = (utc(until_ms), transport.certificate().display().to_string());
    outln!("{}", say(language, id, &[("until", (&until).into()), ("certificate", (&path).into())]));
}

fn make_key(site: &Site, simulated: bool) -> Result<(), Failure> {
    let simulated = simulated || (!site.instruments.is_empty() && site.instruments.iter().all(|it| it.simulated));
    let (dir, agent) = (&site.store.dir, &site.agent);
    key_files::init_with(dir, agent, simulated, &SystemClock, &site.keys, Algorithm::Ed25519)
        .map_err(Failure::environment)?;
    Ok(())
}

fn serial() -> Option<String> {
    let read = |path: &&str| fs::read_to_string(path).ok();
    let text = SERIAL_FILES.iter().find_map(read)?;
    let text = text.trim_matches(|it: char| it == '\0' || it.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

fn failure(error: TransportError) -> Failure {
    match error {
        TransportError::NoPlace
        | TransportError::NotEnrolled(_)
        | TransportError::Centre(CentreError::Address(_) | CentreError::Authority(_)) => Failure::usage(error),
        TransportError::Centre(CentreError::Refused(_)) | TransportError::Fingerprint(_) => {
            Failure { code: FINDING, message: error.to_string() }
        }
        _ => Failure::environment(error),
    }
}
