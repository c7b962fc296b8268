//! Tables of the spool, for the centre's own use: what agents are told to judge by, verdicts are recomputed with.

use std::collections::BTreeSet;

use tidewaiter_config::limits::{LimitTable, load_str};
use tidewaiter_record::Hash;

use super::{Item, Name, Spool, Stamp};

/// Which table files of a spool have been read.
///
/// No signature is asked for. A record names its tables by hash, so a file nobody approved is never used.
#[derive(Debug, Default)]
pub struct Shelf {
    known: BTreeSet<Hash>,
    /// Files that are not the table of their name, in the state they were read in.
    faulty: BTreeSet<(Name, Stamp)>,
}

impl Shelf {
    /// The tables of `found`, as [`Spool::scan`] gives it, that were not given before.
    ///
    /// What is no table of the hash in its name is left out: no agent takes it either.
    pub fn see(&mut self, spool: &Spool, found: &[(Name, Stamp)]) -> Vec<LimitTable> {
        let mut new = Vec::new();
        let mut faulty = BTreeSet::new();
        for (name, stamp) in found {
            let Item::Table(hash) = name.item else { continue };
            if self.known.contains(&hash) {
                continue;
            }
            let entry = (name.clone(), *stamp);
            let read_before = self.faulty.contains(&entry);
            match if read_before { None } else { table(spool, name, hash) } {
                Some(table) => {
                    self.known.insert(hash);
                    new.push(table);
                }
                None => {
                    faulty.insert(entry);
                }
            }
        }
        self.faulty = faulty;
        new
    }
}

fn table(spool: &Spool, name: &Name, hash: Hash) -> Option<LimitTable> {
    let bytes = spool.read(name).ok().filter(|it| Hash::of(it) == hash)?;
    load_str(&name.item.file_name(), std::str::from_utf8(&bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(edition: &str) -> String {
        format!(
            "id = \"site-ph\"\nedition = \"{edition}\"\ntitle = {{ zh = \"表\", en = \"table\" }}\n\
             effective_from = 2026-01-01\nsource = \"a test\"\nlegal_force = \"site\"\nhazards = [\"physical\"]\n\n\
             [[rows]]\nid = \"r\"\nparameter = \"ph\"\nunit = \"[pH]\"\nmax = \"8.5\"\nconfidence = \"C1\"\n"
        )
    }

    #[test]
    fn each_table_is_given_once_and_what_is_none_never() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path());
        let put = |agent: &str, named: &str, bytes: &str| {
            let item = Item::Table(Hash::of(named.as_bytes()));
            spool.put(&Name { site: "s".into(), agent: agent.into(), item }, bytes.as_bytes()).unwrap();
        };
        let mut shelf = Shelf::default();
        let mut see = || {
            let new = shelf.see(&spool, &spool.scan().unwrap());
            new.into_iter().map(|it| it.edition).collect::<Vec<_>>()
        };
        let (one, two) = (text("1"), text("2"));
        put("a", &one, &one);
        put("b", &one, &one);
        put("a", &two, "half of it");
        put("a", "no table", "no table");
        assert_eq!(see(), ["1"], "for two agents, and once");
        assert_eq!(see(), [""; 0]);
        put("a", &two, &two);
        assert_eq!(see(), ["2"], "written anew");
        assert_eq!(see(), [""; 0]);
    }
}
