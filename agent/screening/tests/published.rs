//! Verdicts that the documents themselves give, retyped from their published copies apart from the shipped files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use std::collections::BTreeSet;

use fixture::{d, date, declare, inspection, measured};
use tidewaiter_config::{
    limits::{Basis, builtin},
    site::Judge,
};
use tidewaiter_drivers::Unit;
use tidewaiter_screening::{Reason, Verdict, inspection::Measured, screen};

const PASS: Verdict = Verdict::Pass;
const FAIL: Verdict = Verdict::Fail;
const NO: Verdict = Verdict::NotApplicable;
const UNDECLARED: Verdict = Verdict::Inconclusive(Reason::NoDeclaration);
const UNKNOWN: Verdict = Verdict::Inconclusive(Reason::NotCovered);
const NOT_MEASURED: Verdict = Verdict::Inconclusive(Reason::NotMeasured);
const NO_EDITION: Verdict = Verdict::Inconclusive(Reason::NoEdition);

const TODAY: &str = "2026-05-04";

/// Table, day, parameter judged, what is measured (parameter, value and unit), what is declared, verdict.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
    Verdict,
);

const TEXTILES: &[Row] = &[
    ("gb18401-2010-t1", TODAY, "formaldehyde", &[("formaldehyde", "20 mg/kg")], &[("category", "A")], PASS),
    ("gb18401-2010-t1", TODAY, "formaldehyde", &[("formaldehyde", "20.1 mg/kg")], &[("category", "A")], FAIL),
    ("gb18401-2010-t1", TODAY, "formaldehyde", &[("formaldehyde", "0.0075 %")], &[("category", "B")], PASS),
    ("gb18401-2010-t1", TODAY, "formaldehyde", &[("formaldehyde", "301 mg/kg")], &[("category", "C")], FAIL),
    ("gb18401-2010-t1", TODAY, "odour", &[("odour", "0 1")], &[("category", "B")], PASS),
    ("gb18401-2010-t1", TODAY, "odour", &[("odour", "1 1")], &[("category", "C")], FAIL),
    ("gb18401-2010-t1", TODAY, "azo-amine", &[("azo-amine", "20 mg/kg")], &[("category", "C")], PASS),
    ("gb18401-2010-t1", TODAY, "azo-amine", &[("azo-amine", "21 mg/kg")], &[("category", "A")], FAIL),
    // Finished goods of category A may have pH 7.5 at most, goods still to be washed 10.5.
    ("gb18401-2010-t1", TODAY, "ph", &[("ph", "9.8 [pH]")], &[("category", "A")], FAIL),
    ("gb18401-2010-unfinished", TODAY, "ph", &[("ph", "9.8 [pH]")], &[("category", "A")], PASS),
    ("gb18401-2010-unfinished", TODAY, "ph", &[("ph", "10.5 [pH]")], &[], PASS),
    ("gb18401-2010-unfinished", TODAY, "ph", &[("ph", "10.6 [pH]")], &[], FAIL),
    ("gb18401-2010-unfinished", TODAY, "ph", &[("ph", "3.9 [pH]")], &[], FAIL),
    ("gb31701-2015", TODAY, "Pb", &[("Pb", "90 mg/kg")], &[("category", "A")], PASS),
    ("gb31701-2015", TODAY, "Pb", &[("Pb", "91 mg/kg")], &[("category", "A")], FAIL),
    ("gb31701-2015", TODAY, "Pb", &[("Pb", "900 mg/kg")], &[("category", "B")], NO),
    ("gb31701-2015", TODAY, "Cd", &[("Cd", "100.1 mg/kg")], &[("category", "A")], FAIL),
    ("gb31701-2015", TODAY, "phthalate-group", &[("phthalate-group", "0.11 %")], &[("category", "A")], FAIL),
    ("gb31701-2015", TODAY, "phthalate-group", &[("phthalate-group", "1000 mg/kg")], &[("category", "A")], PASS),
    (
        "gb31701-2015",
        TODAY,
        "fastness-wet-rubbing",
        &[("fastness-wet-rubbing", "2.5 {grade}")],
        &[("category", "A")],
        FAIL,
    ),
    ("gb31701-2015", TODAY, "flammability-class", &[("flammability-class", "2 1")], &[("category", "B")], FAIL),
    ("gb31701-2015", TODAY, "head-neck-cord", &[("head-neck-cord", "1 1")], &[("under-7-years", "yes")], FAIL),
    ("gb31701-2015", TODAY, "head-neck-cord", &[("head-neck-cord", "1 1")], &[("under-7-years", "no")], NO),
    ("gb31701-2015", "2016-05-31", "Pb", &[("Pb", "1 mg/kg")], &[("category", "A")], NO_EDITION),
    ("cotton-grades", TODAY, "micronaire", &[("micronaire", "4.24 1")], &[("micronaire-grade", "A")], PASS),
    ("cotton-grades", TODAY, "micronaire", &[("micronaire", "4.26 1")], &[("micronaire-grade", "A")], FAIL),
    ("cotton-grades", TODAY, "micronaire", &[("micronaire", "4.9 1")], &[("micronaire-grade", "B2")], PASS),
    ("gb1103.1", "2020-01-01", "micronaire", &[("micronaire", "3.4 1")], &[("micronaire-grade", "B1")], FAIL),
    ("cotton-grades", TODAY, "moisture-regain", &[("moisture-regain", "10.0 %")], &[], PASS),
    ("cotton-grades", TODAY, "moisture-regain", &[("moisture-regain", "10.1 %")], &[], FAIL),
];

