//! The update of a node as its user does it: an image of `firmware/image`, the centre's order, windows over Modbus, the
//! boot loader's swap, the trial, and what goes wrong on the way. The flash is a file, so a cut of power is `kill -9`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tidewaiter_tests::{
    process::{Collector, Program, alone, own, run, run_own, seed, tell, until},
    stand::Stand,
    tool,
};

use super::{
    board::program,
    client::{Client, Reply},
    rig::{KEY, Rig, SERIAL, double, to_words},
};
use crate::interop::verifier::interpreter_with;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// A start, a swap and a reply; a busy machine takes longer.
const WITHIN: Duration = Duration::from_secs(60);
/// From the order to the swap; without one a cut falls elsewhere.
const SWAPS_WITHIN: Duration = Duration::from_secs(5);
/// A whole update with cuts in it.
const UPDATED_WITHIN: Duration = Duration::from_secs(300);
/// Where the emulated board's images run: the active partition behind the header.
const PLACE: u32 = 0x2100_0200;
/// The stages of `input register 0x0070`.
const IDLE: u16 = 0;

/// An image file, and what it must be known by.
struct Image {
    path: PathBuf,
    bytes: Vec<u8>,
    counter: u32,
    software: String,
}

impl Image {
    fn hash(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - 32..]
    }

    /// As the first line of a board's log shows it.
    fn logged(&self) -> String {
        format!("image {}", hex::encode(&self.hash()[..8]))
    }
}

/// Where images are made.
struct Workshop {
    python: PathBuf,
    dir: PathBuf,
    loader: PathBuf,
    elf: Vec<u8>,
}

impl Workshop {
    fn open(dir: &Path) -> Result<Option<Self>> {
        let (Some(python), Some(_)) =
            (interpreter_with("imgtool.main"), tool::installed("qemu-system-arm", "qemu-system-arm"))
        else {
            return Ok(None);
        };
        let loader = program("update", "tidewaiter-mps2-loader")?;
        let elf = fs::read(program("update", "tidewaiter-mps2")?)?;
        Ok(Some(Self { python, dir: dir.to_owned(), loader, elf }))
    }

    /// An image of the node whose version ends in another character; one that hangs does so at its first instruction.
    fn image(&self, last: char, counter: u32, hangs: bool) -> Result<Image> {
        let version = concat!("tidewaiter-node ", env!("CARGO_PKG_VERSION"));
        let software = format!("{}{last} mps2", &version[..version.len() - 1]);
        let (from, to) = (format!("{version} mps2").into_bytes(), software.as_bytes());
        let mut elf = self.elf.clone();
        let places: Vec<usize> = (0..elf.len() - from.len()).filter(|at| elf[*at..].starts_with(&from)).collect();
        ensure!(!places.is_empty(), "the program does not name itself");
        for at in places {
            elf[at..at + to.len()].copy_from_slice(to);
        }
        if hangs {
            let at = loaded(&elf, PLACE + 4)?;
            let first = u32::from_le_bytes(elf[at..at + 4].try_into()?) & !1;
            let at = loaded(&elf, first)?;
            // Thumb: a branch to itself.
            elf[at..at + 2].copy_from_slice(&[0xFE, 0xE7]);
        }
        let (changed, path) = (self.dir.join("program.elf"), self.dir.join(format!("{last}-{counter}.img")));
        fs::write(&changed, elf)?;
        let mut command = Command::new(&self.python);
        command.arg(Path::new(ROOT).join("firmware/image")).arg(&changed).arg(&path);
        let ended = run(command.args(["--counter", &counter.to_string()]))?;
        ensure!(ended.code == 0, "firmware/image: {}{}", ended.stdout, ended.stderr);
        let image = Image { bytes: fs::read(&path)?, path, counter, software };
        ensure!(ended.stdout.contains(&hex::encode(image.hash())), "another hash is shown: {}", ended.stdout);
        Ok(image)
    }

