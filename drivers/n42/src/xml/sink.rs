//! Where the parts of a document go.

/// Takes a document element by element: the writer, and the survey of its identifiers and values.
pub(crate) trait Sink {
    /// An element begins; its attributes come next.
    fn start(&mut self, name: &'static str);

    /// An attribute of the element that has just begun.
    fn attribute(&mut self, name: &'static str, value: &str);

    /// Character data of an element without children.
    fn text(&mut self, element: &'static str, value: &str);

    /// The innermost element ends.
    fn end(&mut self, name: &'static str);
}