const WEIGHING: &[Row] = &[
    (
        "gross-mass-cn-2016",
        TODAY,
        "gross-mass",
        &[("gross-mass", "49.02 t")],
        &[("axles", "6"), ("drive-axle", "double")],
        FAIL,
    ),
    (
        "gross-mass-cn-2016-tyres",
        TODAY,
        "gross-mass",
        &[("gross-mass", "49000 kg")],
        &[("axles", "6"), ("drive-axle", "double"), ("single-tyre-axles", "0")],
        PASS,
    ),
    (
        "gross-mass-cn-2016-tyres",
        TODAY,
        "gross-mass",
        &[("gross-mass", "46000 kg")],
        &[("axles", "6"), ("drive-axle", "double"), ("single-tyre-axles", "1")],
        PASS,
    ),
    (
        "gross-mass-cn-2016-tyres",
        TODAY,
        "gross-mass",
        &[("gross-mass", "46001 kg")],
        &[("axles", "6"), ("drive-axle", "double"), ("single-tyre-axles", "1")],
        FAIL,
    ),
    ("gross-mass-cn-2016-tyres", TODAY, "gross-mass", &[("gross-mass", "15000 kg")], &[("axles", "2")], UNDECLARED),
    ("vgm-cn", TODAY, "gross-mass", &[("gross-mass", "31 t")], &[("mass", "30000")], PASS),
    ("vgm-cn", TODAY, "gross-mass", &[("gross-mass", "31.02 t")], &[("mass", "30000")], FAIL),
    // 5 % of 30 t is 1.5 t, 500 kg is the greater tolerance below 10 t.
    ("vgm-uk", TODAY, "gross-mass", &[("gross-mass", "31500 kg")], &[("mass", "30000")], PASS),
    ("vgm-uk", TODAY, "gross-mass", &[("gross-mass", "31501 kg")], &[("mass", "30000")], FAIL),
    ("vgm-uk", TODAY, "gross-mass", &[("gross-mass", "4500 kg")], &[("mass", "5000")], PASS),
    ("vgm-uk", TODAY, "gross-mass", &[("gross-mass", "4499 kg")], &[("mass", "5000")], FAIL),
    ("container-max-gross", TODAY, "gross-mass", &[("gross-mass", "30480 kg")], &[("max-gross-mass", "30480")], PASS),
    ("container-max-gross", TODAY, "gross-mass", &[("gross-mass", "30.50 t")], &[("max-gross-mass", "30480")], FAIL),
    // Neither measured nor declared.
    ("container-max-gross", TODAY, "gross-mass", &[("gross-mass", "30480 kg")], &[], NOT_MEASURED),
    // A class III scale with e = 20 kg at 40 t is at 2000 e: 1.0 e at verification, 2.0 e in service.
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "-20 kg")],
        &[("class", "III"), ("service", "verification"), ("test-load", "40000"), ("scale-interval", "20")],
        PASS,
    ),
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "22 kg")],
        &[("class", "III"), ("service", "verification"), ("test-load", "40000"), ("scale-interval", "20")],
        FAIL,
    ),
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "40 kg")],
        &[("class", "III"), ("service", "in-service"), ("test-load", "40000"), ("scale-interval", "20")],
        PASS,
    ),
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "30 kg")],
        &[("class", "III"), ("service", "verification"), ("test-load", "40020"), ("scale-interval", "20")],
        PASS,
    ),
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "11 kg")],
        &[("class", "III"), ("service", "verification"), ("test-load", "10000"), ("scale-interval", "20")],
        FAIL,
    ),
    // Class II: half an interval up to 5000 e, not 20000 e.
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "1.0 g")],
        &[("class", "II"), ("service", "verification"), ("test-load", "5.001"), ("scale-interval", "0.001")],
        PASS,
    ),
    (
        "scale-mpe",
        TODAY,
        "scale-error",
        &[("scale-error", "0.6 g")],
        &[("class", "II"), ("service", "verification"), ("test-load", "5.000"), ("scale-interval", "0.001")],
        FAIL,
    ),
];

