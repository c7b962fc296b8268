//! Modbus TCP: requests written by hand from the application protocol V1.1b3, and a client of another author.

use std::time::Duration;

use crate::peer::{ask, connect, demo, world};
use tidewaiter_drivers::modbus::register::{Encoding, WordOrder, ascii, decode};
use tidewaiter_simulator::{Address, Options, Scene, Simulation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_modbus::prelude::{Reader, Slave, tcp};

const GAMMA: &str = "title = 't'\nseed = 1\n[gamma]";
const SECOND: Duration = Duration::from_secs(1);

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hand_written_request_gets_the_dose_rate() {
    let world = world(GAMMA);
    let mut cable = connect(&world, "gamma");
    // Transaction 0x1234, protocol 0, 6 bytes follow, unit 1, function 4, address 0, 6 registers.
    let answer = ask(&mut cable, &[0x12, 0x34, 0, 0, 0, 6, 1, 4, 0, 0, 0, 6], SECOND).await;
    assert_eq!(answer[..9], [0x12, 0x34, 0, 0, 0, 15, 1, 4, 12]);
    let registers = words(&answer[9..]);
    // The generic map counts nanogray per hour: about 100 of them, no high word.
    assert_eq!(registers[0], 0);
    assert!((85..=115).contains(&registers[1]), "{registers:?}");
    assert_eq!(registers[2], 0);
    assert!((800..=1_080).contains(&registers[3]), "{registers:?}");
    assert_eq!(registers[4], 0, "neither warming up nor faulty");
    assert_eq!(registers[5], 0, "heartbeat in the first second");
    tokio::time::advance(Duration::from_secs(3)).await;
    let answer = ask(&mut cable, &[0, 1, 0, 0, 0, 6, 1, 4, 0, 5, 0, 1], SECOND).await;
    assert_eq!(answer, [0, 1, 0, 0, 0, 5, 1, 4, 2, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_server_checks_function_quantity_address_in_this_order() {
    let world = world(GAMMA);
    let mut cable = connect(&world, "gamma");
    let exception = |function: u8, code: u8| vec![0, 7, 0, 0, 0, 3, 1, function | 0x80, code];
    let requests: [(&[u8], Vec<u8>); 12] = [
        // Quantity 0, above 125, above what this instrument answers.
        (&[4, 0, 0, 0, 0], exception(4, 3)),
        (&[4, 0, 0, 0, 126], exception(4, 3)),
        (&[4, 0, 0, 0, 17], exception(4, 3)),
        // Last address and one beyond, range across the end.
        (&[4, 0, 6, 0, 1], exception(4, 2)),
        (&[4, 0, 5, 0, 2], exception(4, 2)),
        (&[4, 0xFF, 0xFF, 0, 2], exception(4, 2)),
        // A table that is not there, writing, and an unknown function.
        (&[3, 0, 0, 0, 1], exception(3, 2)),
        (&[6, 0, 0, 0, 1], exception(6, 1)),
        (&[0x41], exception(0x41, 1)),
        // Identification: unknown object, unknown code, another MEI type.
        (&[0x2B, 0x0E, 4, 9], exception(0x2B, 2)),
        (&[0x2B, 0x0E, 5, 0], exception(0x2B, 3)),
        (&[0x2B, 0x0D, 1, 0], exception(0x2B, 1)),
    ];
    for (pdu, expected) in requests {
        let head = [0, 7, 0, 0, 0, u8::try_from(pdu.len() + 1).unwrap(), 1];
        assert_eq!(ask(&mut cable, &[&head, pdu].concat(), SECOND).await, expected, "{pdu:02x?}");
    }
    // Another unit: the gateway's target does not respond.
    let answer = ask(&mut cable, &[0, 8, 0, 0, 0, 6, 9, 4, 0, 0, 0, 1], SECOND).await;
    assert_eq!(answer, [0, 8, 0, 0, 0, 3, 9, 0x84, 0x0B]);
    // Basic identification names its three objects.
    let answer = ask(&mut cable, &[0, 9, 0, 0, 0, 5, 1, 0x2B, 0x0E, 1, 0], SECOND).await;
    assert_eq!(answer[7..14], [0x2B, 0x0E, 1, 0x81, 0, 0, 3]);
    assert_eq!(&answer[14..16], [0, 20]);
    assert_eq!(&answer[16..36], b"Tidewaiter simulator");
}

#[tokio::test(start_paused = true)]
async fn cut_and_joined_requests_are_answered_each_with_its_transaction() {
    let world = world(GAMMA);
    let mut cable = connect(&world, "gamma");
    let request = |transaction: u8| [0, transaction, 0, 0, 0, 6, 1, 4, 0, 4, 0, 1];
    cable.write_all(&request(1)[..5]).await.unwrap();
    tokio::time::sleep(SECOND).await;
    cable.write_all(&[&request(1)[5..], &request(2), &request(3)].concat()).await.unwrap();
    let mut answers = vec![0; 33];
    cable.read_exact(&mut answers).await.unwrap();
    assert_eq!(answers.chunks(11).map(|it| it[1]).collect::<Vec<_>>(), [1, 2, 3]);
    // Protocol 1 is not Modbus: the connection ends.
    cable.write_all(&[0, 4, 0, 1, 0, 6, 1, 4, 0, 4, 0, 1]).await.unwrap();
    assert_eq!(cable.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_drum_runs_its_programme_to_the_end() {
    let world = demo();
    let mut cable = connect(&world, "drum");
    let abcd = Encoding::F32(WordOrder::Abcd);
    let shown = |registers: &[u16], at: usize| decode(&abcd, &registers[at..at + 2], 0, Some(1)).unwrap().to_string();
    let number = |registers: &[u16], at: usize| u32::from(registers[at]) << 16 | u32::from(registers[at + 1]);
    let (mut states, mut numbers, mut metres) = (Vec::new(), Vec::new(), 0.0_f64);
    let mut last = Vec::new();
    for _ in 0..30 {
        let answer = ask(&mut cable, &[0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 40], SECOND).await;
        assert_eq!(answer[..9], [0, 1, 0, 0, 0, 83, 1, 4, 80]);
        let registers = words(&answer[9..]);
        states.push(registers[0]);
        if registers[0] == 3 {
            numbers.push(registers[20]);
            let speed: f64 = shown(&registers, 8).parse().unwrap();
            let middle = [80.0, 120.0, 140.0][usize::from(registers[20]) - 1];
            assert!((speed - middle).abs() <= 2.0, "stage {}: {speed} km/h", registers[20]);
            assert_eq!(ascii(&registers[30..40]).unwrap().as_str(), "TW2051617H9100000042");
            // Distance is what the speed makes of the time, within one poll and the swing of the speed.
            metres += middle / 3.6 * 0.5;
            assert!((f64::from(number(&registers, 6)) - metres).abs() < 45.0, "{} of {metres}", number(&registers, 6));
            last = registers;
        }
        tokio::time::advance(Duration::from_millis(500)).await;
    }
    states.dedup();
    numbers.dedup();
    // Idle, conditioning, running, finished well.
    assert_eq!((states, numbers), (vec![0, 2, 3, 5], vec![1, 2, 3]));
    assert!(number(&last, 4) >= 10, "elapsed {}", number(&last, 4));
}

#[tokio::test(start_paused = true)]
async fn a_failing_tyre_stops_the_drum_with_its_alarms() {
    let world = world("title = 't'\nseed = 1\n[drum]\n[[drum.run]]\nat = '0 s'\nbarcode = 'X1'\nfails_after = '4 s'");
    let mut cable = connect(&world, "drum");
    tokio::time::advance(Duration::from_millis(5_500)).await;
    let registers = words(&ask(&mut cable, &[0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 40], SECOND).await[9..]);
    // Finished failed; pressure loss (bit 3) and tyre failure (bit 4); four seconds; standing.
    assert_eq!((registers[0], registers[1], registers[5]), (6, 0b1_1000, 4));
    assert_eq!(registers[8..10], [0, 0]);
    let oracle = tidewaiter_simulator::Oracle::at(&world, 20_000);
    assert_eq!(
        (oracle.inspections[0].verdict.as_str(), oracle.inspections[0].subject.as_deref()),
        ("Fail", Some("X1"))
    );
}

#[tokio::test(start_paused = true)]
async fn faults_of_wire_and_device_show_in_the_answer() {
    let request = [0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 6];
    let answered = async |fault: &str, time: Duration| {
        let world = world(&format!("{GAMMA}\n[[fault]]\ninstrument = 'gamma-1'\n{fault}"));
        ask(&mut connect(&world, "gamma"), &request, time).await
    };
    assert_eq!(answered("kind = 'silence'", SECOND).await, Vec::<u8>::new());
    assert_eq!(answered("kind = 'exception'\ncode = 6", SECOND).await, [0, 1, 0, 0, 0, 3, 1, 0x84, 6]);
    assert_eq!(answered("kind = 'late'\ndelay = '700 ms'", Duration::from_millis(500)).await, Vec::<u8>::new());
    assert_eq!(answered("kind = 'late'\ndelay = '700 ms'", Duration::from_millis(800)).await.len(), 21);
    assert_eq!(answered("kind = 'half-frame'", SECOND).await.len(), 10);
    let warming = answered("kind = 'warm-up'", SECOND).await;
    assert_eq!(words(&warming[9..]), [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 1, 0]);
    // Frozen from the third second on: the heartbeat stands although requests are answered.
    let world = world(&format!("{GAMMA}\n[[fault]]\ninstrument = 'gamma-1'\nkind = 'frozen'\nat = '3 s'"));
    let mut cable = connect(&world, "gamma");
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(words(&ask(&mut cable, &request, SECOND).await[9..])[5], 3);
}

#[tokio::test]
async fn a_client_of_another_author_reads_both_instruments() {
    let running = Simulation::start(Scene::built_in("demo").unwrap(), Options::default()).await.unwrap();
    for (instrument, count) in [("gamma-1", 6), ("drum-1", 40)] {
        let Address::Tcp(address) = running.addresses[instrument] else { panic!("{instrument} is a TCP server") };
        let mut client = tcp::connect_slave(address, Slave(1)).await.unwrap();
        let registers = client.read_input_registers(0, count).await.unwrap().unwrap();
        assert_eq!(registers.len(), usize::from(count));
        let refused = client.read_input_registers(100, 1).await.unwrap();
        assert_eq!(refused, Err(tokio_modbus::ExceptionCode::IllegalDataAddress));
    }
    running.stop().await;
}
