//! The endpoint: TLS with the centre's own certificate, JSON in and out, and a bound on everything.
//!
//! It is reached by anyone on the network, so: a connection has a minute in all, sixty-four stand at a time, a body is
//! at most 64 KiB, and an address that is wrong five times waits ten minutes. No client certificate is asked for: an
//! agent that enrols has none, and one that renews may have one that has expired. What is asked is proved inside.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Path as Segment, State as Shared, connect_info::Connected},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::{IncomingStream, Listener},
};
use jiff::Timestamp;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{Desk, DeskError},
    nonces::Nonces,
    tries::Tries,
    wire::{Ask, MAX_BODY_BYTES, Nonce, Refusal, Renew, VERSION},
};
use crate::{
    config::Enrol,
    door::{Bounded, PAUSE},
};

/// Connections that stand at a time.
const MOST_CONNECTIONS: usize = 64;
/// What a connection has in all: a request, its answer, and a slow line.
const CONNECTION_WITHIN: Duration = Duration::from_secs(60);
/// What a TLS handshake has of it.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Why the endpoint does not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file cannot be read.
    #[error("enrol file {}: cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// Certificate and key are of no use.
    #[error("enrol certificate {}: {why}; make one with `tidewaiter-collector ca issue --server NAME`", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The port cannot be had.
    #[error("enrol listen {address}: {source}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
}

/// Serves until `stop`; gives the address once it listens.
///
/// # Errors
///
/// When certificate, key or port are of no use.
pub async fn serve(settings: &Enrol, desk: Desk, stop: CancellationToken) -> Result<SocketAddr, ServeError> {
    let acceptor = TlsAcceptor::from(Arc::new(tls(&settings.certificate, &settings.key)?));
    let failed = |source| ServeError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| ServeError::Randomness)?;
    let rim = Arc::new(Rim { desk, tries: Mutex::default(), nonces: Mutex::new(Nonces::new(secret)) });
    let router = Router::new()
        .route("/enrol", post(enrol))
        .route("/enrol/{id}", get(standing))
        .route("/nonce", get(nonce))
        .route("/renew", post(renew))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(rim);
    let (connections, ready) = mpsc::channel(1);
    tokio::spawn(accept(listener, acceptor, connections, stop.clone()));
    let door = Door { address, ready };
    let service = router.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        let served = axum::serve(door, service).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the enrolment endpoint ended");
        }
    });
    Ok(address)
}

fn tls(certificate: &Path, key: &Path) -> Result<ServerConfig, ServeError> {
    let read = |path: &Path| fs::read(path).map_err(|source| ServeError::File { path: path.to_owned(), source });
    let wrong = |path: &Path, why: String| ServeError::Certificate { path: path.to_owned(), why };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|it| wrong(certificate, it.to_string()))?;
    // The reader's own text would quote a line of the key.
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| wrong(key, "no private key in it".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|it| wrong(certificate, it.to_string()))
}

/// What the handlers share.
struct Rim {
    desk: Desk,
    tries: Mutex<Tries>,
    nonces: Mutex<Nonces>,
}

type Answer = Result<Response, Response>;

async fn enrol(Shared(rim): Shared<Arc<Rim>>, ConnectInfo(peer): ConnectInfo<Peer>, Json(ask): Json<Ask>) -> Answer {
    let now_ms = now_ms();
    if let Some(no) = may_try(&rim, peer, now_ms) {
        return Err(no);
    }
    if ask.version != VERSION {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            format!("version {} is not known; this is {VERSION}", ask.version),
        ));
    }
    let site = ask.site.clone();
    let answer = at_desk(&rim, move |rim| rim.desk.ask(&ask, now_ms)).await?;
    match answer {
        Ok(standing) => {
            tracing::info!(id = standing.id, site, "an agent asks to be enrolled");
            Ok((StatusCode::ACCEPTED, Json(standing)).into_response())
        }
        Err(error) => Err(refused(&rim, peer, now_ms, &error)),
    }
}

