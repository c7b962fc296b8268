//! The reader of a profile file.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tidewaiter_drivers::modbus::register::Encoding;
use toml::de::DeTable;

use super::{
    LineProfile, RegisterChannel, RegisterProfile, Sealed, Vector,
    encoding::{TABLES, encoding, wire_address},
    identity,
    line::load_line_with_doubts,
    sealed, vectors,
};
use crate::{
    limits::pair,
    reader::{self, Document, Node, Value},
    report::Report,
};

/// The address bases in use: as sent, counted from one, and the five-digit forms that name the table.
const BASES: [u32; 5] = [0, 1, 10_001, 30_001, 40_001];

/// Most registers one answer of FC 03 or FC 04 carries (Modbus Application Protocol V1.1b3, 6.3 and 6.4).
const MOST_REGISTERS: u16 = 125;

/// Reads one profile and runs its vectors.
///
/// # Errors
///
/// Every fault of the file, and every vector that does not give what it must.
pub fn load_str(file_name: &str, text: &str) -> Result<RegisterProfile, Report> {
    load_with_doubts(file_name, text).map(|(profile, _)| profile)
}

/// As [`load_str`]; the report beside the profile holds warnings, such as a channel that no vector proves.
///
/// # Errors
///
/// As [`load_str`].
pub fn load_with_doubts(file_name: &str, text: &str) -> Result<(RegisterProfile, Report), Report> {
    let document = Document::new(file_name, text);
    let parsed = document.parse();
    let profile = read(&Node::root(&document, &parsed), Sha256::digest(text.as_bytes()).into());
    let report = document.into_report();
    match profile {
        Some(profile) if !report.has_errors() => Ok((profile, report)),
        _ => Err(report),
    }
}

/// A profile of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Modbus registers.
    Registers(RegisterProfile),
    /// Text lines.
    Line(LineProfile),
}

/// The profiles of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Register profiles.
    pub registers: Vec<RegisterProfile>,
    /// Line profiles.
    pub lines: Vec<LineProfile>,
}

/// Reads a profile of either kind and runs its vectors; a file with a table `[framing]` is a line profile.
///
/// # Errors
///
/// As [`load_str`].
pub fn load_any(file_name: &str, text: &str) -> Result<(Profile, Report), Report> {
    let (root, _) = DeTable::parse_recoverable(text);
    let has = |key| root.get_ref().contains_key(key);
    if has("framing") || has("lines") {
        load_line_with_doubts(file_name, text).map(|(profile, doubts)| (Profile::Line(profile), doubts))
    } else {
        load_with_doubts(file_name, text).map(|(profile, doubts)| (Profile::Registers(profile), doubts))
    }
}

/// Reads every `*.toml` of a folder as a profile; the report beside them holds warnings.
///
/// # Errors
///
/// All faults of all files.
pub fn load_dir(dir: &std::path::Path) -> Result<(Folder, Report), Report> {
    load_dir_from(&reader::Files::disk(), dir)
}

/// As [`load_dir`], from another source than the disk.
///
/// # Errors
///
/// As [`load_dir`].
pub fn load_dir_from(files: &reader::Files, dir: &std::path::Path) -> Result<(Folder, Report), Report> {
    let mut folder = Folder::default();
    let mut report = Report::default();
    for path in files.toml_files(dir)? {
        let name = path.display().to_string();
        let text = files.read(&path).and_then(|bytes| reader::decode_utf8(&name, &bytes));
        match text.and_then(|text| load_any(&name, &text)) {
            Ok((profile, doubts)) => {
                match profile {
                    Profile::Registers(profile) => folder.registers.push(profile),
                    Profile::Line(profile) => folder.lines.push(profile),
                }
                report.absorb(doubts);
            }
            Err(faults) => report.absorb(faults),
        }
    }
    if report.has_errors() { Err(report) } else { Ok((folder, report)) }
}

