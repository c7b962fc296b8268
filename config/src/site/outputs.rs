//! The `[[outputs]]` of a site file: stack light, buzzer and barrier permission of a lane or rig.
//!
//! An output has *lines*, by name and number, and says which of them are on in each state. A state that is not
//! written has a default, and a default that names a line which is not there is a fault: no state is dark by accident.
//! The line `barrier` is not written into any state. It opens on `clear` alone, which the site file has to say in words.

use std::time::Duration;

use super::{
    Link, Port,
    instruments::{known, ms},
    ports::Named,
};
use crate::reader::{self, Node, Value};

/// Lines of one output at most: what one register, and one answer of the smallest module, can hold.
pub const MOST_LINES: usize = 16;
/// The line that sounds.
pub const BUZZER: &str = "buzzer";
/// The line that lets a barrier open.
pub const BARRIER: &str = "barrier";
/// The line that changes every second, for a watchdog relay.
pub const PULSE: &str = "pulse";
/// What the site file says of a barrier, and the only thing it can say.
const PERMISSION: &str = "open only on clear and recorded";
/// Coils from the first to the last line of one output at most: one answer reads them back.
const MOST_SPAN: u16 = 256;

/// What an output shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing is going on.
    Idle,
    /// Something is being inspected.
    Inspecting,
    /// The newest result is `clear`, and recorded.
    Clear,
    /// The newest result is `refer`.
    Refer,
    /// The newest result is `alarm`.
    Alarm,
    /// The newest result is `not-valid`: scan again.
    NotValid,
    /// Nothing is recorded, or nobody knows.
    NotRecording,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Idle, Self::Inspecting, Self::Clear, Self::Refer, Self::Alarm, Self::NotValid, Self::NotRecording];

    /// Its key in `[outputs.on]`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Inspecting => "inspecting",
            Self::Clear => "clear",
            Self::Refer => "refer",
            Self::Alarm => "alarm",
            Self::NotValid => "not-valid",
            Self::NotRecording => "not-recording",
        }
    }

    /// Lines that are on unless the file says so. The buzzer joins where there is one.
    const fn usual(self) -> (&'static [&'static str], bool) {
        match self {
            Self::Idle | Self::Inspecting => (&[], false),
            Self::Clear => (&["green"], false),
            Self::Refer | Self::NotValid => (&["amber"], false),
            Self::Alarm => (&["red"], true),
            Self::NotRecording => (&["amber"], true),
        }
    }
}

/// Lines of an output, one bit each, in the order of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines(pub u16);

impl Lines {
    /// Whether the line of this place is on.
    pub const fn has(self, place: usize) -> bool {
        place < MOST_LINES && self.0 >> place & 1 == 1
    }

    /// The same with this line on or off.
    #[must_use]
    pub const fn with(self, place: usize, on: bool) -> Self {
        if place >= MOST_LINES {
            return self;
        }
        let bit = 1 << place;
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// A stack light, buzzer and barrier of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Id.
    pub id: String,
    /// Lane or rig it stands at.
    pub place: String,
    /// Its lines, at most [`MOST_LINES`].
    pub lines: Vec<OutputLine>,
    /// How it is reached.
    pub wire: Wire,
    /// Which lines are on, by state in the order of [`State::ALL`]; the barrier is in none.
    pub on: [Lines; 7],
    /// How long the buzzer sounds when a state with it begins.
    pub buzzer: Duration,
    /// How long `clear` is shown and the barrier may open; an alarm is shown at least so long.
    pub hold: Duration,
}

/// One line of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLine {
    /// Name: `green`, `amber`, `red`, `buzzer`, `barrier`, `pulse` or any other.
    pub name: String,
    /// Coil as sent (from 0), bit of the register (from 0) or offset on the GPIO chip.
    pub number: u16,
    /// It is on when its coil is off: a lamp on the resting contact of a relay.
    pub inverted: bool,
}

