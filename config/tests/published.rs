//! Every number of the shipped limit tables, retyped from the published copies apart from the files.
//!
//! One line is one row: what is judged, for which declared facts, and the limit with its unit and basis.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;

use tidewaiter_config::limits::{Excludes, Limit, Row, Tolerance, Wanted, builtin};

/// GB 18401-2010 and GB 31701-2015; grades in half steps: 3 is 6, 3-4 is 7, 4 is 8.
const TEXTILES: &str = "
gb18401-2010-unfinished 2010
ph: 4.0..10.5 [pH]
gb31701-2015 2015
Pb category=A: <= 90 mg/kg
Cd category=A: <= 100 mg/kg
phthalate-group category=A: <= 0.1 %
fastness-wet-rubbing category=A: half steps >= 6 {grade}
flammability-class category=A,B,C: <= 1 1
head-neck-cord under-7-years=yes: absent 1
gb1103.1 2012
micronaire: exactly micronaire-grade of C1 ..3.4, B1 3.5..3.6, A 3.7..4.2, B2 4.3..4.9, C2 5.0.. to 0.1 1
moisture-regain: <= 10.0 %
cotton-grades 2012
micronaire: exactly micronaire-grade of C1 ..3.4, B1 3.5..3.6, A 3.7..4.2, B2 4.3..4.9, C2 5.0.. to 0.1 1
moisture-regain: <= 10.0 %
";

/// OIML R 76, VGM, the safety plate, order No. 62 of 2016, OIML R 134.
const WEIGHING: &str = "
scale-mpe 2014
scale-error class=I service=verification: 0.5 e to 50000 e, 1.0 e to 200000 e, 1.5 e to 1000000000 e, times 1 kg
scale-error class=I service=in-service: 0.5 e to 50000 e, 1.0 e to 200000 e, 1.5 e to 1000000000 e, times 2 kg
scale-error class=II service=verification: 0.5 e to 5000 e, 1.0 e to 20000 e, 1.5 e to 100000 e, times 1 kg
scale-error class=II service=in-service: 0.5 e to 5000 e, 1.0 e to 20000 e, 1.5 e to 100000 e, times 2 kg
scale-error class=III service=verification: 0.5 e to 500 e, 1.0 e to 2000 e, 1.5 e to 10000 e, times 1 kg
scale-error class=III service=in-service: 0.5 e to 500 e, 1.0 e to 2000 e, 1.5 e to 10000 e, times 2 kg
scale-error class=IIII service=verification: 0.5 e to 50 e, 1.0 e to 200 e, 1.5 e to 1000 e, times 1 kg
scale-error class=IIII service=in-service: 0.5 e to 50 e, 1.0 e to 200 e, 1.5 e to 1000 e, times 2 kg
vgm-cn 2016
gross-mass: off mass by the smaller of 5 % and 1000 kg
vgm-uk 2016
gross-mass: off mass by the greater of 5 % and 500 kg
container-max-gross 2016
gross-mass: <= 1 x max-gross-mass kg
gross-mass-cn-2016-tyres 2016
gross-mass axles=2: <= 18000 less 3000 each single-tyre-axles kg
gross-mass axles=3 vehicle=truck: <= 25000 less 3000 each single-tyre-axles kg
gross-mass axles=3 vehicle=combination: <= 27000 less 3000 each single-tyre-axles kg
gross-mass axles=4 vehicle=truck: <= 31000 less 3000 each single-tyre-axles kg
gross-mass axles=4 vehicle=combination: <= 36000 less 3000 each single-tyre-axles kg
gross-mass axles=5: <= 43000 less 3000 each single-tyre-axles kg
gross-mass axles=6..20 drive-axle=double: <= 49000 less 3000 each single-tyre-axles kg
gross-mass axles=6..20 drive-axle=single: <= 46000 less 3000 each single-tyre-axles kg
wim-mpe r134
gross-mass wim-class=0.2: off reference-mass by 0.10 % kg
gross-mass wim-class=0.5: off reference-mass by 0.25 % kg
gross-mass wim-class=1: off reference-mass by 0.50 % kg
gross-mass wim-class=2: off reference-mass by 1.00 % kg
gross-mass wim-class=5: off reference-mass by 2.50 % kg
gross-mass wim-class=10: off reference-mass by 5.00 % kg
";

