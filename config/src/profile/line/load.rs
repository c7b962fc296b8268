//! The reader of a line profile file.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tidewaiter_drivers::reading::Quality;

use super::{
    bytes::{bytes, glob, unescape},
    model::{
        Check, CheckKind, End, Framing, Line, LineChannel, LineProfile, MAX_FRAME_BYTES, MAX_LINE_CHANNELS, MAX_LINES,
        Meaning, Pattern, Place, Request, Sign, Spelling, Status, UnitRule,
    },
    pattern::{pattern, place, touching_places},
    read::reason,
    vectors,
};
use crate::{
    limits::pair,
    reader::{Document, Node, Value},
    report::Report,
};

/// Longest start or end of a frame, in bytes.
const MAX_MARK_BYTES: usize = 8;
/// Longest frame unless the profile says so: lines of scales and meters stay well below.
const LONGEST: u16 = 128;
/// Longest request, in bytes.
const MAX_REQUEST_BYTES: usize = 64;
/// Longest status text, unit or sentinel, in bytes.
const MAX_WORD_BYTES: usize = 32;
/// Most patterns of lines that say nothing.
const MAX_IGNORED: usize = 32;
const TIMEOUT: Duration = Duration::from_secs(1);

const CHECKS: [(&str, CheckKind); 3] = [("xor", CheckKind::Xor), ("sum", CheckKind::Sum), ("lrc", CheckKind::Lrc)];
const SPELLINGS: [(&str, Spelling); 3] =
    [("hex", Spelling::Hex), ("decimal", Spelling::Decimal), ("byte", Spelling::Byte)];
const MARKS: [(&str, bool); 2] = [(".", false), (",", true)];

/// Reads one line profile and runs its vectors.
///
/// # Errors
///
/// Every fault of the file, and every vector that does not give what it must.
pub fn load_line_str(file_name: &str, text: &str) -> Result<LineProfile, Report> {
    load_line_with_doubts(file_name, text).map(|(profile, _)| profile)
}

/// As [`load_line_str`]; the report beside the profile holds warnings, such as a channel that no vector proves.
///
/// # Errors
///
/// As [`load_line_str`].
pub fn load_line_with_doubts(file_name: &str, text: &str) -> Result<(LineProfile, Report), Report> {
    let document = Document::new(file_name, text);
    let parsed = document.parse();
    let profile = read(&Node::root(&document, &parsed), Sha256::digest(text.as_bytes()).into());
    let report = document.into_report();
    match profile {
        Some(profile) if !report.has_errors() => Ok((profile, report)),
        _ => Err(report),
    }
}

