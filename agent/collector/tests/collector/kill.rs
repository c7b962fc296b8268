//! SIGKILL at any moment: what was receipted is there.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _};

use crate::{
    home::{Home, both, place_of},
    writer::{NOW, Writer, core_on, sort},
};

const STORE: &str = "TIDEWAITER_TEST_STORE";

/// Records offered to a child before it ends by itself.
const OFFERED: usize = 2_000;

#[test]
#[ignore = "the child process of the test below"]
fn child() {
    let place = place_of(&std::env::var(STORE).unwrap());
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(place.open().unwrap(), &[&agent]);
    let mut stdout = std::io::stdout();
    for sealed in agent.events(OFFERED) {
        for (upto, _) in sort(core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap(), &[&agent]).receipts {
            writeln!(stdout, "receipted {upto}").unwrap();
            stdout.flush().unwrap();
        }
    }
}

both!(a_killed_collector_has_every_record_it_receipted);

fn a_killed_collector_has_every_record_it_receipted(home: &Home) {
    let seed = 20_261_121;
    println!("seed {seed}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut highest = 0;
    for cycle in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--ignored", "--nocapture"])
            .env(STORE, home.text())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        // The first receipt shows that it is at work; then the kill comes at a random moment.
        let mut receipted = None;
        let number = |line: &str| line.split("receipted ").nth(1).and_then(|it| it.trim().parse::<u64>().ok());
        while receipted.is_none() {
            receipted = number(&lines.next().expect("the child receipts something").unwrap());
        }
        std::thread::sleep(Duration::from_micros(random.random_range(0..30_000)));
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            receipted = number(&line).or(receipted);
        }
        child.wait().unwrap();

        let store = home.open();
        let [outline] = store.outline().unwrap().try_into().unwrap();
        let receipted = receipted.unwrap();
        assert!(outline.next_seq > receipted, "cycle {cycle}: receipted {receipted}, stored {}", outline.next_seq);
        assert_eq!((outline.missing(), outline.waiting), (0, 0), "cycle {cycle}");
        assert!(outline.next_seq >= highest, "cycle {cycle}: went back from {highest} to {}", outline.next_seq);
        highest = outline.next_seq;
    }
    println!("12 kills, {highest} records stored");
}
