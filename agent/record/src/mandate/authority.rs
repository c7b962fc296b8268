//! What an agent has accepted, and what it accepts next.
//!
//! ```text
//! root file ─► anchored ─► offer(root | limits | assignment)* ─► candidate ─► (tables there, state kept) ─► activate
//! ```
//!
//! Limits and assignment are held as offered and change nothing by themselves. Only when they agree — every table the
//! director assigns is one that the authority approves — is there a candidate, and only when its files are there is it
//! made active, as a whole. Whoever drives this keeps [`Authority::save`] before an activation and together with it:
//! floors come first, so that no power cut lets a version fall.

use super::{
    Approved, Assignment, Command, Floors, Kind, Limits, MandateError, OnExpiry, Plan, RoleName, Root, Signed,
    plan::PLAN_SIGNERS,
};
use crate::id::Hash;

/// A document with the bytes it came in.
#[derive(Clone, Debug)]
pub(super) struct Held<T> {
    pub(super) bytes: Vec<u8>,
    pub(super) document: T,
}

/// Limits and assignment that judge now.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) root_version: u64,
    pub(super) limits: Held<Limits>,
    pub(super) assignment: Held<Assignment>,
    /// The present root no longer stands behind one of them.
    pub(super) orphaned: bool,
}

/// The state of a client of signed orders.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(super) agent: String,
    pub(super) root: Held<Root>,
    pub(super) floors: Floors,
    pub(super) beacon: u64,
    pub(super) limits: Option<Held<Limits>>,
    pub(super) assignment: Option<Held<Assignment>>,
    pub(super) active: Option<Active>,
}

/// What an offer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Another root holds; it may have set floors anew.
    Root {
        /// Its version.
        version: u64,
        /// Floors it set.
        floors: Option<Floors>,
    },
    /// Other limits are held.
    Limits {
        /// Their version.
        version: u64,
    },
    /// Another assignment is held.
    Assignment {
        /// Its version.
        version: u64,
    },
    /// It was there already.
    Known,
}

/// Limits and an assignment that agree and are not active yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Versions of root, limits and assignment.
    pub versions: (u64, u64, u64),
    /// The tables, as approved.
    pub tables: Vec<Approved>,
}

/// What judges now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Versions of root, limits and assignment at their activation.
    pub versions: (u64, u64, u64),
    /// Tables that judge.
    pub tables: Vec<Approved>,
    /// Nothing fresh has come for too long, or the root has left it behind.
    pub stale: bool,
    /// Tables that judge no longer for that reason.
    pub refused: Vec<Approved>,
    /// SHA-256 the site file should have.
    pub config: Option<Hash>,
}

impl Authority {
    /// Begins with a root that is trusted because of where it lies.
    ///
    /// # Errors
    ///
    /// Refuses a root that its own threshold has not signed.
    pub fn anchored(agent: &str, root: &[u8]) -> Result<Self, MandateError> {
        let signed = Signed::open_as(root, Kind::Root)?;
        let document = Root::read(&signed)?;
        document.need(RoleName::Root, 1, &signed)?;
        Ok(Self {
            agent: agent.to_owned(),
            floors: document.floors.unwrap_or_default(),
            root: Held { bytes: root.to_vec(), document },
            beacon: 0,
            limits: None,
            assignment: None,
            active: None,
        })
    }

    /// Takes in a root, limits or an assignment.
    ///
    /// # Errors
    ///
    /// Why it is not taken; nothing has changed then.
    pub fn offer(&mut self, bytes: &[u8]) -> Result<Outcome, MandateError> {
        let signed = Signed::open(bytes)?;
        match signed.kind() {
            Kind::Root => self.offer_root(&signed),
            Kind::Limits => self.offer_limits(&signed),
            Kind::Assignment => self.offer_assignment(&signed),
            found @ (Kind::Plan | Kind::Command) => Err(MandateError::Kind { found, expected: Kind::Assignment }),
        }
    }

    fn offer_root(&mut self, signed: &Signed<'_>) -> Result<Outcome, MandateError> {
        let next = Root::read(signed)?;
        let version = self.root.document.version;
        if next.version == version && next == self.root.document {
            return Ok(Outcome::Known);
        }
        if next.version == version {
            return Err(MandateError::Conflict { kind: Kind::Root, version });
        }
        if next.version < version {
            return Err(MandateError::Rollback { kind: Kind::Root, found: next.version, floor: version });
        }
        let needed = version.saturating_add(1);
        if next.version != needed {
            return Err(MandateError::MissingRoot { found: next.version, needed });
        }
        self.root.document.need(RoleName::Root, 1, signed)?;
        next.need(RoleName::Root, 1, signed)?;
        let outcome = Outcome::Root { version: next.version, floors: next.floors };
        self.floors = next.floors.unwrap_or(self.floors);
        self.root = Held { bytes: signed.bytes().to_vec(), document: next };
        self.review();
        Ok(outcome)
    }

