//! The reader of a step programme file.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{
    Hold, Programme, Stage,
    load::{text, title},
    pair,
};
use crate::{
    reader::{Document, Node},
    report::Report,
};

/// Longest stage: the longest public endurance stage lasts 24 h (49 CFR 571.139), with room for site-owned ones.
const LONGEST_STAGE: Duration = Duration::from_secs(30 * 86_400);

/// Reads one step programme.
///
/// # Errors
///
/// Every fault of the file, with its place and what to write instead.
pub fn load_programme_str(file_name: &str, text: &str) -> Result<Programme, Report> {
    let document = Document::new(file_name, text);
    let parsed = document.parse();
    let programme = read(&Node::root(&document, &parsed), Sha256::digest(text.as_bytes()).into());
    let report = document.into_report();
    match programme {
        Some(programme) if !report.has_errors() => Ok(programme),
        _ => Err(report),
    }
}

fn read(root: &Node<'_>, digest: [u8; 32]) -> Option<Programme> {
    let id = root.need("id", "\"my-programme\"").and_then(|value| Some(value.id()?.to_owned()));
    let edition = text(root, "edition", "\"1\"");
    let title = title(root);
    let source = text(root, "source", "\"document, clause, edition\"");
    let nodes = root.tables("stages");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the programme has no stage",
            "[[stages]] with duration = \"4 h\" and [[stages.hold]]",
        );
    }
    let mut stages = Vec::new();
    for node in &nodes {
        stages.extend(stage(node));
        node.finish();
    }
    root.finish();
    (stages.len() == nodes.len()).then_some(())?;
    Some(Programme { id: id?, edition: edition?, title: title?, source: source?, stages, digest })
}

fn stage(node: &Node<'_>) -> Option<Stage> {
    let duration = node.need("duration", "\"4 h\"").and_then(|value| {
        let duration = value.duration(Duration::from_secs(1), LONGEST_STAGE)?;
        if duration.subsec_millis() != 0 {
            value.fault(
                "a stage lasts whole seconds, because a bench counts them",
                value.assign(format!("\"{} s\"", duration.as_secs() + 1)),
            );
            return None;
        }
        u32::try_from(duration.as_secs()).ok()
    });
    let nodes = node.tables("hold");
    if nodes.is_empty() {
        node.document().absence(
            node.span(),
            "the stage holds nothing, so nothing can fail it",
            "[[stages.hold]] with channel, unit and range",
        );
    }
    let mut hold: Vec<Hold> = Vec::new();
    for inner in &nodes {
        let channel_value = inner.need("channel", "\"speed\"");
        let channel = channel_value.as_ref().and_then(|value| Some(value.id()?.to_owned()));
        if let (Some(channel), Some(value)) = (&channel, &channel_value)
            && hold.iter().any(|it| it.channel == *channel)
        {
            value.fault(format!("the channel {channel:?} is held twice in this stage"), "one range for each channel");
        }
        let unit = inner.need("unit", "\"km/h\"").and_then(|value| value.unit());
        let range = inner.need("range", "[\"118\", \"122\"]").and_then(|value| pair(&value));
        inner.finish();
        if let (Some(channel), Some(unit), Some((low, high))) = (channel, unit, range) {
            hold.push(Hold { channel, unit, low, high });
        }
    }
    (hold.len() == nodes.len()).then_some(())?;
    Some(Stage { duration_s: duration?, hold })
}
