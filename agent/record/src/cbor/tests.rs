#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

fn written(write: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer::new();
    write(&mut writer);
    hex::encode(writer.finish())
}

#[test]
fn writes_the_examples_of_rfc_8949_appendix_a() {
    for (value, expected) in [
        (0, "00"),
        (1, "01"),
        (10, "0a"),
        (23, "17"),
        (24, "1818"),
        (25, "1819"),
        (100, "1864"),
        (1000, "1903e8"),
        (1_000_000, "1a000f4240"),
        (1_000_000_000_000, "1b000000e8d4a51000"),
        (-1, "20"),
        (-10, "29"),
        (-100, "3863"),
        (-1000, "3903e7"),
    ] {
        assert_eq!(written(|w| w.int(value)), expected);
        assert_eq!(Reader::new(&hex::decode(expected).unwrap()).int(), Ok(value));
    }
    assert_eq!(written(|w| w.uint(u64::MAX)), "1bffffffffffffffff");
    assert_eq!(written(|w| w.int(i64::MIN)), "3b7fffffffffffffff");
    assert_eq!(written(|w| w.bool(false)), "f4");
    assert_eq!(written(|w| w.bool(true)), "f5");
    assert_eq!(written(Writer::null), "f6");
    assert_eq!(written(|w| w.bytes(&[1, 2, 3, 4])), "4401020304");
    assert_eq!(written(|w| w.text("水")), "63e6b0b4");
    assert_eq!(written(|w| w.list(&[1, 2, 3], |w, &it| w.uint(it))), "83010203");
    let map = written(|w| {
        w.map(|m| {
            m.int(3, |w| w.uint(4));
            m.int(1, |w| w.uint(2));
        });
    });
    assert_eq!(map, "a201020304");
}

#[test]
fn map_keys_are_written_in_the_order_of_rfc_8949_section_4_2_1() {
    // The section's own example: 10, 100, -1, "z", "aa" (and shorter types not used here).
    let map = written(|w| {
        w.map(|m| {
            m.text("aa", Writer::null);
            m.text("z", Writer::null);
            m.int(-1, Writer::null);
            m.int(100, Writer::null);
            m.int(10, Writer::null);
        });
    });
    assert_eq!(map, "a50af61864f620f6617af6626161f6");
}

#[test]
fn refuses_every_other_spelling() {
    let check = |hex: &str, expected: CborError| {
        assert_eq!(check(&hex::decode(hex).unwrap()), Err(expected), "{hex}");
    };
    // Numbers and lengths with a shorter form.
    check("1817", CborError::NotShortest { at: 0 });
    check("1900ff", CborError::NotShortest { at: 0 });
    check("1a0000ffff", CborError::NotShortest { at: 0 });
    check("1b00000000ffffffff", CborError::NotShortest { at: 0 });
    check("3817", CborError::NotShortest { at: 0 });
    check("580161", CborError::NotShortest { at: 0 });
    check("780161", CborError::NotShortest { at: 0 });
    check("980100", CborError::NotShortest { at: 0 });
    check("b8010000", CborError::NotShortest { at: 0 });
    // Indefinite lengths and a lone break.
    for hex in ["5f4101ff", "7f6161ff", "9f01ff", "bf0101ff", "ff"] {
        check(hex, CborError::Indefinite { at: 0 });
    }
    // Binary fractions, undefined, simple values, tags, reserved heads.
    for (hex, byte) in [
        ("f93c00", 0xf9),
        ("fa3fc00000", 0xfa),
        ("fb3ff8000000000000", 0xfb),
        ("f7", 0xf7),
        ("e0", 0xe0),
        ("f818", 0xf8),
        ("c000", 0xc0),
        ("d200", 0xd2),
        ("1c", 0x1c),
        ("1f", 0x1f),
        ("3f", 0x3f),
    ] {
        check(hex, CborError::NotInModel { at: 0, byte });
    }
    // Keys twice, keys out of order.
    check("a201000100", CborError::KeyOrder { at: 3 });
    check("a202000100", CborError::KeyOrder { at: 3 });
    check("a2626161f6617af6", CborError::KeyOrder { at: 5 });
    // Ends too early, ends too late.
    check("", CborError::Truncated { at: 0 });
    check("19ff", CborError::Truncated { at: 0 });
    check("4201", CborError::Truncated { at: 0 });
    check("8201", CborError::Truncated { at: 2 });
    check("5bffffffffffffffff00", CborError::Truncated { at: 0 });
    check("9bffffffffffffffff00", CborError::Truncated { at: 10 });
    check("0000", CborError::Trailing { at: 1 });
    // Text that is none.
    check("61ff", CborError::Utf8 { at: 0 });
    check("63eda080", CborError::Utf8 { at: 0 });
}

#[test]
fn nesting_has_a_bound() {
    let nested = |levels: usize| [vec![0x81; levels], vec![0x00]].concat();
    assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
    assert_eq!(check(&nested(MAX_DEPTH + 1)), Err(CborError::Depth { at: MAX_DEPTH }));
    assert!(check(&vec![0x81; 200_000]).is_err());
}

#[test]
fn fields_are_taken_in_order_and_none_is_overlooked() {
    // {1: 7, 3: 9}
    let bytes = hex::decode("a201070309").unwrap();
    let mut reader = Reader::new(&bytes);
    let mut fields = reader.fields().unwrap();
    assert_eq!(fields.need(1, Reader::uint), Ok(7));
    assert_eq!(fields.optional(2, Reader::uint), Ok(None));
    assert_eq!(fields.need(3, Reader::uint), Ok(9));
    assert_eq!(fields.need(4, Reader::uint), Err(CborError::MissingKey { at: 5, key: 4 }));
    assert_eq!(fields.end(), Ok(()));

    let mut reader = Reader::new(&bytes);
    let mut fields = reader.fields().unwrap();
    assert_eq!(fields.need(1, Reader::uint), Ok(7));
    assert_eq!(fields.end(), Err(CborError::UnknownKey { at: 4, key: 3 }));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_what_passes_is_canonical_for_another_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        if check(&bytes).is_ok() {
            // A general reader takes it too, and writes the same bytes back.
            let value: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
            let mut again = Vec::new();
            ciborium::into_writer(&value, &mut again).unwrap();
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn integers_read_back(value in any::<i64>()) {
        let mut writer = Writer::new();
        writer.int(value);
        let bytes = writer.finish();
        prop_assert_eq!(check(&bytes), Ok(()));
        prop_assert_eq!(Reader::new(&bytes).int(), Ok(value));
        prop_assert_eq!(ciborium::from_reader::<i64, _>(&bytes[..]).unwrap(), value);
    }
}