fn read(root: &Node<'_>, digest: [u8; 32]) -> Option<LineProfile> {
    let id = root.need("id", "\"my-instrument\"").and_then(|value| Some(value.id()?.to_owned()));
    let title = root.need("title", "\"maker and model\"").and_then(|value| Some(value.text()?.to_owned()));
    let source = root.need("source", "\"manual, revision, page\"").and_then(|value| Some(value.text()?.to_owned()));
    let on_event = root.may("on_event").map_or(Some(false), |value| value.flag());
    let request = root.may("request").map_or(Some(None), |value| request(&value.table()?).map(Some));
    let asked = !matches!(request, Some(None));
    let framing = root.need_table("framing", "end = 'any'").and_then(|node| framing(&node, asked));
    let check = root.may("check").map_or(Some(None), |value| check(&value.table()?, framing.as_ref()).map(Some));
    let ignore = root.may("ignore").map_or(Some(Vec::new()), |value| {
        let items = value.items("['*report*']")?;
        if items.len() > MAX_IGNORED {
            value.fault(
                format!("{} patterns stand here, and at most {MAX_IGNORED} are taken", items.len()),
                "fewer, with * in them",
            );
        }
        items.iter().map(glob).collect::<Option<Vec<_>>>()
    });
    let nodes = root.tables("lines");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the profile has no line",
            "[[lines]] with split, columns or template, and [[lines.channels]]",
        );
    } else if nodes.len() > MAX_LINES {
        root.document().error(
            root.span(),
            format!("the profile has {} kinds of lines, and at most {MAX_LINES} are taken", nodes.len()),
            "fewer [[lines]]; lines without a value go to `ignore`",
        );
    }
    let lines: Option<Vec<Line>> = nodes.iter().map(line).collect::<Vec<_>>().into_iter().collect();
    let vector_nodes = root.tables("vectors");
    if vector_nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the profile has no vector, so nothing proves it",
            "[[vectors]] with raw = 'ST,GS,+ 0001234kg\\r\\n' and expect = { gross = \"1234 kg\" }, bytes captured from the instrument",
        );
    }
    root.finish();
    let mut profile = LineProfile {
        id: id?,
        title: title?,
        source: source?,
        framing: framing?,
        check: check?,
        request: request?,
        on_event: on_event?,
        ignore: ignore?,
        lines: lines?,
        vectors: Vec::new(),
        digest,
    };
    // A vector says something about the profile only once the profile itself is sound.
    let sound = !root.document().has_errors();
    vectors::read(&vector_nodes, &mut profile, sound);
    if sound && !profile.vectors.is_empty() {
        for (line, node) in profile.lines.iter().zip(&nodes) {
            for channel in line.channels.iter().filter(|channel| !vectors::proves(&profile, &channel.name)) {
                node.document().warning(
                    node.span(),
                    format!("the channel {:?} has no vector, so nothing proves its place and unit", channel.name),
                    format!("[[vectors]] with raw = '…' and expect = {{ {} = \"…\" }}", channel.name),
                );
            }
        }
    }
    Some(profile)
}

fn framing(node: &Node<'_>, asked: bool) -> Option<Framing> {
    let start = node.may("start").map_or(Some(Vec::new()), |value| bytes(&value, MAX_MARK_BYTES, false));
    let end_value = node.may("end");
    let end = end_value.as_ref().map_or(Some(End::Absent), |value| {
        if value.any_text()? == "any" {
            return Some(End::AnyLineEnd);
        }
        bytes(value, MAX_MARK_BYTES, false).map(End::Bytes)
    });
    let length = node
        .may("length")
        .map_or(Some(None), |value| value.integer(1_u16, frame_limit()).map(|it| Some(usize::from(it))));
    let longest_value = node.may("longest");
    let longest = longest_value.as_ref().map_or(Some(LONGEST), |value| value.integer(1_u16, frame_limit()));
    if let (Some(Some(_)), Some(value)) = (&length, &longest_value) {
        value.fault("`longest` says nothing beside `length`", "nothing; remove it");
    }
    let seven_bits = node.may("seven_bits").map_or(Some(false), |value| value.flag());
    node.finish();
    let (start, end, length) = (start?, end?, length?);
    if end == End::Absent && length.is_none() {
        node.document().absence(
            node.span(),
            "nothing says where a frame ends",
            "end = 'any' for lines that end with CR or LF, end = '\\x03', or length with the number of bytes",
        );
        return None;
    }
    if start.is_empty() && end == End::Absent && !asked {
        node.document().absence(
            node.span(),
            "nothing shows where a frame begins: a length alone is enough only for an instrument that is asked",
            "start = '\\x02', or end = '\\r', or the table [request]",
        );
        return None;
    }
    let longest = length.unwrap_or(usize::from(longest?));
    Some(Framing { start, end, length, longest, seven_bits: seven_bits? })
}

fn frame_limit() -> u16 {
    u16::try_from(MAX_FRAME_BYTES).unwrap_or(u16::MAX)
}