/// Regulation (EC) No 1222/2009, GB 9744, REACH Annex XVII entry 50, GB 5763-2018.
const TYRES_AND_LININGS: &str = "
eu-tyre-label-2009 1222/2009
rolling-resistance tyre-class=C1: rolling-resistance-class or better of A ..6.5, B 6.6..7.7, C 7.8..9.0, E 9.1..10.5, F 10.6..12.0, G 12.1.. to 0.1 kg/t
rolling-resistance tyre-class=C2: rolling-resistance-class or better of A ..5.5, B 5.6..6.7, C 6.8..8.0, E 8.1..9.2, F 9.3..10.5, G 10.6.. to 0.1 kg/t
rolling-resistance tyre-class=C3: rolling-resistance-class or better of A ..4.0, B 4.1..5.0, C 5.1..6.0, D 6.1..7.0, E 7.1..8.0, F 8.1.. to 0.1 kg/t
wet-grip tyre-class=C1: wet-grip-class or better of A 1.55.., B 1.40..1.54, C 1.25..1.39, E 1.10..1.24, F ..1.09 to 0.01 1
wet-grip tyre-class=C2: wet-grip-class or better of A 1.40.., B 1.25..1.39, C 1.10..1.24, E 0.95..1.09, F ..0.94 to 0.01 1
wet-grip tyre-class=C3: wet-grip-class or better of A 1.25.., B 1.10..1.24, C 0.95..1.09, D 0.80..0.94, E 0.65..0.79, F ..0.64 to 0.01 1
gb9744 2007
tread-wear-indicator: >= 2.0 mm
gb9744 2015
tread-wear-indicator: >= 1.6 mm
reach-50-extender-oil entry-50
BaP: <= 1 mg/kg
pah-8-sum: BaP + BeP + BaA + CHR + BbFA + BjFA + BkFA + DBAhA <= 10 mg/kg
bay-protons: <= 0.35 %
reach-50-consumer-parts entry-50
BaP use=consumer: <= 1 mg/kg
BeP use=consumer: <= 1 mg/kg
BaA use=consumer: <= 1 mg/kg
CHR use=consumer: <= 1 mg/kg
BbFA use=consumer: <= 1 mg/kg
BjFA use=consumer: <= 1 mg/kg
BkFA use=consumer: <= 1 mg/kg
DBAhA use=consumer: <= 1 mg/kg
BaP use=toy: <= 0.5 mg/kg
BeP use=toy: <= 0.5 mg/kg
BaA use=toy: <= 0.5 mg/kg
CHR use=toy: <= 0.5 mg/kg
BbFA use=toy: <= 0.5 mg/kg
BjFA use=toy: <= 0.5 mg/kg
BkFA use=toy: <= 0.5 mg/kg
DBAhA use=toy: <= 0.5 mg/kg
gb5763-2018 2018
asbestos: absent %
mu-normal lining=drum-light: >= 0.25 1
mu-hot lining=drum-light: >= 0.25 1
mu-fade-2 lining=drum-light: >= 0.15 1
mu-recovery-2 lining=drum-light: >= 0.15 1
mu-spread lining=drum-light: <= 20 %
mu-working lining=disc: off mu-set by 15 % 1
mu-1 lining=heavy: off mu-set by 15 % 1
mu-2 lining=heavy: off mu-set by 15 % 1
shear-strength bond=resin: >= 1.5 MPa
shear-strength bond=rubber: >= 1.0 MPa
lining-left bond=rubber: >= 70 %
";

