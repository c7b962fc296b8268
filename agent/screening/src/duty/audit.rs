//! Draws all tickets again from exported events, and counts whether the rates were met.
//!
//! Three kinds of event carry a period, joined by the commitment:
//!
//! ```text
//! sampling-committed  commitment, plan, version, item, rate-A, rate-B, rate-C
//! sampling-drawn      commitment, ticket, class, rate, selected (yes, no); the event's subject is the candidate
//! sampling-revealed   commitment, seed, presented-A, selected-A, … one pair for each class
//! ```

use std::collections::BTreeMap;

use tidewaiter_config::plan::RiskClass;
use tidewaiter_drivers::Decimal;

use super::draw::Seed;

/// Name of the event that commits to a seed.
pub const COMMITTED: &str = "sampling-committed";
/// Name of the event of one draw.
pub const DRAWN: &str = "sampling-drawn";
/// Name of the event that reveals a seed.
pub const REVEALED: &str = "sampling-revealed";

/// Faults of one period that are listed; further ones are counted.
const LISTED: usize = 100;

/// One event as exported.
#[derive(Clone, Copy, Debug)]
pub struct Told<'e> {
    /// Record number, to point at.
    pub seq: u64,
    /// Name.
    pub name: &'e str,
    /// Subject.
    pub subject: Option<&'e str>,
    /// Facts.
    pub facts: &'e BTreeMap<String, String>,
}

/// How one class was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Candidates.
    pub presented: u64,
    /// Selected ones.
    pub selected: u64,
}

/// One period, drawn again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Commitment, hexadecimal.
    pub commitment: String,
    /// Plan id and version.
    pub plan: String,
    /// Item of the plan.
    pub item: String,
    /// Rates by class, as committed.
    pub rates: [Option<Decimal>; 3],
    /// Counts by class A, B, C, as drawn again.
    pub counts: [Counts; 3],
    /// Whether the seed is known. Until it is, the draws are counted and cannot be repeated.
    pub revealed: bool,
    /// What does not hold, with the record it was found in.
    pub faults: Vec<(u64, String)>,
    /// Faults beyond those listed.
    pub more_faults: u64,
}

/// The events of a period in the order of the chain.
#[derive(Debug, Default)]
struct Collected {
    committed: Option<u64>,
    draws: Vec<Draw>,
    seed: Option<(u64, String)>,
    stated: Option<(u64, BTreeMap<String, String>)>,
    period: Period,
}

#[derive(Debug)]
struct Draw {
    seq: u64,
    subject: String,
    facts: BTreeMap<String, String>,
}

/// Repeats every draw in these events, given in the order of the chain.
pub fn audit<'e>(events: impl IntoIterator<Item = Told<'e>>) -> Vec<Period> {
    let mut order: Vec<String> = Vec::new();
    let mut found: BTreeMap<String, Collected> = BTreeMap::new();
    for event in events.into_iter().filter(|it| [COMMITTED, DRAWN, REVEALED].contains(&it.name)) {
        let commitment = event.facts.get("commitment").cloned().unwrap_or_default();
        if !found.contains_key(&commitment) {
            order.push(commitment.clone());
        }
        let collected = found.entry(commitment.clone()).or_default();
        collected.period.commitment = commitment;
        collect(collected, event);
    }
    order.iter().filter_map(|commitment| found.remove(commitment)).map(repeat).collect()
}

fn collect(collected: &mut Collected, event: Told<'_>) {
    let fact = |name: &str| event.facts.get(name).cloned().unwrap_or_default();
    match event.name {
        COMMITTED => {
            if collected.committed.is_some() {
                fault(&mut collected.period, event.seq, "the same commitment is made twice");
            }
            if !collected.draws.is_empty() {
                fault(&mut collected.period, event.seq, "the commitment comes after draws of its period");
            }
            collected.committed = Some(event.seq);
            collected.period.plan = format!("{} {}", fact("plan"), fact("version"));
            collected.period.item = fact("item");
            collected.period.rates = RiskClass::ALL.map(|class| fact(&format!("rate-{}", class.word())).parse().ok());
        }
        DRAWN => {
            if collected.seed.is_some() {
                fault(&mut collected.period, event.seq, "a draw comes after the seed was revealed");
            }
            let subject = event.subject.unwrap_or_default().to_owned();
            collected.draws.push(Draw { seq: event.seq, subject, facts: event.facts.clone() });
        }
        _ => {
            if collected.seed.is_some() {
                fault(&mut collected.period, event.seq, "the seed is revealed twice");
            }
            collected.seed = Some((event.seq, fact("seed")));
            collected.stated = Some((event.seq, event.facts.clone()));
        }
    }
}

