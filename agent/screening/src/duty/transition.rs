//! The states of a finding that needs a second look, and which step may follow which.

/// Declares a closed set of words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// All of them, in order.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The stable spelling used in records and interfaces.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Reads [`Self::word`] back.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|it| it.word() == word)
            }
        }
    };
}

words! {
    /// Where a finding stands.
    State {
        /// The screening alarmed or referred; nothing has followed.
        Screened = "screened",
        /// A sample is on its way to a laboratory.
        SampleSent = "sample-sent",
        /// A laboratory confirmed the breach.
        LabConfirmed = "lab-confirmed",
        /// A laboratory found no breach.
        LabCleared = "lab-cleared",
        /// A named person released the goods.
        Released = "released",
        /// The goods were sent back.
        Returned = "returned",
    }
}

words! {
    /// What a named person does about a finding.
    Step {
        /// Measured with a hand-held instrument.
        Handheld = "handheld",
        /// Sent a sample to a laboratory.
        Sample = "sample",
        /// Entered a laboratory's result.
        LabResult = "lab-result",
        /// Holds the goods.
        Hold = "hold",
        /// Releases the goods.
        Release = "release",
        /// Sends the goods back.
        Return = "return",
        /// Sends the conveyance through again.
        ReScan = "re-scan",
    }
}

/// What a laboratory's result amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabOutcome {
    /// A limit is not kept.
    Confirmed,
    /// All limits are kept.
    Cleared,
    /// It decides nothing: not accepted, or inconclusive.
    Open,
}

/// Why a step is refused, with the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The finding is closed.
    #[error("the finding is closed ({}); a new inspection opens a new one", .0.word())]
    Closed(State),
    /// No sample was sent.
    #[error("no sample was sent; enter --step sample --sample NUMBER first")]
    NoSample,
    /// A laboratory confirmed the breach.
    #[error(
        "a laboratory confirmed the breach; --step return, or send another sample whose result clears it, before a release"
    )]
    Confirmed,
}

impl State {
    /// Whether nothing follows any more.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Released | Self::Returned)
    }

    /// The state after `step`; `lab` says what a laboratory's result amounts to and counts for no other step.
    ///
    /// ```text
    ///                handheld hold re-scan  sample      lab-result                  release    return
    /// screened       stays                  sample-sent refused                     released   returned
    /// sample-sent    stays                  stays       lab-confirmed | lab-cleared released   returned
    /// lab-confirmed  stays                  sample-sent refused                     refused    returned
    /// lab-cleared    stays                  sample-sent refused                     released   returned
    /// released, returned: everything is refused
    /// ```
    ///
    /// # Errors
    ///
    /// Why the step may not follow.
    pub const fn after(self, step: Step, lab: LabOutcome) -> Result<Self, Refused> {
        if self.is_closed() {
            return Err(Refused::Closed(self));
        }
        match (step, self) {
            (Step::Handheld | Step::Hold | Step::ReScan, _) => Ok(self),
            (Step::Sample, _) => Ok(Self::SampleSent),
            (Step::LabResult, Self::SampleSent) => Ok(match lab {
                LabOutcome::Confirmed => Self::LabConfirmed,
                LabOutcome::Cleared => Self::LabCleared,
                LabOutcome::Open => self,
            }),
            (Step::LabResult, _) => Err(Refused::NoSample),
            (Step::Release, Self::LabConfirmed) => Err(Refused::Confirmed),
            (Step::Release, _) => Ok(Self::Released),
            (Step::Return, _) => Ok(Self::Returned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_from_every_state() {
        use State::{LabCleared, LabConfirmed, Released, Returned, SampleSent, Screened};
        // Rows as in the table of `after`; columns in the order of `Step::ALL`, the laboratory's result confirming.
        let no_sample = Err(Refused::NoSample);
        let table: [(State, [Result<State, Refused>; 7]); 6] = [
            (
                Screened,
                [Ok(Screened), Ok(SampleSent), no_sample, Ok(Screened), Ok(Released), Ok(Returned), Ok(Screened)],
            ),
            (
                SampleSent,
                [
                    Ok(SampleSent),
                    Ok(SampleSent),
                    Ok(LabConfirmed),
                    Ok(SampleSent),
                    Ok(Released),
                    Ok(Returned),
                    Ok(SampleSent),
                ],
            ),
            (
                LabConfirmed,
                [
                    Ok(LabConfirmed),
                    Ok(SampleSent),
                    no_sample,
                    Ok(LabConfirmed),
                    Err(Refused::Confirmed),
                    Ok(Returned),
                    Ok(LabConfirmed),
                ],
            ),
            (
                LabCleared,
                [Ok(LabCleared), Ok(SampleSent), no_sample, Ok(LabCleared), Ok(Released), Ok(Returned), Ok(LabCleared)],
            ),
            (Released, [Err(Refused::Closed(Released)); 7]),
            (Returned, [Err(Refused::Closed(Returned)); 7]),
        ];
        assert_eq!(table.map(|(state, _)| state), State::ALL);
        for (state, row) in table {
            for (step, expected) in Step::ALL.into_iter().zip(row) {
                assert_eq!(state.after(step, LabOutcome::Confirmed), expected, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn only_a_deciding_result_moves_a_sample() {
        for (lab, expected) in [
            (LabOutcome::Confirmed, State::LabConfirmed),
            (LabOutcome::Cleared, State::LabCleared),
            (LabOutcome::Open, State::SampleSent),
        ] {
            assert_eq!(State::SampleSent.after(Step::LabResult, lab), Ok(expected));
        }
    }

    #[test]
    fn words_read_back() {
        assert!(State::ALL.into_iter().all(|it| State::from_word(it.word()) == Some(it)));
        assert!(Step::ALL.into_iter().all(|it| Step::from_word(it.word()) == Some(it)));
    }
}
