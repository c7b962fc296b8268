//! What outputs write, into servers by pymodbus: on TCP, on a serial line, and on one that brings back what is sent.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tidewaiter_agent::{
    acquire::{
        self, Content, Counters, SystemOpener,
        orders::{self, Action, Carried, Order, Written},
    },
    clock::SystemClock,
};
use tidewaiter_config::site_from_str;
use tidewaiter_drivers::modbus::register::Table;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    peers::{PEER, Peer},
    verifier::interpreter,
};

const UNIT: u8 = 17;

fn write(address: u16, content: Written) -> Action {
    Action::Write { address, content }
}

/// Orders of every kind, with an instrument polled on the same line.
pub(super) fn written(kind: &str) -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let peer = Peer::start(&python, kind)?;
    let dir = tempfile::tempdir()?;
    std::fs::create_dir(dir.path().join("profiles"))?;
    std::fs::write(dir.path().join("profiles/peer.toml"), PEER)?;
    let port = if kind == "tcp" {
        format!("[ports.modbus_tcp]\naddress = \"127.0.0.1:{}\"", peer.place)
    } else {
        format!("[ports.modbus_rtu]\npath = {:?}\nbaud = 38400", peer.place)
    };
    let text = format!(
        "version = 1\nsite = {{ id = \"s\", agent = \"a\", name = \"n\" }}\nstore = {{ dir = \"d\" }}\n\
         profiles = {{ dir = \"profiles\" }}\n\
         [[ports]]\nid = \"ph\"\nserial = {{ path = \"/dev/nothing\", baud = 9600 }}\n[[ports]]\nid = \"line\"\n{port}\n\
         [[instruments]]\nid = \"ph-1\"\nport = \"ph\"\n[instruments.ph_stream]\n\
         [[instruments]]\nid = \"peer\"\nport = \"line\"\n[instruments.registers]\nprofile = \"pymodbus-peer\"\n\
         unit_id = {UNIT}\npoll = \"100 ms\"\n\
         [[rigs]]\nid = \"rig\"\ntime_limit = \"10 min\"\n[rigs.textile_ph]\nmeter = \"ph-1\"\n\
         [[rigs.judge]]\ntable = \"gb18401-2010-t1\"\nparameters = [\"ph\"]\n\
         [[outputs]]\nid = \"light\"\nplace = \"rig\"\nlines = {{ green = 0, amber = 1, red = 2 }}\n\
         [outputs.coils]\nport = \"line\"\nunit_id = {UNIT}\n"
    );
    let (site, _) = site_from_str(&text, dir.path()).map_err(|why| anyhow!("{why}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let (desks, inboxes) = orders::desks(&site);
        let desk = desks.get("line").context("a desk")?;
        let (out, mut arrivals) = mpsc::channel(4096);
        let (counters, stop) = (Arc::new(Counters::new(&site)), CancellationToken::new());
        let _tasks =
            acquire::spawn_with(&site, Arc::new(SystemClock), Arc::new(SystemOpener), out, counters, inboxes, stop);
        let carry = async |actions: Vec<Action>| -> Result<Carried> {
            // The first moments of a serial line are spent waiting for what its last user may have asked.
            for _ in 0..20 {
                let (reply, answer) = oneshot::channel();
                let until = Instant::now() + Duration::from_secs(3);
                let timeout_ms = Duration::from_millis(500);
                let order = Order { unit: UNIT, timeout: timeout_ms, actions: actions.clone(), until, reply };
                desk.send(order).await?;
                match timeout(Duration::from_secs(10), answer).await?? {
                    Ok(carried) => return Ok(carried),
                    Err(_) => sleep(Duration::from_millis(300)).await,
                }
            }
            bail!("{actions:?} is never carried out")
        };
        let coils = |count| Action::Read { table: Table::Coil, address: 0, count };
        // pymodbus begins with every second coil on.
        ensure!(carry(vec![coils(4)]).await?.words == [0, 1, 0, 1]);
        let began = Instant::now();
        let single = vec![
            write(0, Written::Coil(true)),
            write(1, Written::Coil(false)),
            write(2, Written::Coil(true)),
            coils(4),
        ];
        ensure!(carry(single).await?.words == [1, 0, 1, 1], "function 05");
        let several = vec![write(0, Written::Coils { bits: 0b0110, count: 4 }), coils(5)];
        ensure!(carry(several).await?.words == [0, 1, 1, 0, 0], "function 15");
        let registers =
            vec![write(10, Written::Register(0xBEEF)), Action::Read { table: Table::Holding, address: 10, count: 1 }];
        ensure!(carry(registers).await?.words == [0xBEEF], "function 06");
        let registers =
            vec![write(10, Written::Registers(0x0102)), Action::Read { table: Table::Holding, address: 10, count: 1 }];
        ensure!(carry(registers).await?.words == [0x0102], "function 16");
        for number in 0..50_u16 {
            let word = vec![write(10, Written::Register(number)), write(3, Written::Coil(number % 2 == 1)), coils(4)];
            ensure!(carry(word).await?.words.last() == Some(&(number % 2)), "{number}");
        }
        println!("{kind}: 54 orders in {:?}", began.elapsed());
        // And the instrument on the same line is read as before.
        let mut values = 0;
        let reading = async {
            while let Some(arrival) = arrivals.recv().await {
                if let Content::Readings(readings) = arrival.content {
                    values += readings.iter().filter(|it| it.outcome.is_ok()).count();
                }
                if values > 10 {
                    break;
                }
            }
        };
        let _ = timeout(Duration::from_secs(15), reading).await;
        ensure!(values > 10, "{values} values beside the orders");
        Ok(())
    })
}
