//! A document as a tree of elements, within bounds.
//!
//! The XML reader of `quick-xml` resolves names and namespaces; this module refuses what makes documents
//! dangerous (document types, entities, depth, number) and keeps where everything stood.

use quick_xml::{
    XmlVersion,
    events::{BytesDecl, BytesStart, Event},
    name::{Namespace, ResolveResult},
    reader::NsReader,
};

use super::{NAMESPACE, Positions, is_allowed};
use crate::{
    bounds::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS},
    error::{Fault, ReadError, shortened},
};

/// Whose vocabulary an element belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// N42.42-2011, or no namespace at all, which some instruments write.
    N42,
    /// Another namespace: an extension.
    Foreign,
}

/// One element with its place in the text.
#[derive(Debug)]
pub(crate) struct Element {
    /// Local name.
    pub(crate) name: String,
    pub(crate) space: Space,
    /// Byte offset of its start tag.
    pub(crate) at: usize,
    /// Attributes without a prefix.
    pub(crate) attributes: Vec<(String, String)>,
    /// Its own character data, in one piece.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

/// Parses a text into its root element.
pub(crate) fn parse(source: &str, positions: &mut Positions<'_>) -> Result<Element, ReadError> {
    if let Some((at, character)) = source.char_indices().find(|&(_, character)| !is_allowed(character)) {
        return Err(positions.error(at, "document", Fault::Character(character.into())));
    }
    let mut reader = NsReader::from_str(source);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0_usize;
    loop {
        let at = offset(reader.buffer_position());
        let place = |open: &[Element]| open.last().map_or_else(|| "document".to_owned(), |it| it.name.clone());
        let event = reader.read_event().map_err(|error| {
            let at = offset(reader.error_position());
            positions.error(at, &place(&open), Fault::Syntax(shortened(&error.to_string())))
        })?;
        match event {
            Event::Start(tag) => {
                elements += 1;
                let name = tag.local_name().as_ref().to_owned();
                if open.len() >= MAX_DEPTH {
                    return Err(positions.error(at, &name, Fault::Deep));
                }
                if elements > MAX_ELEMENTS {
                    return Err(positions.error(at, &name, Fault::Elements));
                }
                if open.is_empty() && root.is_some() {
                    let fault = Fault::Syntax("more than one root element".to_owned());
                    return Err(positions.error(at, &name, fault));
                }
                let space =
                    space(&reader.resolver().resolve_element(tag.name()).0, at, &name, open.is_empty(), positions);
                let attributes = attributes(&tag, at, &name, positions)?;
                open.push(Element { name, space, at, attributes, text: String::new(), children: Vec::new() });
            }
            Event::End(_) => {
                // The reader has matched the names, so there is an element to end.
                if let Some(done) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => root = Some(done),
                    }
                }
            }
            Event::Text(text) => characters(&text.xml10_content(), at, &mut open, positions)?,
            Event::CData(text) => characters(&text.xml10_content(), at, &mut open, positions)?,
            Event::GeneralRef(reference) => {
                let text = match &*reference {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "apos" => '\'',
                    "quot" => '"',
                    name => match reference.resolve_char_ref() {
                        Ok(Some(character)) if is_allowed(character) => character,
                        Ok(Some(character)) => {
                            return Err(positions.error(at, &place(&open), Fault::Character(character.into())));
                        }
                        _ => return Err(positions.error(at, &place(&open), Fault::Entity(shortened(name)))),
                    },
                };
                characters(text.encode_utf8(&mut [0; 4]), at, &mut open, positions)?;
            }
            Event::Decl(declaration) => encoding(&declaration, source, at, positions)?,
            Event::DocType(_) => return Err(positions.error(at, "document", Fault::DocumentType)),
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
    if let Some(unclosed) = open.last() {
        let fault = Fault::Syntax("the document ends inside this element".to_owned());
        return Err(positions.error(unclosed.at, &unclosed.name, fault));
    }
    root.ok_or_else(|| positions.error(0, "document", Fault::Syntax("there is no element".to_owned())))
}

/// A position of the reader as an index; a document is far smaller than either type.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Adds character data to the innermost element; outside the root only white space may stand.
fn characters(text: &str, at: usize, open: &mut [Element], positions: &Positions<'_>) -> Result<(), ReadError> {
    match open.last_mut() {
        Some(element) => {
            element.text.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(positions.error(at, "document", Fault::Syntax("text outside the root element".to_owned()))),
    }
}

/// Which vocabulary a resolved name belongs to. Spellings of the namespace that differ in letter case, scheme or
/// a final slash, and no namespace at all, are forgiven on the root with a notice.
fn space(found: &ResolveResult<'_>, at: usize, name: &str, is_root: bool, positions: &mut Positions<'_>) -> Space {
    match found {
        ResolveResult::Bound(Namespace(NAMESPACE)) => Space::N42,
        ResolveResult::Bound(Namespace(uri)) if loosely(uri) == loosely(NAMESPACE) => {
            if is_root {
                positions
                    .notice(at, || format!("namespace is spelt `{}`, the standard's is `{NAMESPACE}`", shortened(uri)));
            }
            Space::N42
        }
        ResolveResult::Unbound => {
            if is_root {
                positions.notice(at, || format!("{name} has no namespace, the standard's is `{NAMESPACE}`"));
            }
            Space::N42
        }
        ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Space::Foreign,
    }
}

fn loosely(uri: &str) -> String {
    let lower = uri.trim().trim_end_matches('/').to_ascii_lowercase();
    lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower).to_owned()
}

/// The attributes without prefix; namespace declarations and foreign ones are passed over.
fn attributes(
    tag: &BytesStart<'_>,
    at: usize,
    name: &str,
    positions: &Positions<'_>,
) -> Result<Vec<(String, String)>, ReadError> {
    let mut kept = Vec::new();
    for (count, attribute) in tag.attributes().enumerate() {
        if count >= MAX_ATTRIBUTES {
            return Err(positions.error(at, name, Fault::Attributes));
        }
        let syntax = |text: String| positions.error(at, name, Fault::Syntax(shortened(&text)));
        let attribute = attribute.map_err(|error| syntax(error.to_string()))?;
        let key = attribute.key.as_ref();
        if key.contains(':') || key == "xmlns" {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| syntax(error.to_string()))?;
        if let Some(character) = value.chars().find(|&character| !is_allowed(character)) {
            return Err(positions.error(at, &format!("{name}/@{key}"), Fault::Character(character.into())));
        }
        kept.push((key.to_owned(), value.into_owned()));
    }
    Ok(kept)
}

/// Compares the declared encoding with the text, which has been decoded already.
///
/// A declaration of UTF-16 in a document of UTF-8 is a known slip of programs that build the text in memory
/// first; since the bytes were UTF-8, it changes nothing. Any other encoding matters only when the text has
/// characters beyond ASCII.
fn encoding(declaration: &BytesDecl<'_>, source: &str, at: usize, positions: &Positions<'_>) -> Result<(), ReadError> {
    let Some(declared) = declaration.encoding() else { return Ok(()) };
    let declared = declared
        .map_err(|error| positions.error(at, "document", Fault::Syntax(shortened(&error.to_string()))))?
        .to_ascii_lowercase();
    let unicode = matches!(declared.as_str(), "utf-8" | "utf8" | "utf-16" | "utf-16le" | "utf-16be");
    if unicode || source.is_ascii() {
        return Ok(());
    }
    Err(positions.error(at, "document", Fault::Encoding(shortened(&declared))))
}