fn read(root: &Node<'_>, digest: [u8; 32]) -> Option<RegisterProfile> {
    let id = root.need("id", "\"my-instrument\"").and_then(|value| Some(value.id()?.to_owned()));
    let title = root.need("title", "\"maker and model\"").and_then(|value| Some(value.text()?.to_owned()));
    let source = root.need("source", "\"manual, revision, page\"").and_then(|value| Some(value.text()?.to_owned()));
    let address_base = root
        .need("address_base", "0  # 0 as sent, 1 counted from one, 30001 or 40001 as in the manual")
        .and_then(|value| base(&value));
    let max_registers =
        root.may("max_registers").map_or(Some(MOST_REGISTERS), |value| value.integer(1, MOST_REGISTERS));
    let ms = Duration::from_millis;
    let turnaround = root.may("turnaround").map_or(Some(None), |value| value.duration(ms(0), ms(1_000)).map(Some));
    let max_answer_time =
        root.may("max_answer_time").map_or(Some(None), |value| value.duration(ms(10), ms(300_000)).map(Some));
    let device_identification = root.may("device_identification").map_or(Some(true), |value| value.flag());
    let identity_nodes = root.tables("identity");
    let mut facts = Vec::new();
    let identity: Vec<_> =
        identity_nodes.iter().filter_map(|node| identity::read(node, address_base, &mut facts)).collect();
    let sealed_value = root.may("sealed");
    let sealed = sealed_value.as_ref().map(|value| sealed::read(value, address_base, max_registers));
    let nodes = root.tables("channels");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the profile has no channel",
            "[[channels]] with name, table, address, type and unit",
        );
    }
    let mut names: Vec<String> = Vec::new();
    let mut channels = Vec::new();
    for node in &nodes {
        channels.extend(match sealed {
            None => channel(node, address_base, max_registers, &mut names),
            Some(sealed) => field(node, sealed, &mut names),
        });
        node.finish();
    }
    let vector_nodes = root.tables("vectors");
    let mut vectors = Vec::new();
    for node in &vector_nodes {
        vectors.extend(vector(node, &names, &channels, sealed.flatten()));
        node.finish();
    }
    for (channel, node) in channels.iter().zip(&nodes) {
        // Only when every channel was read do the two lists run side by side.
        let all_read = channels.len() == nodes.len() && vectors.len() == vector_nodes.len();
        if all_read && !vectors.is_empty() && !vectors.iter().any(|it: &Vector| it.channel == channel.name) {
            node.document().warning(
                node.span(),
                format!("the channel {:?} has no vector, so nothing proves its type and word order", channel.name),
                format!("[[vectors]] with channel = \"{}\", registers = [ … ], expect = \"…\"", channel.name),
            );
        }
    }
    if vector_nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the profile has no vector, so nothing proves it",
            "[[vectors]] with channel, registers and expect, taken from the manual or from the instrument's display",
        );
    }
    root.finish();
    (channels.len() == nodes.len() && vectors.len() == vector_nodes.len()).then_some(())?;
    (identity.len() == identity_nodes.len()).then_some(())?;
    let sealed = sealed.map_or(Some(None), |it| it.map(Some))?;
    Some(RegisterProfile {
        id: id?,
        title: title?,
        source: source?,
        address_base: address_base?,
        max_registers: max_registers?,
        turnaround: turnaround?,
        max_answer_time: max_answer_time?,
        device_identification: device_identification?,
        identity,
        sealed,
        channels,
        vectors,
        digest,
    })
}

fn base(value: &Value<'_>) -> Option<u16> {
    u16::try_from(value.integer_of(&BASES)?).ok()
}

/// The name of a channel, told once.
fn name(node: &Node<'_>, names: &mut Vec<String>) -> Option<String> {
    let value = node.need("name", "\"dose-rate\"")?;
    let name = value.id()?.to_owned();
    if names.contains(&name) {
        value.fault(format!("the channel {name:?} is described twice"), value.assign(format!("\"{name}-2\"")));
    }
    names.push(name.clone());
    Some(name)
}

/// A channel of an instrument that seals a block.
fn field(node: &Node<'_>, sealed: Option<Sealed>, names: &mut Vec<String>) -> Option<RegisterChannel> {
    let name = name(node, names);
    let plausible = node.may("plausible").map_or(Some(None), |value| pair(&value).map(Some));
    let beside = [node.may("table"), node.may("address")];
    if let Some(value) = beside.into_iter().flatten().next() {
        value.fault(
            "this channel would lie beside the sealed block, and nothing would prove it",
            "field = \"…\" in place of table, address, type and unit; or a second profile without `[sealed]`",
        );
        return None;
    }
    let field = sealed::field(node)?;
    let sealed = sealed?;
    Some(RegisterChannel {
        name: name?,
        table: sealed.table,
        address: sealed.address + field.offset(),
        encoding: field.encoding(),
        scale: field.scale(),
        places: None,
        unit: field.unit(),
        sentinels: Vec::new(),
        plausible: plausible?,
        heartbeat_polls: None,
        field: Some(field),
    })
}

