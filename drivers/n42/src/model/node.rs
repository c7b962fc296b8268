//! How a list of fields becomes reader and writer.

use crate::{
    bounds::MAX_TOTAL_CHANNELS,
    error::{Fault, Notices, ReadError},
    lexical::Lexical,
    xml::{Element, Positions, Sink, Space},
};

/// What is known while a document is read.
pub(crate) struct Reading<'a> {
    positions: Positions<'a>,
    /// How many channels the spectra still to come may have together.
    pub(crate) channels_left: usize,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(positions: Positions<'a>) -> Self {
        Self { positions, channels_left: MAX_TOTAL_CHANNELS }
    }

    pub(crate) fn into_notices(self) -> Notices {
        self.positions.into_notices()
    }

    pub(crate) fn error(&self, element: &Element, fault: Fault) -> ReadError {
        self.positions.error(element.at, &element.name, fault)
    }
}

/// Something that stands in a document as one element.
pub(crate) trait Content: Sized {
    /// Reads it from its element.
    fn read(element: &Element, reading: &mut Reading<'_>) -> Result<Self, ReadError>;

    /// Writes it as an element of this name.
    fn write(&self, name: &'static str, out: &mut dyn Sink);
}

/// Something that stands among the children of an element without one of its own: a choice.
pub(crate) trait Part: Sized {
    /// Reads it from the children of the element.
    fn take(take: &mut Take<'_>, reading: &mut Reading<'_>) -> Result<Self, ReadError>;

    /// Writes it among the other children.
    fn put(&self, out: &mut dyn Sink);
}

impl<T: Lexical> Content for T {
    fn read(element: &Element, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        let value = T::parse(&element.text).map_err(|fault| reading.error(element, fault))?;
        Take::new(element).leaf().finish(reading);
        Ok(value)
    }

    fn write(&self, name: &'static str, out: &mut dyn Sink) {
        out.start(name);
        out.text(name, &self.print());
        out.end(name);
    }
}

/// An element being taken apart: what was asked for, so that the rest can be noticed.
pub(crate) struct Take<'e> {
    element: &'e Element,
    asked: Vec<&'static str>,
    text_used: bool,
}

impl<'e> Take<'e> {
    pub(crate) fn new(element: &'e Element) -> Self {
        Self { element, asked: Vec::new(), text_used: false }
    }

    /// Marks the element's own text as read. `units` may stand on any value and repeats what the standard fixes.
    pub(crate) fn leaf(mut self) -> Self {
        self.text_used = true;
        self.asked.push("units");
        self
    }

    fn children(&mut self, name: &'static str) -> impl Iterator<Item = &'e Element> + use<'e> {
        self.asked.push(name);
        self.element.children.iter().filter(move |child| child.space == Space::N42 && child.name == name)
    }

    pub(crate) fn optional<T: Content>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<Option<T>, ReadError> {
        let mut children = self.children(name);
        let Some(first) = children.next() else { return Ok(None) };
        if let Some(second) = children.next() {
            return Err(reading.error(second, Fault::Repeated(name)));
        }
        T::read(first, reading).map(Some)
    }

    pub(crate) fn required<T: Content>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<T, ReadError> {
        self.optional(name, reading)?.ok_or_else(|| reading.error(self.element, Fault::Missing(name)))
    }

    pub(crate) fn each<T: Content>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<T>, ReadError> {
        self.children(name).map(|child| T::read(child, reading)).collect()
    }

