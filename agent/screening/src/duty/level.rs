//! Which level a case is worth, by harm, urgency and extent.

use tidewaiter_config::plan::{Level, Matrix};

use super::Case;

/// A proposed level and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Level.
    pub level: Level,
    /// Scores of harm, urgency and extent.
    pub scores: [u32; 3],
}

/// Proposes a level; `None` for a case that conforms, and for one whose product no level reaches.
pub fn propose(matrix: &Matrix, case: &Case) -> Option<Proposal> {
    if !case.breached() {
        return None;
    }
    let axis = |rules: &[tidewaiter_config::plan::Score]| {
        rules.iter().filter(|rule| case.fits(&rule.when)).map(|rule| rule.score).max().unwrap_or(1)
    };
    let [harm, urgency, extent] = &matrix.scores;
    let scores = [axis(harm), axis(urgency), axis(extent)];
    let product: u32 = scores.iter().fold(1, |product, score| product.saturating_mul(*score));
    let step = matrix.steps.iter().find(|step| product >= step.at_least)?;
    Some(Proposal { level: step.level, scores })
}
