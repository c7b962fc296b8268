//! Real ports: serial lines by path, TCP connections.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use rustix::net::sockopt;
use tidewaiter_config::site::{Link, Parity, SerialLine};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_serial::{ClearBuffer, DataBits, SerialPort as _, SerialPortBuilderExt as _, SerialStream, StopBits};

use super::{
    fine_timer::FineTimer,
    port::{Opener, PortStream},
};

/// How long a TCP connection may take to come up. A device on the same site answers within
/// milliseconds; what takes longer is switched off or misrouted.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A listening-only connection would never notice a serial server that lost its power. With these
/// three the kernel gives it up after 25 s of silence on the wire.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// See [`KEEPALIVE_IDLE`].
const KEEPALIVE_PROBES: u32 = 3;

/// Opens the ports of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemOpener;

impl Opener for SystemOpener {
    fn open(&self, link: &Link) -> BoxFuture<'static, io::Result<Box<dyn PortStream>>> {
        match link {
            Link::Serial(settings) | Link::ModbusRtu(settings) => {
                let opened = open_serial(settings);
                async move { opened.and_then(Timed::new).map(|port| Box::new(port) as Box<dyn PortStream>) }.boxed()
            }
            Link::Tcp { host, port } | Link::ModbusTcp { host, port } | Link::ModbusRtuTcp { host, port, .. } => {
                let (host, port) = (host.clone(), *port);
                async move { connect(&host, port).await.map(|stream| Box::new(stream) as Box<dyn PortStream>) }.boxed()
            }
        }
    }
}

/// Opens a serial line for this process alone (`TIOCEXCL` and an advisory lock).
fn open_serial(line: &SerialLine) -> io::Result<SerialStream> {
    let unsupported = |what: &str, value: u8| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{what} {value} is not supported by serial lines here"))
    };
    let data_bits = match line.data_bits {
        5 => DataBits::Five,
        6 => DataBits::Six,
        7 => DataBits::Seven,
        8 => DataBits::Eight,
        other => return Err(unsupported("data_bits", other)),
    };
    let stop_bits = match line.stop_bits {
        1 => StopBits::One,
        2 => StopBits::Two,
        other => return Err(unsupported("stop_bits", other)),
    };
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let mut port = tokio_serial::new(line.path.to_string_lossy(), line.baud)
        .data_bits(data_bits)
        .stop_bits(stop_bits)
        .parity(parity)
        .open_native_async()
        .map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("serial line {}: {error}", line.path.display()))
        })?;
    port.set_exclusive(true).map_err(io::Error::from)?;
    Ok(port)
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("tcp {host}:{port}: {error}"));
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port)))
        .await
        .map_err(|_| {
            at(io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())))
        })?
        .map_err(at)?;
    // A request is one small segment; waiting to fill it would cost a poll its time.
    stream.set_nodelay(true).map_err(at)?;
    sockopt::set_socket_keepalive(&stream, true).map_err(io::Error::from).map_err(at)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE).map_err(io::Error::from).map_err(at)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL).map_err(io::Error::from).map_err(at)?;
    sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_PROBES).map_err(io::Error::from).map_err(at)?;
    Ok(stream)
}

impl PortStream for SerialStream {
    fn discard_input(&mut self) -> io::Result<()> {
        self.clear(ClearBuffer::Input).map_err(io::Error::from)
    }
}

/// A serial line with a timer of its own.
#[derive(Debug)]
struct Timed {
    port: SerialStream,
    timer: Arc<FineTimer>,
}

impl Timed {
    fn new(port: SerialStream) -> io::Result<Self> {
        Ok(Self { port, timer: Arc::new(FineTimer::new()?) })
    }
}

impl AsyncRead for Timed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.port).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.port).poll_shutdown(cx)
    }
}

impl PortStream for Timed {
    fn discard_input(&mut self) -> io::Result<()> {
        self.port.discard_input()
    }

    fn timer(&self) -> Option<Arc<FineTimer>> {
        Some(Arc::clone(&self.timer))
    }
}

/// A TCP socket has no input queue that a read would not return.
impl PortStream for TcpStream {
    fn discard_input(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn line(path: &str) -> SerialLine {
        SerialLine { path: path.into(), baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 }
    }

    #[tokio::test]
    async fn a_serial_line_is_opened_alone_and_noticed_when_lost() {
        let (mut far, near) = SerialStream::pair().unwrap();
        let path = near.name().unwrap();
        // The pair holds the line for itself; it is opened anew by its path.
        drop(near);
        let link = Link::Serial(line(&path));
        let mut port = SystemOpener.open(&link).await.unwrap();
        assert!(SystemOpener.open(&link).await.is_err(), "a second opener gets nothing");

        far.write_all(b"first").await.unwrap();
        let mut bytes = [0; 5];
        port.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"first");

        drop(far);
        let lost = timeout(CONNECT_TIMEOUT, port.read(&mut bytes)).await.unwrap();
        assert!(matches!(lost, Ok(0) | Err(_)), "{lost:?}");
    }

    #[tokio::test]
    async fn discarded_input_is_gone() {
        let (mut far, mut port) = SerialStream::pair().unwrap();
        far.write_all(b"stale").await.unwrap();
        // The kernel carries bytes across a pty in its own time.
        while port.bytes_to_read().unwrap() < 5 {
            tokio::task::yield_now().await;
        }
        port.discard_input().unwrap();
        far.write_all(b"fresh").await.unwrap();
        let mut bytes = [0; 5];
        port.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"fresh");
    }

    #[tokio::test]
    async fn a_missing_line_is_named() {
        let error = SystemOpener.open(&Link::ModbusRtu(line("/dev/serial/by-id/none"))).await.unwrap_err();
        assert!(error.to_string().contains("/dev/serial/by-id/none"), "{error}");
        let error =
            SystemOpener.open(&Link::Serial(SerialLine { data_bits: 9, ..line("/dev/null") })).await.unwrap_err();
        assert!(error.to_string().contains("data_bits 9"), "{error}");
    }

    #[tokio::test]
    async fn a_tcp_port_connects_or_says_where_it_could_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let link = Link::Tcp { host: "127.0.0.1".into(), port };
        let mut stream = SystemOpener.open(&link).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        far.write_all(b"GB").await.unwrap();
        let mut bytes = [0; 2];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"GB");
        drop((listener, far, stream));
        let error = SystemOpener.open(&link).await.unwrap_err();
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    }
}