fn repeat(collected: Collected) -> Period {
    let Collected { committed, draws, seed, stated, mut period } = collected;
    if committed.is_none()
        && let Some(first) = draws.first().map(|draw| draw.seq).or(seed.as_ref().map(|(seq, _)| *seq))
    {
        fault(&mut period, first, "its commitment is not among these records");
    }
    let seed = seed.and_then(|(seq, text)| {
        period.revealed = true;
        let seed = hex::decode(&text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Seed);
        match seed {
            Some(seed) if hex::encode(seed.commitment()) == period.commitment => Some(seed),
            Some(_) => {
                fault(&mut period, seq, "the seed is not the one committed to");
                None
            }
            None => {
                fault(&mut period, seq, "the seed is not 32 bytes in hexadecimal");
                None
            }
        }
    });
    for (index, draw) in draws.iter().enumerate() {
        let expected = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        if let Err(why) = check(draw, expected, seed.as_ref(), &mut period) {
            fault(&mut period, draw.seq, &why);
        }
    }
    if let Some((seq, stated)) = stated {
        for (class, counts) in RiskClass::ALL.into_iter().zip(period.counts) {
            for (name, counted) in [("presented", counts.presented), ("selected", counts.selected)] {
                let name = format!("{name}-{}", class.word());
                if stated.get(&name).and_then(|text| text.parse::<u64>().ok()) != Some(counted) {
                    let said = stated.get(&name).map_or("nothing", String::as_str);
                    fault(&mut period, seq, &format!("{name} is stated as {said}, and {counted} were drawn"));
                }
            }
        }
    }
    period
}

fn check(draw: &Draw, expected: u64, seed: Option<&Seed>, period: &mut Period) -> Result<(), String> {
    let fact = |name: &str| draw.facts.get(name).map(String::as_str);
    let ticket: u64 = fact("ticket").and_then(|it| it.parse().ok()).ok_or("the draw has no ticket number")?;
    let class = fact("class").and_then(RiskClass::from_word).ok_or("the draw has no class")?;
    let rate: Decimal = fact("rate").and_then(|it| it.parse().ok()).ok_or("the draw has no rate")?;
    let selected = match fact("selected") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err("the draw does not say whether it was selected".to_owned()),
    };
    for ((of, counts), committed) in RiskClass::ALL.into_iter().zip(&mut period.counts).zip(period.rates) {
        if of == class {
            counts.presented += 1;
            counts.selected += u64::from(selected);
            if committed.is_some_and(|committed| committed.cmp_value(rate).is_ne()) {
                return Err(format!(
                    "ticket {ticket} was drawn at {rate} %, which is not the rate of class {}",
                    class.word()
                ));
            }
        }
    }
    if ticket != expected {
        return Err(format!("ticket {ticket} comes where ticket {expected} is due"));
    }
    let Some(seed) = seed else { return Ok(()) };
    match seed.selects(ticket, &draw.subject, rate) {
        Some(again) if again == selected => Ok(()),
        Some(again) => {
            let word = |it| if it { "selected" } else { "not selected" };
            Err(format!("ticket {ticket} is recorded as {}, and drawing again gives {}", word(selected), word(again)))
        }
        None => Err(format!("ticket {ticket} was drawn at the rate {rate} %, which is none")),
    }
}

fn fault(period: &mut Period, seq: u64, what: &str) {
    if period.faults.len() < LISTED {
        period.faults.push((seq, what.to_owned()));
    } else {
        period.more_faults += 1;
    }
}
