//! The suggested notice of a case: which kind, and its mandatory fields filled in.

use tidewaiter_config::plan::{Notice, Plan};

use super::Case;

/// A notice with its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Scope.
    pub scope: String,
    /// Matters warned of.
    pub matters: String,
    /// When it may be lifted.
    pub lift_condition: String,
    /// Legal basis.
    pub legal_basis: String,
}

/// The notice the plan suggests for a case: the first that fits.
pub fn suggested<'p>(plan: &'p Plan, case: &Case) -> Option<&'p Notice> {
    plan.notices.iter().find(|notice| case.fits(&notice.when))
}

/// Fills a notice in with what `known` tells by name.
///
/// # Errors
///
/// The fields that cannot be filled, each with the first name nothing is known for: `scope ({origin})`.
pub fn fill(notice: &Notice, known: impl Fn(&str) -> Option<String>) -> Result<Filled, Vec<String>> {
    let mut missing = Vec::new();
    let mut text = |field: &str, template: &str| match filled(template, &known) {
        Ok(text) if !text.trim().is_empty() => text,
        Ok(_) => {
            missing.push(field.to_owned());
            String::new()
        }
        Err(name) => {
            missing.push(format!("{field} ({{{name}}})"));
            String::new()
        }
    };
    let filled = Filled {
        scope: text("scope", &notice.scope),
        matters: text("matters", &notice.matters),
        lift_condition: text("lift-condition", &notice.lift_condition),
        legal_basis: text("legal-basis", &notice.legal_basis),
    };
    if missing.is_empty() { Ok(filled) } else { Err(missing) }
}

fn filled(template: &str, known: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, further) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        text.push_str(&known(name).filter(|it| !it.trim().is_empty()).ok_or_else(|| name.to_owned())?);
        rest = further;
    }
    text.push_str(rest);
    Ok(text)
}
