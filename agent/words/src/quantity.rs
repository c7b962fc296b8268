//! Values and limits as people read them, from the UCUM text that findings carry.

use crate::{Language, say};

/// How a UCUM code is written for people.
enum Symbol {
    /// With this sign.
    Sign(&'static str),
    /// With the word of this message.
    Word(&'static str),
    /// Not at all: the parameter's name says it.
    Silent,
}

fn symbol(code: &str) -> Option<Symbol> {
    Some(match code {
        "%" => Symbol::Sign("%"),
        "kg" => Symbol::Sign("kg"),
        "t" => Symbol::Sign("t"),
        "g" => Symbol::Sign("g"),
        "mg/kg" => Symbol::Sign("mg/kg"),
        "uGy/h" => Symbol::Sign("µGy/h"),
        "nGy/h" => Symbol::Sign("nGy/h"),
        "uSv/h" => Symbol::Sign("µSv/h"),
        "/s" => Symbol::Sign("s⁻¹"),
        "{sigma}" => Symbol::Sign("σ"),
        "Cel" => Symbol::Sign("°C"),
        "mV" => Symbol::Sign("mV"),
        "km/h" => Symbol::Sign("km/h"),
        "m/s" => Symbol::Sign("m/s"),
        "N" => Symbol::Sign("N"),
        "kN" => Symbol::Sign("kN"),
        "N/kN" => Symbol::Sign("N/kN"),
        "kPa" => Symbol::Sign("kPa"),
        "mm" => Symbol::Sign("mm"),
        "m" => Symbol::Sign("m"),
        "km" => Symbol::Sign("km"),
        "ms" => Symbol::Sign("ms"),
        "s" => Symbol::Sign("s"),
        "min" => Symbol::Sign("min"),
        "h" => Symbol::Sign("h"),
        "Bq/g" => Symbol::Sign("Bq/g"),
        "Bq/kg" => Symbol::Sign("Bq/kg"),
        "Bq/cm2" => Symbol::Sign("Bq/cm²"),
        "[lb_av]" => Symbol::Sign("lb"),
        "[oz_av]" => Symbol::Sign("oz"),
        "[car_m]" => Symbol::Sign("ct"),
        "mg" => Symbol::Sign("mg"),
        "ug" => Symbol::Sign("µg"),
        "[oz_tr]" => Symbol::Sign("ozt"),
        "[pwt_tr]" => Symbol::Sign("dwt"),
        "[gr]" => Symbol::Sign("gr"),
        "[ston_av]" => Symbol::Sign("short ton"),
        "nSv/h" => Symbol::Sign("nSv/h"),
        "mSv/h" => Symbol::Sign("mSv/h"),
        "uSv" => Symbol::Sign("µSv"),
        "mREM/h" => Symbol::Sign("mrem/h"),
        "mREM" => Symbol::Sign("mrem"),
        "uR/h" => Symbol::Sign("µR/h"),
        "mR/h" => Symbol::Sign("mR/h"),
        "/min" => Symbol::Sign("min⁻¹"),
        "Bq" => Symbol::Sign("Bq"),
        "keV" => Symbol::Sign("keV"),
        "mg/L" => Symbol::Sign("mg/L"),
        "g/cm3" => Symbol::Sign("g/cm³"),
        "kg/m3" => Symbol::Sign("kg/m³"),
        "MJ/kg" => Symbol::Sign("MJ/kg"),
        "t/h" => Symbol::Sign("t/h"),
        "[in_i]" => Symbol::Sign("in"),
        "um" => Symbol::Sign("µm"),
        "nm" => Symbol::Sign("nm"),
        "cN/tex" => Symbol::Sign("cN/tex"),
        "gf/tex" => Symbol::Sign("gf/tex"),
        "N.m" => Symbol::Sign("N·m"),
        "{rev}/min" => Symbol::Sign("r/min"),
        "{rev}" => Symbol::Sign("r"),
        "V" => Symbol::Sign("V"),
        "mA" => Symbol::Sign("mA"),
        "K" => Symbol::Sign("K"),
        "hPa" => Symbol::Sign("hPa"),
        "MPa" => Symbol::Sign("MPa"),
        "deg" => Symbol::Sign("°"),
        "us" => Symbol::Sign("µs"),
        "kg/t" => Symbol::Sign("kg/t"),
        "uS/cm" => Symbol::Sign("µS/cm"),
        "g/kg" => Symbol::Sign("g/kg"),
        "Bq/L" => Symbol::Sign("Bq/L"),
        "ug/g" => Symbol::Sign("µg/g"),
        "{count}" => Symbol::Word("unit-count"),
        "{grade}" => Symbol::Word("unit-grade"),
        "1" | "[pH]" | "{absorbance}" => Symbol::Silent,
        _ => return None,
    })
}

/// A unit by its UCUM code; a code that is not known stands for itself.
pub fn unit(language: Language, code: &str) -> String {
    match symbol(code) {
        Some(Symbol::Sign(sign)) => sign.to_owned(),
        Some(Symbol::Word(id)) => say(language, id, &[]),
        Some(Symbol::Silent) => String::new(),
        None => code.to_owned(),
    }
}

/// A value with its unit: `8.1 [pH]` reads `8.1`, `0.41 uGy/h` reads `0.41 µGy/h`. Digits stay as they are.
pub fn value(language: Language, text: &str) -> String {
    match text.rsplit_once(' ') {
        // A pure number stands alone, so a `1` behind a sign is the number.
        Some((number, code)) if code != "1" && symbol(code).is_some() => join(number, &unit(language, code)),
        _ => text.to_owned(),
    }
}

/// A limit: `class B or better` reads 等级 B 或更优; `4.0..7.5 [pH]` reads `4.0–7.5`, `<= 934 + 7 sqrt(934) {count}` reads `≤ 934 + 7 √934 counts`.
pub fn limit(language: Language, text: &str) -> String {
    if text == "absent" {
        return say(language, "limit-absent", &[]);
    }
    if let Some(class) = text.strip_prefix("class ") {
        return match class.strip_suffix(" or better") {
            Some(class) => say(language, "limit-class-or-better", &[("class", class.into())]),
            None => say(language, "limit-class", &[("class", class.into())]),
        };
    }
    let signs = value(language, text).replace("<=", "≤").replace(">=", "≥").replace("..", "–");
    let mut rest = signs.as_str();
    let mut read = String::new();
    while let Some((before, root)) = rest.split_once("sqrt(") {
        let (inside, after) = root.split_once(')').unwrap_or((root, ""));
        read.extend([before, "√", inside]);
        rest = after;
    }
    read.push_str(rest);
    read
}

fn join(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_digits() {
        let check = |text: &str, zh: &str, en: &str| {
            assert_eq!(value(Language::ZhCn, text), zh);
            assert_eq!(value(Language::En, text), en);
        };
        check("8.10 [pH]", "8.10", "8.10");
        check("0.41 uGy/h", "0.41 µGy/h", "0.41 µGy/h");
        check("1219 {count}", "1219 计数", "1219 counts");
        check("3-4 {grade}", "3-4 级", "3-4 grade");
        check("0.35", "0.35", "0.35");
        check("12 furlongs", "12 furlongs", "12 furlongs");
    }

    #[test]
    fn limits_of_every_kind_are_readable() {
        let check = |text: &str, expected: &str| assert_eq!(limit(Language::En, text), expected);
        check("<= 49000 kg", "≤ 49000 kg");
        check("< 8.0 %", "< 8.0 %");
        check("4.0..7.5 [pH]", "4.0–7.5");
        check("absent", "absent");
        check(">= 3-4 {grade}", "≥ 3-4 grade");
        check("<= 0.12 + 0.25 uGy/h", "≤ 0.12 + 0.25 µGy/h");
        check("<= 934 + 7 sqrt(934) {count}", "≤ 934 + 7 √934 counts");
        check("|x - 20000| <= min(5 % = 1000, 1000) = 1000 kg", "|x - 20000| ≤ min(5 % = 1000, 1000) = 1000 kg");
        check("<= 1", "≤ 1");
        check("9.9 < x <= 10.1 %", "9.9 < x ≤ 10.1 %");
        check("< 0.9 x 9.4 = 8.46 %", "< 0.9 x 9.4 = 8.46 %");
        check("class B or better", "class B or better");
        assert_eq!(limit(Language::ZhCn, "class B or better"), "等级 B 或更优");
        assert_eq!(limit(Language::ZhCn, "class A"), "等级 A");
        assert_eq!(limit(Language::ZhCn, "absent"), "不得检出");
    }

    /// Every unit a finding can carry has a reading of its own.
    #[test]
    fn every_unit_is_known() {
        for code in tidewaiter_drivers::Unit::ALL.iter().map(|it| it.code()) {
            assert!(symbol(code).is_some(), "{code}");
        }
    }
}