    /// The command that updates the node of a rig.
    fn update(&self, rig: &Rig, image: &Image, vouched: [&str; 2]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(Path::new(ROOT).join("tests/firmware/node.py"));
        command.args([rig.board.port.to_string(), rig.board.plant.to_string(), "update".to_owned()]);
        command.arg(&image.path).args(vouched).args(["--within", &UPDATED_WITHIN.as_secs().to_string()]);
        command
    }
}

/// Where in an ELF file lies what is loaded to an address.
fn loaded(elf: &[u8], address: u32) -> Result<usize> {
    let word = |at: usize| -> Result<u32> { Ok(u32::from_le_bytes(elf[at..at + 4].try_into()?)) };
    let (table, count) = (word(28)? as usize, word(42)? >> 16);
    for row in 0..count as usize {
        let at = table + 32 * row;
        let (kind, offset, place, length) = (word(at)?, word(at + 4)?, word(at + 12)?, word(at + 16)?);
        if kind == 1 && (place..place + length).contains(&address) {
            return Ok((offset + address - place) as usize);
        }
    }
    bail!("nothing is loaded to {address:#x}")
}

/// What a node says of its software.
#[derive(Debug, PartialEq, Eq)]
struct Runs {
    stage: u16,
    in_force: u32,
    hash: Vec<u8>,
    software: String,
}

impl Runs {
    fn read(client: &mut Client) -> Result<Self> {
        let bytes = |words: &[u16]| words.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<u8>>();
        let progress = client.read(4, 0x0070, 8)?;
        let identity = bytes(&client.read(4, 0x0084, 32)?);
        let (hash, software) = identity.split_at(32);
        let software = String::from_utf8_lossy(software).trim_end_matches('\0').to_owned();
        Ok(Self { stage: progress[0], in_force: double(&progress, 3), hash: hash.to_vec(), software })
    }

    /// Whether it is this image, under this security counter, and for good.
    fn is(rig: &Rig, image: &Image, in_force: u32) -> Result<Self> {
        let mut client = rig.client()?;
        let runs = until("the image for good", WITHIN, || {
            let runs = Self::read(&mut client).ok()?;
            (runs.hash != image.hash() || runs.in_force == in_force).then_some(runs)
        })?;
        ensure!(runs.hash == image.hash() && runs.software == image.software, "{runs:?} runs");
        ensure!(runs.in_force == in_force, "security counter {} instead of {in_force}", runs.in_force);
        Ok(runs)
    }
}

/// A centre that has the node's key.
fn centre(dir: &Path) -> Result<PathBuf> {
    let stand = Stand::new(dir)?;
    let config = Collector::configure(&stand, "mqtt://127.0.0.1:1", "")?;
    fs::write(&config, fs::read_to_string(&config)? + "[nodes]\nfile = \"nodes.toml\"\n")?;
    let key = dir.join("node.key");
    fs::write(&key, hex::encode(KEY))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut command = own("tidewaiter-collector")?;
    command.args(["nodes", "add", "--site", "yantian", "--agent", "gate-07", "--instrument", "node-1"]);
    command.args(["--serial", std::str::from_utf8(&SERIAL)?, "--key"]).arg(&key).arg("--config").arg(&config);
    let ended = run(&mut command)?;
    ensure!(ended.code == 0, "nodes add: {}{}", ended.stdout, ended.stderr);
    Ok(config)
}

/// The centre's order for an image: its MAC.
fn order(config: &Path, image: &Image) -> Result<String> {
    let (path, config) = (image.path.display().to_string(), config.display().to_string());
    let ended = run_own(
        "tidewaiter-collector",
        [
            "nodes",
            "authorise-update",
            &path,
            "--agent",
            "gate-07",
            "--instrument",
            "node-1",
            "--json",
            "--config",
            &config,
        ],
    )?;
    ensure!(ended.code == 0, "authorise-update: {}{}", ended.stdout, ended.stderr);
    let said: Value = serde_json::from_str(&ended.stdout)?;
    ensure!(said["length"] == image.bytes.len() && said["security_counter"] == image.counter, "{said}");
    ensure!(said["sha256"] == hex::encode(image.hash()), "{said}");
    Ok(said["mac"].as_str().context("no MAC")?.to_owned())
}