/// Commercial coal, notice No. 106 of 2017, GB/T 20424, the IMSBC Code, GHS, fuels.
const RESOURCES: &str = "
coal-cn-2014 2014
ash coal-kind=lignite: <= 30 % dry
ash coal-kind=other: <= 40 % dry
sulfur coal-kind=lignite: <= 1.5 % dry
sulfur coal-kind=other: <= 3 % dry
Hg: <= 0.6 ug/g dry
As: <= 80 ug/g dry
P: <= 0.15 % dry
Cl: <= 0.3 % dry
F: <= 200 ug/g dry
net-calorific-value coal-kind=lignite haul-over-600-km=yes: >= 16.5 MJ/kg as-received
net-calorific-value coal-kind=other haul-over-600-km=yes: >= 18 MJ/kg as-received
ash coal-kind=lignite haul-over-600-km=yes: <= 20 % dry
ash coal-kind=other haul-over-600-km=yes: <= 30 % dry
sulfur coal-kind=lignite haul-over-600-km=yes: <= 1 % dry
sulfur coal-kind=other haul-over-600-km=yes: <= 2 % dry
copper-concentrate-cn 2017
Pb: <= 6.00 %
As: <= 0.50 %
F: <= 0.10 %
Cd: <= 0.05 %
Hg: <= 0.01 %
gbt20424 2006
As concentrate=lead: <= 0.70 %
As concentrate=zinc: <= 0.60 %
As concentrate=tin: <= 2.50 %
Pb concentrate=cobalt: <= 0.10 %
As concentrate=cobalt: <= 0.10 %
gbt20424 2025
As concentrate=lead: <= 0.60 %
Cd concentrate=lead: <= 0.40 %
Tl concentrate=lead: <= 0.02 %
As concentrate=zinc: <= 0.50 %
Tl concentrate=zinc: <= 0.02 %
Tl concentrate=lead-zinc: <= 0.02 %
As concentrate=tin: <= 2.00 %
Pb concentrate=cobalt: <= 0.08 %
As concentrate=cobalt: <= 0.08 %
Cr concentrate=cobalt: <= 0.05 %
As concentrate=antimony: <= 0.60 %
imsbc-tml imsbc
moisture: < 0.9 x flow-moisture-point %
moisture-certificate: certificate-date at most 7 d old 1
ghs-flammable-liquids 2013
flash-point ghs-category=1,2: < 23 Cel
flash-point ghs-category=3: 23..60 Cel
flash-point ghs-category=4: 60..93 without low Cel
flash-point ghs-category=none: > 93 Cel
initial-boiling-point ghs-category=1 flash-point<23: <= 35 Cel
initial-boiling-point ghs-category=2 flash-point<23: > 35 Cel
un-class-3 un
flash-point packing-group=I: <= 60 Cel
flash-point packing-group=II: < 23 Cel
flash-point packing-group=III: 23..60 Cel
initial-boiling-point packing-group=I: <= 35 Cel
initial-boiling-point packing-group=II,III: > 35 Cel
gasoline-cn V-VI
sulfur: <= 10 mg/kg
diesel-cn V
sulfur: <= 10 mg/kg
pah: <= 11 %
flash-point diesel-grade=5,0,-10: >= 60 Cel
diesel-cn VI
sulfur: <= 10 mg/kg
flash-point diesel-grade=5,0,-10: >= 60 Cel
";

/// GB 16487, GB 4223, Codex 1989, GB 14882-1994, IRR 2017.
const RADIATION: &str = "
scrap-radiation 2017
dose-rate: background + 0.25 uGy/h
surface-alpha: <= 0.04 Bq/cm2
surface-beta: <= 0.4 Bq/cm2
gb4223 undated
dose-rate: <= 0.46 uSv/h
surface-alpha: <= 0.04 Bq/cm2
surface-beta: <= 0.4 Bq/cm2
codex-food 1989
Am-241 food=general: <= 10 Bq/kg
Pu-239 food=general: <= 10 Bq/kg
Sr-90 food=general: <= 100 Bq/kg
I-131 food=general: <= 1000 Bq/kg
Cs-134 food=general: <= 1000 Bq/kg
Cs-137 food=general: <= 1000 Bq/kg
Am-241 food=milk-infant: <= 1 Bq/kg
Pu-239 food=milk-infant: <= 1 Bq/kg
Sr-90 food=milk-infant: <= 100 Bq/kg
I-131 food=milk-infant: <= 100 Bq/kg
Cs-134 food=milk-infant: <= 1000 Bq/kg
Cs-137 food=milk-infant: <= 1000 Bq/kg
gb14882-1994-milk 1994
I-131: <= 33 Bq/L
Cs-137: <= 330 Bq/L
Sr-89: <= 240 Bq/L
Sr-90: <= 40 Bq/L
uk-irr17-natural 2017
Ra-226: <= 1 Bq/g
U-238: <= 1 Bq/g
Th-232: <= 1 Bq/g
K-40: <= 10 Bq/g
natural-activity-index: Ra-226/1 + U-238/1 + Th-232/1 + K-40/10 <= 1 in Bq/g 1
portal-sigma 1
gamma-counts: 7 sigma {sigma}
";

/// The site's own rule for function checks: no margin below zero, and at least one alarm by the source.
const CHECKS: &str = "
function-check 1
source-margin: >= 0 {sigma}
source-alarms: >= 1 {count}
background-margin: >= 0 {sigma}
zero-margin: >= 0 kg
mass-margin: >= 0 kg
ph-margin: >= 0 [pH]
ref-margin-mass: >= 0 kg
ref-margin-air-kerma-rate: >= 0 uGy/h
ref-margin-dose-equivalent-rate: >= 0 uSv/h
ref-margin-count-rate: >= 0 /s
ref-margin-ph: >= 0 [pH]
ref-margin-temperature: >= 0 Cel
ref-margin-fraction: >= 0 %
ref-margin-force: >= 0 N
ref-margin-speed: >= 0 km/h
ref-margin-pressure: >= 0 kPa
ref-margin-length: >= 0 mm
ref-margin-energy: >= 0 keV
ref-margin-density: >= 0 g/cm3
ref-margin-absorbance: >= 0 {absorbance}
ref-margin-activity: >= 0 Bq/kg
ref-margin-calorific-value: >= 0 MJ/kg
";

