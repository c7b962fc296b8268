//! Every row of every shipped table, all editions, one digit below its limit, at it, and one digit above.
//!
//! What is expected comes from the row's numbers as text and from the few lines of arithmetic below, not from
//! anything that judges: neither the loader of tables nor rounding nor decision of this crate is asked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use std::{collections::BTreeMap, fmt, path::Path};

use fixture::{date, declare, inspection, measured};
use jiff::{ToSpan, civil::Date};
use tidewaiter_config::{
    limits::{Basis, LimitTable},
    site::Judge,
};
use tidewaiter_screening::{
    Finding, Reason, Verdict,
    inspection::{Inspection, Measured},
    screen,
};
use toml::{Table, Value};

const PASS: Verdict = Verdict::Pass;
const FAIL: Verdict = Verdict::Fail;

/// A decimal number: digits and how many of them stand behind the point.
#[derive(Clone, Copy, Debug)]
struct Number {
    digits: i128,
    places: u32,
}

impl Number {
    fn of(text: &str) -> Self {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        Self { digits: format!("{whole}{part}").parse().unwrap(), places: u32::try_from(part.len()).unwrap() }
    }

    fn whole(digits: i128) -> Self {
        Self { digits, places: 0 }
    }

    /// The digits with so many places, which must be no fewer than there are.
    fn at(self, places: u32) -> i128 {
        self.digits * 10_i128.pow(places - self.places)
    }

    /// One in the last place written.
    fn step(self) -> Self {
        Self { digits: 1, ..self }
    }

    fn plus(self, other: Self) -> Self {
        let places = self.places.max(other.places);
        Self { digits: self.at(places) + other.at(places), places }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self { digits: -other.digits, ..other })
    }

    fn times(self, other: Self) -> Self {
        Self { digits: self.digits * other.digits, places: self.places + other.places }
    }

    fn below(self, other: Self) -> bool {
        let places = self.places.max(other.places);
        self.at(places) < other.at(places)
    }

    /// This many hundredths.
    fn hundredth(self) -> Self {
        Self { places: self.places + 2, ..self }
    }

    /// The nearest multiple of `step`, the even one of two (GB/T 8170-2008, 3.2).
    fn rounded(self, step: Self) -> Self {
        let places = self.places.max(step.places);
        let (value, step) = (self.at(places), step.at(places));
        let (floor, rest) = (value.div_euclid(step), value.rem_euclid(step));
        let up = 2 * rest > step || (2 * rest == step && floor.rem_euclid(2) == 1);
        Self { digits: (floor + i128::from(up)) * step, places }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = self.places as usize + 1);
        let (whole, part) = digits.split_at(digits.len() - self.places as usize);
        let point = if part.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{part}")
    }
}

/// One judgement: what is measured and declared, and what the row must say to it.
#[derive(Clone, Debug)]
struct Case {
    /// Parameter and value, in the unit of the row.
    measured: Vec<(String, Number)>,
    /// Background of all of them.
    background: Option<Number>,
    /// Beside what the conditions of the row ask for.
    facts: Vec<(String, String)>,
    verdict: Verdict,
    /// Class the rule must name.
    class: Option<String>,
}

impl Case {
    fn new(parameter: &str, value: Number, verdict: Verdict) -> Self {
        Self {
            measured: vec![(parameter.to_owned(), value)],
            background: None,
            facts: Vec::new(),
            verdict,
            class: None,
        }
    }

    fn with(mut self, fact: &str, value: impl fmt::Display) -> Self {
        self.facts.push((fact.to_owned(), value.to_string()));
        self
    }

    fn and(mut self, parameter: &str, value: Number) -> Self {
        self.measured.push((parameter.to_owned(), value));
        self
    }
}

fn word<'a>(table: &'a Table, key: &str) -> &'a str {
    table[key].as_str().unwrap_or_else(|| panic!("{key} of {table}"))
}

