//! Why a document was refused, and what was left out of one that was not.

use crate::bounds;

/// A refused document: where, in which element, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}, {element}: {fault}")]
pub struct ReadError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The element, or the attribute as `Element/@attribute`; `document` when it is about the whole.
    pub element: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Larger than [`bounds::MAX_DOCUMENT_BYTES`].
    #[error("{0} bytes, {most} at most", most = bounds::MAX_DOCUMENT_BYTES)]
    Large(usize),
    /// Nested deeper than [`bounds::MAX_DEPTH`].
    #[error("nested deeper than {most} elements", most = bounds::MAX_DEPTH)]
    Deep,
    /// More elements than [`bounds::MAX_ELEMENTS`].
    #[error("more than {most} elements", most = bounds::MAX_ELEMENTS)]
    Elements,
    /// More attributes than [`bounds::MAX_ATTRIBUTES`].
    #[error("more than {most} attributes", most = bounds::MAX_ATTRIBUTES)]
    Attributes,
    /// More channels than [`bounds::MAX_CHANNELS`] or [`bounds::MAX_TOTAL_CHANNELS`].
    #[error(
        "more than {each} channels in a spectrum or {all} in a document",
        each = bounds::MAX_CHANNELS,
        all = bounds::MAX_TOTAL_CHANNELS
    )]
    Channels,
    /// More values in a list than [`bounds::MAX_VALUES`].
    #[error("more than {most} values in a list", most = bounds::MAX_VALUES)]
    Values,
    /// Neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("the text is not UTF-8; save the document as UTF-8")]
    NotUtf8,
    /// An encoding this crate does not read, in a document that needs it.
    #[error("encoding `{0}` is not read; save the document as UTF-8")]
    Encoding(String),
    /// A character that XML 1.0 does not allow.
    #[error("character U+{0:04X} is not allowed in a document")]
    Character(u32),
    /// A document type declaration: the door of entity attacks, and no N42 document has one.
    #[error("document type declarations are refused; remove <!DOCTYPE …>")]
    DocumentType,
    /// A reference to an entity other than the five of XML.
    #[error("entity `&{0};` is refused; only the five predefined ones and character references are read")]
    Entity(String),
    /// Not well-formed XML.
    #[error("not well-formed: {0}")]
    Syntax(String),
    /// The root is no element of the standard.
    #[error("root element is `{0}`, not RadInstrumentData; this is no N42.42-2011 document")]
    Root(String),
    /// The root belongs to the edition of 2006.
    #[error("a document of N42.42-2006; export it as N42.42-2011 (2012)")]
    Edition2006,
    /// A required element is not there.
    #[error("element {0} is missing")]
    Missing(&'static str),
    /// A required attribute is not there.
    #[error("attribute {0} is missing")]
    MissingAttribute(&'static str),
    /// An element stands more often than once.
    #[error("element {0} stands more than once")]
    Repeated(&'static str),
    /// Two alternatives of which one must be chosen.
    #[error("{0} stand together; only one of them may")]
    Together(&'static str),
    /// A value that is not of its type.
    #[error("`{found}` is not {expected}")]
    Value {
        /// As found, shortened.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A count that is negative or no whole number; legal in the schema, and no count.
    #[error("value {place} is `{found}`; counts are whole numbers, 0 or more")]
    Count {
        /// As found, shortened.
        found: String,
        /// Which value of the list, from 1.
        place: usize,
    },
    /// Zero compression that cannot be undone.
    #[error("zero compression broken at value {place}: a 0 is followed by how many zeros it stands for, 1 or more")]
    Zeroes {
        /// Which value of the list, from 1.
        place: usize,
    },
}

impl Fault {
    /// A value of the wrong type, shortened so that an error stays a line.
    pub(crate) fn value(found: &str, expected: &'static str) -> Self {
        Self::Value { found: shortened(found), expected }
    }

    /// A value of a list that is no count.
    pub(crate) fn count(found: &str, place: usize) -> Self {
        Self::Count { found: shortened(found), place }
    }
}

/// At most 40 characters of a text.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Something a reader left out or forgave, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What, in words.
    pub text: String,
}

/// What a reader left out or forgave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// The first [`bounds::MAX_NOTICES`], in document order as far as an element goes.
    pub kept: Vec<Notice>,
    /// How many more there were.
    pub further: usize,
}

impl Notices {
    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Why a document was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It breaks rules of the standard; the first of them.
    #[error("{0}")]
    Breach(#[from] crate::Breach),
    /// A text holds a character that XML 1.0 cannot carry.
    #[error("{element}: character U+{character:04X} cannot be written in XML; remove it")]
    Character {
        /// Element or attribute.
        element: String,
        /// The character's number.
        character: u32,
    },
}
