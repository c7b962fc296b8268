//! `tidewaiter version`: which software this is, as its records name it.

use clap::Args;

use super::{
    OK,
    output::{outln, said},
};
use crate::{app::SOFTWARE, life::rim};

/// Options of `tidewaiter version`.
#[derive(Debug, Args)]
pub(super) struct VersionArgs {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn version(args: &VersionArgs) -> u8 {
    let hash = rim::executable();
    if args.json {
        outln!("{}", serde_json::json!({ "software": SOFTWARE, "sha256": hash }));
    } else {
        outln!("{SOFTWARE}");
        match hash {
            Some(hash) => outln!("sha256 {hash}"),
            None => outln!("{}", said!("version-unread")),
        }
    }
    OK
}
