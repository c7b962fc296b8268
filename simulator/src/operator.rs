//! What a scene's operator does at the agent, as commands a person could type.

use std::fmt::Write as _;

use crate::{
    Span,
    scene::{Act, OperatorAction},
};

/// The script as a shell script: each command after its wait, counted from the begin of the lead-in.
pub fn operator_commands(script: &[OperatorAction], lead_in: Span) -> String {
    let mut out =
        "#!/bin/sh\n# What the operator of the scene does, with the waits between. Start it with the scene.\n"
            .to_owned();
    let mut now_ms = -lead_in.ms();
    for it in script {
        let wait = (it.at.ms() - now_ms).max(0);
        now_ms = now_ms.max(it.at.ms());
        if wait > 0 {
            // Writing into a String cannot fail.
            let _ = writeln!(out, "sleep {}.{:03}", wait / 1000, wait % 1000);
        }
        let _ = writeln!(out, "{}", command(it));
    }
    out
}

fn command(it: &OperatorAction) -> String {
    let place = quoted(&it.place);
    let named = |value: &Option<String>| quoted(value.as_deref().unwrap_or_default());
    let operator = format!("--operator {}", quoted(&it.operator));
    let drill = if it.drill { " --drill" } else { "" };
    match it.action {
        Act::Start => format!("tidewaiter start {place} --sample {} {operator}{drill}", named(&it.sample)),
        Act::Next => format!("tidewaiter next {place} {operator}"),
        Act::Stop => format!("tidewaiter stop {place} {operator}"),
        Act::DrillOn => format!("tidewaiter drill on --place {place} {operator}"),
        Act::DrillOff => format!("tidewaiter drill off --place {place} {operator}"),
        Act::Enter => {
            let entry = format!(
                "{}={}{}",
                it.parameter.as_deref().unwrap_or_default(),
                it.value.as_deref().unwrap_or_default(),
                it.unit.as_deref().unwrap_or_default()
            );
            format!("tidewaiter enter {place} {} {operator}", quoted(&entry))
        }
    }
}

/// A word of a shell command; whatever is not plain stands in single quotes.
fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.=/".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Scene;

    #[test]
    fn the_script_waits_and_types_what_the_scene_says() {
        let scene = Scene::from_toml(
            "title = 't'\nseed = 1\n[[rig]]\nid = 'desk'\nprocedure = 'generic-sample'\n\
             [[rig.quantity]]\nparameter = 'formaldehyde'\nunit = 'mg/kg'\n\
             [[operator]]\nat = '4 s'\nplace = 'desk'\naction = 'start'\nsample = 'S 1'\ndrill = true\n\
             [[operator]]\nat = '5500 ms'\nplace = 'desk'\naction = 'enter'\nparameter = 'formaldehyde'\nvalue = '18.3'\nunit = 'mg/kg'",
        )
        .unwrap();
        let script = operator_commands(&scene.operator, Span::from_ms(2_000));
        let lines: Vec<&str> = script.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "sleep 6.000",
                "tidewaiter start desk --sample 'S 1' --operator 'Li Na' --drill",
                "sleep 1.500",
                "tidewaiter enter desk formaldehyde=18.3mg/kg --operator 'Li Na'",
            ]
        );
    }
}
