//! The firmware update: how an image arrives, when it is believed, how it comes to run and how it is left again.
//!
//! ```text
//! begin ─► preparing ─► receiving ◄─► preparing      windows of 128 bytes over Modbus, one erase unit after the other
//!                          │ order (length, security counter, MAC)
//!                          ▼
//!                       checking ─► marked ─► restart ─► boot loader swaps ─► on trial ─► confirmed
//!                          │                                 │ another hash     │ reset before the confirmation
//!                          ▼                                 ▼                  ▼
//!                       refused                       it does not     the loader swaps back
//! ```
//!
//! An image has `MCUboot`'s layout ([`image`]) and lies in a partition one erase unit larger than the one code runs
//! from; the swap is embassy-boot's, and [`boot`] is the part of the loader that decides.
//!
//! # Who may
//!
//! An order carries a MAC under the node's key over serial number, length, security counter and the image's hash
//! ([`order_mac`]). The centre alone shares the key; it checks the release's signature and then vouches for the image
//! to one node. Public-key verification on the node itself does not fit into 32 KiB beside the rest.
//!
//! The node holds length, counter and hash that the image *says* against the order; that the hash is the one of what has
//! arrived the loader computes, before it swaps and before every start. It would have to anyway.
//!
//! # The security counter
//!
//! It rises to that of the running image when the image is confirmed, never before: an image on trial can be left
//! again. Confirmed comes first and raised second, so a cut between them leaves a counter that is too low, which the
//! next start makes good, and not one that forbids the image the loader would go back to. The loader swaps nothing in,
//! and starts nothing, below the counter in force.
//!
//! # Cuts
//!
//! *Receiving*: the erase unit being filled is on record in the store, so after a reset the windows in it are still
//! there: all but the last written, which may be torn, count as received. The last comes again; if it is whole
//! nothing is written, if it is torn the unit begins again. *Swapping*: embassy-boot keeps its progress; its state lies
//! in a `twin`, because a torn erase of a single state sector could make it swap half a second time. *Trial*: a cut is
//! a reset before the confirmation, so the old image comes back; the new one is still whole in its partition, and the
//! same order after the last window brings it in again.
//!
//! # Not here
//!
//! embassy-boot's side of the application: its `BlockingFirmwareUpdater` erases the unit under the first window after
//! every reset, and with it what had arrived; its `BlockingFirmwareState` writes the magic after the state counts as
//! renewed. Of embassy-boot the loader alone is used, and its two magics (`twin`).

pub mod boot;
pub mod image;
mod twin;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use embedded_storage::{Storage, nor_flash::NorFlash};
use thiserror::Error;
use tidewaiter_node::block::{MAC_BYTES, NodeKey};

pub use self::twin::Twin;
use self::{
    image::Image,
    twin::{KEPT, SWAP},
};
use crate::store::{Store, StoreError, is_all};
pub use tidewaiter_node::update::order_mac;

/// Bytes of a window: 64 registers.
pub const WINDOW: usize = 128;
const WINDOW_U32: u32 = 128;
/// The largest word a state partition is written in.
pub(crate) const WORD: usize = 8;

/// An order to run the image that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Bytes of the image file.
    pub length: u32,
    /// Its security counter.
    pub security_counter: u32,
    /// See [`order_mac`].
    pub mac: [u8; MAC_BYTES],
}

/// Where an update stands; the numbers are the register's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Stage {
    /// None under way.
    Idle = 0,
    /// An erase unit is being prepared; windows are answered with "busy".
    Preparing = 1,
    /// Windows are taken.
    Receiving = 2,
    /// The order is held against the image.
    Checking = 3,
    /// The image will be swapped in at the next start.
    Marked = 4,
    /// The running image is on trial.
    OnTrial = 5,
    /// The image or its order was refused: its hash, its counter, its MAC.
    Refused = 6,
    /// Flash or store did not keep something.
    Failed = 7,
}

