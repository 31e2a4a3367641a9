//! The README's tour, run as it is printed against a fresh server.

use crate::documents::text;
use crate::served::Served;
use serde_json::Value;
use std::process::Command;

/// The first shell block under the heading.
fn block_under<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, section) = text.split_once(heading).expect("the heading");
    let (_, block) = section.split_once("```sh\n").expect("a block");
    block.split_once("```").expect("its end").0
}

#[test]
fn the_tour_works_as_printed() {
    let readme = text("README.md");
    let script = block_under(&readme, "\n## A five-minute tour\n");
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path(), &[]);
    let output = Command::new("sh")
        .args(["-euc", script])
        .env("PODIUM", format!("http://{}", served.address))
        .output()
        .expect("there is a shell");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    let [event, first, second, third, place, cancelled, seats, after] = &answers[..] else {
        panic!("eight answers were expected: {printed}");
    };
    assert_eq!(
        (&event["status"], &event["capacity"]),
        (&"published".into(), &2.into())
    );
    assert_eq!(first["outcome"], "confirmed");
    assert_eq!(second["outcome"], "confirmed");
    assert_eq!(third["outcome"], "waitlisted");
    assert_eq!(third["waitlist_entry"]["position"], 1);
    assert_eq!(
        (&place["position"], &place["length"]),
        (&1.into(), &1.into()),
        "{place}"
    );
    assert_eq!(cancelled["promoted"], 1);
    assert_eq!(cancelled["registration"]["status"], "cancelled");
    assert_eq!(seats["items"][0]["status"], "confirmed");
    assert_eq!(seats["items"][0]["event_id"], event["id"]);
    assert_eq!(
        (&after["seats_taken"], &after["waitlist_length"]),
        (&2.into(), &0.into())
    );
}