const IN_MOTION: &[Row] = &[
    // Class 5: 2.50 % of 40 t is 1 t.
    (
        "wim-mpe",
        TODAY,
        "gross-mass",
        &[("gross-mass", "41000 kg")],
        &[("wim-class", "5"), ("reference-mass", "40000")],
        PASS,
    ),
    (
        "wim-mpe",
        TODAY,
        "gross-mass",
        &[("gross-mass", "38980 kg")],
        &[("wim-class", "5"), ("reference-mass", "40000")],
        FAIL,
    ),
];

const TYRES: &[Row] = &[
    ("gb9744", "2010-06-01", "tread-wear-indicator", &[("tread-wear-indicator", "1.9 mm")], &[], FAIL),
    ("gb9744", "2020-06-01", "tread-wear-indicator", &[("tread-wear-indicator", "1.6 mm")], &[], PASS),
    ("gb9744", "2020-06-01", "tread-wear-indicator", &[("tread-wear-indicator", "1.5 mm")], &[], FAIL),
    // 7.75 is rounded to 7.8 and is class C; 7.74 is B.
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "rolling-resistance",
        &[("rolling-resistance", "7.74 N/kN")],
        &[("tyre-class", "C1"), ("rolling-resistance-class", "B")],
        PASS,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "rolling-resistance",
        &[("rolling-resistance", "7.75 N/kN")],
        &[("tyre-class", "C1"), ("rolling-resistance-class", "B")],
        FAIL,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "rolling-resistance",
        &[("rolling-resistance", "5.5 kg/t")],
        &[("tyre-class", "C2"), ("rolling-resistance-class", "E")],
        PASS,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "rolling-resistance",
        &[("rolling-resistance", "7.1 kg/t")],
        &[("tyre-class", "C3"), ("rolling-resistance-class", "D")],
        FAIL,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "wet-grip",
        &[("wet-grip", "1.25 1")],
        &[("tyre-class", "C1"), ("wet-grip-class", "C")],
        PASS,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "wet-grip",
        &[("wet-grip", "1.24 1")],
        &[("tyre-class", "C1"), ("wet-grip-class", "C")],
        FAIL,
    ),
    (
        "eu-tyre-label-2009",
        "2020-06-01",
        "wet-grip",
        &[("wet-grip", "1.245 1")],
        &[("tyre-class", "C1"), ("wet-grip-class", "C")],
        FAIL,
    ),
    ("reach-50-extender-oil", TODAY, "BaP", &[("BaP", "1.1 mg/kg")], &[], FAIL),
    ("reach-50-extender-oil", TODAY, "pah-8-sum", &[("pah-8-sum", "10 mg/kg")], &[], PASS),
    (
        "reach-50-extender-oil",
        TODAY,
        "pah-8-sum",
        &[
            ("BaP", "0.9 mg/kg"),
            ("BeP", "1.1 mg/kg"),
            ("BaA", "1.0 mg/kg"),
            ("CHR", "3.0 mg/kg"),
            ("BbFA", "2.0 mg/kg"),
            ("BjFA", "0.5 mg/kg"),
            ("BkFA", "0.5 mg/kg"),
            ("DBAhA", "1.0 mg/kg"),
        ],
        &[],
        PASS,
    ),
    (
        "reach-50-extender-oil",
        TODAY,
        "pah-8-sum",
        &[
            ("BaP", "0.9 mg/kg"),
            ("BeP", "1.1 mg/kg"),
            ("BaA", "1.0 mg/kg"),
            ("CHR", "3.0 mg/kg"),
            ("BbFA", "2.0 mg/kg"),
            ("BjFA", "0.5 mg/kg"),
            ("BkFA", "0.5 mg/kg"),
            ("DBAhA", "1.1 mg/kg"),
        ],
        &[],
        FAIL,
    ),
    ("reach-50-extender-oil", TODAY, "pah-8-sum", &[("BaP", "0.9 mg/kg"), ("CHR", "3.0 mg/kg")], &[], NOT_MEASURED),
    ("reach-50-extender-oil", TODAY, "bay-protons", &[("bay-protons", "0.36 %")], &[], FAIL),
    ("reach-50-consumer-parts", TODAY, "CHR", &[("CHR", "0.8 mg/kg")], &[("use", "consumer")], PASS),
    ("reach-50-consumer-parts", TODAY, "CHR", &[("CHR", "0.8 mg/kg")], &[("use", "toy")], FAIL),
];

