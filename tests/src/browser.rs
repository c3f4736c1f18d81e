//! A real browser without a window: Chromium, driven by its own driver.

use std::{fs, process::Command};

use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, WebElement,
    error::WebDriverResult,
};
use tokio::runtime::{Builder, Runtime};

use crate::{eventually, process::Process, tool};

/// A browser with one page, and a profile of its own.
pub struct Browser {
    runtime: Runtime,
    driver: Option<WebDriver>,
    // Ends after the browser.
    _service: Process,
}

/// What the page, the browser or a policy complained of.
pub type Complaints = Vec<String>;

impl Browser {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let service = Process::start(Command::new("chromedriver").arg("--port=0"));
        let port = service.stdout.find(|line| {
            Some(line.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let started = runtime.block_on(async {
            let mut wanted = DesiredCapabilities::chrome();
            // As root there is no sandbox; the machines of tests have neither a graphics card nor much of /dev/shm.
            for flag in [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ] {
                wanted.add_arg(flag)?;
            }
            wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
            WebDriver::new(&format!("http://127.0.0.1:{port}"), wanted).await
        });
        let driver = started.unwrap_or_else(|error| panic!("no browser: {error}\n{}", service.stderr));
        Self { runtime, driver: Some(driver), _service: service }
    }

    /// Does something with the driver itself.
    ///
    /// # Panics
    /// If the driver refuses.
    pub fn with<T>(&self, act: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<T>) -> T {
        let driver = self.driver.as_ref().expect("the browser runs until it is dropped");
        self.runtime.block_on(act(driver)).unwrap_or_else(|error| panic!("the browser refuses: {error}"))
    }

    /// Opens a page, and waits until it is loaded.
    pub fn open(&self, address: &str, path: &str) {
        self.with(async |driver| driver.goto(format!("http://{address}{path}")).await);
    }

    /// The value of an expression on the page. A policy of the page does not hold for it.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), &[])
    }

    /// Runs a script on the page, and returns what it returns.
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.with(async |driver| Ok(driver.execute(script, args.to_vec()).await?.json().clone()))
    }

    /// Waits until an expression on the page is true.
    ///
    /// # Panics
    /// If it never is: with what the page says then.
    pub fn until(&self, expression: &str) {
        eventually(
            || (self.value(expression) == true).then_some(()),
            || format!("{expression} is not true of\n{}", self.value("document.body.innerText")),
        );
    }

    /// The texts of all that a selector of CSS finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)",
            &[selector.into()],
        );
        texts.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Types into the element that a selector finds, or presses keys there.
    pub fn press(&self, selector: &str, keys: impl AsRef<str>) {
        self.with(async |driver| element(driver, selector).await?.send_keys(keys.as_ref()).await);
    }

    /// Presses a key wherever the focus is.
    pub fn key(&self, key: impl Into<char>) {
        let key = key.into();
        self.with(async |driver| driver.action_chain().send_keys(key.to_string()).perform().await);
    }

    /// Sends a command of the browser's own protocol.
    pub fn command(&self, method: &str, params: &Value) -> Value {
        self.with(async |driver| driver.cdp().send_raw(method, params).await)
    }

    /// Prefers `light` or `dark`, as the user's system does.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.command("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Makes the page as wide and as high as this.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// A picture of what is seen, as PNG.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        self.with(async |driver| driver.screenshot_as_png().await)
    }

    /// What has been complained of since the last time: errors of scripts, what a policy forbade, what did not load.
    #[must_use]
    pub fn complaints(&self) -> Complaints {
        let log = self.with(async |driver| driver.browser_log().await);
        log.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect()
    }

    /// What axe-core finds to be hard or impossible to use, by the rules of WCAG 2.2 A and AA and its own good practices.
    ///
    /// # Panics
    /// If axe-core itself fails.
    #[must_use]
    pub fn barriers(&self) -> Vec<String> {
        let axe = fs::read_to_string(tool("axe.min.js")).expect("axe-core can be read");
        self.run(&axe, &[]);
        let found = self.with(async |driver| {
            let script =
                "const done = arguments[0]; axe.run().then(done, (error) => done({ error: String(error) }))";
            Ok(driver.execute_async(script, vec![]).await?.json().clone())
        });
        assert!(
            found["passes"].as_array().is_some_and(|passes| passes.len() > 10),
            "axe-core looked at little: {found}"
        );
        let violations = found["violations"].as_array().into_iter().flatten();
        let each = violations.map(|one| {
            let nodes = one["nodes"].as_array().into_iter().flatten();
            let places: Vec<_> =
                nodes.map(|node| format!("{} {}", node["target"], node["failureSummary"])).collect();
            format!("{}: {}", one["id"], places.join("; "))
        });
        each.collect()
    }
}

async fn element(driver: &WebDriver, selector: &str) -> WebDriverResult<WebElement> {
    driver.find(By::Css(selector)).await
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser is the driver's child, and ends with its session.
        if let Some(driver) = self.driver.take()
            && let Err(error) = self.runtime.block_on(driver.quit())
        {
            eprintln!("the browser did not end: {error}");
        }
    }
}
