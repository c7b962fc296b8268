//! The start: what was in force before is in force again before the first inspection.

use std::{collections::BTreeMap, fs, sync::Arc};

use tidewaiter_config::{
    limits::{self, LimitTable},
    site::Site,
};
use tidewaiter_record::{
    Hash,
    mandate::{Approved, Authority, Docket, MandateError},
};
use tracing::error;

use super::{AUTHORITY_NOTE, DOCKET_NOTE, vault::Vault};

/// The largest root file.
const MAX_ROOT_BYTES: u64 = 64 * 1024;

/// Reads and checks the root that the site file names; none where it names none.
///
/// # Errors
///
/// Says what is wrong with the file, as a sentence with the way out.
pub fn anchor(site: &Site) -> Result<Option<Vec<u8>>, String> {
    let Some(path) = &site.authority else { return Ok(None) };
    let at = path.display();
    let bytes = match fs::metadata(path) {
        Ok(meta) if meta.len() > MAX_ROOT_BYTES => {
            Err(format!("{} bytes, a root has {MAX_ROOT_BYTES} at most", meta.len()))
        }
        Ok(_) => fs::read(path).map_err(|why| why.to_string()),
        Err(why) => Err(why.to_string()),
    };
    let bytes = bytes.map_err(|why| format!("{at}: {why}; it is the root of signed orders, ask the centre for it"))?;
    match Authority::anchored(&site.agent, &bytes) {
        Ok(_) => Ok(Some(bytes)),
        Err(why) => Err(format!("{at}: {why}; ask the centre for the root of signed orders")),
    }
}

/// What the authority stands at when an agent starts.
#[derive(Debug)]
pub struct Begin {
    pub(super) authority: Authority,
    pub(super) docket: Docket,
    pub(super) shelf: Shelf,
    /// The kept state cannot be read: nothing judges and no order is taken until somebody looks.
    pub(super) closed: Option<String>,
}

impl Begin {
    /// Takes up the kept state, where there is one. `None` if the anchor itself is no root.
    pub fn new(site: &Site, anchor: &[u8], notes: &[(String, Vec<u8>)]) -> Option<Self> {
        let part = |name: &str| notes.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
        let fresh = Authority::anchored(&site.agent, anchor).ok()?;
        let shelf = Shelf { vault: Vault::new(&site.store.dir), own: Arc::new(own(site)) };
        let authority = part(AUTHORITY_NOTE).map(|kept| Authority::load(&site.agent, anchor, kept));
        let docket = part(DOCKET_NOTE).map(Docket::load);
        let (authority, docket, closed) = match (authority.transpose(), docket.transpose()) {
            (Ok(authority), Ok(docket)) => (authority.unwrap_or(fresh), docket.unwrap_or_default(), None),
            (Err(why), _) | (_, Err(why)) => {
                error!(%why, "signed orders: nothing judges and nothing is taken");
                (fresh, Docket::default(), Some(why.to_string()))
            }
        };
        Some(Self { authority, docket, shelf, closed })
    }

    /// The tables that judge from the start on; `None` leaves those of the site, before the first assignment.
    pub fn tables(&self) -> Option<Vec<LimitTable>> {
        if self.closed.is_some() {
            return Some(Vec::new());
        }
        let standing = self.authority.standing()?;
        Some(standing.tables.iter().filter_map(|it| self.shelf.table(it).ok()).collect())
    }

    /// What is in force was expired, or left behind by the root, already before this start.
    pub fn is_stale(&self) -> bool {
        self.closed.is_some() || self.authority.standing().is_some_and(|it| it.stale)
    }
}

fn own(site: &Site) -> BTreeMap<Hash, LimitTable> {
    site.tables.iter().map(|it| (Hash(it.digest), it.clone())).collect()
}

/// Where approved tables are found: among those the agent came with, and in the vault.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) vault: Vault,
    own: Arc<BTreeMap<Hash, LimitTable>>,
}

/// Why an approved table cannot judge.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Its file has not come yet.
    Missing,
    /// Its file is no such table.
    Faulty(String),
}

impl Shelf {
    /// The table of an approval.
    pub(super) fn table(&self, approved: &Approved) -> Result<LimitTable, Unusable> {
        let table = match self.own.get(&approved.hash) {
            Some(table) => table.clone(),
            None => {
                let bytes = self.vault.get(approved.hash).ok_or(Unusable::Missing)?;
                let text = String::from_utf8(bytes).map_err(|why| Unusable::Faulty(why.to_string()))?;
                limits::load_str(&approved.id, &text)
                    .map_err(|why| Unusable::Faulty(why.to_string().replace('\n', "; ")))?
            }
        };
        let named = (table.id.as_str(), table.edition.as_str(), table.effective_from);
        let wanted = (approved.id.as_str(), approved.edition.as_str(), approved.valid_from);
        if named == wanted {
            Ok(table)
        } else {
            Err(Unusable::Faulty(format!(
                "the file is {} {} from {}, and {} {} from {} is approved",
                named.0, named.1, named.2, wanted.0, wanted.1, wanted.2
            )))
        }
    }

    /// Keeps a file that the authority wants.
    pub(super) fn put(&self, authority: &Authority, bytes: &[u8]) -> Result<(), MandateError> {
        let hash = authority.table(bytes)?.hash;
        if self.own.contains_key(&hash) {
            return Ok(());
        }
        if let Err(why) = self.vault.put(bytes) {
            // It is asked for again at the next connection.
            error!(%why, table = %hash, "a table file could not be kept");
        }
        Ok(())
    }
}