const RESOURCES: &[Row] = &[
    ("coal-cn-2014", TODAY, "Hg", &[("Hg", "0.6 ug/g dry")], &[], PASS),
    ("coal-cn-2014", TODAY, "Hg", &[("Hg", "0.61 mg/kg dry")], &[], FAIL),
    ("coal-cn-2014", TODAY, "F", &[("F", "0.021 % dry")], &[], FAIL),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "35.00 % dry")],
        &[("coal-kind", "other"), ("haul-over-600-km", "no")],
        PASS,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "35.00 % dry")],
        &[("coal-kind", "lignite"), ("haul-over-600-km", "no")],
        FAIL,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "35.00 % dry")],
        &[("coal-kind", "other"), ("haul-over-600-km", "yes")],
        FAIL,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "30.00 % dry")],
        &[("coal-kind", "other"), ("haul-over-600-km", "yes")],
        PASS,
    ),
    ("coal-cn-2014", TODAY, "ash", &[("ash", "25.00 % dry")], &[("coal-kind", "other")], UNDECLARED),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "25.00 % dry")],
        &[("coal-kind", "peat"), ("haul-over-600-km", "no")],
        UNKNOWN,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "sulfur",
        &[("sulfur", "1.2 % dry")],
        &[("coal-kind", "lignite"), ("haul-over-600-km", "yes")],
        FAIL,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "sulfur",
        &[("sulfur", "2.9 % dry")],
        &[("coal-kind", "other"), ("haul-over-600-km", "no")],
        PASS,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "net-calorific-value",
        &[("net-calorific-value", "17.99 MJ/kg as-received")],
        &[("coal-kind", "other"), ("haul-over-600-km", "yes")],
        FAIL,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "net-calorific-value",
        &[("net-calorific-value", "16.5 MJ/kg as-received")],
        &[("coal-kind", "lignite"), ("haul-over-600-km", "yes")],
        PASS,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "net-calorific-value",
        &[("net-calorific-value", "12 MJ/kg as-received")],
        &[("coal-kind", "other"), ("haul-over-600-km", "no")],
        NO,
    ),
    // 36 % as received with 10 % moisture is 40 % dry.
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "36.0 % as-received"), ("moisture", "10.0 % as-received")],
        &[("coal-kind", "other"), ("haul-over-600-km", "no")],
        PASS,
    ),
    (
        "coal-cn-2014",
        TODAY,
        "ash",
        &[("ash", "36.1 % as-received"), ("moisture", "10.0 % as-received")],
        &[("coal-kind", "other"), ("haul-over-600-km", "no")],
        FAIL,
    ),
    ("copper-concentrate-cn", TODAY, "Pb", &[("Pb", "6.00 %")], &[], PASS),
    ("copper-concentrate-cn", TODAY, "As", &[("As", "0.501 %")], &[], FAIL),
    ("copper-concentrate-cn", TODAY, "As", &[("As", "5000 mg/kg")], &[], PASS),
    ("copper-concentrate-cn", TODAY, "F", &[("F", "0.10 %")], &[], PASS),
    ("copper-concentrate-cn", TODAY, "Cd", &[("Cd", "0.06 %")], &[], FAIL),
    ("copper-concentrate-cn", TODAY, "Hg", &[("Hg", "101 mg/kg")], &[], FAIL),
    ("gbt20424", TODAY, "Tl", &[("Tl", "0.02 %")], &[("concentrate", "lead-zinc")], PASS),
    ("gbt20424", TODAY, "As", &[("As", "2.1 %")], &[("concentrate", "tin")], FAIL),
    ("gbt20424", "2020-01-01", "As", &[("As", "2.1 %")], &[("concentrate", "tin")], PASS),
    ("gbt20424", TODAY, "Pb", &[("Pb", "0.09 %")], &[("concentrate", "cobalt")], FAIL),
    ("gbt20424", "2020-01-01", "Pb", &[("Pb", "0.09 %")], &[("concentrate", "cobalt")], PASS),
    ("gbt20424", TODAY, "As", &[("As", "0.1 %")], &[("concentrate", "nickel")], UNKNOWN),
    // A flow moisture point of 10 % leaves less than 9 %.
    ("imsbc-tml", TODAY, "moisture", &[("moisture", "8.9 %"), ("flow-moisture-point", "10.0 %")], &[], PASS),
    ("imsbc-tml", TODAY, "moisture", &[("moisture", "9.0 %")], &[("flow-moisture-point", "10.0")], FAIL),
    ("imsbc-tml", TODAY, "moisture-certificate", &[], &[("certificate-date", "2026-04-27")], PASS),
    ("imsbc-tml", TODAY, "moisture-certificate", &[], &[("certificate-date", "2026-04-26")], FAIL),
    ("imsbc-tml", TODAY, "moisture-certificate", &[], &[], UNDECLARED),
];

