//! The unit texts that displays and balances send.
//!
//! Only a text whose unit is certain is read. Customary units without a UCUM code (momme, mesghal,
//! the taels, tola, tical, baht) and `ton`, which is three different masses, are not.

use crate::Unit;

/// Texts and units; the first text of a unit is the one written.
const TEXTS: [(&[u8], Unit); 30] = [
    (b"kg", Unit::Kilogram),
    (b"g", Unit::Gram),
    (b"t", Unit::Tonne),
    (b"mg", Unit::Milligram),
    (b"ug", Unit::Microgram),
    (b"lb", Unit::Pound),
    (b"oz", Unit::Ounce),
    (b"ozt", Unit::TroyOunce),
    (b"dwt", Unit::Pennyweight),
    (b"GN", Unit::Grain),
    (b"ct", Unit::Carat),
    (b"N", Unit::Newton),
    (b"kN", Unit::Kilonewton),
    (b"PCS", Unit::One),
    (b"%", Unit::Percent),
    (b"KG", Unit::Kilogram),
    (b"Kg", Unit::Kilogram),
    // Latin-1 and UTF-8.
    (b"\xB5g", Unit::Microgram),
    (b"\xC2\xB5g", Unit::Microgram),
    (b"mcg", Unit::Microgram),
    (b"LB", Unit::Pound),
    (b"lbs", Unit::Pound),
    (b"OZ", Unit::Ounce),
    (b"CT", Unit::Carat),
    (b"gr", Unit::Grain),
    (b"GRN", Unit::Grain),
    (b"pcs", Unit::One),
    (b"PC", Unit::One),
    (b"pc", Unit::One),
    (b"Pcs", Unit::One),
];

/// The unit of a text, spaces around it apart; `None` for one that is not certain.
pub fn read(text: &[u8]) -> Option<Unit> {
    let text = text.trim_ascii();
    TEXTS.iter().find(|(known, _)| *known == text).map(|&(_, unit)| unit)
}

/// The text of a unit; `None` for a unit no scale shows.
pub fn write(unit: Unit) -> Option<&'static [u8]> {
    TEXTS.iter().find(|&&(_, known)| known == unit).map(|&(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_written_reads_back() {
        for &(text, unit) in &TEXTS {
            assert_eq!(read(text), Some(unit));
            assert_eq!(write(unit).and_then(read), Some(unit));
        }
        assert_eq!(read(b"  kg "), Some(Unit::Kilogram));
    }

    #[test]
    fn uncertain_texts_have_no_unit() {
        let texts: [&[u8]; 14] =
            [b"", b" ", b"ton", b"mom", b"msg", b"tlh", b"tls", b"tlt", b"tola", b"baht", b"G", b"T", b"k g", b"kgm"];
        for text in texts {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(write(Unit::PH), None);
    }
}