fn number(table: &Table, key: &str) -> Number {
    Number::of(word(table, key))
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|it| it.as_str().unwrap().to_owned()).collect(),
        other => vec![other.as_str().unwrap().to_owned()],
    }
}

/// At most `limit`: one digit below, at it, one digit above.
fn upper(limit: Number, step: Number, inclusive: bool, case: impl Fn(Number, Verdict) -> Case) -> Vec<Case> {
    vec![case(limit.minus(step), PASS), case(limit, if inclusive { PASS } else { FAIL }), case(limit.plus(step), FAIL)]
}

/// At least `limit`.
fn lower(limit: Number, step: Number, inclusive: bool, case: impl Fn(Number, Verdict) -> Case) -> Vec<Case> {
    vec![case(limit.minus(step), FAIL), case(limit, if inclusive { PASS } else { FAIL }), case(limit.plus(step), PASS)]
}

/// What a row must say at its limits, on the sampling date `at`.
fn cases(row: &Table, at: Date) -> Vec<Case> {
    let parameter = word(row, "parameter");
    let plain = |value, verdict| Case::new(parameter, value, verdict);
    let kinds = [
        "max",
        "less_than",
        "min",
        "more_than",
        "range",
        "absent",
        "grade_at_least",
        "above_background",
        "sigma",
        "deviation",
        "sum",
        "sum_of_ratios",
        "classes",
        "share",
        "not_older",
        "mpe",
    ];
    let stated: Vec<&str> = kinds.into_iter().filter(|kind| row.contains_key(*kind)).collect();
    assert_eq!(stated.len(), 1, "{row}");
    let kind = stated[0];
    let limit = || number(row, kind);
    let table = || row[kind].as_table().unwrap();
    match kind {
        "max" if row.contains_key("less") => {
            let less = row["less"].as_table().unwrap();
            (0..4)
                .flat_map(|count| {
                    let lowered = limit().minus(number(less, "by").times(Number::whole(count)));
                    upper(lowered, limit().step(), true, |value, verdict| {
                        plain(value, verdict).with(word(less, "declared"), count)
                    })
                })
                .collect()
        }
        "max" => upper(limit(), limit().step(), true, plain),
        "less_than" => upper(limit(), limit().step(), false, plain),
        "min" => lower(limit(), limit().step(), true, plain),
        "more_than" => lower(limit(), limit().step(), false, plain),
        "range" => {
            let ends = words(&row["range"]);
            let (low, high) = (Number::of(&ends[0]), Number::of(&ends[1]));
            let excludes = row.get("excludes").map_or("", |it| it.as_str().unwrap());
            let allowed = |end| excludes != end && excludes != "both";
            let mut cases = lower(low, low.step(), allowed("low"), plain);
            cases.extend(upper(high, high.step(), allowed("high"), plain));
            cases
        }
        "absent" => vec![plain(Number::whole(0), PASS), plain(Number::whole(1), FAIL), plain(Number::of("0.01"), FAIL)],
        "grade_at_least" => {
            // Half steps: grade 3 is 6, 3-4 is 7.
            let half = |text: &str| text.split('-').map(|it| it.parse::<i128>().unwrap()).collect::<Vec<_>>();
            let least = match half(word(row, kind)).as_slice() {
                [grade] => 2 * grade,
                [grade, next] => grade + next,
                other => panic!("{other:?}"),
            };
            (2..=10)
                .map(|steps| {
                    let value = Number { digits: steps * 5, places: 1 };
                    plain(value, if steps >= least { PASS } else { FAIL })
                })
                .collect()
        }
        "above_background" => {
            let background = Number::of("0.105");
            let top = background.plus(limit());
            [limit().step(), top.step()]
                .into_iter()
                .flat_map(|step| {
                    upper(top, step, true, |value, verdict| Case {
                        background: Some(background),
                        ..plain(value, verdict)
                    })
                })
                .collect()
        }
        // A square number for a background, so that its root is exact.
        "sigma" => (10..40)
            .flat_map(|root: i128| {
                let background = Number::whole(root * root);
                let top = background.plus(limit().times(Number::whole(root)));
                upper(top, Number::whole(1), true, |value, verdict| Case {
                    background: Some(background),
                    ..plain(value, verdict)
                })
            })
            .collect(),
        "deviation" => deviation(table(), &plain),
        "sum" => {
            let max = number(table(), "max");
            let of = words(&table()["of"]);
            let crumb = Number { digits: 1, places: max.places + 1 };
            let others = crumb.times(Number::whole(i128::try_from(of.len()).unwrap() - 1));
            let parts = |first: Number, verdict| {
                let case = Case::new(&of[0], first, verdict);
                of.iter().skip(1).fold(case, |case, name| case.and(name, crumb))
            };
            let mut cases = upper(max, max.step(), true, |sum, verdict| parts(sum.minus(others), verdict));
            // The last place of what was measured counts too: all digits are compared.
            cases.extend(upper(max, crumb, true, |sum, verdict| parts(sum.minus(others), verdict)));
            cases.extend(upper(max, max.step(), true, plain));
            // With one of them missing only an excess is certain.
            let alone = |value, verdict| Case::new(&of[0], value, verdict);
            cases.push(alone(max, Verdict::Inconclusive(Reason::NotMeasured)));
            cases.push(alone(max.plus(max.step()), FAIL));
            cases
        }
        "sum_of_ratios" => {
            let max = number(table(), "max");
            let of: Vec<(String, Number)> = table()["of"]
                .as_table()
                .unwrap()
                .iter()
                .map(|(name, it)| (name.clone(), Number::of(it.as_str().unwrap())))
                .collect();
            let thousandth = Number::of("0.001");
            // All but one at a tenth of their limits, and the rest of the sum in that one.
            (0..of.len())
                .flat_map(|greatest| {
                    let tenths = Number { digits: i128::try_from(of.len()).unwrap() - 1, places: 1 };
                    upper(max, thousandth, true, |sum, verdict| {
                        let mut case = Case { measured: Vec::new(), ..plain(sum, verdict) };
                        for (index, (name, level)) in of.iter().enumerate() {
                            let ratio = if index == greatest { sum.minus(tenths) } else { Number::of("0.1") };
                            case = case.and(name, ratio.times(*level));
                        }
                        case
                    })
                })
                .collect()
        }
        "classes" => classes(row, table(), &plain),
        "share" => {
            let share = number(table(), "share");
            let of = word(table(), "of");
            let inclusive = word(table(), "op") == "<=";
            ["10.0", "9.5", "30480"]
                .into_iter()
                .flat_map(|whole| {
                    let whole = Number::of(whole);
                    let top = share.times(whole);
                    let mut cases =
                        upper(top, top.step(), inclusive, |value, verdict| plain(value, verdict).with(of, whole));
                    // Measured goes before declared.
                    cases.extend(upper(top, top.step(), inclusive, |value, verdict| {
                        plain(value, verdict).and(of, whole).with(of, "1")
                    }));
                    cases
                })
                .collect()
        }
        "not_older" => {
            let days = table()["days"].as_integer().unwrap();
            let nothing = Case { measured: Vec::new(), ..plain(Number::whole(0), PASS) };
            [(0, PASS), (days - 1, PASS), (days, PASS), (days + 1, FAIL)]
                .into_iter()
                .map(|(age, verdict)| {
                    let day = at.checked_sub(age.days()).unwrap();
                    Case { verdict, ..nothing.clone() }.with(word(table(), "declared"), day)
                })
                .collect()
        }
        "mpe" => mpe(table(), &plain),
        other => panic!("{other}"),
    }
}

