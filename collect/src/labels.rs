//! Labels from the names of BenchFaaS's result files.
//!
//! Its test scheduler names them `<test>_<parameter>_<nodes><pm|vm>.<size>.<network>_<campaign>`: the test's name may hold
//! `_`, so the name is split from the right; a missing parameter is `null`; the size of `pm` is `metal`; the campaign is
//! the start of a series of runs as `MMDD-HHMM`, without a year.

use std::collections::BTreeMap;

/// The labels that a name may give.
pub const NAMES: [&str; 6] = ["test", "parameter", "nodes", "hardware", "network", "campaign"];

/// Sizes of each device.
const SIZES: [(&str, &[&str]); 2] = [("pm", &["metal"]), ("vm", &["large", "medium", "small"])];

/// Network scenarios: local, cloud, and the worst, typical and best of an edge.
const NETWORKS: [&str; 5] = ["lcl", "cld", "bad", "typ", "opt"];

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameLabels {
    /// `test`, `parameter`, `nodes`, `hardware`, `network`, `campaign`, as far as the name has them.
    pub labels: BTreeMap<String, String>,
    /// What was expected and found where the name breaks the convention.
    pub hint: Option<String>,
}

/// The labels in a file's name without its extension.
///
/// `overhead_null_1pm.metal.lcl_1122-0732` gives test `overhead`, no parameter, nodes `1`, hardware `pm.metal`, network
/// `lcl`, campaign `1122-0732`. A part that is missing gives no label and a hint; a size or network with another name
/// than the known ones gives a label and a hint, for its place says what it is. A name without
/// `<nodes><pm|vm>.<size>.<network>` gives no label at all.
pub fn from_stem(stem: &str) -> NameLabels {
    let mut found = Found::default();
    let (rest, campaign) = match stem.rsplit_once('_') {
        Some((rest, last)) if is_campaign(last) => (rest, Some(last)),
        _ => (stem, None),
    };
    let Some(platform) = rest.rsplit_once('_').and_then(|(test, last)| Some((test, Platform::parse(last)?))) else {
        return NameLabels { labels: BTreeMap::new(), hint: Some(no_structure(stem)) };
    };
    let (test, platform) = platform;
    match campaign {
        Some(campaign) => found.label("campaign", campaign),
        None => found.miss("no campaign (MMDD-HHMM) at the end"),
    }
    found.test(test);
    found.platform(&platform);
    found.finish(stem)
}

const CONVENTION: &str = "<test>_<parameter>_<nodes><pm|vm>.<size>.<network>_<MMDD-HHMM>";

fn no_structure(stem: &str) -> String {
    format!("file name {stem:?}: expected {CONVENTION}, found another structure; set labels with --label name=value")
}

fn is_campaign(text: &str) -> bool {
    let digits = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-').is_some_and(|(day, time)| digits(day) && digits(time))
}

/// `<nodes><pm|vm>.<size>.<network>`, with what is missing as an empty text.
struct Platform<'a> {
    nodes: &'a str,
    device: &'static str,
    size: &'a str,
    network: &'a str,
}

impl<'a> Platform<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (machine, rest) = text.split_once('.')?;
        let (device, sizes) = SIZES.into_iter().find(|(device, _)| machine.ends_with(device))?;
        let nodes = machine.strip_suffix(device).filter(|nodes| nodes.bytes().all(|b| b.is_ascii_digit()))?;
        let (size, network) = match rest.split_once('.') {
            Some((size, network)) => (size, network),
            None if sizes.contains(&rest) => (rest, ""),
            None if NETWORKS.contains(&rest) => ("", rest),
            None => return None,
        };
        (!network.contains('.')).then_some(Self { nodes, device, size, network })
    }
}

