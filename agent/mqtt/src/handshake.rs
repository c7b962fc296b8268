//! CONNECT and CONNACK: what is asked for, and what is allowed.

use std::{sync::Arc, time::Duration};

use rumqttc::{
    TlsConfiguration, Transport,
    v5::{
        Event as Polled, EventLoop, MqttOptions,
        mqttbytes::v5::{ConnAck, ConnectProperties, LastWill, Packet},
    },
};
use tokio::{pin, select, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::End,
    diagnosis::{diagnose_connect, silent},
    settings::{INCOMING_WINDOW, Settings},
};

/// Packet ids in use, as a multiple of the window: an answer that comes out of order holds up the
/// publishes behind it only when this many windows have passed it.
const IDS_PER_WINDOW: u16 = 4;

/// How long the broker has to close its side after our DISCONNECT. Closing ours with unread bytes in
/// it would make TCP reset the connection, and the reset can overtake the DISCONNECT.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

pub(crate) fn options(settings: &Settings, tls: Option<Arc<rustls::ClientConfig>>) -> MqttOptions {
    let mut options = MqttOptions::new(&settings.client_id, &settings.host, settings.port);
    options
        .set_clean_start(true)
        .set_keep_alive(settings.keep_alive)
        .set_manual_acks(true)
        .set_outgoing_inflight_upper_limit(id_span(settings.window))
        // Ours is shorter; this one only must not come first.
        .set_connection_timeout(settings.ack_timeout.as_secs().saturating_add(2));
    // Set whole, since it replaces what single setters have set.
    let mut properties = ConnectProperties::new();
    properties.session_expiry_interval = Some(0);
    properties.receive_maximum = Some(INCOMING_WINDOW);
    properties.max_packet_size = Some(settings.max_incoming_bytes);
    options.set_connect_properties(properties);
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(will) = &settings.will {
        options.set_last_will(LastWill::new(&will.topic, will.payload.to_vec(), will.qos.into(), will.retain, None));
    }
    if let Some(tls) = tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
    }
    options
}

fn id_span(window: u16) -> u16 {
    window.saturating_mul(IDS_PER_WINDOW)
}

/// Room for a window of publishes, the acknowledgements of everything that may come in, and a
/// subscription.
pub(crate) fn channel_capacity(settings: &Settings) -> usize {
    usize::from(settings.window) + usize::from(INCOMING_WINDOW) + 1
}

pub(crate) async fn connect(
    settings: &Settings,
    stop: &CancellationToken,
    eventloop: &mut EventLoop,
) -> Result<ConnAck, End> {
    let Settings { host, port, ack_timeout, .. } = settings;
    let polled = {
        let connecting = timeout(*ack_timeout, eventloop.poll());
        pin!(connecting);
        select! {
            polled = &mut connecting => polled,
            () = stop.cancelled() => {
                // CONNECT may be out: dropped now, the broker would publish the will.
                match timeout(LINGER, connecting).await {
                    Ok(polled) => polled,
                    Err(_) => return Err(End::Stopped),
                }
            }
        }
    };
    match polled {
        Ok(Ok(Polled::Incoming(Packet::ConnAck(connack)))) => Ok(connack),
        Ok(Ok(other)) => Err(End::Failed(format!("{host}:{port}: expected CONNACK and found {other:?}"))),
        Ok(Err(error)) => Err(End::Failed(diagnose_connect(&error, host, *port))),
        Err(_) => Err(End::Failed(format!("{host}:{port}: {}", silent(Some(*ack_timeout))))),
    }
}

/// What the CONNACK allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) window: u16,
    pub(crate) max_packet_bytes: Option<u32>,
    pub(crate) keeps_retained: bool,
    /// As rumqttc counts packet ids on this connection.
    pub(crate) id_span: u16,
    pub(crate) server_keep_alive: Option<Duration>,
}

impl Limits {
    pub(crate) fn read(connack: &ConnAck, settings: &Settings) -> Result<Self, String> {
        if connack.session_present {
            tracing::warn!("the broker kept a session although a clean start was asked for");
        }
        let span = id_span(settings.window);
        let Some(properties) = &connack.properties else {
            return Ok(Self {
                window: settings.window,
                max_packet_bytes: None,
                keeps_retained: true,
                id_span: span,
                server_keep_alive: None,
            });
        };
        let receive_max = properties.receive_max.unwrap_or(u16::MAX);
        if receive_max == 0 || properties.max_packet_size == Some(0) {
            return Err("the broker's CONNACK allows nothing to be sent (receive maximum or maximum packet size is 0)"
                .to_owned());
        }
        if properties.max_qos == Some(0) {
            return Err("the broker supports QoS 0 only, which may lose every message; use one with QoS 1".to_owned());
        }
        Ok(Self {
            window: settings.window.min(receive_max),
            max_packet_bytes: properties.max_packet_size,
            keeps_retained: properties.retain_available != Some(0),
            id_span: span.min(receive_max),
            server_keep_alive: properties.server_keep_alive.map(|seconds| Duration::from_secs(u64::from(seconds))),
        })
    }
}