fn deviation(limit: &Table, plain: &impl Fn(Number, Verdict) -> Case) -> Vec<Case> {
    let optional = |key| limit.get(key).map(|it: &Value| Number::of(it.as_str().unwrap()));
    let (percent, absolute) = (optional("percent"), optional("absolute"));
    let greater = limit.get("combine").is_some_and(|it| it.as_str() == Some("greater"));
    // Where both tolerances meet for 5 % with 500 and 1000, on both sides of it, and small numbers.
    let mut cases = Vec::new();
    for declared in ["9999", "10000", "10020", "19980", "20000", "20020", "40000", "0.40", "0.35"] {
        let declared = Number::of(declared);
        let share = percent.map(|it| it.times(declared).hundredth());
        let tolerance = match (share, absolute) {
            (Some(share), Some(absolute)) if share.below(absolute) != greater => share,
            (_, Some(absolute)) => absolute,
            (Some(share), None) => share,
            (None, None) => panic!("{limit}"),
        };
        let fact = word(limit, "declared");
        let (top, bottom) = (declared.plus(tolerance), declared.minus(tolerance));
        // A step as wide as the tolerance would leave it on the other side.
        for step in [declared.step(), top.step()].into_iter().filter(|step| step.below(tolerance)) {
            cases.extend(upper(top, step, true, |value, verdict| plain(value, verdict).with(fact, declared)));
            cases.extend(lower(bottom, step, true, |value, verdict| plain(value, verdict).with(fact, declared)));
        }
    }
    cases
}