#[derive(Default)]
struct Found {
    labels: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Found {
    fn label(&mut self, name: &str, value: &str) {
        self.labels.insert(name.to_owned(), value.to_owned());
    }

    fn miss(&mut self, what: &str) {
        self.wrong.push(what.to_owned());
    }

    fn test(&mut self, text: &str) {
        let (test, parameter) = text.rsplit_once('_').map_or((text, None), |(test, last)| (test, Some(last)));
        if test.is_empty() {
            self.miss("no test at the beginning");
        } else {
            self.label("test", test);
        }
        match parameter {
            Some("null") => {}
            None | Some("") => self.miss("no parameter before the nodes (expected a text, or null)"),
            Some(parameter) => self.label("parameter", parameter),
        }
    }

    fn platform(&mut self, platform: &Platform<'_>) {
        let Platform { nodes, device, size, network } = *platform;
        if nodes.is_empty() {
            self.miss(&format!("no number of nodes before {device}"));
        } else {
            self.label("nodes", nodes);
        }
        let known = SIZES.into_iter().find(|(name, _)| *name == device).map_or(&[][..], |(_, sizes)| sizes);
        if size.is_empty() {
            self.miss(&format!("no size after {device} (expected {})", known.join(", ")));
        } else {
            self.label("hardware", &format!("{device}.{size}"));
            if !known.contains(&size) {
                self.miss(&format!("unknown size {size:?} of {device} (known: {})", known.join(", ")));
            }
        }
        if network.is_empty() {
            self.miss(&format!("no network at the end of the machine (expected {})", NETWORKS.join(", ")));
        } else {
            self.label("network", network);
            if !NETWORKS.contains(&network) {
                self.miss(&format!("unknown network {network:?} (known: {})", NETWORKS.join(", ")));
            }
        }
    }

    fn finish(self, stem: &str) -> NameLabels {
        let found = self.wrong.join("; ");
        let text =
            format!("file name {stem:?}: expected {CONVENTION}, found {found}; set labels with --label name=value");
        NameLabels { labels: self.labels, hint: (!found.is_empty()).then_some(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(stem: &str) -> String {
        let pairs = from_stem(stem).labels.into_iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    }

    fn hint(stem: &str) -> String {
        from_stem(stem).hint.unwrap_or_default()
    }

    #[test]
    fn a_name_of_the_convention_gives_every_label() {
        let stem = "my_new_test_a_b_12vm.large.typ_1122-0732";
        assert_eq!(
            labels(stem),
            "campaign=1122-0732 hardware=vm.large network=typ nodes=12 parameter=b test=my_new_test_a"
        );
        assert_eq!(hint(stem), "");
    }

    #[test]
    fn the_parameter_null_is_no_parameter() {
        let stem = "overhead_null_1pm.metal.lcl_1122-0732";
        assert_eq!(labels(stem), "campaign=1122-0732 hardware=pm.metal network=lcl nodes=1 test=overhead");
        assert_eq!(hint(stem), "");
    }

    #[test]
    fn a_missing_part_gives_no_label_and_a_hint() {
        for (stem, expected, found) in [
            (
                "overhead__1vm.large.lcl_1122-0732",
                "campaign=1122-0732 hardware=vm.large network=lcl nodes=1 test=overhead",
                "no parameter",
            ),
            (
                "overhead_null_1pm.lcl_1122-0732",
                "campaign=1122-0732 network=lcl nodes=1 test=overhead",
                "no size after pm (expected metal)",
            ),
            (
                "overhead_null_1vm..lcl_1122-0732",
                "campaign=1122-0732 network=lcl nodes=1 test=overhead",
                "no size after vm (expected large, medium, small)",
            ),
            (
                "a_b_1vm.large_1122-0732",
                "campaign=1122-0732 hardware=vm.large nodes=1 parameter=b test=a",
                "no network",
            ),
            ("overhead_null_1vm.large.lcl", "hardware=vm.large network=lcl nodes=1 test=overhead", "no campaign"),
            (
                "overhead_null_vm.large.lcl_1122-0732",
                "campaign=1122-0732 hardware=vm.large network=lcl test=overhead",
                "no number of nodes before vm",
            ),
        ] {
            assert_eq!(labels(stem), expected, "{stem}");
            assert!(hint(stem).contains(found), "{stem}: {}", hint(stem));
            assert!(hint(stem).contains("--label"), "{stem}");
        }
    }

    #[test]
    fn an_unknown_size_or_network_keeps_its_label_and_gives_a_hint() {
        let network = "overhead_null_1vm.large.wan_1122-0732";
        assert!(labels(network).contains("network=wan"));
        assert!(hint(network).contains("unknown network \"wan\" (known: lcl, cld, bad, typ, opt)"));
        let size = "overhead_null_1vm.xlarge.lcl_1122-0732";
        assert!(labels(size).contains("hardware=vm.xlarge"));
        assert!(hint(size).contains("unknown size \"xlarge\" of vm (known: large, medium, small)"));
    }

    #[test]
    fn a_name_without_the_structure_gives_only_a_hint() {
        for stem in [
            "results",
            "",
            "_",
            "a_b",
            "overhead_1122-0732",
            "x_1vm.huge",
            "x_1vm.a.b.c",
            "x_abcvm.large.lcl_1122-0732",
        ] {
            assert_eq!(labels(stem), "", "{stem}");
            assert!(hint(stem).contains("found another structure"), "{stem}");
        }
    }
}