fn channel(
    node: &Node<'_>,
    profile_base: Option<u16>,
    max_registers: Option<u16>,
    names: &mut Vec<String>,
) -> Option<RegisterChannel> {
    let name = name(node, names);
    if let Some(value) = node.may("field") {
        value.fault(
            "`field` names a part of a sealed block, and this profile has no `[sealed]`",
            "[sealed] with table, address, count and layout; or table, address and type in place of `field`",
        );
    }
    let table = node.need("table", "\"input\"").and_then(|value| value.word(&TABLES));
    let own_base = node.may("address_base").map(|value| base(&value));
    let base = own_base.unwrap_or(profile_base);
    let address = node.need("address", "0");
    let encoding = encoding(node, table);
    if matches!(encoding, Some(Encoding::Hex(_))) {
        node.document().error(
            node.span(),
            "bytes are no reading: type = \"hex\" is for [[identity]] only",
            "another type, or the same registers in [[identity]]",
        );
    }
    let width = encoding.as_ref().map(|it| it.registers());
    if let (Some(width), Some(most)) = (width, max_registers)
        && width > most
    {
        node.document().error(
            node.span(),
            format!("the channel takes {width} registers, and the instrument answers at most {most} at once"),
            format!("max_registers = {width}"),
        );
    }
    let address = address.and_then(|value| wire_address(&value, base?, table?, width?));
    let scale = node.may("scale").map_or(Some(0), |value| value.integer(-18_i8, 18));
    let float = matches!(encoding, Some(Encoding::F32(_)));
    let places = match node.may("places") {
        Some(value) if !float && encoding.is_some() => {
            value.fault(
                "`places` is for f32 only; other types have their own resolution",
                "nothing; remove it, and use `scale` to move the point",
            );
            None
        }
        Some(value) => value.integer(0_u8, 9).map(Some),
        None if float => {
            node.document().absence(
                node.span(),
                "`places` is missing: a float has no resolution of its own",
                "places = 1",
            );
            None
        }
        None => Some(None),
    };
    let unit = node.need("unit", "\"uGy/h\"").and_then(|value| value.unit());
    let sentinels = node.may("sentinels").map_or(Some(Vec::new()), |value| sentinels(&value, width));
    let plausible = node.may("plausible").map_or(Some(None), |value| pair(&value).map(Some));
    let heartbeat_polls = node.may("heartbeat_polls").map_or(Some(None), |value| value.integer(2_u16, 3_600).map(Some));
    Some(RegisterChannel {
        name: name?,
        table: table?,
        address: address?,
        encoding: encoding?,
        scale: scale?,
        places: places?,
        unit: unit?,
        sentinels: sentinels?,
        plausible: plausible?,
        heartbeat_polls: heartbeat_polls?,
        field: None,
    })
}

fn words(value: &Value<'_>) -> Option<Vec<u16>> {
    let items = value.items("[0x0000, 0x0078]")?;
    let words: Vec<u16> = items.iter().filter_map(|item| u16::try_from(item.integer(0_i64, 0xFFFF)?).ok()).collect();
    (words.len() == items.len()).then_some(words)
}

fn right_width(value: &Value<'_>, found: usize, width: u16) -> bool {
    let fits = found == usize::from(width);
    if !fits {
        value.fault(
            format!("{found} registers stand here, and the channel takes {width}"),
            format!("{width} numbers in the list"),
        );
    }
    fits
}

fn sentinels(value: &Value<'_>, width: Option<u16>) -> Option<Vec<Vec<u16>>> {
    let items = value.items("[[0xFFFF, 0xFFFF]]")?;
    let width = width?;
    let lists: Vec<Vec<u16>> = items
        .iter()
        .filter_map(|item| {
            let words = words(item)?;
            right_width(item, words.len(), width).then_some(words)
        })
        .collect();
    (lists.len() == items.len()).then_some(lists)
}

fn vector(node: &Node<'_>, names: &[String], channels: &[RegisterChannel], sealed: Option<Sealed>) -> Option<Vector> {
    let channel_value = node.need("channel", "\"dose-rate\"");
    let channel = channel_value.as_ref().and_then(Value::id);
    let registers_value = node.need("registers", "[0x0000, 0x0078]");
    let registers = registers_value.as_ref().and_then(words);
    let expect_value = node.need("expect", "\"0.120\"");
    let expect = expect_value.as_ref().and_then(Value::text);
    let channel = channel?;
    let Some(described) = channels.iter().find(|it| it.name == channel) else {
        if let Some(value) = &channel_value
            && !names.iter().any(|it| it == channel)
        {
            let known = names.iter().map(String::as_str);
            let way_out = reader::nearest(channel, known.clone()).map_or_else(
                || format!("one of {}", reader::list(known)),
                |meant| value.assign(format!("\"{meant}\"")),
            );
            value.dangling(format!("no channel is named {channel:?}"), way_out);
        }
        return None;
    };
    let vector = Vector { channel: channel.to_owned(), registers: registers?, expect: expect?.to_owned() };
    let value = registers_value?;
    // A field is proven with its block: what it says hangs on state words that lie apart from its value.
    let width = sealed.map_or(described.encoding.registers(), |it| it.count);
    if !right_width(&value, vector.registers.len(), width) {
        return None;
    }
    if let Err(found) = vectors::run(described, &vector) {
        let shown: Vec<String> = vector.registers.iter().map(|word| format!("{word:04X}")).collect();
        expect_value?.fault(
            format!(
                "the vector of {channel:?} fails: registers {} give {}, and {:?} is expected",
                shown.join(" "),
                found.got,
                vector.expect
            ),
            found.way_out,
        );
        return None;
    }
    Some(vector)
}
