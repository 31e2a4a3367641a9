//! Mails that were written as files go with what they tell of.

use crate::pages::walk::forgot;
use crate::sending::post::eventually;
use crate::support::{set_verified, sql};
use chrono::TimeDelta;
use kernel::OutboxId;
use server::mail_files::{path_of, sweep};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use testkit::{Harness, HarnessOptions, Person, TestDatabase, on_both_databases};

on_both_databases! {
    the_mail_files_of_a_person_go_when_they_are_erased,
    a_sweep_takes_what_no_message_stands_behind,
}

/// A server that writes mails to the folder `mail` of this one.
async fn writing(database: TestDatabase, data: &Path) -> Harness {
    let options = HarnessOptions {
        environment: vec![
            ("PODIUM_WORKER__ENABLED", "true".to_owned()),
            ("PODIUM_DATA__DIR", data.display().to_string()),
        ],
        ..HarnessOptions::default()
    };
    Harness::start_with(database, options).await
}

async fn all_sent(harness: &Harness, count: i64) {
    eventually("mails", || async {
        harness.count("outbox WHERE status = 'done'").await == count
    })
    .await;
}

/// The files whose text names the address.
fn files_of(folder: &Path, person: &Person) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| {
            std::fs::read_to_string(path)
                .expect("a mail")
                .contains(&person.email)
        })
        .collect()
}

async fn the_mail_files_of_a_person_go_when_they_are_erased(database: TestDatabase) {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    let harness = writing(database, data.path()).await;
    let (person, other) = (harness.attendee("asha").await, harness.attendee("bela").await);
    set_verified(&harness, &person, true);
    forgot(&harness, &person.email).await;
    all_sent(&harness, 3).await;
    assert_eq!(files_of(&folder, &person).len(), 2);
    assert_eq!(files_of(&folder, &other).len(), 1);

    person.client.delete("/users/me").await.expect(204);
    assert_eq!(files_of(&folder, &person), Vec::<PathBuf>::new());
    assert_eq!(files_of(&folder, &other).len(), 1, "others keep theirs");
}

async fn a_sweep_takes_what_no_message_stands_behind(database: TestDatabase) {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("mail");
    let harness = writing(database, data.path()).await;
    // Where nothing was written yet, there is nothing to sweep.
    let now = SystemTime::now().into();
    let swept = sweep(harness.store(), &data.path().join("none"), now).await;
    assert_eq!(swept.expect("a sweep"), 0);

    let person = harness.attendee("asha").await;
    all_sent(&harness, 1).await;
    let [kept] = <[PathBuf; 1]>::try_from(files_of(&folder, &person)).expect("one mail");
    // More than are asked for at once.
    let ctx = harness.system();
    let orphans: Vec<PathBuf> = (0..650)
        .map(|_| path_of(&folder, ctx.new_id::<OutboxId>()))
        .collect();
    let unfinished = folder.join(format!(".{}.tmp", ctx.new_id::<OutboxId>()));
    let not_ours = [
        folder.join("notes.eml"),
        folder.join(".notes.tmp"),
        folder.join(format!("{}.txt", ctx.new_id::<OutboxId>())),
    ];
    for path in orphans.iter().chain(&not_ours).chain([&unfinished]) {
        std::fs::write(path, "left").expect("a file");
    }
    let swept = sweep(harness.store(), &folder, now).await;
    assert_eq!(swept.expect("a sweep"), orphans.len());
    assert!(orphans.iter().all(|path| !path.exists()));
    // One that may be just about to be written stays, for an hour.
    assert!(unfinished.exists() && kept.exists());
    let later = now + TimeDelta::minutes(61);
    assert_eq!(sweep(harness.store(), &folder, later).await.expect("a sweep"), 1);
    assert!(!unfinished.exists() && kept.exists());
    assert!(not_ours.iter().all(|path| path.exists()));

    // Also at the start of a server, and of a worker alone.
    sql(&harness, "DELETE FROM outbox");
    let again = harness.another_server().await;
    eventually("the sweep of a start", || async { !kept.exists() }).await;
    drop(again);
}