fn check(node: &Node<'_>, framing: Option<&Framing>) -> Option<Check> {
    let kind = node.need("kind", "\"xor\"").and_then(|value| value.word(&CHECKS));
    let spelling = node.need("written", "\"hex\"").and_then(|value| value.word(&SPELLINGS));
    let width_value = node.may("width");
    let width = width_value.as_ref().map(|value| value.integer(1_u8, 4));
    let count = |key| node.may(key).map_or(Some(0), |value| value.integer(0_u8, 64).map(usize::from));
    let (tail, skip, gap) = (count("tail"), count("skip"), count("gap"));
    let with_start_value = node.may("with_start");
    let with_start = with_start_value.as_ref().map_or(Some(false), Value::flag);
    let seven_bits = node.may("seven_bits").map_or(Some(false), |value| value.flag());
    node.finish();
    if let (Some(framing), Some(value), Some(true)) = (framing, &with_start_value, with_start)
        && framing.start.is_empty()
    {
        value.fault("the framing has no start that could be summed", "with_start = false");
    }
    let (kind, spelling) = (kind?, spelling?);
    let width = match (spelling, width) {
        (Spelling::Hex, None) => Some(2),
        (Spelling::Byte, None) => Some(1),
        (Spelling::Decimal, None) => None,
        (_, Some(width)) => Some(usize::from(width?)),
    };
    let fits = match spelling {
        Spelling::Hex => matches!(width, Some(2 | 4)),
        Spelling::Byte => width == Some(1),
        Spelling::Decimal => width.is_none_or(|width| width == 3),
    };
    if let (false, Some(value)) = (fits, &width_value) {
        value.fault(
            "a check is written with 2 or 4 hexadecimal digits, as 1 byte, or with 3 decimal digits",
            "another width; without it decimal digits are taken as many as there are",
        );
        return None;
    }
    Some(Check {
        kind,
        spelling,
        width,
        tail: tail?,
        skip: skip?,
        gap: gap?,
        with_start: with_start?,
        seven_bits: seven_bits?,
    })
}

fn request(node: &Node<'_>) -> Option<Request> {
    let send = node.need("send", "'GETMEAS\\r'").and_then(|value| bytes(&value, MAX_REQUEST_BYTES, false));
    let poll = node
        .need("poll", "\"2 s\"")
        .and_then(|value| value.duration(Duration::from_millis(50), Duration::from_secs(3_600)));
    let timeout = node
        .may("timeout")
        .map_or(Some(TIMEOUT), |value| value.duration(Duration::from_millis(20), Duration::from_secs(60)));
    let echo = node.may("echo").map_or(Some(false), |value| value.flag());
    let statements = node.may("statements").map_or(Some(1), |value| value.integer(1_u8, 16));
    node.finish();
    Some(Request { send: send?, poll: poll?, timeout: timeout?, echo: echo?, statements: statements? })
}

fn line(node: &Node<'_>) -> Option<Line> {
    let when = node.may("when").map_or(Some(None), |value| glob(&value).map(Some));
    let pattern = pattern(node);
    let spot = |key| node.may(key).map_or(Some(None), |value| place(&value, pattern.as_ref()).map(Some));
    let (serial, sample) = (spot("serial_at"), spot("sample_at"));
    let channel_nodes = node.tables("channels");
    let mut names: Vec<String> = Vec::new();
    let channels: Option<Vec<LineChannel>> = channel_nodes
        .iter()
        .map(|node| channel(node, pattern.as_ref(), &mut names))
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    if channel_nodes.len() > MAX_LINE_CHANNELS {
        node.document().error(
            node.span(),
            format!("the line has {} channels, and at most {MAX_LINE_CHANNELS} are taken", channel_nodes.len()),
            "fewer [[lines.channels]]",
        );
    }
    let statuses: Option<Vec<Status>> = node
        .tables("status")
        .iter()
        .map(|node| status(node, pattern.as_ref(), &names))
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    if channel_nodes.is_empty() && matches!((&serial, &sample), (Some(None), Some(None))) {
        node.document().absence(
            node.span(),
            "the line has neither channel nor name, so it says nothing",
            "[[lines.channels]] with name, at and unit; a line without a value goes to `ignore`",
        );
    }
    node.finish();
    let line = Line {
        when: when?,
        pattern: pattern?,
        channels: channels?,
        statuses: statuses?,
        serial: serial?,
        sample: sample?,
    };
    for touched in touching_places(&line.pattern) {
        let is_number = touched.is_some_and(|name| {
            line.channels.iter().any(|channel| matches!(&channel.at, Place::Slot(at) if at == name))
        });
        if !is_number {
            node.document().error(
                node.span(),
                format!(
                    "the place {{{}}} touches the next one, and only the number of a channel ends by itself",
                    touched.unwrap_or_default()
                ),
                "a blank or a character between the two places",
            );
        }
    }
    Some(line)
}

