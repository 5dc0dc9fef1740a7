//! The scripts and the style sheet of the page, and the policy that lets in nothing else.
//!
//! The scripts are ES modules, one purpose each. The page has them as one: in the order of [`MODULES`], without their
//! `import` lines and `export` words, within one module of its own. Names at the top of a module are therefore unique
//! over all of them, which a test checks.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        /// Every module, each after those that it imports.
        const MODULES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../assets/page/", $name, ".js")))),+];
    };
}

modules! {
    "dom", "format", "colours", "frame", "state", "source", "selection", "profile", "chart", "tree", "formats", "drawing",
    "waterfall", "explorer", "flame", "differences", "filters", "tables", "seconds", "keys", "theme", "main",
}

const UPLOT: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");
const UPLOT_LICENCE: &str = include_str!("../../assets/uplot/LICENSE");
const STYLES: [&str; 2] =
    [include_str!("../../assets/uplot/uPlot.min.css"), include_str!("../../assets/page/page.css")];

/// The scripts of the page.
pub(crate) fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let mut text = format!("/*! uPlot (https://github.com/leeoniya/uPlot)\n{UPLOT_LICENCE}*/\n{UPLOT}\n");
        text.push_str("(() => {\n\"use strict\";\n");
        for (_, module) in MODULES {
            for line in module.lines().filter(|line| !line.starts_with("import ") && !line.starts_with("// ")) {
                text.push_str(line.strip_prefix("export ").unwrap_or(line));
                text.push('\n');
            }
        }
        text.push_str("})();\n");
        text
    })
}

/// The style sheet of the page.
pub(crate) fn style() -> &'static str {
    static STYLE: OnceLock<String> = OnceLock::new();
    STYLE.get_or_init(|| STYLES.join("\n"))
}

/// The content security policy of the page: its own script and style by their hashes, and nothing from elsewhere. A
/// served page may also ask the server that it came from.
pub fn policy(served: bool) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let connect = if served { "connect-src 'self'; " } else { "" };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; {connect}base-uri 'none'; form-action 'none'",
        hash(script()),
        hash(style()),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_scripts_end_no_block_of_the_page_and_import_nothing() {
        for forbidden in ["</script", "<!--", "\nimport ", "\nexport ", "import("] {
            assert!(!script().contains(forbidden), "{forbidden:?}");
        }
        assert!(!style().contains("</style") && !style().contains("@import") && !style().contains("url("));
    }

    #[test]
    fn names_at_the_top_of_the_modules_are_unique() {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (module, text) in MODULES {
            for line in text.lines() {
                let line = line.strip_prefix("export ").unwrap_or(line);
                let line = line.strip_prefix("async ").unwrap_or(line);
                let word =
                    ["function ", "const ", "let ", "class "].into_iter().find_map(|word| line.strip_prefix(word));
                let Some(rest) = word else { continue };
                let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                if let Some(other) = seen.insert(name, module) {
                    panic!("{name} is in {other}.js and in {module}.js");
                }
            }
        }
    }

    #[test]
    fn what_a_module_imports_stands_before_it() {
        for (place, (module, text)) in MODULES.iter().enumerate() {
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let from =
                    line.split("\"./").nth(1).and_then(|rest| rest.split(".js").next()).expect("a relative import");
                let found = MODULES.iter().position(|(name, _)| *name == from);
                assert!(found.is_some_and(|found| found < place), "{module}.js imports {from}.js");
            }
        }
    }
}
