//! The other end of a cable: an instrument on an in-process stream, under a clock moved by hand.

use std::{sync::Arc, time::Duration};

use tidewaiter_drivers::wire::{Decode, Event};
use tidewaiter_simulator::{Scene, World, WorldOptions, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};

/// More than any instrument says in the times asked for here.
const CABLE_BYTES: usize = 1 << 20;

pub(crate) fn world(scene: &str) -> Arc<World> {
    World::new(Scene::from_toml(scene).unwrap(), &WorldOptions::default()).unwrap()
}

pub(crate) fn demo() -> Arc<World> {
    World::new(Scene::built_in("demo").unwrap(), &WorldOptions::default()).unwrap()
}

/// Connects to the instrument that speaks on this kind of stream.
pub(crate) fn connect(world: &Arc<World>, instrument: &str) -> DuplexStream {
    let (near, far) = tokio::io::duplex(CABLE_BYTES);
    let world = Arc::clone(world);
    match instrument {
        "scale" => tokio::spawn(serve::serve_weighbridge(far, world)),
        "portal" => tokio::spawn(serve::serve_portal(far, world)),
        "plate" => tokio::spawn(serve::serve_plate_reader(far, world)),
        "ph" => tokio::spawn(serve::serve_ph_meter(far, world)),
        "gamma" => tokio::spawn(serve::serve_gamma(far, world)),
        "drum" => tokio::spawn(serve::serve_drum(far, world)),
        bench => {
            let bench = bench.to_owned();
            tokio::spawn(async move { serve::serve_instrument(far, world, &bench).await })
        }
    };
    near
}

/// All that arrives in this time.
pub(crate) async fn listen(cable: &mut DuplexStream, time: Duration) -> Vec<u8> {
    let mut heard = Vec::new();
    let _ = timeout(time, cable.read_to_end(&mut heard)).await;
    heard
}

/// Decodes a whole hearing; refused frames and garbage are counted apart.
pub(crate) fn decode<D: Decode>(mut decoder: D, bytes: &[u8]) -> (Vec<D::Item>, usize) {
    let mut frames = Vec::new();
    let mut bad = 0;
    for byte in bytes {
        match decoder.push(*byte) {
            Some(Event::Frame(frame)) => frames.push(frame),
            Some(Event::Refused(_) | Event::Garbage(_)) => bad += 1,
            None => {}
        }
    }
    (frames, bad)
}

/// Sends bytes and returns what comes back within this time.
pub(crate) async fn ask(cable: &mut DuplexStream, request: &[u8], time: Duration) -> Vec<u8> {
    cable.write_all(request).await.unwrap();
    let mut answer = vec![0; 512];
    let read = timeout(time, cable.read(&mut answer)).await.map_or(0, Result::unwrap);
    answer.truncate(read);
    answer
}
