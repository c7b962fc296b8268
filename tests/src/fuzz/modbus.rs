//! Modbus frames of both transports, PDUs and register values.

use tidewaiter_drivers::modbus::{
    self, MAX_READ_REGISTERS, pdu,
    register::{self, Encoding, Table, WordOrder},
    rtu, tcp,
};

const TABLES: [Table; 4] = [Table::Coil, Table::DiscreteInput, Table::Holding, Table::Input];

const ORDERS: [WordOrder; 4] = [WordOrder::Abcd, WordOrder::Cdab, WordOrder::Badc, WordOrder::Dcba];

/// RTU, TCP, PDU and register values, over the same bytes.
///
/// # Panics
///
/// When one of them breaks a promise.
pub fn modbus(bytes: &[u8]) {
    rtu_frames(bytes);
    tcp_stream(bytes);
    pdus(bytes);
    numbers(bytes);
}

fn rtu_frames(bytes: &[u8]) {
    if let Ok(adu) = rtu::parse(bytes) {
        let built = rtu::build(adu.unit_id, adu.pdu).expect("a PDU that was parsed");
        assert_eq!(built.as_slice(), bytes, "rtu");
    }
    let Some((&unit_id, pdu)) = bytes.split_first() else { return };
    let Some(mut frame) = rtu::build(unit_id, pdu) else { return };
    let adu = rtu::parse(&frame).expect("own frame");
    assert_eq!((adu.unit_id, adu.pdu), (unit_id, pdu));
    // A CRC of 16 bits sees every single flipped bit.
    let bit = usize::from(unit_id) % (frame.len() * 8);
    if let Some(byte) = frame.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    assert!(rtu::parse(&frame).is_err(), "flipped bit {bit} goes unseen");
    if let Some(length) = rtu::response_length(bytes) {
        assert!((5..=5 + 255).contains(&length));
    }
}

fn tcp_stream(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((adu, behind))) = tcp::split(rest) {
        let taken = rest.len() - behind.len();
        let frame = rest.get(..taken).expect("what was taken was there");
        let built = tcp::build(adu.transaction, adu.unit_id, adu.pdu).expect("a PDU that was split off");
        assert_eq!(built.as_slice(), frame, "tcp");
        // However the bytes arrive, nothing is said before the last one.
        for length in [0, 5, 6, 7, taken - 1] {
            let part = frame.get(..length.min(taken - 1)).unwrap_or_default();
            assert_eq!(tcp::split(part), Ok(None), "a frame before its end");
        }
        rest = behind;
    }
}

fn pdus(bytes: &[u8]) {
    let count = bytes.first().map_or(0, |&it| u16::from(it));
    let address = bytes.first_chunk::<2>().map_or(0, |&it| u16::from_be_bytes(it));
    for table in TABLES {
        if let Ok(request) = pdu::read_request(table, address, count) {
            assert!(usize::from(address) + usize::from(count) <= 0x1_0000);
            assert_eq!(request.first(), Some(&table.read_function()));
        }
        for counted in [count, u16::try_from(bytes.len().saturating_sub(2) / 2).unwrap_or(u16::MAX)] {
            if let Ok(registers) = pdu::registers(bytes, table, counted) {
                assert_eq!(registers.len(), usize::from(counted));
                assert!(registers.len() <= usize::from(MAX_READ_REGISTERS));
            }
            if pdu::bit(bytes, table, counted, address).is_ok() {
                assert!(address < counted);
            }
        }
    }
    let _ = modbus::crc16(bytes);
}

fn numbers(bytes: &[u8]) {
    let words: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&it| u16::from_be_bytes(it)).collect();
    let scale = bytes.first().map_or(0, |&it| it.cast_signed() % 12);
    let places = bytes.get(1).map(|&it| it % 8);
    let mut encodings = vec![Encoding::U16, Encoding::I16, Encoding::Bit(u8::try_from(bytes.len() % 17).unwrap_or(0))];
    encodings.extend(ORDERS.into_iter().flat_map(|it| [Encoding::U32(it), Encoding::I32(it), Encoding::F32(it)]));
    for encoding in encodings {
        for registers in words.windows(usize::from(encoding.registers())).take(32) {
            let Ok(value) = register::decode(&encoding, registers, scale, None) else { continue };
            let float = matches!(encoding, Encoding::F32(_));
            if let Ok(again) = register::encode(&encoding, value, scale) {
                let read = register::decode(&encoding, &again, scale, None);
                assert_eq!(read, Ok(value), "{encoding:?} {registers:?} times 10^{scale}");
            } else {
                assert!(float || matches!(encoding, Encoding::Bit(_)), "{encoding:?} {value} cannot be written");
            }
            let _ = register::decode(&encoding, registers, scale, places);
        }
    }
    if let Ok(text) = register::ascii(&words) {
        assert!(text.len() <= register::MAX_ASCII_BYTES);
        let count = u8::try_from(words.len()).expect("a text of one read");
        let again = register::encode_ascii(&text, count).expect("a text that was read");
        assert_eq!(register::ascii(&again), Ok(text));
    }
}