const OTHERS: &[Row] = &[
    ("gb5763-2018", TODAY, "asbestos", &[("asbestos", "0 %")], &[], PASS),
    ("gb5763-2018", TODAY, "asbestos", &[("asbestos", "0.1 %")], &[], FAIL),
    ("gb5763-2018", TODAY, "mu-normal", &[("mu-normal", "0.25 1")], &[("lining", "drum-light")], PASS),
    ("gb5763-2018", TODAY, "mu-hot", &[("mu-hot", "0.24 1")], &[("lining", "drum-light")], FAIL),
    ("gb5763-2018", TODAY, "mu-fade-2", &[("mu-fade-2", "0.15 1")], &[("lining", "drum-light")], PASS),
    ("gb5763-2018", TODAY, "mu-recovery-2", &[("mu-recovery-2", "0.14 1")], &[("lining", "drum-light")], FAIL),
    ("gb5763-2018", TODAY, "mu-spread", &[("mu-spread", "21 %")], &[("lining", "drum-light")], FAIL),
    // 15 % of 0.40 is 0.06.
    ("gb5763-2018", TODAY, "mu-working", &[("mu-working", "0.46 1")], &[("lining", "disc"), ("mu-set", "0.40")], PASS),
    ("gb5763-2018", TODAY, "mu-working", &[("mu-working", "0.33 1")], &[("lining", "disc"), ("mu-set", "0.40")], FAIL),
    ("gb5763-2018", TODAY, "mu-normal", &[("mu-normal", "0.20 1")], &[("lining", "disc")], NO),
    ("gb5763-2018", TODAY, "shear-strength", &[("shear-strength", "1.2 MPa")], &[("bond", "resin")], FAIL),
    ("gb5763-2018", TODAY, "shear-strength", &[("shear-strength", "1200 kPa")], &[("bond", "rubber")], PASS),
    ("gb5763-2018", TODAY, "lining-left", &[("lining-left", "69 %")], &[("bond", "rubber")], FAIL),
    ("ghs-flammable-liquids", TODAY, "flash-point", &[("flash-point", "23 Cel")], &[("ghs-category", "2")], FAIL),
    ("ghs-flammable-liquids", TODAY, "flash-point", &[("flash-point", "23 Cel")], &[("ghs-category", "3")], PASS),
    ("ghs-flammable-liquids", TODAY, "flash-point", &[("flash-point", "60 Cel")], &[("ghs-category", "4")], FAIL),
    ("ghs-flammable-liquids", TODAY, "flash-point", &[("flash-point", "60.5 Cel")], &[("ghs-category", "4")], PASS),
    ("ghs-flammable-liquids", TODAY, "flash-point", &[("flash-point", "93 Cel")], &[("ghs-category", "none")], FAIL),
    (
        "ghs-flammable-liquids",
        TODAY,
        "initial-boiling-point",
        &[("initial-boiling-point", "35 Cel"), ("flash-point", "-20 Cel")],
        &[("ghs-category", "1")],
        PASS,
    ),
    (
        "ghs-flammable-liquids",
        TODAY,
        "initial-boiling-point",
        &[("initial-boiling-point", "35 Cel"), ("flash-point", "-20 Cel")],
        &[("ghs-category", "2")],
        FAIL,
    ),
    (
        "un-class-3",
        TODAY,
        "initial-boiling-point",
        &[("initial-boiling-point", "35 Cel")],
        &[("packing-group", "I")],
        PASS,
    ),
    (
        "un-class-3",
        TODAY,
        "initial-boiling-point",
        &[("initial-boiling-point", "35 Cel")],
        &[("packing-group", "III")],
        FAIL,
    ),
    ("un-class-3", TODAY, "flash-point", &[("flash-point", "61 Cel")], &[("packing-group", "III")], FAIL),
    ("gasoline-cn", TODAY, "sulfur", &[("sulfur", "11 mg/kg")], &[], FAIL),
    ("gasoline-cn", TODAY, "sulfur", &[("sulfur", "0.0010 %")], &[], PASS),
    ("diesel-cn", TODAY, "sulfur", &[("sulfur", "10 mg/kg")], &[], PASS),
    ("diesel-cn", TODAY, "flash-point", &[("flash-point", "59 Cel")], &[("diesel-grade", "0")], FAIL),
    ("diesel-cn", TODAY, "flash-point", &[("flash-point", "60 Cel")], &[("diesel-grade", "-10")], PASS),
    ("diesel-cn", TODAY, "flash-point", &[("flash-point", "50 Cel")], &[("diesel-grade", "-35")], UNKNOWN),
    ("diesel-cn", "2018-06-01", "pah", &[("pah", "12 %")], &[], FAIL),
    ("scrap-radiation", TODAY, "surface-alpha", &[("surface-alpha", "0.04 Bq/cm2")], &[], PASS),
    ("scrap-radiation", TODAY, "surface-beta", &[("surface-beta", "0.41 Bq/cm2")], &[], FAIL),
    ("gb4223", TODAY, "dose-rate", &[("dose-rate", "460 nSv/h")], &[], PASS),
    ("gb4223", TODAY, "dose-rate", &[("dose-rate", "0.47 uSv/h")], &[], FAIL),
    // Air kerma is not dose equivalent.
    ("gb4223", TODAY, "dose-rate", &[("dose-rate", "0.10 uGy/h")], &[], Verdict::Inconclusive(Reason::Unit)),
    ("gb4223", TODAY, "surface-alpha", &[("surface-alpha", "0.05 Bq/cm2")], &[], FAIL),
    ("gb14882-1994-milk", TODAY, "I-131", &[("I-131", "33 Bq/L")], &[], PASS),
    ("gb14882-1994-milk", TODAY, "Cs-137", &[("Cs-137", "331 Bq/L")], &[], FAIL),
    // A litre of milk is not a kilogram.
    ("gb14882-1994-milk", TODAY, "Sr-90", &[("Sr-90", "1 Bq/kg")], &[], Verdict::Inconclusive(Reason::Unit)),
    ("gb14882-1994-milk", TODAY, "Sr-89", &[("Sr-89", "240.1 Bq/L")], &[], FAIL),
    ("codex-food", "1990-01-01", "Cs-137", &[("Cs-137", "1000 Bq/kg")], &[("food", "milk-infant")], PASS),
    ("codex-food", "1990-01-01", "I-131", &[("I-131", "101 Bq/kg")], &[("food", "milk-infant")], FAIL),
    ("codex-food", "1990-01-01", "I-131", &[("I-131", "101 Bq/kg")], &[("food", "general")], PASS),
    ("codex-food", "1990-01-01", "Pu-239", &[("Pu-239", "2 Bq/kg")], &[("food", "milk-infant")], FAIL),
    ("codex-food", TODAY, "Cs-137", &[("Cs-137", "1 Bq/kg")], &[("food", "general")], NO_EDITION),
    ("uk-irr17-natural", TODAY, "K-40", &[("K-40", "10 Bq/g")], &[], PASS),
    ("uk-irr17-natural", TODAY, "Ra-226", &[("Ra-226", "1001 Bq/kg")], &[], FAIL),
    // 0.4 + 0.3 + 0.2 + 1.0/10 = 1.0; none of them is above its own level.
    (
        "uk-irr17-natural",
        TODAY,
        "natural-activity-index",
        &[("Ra-226", "0.4 Bq/g"), ("U-238", "0.3 Bq/g"), ("Th-232", "0.2 Bq/g"), ("K-40", "1.0 Bq/g")],
        &[],
        PASS,
    ),
    (
        "uk-irr17-natural",
        TODAY,
        "natural-activity-index",
        &[("Ra-226", "0.4 Bq/g"), ("U-238", "0.3 Bq/g"), ("Th-232", "0.2 Bq/g"), ("K-40", "1100 Bq/kg")],
        &[],
        FAIL,
    ),
];

