//! Modbus frames and registers against bytes computed elsewhere.

use tidewaiter_drivers::{
    Decimal,
    bench::tyre::{AlarmBits, State},
    modbus::{
        FrameError, crc16, pdu,
        register::{self, Encoding, RegisterError, Table, WordOrder},
        rtu, tcp,
    },
    reading::Missing,
};

use crate::frame_file;

const ORDERS: [(&str, WordOrder); 4] =
    [("abcd", WordOrder::Abcd), ("cdab", WordOrder::Cdab), ("badc", WordOrder::Badc), ("dcba", WordOrder::Dcba)];

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn crc_of_the_check_string() {
    assert_eq!(crc16(b"123456789"), 0x4B37);
    assert_eq!(crc16(b""), 0xFFFF);
}

#[test]
fn rtu_frames_split_and_build() {
    for (frame, says) in frame_file!("modbus-rtu") {
        let adu = rtu::parse(&frame).unwrap_or_else(|error| panic!("{says}: {error}"));
        assert_eq!(rtu::build(adu.unit_id, adu.pdu).unwrap().as_slice(), frame, "{says}");
        for at in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(matches!(rtu::parse(&flipped), Err(FrameError::Crc { .. })), "{says}, bit {at}");
        }
        for short in 0..frame.len() {
            assert!(rtu::parse(&frame[..short]).is_err(), "{says}, {short} bytes");
        }
    }
    assert_eq!(rtu::build(1, &[3; 253]).unwrap().len(), rtu::MAX_ADU_BYTES);
    assert_eq!((rtu::build(1, &[3; 254]), rtu::build(1, &[])), (None, None));
    assert!(matches!(rtu::parse(&[1; 257]), Err(FrameError::Length { found: 257, expected: 256 })));
}

#[test]
fn a_response_announces_its_length() {
    for (frame, says) in frame_file!("modbus-rtu") {
        let expected = if says.contains("answer") || says.contains("exception") {
            frame.len()
        } else {
            continue;
        };
        if !says.starts_with("FC43") {
            assert_eq!(rtu::response_length(&frame), Some(expected), "{says}");
        }
        assert_eq!(rtu::response_length(&frame[..2]), None);
    }
}

#[test]
fn questions_are_those_of_the_specification() {
    let question = |table, address, count| pdu::read_request(table, address, count).unwrap();
    assert_eq!(rtu::build(1, &question(Table::Holding, 0, 2)).unwrap().as_slice(), frame_file!("modbus-rtu")[0].0);
    assert_eq!(
        rtu::build(1, &question(Table::DiscreteInput, 0, 8)).unwrap().as_slice(),
        frame_file!("modbus-rtu")[2].0
    );
    assert_eq!(rtu::build(1, &question(Table::Input, 0, 22)).unwrap().as_slice(), frame_file!("modbus-rtu")[12].0);
    let tcp = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0x64, 0, 0x15];
    assert_eq!(tcp::build(1, 1, &question(Table::Holding, 100, 21)).unwrap(), tcp);

    let refused = |table, address, count| pdu::read_request(table, address, count).unwrap_err();
    let check = |table, address, found, most| {
        assert_eq!(refused(table, address, found), FrameError::Quantity { found, most });
    };
    check(Table::Holding, 0, 0, 125);
    check(Table::Holding, 0, 126, 125);
    check(Table::Coil, 0, 2001, 2000);
    check(Table::Input, 65535, 2, 1);
    assert!(pdu::read_request(Table::Coil, 0, 2000).is_ok() && pdu::read_request(Table::Input, 65535, 1).is_ok());
}

#[test]
fn answers_fit_their_questions_or_are_refused() {
    let answer = &frame_file!("modbus-rtu")[1].0;
    let float = rtu::parse(answer).unwrap().pdu;
    assert_eq!(pdu::registers(float, Table::Holding, 2).unwrap(), [0x449A, 0x5000]);
    let refused = |table, count| pdu::registers(float, table, count).unwrap_err();
    assert_eq!(refused(Table::Holding, 3), FrameError::ByteCount { found: 4, expected: 6 });
    assert_eq!(refused(Table::Input, 2), FrameError::Function { found: 3, expected: 4 });
    assert_eq!(pdu::registers(&float[..5], Table::Holding, 2), Err(FrameError::Length { found: 5, expected: 6 }));
    assert_eq!(pdu::registers(&[], Table::Holding, 2), Err(FrameError::Length { found: 0, expected: 6 }));

    let exception = &frame_file!("modbus-rtu")[7].0;
    let error = pdu::registers(rtu::parse(exception).unwrap().pdu, Table::Holding, 2).unwrap_err();
    assert_eq!((error, Missing::from(error)), (FrameError::Exception(2), Missing::Exception(2)));

    let inputs = &frame_file!("modbus-rtu")[3].0;
    let inputs = rtu::parse(inputs).unwrap().pdu;
    let on: Vec<_> = (0..8).map(|at| pdu::bit(inputs, Table::DiscreteInput, 8, at).unwrap()).collect();
    assert_eq!(on, [true, true, false, false, false, false, false, false]);
    assert!(pdu::bit(inputs, Table::DiscreteInput, 8, 8).is_err());
    assert!(pdu::bit(inputs, Table::DiscreteInput, 9, 0).is_err());
}