    /// After another root: what it does not stand behind is held no longer. What is active goes on, marked.
    pub(super) fn review(&mut self) {
        let root = &self.root.document;
        let stands = |bytes: &[u8], role| Signed::open(bytes).is_ok_and(|signed| root.need(role, 1, &signed).is_ok());
        self.limits = self.limits.take().filter(|it| stands(&it.bytes, RoleName::Limits));
        self.assignment = self.assignment.take().filter(|it| stands(&it.bytes, RoleName::Director));
        if let Some(active) = &mut self.active {
            active.orphaned = !stands(&active.limits.bytes, RoleName::Limits)
                || !stands(&active.assignment.bytes, RoleName::Director);
        }
    }

    fn offer_limits(&mut self, signed: &Signed<'_>) -> Result<Outcome, MandateError> {
        let kind = Kind::Limits;
        self.root.document.need(RoleName::Limits, 1, signed)?;
        let next = Limits::read(signed)?;
        let version = next.version;
        if version < self.floors.limits {
            return Err(MandateError::Rollback { kind, found: version, floor: self.floors.limits });
        }
        if let Some(held) = self.limits.as_ref().filter(|it| it.document.version == version) {
            return if held.document == next {
                Ok(Outcome::Known)
            } else {
                Err(MandateError::Conflict { kind, version })
            };
        }
        self.fresh(kind, next.expires_at_beacon)?;
        self.floors.limits = version;
        self.limits = Some(Held { bytes: signed.bytes().to_vec(), document: next });
        Ok(Outcome::Limits { version })
    }

    fn offer_assignment(&mut self, signed: &Signed<'_>) -> Result<Outcome, MandateError> {
        let kind = Kind::Assignment;
        self.root.document.need(RoleName::Director, 1, signed)?;
        let next = Assignment::read(signed)?;
        if next.agent != self.agent {
            return Err(MandateError::NotOurs { kind, found: next.agent });
        }
        let version = next.version;
        if version < self.floors.assignment {
            return Err(MandateError::Rollback { kind, found: version, floor: self.floors.assignment });
        }
        if let Some(held) = self.assignment.as_ref().filter(|it| it.document.version == version) {
            return if held.document == next {
                Ok(Outcome::Known)
            } else {
                Err(MandateError::Conflict { kind, version })
            };
        }
        self.fresh(kind, next.expires_at_beacon)?;
        self.floors.assignment = version;
        self.assignment = Some(Held { bytes: signed.bytes().to_vec(), document: next });
        Ok(Outcome::Assignment { version })
    }

    const fn fresh(&self, kind: Kind, expired: u64) -> Result<(), MandateError> {
        if self.beacon > expired {
            return Err(MandateError::Expired { kind, expired, beacon: self.beacon });
        }
        Ok(())
    }

    /// Takes note of a verified beacon; says whether it is newer than any before.
    pub fn see_beacon(&mut self, number: u64) -> bool {
        let newer = number > self.beacon;
        self.beacon = self.beacon.max(number);
        newer
    }

    /// The newest beacon seen; 0 before the first.
    pub const fn beacon(&self) -> u64 {
        self.beacon
    }

    /// The version of the root that holds.
    pub const fn root_version(&self) -> u64 {
        self.root.document.version
    }

    /// The lowest versions that may still come.
    pub const fn floors(&self) -> Floors {
        self.floors
    }

    /// What is to be made active next, if limits and assignment are there and agree and are not active already.
    ///
    /// # Errors
    ///
    /// Why they do not agree, or are no longer fresh; what is active stays.
    pub fn candidate(&self) -> Result<Option<Candidate>, MandateError> {
        let (Some(limits), Some(assignment)) = (&self.limits, &self.assignment) else { return Ok(None) };
        let same = |active: &Active| {
            !active.orphaned
                && active.limits.document == limits.document
                && active.assignment.document == assignment.document
        };
        if self.active.as_ref().is_some_and(same) {
            return Ok(None);
        }
        self.fresh(Kind::Limits, limits.document.expires_at_beacon)?;
        self.fresh(Kind::Assignment, assignment.document.expires_at_beacon)?;
        let needed = assignment.document.limits_version;
        if limits.document.version < needed {
            return Err(MandateError::LimitsTooOld { needed, found: Some(limits.document.version) });
        }
        let tables = approved(&limits.document, &assignment.document)?;
        let versions = (self.root_version(), limits.document.version, assignment.document.version);
        Ok(Some(Candidate { versions, tables }))
    }