/// How an output is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Coils of a Modbus unit, functions 05 or 15.
    Coils {
        /// Port and unit.
        unit: OutputUnit,
        /// All coils in one request (15), or one each (05).
        together: bool,
    },
    /// Bits of one holding register, functions 06 or 16. Bits without a line are written as 0.
    Register {
        /// Port and unit.
        unit: OutputUnit,
        /// The register as sent, from 0.
        address: u16,
        /// Function 16 in place of 06.
        together: bool,
    },
    /// Lines of a GPIO chip of this machine.
    Gpio {
        /// Its device, e.g. `/dev/gpiochip0`.
        chip: String,
        /// What the line is drawn to while nobody drives it.
        bias: Bias,
    },
}

/// A Modbus unit with outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputUnit {
    /// Port id.
    pub port: String,
    /// Unit id.
    pub unit_id: u8,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Holding registers, as sent, and what is written into them at every connection and after every fault: the
    /// module's own watchdog.
    pub watchdog: Vec<(u16, u16)>,
}

/// What a GPIO line is drawn to while nobody drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// As the board has it.
    AsIs,
    /// Up.
    PullUp,
    /// Down.
    PullDown,
}

impl Output {
    /// The place of the line of this name.
    pub fn line(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|it| it.name == name)
    }

    /// Which lines are on in this state.
    pub fn lit(&self, state: State) -> Lines {
        State::ALL.iter().position(|it| *it == state).and_then(|at| self.on.get(at)).copied().unwrap_or_default()
    }

    /// The Modbus port it hangs on.
    pub fn unit(&self) -> Option<&OutputUnit> {
        match &self.wire {
            Wire::Coils { unit, .. } | Wire::Register { unit, .. } => Some(unit),
            Wire::Gpio { .. } => None,
        }
    }
}

const BIASES: [(&str, Bias); 3] = [("as-is", Bias::AsIs), ("pull-up", Bias::PullUp), ("pull-down", Bias::PullDown)];
const WRITES: [(&str, bool); 2] = [("single", false), ("multiple", true)];

/// Reads all outputs; `places` are the ids of lanes and rigs, faulty ones included.
pub(super) fn read<'d>(root: &Node<'d>, ports: &Named<'d, Port>, places: &[String]) -> Vec<Output> {
    let mut ids: Named<'d, ()> = Named::new();
    let mut outputs: Vec<Output> = Vec::new();
    for node in root.tables("outputs") {
        let id = node.need("id", "\"light-7\"").and_then(|value| {
            let id = value.id()?;
            ids.add("output", id, &value, None);
            Some(id.to_owned())
        });
        let place = node.need("place", "\"lane-7\"").and_then(|value| place(&value, places));
        let lines_value = node.need("lines", "{ green = 0, amber = 1, red = 2 }");
        let lines = lines_value.as_ref().and_then(|value| lines(value, node.may("inverted").as_ref()));
        let wire = node.one_of(
            &["coils", "register", "gpio"],
            "[outputs.coils] or [outputs.register] with port and unit_id, or [outputs.gpio] with chip",
        );
        let wire_place = wire.as_ref().map(|(_, value)| value.clone());
        let wire = wire.and_then(|(kind, value)| wire_of(kind, &value.table()?, ports));
        barrier(&node, lines.as_deref());
        let on_value = node.may("on");
        let on = lines.as_deref().and_then(|lines| on(&node, on_value.as_ref(), lines));
        let buzzer = node.may("buzzer").map_or(Some(ms(3_000)), |value| value.duration(ms(100), ms(600_000)));
        let hold = node.may("hold").map_or(Some(ms(15_000)), |value| value.duration(ms(1_000), ms(600_000)));
        node.finish();
        let (Some(id), Some(place), Some(lines), Some(wire), Some(on), Some(buzzer), Some(hold)) =
            (id, place, lines, wire, on, buzzer, hold)
        else {
            continue;
        };
        let output = Output { id, place, lines, wire, on, buzzer, hold };
        if let (Some(unit), Some(wire_place)) = (output.unit(), &wire_place)
            && unit.watchdog.is_empty()
            && output.line(PULSE).is_none()
        {
            wire_place.doubt(
                "when the agent dies its last state stays, unless the module has a watchdog set by its maker's tool",
                "watchdog = [{ register = …, value = … }] as the module's manual has it, or a relay on a line \"pulse\"",
            );
        }
        if let (Some(lines_value), Some(wire_place)) = (&lines_value, &wire_place)
            && numbers_fit(&output, lines_value)
            && nobody_elses(&output, &outputs, wire_place)
        {
            outputs.push(output);
        }
    }
    outputs
}

