//! Real ports: pseudo-terminals, TCP, and a site file the agent would accept.

use std::time::Duration;

use crate::peer::decode;
use tidewaiter_drivers::{portal::rpm, scale::xk3190};
use tidewaiter_simulator::{Address, ExportOptions, Options, Running, Scene, Simulation, export_config};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_serial::{SerialPortBuilderExt, SerialStream};

/// Generous: the machine may be busy. A good run needs a tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start(dir: &std::path::Path) -> Running {
    let options = Options { dir: Some(dir.to_owned()), ..Options::default() };
    Simulation::start(Scene::built_in("demo").unwrap(), options).await.unwrap()
}

fn open(running: &Running, instrument: &str) -> SerialStream {
    let Address::Pty(path) = &running.addresses[instrument] else { panic!("{instrument} is a serial line") };
    tokio_serial::new(path.to_string_lossy(), 9600).open_native_async().unwrap()
}

async fn frames(line: &mut SerialStream, count: usize) -> usize {
    let mut bytes = vec![0; 12 * (count + 1)];
    timeout(PATIENCE, line.read_exact(&mut bytes)).await.unwrap().unwrap();
    decode(xk3190::Decoder::new(), &bytes).0.len()
}

#[tokio::test]
async fn a_serial_line_can_be_opened_closed_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let published = dir.path().join("scale-1.tty");
    assert!(published.is_symlink());
    for _ in 0..2 {
        // Opened exclusively, as the agent does, and dropped: the claim must not outlive the user.
        let mut line = open(&running, "scale-1");
        assert!(frames(&mut line, 3).await >= 3);
    }
    running.stop().await;
    assert!(!published.is_symlink(), "the link is gone with the simulation");
}

#[tokio::test]
async fn what_nobody_reads_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let scene = "title = 't'\nseed = 1\ntime_scale = 100.0\n[weighbridge]";
    let options = Options { dir: Some(dir.path().to_owned()), ..Options::default() };
    let running = Simulation::start(Scene::from_toml(scene).unwrap(), options).await.unwrap();
    // A thousand frames a second: after this the line would hold thousands of bytes.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let line = open(&running, "scale-1");
    let waiting = tokio_serial::SerialPort::bytes_to_read(&line).unwrap();
    assert!(waiting <= 512 + 12, "{waiting}");
    running.stop().await;
}

#[tokio::test]
async fn several_clients_hear_one_portal() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let Address::Tcp(address) = running.addresses["portal-1"] else { panic!("the portal is a TCP server") };
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut bytes = vec![0; 200];
        timeout(PATIENCE, client.read_exact(&mut bytes)).await.unwrap().unwrap();
        let (lines, bad) = decode(rpm::Decoder::new(), &bytes);
        assert!(lines.len() >= 4 && bad == 0, "{lines:?}");
    }
    running.stop().await;
}

#[tokio::test]
async fn every_built_in_scene_exports_a_site_file_that_loads() {
    for (name, _) in tidewaiter_simulator::scene::BUILT_IN {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { dir: Some(dir.path().to_owned()), ..Options::default() };
        let running = Simulation::start(Scene::built_in(name).unwrap(), options).await.unwrap();
        std::fs::write(dir.path().join("declarations.csv"), running.declarations()).unwrap();
        let export = ExportOptions { broker: Some("mqtt://127.0.0.1:1883".to_owned()), ..ExportOptions::default() };
        let text = export_config(running.world().scene(), &running.addresses, &export);
        std::fs::create_dir(dir.path().join("limits")).unwrap();
        for (place, table) in running.world().scene().tables.iter().enumerate() {
            std::fs::write(dir.path().join(format!("limits/{place}.toml")), table).unwrap();
        }
        let path = dir.path().join("site.toml");
        std::fs::write(&path, &text).unwrap();
        let (site, warnings) =
            tidewaiter_config::load_site(&path).unwrap_or_else(|report| panic!("{name}: {report:?}\n{text}"));
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        assert_eq!(site.instruments.len(), running.world().scene().instruments().len(), "{name}");
        assert!(site.instruments.iter().all(|it| it.simulated), "{name}");
        running.stop().await;
    }
}