#[test]
fn tcp_frames_split_off_a_stream() {
    let stream = [0, 1, 0, 0, 0, 3, 1, 0x83, 2, 0, 2, 0, 0, 0, 6, 1, 3, 0, 0x64, 0, 0x15];
    let (first, rest) = tcp::split(&stream).unwrap().unwrap();
    assert_eq!((first.transaction, first.unit_id, first.pdu), (1, 1, [0x83, 2].as_slice()));
    let (second, rest) = tcp::split(rest).unwrap().unwrap();
    assert_eq!((second.transaction, second.pdu), (2, [3, 0, 0x64, 0, 0x15].as_slice()));
    assert_eq!(tcp::split(rest), Ok(None));
    for short in 0..9 {
        assert_eq!(tcp::split(&stream[..short]), Ok(None), "{short} bytes");
    }
    assert_eq!(tcp::split(&[0, 1, 0, 9, 0, 3, 1, 3]), Err(FrameError::Protocol(9)));
    assert_eq!(tcp::split(&[0, 1, 0, 0, 0, 1, 1]), Err(FrameError::Length { found: 1, expected: 2 }));
    assert_eq!(tcp::split(&[0, 1, 0, 0, 0, 255, 1]), Err(FrameError::Length { found: 255, expected: 254 }));
    assert_eq!(tcp::build(7, 1, &[3; 253]).unwrap().len(), tcp::MAX_ADU_BYTES);
    assert_eq!(tcp::build(7, 1, &[3; 254]), None);
}

#[test]
fn silences_are_those_of_the_serial_line_specification() {
    // 11 bits per character; rounded up to whole microseconds.
    let rows = [
        (600, 27_500, 64_167),
        (1_200, 13_750, 32_084),
        (4_800, 3_438, 8_021),
        (9_600, 1_719, 4_011),
        (19_200, 860, 2_006),
        (38_400, 750, 1_750),
        (115_200, 750, 1_750),
    ];
    for (baud, t1_5_us, t3_5_us) in rows {
        assert_eq!(rtu::silence(baud), rtu::Silence { t1_5_us, t3_5_us }, "{baud}");
    }
}

#[test]
fn word_orders() {
    for (bytes, says) in frame_file!("modbus-words") {
        let [kind, order, shown] = says.split(' ').collect::<Vec<_>>()[..] else { panic!("{says}") };
        let order = ORDERS.iter().find(|it| it.0 == order).unwrap().1;
        let encodings = match kind {
            "f32" => vec![Encoding::F32(order)],
            "i32" => vec![Encoding::I32(order), Encoding::U32(order)],
            other => panic!("{other}"),
        };
        for encoding in encodings {
            assert_eq!(register::decode(&encoding, &words(&bytes), 0, None), Ok(d(shown)), "{says}");
            assert_eq!(register::encode(&encoding, d(shown), 0).unwrap().as_slice(), words(&bytes), "{says}");
        }
    }
}

#[test]
fn the_drum_answer_reads_whole() {
    let (frame, state) = frame_file!("tyre-drum-answer").remove(0);
    let answer = rtu::parse(&frame).unwrap();
    let registers = pdu::registers(answer.pdu, Table::Input, 22).unwrap();
    let at = |from: usize, encoding: Encoding, places| {
        let to = from + usize::from(encoding.registers());
        register::decode(&encoding, &registers[from..to], 0, places).unwrap().to_string()
    };
    let (u32, f32) = (Encoding::U32(WordOrder::Abcd), Encoding::F32(WordOrder::Abcd));
    assert_eq!(State::from_register(registers[0]).unwrap().word(), state);
    assert!(AlarmBits(registers[1]).is_empty());
    assert_eq!([at(2, u32, None), at(4, u32, None), at(6, u32, None)], ["20260115", "14400", "480000"]);
    assert_eq!([at(8, f32, Some(1)), at(10, f32, Some(1)), at(12, f32, Some(1))], ["120.0", "5145.0", "180.0"]);
    assert_eq!([at(14, f32, Some(1)), at(16, f32, Some(1)), at(18, f32, Some(1))], ["38.4", "71.5", "296.2"]);
    assert_eq!([at(20, Encoding::U16, None), at(21, Encoding::U16, None)], ["1", "417"]);
}

