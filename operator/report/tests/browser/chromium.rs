//! Chromium without a window, driven over its debugging pipe: messages of JSON, each ended by a zero byte.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::text;

/// A way to look at a page.
pub struct View {
    pub name: &'static str,
    pub width: u64,
    pub is_dark: bool,
    pub media: &'static str,
}

pub struct Browser {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    sent: u64,
    /// The page that is open.
    target: Option<Value>,
    /// What happened since the last page was opened.
    events: Vec<Value>,
}

/// A page that is open.
pub struct Page<'b> {
    browser: &'b mut Browser,
    session: String,
}

impl Browser {
    pub fn start() -> Self {
        // The pipe is to be at the descriptors 3 and 4.
        let options = "--headless --no-sandbox --disable-gpu --hide-scrollbars --remote-debugging-pipe --no-first-run";
        let script = format!("exec chromium {options} 3<&0 4>&1 < /dev/null > /dev/null");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = shell.spawn().unwrap();
        let (orders, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, orders, answers, sent: 0, target: None, events: vec![] }
    }

    /// Opens a page, and waits until all of it is there.
    pub fn open(&mut self, path: &Path, view: &View) -> Page<'_> {
        if let Some(before) = self.target.take() {
            self.call("", "Target.closeTarget", &json!({ "targetId": before }));
        }
        self.events.clear();
        let target = self.call("", "Target.createTarget", &json!({"url": "about:blank"}));
        self.target = Some(target["targetId"].clone());
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = text(&self.call("", "Target.attachToTarget", &target), "/sessionId");
        let mut page = Page { browser: self, session };
        let scheme = if view.is_dark { "dark" } else { "light" };
        let media = json!({"media": view.media, "features": [{"name": "prefers-color-scheme", "value": scheme}]});
        let size = json!({"width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": view.width < 500});
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.call("Emulation.setEmulatedMedia", &media);
        page.call("Emulation.setDeviceMetricsOverride", &size);
        page.call("Page.navigate", &json!({"url": format!("file://{}", path.display())}));
        while !page.browser.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = page.browser.receive();
            page.browser.events.push(event);
        }
        page
    }

    fn call(&mut self, session: &str, method: &str, params: &Value) -> Value {
        self.sent += 1;
        let mut order = json!({"id": self.sent, "method": method, "params": params});
        if !session.is_empty() {
            order["sessionId"] = json!(session);
        }
        self.orders.write_all(order.to_string().as_bytes()).unwrap();
        self.orders.write_all(&[0]).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == json!(self.sent) {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        let mut message = vec![];
        self.answers.read_until(0, &mut message).unwrap();
        assert_eq!(message.pop(), Some(0), "Chromium is missing or has ended; `make test-reports` installs it");
        serde_json::from_slice(&message).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Page<'_> {
    fn call(&mut self, method: &str, params: &Value) -> Value {
        let session = self.session.clone();
        self.browser.call(&session, method, params)
    }

    /// The value of an expression.
    pub fn ask(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true}));
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// What the page complained of: on the console, in the log, by a dialog.
    pub fn complaints(&self) -> Vec<String> {
        let methods =
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"];
        self.events(&methods).map(Value::to_string).collect()
    }

    /// What the page asked for, but for what it holds itself.
    pub fn requests(&self) -> Vec<String> {
        let urls = self.events(&["Network.requestWillBeSent"]).map(|event| text(event, "/params/request/url"));
        urls.filter(|url| !url.starts_with("data:")).collect()
    }

    fn events<'e>(&'e self, methods: &'e [&str]) -> impl Iterator<Item = &'e Value> {
        let of_page = self.browser.events.iter().filter(|event| event["sessionId"] == json!(self.session));
        of_page.filter(|event| methods.contains(&event["method"].as_str().unwrap_or_default()))
    }

    /// The names of its plots, as those hear them who can't see them, with their descriptions.
    pub fn plots(&mut self) -> Vec<String> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let plots = nodes.filter(|node| matches!(text(node, "/role/value").as_str(), "image" | "img"));
        plots.map(|node| text(node, "/name/value")).collect()
    }

    /// A picture of the whole page.
    pub fn picture(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true}));
        STANDARD.decode(text(&answer, "/data")).unwrap()
    }
}