fn classes(row: &Table, limit: &Table, plain: &impl Fn(Number, Verdict) -> Case) -> Vec<Case> {
    assert_eq!(word(row, "compare"), "rounded");
    let step = number(row, "round_to");
    let order: Vec<&Table> = limit["order"].as_array().unwrap().iter().map(|it| it.as_table().unwrap()).collect();
    let end = |class: &Table, key: &str| class.get(key).map(|it| Number::of(it.as_str().unwrap()));
    let found = |value: Number| {
        let value = value.rounded(step);
        let fits: Vec<usize> = (0..order.len())
            .filter(|&index| {
                end(order[index], "min").is_none_or(|low| !value.below(low))
                    && end(order[index], "max").is_none_or(|high| !high.below(value))
            })
            .collect();
        assert_eq!(fits.len(), 1, "{value} is in one class of {row}");
        fits[0]
    };
    // Around each end: one step, and the middle between two steps with a little on each side.
    let tenth = Number { places: step.places + 1, ..step };
    let five = tenth.times(Number::whole(5));
    let offsets = [Number::whole(0), step, tenth, five, five.plus(tenth), five.minus(tenth)];
    let values: Vec<Number> = order
        .iter()
        .flat_map(|class| [end(class, "min"), end(class, "max")])
        .flatten()
        .flat_map(|at| offsets.into_iter().flat_map(move |by| [at.minus(by), at.plus(by)]))
        .collect();
    let mut cases = Vec::new();
    for value in values {
        let class = found(value);
        let named = Some(word(order[class], "class").to_owned());
        if let Some(accept) = limit.get("accept") {
            let verdict = if words(accept).contains(named.as_ref().unwrap()) { PASS } else { FAIL };
            cases.push(Case { class: named, ..plain(value, verdict) });
            continue;
        }
        for (wanted, declared) in order.iter().enumerate() {
            let good = if word(limit, "match") == "exact" { class == wanted } else { class <= wanted };
            let case = plain(value, if good { PASS } else { FAIL });
            cases.push(Case { class: named.clone(), ..case }.with(word(limit, "declared"), word(declared, "class")));
        }
    }
    cases
}