/// What the update registers show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it stands.
    pub stage: Stage,
    /// Bytes received without a gap.
    pub received: u32,
    /// Security counter of the last order, 0 before one.
    pub offered: u32,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// Later, please: something is being erased or hashed.
    #[error("the update is busy")]
    Busy,
    /// Not in this stage: no update begun, one marked, or one on trial.
    #[error("not in this stage of the update")]
    Stage,
    /// Not a whole window, beyond what has been received, or beyond the partition.
    #[error("a window at {at} where {received} bytes have been received")]
    Offset {
        /// Where the window would go.
        at: u32,
        /// Bytes received.
        received: u32,
    },
    /// The window differs from what was received there; the update begins again.
    #[error("other bytes have been received there")]
    Differs,
    /// The window was torn by a cut; its erase unit begins again, see the bytes received.
    #[error("the window was torn, its erase unit begins again")]
    Torn,
    /// Below the security counter in force.
    #[error("security counter {offered} is below {in_force}")]
    SecurityCounter {
        /// The order's.
        offered: u32,
        /// The one in force.
        in_force: u32,
    },
    /// The flash does not keep what is written.
    #[error("the flash does not keep what is written")]
    Flash,
    /// This node takes no updates.
    #[error("this node takes no updates")]
    Unsupported,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to wait for.
    Idle,
    /// The image is marked; restart when the reply is out.
    Restart,
}

/// Taking updates, or not: what the node needs of it.
pub trait Updates {
    /// Forgets what has arrived and begins anew.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Stage`] on trial and when marked.
    fn begin(&mut self) -> Result<(), UpdateError>;

    /// Takes a window. One that was received already is taken again, if it is the same.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Busy`] asks for the same window later; the other errors leave [`Progress::received`] as the place
    /// to go on from.
    fn window(&mut self, offset: u32, data: &[u8; WINDOW]) -> Result<(), UpdateError>;

    /// Takes an order; [`Updates::step`] checks the image against it.
    ///
    /// # Errors
    ///
    /// Refuses what can be refused without hashing.
    fn order<S: Storage>(&mut self, store: &Store<S>, order: Order) -> Result<(), UpdateError>;

    /// Does a piece of the work: erases a unit, or holds an order against the image. `who` is serial number and key.
    fn step<S: Storage>(&mut self, store: &mut Store<S>, who: Option<(&[u8; 8], &NodeKey)>) -> Step;

    /// Confirms the running image after its self-test, and raises the security counter to its own.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Flash`]: it stays on trial. A counter that could not be raised is raised at the next start.
    fn confirm<S: Storage>(&mut self, store: &mut Store<S>) -> Result<(), UpdateError>;

    /// What the registers show.
    fn progress(&self) -> Progress;
}

/// A node without a second partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUpdates;

impl Updates for NoUpdates {
    fn begin(&mut self) -> Result<(), UpdateError> {
        Err(UpdateError::Unsupported)
    }

    fn window(&mut self, _: u32, _: &[u8; WINDOW]) -> Result<(), UpdateError> {
        Err(UpdateError::Unsupported)
    }

    fn order<S: Storage>(&mut self, _: &Store<S>, _: Order) -> Result<(), UpdateError> {
        Err(UpdateError::Unsupported)
    }

    fn step<S: Storage>(&mut self, _: &mut Store<S>, _: Option<(&[u8; 8], &NodeKey)>) -> Step {
        Step::Idle
    }

    fn confirm<S: Storage>(&mut self, _: &mut Store<S>) -> Result<(), UpdateError> {
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress { stage: Stage::Idle, received: 0, offered: 0 }
    }
}

/// Takes updates into a partition of its own.
pub struct Update<D, T> {
    /// Where an image arrives: one erase unit larger than the partition code runs from.
    images: D,
    state: T,
    stage: Stage,
    /// The unit to prepare is the first of a new update.
    anew: bool,
    received: u32,
    /// First byte of the erase unit being filled or prepared.
    unit: u32,
    /// Security counter of the running image.
    running: u32,
    /// The last one of this update, zeros before one.
    order: Order,
}