    /// Looks at a table file that came from outside: whether it is one that the candidate or what is active needs.
    ///
    /// # Errors
    ///
    /// [`MandateError::NotWanted`] for every other file, [`MandateError::Length`] when the approval names another length.
    pub fn table(&self, bytes: &[u8]) -> Result<&Approved, MandateError> {
        let hash = Hash::of(bytes);
        let named = |assignment: &Assignment| assignment.tables.iter().any(|it| it.hash == hash);
        let held = self.limits.as_ref().zip(self.assignment.as_ref()).map(|(l, a)| (&l.document, &a.document));
        let active = self.active.as_ref().map(|it| (&it.limits.document, &it.assignment.document));
        let wanted = [held, active].into_iter().flatten().find_map(|(limits, assignment)| {
            limits.tables.iter().find(|it| it.hash == hash).filter(|_| named(assignment))
        });
        let wanted = wanted.ok_or(MandateError::NotWanted { hash, bytes: bytes.len() })?;
        if wanted.length == bytes.len() as u64 {
            Ok(wanted)
        } else {
            Err(MandateError::Length { hash, found: bytes.len(), approved: wanted.length })
        }
    }

    /// Makes the candidate active: one switch, in memory. Whoever calls has the tables and keeps [`Self::save`].
    ///
    /// # Errors
    ///
    /// As [`Self::candidate`]; what is active stays.
    pub fn activate(&mut self) -> Result<Option<Standing>, MandateError> {
        let Some(candidate) = self.candidate()? else { return Ok(None) };
        let (Some(limits), Some(assignment)) = (self.limits.clone(), self.assignment.clone()) else { return Ok(None) };
        self.active = Some(Active { root_version: candidate.versions.0, limits, assignment, orphaned: false });
        Ok(self.standing())
    }

    /// What judges now; `None` before the first activation.
    pub fn standing(&self) -> Option<Standing> {
        let active = self.active.as_ref()?;
        let (limits, assignment) = (&active.limits.document, &active.assignment.document);
        let last = limits.expires_at_beacon.min(assignment.expires_at_beacon);
        let stale = active.orphaned || self.beacon > last;
        // They agreed when they were made active.
        let all = approved(limits, assignment).unwrap_or_default();
        let (refused, tables) = all.into_iter().partition(|it| stale && it.on_expiry == OnExpiry::Refuse);
        Some(Standing {
            versions: (active.root_version, limits.version, assignment.version),
            tables,
            stale,
            refused,
            config: assignment.config,
        })
    }

    /// Opens a plan: two persons of role limits have signed it, and the active assignment names it.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub fn plan(&self, bytes: &[u8]) -> Result<Plan, MandateError> {
        let signed = Signed::open_as(bytes, Kind::Plan)?;
        self.root.document.need(RoleName::Limits, PLAN_SIGNERS, &signed)?;
        let plan = Plan::read(&signed)?;
        let assigned = self.active.as_ref().and_then(|it| it.assignment.document.plan.as_ref());
        let hash = plan.hash();
        if assigned.is_some_and(|it| it.id == plan.id && it.version == plan.version && it.hash == hash) {
            Ok(plan)
        } else {
            Err(MandateError::PlanNotAssigned { id: plan.id, version: plan.version, hash })
        }
    }

    /// Opens a command to this agent: role director has signed it. Also says whether a key of role root has.
    ///
    /// # Errors
    ///
    /// Why it is no command to this agent. Nobody answers such a one.
    pub fn command(&self, bytes: &[u8]) -> Result<(Command, bool), MandateError> {
        let kind = Kind::Command;
        let signed = Signed::open_as(bytes, kind)?;
        let root = &self.root.document;
        root.need(RoleName::Director, 1, &signed)?;
        let command = Command::read(&signed)?;
        if command.agent != self.agent {
            return Err(MandateError::NotOurs { kind, found: command.agent });
        }
        // One purpose per key: a key that is both director's and root's does not count as a second pair of eyes.
        let director = &root.role(RoleName::Director).kids;
        let by_root = root.signers(RoleName::Root, &signed).into_iter().any(|kid| !director.contains(&kid));
        Ok((command, by_root))
    }
}

/// Both must agree: every assigned table is approved with this content.
fn approved(limits: &Limits, assignment: &Assignment) -> Result<Vec<Approved>, MandateError> {
    let one = |it: &super::Assigned| {
        limits.approves(&it.id, &it.edition, it.hash).cloned().ok_or_else(|| MandateError::NotApproved {
            id: it.id.clone(),
            edition: it.edition.clone(),
            hash: it.hash,
        })
    };
    assignment.tables.iter().map(one).collect()
}