/// `36.0 % as-received`: value, unit, and basis where it has one.
fn quantity(parameter: &str, text: &str) -> Measured {
    let mut parts = text.split(' ');
    let (value, unit) = (parts.next().unwrap(), parts.next().unwrap());
    let basis = parts.next().map(|it| Basis::from_word(it).unwrap());
    Measured { basis, ..measured(parameter, value, unit.parse().unwrap()) }
}

/// The site's own rule: what is left of the tolerance of a check.
const CHECKS: &[Row] = &[
    ("function-check", TODAY, "source-alarms", &[("source-alarms", "1 {count}")], &[], PASS),
    ("function-check", TODAY, "source-alarms", &[("source-alarms", "0 {count}")], &[], FAIL),
    ("function-check", TODAY, "source-margin", &[("source-margin", "-0.001 {sigma}")], &[], FAIL),
    ("function-check", TODAY, "mass-margin", &[("mass-margin", "0.0 kg")], &[], PASS),
    ("function-check", TODAY, "zero-margin", &[("zero-margin", "-1 g")], &[], FAIL),
    ("function-check", TODAY, "ph-margin", &[("ph-margin", "-0.01 [pH]")], &[], FAIL),
    ("function-check", TODAY, "ref-margin-activity", &[("ref-margin-activity", "0.1 Bq/g")], &[], PASS),
    ("function-check", TODAY, "background-margin", &[("zero-margin", "1 kg")], &[], NOT_MEASURED),
];

