//! What a new image arrives in; without the feature `update` nothing does.

#[cfg(feature = "update")]
mod taken {
    use embedded_storage::Storage;
    use tidewaiter_app::{
        store::Store,
        update::{Update, image::Image},
    };

    use crate::flash::{ACTIVE, IMAGES, Images, STATE, State};

    pub(crate) type Updates = Update<Images, State>;

    /// SHA-256 and security counter of the image that runs, as it says itself: the loader has verified it.
    pub(crate) fn running() -> ([u8; 32], u32) {
        let mut active = ACTIVE;
        Image::read(&mut active, u32::MAX).map_or(([0; 32], 0), |image| (image.hash, image.security_counter))
    }

    pub(crate) fn open<S: Storage>(store: &mut Store<S>, running: u32) -> Updates {
        Update::open(IMAGES, STATE, running, store)
    }
}

#[cfg(not(feature = "update"))]
mod taken {
    use embedded_storage::Storage;
    use tidewaiter_app::{store::Store, update::NoUpdates};

    pub(crate) type Updates = NoUpdates;

    /// SHA-256 of what runs; it has no security counter.
    pub(crate) fn running() -> ([u8; 32], u32) {
        (tidewaiter_cortex::image::hash(), 0)
    }

    pub(crate) fn open<S: Storage>(_: &mut Store<S>, _: u32) -> Updates {
        NoUpdates
    }
}

pub(crate) use taken::{Updates, open, running};
