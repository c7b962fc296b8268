//! The agent's site file for a scene: the same instruments, at the addresses they really have.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use crate::{
    Address,
    scene::{Quantity, Rig, Scene, SimulatedNode, Speech, Trigger},
};

/// What the site file says beside the scene.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// Site id.
    pub site: String,
    /// Agent id.
    pub agent: String,
    /// Broker URL; without it the site has no uplink.
    pub broker: Option<String>,
    /// Data directory of the agent.
    pub data_dir: PathBuf,
    /// Key registry; used with a broker.
    pub registry: PathBuf,
    /// Declarations file.
    pub declarations: Option<PathBuf>,
    /// Folder of the scene's own limit tables; named only when the scene has any.
    pub limits: PathBuf,
    /// Address of the agent's local interface.
    pub listen: String,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            site: "yantian".to_owned(),
            agent: "gate-07".to_owned(),
            broker: None,
            data_dir: "data".into(),
            registry: "registry.json".into(),
            declarations: Some("declarations.csv".into()),
            limits: "limits".into(),
            listen: "127.0.0.1:8470".to_owned(),
        }
    }
}

/// Writes the site file; an instrument without an address is left out, and with it what depends on it.
///
/// Every instrument is marked `simulated = true`, and so is every record it enters.
pub fn export_config(scene: &Scene, addresses: &BTreeMap<String, Address>, options: &ExportOptions) -> String {
    let mut out = Text(String::new());
    head(&mut out, options);
    if !scene.tables.is_empty() {
        out.line("\n[limits]");
        out.pair("dir", &options.limits.to_string_lossy());
    }
    let known = |id: &str| addresses.contains_key(id);
    for id in scene.instruments() {
        let Some(address) = addresses.get(id) else {
            continue;
        };
        let registers = node_of(scene, id).is_some()
            || scene.gamma.as_ref().is_some_and(|it| it.id == id)
            || scene.drum.as_ref().is_some_and(|it| it.id == id)
            || scene.bench_instrument(id).is_some_and(|(_, it)| it.speaks == Speech::Registers);
        port(&mut out, id, address, registers);
        instrument(&mut out, scene, id);
    }
    lane(&mut out, scene, &known);
    rigs(&mut out, scene, &known);
    lights(&mut out, scene, addresses);
    if let Some(gamma) = scene.gamma.as_ref().filter(|it| known(&it.id)) {
        let slots = (gamma.watch.ms() / gamma.poll.ms().max(1)).max(1);
        out.line("\n[[watches]]");
        out.pair("id", &format!("background-{}", gamma.id));
        out.pair("instrument", &gamma.id);
        out.pair("period", &gamma.watch.to_string());
        out.line(&format!("slots = {slots}"));
    }
    out.0
}

/// TOML being written.
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A key with a text, quoted as TOML wants it.
    fn pair(&mut self, key: &str, value: &str) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{key} = {}", toml::Value::String(value.to_owned()));
    }
}

fn head(out: &mut Text, options: &ExportOptions) {
    out.line("# Written by tidewaiter-sim: every instrument below is simulated.\nversion = 1\n\n[site]");
    out.pair("id", &options.site);
    out.pair("agent", &options.agent);
    out.pair("name", &format!("{} (simulated)", options.site));
    out.line("\n[store]");
    out.pair("dir", &options.data_dir.to_string_lossy());
    out.line("budget = \"512 MiB\"\nkeep = \"30 d\"");
    if let Some(broker) = &options.broker {
        out.line("\n[uplink]");
        out.pair("broker", broker);
        out.pair("registry", &options.registry.to_string_lossy());
        out.line("window = 64");
    }
    out.line("\n[local]");
    out.pair("listen", &options.listen);
    if let Some(declarations) = &options.declarations {
        out.line("\n[[declarations]]");
        out.pair("file", &declarations.to_string_lossy());
    }
}

fn port(out: &mut Text, id: &str, address: &Address, registers: bool) {
    out.line("\n[[ports]]");
    out.pair("id", &port_id(id));
    match address {
        Address::Tcp(address) => {
            out.line(if registers { "[ports.modbus_tcp]" } else { "[ports.tcp]" });
            out.pair("address", &address.to_string());
        }
        Address::Pty(path) => {
            out.line("[ports.serial]");
            out.pair("path", &path.to_string_lossy());
            out.line("baud = 9600");
        }
    }
}

fn port_id(instrument: &str) -> String {
    format!("{instrument}-line")
}