pub(super) fn whole() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let Some(shop) = Workshop::open(dir.path())? else { return Ok(()) };
    let (old, new) = (shop.image('0', 1, false)?, shop.image('1', 2, false)?);
    let config = centre(&dir.path().join("centre"))?;
    let Some(rig) = Rig::with_flash(&dir.path().join("board"), &shop.loader, &old.path)? else { return Ok(()) };
    Runs::is(&rig, &old, 1)?;
    let key = hex::encode(KEY);
    let updated = |image: &Image, vouched: [&str; 2]| -> Result<(String, Duration)> {
        let begun = Instant::now();
        let ended = run(&mut shop.update(&rig, image, vouched))?;
        let last = ended.stdout.lines().last().unwrap_or_default().to_owned();
        ensure!((ended.code == 0) == (last == "it runs"), "{}: {}{}", ended.code, ended.stdout, ended.stderr);
        Ok((last, begun.elapsed()))
    };

    let (said, took) = updated(&new, ["--mac", &order(&config, &new)?])?;
    ensure!(said == "it runs", "{said}; {}", rig.board.tail());
    Runs::is(&rig, &new, 2)?;
    let bytes = new.bytes.len();
    tell(&format!("node update: {bytes} bytes in windows, swapped, tried and kept in {} ms", took.as_millis()));

    // An older one is refused before it is hashed, and so is one that nobody vouched for.
    let (said, _) = updated(&old, ["--key", &key])?;
    ensure!(said.contains("security counter 1 where 2 is in force"), "{said}");
    let kept = shop.image('2', 3, false)?;
    let (said, _) = updated(&kept, ["--key", &"00".repeat(32)])?;
    ensure!(said == "refused", "{said}");
    Runs::is(&rig, &new, 2)?;

    // The same with the right order, and a reset before anybody asked it anything: the old one comes back.
    let mac = hex::decode(order(&config, &kept)?)?;
    let length = u32::try_from(kept.bytes.len())?;
    let words = to_words(&[&length.to_be_bytes()[..], &kept.counter.to_be_bytes(), &mac].concat());
    let started = |image: &Image| rig.board.log().matches(&image.logged()).count();
    let before = started(&new);
    let mut client = rig.client()?;
    ensure!(matches!(client.write(0x0180, &words)?, Reply::Bytes(_)), "the order is refused");
    drop(client);
    until("the new image on trial", WITHIN, || (started(&kept) == 1).then_some(()))
        .with_context(|| format!("{} awaited; {}", kept.logged(), rig.board.tail()))?;
    let mut rig = rig;
    rig.board.reset()?;
    let started = |image: &Image| rig.board.log().matches(&image.logged()).count();
    until("the old image again", WITHIN, || (started(&new) == before + 1).then_some(()))?;
    Runs::is(&rig, &new, 2)?;

    // One that hangs is reset by the watchdog and left.
    let hangs = shop.image('3', 3, true)?;
    let ended = run(&mut shop.update(&rig, &hangs, ["--key", &key]))?;
    ensure!(ended.stdout.ends_with("left again\n"), "{}{}", ended.stdout, ended.stderr);
    let runs = Runs::is(&rig, &new, 2)?;
    ensure!(runs.stage != IDLE, "what was left is still there, and is not forgotten");
    let last = shop.image('4', 3, false)?;
    let ended = run(&mut shop.update(&rig, &last, ["--key", &key]))?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    Runs::is(&rig, &last, 3)?;
    tell(
        "node update: refused below the counter and without the centre's word; left after a reset on trial and a hang",
    );
    rig.cut()
}

/// Where the loader's state lies in the flash: two halves, each a unit, that take turns (firmware/app/src/update/twin.rs).
const STATE: usize = 0x1_5000;
const UNIT: usize = 0x1000;
/// Steps of a swap, and of a swap back: two for each unit of the active partition.
const STEPS: usize = 20;