/// Retyped in `shipped.rs`.
const ELSEWHERE: [&str; 2] = ["gb18401-2010-t1", "gross-mass-cn-2016"];

fn limit(row: &Row) -> String {
    match &row.limit {
        Limit::Max { limit, inclusive } => format!("{} {limit}", if *inclusive { "<=" } else { "<" }),
        Limit::Min { limit, inclusive } => format!("{} {limit}", if *inclusive { ">=" } else { ">" }),
        Limit::Lowered { limit, declared, by } => format!("<= {limit} less {by} each {declared}"),
        Limit::Range { low, high, excludes: Excludes::None } => format!("{low}..{high}"),
        Limit::Range { low, high, excludes: Excludes::Low } => format!("{low}..{high} without low"),
        Limit::Absent => "absent".to_owned(),
        Limit::GradeAtLeast { half_steps } => format!("half steps >= {half_steps}"),
        Limit::AboveBackground { margin } => format!("background + {margin}"),
        Limit::Sigma { k } => format!("{k} sigma"),
        Limit::Deviation { declared, tolerance } => match tolerance {
            Tolerance::Percent(percent) => format!("off {declared} by {percent} %"),
            Tolerance::Absolute(absolute) => format!("off {declared} by {absolute}"),
            Tolerance::Smaller { percent, absolute } => {
                format!("off {declared} by the smaller of {percent} % and {absolute}")
            }
            Tolerance::Greater { percent, absolute } => {
                format!("off {declared} by the greater of {percent} % and {absolute}")
            }
        },
        Limit::Sum { of, max } => format!("{} <= {max}", of.join(" + ")),
        Limit::SumOfRatios { of, unit, max } => {
            let ratios: Vec<String> = of.iter().map(|(name, level)| format!("{name}/{level}")).collect();
            format!("{} <= {max} in {unit}", ratios.join(" + "))
        }
        Limit::Classes { order, wanted } => {
            let wanted = match wanted {
                Wanted::Exactly(declared) => format!("exactly {declared}"),
                Wanted::OrBetter(declared) => format!("{declared} or better"),
                Wanted::Accepted(names) => names.join(" or "),
            };
            let end = |end: Option<tidewaiter_drivers::Decimal>| end.map_or(String::new(), |it| it.to_string());
            let classes: Vec<String> =
                order.iter().map(|it| format!("{} {}..{}", it.name, end(it.min), end(it.max))).collect();
            format!("{wanted} of {} to {}", classes.join(", "), row.round_to.unwrap())
        }
        Limit::Share { of, share, inclusive } => format!("{} {share} x {of}", if *inclusive { "<=" } else { "<" }),
        Limit::NotOlder { declared, days } => format!("{declared} at most {days} d old"),
        Limit::Mpe { steps, times, .. } => {
            let steps: Vec<String> = steps.iter().map(|it| format!("{} e to {} e", it.error, it.up_to)).collect();
            format!("{}, times {times}", steps.join(", "))
        }
        other @ Limit::Range { .. } => panic!("unexpected {other:?}"),
    }
}

fn line(row: &Row) -> String {
    let six_and_more: Vec<String> = (6..=20).map(|it: u8| it.to_string()).collect();
    let mut subject = vec![row.parameter.clone()];
    subject.extend(row.when.iter().map(|it| {
        let values = if it.one_of == six_and_more { "6..20".to_owned() } else { it.one_of.join(",") };
        format!("{}={values}", it.fact)
    }));
    subject.extend(row.when_measured.iter().map(|it| format!("{}{}{}", it.parameter, it.relation.sign(), it.limit)));
    let basis = row.basis.map_or(String::new(), |basis| format!(" {}", basis.word()));
    format!("{}: {} {}{basis}", subject.join(" "), limit(row), row.unit)
}

#[test]
fn every_row_states_the_published_number() {
    let mut published: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut table = String::new();
    for text in [TEXTILES, WEIGHING, TYRES_AND_LININGS, RESOURCES, RADIATION, CHECKS].into_iter().flat_map(str::lines) {
        if text.is_empty() {
        } else if text.contains(": ") {
            published.get_mut(&table).unwrap().push(text);
        } else {
            text.clone_into(&mut table);
            assert!(published.insert(table.clone(), Vec::new()).is_none(), "{table} twice");
        }
    }
    for table in builtin().into_iter().filter(|it| !ELSEWHERE.contains(&it.id.as_str())) {
        let name = format!("{} {}", table.id, table.edition);
        let lines = published.remove(&name).unwrap_or_else(|| panic!("{name} is not retyped"));
        let shipped: Vec<String> = table.rows.iter().map(line).collect();
        assert_eq!(shipped, lines, "{name}");
    }
    assert!(published.is_empty(), "retyped and not shipped: {published:?}");
}
