//! Sets of runs as a user writes them: ids, globs, label filters.

use faaslens_schemas::manifest::{Manifest, State};

use crate::outcome::wrong_use;

/// The complete runs that a text stands for, in order of id.
///
/// The text is a list separated by commas. `key=value` keeps runs with that label; several filters have to hold together.
/// Anything else is a run id; several of them add up. `*` and `?` stand for any characters in ids and values.
/// `date=2026-11-22` is the day of the first log stamp where no label is called so.
///
/// # Errors
/// When a part stands for no run; the message names what there is.
pub(crate) fn runs(text: &str, manifests: &[Manifest]) -> anyhow::Result<Vec<Manifest>> {
    let complete: Vec<&Manifest> = manifests.iter().filter(|manifest| manifest.state == State::Complete).collect();
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(wrong_use(format!("{text:?}: expected a run, a glob or key=value")));
    }
    let (filters, ids): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(|part| part.contains('='));
    let mut chosen: Vec<&Manifest> = if ids.is_empty() { complete.clone() } else { Vec::new() };
    for id in ids {
        let found = complete.iter().filter(|manifest| fits(id, &manifest.run));
        let before = chosen.len();
        chosen.extend(found);
        if chosen.len() == before {
            let known: Vec<&str> = complete.iter().map(|manifest| manifest.run.as_str()).collect();
            return Err(wrong_use(format!("no complete run {id:?}, expected one of: {}", some_of(known))));
        }
    }
    for filter in filters {
        let (key, value) = filter.split_once('=').unwrap_or((filter, ""));
        if !complete.iter().any(|manifest| label(manifest, key).is_some_and(|found| fits(value, &found))) {
            let known = complete.iter().filter_map(|manifest| label(manifest, key)).collect::<Vec<_>>();
            let known = known.iter().map(String::as_str).collect::<Vec<_>>();
            return Err(wrong_use(format!(
                "no complete run has the label {filter:?}; {key} is one of: {}",
                some_of(known)
            )));
        }
        chosen.retain(|manifest| label(manifest, key).is_some_and(|found| fits(value, &found)));
    }
    if chosen.is_empty() {
        return Err(wrong_use(format!("{text:?}: no run fits all of it")));
    }
    chosen.sort_by(|a, b| a.run.cmp(&b.run));
    chosen.dedup_by(|a, b| a.run == b.run);
    Ok(chosen.into_iter().cloned().collect())
}

/// Distinct names, the first twenty of them.
fn some_of(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(20);
    let shown = names.into_iter().take(20).collect::<Vec<_>>().join(", ");
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => shown,
        (_, more) => format!("{shown} and {more} more"),
    }
}

/// A label of a run; `date` is the day of its first log stamp unless it has a label of that name.
pub(crate) fn label(manifest: &Manifest, key: &str) -> Option<String> {
    let day = || manifest.window.as_ref().filter(|_| key == "date")?.from.get(..10).map(str::to_owned);
    manifest.labels.get(key).cloned().or_else(day)
}

/// Whether a text fits a pattern with `*` (any characters) and `?` (one character).
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, taken)) = star {
            // The last star takes one character more.
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use faaslens_schemas::manifest::Window;

    fn run(id: &str, network: &str) -> Manifest {
        let mut manifest = Manifest::new(id, 1);
        manifest.state = State::Complete;
        manifest.labels.insert("network".to_owned(), network.to_owned());
        manifest.window =
            Some(Window { from: "2026-11-22T07:00:00Z".to_owned(), to: "2026-11-22T08:00:00Z".to_owned() });
        manifest
    }

    fn store() -> Vec<Manifest> {
        vec![run("shop-1", "lcl"), run("shop-2", "lcl"), run("shop-3", "cld"), run("iot-1", "cld")]
    }

    fn chosen(text: &str) -> Vec<String> {
        runs(text, &store()).expect("runs").into_iter().map(|manifest| manifest.run).collect()
    }

    #[test]
    fn ids_and_globs_add_up_and_filters_hold_together() {
        assert_eq!(chosen("shop-1"), ["shop-1"]);
        assert_eq!(chosen("shop-2, iot-1"), ["iot-1", "shop-2"]);
        assert_eq!(chosen("shop-*,shop-1"), ["shop-1", "shop-2", "shop-3"]);
        assert_eq!(chosen("network=cld"), ["iot-1", "shop-3"]);
        assert_eq!(chosen("shop-?,network=c*"), ["shop-3"]);
        assert_eq!(chosen("date=2026-11-22").len(), 4);
    }

    #[test]
    fn what_stands_for_no_run_is_refused_with_what_there_is() {
        let refused = |text: &str| runs(text, &store()).expect_err("no run").to_string();
        assert!(refused("nope").contains("shop-1"));
        assert!(refused("network=opt").contains("cld, lcl"));
        assert!(refused("iot-1,network=lcl").contains("no run fits"));
        refused("");
        refused(",");
    }

    #[test]
    fn globs_fit_as_in_a_shell() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abbc"), ("*b*", "abc"), ("a?c", "abc"), ("**", "x"), ("a*b*c", "aXbYbZc")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a?", "a"), ("a*c", "ab"), ("abc", "ab")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
