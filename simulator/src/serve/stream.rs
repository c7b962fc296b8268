//! Instruments that speak unasked: a line or frame per tick, whoever listens.

use std::{io, sync::Arc};

use tidewaiter_drivers::{
    Decimal,
    bench::ph::{self, PhLine},
    identity::plate::{self, Plate},
    portal::rpm::{
        self, Line,
        setup::{Algorithm, Gamma1, Gamma2, Gamma3, Neutron1, Neutron2, Setup},
    },
    scale::xk3190,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::sleep_until,
};

use crate::{
    scene::Portal,
    world::{INTERVAL_MS, World},
};

/// From one frame of the weighing indicator to the next.
const FRAME_PERIOD_MS: i64 = 100;
/// The plate reader looks for a new plate this often.
const PLATE_GRAIN_MS: i64 = 100;
/// A service that could not write for so many ticks goes on with the present: what a blocked line did
/// not take is lost, as on a real cable.
const MOST_TICKS_BEHIND: i64 = 64;

/// Sends the weighing indicator's continuous output, ten frames a second.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_weighbridge<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(scale) = world.scene().weighbridge.clone() else {
        return Ok(());
    };
    let render = |world: &World, tick: i64| {
        world.mass(tick * FRAME_PERIOD_MS).and_then(xk3190::encode).map(|it| it.to_vec()).into_iter().collect()
    };
    ticking(stream, &world, &scale.id, FRAME_PERIOD_MS, Vec::new(), render).await
}

/// Sends the portal's lines; the set-up lines first.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_portal<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(portal) = world.scene().portal.clone() else {
        return Ok(());
    };
    let hello = setup(&portal).iter().flat_map(|it| rpm::encode(it).into_bytes()).collect();
    let render = |world: &World, tick: i64| {
        world.portal_lines(tick).iter().map(|it| rpm::encode(it).into_bytes().to_vec()).collect()
    };
    ticking(stream, &world, &portal.id, INTERVAL_MS, hello, render).await
}

/// Sends a line for each plate read.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_plate_reader<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(camera) = world.scene().plate_reader.clone() else {
        return Ok(());
    };
    let render = |world: &World, tick: i64| {
        let read = world.plates((tick - 1) * PLATE_GRAIN_MS, tick * PLATE_GRAIN_MS);
        read.and_then(|(text, confidence)| Plate::new(&text, Some(confidence)))
            .map(|it| plate::encode(&it).to_vec())
            .into_iter()
            .collect()
    };
    ticking(stream, &world, &camera.id, PLATE_GRAIN_MS, Vec::new(), render).await
}

/// Sends a line for each container number read.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_container_reader<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(reader) = world.scene().container_reader.clone() else {
        return Ok(());
    };
    let render = |world: &World, tick: i64| {
        let read = world.containers((tick - 1) * PLATE_GRAIN_MS, tick * PLATE_GRAIN_MS);
        read.and_then(|text| Plate::new(&text, None)).map(|it| plate::encode(&it).to_vec()).into_iter().collect()
    };
    ticking(stream, &world, &reader.id, PLATE_GRAIN_MS, Vec::new(), render).await
}

/// Sends what the pH meter shows, a line per period.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_ph_meter<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(meter) = world.scene().ph_meter.clone() else {
        return Ok(());
    };
    let period = meter.period.ms();
    let render = |world: &World, tick: i64| {
        let line =
            world.ph(tick * period).map(|(ph, celsius)| PhLine { ph, celsius: Some(celsius), compensated: true });
        line.and_then(|it| ph::encode(&it)).map(|it| it.to_vec()).into_iter().collect()
    };
    ticking(stream, &world, &meter.id, period, Vec::new(), render).await
}

/// Sends what `render` gives for each tick when its time has come, as the wire lets it through.
pub(super) async fn ticking<S>(
    stream: S,
    world: &World,
    instrument: &str,
    period_ms: i64,
    hello: Vec<u8>,
    render: impl Fn(&World, i64) -> Vec<Vec<u8>>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (incoming, mut writer) = tokio::io::split(stream);
    let speaking = async {
        writer.write_all(&hello).await?;
        let mut tick = world.now_ms().div_euclid(period_ms) + 1;
        loop {
            sleep_until(world.instant(tick * period_ms)).await;
            for frame in render(world, tick) {
                let wire = world.wire(instrument, tick, tick * period_ms);
                if wire.hangup {
                    return Ok(());
                }
                sleep_until(world.instant(tick * period_ms + wire.delay_ms)).await;
                writer.write_all(&wire.carry(frame)).await?;
            }
            writer.flush().await?;
            let present = world.now_ms().div_euclid(period_ms);
            tick = if present - tick > MOST_TICKS_BEHIND { present } else { tick + 1 };
        }
    };
    tokio::select! {
        ended = speaking => gone(ended),
        ended = unheard(incoming) => gone(ended),
    }
}

/// Reads and forgets what comes in: these instruments listen to nobody. Ends when the other end does.
pub(crate) async fn unheard(mut reader: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut forgotten = [0; 256];
    while reader.read(&mut forgotten).await? > 0 {}
    Ok(())
}

/// The other end going away is how a connection ends, not an error.
pub(crate) fn gone(ended: io::Result<()>) -> io::Result<()> {
    match ended {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::UnexpectedEof
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// The set-up a monitor reports after power-up. Discriminators and tests the simulation has no physics
/// for are typical values of the sources the codec was written from.
fn setup(portal: &Portal) -> [Line; 5] {
    let decimal = |digits, places| Decimal::new(digits, places).unwrap_or(Decimal::ZERO);
    let text = |it: &str| it.try_into().unwrap_or_default();
    [
        Setup::Gamma1(Gamma1 {
            high_fault: 600,
            low_fault: 100,
            intervals: portal.intervals,
            hold_in: u16::from(portal.hold_in),
            n_sigma: portal.n_sigma,
        }),
        Setup::Gamma2(Gamma2 {
            detectors: text("1234"),
            master_lld: decimal(68, 3),
            master_uld: decimal(5_000, 3),
            relay: 3,
            algorithm: Algorithm::Sum,
            software: text("A"),
        }),
        Setup::Gamma3(Gamma3 {
            slave_lld: decimal(68, 3),
            slave_uld: decimal(5_000, 3),
            background_time_s: portal.background_time_s,
            background_sigma: Decimal::whole(6),
            firmware: text("1.10.1"),
        }),
        Setup::Neutron1(Neutron1 {
            high_fault: 50,
            max_intervals: 10,
            alpha: decimal(1, 3),
            zmax: decimal(4, 0),
            sequential_intervals: 4,
            background_time_s: portal.background_time_s,
        }),
        Setup::Neutron2(Neutron2 {
            master_lld: decimal(500, 3),
            master_uld: decimal(5_000, 3),
            slave_lld: decimal(500, 3),
            slave_uld: decimal(5_000, 3),
        }),
    ]
    .map(Line::Setup)
}