/// A lane or rig of this site.
pub(super) fn place(value: &Value<'_>, places: &[String]) -> Option<String> {
    let id = value.text()?;
    if places.iter().any(|it| it == id) {
        return Some(id.to_owned());
    }
    let names = || places.iter().map(String::as_str);
    let way_out = match reader::nearest(id, names()) {
        Some(meant) => value.assign(format!("\"{meant}\"")),
        None if places.is_empty() => "a [[lanes]] or [[rigs]] table with this id".to_owned(),
        None => format!("one of {}", reader::list(names())),
    };
    value.dangling(format!("there is no lane or rig {id:?}"), way_out);
    None
}

fn lines(value: &Value<'_>, inverted: Option<&Value<'_>>) -> Option<Vec<OutputLine>> {
    let node = value.table()?;
    let entries = node.entries();
    if entries.is_empty() || entries.len() > MOST_LINES {
        value.fault(
            format!("{} lines; an output has 1 to {MOST_LINES}", entries.len()),
            value.assign("{ green = 0, amber = 1, red = 2 }"),
        );
        return None;
    }
    let mut lines: Vec<OutputLine> = Vec::new();
    for (name, number) in &entries {
        let sound =
            name.len() <= 16 && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
        if !sound {
            number.key_fault(
                format!("the line is called {name:?}; a name is at most 16 small letters, digits and hyphens"),
                "green, amber, red, white, buzzer, barrier, pulse, or a name of your own",
            );
            return None;
        }
        let number_read = number.integer(0_u16, u16::MAX)?;
        if let Some(other) = lines.iter().find(|it| it.number == number_read) {
            number.fault(
                format!("{name:?} and {:?} are the same line {number_read}", other.name),
                "a number of its own for each",
            );
            return None;
        }
        lines.push(OutputLine { name: name.clone(), number: number_read, inverted: false });
    }
    for (name, item) in inverted.map_or(Some(Vec::new()), |value| value.texts("[\"amber\"]"))? {
        let place = named(&name, &item, &lines)?;
        lines.get_mut(place)?.inverted = true;
    }
    Some(lines)
}

fn named(name: &str, item: &Value<'_>, lines: &[OutputLine]) -> Option<usize> {
    let found = lines.iter().position(|it| it.name == name);
    if found.is_none() {
        let names = || lines.iter().map(|it| it.name.as_str());
        let way_out = reader::nearest(name, names())
            .map_or_else(|| format!("one of {}", reader::list(names())), |meant| format!("\"{meant}\""));
        item.dangling(format!("this output has no line {name:?}"), way_out);
    }
    found
}

fn barrier(node: &Node<'_>, lines: Option<&[OutputLine]>) {
    let said = node.may("barrier");
    let has_line = lines.is_some_and(|lines| lines.iter().any(|it| it.name == BARRIER));
    match said {
        Some(value) if value.text().is_some_and(|it| it != PERMISSION) => value.fault(
            format!("`barrier` is {}, and a barrier opens in one case only", value.written()),
            value.assign(format!("\"{PERMISSION}\"")),
        ),
        Some(value) if lines.is_some() && !has_line => value.dangling(
            "`barrier` is there, and no line is called \"barrier\"",
            "barrier = 4 in `lines`, or nothing; remove the key",
        ),
        None if has_line => node.document().absence(
            node.span(),
            "there is a line \"barrier\", and the file does not say when it opens",
            format!("barrier = \"{PERMISSION}\""),
        ),
        _ => {}
    }
}

