#![no_main]

#[expect(dead_code, reason = "each target uses one of the checks")]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the dialect.
    if let Some((first, log)) = bytes.split_first() {
        checks::log(checks::DIALECTS[usize::from(*first) % checks::DIALECTS.len()], log);
    }
});
