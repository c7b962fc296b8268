//! The whole of it as the centre uses it: requests in Modbus frames to the node, its flash and EEPROM under power that
//! fails, and the loader in between.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

extern crate std;

use std::{println, vec, vec::Vec};

use rand::Rng as _;
use tidewaiter_drivers::modbus::rtu;
use tidewaiter_node::{block::Block, map, update::order_mac};

use super::super::{
    boot,
    model::{Flash, image, partition},
    *,
};
use crate::{
    node::{Boot, Node, Reset},
    store::{
        self,
        model::{Eeprom, Power, Tear},
    },
};

const UNIT: usize = 512;
const SERIAL: [u8; 8] = *b"TWN00001";
const KEY: [u8; 32] = [7; 32];

type Running<'a> = Node<Eeprom<'a>, Update<Flash<'a, UNIT>, Flash<'a, 256>>>;

/// A node on a line, and the centre's side of it.
struct Line<'a, 'p> {
    node: Running<'a>,
    power: &'p Power,
    now: u64,
}

impl Line<'_, '_> {
    /// A request and its reply; none if the power went, or the line lost either.
    fn ask(&mut self, pdu: &[u8], loses: bool) -> Option<Vec<u8>> {
        let mut frame = vec![1];
        frame.extend(pdu);
        frame.extend(rtu::crc16(&frame).to_le_bytes());
        if loses && self.power.dice(|dice| dice.random_ratio(1, 10)) {
            frame.truncate(self.power.dice(|dice| dice.random_range(0..frame.len())));
        }
        for byte in frame {
            self.now += 573;
            self.node.bus_byte(self.now, byte);
        }
        self.now += 200_000;
        let reply = self.node.bus_poll(self.now).map(|reply| rtu::parse(reply).unwrap().pdu.to_vec());
        let lost = loses && self.power.dice(|dice| dice.random_ratio(1, 10));
        reply.filter(|_| !lost && !self.power.is_off())
    }

    fn write(&mut self, address: u16, bytes: &[u8], loses: bool) -> Option<u8> {
        let count = (bytes.len() / 2) as u16;
        let mut pdu = vec![16];
        pdu.extend(address.to_be_bytes());
        pdu.extend(count.to_be_bytes());
        pdu.push(bytes.len() as u8);
        pdu.extend(bytes);
        let reply = self.ask(&pdu, loses)?;
        (reply[0] & 0x80 != 0).then(|| reply[1])
    }

    /// Stage, bytes received, security counter in force.
    fn progress(&mut self, loses: bool) -> Option<(u16, u32, u32)> {
        let reply = self.ask(&[4, 0, 0x70, 0, 8], loses)?;
        let double = |at: usize| u32::from_be_bytes(reply[at..at + 4].try_into().unwrap());
        Some((u16::from_be_bytes([reply[2], reply[3]]), double(4), double(8)))
    }
}

struct Memories {
    eeprom: Vec<u8>,
    active: Vec<u8>,
    images: Vec<u8>,
    state: Vec<u8>,
    /// The last sequence number seen.
    sequence: u64,
}

impl Memories {
    /// One life; says whether `file` runs and is confirmed.
    fn live(&mut self, power: &Power, file: &[u8], loses: bool) -> bool {
        let floor = store::security_counter(&mut Eeprom::new(&mut self.eeprom, power));
        let booted = boot::prepare(
            Flash::<UNIT>::new(&mut self.active, power),
            Flash::<UNIT>::new(&mut self.images, power),
            Flash::<256>::new(&mut self.state, power),
            floor,
            &mut [0; 128],
        );
        if power.is_off() {
            return false;
        }
        let Ok(boot::Boot::Run(running)) = booted else { panic!("brick: {booted:?}") };
        let images = Flash::new(&mut self.images, power);
        let state = Flash::new(&mut self.state, power);
        let facts = Boot {
            reset: Reset::PowerOn,
            fault: None,
            software: "tidewaiter-app",
            hash: running.hash,
            simulated: true,
            seal_open: false,
            on_trial: false,
        };
        let node = Node::start_with(Eeprom::new(&mut self.eeprom, power), facts, 0, |store| {
            Update::open(images, state, running.security_counter, store)
        });
        let mut line = Line { node, power, now: 0 };
        let mut told = [0; 32];
        let whole = u32::try_from(file.len()).unwrap();
        told.copy_from_slice(&file[file.len() - 32..]);
        for _ in 0..400 {
            if power.is_off() {
                return false;
            }
            line.now += 100_000;
            if line.node.tick(line.now).restart.is_some() {
                return false;
            }
            if let Some(block) = line.ask(&[4, 1, 0, 0, 47], loses)
                && let Ok(block) = Block::parse(&block[2..])
            {
                assert!(block.sequence > self.sequence);
                self.sequence = block.sequence;
            }
            let Some((stage, received, in_force)) = line.progress(loses) else { continue };
            if running.hash == told && stage == Stage::Idle as u16 && in_force == running.security_counter {
                return true;
            }
            match stage {
                0 | 6 | 7 => drop(line.write(map::COMMAND, &map::command::BEGIN_UPDATE.to_be_bytes(), loses)),
                2 if received >= whole => {
                    let counter = file[file.len() - 44..file.len() - 40].try_into().unwrap();
                    let counter = u32::from_le_bytes(counter);
                    let mac = order_mac(&NodeKey::new(KEY), &SERIAL, whole, counter, &told);
                    let order = [&whole.to_be_bytes()[..], &counter.to_be_bytes(), &mac].concat();
                    line.write(map::UPDATE_ORDER, &order, loses);
                }
                2 => {
                    let part = &file[received as usize..file.len().min(received as usize + WINDOW)];
                    let mut window = received.to_be_bytes().to_vec();
                    window.extend(part);
                    window.resize(4 + WINDOW, 0xff);
                    if line.write(map::UPDATE_WINDOW, &window, loses) == Some(3) && received == 0 {
                        // Something else has arrived there.
                        line.write(map::COMMAND, &map::command::BEGIN_UPDATE.to_be_bytes(), loses);
                    }
                }
                _ => {}
            }
        }
        panic!("no end");
    }
}

#[test]
fn the_centre_updates_a_node_through_failing_power_and_a_bad_line() {
    let power = Power::steady(7);
    let mut memories = Memories {
        eeprom: vec![0xff; 4096],
        active: partition(&image(1_200, 1, 0), 3 * UNIT),
        images: vec![0xff; 4 * UNIT],
        state: vec![0xff; 512],
        sequence: 0,
    };
    let (mut made, _) = Store::open(Eeprom::new(&mut memories.eeprom, &power));
    made.manufacture(&store::Identity { serial: SERIAL, key: KEY }).unwrap();
    drop(made);
    let (mut cuts, mut lives) = (0, 0);
    for update in 2..=60_u8 {
        let file = image(power.dice(|dice| dice.random_range(40..1_400)), u32::from(update / 2), update);
        loop {
            let (at, tear) = power.dice(|dice| (dice.random_range(3..70), Tear::ALL[dice.random_range(0..4)]));
            power.fail(at, tear);
            let done = memories.live(&power, &file, true);
            lives += 1;
            cuts += u32::from(power.is_off());
            if done {
                break;
            }
        }
    }
    println!("59 updates over the bus, {lives} starts, {cuts} power cuts, {} blocks", memories.sequence);
    assert!(cuts >= 20);
}