fn on(node: &Node<'_>, value: Option<&Value<'_>>, lines: &[OutputLine]) -> Option<[Lines; 7]> {
    let table = match value {
        Some(value) => Some(value.table()?),
        None => None,
    };
    let mut states = [Lines::default(); 7];
    let mut sound = true;
    for (state, set) in State::ALL.into_iter().zip(&mut states) {
        match table.as_ref().and_then(|it| it.may(state.word())) {
            Some(written) => match lit(&written, lines) {
                Some(found) => *set = found,
                None => sound = false,
            },
            None => match usual(state, lines) {
                Some(found) => *set = found,
                None => {
                    let names = reader::list(state.usual().0.iter().copied());
                    node.document().absence(
                        node.span(),
                        format!(
                            "`on` does not say what {:?} shows, and the usual line {names} is not among `lines`",
                            state.word()
                        ),
                        format!("on.{} = [\"…\"] with a line of this output", state.word()),
                    );
                    sound = false;
                }
            },
        }
    }
    if let Some(table) = &table {
        table.finish();
    }
    if !sound {
        return None;
    }
    distinct(node, value, states, lines).then_some(states)
}

fn lit(written: &Value<'_>, lines: &[OutputLine]) -> Option<Lines> {
    let mut set = Lines::default();
    let example = "[\"green\"]";
    let items = written.items(example)?;
    if items.is_empty() {
        return Some(set);
    }
    for (name, item) in written.texts(example)? {
        if name == BARRIER || name == PULSE {
            item.fault(
                format!(
                    "{name:?} is not switched by a state: a barrier opens on clear and recorded, a pulse always beats"
                ),
                "nothing; remove it from the list",
            );
            return None;
        }
        set = set.with(named(&name, &item, lines)?, true);
    }
    Some(set)
}

fn usual(state: State, lines: &[OutputLine]) -> Option<Lines> {
    let (names, sounds) = state.usual();
    let place = |name: &str| lines.iter().position(|it| it.name == name);
    let mut set = Lines::default();
    for name in names {
        set = set.with(place(name)?, true);
    }
    if sounds && let Some(buzzer) = place(BUZZER) {
        set = set.with(buzzer, true);
    }
    Some(set)
}

/// `clear` must look like nothing else, and not recording must look like something.
fn distinct(node: &Node<'_>, value: Option<&Value<'_>>, states: [Lines; 7], lines: &[OutputLine]) -> bool {
    let span = value.map_or_else(|| node.span(), Value::key_span);
    let silent = lines.iter().position(|it| it.name == BUZZER);
    let seen = |set: Lines| silent.map_or(set, |at| set.with(at, false));
    let of = |state: State| State::ALL.iter().zip(states).find(|(it, _)| **it == state).map(|(_, set)| seen(set));
    let clear = of(State::Clear);
    let mut sound = true;
    for state in State::ALL {
        let only_barrier = lines.iter().all(|it| matches!(it.name.as_str(), BARRIER | BUZZER | PULSE));
        if state != State::Clear && of(state) == clear && !only_barrier {
            node.document().error(
                span.clone(),
                format!("\"clear\" and {:?} show the same lamps; nobody could tell them apart", state.word()),
                "a lamp for \"clear\" that no other state has",
            );
            sound = false;
        }
        if state == State::NotRecording && of(state) == Some(Lines::default()) && !only_barrier {
            node.document().error(
                span.clone(),
                "\"not-recording\" shows no lamp; it would look like nothing going on",
                "on.not-recording = [\"amber\"]",
            );
            sound = false;
        }
    }
    sound
}