fn channel(node: &Node<'_>, pattern: Option<&Pattern>, names: &mut Vec<String>) -> Option<LineChannel> {
    let name_value = node.need("name", "\"mass\"");
    let name = name_value.as_ref().and_then(|value| Some(value.id()?.to_owned()));
    if let (Some(name), Some(value)) = (&name, &name_value) {
        if names.contains(name) {
            value
                .fault(format!("the channel {name:?} stands twice on one line"), value.assign(format!("\"{name}-2\"")));
        }
        names.push(name.clone());
    }
    // In a template the place usually bears the channel's name.
    let at = match (node.may("at"), pattern, &name) {
        (Some(value), _, _) => place(&value, pattern),
        (None, Some(Pattern::Template(_)), Some(_)) => name_value.as_ref().and_then(|value| place(value, pattern)),
        (None, Some(_), _) => {
            node.document().absence(node.span(), "`at` is missing: where the number stands", at_example(pattern));
            None
        }
        _ => None,
    };
    let unit = unit_rule(node, pattern);
    let scale = node.may("scale").map_or(Some(0), |value| value.integer(-9_i8, 9));
    let spot = |key| node.may(key).map_or(Some(None), |value| place(&value, pattern).map(Some));
    let (places_at, sign_at) = (spot("places_at"), spot("sign_at"));
    let negative = node.may("negative");
    if let (Some(value), Some(None)) = (&negative, &sign_at) {
        value.fault(
            "`negative` is for a sign that stands apart; `sign_at` is missing",
            "sign_at with its place, or nothing here",
        );
    }
    let negative = negative.map_or(Some(vec![b"-".to_vec()]), |value| {
        let items = value.items("['-']")?;
        items.iter().map(|item| bytes(item, MAX_WORD_BYTES, false)).collect()
    });
    let comma = node.may("decimal_mark").map_or(Some(false), |value| value.word(&MARKS));
    let sentinels = node.may("sentinels").map_or(Some(Vec::new()), |value| {
        words(&value, |text, value| {
            let found = reason(text);
            if found.is_none() {
                unknown_reason(text, value);
            }
            found
        })
    });
    let plausible = node.may("plausible").map_or(Some(None), |value| pair(&value).map(Some));
    node.finish();
    Some(LineChannel {
        name: name?,
        at: at?,
        unit: unit?,
        scale: scale?,
        places_at: places_at?,
        sign: match sign_at? {
            Some(at) => Some(Sign { at, negative: negative? }),
            None => None,
        },
        comma: comma?,
        sentinels: sentinels?,
        plausible: plausible?,
    })
}

fn at_example(pattern: Option<&Pattern>) -> &'static str {
    match pattern {
        Some(Pattern::Columns(_)) => "at = [4, 12]  # first and last column, from 1",
        Some(Pattern::Template(_)) => "at = \"mass\"  # a place of the template",
        _ => "at = 2  # the field, from 1",
    }
}