/// Whether a swap, or one back, has been begun and not ended: by the words of embassy-boot's state.
fn is_swapping(rig: &Rig) -> Result<bool> {
    let flash = rig.board.flash(STATE + 2 * UNIT)?;
    let halves = flash[STATE..].chunks(UNIT).filter_map(|half| {
        let mark: [u8; 8] = half[UNIT - 8..].try_into().ok()?;
        let mark = u64::from_be_bytes(mark);
        let (generation, complement) = (mark >> 32, mark & 0xFFFF_FFFF);
        (generation ^ complement == 0xFFFF_FFFF).then_some((generation, half))
    });
    let Some((_, half)) = halves.max_by_key(|(generation, _)| *generation) else { return Ok(false) };
    let done = half[8..].chunks(4).take_while(|word| !word.contains(&0xFF)).count();
    Ok(half[..4] == [0xF0; 4] && done != 0 && done != STEPS && done < 2 * STEPS)
}

pub(super) fn cuts() -> Result<()> {
    let _alone = alone();
    let seed = seed();
    tell(&format!("node update cuts: seed {seed}"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir()?;
    let Some(shop) = Workshop::open(dir.path())? else { return Ok(()) };
    let old = shop.image('0', 1, false)?;
    let Some(mut rig) = Rig::with_flash(&dir.path().join("board"), &shop.loader, &old.path)? else { return Ok(()) };
    let key = hex::encode(KEY);
    // Cuts among the windows, in the swap, and elsewhere after the order.
    let (mut among, mut within, mut beside, mut left, mut updates) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    while updates < 3 || within < 3 && updates < 12 {
        updates += 1;
        let new = shop.image(char::from_digit(updates % 10, 10).context("a digit")?, 1 + updates, false)?;
        let said = dir.path().join(format!("update-{updates}.out"));
        let mut command = shop.update(&rig, &new, ["--key", &key]);
        let mut client = Program::start(&mut command, &said.with_extension("log"))?;
        let said = || fs::read_to_string(&said).unwrap_or_default();
        for _ in 0..chance.random_range(1..3) {
            let lines = said().lines().count() + chance.random_range(1..4);
            until("windows", WITHIN, || (said().lines().count() >= lines || said().contains("marked")).then_some(()))?;
            thread::sleep(Duration::from_micros(chance.random_range(0..200_000)));
            rig.cut()?;
            among += 1;
            rig.power()?;
        }
        until("the order taken", UPDATED_WITHIN, || {
            (said().contains("marked") || said().contains("on trial") || !client.is_alive()).then_some(())
        })?;
        // What the loader does is seen in the file of the flash, while it does it.
        for _ in 0..chance.random_range(1..4) {
            let begun = Instant::now();
            while !is_swapping(&rig)? && begun.elapsed() < SWAPS_WITHIN && client.is_alive() {
                thread::sleep(Duration::from_millis(2));
            }
            thread::sleep(Duration::from_micros(chance.random_range(0..200_000)));
            rig.cut()?;
            *if is_swapping(&rig)? { &mut within } else { &mut beside } += 1;
            rig.power()?;
        }
        let begun = Instant::now();
        loop {
            until("the end of the update", UPDATED_WITHIN, || (!client.is_alive()).then_some(()))?;
            if said().ends_with("it runs\n") {
                break;
            }
            // A cut on trial brings the old one back; it comes in again.
            ensure!(said().ends_with("left again\n"), "{}\n{}", said(), rig.board.tail());
            ensure!(begun.elapsed() < UPDATED_WITHIN, "no end: {}", said());
            left += 1;
            client = Program::start(&mut command, &dir.path().join(format!("update-{updates}.log")))?;
        }
        Runs::is(&rig, &new, new.counter)?;
    }
    tell(&format!(
        "node update: {updates} updates through {} power cuts: {among} among the windows, {within} in the middle of a swap, \
         {beside} beside it; {left} left and brought in again",
        among + within + beside
    ));
    ensure!(within >= 3, "{within} cuts fell into a swap");
    rig.cut()
}