fn wire_of<'d>(kind: &str, node: &Node<'d>, ports: &Named<'d, Port>) -> Option<Wire> {
    if kind == "gpio" {
        let chip = node.need("chip", "\"/dev/gpiochip0\"").and_then(|value| {
            let text = value.text()?;
            if text.starts_with("/dev/") {
                return Some(text.to_owned());
            }
            value.fault(
                format!("`chip` is {text:?}, which is no device"),
                value.assign(format!("\"/dev/{}\"", text.trim_start_matches('/'))),
            );
            None
        });
        let bias = node.may("bias").map_or(Some(Bias::AsIs), |value| value.word(&BIASES));
        node.finish();
        return Some(Wire::Gpio { chip: chip?, bias: bias? });
    }
    let port = node.need("port", "\"io-line\"  # the id of one of [[ports]]").and_then(|value| {
        let id = known(&value, "port", ports)?;
        match ports.get(id).map(|it| &it.link) {
            Some(link @ (Link::Serial(_) | Link::Tcp { .. })) => {
                value.dangling(
                    format!("an output needs a Modbus port, and {id:?} is {}", link.word()),
                    "[ports.modbus_tcp], [ports.modbus_rtu] or [ports.modbus_rtu_tcp] at that port, or another port here",
                );
                None
            }
            _ => Some(id.to_owned()),
        }
    });
    let unit_id = node.need("unit_id", "1").and_then(|value| value.integer(1_u8, 247));
    let timeout = node.may("timeout").map_or(Some(ms(500)), |value| value.duration(ms(10), ms(2_000)));
    let together = node.may("write").map_or(Some(false), |value| value.word(&WRITES));
    let address = if kind == "register" {
        Some(node.need("address", "0").and_then(|it| it.integer(0_u16, u16::MAX)))
    } else {
        None
    };
    let watchdog = watchdog(node);
    node.finish();
    let unit = OutputUnit { port: port?, unit_id: unit_id?, timeout: timeout?, watchdog: watchdog? };
    let together = together?;
    Some(match address {
        Some(address) => Wire::Register { unit, address: address?, together },
        None => Wire::Coils { unit, together },
    })
}

fn watchdog(node: &Node<'_>) -> Option<Vec<(u16, u16)>> {
    let tables = node.tables("watchdog");
    if tables.len() > 8 {
        node.document().absence(node.span(), "more than 8 watchdog registers", "at most 8");
        return None;
    }
    let mut registers = Vec::new();
    let mut sound = true;
    for table in tables {
        let register = table.need("register", "4096").and_then(|value| value.integer(0_u16, u16::MAX));
        let value = table.need("value", "30").and_then(|value| value.integer(0_u16, u16::MAX));
        table.finish();
        match (register, value) {
            (Some(register), Some(value)) => registers.push((register, value)),
            _ => sound = false,
        }
    }
    sound.then_some(registers)
}

fn numbers_fit(output: &Output, value: &Value<'_>) -> bool {
    let numbers = || output.lines.iter().map(|it| it.number);
    let (Some(low), Some(high)) = (numbers().min(), numbers().max()) else { return false };
    match &output.wire {
        Wire::Register { address, unit, .. } => {
            if high > 15 {
                value.fault(format!("{high} is no bit of a register"), "bits 0 to 15, the least significant is 0");
                return false;
            }
            if unit.watchdog.iter().any(|(register, _)| register == address) {
                value.fault(
                    format!("the register {address} of the lines is a watchdog register too"),
                    "another register for one of them",
                );
                return false;
            }
        }
        Wire::Coils { together: true, .. } if usize::from(high - low) + 1 != output.lines.len() => {
            value.fault(
                format!("the coils {low} to {high} are written together, and some between them are no line here"),
                "numbers without gaps, or write = \"single\"",
            );
            return false;
        }
        Wire::Coils { .. } if high - low >= MOST_SPAN => {
            value.fault(
                format!("the coils {low} to {high} are too far apart to be read back in one answer"),
                format!("less than {MOST_SPAN} from first to last, or two outputs"),
            );
            return false;
        }
        Wire::Coils { .. } | Wire::Gpio { .. } => {}
    }
    true
}

/// One coil has one owner: two outputs would switch it against each other.
fn nobody_elses(output: &Output, others: &[Output], place: &Value<'_>) -> bool {
    let ends = |it: &Output| -> Vec<String> {
        match &it.wire {
            Wire::Coils { unit, .. } => it
                .lines
                .iter()
                .map(|line| format!("coil {} of unit {} on {}", line.number, unit.unit_id, unit.port))
                .collect(),
            Wire::Register { unit, address, .. } => {
                vec![format!("register {address} of unit {} on {}", unit.unit_id, unit.port)]
            }
            Wire::Gpio { chip, .. } => it.lines.iter().map(|line| format!("line {} of {chip}", line.number)).collect(),
        }
    };
    let mine = ends(output);
    for other in others {
        if let Some(end) = ends(other).into_iter().find(|it| mine.contains(it)) {
            place.fault(
                format!("{end} belongs to the output {:?} already; one line has one owner", other.id),
                "lines of its own for each output",
            );
            return false;
        }
    }
    true
}
