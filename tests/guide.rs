//! The user guide, read as its reader reads it: every command of every page, in order, in an empty folder.
//!
//! A page's ```` ```console ```` blocks are typed; a here-document belongs to its command. What a reader does with the eyes stands
//! in the page as a comment that readers do not see:
//!
//! ```text
//! <!-- until: COMMAND | TEXT -->     COMMAND is repeated until it says TEXT
//! <!-- ends: PROGRAM -->             a program that was started earlier ends by itself
//! <!-- page: URL | TEXT -->          the page of the agent says TEXT
//! ```
//!
//! Installing is the package's own test; `cargo demo` is the demo's binary, since cargo runs already.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tidewaiter_tests::process::{alone, binary, free_port};

/// What stays until it is stopped, and so gets a terminal of its own.
const STAYS: [&str; 4] = ["tidewaiter run ", "tidewaiter-sim run ", "tidewaiter-collector run ", "mosquitto "];
/// Longest time for one command; the demo builds nothing and takes half a minute.
const WITHIN: Duration = Duration::from_secs(180);

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Type(String),
    Until(String, String),
    Ends(String),
    Page(String, String),
}

/// What a page asks for, in order.
fn steps(page: &str) -> Vec<Step> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    let mut typing = false;
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            typing = line == "```console";
        } else if let Some(text) = line.trim().strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->")) {
            let (what, rest) = text.split_once(": ").unwrap_or((text, ""));
            let (first, second) = rest.split_once(" | ").unwrap_or((rest, ""));
            found.push(match what {
                "until" => Step::Until(first.to_owned(), second.to_owned()),
                "ends" => Step::Ends(first.to_owned()),
                "page" => Step::Page(first.to_owned(), second.to_owned()),
                other => panic!("no such note: {other}"),
            });
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| typing) {
            let mut command = command.to_owned();
            if command.contains("<<'END'") {
                for line in lines.by_ref() {
                    command.push('\n');
                    command.push_str(line);
                    if line == "END" {
                        break;
                    }
                }
            }
            found.push(Step::Type(command));
        }
    }
    found
}

/// A program in a terminal of its own.
struct Staying {
    command: String,
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Staying {
    fn start(command: &str, shell: &mut Command) -> Self {
        let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let said = Arc::clone(&said);
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let mut said = said.lock().unwrap();
                    said.push_str(&line);
                    said.push('\n');
                }
            });
        }
        Self { command: command.to_owned(), child, said }
    }

    /// It has come up: it has said something, and nothing new for a moment.
    fn settle(&mut self) {
        let begun = Instant::now();
        let mut length = 0;
        loop {
            thread::sleep(Duration::from_millis(700));
            let now = self.said.lock().unwrap().len();
            if now > 0 && now == length || begun.elapsed() > Duration::from_secs(20) {
                break;
            }
            length = now;
        }
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} ended at once with {status}:\n{}", self.command, self.said.lock().unwrap());
        }
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::TERM);
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(15) {
                if self.child.try_wait().is_ok_and(|it| it.is_some()) {
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

struct Reader {
    dir: PathBuf,
    bin: PathBuf,
    broker_port: u16,
    staying: Vec<Staying>,
}

impl Reader {
    /// The command as it is run here.
    fn here(&self, command: &str) -> String {
        command
            .replace("cargo demo --", &format!("{} ", self.bin.join("tidewaiter-demo").display()))
            .replace("1883", &self.broker_port.to_string())
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        let path = format!("{}:{}:/usr/sbin", self.bin.display(), std::env::var("PATH").unwrap());
        shell.args(["-eo", "pipefail", "-c", &self.here(command)]);
        shell.current_dir(&self.dir).env("PATH", path).env("LANG", "en_US.UTF-8").stdin(Stdio::null());
        shell
    }

    fn run(&self, command: &str) -> (bool, String) {
        let mut child =
            self.shell(command).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        let group = Pid::from_child(&child);
        let (over, ended) = std::sync::mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            if ended.recv_timeout(WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        });
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        let status = child.wait().unwrap();
        drop(over);
        watch.join().unwrap();
        text.push_str(&errors.join().unwrap());
        (status.success(), text)
    }

    fn follow(&mut self, step: &Step) {
        match step {
            Step::Type(command) if command.starts_with("sudo apt install ") => {}
            Step::Type(command) if STAYS.iter().any(|it| command.starts_with(it)) => {
                let mut staying = Staying::start(command, &mut self.shell(command));
                staying.settle();
                self.staying.push(staying);
            }
            Step::Type(command) => {
                let (ok, said) = self.run(command);
                assert!(ok, "$ {command}\n{said}\n{}", self.others());
            }
            Step::Until(command, text) => {
                let begun = Instant::now();
                loop {
                    let (_, said) = self.run(command);
                    if said.contains(text.as_str()) {
                        break;
                    }
                    assert!(
                        begun.elapsed() < WITHIN,
                        "$ {command}\nnever said {text:?}, but\n{said}\n{}",
                        self.others()
                    );
                    thread::sleep(Duration::from_secs(2));
                }
            }
            Step::Ends(program) => {
                let staying = self.staying.iter_mut().find(|it| it.command.starts_with(program.as_str())).unwrap();
                let begun = Instant::now();
                while staying.child.try_wait().unwrap().is_none() {
                    assert!(begun.elapsed() < WITHIN, "{program} does not end");
                    thread::sleep(Duration::from_millis(200));
                }
            }
            Step::Page(url, text) => {
                let (ok, said) = self.run(&format!("curl --silent --show-error --fail '{url}'"));
                assert!(ok && said.contains(text.as_str()), "{url} does not say {text:?}:\n{said}");
            }
        }
    }

    /// What the programs in the other terminals have said.
    fn others(&self) -> String {
        let told = self.staying.iter().map(|it| format!("--- {}\n{}", it.command, it.said.lock().unwrap()));
        told.collect()
    }
}

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("agent/guide")
}

