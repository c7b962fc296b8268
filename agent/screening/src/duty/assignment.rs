//! What an inspection is judged by: the place's own list and those of the plan's items that are for it.

use tidewaiter_config::{
    plan::{Item, Plan},
    site::Judge,
};

/// The items of `plan` that are for this procedure, place and HS code.
pub fn items<'p>(plan: &'p Plan, procedure: &str, place: &str, hs: Option<&str>) -> Vec<&'p Item> {
    plan.items.iter().filter(|item| item.covers(procedure, place) && item.hs_match(hs).is_some()).collect()
}

/// The place's `own` list, followed by what the plan adds.
///
/// Of several items with the same table and parameter, the one that names most digits of the HS code counts; of
/// equals the first. What both `own` and the plan ask for is asked once, and decides if either says so: an advisory
/// entry of one must not take the force from the other.
pub fn judges(own: &[Judge], plan: Option<&Plan>, procedure: &str, place: &str, hs: Option<&str>) -> Vec<Judge> {
    let Some(plan) = plan else { return own.to_vec() };
    // Table, parameter, digits named, advisory: in the order of the plan.
    let mut asked: Vec<(&str, &str, usize, bool)> = Vec::new();
    for item in items(plan, procedure, place, hs) {
        let digits = item.hs_match(hs).unwrap_or(0);
        for judge in &item.judge {
            for parameter in &judge.parameters {
                match asked.iter_mut().find(|(table, name, _, _)| *table == judge.table && *name == parameter) {
                    Some(known) if digits > known.2 => (known.2, known.3) = (digits, judge.advisory),
                    Some(_) => {}
                    None => asked.push((&judge.table, parameter, digits, judge.advisory)),
                }
            }
        }
    }
    let mut list: Vec<Judge> = own.to_vec();
    for (table, parameter, _, advisory) in asked {
        let names = |judge: &Judge| judge.table == table && judge.parameters.iter().any(|it| it == parameter);
        match list.iter_mut().find(|judge| names(judge)) {
            Some(known) if known.advisory && !advisory => {
                known.parameters.retain(|it| it != parameter);
                add(&mut list, table, parameter, false);
            }
            Some(_) => {}
            None => add(&mut list, table, parameter, advisory),
        }
    }
    list.retain(|judge| !judge.parameters.is_empty());
    list
}

/// Adds a parameter to the last entry where it is of the same table and force, else as an entry of its own.
fn add(list: &mut Vec<Judge>, table: &str, parameter: &str, advisory: bool) {
    match list.last_mut() {
        Some(last) if last.table == table && last.advisory == advisory => last.parameters.push(parameter.to_owned()),
        _ => list.push(Judge { table: table.to_owned(), parameters: vec![parameter.to_owned()], advisory }),
    }
}
