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

    /// What the running image says of itself; the loader has verified it.
    fn running() -> Option<Image> {
        let mut active = ACTIVE;
        Image::read(&mut active, u32::MAX).ok()
    }

    /// Its SHA-256, which an order names, too.
    pub(crate) fn hash() -> [u8; 32] {
        running().map_or([0; 32], |image| image.hash)
    }

    pub(crate) fn open<S: Storage>(store: &mut Store<S>) -> Updates {
        Update::open(IMAGES, STATE, running().map_or(0, |image| image.security_counter), store)
    }
}

#[cfg(not(feature = "update"))]
mod taken {
    use embedded_storage::Storage;
    use tidewaiter_app::{store::Store, update::NoUpdates};

    pub(crate) type Updates = NoUpdates;

    pub(crate) use tidewaiter_cortex::image::hash;

    pub(crate) fn open<S: Storage>(_: &mut Store<S>) -> Updates {
        NoUpdates
    }
}

pub(crate) use taken::{Updates, hash, open};
