//! Headless Chromium, driven by WebDriver.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::recorder::Recorder;

/// How long to wait for something that the page has to show.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser whose every request goes through a [`Recorder`]; ends with this value.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(recorder: &Recorder) -> Self {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().unwrap();
        let capabilities = capabilities(recorder, &profile);
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromedriver starts Chromium");
        Self { client, driver, _profile: profile }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Clicks what the CSS selector finds first, once it is there.
    pub(crate) async fn click(&self, css: &str) {
        self.find(Locator::Css(css)).await.click().await.unwrap();
    }

    pub(crate) async fn click_xpath(&self, xpath: &str) {
        self.find(Locator::XPath(xpath)).await.click().await.unwrap();
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.find(Locator::Css(css)).await.send_keys(text).await.unwrap();
    }

    pub(crate) async fn text_xpath(&self, xpath: &str) -> String {
        self.find(Locator::XPath(xpath)).await.text().await.unwrap()
    }

    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(css)).await.unwrap() {
            texts.push(element.text().await.unwrap());
        }
        texts
    }

    pub(crate) async fn wait_for(&self, css: &str) {
        self.find(Locator::Css(css)).await;
    }

    /// What a script of the page answers: it hands the answer to the function that is its last argument.
    pub(crate) async fn ask(&self, script: &str, argument: &str) -> Value {
        self.client.execute_async(script, vec![json!(argument)]).await.unwrap()
    }

    /// Waits until an element that the selector finds shows this text.
    pub(crate) async fn wait_for_text(&self, css: &str, text: &str) {
        let xpath = format!("//*[contains(@class,'{}')][text()='{text}']", css.rsplit('.').next().unwrap());
        self.find(Locator::XPath(&xpath)).await;
    }

    /// Errors and refusals that the browser wrote into its console since the last call.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        entries.iter().filter(|entry| entry["level"] == "SEVERE").map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that pages asked for since the last call, those included that were blocked on the way.
    pub(crate) async fn requested(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let events =
            entries.iter().map(|entry| -> Value { serde_json::from_str(entry["message"].as_str().unwrap()).unwrap() });
        let requests = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        requests.map(|event| event["message"]["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    async fn log(&self, kind: &'static str) -> Vec<Value> {
        let Value::Array(entries) = self.client.issue_cmd(Log(kind)).await.unwrap() else { panic!("a log is a list") };
        entries
    }

    /// Keeps a picture of the page, from its top, under `target/screenshots/`.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.client.execute("window.scrollTo(0, 0)", Vec::new()).await.unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }

    async fn find(&self, locator: Locator<'_>) -> Element {
        match self.client.wait().at_most(PATIENCE).for_element(locator).await {
            Ok(element) => element,
            Err(error) => {
                self.screenshot("missing").await;
                panic!("{locator:?} did not come: {error}; target/screenshots/missing.png shows the page");
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium and its helpers are in the driver's group: when a test fails, nobody else ends them.
        let group = i32::try_from(self.driver.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.driver.wait();
    }
}

/// Starts chromedriver on a port of its choice.
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is not installed: run script/test, which installs it");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines
        .find_map(|line| line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok())
        .expect("chromedriver says on which port it listens");
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port)
}

fn capabilities(recorder: &Recorder, profile: &TempDir) -> Capabilities {
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-default-apps".to_owned(),
        "--window-size=1280,1500".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
        // Everything through the recorder, the loopback address as well.
        format!("--proxy-server=http://{}", recorder.address()),
        "--proxy-bypass-list=<-loopback>".to_owned(),
    ];
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    });
    let Value::Object(capabilities) = capabilities else { unreachable!("it is written as an object") };
    capabilities
}

/// One of Chromium's logs, by the command that chromedriver adds to WebDriver.
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": self.0 }).to_string()))
    }
}