fn instrument(out: &mut Text, scene: &Scene, id: &str) {
    out.line("\n[[instruments]]");
    out.pair("id", id);
    out.pair("port", &port_id(id));
    out.line("simulated = true");
    let serial = node_of(scene, id).map_or_else(|| format!("SIM-{id}"), |it| it.serial.clone());
    out.pair("serial_number", &serial);
    let registers = |out: &mut Text, profile: &str, unit_id: u8, poll: crate::Span, timeout: crate::Span| {
        out.line("[instruments.registers]");
        out.pair("profile", profile);
        out.line(&format!("unit_id = {unit_id}"));
        out.pair("poll", &poll.to_string());
        out.pair("timeout", &timeout.to_string());
    };
    if let Some(it) = node_of(scene, id) {
        registers(out, "tidewaiter-node", it.unit_id, it.poll, it.timeout);
    } else if let Some(it) = scene.weighbridge.as_ref().filter(|it| it.id == id) {
        out.line("[instruments.xk3190_tf0]\nunit = \"kg\"");
        out.pair("scale_interval", &it.scale_interval.to_string());
        out.pair("settle", &it.settle.to_string());
    } else if let Some(it) = scene.portal.as_ref().filter(|it| it.id == id) {
        out.line("[instruments.rpm_lines]");
        out.pair("n_sigma", &it.n_sigma.to_string());
        out.line(&format!("intervals = {}", it.intervals));
        out.pair("speed_limit", &it.speed_limit_kmh.to_string());
    } else if scene.plate_reader.as_ref().is_some_and(|it| it.id == id)
        || scene.container_reader.as_ref().is_some_and(|it| it.id == id)
    {
        out.line("[instruments.plate_lines]\nencoding = \"utf-8\"");
    } else if scene.ph_meter.as_ref().is_some_and(|it| it.id == id) {
        out.line("[instruments.ph_stream]");
    } else if let Some(it) = scene.gamma.as_ref().filter(|it| it.id == id) {
        registers(out, &it.profile, it.unit_id, it.poll, it.timeout);
    } else if let Some(it) = scene.drum.as_ref().filter(|it| it.id == id) {
        registers(out, &it.profile, it.unit_id, it.poll, it.timeout);
    } else if let Some((_, it)) = scene.bench_instrument(id) {
        match (it.speaks, &it.profile) {
            (Speech::Registers, Some(profile)) => registers(out, profile, it.unit_id, it.poll, it.timeout),
            (speaks, profile) => {
                out.line(&format!("[instruments.{}]", speaks.word()));
                if let Some(profile) = profile {
                    out.pair("profile", profile);
                }
                if speaks == Speech::KromekD5 {
                    out.pair("poll", &it.poll.to_string());
                    out.pair("timeout", &it.timeout.to_string());
                }
            }
        }
    }
}

/// The node that an instrument is.
fn node_of<'a>(scene: &'a Scene, id: &str) -> Option<&'a SimulatedNode> {
    scene.weighbridge.as_ref().filter(|it| it.id == id)?.node.as_ref()
}

fn lane(out: &mut Text, scene: &Scene, known: &dyn Fn(&str) -> bool) {
    let Some(scale) = scene.weighbridge.as_ref().filter(|it| known(&it.id)) else {
        return;
    };
    out.line("\n[[lanes]]");
    out.pair("id", &scene.lane.id);
    out.line("[lanes.lorry_gate]");
    out.pair("scale", &scale.id);
    let portal = scene.portal.as_ref().filter(|it| known(&it.id));
    let gamma = scene.gamma.as_ref().filter(|it| known(&it.id));
    if let Some(it) = portal {
        out.pair("portal", &it.id);
    }
    if let Some(it) = gamma {
        let id = toml::Value::String(it.id.clone());
        out.line(&format!("dose_rate = {{ instrument = {id}, channel = \"dose-rate\" }}"));
    }
    if let Some(it) = scene.plate_reader.as_ref().filter(|it| known(&it.id)) {
        out.pair("plate", &it.id);
    }
    if let Some(it) = scene.container_reader.as_ref().filter(|it| known(&it.id)) {
        out.pair("container", &it.id);
    }
    if scale.node.is_some() {
        // A node tells grams, and a threshold is in what the scale tells.
        out.pair("threshold", &format!("{}000", scene.lane.threshold_kg));
        out.line("unit = \"g\"");
    } else {
        out.pair("threshold", &scene.lane.threshold_kg.to_string());
        out.line("unit = \"kg\"");
    }
    out.pair("time_limit", &scene.lane.time_limit.to_string());
    out.pair("identity_window", &scene.lane.identity_window.to_string());
    let mut judge = |table: &str, parameters: &str| {
        out.line(&format!("[[lanes.judge]]\ntable = \"{table}\"\nparameters = [{parameters}]"));
    };
    judge("gross-mass-cn-2016", "\"gross-mass\"");
    if portal.is_some() {
        judge("portal-sigma", "\"gamma-counts\"");
    }
    if gamma.is_some() {
        judge("scrap-radiation", "\"dose-rate\"");
    }
}

