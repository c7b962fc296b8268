//! The `[instruments.identity]` of a site file: what the register of instruments says.

use std::collections::BTreeMap;

use super::Protocol;
use crate::{
    profile::{Fact, RegisterProfile},
    reader::Value,
};

/// Reads what an instrument must say of itself; `protocol` is how it is asked, once that is known.
pub(super) fn read(value: &Value<'_>, protocol: Option<&Protocol>) -> Option<BTreeMap<Fact, String>> {
    let node = value.table()?;
    let mut identity = BTreeMap::new();
    let mut sound = true;
    for fact in Fact::ALL {
        let Some(expected) = node.may(fact.word()) else { continue };
        match expected.text() {
            Some(text) => {
                if let Some(Protocol::Registers { profile, .. }) = protocol
                    && !tells(profile, fact)
                {
                    expected.doubt(
                        format!(
                            "nothing in the profile {:?} tells the {}; every value will be bad",
                            profile.id,
                            fact.word()
                        ),
                        format!("[[identity]] with fact = \"{}\" in the profile, or nothing here", fact.word()),
                    );
                }
                identity.insert(fact, text.trim().to_owned());
            }
            None => sound = false,
        }
    }
    node.finish();
    if node.entries().is_empty() {
        value.doubt("`identity` is empty, so nothing is compared", "serial = \"…\", or no such table");
    }
    sound.then_some(identity)
}

/// Device identification tells maker, model and firmware (MODBUS Application Protocol V1.1b3, 6.21).
fn tells(profile: &RegisterProfile, fact: Fact) -> bool {
    (profile.device_identification && !matches!(fact, Fact::Serial | Fact::Software))
        || profile.identity.iter().any(|it| it.fact == fact)
}
