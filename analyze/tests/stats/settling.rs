//! Warm-up and stationarity.

use faaslens_analyze::stats::{kpss, warm_up};
use proptest::prelude::*;

use crate::golden::{assert_near, cases, numbers};

#[test]
fn warm_up_and_kpss_follow_their_definitions() {
    for case in cases("settling") {
        let name = case["name"].as_str().expect("a name");
        let series = numbers(&case["x"]);
        assert_eq!(warm_up(&series).map(|n| n as u64), case["warm_up"].as_u64(), "{name}");
        let found = kpss(&series).expect("a spread");
        assert_near(found.statistic, &case["kpss"], name);
        assert_near(found.p_value, &case["p"], name);
        assert_eq!(Some(found.lags as u64), case["lags"].as_u64(), "{name}");
    }
}

#[test]
fn a_level_that_moves_is_told_from_one_that_stays() {
    let p_value = |name: &str| {
        let case = cases("settling").into_iter().find(|case| case["name"] == name).expect("a case");
        kpss(&numbers(&case["x"])).expect("a spread").p_value
    };
    assert!(p_value("settled") >= 0.1 && p_value("trend") <= 0.01);
}

#[test]
fn equal_values_have_no_warm_up_and_no_statistic() {
    assert_eq!((warm_up(&[3.0; 100]), kpss(&[3.0; 100])), (Some(0), None));
}

proptest! {
    #[test]
    fn any_values_are_taken(values in prop::collection::vec(prop::num::f64::ANY, 0..200)) {
        prop_assert!(warm_up(&values).is_none_or(|n| n < values.len()));
        prop_assert!(kpss(&values).is_none_or(|found| (0.01..=0.1).contains(&found.p_value)));
    }
}