/// The stack light of the first place.
fn lights(out: &mut Text, scene: &Scene, addresses: &BTreeMap<String, Address>) {
    let Some(it) = &scene.io_module else { return };
    let (Some(address), Some(place)) = (addresses.get(&it.id), scene.places().last().copied()) else { return };
    port(out, &it.id, address, true);
    out.line("\n[[outputs]]");
    out.pair("id", &it.id);
    out.pair("place", place);
    let lines: Vec<String> = (0..)
        .zip(&it.coils)
        .filter(|(_, name)| !name.contains("spare"))
        .map(|(coil, name)| format!("{name} = {coil}"))
        .collect();
    out.line(&format!("lines = {{ {} }}", lines.join(", ")));
    if !it.inverted.is_empty() {
        let names: Vec<String> = it.inverted.iter().map(|it| format!("\"{it}\"")).collect();
        out.line(&format!("inverted = [{}]", names.join(", ")));
    }
    if it.coils.iter().any(|it| it == "barrier") {
        out.line("barrier = \"open only on clear and recorded\"");
    }
    out.line("[outputs.coils]");
    out.pair("port", &port_id(&it.id));
    out.line(&format!("unit_id = {}", it.unit_id));
    out.pair("write", if it.together { "multiple" } else { "single" });
    out.line(&format!("watchdog = [{{ register = {}, value = 30 }}]", it.watchdog_register));
}

fn rigs(out: &mut Text, scene: &Scene, known: &dyn Fn(&str) -> bool) {
    if let Some(meter) = scene.ph_meter.as_ref().filter(|it| known(&it.id)) {
        let parallels = meter.specimens.iter().map(|it| it.ph.len()).max().unwrap_or(3);
        out.line("\n[[rigs]]");
        out.pair("id", &meter.rig);
        out.line("time_limit = \"30 min\"\n[rigs.textile_ph]");
        out.pair("meter", &meter.id);
        out.line(&format!("parallels = {parallels}\ndrift = \"0.02\""));
        out.pair("steady", &meter.steady.to_string());
        out.line("spread = \"0.2\"\n[[rigs.judge]]\ntable = \"gb18401-2010-t1\"\nparameters = [\"ph\"]");
    }
    if let Some(drum) = scene.drum.as_ref().filter(|it| known(&it.id)) {
        out.line("\n[[rigs]]");
        out.pair("id", &drum.rig);
        out.line("time_limit = \"40 h\"\n[rigs.tyre_endurance]");
        out.pair("drum", &drum.id);
        out.pair("programme", &drum.programme);
    }
    // A bench without one of its instruments could not complete a run.
    for rig in scene.rigs.iter().filter(|it| it.instruments.iter().all(|it| known(&it.id))) {
        bench(out, rig);
    }
}

fn bench(out: &mut Text, rig: &Rig) {
    out.line("\n[[rigs]]");
    out.pair("id", &rig.id);
    out.pair("time_limit", &rig.time_limit.to_string());
    out.line("[rigs.bench]");
    out.pair("procedure", &rig.procedure);
    out.pair("trigger", rig.trigger.word());
    if rig.on_next {
        out.pair("replicates_on", "next");
    }
    if let Some(settle) = rig.settle {
        out.pair("settle", &settle.to_string());
    }
    if let Some(it) = rig.state_instrument() {
        let (id, states) = (toml::Value::String(it.id.clone()), it.states);
        out.line(&format!(
            "state = {{ instrument = {id}, channel = \"state\", running = [\"{}\"], complete = [\"{}\"], failed = [\"{}\"] }}",
            states.running, states.complete, states.failed
        ));
    }
    for it in &rig.quantities {
        quantity(out, rig, it);
    }
    for it in &rig.judge {
        out.line("[[rigs.judge]]");
        out.pair("table", &it.table);
        let names: Vec<String> = it.parameters.iter().map(|it| toml::Value::String(it.clone()).to_string()).collect();
        out.line(&format!("parameters = [{}]", names.join(", ")));
    }
}

fn quantity(out: &mut Text, rig: &Rig, it: &Quantity) {
    out.line("[[rigs.bench.quantities]]");
    out.pair("parameter", &it.parameter);
    match (&it.instrument, &it.channel) {
        (Some(instrument), Some(channel)) => {
            out.pair("instrument", instrument);
            out.pair("channel", channel);
        }
        _ => {
            out.pair("source", "operator");
            out.pair("unit", it.unit.code());
        }
    }
    if let Some(basis) = &it.basis {
        out.pair("basis", basis);
    }
    // A bench with a state bounds its runs itself, so every reading of a run counts.
    let counted = rig.trigger != Trigger::State || it.instrument.is_none();
    if counted && it.replicates > 1 {
        out.line(&format!("replicates = {}", it.replicates));
    }
    out.pair("take", it.take.word());
    if let Some(background) = it.background {
        out.line(&format!("background = {background}"));
    }
    if !it.required {
        out.line("required = false");
    }
}
