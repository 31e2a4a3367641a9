//! A browser: Chromium without a window, driven by `WebDriver`, with a profile of its own.
//!
//! Invariants: the browser, its driver and its profile end with the process that started them, also when that panics or
//! is killed; pages of other hosts are not asked for anything.

mod programs;

use crate::environment::{self, Reason};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use programs::Driver;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a page may take to come before the test fails.
const LIMIT: Duration = Duration::from_secs(20);

/// One browser with one page open. It ends when this is dropped.
pub struct Browser {
    client: Client,
    driver: Driver,
}

/// What axe-core found wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, such as `color-contrast`.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// The places, as they stand in the page.
    pub places: Vec<String>,
}

impl Browser {
    /// A browser, or none where no Chromium is installed and tests in one may be left out; says so once. Panics where
    /// [`environment::REQUIRE`] names `chromium`.
    pub async fn unless_left_out() -> Option<Self> {
        match programs::find() {
            Ok(programs) => Some(Self::start(&programs).await),
            Err(reason) => {
                environment::leave_out("chromium", "every test in a browser", &reason);
                None
            }
        }
    }

    async fn start(programs: &programs::Programs) -> Self {
        let driver = Driver::start(programs).unwrap_or_else(|reason| panic!("no browser: {reason}"));
        let capabilities = json!({
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": programs.browser, "args": programs::arguments(driver.folder())},
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("an object was written down");
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = builder
            .connect(driver.url())
            .await
            .unwrap_or_else(|error| panic!("no session with the browser: {error}"));
        Self { client, driver }
    }

    /// Where its profile is, and nothing else.
    pub fn folder(&self) -> &Path {
        self.driver.folder()
    }

    /// The process id of its driver.
    pub fn process_id(&self) -> u32 {
        self.driver.process_id()
    }

    /// Goes to a page and waits until it is there.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("a page");
    }

    /// Whether pages may run scripts.
    pub async fn allow_scripts(&self, allowed: bool) {
        let parameters = json!({"value": !allowed});
        self.devtools("Emulation.setScriptExecutionDisabled", parameters)
            .await;
    }

    /// Runs a script in every page and frame that is opened from now on, before anything of theirs.
    pub async fn before_each_page(&self, script: &str) {
        let parameters = json!({"source": script});
        self.devtools("Page.addScriptToEvaluateOnNewDocument", parameters)
            .await;
    }

    /// Shows pages as a window of this size does, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        let parameters =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", parameters)
            .await;
    }

    /// Shows pages as to somebody who prefers dark ones, or light ones.
    pub async fn prefer_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Types a text into the field of that name, in place of what is there.
    pub async fn fill(&self, name: &str, text: &str) {
        let selector = format!("input[name='{name}']");
        let field = self.find(&selector).await;
        field.clear().await.expect("an empty field");
        field.send_keys(text).await.expect("a text in the field");
    }

    /// Presses the button of the page's form, and waits for the page that comes of it.
    pub async fn send(&self) {
        let button = self.find("form button").await;
        button.click().await.expect("a press");
        let started = Instant::now();
        // The button goes with its page.
        while button.tag_name().await.is_ok() {
            assert!(
                started.elapsed() < LIMIT,
                "nothing came of the form:\n{}",
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn find(&self, selector: &str) -> fantoccini::elements::Element {
        match self.client.find(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("no {selector} in the page ({error}):\n{}", self.text().await),
        }
    }

    /// Whether something of the page fits the CSS selector.
    pub async fn has(&self, selector: &str) -> bool {
        let found = self.client.find_all(Locator::Css(selector)).await;
        !found.expect("an answer").is_empty()
    }

    /// What the title says.
    pub async fn title(&self) -> String {
        self.client.title().await.expect("a title")
    }

    /// What a person reads.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("a body");
        body.text().await.expect("a text")
    }

    /// The page as it stands in memory.
    pub async fn source(&self) -> String {
        self.client.source().await.expect("a source")
    }

    /// What a script of the test's own gives back.
    pub async fn evaluate(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("a value")
    }

    /// Writes a picture of the page, for a person to look at.
    pub async fn picture(&self, file: &Path) {
        let picture = self.client.screenshot().await.expect("a picture");
        std::fs::write(file, picture).expect("a file");
    }

    /// What the browser complained of since this was asked last.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", json!({"type": "browser"})).await;
        let entries = log.as_array().cloned().unwrap_or_default();
        let grave = |entry: &&Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        entries.iter().filter(grave).map(ToString::to_string).collect()
    }

    async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        self.command("goog/cdp/execute", body).await
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        let command = Extension { path, body };
        match self.client.issue_cmd(command).await {
            Ok(value) => value,
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

/// A command that Chromium's driver has beside those of the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// axe-core, a program that looks for what keeps people from using a page.
pub struct Axe {
    source: String,
}

impl Axe {
    /// The program, or none where it is missing and may be left out; says so once. Panics where
    /// [`environment::REQUIRE`] names `axe`.
    pub fn unless_left_out() -> Option<Self> {
        let file = environment::axe_file().unwrap_or_else(|| {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/axe-core/axe.min.js")
        });
        match std::fs::read_to_string(&file) {
            Ok(source) => Some(Self { source }),
            Err(error) => {
                let reason = Reason(format!(
                    "{}: {error}; .ci/run fetches it, and {} may name it",
                    file.display(),
                    environment::AXE
                ));
                environment::leave_out("axe", "the search of pages for barriers", &reason);
                None
            }
        }
    }

    /// What is wrong with the page that is open. It must be allowed to run scripts.
    pub async fn violations(&self, browser: &Browser) -> Vec<Violation> {
        const RUN: &str = "const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations'], preload: false})
               .then(found => done({violations: found.violations, passed: found.passes.length}),
                     error => done({error: String(error)}));";
        browser.evaluate(&self.source).await;
        let found = browser.client.execute_async(RUN, Vec::new()).await;
        let found = found.expect("what axe found");
        // A page on which no rule at all was looked at would be without violations too.
        assert!(
            found["passed"].as_u64().is_some_and(|passed| passed > 5),
            "{found}"
        );
        let violations = found["violations"].as_array().expect("a list");
        violations.iter().map(Violation::read).collect()
    }
}

impl Violation {
    fn read(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nodes = value["nodes"].as_array().into_iter().flatten();
        Self {
            rule: text(&value["id"]),
            impact: text(&value["impact"]),
            places: nodes.map(|node| text(&node["html"])).collect(),
        }
    }

    /// Whether it keeps people out, rather than being a nuisance.
    pub fn is_grave(&self) -> bool {
        matches!(self.impact.as_str(), "serious" | "critical")
    }
}
