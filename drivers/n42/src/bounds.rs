//! How much of a document is believed before it is refused.
//!
//! A document may come over a network or from a memory stick. Each bound is far above what an instrument
//! writes, and far below what would hurt a gateway with 512 MiB of memory.

/// Most bytes of a document. A passage of 60 s through a portal of four spectroscopic panels, ten slices a
/// second, 1024 channels each, is about 5 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Deepest nesting of elements. The schema's deepest path has nine; the rest is room for extensions.
pub const MAX_DEPTH: usize = 32;

/// Most elements of a document: the passage above has about 15 000.
pub const MAX_ELEMENTS: usize = 131_072;

/// Most attributes of one element: the schema's richest has eleven, namespaces included.
pub const MAX_ATTRIBUTES: usize = 32;

/// Most channels of one spectrum: a 16-bit analyser.
///
/// The bound matters because of zero compression, which can name four thousand million channels in a dozen
/// bytes.
pub const MAX_CHANNELS: usize = 65_536;

/// Most channels of all spectra of a document together (32 MiB of counts).
pub const MAX_TOTAL_CHANNELS: usize = 4 * 1024 * 1024;

/// Most values of any other list: energy boundaries are one more than the channels.
pub const MAX_VALUES: usize = MAX_CHANNELS + 1;

/// Most notices kept; more are counted.
pub const MAX_NOTICES: usize = 64;

/// Most breaches told; a document that is wrong so often is wrong in the same way.
pub const MAX_BREACHES: usize = 64;
