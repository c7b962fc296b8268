//! The state in parts, so that a change writes what changed and not ten thousand findings.

use serde::{Serialize, de::DeserializeOwned};

/// The bytes of a part.
pub(super) fn written<T: Serialize>(part: &T) -> Vec<u8> {
    // Maps with text keys, lists and numbers: nothing of it can fail.
    serde_json::to_vec(part).unwrap_or_default()
}

/// Reads a part back.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|why| why.to_string())
}

/// Keeps a closed set of words as its words.
macro_rules! worded {
    ($name:ident, $type:ty) => {
        pub(super) mod $name {
            pub(in crate::duty) fn serialize<S: serde::Serializer>(it: &$type, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(it.word())
            }

            pub(in crate::duty) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(from)?;
                <$type>::from_word(&word).ok_or_else(|| serde::de::Error::custom(format!("{word:?} is not known here")))
            }
        }
    };
}

worded!(state, tidewaiter_screening::duty::transition::State);
worded!(level, tidewaiter_config::plan::Level);
worded!(notice_kind, tidewaiter_config::plan::NoticeKind);
worded!(deadline_kind, tidewaiter_config::plan::DeadlineKind);
worded!(deadline_state, crate::duty::deadlines::DeadlineState);