async fn standing(
    Shared(rim): Shared<Arc<Rim>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Segment(id): Segment<String>,
) -> Answer {
    let now_ms = now_ms();
    if let Some(no) = may_try(&rim, peer, now_ms) {
        return Err(no);
    }
    match at_desk(&rim, move |rim| rim.desk.standing(&id)).await? {
        Ok(standing) => Ok(Json(standing).into_response()),
        Err(error) => Err(refused(&rim, peer, now_ms, &error)),
    }
}

async fn nonce(Shared(rim): Shared<Arc<Rim>>) -> Answer {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "no randomness".into()))?;
    let nonce = rim.nonces.lock().unwrap_or_else(PoisonError::into_inner).give(salt, now_ms());
    Ok(Json(Nonce { nonce: hex::encode(nonce) }).into_response())
}

async fn renew(
    Shared(rim): Shared<Arc<Rim>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(renew): Json<Renew>,
) -> Answer {
    let now_ms = now_ms();
    if let Some(no) = may_try(&rim, peer, now_ms) {
        return Err(no);
    }
    let answer = at_desk(&rim, move |rim| {
        let take = |nonce: &[u8; 32]| rim.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(*nonce, now_ms);
        rim.desk.renew(&renew, take, now_ms)
    });
    match answer.await? {
        Ok(grant) => Ok(Json(grant).into_response()),
        Err(error) => Err(refused(&rim, peer, now_ms, &error)),
    }
}

/// The desk waits for the disk, so it works on a thread that may.
async fn at_desk<T: Send + 'static>(
    rim: &Arc<Rim>,
    work: impl FnOnce(&Rim) -> Result<T, DeskError> + Send + 'static,
) -> Result<Result<T, DeskError>, Response> {
    let rim = Arc::clone(rim);
    tokio::task::spawn_blocking(move || work(&rim))
        .await
        .map_err(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "the desk ended; see the log of the centre".into()))
}

fn may_try(rim: &Rim, peer: Peer, now_ms: i64) -> Option<Response> {
    let may = rim.tries.lock().unwrap_or_else(PoisonError::into_inner).may(peer.0, now_ms);
    let text = "too many wrong tries from this address; wait ten minutes";
    (!may).then(|| refusal(StatusCode::TOO_MANY_REQUESTS, text.into()))
}

fn refused(rim: &Rim, peer: Peer, now_ms: i64, error: &DeskError) -> Response {
    if error.is_refusal() {
        rim.tries.lock().unwrap_or_else(PoisonError::into_inner).wrong(peer.0, now_ms);
        tracing::warn!(from = %peer.0, %error, "enrolment refused");
        return refusal(StatusCode::FORBIDDEN, error.to_string());
    }
    // Paths and causes of this machine are for its own log.
    tracing::error!(error = error as &dyn std::error::Error, "enrolment failed");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "the centre cannot answer now; try again later".into())
}

fn refusal(status: StatusCode, error: String) -> Response {
    (status, Json(Refusal { error })).into_response()
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
struct Peer(IpAddr);

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

/// A connection whose handshake is done.
type Secured = Bounded<TlsStream<TcpStream>>;

/// Connections whose handshake is done.
struct Door {
    address: SocketAddr,
    ready: mpsc::Receiver<(Secured, SocketAddr)>,
}

impl Listener for Door {
    type Io = Secured;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Secured, SocketAddr) {
        match self.ready.recv().await {
            Some(it) => it,
            // The acceptor has ended, which it does on a stop alone.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Accepts, and leaves each handshake to a task of its own: one that hangs holds up nobody else.
async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    connections: mpsc::Sender<(Secured, SocketAddr)>,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            it = next => it,
            () = stop.cancelled() => return,
        };
        let (Ok(place), Ok((stream, from))) = (place, accepted) else {
            sleep(PAUSE).await;
            continue;
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                let _ = connections.send((Bounded::new(stream, CONNECTION_WITHIN, place), from)).await;
            }
        });
    }
}
