//! Which edition of each shipped table judges on which day: the first and the last day in force, and the days beside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fixture;

use std::collections::BTreeSet;

use fixture::{date, declare, inspection, measured};
use jiff::{ToSpan, civil::Date};
use tidewaiter_config::{
    limits::{LimitTable, builtin},
    site::Judge,
};
use tidewaiter_drivers::Unit;
use tidewaiter_screening::{Reason, Verdict, screen};

/// The edition that must judge: of those begun and not ended, the one that began last.
fn expected<'a>(tables: &'a [LimitTable], id: &str, at: Date) -> Option<&'a str> {
    let mut begun: Vec<&LimitTable> = tables.iter().filter(|it| it.id == id && it.effective_from <= at).collect();
    begun.sort_by_key(|it| it.effective_from);
    let newest = begun.pop()?;
    newest.effective_to.is_none_or(|last| at <= last).then_some(newest.edition.as_str())
}

#[test]
fn the_edition_in_force_judges_and_no_other() {
    let tables = builtin();
    let ids: BTreeSet<&str> = tables.iter().map(|it| it.id.as_str()).collect();
    for id in ids {
        let editions: Vec<&LimitTable> = tables.iter().filter(|it| it.id == id).collect();
        let parameter = editions[0].rows[0].parameter.clone();
        assert!(editions.iter().all(|it| it.rows.iter().any(|row| row.parameter == parameter)), "{id} {parameter}");
        let mut days = vec![date("1900-01-01"), date("2099-12-31")];
        for table in &editions {
            let last = table.effective_to.unwrap_or(date("2046-05-04"));
            days.extend([table.effective_from.yesterday().unwrap(), table.effective_from]);
            days.extend([last, last.checked_add(1.day()).unwrap()]);
        }
        for at in days {
            let judge = [Judge { table: id.to_owned(), parameters: vec![parameter.clone()], advisory: false }];
            let screening = screen(&inspection(Vec::new()), &tables, &judge, at, None);
            assert!(!screening.findings.is_empty(), "{id} {at}");
            for finding in &screening.findings {
                match expected(&tables, id, at) {
                    Some(edition) => assert_eq!(finding.edition, edition, "{id} {at}"),
                    None => {
                        assert_eq!(finding.verdict, Verdict::Inconclusive(Reason::NoEdition), "{id} {at}");
                        assert_eq!(finding.edition, "", "{id} {at}");
                    }
                }
            }
        }
    }
}

/// The editions whose numbers differ, on the last day of the old and the first of the new.
#[test]
fn the_same_goods_are_judged_by_the_day_they_were_sampled() {
    let tables = builtin();
    let check =
        |table: &str, parameter: &str, value: &str, unit: Unit, facts: &[(&str, &str)], days: &[(&str, Verdict)]| {
            for &(at, verdict) in days {
                let judge =
                    [Judge { table: table.to_owned(), parameters: vec![parameter.to_owned()], advisory: false }];
                let subject = declare(inspection(vec![measured(parameter, value, unit)]), facts);
                let screening = screen(&subject, &tables, &judge, date(at), None);
                assert_eq!(screening.verdict, verdict, "{table} {at} {screening:#?}");
            }
        };
    let (pass, fail, none) = (Verdict::Pass, Verdict::Fail, Verdict::Inconclusive(Reason::NoEdition));
    let uncovered = Verdict::Inconclusive(Reason::NotCovered);
    // Arsenic in lead concentrate: 0.70 % until the end of August 2025, 0.60 % since.
    let lead = [("concentrate", "lead")];
    let days = [("2007-01-31", none), ("2007-02-01", pass), ("2025-08-31", pass), ("2025-09-01", fail)];
    check("gbt20424", "As", "0.65", Unit::Percent, &lead, &days);
    // Antimony concentrate is new.
    check(
        "gbt20424",
        "As",
        "0.60",
        Unit::Percent,
        &[("concentrate", "antimony")],
        &[("2025-08-31", uncovered), ("2025-09-01", pass)],
    );
    // Truck tyres: 2.0 mm, 1.6 mm since February 2016; the figure since May 2025 is not known.
    let days = [("2016-01-31", fail), ("2016-02-01", pass), ("2025-04-30", pass), ("2025-05-01", none)];
    check("gb9744", "tread-wear-indicator", "1.8", Unit::Millimetre, &[], &days);
    // Diesel: polycyclic aromatics have a confirmed limit in stage V only.
    check("diesel-cn", "pah", "11.1", Unit::Percent, &[], &[("2018-12-31", fail), ("2019-01-01", uncovered)]);
    // The former tyre label ended with April 2021.
    let label = [("tyre-class", "C1"), ("rolling-resistance-class", "C")];
    let days = [("2012-10-31", none), ("2012-11-01", pass), ("2021-04-30", pass), ("2021-05-01", none)];
    check("eu-tyre-label-2009", "rolling-resistance", "8.5", Unit::KilogramPerTonne, &label, &days);
    // Copper concentrate: nothing is known before the notice of 2017.
    check("copper-concentrate-cn", "Pb", "6.00", Unit::Percent, &[], &[("2017-12-07", none), ("2017-12-08", pass)]);
}
