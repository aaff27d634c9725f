//! Every page in Chromium: light, dark, on a phone and on paper. Nothing is asked of the network or said on the console,
//! nothing is wider than the page, every plot has a name, and all text can be read. The pictures are kept, to be looked at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../reports/given.rs"]
mod given;
#[path = "../reports/pages.rs"]
mod pages;

mod chromium;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use chromium::{Browser, View};
use retrylab_report::{Entry, html, index, markdown, not_found};
use serde_json::{Value, json};

/// How the pages are looked at.
const VIEWS: [View; 4] = [
    View { name: "light", width: 1_100, is_dark: false, media: "screen" },
    View { name: "dark", width: 1_100, is_dark: true, media: "screen" },
    View { name: "narrow", width: 360, is_dark: false, media: "screen" },
    View { name: "paper", width: 720, is_dark: true, media: "print" },
];

/// The least contrast of text: WCAG 2.2, AA.
const CONTRAST_MIN: f64 = 4.5;

/// Texts whose contrast with what is behind them is too low, with the contrast.
const CONTRASTS: &str = include_str!("contrasts.js");

#[test]
fn every_page_is_whole_quiet_and_legible_in_every_view() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports");
    fs::create_dir_all(&folder).unwrap();
    write_pages(&folder);
    let mut browser = Browser::start();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        for view in &VIEWS {
            let place = format!("{} {}", path.file_stem().unwrap().display(), view.name);
            let mut page = browser.open(&path, view);
            assert_eq!(page.complaints(), Vec::<String>::new(), "{place}");
            assert_eq!(page.requests(), [format!("file://{}", path.display())], "{place}");
            let width = page.ask("document.documentElement.scrollWidth");
            assert!(width.as_u64().unwrap() <= view.width, "{place} is {width} wide");
            assert_eq!(page.ask("document.images.length + document.scripts.length"), json!(0), "{place}");
            let low = page.ask(&format!("({CONTRASTS})({CONTRAST_MIN})"));
            assert_eq!(low, json!([]), "{place}: contrast below {CONTRAST_MIN}");
            let nameless = page.plots().into_iter().filter(String::is_empty).count();
            assert_eq!(nameless, 0, "{place}: plots without a name");
            fs::write(path.with_extension(format!("{}.png", view.name)), page.picture()).unwrap();
        }
        seen += 1;
    }
    assert_eq!(seen, pages::pages().len() + 3);
    println!("{seen} pages in {} views: {}", VIEWS.len(), folder.display());
}

#[test]
fn a_timeline_says_in_words_what_it_shows() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("words");
    fs::create_dir_all(&folder).unwrap();
    let report = given::report(given::sample("comparison"));
    let path = folder.join("comparison.html");
    fs::write(&path, html(&report)).unwrap();
    let mut browser = Browser::start();
    let plots = browser.open(&path, &VIEWS[0]).plots();
    for arm in ["naive", "backoff", "jitter"] {
        assert!(plots.contains(&format!("Attempts and goodput of the arm {arm} over time")), "{plots:?}");
        let timeline = plots.iter().find(|name| name.starts_with(&format!("Timeline of the arm {arm}"))).unwrap();
        let attempts: u64 = report.series_of(arm).unwrap().attempts.iter().sum();
        assert!(timeline.contains(&format!("{attempts} attempts were sent")), "{timeline}");
    }
}

/// Writes every page, and the lists of all and of none.
fn write_pages(folder: &Path) {
    let mut entries = vec![];
    for (name, report) in pages::pages() {
        fs::write(folder.join(format!("{name}.html")), html(&report)).unwrap();
        fs::write(folder.join(format!("{name}.md")), markdown(&report)).unwrap();
        entries.push(Entry { namespace: "default".into(), name: name.into(), age: "5m".into(), status: report.status });
    }
    fs::write(folder.join("index.html"), index(&entries, 1_234)).unwrap();
    fs::write(folder.join("none.html"), index(&[], 0)).unwrap();
    fs::write(folder.join("not-found.html"), not_found("/reports/lab/<nothing>")).unwrap();
}

/// What is at a place in an answer, as text.
fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
