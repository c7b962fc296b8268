//! An MQTT 5 broker inside the process: up and down at will, nothing kept on disk.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use mqtt5::broker::{
    BrokerShutdownHandle, MqttBroker,
    config::{AuthConfig, BrokerConfig, StorageBackend, StorageConfig},
};
use tokio::task::JoinHandle;

/// A running broker.
pub struct Broker {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: BrokerShutdownHandle,
    task: JoinHandle<()>,
}

impl Broker {
    /// Starts a broker on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a broker at `address`, as one that comes back after an outage does.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        let config = BrokerConfig::new()
            .with_bind_address(address)
            .with_auth(AuthConfig::new().with_allow_anonymous(true))
            .with_storage(StorageConfig::new().with_backend(StorageBackend::Memory).with_persistence(false))
            .with_sys_topics_enabled(false);
        let mut broker = MqttBroker::with_config(config).await.context("embedded broker")?;
        let address = broker.local_addr().context("the embedded broker has no address")?;
        let shutdown = broker.shutdown_handle();
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move {
            if let Err(failure) = broker.run().await {
                tracing::error!(%failure, "embedded broker ended");
            }
        });
        ready.wait_for(|ready| *ready).await.context("embedded broker did not come up")?;
        Ok(Self { address, shutdown, task })
    }

    /// Stops it; connections break as they do when a broker dies.
    pub async fn stop(self) {
        self.shutdown.shutdown();
        let _ = self.task.await;
    }
}
