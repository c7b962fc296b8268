//! What readers beside a lane read, as identities.

use tidewaiter_drivers::identity::ocr;
use tidewaiter_screening::inspection::Identity;

use crate::acquire::Mark;

/// What a plate reader read.
pub(super) fn plate(mark: &Mark) -> Identity {
    Identity {
        kind: mark.kind.to_owned(),
        text: mark.text.clone(),
        source: "read".to_owned(),
        confidence: mark.confidence,
    }
}

/// What a container reader read: a number whose check digit holds, one that holds when confused characters are put
/// right, or a text that is kept and not believed.
pub(super) fn container(mark: &Mark) -> Identity {
    if mark.kind == "declaration" {
        return plate(mark);
    }
    let found = ocr::container(&mark.text);
    let source = match &found {
        Some(found) if found.corrected == 0 => "read",
        Some(_) => "corrected",
        None => "ambiguous",
    };
    Identity {
        kind: "container".to_owned(),
        text: found.map_or_else(|| mark.text.clone(), |found| found.number.as_str().to_owned()),
        source: source.to_owned(),
        confidence: mark.confidence,
    }
}
