//! Instruments as seen from the cable: each `serve_*` speaks on one stream until the other end goes.
//!
//! A service takes any `AsyncRead + AsyncWrite`: a pseudo-terminal, a TCP connection, or one half of
//! `tokio::io::duplex` in a test with a paused clock. What it says is a function of scene time, so two
//! clients of one instrument hear the same, each from the moment it connected.

mod bench;
mod io_module;
pub(crate) mod modbus;
pub(crate) mod node;
pub(crate) mod registers;
pub(crate) mod stream;

use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::world::World;

pub use bench::serve_bench;
pub use io_module::serve_io_module;
pub use modbus::{serve_drum, serve_gamma, serve_node};
pub use stream::{serve_container_reader, serve_ph_meter, serve_plate_reader, serve_portal, serve_weighbridge};

/// Speaks as the instrument of this id, whatever it is.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_instrument<S>(stream: S, world: Arc<World>, instrument: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let scene = world.scene();
    if scene.weighbridge.as_ref().is_some_and(|it| it.id == instrument && it.node.is_some()) {
        serve_node(stream, world).await
    } else if scene.weighbridge.as_ref().is_some_and(|it| it.id == instrument) {
        serve_weighbridge(stream, world).await
    } else if scene.portal.as_ref().is_some_and(|it| it.id == instrument) {
        serve_portal(stream, world).await
    } else if scene.plate_reader.as_ref().is_some_and(|it| it.id == instrument) {
        serve_plate_reader(stream, world).await
    } else if scene.container_reader.as_ref().is_some_and(|it| it.id == instrument) {
        serve_container_reader(stream, world).await
    } else if scene.ph_meter.as_ref().is_some_and(|it| it.id == instrument) {
        serve_ph_meter(stream, world).await
    } else if scene.gamma.as_ref().is_some_and(|it| it.id == instrument) {
        serve_gamma(stream, world).await
    } else if scene.drum.as_ref().is_some_and(|it| it.id == instrument) {
        serve_drum(stream, world).await
    } else if scene.io_module.as_ref().is_some_and(|it| it.id == instrument) {
        serve_io_module(stream, world).await
    } else {
        serve_bench(stream, world, instrument.to_owned()).await
    }
}
