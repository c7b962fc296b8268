//! The parts that a record's page is made of. What is said in them is decided elsewhere; how they look, in the template.

/// A part of a page under its own heading.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    /// Anchor within the page.
    pub(super) id: &'static str,
    /// Heading.
    pub(super) title: String,
    /// What stands under it.
    pub(super) blocks: Vec<Block>,
}

/// One block.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// A sentence, with the class that colours it.
    Said(String, &'static str),
    /// Names and values.
    Facts(Vec<(String, Cell)>),
    /// A table.
    Table {
        /// Headings.
        head: Vec<String>,
        /// Rows.
        rows: Vec<Vec<Cell>>,
    },
    /// A sentence with the lines behind it.
    Steps(Cell, Vec<String>),
    /// A picture, as it is.
    Svg(String),
    /// Links in a row.
    Links(Vec<Cell>),
}

/// A text in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// The text.
    pub(super) text: String,
    /// Where it leads.
    pub(super) href: Option<String>,
    /// How it looks.
    pub(super) class: &'static str,
}

impl Cell {
    /// Plain text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Bytes, hashes, ids: set in type of one width.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self { class: "code", ..Self::text(text) }
    }

    /// A number at the right.
    pub(super) fn number(text: impl Into<String>) -> Self {
        Self { class: "number", ..Self::text(text) }
    }

    /// A way to somewhere.
    pub(super) fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..Self::text(text) }
    }

    /// The same in another look.
    #[must_use]
    pub(super) fn with(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }
}

impl Section {
    /// An empty section.
    pub(super) fn new(id: &'static str, title: String) -> Self {
        Self { id, title, blocks: Vec::new() }
    }

    /// Adds facts, where there are any.
    pub(super) fn facts(&mut self, facts: Vec<(String, Cell)>) {
        if !facts.is_empty() {
            self.blocks.push(Block::Facts(facts));
        }
    }

    /// Adds a table, where it has rows.
    pub(super) fn table(&mut self, head: Vec<String>, rows: Vec<Vec<Cell>>) {
        if !rows.is_empty() {
            self.blocks.push(Block::Table { head, rows });
        }
    }

    /// Adds a sentence.
    pub(super) fn said(&mut self, text: String, class: &'static str) {
        self.blocks.push(Block::Said(text, class));
    }
}

/// The class of a verdict or disposition word; the word itself always stands beside it.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "Pass" | "clear" => "good",
        "Fail" | "ConditionalFail" | "alarm" => "bad",
        "NotApplicable" => "quiet",
        _ => "warn",
    }
}