/// Types everything a page says. Both languages type the same, which [`both_languages_type_the_same`] holds them to.
fn read(page: &str) {
    let _alone = alone();
    let text = fs::read_to_string(guide().join("en").join(page)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bin = binary("tidewaiter").unwrap().parent().unwrap().to_owned();
    for program in ["tidewaiter-sim", "tidewaiter-collector", "tidewaiter-demo"] {
        binary(program).unwrap();
    }
    let mut reader = Reader { dir: dir.path().to_owned(), bin, broker_port: free_port().unwrap(), staying: Vec::new() };
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no command");
    for step in &steps {
        reader.follow(step);
    }
    // Last started, first stopped.
    while let Some(staying) = reader.staying.pop() {
        drop(staying);
    }
}

#[test]
fn laboratory_in_eight_commands() {
    let text = fs::read_to_string(guide().join("en/lab.md")).unwrap();
    let typed = steps(&text).iter().filter(|it| matches!(it, Step::Type(_))).count();
    assert!(typed <= 8, "{typed} commands from nothing to a verified record");
    read("lab.md");
}

#[test]
fn lane_page_of_the_guide() {
    read("lane.md");
}

#[test]
fn integrator_page_of_the_guide() {
    read("integrator.md");
}

#[test]
fn centre_page_of_the_guide() {
    read("centre.md");
}

#[test]
fn wiring_page_of_the_guide() {
    read("wiring.md");
}

#[test]
fn messages_page_of_the_guide() {
    read("messages.md");
}

#[test]
fn tables_page_of_the_guide() {
    read("tables.md");
}

#[test]
fn operations_page_of_the_guide() {
    read("operations.md");
}

#[test]
fn security_page_of_the_guide() {
    read("security.md");
}

/// Both languages have the same pages and type the same commands but for names and languages.
#[test]
fn both_languages_type_the_same() {
    let pages = |language: &str| {
        let mut names: Vec<_> =
            fs::read_dir(guide().join(language)).unwrap().map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(pages("en"), pages("zh-CN"));
    for page in pages("en") {
        let [en, zh] = ["en", "zh-CN"].map(|language| {
            let text = fs::read_to_string(guide().join(language).join(&page)).unwrap();
            let typed = steps(&text).into_iter().map(|step| match step {
                Step::Type(command) => Step::Type(
                    command
                        .lines()
                        .next()
                        .unwrap_or_default()
                        .replace("李娜", "Li Na")
                        .replace("--lang zh-CN", "--lang en"),
                ),
                // What is looked for is in the page's language.
                Step::Until(command, _) => Step::Until(command, String::new()),
                Step::Page(url, _) => Step::Page(url, String::new()),
                ends @ Step::Ends(_) => ends,
            });
            typed.collect::<Vec<_>>()
        });
        assert_eq!(en, zh, "{}", page.display());
    }
}

/// Every link of the guide leads to a file.
#[test]
fn links_of_the_guide_lead_somewhere() {
    let mut pages = vec![guide().join("README.md")];
    for language in ["en", "zh-CN"] {
        pages.extend(fs::read_dir(guide().join(language)).unwrap().map(|it| it.unwrap().path()));
    }
    let mut broken = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|it| it.split_once(')')).map(|(link, _)| link) {
            if !link.starts_with("http") && !page.parent().unwrap().join(link).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