fn mpe(limit: &Table, plain: &impl Fn(Number, Verdict) -> Case) -> Vec<Case> {
    let times = number(limit, "times");
    let mut cases = Vec::new();
    for interval in ["20", "0.5", "0.001"] {
        let interval = Number::of(interval);
        let mut begin = Number::whole(0);
        for step in limit["steps"].as_array().unwrap() {
            let step = step.as_table().unwrap();
            let end = number(step, "up_to").times(interval);
            let permitted = number(step, "e").times(times).times(interval);
            // The first load of the step, one in it, and the last.
            for load in [begin.plus(interval), begin.plus(interval.times(Number::whole(10))), end] {
                let case = |error, verdict| {
                    plain(error, verdict).with(word(limit, "load"), load).with(word(limit, "interval"), interval)
                };
                cases.extend(upper(permitted, permitted.step(), true, case));
                cases.extend(lower(Number::whole(0).minus(permitted), permitted.step(), true, case));
            }
            begin = end;
        }
    }
    cases
}

/// Every combination of what the conditions of a row allow.
fn situations(row: &Table) -> Vec<Vec<(String, String)>> {
    let Some(when) = row.get("when") else { return vec![Vec::new()] };
    when.as_table().unwrap().iter().fold(vec![Vec::new()], |sofar, (fact, value)| {
        let with = |known: &Vec<(String, String)>, value: String| {
            let mut known = known.clone();
            known.push((fact.clone(), value));
            known
        };
        sofar.iter().flat_map(|known| words(value).into_iter().map(|it| with(known, it))).collect()
    })
}

struct Shipped {
    file: String,
    table: Table,
    id: String,
    from: Date,
    to: Option<Date>,
}

fn shipped() -> Vec<Shipped> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/limits");
    let mut all: Vec<Shipped> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let table: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
            let day = |key: &str| table.get(key).map(|it| date(&it.to_string()));
            Shipped {
                file: path.file_name().unwrap().to_str().unwrap().to_owned(),
                id: word(&table, "id").to_owned(),
                from: day("effective_from").unwrap(),
                to: day("effective_to"),
                table,
            }
        })
        .collect();
    all.sort_by(|a, b| a.file.cmp(&b.file));
    all
}

impl Shipped {
    fn rows(&self) -> Vec<&Table> {
        self.table["rows"].as_array().unwrap().iter().map(|it| it.as_table().unwrap()).collect()
    }

    fn edition(&self) -> &str {
        word(&self.table, "edition")
    }
}

/// Unit and basis of each parameter the case may bring.
fn subject(row: &Table, case: &Case, situation: &[(String, String)]) -> Inspection {
    let own = word(row, "parameter");
    let row_unit = row.get("unit").map_or("1", |it| it.as_str().unwrap());
    let basis = row.get("basis").map(|it| Basis::from_word(it.as_str().unwrap()).unwrap());
    let quantities = case.measured.iter().map(|(parameter, value)| {
        let code = match row.get("ratio_unit") {
            Some(unit) if parameter != own => unit.as_str().unwrap(),
            // Counts are judged in multiples of sigma.
            _ if row.contains_key("sigma") => "{count}",
            _ => row_unit,
        };
        let quantity = measured(parameter, &value.to_string(), code.parse().unwrap());
        Measured { basis, background: case.background.map(|it| fixture::d(&it.to_string())), ..quantity }
    });
    let facts: Vec<(&str, &str)> =
        situation.iter().chain(&case.facts).map(|(fact, value)| (fact.as_str(), value.as_str())).collect();
    declare(inspection(quantities.collect()), &facts)
}

