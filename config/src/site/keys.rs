//! Where this agent's private keys are.

use std::path::{Path, PathBuf};

use crate::reader::Node;

/// Where keys are made and looked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Keys {
    /// Files in the data directory.
    #[default]
    File,
    /// A token that is spoken to through PKCS#11.
    Pkcs11(TokenPlace),
}

/// A PKCS#11 token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    /// The library that speaks with it.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label of this agent's keys on it.
    pub label: String,
    /// File with the user's PIN in its first line; for its owner only.
    pub pin_file: PathBuf,
}

/// Label of keys unless the file says so.
const LABEL: &str = "tidewaiter";

/// PKCS#11 gives the label of a token 32 bytes.
const LONGEST_LABEL: usize = 32;

#[derive(Clone, Copy)]
enum Kind {
    File,
    Pkcs11,
}

/// Reads `[keys]`; without it keys are files.
pub(super) fn read(root: &Node<'_>, base: &Path) -> Option<Keys> {
    let Some(value) = root.may("keys") else { return Some(Keys::File) };
    let node = value.table()?;
    let kind = node
        .need("kind", "\"file\" or \"pkcs11\"")
        .and_then(|value| value.word(&[("file", Kind::File), ("pkcs11", Kind::Pkcs11)]));
    let keys = match kind? {
        Kind::File => Some(Keys::File),
        Kind::Pkcs11 => token(&node, base).map(Keys::Pkcs11),
    };
    node.finish();
    keys
}

fn token(node: &Node<'_>, base: &Path) -> Option<TokenPlace> {
    let module =
        node.need("module", "\"/usr/lib/softhsm/libsofthsm2.so\"").and_then(|value| Some(base.join(value.text()?)));
    let token = node.need("token", "\"gate-07\"").and_then(|value| {
        let text = value.text()?;
        if text.len() > LONGEST_LABEL {
            value.fault(
                format!("a token's label has at most {LONGEST_LABEL} bytes, this has {}", text.len()),
                "the label as `pkcs11-tool --list-slots` or `softhsm2-util --show-slots` shows it",
            );
            return None;
        }
        Some(text.to_owned())
    });
    let label = node.may("label").map_or(Some(LABEL.to_owned()), |value| Some(value.text()?.to_owned()));
    let pin_file = node.need("pin_file", "\"token.pin\"").and_then(|value| Some(base.join(value.text()?)));
    Some(TokenPlace { module: module?, token: token?, label: label?, pin_file: pin_file? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::site::site_from_str;

    const SITE: &str = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"data\"\n\
                        budget = \"1 GiB\"\n";

    fn keys(table: &str) -> Result<Keys, String> {
        site_from_str(&format!("{SITE}{table}"), Path::new("/etc/tw"))
            .map(|(site, _)| site.keys)
            .map_err(|report| report.to_string())
    }

    #[test]
    fn keys_are_files_unless_a_token_is_named() {
        assert_eq!(keys("").unwrap(), Keys::File);
        assert_eq!(keys("[keys]\nkind = \"file\"\n").unwrap(), Keys::File);
        let table = "[keys]\nkind = \"pkcs11\"\nmodule = \"/usr/lib/softhsm/libsofthsm2.so\"\ntoken = \"gate\"\n\
                     pin_file = \"token.pin\"\n";
        let place = TokenPlace {
            module: "/usr/lib/softhsm/libsofthsm2.so".into(),
            token: "gate".to_owned(),
            label: "tidewaiter".to_owned(),
            pin_file: "/etc/tw/token.pin".into(),
        };
        assert_eq!(keys(table).unwrap(), Keys::Pkcs11(place.clone()));
        let labelled = Keys::Pkcs11(TokenPlace { label: "lane 7".to_owned(), ..place });
        assert_eq!(keys(&format!("{table}label = \"lane 7\"\n")).unwrap(), labelled);
    }

    #[test]
    fn a_wrong_table_is_refused_with_the_way_out() {
        let check = |table: &str, expected: &str| {
            let report = keys(table).unwrap_err();
            assert!(report.contains(expected), "`{report}` does not say `{expected}`");
        };
        check("[keys]\n", "kind");
        check("[keys]\nkind = \"tpm\"\n", "`pkcs11`");
        check("[keys]\nkind = \"pkcs11\"\n", "module");
        check("[keys]\nkind = \"file\"\npin_file = \"x\"\n", "pin_file");
        let long = "x".repeat(33);
        let table = format!("[keys]\nkind = \"pkcs11\"\nmodule = \"m\"\ntoken = \"{long}\"\npin_file = \"p\"\n");
        check(&table, "at most 32 bytes");
        // The PIN itself does not belong into a file that is copied around.
        check("[keys]\nkind = \"pkcs11\"\nmodule = \"m\"\ntoken = \"t\"\npin = \"1234\"\npin_file = \"p\"\n", "`pin`");
    }
}
