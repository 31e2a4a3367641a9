//! A browser goes with what started it, and leaves nothing behind.

use std::path::Path;
use std::time::{Duration, Instant};
use testkit::Browser;

#[tokio::test]
async fn a_browser_shows_a_page_and_leaves_nothing_behind() {
    let Some(browser) = Browser::unless_left_out().await else {
        return;
    };
    browser
        .open("data:text/html,<title>Hello</title><p>World</p>")
        .await;
    assert_eq!(
        (browser.title().await, browser.text().await),
        ("Hello".to_owned(), "World".to_owned())
    );
    let (folder, driver) = (browser.folder().to_owned(), browser.process_id());
    assert!(folder.join("profile").exists() && Path::new(&format!("/proc/{driver}")).exists());
    assert!(processes_with(&folder) > 0, "the browser runs with this profile");
    drop(browser);
    assert!(!folder.exists(), "the profile is left");
    assert!(
        !Path::new(&format!("/proc/{driver}")).exists(),
        "the driver still runs"
    );
    // They were told to end; on a machine that is busy the last of them takes a moment.
    let until = Instant::now() + Duration::from_secs(20);
    while processes_with(&folder) > 0 {
        assert!(Instant::now() < until, "the browser still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many processes were started with that folder.
fn processes_with(folder: &Path) -> usize {
    let folder = folder.to_str().expect("a name in UTF-8");
    let processes = std::fs::read_dir("/proc")
        .expect("processes")
        .filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(folder))
        .count()
}