#[test]
fn every_row_decides_at_its_limit_and_one_digit_beside_it() {
    let tables = tidewaiter_config::limits::builtin();
    let mut judged = BTreeMap::new();
    let mut wrong = Vec::new();
    for shipped in shipped() {
        for row in shipped.rows() {
            for at in [shipped.from, shipped.to.unwrap_or(date("2046-05-04"))] {
                for situation in situations(row) {
                    for case in cases(row, at) {
                        *judged.entry((shipped.file.clone(), word(row, "id").to_owned())).or_insert(0_u32) += 1;
                        wrong.extend(check(&tables, &shipped, row, at, &case, &situation));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), judged.values().sum::<u32>(), summary(&wrong));
    let rows: usize = shipped().iter().map(|it| it.rows().len()).sum();
    assert_eq!(judged.len(), rows, "every row is judged");
    assert!(judged.values().all(|&count| count >= 4), "{judged:?}");
}

/// The first of each row.
fn summary(wrong: &[(String, String)]) -> String {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for (place, what) in wrong {
        first.entry(place).or_insert(what);
    }
    first.into_iter().map(|(place, what)| format!("{place}: {what}")).collect::<Vec<_>>().join("\n")
}

/// Where and how the row decides otherwise than the case says.
fn check(
    tables: &[LimitTable],
    shipped: &Shipped,
    row: &Table,
    at: Date,
    case: &Case,
    situation: &[(String, String)],
) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    let mut compare = |subject: &Inspection, expected: Verdict| {
        let finding = finding(tables, shipped, row, at, subject);
        let named = case.class.as_ref().is_none_or(|class| finding.rule.contains(&format!("class {class}")));
        if finding.verdict != expected || !named {
            let place = format!("{} {}", shipped.file, word(row, "id"));
            wrong.push((place, format!("{at} {situation:?} {case:?}, expected {expected:?}: {finding:?}")));
        }
    };
    let mut subject = subject(row, case, situation);
    let Some(conditions) = row.get("when_measured") else {
        compare(&subject, case.verdict);
        return wrong;
    };
    // The condition just met, and just not.
    for condition in conditions.as_array().unwrap() {
        let condition = condition.as_table().unwrap();
        let limit = number(condition, "less_than");
        let unit = word(row, "unit").parse().unwrap();
        for (value, expected) in [(limit.minus(limit.step()), case.verdict), (limit, Verdict::NotApplicable)] {
            subject.measured.truncate(case.measured.len());
            subject.measured.push(measured(word(condition, "parameter"), &value.to_string(), unit));
            compare(&subject, expected);
        }
    }
    wrong
}

/// What the row finds about the subject on this day; the edition is the row's own.
fn finding(tables: &[LimitTable], shipped: &Shipped, row: &Table, at: Date, subject: &Inspection) -> Finding {
    let judge =
        [Judge { table: shipped.id.clone(), parameters: vec![word(row, "parameter").to_owned()], advisory: false }];
    let screening = screen(subject, tables, &judge, at, None);
    let mut mine: Vec<Finding> = screening
        .findings
        .iter()
        .filter(|it| it.row == word(row, "id") && it.edition == shipped.edition())
        .cloned()
        .collect();
    assert_eq!(mine.len(), 1, "{} {at} {}: {screening:#?}", shipped.file, word(row, "id"));
    mine.remove(0)
}

/// A fact that no row of the table names is not "does not apply": nothing goes through on a slip of the pen.
#[test]
fn a_condition_that_nobody_declared_or_knows_is_never_passed() {
    let tables = tidewaiter_config::limits::builtin();
    for shipped in shipped() {
        for row in shipped.rows().into_iter().filter(|row| row.contains_key("when")) {
            for (fact, _) in row["when"].as_table().unwrap() {
                let case = cases(row, shipped.from).remove(0);
                for situation in situations(row) {
                    for (wrong, reason) in [(None, Reason::NoDeclaration), (Some("nonsense"), Reason::NotCovered)] {
                        let mut situation: Vec<_> =
                            situation.iter().filter(|(name, _)| name != fact).cloned().collect();
                        situation.extend(wrong.map(|it| (fact.clone(), it.to_owned())));
                        let subject = subject(row, &case, &situation);
                        let finding = finding(&tables, &shipped, row, shipped.from, &subject);
                        assert_eq!(finding.verdict, Verdict::Inconclusive(reason), "{} {finding:?}", shipped.file);
                    }
                }
            }
        }
    }
}
