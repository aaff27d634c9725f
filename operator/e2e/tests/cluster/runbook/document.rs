//! The runbook as a document: its named blocks in their order, each with the output that is printed below it.

use std::collections::BTreeSet;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde::Deserialize;

/// One block that can be run.
pub struct Block {
    pub name: String,
    pub script: String,
    /// What the runbook prints below it; empty: it says nothing.
    pub output: String,
    /// Whether Runme leaves it out when it runs all blocks.
    pub is_left_out: bool,
}

/// What stands behind `sh` in the first line of a block, in Runme's words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    name: String,
    #[serde(default, rename = "excludeFromRunAll")]
    exclude_from_run_all: Option<String>,
}

/// The blocks of a document. A block of `text` is the output of the one before it. Each block of another kind, and one that has
/// no name or another's, is an error: the runbook shows nothing that isn't run or held against what was.
pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut names = BTreeSet::new();
    for (info, text) in fenced(document) {
        let (language, annotations) = info.split_once(' ').unwrap_or((&info, ""));
        match language {
            "sh" => {
                let annotations: Annotations =
                    serde_json::from_str(annotations).unwrap_or_else(|e| panic!("{e} in ```{info}"));
                assert!(names.insert(annotations.name.clone()), "two blocks are named {}", annotations.name);
                let is_left_out = annotations.exclude_from_run_all.is_some_and(|value| value == "true");
                blocks.push(Block { name: annotations.name, script: text, output: String::new(), is_left_out });
            }
            "text" => {
                let block = blocks.last_mut().expect("an output follows a block");
                assert!(block.output.is_empty(), "{} has two outputs", block.name);
                block.output = text;
            }
            _ => panic!("a block is sh or text, not '{info}'"),
        }
    }
    blocks
}

/// The first line and the text of each fenced block.
fn fenced(document: &str) -> Vec<(String, String)> {
    let mut fenced = Vec::new();
    let mut open: Option<(String, String)> = None;
    for event in Parser::new(document) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => open = Some((info.to_string(), String::new())),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => panic!("code in the runbook is fenced"),
            Event::Text(text) => {
                if let Some((_, block)) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => fenced.extend(open.take()),
            _ => {}
        }
    }
    fenced
}

#[test]
fn a_block_has_its_name_and_its_output() {
    let document = "# A\n\n```sh {\"name\":\"one\"}\necho 1\n```\n\nIt says:\n\n```text\n1\n```\n\n\
                    ```sh {\"name\":\"two\",\"excludeFromRunAll\":\"true\"}\ntrue\n```\n";
    let [one, two] = &blocks(document)[..] else { panic!("two blocks") };
    assert_eq!((&*one.name, &*one.script, &*one.output, one.is_left_out), ("one", "echo 1\n", "1\n", false));
    assert_eq!((&*two.name, &*two.script, &*two.output, two.is_left_out), ("two", "true\n", "", true));
}

#[test]
#[should_panic(expected = "two blocks are named one")]
fn a_name_is_given_once() {
    blocks("```sh {\"name\":\"one\"}\n```\n\n```sh {\"name\":\"one\"}\n```\n");
}

#[test]
#[should_panic(expected = "missing field `name`")]
fn every_block_has_a_name() {
    blocks("```sh {}\ntrue\n```\n");
}
