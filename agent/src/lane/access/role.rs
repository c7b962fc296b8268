//! Who may do what: one table.
//!
//! | action | operator | metrologist | reviewer | administrator |
//! |---|---|---|---|---|
//! | run a rig, enter values, post a subject, present a lot, read once, attach evidence | yes | yes | yes | yes |
//! | follow up at the lane: hand-held value, sample, hold, scan again | yes | yes | yes | yes |
//! | function checks | | yes | | yes |
//! | switch exercises on and off, start one | | yes | yes | yes |
//! | decide on a finding: laboratory's result, release, return; report sent | | | yes | yes |
//! | rotate keys, reload the site file | | | | yes |
//!
//! The machine's console, which holds the local key, may do all of it in the name of the person it states: whoever
//! reads that file already commands the agent.

use tidewaiter_config::users::Role;
use tidewaiter_screening::duty::transition::Step;
use tidewaiter_words::{Language, say};

/// Something a person does through the local interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start, step on or stop a run; type its values.
    Operate,
    /// State what is declared about a subject.
    Subject,
    /// Present a lot for a draw.
    Draw,
    /// Record one reading.
    Read,
    /// Attach evidence.
    Evidence,
    /// Work on a finding at the lane.
    FollowUp,
    /// Decide what becomes of a finding.
    Decide,
    /// State that a report was sent.
    Report,
    /// Make exercises of what opens.
    Drill,
    /// Check that an instrument works.
    FunctionCheck,
    /// Hand the chain to another key.
    Keys,
    /// Put another site file in force.
    Reload,
}

use Role::{Administrator, Metrologist, Operator, Reviewer};

impl Action {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 12] = [
        Self::Operate,
        Self::Subject,
        Self::Draw,
        Self::Read,
        Self::Evidence,
        Self::FollowUp,
        Self::Decide,
        Self::Report,
        Self::Drill,
        Self::FunctionCheck,
        Self::Keys,
        Self::Reload,
    ];

    /// The roles that may.
    pub(crate) const fn roles(self) -> &'static [Role] {
        match self {
            Self::Operate | Self::Subject | Self::Draw | Self::Read | Self::Evidence | Self::FollowUp => {
                &[Operator, Metrologist, Reviewer, Administrator]
            }
            Self::FunctionCheck => &[Metrologist, Administrator],
            Self::Drill => &[Metrologist, Reviewer, Administrator],
            Self::Decide | Self::Report => &[Reviewer, Administrator],
            Self::Keys | Self::Reload => &[Administrator],
        }
    }

    /// What is said to somebody who may not.
    pub(crate) fn refusal(self, language: Language) -> String {
        let roles: Vec<String> =
            self.roles().iter().map(|it| say(language, &format!("role-{}", it.word()), &[])).collect();
        say(language, "role-missing", &[("roles", (&roles.join(" / ")).into())])
    }

    /// What a step of a follow-up takes: the work at the lane is the operator's, what it amounts to is not.
    pub(crate) const fn of(step: Step) -> Self {
        match step {
            Step::Handheld | Step::Sample | Step::Hold | Step::ReScan => Self::FollowUp,
            Step::LabResult | Step::Release | Step::Return => Self::Decide,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_as_written() {
        let may = |role: Role| Action::ALL.iter().filter(|it| it.roles().contains(&role)).count();
        assert_eq!(Role::ALL.map(may), [6, 8, 9, 12]);
        assert!(Action::ALL.iter().all(|it| it.roles().contains(&Administrator)));
        for step in Step::ALL {
            let at_the_lane = matches!(step.word(), "handheld" | "sample" | "hold" | "re-scan");
            assert_eq!(Action::of(step).roles().contains(&Operator), at_the_lane, "{}", step.word());
        }
    }
}