fn unit_rule(node: &Node<'_>, pattern: Option<&Pattern>) -> Option<UnitRule> {
    let at = node.may("unit_at");
    let example = "unit = \"kg\", or unit_at with a place and units = { \"kg\" = \"kg\" }";
    let (kind, value) = node.one_of(&["unit", "units"], example)?;
    match (kind, at) {
        ("unit", None) => value.unit().map(UnitRule::Fixed),
        ("unit", Some(at)) => {
            at.fault(
                "`unit_at` is for `units`, the spellings found there; `unit` never changes",
                "nothing here, or units in place of unit",
            );
            None
        }
        (_, None) => {
            node.document().absence(
                node.span(),
                "`unit_at` is missing: where the unit stands",
                at_example(pattern).replacen("at", "unit_at", 1),
            );
            None
        }
        (_, Some(at)) => {
            let at = place(&at, pattern);
            let spellings = words(&value, |_, value| value.unit())?;
            if spellings.is_empty() {
                value.fault("`units` lists no spelling", "units = { \"kg\" = \"kg\", \"G\" = \"g\" }");
                return None;
            }
            Some(UnitRule::Stated { at: at?, spellings })
        }
    }
}

fn status(node: &Node<'_>, pattern: Option<&Pattern>, names: &[String]) -> Option<Status> {
    let at = node.need("at", "1").and_then(|value| place(&value, pattern));
    let table = node.need("words", "{ \"ST\" = \"good\", \"US\" = \"unstable\", \"OL\" = \"overrange\" }").and_then(|value| {
        words(&value, |text, value| {
            let found = match text {
                "good" => Some(Meaning::Value(Quality::Good)),
                _ => Quality::from_word(text)
                    .filter(|quality| matches!(quality, Quality::Uncertain(_)))
                    .map(Meaning::Value)
                    .or_else(|| reason(text).map(Meaning::Missing)),
            };
            if found.is_none() {
                value.fault(
                    format!("{text:?} is neither a quality (`good`, `unstable`, `stale`) nor a reason for a missing value"),
                    "\"good\", \"unstable\", \"overrange\", \"underrange\", \"warming-up\", \"not-present\" or \"instrument-fault 3\"",
                );
            }
            found
        })
    });
    let channels = node.may("channels").map_or(Some(Vec::new()), |value| {
        let texts = value.texts("[\"gross\"]")?;
        for (text, item) in &texts {
            if !names.contains(text) {
                item.dangling(format!("the line has no channel {text:?}"), "the name of one of its [[lines.channels]]");
            }
        }
        Some(texts.into_iter().map(|(text, _)| text).collect())
    });
    node.finish();
    Some(Status { at: at?, words: table?, channels: channels? })
}

fn unknown_reason(text: &str, value: &Value<'_>) {
    value.fault(
        format!("{text:?} is no reason for a missing value"),
        "\"overrange\", \"underrange\", \"not-present\", \"warming-up\" or \"instrument-fault 3\"",
    );
}

/// A table whose keys are what the instrument writes.
fn words<T>(value: &Value<'_>, read: impl Fn(&str, &Value<'_>) -> Option<T>) -> Option<Vec<(Vec<u8>, T)>> {
    let node = value.table()?;
    let entries = node.entries();
    let mut found: Vec<(Vec<u8>, T)> = Vec::new();
    for (key, value) in &entries {
        let spelled = match unescape(key) {
            Ok(bytes) if bytes.len() <= MAX_WORD_BYTES => bytes.trim_ascii().to_vec(),
            _ => {
                value.fault(
                    format!("the key {key:?} is no text of the line: at most {MAX_WORD_BYTES} bytes, with \\r \\n \\t \\0 \\\\ \\xHH"),
                    "the text in single quotes, as the line has it",
                );
                continue;
            }
        };
        if found.iter().any(|(known, _)| *known == spelled) {
            value.fault(format!("{key:?} stands here twice; blanks around it do not count"), "one of the two");
            continue;
        }
        let meaning = value.any_text().and_then(|text| read(text, value));
        found.extend(meaning.map(|meaning| (spelled, meaning)));
    }
    (found.len() == entries.len()).then_some(found)
}