    /// Like [`each`](Self::each), but what holds fractions of counts is left out with a notice: derived data may.
    pub(crate) fn each_counted<T: Content>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<T>, ReadError> {
        let mut all = Vec::new();
        for child in self.children(name) {
            match T::read(child, reading) {
                Ok(it) => all.push(it),
                Err(ReadError { fault: fault @ Fault::Count { .. }, .. }) => {
                    reading.positions.notice(child.at, || format!("{name} left out: {fault}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    pub(crate) fn attribute<T: Lexical>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<Option<T>, ReadError> {
        self.asked.push(name);
        let found = self.element.attributes.iter().find(|(key, _)| key == name);
        found
            .map(|(_, text)| {
                T::parse(text).map_err(|fault| {
                    reading.positions.error(self.element.at, &format!("{}/@{name}", self.element.name), fault)
                })
            })
            .transpose()
    }

    pub(crate) fn required_attribute<T: Lexical>(
        &mut self,
        name: &'static str,
        reading: &mut Reading<'_>,
    ) -> Result<T, ReadError> {
        self.attribute(name, reading)?.ok_or_else(|| reading.error(self.element, Fault::MissingAttribute(name)))
    }

    pub(crate) fn text<T: Lexical>(&mut self, reading: &mut Reading<'_>) -> Result<T, ReadError> {
        self.text_used = true;
        self.asked.push("units");
        T::parse(&self.element.text).map_err(|fault| reading.error(self.element, fault))
    }

    /// The choice between two elements failed: neither, or both.
    pub(crate) fn error(&self, reading: &Reading<'_>, fault: Fault) -> ReadError {
        reading.error(self.element, fault)
    }

    /// Notices what nobody asked for.
    pub(crate) fn finish(self, reading: &mut Reading<'_>) {
        let element = self.element;
        for child in &element.children {
            if child.space == Space::Foreign || !self.asked.contains(&child.name.as_str()) {
                let kind = if child.space == Space::Foreign { "extension" } else { "element" };
                reading.positions.notice(child.at, || {
                    format!("{kind} {} in {} is not read", crate::error::shortened(&child.name), element.name)
                });
            }
        }
        for (name, _) in element.attributes.iter().filter(|(name, _)| !self.asked.contains(&name.as_str())) {
            reading.positions.notice(element.at, || {
                format!("attribute {} of {} is not read", crate::error::shortened(name), element.name)
            });
        }
        if !self.text_used && !element.text.trim().is_empty() {
            reading
                .positions
                .notice(element.at, || format!("text between the elements of {} is not read", element.name));
        }
    }
}

/// Declares an element type: fields in the schema's order, each with how it stands in the document.
///
/// `attribute`, `maybe_attribute`: attributes; `one`, `maybe`, `many`: child elements; `counted`: children left out
/// when they hold fractions of counts; `part`: a choice; `text`: the element's own text.
macro_rules! node {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $field:ident : $type:ty = $kind:ident $($xml:literal)? ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::model::Content for $name {
            fn read(
                element: &$crate::xml::Element,
                reading: &mut $crate::model::Reading<'_>,
            ) -> Result<Self, $crate::ReadError> {
                let mut take = $crate::model::node::Take::new(element);
                let node = Self { $( $field: node!(@read $kind take reading $($xml)?), )* };
                take.finish(reading);
                Ok(node)
            }

            fn write(&self, name: &'static str, out: &mut dyn $crate::xml::Sink) {
                out.start(name);
                $( node!(@attribute $kind (self.$field) out $($xml)?); )*
                $( node!(@body $kind (self.$field) out name $($xml)?); )*
                out.end(name);
            }
        }
    };
    (@read attribute $take:ident $reading:ident $xml:literal) => { $take.required_attribute($xml, $reading)? };
    (@read maybe_attribute $take:ident $reading:ident $xml:literal) => { $take.attribute($xml, $reading)? };
    (@read one $take:ident $reading:ident $xml:literal) => { $take.required($xml, $reading)? };
    (@read maybe $take:ident $reading:ident $xml:literal) => { $take.optional($xml, $reading)? };
    (@read many $take:ident $reading:ident $xml:literal) => { $take.each($xml, $reading)? };
    (@read counted $take:ident $reading:ident $xml:literal) => { $take.each_counted($xml, $reading)? };
    (@read part $take:ident $reading:ident) => { $crate::model::node::Part::take(&mut $take, $reading)? };
    (@read text $take:ident $reading:ident) => { $take.text($reading)? };

    (@attribute attribute ($value:expr) $out:ident $xml:literal) => {
        $out.attribute($xml, &$crate::lexical::Lexical::print(&$value));
    };
    (@attribute maybe_attribute ($value:expr) $out:ident $xml:literal) => {
        if let Some(value) = &$value {
            $out.attribute($xml, &$crate::lexical::Lexical::print(value));
        }
    };
    (@attribute $kind:ident ($value:expr) $out:ident $($xml:literal)?) => {};

    (@body attribute ($value:expr) $out:ident $name:ident $xml:literal) => {};
    (@body maybe_attribute ($value:expr) $out:ident $name:ident $xml:literal) => {};
    (@body one ($value:expr) $out:ident $name:ident $xml:literal) => {
        $crate::model::Content::write(&$value, $xml, $out);
    };
    (@body part ($value:expr) $out:ident $name:ident) => { $crate::model::node::Part::put(&$value, $out); };
    (@body text ($value:expr) $out:ident $name:ident) => {
        $out.text($name, &$crate::lexical::Lexical::print(&$value));
    };
    (@body maybe ($value:expr) $out:ident $name:ident $xml:literal) => {
        if let Some(value) = &$value {
            $crate::model::Content::write(value, $xml, $out);
        }
    };
    // `many` and `counted`.
    (@body $kind:ident ($value:expr) $out:ident $name:ident $xml:literal) => {
        for value in &$value {
            $crate::model::Content::write(value, $xml, $out);
        }
    };
}