fn all() -> impl Iterator<Item = &'static Row> {
    [TEXTILES, WEIGHING, IN_MOTION, TYRES, RESOURCES, OTHERS, CHECKS].into_iter().flatten()
}

#[test]
fn the_documents_own_numbers_decide() {
    let tables = builtin();
    let mut wrong = Vec::new();
    for &(table, at, parameter, quantities, facts, verdict) in all() {
        let judge = [Judge { table: table.to_owned(), parameters: vec![parameter.to_owned()], advisory: false }];
        let quantities = quantities.iter().map(|(parameter, text)| quantity(parameter, text)).collect();
        let screening = screen(&declare(inspection(quantities), facts), &tables, &judge, date(at), None);
        if screening.verdict != verdict {
            wrong.push(format!("{table} {at} {parameter} {facts:?}, expected {verdict:?}: {screening:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    // Those that need a background are beside it.
    let dose = |value| Measured { background: Some(d("0.11")), ..measured("dose-rate", value, Unit::MicrograyPerHour) };
    let counts = |value| Measured { background: Some(d("900")), ..measured("gamma-counts", value, Unit::Count) };
    for (table, subject, verdict) in [
        ("scrap-radiation", dose("0.36"), PASS),
        ("scrap-radiation", dose("0.361"), FAIL),
        ("portal-sigma", counts("1110"), PASS),
        ("portal-sigma", counts("1111"), FAIL),
    ] {
        let judge = [Judge { table: table.to_owned(), parameters: vec![subject.parameter.clone()], advisory: false }];
        let screening = screen(&inspection(vec![subject]), &tables, &judge, date(TODAY), None);
        assert_eq!(screening.verdict, verdict, "{table} {screening:#?}");
    }
}

/// Two regimes over one container: one binds, the other is listed.
#[test]
fn regimes_stand_side_by_side_and_only_the_binding_one_decides() {
    let tables = builtin();
    let judge =
        |table: &str, advisory| Judge { table: table.to_owned(), parameters: vec!["gross-mass".to_owned()], advisory };
    // Declared and checked mass in kg; what China finds, what the United Kingdom finds.
    for (declared, checked, china, kingdom) in [
        ("30000", "31000", PASS, PASS),
        ("30000", "31200", FAIL, PASS),
        ("5000", "5400", FAIL, PASS),
        ("15000", "15750", PASS, PASS),
        ("15000", "15751", FAIL, FAIL),
    ] {
        let subject = declare(inspection(vec![measured("gross-mass", checked, Unit::Kilogram)]), &[("mass", declared)]);
        for (binding, other, decides) in [("vgm-cn", "vgm-uk", china), ("vgm-uk", "vgm-cn", kingdom)] {
            let screening = screen(&subject, &tables, &[judge(binding, false), judge(other, true)], date(TODAY), None);
            let found: Vec<(&str, Verdict)> =
                screening.findings.iter().map(|it| (it.table.as_str(), it.verdict)).collect();
            assert_eq!(screening.verdict, decides, "{declared} {checked} {found:?}");
            assert!(found.contains(&("vgm-cn", china)) && found.contains(&("vgm-uk", kingdom)), "{found:?}");
        }
    }
}

#[test]
fn every_table_has_a_verdict_of_its_document_here() {
    let here: BTreeSet<&str> = all().map(|row| row.0).chain(["portal-sigma"]).collect();
    for table in builtin() {
        assert!(here.contains(table.id.as_str()), "{}", table.id);
    }
}
