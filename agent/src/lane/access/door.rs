//! The doors: one on loopback for the commands, and the one of the site file, with TLS where others reach it.
//!
//! A connection costs its sender more than it costs us: its number is bounded, in all and by address; the handshake,
//! the head of every request and every stalled answer have a time; a body has one in the guard.

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tidewaiter_config::site::LocalTls;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::watch,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{guard::Peer, locked};

/// Connections at a time: some twenty pages, each with its live one.
const MOST_CONNECTIONS: usize = 128;
/// Of one address, where it is not this machine.
const MOST_OF_ONE: usize = 32;
/// What a TLS handshake has.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// What the head of a request has, counted from the end of the answer before it.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer may stand still because nobody reads it.
const STALLED_FOR: Duration = Duration::from_secs(30);
/// What a connection under way has when the agent stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// Wait after the system gives no connection, e.g. for want of file handles.
const PAUSE: Duration = Duration::from_millis(200);
/// Largest head of a request, and what is buffered of a body.
const MOST_BUFFERED: usize = 32 * 1024;
const MOST_HEADERS: usize = 64;

/// Why a certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// What stands in it.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Reads certificate and key. TLS 1.2 and 1.3, without client certificates.
pub(crate) fn tls(files: &LocalTls) -> Result<Arc<ServerConfig>, CertificateError> {
    let read = |path: &PathBuf| fs::read(path).map_err(|source| CertificateError::File { path: path.clone(), source });
    let wrong = |path: &PathBuf, why: String| CertificateError::Content { path: path.clone(), why };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|it| wrong(&files.certificate, it.to_string()))?;
    // The reader's own text would quote a line of the key.
    let private = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|_| wrong(&files.key, "no private key in PEM form in it".into()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|it| wrong(&files.certificate, it.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A door.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) loopback: bool,
    /// With TLS: the certificate in use.
    pub(crate) tls: Option<watch::Receiver<Arc<ServerConfig>>>,
}

/// Takes connections until `stop`.
pub(crate) async fn attend(door: Door, router: Router, stop: CancellationToken) {
    let places = Arc::new(Places::default());
    loop {
        let accepted = tokio::select! {
            it = door.listener.accept() => it,
            () = stop.cancelled() => return,
        };
        let Ok((stream, address)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        // Closed at once: whoever waits for a place holds one.
        let Some(place) = Places::take(&places, address.ip(), door.loopback) else { continue };
        let _ = stream.set_nodelay(true);
        let (router, stop, loopback) = (router.clone(), stop.clone(), door.loopback);
        let acceptor = door.tls.as_ref().map(|it| TlsAcceptor::from(Arc::clone(&it.borrow())));
        tokio::spawn(async move {
            let _place = place;
            let peer = |tls| Peer { address, loopback, tls };
            match acceptor {
                None => serve(stream, router, peer(false), stop).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                        serve(stream, router, peer(true), stop).await;
                    }
                }
            }
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin>(
    stream: S,
    router: Router,
    peer: Peer,
    stop: CancellationToken,
) {
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let io = TokioIo::new(Patient { stream, stalled: None });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MOST_BUFFERED)
        .max_headers(MOST_HEADERS);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    tokio::select! {
        // How it ends is between the two of them.
        _ = &mut connection => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(FAREWELL, connection).await;
        }
    }
}

/// How many connections there are.
#[derive(Debug, Default)]
struct Places {
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One of them, given back when it is dropped.
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn take(places: &Arc<Self>, address: IpAddr, loopback: bool) -> Option<Place> {
        let mut taken = locked(&places.taken);
        let all: usize = taken.values().sum();
        let of_one = taken.get(&address).copied().unwrap_or(0);
        if all >= MOST_CONNECTIONS || (!loopback && of_one >= MOST_OF_ONE) {
            return None;
        }
        taken.insert(address, of_one + 1);
        Some(Place { places: Arc::clone(places), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.places.taken);
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.address);
            }
        }
    }
}

/// A connection that ends when an answer stands still for [`STALLED_FOR`].
struct Patient<S> {
    stream: S,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn in_time<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED_FOR)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.in_time(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, shut)
    }
}