impl<D: NorFlash, T: NorFlash> Update<D, T> {
    #[allow(clippy::cast_possible_truncation, reason = "a flash is addressed with 32 bits")]
    const UNIT: u32 = D::ERASE_SIZE as u32;

    /// Finds out where the update stands after a start. `running` is the security counter of the image that runs.
    ///
    /// A confirmed image whose counter a cut kept from being raised has it raised here.
    pub fn open<S: Storage>(images: D, state: T, running: u32, store: &mut Store<S>) -> Self {
        const {
            assert!(D::READ_SIZE == 1 && T::READ_SIZE == 1, "partitions are read by the byte");
            assert!(WINDOW.is_multiple_of(D::WRITE_SIZE), "a window is whole words of the flash");
            assert!(D::ERASE_SIZE.is_multiple_of(WINDOW), "an erase unit is whole windows");
        }
        let order = Order { length: 0, security_counter: 0, mac: [0; MAC_BYTES] };
        let mut update = Self { images, state, stage: Stage::Idle, anew: false, received: 0, unit: 0, running, order };
        match Twin::new(&mut update.state).is_swap() {
            Ok(true) => update.stage = Stage::OnTrial,
            Ok(false) => {
                // A refusal shows in the store; the next start tries again.
                let _ = store.raise_security(running);
                if let Some(unit) =
                    store.update_from().filter(|at| at.is_multiple_of(Self::UNIT) && *at < update.most())
                {
                    update.unit = unit;
                    // The last written window may be torn: it comes again.
                    let end = update.written().map(|end| end.saturating_sub(WINDOW_U32).max(unit));
                    update.received = end.unwrap_or_default();
                    update.stage = if end.is_some() { Stage::Receiving } else { Stage::Failed };
                }
            }
            Err(_) => update.stage = Stage::Failed,
        }
        update
    }

    /// Whether the running image is on trial.
    pub fn is_on_trial(&self) -> bool {
        self.stage == Stage::OnTrial
    }

    /// Bytes an image may have: the last unit is the loader's.
    #[allow(clippy::cast_possible_truncation, reason = "a flash is addressed with 32 bits")]
    fn most(&self) -> u32 {
        (self.images.capacity() as u32).saturating_sub(Self::UNIT)
    }

    /// Where in the unit the last window ends that is not erased: the unit's first byte if all are. None: the flash does
    /// not answer.
    fn written(&mut self) -> Option<u32> {
        let mut at = self.unit.saturating_add(Self::UNIT);
        while at > self.unit {
            let mut window = [0; WINDOW];
            self.images.read(at.saturating_sub(WINDOW_U32), &mut window).ok()?;
            if !is_all(&window, ERASED) {
                break;
            }
            at = at.saturating_sub(WINDOW_U32);
        }
        Some(at)
    }

    fn prepare<S: Storage>(&mut self, store: &mut Store<S>) -> bool {
        if core::mem::take(&mut self.anew) && store.set_update(None).is_err() {
            return false;
        }
        self.images.erase(self.unit, self.unit.saturating_add(Self::UNIT)).is_ok()
            && self.written() == Some(self.unit)
            && store.set_update(Some(self.unit)).is_ok()
    }

    /// Whether the image that has arrived says it is the one of the order, and the order is for this node.
    fn believes(&mut self, serial: [u8; 8], key: &NodeKey) -> bool {
        let Order { length, security_counter, mac } = self.order;
        let Ok(image) = Image::read(&mut self.images, length) else { return false };
        let right = order_mac(key, &serial, length, security_counter, &image.hash);
        let differ = mac.iter().zip(right).fold(0, |differ, (a, b)| differ | (a ^ b));
        (image.length, image.security_counter) == (length, security_counter) && core::hint::black_box(differ) == 0
    }
}

