//! The unit texts that displays and balances send.
//!
//! Only a text whose unit is certain is read. Customary units without a UCUM code (momme, mesghal,
//! the taels, tola, tical, baht) and `ton`, which is three different masses, are not.

use crate::Unit;

/// Texts, filled up with zeros, and units; the first text of a unit is the one written. Without pointers the table has a
/// quarter of its size, which an instrument node has not to spare.
const TEXTS: [([u8; 3], Unit); 30] = [
    (*b"kg\0", Unit::Kilogram),
    (*b"g\0\0", Unit::Gram),
    (*b"t\0\0", Unit::Tonne),
    (*b"mg\0", Unit::Milligram),
    (*b"ug\0", Unit::Microgram),
    (*b"lb\0", Unit::Pound),
    (*b"oz\0", Unit::Ounce),
    (*b"ozt", Unit::TroyOunce),
    (*b"dwt", Unit::Pennyweight),
    (*b"GN\0", Unit::Grain),
    (*b"ct\0", Unit::Carat),
    (*b"N\0\0", Unit::Newton),
    (*b"kN\0", Unit::Kilonewton),
    (*b"PCS", Unit::One),
    (*b"%\0\0", Unit::Percent),
    (*b"KG\0", Unit::Kilogram),
    (*b"Kg\0", Unit::Kilogram),
    // Latin-1 and UTF-8.
    (*b"\xB5g\0", Unit::Microgram),
    (*b"\xC2\xB5g", Unit::Microgram),
    (*b"mcg", Unit::Microgram),
    (*b"LB\0", Unit::Pound),
    (*b"lbs", Unit::Pound),
    (*b"OZ\0", Unit::Ounce),
    (*b"CT\0", Unit::Carat),
    (*b"gr\0", Unit::Grain),
    (*b"GRN", Unit::Grain),
    (*b"pcs", Unit::One),
    (*b"PC\0", Unit::One),
    (*b"pc\0", Unit::One),
    (*b"Pcs", Unit::One),
];

/// The unit of a text, spaces around it apart; `None` for one that is not certain.
pub fn read(text: &[u8]) -> Option<Unit> {
    let text = text.trim_ascii();
    TEXTS.iter().find(|(known, _)| cut(known) == text).map(|&(_, unit)| unit)
}

/// The text of a unit; `None` for a unit no scale shows.
pub fn write(unit: Unit) -> Option<&'static [u8]> {
    TEXTS.iter().find(|&&(_, known)| known == unit).map(|(text, _)| cut(text))
}

/// A text without the zeros it is filled up with.
pub(super) fn cut(text: &[u8; 3]) -> &[u8] {
    match text {
        [one @ .., 0, 0] => one,
        [two @ .., 0] => two,
        all => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_written_reads_back() {
        for (text, unit) in &TEXTS {
            let (text, unit) = (cut(text), *unit);
            assert!(!text.is_empty() && !text.contains(&0));
            assert_eq!(read(text), Some(unit));
            assert_eq!(write(unit).and_then(read), Some(unit));
        }
        assert_eq!(read(b"  kg "), Some(Unit::Kilogram));
    }

    #[test]
    fn uncertain_texts_have_no_unit() {
        let texts: [&[u8]; 16] = [
            b"", b" ", b"ton", b"mom", b"msg", b"tlh", b"tls", b"tlt", b"tola", b"baht", b"G", b"T", b"k g", b"kgm",
            b"g\0", b"\0",
        ];
        for text in texts {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(write(Unit::PH), None);
    }
}