#[test]
fn floats_show_the_shortest_decimal_and_round_half_to_even() {
    let check = |bits: u32, scale, places, expected: Result<&str, RegisterError>| {
        let registers = words(&bits.to_be_bytes());
        let shown = register::decode(&Encoding::F32(WordOrder::Abcd), &registers, scale, places);
        assert_eq!(shown, expected.map(d), "{bits:#x} scale {scale} places {places:?}");
    };
    check(0x3DCC_CCCD, 0, None, Ok("0.1"));
    check(0x3DCC_CCCD, 0, Some(3), Ok("0.100"));
    check(0x3E00_0000, 0, Some(2), Ok("0.12")); // 0.125
    check(0x3EC0_0000, 0, Some(2), Ok("0.38")); // 0.375
    check(0xBE00_0000, 0, Some(2), Ok("-0.12"));
    check(0x3F00_0000, 0, Some(0), Ok("0")); // 0.5
    check(0x3FC0_0000, 0, Some(0), Ok("2")); // 1.5
    check(0x4B80_0001, 0, None, Ok("16777218"));
    check(0x449A_5000, -3, None, Ok("1.2345"));
    check(0x449A_5000, 3, Some(1), Ok("1234500.0"));
    check(0x0000_0000, 0, None, Ok("0"));
    check(0x8000_0000, 127, Some(2), Ok("0.00"));
    check(0x0000_0001, 0, Some(4), Ok("0.0000")); // least subnormal
    check(0x0000_0001, 0, None, Err(RegisterError::Range));
    check(0x7F7F_FFFF, 0, Some(0), Err(RegisterError::Range)); // greatest
    check(0x7F80_0000, 0, Some(1), Err(RegisterError::NotFinite));
    check(0xFF80_0000, 0, None, Err(RegisterError::NotFinite));
    check(0x7FC0_0000, 0, Some(1), Err(RegisterError::NotFinite));
    assert_eq!(Missing::from(RegisterError::NotFinite), Missing::InstrumentFault(0));
}

#[test]
fn integers_bits_and_scales() {
    let check = |encoding, registers: &[u16], scale, places, expected: Result<&str, RegisterError>| {
        assert_eq!(
            register::decode(&encoding, registers, scale, places),
            expected.map(d),
            "{encoding:?} {registers:x?}"
        );
    };
    check(Encoding::U16, &[0xFFFF], 0, None, Ok("65535"));
    check(Encoding::I16, &[0xFFFF], -1, None, Ok("-0.1"));
    check(Encoding::I16, &[384], -1, Some(0), Ok("38"));
    check(Encoding::I16, &[385], -1, Some(2), Ok("38.50"));
    check(Encoding::U16, &[12], 3, None, Ok("12000"));
    check(Encoding::I32(WordOrder::Abcd), &[0xFFFF, 0xFFFE], 0, None, Ok("-2"));
    check(Encoding::U32(WordOrder::Abcd), &[0xFFFF, 0xFFFE], 0, None, Ok("4294967294"));
    check(Encoding::Bit(0), &[0b10], 0, None, Ok("0"));
    check(Encoding::Bit(1), &[0b10], 0, None, Ok("1"));
    check(Encoding::Bit(16), &[0], 0, None, Err(RegisterError::Bit(16)));
    check(Encoding::U16, &[], 0, None, Err(RegisterError::Count { found: 0, expected: 1 }));
    check(Encoding::U32(WordOrder::Abcd), &[1], 0, None, Err(RegisterError::Count { found: 1, expected: 2 }));
    check(Encoding::U16, &[1], 127, None, Err(RegisterError::Range));
    check(Encoding::U16, &[1], -19, None, Err(RegisterError::Range));
    check(Encoding::Ascii(1), &[0x4142], 0, None, Err(RegisterError::Text));

    let refused = |encoding, value: &str, scale| register::encode(&encoding, d(value), scale).unwrap_err();
    assert_eq!(refused(Encoding::U16, "-1", 0), RegisterError::Range);
    assert_eq!(refused(Encoding::U16, "38.45", -1), RegisterError::Range);
    assert_eq!(refused(Encoding::I16, "32768", 0), RegisterError::Range);
    assert_eq!(refused(Encoding::Bit(3), "2", 0), RegisterError::Range);
    assert_eq!(register::encode(&Encoding::Bit(3), d("1"), 0).unwrap(), [8]);
    assert_eq!(register::encode(&Encoding::U16, d("38.40"), -1).unwrap(), [384]);
}

#[test]
fn text_in_registers() {
    let barcode = [0x4A4B, 0x3132, 0x3300, 0x0000];
    assert_eq!(register::ascii(&barcode).unwrap(), "JK123");
    assert_eq!(register::encode_ascii("JK123", 4).unwrap(), barcode);
    assert_eq!(register::ascii(&[0x4120, 0x2020]).unwrap(), "A");
    assert_eq!(register::ascii(&[0]).unwrap(), "");
    assert_eq!(register::ascii(&[0x41FF]), Err(RegisterError::Text));
    assert_eq!(register::ascii(&[0x4141; 126]), Err(RegisterError::Range));
    // A text that ends early does not make room for more registers than one read can bring.
    assert_eq!(register::ascii(&[0; 126]), Err(RegisterError::Range));
    assert_eq!(register::encode_ascii("JK123", 2), Err(RegisterError::Range));
    assert_eq!(register::encode_ascii("粤", 2), Err(RegisterError::Text));
}