/// What erased flash reads.
pub(crate) const ERASED: u8 = 0xff;

impl<D: NorFlash, T: NorFlash> Updates for Update<D, T> {
    fn begin(&mut self) -> Result<(), UpdateError> {
        if matches!(self.stage, Stage::OnTrial | Stage::Marked) {
            return Err(UpdateError::Stage);
        }
        self.stage = Stage::Preparing;
        self.received = 0;
        self.unit = 0;
        self.anew = true;
        self.order.security_counter = 0;
        Ok(())
    }

    fn window(&mut self, offset: u32, data: &[u8; WINDOW]) -> Result<(), UpdateError> {
        match self.stage {
            Stage::Receiving => {}
            Stage::Preparing | Stage::Checking => return Err(UpdateError::Busy),
            _ => return Err(UpdateError::Stage),
        }
        let received = self.received;
        if !offset.is_multiple_of(WINDOW_U32) || offset > received || offset >= self.most() {
            return Err(UpdateError::Offset { at: offset, received });
        }
        if offset == self.unit.saturating_add(Self::UNIT) {
            self.unit = offset;
            self.stage = Stage::Preparing;
            return Err(UpdateError::Busy);
        }
        let mut there = [0; WINDOW];
        self.images.read(offset, &mut there).map_err(|_| UpdateError::Flash)?;
        if there != *data {
            if offset < received {
                return Err(UpdateError::Differs);
            }
            // Written over a torn one, the bytes would be neither.
            let wrote = is_all(&there, ERASED) && self.images.write(offset, data).is_ok();
            if !wrote || self.images.read(offset, &mut there).is_err() || there != *data {
                self.received = self.unit;
                self.stage = Stage::Preparing;
                return Err(UpdateError::Torn);
            }
        }
        self.received = received.max(offset.saturating_add(WINDOW_U32));
        Ok(())
    }

    fn order<S: Storage>(&mut self, store: &Store<S>, order: Order) -> Result<(), UpdateError> {
        match self.stage {
            Stage::Receiving | Stage::Refused => {}
            Stage::Preparing | Stage::Checking => return Err(UpdateError::Busy),
            _ => return Err(UpdateError::Stage),
        }
        let in_force = store.security_counter();
        if order.security_counter < in_force {
            return Err(UpdateError::SecurityCounter { offered: order.security_counter, in_force });
        }
        if order.length > self.received {
            return Err(UpdateError::Offset { at: order.length, received: self.received });
        }
        self.order = order;
        self.stage = Stage::Checking;
        Ok(())
    }

    fn step<S: Storage>(&mut self, store: &mut Store<S>, who: Option<(&[u8; 8], &NodeKey)>) -> Step {
        match self.stage {
            Stage::Preparing => self.stage = if self.prepare(store) { Stage::Receiving } else { Stage::Failed },
            Stage::Checking => {
                // Without a key no order can be believed.
                self.stage = if !who.is_some_and(|(serial, key)| self.believes(*serial, key)) {
                    Stage::Refused
                } else if Twin::new(&mut self.state).turn(SWAP).is_err() {
                    Stage::Failed
                } else {
                    Stage::Marked
                };
            }
            _ => {}
        }
        if self.stage == Stage::Marked { Step::Restart } else { Step::Idle }
    }

    fn confirm<S: Storage>(&mut self, store: &mut Store<S>) -> Result<(), UpdateError> {
        if self.stage != Stage::OnTrial {
            return Ok(());
        }
        Twin::new(&mut self.state).turn(KEPT).map_err(|_| UpdateError::Flash)?;
        self.stage = Stage::Idle;
        let raised: Result<(), StoreError> = store.raise_security(self.running);
        // What was received has become what was left.
        let forgotten = store.set_update(None);
        // Both show in the store, and are made good at the next start or the next update.
        let _ = (raised, forgotten);
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress { stage: self.stage, received: self.received, offered: self.order.security_counter }
    }
}
