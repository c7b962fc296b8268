//! Which notice is suggested for which finding, and the wording of its mandatory fields.

use super::{NoticeKind, Selector, matrix::selector};
use crate::reader::{self, Node, Value};

/// A suggested notice: the first one that fits a finding is taken.
///
/// The four texts are templates: `{goods}` is replaced by what is known of the finding, see [`FIELDS`]. A notice
/// with a field that cannot be filled is not proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom it addresses.
    pub kind: NoticeKind,
    /// What it is for.
    pub when: Selector,
    /// Scope: which goods, from where.
    pub scope: String,
    /// Matters warned of.
    pub matters: String,
    /// When it may be lifted.
    pub lift_condition: String,
    /// Legal basis, as the issuer cites it.
    pub legal_basis: String,
}

/// What a template may name, between braces.
pub const FIELDS: [&str; 14] = [
    "point",
    "issuer",
    "place",
    "subject",
    "goods",
    "hs-code",
    "origin",
    "consignee",
    "category",
    "parameters",
    "tables",
    "values",
    "level",
    "lift-after",
];

/// Reads one `[[notices]]` table.
pub(super) fn notice(node: &Node<'_>, tables: &[&str], has_trend: bool) -> Option<Notice> {
    let kind = node.need("kind", "\"tongbao\"").and_then(|value| value.word(&NoticeKind::WORDS));
    let when =
        node.may("when").map_or_else(|| Some(Selector::default()), |value| selector(&value.table()?, tables, true));
    let text = |key: &'static str, example: &str| node.need(key, example).and_then(|value| template(&value, has_trend));
    let scope = text("scope", "\"{goods} {hs-code}\"");
    let matters = text("matters", "\"{parameters}: {values}\"");
    let lift_condition = text("lift_condition", "\"{lift-after} consignments in a row that conform\"");
    let legal_basis = text("legal_basis", "\"document and clause\"");
    node.finish();
    Some(Notice {
        kind: kind?,
        when: when?,
        scope: scope?,
        matters: matters?,
        lift_condition: lift_condition?,
        legal_basis: legal_basis?,
    })
}

fn template(value: &Value<'_>, has_trend: bool) -> Option<String> {
    let text = value.text()?;
    let mut sound = true;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, further)) = after.split_once('}') else {
            value.fault("a brace is opened and not closed", "{goods}, or another name between two braces");
            return None;
        };
        if !FIELDS.contains(&name) {
            let way_out = reader::nearest(name, FIELDS).map_or_else(
                || format!("one of {}", reader::list(FIELDS)),
                |meant| format!("{{{meant}}} in place of {{{name}}}"),
            );
            value.fault(format!("nothing is known by the name {{{name}}}"), way_out);
            sound = false;
        }
        if name == "lift-after" && !has_trend {
            value.dangling(
                "{lift-after} is a number of the trend rule, and the plan has none",
                "[trend] with lift_after = 10, or a condition in words",
            );
            sound = false;
        }
        rest = further;
    }
    sound.then(|| text.to_owned())
}
